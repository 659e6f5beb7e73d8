/** Streams: no event waits for the next, a cut is never a clean end, and who leaves is noticed. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, begin, events, json, postJson } from '../lib/client.mjs';
import { atBoth, test } from '../lib/hosts.mjs';
import { until, within } from '../lib/proc.mjs';

const CHAT = '/api/heavy/code/v1/chat/completions';
const FAST = { 'x-heady-stream': 'fast' };
const TOTAL = 100;
let serial = 0;

/** @param {Record<string, unknown>} more */
function chatBody(more) {
    return JSON.stringify({ stream: true, messages: [{ role: 'user', content: 'hi' }], ...more });
}

/** @param {string} url @param {string} path @param {string} body @param {Record<string, string>} headers */
async function openStream(url, path, body, headers, timeout = 30_000) {
    const all = { 'content-type': 'application/json', ...headers };
    const { req, response } = begin(url, path, { method: 'POST', headers: all, timeout });
    req.on('error', () => {});
    req.end(body);
    const res = await response;
    res.on('error', () => {});
    return { req, res };
}

/** The first events; not by a loop that breaks, for that would close the connection by a FIN.
 * @param {import('node:http').IncomingMessage} res @param {number} n */
async function take(res, n) {
    const stream = events(res);
    for (let i = 0; i < n; i++) assert.equal((await stream.next()).done, false);
}

atBoth('streams', (bench) => {
    /** The node's own port, around the gateway. @param {string} id @param {number} i */
    const acknowledge = async (id, i) => {
        for (const n of [3, 4]) {
            const answer = await ask(bench.cluster.node(n).url, `/ack?id=${id}&i=${i}`);
            if (answer.status === 204) return;
        }
        assert.fail(`no node knows the stream ${id}`);
    };

    for (const [how, headers] of Object.entries({ relayed: FAST, observed: {} })) {
        test(`each event comes before the next is sent: ${TOTAL} of ${TOTAL}, ${how}`, async (t) => {
            const host = await bench.open(t);
            const id = `s${++serial}`;
            const path = `/api/heavy/code/sse-ack?id=${id}&n=${TOTAL}`;
            const { res } = await openStream(host.url, path, '{}', headers);
            assert.equal(res.statusCode, 200);
            assert.match(String(res.headers['content-type']), /^text\/event-stream/);
            let seen = 0;
            for await (const data of events(res)) {
                if (data === '[DONE]') break;
                assert.equal(JSON.parse(data).i, ++seen);
                await acknowledge(id, seen);
            }
            assert.equal(seen, TOTAL);
        });

        test(`a chat's words come one by one, acknowledged, ${how}`, async (t) => {
            const host = await bench.open(t);
            const id = `c${++serial}`;
            const body = chatBody({ max_tokens: TOTAL, ack_id: id, stream_options: { include_usage: true } });
            const { res } = await openStream(host.url, CHAT, body, headers);
            const data = [];
            let words = 0;
            for await (const event of events(res)) {
                data.push(event);
                if (event === '[DONE]') break;
                if (!JSON.parse(event).choices[0]?.delta?.content) continue;
                await acknowledge(id, ++words);
            }
            assert.equal(words, TOTAL);
            assert.equal(data.at(-1), '[DONE]');
            assert.equal(JSON.parse(data[0]).choices[0].delta.role, 'assistant');
            assert.equal(JSON.parse(data.at(-3) ?? '').choices[0].finish_reason, 'stop');
            assert.equal(JSON.parse(data.at(-2) ?? '').usage.completion_tokens, TOTAL);
        });

        test(`the bytes of a stream are the node's bytes, ${how}`, async (t) => {
            const host = await bench.open(t);
            const answer = await ask(host.url, '/api/heavy/code/sse?n=500', { headers });
            const node = bench.cluster.nodes.find((one) => one.stats().requests === 1);
            const direct = await ask(node?.url ?? '', '/sse?n=500');
            assert.equal(answer.text, direct.text);
            assert.ok(answer.whole);
        });

        test(`a client that leaves mid-stream closes the upstream, ${how}`, async (t) => {
            const host = await bench.open(t);
            const body = chatBody({ max_tokens: 10_000, ms_per_token: 20 });
            const { req, res } = await openStream(host.url, CHAT, body, headers);
            await take(res, 5);
            await leave(req);
        });

        test(`a client that leaves a silent stream closes the upstream, ${how}`, async (t) => {
            const host = await bench.open(t);
            const path = `/api/heavy/code/sse-ack?id=s${++serial}&n=5`;
            const { req, res } = await openStream(host.url, path, '{}', headers);
            await take(res, 1);
            await sleep(50);
            await leave(req);
        });

        test(`a stream that is cut does not end well, ${how}`, async (t) => {
            const host = await bench.open(t);
            for (const mode of ['reset_answer', 'truncate']) {
                for (const n of [1, 3, 4]) await bench.cluster.node(n).control({ mode, after: 900 });
                const body = chatBody({ max_tokens: 50, ms_per_token: 2 });
                const all = { 'content-type': 'application/json', ...headers };
                const answer = await ask(host.url, CHAT, { body, headers: all });
                assert.equal(answer.status, 200);
                assert.ok(answer.text.length >= 200, 'what had come was passed on');
                assert.ok(!answer.text.includes('[DONE]'));
                if (answer.whole) assert.match(answer.text, /data: \{"error":/);
                await bench.cluster.heal();
            }
        });
    }

    /** By reset: a local workerd does not see a FIN while a stream is silent.
     * @param {import('node:http').ClientRequest} req */
    const leave = async (req) => {
        const left = Date.now();
        if (bench.name === 'edge') req.socket?.resetAndDestroy();
        else req.destroy();
        const gone = () => bench.cluster.nodes.some((node) => node.stats().aborted > 0);
        await until(gone, 'the node to see that its stream was closed', 3000);
        const at = Math.max(...bench.cluster.nodes.map((node) => node.stats().aborted_at));
        assert.ok(at - left <= 1000, `closed after ${at - left} ms`);
    };

    test('a client that leaves before the answer has begun closes the upstream', async (t) => {
        const host = await bench.open(t);
        for (const n of [3, 4]) await bench.cluster.node(n).control('hang');
        const { req } = begin(host.url, CHAT, { method: 'POST' });
        req.on('error', () => {});
        req.end(chatBody({}));
        const asked = () => bench.cluster.requests() === 1;
        await until(asked, 'the request to reach a node');
        await sleep(50);
        await leave(req);
        await sleep(300);
        assert.equal(bench.cluster.requests(), 1, 'nobody else is asked for a client that left');
    });

    test('an observed stream that falls silent is ended, and the node let go', async (t) => {
        const host = await bench.open(t, { config: { limits: { silence_ms: 500 } } });
        for (const n of [1, 3, 4]) await bench.cluster.node(n).control({ mode: 'stall', after: 900 });
        const headers = { 'content-type': 'application/json' };
        const answer = await ask(host.url, CHAT, { body: chatBody({ max_tokens: 50 }), headers });
        assert.ok(answer.ms < 5000, `${answer.ms} ms`);
        assert.ok(!answer.text.includes('[DONE]'));
        if (answer.whole) assert.match(answer.text, /data: \{"error":/);
        const free = () => bench.cluster.nodes.every((node) => node.stats().open === 0);
        if (bench.name === 'rack') await until(free, 'the connection to be closed', 1000);
    });

    test('an answer cut inside its body is cut for the client, too', async (t) => {
        const host = await bench.open(t);
        /** @type {import('../node/faults.mjs').Fault[]} */
        const faults = [
            { mode: 'truncate', after: 5000 },
            { mode: 'truncate', after: 5000, framing: 'chunked' },
            { mode: 'reset_answer', after: 5000 },
        ];
        for (const fault of faults) {
            for (const n of [3, 4]) await bench.cluster.node(n).control({ ...fault, count: 1 });
            const answer = await ask(host.url, '/api/heavy/code/bytes?n=100000');
            assert.equal(answer.status, 200);
            assert.ok(!answer.whole, `${JSON.stringify(fault)}: it looked whole`);
            assert.ok(answer.body.length <= 5000);
            await bench.cluster.heal();
        }
    });

    test('large answers come whole, with and without a length', async (t) => {
        const host = await bench.open(t);
        const direct = await ask(bench.cluster.node(3).url, '/bytes?n=3000000');
        for (const query of ['n=3000000', 'n=3000000&chunked=1']) {
            const answer = await ask(host.url, `/api/heavy/code/bytes?${query}`);
            assert.ok(answer.whole);
            assert.ok(answer.body.equals(direct.body), query);
            const length = query.includes('chunked') ? undefined : '3000000';
            if (bench.name === 'rack') assert.equal(answer.headers['content-length'], length);
        }
    });

    test('an attempt given up before its head is closed while the next one streams', async (t) => {
        const host = await bench.open(t, { config: { heavy: { first_byte_ms: 400 } } });
        const silent = bench.cluster.node(3);
        await silent.control('hang');
        for (let i = 0; i < 4 && silent.stats().requests === 0; i++) {
            const body = chatBody({ max_tokens: 100, ms_per_token: 20 });
            const { req, res } = await openStream(host.url, CHAT, body, {});
            await take(res, 1);
            if (silent.stats().requests > 0) {
                const closed = () => silent.stats().aborted > 0;
                await until(closed, 'the silent attempt to be closed', 1000);
            }
            req.destroy();
        }
        assert.equal(silent.stats().requests, 1, 'the silent node was tried');
    });

    test('many streams at once keep apart', async (t) => {
        const host = await bench.open(t);
        const all = await Promise.all(
            Array.from({ length: 14 }, async (_, i) => {
                const body = chatBody({ max_tokens: 20 + i, ms_per_token: 5 });
                const { res } = await openStream(host.url, CHAT, body, i % 2 ? FAST : {});
                assert.equal(res.statusCode, 200);
                let words = 0;
                let last = '';
                for await (const data of events(res)) {
                    last = data;
                    if (data !== '[DONE]' && JSON.parse(data).choices[0].delta.content) words++;
                }
                return { words, last };
            }),
        );
        all.forEach(({ words, last }, i) => {
            assert.equal(words, 20 + i);
            assert.equal(last, '[DONE]');
        });
    });

    test('an answer that is not streamed is what the node answered', async (t) => {
        const host = await bench.open(t);
        const chat = { messages: [{ role: 'user', content: 'hi' }], max_tokens: 5, model: 'heady-colab' };
        const answer = json(await postJson(host.url, CHAT, chat));
        assert.equal(answer.object, 'chat.completion');
        assert.equal(answer.choices[0].message.content, 'w0 w1 w2 w3 w4');
        assert.equal(answer.usage.completion_tokens, 5);
        const models = json(await ask(host.url, '/api/heavy/code/v1/models'));
        assert.equal(models.data[0].object, 'model');
    });

    test('the first byte of a stream does not wait for the stream', async (t) => {
        const host = await bench.open(t);
        const options = { method: 'POST', headers: FAST }; // others may be held for their first event
        const { req, response } = begin(host.url, '/api/heavy/code/sse?n=3&ms=1500', options);
        req.on('error', () => {});
        req.end('{}');
        const res = await within(response, 1200);
        assert.equal(res?.statusCode, 200, 'the head comes when the node has sent it');
        req.destroy();
    });
});
