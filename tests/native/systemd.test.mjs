/** Socket units, readiness and the watchdog, spoken with systemd's own tools and a real socket. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask } from '../lib/client.mjs';
import { atHost, test } from '../lib/hosts.mjs';
import { startLoad } from '../lib/load.mjs';
import { binary, freePort, startRack } from '../lib/rack.mjs';
import { ROOT, ready, start, until } from '../lib/proc.mjs';
import { alive, end, signal, upgrade } from '../lib/successor.mjs';

const ACTIVATE = '/usr/bin/systemd-socket-activate';
const ANALYZE = '/usr/bin/systemd-analyze';

/** A manager's end of NOTIFY_SOCKET: prints each datagram with the number of the process it is from. */
const MANAGER = `
import json, socket, struct, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
name = sys.argv[1]
s.bind("\\0" + name[1:] if name.startswith("@") else name)
print("bound", flush=True)
while True:
    data, control, _, _ = s.recvmsg(4096, 64)
    pid = struct.unpack("iii", control[0][2])[0]
    print(json.dumps([pid, data.decode().split("\\n")]), flush=True)
`;

/** @param {import('node:test').TestContext} t @param {string} name */
async function manager(t, name) {
    const child = start(['python3', '-c', MANAGER, name]);
    t.after(() => child.stop('SIGKILL'));
    await until(() => child.output().includes('bound'), 'the manager');
    /** @returns {[number, string[]][]} */
    const heard = () => child.output().split('\n').slice(1, -1).map((line) => JSON.parse(line));
    /** @param {string} what @param {number} [pid] @param {number} [times] */
    const hears = (what, pid, times = 1) =>
        until(() => heard().filter(([from, lines]) =>
            (pid === undefined || from === pid) && lines.includes(what)).length >= times, `${what} ${times} times`);
    return { heard, hears };
}

atHost('rack', 'systemd', (bench) => {
    const environment = () => ({ ...bench.cluster.env, GATEWAY_AUTH: 'off' });

    /** @param {import('node:test').TestContext} t @param {string} name @param {Record<string, string>} [env] */
    const notified = async (t, name, env = {}) => {
        const dir = mkdtempSync(join(tmpdir(), 'heady-systemd-'));
        const file = join(dir, 'gateway.json');
        writeFileSync(file, '{}');
        const socket = name.startsWith('@') ? `${name}-${process.pid}-${Date.now()}` : join(dir, name);
        const heard = await manager(t, socket);
        const args = ['--threads', '2'];
        const host = await startRack({ file, args, env: { ...environment(), NOTIFY_SOCKET: socket, ...env } });
        t.after(async () => {
            await end(host.pid);
            rmSync(dir, { recursive: true, force: true });
        });
        return { host, file, ...heard };
    };

    for (const name of ['notify', '@heady-notify']) {
        test(`ready, reloading, stopping, to ${name}`, async (t) => {
            const { host, file, heard, hears } = await notified(t, name);
            await hears('READY=1', host.pid);
            signal(host.pid, 'SIGHUP');
            await hears('READY=1', host.pid, 2);
            const reloading = heard().find(([, lines]) => lines.includes('RELOADING=1'));
            assert.match(reloading?.[1].join(' ') ?? '', /MONOTONIC_USEC=[0-9]{6,}/);
            writeFileSync(file, 'nonsense');
            signal(host.pid, 'SIGHUP');
            await hears('RELOADING=1', host.pid, 2);
            await hears('READY=1', host.pid, 3);
            signal(host.pid, 'SIGTERM');
            await hears('STOPPING=1', host.pid);
        });
    }

    test('a hand-over: the old process names the new one, and is not heard of again', async (t) => {
        const { host, heard, hears } = await notified(t, 'notify');
        const pid = await upgrade(host, host.pid);
        t.after(() => end(pid));
        await hears(`MAINPID=${pid}`, host.pid);
        await hears('READY=1', pid);
        await until(() => !alive(host.pid), 'the old process to end', 8000);
        assert.ok(!heard().some(([, lines]) => lines.includes('STOPPING=1')));
    });

    test('the watchdog hears while all loops turn, and not when the process stands still', async (t) => {
        const { host, heard, hears } = await notified(t, 'notify', { WATCHDOG_USEC: '400000' });
        await hears('WATCHDOG=1', host.pid, 8);
        signal(host.pid, 'SIGSTOP');
        const before = heard().length;
        await new Promise((resolve) => setTimeout(resolve, 500));
        assert.ok(heard().length <= before + 1);
        signal(host.pid, 'SIGCONT');
        const { length } = heard().filter(([, lines]) => lines.includes('WATCHDOG=1'));
        await hears('WATCHDOG=1', host.pid, length + 3);
    });

    test('another process\'s watchdog is not ours', async (t) => {
        const env = { WATCHDOG_USEC: '100000', WATCHDOG_PID: '1' };
        const { host, heard, hears } = await notified(t, 'notify', env);
        await hears('READY=1', host.pid);
        await new Promise((resolve) => setTimeout(resolve, 300));
        assert.ok(!heard().some(([, lines]) => lines.includes('WATCHDOG=1')));
    });

    for (const threads of ['1', '3']) {
        test(`a socket unit's socket is served by ${threads} threads, also by the next process`, async (t) => {
            assert.ok(existsSync(ACTIVATE), 'systemd-socket-activate is missing: tools/install.sh');
            const port = await freePort();
            const env = Object.entries(environment()).map(([name, value]) => `--setenv=${name}=${value}`);
            const command = [ACTIVATE, '-l', `127.0.0.1:${port}`, ...env, binary(false), '--threads', threads];
            const child = start(command, { cwd: tmpdir() });
            const pids = [child.pid];
            t.after(async () => {
                for (const pid of pids) await end(pid); // the later ones hold the first one's outputs
            });
            const url = `http://127.0.0.1:${port}`;
            await ready(child, `${url}/health`);
            const load = startLoad(url, { clients: 4 });
            for (let i = 0; i < 2; i++) pids.push(await upgrade({ log: child.output }, pids[i]));
            await load.stop();
            assert.deepEqual(load.wrong, []);
            assert.equal((await ask(url, '/api/heavy/code/echo')).status, 200);
            assert.doesNotMatch(child.output(), /127\.0\.0\.1:4700/, 'the default address is not opened');
        });
    }

    test('a descriptor that is no listening socket is refused in a sentence', () => {
        const script = 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" 3</dev/null';
        const run = spawnSync('/bin/sh', ['-c', script, binary(false)], { encoding: 'utf8', timeout: 5000 });
        assert.equal(run.status, 1, run.stderr);
        assert.match(run.stderr, /descriptor 3.*ListenStream/);
    });

    test('the units hold what systemd understands', (t) => {
        assert.ok(existsSync(ANALYZE), 'systemd-analyze is missing: tools/install.sh');
        const prefix = mkdtempSync(join(tmpdir(), 'heady-install-'));
        t.after(() => rmSync(prefix, { recursive: true, force: true }));
        const install = spawnSync('make', ['install', `PREFIX=${prefix}`], { cwd: ROOT, encoding: 'utf8' });
        assert.equal(install.status, 0, install.stderr);
        const units = ['service', 'socket'].map((kind) => join(prefix, `lib/systemd/system/heady-gateway.${kind}`));
        const verify = spawnSync(ANALYZE, ['verify', ...units], { encoding: 'utf8', timeout: 30_000 });
        assert.equal(verify.status, 0, verify.stderr);
        assert.doesNotMatch(verify.stderr, /heady/);
    });
});
