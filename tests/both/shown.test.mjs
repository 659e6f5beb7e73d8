/**
 * A provider's whole answer is shown to the core while it is relayed, so that what it cost is on the record: the client gets every byte,
 * when it comes and as it was declared, whatever becomes of the showing.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, begin } from '../lib/client.mjs';
import { atBoth, test } from '../lib/hosts.mjs';
import { until } from '../lib/proc.mjs';

const USAGE = '"usage":{"prompt_tokens":30,"completion_tokens":9}';
const SMALL = `{"model":"m","choices":[{"message":{"content":"hello"}}],${USAGE}}`;
/** @param {number} n bytes of it */
const large = (n) => `{"model":"m","data":[{"embedding":"${'A'.repeat(n)}"}],${USAGE}}`;
/** Of Responses, which name their tokens otherwise. */
const RESPONSE = '{"model":"m","output":[],"usage":{"input_tokens":30,"output_tokens":9},"more":"hello"}';
const JSON_TYPE = { 'content-type': 'application/json' };

/** @param {http.ServerResponse} res @param {string} text @param {boolean} declared */
function whole(res, text, declared) {
    res.writeHead(200, { ...JSON_TYPE, ...declared ? { 'content-length': text.length } : {} });
    res.end(text);
}

/** By the last segment of the path. @type {Record<string, (res: http.ServerResponse) => Promise<void> | void>} */
const answers = {
    embeddings: (res) => whole(res, large(300_000), true),
    completions: (res) => whole(res, SMALL, true),
    moderations: (res) => whole(res, SMALL, false),
    generations: (res) => whole(res, large(5 << 20), false),
    /** In two pieces, the second one when it is asked for. */
    async responses(res) {
        res.writeHead(200, JSON_TYPE);
        res.write(RESPONSE.slice(0, 40));
        await once(gate, 'open');
        res.end(RESPONSE.slice(40));
    },
    /** Cut in its middle. */
    async edits(res) {
        res.writeHead(200, { ...JSON_TYPE, 'content-length': SMALL.length });
        res.write(SMALL.slice(0, 40));
        await sleep(50);
        res.destroy();
    },
    async variations(res) {
        res.writeHead(200, JSON_TYPE);
        res.write(large(100_000).slice(0, 70_000));
        await sleep(50);
        res.destroy();
    },
};
const gate = new (await import('node:events')).EventEmitter();

/** @param {import('node:test').TestContext} t */
async function startProvider(t) {
    const server = http.createServer((req, res) => {
        req.resume().on('end', () => answers[String(req.url?.split('/').at(-1))](res));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close().closeAllConnections());
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    return { CODEX_ENDPOINT: `http://127.0.0.1:${port}`, OPENAI_API_KEY: 'sk-one' };
}

atBoth('answers that are shown', (bench) => {
    /** @param {import('node:test').TestContext} t */
    async function open(t) {
        const host = await bench.open(t, { env: await startProvider(t), config: { log_requests: true } });
        const records = () => host.log().split('\n').filter((line) => line.includes('"method":"POST"')).map((line) => JSON.parse(line.slice(line.indexOf('{'))));
        const last = async () => {
            await until(() => records().length > 0, 'a record');
            return records().at(-1);
        };
        return { host, last };
    }
    const post = { method: 'POST', headers: JSON_TYPE, body: '{}' };

    for (const [path, text, declared] of /** @type {[string, string, boolean][]} */ ([
        ['chat/completions', SMALL, true], ['moderations', SMALL, false], ['embeddings', large(300_000), true],
    ])) {
        test(`${path}: ${text.length} bytes, ${declared ? 'declared' : 'chunked'}`, async (t) => {
            const { host, last } = await open(t);
            const answer = await ask(host.url, `/api/codex/v1/${path}`, post);
            assert.ok(answer.whole && answer.text === text);
            assert.equal(answer.headers['content-length'], declared ? String(text.length) : undefined);
            const { model, input_tokens, output_tokens, usage, status, cut } = await last();
            assert.deepEqual([model, input_tokens, output_tokens, usage, status, cut], ['m', 30, 9, 'reported', 200, false]);
        });
    }

    test('what is behind the first few MiB is relayed, and not shown', async (t) => {
        const { host, last } = await open(t);
        const answer = await ask(host.url, '/api/codex/v1/images/generations', post);
        assert.ok(answer.whole && answer.text === large(5 << 20));
        const { usage, status, cut } = await last();
        assert.deepEqual([usage, status, cut], ['unknown', 200, false]);
    });

    test('a piece is the client\'s when it comes', async (t) => {
        const { host, last } = await open(t);
        const { req, response } = begin(host.url, '/api/codex/v1/responses', post);
        req.end('{}');
        const res = await response;
        const [first] = await once(res, 'data');
        assert.equal(String(first), RESPONSE.slice(0, 40));
        gate.emit('open');
        const [rest] = await once(res, 'data');
        assert.equal(first + rest, RESPONSE);
        assert.equal((await last()).output_tokens, 9);
    });

    for (const path of ['edits', 'variations']) {
        test(`${path}: one that is cut is not whole`, async (t) => {
            const { host, last } = await open(t);
            const answer = await ask(host.url, `/api/codex/v1/images/${path}`, post);
            assert.ok(!answer.whole || answer.status === 500, `${answer.status} ${answer.text.slice(0, 200)}`);
            assert.equal((await last()).cut, true);
        });
    }

    test('a client that leaves is on the record', async (t) => {
        const { host, last } = await open(t);
        const { req, response } = begin(host.url, '/api/codex/v1/responses', post);
        req.end('{}');
        const res = await response;
        await once(res, 'data');
        await sleep(500); // at the edge a call is watched only then
        /** @type {import('node:net').Socket} */ (res.socket).resetAndDestroy();
        const { cut, usage, output_tokens } = await last();
        gate.emit('open');
        assert.deepEqual([cut, usage, output_tokens], [true, 'estimated', 10]);
    });
});
