/** SIGUSR2: another process takes the listening sockets over, and nobody notices. */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, begin, events } from '../lib/client.mjs';
import { atHost, test } from '../lib/hosts.mjs';
import { startLoad } from '../lib/load.mjs';
import { binary, startRack } from '../lib/rack.mjs';
import { openFiles, until } from '../lib/proc.mjs';
import { alive, end, signal, upgrade } from '../lib/successor.mjs';

const CHAT = '/api/heavy/code/v1/chat/completions';

atHost('rack', 'upgrade', (bench) => {
    /**
     * A daemon whose program and configuration are files of its own.
     * @param {import('node:test').TestContext} t @param {{args?: string[], plain?: boolean}} [options]
     */
    const open = async (t, options = {}) => {
        const dir = mkdtempSync(join(tmpdir(), 'heady-upgrade-'));
        const program = join(dir, 'gateway');
        const file = join(dir, 'gateway.json');
        copyFileSync(binary(options.plain ?? false), program);
        writeFileSync(file, JSON.stringify({ log_requests: false }));
        const env = { ...bench.cluster.env, GATEWAY_AUTH: 'off' };
        const host = await startRack({ args: options.args, env, file, program });
        const pids = [host.pid];
        t.after(async () => {
            for (const pid of pids) await end(pid);
            rmSync(dir, { recursive: true, force: true });
            assert.doesNotMatch(host.log(), /Sanitizer|runtime error/);
        });
        const next = async () => {
            const pid = await upgrade(host, pids[pids.length - 1]);
            pids.push(pid);
            return pid;
        };
        /** @param {string} text replaces the program, as a package manager does */
        const replace = (text) => {
            writeFileSync(`${program}.new`, text);
            chmodSync(`${program}.new`, 0o755);
            renameSync(`${program}.new`, program);
        };
        return { host, program, file, pids, next, replace };
    };

    test('under load, five times, no request is lost', async (t) => {
        const { host, pids, next } = await open(t, { args: ['--threads', '2'], plain: true });
        const load = startLoad(host.url);
        for (let i = 0; i < 5; i++) {
            await sleep(300);
            await next();
        }
        await sleep(500);
        await load.stop();
        assert.deepEqual(load.wrong, []);
        assert.ok(load.answered() > 100, `${load.answered()} answers`);
        for (const pid of pids.slice(0, -1)) await until(() => !alive(pid), `process ${pid} to end`, 8000);
        t.diagnostic(`${load.answered()} answers through ${pids.length} processes`);
    });

    test('short connections: none is refused or reset', async (t) => {
        const { host, next } = await open(t, { args: ['--threads', '3'] });
        let going = true;
        /** @type {string[]} */
        const wrong = [];
        let answered = 0;
        const client = async () => {
            while (going) {
                const answer = await ask(host.url, '/api/heavy/code/echo').catch((e) => wrong.push(e.message));
                if (typeof answer === 'object' && answer.status === 200) answered++;
                else wrong.push(JSON.stringify(answer));
            }
        };
        const clients = Promise.all(Array.from({ length: 6 }, client));
        for (let i = 0; i < 3; i++) {
            await sleep(200);
            await next();
        }
        going = false;
        await clients;
        assert.deepEqual(wrong, []);
        assert.ok(answered > 50, `${answered} answers`);
    });

    test('a running stream is finished by the old process, which then ends', async (t) => {
        const { host, pids, next } = await open(t);
        const { req, response } = begin(host.url, CHAT, { method: 'POST' });
        req.end(JSON.stringify({ stream: true, messages: [], max_tokens: 60, ms_per_token: 20 }));
        let last = '';
        let seen = 0;
        for await (const data of events(await response)) {
            last = data;
            if (++seen === 5) await next();
        }
        assert.equal(last, '[DONE]');
        await until(() => !alive(pids[0]), 'the old process to end', 8000);
        assert.equal((await ask(host.url, '/api/heavy/code/echo')).status, 200);
    });

    test('the program is the file that stands there now', async (t) => {
        const { program, pids, next } = await open(t, { plain: true });
        copyFileSync(program, `${program}.new`);
        renameSync(`${program}.new`, program);
        const pid = await next();
        assert.equal(statSync(`/proc/${pid}/exe`).ino, statSync(program).ino);
        assert.notEqual(pid, pids[0]);
    });

    /** @type {[string, (o: Awaited<ReturnType<typeof open>>) => void, RegExp][]} */
    const failures = [
        ['a bad configuration', ({ file }) => writeFileSync(file, '{"heavie": 1}'), /exit code 2/],
        ['a program that crashes', ({ replace }) => replace('#!/bin/sh\nkill -SEGV $$\n'), /signal 11/],
        ['a program that ends well', ({ replace }) => replace('#!/bin/sh\nexit 0\n'), /exit code 0/],
        ['no program', ({ program }) => rmSync(program), /No such file/],
        ['a file that is none', ({ replace }) => replace('\x7fELF nonsense'), /failed/],
        ['a program that never serves', ({ replace }) => replace('#!/bin/sh\nexec sleep 60\n'), /did not serve within/],
    ];
    for (const [what, spoil, why] of failures) {
        test(`${what}: the old process goes on, and says why`, async (t) => {
            const opened = await open(t);
            const { host, program, file } = opened;
            const good = join(program, '..', 'good');
            copyFileSync(program, good);
            await ask(host.url, '/api/heavy/code/echo');
            const files = openFiles(host.pid);
            spoil(opened);
            signal(host.pid, 'SIGUSR2');
            await until(() => /the hand-over failed/.test(host.log()), 'the log line', 15_000);
            assert.match(host.log(), why);
            assert.equal((await ask(host.url, '/api/heavy/code/echo')).status, 200);
            await until(() => openFiles(host.pid) <= files, 'the descriptors to be given back');
            writeFileSync(file, '{}');
            renameSync(good, program);
            await opened.next();
            assert.equal((await ask(host.url, '/api/heavy/code/echo')).status, 200);
        });
    }

    for (const [before, after] of [[4, 1], [1, 4]]) {
        test(`from ${before} threads to ${after}`, async (t) => {
            const { host, program, next, replace } = await open(t, { args: ['--threads', `${before}`] });
            const real = join(program, '..', 'real');
            copyFileSync(program, real);
            replace(`#!/bin/sh\nexec ${real} "$@" --threads ${after}\n`);
            const load = startLoad(host.url, { clients: 4 });
            const pid = await next();
            await sleep(1500);
            await load.stop();
            assert.deepEqual(load.wrong, []);
            for (let i = 0; i < 40; i++) assert.equal((await ask(host.url, '/health')).status, 200);
            // And back again, from a process that inherited its sockets.
            await next();
            assert.ok(alive(pid) || load.answered() > 0);
            for (let i = 0; i < 40; i++) assert.equal((await ask(host.url, '/health')).status, 200);
        });
    }

    test('an idle kept connection is closed by the old process after a few seconds', async (t) => {
        const { host, pids, next } = await open(t);
        const socket = net.connect(host.port, '127.0.0.1');
        socket.on('error', () => {});
        const data = () => new Promise((resolve) => socket.once('data', (b) => resolve(b.toString())));
        socket.write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
        assert.match(String(await data()), /keep-alive|HTTP\/1.1 200/);
        await next();
        // It has a moment for one more request, and is then told to close.
        socket.write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
        assert.match(String(await data()), /connection: close/i);
        await until(() => !alive(pids[0]), 'the old process to end', 8000);
        socket.destroy();
    });

    test('SIGTERM while the new process starts: both end', async (t) => {
        const { host, replace } = await open(t);
        replace('#!/bin/sh\nexec sleep 60\n');
        signal(host.pid, 'SIGUSR2');
        await until(() => /handing over to process/.test(host.log()), 'the start');
        const started = Number(/handing over to process ([0-9]+)/.exec(host.log())?.[1]);
        signal(host.pid, 'SIGTERM');
        await until(() => !alive(host.pid) && !alive(started), 'both to end');
    });
});
