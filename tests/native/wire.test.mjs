/** HTTP/1.1 as it is on the wire: what `fetch` would never show. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, begin, exchange, json } from '../lib/client.mjs';
import { atHost, test } from '../lib/hosts.mjs';
import { until } from '../lib/proc.mjs';

const HOST = 'host: localhost\r\n';
const ECHO = '/api/heavy/code/echo';

/** How many final responses are in the text. @param {string} text */
function count(text) {
    return text.split(/HTTP\/1\.1 [2-5][0-9][0-9] /).length - 1;
}

atHost('rack', 'wire', (bench) => {
    test('pipelined requests are answered in order', async (t) => {
        const host = await bench.open(t);
        const paths = ['/health', `${ECHO}/1`, '/nothing', `${ECHO}/2`, '/api/heavy/code/bytes?n=100', '/health'];
        const bytes = paths.map((path) => `GET ${path} HTTP/1.1\r\n${HOST}\r\n`).join('');
        const { text } = await exchange(host.url, bytes, { enough: (s) => s.match(/healthy/g)?.length === 2 });
        assert.equal(count(text), paths.length);
        const marks = ['healthy', '/echo/1', ' 404 ', '/echo/2', 'octet-stream'].map((m) => text.indexOf(m));
        assert.deepEqual(marks, [...marks].sort((a, b) => a - b), text);
        assert.ok(marks.every((at) => at >= 0), text);
    });

    test('pipelined requests with bodies do not run into each other', async (t) => {
        const host = await bench.open(t);
        const one = `POST ${ECHO} HTTP/1.1\r\n${HOST}content-length: 5\r\n\r\nhello`;
        const two = `POST ${ECHO} HTTP/1.1\r\n${HOST}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`;
        const three = `GET ${ECHO} HTTP/1.1\r\n${HOST}connection: close\r\n\r\n`;
        const { text, closed } = await exchange(host.url, one + two + three);
        assert.ok(closed);
        const lengths = [...text.matchAll(/"length":([0-9]+)/g)].map((m) => Number(m[1]));
        assert.deepEqual(lengths, [5, 3, 0]);
    });

    test('a request may come byte by byte', async (t) => {
        const host = await bench.open(t);
        const text = await new Promise((resolve, reject) => {
            const socket = net.connect(Number(new URL(host.url).port), '127.0.0.1');
            let got = '';
            socket.setNoDelay(true);
            socket.on('data', (part) => (got += part));
            socket.on('close', () => resolve(got));
            socket.on('error', reject);
            const bytes =
                `POST ${ECHO} HTTP/1.1\r\n${HOST}connection: close\r\ntransfer-encoding: chunked\r\n\r\n` +
                '5\r\nhello\r\n0\r\n\r\n';
            (async () => {
                for (const byte of bytes) {
                    socket.write(byte);
                    await sleep(1);
                }
            })();
        });
        assert.match(text, /^HTTP\/1\.1 200 /);
        assert.match(text, /"length":5/);
    });

    test('HEAD has the head of GET and no body, and the connection lives on', async (t) => {
        const host = await bench.open(t);
        const bytes =
            `HEAD /api/heavy/code/bytes?n=300 HTTP/1.1\r\n${HOST}\r\n` +
            `HEAD /health HTTP/1.1\r\n${HOST}\r\nGET /health HTTP/1.1\r\n${HOST}connection: close\r\n\r\n`;
        const { text } = await exchange(host.url, bytes);
        assert.equal(count(text), 3);
        const lengths = [...text.split('\r\n\r\n')[0].matchAll(/content-length: ([0-9]+)/gi)];
        assert.ok(lengths.every((length) => length[1] === '300'), 'what GET would get, or nothing');
        assert.equal(text.match(/healthy\n/g)?.length, 1);
    });

    test('Expect: 100-continue is answered when the body is wanted, and not before', async (t) => {
        const host = await bench.open(t);
        const { req, response } = begin(host.url, ECHO, {
            method: 'POST',
            headers: { 'expect': '100-continue', 'content-length': '5' },
        });
        let continued = false;
        req.on('continue', () => {
            continued = true;
            req.end('hello');
        });
        req.flushHeaders();
        const res = await response;
        let text = '';
        for await (const part of res) text += part;
        assert.ok(continued);
        assert.equal(JSON.parse(text).length, 5);
        assert.equal(JSON.parse(text).headers.expect, undefined);
    });

    test('Expect: 100-continue is not answered when the request is refused', async (t) => {
        const host = await bench.open(t);
        const bytes = `POST /nothing HTTP/1.1\r\n${HOST}expect: 100-continue\r\ncontent-length: 5\r\n\r\n`;
        const { text } = await exchange(host.url, bytes, { enough: (s) => s.includes(' 404 ') });
        assert.ok(!text.includes('100 Continue'), text);
        assert.match(text, /^HTTP\/1\.1 404 /);
    });

    test('an early answer reaches a client that is still sending', async (t) => {
        const host = await bench.open(t);
        const { req, response } = begin(host.url, '/api/heavy/code/early?status=422', {
            method: 'POST',
            headers: { 'content-length': '50000000' },
        });
        req.on('error', () => {});
        const feed = setInterval(() => req.write(Buffer.alloc(10_000)), 5);
        t.after(() => clearInterval(feed));
        const res = await response;
        assert.equal(res.statusCode, 422);
        let text = '';
        for await (const part of res) text += part;
        assert.match(text, /the node has seen enough/);
        clearInterval(feed);
        req.destroy();
    });

    test('a refusal reaches a client that sends its body without waiting', async (t) => {
        const host = await bench.open(t);
        for (let i = 0; i < 5; i++) {
            const answer = await ask(host.url, '/nothing', { body: Buffer.alloc(300_000) });
            assert.equal(answer.status, 404);
            assert.ok(answer.whole);
        }
    });

    test('what has two readings, or none, is refused and the connection closed', async (t) => {
        const host = await bench.open(t);
        const bad = {
            'two lengths': `POST ${ECHO} HTTP/1.1\r\n${HOST}content-length: 3\r\ncontent-length: 4\r\n\r\nabcd`,
            'length and chunked':
                `POST ${ECHO} HTTP/1.1\r\n${HOST}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
            'no host': `GET ${ECHO} HTTP/1.1\r\n\r\n`,
            'two hosts': `GET ${ECHO} HTTP/1.1\r\n${HOST}${HOST}\r\n`,
            'a bare LF': `GET ${ECHO} HTTP/1.1\n${HOST}\r\n`,
            'a space before the colon': `GET ${ECHO} HTTP/1.1\r\nhost : localhost\r\n\r\n`,
            'a folded header': `GET ${ECHO} HTTP/1.1\r\n${HOST}x-a: b\r\n c\r\n\r\n`,
            'a bad chunk size': `POST ${ECHO} HTTP/1.1\r\n${HOST}transfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n`,
            'not HTTP': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
            'HTTP/0.9': `GET ${ECHO}\r\n\r\n`,
            'another coding': `POST ${ECHO} HTTP/1.1\r\n${HOST}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
            'a sign in a length': `POST ${ECHO} HTTP/1.1\r\n${HOST}content-length: +3\r\n\r\nabc`,
        };
        for (const [what, bytes] of Object.entries(bad)) {
            const { text, closed } = await exchange(host.url, `${bytes}GET /health HTTP/1.1\r\n${HOST}\r\n`);
            assert.match(text, /^HTTP\/1\.1 (4[0-9][0-9]|50[15]) /, `${what}: ${text}`);
            assert.equal(count(text), 1, `${what}: nothing after it is read`);
            assert.ok(closed, what);
        }
    });

    test('a head has its limits', async (t) => {
        const host = await bench.open(t);
        const many = Array.from({ length: 150 }, (_, i) => `x-${i}: y\r\n`).join('');
        const long = `x-long: ${'y'.repeat(70_000)}\r\n`;
        for (const head of [many, long]) {
            const { text } = await exchange(host.url, `GET /health HTTP/1.1\r\n${HOST}${head}\r\n`);
            assert.match(text, /^HTTP\/1\.1 431 /, text);
        }
        const target = `/api/heavy/code/${'a'.repeat(20_000)}`;
        const { text } = await exchange(host.url, `GET ${target} HTTP/1.1\r\n${HOST}\r\n`);
        assert.match(text, /^HTTP\/1\.1 414 /, text.slice(0, 200));
    });

    test('HTTP/1.0 is answered, and closed', async (t) => {
        const host = await bench.open(t);
        const { text, closed } = await exchange(host.url, `GET /health HTTP/1.0\r\n${HOST}\r\n`);
        assert.match(text, /^HTTP\/1\.[01] 200 /);
        assert.ok(closed);
        const chunked = await exchange(host.url, `GET /api/heavy/code/bytes?n=50&chunked=1 HTTP/1.0\r\n${HOST}\r\n`);
        assert.ok(!/transfer-encoding/i.test(chunked.text), 'HTTP/1.0 knows no chunks');
        assert.equal(chunked.text.split('\r\n\r\n')[1].length, 50);
    });

    test('CONNECT is a 501 or a 400, and TRACE no way to read headers', async (t) => {
        const host = await bench.open(t);
        const { text } = await exchange(host.url, `CONNECT localhost:80 HTTP/1.1\r\n${HOST}\r\n`);
        assert.match(text, /^HTTP\/1\.1 (501|400) /);
    });

    test('upstream connections are used again', async (t) => {
        const host = await bench.open(t);
        for (let i = 0; i < 30; i++) {
            assert.equal((await ask(host.url, ECHO, { body: `${i}` })).status, 200);
        }
        const connections = [3, 4].map((n) => bench.cluster.node(n).stats().connections);
        assert.ok(connections[0] <= 2 && connections[1] <= 2, `${connections}`);
    });

    test('a kept connection that has gone stale costs no request', async (t) => {
        const host = await bench.open(t);
        for (let round = 0; round < 10; round++) {
            for (const n of [3, 4]) {
                await bench.cluster.node(n).stop();
                await bench.cluster.node(n).start();
            }
            const answer = await ask(host.url, ECHO, { body: `${round}` });
            assert.equal(answer.status, 200, answer.text);
        }
    });

    test('a head that does not come is a 408, and does not hold the connection', async (t) => {
        const host = await bench.open(t, { config: { limits: { client_head_ms: 300 } } });
        const began = Date.now();
        const { text, closed } = await exchange(host.url, 'GET /health HTTP/1.1\r\nhos');
        assert.ok(closed);
        assert.ok(Date.now() - began < 2000);
        assert.match(text, /^(HTTP\/1\.1 408 |$)/);
    });

    test('a body that does not come is a 408', async (t) => {
        const host = await bench.open(t, { config: { limits: { client_body_ms: 300 } } });
        const bytes = `POST ${ECHO} HTTP/1.1\r\n${HOST}content-length: 100\r\n\r\nhalf`;
        const { text, closed } = await exchange(host.url, bytes);
        assert.ok(closed);
        assert.match(text, /^HTTP\/1\.1 408 /);
        const idle = () => bench.cluster.nodes.every((node) => node.stats().in_flight === 0);
        await until(idle, 'the node to be left alone');
    });

    test('an idle connection is closed in time', async (t) => {
        const host = await bench.open(t, { config: { limits: { client_idle_ms: 300 } } });
        const bytes = `GET /health HTTP/1.1\r\n${HOST}\r\n`;
        const { text, closed } = await exchange(host.url, bytes, { timeout: 3000 });
        assert.ok(closed);
        assert.equal(count(text), 1);
    });

    test('a client that sends half a body and leaves frees the node', async (t) => {
        const host = await bench.open(t);
        const bytes = `POST /api/heavy/code/sha HTTP/1.1\r\n${HOST}content-length: 100000\r\n\r\n${'x'.repeat(50_000)}`;
        await exchange(host.url, bytes, { timeout: 300 });
        const idle = () => bench.cluster.nodes.every((node) => node.stats().in_flight === 0);
        await until(idle, 'the node to be left alone', 2000);
        assert.equal((await ask(host.url, '/health')).status, 200);
    });

    test('the answer to a request with a body has its facts', async (t) => {
        const host = await bench.open(t);
        const answer = await ask(host.url, ECHO, { body: 'x' });
        assert.match(String(answer.headers['x-heady-overhead-us']), /^[0-9]+$/);
        assert.ok(Number(answer.headers['x-heady-overhead-us']) < 1_000_000);
        assert.ok(answer.headers.date);
        assert.equal(json(answer).length, 1);
    });
});
