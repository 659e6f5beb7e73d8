/** An instance of the core that traps: its request fails alone, and everybody else goes on. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, begin, events, json } from '../lib/client.mjs';
import { startEdge } from '../lib/edge.mjs';
import { atHost, test } from '../lib/hosts.mjs';
import { ROOT, until } from '../lib/proc.mjs';
import { startNode } from '../node/node.mjs';
import { nodeKey, register } from '../node/register.mjs';

const WASM = join(ROOT, 'build/core-trap.wasm');
const CHAT = '/api/heavy/code/v1/chat/completions';

atHost('edge', 'trap', (bench) => {
    /** @param {import('node:test').TestContext} t */
    const open = async (t) => {
        assert.ok(existsSync(WASM), 'build/core-trap.wasm is built by make');
        const env = { ...bench.cluster.env, GATEWAY_AUTH: 'off' };
        const edge = await startEdge({ env, wasm: WASM });
        t.after(() => edge.stop());
        return edge;
    };

    /** @param {string} url @param {string} place @param {Record<string, unknown>} [more] */
    const trap = (url, place, more = {}) => {
        const body = JSON.stringify({ messages: [], max_tokens: 30, place, ...more });
        const headers = { 'content-type': 'application/json', 'x-heady-test-trap': place };
        return ask(url, CHAT, { body, headers });
    };

    for (const place of ['head', 'recursion', 'body', 'response']) {
        test(`a trap at the ${place} is a 500, is not repeated, and harms nobody else`, async (t) => {
            const edge = await open(t);
            const first = await trap(edge.url, place);
            assert.equal(first.status, 500, first.text);
            assert.equal(typeof json(first).error.message, 'string');
            const asked = bench.cluster.requests();
            const again = await trap(edge.url, place);
            assert.equal(again.status, 500);
            assert.equal(bench.cluster.requests(), asked, 'the second time it goes nowhere');
            for (let i = 0; i < 3; i++) {
                const other = await ask(edge.url, `/api/heavy/code/echo?i=${i}`);
                assert.equal(other.status, 200, other.text);
            }
            assert.equal((await ask(edge.url, '/health')).status, 200);
            assert.match(edge.log(), /"trap"/, 'the log says so');
        });
    }

    test('what the host says by itself has the shape that the path has', async (t) => {
        const edge = await open(t);
        const headers = { 'content-type': 'application/json', 'x-heady-test-trap': 'head' };
        for (const path of ['v1/messages', 'api/chat', 'v1/models']) {
            for (const when of ['traps', 'is refused']) {
                const { status, text } = await ask(edge.url, `/api/heavy/code/${path}`, { body: '{}', headers });
                const said = JSON.parse(text);
                assert.equal(status, 500, `${path} ${when}: ${text}`);
                if (path === 'v1/messages') assert.deepEqual([said.type, said.error.type], ['error', 'api_error'], text);
                else if (path === 'api/chat') assert.equal(typeof said.error, 'string', text);
                else assert.match(said.error.code, when === 'traps' ? /^internal_error$/ : /^request_refused$/);
            }
        }
    });

    test('a configuration that is not valid is told in that shape, too', async (t) => {
        const edge = await startEdge({ env: { GATEWAY_KEYS: 'no digest' }, wasm: WASM, invalid: true });
        t.after(() => edge.stop());
        const answer = await ask(edge.url, '/api/heavy/code/v1/messages', { body: '{}' });
        assert.equal(answer.status, 500, answer.text);
        assert.equal(json(answer).type, 'error', answer.text);
        assert.match(json(answer).error.message, /configuration/);
        const other = await ask(edge.url, '/api/heavy/code');
        assert.equal(json(other).error.code, 'invalid_configuration', other.text);
        assert.match(edge.log(), /GATEWAY_KEYS/, 'the log says why');
    });

    test('the next instance asks the registry where nodes are', async (t) => {
        const env = { GATEWAY_AUTH: 'off', NODE_SECRET: 'a-node-secret-of-tests', NODE_HOSTS: '127.0.0.1' };
        const edge = await startEdge({ env, wasm: WASM });
        t.after(() => edge.stop());
        const key = nodeKey(env.NODE_SECRET, 3);
        const node = await startNode({ id: 3, key });
        t.after(() => node.close());
        assert.equal((await register(edge.url, 3, key, { url: node.url })).status, 200);
        assert.equal((await trap(edge.url, 'head')).status, 500);
        assert.equal((await ask(edge.url, '/api/heavy/code/echo')).status, 200);
    });

    test('a trap inside a stream is an error in the stream', async (t) => {
        const edge = await open(t);
        const answer = await trap(edge.url, 'chunk', { stream: true, ms_per_token: 5 });
        assert.ok(!answer.text.includes('[DONE]'), answer.text);
        assert.ok(answer.status === 500 || !answer.whole || answer.text.includes('"error"'), answer.text);
        assert.equal((await ask(edge.url, '/api/heavy/code/echo')).status, 200);
    });

    /** @param {string} url @param {Record<string, string>} headers @param {string} name */
    const stream = async (url, headers, name) => {
        const { req, response } = begin(url, CHAT, { method: 'POST', headers });
        req.on('error', () => {});
        req.end(JSON.stringify({ stream: true, messages: [], max_tokens: 60, ms_per_token: 15, name }));
        const res = await response;
        let words = 0;
        let last = '';
        const over = (async () => {
            for await (const data of events(res)) {
                last = data;
                if (data !== '[DONE]' && JSON.parse(data).choices?.[0]?.delta?.content) words++;
            }
            return { words, last };
        })();
        await until(() => words > 3, 'the stream to begin');
        return over;
    };

    test('streams and waiting requests outlive a trap next to them', async (t) => {
        const edge = await open(t);
        const relayed = stream(edge.url, { 'x-heady-stream': 'fast' }, 'relayed');
        const observed = stream(edge.url, {}, 'observed');
        await sleep(150);
        for (const n of [7, 8]) await bench.cluster.node(n).control({ mode: 'slow', head_ms: 600 });
        const waiting = ask(edge.url, '/api/heavy/batch', { body: '{"type":"general","prompt":"p"}' });
        const reached = () => bench.cluster.node(7).stats().requests + bench.cluster.node(8).stats().requests;
        await until(() => reached() > 0, 'the slow request to reach its node');
        assert.equal((await trap(edge.url, 'head')).status, 500);
        const answer = await waiting;
        assert.equal(answer.status, 200, `a call without a head begins anew: ${answer.text}`);
        assert.deepEqual(await relayed, { words: 60, last: '[DONE]' });
        assert.deepEqual(await observed, { words: 60, last: '[DONE]' });
    });

    test('whole answers that are shown outlive a trap next to them', async (t) => {
        const text = JSON.stringify({ model: 'm', usage: { prompt_tokens: 1 } });
        const server = createServer(async (req, res) => {
            const declared = req.url === '/v1/embeddings' ? { 'content-length': text.length } : {};
            res.writeHead(200, { 'content-type': 'application/json', ...declared });
            res.write(text.slice(0, 9));
            await sleep(600);
            res.end(text.slice(9));
        }).listen(0, '127.0.0.1');
        await once(server, 'listening');
        t.after(() => server.close().closeAllConnections());
        const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
        const env = { GATEWAY_AUTH: 'off', OPENAI_API_KEY: 'k', CODEX_ENDPOINT: `http://127.0.0.1:${port}` };
        const edge = await startEdge({ env, wasm: WASM, config: { log_requests: true } });
        t.after(() => edge.stop());
        const headers = { 'content-type': 'application/json' };
        const asked = ['embeddings', 'moderations'].map((path) => ask(edge.url, `/api/codex/v1/${path}`, { body: '{}', headers }));
        await sleep(200);
        assert.equal((await trap(edge.url, 'head')).status, 500);
        for (const answer of await Promise.all(asked)) {
            assert.ok(answer.whole);
            assert.equal(answer.text, text);
        }
    });

    test('an instance after another can be lost', async (t) => {
        const edge = await open(t);
        for (let i = 0; i < 20; i++) {
            assert.equal((await trap(edge.url, 'head', { i })).status, 500);
            assert.equal((await ask(edge.url, `/api/heavy/code/echo?i=${i}`)).status, 200);
        }
    });
});
