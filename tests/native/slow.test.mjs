/** Clients that are slow on purpose, and too many of them: whoever behaves is served all along. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ask } from '../lib/client.mjs';
import { connect2 } from '../lib/h2.mjs';
import { atHost, test } from '../lib/hosts.mjs';
import { busyMs, must, openFiles, until } from '../lib/proc.mjs';

const run = promisify(execFile);
const ECHO = '/api/heavy/code/echo';
const HOST = 'host: localhost\r\n';
const QUICK = { client_head_ms: 1000, client_body_ms: 800, client_idle_ms: 2000, client_write_ms: 1000 };

/** Sends `bytes`, then one of `drip` every `ms` until the other side ends it: what it said, and when.
 * @param {number} port @param {string} bytes @param {string} drip @param {number} ms */
async function dripping(port, bytes, drip, ms) {
    const socket = net.connect(port, '127.0.0.1');
    const from = Date.now();
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (part) => (text += part));
    socket.write(bytes);
    const timer = setInterval(() => socket.write(drip), ms);
    const over = new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
    await must(over, 15_000).finally(() => clearInterval(timer));
    socket.destroy();
    return { text, ms: Date.now() - from };
}

/** Asks again and again until told to stop: how long each answer took. @param {string} url */
function behaved(url) {
    let on = true;
    /** @type {number[]} */
    const took = [];
    const all = (async () => {
        while (on) {
            const from = Date.now();
            const answer = await ask(url, ECHO, { body: '{}' });
            assert.equal(answer.status, 200, answer.text);
            took.push(Date.now() - from);
            await sleep(20);
        }
    })();
    const stop = async () => {
        on = false;
        await all;
        took.sort((a, b) => a - b);
        return { n: took.length, p95: took[Math.floor(took.length * 0.95)] };
    };
    return { stop };
}

atHost('rack', 'slow clients', (bench) => {
    /** slowhttptest's modes: slow heads, slow bodies, many ranges, slow readers. @type {[string, string[]][]} */
    const modes = [
        ['slow heads', ['-H', '-i', '1', '-t', 'GET', '-x', '24']],
        ['slow bodies', ['-B', '-i', '1', '-s', '8192', '-t', 'POST', '-x', '10']],
        ['many ranges', ['-R', '-a', '10', '-b', '3000', '-t', 'HEAD']],
        ['slow readers', ['-X', '-w', '1', '-y', '32', '-n', '1', '-z', '16', '-k', '3']],
    ];
    for (const [what, args] of modes) {
        test(`slowhttptest, ${what}: a client that behaves is served`, async (t) => {
            const host = await bench.open(t, { config: { limits: QUICK } });
            const good = behaved(host.url);
            const path = args[0] === '-X' ? '/api/heavy/code/bytes?n=300000' : ECHO;
            const all = ['-c', '300', '-r', '150', '-l', '6', '-p', '2', ...args, '-u', host.url + path];
            await run('slowhttptest', all, { timeout: 30_000 }).catch(() => {}); // its exit code says nothing
            const { n, p95 } = await good.stop();
            assert.ok(n > 20 && p95 < 1000, `${n} answers, 95 % within ${p95} ms`);
        });
    }

    test('a head that drips is ended in its time', async (t) => {
        const host = await bench.open(t, { config: { limits: QUICK } });
        const { text, ms } = await dripping(Number(new URL(host.url).port), `GET ${ECHO} HTTP/1.1\r\n${HOST}x: `, 'y', 100);
        assert.match(text, /^HTTP\/1\.1 408 [^]*x-request-id: [0-9a-f]{32}\r\n/);
        assert.match(text, /cache-control: no-store\r\n/);
        assert.ok(ms >= 900 && ms < 4000, `${ms} ms`);
    });

    test('a body must come at a rate, not only now and then', async (t) => {
        const host = await bench.open(t, { config: { limits: { ...QUICK, client_rate_min: 1000 } } });
        const head = `POST ${ECHO} HTTP/1.1\r\n${HOST}content-length: 100000\r\n\r\n`;
        const slow = await dripping(Number(new URL(host.url).port), head, 'x', 100);
        assert.match(slow.text, /^HTTP\/1\.1 408 /);
        assert.ok(slow.ms < 5000, `${slow.ms} ms`);
        const chunked = `POST ${ECHO} HTTP/1.1\r\n${HOST}transfer-encoding: chunked\r\n\r\n`;
        assert.match((await dripping(Number(new URL(host.url).port), chunked, '1\r\nx\r\n', 100)).text, /^HTTP\/1\.1 408 /);
        const enough = `POST ${ECHO} HTTP/1.1\r\n${HOST}connection: close\r\ncontent-length: 6000\r\n\r\n`;
        const well = await dripping(Number(new URL(host.url).port), enough, 'x'.repeat(300), 100);
        assert.match(well.text, /^HTTP\/1\.1 200 /, 'twice the rate, over three times the grace, is good');
    });

    test('a body must come at a rate in HTTP/2 as well', async (t) => {
        const host = await bench.open(t, { config: { limits: { ...QUICK, client_rate_min: 1000 } } });
        const session = await connect2(t, host.url);
        const stream = session.request({ ':method': 'POST', ':path': ECHO, 'content-length': '100000' });
        stream.on('error', () => {});
        const timer = setInterval(() => stream.write('x'), 100);
        const [head] = await must(once(stream, 'response'), 8000).finally(() => clearInterval(timer));
        assert.equal(head[':status'], 408);
    });

    test('an answer must be taken at a rate', async (t) => {
        const host = await bench.open(t, { config: { limits: { ...QUICK, client_rate_min: 100_000 } } });
        const socket = net.connect({ port: Number(new URL(host.url).port), host: '127.0.0.1' });
        socket.on('error', () => {});
        socket.pause();
        socket.write(`GET /api/heavy/code/bytes?n=50000000 HTTP/1.1\r\n${HOST}\r\n`);
        const closed = new Promise((resolve) => socket.once('close', resolve));
        const timer = setInterval(() => socket.read(2000), 100);
        t.after(() => clearInterval(timer));
        const freed = () => bench.cluster.nodes.every((node) => node.stats().in_flight === 0);
        await until(() => bench.cluster.requests() > 0, 'the request to reach a node');
        await until(freed, 'the node to be let go', 10_000);
        socket.resume();
        await must(closed, 5000);
    });

    test('an address has so many connections, and no more', async (t) => {
        const host = await bench.open(t, { config: { limits: { connections_per_address: 20 } } });
        const port = Number(new URL(host.url).port);
        const files = openFiles(host.pid);
        const sockets = Array.from({ length: 40 }, () => net.connect(port, '127.0.0.1'));
        let refused = 0;
        for (const socket of sockets) {
            socket.on('error', () => {});
            socket.on('data', (data) => { if (String(data).startsWith('HTTP/1.1 503 ')) refused++; });
        }
        await until(() => refused >= 20, '20 of 40 to be refused');
        assert.ok(refused <= 22, `${refused} refused: a kept connection or two may count`);
        for (const socket of sockets) socket.destroy();
        await until(() => openFiles(host.pid) <= files, 'their descriptors to come back');
        assert.equal((await ask(host.url, ECHO, { body: '{}' })).status, 200);
    });

    test('without descriptors it sheds, does not spin, and lives', async (t) => {
        const host = await bench.open(t);
        const port = Number(new URL(host.url).port);
        await run('prlimit', ['--pid', String(host.pid), '--nofile=60:60']);
        const sockets = Array.from({ length: 120 }, () => net.connect(port, '127.0.0.1'));
        let refused = 0;
        for (const socket of sockets) {
            socket.on('error', () => {});
            socket.on('data', (data) => { if (/^HTTP\/1\.1 503 [^]*x-request-id/.test(String(data))) refused++; });
        }
        await until(() => refused > 30, 'many to be refused');
        const before = busyMs(host.pid);
        await sleep(1000);
        const busy = busyMs(host.pid) - before;
        assert.ok(busy < 300, `${busy} ms of CPU in a second`);
        for (const socket of sockets) socket.destroy();
        const well = async () => (await ask(host.url, ECHO, { body: '{}' }).catch(() => ({ status: 0 }))).status === 200;
        await until(well, 'it to serve again');
    });

    test('without memory it answers 503 or closes, and lives', async (t) => {
        const host = await bench.open(t, { plain: true });
        const kib = Number(/VmSize:\s+(\d+)/.exec(await ownStatus(host.pid))?.[1]);
        await run('prlimit', ['--pid', String(host.pid), `--as=${(kib + 6144) * 1024}:`]);
        const body = 'x'.repeat(1 << 20);
        const asked = Array.from({ length: 40 }, () =>
            ask(host.url, `${ECHO}?ms=300`, { body }).then(({ status }) => status, () => 0));
        const statuses = await Promise.all(asked);
        assert.ok(statuses.every((s) => [0, 200, 503].includes(s)), `${statuses}`);
        assert.ok(statuses.includes(503), `there was not enough memory: ${statuses}`);
        await run('prlimit', ['--pid', String(host.pid), '--as=unlimited:']);
        assert.equal((await ask(host.url, ECHO, { body: '{}' })).status, 200);
    });
});

/** @param {number} pid */
async function ownStatus(pid) {
    return (await run('cat', [`/proc/${pid}/status`])).stdout;
}
