/** The fakes of the providers, alone: as strict as the real ones, in the same shapes, as wrong as they are told. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { until, within } from '../lib/proc.mjs';
import { BY_GATEWAY, CASES, CLIENTS, HEARS } from './cases.mjs';
import { startProvider } from './fakes.mjs';
import { recorder, sameBytes } from './recorder.mjs';
import { sample, textOf, vector } from './said.mjs';

/**
 * @typedef {import('./fakes.mjs').Provider} Provider
 * @typedef {Record<string, string>} Headers
 */

const KEY = 'sk-provider-key-1', OTHER = 'sk-provider-key-2';
const HELLO = [{ role: 'user', content: 'hello' }];

/** @type {Record<string, Provider>} */
const fakes = {};

before(async () => {
    for (const name of ['anthropic', 'openai', 'gemini', 'ollama']) {
        fakes[name] = await startProvider(name, { keys: [KEY, OTHER], pace: 1 });
    }
});
afterEach(() => Object.values(fakes).forEach((fake) => fake.forget()));
after(() => Promise.all(Object.values(fakes).map((fake) => fake.close())));

/** @type {Record<string, Headers>} */
const AUTH = {
    anthropic: { 'x-api-key': KEY, 'anthropic-version': '2023-06-01' },
    openai: { authorization: `Bearer ${KEY}` },
    gemini: { 'x-goog-api-key': KEY },
    ollama: {},
};

/** @type {Record<string, {path: string, stream: string, model: string, body: Record<string, unknown>}>} */
const ASKS = {
    anthropic: {
        path: '/v1/messages', stream: '/v1/messages', model: 'claude-sonnet-5',
        body: { model: 'claude-sonnet-5', max_tokens: 64, messages: HELLO },
    },
    openai: { path: '/v1/chat/completions', stream: '/v1/chat/completions', model: 'gpt-4o', body: { model: 'gpt-4o', messages: HELLO } },
    gemini: {
        path: '/v1beta/models/gemini-2.5-flash:generateContent', stream: '/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse',
        model: 'gemini-2.5-flash', body: { contents: [{ role: 'user', parts: [{ text: 'hello' }] }] },
    },
    ollama: { path: '/api/chat', stream: '/api/chat', model: 'llama3.2:3b', body: { model: 'llama3.2:3b', messages: HELLO } },
};

/** @param {string} name @param {string} path @param {unknown} [body] @param {Headers} [headers] */
function ask(name, path, body, headers = AUTH[name]) {
    const how = body === undefined ? {} : { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) };
    return fetch(fakes[name].url + path, { ...how, headers: { 'content-type': 'application/json', ...headers } });
}

/** @param {string} name @param {string} path @param {unknown} body @param {Headers} [headers] @returns {Promise<any>} */
async function good(name, path, body, headers) {
    const answer = await ask(name, path, body, headers);
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    return JSON.parse(text);
}

/** @param {string} name @param {string} path @param {unknown} body @param {number} status @param {RegExp} message
 *  @param {Headers} [headers] @returns {Promise<any>} */
async function bad(name, path, body, status, message, headers) {
    const answer = await ask(name, path, body, headers);
    const text = await answer.text();
    assert.equal(answer.status, status, text);
    assert.match(text, message);
    return JSON.parse(text);
}

/** The default chat of a provider, with more in its body. @param {string} name @param {Record<string, unknown>} [more] */
function chat(name, more = {}) {
    const streams = more.stream === true;
    const body = { ...ASKS[name].body, ...more };
    if (name === 'gemini') delete /** @type {any} */ (body).stream;
    if (name === 'ollama') body.stream = streams;
    return ask(name, streams ? ASKS[name].stream : ASKS[name].path, body);
}

/** @param {string} text @returns {any[]} data of server-sent events */
function dataOf(text) {
    return text.split(/\r?\n/).filter((l) => l.startsWith('data: ') && l !== 'data: [DONE]').map((l) => JSON.parse(l.slice(6)));
}

/** Texts of a whole answer and of a stream, in each dialect. @type {Record<string, {whole: (a: any) => string, stream: (t: string) => string}>} */
const TEXTS = {
    anthropic: {
        whole: (a) => a.content[0].text,
        stream: (t) => dataOf(t).map((e) => e.delta?.text ?? '').join(''),
    },
    openai: {
        whole: (a) => a.choices[0].message.content,
        stream: (t) => dataOf(t).map((e) => e.choices[0]?.delta.content ?? '').join(''),
    },
    gemini: {
        whole: (a) => a.candidates[0].content.parts[0].text,
        stream: (t) => dataOf(t).map((e) => e.candidates[0].content.parts[0].text).join(''),
    },
    ollama: {
        whole: (a) => a.message.content,
        stream: (t) => t.trim().split('\n').map((l) => JSON.parse(l).message.content).join(''),
    },
};

describe('every provider', () => {
    for (const [name, { model }] of Object.entries(ASKS)) {
        test(`${name}: model and message decide the text, whole and streamed`, async () => {
            const wanted = textOf(model, 'hello');
            assert.equal(TEXTS[name].whole(await (await chat(name)).json()), wanted);
            const answer = await chat(name, { stream: true });
            assert.equal(TEXTS[name].stream(await answer.text()), wanted);
            assert.equal(fakes[name].seen.length, 2);
        });

        test(`${name}: what came and what went is remembered, byte by byte`, async () => {
            const text = await (await chat(name, { stream: true })).text();
            const [seen] = fakes[name].seen;
            assert.equal(seen.answer.toString(), text);
            assert.equal(seen.status, 200);
            assert.equal(seen.headers['content-type'], 'application/json');
            assert.ok(seen.body.toString().includes('hello'));
        });

        test(`${name}: what it has not is a 404, and remembered`, async () => {
            for (const path of ['/v1/files', '/v1/organizations/me', '/v1beta/files', '/api/delete']) {
                assert.equal((await ask(name, path)).status, 404, path);
            }
            assert.deepEqual(fakes[name].seen.map(({ url }) => url), ['/v1/files', '/v1/organizations/me', '/v1beta/files', '/api/delete']);
        });

        test(`${name}: faults are met as often as they were asked for, and by whom`, async () => {
            const fake = fakes[name];
            for (const status of [400, 401, 402, 403, 429, 500, 503, 529]) {
                fake.control({ status, count: 1, retry_after: 2 });
                const answer = await chat(name);
                assert.equal(answer.status, status);
                assert.ok((await answer.json()).error, String(status));
                assert.equal((await chat(name)).status, 200);
            }
            fake.control({ status: 400, body: 'verbatim', headers: { 'x-odd': 'yes' } });
            const odd = await chat(name);
            assert.deepEqual([await odd.text(), odd.headers.get('x-odd')], ['verbatim', 'yes']);
            fake.control([{ status: 429, model: 'another' }, { mode: 'reset', model: ASKS[name].model }]);
            await assert.rejects(chat(name));
            assert.throws(() => fake.control('no such'));
        });

        test(`${name}: streams go wrong in each way`, async () => {
            const fake = fakes[name];
            const whole = await (await chat(name, { stream: true })).text();
            for (const how of /** @type {const} */ (['reset', 'fin', 'event'])) {
                fake.control({ mode: 'cut', how, tokens: 4 });
                await assert.rejects((await chat(name, { stream: true })).text(), Error, how);
                const part = fake.seen.at(-1)?.answer.toString() ?? '';
                assert.ok(part.length > 0 && part.length < whole.length);
            }
            fake.control({ mode: 'cut', how: 'clean' });
            const short = await (await chat(name, { stream: true })).text();
            assert.ok(short.length < whole.length);
            fake.control('no_done');
            const endless = await (await chat(name, { stream: true })).text();
            assert.ok(endless.length < whole.length && endless.length > short.length);
            fake.control('empty');
            assert.equal(await (await chat(name, { stream: true })).text(), '');
            fake.control({ mode: 'error_event', tokens: 2, status: 500 });
            assert.match(await (await chat(name, { stream: true })).text(), /"error"/);
            fake.control({ mode: 'malformed', tokens: 1 });
            assert.ok((await (await chat(name, { stream: true })).text()).length > whole.length);
        });

        test(`${name}: it can be silent, and sees who leaves`, async () => {
            const fake = fakes[name];
            fake.control('hang');
            const hung = chat(name).catch(() => {}); // it ends with the fake
            assert.equal(await within(hung, 100), undefined);
            assert.equal(fake.seen[0].status, 0);
            fake.control({ mode: 'silent', tokens: 2 });
            const reader = (await chat(name, { stream: true })).body?.getReader();
            while (await within(Promise.resolve(reader?.read()), 100)) { /* what there is */ }
            await reader?.cancel();
            await until(() => fake.seen.at(-1)?.aborted === true, 'it to notice');
        });
    }
});

describe('what the gateway is tested with holds without it', () => {
    for (const [name, cases] of Object.entries(CASES)) {
        for (const [title, run] of Object.entries(cases)) {
            if (title === BY_GATEWAY) continue;
            test(`${name}: ${title}`, async () => {
                const { kept, fetch } = recorder();
                await run(CLIENTS[name](fakes[name].url + (name === 'openai' ? '/v1' : ''), KEY, fetch), fakes[name], HEARS[name], true);
                await sameBytes(kept, fakes[name].seen, { gateway: 'no such key', providers: [KEY, OTHER] });
            });
        }
    }
});

describe('anthropic', () => {
    const { path, body } = ASKS.anthropic;
    const NEW = { 'anthropic-version': '2026-10-21' };
    const OLD = { 'anthropic-version': '2023-06-01' };

    test('which credential, by version', async () => {
        const own = { 'x-api-key': KEY }, bearer = { authorization: `Bearer ${KEY}` };
        await good('anthropic', path, body, { ...OLD, ...own });
        await good('anthropic', path, body, { ...NEW, ...own });
        await good('anthropic', path, body, { ...NEW, ...bearer });
        const error = await bad('anthropic', path, body, 401, /authentication_error/, { ...OLD, ...bearer });
        assert.ok(error.type === 'error' && error.request_id.startsWith('req_'));
        await bad('anthropic', path, body, 401, /authentication_error/, { ...NEW, ...bearer, ...own });
        await bad('anthropic', path, body, 401, /invalid x-api-key/, { ...OLD, 'x-api-key': 'sk-other' });
        await bad('anthropic', path, body, 401, /required/, OLD);
        await bad('anthropic', path, body, 400, /anthropic-version: header is required/, own);
        await bad('anthropic', path, body, 400, /not a valid version/, { ...own, 'anthropic-version': '2024-01-01' });
    });

    test('what a body may hold', async () => {
        await bad('anthropic', path, { ...body, max_tokens: undefined }, 400, /max_tokens: Field required/);
        await bad('anthropic', path, { ...body, invented: 1 }, 400, /invented: Extra inputs are not permitted/);
        await bad('anthropic', path, { ...body, messages: [] }, 400, /at least one message/);
        await bad('anthropic', path, { ...body, model: 'gpt-4o' }, 404, /not_found_error/);
        await bad('anthropic', path, '{"model":', 400, /not valid JSON/);
        await good('anthropic', path, { ...body, temperature: 0 });
        const bearer = { ...NEW, authorization: `Bearer ${KEY}` };
        await bad('anthropic', path, { ...body, temperature: 0 }, 400, /temperature/, bearer);
        const stray = [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_x', content: 'a' }] }];
        await bad('anthropic', path, { ...body, messages: stray }, 400, /unexpected `tool_use_id`/);
        const image = { type: 'image', source: { type: 'base64', media_type: 'image/bmp', data: 'AAAA' } };
        await bad('anthropic', path, { ...body, messages: [{ role: 'user', content: [image] }] }, 400, /media_type/);
    });

    test('a stream has each event in its place; tools and thoughts have theirs', async () => {
        const tools = [{ name: 'look_up', input_schema: { type: 'object' } }];
        const messages = [{ role: 'user', content: 'look_up({"q":"a}"}) and look_up({"q":"b"})' }];
        const answer = await ask('anthropic', path, { ...body, messages, tools, thinking: { type: 'adaptive' }, stream: true });
        const text = await answer.text();
        const all = dataOf(text);
        const kinds = all.map((e) => e.type).filter((kind, i, list) => kind !== list[i - 1]);
        assert.deepEqual(kinds.slice(0, 4), ['message_start', 'content_block_start', 'ping', 'content_block_delta']);
        assert.deepEqual(kinds.slice(-3), ['content_block_stop', 'message_delta', 'message_stop']);
        const started = all.filter((e) => e.type === 'content_block_start').map((e) => e.content_block.type);
        assert.deepEqual(started, ['thinking', 'tool_use', 'tool_use']);
        const json = (/** @type {number} */ i) => all.filter((e) => e.index === i).map((e) => e.delta?.partial_json ?? '').join('');
        assert.deepEqual([JSON.parse(json(1)), JSON.parse(json(2))], [{ q: 'a}' }, { q: 'b' }]);
        assert.equal(all.at(-2).delta.stop_reason, 'tool_use');
    });

    test('models come in pages, and tokens are counted', async () => {
        const first = await good('anthropic', '/v1/models?limit=2', undefined);
        assert.deepEqual([first.data.length, first.has_more, first.last_id], [2, true, first.data[1].id]);
        const rest = await good('anthropic', `/v1/models?after_id=${first.last_id}`, undefined);
        assert.equal(rest.has_more, false);
        assert.equal((await good('anthropic', `/v1/models/${first.first_id}`, undefined)).id, first.first_id);
        const { max_tokens, ...counted } = body;
        assert.ok((await good('anthropic', '/v1/messages/count_tokens', counted)).input_tokens > 0);
        await bad('anthropic', '/v1/messages/count_tokens', body, 400, /Extra inputs/);
    });

    test('errors in words that clients know, and limits in each head', async () => {
        fakes.anthropic.control({ status: 400 });
        await bad('anthropic', path, body, 400, /prompt is too long: \d+ tokens > \d+ maximum/);
        fakes.anthropic.control({ status: 429, retry_after: 7, key: KEY });
        const answer = await chat('anthropic');
        assert.equal(answer.headers.get('retry-after'), '7');
        assert.match(answer.headers.get('anthropic-ratelimit-tokens-reset') ?? '', /^2026-/);
        await good('anthropic', path, body, { ...OLD, 'x-api-key': OTHER });
    });
});

describe('openai', () => {
    const { path, body } = ASKS.openai;

    test('only a bearer that is known', async () => {
        await bad('openai', path, body, 401, /didn't provide an API key/, {});
        await bad('openai', path, body, 401, /didn't provide an API key/, { 'x-api-key': KEY });
        const error = await bad('openai', path, body, 401, /invalid_api_key/, { authorization: 'Bearer sk-somebody-else' });
        assert.ok(!JSON.stringify(error).includes('somebody'));
    });

    test('what a chat may hold', async () => {
        await bad('openai', path, { ...body, invented: 1 }, 400, /Unrecognized request argument supplied: invented/);
        await bad('openai', path, { ...body, stream_options: { include_usage: true } }, 400, /only allowed when 'stream'/);
        await bad('openai', path, { ...body, model: 'claude-sonnet-5' }, 404, /model_not_found/);
        await bad('openai', path, { ...body, model: 'gpt-5.5', max_tokens: 5 }, 400, /max_completion_tokens/);
        await bad('openai', path, { ...body, messages: [{ role: 'tool', tool_call_id: 'x', content: 'a' }] }, 400, /preceeding message/);
        const image = [{ type: 'image_url', image_url: { url: 'data:image/png;base64,@@' } }];
        await bad('openai', path, { ...body, messages: [{ role: 'user', content: image }] }, 400, /Invalid image data/);
        await bad('openai', path, '[1]', 400, /could not parse/);
    });

    test('usage in a stream: null before, numbers in the last chunk; none unless asked for', async () => {
        const asked = await (await chat('openai', { stream: true, stream_options: { include_usage: true } })).text();
        const all = dataOf(asked);
        assert.ok(all.slice(0, -1).every((chunk) => chunk.usage === null));
        assert.deepEqual(all.at(-1).choices, []);
        assert.ok(all.at(-1).usage.total_tokens > 0);
        assert.ok(asked.endsWith('data: [DONE]\n\n'));
        assert.ok(!(await (await chat('openai', { stream: true })).text()).includes('"usage"'));
    });

    test('parallel tools, and a schema that is kept to', async () => {
        const tools = ['look_up', 'write'].map((name) => ({ type: 'function', function: { name, parameters: { type: 'object' } } }));
        const messages = [{ role: 'user', content: 'look_up({"q":1}) write({"t":"é\\"}"})' }];
        const { choices: [{ message, finish_reason }] } = await good('openai', path, { ...body, messages, tools });
        assert.equal(finish_reason, 'tool_calls');
        assert.deepEqual(message.tool_calls.map((/** @type {any} */ c) => JSON.parse(c.function.arguments)), [{ q: 1 }, { t: 'é"}' }]);
        const one = await good('openai', path, { ...body, messages, tools, parallel_tool_calls: false });
        assert.equal(one.choices[0].message.tool_calls.length, 1);
        const list = { type: 'array', items: { $ref: '#/$defs/n' } };
        const properties = { name: { type: 'string' }, kind: { enum: ['a', 'b'] }, list };
        const schema = { type: 'object', properties, $defs: { n: { type: 'integer' } } };
        const format = { type: 'json_schema', json_schema: { name: 'x', schema } };
        const shaped = await good('openai', path, { ...body, response_format: format });
        assert.deepEqual(JSON.parse(shaped.choices[0].message.content), sample(schema, 'hello'));
        assert.deepEqual(sample(schema, 'hello'), { name: 'hello', kind: 'a', list: [7] });
    });

    test('responses: the whole resource, and each event in its place', async () => {
        const whole = await good('openai', '/v1/responses', { model: 'gpt-5.5', input: 'hello', reasoning: { effort: 'low' } });
        assert.ok(Object.keys(whole).length >= 31);
        assert.equal(whole.output[1].content[0].text, textOf('gpt-5.5', 'hello'));
        const tools = [{ type: 'function', name: 'look_up', parameters: {} }, { type: 'custom', name: 'patch' }];
        const input = 'look_up({"q":1}) patch({"input":"*** Begin"})';
        const answer = await ask('openai', '/v1/responses', { model: 'gpt-5.5', input, tools, stream: true });
        const all = dataOf(await answer.text());
        assert.deepEqual(all.map((e) => e.sequence_number), all.map((_, i) => i));
        assert.deepEqual([all[0].type, all[1].type, all.at(-1).type], ['response.created', 'response.in_progress', 'response.completed']);
        const done = all.filter((e) => e.type === 'response.output_item.done').map((e) => e.item);
        const called = done.map((item) => [item.type, item.arguments ?? item.input]);
        assert.deepEqual(called, [['function_call', '{"q":1}'], ['custom_tool_call', '*** Begin']]);
        assert.deepEqual(all.at(-1).response.output, done);
        await bad('openai', '/v1/responses', { model: 'gpt-5.5', input: 'a', previous_response_id: 'resp_1' }, 400, /previous_response_not_found/);
        const stray = [{ type: 'function_call_output', call_id: 'call_x', output: 'a' }];
        await bad('openai', '/v1/responses', { model: 'gpt-5.5', input: stray }, 400, /No tool call found/);
    });

    test('what is not text', async () => {
        const model = 'text-embedding-3-small';
        const { data: [{ embedding }] } = await good('openai', '/v1/embeddings', { model, input: 'a', dimensions: 4 });
        assert.deepEqual(embedding, vector('a', 4));
        const packed = await good('openai', '/v1/embeddings', { model, input: 'a', dimensions: 4, encoding_format: 'base64' });
        assert.equal(packed.data[0].embedding.length, 24);
        assert.equal((await good('openai', '/v1/moderations', { input: 'violence' })).results[0].flagged, true);
        assert.equal((await good('openai', '/v1/images/generations', { model: 'gpt-image-1', prompt: 'a cat', n: 2 })).data.length, 2);
        const speech = await ask('openai', '/v1/audio/speech', { model: 'tts-1', input: 'hello', voice: 'alloy' });
        assert.equal((await speech.arrayBuffer()).byteLength, 4096);
        assert.equal((await good('openai', '/v1/completions', { model: 'gpt-3.5-turbo-instruct', prompt: 'hello' })).object, 'text_completion');
        assert.ok((await good('openai', '/v1/models', undefined)).data.length > 5);
    });
});

describe('gemini', () => {
    const { path, body } = ASKS.gemini;

    test('only its own header, and a wrong key is a 400', async () => {
        const invalid = await bad('gemini', path, body, 400, /API key not valid/, { 'x-goog-api-key': 'x' });
        assert.equal(invalid.error.details[0].reason, 'API_KEY_INVALID');
        await bad('gemini', path, body, 403, /unregistered callers/, {});
        await bad('gemini', `${path}?key=${KEY}`, body, 403, /unregistered callers/, {});
        await bad('gemini', path, body, 401, /UNAUTHENTICATED/, { authorization: `Bearer ${KEY}` });
    });

    test('what a body may hold, in both manners of names', async () => {
        await bad('gemini', path, { ...body, invented: 1 }, 400, /Unknown name \\?"invented/);
        await bad('gemini', path, { contents: [] }, 400, /contents is not specified/);
        await bad('gemini', path.replace('2.5-flash', '9-nano'), body, 404, /is not found for API version v1beta/);
        const snake = { ...body, system_instruction: { parts: [{ text: 'be brief' }] }, generation_config: { max_output_tokens: 3 } };
        assert.equal((await good('gemini', path, snake)).candidates[0].finishReason, 'MAX_TOKENS');
        const call = { functionCall: { name: 'look_up', args: {} } };
        const contents = /** @type {any[]} */ (body.contents);
        const turns = [...contents, { role: 'model', parts: [call] }];
        await good('gemini', path, { contents: turns });
        const three = '/v1/models/gemini-3.7-flash:generateContent';
        await bad('gemini', three, { contents: turns }, 400, /thought_signature/);
        const signed = { ...call, thoughtSignature: 'skip_thought_signature_validator' };
        await good('gemini', three, { contents: [...contents, { role: 'model', parts: [signed] }] });
    });

    test('without alt=sse a stream is one array, whole or with an error in it', async () => {
        const array = '/v1/models/gemini-2.5-flash:streamGenerateContent';
        const answer = await ask('gemini', array, body);
        assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
        const chunks = await answer.json();
        const text = chunks.map((/** @type {any} */ c) => c.candidates[0].content.parts[0].text).join('');
        assert.equal(text, textOf('gemini-2.5-flash', 'hello'));
        assert.equal(chunks.at(-1).candidates[0].finishReason, 'STOP');
        for (const tokens of [0, 2]) {
            fakes.gemini.control({ mode: 'error_event', tokens, status: 503 });
            const told = await (await ask('gemini', array, body)).json();
            assert.deepEqual([told.length, told.at(-1).error.status], [tokens + 1, 'UNAVAILABLE']);
        }
    });

    test('tools, a schema of its own types, tokens, embeddings, pages of models', async () => {
        const tools = [{ functionDeclarations: [{ name: 'look_up' }, { name: 'write' }] }];
        const contents = [{ role: 'user', parts: [{ text: 'look_up({"q":1}) write({"t":"x"})' }] }];
        const { candidates: [{ content }] } = await good('gemini', path, { contents, tools });
        assert.deepEqual(content.parts.map((/** @type {any} */ p) => p.functionCall.args), [{ q: 1 }, { t: 'x' }]);
        const config = { responseMimeType: 'application/json', responseSchema: { type: 'OBJECT', properties: { n: { type: 'INTEGER' } } } };
        const shaped = await good('gemini', path, { ...body, generationConfig: config });
        assert.deepEqual(JSON.parse(shaped.candidates[0].content.parts[0].text), { n: 7 });
        assert.ok((await good('gemini', path.replace('generateContent', 'countTokens'), { contents })).totalTokens > 0);
        const embed = '/v1beta/models/gemini-embedding-001';
        const one = { model: 'models/gemini-embedding-001', content: { parts: [{ text: 'a' }] }, outputDimensionality: 3 };
        assert.deepEqual((await good('gemini', `${embed}:embedContent`, one)).embedding.values, vector('a', 3));
        assert.equal((await good('gemini', `${embed}:batchEmbedContents`, { requests: [one, one] })).embeddings.length, 2);
        const page = await good('gemini', '/v1beta/models?pageSize=2', undefined);
        assert.equal((await good('gemini', `/v1beta/models?pageSize=9&pageToken=${page.nextPageToken}`, undefined)).models.length, 4);
    });

    test('how long to wait is in the error alone', async () => {
        fakes.gemini.control({ status: 429, retry_after: 13 });
        const answer = await chat('gemini');
        assert.equal(answer.headers.get('retry-after'), null);
        const { error } = await answer.json();
        assert.deepEqual([error.status, error.details.at(-1).retryDelay], ['RESOURCE_EXHAUSTED', '13s']);
    });

    test('interactions, whole and as events', async () => {
        const wanted = textOf('gemini-3.7-flash', 'hello');
        const asked = { model: 'gemini-3.7-flash', input: 'hello' };
        const whole = await good('gemini', '/v1/interactions', asked);
        assert.equal(whole.steps[0].content[0].text, wanted);
        const all = dataOf(await (await ask('gemini', '/v1/interactions', { ...asked, stream: true })).text());
        assert.equal(all.map((e) => e.delta?.text ?? '').join(''), wanted);
        assert.deepEqual([all[0].event_type, all.at(-1).event_type], ['interaction.created', 'interaction.completed']);
    });
});

describe('ollama', () => {
    const { body } = ASKS.ollama;

    test('lines unless asked not to, with counts in the last', async () => {
        const answer = await ask('ollama', '/api/chat', body);
        assert.equal(answer.headers.get('content-type'), 'application/x-ndjson');
        const last = JSON.parse((await answer.text()).trim().split('\n').at(-1) ?? '');
        assert.ok(last.done && last.done_reason === 'stop' && last.eval_count > 0 && last.prompt_eval_count > 0);
        const whole = await good('ollama', '/api/generate', { model: 'llama3.2:3b', prompt: 'hello', stream: false });
        assert.equal(whole.response, textOf('llama3.2:3b', 'hello'));
        const short = await good('ollama', '/api/chat', { ...body, stream: false, options: { num_predict: 2 } });
        assert.deepEqual([short.done_reason, short.eval_count], ['length', 2]);
    });

    test('tools, formats, images, and what it does not take', async () => {
        const tools = [{ type: 'function', function: { name: 'look_up' } }];
        const messages = [{ role: 'user', content: 'look_up({"q":1})' }];
        const { message } = await good('ollama', '/api/chat', { ...body, messages, tools, stream: false });
        assert.deepEqual(message.tool_calls[0].function.arguments, { q: 1 });
        const format = { type: 'object', properties: { n: { type: 'integer' } } };
        assert.equal((await good('ollama', '/api/chat', { ...body, format, stream: false })).message.content, '{"n":7}');
        await bad('ollama', '/api/chat', { ...body, model: 'none' }, 404, /"model 'none' not found"/);
        await bad('ollama', '/api/chat', { messages: HELLO }, 400, /model is required/);
        await bad('ollama', '/api/chat', { ...body, messages: [{ role: 'user', content: 'a', images: ['@'] }] }, 400, /base64/);
        await bad('ollama', '/api/chat', { ...body, temperature: 0 }, 400, /unknown field/);
        await bad('ollama', '/api/chat', { ...body, options: { stop: 'x' } }, 400, /cannot unmarshal string into Go struct field Options.stop/);
        await bad('ollama', '/api/chat', { ...body, messages: [{ role: 'user', content: [{ type: 'text', text: 'a' }] }] }, 400, /Message.content/);
        const call = { function: { name: 'f', arguments: '{}' } };
        await bad('ollama', '/api/chat', { ...body, messages: [{ role: 'assistant', content: '', tool_calls: [call] }] }, 400, /arguments/);
    });

    test('its pages, and its face of OpenAI\'s', async () => {
        assert.equal(await (await ask('ollama', '/')).text(), 'Ollama is running');
        assert.ok((await good('ollama', '/api/tags', undefined)).models.length > 0);
        assert.ok((await good('ollama', '/api/version', undefined)).version);
        assert.equal((await good('ollama', '/api/embed', { model: 'nomic-embed-text', input: ['a', 'b'] })).embeddings.length, 2);
        const face = await good('ollama', '/v1/chat/completions', { model: 'llama3.2:3b', messages: HELLO });
        assert.equal(face.choices[0].message.content, textOf('llama3.2:3b', 'hello'));
        await bad('ollama', '/v1/chat/completions', { model: 'none', messages: HELLO }, 404, /"message":"model 'none' not found"/);
    });
});
