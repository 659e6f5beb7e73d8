/** HTTP/2 from clients: real ones, and what the protocol asks of a server. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { bytesDigest } from '../node/answers.mjs';
import { Certs } from '../lib/certs.mjs';
import { ask } from '../lib/client.mjs';
import { E, F, PREFACE, T, answer2, ask2, block, connect2, frame, literal, raw2, setting, u32 } from '../lib/h2.mjs';
import { atHost, test } from '../lib/hosts.mjs';
import { sha256 } from '../lib/keys.mjs';
import { until, within } from '../lib/proc.mjs';
import { startRack } from '../lib/rack.mjs';

const run = promisify(execFile);
const MIB = 1 << 20;
const ECHO = '/api/heavy/code/echo';
const CHAT = '/api/heavy/code/v1/chat/completions';

/** @param {string} text @returns {string[]} the data of each event */
function dataOf(text) {
    return text.split('\n\n').filter((e) => e.startsWith('data:')).map((e) => e.slice(5).trim());
}

/** Waits until a counter has not moved for half a second. @param {() => number} count */
async function standsStill(count) {
    let last = count();
    let since = Date.now();
    const still = () => {
        if (count() !== last) [last, since] = [count(), Date.now()];
        return Date.now() - since >= 500;
    };
    await until(still, 'the bytes to stand still', 10_000);
}

atHost('rack', 'h2', (bench) => {
    const idle = () => bench.cluster.nodes.every((node) => node.stats().in_flight === 0);

    /** @param {import('node:test').TestContext} t @param {unknown} [config] */
    const plain = async (t, config = {}) => {
        const env = { ...bench.cluster.env, GATEWAY_AUTH: 'off' };
        const host = await startRack({ plain: true, config, env });
        t.after(() => host.stop());
        return host;
    };

    // ------------------------------------------------------------ clients

    test('curl with prior knowledge: GET, POST, HEAD, an upload', async (t) => {
        const host = await bench.open(t);
        const dir = mkdtempSync(join(tmpdir(), 'heady-h2-'));
        t.after(() => rmSync(dir, { recursive: true }));
        const body = randomBytes(3 * MIB);
        writeFileSync(join(dir, 'body'), body);
        /** @param {...string} args */
        const curl = async (...args) =>
            (await run('curl', ['-sS', '--max-time', '10', '--http2-prior-knowledge', ...args])).stdout;
        assert.match(await curl('-i', `${host.url}/health`), /^HTTP\/2 200 \r\n[^]*\r\n\r\nhealthy\n$/);
        assert.equal(JSON.parse(await curl(host.url + ECHO, '-d', 'hello')).length, 5);
        const head = await curl('-I', `${host.url}/api/heavy/code/bytes?n=300`);
        assert.match(head, /^HTTP\/2 200 /);
        assert.match(head, /content-length: 300\r\n/);
        const upload = await curl(`${host.url}/api/heavy/code/sha`, '--data-binary', `@${join(dir, 'body')}`);
        assert.equal(JSON.parse(upload).sha256, sha256(body));
    });

    test('h2load: four connections, 32 streams each, nothing fails', async (t) => {
        const host = await bench.open(t);
        const args = ['-n', '2000', '-c', '4', '-m', '32', '-T', '20', `${host.url}/health`];
        const { stdout } = await run('h2load', args, { timeout: 25_000 });
        assert.match(stdout, /2000 succeeded, 0 failed, 0 errored, 0 timeout/);
    });

    test('a hundred requests at once in one connection, each with its own answer', async (t) => {
        const host = await bench.open(t);
        const session = await connect2(t, host.url);
        const answers = await Promise.all(Array.from({ length: 100 }, (_, i) =>
            ask2(session, `${ECHO}/${i}`, { body: randomBytes(i * 100) })));
        for (const [i, answer] of answers.entries()) {
            assert.equal(answer.status, 200, answer.text);
            const said = JSON.parse(answer.text);
            assert.deepEqual([said.path, said.length], [`/echo/${i}`, i * 100]);
        }
    });

    test('what is negotiated: streams, windows, heads; no push', async (t) => {
        const host = await bench.open(t);
        const session = await connect2(t, host.url);
        const said = session.remoteSettings;
        assert.equal(said.maxConcurrentStreams, 128);
        assert.equal(said.initialWindowSize, 65536);
        assert.equal(said.maxHeaderListSize, 65536);
        assert.equal(await new Promise((resolve) => session.ping((error) => resolve(error))), null);
        const narrow = await bench.open(t, { config: { limits: { streams_max: 3 } } });
        assert.equal((await connect2(t, narrow.url)).remoteSettings.maxConcurrentStreams, 3);
    });

    test('over TLS, by ALPN: uploads and downloads at once, whole', async (t) => {
        const certs = new Certs();
        t.after(() => certs.remove());
        certs.authority('ca').issue('server', 'ca');
        const args = ['--tls-cert', certs.file('server.pem'), '--tls-key', certs.file('server.key')];
        const env = { ...bench.cluster.env, GATEWAY_AUTH: 'off' };
        const host = await startRack({ env, args, tls: true });
        t.after(() => host.stop());
        const session = await connect2(t, host.url, { ca: certs.text('ca.pem') });
        assert.equal(session.alpnProtocol, 'h2');
        const body = randomBytes(2 * MIB);
        const uploads = Array.from({ length: 4 }, () => ask2(session, '/api/heavy/code/sha', { body }));
        const downloads = Array.from({ length: 4 }, () => ask2(session, '/api/heavy/batch/bytes?n=3000000'));
        for (const { text } of await Promise.all(uploads)) assert.equal(JSON.parse(text).sha256, sha256(body));
        for (const answer of await Promise.all(downloads)) {
            assert.ok(answer.whole);
            assert.equal(sha256(answer.body), bytesDigest(3_000_000));
        }
    });

    test('Upgrade: h2c is not taken up: the answer is HTTP/1', async (t) => {
        const host = await bench.open(t);
        const { stdout } = await run('curl', ['-sS', '--max-time', '5', '--http2', '-i', `${host.url}/health`]);
        assert.match(stdout, /^HTTP\/1\.1 200 /);
    });

    test('the preface byte by byte; and one that goes wrong is HTTP/1, and refused', async (t) => {
        const host = await bench.open(t);
        const port = Number(new URL(host.url).port);
        const socket = net.connect(port, '127.0.0.1');
        t.after(() => socket.destroy());
        socket.setNoDelay(true);
        for (const byte of PREFACE) {
            socket.write(Buffer.from([byte]));
            await sleep(2);
        }
        socket.write(frame(T.SETTINGS, 0, 0));
        const [first] = await once(socket, 'data');
        assert.equal(first[3], T.SETTINGS);
        const other = net.connect(port, '127.0.0.1');
        t.after(() => other.destroy());
        other.write('PRI * HTTP/2.0\r\n\r\n');
        await sleep(30);
        other.write('XX\r\n\r\n');
        const [text] = await once(other, 'data');
        assert.match(String(text), /^HTTP\/1\.1 (400|505) /);
    });

    test('the preface is that of a connection, not of a request behind another', async (t) => {
        const host = await bench.open(t);
        const socket = net.connect(Number(new URL(host.url).port), '127.0.0.1');
        t.after(() => socket.destroy());
        let text = '';
        socket.on('data', (part) => (text += part.toString('latin1')));
        socket.write(`GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n${PREFACE}`);
        await once(socket, 'end');
        assert.match(text, /healthy\nHTTP\/1\.1 (400|505) /);
    });

    // ------------------------------------------------------------ requests

    test('Expect: 100-continue is answered when the body is wanted, and not when it is refused', async (t) => {
        const host = await bench.open(t);
        const session = await connect2(t, host.url);
        const headers = { ':method': 'POST', 'expect': '100-continue', 'content-length': '5' };
        const stream = session.request({ ...headers, ':path': ECHO }, { endStream: false });
        stream.on('continue', () => stream.end('hello'));
        const answer = await answer2(stream);
        assert.equal(answer.status, 200);
        assert.equal(JSON.parse(answer.text).length, 5);
        const refused = session.request({ ...headers, ':path': '/nothing' }, { endStream: false });
        let continued = false;
        refused.on('continue', () => (continued = true));
        assert.equal((await answer2(refused)).status, 404);
        assert.ok(!continued);
    });

    test('trailers end a body, and go no further', async (t) => {
        const host = await bench.open(t);
        const session = await connect2(t, host.url);
        const stream = session.request({ ':method': 'POST', ':path': ECHO }, { endStream: false, waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-late': '1' }));
        stream.end('hello');
        const said = JSON.parse((await answer2(stream)).text);
        assert.equal(said.length, 5);
        assert.equal(said.headers['x-late'], undefined);
    });

    test('a body of no declared length reaches the node; a whole one has its length', async (t) => {
        const host = await bench.open(t);
        const session = await connect2(t, host.url);
        const stream = session.request({ ':method': 'POST', ':path': ECHO }, { endStream: false });
        const answer = answer2(stream);
        for (const part of ['ab', 'cd', 'ef']) {
            stream.write(part);
            await sleep(10);
        }
        stream.end();
        const slow = JSON.parse((await answer).text);
        assert.equal(slow.length, 6);
        assert.equal(slow.headers['transfer-encoding'], 'chunked');
        const raw = await raw2(t, host.url);
        const fields = block([], { ':method': 'POST', ':path': ECHO });
        raw.send(frame(T.HEADERS, F.END_HEADERS, 1, fields), frame(T.DATA, F.END_STREAM, 1, Buffer.from('abc')));
        assert.equal(await raw.status(1), 200);
        await until(() => bench.cluster.nodes.some((n) => n.stats().last?.headers['content-length'] === '3'), 'the length');
    });

    test('5 MB, reset half-way at the first node, reach the second whole', async (t) => {
        const host = await bench.open(t);
        const session = await connect2(t, host.url);
        const body = randomBytes(5 * MIB);
        await bench.cluster.node(3).control({ mode: 'reset_body', after: body.length / 2, count: 1 });
        for (let i = 0; i < 4 && bench.cluster.node(3).stats().requests === 0; i++) {
            const answer = await ask2(session, '/api/heavy/code/sha', { body });
            assert.equal(answer.status, 200, answer.text);
            assert.equal(JSON.parse(answer.text).sha256, sha256(body));
        }
        assert.equal(bench.cluster.node(3).stats().requests, 1);
    });

    test('an early answer ends the stream: the rest of the body is not wanted', async (t) => {
        const host = await bench.open(t);
        const raw = await raw2(t, host.url);
        const fields = block([['content-length', '50000000']], { ':method': 'POST', ':path': '/nothing' });
        raw.send(frame(T.HEADERS, F.END_HEADERS, 1, fields), frame(T.DATA, 0, 1, Buffer.alloc(10_000)));
        const end = await raw.until((f) => f.type === T.DATA && (f.flags & F.END_STREAM) !== 0);
        assert.ok(end, 'the answer is whole');
        const rst = await raw.until((f) => f.type === T.RST_STREAM);
        assert.equal(rst?.payload.readUInt32BE(0), E.NO_ERROR);
        raw.get(3);
        assert.equal(await raw.ending(3), 'end', 'the connection lives on');
    });

    test('node:http2 sees an early answer, and goes on with the connection', async (t) => {
        const host = await bench.open(t);
        const session = await connect2(t, host.url);
        const answer = await ask2(session, '/nothing', { body: Buffer.alloc(2 * MIB) });
        assert.equal(answer.status, 404);
        assert.match(answer.text, /"error"/);
        assert.equal((await ask2(session, '/health')).text, 'healthy\n');
    });

    test('limits: a long target is 414, many or large headers 431, a large body 413', async (t) => {
        const host = await bench.open(t, { config: { limits: { body_bytes_max: 100_000 } } });
        const session = await connect2(t, host.url, { maxSendHeaderBlockLength: 1_000_000 });
        assert.equal((await ask2(session, `/api/heavy/code/${'a'.repeat(20_000)}`)).status, 414);
        const many = Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`x-${i}`, 'y']));
        assert.equal((await ask2(session, '/health', { headers: many })).status, 431);
        assert.equal((await ask2(session, '/health', { headers: { 'x-long': 'y'.repeat(65_400) } })).status, 431);
        assert.equal((await ask2(session, '/health', { headers: { 'x-long': 'y'.repeat(60_000) } })).status, 200);
        assert.equal((await ask2(session, ECHO, { body: Buffer.alloc(200_000) })).status, 413);
        const stream = session.request({ ':method': 'POST', ':path': ECHO }, { endStream: false });
        const answer = answer2(stream);
        for (let i = 0; i < 20; i++) stream.write(Buffer.alloc(10_000));
        assert.equal((await answer).status, 413);
    });

    test('a cookie that comes in crumbs is one', async (t) => {
        const host = await bench.open(t);
        const raw = await raw2(t, host.url);
        raw.get(1, block([['cookie', 'a=1'], ['x-a', 'b'], ['cookie', 'b=2'], ['cookie', 'c=3']]));
        assert.equal(await raw.status(1), 200);
    });

    test('a body that does not come is a 408, and the node is left alone', async (t) => {
        const host = await bench.open(t, { config: { limits: { client_body_ms: 300 } } });
        const session = await connect2(t, host.url);
        const headers = { ':method': 'POST', ':path': ECHO, 'content-length': '100' };
        const stream = session.request(headers, { endStream: false });
        stream.write('half');
        assert.equal((await answer2(stream)).status, 408);
        await until(idle, 'the node to be left alone');
        assert.equal((await ask2(session, '/health')).status, 200);
    });

    test('an idle connection is ended with GOAWAY, and PING does not keep it', async (t) => {
        const host = await bench.open(t, { config: { limits: { client_idle_ms: 400 } } });
        const raw = await raw2(t, host.url);
        raw.get(1);
        assert.equal(await raw.ending(1), 'end');
        const ping = setInterval(() => raw.send(frame(T.PING, 0, 0, Buffer.alloc(8))), 50);
        t.after(() => clearInterval(ping));
        assert.equal(await raw.goaway(3000), E.NO_ERROR);
        assert.ok(await raw.ends(2000));
        assert.ok(raw.frames.some((f) => f.type === T.PING && f.flags === F.ACK), 'PING was answered');
    });

    // ------------------------------------------------------------ answers

    test('an event does not wait for the next', async (t) => {
        const host = await bench.open(t);
        const session = await connect2(t, host.url);
        for (const headers of [{}, { 'x-heady-stream': 'fast' }]) {
            const id = `h2-${Object.keys(headers).length}`;
            const stream = session.request({ ':path': `/api/heavy/code/sse-ack?id=${id}&n=20`, ...headers });
            let text = '';
            let acked = 0;
            for await (const part of stream) {
                text += part;
                const n = dataOf(text.slice(0, text.lastIndexOf('\n\n') + 2)).filter((d) => d !== '[DONE]').length;
                for (; acked < n; acked++) {
                    for (const node of [3, 4]) await ask(bench.cluster.node(node).url, `/ack?id=${id}&i=${acked + 1}`);
                }
            }
            assert.equal(acked, 20);
        }
    });

    test('an answer that is cut is a reset, and what had come is there', async (t) => {
        const host = await bench.open(t);
        const session = await connect2(t, host.url);
        for (const mode of ['truncate', 'reset_answer']) {
            for (const n of [3, 4]) await bench.cluster.node(n).control({ mode, after: 30_000 });
            const answer = await ask2(session, '/api/heavy/code/bytes?n=90000');
            assert.equal(answer.status, 200);
            assert.equal(answer.code, E.INTERNAL_ERROR);
            assert.ok(!answer.whole);
            assert.ok(answer.body.length > 0);
        }
        await bench.cluster.heal();
        assert.equal((await ask2(session, '/api/heavy/code/bytes?n=90000')).body.length, 90_000);
    });

    test('a client that cancels its stream frees the node at once', async (t) => {
        const host = await bench.open(t);
        const session = await connect2(t, host.url);
        const body = JSON.stringify({ stream: true, messages: [], max_tokens: 10_000, ms_per_token: 20 });
        const stream = session.request({ ':method': 'POST', ':path': CHAT }, { endStream: false });
        stream.end(body);
        await once(stream, 'data');
        stream.on('error', () => {});
        stream.close(E.CANCEL);
        await until(idle, 'the node to be let go', 1000);
        assert.equal((await ask2(session, '/health')).status, 200);
    });

    test('a client that closes its connection frees all its nodes', async (t) => {
        const host = await bench.open(t);
        const session = await connect2(t, host.url);
        const body = JSON.stringify({ stream: true, messages: [], max_tokens: 10_000, ms_per_token: 20 });
        const streams = Array.from({ length: 6 }, () => {
            const stream = session.request({ ':method': 'POST', ':path': CHAT }, { endStream: false });
            stream.on('error', () => {});
            stream.end(body);
            return once(stream, 'data');
        });
        await Promise.all(streams);
        session.destroy();
        await until(idle, 'the nodes to be let go', 1000);
    });

    test('a large download does not keep a small request waiting', async (t) => {
        const host = await bench.open(t);
        const session = await connect2(t, host.url);
        const large = answer2(session.request({ ':path': '/api/heavy/code/bytes?n=60000000' }));
        let over = false;
        void large.then(() => (over = true));
        await sleep(50);
        const began = performance.now();
        for (let i = 0; i < 5; i++) assert.equal((await ask2(session, '/health')).status, 200);
        const took = performance.now() - began;
        const during = !over;
        assert.equal((await large).body.length, 60_000_000);
        assert.ok(!during || took < 2000, `five small ones took ${took} ms`);
    });

    test('two downloads share a connection fairly', async (t) => {
        const host = await bench.open(t);
        const raw = await raw2(t, host.url, { settings: setting(4, 0x7fffffff) });
        for (const id of [1, 3]) raw.get(id, block([], { ':path': '/api/heavy/code/bytes?n=3000000' }));
        raw.send(frame(T.WINDOW_UPDATE, 0, 0, u32(100_000_000)));
        assert.equal(await raw.ending(1, 10_000), 'end');
        assert.equal(await raw.ending(3, 10_000), 'end');
        const data = raw.frames.filter((f) => f.type === T.DATA);
        const first = data.findIndex((f) => (f.flags & F.END_STREAM) !== 0);
        const bytes = [1, 3].map((id) =>
            data.slice(0, first + 1).filter((f) => f.stream === id).reduce((sum, f) => sum + f.payload.length, 0));
        assert.ok(Math.min(...bytes) > 300_000, `when the first was through: ${bytes}`);
    });

    test('a slow reader of a large download stays bounded', async (t) => {
        const host = await plain(t);
        const session = await connect2(t, host.url);
        await ask2(session, '/api/heavy/code/bytes?n=1000000');
        const before = host.residentKib();
        const streams = Array.from({ length: 4 }, () => {
            const stream = session.request({ ':path': '/api/heavy/code/bytes?n=50000000' });
            stream.on('error', () => {});
            stream.pause();
            return stream;
        });
        await Promise.all(streams.map((stream) => once(stream, 'response')));
        const sent = () => bench.cluster.nodes.reduce((sum, node) => sum + node.stats().bytes_out, 0);
        await standsStill(sent);
        assert.ok(sent() < 100_000_000, `${sent()} bytes of 200,000,000 were taken in`);
        t.diagnostic(`memory grew by ${host.residentKib() - before} KiB`);
        assert.ok(host.residentKib() - before <= 4096, `${host.residentKib() - before} KiB`);
        assert.equal((await ask2(session, '/health')).status, 200);
        let got = 0;
        for await (const part of streams[0]) got += part.length;
        assert.equal(got, 50_000_000);
        for (const stream of streams) stream.close(E.CANCEL);
        await until(idle, 'the nodes to be let go', 3000);
    });

    test('an upload to a node that does not read is held back, not piled up', async (t) => {
        const deaf = net.createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
        await once(deaf, 'listening');
        t.after(() => deaf.close());
        const { port } = /** @type {net.AddressInfo} */ (deaf.address());
        const env = { COLAB_ENDPOINT_3: `http://127.0.0.1:${port}`, GATEWAY_AUTH: 'off' };
        const config = { limits: { replay_bytes_max: 100_000, drain_ms: 200 } };
        const host = await startRack({ plain: true, config, env });
        t.after(() => host.stop());
        const session = await connect2(t, host.url, { maxSessionMemory: 1000 });
        const before = host.residentKib();
        const sent = () => session.socket.bytesWritten;
        for (let i = 0; i < 6; i++) {
            const stream = session.request({ ':method': 'POST', ':path': ECHO }, { endStream: false });
            stream.on('error', () => {});
            stream.write(Buffer.alloc(20 * MIB));
        }
        await standsStill(sent);
        t.diagnostic(`${sent()} bytes went out of 120 MiB; memory grew by ${host.residentKib() - before} KiB`);
        assert.ok(host.residentKib() - before <= 4096, `${host.residentKib() - before} KiB`);
        assert.equal((await ask2(session, '/health')).status, 200);
        session.destroy();
    });

    test('memory of an idle stream', async (t) => {
        const host = await plain(t);
        const N = 60;
        const session = await connect2(t, host.url);
        const open = (/** @type {number} */ n) => Promise.all(Array.from({ length: n }, async () => {
            const path = `/api/heavy/${['code', 'batch', 'vision', 'reasoning'][Math.floor(Math.random() * 4)]}`;
            const stream = session.request({ ':path': `${path}/sse-ack?id=m${Math.random()}&n=5` });
            stream.on('error', () => {});
            await once(stream, 'data');
            return stream;
        }));
        const warm = await open(8);
        const before = host.residentKib();
        await open(N - 8 - 16);
        const each = (host.residentKib() - before) / (N - 8 - 16);
        t.diagnostic(`${each.toFixed(1)} KiB for each stream, its upstream connection included`);
        assert.ok(each <= 24, `${each} KiB`);
        assert.equal(warm.length, 8);
        session.destroy();
    });

    // ------------------------------------------------------------ the end

    test('SIGTERM: GOAWAY, a running stream finishes, new ones go elsewhere, the exit is 0', async (t) => {
        const env = { ...bench.cluster.env, GATEWAY_AUTH: 'off' };
        const host = await startRack({ env });
        t.after(() => host.child.stop('SIGKILL'));
        const raw = await raw2(t, host.url);
        const body = Buffer.from(JSON.stringify({ stream: true, messages: [], max_tokens: 30, ms_per_token: 20 }));
        raw.send(frame(T.HEADERS, F.END_HEADERS, 1, block([], { ':method': 'POST', ':path': CHAT })));
        raw.send(frame(T.DATA, F.END_STREAM, 1, body));
        await raw.until((f) => f.type === T.DATA);
        host.child.process.kill('SIGTERM');
        const notice = await raw.until((f) => f.type === T.GOAWAY);
        assert.equal(notice?.payload.readUInt32BE(0), 0x7fffffff, 'first only that it is coming');
        const ping = await raw.until((f) => f.type === T.PING);
        raw.get(3, block()); // under way when the client had not yet heard
        raw.send(frame(T.PING, F.ACK, 0, ping?.payload ?? Buffer.alloc(8)));
        const last = await raw.until((f) => f.type === T.GOAWAY && f.payload.readUInt32BE(0) !== 0x7fffffff);
        assert.equal(last?.payload.readUInt32BE(0), 3);
        assert.equal(await raw.ending(3), 'end');
        assert.equal(await raw.ending(1), 'end');
        const text = Buffer.concat(raw.frames.filter((f) => f.type === T.DATA && f.stream === 1).map((f) => f.payload));
        assert.match(text.toString(), /\[DONE\]/);
        assert.deepEqual(await within(host.child.exited, 2000), { code: 0, signal: null }, host.log());
    });

    test('an idle connection does not hold the end up', async (t) => {
        const env = { ...bench.cluster.env, GATEWAY_AUTH: 'off' };
        const host = await startRack({ env });
        t.after(() => host.child.stop('SIGKILL'));
        const session = await connect2(t, host.url);
        await ask2(session, '/health');
        host.child.process.kill('SIGTERM');
        assert.deepEqual(await within(host.child.exited, 2000), { code: 0, signal: null }, host.log());
    });

    test('what does not finish in drain_ms is cut', async (t) => {
        const env = { ...bench.cluster.env, GATEWAY_AUTH: 'off' };
        const host = await startRack({ env, config: { limits: { drain_ms: 300 } } });
        t.after(() => host.child.stop('SIGKILL'));
        const session = await connect2(t, host.url);
        const stream = session.request({ ':path': '/api/heavy/code/sse-ack?id=drain&n=5' });
        const answer = answer2(stream);
        await once(stream, 'data');
        host.child.process.kill('SIGTERM');
        assert.equal((await within(host.child.exited, 3000))?.code, 0, host.log());
        assert.ok(!(await answer).whole);
    });

    // ------------------------------------------------------------ malformed requests

    test('malformed heads are refused in their stream, and reach no node', async (t) => {
        const host = await bench.open(t);
        const raw = await raw2(t, host.url);
        /** @type {Record<string, Buffer>} */
        const bad = {
            'connection': block([['connection', 'close']]),
            'keep-alive': block([['keep-alive', 'timeout=5']]),
            'proxy-connection': block([['proxy-connection', 'close']]),
            'transfer-encoding': block([['transfer-encoding', 'chunked']]),
            'upgrade': block([['upgrade', 'websocket']]),
            'te: gzip': block([['te', 'gzip']]),
            'an upper-case name': block([['X-A', 'b']]),
            'a second :path': Buffer.concat([block(), literal(':path', '/x')]),
            'an unknown pseudo-header': block([], { ':x': 'y' }),
            'a pseudo-header behind a header': Buffer.concat([literal('x-a', 'b'), block()]),
            'an empty :path': block([], { ':path': '' }),
            'no :path': Buffer.concat([literal(':method', 'GET'), literal(':scheme', 'http')]),
            'no :method': Buffer.concat([literal(':path', '/'), literal(':scheme', 'http')]),
            'two lengths': block([['content-length', '0'], ['content-length', '1']]),
            'a length that is no number': block([['content-length', '+1']]),
            ':protocol': block([], { ':method': 'CONNECT', ':protocol': 'websocket' }),
        };
        let id = 1;
        for (const [what, fields] of Object.entries(bad)) {
            raw.get(id, fields);
            assert.equal(await raw.ending(id), E.PROTOCOL_ERROR, what);
            id += 2;
        }
        raw.get(id, block([['te', 'trailers']]));
        assert.equal(await raw.ending(id), 'end');
        assert.equal(bench.cluster.requests(), 0);
    });

    test('what HTTP/2 allows and we do not is a 400 or 501', async (t) => {
        const host = await bench.open(t);
        /** @type {Record<string, [number, Buffer]>} */
        const bad = {
            'a Host that is not :authority': [400, block([['host', 'other']])],
            'userinfo in :authority': [400, block([], { ':authority': 'a@localhost' })],
            'another scheme': [400, block([], { ':scheme': 'ftp' })],
            'CONNECT': [501, Buffer.concat([literal(':method', 'CONNECT'), literal(':authority', 'localhost:80')])],
            'an unknown Expect': [417, block([['expect', 'more']])],
        };
        for (const [what, [status, fields]] of Object.entries(bad)) {
            const raw = await raw2(t, host.url);
            raw.get(1, fields);
            assert.equal(await raw.status(1), status, what);
            raw.socket.destroy();
        }
        const raw = await raw2(t, host.url);
        raw.get(1, block([['host', 'LOCALHOST']]));
        assert.equal(await raw.status(1), 200);
        raw.get(3, block([], { ':method': 'OPTIONS', ':path': '*' }));
        assert.equal(await raw.status(3), 204, 'OPTIONS * is answered');
        assert.equal(bench.cluster.requests(), 0);
    });
});
