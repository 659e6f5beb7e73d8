/** A node that is late with its first content goes on while its twin is asked: whoever is first serves. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, json } from '../lib/client.mjs';
import { atBoth, test } from '../lib/hosts.mjs';
import { until } from '../lib/proc.mjs';

const CHAT = '/api/heavy/code/v1/chat/completions';
const ROLE = 'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n';
const END = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';
const word = (/** @type {string} */ text) => `data: {"choices":[{"index":0,"delta":{"content":"${text}"}}]}\n\n`;
/** How long a stream's first content may take, and a little. */
const LIMIT_MS = 10_500;
/** What nobody waits for any more does not keep the process. */
const quietly = { ref: false };

/**
 * @typedef {object} Node
 * @property {string} url
 * @property {string[]} bodies    of the requests that came
 * @property {number} left        how many answers the other end has cut short
 */

/** A node that answers so long after a request, for the nth one (from 0).
 * @param {import('node:test').TestContext} t @param {string} name
 * @param {(n: number) => {head: number, content: number}} delays */
async function startNode(t, name, delays) {
    /** @type {Node} */
    const node = { url: '', bodies: [], left: 0 };
    const server = http.createServer(async (req, res) => {
        if (req.url === '/health') { // a late one is asked whether it lives
            res.end();
            return;
        }
        const n = node.bodies.push('') - 1;
        res.on('close', () => { node.left += res.writableFinished ? 0 : 1; });
        req.setEncoding('utf8').on('data', (text) => { node.bodies[n] += text; });
        await once(req, 'end');
        const { head, content } = delays(n);
        await sleep(head, undefined, quietly);
        if (res.destroyed) return;
        res.writeHead(200, { 'content-type': 'text/event-stream' });
        res.write(ROLE);
        await sleep(content - head, undefined, quietly);
        res.end(word(name) + END);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => { server.closeAllConnections(); server.close(); });
    node.url = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`;
    return node;
}

const post = (/** @type {string} */ text) => ({
    headers: { 'content-type': 'application/json' }, timeout: 40_000,
    body: JSON.stringify({ stream: true, messages: [{ role: 'user', content: text }] }),
});

atBoth('a late node', (bench) => {
    /** Node 3 is asked first. @param {import('node:test').TestContext} t @param {Node} three
     * @param {Node} four */
    const open = (t, three, four) => {
        const env = { COLAB_ENDPOINT_1: '', COLAB_ENDPOINT_3: three.url, COLAB_ENDPOINT_4: four.url };
        return bench.open(t, { env });
    };

    test('its twin serves, and it is let go; it was not asked in vain again', async (t) => {
        const three = await startNode(t, 'three', () => ({ head: 10, content: 30_000 }));
        const four = await startNode(t, 'four', () => ({ head: 10, content: 20 }));
        const host = await open(t, three, four);
        const began = performance.now();
        const answer = await ask(host.url, CHAT, post('hi'));
        const took = performance.now() - began;
        assert.ok(took > LIMIT_MS - 1000 && took < LIMIT_MS + 3000, `${took} ms`);
        assert.match(answer.text, /"content":"four"/);
        assert.doesNotMatch(answer.text, /three/);
        assert.ok(answer.whole);
        assert.equal(three.bodies[0], four.bodies[0]);
        await until(() => three.left === 1, 'the late one is let go');
        assert.equal(four.left, 0);
    });

    test('it serves if it is first after all, and the twin is let go', async (t) => {
        const three = await startNode(t, 'three', () => ({ head: 10, content: LIMIT_MS + 1500 }));
        const four = await startNode(t, 'four', () => ({ head: 10, content: 30_000 }));
        const host = await open(t, three, four);
        const answer = await ask(host.url, CHAT, post('hi'));
        assert.match(answer.text, /"content":"three"/);
        assert.doesNotMatch(answer.text, /four/);
        assert.ok(answer.whole);
        await until(() => four.left === 1, 'the twin is let go');
        assert.equal(three.left, 0);
        const { backends } = json(await ask(host.url, '/api/health'));
        for (const name of ['node-3', 'node-4']) {
            assert.deepEqual([backends[name].failures, backends[name].in_flight], [0, 0], name);
        }
    });

    test('one that has begun has the time that a long prompt takes: nobody else reads it', async (t) => {
        const slow = () => ({ head: 10, content: LIMIT_MS + 2500 });
        const [three, four] = [await startNode(t, 'three', slow), await startNode(t, 'four', slow)];
        const host = await open(t, three, four);
        const answer = await ask(host.url, CHAT, post('word '.repeat(2600)));
        assert.match(answer.text, /"content":"three"/);
        assert.deepEqual([three.bodies.length, four.bodies.length, three.left], [1, 0, 0]);
    });

    test('the client leaves both', async (t) => {
        const never = () => ({ head: 10, content: 60_000 });
        const [three, four] = [await startNode(t, 'three', never), await startNode(t, 'four', never)];
        const host = await open(t, three, four);
        const answer = ask(host.url, CHAT, { ...post('hi'), timeout: LIMIT_MS + 1500 }).catch(() => ({ whole: false }));
        assert.equal((await answer).whole, false);
        assert.deepEqual([three.bodies.length, four.bodies.length], [1, 1]);
        // The edge notices at its next comment.
        await until(() => three.left === 1 && four.left === 1, 'both are let go', 15_000);
    });
}, { concurrency: 4 }); // each waits for long, at nodes of its own
