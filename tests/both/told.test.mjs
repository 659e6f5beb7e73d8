/** Translated answers that are odd: whole where a stream is wanted, a stream where none is, events as long as there may be. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { ask } from '../lib/client.mjs';
import { atBoth, test } from '../lib/hosts.mjs';
import { eventFrame } from '../providers/frames.mjs';

const TYPES = { json: 'application/json', sse: 'text/event-stream', lines: 'application/x-ndjson', frames: 'application/vnd.amazon.eventstream' };
const MESSAGES = [{ role: 'user', content: 'hi' }];
const MiB = 1 << 20;

/** @typedef {{type: string, pieces: (string | Buffer)[]}} Answer */

/** Answers by the model's name, wherever that stands. @param {import('node:test').TestContext} t @param {Record<string, Answer>} answers */
async function startProvider(t, answers) {
    /** @type {string[]} */
    const asked = [];
    const server = http.createServer(async (req, res) => {
        const parts = [];
        for await (const part of req) parts.push(part);
        const text = `${req.url} ${Buffer.concat(parts)}`;
        const name = /** @type {string} */ (Object.keys(answers).find((one) => text.includes(one)));
        asked.push(name);
        res.writeHead(200, { 'content-type': answers[name].type });
        for (const piece of answers[name].pieces) if (!res.write(piece)) await once(res, 'drain');
        res.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close().closeAllConnections());
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    const url = `http://127.0.0.1:${port}`;
    const env = {
        CODEX_ENDPOINT: url, OPENAI_API_KEY: 'sk-one', CLAUDE_ENDPOINT: url, ANTHROPIC_API_KEY: 'sk-two', GEMINI_ENDPOINT: url, GEMINI_API_KEY: 'three',
        OLLAMA_HOST: url, BEDROCK_ENDPOINT: url, AWS_BEARER_TOKEN_BEDROCK: 'four',
    };
    return { env, asked };
}

/** @param {string} url @param {string} path @param {unknown} body */
function post(url, path, body) {
    return ask(url, path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), timeout: 60_000 });
}

/** Where Ollama is asked in its own dialect: it has a path for OpenAI's. @param {string} provider */
const pathFor = (provider) => provider === 'ollama' ? '/v1/messages' : '/v1/chat/completions';

/** What a stream of OpenAI's chat or of Anthropic's says. @param {Buffer} body */
function said(body) {
    const data = body.toString().split('\n').filter((line) => line.startsWith('data: ')).map((line) => line.slice(6));
    const events = data.filter((one) => one !== '[DONE]').map((one) => JSON.parse(one));
    const deltas = events.flatMap(({ choices, delta }) => choices?.map((/** @type {any} */ choice) => choice.delta) ?? [delta ?? {}]);
    return {
        done: data.at(-1) === '[DONE]' || events.at(-1)?.type === 'message_stop', error: events.find(({ error }) => error !== undefined)?.error.message,
        text: deltas.map(({ content, text }) => content ?? text ?? '').join(''),
        args: deltas.map(({ tool_calls, partial_json }) => tool_calls?.[0].function.arguments ?? partial_json ?? '').join(''),
    };
}

/** A stream whose one piece of content is as long as that, in pieces. @type {Record<string, (n: number) => Answer>} */
const LONG = {
    claude: (n) => ({
        type: TYPES.sse, pieces: inPieces(`event: message_start\ndata: {"type":"message_start","message":{"id":"m","role":"assistant","model":"m","content":[]}}\n\n`
            + `data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n`
            + `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"${'x'.repeat(n)}"}}\n\n`
            + `data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}}\n\ndata: {"type":"message_stop"}\n\n`),
    }),
    gemini: (n) => ({
        type: TYPES.sse, pieces: inPieces(`data: {"candidates":[{"content":{"role":"model","parts":[{"text":"${'x'.repeat(n)}"}]},"finishReason":"STOP"}]}\n\n`),
    }),
    ollama: (n) => ({
        type: TYPES.lines, pieces: inPieces(`{"model":"m","message":{"role":"assistant","content":"${'x'.repeat(n)}"},"done":true,"done_reason":"stop"}\n`),
    }),
    bedrock: (n) => ({
        type: TYPES.frames, pieces: inPieces(Buffer.concat([
            eventFrame('messageStart', { role: 'assistant' }), eventFrame('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'x'.repeat(n) } }),
            eventFrame('contentBlockStop', { contentBlockIndex: 0 }), eventFrame('messageStop', { stopReason: 'end_turn' }),
            eventFrame('metadata', { usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 }, metrics: { latencyMs: 1 } }),
        ])),
    }),
};

/** @param {string | Buffer} bytes */
function inPieces(bytes) {
    const all = Buffer.from(bytes), pieces = [];
    for (let at = 0; at < all.length; at += 10_000) pieces.push(all.subarray(at, at + 10_000));
    return pieces;
}

atBoth('answers that are translated', (bench) => {
    for (const provider of Object.keys(LONG)) {
        test(`an event of almost 1 MiB is translated, one above it is an error that says so: ${provider}`, async (t) => {
            const { env } = await startProvider(t, { 'name-of-good': LONG[provider](MiB - 1000), 'name-of-long': LONG[provider](MiB) });
            const host = await bench.open(t, { env, config: { models: {} } });
            const good = await post(host.url, pathFor(provider), { model: `${provider}/name-of-good`, max_tokens: 9, stream: true, messages: MESSAGES });
            assert.equal(good.status, 200);
            const { text, ...rest } = said(good.body);
            assert.deepEqual({ ...rest, length: text.length }, { done: true, error: undefined, args: '', length: MiB - 1000 });
            const long = await post(host.url, pathFor(provider), { model: `${provider}/name-of-long`, max_tokens: 9, stream: true, messages: MESSAGES });
            assert.match(long.status === 200 ? String(said(long.body).error) : JSON.stringify(long.headers), /above 1 MiB/);
        });
    }

    test('an event of almost 1 MiB, for a client of Responses, which hears all of it five times', async (t) => {
        const { env } = await startProvider(t, { 'name-of-good': LONG.claude(MiB - 1000) });
        const host = await bench.open(t, { env });
        const answer = await post(host.url, '/v1/responses', { model: 'claude/name-of-good', stream: true, input: 'hi' });
        assert.equal(answer.status, 200);
        assert.equal(answer.text.split('x'.repeat(MiB - 1000)).length, 6);
        assert.match(answer.text, /^event: response.completed$/m);
    });

    test('a client of Google’s that streams without alt=sse gets a list in pieces, from each provider', async (t) => {
        const { env } = await startProvider(t, {
            ...Object.fromEntries(Object.entries(LONG).filter(([name]) => name !== 'gemini').map(([name, make]) => [`name-of-${name}`, make(30_000)])),
            'name-of-whole': { type: TYPES.json, pieces: ['{"id":"m","role":"assistant","model":"m","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn"}'] },
            'name-of-cut': { ...LONG.claude(30_000), pieces: LONG.claude(30_000).pieces.slice(0, 1).concat(`"}}\n\n`) },
        });
        const is = { whole: 'claude', cut: 'claude', claude: 'claude', ollama: 'ollama', bedrock: 'bedrock' };
        const models = Object.fromEntries(Object.entries(is).map(([name, provider]) => [`m-${name}`, `${provider}/name-of-${name}`]));
        const host = await bench.open(t, { env, config: { models } });
        for (const name of Object.keys(is)) {
            const answer = await post(host.url, `/v1beta/models/m-${name}:streamGenerateContent`, { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] });
            assert.equal(answer.headers['content-type'], 'application/json', name);
            const items = JSON.parse(answer.text);
            const text = items.flatMap((/** @type {any} */ item) => item.candidates?.[0].content.parts[0].text ?? []).join('');
            assert.equal(text.replace(/^x+$/, 'x'), 'x', name);
            const last = items.at(-1);
            if (name === 'cut') assert.match(last.error.message, /broke off/);
            else assert.equal(last.candidates[0].finishReason, 'STOP', name);
        }
    });

    test('a tool’s argument of 300 KiB in one event', async (t) => {
        const args = JSON.stringify({ text: 'a "b" \\ '.repeat(40_000) });
        const { env } = await startProvider(t, {
            'name-of-tool': {
                type: TYPES.lines,
                pieces: inPieces(`{"model":"m","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":${args}}}]},"done":true}\n`),
            },
        });
        const host = await bench.open(t, { env });
        const tools = [{ name: 'f', input_schema: { type: 'object' } }];
        const answer = await post(host.url, pathFor('ollama'), { model: 'ollama/name-of-tool', max_tokens: 9, stream: true, tools, messages: MESSAGES });
        assert.equal(answer.status, 200);
        assert.ok(said(answer.body).args === args, `${answer.text.slice(0, 500)} ... ${answer.text.slice(-500)}`);
    });
});
