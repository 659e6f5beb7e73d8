/** A client that leaves at once: its request's context ends with nothing run, and yet its slot is
 * given back. And many that leave while the isolate stands still. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, begin } from '../lib/client.mjs';
import { atHost, test } from '../lib/hosts.mjs';
import { until } from '../lib/proc.mjs';

const NODES = [7, 8, 1]; // of the class batch, and the one behind all classes
const CLIENTS = 24;
const PATIENCE_MS = 1000;

/** @param {http.Agent} agent @param {string} url @returns {Promise<number>} the status, 0: none came */
function patient(agent, url) {
    return new Promise((resolve) => {
        const signal = AbortSignal.timeout(PATIENCE_MS);
        const req = http.request(new URL('/api/heavy/batch', url), { method: 'POST', agent, signal });
        req.on('error', () => resolve(0));
        req.on('response', (res) => {
            res.on('error', () => resolve(0)).on('end', () => resolve(res.statusCode ?? 0)).resume();
        });
        req.end('{"type":"general","prompt":"p"}');
    });
}

/** @param {string} url @returns {Promise<number>} requests in flight, at all targets */
async function inFlight(url) {
    /** @type {{backends: Record<string, {in_flight: number}>}} */
    const { backends } = JSON.parse((await ask(url, '/api/health')).text);
    return Object.values(backends).reduce((sum, backend) => sum + backend.in_flight, 0);
}

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

    test('an isolate that has stood still goes on, and without those who have left', async (t) => {
        const host = await bench.open(t, { config: { limits: { probe_ms: 0 } } });
        for (const [seed, node] of bench.cluster.nodes.entries()) {
            await node.control({ mode: 'flaky', rate: 0.05, seed, as: { mode: 'reset' } });
        }
        const agent = new http.Agent({ keepAlive: true, maxSockets: CLIENTS });
        let going = true;
        let seen = { answered: 0, lost: 0 };
        const client = async () => {
            while (going) seen[await patient(agent, host.url) === 0 ? 'lost' : 'answered'] += 1;
        };
        const clients = Array.from({ length: CLIENTS }, client);
        await sleep(1500);
        process.kill(host.pid, 'SIGSTOP');
        await sleep(3 * PATIENCE_MS);
        process.kill(host.pid, 'SIGCONT');
        await sleep(4000);
        seen = { answered: 0, lost: 0 };
        await sleep(3000);
        going = false;
        await Promise.all(clients);
        agent.destroy();
        assert.equal(seen.lost, 0, `${seen.lost} got no answer, ${seen.answered} did`);
        assert.ok(seen.answered > CLIENTS);
        for (let i = 0; i < 20 && await inFlight(host.url) > 0; i++) await sleep(500);
        assert.equal(await inFlight(host.url), 0, 'in flight, and nobody is there');
    });
});
