/** SIGHUP: a new configuration in every loop, or the old one in every loop. */
import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, begin, events, json } from '../lib/client.mjs';
import { atHost, test } from '../lib/hosts.mjs';
import { keyLines } from '../lib/keys.mjs';
import { startLoad } from '../lib/load.mjs';
import { startRack } from '../lib/rack.mjs';
import { until } from '../lib/proc.mjs';

/** @typedef {import('../lib/rack.mjs').Rack} Rack */

/** @param {string} text @param {RegExp} pattern */
function count(text, pattern) {
    return [...text.matchAll(new RegExp(pattern, 'g'))].length;
}

atHost('rack', 'reload', (bench) => {
    /**
     * @param {import('node:test').TestContext} t @param {unknown} config
     * @param {Omit<import('../lib/rack.mjs').RackOptions, 'config' | 'file'>} [options]
     */
    const open = async (t, config, options = {}) => {
        const dir = mkdtempSync(join(tmpdir(), 'heady-reload-'));
        const file = join(dir, 'gateway.json');
        /** @param {unknown} value */
        const write = (value) => {
            // As an editor or a deployment does it: never half a file.
            writeFileSync(`${file}.new`, typeof value === 'string' ? value : JSON.stringify(value));
            renameSync(`${file}.new`, file);
        };
        write(config);
        const env = { ...bench.cluster.env, GATEWAY_AUTH: 'off', ...options.env };
        const host = await startRack({ ...options, env, file });
        t.after(async () => {
            await host.stop();
            rmSync(dir, { recursive: true, force: true });
        });
        const hangUp = () => host.child.process.kill('SIGHUP');
        /** @param {RegExp} line */
        const reload = async (line = /has been reloaded/) => {
            const before = count(host.log(), line);
            hangUp();
            await until(() => count(host.log(), line) > before, `${line}`);
        };
        return { host, file, write, reload, hangUp };
    };

    /** How often of 24 connections a service is there: each lands in one of the loops.
     * @param {Rack} host @param {string} name */
    const found = async (host, name) => {
        let n = 0;
        for (let i = 0; i < 24; i++) {
            const answer = await ask(host.url, `/api/local/${name}/echo`);
            if (answer.status === 200) n++;
        }
        return n;
    };

    test('every loop takes a new file, and a change of limits', async (t) => {
        const env = { LOCAL_SERVICES: '' };
        const { host, write, reload } = await open(t, {}, { args: ['--threads', '3'], env });
        assert.equal(await found(host, 'fresh'), 0);
        write({ local: { services: { fresh: bench.cluster.brain.url } } });
        await reload();
        assert.equal(await found(host, 'fresh'), 24);
        write({ limits: { body_bytes_max: 1024 } });
        await reload();
        assert.equal(await found(host, 'fresh'), 0);
        const answer = await ask(host.url, '/api/heavy/code/echo', { body: 'x'.repeat(1025) });
        assert.equal(answer.status, 413);
    });

    test('a bad file is refused in one line with line, field and remedy; the old one stays', async (t) => {
        const good = { local: { services: { here: bench.cluster.brain.url } } };
        const options = { args: ['--threads', '2'], env: { LOCAL_SERVICES: '' } };
        const { host, file, write, reload } = await open(t, good, options);
        for (const [bad, why] of /** @type {[string, RegExp][]} */ ([
            ['{\n "heavy": {\n  "queue": 1}}', /line 3.*queue/],
            ['{\n "limits": {"connect_ms": "soon"}}', /line 2.*connect_ms/],
            ['{', /line 1/],
            ['{"listen": ["nowhere"]}', /nowhere.*write 127/],
        ])) {
            write(bad);
            await reload(/reload refused, the old configuration stays/);
            const lines = host.log().trim().split('\n').filter((l) => l.includes('refused'));
            const { level, message } = JSON.parse(lines.at(-1) ?? '');
            assert.equal(level, 'error');
            assert.ok(message.includes(file), message);
            assert.match(message, why);
            assert.equal(await found(host, 'here'), 24);
        }
        rmSync(file);
        await reload(/reload refused/);
        assert.equal(await found(host, 'here'), 24);
        write(good);
        await reload();
        assert.equal(await found(host, 'here'), 24);
    });

    test('running calls keep what they began with', async (t) => {
        const { host, write, reload } = await open(t, {});
        const body = JSON.stringify({ stream: true, messages: [], max_tokens: 30, ms_per_token: 20 });
        const { req, response } = begin(host.url, '/api/heavy/code/v1/chat/completions', { method: 'POST' });
        req.end(body);
        let last = '';
        let seen = 0;
        for await (const data of events(await response)) {
            last = data;
            if (++seen !== 5) continue;
            write({ limits: { request_ms: 1000, silence_ms: 1000 }, heavy: { classes: { code: { nodes: [7] } } } });
            await reload();
        }
        assert.equal(last, '[DONE]');
        assert.equal(json(await ask(host.url, '/api/heavy/code/echo')).node, 7);
    });

    test('what is known of a node outlives a reload', async (t) => {
        const { host, write, reload } = await open(t, {});
        await bench.cluster.node(3).stop();
        for (let i = 0; i < 6; i++) await ask(host.url, '/api/heavy/code/echo');
        write({ heavy: { queue_ms: 2000 } });
        await reload();
        const health = json(await ask(host.url, '/api/health'));
        await bench.cluster.node(3).start();
        assert.match(JSON.stringify(health), /"node-3":\{"state":"down"/);
    });

    test('other addresses are not taken, and a line says so', async (t) => {
        const { host, write, reload } = await open(t, {});
        write({ listen: ['127.0.0.1:1'] });
        await reload();
        assert.match(host.log(), /"warn".*listen.*restart/);
        assert.equal((await ask(host.url, '/health')).status, 200);
    });

    test('the last key cannot be taken from a gateway that others reach', async (t) => {
        const digest = keyLines({ ann: 'secret-of-ann' }).split(':')[1];
        const { host, write, reload } = await open(t, {}, {
            env: { GATEWAY_AUTH: '', GATEWAY_KEYS: `ann:${digest}` },
        });
        write({ profile: 'nonsense' });
        await reload(/reload refused/);
        const headers = { authorization: 'Bearer secret-of-ann' };
        assert.equal((await ask(host.url, '/api/heavy/code/echo', { headers })).status, 200);
        assert.equal((await ask(host.url, '/api/heavy/code/echo')).status, 401);
    });

    test('a reload every 200 ms under load loses no request, leaks no descriptor', async (t) => {
        const { host, write, hangUp } = await open(t, {}, { args: ['--threads', '2'], plain: true });
        const reloads = () => count(host.log(), /has been reloaded/);
        write({ log_requests: false }); // the log is kept in part only: leave reloads in it
        hangUp();
        await until(() => reloads() === 1, 'the first reload');
        const load = startLoad(host.url);
        await sleep(500);
        const files = host.openFiles();
        let memory = 0;
        for (let i = 0; i < 20; i++) {
            write({ log_requests: false, heavy: { queue_ms: 3000 + i } });
            hangUp();
            await until(() => reloads() > i + 1, 'the reload');
            await sleep(200);
            if (i === 9) memory = host.residentKib();
        }
        const grown = host.residentKib() - memory;
        await load.stop();
        assert.deepEqual(load.wrong, []);
        assert.ok(load.answered() > 100, `${load.answered()} answers`);
        assert.ok(host.openFiles() <= files, `${host.openFiles()} descriptors, ${files} before`);
        assert.ok(grown < 512, `memory grew by ${grown} KiB in ten reloads`);
        t.diagnostic(`${load.answered()} answers; memory grew by ${grown} KiB in ten reloads`);
    });

    test('a burst of signals is one or two reloads, and the last file counts', async (t) => {
        const { host, write, hangUp } = await open(t, {}, { args: ['--threads', '2'] });
        for (let i = 0; i < 50; i++) hangUp();
        write({ limits: { body_bytes_max: 1024 } });
        hangUp();
        const refused = async () =>
            (await ask(host.url, '/api/heavy/code/echo', { body: 'x'.repeat(1025) })).status === 413;
        await until(refused, 'the last file');
    });
});
