/** Early hints (103) on their way from a node to a client, in whichever protocol each of them speaks. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { exchange } from '../lib/client.mjs';
import { atHost, test } from '../lib/hosts.mjs';
import { answer2, connect2 } from '../lib/h2.mjs';
import { certificate, server2 } from '../lib/upstream2.mjs';

const PATH = '/api/local/page/x';
const LINK = '</style.css>; rel=preload; as=style';
const GET = `GET ${PATH} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`;

atHost('rack', 'hints', (bench) => {
    /** A service that gives hints before each answer, and waits until they must have gone on.
     * @param {import('node:test').TestContext} t @param {number} [hints] */
    const service = async (t, hints = 1) => {
        /** @type {(() => void)[]} */
        const held = [];
        const server = http.createServer((req, res) => {
            for (let i = 0; i < hints; i += 1) {
                res.writeEarlyHints({ 'link': '<http://127.0.0.1:1/secret>; rel=preload' });
                res.writeEarlyHints({ 'link': LINK, 'x-secret': 'yes' });
            }
            res.writeProcessing();
            held.push(() => res.end('the page'));
        }).listen(0, '127.0.0.1');
        await once(server, 'listening');
        t.after(() => { server.closeAllConnections(); server.close(); });
        const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
        return { url: `http://127.0.0.1:${port}`, answer: () => held.splice(0).forEach((go) => go()) };
    };
    /** @param {import('node:test').TestContext} t @param {string} url */
    const open = (t, url) => bench.open(t, { env: { LOCAL_SERVICES: `page=${url}` } });

    test('pass on to an HTTP/1.1 client before the answer, without what would show the target', async (t) => {
        const page = await service(t);
        const host = await open(t, page.url);
        const enough = (/** @type {string} */ text) => {
            if (text.endsWith('Processing\r\n\r\n') || text.includes(' 102 ')) page.answer();
            return false;
        };
        const { text, closed } = await exchange(host.url, GET, { enough });
        assert.ok(closed);
        assert.ok(text.startsWith(`HTTP/1.1 103 Early Hints\r\nlink: ${LINK}\r\n\r\nHTTP/1.1 102 `), text);
        assert.match(text, /\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
        assert.ok(text.endsWith('the page'), text);
        assert.doesNotMatch(text, /secret/);
    });

    test('pass on to an HTTP/2 client', async (t) => {
        const page = await service(t);
        const host = await open(t, page.url);
        const session = await connect2(t, host.url);
        const stream = session.request({ ':path': PATH });
        /** @type {unknown[]} */
        const links = [];
        stream.on('headers', (head) => {
            links.push(head.link);
            if (head[':status'] === 102) page.answer();
        });
        const answer = await answer2(stream);
        assert.deepEqual([answer.interim, answer.status, answer.text], [[103, 102], 200, 'the page']);
        assert.deepEqual(links, [LINK, undefined]);
        assert.ok(answer.whole);
    });

    test('come from an HTTP/2 target as well', async (t) => {
        const cert = certificate((fn) => t.after(fn));
        const node = await server2(t, cert, (stream) => {
            stream.additionalHeaders({ ':status': 103, 'link': LINK });
            stream.respond({ ':status': 200 });
            stream.end('the page');
        });
        const config = { upstream_tls: { ca_file: cert.file } };
        const host = await bench.open(t, { env: { LOCAL_SERVICES: `page=${node.url}` }, config });
        const { text } = await exchange(host.url, GET);
        assert.ok(text.startsWith(`HTTP/1.1 103 Early Hints\r\nlink: ${LINK}\r\n\r\nHTTP/1.1 200 OK\r\n`), text);
    });

    test('an HTTP/1.0 client, which knows none, gets none', async (t) => {
        const page = await service(t);
        const host = await open(t, page.url);
        const asked = exchange(host.url, GET.replace('HTTP/1.1', 'HTTP/1.0'));
        const timer = setInterval(page.answer, 20);
        const { text } = await asked;
        clearInterval(timer);
        assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
        assert.ok(text.endsWith('the page'), text);
    });

    test('too many are no answer', async (t) => {
        const page = await service(t, 25);
        const host = await open(t, page.url);
        const { text, closed } = await exchange(host.url, GET);
        assert.ok(closed);
        assert.ok(text.split(' 103 ').length <= 17, 'eight of each attempt, and of all of them');
        assert.match(text, /\r\n\r\nHTTP\/1\.1 502 Bad Gateway\r\n/);
    });

    test('a pipelined request gets its own', async (t) => {
        const page = await service(t);
        const host = await open(t, page.url);
        const enough = (/** @type {string} */ text) => {
            page.answer();
            return text.split('the page').length === 3;
        };
        const timer = setInterval(page.answer, 20);
        const { text } = await exchange(host.url, GET.replace('connection: close\r\n', '') + GET, { enough });
        clearInterval(timer);
        assert.deepEqual([...text.matchAll(/HTTP\/1\.1 ([0-9]+)/g)].map((m) => m[1]), ['103', '102', '200', '103', '102', '200']);
    });
});
