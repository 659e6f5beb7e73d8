/** What is known of the nodes outlives the process: kill -9, a restart, an upgrade. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask, json } from '../lib/client.mjs';
import { atHost, test } from '../lib/hosts.mjs';
import { until } from '../lib/proc.mjs';
import { startRack } from '../lib/rack.mjs';
import { frames, storeOf } from '../lib/store.mjs';
import { end, upgrade } from '../lib/successor.mjs';
import { startNode } from '../node/node.mjs';
import { nodeKey, register } from '../node/register.mjs';

atHost('rack', 'state', (bench) => {
    /** @param {import('node:test').TestContext} t */
    const folder = (t) => {
        const dir = mkdtempSync(join(tmpdir(), 'heady-state-'));
        t.after(() => rmSync(dir, { recursive: true, force: true }));
        return dir;
    };

    /** A daemon that keeps its state in `dir`. @param {import('node:test').TestContext} t
     * @param {string} dir @param {string[]} [args] @param {Record<string, string>} [more] */
    const open = async (t, dir, args = [], more = {}) => {
        const env = { ...bench.cluster.env, GATEWAY_AUTH: 'off', HEADY_DATA_DIR: dir, ...more };
        const file = join(dir, 'gateway.json');
        writeFileSync(file, '{"log_requests": false}');
        const host = await startRack({ env, args, file });
        t.after(() => host.child.process.kill('SIGKILL'));
        return host;
    };

    /** Requests until node 3, which is down, is left alone. @param {string} url */
    const breakNode3 = async (url) => {
        await bench.cluster.node(3).stop();
        for (let i = 0; i < 150; i++) { // the quicker one of the pair may be asked 32 times before it
            assert.equal((await ask(url, '/api/heavy/code/echo')).status, 200);
            if ((await breakerOf(url)).breaker === 'open') return;
        }
        assert.fail('the breaker did not open');
    };

    /** @param {string} url */
    const breakerOf = async (url) => json(await ask(url, '/api/health')).backends['node-3'];

    test('after kill -9 and a restart it is known what is broken', async (t) => {
        const dir = folder(t);
        const first = await open(t, dir, ['--threads', '2']);
        await breakNode3(first.url);
        const before = await breakerOf(first.url);
        await until(() => /^breaker node-3 \d+ open /m.test(frames(dir)), 'the store');
        first.child.process.kill('SIGKILL');
        await once(first.child.process, 'exit');
        assert.equal(statSync(storeOf(dir)).mode & 0o777, 0o600);
        const second = await open(t, dir, ['--threads', '2']);
        const after = await breakerOf(second.url);
        assert.deepEqual([after.breaker, after.reason], ['open', 'refused']);
        assert.ok(Math.abs(Date.parse(after.until) - Date.parse(before.until)) < 50, `${before.until} ${after.until}`);
        const seen = bench.cluster.node(3).stats().connections;
        await bench.cluster.node(3).start();
        for (let i = 0; i < 10; i++) assert.equal((await ask(second.url, '/api/heavy/code/echo')).status, 200);
        assert.equal(bench.cluster.node(3).stats().connections, seen, 'node 3 was left alone');
        await second.stop();
    });

    test('an upgraded process knows it, too', async (t) => {
        const dir = folder(t);
        const host = await open(t, dir);
        await breakNode3(host.url);
        const pid = await upgrade(host, host.pid);
        t.after(() => end(pid));
        // Open, or half open if it took its time; who knows nothing says that it is closed.
        await until(async () => (await breakerOf(host.url)).breaker !== 'closed', 'the successor to know');
    });

    test('an old state file full of junk is no reason not to start, and is taken over', async (t) => {
        const dir = folder(t);
        const frame = `breaker node-3 ${Date.now() - 1000} open ${Date.now() + 4000} 1 2\n`;
        writeFileSync(join(dir, 'state'), Buffer.concat([Buffer.from(`lease\n\n${'x'.repeat(5000)}\nbreaker node-99 1 open\n`),
            Buffer.from([0, 255, 10]), Buffer.from(frame)]));
        const host = await open(t, dir);
        assert.equal((await breakerOf(host.url)).breaker, 'open');
        await host.stop();
        assert.equal(frames(dir), frame);
        assert.ok(!existsSync(join(dir, 'state')), 'it is read once');
    });

    test('a lease of the far future locks no node out: the next registration holds, in all loops and after a restart', async (t) => {
        const dir = folder(t);
        const key = nodeKey('a-node-secret-of-this-test', 3);
        const env = { NODE_SECRET: 'a-node-secret-of-this-test', NODE_HOSTS: '127.0.0.1', COLAB_ENDPOINT_3: '', COLAB_ENDPOINT_4: '', COLAB_ENDPOINT_1: '' };
        const one = await startNode({ id: 3, key });
        t.after(() => one.close());
        const ends = Date.now() + 100_000;
        writeFileSync(join(dir, 'state'), `lease node-3 ${10n ** 18n - 1n} ${ends} 0 http://127.0.0.1:9\n`);
        const first = await open(t, dir, ['--threads', '2'], env);
        assert.equal(new Date(ends).toISOString(), (await breakerOf(first.url)).lease_ends, 'it is believed, as one of now');
        const { status, json: said } = await register(first.url, 3, key, { url: one.url });
        assert.equal(status, 200, JSON.stringify(said));
        await until(async () => {
            const all = await Promise.all(Array.from({ length: 16 }, () => ask(first.url, '/api/heavy/code/echo')));
            return all.every((answer) => answer.status === 200);
        }, 'both loops to send to the new place', 3000);
        await until(() => frames(dir).includes(` ${one.url}\n`), 'the store', 3000);
        await first.stop();
        const second = await open(t, dir, [], env);
        assert.equal((await ask(second.url, '/api/heavy/code/echo')).status, 200);
        await second.stop();
    });

    test('a breaker of the far future is one of now, also in the store', async (t) => {
        const dir = folder(t);
        writeFileSync(join(dir, 'state'), `breaker node-3 ${10n ** 18n - 1n} open ${10n ** 18n - 1n} 1 2\n`);
        const host = await open(t, dir, [], { CIRCUIT_BREAKER_RECOVERY_TIMEOUT: '1' });
        assert.equal((await breakerOf(host.url)).breaker, 'open');
        await until(async () => {
            assert.equal((await ask(host.url, '/api/heavy/code/echo')).status, 200);
            return (await breakerOf(host.url)).breaker === 'closed';
        }, 'node 3 to serve again', 5000);
        await host.stop();
        assert.match(frames(dir), /^breaker node-3 \d{13} closed /m);
    });

    test('a directory that cannot be written is said once, and nothing else suffers', async (t) => {
        const dir = folder(t);
        mkdirSync(storeOf(dir));
        const host = await open(t, dir);
        await breakNode3(host.url);
        assert.equal((await ask(host.url, '/api/heavy/code/echo')).status, 200);
        await host.stop();
        assert.equal(host.log().match(/cannot be written/g)?.length, 1);
    });
});
