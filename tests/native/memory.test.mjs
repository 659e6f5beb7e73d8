/** A slow client holds the node back; it does not fill the daemon. LONG=1 runs it at full length. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, begin } from '../lib/client.mjs';
import { atHost, test } from '../lib/hosts.mjs';
import { startRack } from '../lib/rack.mjs';
import { until } from '../lib/proc.mjs';

const LONG = process.env.LONG === '1';
const BYTES = LONG ? 200_000_000 : 20_000_000;
const PER_SECOND = LONG ? 1_000_000 : 4_000_000;
const STEP_MS = 50;

/** Reads at a steady pace to the end, calling `look` every half second.
 * @param {import('node:http').IncomingMessage} res @param {(read: number) => void} look */
async function readSlowly(res, look) {
    const step = (PER_SECOND * STEP_MS) / 1000;
    let read = 0;
    let due = 0;
    let ended = false;
    res.on('end', () => (ended = true));
    for (let turn = 1; !ended; turn++) {
        due += step;
        while (read < due) {
            const part = res.read();
            if (part === null) break;
            read += part.length;
        }
        if (turn % (500 / STEP_MS) === 0) look(read);
        await sleep(STEP_MS);
    }
    return read;
}

atHost('rack', 'memory', (bench) => {
    test(`${BYTES} bytes to a slow client`, { timeout: 300_000 }, async (t) => {
        const host = await startRack({ plain: true, env: { ...bench.cluster.env, GATEWAY_AUTH: 'off' } });
        t.after(() => host.stop());
        await ask(host.url, '/api/heavy/code/bytes?n=1000000');
        await bench.cluster.heal();
        const before = host.residentKib();
        const path = `/api/heavy/code/bytes?n=${BYTES}`;
        const { req, response } = begin(host.url, path, { timeout: 290_000 });
        req.end();
        const res = await response;
        res.pause();
        let most = before;
        let lead = 0;
        const read = await readSlowly(res, (so_far) => {
            most = Math.max(most, host.residentKib());
            const sent = bench.cluster.nodes.reduce((sum, node) => sum + node.stats().bytes_out, 0);
            lead = Math.max(lead, sent - so_far);
        });
        assert.equal(read, BYTES);
        t.diagnostic(`memory grew by ${most - before} KiB; the node was at most ${lead} bytes ahead`);
        assert.ok(most - before <= 4096, `memory grew by ${most - before} KiB`);
        // What is ahead lies in the sockets' buffers, which the kernel sizes, not in the daemon.
        assert.ok(lead < 16_000_000, `the node was not held back: ${lead} bytes ahead`);
    });

    test('a client that does not read at all holds the node, and nothing else', async (t) => {
        const env = { ...bench.cluster.env, GATEWAY_AUTH: 'off' };
        const host = await startRack({ plain: true, env });
        t.after(() => host.stop());
        await ask(host.url, '/api/heavy/code/bytes?n=1000000');
        const before = host.residentKib();
        const held = [];
        for (let i = 0; i < 4; i++) {
            const { req, response } = begin(host.url, '/api/heavy/code/bytes?n=50000000');
            req.on('error', () => {});
            req.end();
            const res = await response;
            res.on('error', () => {});
            res.pause();
            held.push(req);
        }
        await sleep(1000);
        const sent = () => bench.cluster.nodes.reduce((sum, node) => sum + node.stats().bytes_out, 0);
        const first = sent();
        await sleep(700);
        assert.equal(sent(), first, 'the nodes stand still');
        assert.ok(first < 120_000_000, `${first} bytes were taken in`);
        assert.ok(host.residentKib() - before <= 4096, `${host.residentKib() - before} KiB`);
        assert.equal((await ask(host.url, '/api/heavy/code/echo')).status, 200);
        for (const req of held) req.destroy();
        const free = () => bench.cluster.nodes.every((node) => node.stats().in_flight === 0);
        await until(free, 'the nodes to be let go', 3000);
    });

    test('a slow client cannot hold the daemon for ever', async (t) => {
        const config = { limits: { client_write_ms: 500 } };
        const host = await bench.open(t, { config });
        const { req, response } = begin(host.url, '/api/heavy/code/bytes?n=50000000');
        req.on('error', () => {});
        req.end();
        const res = await response;
        res.on('error', () => {});
        res.pause();
        const free = () => bench.cluster.nodes.every((node) => node.stats().in_flight === 0);
        await until(free, 'the node to be let go', 5000);
    });

    test('descriptors and memory come back', async (t) => {
        const env = { ...bench.cluster.env, GATEWAY_AUTH: 'off' };
        const host = await startRack({ plain: true, env });
        t.after(() => host.stop());
        const burst = async () => {
            await Promise.all(
                Array.from({ length: 100 }, (_, i) =>
                    ask(host.url, `/api/heavy/${i % 2 ? 'code' : 'batch'}/echo`, { body: 'x'.repeat(20_000) })),
            );
        };
        await burst();
        await burst();
        await sleep(200);
        const before = { files: host.openFiles(), kib: host.residentKib() };
        for (let i = 0; i < 5; i++) await burst();
        await sleep(200);
        assert.ok(host.openFiles() <= before.files + 16, `${before.files} -> ${host.openFiles()} files`);
        assert.ok(host.residentKib() - before.kib <= 4096, `${before.kib} -> ${host.residentKib()} KiB`);
    });
});
