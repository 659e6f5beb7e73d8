/**
 * HTTP/2 to upstreams: one connection for many, what a target has not begun with is asked again at no
 * cost, a lost connection is one failure, back-pressure, and frames that no server should send.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { F, PREFACE, T, frame, literal, setting, u32 } from '../lib/h2.mjs';
import { until } from '../lib/proc.mjs';
import { startRack } from '../lib/rack.mjs';
import { certificate, frames2, server2 } from '../lib/upstream2.mjs';

const ECHO = '/api/heavy/code/echo';

describe('h2 upstream', { timeout: 120_000 }, () => {
    /** @type {import('../lib/upstream2.mjs').Certificate} */
    let cert;
    /** @type {(() => void)[]} */
    const cleanup = [];
    before(() => {
        cert = certificate((fn) => cleanup.push(fn));
    });
    after(() => cleanup.forEach((fn) => fn()));

    /** A daemon before node 3 (and 4). @param {import('node:test').TestContext} t @param {string[]} urls
     * @param {object} [options] */
    const open = async (t, urls, options = {}) => {
        const nodes = Object.fromEntries(urls.map((url, i) => [`COLAB_ENDPOINT_${i + 3}`, url]));
        const { limits = {}, ...rest } = /** @type {any} */ (options);
        const config = { heavy: { in_flight_max: 200 }, limits: { probe_ms: 0, ...limits } };
        const env = { GATEWAY_AUTH: 'off', SSL_CERT_FILE: cert.file, ...nodes };
        const host = await startRack({ config, env, args: ['--threads', '1'], ...rest });
        t.after(() => host.stop());
        return host;
    };

    /** @param {string} url @param {string} path @param {RequestInit} [init] */
    const ask = async (url, path, init) => {
        const answer = await fetch(url + path, init);
        return { status: answer.status, headers: answer.headers, text: await answer.text() };
    };

    /** @param {string} body */
    const post = (body) => ({ method: 'POST', body, headers: { 'content-type': 'application/json' } });

    /** What comes until there is a whole JSON object. @param {string} url @param {string} head */
    const bySocket = async (url, head) => {
        const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
        socket.on('error', () => {});
        socket.write(head);
        let text = '';
        socket.on('data', (part) => (text += part));
        await until(() => text.includes('}'), 'an answer');
        socket.destroy();
        return text;
    };

    /** "ready", "cooling" or "down". @param {string} url @param {string} node */
    const state = async (url, node) => JSON.parse((await ask(url, '/api/health')).text).backends[node].state;

    /** @param {import('node:http2').ServerHttp2Stream} stream */
    const answer = (stream, text = 'ok') => {
        stream.respond({ ':status': 200, 'content-type': 'text/plain' });
        stream.end(text);
    };

    test('fifty requests at once, while nothing is connected, share one connection', async (t) => {
        const up = await server2(t, cert, (stream) => setTimeout(() => answer(stream), 20));
        const host = await open(t, [up.url]);
        const all = await Promise.all(Array.from({ length: 50 }, () => ask(host.url, ECHO, post('{}'))));
        assert.deepEqual([...new Set(all.map((a) => `${a.status} ${a.text}`))], ['200 ok']);
        assert.equal(up.streams, 50);
        assert.equal(up.connections, 1);
    });

    test('what the target gets: pseudo-headers, no header of a connection', async (t) => {
        const up = await server2(t, cert, (stream, headers) => answer(stream, JSON.stringify(headers)));
        const host = await open(t, [up.url]);
        const got = JSON.parse((await ask(host.url, `${ECHO}?a=b`, post('{"x":1}'))).text);
        assert.equal(got[':path'], '/echo?a=b');
        assert.equal(`https://${got[':authority']}`, up.url);
        assert.equal(got[':scheme'], 'https');
        assert.equal(got['content-length'], '7');
        for (const name of ['connection', 'host', 'transfer-encoding', 'te']) assert.equal(got[name], undefined, name);
    });

    test('a hundred headers, and our own beside them', async (t) => {
        /** @type {unknown} */
        let seen;
        const up = await server2(t, cert, (stream, headers) => {
            seen = headers['openai-beta'];
            answer(stream, '{}');
        });
        const host = await open(t, [up.url]);
        for (const [names, size] of [[95, 8], [98, 8], [60, 1000]]) {
            const values = Array.from({ length: names }, (_, i) => `${i}${'v'.repeat(size)}`);
            const head = `GET ${ECHO} HTTP/1.1\r\nhost: localhost\r\n${values.map((v) => `openai-beta: ${v}\r\n`).join('')}\r\n`;
            assert.match(await bySocket(host.url, head), /^HTTP\/1\.1 200 /, `${names}`);
            assert.equal(seen, values.join(', '));
        }
    });

    test('HEAD, 204, 304 and an empty answer', async (t) => {
        const up = await server2(t, cert, (stream, headers) => {
            const status = Number(/** @type {string} */ (headers[':path']).slice(1));
            stream.respond({ ':status': status, ...(status === 200 && { 'content-length': '5' }) }, { endStream: status !== 200 || headers[':method'] === 'HEAD' });
        });
        const host = await open(t, [up.url]);
        const head = await ask(host.url, '/api/heavy/code/200', { method: 'HEAD' });
        assert.equal(head.status, 200);
        assert.equal(head.headers.get('content-length'), '5');
        for (const status of [204, 304, 201]) assert.equal((await ask(host.url, `/api/heavy/code/${status}`)).status, status);
    });

    test('an event stream is observed; a cut in it says so', async (t) => {
        const up = await server2(t, cert, async (stream, headers) => {
            stream.respond({ ':status': 200, 'content-type': 'text/event-stream' });
            for (let i = 0; i < 5; i++) {
                stream.write(`data: {"i":${i}}\n\n`);
                await sleep(5);
            }
            if (headers[':path'] === '/cut') stream.session?.destroy();
            else stream.end('data: [DONE]\n\n');
        });
        const host = await open(t, [up.url]);
        const whole = await ask(host.url, ECHO, post('{"stream":true}'));
        assert.equal(whole.text.match(/data: /g)?.length, 6);
        assert.match(whole.text, /\[DONE\]\n\n$/);
        const cut = await ask(host.url, '/api/heavy/code/cut', post('{"stream":true}'));
        assert.match(cut.text, /stream_cut/);
        assert.doesNotMatch(cut.text, /DONE/);
    });

    test('an upload of 5 MB arrives, also after a reset, from what is held', async (t) => {
        const body = randomBytes(5 << 20).toString('latin1').replace(/[^ -~]/g, 'x');
        /** @param {import('node:http2').ServerHttp2Stream} stream @param {boolean} reset */
        const digest = (stream, reset) => {
            const hash = createHash('sha256');
            let n = 0;
            stream.on('data', (part) => {
                hash.update(part);
                n += part.length;
                if (reset && n > 1 << 20) stream.close(2);
            });
            stream.on('end', () => stream.writable && answer(stream, hash.digest('hex')));
        };
        const bad = await server2(t, cert, (stream) => digest(stream, true));
        const good = await server2(t, cert, (stream) => digest(stream, false));
        const host = await open(t, [bad.url, good.url]);
        const got = await ask(host.url, ECHO, post(body));
        assert.equal(got.text, createHash('sha256').update(body).digest('hex'));
        assert.equal(good.streams, 1);
    });

    test('REFUSED_STREAM: asked again at once, and the node is not to blame', async (t) => {
        const up = await server2(t, cert, (stream, _, n) => (n === 1 ? stream.close(7) : answer(stream)));
        const host = await open(t, [up.url]);
        assert.equal((await ask(host.url, ECHO, post('{}'))).text, 'ok');
        assert.equal(up.streams, 2);
        assert.equal(up.connections, 1);
        assert.equal(await state(host.url, 'node-3'), 'ready');
    });

    test('REFUSED_STREAM without end: bounded, then the next target', async (t) => {
        const bad = await server2(t, cert, (stream) => stream.close(7));
        const good = await server2(t, cert, (stream) => answer(stream));
        const host = await open(t, [bad.url, good.url]);
        for (let i = 0; i < 4; i++) assert.equal((await ask(host.url, ECHO, post('{}'))).text, 'ok');
        assert.ok(bad.streams <= 8, `${bad.streams} streams`);
    });

    /** Twelve requests, one after the other, before a node that takes none and its twin: the first may
     * ask it, none waits, and by then it is known to be busy. @param {import('node:test').TestContext} t
     * @param {string} url of the node that takes none */
    const spare = async (t, url) => {
        const good = await server2(t, cert, (stream) => answer(stream));
        const host = await open(t, [url, good.url]);
        let asked = 0;
        for (let i = 0; i < 12; i++) {
            const began = Date.now();
            const got = await ask(host.url, ECHO, post(`{"n":${i}}`));
            assert.equal(got.text, 'ok');
            assert.ok(Date.now() - began < 900, `request ${i} took ${Date.now() - began} ms`);
            asked += Number(got.headers.get('x-heady-attempts')) - 1;
        }
        assert.ok(asked > 0 && asked <= 4, `${asked} attempts more`);
        const { backends } = JSON.parse((await ask(host.url, '/api/health')).text);
        const { state: is, reason, breaker, until: when } = backends['node-3'];
        assert.deepEqual([is, reason, breaker], ['cooling', 'busy', 'closed']);
        assert.ok(Date.parse(when) > Date.now() - 100, when);
        return host;
    };

    test('MAX_CONCURRENT_STREAMS=0: no more sessions, nobody waits, and the node is busy', async (t) => {
        let refused = 0;
        const bad = await server2(t, cert, (stream) => stream.close(7, () => refused++), { settings: { maxConcurrentStreams: 0 } });
        await spare(t, bad.url);
        assert.ok(bad.connections <= 2, `${bad.connections} connections`);
    });

    test('a request that meets SETTINGS of no streams before it has gone out is not kept back', async (t) => {
        const up = await server2(t, cert, (stream) => answer(stream));
        const host = await open(t, [up.url]);
        assert.equal((await ask(host.url, ECHO, post('{}'))).text, 'ok');
        process.kill(host.pid, 'SIGSTOP'); // so that it finds both in one turn, the request first
        const began = Date.now();
        const asked = ask(host.url, ECHO, { ...post('{}'), headers: { 'x-heady-timeout-ms': '700' } });
        await sleep(100);
        for (const session of up.sessions) session.settings({ maxConcurrentStreams: 0 });
        await sleep(50);
        process.kill(host.pid, 'SIGCONT');
        assert.ok((await asked).status >= 500);
        assert.ok(Date.now() - began < 1500, `${Date.now() - began} ms`);
        assert.equal(await state(host.url, 'node-3'), 'cooling');
        assert.deepEqual([up.streams, up.connections], [1, 1]);
    });

    test('a session that grants none is used again when it grants some', async (t) => {
        const up = await server2(t, cert, (stream) => answer(stream), { settings: { maxConcurrentStreams: 0 } });
        const host = await open(t, [up.url]);
        const first = ask(host.url, ECHO, post('{}'));
        await until(() => up.sessions.size > 0, 'a session');
        await sleep(100);
        for (const session of up.sessions) session.settings({ maxConcurrentStreams: 10 });
        assert.equal((await first).text, 'ok', 'it has waited for the cool-down');
        assert.equal(up.connections, 1);
    });

    test('REFUSED_STREAM without end makes the node busy', async (t) => {
        const bad = await server2(t, cert, (stream) => stream.close(7));
        await spare(t, bad.url);
    });

    test('GOAWAY at once, without end, makes the node busy', async (t) => {
        const bad = await server2(t, cert, (stream) => stream.session?.goaway(0, 0));
        bad.server.on('session', (session) => session.goaway(0, 0));
        await spare(t, bad.url);
        assert.ok(bad.connections <= 4, `${bad.connections} connections`);
    });

    test('no room for longer than connecting may take: asked for once, and it counts as its latency', async (t) => {
        const full = await server2(t, cert, (stream, headers) => {
            if (headers[':path'] !== '/hold') answer(stream);
        }, { settings: { maxConcurrentStreams: 1 } });
        const alone = await open(t, [full.url], { limits: { connect_ms: 300 } });
        const given = new AbortController();
        // eight sessions of one stream each are all that it may have, in this daemon's one loop
        assert.equal((await ask(alone.url, ECHO, post('{}'))).text, 'ok');
        const held = Array.from({ length: 8 }, () => ask(alone.url, '/api/heavy/code/hold', { ...post('{}'), signal: given.signal }).catch(() => 'gone'));
        await until(() => full.streams === 9, 'eight that are held', 5000);
        const began = Date.now();
        const got = await ask(alone.url, ECHO, { ...post('{}'), headers: { ...post('').headers, 'x-heady-timeout-ms': '800' } });
        assert.ok(got.status >= 500, `${got.status}`);
        assert.ok(Date.now() - began < 1500, `${Date.now() - began} ms`);
        const node = JSON.parse((await ask(alone.url, '/api/health')).text).backends['node-3'];
        assert.deepEqual([node.state, node.reason], ['cooling', 'busy']);
        assert.ok(node.latency_ms >= 290, `${node.latency_ms} ms`);
        given.abort();
        await Promise.all(held);
    });

    test('GOAWAY: streams below the last id finish, those above are asked again elsewhere', async (t) => {
        const up = await server2(t, cert, (stream, _, n) => {
            if (n < 3) setTimeout(() => answer(stream, 'old'), 300);
            else if (up.connections > 1) answer(stream, 'new');
            else stream.session?.goaway(0, 3);
        });
        const host = await open(t, [up.url]);
        const all = await Promise.all([1, 2, 3, 4].map(async (i) => {
            await sleep(i * 30);
            return (await ask(host.url, ECHO, post('{}'))).text;
        }));
        assert.deepEqual(all, ['old', 'old', 'new', 'new']);
        assert.equal(up.connections, 2);
    });

    test('a connection lost under twenty streams is one failure', async (t) => {
        const bad = await server2(t, cert, (stream, _headers, n) => {
            if (n === 20) for (const session of bad.sessions) session.destroy();
            if (n > 20) answer(stream);
        });
        const host = await open(t, [bad.url], { breaker: { failure_threshold: 2 } });
        const all = await Promise.all(Array.from({ length: 20 }, () => ask(host.url, ECHO, post('{}'))));
        // Nobody else is left: each asks the same node once more, after a pause.
        assert.ok(all.every((a) => a.status === 200), all.map((a) => a.status).join());
        assert.equal(bad.connections, 2);
        const { backends } = JSON.parse((await ask(host.url, '/api/health')).text);
        assert.deepEqual([backends['node-3'].breaker, backends['node-3'].since], ['closed', null]);
    });

    test('HTTP/1.1 where ALPN says so, and where the configuration does', async (t) => {
        /** @type {string[]} */
        const versions = [];
        const up = await server2(t, cert, (stream) => answer(stream), { allowHTTP1: true });
        up.server.on('request', (req, res) => {
            versions.push(req.httpVersion);
            if (req.httpVersion === '1.1') res.end('one');
        });
        const off = await open(t, [up.url], { limits: { upstream_http2: false } });
        assert.equal((await ask(off.url, ECHO, post('{}'))).text, 'one');
        const on = await open(t, [up.url]);
        assert.equal((await ask(on.url, ECHO, post('{}'))).text, 'ok');
        assert.deepEqual(versions, ['1.1', '2.0']);
        const old = await server2(t, cert, () => {}, { allowHTTP1: true, ALPNProtocols: ['http/1.1'] });
        old.server.on('request', (_, res) => res.end('one'));
        const host = await open(t, [old.url]);
        const all = await Promise.all(Array.from({ length: 20 }, () => ask(host.url, ECHO, post('{}'))));
        assert.ok(all.every((a) => a.text === 'one'));
    });

    test('more than a session takes: others are opened, up to a bound', async (t) => {
        const up = await server2(t, cert, (stream) => setTimeout(() => answer(stream), 30), { settings: { maxConcurrentStreams: 4 } });
        const host = await open(t, [up.url]);
        await ask(host.url, ECHO, post('{}'));
        const all = await Promise.all(Array.from({ length: 60 }, () => ask(host.url, ECHO, post('{}'))));
        assert.ok(all.every((a) => a.text === 'ok'), all.map((a) => a.text).join());
        assert.ok(up.connections > 1 && up.connections <= 8, `${up.connections} connections`);
    });

    test('a client that does not read holds its stream back, not the others, in bounded memory', async (t) => {
        let sent = 0;
        const chunk = Buffer.alloc(65536, 'x');
        const up = await server2(t, cert, (stream, headers) => {
            if (headers[':path'] !== '/big') return answer(stream);
            stream.respond({ ':status': 200, 'content-type': 'application/octet-stream' });
            const more = () => {
                while (!stream.destroyed && stream.write(chunk)) sent += chunk.length;
            };
            stream.on('drain', more);
            more();
        });
        const host = await open(t, [up.url], { plain: true });
        const before = host.residentKib();
        const requests = Array.from({ length: 8 }, () => http.get(`${host.url}/api/heavy/code/big`, (res) => res.pause()));
        for (const r of requests) r.on('error', () => {});
        await sleep(1500);
        assert.ok(sent < 80 << 20, `${sent} bytes were taken`);
        assert.equal((await ask(host.url, ECHO, post('{}'))).text, 'ok');
        const more = host.residentKib() - before;
        requests.forEach((r) => r.destroy());
        assert.ok(more < 16384, `${more} KiB more`);
    });

    test('a client that leaves cancels its stream only', async (t) => {
        let closed = 0;
        const up = await server2(t, cert, (stream, _, n) => {
            if (n > 1) return answer(stream);
            stream.on('close', () => (closed = stream.rstCode ?? -1));
        });
        const host = await open(t, [up.url]);
        const given = new AbortController();
        const gone = ask(host.url, ECHO, { ...post('{}'), signal: given.signal }).catch(() => 'gone');
        await until(() => up.streams === 1, 'the stream');
        given.abort();
        assert.equal(await gone, 'gone');
        await until(() => closed === 8, 'RST_STREAM(CANCEL)');
        assert.equal((await ask(host.url, ECHO, post('{}'))).text, 'ok');
        assert.equal(up.connections, 1);
    });

    test('an idle session is closed', async (t) => {
        const up = await server2(t, cert, (stream) => answer(stream));
        const host = await open(t, [up.url], { limits: { upstream_idle_ms: 200 } });
        await ask(host.url, ECHO, post('{}'));
        await until(() => up.sessions.size === 0, 'the session to end', 3000);
        assert.equal((await ask(host.url, ECHO, post('{}'))).text, 'ok');
    });

    // ------------------------------------------------------------ frames by hand

    const OK = literal(':status', '200');
    const settings = frame(T.SETTINGS, 0, 0);

    /** A node that answers the first bytes of a request with `bytes`; what the client then gets.
     * @param {import('node:test').TestContext} t @param {Buffer[]} bytes */
    const hostile = async (t, ...bytes) => {
        const up = await frames2(t, cert, (socket) => {
            let got = Buffer.alloc(0);
            socket.on('data', (part) => {
                const before = got.length;
                got = Buffer.concat([got, part]);
                // HEADERS of stream 1 follow the preface and SETTINGS
                const at = got.indexOf(Buffer.from([0, 0, 0, 1]), PREFACE.length);
                if (at > 0 && before <= at && !socket.destroyed) socket.write(Buffer.concat([settings, ...bytes]));
            });
        });
        const host = await open(t, [up.url], { limits: { request_ms: 600 } });
        return ask(host.url, ECHO).then((a) => `${a.status} ${a.text}`, () => 'cut');
    };
    const body = frame(T.DATA, F.END_STREAM, 1, Buffer.from('hello'));
    /** @param {Buffer[]} fields */
    const head = (...fields) => frame(T.HEADERS, F.END_HEADERS, 1, Buffer.concat(fields));

    test('the frames that are right, for comparison', async (t) => {
        assert.equal(await hostile(t, head(OK), body), '200 hello');
        assert.equal(await hostile(t, head(literal(':status', '103')), head(OK, literal('content-length', '5')), body), '200 hello');
        const trailers = frame(T.HEADERS, F.END_HEADERS | F.END_STREAM, 1, literal('x-sum', '1'));
        assert.equal(await hostile(t, head(OK), frame(T.DATA, 0, 1, Buffer.from('hello')), trailers), '200 hello');
    });

    test('a length that is not the body\'s is a cut', async (t) => {
        for (const n of ['4', '6']) assert.equal(await hostile(t, head(OK, literal('content-length', n)), body), 'cut', n);
    });

    test('heads that HTTP/1 would refuse are refused', async (t) => {
        for (const bad of [
            [literal('x-a', 'b')], [OK, OK], [literal(':status', '101')], [literal(':status', '2000')],
            [OK, literal('connection', 'close')], [OK, literal('transfer-encoding', 'chunked')],
            [OK, literal('x-a', 'b\r\nset-cookie: c')], [OK, literal('x-a', 'b\0')], [OK, literal('X-A', 'b')],
            [OK, literal('content-length', '5'), literal('content-length', '5')], [OK, literal('content-length', '+5')],
            [literal('x-a', 'b'), OK], [OK, literal(':path', '/')],
        ]) {
            assert.match(await hostile(t, head(...bad), body), /^50[234] /, bad.map(String).join(' '));
        }
    });

    test('floods end the connection: 1xx, PING, SETTINGS, CONTINUATION, empty DATA', async (t) => {
        /** @param {Buffer} bytes */
        const many = (bytes, n = 3000) => Buffer.concat(Array.from({ length: n }, () => bytes));
        for (const flood of [
            many(head(literal(':status', '103')), 50), many(frame(T.PING, 0, 0, Buffer.alloc(8))),
            many(frame(T.SETTINGS, 0, 0, setting(3, 100))), many(frame(T.WINDOW_UPDATE, 0, 0, u32(1))),
            Buffer.concat([frame(T.HEADERS, 0, 1, OK), many(frame(T.CONTINUATION, 0, 1, literal('x-a', 'b'.repeat(1000))))]),
        ]) assert.match(await hostile(t, flood, head(OK), body), /^50[234] /);
        assert.equal(await hostile(t, head(OK), many(frame(T.DATA, 0, 1)), body), 'cut');
    });

    test('a pushed stream and frames that break the connection', async (t) => {
        assert.match(await hostile(t, frame(T.PUSH_PROMISE, F.END_HEADERS, 1, u32(2)), head(OK), body), /^50[234] /);
        assert.match(await hostile(t, frame(T.DATA, 0, 3, Buffer.from('x')), head(OK), body), /^50[234] /);
        assert.match(await hostile(t, frame(T.HEADERS, F.END_HEADERS, 1, Buffer.from([0xff, 0xff, 0xff, 0xff])), body), /^50[234] /);
    });
});
