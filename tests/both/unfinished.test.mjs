/** Streams of servers that are simpler than their dialect: no finish, no end mark, or no dialect at all. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { once } from 'node:events';
import { ask, json } from '../lib/client.mjs';
import { atBoth, test } from '../lib/hosts.mjs';

const CHAT = '/api/heavy/code/v1/chat/completions';
const DELTA = 'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n';

atBoth('unfinished streams', (bench) => {
    /** Two nodes that are one server. @param {import('node:test').TestContext} t
     * @param {(n: number) => string[]} parts of the nth answer */
    const open = async (t, parts) => {
        const node = { requests: 0 };
        const server = http.createServer((req, res) => {
            req.resume();
            res.writeHead(200, { 'content-type': 'text/event-stream' });
            for (const part of parts(++node.requests)) res.write(part);
            res.end();
        }).listen(0, '127.0.0.1');
        await once(server, 'listening');
        t.after(() => server.close());
        const url = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`;
        const env = { COLAB_ENDPOINT_3: url, COLAB_ENDPOINT_4: url };
        return { node, host: await bench.open(t, { env }) };
    };

    const post = { headers: { 'content-type': 'application/json' }, body: '{"stream":true,"messages":[]}' };

    test('two targets that end cleanly at the same place have said all; it is asked once only', async (t) => {
        const { node, host } = await open(t, () => [DELTA, DELTA, DELTA]);
        for (let i = 0; i < 12; i++) {
            const answer = await ask(host.url, CHAT, post);
            assert.equal(answer.text, DELTA.repeat(3));
            assert.equal(answer.whole, true);
        }
        assert.ok(node.requests <= 14, `${node.requests} requests for 12 answers`);
        const { backends } = json(await ask(host.url, '/api/health'));
        assert.deepEqual([backends['node-3'].failures, backends['node-4'].failures], [0, 0]);
    });

    test('if the other one says more, the first was cut', async (t) => {
        const { host } = await open(t, (n) => (n === 1 ? [DELTA, DELTA] : [DELTA, DELTA, DELTA, 'data: [DONE]\n\n']));
        const answer = await ask(host.url, CHAT, post);
        assert.equal(answer.text, `${DELTA.repeat(3)}data: [DONE]\n\n`);
    });

    for (const event of ['data: tick\n\n', 'data: 17\n\n', 'data: {"i":1}\n\n', 'event: a\ndata: b\n\n']) {
        test(`no dialect at all passes as it is: ${JSON.stringify(event)}`, async (t) => {
            const { node, host } = await open(t, () => [event, event, event]);
            const answer = await ask(host.url, CHAT, post);
            assert.deepEqual([answer.status, answer.text, node.requests], [200, event.repeat(3), 1]);
        });
    }
});
