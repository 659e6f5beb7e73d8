/**
 * Embeddings in one dialect of a provider that speaks another: the SDKs, unmodified but for base URL and key, at both
 * hosts. The fakes' vectors are decided by the text alone, so each SDK must get the very numbers.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before } from 'node:test';
import { InvokeModelCommand } from '@aws-sdk/client-bedrock-runtime';
import { atBoth, test } from '../lib/hosts.mjs';
import { keyLines } from '../lib/keys.mjs';
import { bedrockClient } from './bedrock-cases.mjs';
import { CLIENTS, SHARED } from './cases.mjs';
import { COHERE, COHERE_OLDER, TITAN } from './bedrock.mjs';
import { startProvider } from './fakes.mjs';
import { EVERY, KEY, KEYS } from './front.mjs';
import { startPython } from './python.mjs';
import { tokensIn, vector } from './said.mjs';

/** @typedef {import('./fakes.mjs').Provider} Provider @typedef {Record<string, any>} Body */

const SIGNER = { id: 'AKIAFAKE4741', secret: 'fake/secret4742' };
/** The name that all clients use, and what stands behind it: of which provider, its fake, and where it is asked. */
const MODEL = 'our-embedding';
/** @type {[string, string, string, RegExp][]} */
const PLACES = [
    ['openai', 'openai', 'text-embedding-3-small', /^\/v1\/embeddings$/],
    ['gemini', 'gemini', 'gemini-embedding-001', /:batchEmbedContents\?prettyPrint=false$/],
    ['gemini', 'gemini', 'gemini-embedding-2', /:batchEmbedContents\?prettyPrint=false$/],
    ['ollama', 'ollama', 'nomic-embed-text', /^\/api\/embed$/],
    ['bedrock', 'bedrock', COHERE, /^\/model\/.*\/invoke$/],
];
/** Awkward in JSON, and in any encoding. */
const TEXTS = ['größe 東京 🙂', 'line\n"quoted" \\/ \t'];
const SIZE = 256;
const VECTORS = TEXTS.map((text) => vector(text, SIZE));
const TOKENS = TEXTS.reduce((sum, text) => sum + tokensIn(text), 0);
/** Providers that do not say what they counted. */
const UNTOLD = ['gemini-embedding-001'];

/** @param {import('@aws-sdk/client-bedrock-runtime').BedrockRuntimeClient} client @param {Body} body @param {string} [modelId] @returns {Promise<Body>} */
async function invoke(client, body, modelId = MODEL) {
    const answer = await client.send(new InvokeModelCommand({ modelId, body: JSON.stringify(body), contentType: 'application/json', accept: 'application/json' }));
    return JSON.parse(new TextDecoder().decode(answer.body));
}

/** Each SDK's way to ask for vectors, and the dialect that it speaks. What it returns must be those of TEXTS.
 * @type {Record<string, [string, (client: any, model: string) => Promise<any>]>} */
const SEVERAL = {
    'openai, base64': ['openai', async (client, model) => {
        const { data, usage, object } = await client.embeddings.create({ model, input: TEXTS, dimensions: SIZE });
        assert.equal(object, 'list');
        assert.ok(usage.prompt_tokens > 0 && usage.total_tokens === usage.prompt_tokens);
        return data.map((/** @type {Body} */ { embedding }, /** @type {number} */ i) => (assert.equal(data[i].index, i), embedding));
    }],
    'openai, numbers': ['openai', async (client, model) => {
        const { data } = await client.embeddings.create({ model, input: TEXTS, dimensions: SIZE, encoding_format: 'float', user: 'ann' });
        return data.map((/** @type {Body} */ { embedding }) => embedding);
    }],
    'google-genai': ['gemini', async (client, model) => {
        const { embeddings } = await client.models.embedContent({ model, contents: TEXTS, config: { outputDimensionality: SIZE } });
        return embeddings.map((/** @type {Body} */ { values }) => values);
    }],
    'ollama': ['ollama', async (client, model) => (await client.embed({ model, input: TEXTS, dimensions: SIZE, options: { num_ctx: 512 } })).embeddings],
    'aws, Cohere': ['bedrock', async (client, model) => {
        const asked = { texts: TEXTS, input_type: 'search_document', output_dimension: SIZE };
        const { embeddings, texts, response_type: type } = await invoke(client, asked, model);
        assert.deepEqual([texts, type], [TEXTS, 'embeddings_floats']);
        return embeddings;
    }],
    'aws, Cohere by type': ['bedrock', async (client, model) => {
        const asked = { texts: TEXTS, input_type: 'clustering', output_dimension: SIZE, embedding_types: ['float'] };
        return (await invoke(client, asked, model)).embeddings.float;
    }],
};

/** One text, of any size. @type {Record<string, [string, (client: any, model: string, text: string) => Promise<number[]>]>} */
const ONE = {
    'openai': ['openai', async (client, model, input) => (await client.embeddings.create({ model, input })).data[0].embedding],
    'google-genai': ['gemini', async (client, model, contents) => (await client.models.embedContent({ model, contents })).embeddings[0].values],
    'ollama': ['ollama', async (client, model, input) => (await client.embed({ model, input })).embeddings[0]],
    'ollama, the older one': ['ollama', async (client, model, prompt) => (await client.embeddings({ model, prompt })).embedding],
    'aws, Titan': ['bedrock', async (client, model, inputText) => (await invoke(client, { inputText, normalize: true }, model)).embedding],
};

const BASES = /** @type {Record<string, string>} */ ({ openai: '/v1', gemini: '', ollama: '' });

atBoth('embeddings of other providers', (bench) => {
    /** @type {Record<string, Provider>} */
    const fakes = {};
    before(async () => {
        for (const name of ['openai', 'anthropic', 'gemini', 'ollama', 'bedrock']) {
            fakes[name] = await startProvider(name, { keys: name === 'bedrock' ? [`${SIGNER.id}:${SIGNER.secret}`] : KEYS[name] ? [KEYS[name]] : [] });
        }
    });
    afterEach(() => Object.values(fakes).forEach((fake) => fake.forget()));
    after(() => Promise.all(Object.values(fakes).map((fake) => fake.close())));

    /** @param {import('node:test').TestContext} t @param {Record<string, unknown>} models @param {Body} [more] */
    const open = (t, models, more = {}) => bench.open(t, {
        env: {
            GATEWAY_AUTH: '', GATEWAY_KEYS: keyLines({ ann: KEY }),
            CODEX_ENDPOINT: fakes.openai.url, OPENAI_API_KEY: KEYS.openai,
            CLAUDE_ENDPOINT: fakes.anthropic.url, ANTHROPIC_API_KEY: KEYS.anthropic,
            GEMINI_ENDPOINT: fakes.gemini.url, GEMINI_API_KEY: KEYS.gemini, OLLAMA_HOST: fakes.ollama.url,
            BEDROCK_ENDPOINT: fakes.bedrock.url, AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: SIGNER.id, AWS_SECRET_ACCESS_KEY: SIGNER.secret,
        },
        config: { models, ...more },
    });

    /** @param {string} dialect @param {string} url @returns {any} */
    const clientOf = (dialect, url) => (dialect === 'bedrock'
        ? bedrockClient(url, KEY, { http1: bench.name === 'edge' }).client
        : CLIENTS[dialect](url + BASES[dialect], KEY, fetch));

    /** @param {string} url @param {string} path @param {Body} body */
    async function ask(url, path, body) {
        const answer = await fetch(url + path, { method: 'POST', body: JSON.stringify(body), headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' } });
        return { status: answer.status, headers: answer.headers, body: /** @type {any} */ (await answer.json()) };
    }

    for (const [provider, fake, name, path] of PLACES) {
        test(`${name} of ${provider}, for every SDK`, async (t) => {
            const host = await open(t, { [MODEL]: `${provider}/${name}` });
            for (const [title, [dialect, run]] of Object.entries(SEVERAL)) {
                await t.test(title, async () => {
                    fakes[fake].forget();
                    assert.deepEqual(await run(clientOf(dialect, host.url), MODEL), VECTORS);
                    const own = fake === 'ollama' ? '/v1/embeddings' : ''; // of OpenAI's clients Ollama understands the own one
                    if (dialect !== fake && fakes[fake].seen[0].url !== own) assert.match(fakes[fake].seen[0].url, path);
                });
            }
            for (const [title, [dialect, run]] of Object.entries(ONE)) {
                if (dialect === fake) continue;
                await t.test(`${title}, one text`, async () => {
                    const got = await run(clientOf(dialect, host.url), MODEL, 'a text');
                    assert.deepEqual(got, vector('a text', got.length));
                });
            }
            const { headers, body } = await ask(host.url, '/v1/embeddings', { model: MODEL, input: TEXTS });
            assert.equal(headers.get('x-heady-target'), provider);
            assert.equal(headers.get('x-heady-estimated'), UNTOLD.includes(name) && fake !== 'openai' ? 'true' : null);
            if (!UNTOLD.includes(name)) assert.deepEqual(body.usage, { prompt_tokens: TOKENS, total_tokens: TOKENS });
            for (const key of [...EVERY.providers, SIGNER.secret]) assert.ok(!host.log().includes(key), 'no key in the log');
        });
    }

    test('Titan takes one text, and refuses several by name; a size that the older ones have not is refused, too', async (t) => {
        const host = await open(t, { [MODEL]: `bedrock/${TITAN}`, older: `bedrock/${COHERE_OLDER}` });
        for (const [title, [dialect, run]] of Object.entries(ONE)) {
            if (dialect !== 'bedrock') await t.test(title, async () => assert.deepEqual(await run(clientOf(dialect, host.url), MODEL, 'one'), vector('one', 1024)));
        }
        const { status, body } = await ask(host.url, '/v1/embeddings', { model: MODEL, input: TEXTS });
        assert.deepEqual([status, body.error.code, body.error.param], [400, 'unsupported_parameter', 'input']);
        assert.match(body.error.message, /several texts at once/);
        const sized = await ask(host.url, '/api/embed', { model: 'older', input: 'a', dimensions: SIZE });
        assert.match(sized.body.error, /^dimensions: bedrock's model cannot do this/);
        assert.equal(fakes.bedrock.seen.filter(({ status: was }) => was !== 200).length, 0);
        const told = await ask(host.url, `/v1beta/models/older:embedContent`, { content: { parts: [{ text: 'a' }] }, taskType: 'RETRIEVAL_QUERY', title: 't' });
        assert.deepEqual(told.body.embedding.values, vector('a', 1024));
        assert.equal(told.headers.get('x-heady-warnings'), 'left out: title');
        assert.equal(JSON.parse(fakes.bedrock.seen.at(-1)?.body.toString() ?? '').input_type, 'search_query');
    });

    test('tokens are refused by name, whatever the configuration says; who has no embeddings is passed over', async (t) => {
        const host = await open(t, { [MODEL]: { is: 'claude/claude-sonnet-5', fallbacks: ['gemini/gemini-embedding-001'] }, only: 'claude/claude-sonnet-5' }, { on_unsupported: 'drop' });
        const tokens = await ask(host.url, '/v1/embeddings', { model: MODEL, input: [[1, 2], [3]] });
        assert.deepEqual([tokens.status, tokens.body.error.param], [400, 'input']);
        const one = await ask(host.url, '/v1/embeddings', { model: MODEL, input: 'a', dimensions: 4 });
        assert.deepEqual(one.body.data[0].embedding, vector('a', 4));
        assert.equal(one.headers.get('x-heady-reason'), 'claude has no embeddings');
        for (const path of ['/v1/embeddings', '/api/embed', '/v1beta/models/only:embedContent']) {
            const { status, body: { error } } = await ask(host.url, path, { model: 'only', input: 'a', content: { parts: [{ text: 'a' }] } });
            assert.deepEqual([status, path === '/api/embed' ? error : error.message], [400, 'claude has no embeddings; ask for an embedding model of another provider'], path);
        }
        assert.equal(fakes.anthropic.seen.length, 0);
    });

    test('an embedding model is not asked for a conversation where another can be', async (t) => {
        const host = await open(t, { [MODEL]: { is: 'openai/text-embedding-3-small', fallbacks: ['openai/gpt-4o'] }, only: 'gemini/gemini-embedding-001' });
        const talk = { model: MODEL, messages: [{ role: 'user', content: 'hi' }] };
        const { status, headers } = await ask(host.url, '/v1/chat/completions', talk);
        assert.deepEqual([status, headers.get('x-heady-model'), headers.get('x-heady-reason')], [200, 'gpt-4o', 'openai lacks talk']);
        const alone = await ask(host.url, '/v1/chat/completions', { ...talk, model: 'only' });
        assert.deepEqual([alone.status, alone.body.error.code], [400, 'unsupported_parameter']);
        assert.match(alone.body.error.message, /a conversation/);
        assert.equal(fakes.gemini.seen.length, 0);
    });

    test('errors of a provider come in the client\'s dialect; a busy one and a lost connection move on', async (t) => {
        const host = await open(t, { [MODEL]: 'gemini/gemini-embedding-001', chain: { is: 'gemini/gemini-embedding-001', fallbacks: [`bedrock/${COHERE}`] } });
        for (const [status, type] of /** @type {[number, string][]} */ ([[400, 'invalid_request_error'], [404, 'not_found_error'], [429, 'rate_limit_error']])) {
            fakes.gemini.control({ status, retry_after: status === 429 ? 30 : undefined, message: `no: ${status}` });
            const { status: got, headers, body } = await ask(host.url, '/v1/embeddings', { model: MODEL, input: 'a' });
            assert.deepEqual([got, body.error.type, body.error.message], [status, type, `no: ${status}`]);
            if (status === 429) assert.equal(headers.get('retry-after'), '30');
            const ollama = await ask(host.url, '/api/embed', { model: MODEL, input: 'a' });
            assert.deepEqual([ollama.status, ollama.body], [status, { error: `no: ${status}` }]);
        }
        for (const fault of [{ status: 503 }, { mode: 'reset' }, { status: 200, mode: 'status', body: '{"embeddings":[{"values":[0.5]}]}', headers: { 'content-type': 'application/json' } }]) {
            fakes.gemini.control(fault);
            const { status, headers, body } = await ask(host.url, '/v1/embeddings', { model: 'chain', input: ['a', 'b'] });
            assert.deepEqual([status, headers.get('x-heady-target')], [200, 'bedrock'], JSON.stringify(fault));
            assert.deepEqual(body.data.map((/** @type {Body} */ { embedding }) => embedding), [vector('a', 1536), vector('b', 1536)]);
            fakes.gemini.forget();
        }
    });

    test('as many vectors as fit; what is more is an error that says so', async (t) => {
        const host = await open(t, { [MODEL]: 'openai/text-embedding-3-small' }, { limits: { json_bytes_max: 1 << 21 } });
        const input = (/** @type {number} */ n) => Array.from({ length: n }, (_, i) => `text ${i}`);
        const many = await ask(host.url, '/api/embed', { model: MODEL, input: input(400), dimensions: 100 });
        assert.deepEqual(many.body.embeddings, input(400).map((text) => vector(text, 100)));
        const { status, headers, body } = await ask(host.url, '/api/embed', { model: MODEL, input: input(1000), dimensions: 100 });
        assert.deepEqual([status, headers.get('x-should-retry')], [502, 'false']);
        assert.match(body.error, /more than there is room to translate/);
        const most = await ask(host.url, '/api/embed', { model: MODEL, input: input(2048), dimensions: 1 });
        assert.equal(most.body.embeddings.length, 2048);
        const above = await ask(host.url, '/api/embed', { model: MODEL, input: input(2049), dimensions: 1 });
        assert.match(above.body.error, /more than 2048 texts/);
    });

    test('PyPI\'s SDKs', async (t) => {
        const { models } = SHARED;
        const host = await open(t, { [models.embedding]: 'gemini/gemini-embedding-001', [models['gemini embedding']]: 'openai/text-embedding-3-large' });
        const expected = [vector('a', 4), vector('b', 4)];
        for (const [sdk, base, got] of /** @type {[string, string, any][]} */ ([['openai', '/v1', [expected, expected]], ['gemini', '', expected]])) {
            const python = startPython(sdk, SHARED);
            t.after(() => python.stop());
            assert.deepEqual(await python.run('embeddings', { base: host.url + base, key: KEY }), { got });
        }
        assert.deepEqual([fakes.gemini.seen.length, fakes.openai.seen.length], [2, 1]);
    });
});
