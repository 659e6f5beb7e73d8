/**
 * What each SDK is asked to do, case by case. They run against the gateway, and against the fakes alone:
 * but for one, no case knows what is in between.
 */
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { ApiError, GoogleGenAI } from '@google/genai';
import { Ollama } from 'ollama';
import OpenAI, { toFile } from 'openai';
import { until } from '../lib/proc.mjs';
import { noise, png, sample, textOf, vector } from './said.mjs';

/**
 * @typedef {import('./fakes.mjs').Provider} Provider
 * @typedef {(results: string[]) => string} Hears   what a provider's model has heard last, of several results
 * @typedef {Record<string, (client: any, fake: Provider, hears: Hears, own: boolean) => Promise<unknown>>} Cases
 */

/** Of OpenAI's dialects and Ollama's a model hears the last result, of the others all of them. @type {Record<string, Hears>} */
export const HEARS = {
    openai: (results) => results.at(-1) ?? '', ollama: (results) => results.at(-1) ?? '',
    anthropic: (results) => results.join(''), gemini: (results) => results.join(''), bedrock: (results) => results.join(''),
};

export const HEARD = 'tell me about größe and 東京';
const TWO = 'look_up({"q":"a}"}) and write({"text":"é\\"\\n"})';
export const CALLS = [['look_up', { q: 'a}' }], ['write', { text: 'é"\n' }]];
const LONG = 'say 4000 words';
const PNG = png(128).toString('base64');
export const IMAGES = { images: 1 };
const SCHEMA = {
    type: 'object', additionalProperties: false, required: ['city', 'count', 'tags'],
    properties: { city: { type: 'string' }, count: { type: 'integer' }, tags: { type: 'array', items: { type: 'string' } } },
};
const PARAMETERS = { type: 'object', properties: { q: { type: 'string' }, text: { type: 'string' } } };
const NAMES = ['look_up', 'write'];

/** A stream of the SDK is given up in the middle, and the provider notices within a second.
 * @param {AsyncIterable<unknown>} stream @param {() => void} abort @param {Provider} fake */
async function giveUp(stream, abort, fake) {
    let n = 0;
    try {
        for await (const _ of stream) if (++n === 5) abort();
    } catch (error) {
        assert.ok(n >= 5, String(error));
    }
    await until(() => fake.seen.at(-1)?.aborted === true, 'the provider to notice', 1500);
    assert.ok(n < 4000);
}

// ------------------------------------------------------------------ OpenAI

const GPT = 'gpt-4o', THINKS = 'gpt-5.5';

/** @param {string} content @param {object} [more] @returns {any} */
const chat = (content, more = {}) => ({ model: GPT, messages: [{ role: 'user', content }], ...more });
const CHAT_TOOLS = NAMES.map((name) => ({ type: 'function', function: { name, parameters: PARAMETERS } }));
const RESPONSES_TOOLS = NAMES.map((name) => ({ type: 'function', name, parameters: PARAMETERS, strict: false }));

/** @type {Record<string, (client: OpenAI, fake: Provider, hears: Hears, own: boolean) => Promise<unknown>>} */
const openai = {
    async plain(client) {
        const { choices, usage } = await client.chat.completions.create(chat(HEARD));
        assert.equal(choices[0].message.content, textOf(GPT, HEARD));
        assert.ok((usage?.total_tokens ?? 0) > 0);
    },
    async streaming(client) {
        for (const options of [{}, { stream_options: { include_usage: true } }]) {
            /** @type {any} */
            const stream = await client.chat.completions.create(chat(HEARD, { stream: true, ...options }));
            let text = '', usage = 0;
            for await (const chunk of stream) {
                text += chunk.choices[0]?.delta?.content ?? '';
                usage += chunk.usage?.total_tokens ?? 0;
            }
            assert.equal(text, textOf(GPT, HEARD));
            assert.equal(usage > 0, 'stream_options' in options);
        }
    },
    async 'tools, parallel, and their results'(client, _fake, hears) {
        const asked = chat(TWO, { tools: CHAT_TOOLS });
        const { message } = (await client.chat.completions.create(asked)).choices[0];
        const streamed = (await client.chat.completions.stream(asked).finalChatCompletion()).choices[0].message;
        for (const { tool_calls = [] } of [message, streamed]) {
            assert.deepEqual(tool_calls.map((/** @type {any} */ c) => [c.function.name, JSON.parse(c.function.arguments)]), CALLS);
        }
        const results = (message.tool_calls ?? []).map(({ id }) => ({ role: 'tool', tool_call_id: id, content: 'found' }));
        const again = { ...asked, messages: [...asked.messages, message, ...results] };
        const { choices } = await client.chat.completions.create(again);
        assert.equal(choices[0].message.content, textOf(GPT, hears(['found', 'found'])));
    },
    async images(client) {
        const content = [{ type: 'text', text: HEARD }, { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } }];
        const { choices } = await client.chat.completions.create(chat(/** @type {any} */ (content)));
        assert.equal(choices[0].message.content, textOf(GPT, HEARD, IMAGES));
    },
    async 'structured output'(client) {
        const response_format = { type: 'json_schema', json_schema: { name: 'city', strict: true, schema: SCHEMA } };
        const { choices } = await client.chat.completions.parse(chat(HEARD, { response_format }));
        assert.deepEqual(JSON.parse(choices[0].message.content ?? ''), sample(SCHEMA, HEARD));
    },
    async 'responses, plain and streaming'(client, _fake, _hears, own) {
        const asked = { model: THINKS, input: HEARD, reasoning: { effort: /** @type {const} */ ('low') } };
        const plain = await client.responses.create(asked);
        assert.equal(plain.output_text, textOf(THINKS, HEARD));
        const stream = client.responses.stream(asked);
        let text = '';
        stream.on('response.output_text.delta', ({ delta }) => (text += delta));
        const final = await stream.finalResponse();
        assert.deepEqual([text, final.output_text, final.status], [plain.output_text, plain.output_text, 'completed']);
        if (own) assert.ok((final.usage?.output_tokens_details.reasoning_tokens ?? 0) > 0);
    },
    async 'responses: tools, parallel, and their results; images; a schema'(client, _fake, hears) {
        /** @type {any} */
        const asked = { model: THINKS, input: TWO, tools: RESPONSES_TOOLS };
        const { output } = await client.responses.stream(asked).finalResponse();
        assert.deepEqual(output.map((/** @type {any} */ item) => [item.name, JSON.parse(item.arguments)]), CALLS);
        const results = output.map((/** @type {any} */ { call_id }) => ({ type: 'function_call_output', call_id, output: 'found' }));
        const { parsed_arguments, ...first } = /** @type {any} */ (output[0]);
        const { parsed_arguments: _, ...second } = /** @type {any} */ (output[1]);
        const turns = [{ role: 'user', content: TWO }, first, second, ...results];
        assert.equal((await client.responses.create({ ...asked, input: turns })).output_text, textOf(THINKS, hears(['found', 'found'])));
        const image = { type: 'input_image', image_url: `data:image/png;base64,${PNG}`, detail: 'auto' };
        const content = [{ type: 'input_text', text: HEARD }, image];
        const seen = await client.responses.create({ model: THINKS, input: /** @type {any} */ ([{ role: 'user', content }]) });
        assert.equal(seen.output_text, textOf(THINKS, HEARD, IMAGES));
        const format = { type: /** @type {const} */ ('json_schema'), name: 'city', schema: SCHEMA };
        const shaped = await client.responses.create({ model: THINKS, input: HEARD, text: { format } });
        assert.deepEqual(JSON.parse(shaped.output_text), sample(SCHEMA, HEARD));
    },
    async embeddings(client) {
        const model = 'text-embedding-3-small';
        const [a] = (await client.embeddings.create({ model, input: HEARD, dimensions: 32 })).data;
        assert.deepEqual(a.embedding, vector(HEARD, 32));
        const two = await client.embeddings.create({ model, input: ['a', 'b'], encoding_format: 'float', dimensions: 4 });
        assert.deepEqual(two.data.map(({ embedding }) => embedding), [vector('a', 4), vector('b', 4)]);
    },
    async 'completions, moderations, pictures, speech and hearing'(client) {
        const old = await client.completions.create({ model: 'gpt-3.5-turbo-instruct', prompt: 'hello', max_tokens: 100 });
        assert.equal(old.choices[0].text, textOf('gpt-3.5-turbo-instruct', 'hello'));
        assert.equal((await client.moderations.create({ input: 'violence' })).results[0].flagged, true);
        const { data = [] } = await client.images.generate({ model: 'gpt-image-1', prompt: 'a cat' });
        assert.equal(data[0].b64_json, png(0).toString('base64'));
        const speech = await client.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: 'hello' });
        assert.deepEqual(Buffer.from(await speech.arrayBuffer()), noise('hello', 4096));
        const file = await toFile(noise('a song', 2000), 'song.mp3');
        assert.match((await client.audio.transcriptions.create({ model: 'whisper-1', file })).text, /^heard \d+ bytes$/);
    },
    async tokens(client) {
        assert.ok((await client.responses.inputTokens.count({ model: GPT, input: HEARD })).input_tokens > 0);
    },
    async models(client) {
        const ids = [];
        for await (const { id } of client.models.list()) ids.push(id);
        assert.ok(ids.includes(GPT));
        assert.equal((await client.models.retrieve(GPT)).id, GPT);
    },
    async abort(client, fake) {
        const stream = await client.chat.completions.create(chat(LONG, { stream: true }));
        await giveUp(/** @type {any} */ (stream), () => /** @type {any} */ (stream).controller.abort(), fake);
    },
};

// ------------------------------------------------------------------ Anthropic

const CLAUDE = 'claude-sonnet-5';
/** The SDK's form of the key does not suit this version: the gateway gives it the right one. */
export const BY_GATEWAY = 'the version before';

/** @param {any} content @param {object} [more] @returns {any} */
const message = (content, more = {}) => ({ model: CLAUDE, max_tokens: 4096, messages: [{ role: 'user', content }], ...more });
const CLAUDE_TOOLS = NAMES.map((name) => ({ name, input_schema: PARAMETERS }));

/** @param {any} answer */
const claudeText = ({ content }) => content.map((/** @type {any} */ b) => (b.type === 'text' ? b.text : '')).join('');

/** @type {Record<string, (client: Anthropic, fake: Provider, hears: Hears, own: boolean) => Promise<unknown>>} */
const anthropic = {
    async plain(client, _fake, _hears, own) {
        const answer = await client.messages.create(message(HEARD));
        assert.equal(claudeText(answer), textOf(CLAUDE, HEARD));
        assert.match(answer._request_id ?? '', own ? /^req_/ : /^[0-9a-f]{32}$/);
    },
    async 'streaming, and thinking'(client) {
        const stream = client.messages.stream(message(HEARD, { thinking: { type: 'adaptive' } }));
        let text = '';
        stream.on('text', (piece) => (text += piece));
        const final = await stream.finalMessage();
        assert.equal(text, textOf(CLAUDE, HEARD));
        assert.deepEqual(final.content.map(({ type }) => type), ['thinking', 'text']);
        assert.ok(final.usage.output_tokens > 1 && final.stop_reason === 'end_turn');
    },
    async 'tools, parallel, and their results'(client, _fake, hears) {
        const asked = message(TWO, { tools: CLAUDE_TOOLS });
        const plain = await client.messages.create(asked);
        const streamed = await client.messages.stream(asked).finalMessage();
        for (const { content } of [plain, streamed]) {
            assert.deepEqual(content.map((/** @type {any} */ b) => [b.name, b.input]), CALLS);
        }
        const results = plain.content.map((/** @type {any} */ { id }) => ({ type: 'tool_result', tool_use_id: id, content: 'found ' }));
        const messages = [...asked.messages, { role: 'assistant', content: plain.content }, { role: 'user', content: results }];
        assert.equal(claudeText(await client.messages.create({ ...asked, messages })), textOf(CLAUDE, hears(['found ', 'found '])));
    },
    async images(client) {
        const source = { type: 'base64', media_type: 'image/png', data: PNG };
        const answer = await client.messages.create(message([{ type: 'text', text: HEARD }, { type: 'image', source }]));
        assert.equal(claudeText(answer), textOf(CLAUDE, HEARD, IMAGES));
    },
    async 'structured output'(client) {
        const output_config = { format: { type: 'json_schema', schema: SCHEMA } };
        const answer = await client.messages.create(message(HEARD, { output_config }));
        assert.deepEqual(JSON.parse(claudeText(answer)), sample(SCHEMA, HEARD));
    },
    async tokens(client) {
        const { max_tokens, ...asked } = message(HEARD);
        assert.ok((await client.messages.countTokens(asked)).input_tokens > 0);
    },
    async models(client) {
        const ids = [];
        for await (const { id } of client.models.list({ limit: 2 })) ids.push(id);
        assert.ok(ids.length === 5 && ids.includes(CLAUDE), String(ids));
        assert.equal((await client.models.retrieve(CLAUDE)).id, CLAUDE);
    },
    async [BY_GATEWAY](client) {
        const before = { headers: { 'anthropic-version': '2023-06-01' } };
        const answer = await client.messages.create(message(HEARD, { temperature: 0 }), before);
        assert.equal(claudeText(answer), textOf(CLAUDE, HEARD));
    },
    async abort(client, fake) {
        const stream = client.messages.stream(message(LONG));
        await giveUp(stream, () => stream.abort(), fake);
    },
};

// ------------------------------------------------------------------ Gemini

const GEMINI = 'gemini-3.7-flash';
const GEMINI_TOOLS = [{ functionDeclarations: NAMES.map((name) => ({ name, parametersJsonSchema: PARAMETERS })) }];

/** @param {any} contents @param {object} [config] @returns {any} */
const generate = (contents, config = {}) => ({ model: GEMINI, contents, config });

/** @type {Record<string, (client: GoogleGenAI, fake: Provider, hears: Hears, own: boolean) => Promise<unknown>>} */
const gemini = {
    async plain(client) {
        const answer = await client.models.generateContent(generate(HEARD, { systemInstruction: 'be brief' }));
        assert.equal(answer.text, textOf(GEMINI, HEARD));
        assert.ok((answer.usageMetadata?.totalTokenCount ?? 0) > 0);
    },
    async streaming(client) {
        let text = '', finish;
        for await (const chunk of await client.models.generateContentStream(generate(HEARD))) {
            text += chunk.text ?? '';
            finish = chunk.candidates?.[0].finishReason ?? finish;
        }
        assert.deepEqual([text, finish], [textOf(GEMINI, HEARD), 'STOP']);
    },
    async 'tools, parallel, and their results'(client, _fake, hears) {
        const config = { tools: GEMINI_TOOLS };
        const { functionCalls = [], candidates } = await client.models.generateContent(generate(TWO, config));
        assert.deepEqual(functionCalls.map(({ name, args }) => [name, args]), CALLS);
        const parts = functionCalls.map(({ id, name }) => ({ functionResponse: { id, name, response: { output: 'found ' } } }));
        const contents = [{ role: 'user', parts: [{ text: TWO }] }, candidates?.[0].content, { role: 'user', parts }];
        const answer = await client.models.generateContent(generate(contents, config));
        assert.equal(answer.text, textOf(GEMINI, hears(['found ', 'found '])));
        const streamed = [];
        const chunks = await client.models.generateContentStream(generate(TWO, config));
        for await (const chunk of chunks) streamed.push(...chunk.functionCalls ?? []);
        assert.deepEqual(streamed.map(({ name, args }) => [name, args]), CALLS);
    },
    async images(client) {
        const parts = [{ text: HEARD }, { inlineData: { mimeType: 'image/png', data: PNG } }];
        const answer = await client.models.generateContent(generate([{ role: 'user', parts }]));
        assert.equal(answer.text, textOf(GEMINI, HEARD, IMAGES));
    },
    async 'structured output'(client) {
        const config = { responseMimeType: 'application/json', responseJsonSchema: SCHEMA };
        const answer = await client.models.generateContent(generate(HEARD, config));
        assert.deepEqual(JSON.parse(answer.text ?? ''), sample(SCHEMA, HEARD));
    },
    async embeddings(client) {
        const asked = { model: 'gemini-embedding-001', contents: ['a', 'b'], config: { outputDimensionality: 4 } };
        const { embeddings = [] } = await client.models.embedContent(asked);
        assert.deepEqual(embeddings.map(({ values }) => values), [vector('a', 4), vector('b', 4)]);
    },
    async tokens(client) {
        assert.ok(((await client.models.countTokens({ model: GEMINI, contents: HEARD })).totalTokens ?? 0) > 0);
    },
    async models(client) {
        const names = [];
        for await (const { name } of await client.models.list({ config: { pageSize: 2 } })) names.push(name);
        assert.ok(names.length === 6 && names.includes(`models/${GEMINI}`), String(names));
        assert.equal((await client.models.get({ model: GEMINI })).name, `models/${GEMINI}`);
    },
    async interactions(client) {
        const answer = await client.interactions.create({ model: GEMINI, input: HEARD });
        assert.ok(JSON.stringify(answer).includes(JSON.stringify(textOf(GEMINI, HEARD))));
        let text = '';
        const events = await client.interactions.create({ model: GEMINI, input: HEARD, stream: true });
        for await (const event of /** @type {AsyncIterable<any>} */ (events)) text += event.delta?.text ?? '';
        assert.equal(text, textOf(GEMINI, HEARD));
    },
    async abort(client, fake) {
        const stop = new AbortController();
        const stream = await client.models.generateContentStream(generate(LONG, { abortSignal: stop.signal }));
        await giveUp(stream, () => stop.abort(), fake);
    },
};

// ------------------------------------------------------------------ Ollama

const LLAMA = 'llama3.2:3b';

/** @param {string} content @param {object} [more] @returns {any} */
const talk = (content, more = {}) => ({ model: LLAMA, messages: [{ role: 'user', content }], ...more });

/** @type {Cases} */
const ollama = {
    async plain(client) {
        const answer = await client.chat(talk(HEARD));
        assert.equal(answer.message.content, textOf(LLAMA, HEARD));
        assert.ok(answer.eval_count > 0);
        assert.equal((await client.generate({ model: LLAMA, prompt: HEARD })).response, textOf(LLAMA, HEARD));
    },
    async 'streaming, and thinking'(client) {
        let text = '', thought = '', done = false;
        /** @type {AsyncIterable<any>} */
        const parts = /** @type {any} */ (await client.chat(talk(HEARD, { stream: true, think: true })));
        for await (const part of parts) {
            text += part.message.content;
            thought += part.message.thinking ?? '';
            done ||= part.done;
        }
        assert.deepEqual([text, done, thought.length > 0], [textOf(LLAMA, HEARD), true, true]);
        let more = '';
        for await (const part of await client.generate({ model: LLAMA, prompt: HEARD, stream: true })) more += part.response;
        assert.equal(more, text);
    },
    async 'tools, parallel, and their results'(client, _fake, hears) {
        const asked = talk(TWO, { tools: CHAT_TOOLS });
        const { message: called } = await client.chat(asked);
        assert.deepEqual(called.tool_calls?.map((/** @type {any} */ c) => [c.function.name, c.function.arguments]), CALLS);
        const results = NAMES.map((tool_name) => ({ role: 'tool', tool_name, content: 'found' }));
        const { message: told } = await client.chat({ ...asked, messages: [...asked.messages, called, ...results] });
        assert.equal(told.content, textOf(LLAMA, hears(['found', 'found'])));
    },
    async 'images and structured output'(client) {
        const messages = [{ role: 'user', content: HEARD, images: [PNG] }];
        assert.equal((await client.chat({ model: LLAMA, messages })).message.content, textOf(LLAMA, HEARD, IMAGES));
        const shaped = await client.chat(talk(HEARD, { format: SCHEMA }));
        assert.deepEqual(JSON.parse(shaped.message.content), sample(SCHEMA, HEARD));
    },
    async 'embeddings and models'(client) {
        const { embeddings } = await client.embed({ model: 'nomic-embed-text', input: ['a', 'b'] });
        assert.deepEqual(embeddings, [vector('a', 768), vector('b', 768)]);
        assert.ok((await client.list()).models.some((/** @type {any} */ { name }) => name === LLAMA));
        assert.ok((await client.version()).version);
    },
    async abort(client, fake) {
        const stream = await client.chat(talk(LONG, { stream: true }));
        await giveUp(/** @type {any} */ (stream), () => /** @type {any} */ (stream).abort(), fake);
    },
};

/** @type {Record<string, Cases>} */
export const CASES = { openai, anthropic, gemini, ollama };

/** One small request in each dialect. @type {Record<string, (client: any) => Promise<string>>} */
export const SHORT = {
    openai: async (client) => (await client.chat.completions.create(chat('hello'))).choices[0].message.content,
    anthropic: async (client) => claudeText(await client.messages.create(message('hello'))),
    gemini: async (client) => (await client.models.generateContent(generate('hello'))).text,
    ollama: async (client) => (await client.chat(talk('hello'))).message.content,
};

/** Joins what a stream brings. @param {Promise<any>} asked @param {(part: any) => string | undefined} piece */
async function joined(asked, piece) {
    let text = '';
    for await (const part of await asked) text += piece(part) ?? '';
    return text;
}

/** The same as streams, in each of its forms; they throw what the SDK throws.
 * @type {Record<string, Record<string, (client: any) => Promise<string>>>} */
export const STREAMED = {
    openai: {
        chat: (client) => joined(client.chat.completions.create(chat('hello', { stream: true })), (part) => part.choices[0]?.delta?.content),
        responses: async (client) => {
            const response = await client.responses.stream({ model: GPT, input: 'hello' }).finalResponse();
            if (response.status !== 'completed') throw new Error(response.error?.message ?? response.status);
            return response.output_text;
        },
    },
    anthropic: {
        messages: async (client) => claudeText(await client.messages.stream(message('hello')).finalMessage()),
    },
    gemini: {
        generate: (client) => joined(client.models.generateContentStream(generate('hello')), (part) => part.text),
        // This SDK takes any end for good: it is its user who has to look.
        interactions: async (client) => {
            let last = '';
            const asked = client.interactions.create({ model: GEMINI, input: 'hello', stream: true }, { maxRetries: 0 });
            const text = await joined(asked, (part) => {
                last = part.event_type;
                return part.delta?.text;
            });
            if (last !== 'interaction.completed') throw new Error(`it ended with ${last}`);
            return text;
        },
    },
    ollama: {
        chat: (client) => joined(client.chat(talk('hello', { stream: true })), (part) => part.message.content),
        generate: (client) => joined(client.generate({ model: LLAMA, prompt: 'hello', stream: true }), (part) => part.response),
    },
};

/** What the cases in Python have of this. */
export const SHARED = {
    heard: HEARD, two: TWO, long: LONG, png: PNG, parameters: PARAMETERS, names: NAMES,
    models: {
        chat: GPT, responses: THINKS, embedding: 'text-embedding-3-small', claude: CLAUDE, gemini: GEMINI,
        'gemini embedding': 'gemini-embedding-001',
    },
};

/** The model of SHORT. @type {Record<string, string>} */
export const MODELS = { openai: GPT, anthropic: CLAUDE, gemini: GEMINI, ollama: LLAMA };

/** An SDK's client. The SDKs' own retries are off unless `retries` says otherwise.
 * @type {Record<string, (baseURL: string, apiKey: string, fetch: typeof globalThis.fetch, retries?: number) => any>} */
export const CLIENTS = {
    openai: (baseURL, apiKey, fetch, maxRetries = 0) => new OpenAI({ baseURL, apiKey, fetch, maxRetries }),
    anthropic: (baseURL, apiKey, fetch, maxRetries = 0) => new Anthropic({ baseURL, apiKey, fetch, maxRetries }),
    gemini: (baseUrl, apiKey, fetch, retries = 0) =>
        new GoogleGenAI({ apiKey, httpOptions: { baseUrl, fetch, retryOptions: { attempts: retries + 1, initialDelay: 0.2 } } }),
    ollama: (host, apiKey, fetch) => new Ollama({ host, fetch, headers: { authorization: `Bearer ${apiKey}` } }),
};

/** The status of an SDK's error. @param {unknown} error @returns {number} */
export function statusOf(error) {
    if (error instanceof OpenAI.APIError || error instanceof Anthropic.APIError || error instanceof ApiError) return Number(error.status);
    const { status_code: status } = /** @type {{status_code?: number}} */ (error);
    if (status !== undefined) return status;
    throw error;
}
