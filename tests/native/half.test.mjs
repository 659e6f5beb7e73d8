/**
 * Clients that end their side of the connection: who has only said all that he has to say (`nc -N`)
 * gets his answer, who has left frees the node within a second. A FIN looks the same of both.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { Certs } from '../lib/certs.mjs';
import { exchange } from '../lib/client.mjs';
import { atHost, test } from '../lib/hosts.mjs';
import { until } from '../lib/proc.mjs';

const HEAD = 'host: localhost\r\n';
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const BIG = 6_000_000;
const certs = new Certs();
certs.authority('ca').issue('server', 'ca');
after(() => certs.remove());
const TLS = ['--tls-cert', certs.file('server.pem'), '--tls-key', certs.file('server.key')];

/** @param {string} path @param {string} [more] @param {string} [version] */
const get = (path, more = '', version = '1.1') => `GET /api/local/slow${path} HTTP/${version}\r\n${HEAD}${more}\r\n`;
/** @param {string} text */
const statuses = (text) => [...text.matchAll(/HTTP\/1\.1 ([2-5][0-9][0-9])/g)].map((m) => Number(m[1]));

/** Who asked may have left: then this keeps nobody. @param {string} ms */
const pause = (ms) => sleep(Number(ms), undefined, { ref: false });

/** Answers after a while, in pieces, with a lot, or with how much has come.
 * @param {http.IncomingMessage} req @param {http.ServerResponse} res */
async function serve(req, res) {
    const [, what, n = '0', ms = '0'] = (req.url ?? '').split('/');
    if (what === 'after') {
        await pause(n);
        res.end('done');
    } else if (what === 'big') {
        res.end(Buffer.alloc(BIG, 'x'));
    } else if (what === 'sse') {
        res.writeHead(200, { 'content-type': 'text/event-stream' });
        for (let i = 0; i < Number(n); i += 1) {
            res.write(`data: ${i}\n\n`);
            await pause(ms);
        }
        res.end();
    } else {
        let sum = 0;
        await pause(n); // nothing is read meanwhile
        for await (const part of req) sum += part.length;
        res.end(`sum ${sum}`);
    }
}

atHost('rack', 'half-closed connections', (bench) => {
    /** @param {import('node:test').TestContext} t @param {{ args?: string[], tls?: boolean }} [over] */
    const open = async (t, over) => {
        /** When, by user-agent. @type {Record<string, number>} */
        const begunBy = {};
        /** @type {Record<string, number>} */
        const leftBy = {};
        const seen = { begun: 0, left: 0, begunBy, leftBy };
        const server = http.createServer((req, res) => {
            const agent = req.headers['user-agent'] ?? '';
            seen.begun += 1;
            begunBy[agent] = Date.now();
            req.on('error', () => {});
            res.on('close', () => {
                if (res.writableFinished) return;
                seen.left += 1;
                leftBy[agent] = Date.now();
            });
            serve(req, res).catch(() => {});
        }).listen(0, '127.0.0.1');
        await once(server, 'listening');
        t.after(() => { server.closeAllConnections(); server.close(); });
        const url = `http://127.0.0.1:${/** @type {net.AddressInfo} */ (server.address()).port}`;
        const env = { LOCAL_SERVICES: `slow=${url}`, COLAB_ENDPOINT_3: url };
        const host = await bench.open(t, { env, ...over });
        return { url: host.url, port: Number(new URL(host.url).port), seen };
    };
    /** @param {string} url @param {string} bytes @param {number} [timeout] */
    const half = (url, bytes, timeout = 10_000) => exchange(url, bytes, { half: true, timeout });

    for (const ms of [0, 100, 300]) {
        test(`the answer comes, after ${ms} ms, and then the end`, async (t) => {
            const { url, seen } = await open(t);
            const { text, closed, error } = await half(url, get(`/after/${ms}`));
            assert.ok(closed && error === null);
            assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
            if (ms > 0) assert.match(text, /\r\nconnection: close\r\n/);
            assert.ok(text.endsWith('done'), text);
            assert.equal(seen.left, 0);
        });
    }

    test('the end may come a little later than the request', async (t) => {
        const { port } = await open(t);
        const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
        let text = '';
        socket.on('data', (part) => (text += part));
        socket.write(get('/after/900'));
        await sleep(300);
        socket.end();
        await once(socket, 'end');
        socket.destroy();
        assert.ok(text.endsWith('done'), text);
    });

    test('a long answer is asked for with 100 Continue, now and then', async (t) => {
        const { url, seen } = await open(t);
        const { text, closed } = await half(url, get('/after/2500'));
        assert.ok(closed);
        const times = text.split(CONTINUE).length - 1;
        assert.ok(times >= 1 && times <= 4, text);
        assert.ok(text.startsWith(`${CONTINUE.repeat(times)}HTTP/1.1 200 OK\r\n`) && text.endsWith('done'), text);
        assert.equal(seen.left, 0);
    });

    test('bodies of a length and in chunks are whole', async (t) => {
        const { url } = await open(t);
        const post = `POST /api/local/slow/sum HTTP/1.1\r\n${HEAD}`;
        const long = await half(url, `${post}content-length: 5\r\n\r\nhello`);
        assert.ok(long.text.endsWith('sum 5'), long.text);
        const chunked = await half(url, `${post}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n`);
        assert.ok(chunked.text.endsWith('sum 4'), chunked.text);
    });

    test('a large body that waits for its target is whole', async (t) => {
        const { url } = await open(t);
        const post = `POST /api/local/slow/sum/1500 HTTP/1.1\r\n${HEAD}content-length: ${BIG}\r\n\r\n`;
        const { text } = await half(url, post + 'x'.repeat(BIG));
        assert.ok(text.endsWith(`sum ${BIG}`), text.slice(0, 500));
    });

    test('pipelined requests are all answered', async (t) => {
        const { url } = await open(t);
        const bytes = get('/after/30') + get('/after/30') + `GET /health HTTP/1.1\r\n${HEAD}\r\n` + get('/after/1');
        const { text, closed } = await half(url, bytes);
        assert.ok(closed);
        assert.deepEqual(statuses(text), [200, 200, 200, 200]);
        const many = await half(url, get('/after/0').repeat(2000));
        assert.deepEqual([statuses(many.text).length, many.closed], [2000, true]);
    });

    test('a large answer is whole', async (t) => {
        const { url } = await open(t);
        const { text, closed } = await half(url, get('/big'));
        assert.ok(closed);
        assert.equal(text.length - text.indexOf('\r\n\r\n') - 4, BIG);
    });

    for (const path of ['/api/local/slow', '/api/heavy/code']) {
        test(`a stream with pauses is whole: ${path}`, async (t) => {
            const { url, seen } = await open(t);
            const { text, closed } = await half(url, get('/sse/5/700').replace('/api/local/slow', path));
            assert.ok(closed);
            assert.equal(text.match(/data: /g)?.length, 5, text);
            assert.ok(text.endsWith('0\r\n\r\n'), text);
            assert.equal(seen.left, 0);
        });
    }

    test('over TLS as well', async (t) => {
        const { port } = await open(t, { args: TLS, tls: true });
        /** @type {tls.ConnectionOptions & { allowHalfOpen: boolean }} */
        const options = { port, host: '127.0.0.1', ca: certs.text('ca.pem'), allowHalfOpen: true };
        const socket = tls.connect(options);
        let text = '';
        socket.on('data', (part) => (text += part));
        socket.end(get('/after/700'));
        await once(socket, 'end');
        socket.destroy();
        assert.ok(text.endsWith('done'), text);
    });

    test('HTTP/1.0, which knows no 100 Continue, has less time', async (t) => {
        const { url, seen } = await open(t);
        const { text } = await half(url, get('/after/100', '', '1.0'));
        assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
        const late = await half(url, get('/after/3000', '', '1.0'));
        assert.deepEqual([late.text, late.closed], ['', true]);
        await until(() => seen.left === 1, 'the target to be let go', 1000);
    });

    test('half a request is none', async (t) => {
        const { url, seen } = await open(t);
        const post = `POST /api/local/slow/sum HTTP/1.1\r\n${HEAD}`;
        for (const bytes of ['GET / HT', '\r\n', `${post}content-length: 10\r\n\r\nhello`,
            `${post}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n`]) {
            const { text, closed } = await half(url, bytes, 2000);
            assert.deepEqual([text, closed], ['', true], bytes);
        }
        const { text } = await half(url, `${get('/after/1')}GET /api/lo`);
        assert.deepEqual(statuses(text), [200]);
        const body = await half(url, `${get('/after/1')}${post}content-length: 9\r\n\r\nhello`);
        assert.deepEqual([statuses(body.text), body.closed], [[200], true]);
        await until(() => seen.begun === seen.left + 2, 'the targets to be let go', 1000);
    });

    /** When a client leaves, and how. @type {Record<string, (socket: net.Socket, sleep: (ms: number) => Promise<void>) => unknown>} */
    const leaving = {
        'with its request': (socket) => socket.destroySoon(),
        'soon': async (socket) => { await sleep(60); socket.destroy(); },
        'later': async (socket) => { await sleep(700); socket.destroy(); },
        'having said that it has no more to say': async (socket) => { socket.end(); await sleep(150); socket.destroy(); },
        'by a reset': async (socket) => { await sleep(60); socket.resetAndDestroy(); },
    };
    /** What they wait for; the target knows them by their user-agent. @type {Record<string, (agent: string) => string>} */
    const waiting = {
        'an answer': (agent) => get('/after/5000', agent),
        'an answer in HTTP/1.0': (agent) => get('/after/5000', agent, '1.0'),
        'a silent stream': (agent) => get('/sse/2/5000', agent),
        'a stream': (agent) => get('/sse/100/50', agent),
        'a large body': (agent) => `POST /api/local/slow/sum/5000 HTTP/1.1\r\n${HEAD}${agent}content-length: ${BIG}\r\n\r\n`,
    };
    for (const [how, leave] of Object.entries(leaving)) {
        test(`who leaves ${how} frees the target within a second`, async (t) => {
            const { port, seen } = await open(t);
            await Promise.all(Object.entries(waiting).map(async ([what, request]) => {
                const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
                socket.on('error', () => {});
                socket.write(request(`user-agent: ${what}\r\n`));
                await until(() => seen.begunBy[what] || how === 'with its request', 'the request to come');
                await leave(socket, sleep);
                const left = Date.now();
                await sleep(how === 'with its request' ? 1000 : 0); // it may not even have begun
                await until(() => seen.leftBy[what] || !seen.begunBy[what], 'the target to be let go', 3000);
                const took = (seen.leftBy[what] ?? left) - left;
                assert.ok(took <= 1000, `${what}: after ${took} ms`);
            }));
        });
    }
});
