/**
 * Uploads that are refused: what was on its way when we ended a stream is nobody's fault, and a client may
 * finish what it was sending, for a while, so that it reads the answer. The same over HTTP/1.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { E, F, PREFACE, Raw, T, block, frame, raw2 } from '../lib/h2.mjs';
import { atHost, test } from '../lib/hosts.mjs';
import { until } from '../lib/proc.mjs';

const run = promisify(execFile);
const NOWHERE = '/api/local/nowhere/x';
const HEAD = block([], { ':method': 'POST', ':path': NOWHERE });
const PIECE = Buffer.alloc(12_000);

/** The head of an upload that is refused. @param {number} id */
const upload = (id) => frame(T.HEADERS, F.END_HEADERS, id, HEAD);
/** 60 KB of it. @param {number} id */
const body = (id) => Buffer.concat(Array(5).fill(frame(T.DATA, 0, id, PIECE)));

atHost('rack', 'refused uploads', (bench) => {
    /** @param {import('node:test').TestContext} t @param {number} linger_ms */
    const open = (t, linger_ms) => bench.open(t, { config: { limits: { linger_ms, drain_ms: 100 } } });

    /** @param {import('../lib/h2.mjs').Raw} raw @param {number} id */
    const isServed = async (raw, id) => {
        raw.get(id);
        assert.equal(await raw.ending(id), 'end');
    };

    /** @param {import('../lib/h2.mjs').Raw} raw @param {number} id */
    const reset = (raw, id) => raw.until((f) => f.type === T.RST_STREAM && f.stream === id);

    test('60 KB in flight behind each of a hundred resets cost the client nothing', async (t) => {
        const host = await open(t, 0);
        const raw = await raw2(t, host.url);
        raw.socket.setNoDelay(true);
        for (let id = 1; id < 201; id += 2) {
            raw.send(upload(id));
            assert.equal((await reset(raw, id))?.payload.readUInt32BE(0), E.NO_ERROR);
            raw.send(body(id));
        }
        await isServed(raw, 201);
    });

    test('the same, byte by byte: frames are found wherever they are cut', async (t) => {
        const host = await open(t, 0);
        const socket = net.connect(Number(new URL(host.url).port), '127.0.0.1');
        t.after(() => socket.destroy());
        await once(socket, 'connect');
        socket.setNoDelay(true);
        const raw = new Raw(socket, true);
        /** @param {Buffer} bytes @param {number} size */
        const inPieces = async (bytes, size) => {
            for (let at = 0; at < bytes.length; at += size) {
                raw.send(bytes.subarray(at, at + size));
                await sleep(1);
            }
        };
        await inPieces(Buffer.concat([PREFACE, frame(T.SETTINGS, 0, 0), upload(1)]), 1);
        await reset(raw, 1);
        await inPieces(Buffer.concat([frame(T.DATA, 0, 1, Buffer.alloc(20)), upload(3)]), 1);
        await reset(raw, 3);
        await inPieces(Buffer.concat([body(3), upload(5), frame(T.DATA, F.END_STREAM, 5, Buffer.alloc(7))]), 4001);
        assert.equal(await raw.ending(5), 'end');
        await isServed(raw, 7);
        raw.send(frame(T.DATA, 0, 7, Buffer.from('x')));
        assert.equal(await raw.goaway(), E.STREAM_CLOSED);
    });

    test('bytes for a stream that is over, beyond its window, are a nuisance', async (t) => {
        const host = await open(t, 0);
        const raw = await raw2(t, host.url);
        raw.send(upload(1));
        await reset(raw, 1);
        for (let i = 0; i < 100 && !raw.frames.some((f) => f.type === T.GOAWAY); i++) {
            await raw.push(body(1));
            await sleep(2);
        }
        assert.equal(await raw.goaway(), E.ENHANCE_YOUR_CALM);
        assert.ok(await raw.ends());
    });

    test('END_STREAM on its way is no mistake, anything behind it is', async (t) => {
        const host = await open(t, 0);
        const raw = await raw2(t, host.url);
        raw.send(upload(1), upload(3));
        await reset(raw, 3);
        raw.send(frame(T.DATA, F.END_STREAM, 1, PIECE), frame(T.HEADERS, F.END_HEADERS | F.END_STREAM, 3, HEAD));
        await isServed(raw, 5);
        raw.send(frame(T.DATA, 0, 3, PIECE));
        assert.equal(await raw.goaway(), E.STREAM_CLOSED);
    });

    test('DATA for a stream that the client itself has reset: STREAM_CLOSED, and the others live', async (t) => {
        const host = await open(t, 0);
        for (const n of [3, 4, 1]) await bench.cluster.node(n).control({ mode: 'hang' });
        const raw = await raw2(t, host.url);
        raw.send(frame(T.HEADERS, F.END_HEADERS, 1, block([], { ':method': 'POST', ':path': '/api/heavy/code/echo' })));
        raw.send(frame(T.RST_STREAM, 0, 1, Buffer.from([0, 0, 0, E.CANCEL])), frame(T.DATA, 0, 1, PIECE));
        assert.equal(await raw.ending(1), E.STREAM_CLOSED);
        await isServed(raw, 3);
    });

    test('a refused body may be sent to its end, and then there is no reset', async (t) => {
        const host = await open(t, 2000);
        const raw = await raw2(t, host.url);
        raw.send(upload(1));
        assert.equal(await raw.ending(1), 'end');
        const windows = (/** @type {number} */ id) => raw.frames
            .filter((f) => f.type === T.WINDOW_UPDATE && f.stream === id)
            .reduce((sum, f) => sum + f.payload.readUInt32BE(0), 65_536);
        for (let sent = 0; sent < 1_200_000; sent += PIECE.length) {
            await until(() => windows(1) >= sent + PIECE.length, 'the window to open');
            raw.send(frame(T.DATA, 0, 1, PIECE));
        }
        raw.send(frame(T.DATA, F.END_STREAM, 1));
        await isServed(raw, 3);
        assert.ok(!raw.frames.some((f) => f.type === T.RST_STREAM));
    });

    test('but not for longer than linger_ms, nor beyond 6 MB', async (t) => {
        const host = await open(t, 400);
        const raw = await raw2(t, host.url);
        const began = performance.now();
        raw.send(upload(1));
        assert.equal((await reset(raw, 1))?.payload.readUInt32BE(0), E.NO_ERROR);
        const took = performance.now() - began;
        assert.ok(took > 350 && took < 2000, `${took} ms`);

        const patient = await raw2(t, (await open(t, 60_000)).url);
        patient.send(upload(1));
        let sent = 0;
        for (; sent < 20e6 && !patient.frames.some((f) => f.type === T.RST_STREAM); sent += PIECE.length) {
            await patient.push(frame(T.DATA, 0, 1, PIECE));
            await sleep(0);
        }
        assert.equal((await reset(patient, 1))?.payload.readUInt32BE(0), E.NO_ERROR);
        assert.ok(sent > 6e6 && sent < 10e6, `${sent} bytes`);
        await isServed(patient, 3);
    });

    test('who waits for 100 Continue and is refused is told at once that nothing is wanted', async (t) => {
        const host = await open(t, 60_000);
        const raw = await raw2(t, host.url);
        raw.send(frame(T.HEADERS, F.END_HEADERS, 1, block([['expect', '100-continue']], { ':method': 'POST', ':path': NOWHERE })));
        assert.equal((await reset(raw, 1))?.payload.readUInt32BE(0), E.NO_ERROR);
    });

    for (const how of ['--http2-prior-knowledge', '--http1.1']) {
        test(`curl ${how} sees the status of a refused upload`, async (t) => {
            const host = await bench.open(t);
            const dir = mkdtempSync(join(tmpdir(), 'heady-refused-'));
            t.after(() => rmSync(dir, { recursive: true, force: true }));
            writeFileSync(join(dir, 'body'), Buffer.alloc(5e6));
            for (let i = 0; i < 5; i++) {
                const args = ['-sS', '--max-time', '10', how, '-o', join(dir, 'answer'), '-w', '%{http_code}', '-H', 'expect:',
                    '--data-binary', `@${join(dir, 'body')}`, host.url + NOWHERE];
                assert.equal((await run('curl', args)).stdout, '404');
            }
        });
    }

    test('HTTP/1: a client that sends all of its 5 MB before it reads has its answer', async (t) => {
        const host = await bench.open(t);
        const head = `POST ${NOWHERE} HTTP/1.1\r\nhost: localhost\r\n`;
        const chunk = `4000\r\n${'x'.repeat(16384)}\r\n`;
        /** @type {Record<string, string>} */
        const bodies = {
            'with a length': `content-length: 5000000\r\n\r\n${'x'.repeat(5e6)}`,
            chunked: `transfer-encoding: chunked\r\n\r\n${chunk.repeat(305)}0\r\n\r\n`,
        };
        for (const [what, rest] of Object.entries(bodies)) {
            for (let i = 0; i < 5; i++) {
                const socket = net.connect({ port: Number(new URL(host.url).port), host: '127.0.0.1', allowHalfOpen: true });
                /** @type {unknown[]} */
                const errors = [];
                socket.on('error', (error) => errors.push(error));
                let text = '';
                await new Promise((resolve) => socket.write(head + rest, resolve));
                socket.on('data', (part) => (text += part));
                socket.end();
                await Promise.race([once(socket, 'close'), sleep(5000, undefined, { ref: false })]);
                assert.deepEqual(errors, [], what);
                assert.match(text, /^HTTP\/1\.1 404 /, what);
            }
        }
    });
});
