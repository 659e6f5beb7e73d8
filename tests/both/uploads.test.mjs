/** Bodies that come slowly, or not to their end: they are their client's affair, not a node's and not other clients'. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, begin, json, postJson } from '../lib/client.mjs';
import { atBoth, test } from '../lib/hosts.mjs';
import { keyLines } from '../lib/keys.mjs';

const ANN = 'hk-ann-0123456789';
const BOB = 'hk-bob-0123456789';
const KEYED = { GATEWAY_AUTH: '', GATEWAY_KEYS: keyLines({ ann: ANN, bob: BOB }) };
const CODE = '/api/heavy/code/echo';

/** A body that begins, and then comes by `drip` bytes every 100 ms.
 * @param {string} url @param {string} path
 * @param {{first: number, drip?: number, length?: number, key?: string}} how */
function upload(url, path, { first, drip = 0, length, key }) {
    /** @type {Record<string, string>} */
    const headers = key === undefined ? {} : { 'x-api-key': key };
    if (length !== undefined) headers['content-length'] = String(length);
    else headers['transfer-encoding'] = 'chunked';
    const { req, response } = begin(url, path, { method: 'POST', headers, timeout: 30_000 });
    req.on('error', () => {});
    if (first > 0) req.write(Buffer.alloc(first, 'x'));
    else req.flushHeaders();
    let left = (length ?? Infinity) - first;
    const timer = setInterval(() => {
        const n = Math.min(drip, left);
        left -= n;
        if (n > 0) req.write(Buffer.alloc(n, 'x'));
    }, 100);
    const stop = () => {
        clearInterval(timer);
        req.destroy();
    };
    const status = response.then((res) => {
        stop();
        return res.statusCode ?? 0;
    }, () => 0);
    return { status, stop };
}

/** @param {string} url @param {Record<string, string>} [headers] */
async function breakers(url, headers) {
    const { backends } = json(await ask(url, '/api/health', { headers }));
    return Object.values(backends).map((/** @type {any} */ b) => `${b.breaker} ${b.failures}`);
}

/** A node that says `status` after so many ms, whatever has come of the body by then; 0: resets.
 * @param {import('node:test').TestContext} t @param {number} status @param {number} ms */
async function hasty(t, status, ms) {
    const server = http.createServer((req, res) => {
        req.on('error', () => {});
        req.resume();
        setTimeout(() => {
            if (status === 0) req.socket.resetAndDestroy();
            else res.writeHead(status, { 'content-type': 'text/html', connection: 'close' }).end('<p>too late</p>');
        }, ms);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => { server.closeAllConnections(); server.close(); });
    return `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`;
}

atBoth('uploads', (bench) => {
    test('24 uploads of one key that have stopped take no slot from another key', async (t) => {
        const host = await bench.open(t, { env: KEYED });
        const uploads = Array.from({ length: 24 }, (_, i) => {
            const path = `/api/heavy/${['code', 'reasoning', 'vision'][i % 3]}/echo`;
            return upload(host.url, path, { first: i % 2 === 0 ? 100 : 0, length: i % 4 === 0 ? undefined : 5000, key: ANN });
        });
        await sleep(300);
        for (let i = 0; i < 19; i++) {
            const answer = await postJson(host.url, CODE, { n: i }, { 'x-api-key': BOB });
            assert.equal(answer.status, 200, `${i}: ${answer.headers['x-heady-reason']}`);
        }
        assert.equal(bench.cluster.requests(), 19);
        for (const u of uploads) u.stop();
    });

    test('uploads too large to be held take half of the slots at most', async (t) => {
        const config = { limits: { replay_bytes_max: 1000 }, heavy: { in_flight_max: 4, classes: { code: { nodes: [3] } } } };
        const host = await bench.open(t, { config, env: KEYED });
        const uploads = Array.from({ length: 12 }, () => upload(host.url, CODE, { first: 2000, length: 500_000, key: ANN }));
        await sleep(500);
        const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => (
            postJson(host.url, CODE, { n: i }, { 'x-api-key': BOB }))));
        for (const answer of answers) assert.equal(answer.status, 200, String(answer.headers['x-heady-reason']));
        for (const u of uploads) u.stop();
    });

    for (const status of [0, 408, 500, 502, 504]) {
        test(`a node that says ${status || 'nothing and resets'} before the body is whole is not blamed`, async (t) => {
            const url = await hasty(t, status, 200);
            const env = Object.fromEntries([1, 2, 3, 4].map((n) => [`COLAB_ENDPOINT_${n}`, url]));
            const config = { limits: { replay_bytes_max: 1000 }, breaker: { failure_threshold: 1 } };
            const host = await bench.open(t, { config, env });
            for (let i = 0; i < 3; i++) {
                const slow = upload(host.url, CODE, { first: 2000, drip: 30, length: 50_000 });
                assert.ok(await slow.status >= 400);
            }
            for (const b of await breakers(host.url)) assert.equal(b, 'closed 0');
        });
    }

    test('a body that has gone to a node must move: 408, and the slot is free again', async (t) => {
        const config = {
            limits: { replay_bytes_max: 1000, client_body_ms: 600, client_rate_min: 1000 },
            heavy: { in_flight_max: 1, classes: { code: { nodes: [3] } } },
        };
        const env = { COLAB_ENDPOINT_1: '' };
        const host = await bench.open(t, { config, env });
        const still = upload(host.url, CODE, { first: 2000, length: 50_000 });
        assert.equal(await still.status, 408);
        const slow = upload(host.url, CODE, { first: 2000, drip: 10, length: 50_000 });
        assert.equal(await slow.status, 408, 'something moves, and not enough');
        assert.equal((await postJson(host.url, CODE, {})).status, 200);
        for (const b of await breakers(host.url)) assert.equal(b, 'closed 0');
    });

    test('a body that is held must move as well, and one that does arrives', async (t) => {
        const config = { limits: { client_body_ms: 600, client_rate_min: 1000 } };
        const host = await bench.open(t, { config });
        const still = upload(host.url, CODE, { first: 100, length: 5000 });
        const process = upload(host.url, '/api/heavy/process', { first: 0, length: 5000 });
        const enough = upload(host.url, CODE, { first: 0, drip: 500, length: 5000 });
        assert.deepEqual([await still.status, await process.status, await enough.status], [408, 408, 200]);
        assert.equal(bench.cluster.requests(), 1);
    });

    test('a service is asked at once, and may answer while the body comes', async (t) => {
        const server = http.createServer((req, res) => {
            res.writeHead(200, { 'content-type': 'text/plain' });
            req.on('data', (part) => res.write(part));
            req.on('end', () => res.end());
        }).listen(0, '127.0.0.1');
        await once(server, 'listening');
        t.after(() => { server.closeAllConnections(); server.close(); });
        const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
        const env = { LOCAL_SERVICES: `mirror=http://127.0.0.1:${port}` };
        // The edge sends what it may hold in one piece: there only what streams once is both ways.
        const config = { limits: { replay_bytes_max: 0 } };
        const host = await bench.open(t, { env, config });
        const { req, response } = begin(host.url, '/api/local/mirror/x', { method: 'POST', headers: { 'transfer-encoding': 'chunked' } });
        req.write('one ');
        const res = await response;
        res.setEncoding('utf8');
        const [first] = await once(res, 'data');
        assert.equal(first, 'one ');
        req.end('two');
        let rest = '';
        for await (const part of res) rest += part;
        assert.equal(rest, 'two');
    });

    test('a body that is read for its type, and finds no room, is 503 before it is read; others are replayed', async (t) => {
        const config = { limits: { replay_total_max: 1 << 20, json_bytes_max: 2 << 20 } };
        const host = await bench.open(t, { config, env: KEYED });
        const large = Buffer.from(`{"type":"batch","x":"${'x'.repeat(900_000)}"}`);
        const answer = await ask(host.url, '/api/heavy/process', { body: large, headers: { 'x-api-key': ANN } });
        assert.equal(answer.status, 503, answer.text);
        assert.equal(json(answer).error.code, 'no_room_for_body');
        assert.ok(Number(answer.headers['retry-after']) > 0);
        // Half of the room is the most that a client gets, whatever it leaves unfinished.
        const uploads = Array.from({ length: 12 }, () => upload(host.url, '/api/heavy/process', { first: 0, length: 100_000, key: ANN }));
        await sleep(300);
        const body = Buffer.alloc(200_000, 'y');
        for (let i = 0; i < 4; i++) {
            const well = await ask(host.url, CODE, { body, headers: { 'x-api-key': BOB } });
            assert.equal(well.status, 200, well.text);
            assert.doesNotMatch(String(well.headers['x-heady-reason']), /not held/);
        }
        for (const u of uploads) u.stop();
    });
});
