/** What is known of the nodes outlives the process: kill -9, a restart, an upgrade. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask, json } from '../lib/client.mjs';
import { atHost, test } from '../lib/hosts.mjs';
import { until } from '../lib/proc.mjs';
import { startRack } from '../lib/rack.mjs';
import { end, upgrade } from '../lib/successor.mjs';

atHost('rack', 'state', (bench) => {
    /** @param {import('node:test').TestContext} t */
    const folder = (t) => {
        const dir = mkdtempSync(join(tmpdir(), 'heady-state-'));
        t.after(() => rmSync(dir, { recursive: true, force: true }));
        return dir;
    };

    /** A daemon that keeps its state in `dir`. @param {import('node:test').TestContext} t
     * @param {string} dir @param {string[]} [args] */
    const open = async (t, dir, args = []) => {
        const env = { ...bench.cluster.env, GATEWAY_AUTH: 'off', HEADY_DATA_DIR: dir };
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
        await until(() => /^breaker node-3 \d+ open /m.test(readFileSync(join(dir, 'state'), 'utf8')), 'the file');
        first.child.process.kill('SIGKILL');
        await once(first.child.process, 'exit');
        assert.equal(statSync(join(dir, 'state')).mode & 0o777, 0o600);
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
        await until(async () => (await breakerOf(host.url)).breaker === 'open', 'the successor to know');
    });

    test('a file full of junk is no reason not to start', async (t) => {
        const dir = folder(t);
        const frame = `breaker node-3 ${Date.now() - 1000} open ${Date.now() + 4000} 1 2\n`;
        writeFileSync(join(dir, 'state'), Buffer.concat([Buffer.from(`lease\n\n${'x'.repeat(5000)}\nbreaker node-99 1 open\n`),
            Buffer.from([0, 255, 10]), Buffer.from(frame)]));
        const host = await open(t, dir);
        assert.equal((await breakerOf(host.url)).breaker, 'open');
        await host.stop();
        assert.ok(readFileSync(join(dir, 'state'), 'utf8').includes(frame));
    });

    test('a directory that cannot be written is said once, and nothing else suffers', async (t) => {
        const dir = folder(t);
        mkdirSync(join(dir, 'state'));
        const host = await open(t, dir);
        await breakNode3(host.url);
        assert.equal((await ask(host.url, '/api/heavy/code/echo')).status, 200);
        await host.stop();
        assert.equal(host.log().match(/cannot be written/g)?.length, 1);
    });
});
