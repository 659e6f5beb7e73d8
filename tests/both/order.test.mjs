/** The order of attempts: the pair, then node 1, then an honest 503. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, json, postJson } from '../lib/client.mjs';
import { atBoth, test } from '../lib/hosts.mjs';

const CHAT = { messages: [{ role: 'user', content: 'hello' }] };

/** @param {string} url @param {number} n @param {(node: number) => void} each */
async function allSucceed(url, n, each) {
    for (let i = 0; i < n; i++) {
        const answer = await postJson(url, '/api/heavy/code', { type: 'code_generation', i });
        assert.equal(answer.status, 200, `request ${i}: ${answer.text}`);
        each(json(answer).node);
    }
}

/** @param {import('../lib/client.mjs').Answer} answer */
function isUnavailable(answer) {
    assert.equal(answer.status, 503, answer.text);
    assert.match(String(answer.headers['content-type']), /^application\/json/);
    assert.match(String(answer.headers['retry-after']), /^[0-9]+$/);
    assert.ok(Number(answer.headers['retry-after']) >= 1);
    assert.equal(typeof json(answer).error.message, 'string');
    assert.ok(answer.ms < 5000, `it took ${answer.ms} ms`);
}

atBoth('order', (bench) => {
    test('with one node stopped every request succeeds', async (t) => {
        for (const [down, up] of [[3, 4], [4, 3]]) {
            await bench.cluster.heal();
            const host = await bench.open(t);
            await allSucceed(host.url, 4, () => {});
            await bench.cluster.node(down).stop();
            await allSucceed(host.url, 10, (node) => assert.equal(node, up));
        }
    });

    test('a node that stops under load loses no request', async (t) => {
        const host = await bench.open(t);
        const jobs = Array.from({ length: 40 }, async (_, i) => {
            await sleep(i * 10);
            return await postJson(host.url, '/api/heavy/vision', { type: 'multimodal', i });
        });
        await sleep(150);
        await bench.cluster.node(5).stop();
        const answers = await Promise.all(jobs);
        assert.deepEqual(answers.filter((a) => a.status !== 200).map((a) => a.text), []);
    });

    test('with both stopped node 1 answers; with node 1 stopped as well, a 503', async (t) => {
        const host = await bench.open(t);
        await bench.cluster.node(3).stop();
        await bench.cluster.node(4).stop();
        await allSucceed(host.url, 5, (node) => assert.equal(node, 1));
        await bench.cluster.node(1).stop();
        for (let i = 0; i < 3; i++) {
            isUnavailable(await postJson(host.url, '/api/heavy/code', { type: 'code_generation' }));
        }
        assert.equal(bench.cluster.node(2).stats().requests, 0, 'node 2 is not in the order');
    });

    test('a fresh gateway before a dead cluster answers 503 too', async (t) => {
        for (const node of bench.cluster.nodes) await node.stop();
        const host = await bench.open(t);
        for (const name of ['reasoning', 'code', 'vision', 'batch']) {
            isUnavailable(await postJson(host.url, `/api/heavy/${name}`, { prompt: 'p' }));
        }
    });

    test('nodes that come back are used again', async (t) => {
        const host = await bench.open(t);
        for (const n of [1, 3, 4]) await bench.cluster.node(n).stop();
        isUnavailable(await postJson(host.url, '/api/heavy/code', { prompt: 'p' }));
        for (const n of [1, 3, 4]) await bench.cluster.node(n).start();
        const end = Date.now() + 40_000;
        let status = 0;
        while (status !== 200 && Date.now() < end) {
            status = (await postJson(host.url, '/api/heavy/code', { prompt: 'p' })).status;
            await sleep(100);
        }
        assert.equal(status, 200);
    });

    /** @type {[string, import('../node/faults.mjs').Fault][]} */
    const faults = [
        ['reset at the head', { mode: 'reset' }],
        ['reset after the body', { mode: 'reset', when: 'body' }],
        ['closed at the head', { mode: 'close' }],
        ['closed after the body', { mode: 'close', when: 'body' }],
        ['silent', { mode: 'hang' }],
        ['busy', { mode: '429', retry_after: 5 }],
        ['loading', { mode: '503' }],
        ['overloaded', { mode: '529' }],
        ['broken', { mode: '500' }],
        ['502', { mode: '502' }],
        ['504', { mode: '504' }],
        ['offline at ngrok', { mode: 'ngrok' }],
        ['offline at Cloudflare', { mode: 'cloudflare' }],
        ['521', { mode: 'cloudflare', status: 521, error: 521 }],
        ['not HTTP', { mode: 'junk' }],
    ];
    for (const [what, fault] of faults) {
        test(`a node that is ${what}: the other one answers`, async (t) => {
            const host = await bench.open(t, { config: { heavy: { first_byte_ms: 500 } } });
            const sick = bench.cluster.node(7);
            await sick.control(fault);
            for (let i = 0; i < 6; i++) {
                const answer = await postJson(host.url, '/api/heavy/batch/v1/chat/completions', CHAT);
                assert.equal(answer.status, 200, `request ${i}: ${answer.text}`);
                assert.equal(json(answer).node, 8);
                assert.equal(answer.headers['x-heady-target'], 'node-8');
            }
            assert.ok(sick.stats().requests >= 1, 'the sick node was tried');
        });
    }

    test('a failed attempt is counted and named', async (t) => {
        const host = await bench.open(t);
        for (let i = 0; i < 6; i++) {
            await bench.cluster.node(7).control({ mode: '503', count: 1 });
            const answer = await postJson(host.url, '/api/heavy/batch', { prompt: 'p' });
            assert.equal(answer.status, 200);
            if (bench.cluster.node(7).stats().requests === 0) continue;
            assert.equal(answer.headers['x-heady-attempts'], '2');
            assert.equal(answer.headers['x-heady-target'], 'node-8');
            return;
        }
        assert.fail('node 7 was never tried');
    });

    test('a busy node is left alone for as long as it asks', async (t) => {
        const host = await bench.open(t);
        const busy = bench.cluster.node(5);
        await busy.control({ mode: '429', retry_after: 60, count: 1 });
        for (let i = 0; i < 12; i++) {
            const answer = await postJson(host.url, '/api/heavy/vision', { prompt: 'p' });
            assert.equal(answer.status, 200);
        }
        assert.equal(busy.stats().requests, 1, 'tried once, then left alone');
    });

    test('what is the request\'s own fault passes untouched, after one attempt', async (t) => {
        const host = await bench.open(t);
        const missing = await ask(host.url, '/api/heavy/code/nope');
        assert.equal(missing.status, 404);
        assert.equal(json(missing).error.code, 'not_found');
        const bad = await postJson(host.url, '/api/heavy/code/v1/chat/completions', { messages: 1 });
        assert.equal(bad.status, 400);
        assert.equal(json(bad).error.param, 'messages');
        assert.equal(bad.headers['x-heady-attempts'], '1');
        assert.equal(bench.cluster.requests(), 2);
    });

    test('if every node answers 500, the client gets the first answer', async (t) => {
        const host = await bench.open(t);
        for (const n of [1, 3, 4]) await bench.cluster.node(n).control('500');
        const answer = await postJson(host.url, '/api/heavy/code', { prompt: 'p' });
        assert.equal(answer.status, 500, answer.text);
        assert.match(json(answer).error.message, /CUDA/);
        assert.ok(answer.ms < 5000);
    });

    test('if every node is busy, a 503 with retry-after comes after the wait', async (t) => {
        const host = await bench.open(t, { config: { heavy: { queue_ms: 500 } } });
        for (const n of [1, 3, 4]) await bench.cluster.node(n).control({ mode: '429', retry_after: 30 });
        isUnavailable(await postJson(host.url, '/api/heavy/code', { prompt: 'p' }));
    });

    test('after node 1 comes the overflow of the configuration, if there is one', async (t) => {
        const host = await bench.open(t, { config: { heavy: { overflow: ['local/battle'] } } });
        for (const n of [1, 3, 4]) await bench.cluster.node(n).stop();
        const answer = await postJson(host.url, '/api/heavy/code', { type: 'code_generation' });
        assert.equal(answer.status, 200, answer.text);
        assert.equal(json(answer).node, 'battle');
        assert.equal(answer.headers['x-heady-attempts'], '4');
    });

    test('a client may say how long it will wait', async (t) => {
        const host = await bench.open(t);
        for (const node of bench.cluster.nodes) await node.control('hang');
        const headers = { 'x-heady-timeout-ms': '600' };
        const answer = await postJson(host.url, '/api/heavy/code', { prompt: 'p' }, headers);
        assert.equal(answer.status, 504, answer.text);
        assert.ok(answer.ms >= 500 && answer.ms < 2000, `${answer.ms} ms`);
        assert.equal(typeof json(answer).error.message, 'string');
    });

    test('a request waits for a slot, and gets it in turn', async (t) => {
        const host = await bench.open(t, { config: { heavy: { in_flight_max: 1, queue_ms: 3000 } } });
        for (const n of [1, 3, 4]) await bench.cluster.node(n).control({ mode: 'slow', head_ms: 400 });
        const path = '/api/heavy/code/v1/chat/completions';
        const answers = await Promise.all(
            Array.from({ length: 6 }, () => postJson(host.url, path, { ...CHAT, ms_per_token: 0 })),
        );
        assert.deepEqual(answers.map((a) => a.status), [200, 200, 200, 200, 200, 200]);
        const slowest = Math.max(...answers.map((a) => a.ms));
        assert.ok(slowest > 700, `three slots, six requests of 400 ms each: ${slowest} ms`);
        for (const n of [1, 3, 4]) {
            assert.ok(bench.cluster.node(n).stats().requests >= 1, `node ${n} had its part`);
        }
    });

    test('the wait for a slot is bounded', async (t) => {
        const host = await bench.open(t, { config: { heavy: { in_flight_max: 1, queue_ms: 300 } } });
        for (const n of [1, 3, 4]) await bench.cluster.node(n).control({ mode: 'slow', head_ms: 2000 });
        const path = '/api/heavy/code/v1/chat/completions';
        const first = [1, 2, 3].map(() => postJson(host.url, path, CHAT));
        await sleep(200);
        const late = await postJson(host.url, path, CHAT);
        isUnavailable(late);
        assert.ok(late.ms >= 250 && late.ms < 1500, `${late.ms} ms`);
        for (const answer of await Promise.all(first)) assert.equal(answer.status, 200);
    });
});
