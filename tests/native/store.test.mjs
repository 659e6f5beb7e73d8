/**
 * The store: what is said to be kept is kept, whatever the disk does and whenever the process is killed; and no
 * loop ever waits for it.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync, writeSync, closeSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, json } from '../lib/client.mjs';
import { atHost, test } from '../lib/hosts.mjs';
import { ROOT, until } from '../lib/proc.mjs';
import { binary, runRack, startRack } from '../lib/rack.mjs';
import { frames, storeOf, within } from '../lib/store.mjs';
import { alive, end, upgrade } from '../lib/successor.mjs';
import { startNode } from '../node/node.mjs';
import { nodeKey, register } from '../node/register.mjs';

/** @typedef {import('node:test').TestContext} Test */

const HAMMER = join(ROOT, 'build/store-hammer');
const KEPT = join(ROOT, 'build/store-kept');
const BAD_DISK = join(ROOT, 'build/bad-disk.so');
const SECRET = 'a-node-secret-of-this-test';
const KEY = nodeKey(SECRET, 3);
const NOBODY = 65534;

/** @param {Test} t */
function folder(t) {
    const dir = mkdtempSync(join(tmpdir(), 'heady-store-'));
    t.after(() => {
        spawnSync('umount', ['-l', dir]);
        rmSync(dir, { recursive: true, force: true });
    });
    return dir;
}

/** A disk whose moods are told by a file. @param {string} dir what lies on it */
function badDisk(dir) {
    const file = join(dir, 'mood');
    const mood = (/** @type {string} */ text) => writeFileSync(file, text);
    mood('');
    const asan = { ASAN_OPTIONS: 'verify_asan_link_order=0' };
    return { mood, env: { LD_PRELOAD: BAD_DISK, HEADY_DISK_OF: '/heady.db', HEADY_DISK: file, ...asan } };
}

/** @param {string} dir @param {string[]} args */
const hammer = (dir, ...args) => spawnSync(HAMMER, [dir, ...args], { encoding: 'utf8', timeout: 20_000 });
/** @param {string} text */
const numbers = (text) => text.split('\n').slice(0, -1).map(Number);

atHost('rack', 'the store alone', () => {
    test('its door: in order, late, full, left, and a failure takes nobody with it', (t) => {
        const run = hammer(folder(t), 'door');
        assert.match(run.stdout, /^6 passed, 0 failed$/m, run.stdout + run.stderr);
        assert.equal(run.status, 0, run.stderr);
    });

    test('what is kept by owner and name: found, over, forgotten, and never more than it may be', (t) => {
        const run = spawnSync(KEPT, [folder(t)], { encoding: 'utf8', timeout: 60_000 });
        assert.match(run.stdout, /^5 passed, 0 failed$/m, run.stdout + run.stderr);
        assert.equal(run.status, 0, run.stderr);
    });

    test('kill -9 at any instant, on a disk that is well, slow, full or broken: what was said to be kept is there', async (t) => {
        const dir = folder(t);
        const { mood, env } = badDisk(dir);
        const kept = new Set();
        /** @type {Record<string, number>} */
        const said = {};
        const moods = ['', 'slow 10', 'full', 'broken'];
        for (let round = 0; round < 24; round++) {
            const now = moods[round % moods.length];
            mood('');
            const child = spawn(HAMMER, [dir, 'put', `${1_000_000 * round}`], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
            let out = '';
            let err = '';
            child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
            child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
            await until(() => out.includes('\n') || child.exitCode !== null, 'the first to be kept');
            mood(now);
            await sleep(Math.random() * 120);
            child.kill('SIGKILL');
            await once(child, 'close');
            mood('');
            assert.doesNotMatch(err, /Sanitizer|damaged/);
            const lines = numbers(out.slice(0, out.lastIndexOf('\n') + 1));
            said[now] = (said[now] ?? 0) + lines.length;
            for (const n of lines) kept.add(n);
            const list = hammer(dir, 'list');
            assert.equal(list.status, 0, list.stderr);
            const there = new Set(numbers(list.stdout));
            const lost = [...kept].filter((n) => !there.has(n));
            assert.deepEqual(lost, [], `round ${round}, ${now}: of ${kept.size}`);
        }
        t.diagnostic(`kept: ${JSON.stringify(said)}`);
        assert.ok(kept.size > 100);
        assert.deepEqual(readdirSync(dir).filter((name) => name.includes('broken')), []);
    });
});

atHost('rack', 'store', (bench) => {
    /** A daemon that keeps what it knows in `dir`. @param {Test} t @param {string} dir
     * @param {import('../lib/rack.mjs').RackOptions} [options] */
    const open = async (t, dir, options = {}) => {
        const env = { ...bench.cluster.env, GATEWAY_AUTH: 'off', NODE_SECRET: SECRET, NODE_HOSTS: '127.0.0.1', HEADY_DATA_DIR: dir, ...options.env };
        const host = await startRack({ config: { log_requests: false }, ...options, env });
        t.after(async () => {
            host.child.process.kill('SIGKILL'); // its outputs may be a successor's, too: they are not waited for
            await until(() => !alive(host.pid), 'it to end');
            assert.doesNotMatch(host.log(), /Sanitizer|runtime error/);
        });
        return host;
    };

    /** @param {import('../lib/rack.mjs').Rack} host */
    const kill = async (host) => {
        host.child.process.kill('SIGKILL');
        await host.child.exited;
    };

    /** @param {string} url */
    const node3 = async (url) => json(await ask(url, '/api/health')).backends['node-3'];
    /** @param {string} url */
    const served = async (url) => assert.equal((await ask(url, '/api/heavy/code/echo')).status, 200);

    /** Requests until node 3, which is down, is left alone. @param {string} url */
    const breakNode3 = async (url) => {
        await bench.cluster.node(3).stop();
        for (let i = 0; i < 150; i++) {
            await served(url);
            if ((await node3(url)).breaker === 'open') return;
        }
        assert.fail('the breaker did not open');
    };

    /** @param {string} dir @returns {number} when the lease that is kept was signed; 0: none is */
    const leaseAt = (dir) => Number(/^lease node-3 (\d+) /m.exec(frames(dir))?.[1] ?? 0);
    const complaints = (/** @type {{log: () => string}} */ host) => host.log().match(/cannot be written/g)?.length ?? 0;

    test('kill -9 at any instant while leases and breakers change: what was there is there', async (t) => {
        const dir = folder(t);
        const one = await startNode({ id: 3, key: KEY });
        t.after(() => one.close());
        await bench.cluster.node(4).stop();
        let last = 0;
        for (let round = 0; round < 10; round++) {
            const host = await open(t, dir, { args: ['--threads', '2'] });
            assert.ok(leaseAt(dir) >= last, `round ${round}`);
            if (last > 0) assert.ok(Date.parse((await node3(host.url)).lease_ends) > Date.now(), 'and known');
            let going = true;
            const change = async () => {
                while (going) {
                    await register(host.url, 3, KEY, { url: one.url }).catch(() => {});
                    await ask(host.url, '/api/heavy/code/echo').catch(() => {});
                }
            };
            const watch = async () => {
                for (; going; await sleep(3)) last = Math.max(last, leaseAt(dir));
            };
            const running = [change(), change(), watch()];
            await sleep(50 + Math.random() * 150);
            await kill(host);
            going = false;
            await Promise.all(running);
        }
        assert.ok(last > 0);
        assert.equal(within(dir, (db) => db.prepare('PRAGMA integrity_check').get()?.integrity_check), 'ok');
        assert.deepEqual(readdirSync(dir).filter((name) => name.includes('broken')), []);
    });

    test('upgrades: two processes in one directory, and neither is in the way of the other', async (t) => {
        const dir = folder(t);
        const one = await startNode({ id: 3, key: KEY });
        t.after(() => one.close());
        const file = join(dir, 'gateway.json');
        writeFileSync(file, '{"log_requests": false}');
        const host = await open(t, dir, { file, args: ['--threads', '2'] });
        let going = true;
        const change = async () => {
            for (; going; await sleep(5)) await register(host.url, 3, KEY, { url: one.url }).catch(() => {});
        };
        const changing = change();
        t.after(() => (going = false));
        let pid = host.pid;
        let seen = 0;
        for (let i = 0; i < 3; i++) {
            pid = await upgrade(host, pid);
            const next = pid;
            t.after(() => end(next));
            await until(() => leaseAt(dir) > seen, 'another lease');
            seen = leaseAt(dir);
            await until(async () => Date.parse((await node3(host.url)).lease_ends) > Date.now(), 'it to be known');
        }
        going = false;
        await changing;
        assert.ok(leaseAt(dir) >= seen);
        await end(pid);
        assert.equal(complaints(host), 0, host.log());
    });

    test('a slow disk: requests go on, no loop stands still, the end is bounded', async (t) => {
        const dir = folder(t);
        const { mood, env } = badDisk(dir);
        const one = await startNode({ id: 3, key: KEY });
        t.after(() => one.close());
        const host = await open(t, dir, { args: ['--threads', '2'], env, plain: true });
        assert.equal((await register(host.url, 3, KEY, { url: one.url })).status, 200);
        await until(() => leaseAt(dir) > 0, 'the first lease to be kept');
        /** The longest that one of many quick requests has taken. @param {number} ms */
        const longest = async (ms) => {
            /** @type {number[]} */
            const took = [];
            const end = Date.now() + ms;
            const client = async () => {
                for (; Date.now() < end; await sleep(2)) took.push((await ask(host.url, '/api/health')).ms);
            };
            const change = async () => {
                for (; Date.now() < end; await sleep(50)) assert.equal((await register(host.url, 3, KEY, { url: one.url })).status, 200);
            };
            await Promise.all([client(), client(), change()]);
            took.sort((a, b) => a - b);
            return { max: took.at(-1) ?? 0, middle: took[took.length >> 1], n: took.length };
        };
        const well = await longest(1500);
        mood('slow 2000');
        const before = leaseAt(dir);
        const slow = await longest(4500);
        t.diagnostic(`longest of ${well.n} ${well.max.toFixed(1)} ms, while an fsync takes 2 s, of ${slow.n} ${slow.max.toFixed(1)} ms; `
            + `in the middle ${well.middle.toFixed(2)} and ${slow.middle.toFixed(2)} ms`);
        assert.ok(slow.max < 500, 'no turn waits for the disk');
        assert.ok(leaseAt(dir) > before, 'it is written all the same');
        const began = Date.now();
        await host.stop();
        assert.ok(Date.now() - began < 4500);
    });

    test('a registration is kept before the node hears of it: kill -9 right behind the answer', async (t) => {
        const dir = folder(t);
        const one = await startNode({ id: 3, key: KEY });
        t.after(() => one.close());
        for (let round = 0; round < 6; round++) {
            const host = await open(t, dir, { plain: true });
            const { status } = await register(host.url, 3, KEY, { url: one.url });
            host.child.process.kill('SIGKILL');
            const told = Date.now();
            await host.child.exited;
            assert.equal(status, 200);
            assert.ok(leaseAt(dir) > told - 2000, `round ${round}: it is there`);
        }
    });

    for (const [mood, least, most] of /** @type {[string, number, number][]} */ ([
        ['slow 700', 690, 2900], ['slow 20000', 2900, 6000], ['full', 0, 2900], ['broken', 0, 2900],
    ])) {
        test(`a registration while the disk is ${mood}: the node is let in, and nobody else waits`, async (t) => {
            const dir = folder(t);
            const disk = badDisk(dir);
            const one = await startNode({ id: 3, key: KEY });
            t.after(() => one.close());
            const host = await open(t, dir, { env: disk.env, args: ['--threads', '1'], plain: true });
            assert.equal((await register(host.url, 3, KEY, { url: one.url })).status, 200);
            disk.mood(mood);
            const began = Date.now();
            let over = false;
            const registered = register(host.url, 3, KEY, { url: one.url }).finally(() => { over = true; });
            let longest = 0;
            let n = 0;
            do {
                longest = Math.max(longest, (await ask(host.url, '/api/health')).ms);
                n++;
                await sleep(5);
            } while (!over || n < 20);
            assert.equal((await registered).status, 200);
            const took = Date.now() - began;
            t.diagnostic(`registered in ${took} ms; the longest of ${n} /api/health: ${longest.toFixed(1)} ms`);
            assert.ok(took >= least && took <= most, `${took} ms`);
            assert.ok(longest < 500, 'no turn waits for the disk');
            await served(host.url);
            disk.mood('');
        });
    }

    test('clients of questions that leave, and an end of the process with questions under way', async (t) => {
        const dir = folder(t);
        const disk = badDisk(dir);
        const one = await startNode({ id: 3, key: KEY });
        t.after(() => one.close());
        const host = await open(t, dir, { env: disk.env, args: ['--threads', '1'] });
        assert.equal((await register(host.url, 3, KEY, { url: one.url })).status, 200);
        disk.mood('slow 1200');
        for (let i = 0; i < 5; i++)
            await assert.rejects(register(host.url, 3, KEY, { url: one.url }, { wait_ms: 50 }));
        await served(host.url);
        await assert.rejects(register(host.url, 3, KEY, { url: one.url }, { wait_ms: 50 }));
        await host.stop();
        disk.mood('');
        assert.doesNotMatch(host.log(), /Sanitizer|runtime error/);
    });

    test('the store knows a newer registration: this one is a replay', async (t) => {
        const dir = folder(t);
        const one = await startNode({ id: 3, key: KEY });
        t.after(() => one.close());
        const host = await open(t, dir);
        assert.equal((await register(host.url, 3, KEY, { url: one.url })).status, 200);
        const first = leaseAt(dir);
        await sleep(400);
        within(dir, (db) => db.exec(`UPDATE frames SET at = ${first + 300} WHERE key = 'lease node-3'`), false);
        const older = await register(host.url, 3, KEY, { url: one.url }, { stamp: first + 200 });
        assert.equal(older.status, 409, JSON.stringify(older.json));
        assert.equal((await register(host.url, 3, KEY, { url: one.url })).status, 200);
    });

    test('a disk that hangs at the start: it serves without, and says so', async (t) => {
        const dir = folder(t);
        const { mood, env } = badDisk(dir);
        mood('slow 6000');
        const host = await open(t, dir, { env, plain: true });
        await served(host.url);
        assert.match(host.log(), /is not read after 3 s/);
        mood('');
        await breakNode3(host.url);
        await until(() => {
            try {
                return /^breaker node-3 \d+ open /m.test(frames(dir));
            } catch {
                return false; // it is being made, or the disk still takes its time
            }
        }, 'it to be written', 15_000);
        await host.stop();
    });

    for (const mood of ['full', 'broken']) {
        test(`a disk that is ${mood}: said once, requests go on, kill -9; and when it is well again, it is written`, async (t) => {
            const dir = folder(t);
            const disk = badDisk(dir);
            const one = await startNode({ id: 3, key: KEY });
            t.after(() => one.close());
            const options = { env: disk.env, plain: true };
            const first = await open(t, dir, options);
            assert.equal((await register(first.url, 3, KEY, { url: one.url })).status, 200);
            await until(() => leaseAt(dir) > 0, 'the lease to be kept');
            const kept = leaseAt(dir);
            disk.mood(mood);
            for (let i = 0; i < 5; i++) assert.equal((await register(first.url, 3, KEY, { url: one.url })).status, 200);
            await until(() => complaints(first) > 0, 'the log line');
            await served(first.url);
            await kill(first);
            const second = await open(t, dir, options);
            assert.ok(Date.parse((await node3(second.url)).lease_ends) > Date.now(), 'it is read');
            await until(() => complaints(second) > 0, 'the log line');
            assert.equal((await register(second.url, 3, KEY, { url: one.url })).status, 200);
            await served(second.url);
            disk.mood('');
            await until(() => /is written again/.test(second.log()), 'another try', 8000);
            assert.ok(leaseAt(dir) > kept);
            assert.equal(complaints(second), 1);
            await second.stop();
            assert.deepEqual(readdirSync(dir).filter((name) => name.includes('broken')), []);
        });
    }

    test('a file system that is full, for root', async (t) => {
        const dir = folder(t);
        const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=700', 'tmpfs', dir]).status === 0;
        if (!mounted) return t.diagnostic('mount is not for us: the disk above has to do');
        const one = await startNode({ id: 3, key: KEY });
        t.after(() => one.close());
        const host = await open(t, dir);
        assert.equal((await register(host.url, 3, KEY, { url: one.url })).status, 200);
        await until(() => leaseAt(dir) > 0, 'the lease to be kept');
        const fill = openSync(join(dir, 'fill'), 'w');
        try {
            for (const page = Buffer.alloc(4096); ;) writeSync(fill, page);
        } catch (error) {
            assert.match(String(error), /ENOSPC/);
        }
        closeSync(fill);
        for (let i = 0; i < 40 && complaints(host) === 0; i++) {
            assert.equal((await register(host.url, 3, KEY, { url: one.url })).status, 200);
            await sleep(20);
        }
        await until(() => complaints(host) > 0, 'the log line');
        await served(host.url);
        await kill(host);
        const second = await open(t, dir);
        assert.ok(Date.parse((await node3(second.url)).lease_ends) > Date.now(), 'it is read');
        await served(second.url);
        rmSync(join(dir, 'fill'));
        await until(() => complaints(second) === 0 || /is written again/.test(second.log()), 'another try', 8000);
        assert.equal((await register(second.url, 3, KEY, { url: one.url })).status, 200);
        await second.stop();
        assert.ok(leaseAt(dir) > 0);
    });

    test('a limit of file sizes is an error like others, and ends nobody', async (t) => {
        const dir = folder(t);
        const program = join(dir, 'limited');
        writeFileSync(program, `#!/bin/sh\nulimit -f 16\nexec ${binary(false)} "$@"\n`, { mode: 0o755 });
        const host = await open(t, dir, { program });
        await breakNode3(host.url);
        await until(() => complaints(host) > 0, 'the log line');
        await served(host.url);
        await host.stop();
    });

    test('a directory that nobody may write into: it is read, said once, and nothing is lost', async (t) => {
        const dir = folder(t);
        const root = process.getuid?.() === 0;
        const program = join(dir, 'as-nobody');
        writeFileSync(program, `#!/bin/sh\nexec setpriv --reuid=${NOBODY} --clear-groups ${binary(false)} "$@"\n`, { mode: 0o755 });
        const data = join(dir, 'data');
        execFileSync('mkdir', [data]);
        chmodSync(dir, 0o755);
        const file = join(dir, 'gateway.json');
        writeFileSync(file, '{"log_requests": false}');
        if (root) chownSync(data, NOBODY, NOBODY);
        const options = root ? { program, file } : { file };
        const modes = (/** @type {number} */ folder, /** @type {number} */ each) => {
            for (const name of readdirSync(data)) chmodSync(join(data, name), each);
            chmodSync(data, folder);
        };
        const first = await open(t, data, options);
        await breakNode3(first.url);
        await until(() => /^breaker node-3 \d+ open /m.test(frames(data)), 'the store');
        for (const how of ['killed', 'ended']) {
            await (how === 'killed' ? kill(first) : first.stop());
            modes(0o555, 0o444);
            const second = await open(t, data, options);
            assert.equal((await node3(second.url)).breaker, 'open', how);
            await until(() => complaints(second) === 1, 'the log line');
            await served(second.url);
            await kill(second);
            modes(0o755, 0o644);
            const third = await open(t, data, options);
            assert.equal((await node3(third.url)).breaker, 'open');
            assert.equal(complaints(third), 0);
            await third.stop();
            if (how === 'killed') first.stop = () => third.stop().catch(() => {});
        }
    });

    test('an old state file stays until what it says is committed', async (t) => {
        const dir = folder(t);
        const disk = badDisk(dir);
        const now = Date.now();
        writeFileSync(join(dir, 'state'), `breaker node-3 ${now - 1000} open ${now + 30_000} 1 2\n`);
        disk.mood('full');
        const host = await open(t, dir, { env: { ...disk.env, CIRCUIT_BREAKER_RECOVERY_TIMEOUT: '30' }, plain: true });
        assert.equal((await node3(host.url)).breaker, 'open');
        await until(() => complaints(host) > 0, 'the log line');
        assert.ok(existsSync(join(dir, 'state')));
        disk.mood('');
        await until(() => !existsSync(join(dir, 'state')), 'it to be taken over', 8000);
        assert.match(frames(dir), /^breaker node-3 \d+ open /);
        await kill(host);
        const second = await open(t, dir);
        assert.equal((await node3(second.url)).breaker, 'open');
        await second.stop();
    });

    test('what a newer release has written is refused, and left as it is', async (t) => {
        const dir = folder(t);
        const host = await open(t, dir);
        await host.stop();
        within(dir, (db) => db.exec('PRAGMA user_version = 99'), false);
        const before = readFileSync(storeOf(dir));
        const run = await runRack(['--listen', '127.0.0.1:0'], { config: '{}', env: { ...bench.cluster.env, GATEWAY_AUTH: 'off', HEADY_DATA_DIR: dir } });
        assert.equal(run.code, 2, run.stderr);
        assert.match(run.stderr, /heady\.db: a newer release has written it \(format 99; this one knows \d+\)\. Start that release; or move the file away/);
        assert.deepEqual(readFileSync(storeOf(dir)), before);
    });

    test('one that takes over while this one runs: nothing more is written, requests go on', async (t) => {
        const dir = folder(t);
        const host = await open(t, dir);
        await until(() => existsSync(storeOf(dir)), 'the store');
        within(dir, (db) => db.exec('PRAGMA user_version = 99'), false);
        await breakNode3(host.url);
        await until(() => /cannot be written: a newer release has written it/.test(host.log()), 'the log line');
        await served(host.url);
        await host.stop();
        assert.equal(frames(dir), '');
    });

    /** @type {[string, (file: string) => void][]} */
    const damages = [
        ['no database', (file) => writeFileSync(file, 'this is no database'.repeat(500))],
        ['one that was cut off', (file) => truncateSync(file, 4096)],
        ['one with a page of rubbish', (file) => {
            const fd = openSync(file, 'r+');
            writeSync(fd, Buffer.alloc(4096, 0xa5), 0, 4096, 4096);
            closeSync(fd);
        }],
    ];
    for (const [what, damage] of damages) {
        test(`${what}: it is set aside, which is said, and a new one is begun`, async (t) => {
            const dir = folder(t);
            const first = await open(t, dir);
            await breakNode3(first.url);
            await first.stop();
            damage(storeOf(dir));
            const bytes = readFileSync(storeOf(dir));
            const second = await open(t, dir);
            await served(second.url);
            const aside = join(dir, 'heady.db.broken-1');
            await until(() => existsSync(aside), 'it to be set aside', 8000);
            assert.deepEqual(readFileSync(aside), bytes);
            assert.match(second.log(), /heady\.db is damaged .*a new one is begun/);
            await breakNode3(second.url);
            await until(() => /^breaker node-3 \d+ open /m.test(frames(dir)), 'the new one', 8000);
            await second.stop();
        });
    }

    test('a file that is removed under it is begun again', async (t) => {
        const dir = folder(t);
        const host = await open(t, dir);
        await until(() => existsSync(storeOf(dir)), 'the store');
        for (const name of readdirSync(dir)) rmSync(join(dir, name));
        await breakNode3(host.url);
        await until(() => /^breaker node-3 \d+ open /m.test(frames(dir)), 'it');
        await host.stop();
    });
});
