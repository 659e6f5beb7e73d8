/** A server that closes its connection after an answer without a word, as llama.cpp does: fetch() may send the next
 * request there. That is nobody's fault, and the request is repeated. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { postJson } from '../lib/client.mjs';
import { atHost, test } from '../lib/hosts.mjs';

const CHAT = { model: 'm', messages: [{ role: 'user', content: 'Hi' }] };
const ANSWER = JSON.stringify({ id: '1', object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }] });

/** Resets what comes on a connection that has had its answer; with `always`, all that comes later.
 * @param {import('node:test').TestContext} t */
async function startForgetful(t) {
    const seen = { whole: 0, reset: 0, always: false };
    /** @type {WeakSet<import('node:net').Socket>} */
    const had = new WeakSet();
    const server = http.createServer((req, res) => {
        if (seen.always || had.has(req.socket)) {
            seen.reset++;
            req.socket.resetAndDestroy();
            return;
        }
        seen.whole++;
        had.add(req.socket);
        req.resume().on('end', () => res.setHeader('content-type', 'application/json').end(ANSWER));
    });
    t.after(() => server.close().closeAllConnections());
    await new Promise((resolve) => { server.listen(0, '127.0.0.1', () => resolve(null)); });
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    return { url: `http://127.0.0.1:${port}`, seen };
}

atHost('edge', 'kept connections', (bench) => {
    test('a connection that was closed in silence is nobody\'s failure', async (t) => {
        const { url, seen } = await startForgetful(t);
        const host = await bench.open(t, { env: { COLAB_ENDPOINT_7: url, COLAB_ENDPOINT_8: '' }, config: { limits: { probe_ms: 0 } } });
        for (let i = 0; i < 12; i++) {
            const answer = await postJson(host.url, '/api/heavy/batch/v1/chat/completions', CHAT);
            assert.equal(answer.status, 200, answer.text);
            assert.equal(answer.headers['x-heady-target'], 'node-7', `${i} ${JSON.stringify([answer.headers, seen])}`);
        }
        assert.ok(seen.reset > 0, 'a kept connection was used');
        const state = await node7(host.url);
        assert.deepEqual([state.breaker, state.failures, state.last_error], ['closed', 0, null]);
    });

    test('a node that resets all is blamed as ever', async (t) => {
        const { url, seen } = await startForgetful(t);
        const host = await bench.open(t, { env: { COLAB_ENDPOINT_7: url, COLAB_ENDPOINT_8: '' }, config: { limits: { probe_ms: 0 } } });
        await postJson(host.url, '/api/heavy/batch/v1/chat/completions', CHAT);
        seen.always = true;
        for (let i = 0; i < 6; i++) {
            await postJson(host.url, '/api/heavy/batch/v1/chat/completions', CHAT);
            await sleep(10);
        }
        assert.equal((await node7(host.url)).breaker, 'open');
    });
});

/** @param {string} url */
async function node7(url) {
    const health = /** @type {any} */ (await (await fetch(`${url}/api/health`)).json());
    return health.backends['node-7'];
}
