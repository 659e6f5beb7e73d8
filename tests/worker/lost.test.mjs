/** A client that leaves at once: its request's context ends with nothing run, and yet its slot is
 * given back. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, begin } from '../lib/client.mjs';
import { atHost, test } from '../lib/hosts.mjs';
import { until } from '../lib/proc.mjs';

const NODES = [7, 8, 1]; // of the class batch, and the one behind all classes

atHost('edge', 'lost calls', (bench) => {
    for (const ms of [20, 600]) {
        test(`slots come back when clients leave after ${ms} ms`, async (t) => {
            const host = await bench.open(t, {
                config: { heavy: { in_flight_max: 1, queue_ms: 6000 }, limits: { probe_ms: 0 } },
            });
            for (const n of NODES) await bench.cluster.node(n).control({ mode: 'hang' });
            const left = NODES.map(async (n, i) => {
                const { req, response } = begin(host.url, '/api/heavy/batch', { method: 'POST' });
                response.catch(() => {});
                req.on('error', () => {});
                req.end('{"type":"general","prompt":"p"}');
                await until(() => bench.cluster.requests() > i, `request ${i} to reach node ${n}`);
                await sleep(ms);
                req.socket?.resetAndDestroy();
            });
            await Promise.all(left);
            await bench.cluster.heal();
            const answer = await ask(host.url, '/api/heavy/batch', { method: 'POST', body: '{"type":"general","prompt":"p"}' });
            assert.equal(answer.status, 200, answer.text);
            assert.ok(answer.ms < (ms < 250 ? 4500 : 1500), `${answer.ms} ms`);
        });
    }
});
