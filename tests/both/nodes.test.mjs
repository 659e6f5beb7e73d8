/** Nodes that register themselves, at both hosts: real sockets, and at the edge the real Durable Object. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startNode } from '../node/node.mjs';
import { bearerOf, newStamp, nodeKey, prove, register, signature } from '../node/register.mjs';
import { startEdge } from '../lib/edge.mjs';
import { atBoth, test } from '../lib/hosts.mjs';
import { keyLines } from '../lib/keys.mjs';
import { until } from '../lib/proc.mjs';
import { freePort, startRack } from '../lib/rack.mjs';

const SECRET = 'a-node-secret-of-this-test';
const KEY = nodeKey(SECRET, 3);
/** What nodes of a test need; the pair of node 3 and node 1 are left without an endpoint. */
const ENV = {
    NODE_SECRET: SECRET, NODE_HOSTS: '127.0.0.1,ngrok-free.app',
    COLAB_ENDPOINT_1: '', COLAB_ENDPOINT_3: '', COLAB_ENDPOINT_4: '',
};

/** @typedef {import('../lib/hosts.mjs').Host} Host
 * @typedef {import('../lib/rack.mjs').Rack} Rack */

let asked = 0;

/** Never the same request twice: failures of the same count once. @param {{url: string}} host */
async function ask(host) {
    const body = JSON.stringify({ prompt: `question ${asked++}` });
    const answer = await fetch(`${host.url}/api/heavy/code/echo`, {
        method: 'POST', body, headers: { 'content-type': 'application/json' },
    });
    return { status: answer.status, target: answer.headers.get('x-heady-target'),
        attempts: answer.headers.get('x-heady-attempts'), reason: String(answer.headers.get('x-heady-reason')),
        json: await answer.json() };
}

/** A node of this test's own. @param {import('node:test').TestContext} t @param {number} [n] */
async function node(t, n = 3) {
    const one = await startNode({ id: n, key: nodeKey(SECRET, n) });
    t.after(() => one.close());
    return one;
}

/** @param {{log: () => string}} host @param {RegExp} what */
async function logged(host, what) {
    await until(() => what.test(host.log()), `a line like ${what}:\n${host.log()}`);
}

atBoth('nodes that register', (bench) => {
    const { open } = bench;
    test('a node serves as soon as it has registered, and is told who asks', async (t) => {
        const host = await open(t, { env: ENV });
        const one = await node(t);
        assert.equal((await ask(host)).status, 503);
        const { status, json } = await register(host.url, 3, KEY, {
            url: one.url, models: ['llama3:70b'], free_vram_mb: 40_000, in_flight_max: 2, expires_in_s: 3600,
        });
        assert.equal(status, 200, JSON.stringify(json));
        assert.equal(json.node, 'node-3');
        const left = Date.parse(json.lease_ends) - Date.now();
        assert.ok(left > 170_000 && left <= 181_000, `the lease is three heartbeats: ${left}`);
        const served = await ask(host);
        assert.equal(served.status, 200);
        assert.equal(served.target, 'node-3');
        assert.equal(served.attempts, '1');
        assert.equal(served.json.headers.authorization, bearerOf(KEY));
    });

    test('a node that restarts under a new URL serves again within 2 s', async (t) => {
        const host = await open(t, { env: ENV });
        const before = await node(t);
        assert.equal((await register(host.url, 3, KEY, { url: before.url })).status, 200);
        assert.equal((await ask(host)).status, 200);
        await before.close();
        for (let i = 0; i < 4; i++) assert.notEqual((await ask(host)).status, 200); // out of use
        const after = await node(t);
        const began = Date.now();
        assert.equal((await register(host.url, 3, KEY, { url: after.url })).status, 200);
        assert.equal((await ask(host)).status, 200);
        assert.ok(Date.now() - began < 2000, `${Date.now() - began} ms`);
        assert.equal(after.stats().requests, 1);
    });

    test('a running call keeps the node it began with', async (t) => {
        const host = await open(t, { env: ENV });
        const before = await node(t);
        const after = await node(t);
        assert.equal((await register(host.url, 3, KEY, { url: before.url })).status, 200);
        const running = await fetch(`${host.url}/api/heavy/code/sse?n=20&ms=50`, { method: 'POST', body: '{}' });
        assert.equal((await register(host.url, 3, KEY, { url: after.url })).status, 200);
        assert.equal((await ask(host)).status, 200);
        const text = await running.text();
        assert.equal(text.match(/^data: \{/gm)?.length, 20);
        assert.equal(after.stats().requests, 1);
    });

    test('forged, stale, replayed and foreign registrations are refused and logged', async (t) => {
        const host = await open(t, { env: ENV });
        const one = await node(t);
        const what = { url: one.url };
        const path = '/api/nodes/3';
        /** @param {Record<string, string>} headers @param {string} body */
        const post = async (headers, body, to = path) => {
            const answer = await fetch(`${host.url}${to}`, { method: 'POST', headers, body });
            return { status: answer.status, code: (await answer.json()).error?.code };
        };
        const body = JSON.stringify(what);
        const bare = await post({}, body);
        assert.deepEqual(bare, { status: 401, code: 'missing_signature' });
        const forged = await post(signature('f'.repeat(64), 'POST', path, body), body);
        assert.deepEqual(forged, { status: 401, code: 'invalid_signature' });
        const other = await post(signature(KEY, 'POST', path, body), `${body} `);
        assert.deepEqual(other, { status: 401, code: 'invalid_signature' });
        const stale = await post(signature(KEY, 'POST', path, body, Date.now() - 300_000), body);
        assert.deepEqual(stale, { status: 401, code: 'stale_timestamp' });
        const foreign = await post(signature(KEY, 'POST', '/api/nodes/1', body), body, '/api/nodes/1');
        assert.deepEqual(foreign, { status: 401, code: 'invalid_signature' });
        const good = signature(KEY, 'POST', path, body);
        assert.equal((await post(good, body)).status, 200);
        assert.deepEqual(await post(good, body), { status: 409, code: 'timestamp_not_newer' });
        const older = await register(host.url, 3, KEY, what, { stamp: newStamp() - 60_000 });
        assert.equal(older.status, 409);
        for (const why of ['not signed', 'bad signature', 'stale timestamp', 'replayed or outrun']) {
            await logged(host, new RegExp(`node-3 registration refused: ${why}`));
        }
        await logged(host, /node-1 registration refused: bad signature/);
        const log = host.log();
        for (const secret of [SECRET, KEY, nodeKey(SECRET, 1), one.url, String(one.port)]) {
            assert.ok(!log.includes(secret), `the log holds ${secret}:\n${log}`);
        }
    });

    test('a URL must be https under one of NODE_HOSTS, and no address', async (t) => {
        const host = await open(t, { env: { ...ENV, NODE_HOSTS: 'ngrok-free.app' } });
        for (const url of ['http://a.ngrok-free.app', 'https://evilngrok-free.app', 'https://127.0.0.1',
            'https://10.0.0.7', 'https://[::1]', 'http://127.0.0.1:4000', 'https://0x7f.1',
            'https://a.ngrok-free.app.evil.example', 'https://user@a.ngrok-free.app',
            'https://a.ngrok-free.app/../x', 'https://169.254.169.254/latest', 'file:///etc/passwd']) {
            const { status, json } = await register(host.url, 3, KEY, { url });
            assert.equal(status, 403, `${url}: ${JSON.stringify(json)}`);
            assert.equal(json.error.code, 'url_not_allowed');
        }
        await logged(host, /node-3 registration refused: has a host that is not under NODE_HOSTS/);
    });

    test('what is not a registration is refused with what is wrong', async (t) => {
        const host = await open(t, { env: ENV });
        const one = await node(t);
        /** @type {[Record<string, unknown>, number, string][]} */
        const cases = [
            [{}, 400, 'invalid_registration'],
            [{ url: 7 }, 400, 'invalid_registration'],
            [{ url: one.url, models: 'llama' }, 400, 'invalid_registration'],
            [{ url: one.url, in_flight_max: -1 }, 400, 'invalid_registration'],
            [{ url: one.url, free_vram_mb: 'much' }, 400, 'invalid_registration'],
            [{ url: one.url, expires_in_s: 1.5 }, 400, 'invalid_registration'],
            // As many values as 16 KiB can hold.
            [{ url: one.url, models: Array(8100).fill(0) }, 400, 'invalid_registration'],
            [{ a: Array(8180).fill(0) }, 400, 'invalid_registration'],
            [{ url: one.url, models: ['x'.repeat(17_000)] }, 413, 'request_too_large'],
        ];
        for (const [what, status, code] of cases) {
            const answer = await register(host.url, 3, KEY, what);
            assert.equal(answer.status, status, JSON.stringify(what).slice(0, 100));
            assert.equal(answer.json.error.code, code);
        }
        const nine = await fetch(`${host.url}/api/nodes/9`, { method: 'POST', body: '{}' });
        assert.equal(nine.status, 404);
        const put = await fetch(`${host.url}/api/nodes/3`, { method: 'PUT', body: '{}' });
        assert.equal(put.status, 405);
        assert.equal(put.headers.get('allow'), 'POST, DELETE');
    });

    test('a node that does not answer the challenge gets no traffic', async (t) => {
        const host = await open(t, { env: ENV });
        const deaf = await startNode({ id: 3 });
        const wrong = await startNode({ id: 3, key: nodeKey(SECRET, 4) });
        t.after(() => Promise.all([deaf.close(), wrong.close()]));
        for (const one of [deaf, wrong]) {
            const { status, json } = await register(host.url, 3, KEY, { url: one.url });
            assert.equal(status, 403);
            assert.equal(json.error.code, 'challenge_failed');
            assert.equal(one.stats().probes, 1);
        }
        assert.equal((await register(host.url, 3, KEY, { url: 'http://127.0.0.1:9' })).status, 403);
        assert.equal((await ask(host)).status, 503);
        assert.equal(deaf.stats().requests + wrong.stats().requests, 0);
        await logged(host, /node-3 registration refused: challenge not answered/);
    });

    test('one challenge at a time, however many registrations of a node there are', async (t) => {
        const host = await open(t, { env: ENV, args: ['--threads', '2'] });
        let [now, most, all] = [0, 0, 0];
        const slow = http.createServer(async (req, res) => {
            most = Math.max(most, ++now);
            all++;
            await sleep(300);
            now--;
            prove(KEY, req, res);
            res.end();
        });
        slow.listen(0, '127.0.0.1');
        await once(slow, 'listening');
        t.after(() => void (slow.closeAllConnections(), slow.close()));
        const { port } = /** @type {import('node:net').AddressInfo} */ (slow.address());
        const url = (/** @type {number} */ i) => `http://127.0.0.1:${port}/${i}`;
        const first = register(host.url, 3, KEY, { url: url(0) });
        await until(() => all === 1, 'a challenge');
        const others = await Promise.all(Array.from({ length: 40 }, (_, i) => register(host.url, 3, KEY, { url: url(i + 1) })));
        assert.deepEqual([...new Set(others.map(({ status }) => status))].sort().filter((status) => status !== 409), [503]);
        assert.ok(others.some(({ json }) => json.error.code === 'challenge_under_way'));
        assert.equal((await register(host.url, 5, nodeKey(SECRET, 5), { url: url(0) })).status, 403, 'another node is asked');
        await first;
        assert.equal((await register(host.url, 3, KEY, { url: url(99) })).status, 200);
        assert.ok(most <= 2, `${most} at once for two nodes`);
        assert.equal(all, 3);
    });

    test('who is refused a thousand times writes few lines, and the next one says how many were left out', async (t) => {
        const host = await open(t, { env: ENV });
        const one = await node(t);
        const lines = () => host.log().split('\n').filter((line) => line.includes('registration refused')).length;
        for (let i = 0; i < 10; i++) {
            const all = await Promise.all(Array.from({ length: 100 }, () => fetch(`${host.url}/api/nodes/3`, { method: 'POST', body: '{}' })));
            assert.ok(all.every(({ status }) => status === 401));
        }
        assert.equal((await register(host.url, 3, KEY, { url: one.url })).status, 200);
        await logged(host, /node-3 registered/);
        assert.ok(lines() >= 1 && lines() <= 100, `${lines()} lines`);
        const left = /"left_out":([0-9]+)[^\n]*node-3 registered/.exec(host.log());
        if (bench.name === 'edge') assert.equal(Number(left?.[1]) + lines(), 1000);
        assert.ok(Number(left?.[1]) > 100, host.log().slice(-500));
    });

    test('a lease ends: by time, drained before, and when the node leaves', async (t) => {
        const host = await open(t, { env: ENV });
        const one = await node(t);
        assert.equal((await register(host.url, 3, KEY, { url: one.url, expires_in_s: 7 })).status, 200);
        assert.equal((await ask(host)).status, 200);
        await sleep(2100); // within five seconds of its end it gets no new request
        assert.equal((await ask(host)).status, 503);
        assert.equal((await register(host.url, 3, KEY, { url: one.url })).status, 200);
        assert.equal((await ask(host)).status, 200);
        const left = await register(host.url, 3, KEY, null);
        assert.deepEqual(left.json, { node: 'node-3', lease_ends: null });
        assert.equal((await ask(host)).status, 503);
        assert.equal(one.stats().requests, 2);
    });

    test('the endpoint of the environment holds without a lease', async (t) => {
        const fixed = await node(t);
        const host = await open(t, { env: { ...ENV, COLAB_ENDPOINT_3: fixed.url } });
        const one = await node(t);
        assert.equal((await ask(host)).status, 200);
        assert.equal((await register(host.url, 3, KEY, { url: one.url })).status, 200);
        assert.equal((await ask(host)).status, 200);
        assert.equal((await register(host.url, 3, KEY, null)).status, 200);
        assert.equal((await ask(host)).status, 200);
        assert.deepEqual([fixed.stats().requests, one.stats().requests], [2, 1]);
    });

    test('in_flight_max of the registration counts', async (t) => {
        const host = await open(t, { env: ENV, config: { heavy: { queue_ms: 100 } } });
        const one = await node(t);
        assert.equal((await register(host.url, 3, KEY, { url: one.url, in_flight_max: 1 })).status, 200);
        const running = await fetch(`${host.url}/api/heavy/code/sse?n=20&ms=50`, { method: 'POST', body: '{}' });
        assert.equal((await ask(host)).status, 503);
        await running.text();
        assert.equal((await ask(host)).status, 200);
    });

    test('without NODE_SECRET nobody registers; without a hop nobody reads where nodes are', async (t) => {
        const host = await open(t, { env: { ...ENV, NODE_SECRET: '' } });
        const refused = await register(host.url, 3, KEY, { url: 'https://a.ngrok-free.app' });
        assert.equal(refused.status, 503);
        assert.equal(refused.json.error.code, 'no_node_secret');
        const list = await fetch(`${host.url}/api/nodes`);
        assert.equal(list.status, 403);
        assert.equal((await list.json()).error.code, 'twin_only');
    });
});

describe('nodes that register, shared', { timeout: 120_000 }, () => {
    const TWINS = { NODE_SECRET: SECRET, NODE_HOSTS: '127.0.0.1', TWIN_SECRET: 'a-secret-of-both-twins' };

    /** A node that comes back elsewhere. @param {import('node:test').TestContext} t
     * @param {import('../node/node.mjs').Node} before @param {string} gateway where it registers
     * @param {() => Promise<unknown>} [meanwhile] */
    async function restart(t, before, gateway, meanwhile) {
        await before.close();
        await meanwhile?.();
        const after = await node(t);
        assert.equal((await register(gateway, 3, KEY, { url: after.url })).status, 200);
        return after;
    }

    test('every isolate knows the node, and none takes a replay', async (t) => {
        const edge = await startEdge({ env: { ...TWINS, GATEWAY_AUTH: 'off' }, second: true });
        t.after(() => edge.stop());
        const second = { ...edge, url: edge.second };
        const one = await node(t);
        const body = JSON.stringify({ url: one.url });
        const headers = signature(KEY, 'POST', '/api/nodes/3', body);
        const post = (/** @type {string} */ to) => fetch(`${to}/api/nodes/3`, { method: 'POST', headers, body });
        assert.equal((await post(edge.url)).status, 200);
        assert.equal((await post(edge.second)).status, 409); // by the Durable Object
        assert.equal((await ask(second)).status, 200);
        await restart(t, one, edge.url);
        const served = await ask(second); // it fails at the old URL, asks, and is served at the new one
        assert.equal(served.status, 200);
        assert.equal(served.target, 'node-3');
        // Where a kept connection is reset it is asked there once more.
        assert.match(String(served.attempts), /\breset\b/.test(served.reason) ? /^[23]$/ : /^2$/, served.reason);
        assert.equal((await register(edge.second, 3, KEY, null)).status, 200);
        assert.equal((await ask(second)).status, 503);
    });

    test("a tunnel's offline page is a failure: the node is asked for, and found", async (t) => {
        const edge = await startEdge({ env: { ...TWINS, GATEWAY_AUTH: 'off' } });
        t.after(() => edge.stop());
        const rack = await startRack({ env: { ...TWINS, REGISTRY_URL: `${edge.url}/api/nodes` } });
        t.after(() => rack.stop());
        let one = await node(t);
        assert.equal((await register(edge.url, 3, KEY, { url: one.url })).status, 200);
        await servesSoon(rack);
        for (const page of ['ngrok', 'cloudflare']) {
            await one.control(page); // what stands there when the node has gone
            const two = await node(t);
            assert.equal((await register(edge.url, 3, KEY, { url: two.url })).status, 200);
            const served = await ask(rack);
            assert.equal(served.status, 200);
            assert.deepEqual([served.target, served.attempts], ['node-3', '2'], page);
            one = two;
        }
    });

    /** Until it is left alone: what is told of it is all there is to find it by. @param {{url: string}} host */
    async function giveUp(host) {
        for (let i = 0; i < 6; i++) assert.equal((await ask(host)).status, 503);
        const health = await (await fetch(`${host.url}/api/health`)).json();
        assert.equal(health.backends['node-3'].breaker, 'open');
    }

    /** @param {{url: string}} host */
    async function servesSoon(host) {
        const began = Date.now();
        await until(async () => (await ask(host)).status === 200, 'the node to serve again', 2000);
        assert.ok(Date.now() - began < 2000);
    }

    test('an isolate that has given the node up hears of its return', async (t) => {
        const edge = await startEdge({ env: { ...TWINS, GATEWAY_AUTH: 'off' }, second: true });
        t.after(() => edge.stop());
        const second = { url: edge.second };
        const one = await node(t);
        assert.equal((await register(edge.url, 3, KEY, { url: one.url })).status, 200);
        assert.equal((await ask(second)).status, 200);
        await restart(t, one, edge.url, () => giveUp(second));
        await servesSoon(second);
    });

    test('an isolate without the binding keeps what registers with it', async (t) => {
        const edge = await startEdge({ env: { ...TWINS, GATEWAY_AUTH: 'off' }, registry: false });
        t.after(() => edge.stop());
        const one = await node(t);
        assert.equal((await register(edge.url, 3, KEY, { url: one.url })).status, 200);
        assert.equal((await ask(edge)).status, 200);
    });

    test('the daemon has the edge tell it, and finds a node again within 2 s', async (t) => {
        const edge = await startEdge({ env: { ...TWINS, GATEWAY_KEYS: keyLines({ ann: 'a-key' }) } });
        t.after(() => edge.stop());
        const rack = await startRack({ env: { ...TWINS, REGISTRY_URL: `${edge.url}/api/nodes` } });
        t.after(() => rack.stop());
        const one = await node(t);
        assert.equal((await register(edge.url, 3, KEY, { url: one.url })).status, 200);
        await until(async () => (await ask(rack)).status === 200, 'the daemon to find it', 2000);
        const two = await restart(t, one, edge.url);
        await servesSoon(rack);
        await restart(t, two, edge.url, () => giveUp(rack));
        await servesSoon(rack);
        for (const log of [rack.log(), edge.log()]) {
            assert.ok(!log.includes(one.url) && !log.includes(KEY) && !log.includes(SECRET), log);
        }
    });

    test('nobody else is told: not without a hop, not with one of another secret', async (t) => {
        const edge = await startEdge({ env: { ...TWINS, GATEWAY_KEYS: keyLines({ ann: 'a-key' }) } });
        t.after(() => edge.stop());
        const env = { ...TWINS, TWIN_SECRET: 'a-secret-of-somebody-else', REGISTRY_URL: `${edge.url}/api/nodes` };
        const rack = await startRack({ env });
        t.after(() => rack.stop());
        const one = await node(t);
        assert.equal((await register(edge.url, 3, KEY, { url: one.url })).status, 200);
        assert.equal((await ask(rack)).status, 503);
        await logged(rack, /"event":"registry","reason":"no leases came: status 401/);
        const list = (/** @type {Record<string, string>} */ headers) => fetch(`${edge.url}/api/nodes`, { headers });
        assert.equal((await list({})).status, 401);
        assert.equal((await list({ 'x-api-key': 'a-key' })).status, 403);
    });

    test('all loops of a daemon know the node, and so does the next process', async (t) => {
        const dir = mkdtempSync(join(tmpdir(), 'heady-nodes-'));
        t.after(() => rmSync(dir, { recursive: true, force: true }));
        const options = { args: ['--threads', '2'], env: { ...TWINS, HEADY_DATA_DIR: dir } };
        const one = await node(t);
        const body = JSON.stringify({ url: one.url, in_flight_max: 100 });
        const headers = signature(KEY, 'POST', '/api/nodes/3', body);
        const post = (/** @type {Rack} */ to) => (
            fetch(`${to.url}/api/nodes/3`, { method: 'POST', headers, body }));
        const first = await startRack(options);
        const answers = await Promise.all([1, 2, 3, 4, 5, 6].map(() => post(first)));
        const won = answers.filter(({ status }) => status === 200);
        assert.equal(won.length, 1, 'only one loop takes it');
        await sleep(100);
        const served = await Promise.all(Array.from({ length: 24 }, () => ask(first)));
        assert.ok(served.every(({ status }) => status === 200));
        await first.stop();
        const second = await startRack(options);
        t.after(() => second.stop());
        assert.equal((await ask(second)).status, 200);
        assert.equal((await post(second)).status, 409);
    });

    test('a daemon that keeps nothing takes no registration from before its start', async (t) => {
        const one = await node(t);
        const first = await startRack({ env: TWINS });
        t.after(() => first.stop());
        const body = JSON.stringify({ url: one.url });
        const headers = signature(KEY, 'POST', '/api/nodes/3', body);
        const post = (/** @type {Rack} */ to) => fetch(`${to.url}/api/nodes/3`, { method: 'POST', headers, body });
        assert.equal((await post(first)).status, 200);
        await first.stop();
        const second = await startRack({ env: TWINS, args: ['--threads', '2'] });
        t.after(() => second.stop());
        for (let i = 0; i < 4; i++) assert.equal((await post(second)).status, 409);
        assert.equal((await register(second.url, 3, KEY, { url: one.url })).status, 200);
        await until(async () => (await ask(second)).status === 200, 'the node to serve');
    });

    test('a registry that is away changes nothing', async (t) => {
        const one = await node(t);
        const port = await freePort();
        const env = { ...TWINS, REGISTRY_URL: `http://127.0.0.1:${port}/api/nodes`, COLAB_ENDPOINT_3: one.url };
        const rack = await startRack({ env });
        t.after(() => rack.stop());
        assert.equal((await ask(rack)).status, 200);
        await one.close();
        const began = Date.now();
        assert.equal((await ask(rack)).status, 503);
        assert.ok(Date.now() - began < 2000);
    });
});
