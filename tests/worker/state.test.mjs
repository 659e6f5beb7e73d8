/** Breakers between isolates, through KV: told when they change, never waited for, and KV's faults are
 * no request's. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, json } from '../lib/client.mjs';
import { startEdge } from '../lib/edge.mjs';
import { atHost, test } from '../lib/hosts.mjs';
import { Kv } from '../lib/kv.mjs';
import { startNode } from '../node/node.mjs';
import { until } from '../lib/proc.mjs';

const KEY = 'breaker:node-3';

atHost('edge', 'state', (bench) => {
    /** @param {import('node:test').TestContext} t */
    const kvOf = async (t) => {
        const kv = await new Kv().start();
        t.after(() => kv.stop());
        return kv;
    };

    /** A process of its own is an isolate of its own. @param {import('node:test').TestContext} t
     * @param {Kv} kv @param {Record<string, string>} [more] */
    const isolate = async (t, kv, more = {}) => {
        const host = await startEdge({ env: { ...bench.cluster.env, GATEWAY_AUTH: 'off', ...more }, kv: kv.port });
        t.after(() => host.stop());
        return host;
    };

    const echo = (/** @type {string} */ url) => ask(url, '/api/heavy/code/echo');

    /** Requests until node 3, which is down, is left alone. @param {string} url */
    const breakNode3 = async (url) => {
        await bench.cluster.node(3).stop();
        for (let i = 0; i < 150; i++) { // the quicker one of the pair may be asked 32 times before it
            assert.equal((await echo(url)).status, 200);
            if (json(await ask(url, '/api/health')).backends['node-3'].breaker === 'open') return;
        }
        assert.fail('the breaker did not open');
    };

    test('one key is written when a breaker opens, and another isolate knows at its first request', async (t) => {
        const kv = await kvOf(t);
        const one = await isolate(t, kv);
        for (let i = 0; i < 10; i++) await echo(one.url);
        assert.deepEqual(kv.writes, [], 'plain requests write nothing');
        await breakNode3(one.url);
        await until(() => kv.values.has(KEY), 'the key');
        assert.match(kv.values.get(KEY) ?? '', /^breaker node-3 \d{13} open \d{13} 1 \d+$/);
        assert.deepEqual(kv.writes, [KEY]);
        await bench.cluster.node(3).start();
        const before = bench.cluster.node(3).stats().requests;
        const two = await isolate(t, kv);
        for (let i = 0; i < 10; i++) assert.equal((await echo(two.url)).status, 200);
        assert.equal(bench.cluster.node(3).stats().requests, before, 'the other isolate left node 3 alone');
        assert.equal(json(await ask(two.url, '/api/health')).backends['node-3'].breaker, 'open');
        assert.ok(kv.reads <= 2, `${kv.reads} reads of two isolates within 30 s`);
    });

    test('a breaker that closes is told, too', async (t) => {
        const kv = await kvOf(t);
        const now = Date.now();
        kv.values.set(KEY, `breaker node-3 ${now - 4000} open ${now + 700} 1 2`);
        const host = await isolate(t, kv);
        await echo(host.url);
        await sleep(800);
        for (let i = 0; i < 4; i++) assert.equal((await echo(host.url)).status, 200);
        await until(() => / closed /.test(kv.values.get(KEY) ?? ''), 'the news');
        assert.deepEqual(kv.writes, [KEY]);
    });

    test('a lease that stands in KV moves no node: KV may tell of breakers alone', async (t) => {
        const kv = await kvOf(t);
        const impostor = await startNode({ id: 3 });
        t.after(() => impostor.close());
        const now = Date.now();
        const lease = (/** @type {number} */ n) => `lease node-${n} ${now} ${now + 100_000} 0 ${impostor.url}`;
        kv.values.set(KEY, lease(3));
        kv.values.set('breaker:node-4', `breaker node-4 ${now - 1000} closed 0 0 0\n${lease(4)}`);
        const host = await isolate(t, kv, { NODE_SECRET: 'a-node-secret-of-this-test', NODE_HOSTS: '127.0.0.1' });
        for (let i = 0; i < 4; i++) assert.equal((await echo(host.url)).status, 200);
        assert.equal(impostor.stats().requests, 0);
        const { backends } = json(await ask(host.url, '/api/health'));
        assert.deepEqual([backends['node-3'].lease_ends, backends['node-4'].lease_ends], [undefined, undefined]);
    });

    test('with nothing in KV nothing is different', async (t) => {
        const kv = await kvOf(t);
        const host = await isolate(t, kv);
        for (let i = 0; i < 4; i++) assert.equal((await echo(host.url)).status, 200);
        assert.doesNotMatch(host.log(), /"state"/);
    });

    for (const fault of /** @type {const} */ (['429', '500', 'reset', 'hang', 'stale', 'junk'])) {
        test(`KV is ${fault}: requests go on, and breakers still work here`, async (t) => {
            const kv = await kvOf(t);
            kv.break(fault);
            const host = await isolate(t, kv);
            const first = await echo(host.url);
            assert.equal(first.status, 200);
            assert.ok(first.ms < 1500, `${first.ms} ms for the first request`);
            await breakNode3(host.url);
            const answers = await Promise.all(Array.from({ length: 20 }, () => echo(host.url)));
            assert.ok(answers.every(({ status }) => status === 200));
            assert.ok(kv.writes.length <= 1, kv.writes.join());
            const lines = host.log().match(/KV cannot be/g)?.length ?? 0;
            assert.ok(lines <= 1, 'one line in a minute');
            if (['429', '500', 'reset'].includes(fault)) assert.equal(lines, 1);
        });
    }

    test('a slow KV holds up the first request for 150 ms at most, and is still heard', async (t) => {
        const kv = await kvOf(t);
        kv.slow_ms = 1200;
        kv.values.set(KEY, `breaker node-3 ${Date.now()} open ${Date.now() + 20000} 1 2`);
        const host = await isolate(t, kv); // its first request is the one that sees whether it is up
        const first = await echo(host.url);
        assert.ok(first.ms < 600, `${first.ms} ms`);
        await until(async () => json(await ask(host.url, '/api/health')).backends['node-3'].breaker === 'open', 'it to be heard');
    });
});
