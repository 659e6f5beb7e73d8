/** A request's body: held, so that the next node gets the same bytes; or not held, and then said so. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, begin, json } from '../lib/client.mjs';
import { atBoth, test } from '../lib/hosts.mjs';
import { sha256 } from '../lib/keys.mjs';

const MIB = 1 << 20;
const BODY = randomBytes(5 * MIB);
const DIGEST = sha256(BODY);
const ROOMY = { limits: { replay_bytes_max: 8 * MIB, replay_total_max: 64 * MIB } };

atBoth('replay', (bench) => {
    /** Sends until the sick node has had its request. @param {string} url
     *  @param {import('../node/faults.mjs').Fault} fault
     *  @param {() => Promise<import('../lib/client.mjs').Answer>} send */
    const untilTried = async (url, fault, send) => {
        const sick = bench.cluster.node(3);
        for (let i = 0; i < 4; i++) {
            await sick.control(fault);
            const before = sick.stats().requests;
            const answer = await send();
            if (sick.stats().requests > before) return answer;
            await sick.control({ mode: 'ok' });
            await makeSlow(url);
        }
        return assert.fail('the sick node was never tried');
    };

    /** The balance prefers the quicker node: let node 4 be the slower one. @param {string} url */
    const makeSlow = async (url) => {
        const well = bench.cluster.node(4);
        await well.control({ mode: 'slow', head_ms: 400, count: 1 });
        const before = well.stats().requests;
        for (let i = 0; i < 4 && well.stats().requests === before; i++) {
            await ask(url, '/api/heavy/code', { body: '{"prompt":"x"}' });
        }
    };

    test('a body whose first attempt is reset half-way reaches the second node whole', async (t) => {
        const host = await bench.open(t, { config: ROOMY });
        const fault = { mode: 'reset_body', after: BODY.length / 2, count: 1 };
        const send = () => ask(host.url, '/api/heavy/code/sha', { body: BODY });
        const answer = await untilTried(host.url, fault, send);
        assert.equal(answer.status, 200, answer.text);
        assert.deepEqual(
            { node: json(answer).node, length: json(answer).length, sha256: json(answer).sha256 },
            { node: 4, length: BODY.length, sha256: DIGEST },
        );
        assert.equal(answer.headers['x-heady-attempts'], '2');
    });

    test('a chunked body is replayed as well', async (t) => {
        const host = await bench.open(t, { config: ROOMY });
        const fault = { mode: 'reset_body', after: BODY.length / 2, count: 1 };
        const headers = { 'transfer-encoding': 'chunked' };
        const send = () => ask(host.url, '/api/heavy/code/sha', { body: BODY, headers, method: 'POST' });
        const answer = await untilTried(host.url, fault, send);
        assert.equal(answer.status, 200, answer.text);
        assert.equal(json(answer).sha256, DIGEST);
    });

    test('a body is replayed after an answer, too', async (t) => {
        const host = await bench.open(t, { config: ROOMY });
        const send = () => ask(host.url, '/api/heavy/code/sha', { body: BODY });
        const answer = await untilTried(host.url, { mode: '503', count: 1 }, send);
        assert.equal(answer.status, 200, answer.text);
        assert.equal(json(answer).sha256, DIGEST);
    });

    test('nobody is asked while the client is still sending; then a second node takes over', async (t) => {
        const host = await bench.open(t, { config: ROOMY });
        const headers = { 'content-length': String(BODY.length) };
        const send = async () => {
            const before = bench.cluster.requests();
            const { req, response } = begin(host.url, '/api/heavy/code/sha', { method: 'POST', headers });
            req.on('error', () => {});
            req.write(BODY.subarray(0, 2 * MIB));
            await sleep(200);
            assert.equal(bench.cluster.requests(), before, 'a body that is not whole takes no slot');
            req.end(BODY.subarray(2 * MIB));
            const res = await response;
            let text = '';
            for await (const part of res) text += part;
            return /** @type {any} */ ({ status: res.statusCode, text });
        };
        const answer = await untilTried(host.url, { mode: 'reset_body', after: MIB, count: 1 }, send);
        assert.equal(answer.status, 200, answer.text);
        assert.deepEqual([json(answer).node, json(answer).sha256], [4, DIGEST]);
    });

    test('a body over the limit streams once, and the reason says so', async (t) => {
        const config = { limits: { replay_bytes_max: 65_536 } };
        const host = await bench.open(t, { config });
        const body = BODY.subarray(0, MIB);
        const send = () => ask(host.url, '/api/heavy/code/sha', { body });
        const well = await send();
        assert.equal(well.status, 200, well.text);
        assert.equal(json(well).sha256, sha256(body));
        await bench.cluster.heal();
        const fault = { mode: 'reset_body', after: MIB / 2, count: 1 };
        const answer = await untilTried(host.url, fault, send);
        assert.ok(answer.status >= 500, `${answer.status}`);
        assert.match(String(answer.headers['x-heady-reason']), /replay/);
        assert.equal(typeof json(answer).error.message, 'string');
    });

    test('a body over the limit still fails over from a node that refuses the connection', async (t) => {
        const config = { limits: { replay_bytes_max: 65_536 } };
        const host = await bench.open(t, { config });
        await bench.cluster.node(3).stop();
        const body = BODY.subarray(0, MIB);
        for (let i = 0; i < 3; i++) {
            const answer = await ask(host.url, '/api/heavy/code/sha', { body });
            // At the edge nothing tells "refused" from "reset": the body counts as sent.
            if (bench.name === 'rack') assert.equal(answer.status, 200, answer.text);
            else assert.ok(answer.status === 200 || answer.status >= 500);
        }
    });

    test('a body over body_bytes_max is a 413, declared or not', async (t) => {
        const host = await bench.open(t, { config: { limits: { body_bytes_max: 100_000 } } });
        const body = BODY.subarray(0, 200_000);
        const declared = await ask(host.url, '/api/heavy/code/sha', { body });
        assert.equal(declared.status, 413);
        assert.equal(typeof json(declared).error.message, 'string');
        assert.equal(bench.cluster.requests(), 0);
        const { req, response } = begin(host.url, '/api/heavy/code/sha', { method: 'POST' });
        req.on('error', () => {});
        req.write(body.subarray(0, 50_000));
        req.end(body.subarray(50_000));
        assert.equal((await response).statusCode, 413);
    });

    test('an answer that comes before the body is through is delivered', async (t) => {
        const host = await bench.open(t);
        const answer = await ask(host.url, '/api/heavy/code/early?status=413', {
            body: BODY.subarray(0, MIB),
        });
        assert.equal(answer.status, 413);
        assert.equal(json(answer).error.message, 'the node has seen enough');
    });
});
