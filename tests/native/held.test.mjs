/** What is held of requests stays within replay_total_max, however many bodies do not end, in whatever framing. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, begin, json } from '../lib/client.mjs';
import { connect2 } from '../lib/h2.mjs';
import { atHost, test } from '../lib/hosts.mjs';
import { keyLines, sha256 } from '../lib/keys.mjs';
import { until } from '../lib/proc.mjs';
import { startRack } from '../lib/rack.mjs';

const MIB = 1 << 20;
const TOTAL = 16 * MIB;
const PROCESS = '/api/heavy/process';
const BODIES = 20;
const SENT = 29 * MIB;
const DECLARED = 30 * MIB;
/** What a connection has of its own (HTTP/2: a stream), and what the heap keeps of a burst. */
const SLACK_KIB = BODIES * 256 + 8192;
const ANN = 'hk-ann-0123456789';
const BOB = 'hk-bob-0123456789';
const ENV = { GATEWAY_AUTH: '', GATEWAY_KEYS: keyLines({ ann: ANN, bob: BOB }) };
const PART = Buffer.from(`{"type":"batch","prompt":"${'x'.repeat(MIB - 26)}`);
const MORE = Buffer.alloc(MIB, 'x');
const BODY = Buffer.alloc(2 * MIB, 'y');

/** Writes `sent` bytes of one JSON object that does not end, as fast as they are taken: the first megabyte, and
 * when nobody has objected the rest.
 * @param {import('node:stream').Writable} to @param {number} sent @param {() => boolean} refused */
function fill(to, sent, refused) {
    to.on('error', () => {});
    to.write(PART);
    setTimeout(() => {
        for (let n = PART.length; n < sent && !refused() && !to.destroyed; n += MORE.length) to.write(MORE);
    }, 300);
}

/** @typedef {{status: () => number, retry: () => string | undefined, stop: () => void}} Upload */

/** @param {string} url @param {boolean} chunked @param {number} [sent] @param {string} [path] @returns {Upload} */
function upload1(url, chunked, sent = SENT, path = PROCESS) {
    /** @type {Record<string, string>} */
    const framing = chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(DECLARED) };
    const headers = { 'x-api-key': ANN, ...framing };
    const { req, response } = begin(url, path, { method: 'POST', headers, timeout: 60_000 });
    /** @type {import('node:http').IncomingMessage | undefined} */
    let res;
    response.then((r) => { res = r.resume(); }, () => {});
    fill(req, sent, () => res !== undefined);
    return { status: () => res?.statusCode ?? 0, retry: () => res?.headers['retry-after'], stop: () => req.destroy() };
}

/** @param {import('node:http2').ClientHttp2Session} session @param {boolean} chunked @returns {Upload} */
function upload2(session, chunked) {
    const framing = chunked ? {} : { 'content-length': String(DECLARED) };
    const stream = session.request({ ':method': 'POST', ':path': PROCESS, 'x-api-key': ANN, ...framing });
    /** @type {Record<string, any>} */
    let head = {};
    stream.on('response', (h) => { head = h; });
    fill(stream, SENT, () => head[':status'] !== undefined);
    return { status: () => head[':status'] ?? 0, retry: () => head['retry-after'], stop: () => stream.destroy() };
}

atHost('rack', 'held bodies', (bench) => {
    for (const [what, h2, chunked] of /** @type {[string, boolean, boolean][]} */ ([
        ['HTTP/1, declared', false, false],
        ['HTTP/1, chunked', false, true],
        ['streams of one HTTP/2 connection, declared', true, false],
        ['streams of one HTTP/2 connection, not declared', true, true],
    ])) {
        test(`${BODIES} bodies of ${DECLARED} bytes that do not end: ${what}`, { timeout: 90_000 }, async (t) => {
            const config = { limits: { replay_total_max: TOTAL } };
            const host = await startRack({ plain: true, config, env: { ...bench.cluster.env, ...ENV } });
            t.after(() => host.stop());
            const warm = { headers: { 'x-api-key': BOB }, body: BODY };
            for (let i = 0; i < 4; i++) await ask(host.url, '/api/heavy/code/sha', warm);
            const before = host.residentKib();
            const session = h2 ? await connect2(t, host.url, { maxSessionMemory: 1000 }) : null;
            const uploads = Array.from({ length: BODIES }, () => (
                session === null ? upload1(host.url, chunked) : upload2(session, chunked)));
            let most = before;
            for (let i = 0; i < 30; i++) {
                await sleep(100);
                most = Math.max(most, host.residentKib());
            }
            t.diagnostic(`${before} -> at most ${most} KiB`);
            assert.ok(most - before <= TOTAL / 1024 + SLACK_KIB, `memory grew by ${most - before} KiB`);
            const refused = uploads.filter((u) => u.status() !== 0);
            assert.ok(refused.length > 0 && refused.every((u) => u.status() === 503 && Number(u.retry()) > 0),
                `${uploads.map((u) => u.status())}`);
            await bench.cluster.node(3).control({ mode: 'reset', when: 'body' });
            for (let i = 0; i < 4; i++) {
                const answer = await ask(host.url, '/api/heavy/code/sha', warm);
                assert.equal(answer.status, 200, answer.text);
                assert.equal(json(answer).sha256, sha256(BODY));
                assert.doesNotMatch(String(answer.headers['x-heady-reason']), /not held/);
            }
            for (const u of uploads) u.stop();
        });
    }

    test('bodies for a model that do not end: those without room stream, and memory stays as well', { timeout: 60_000 }, async (t) => {
        const config = { limits: { replay_total_max: TOTAL } };
        const host = await startRack({ plain: true, config, env: { ...bench.cluster.env, ...ENV } });
        t.after(() => host.stop());
        await ask(host.url, '/api/heavy/code/sha', { headers: { 'x-api-key': BOB }, body: BODY });
        const before = host.residentKib();
        const uploads = Array.from({ length: BODIES }, () => upload1(host.url, true, SENT, '/api/heavy/code/sha'));
        let most = before;
        for (let i = 0; i < 20; i++) {
            await sleep(100);
            most = Math.max(most, host.residentKib());
        }
        for (const u of uploads) u.stop();
        t.diagnostic(`${before} -> at most ${most} KiB`);
        assert.ok(most - before <= TOTAL / 1024 + SLACK_KIB, `memory grew by ${most - before} KiB`);
    });

    test('what was held is given back, whatever became of the request', { timeout: 60_000 }, async (t) => {
        const config = { limits: { replay_total_max: 8 * MIB, replay_bytes_max: MIB, client_body_ms: 500 } };
        const host = await startRack({ config, env: { ...bench.cluster.env, ...ENV } });
        t.after(() => host.stop());
        const headers = { 'x-api-key': ANN };
        /** Four of a megabyte at once fit into what one client may have. */
        const isFree = async () => {
            const body = Buffer.alloc(MIB, 'z');
            const all = await Promise.all(Array.from({ length: 4 }, () => (
                ask(host.url, '/api/heavy/code/sha?ms=100', { headers, body }))));
            return all.every((a) => a.status === 200 && !String(a.headers['x-heady-reason']).includes('not held'));
        };
        assert.ok(await isFree());
        for (let round = 0; round < 3; round++) {
            const uploads = Array.from({ length: 12 }, (_, i) => upload1(host.url, i % 2 === 0, PART.length));
            await until(() => uploads.some((u) => u.status() === 503), 'some to be refused');
            await sleep(round === 0 ? 1200 : 100); // those of the first round are too slow, others leave
            for (const u of uploads) u.stop();
            await until(isFree, 'all of it to be free again');
        }
    });
});
