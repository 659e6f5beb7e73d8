/**
 * The SDKs, unmodified but for base URL and key, through the gateway's native routes, at both hosts:
 * what they send is what the provider sees, what it answers is what they get, byte by byte.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { ask, json } from '../lib/client.mjs';
import { atBoth, test } from '../lib/hosts.mjs';
import { keyLines } from '../lib/keys.mjs';
import { until } from '../lib/proc.mjs';
import { shown } from '../lib/readme.mjs';
import { CASES, CLIENTS, HEARS, MODELS, SHORT, STREAMED, statusOf } from './cases.mjs';
import { startProvider } from './fakes.mjs';
import { recorder, sameBytes, withoutSlices } from './recorder.mjs';
import { textOf } from './said.mjs';
import { recordedUsage, sameUsage } from './usage.mjs';

/** @typedef {import('./fakes.mjs').Provider} Provider */

const KEY = 'hk-the-client-of-the-gateway-0123456789';
const PROVIDERS = ['openai', 'anthropic', 'gemini', 'ollama'];

/** Two keys each; the second is not among those that are configured at first. @type {Record<string, string[]>} */
const KEYS = {
    openai: ['sk-proj-fake-openai-key-one-4711', 'sk-proj-fake-openai-key-two-4712'],
    anthropic: ['sk-ant-api03-fake-key-one-4713', 'sk-ant-api03-fake-key-two-4714'],
    gemini: ['AIzaSyFakeGeminiKeyOne4715', 'AIzaSyFakeGeminiKeyTwo4716'],
    ollama: [],
};
const EVERY = { gateway: KEY, providers: Object.values(KEYS).flat() };

/** Where an SDK finds its provider: the first is used for every case. @type {Record<string, string[]>} */
const BASES = {
    openai: ['/api/codex/v1', '/v1', '/api/codex', '/api/ai/openai/v1', '/api/ai/openai'],
    anthropic: ['/api/claude', '', '/api/ai/claude'],
    gemini: ['/api/gemini', '', '/api/ai/gemini'],
    ollama: ['/api/ai/ollama', ''],
};

/** What belongs to the account and not to a client. @type {Record<string, [string, string][]>} */
const ACCOUNT = {
    openai: [
        ['GET', '/api/codex/v1/files'], ['POST', '/api/codex/v1/files'], ['DELETE', '/api/codex/v1/files/file-1'],
        ['GET', '/api/codex/v1/files/file-1/content'], ['GET', '/api/codex/v1/fine_tuning/jobs'], ['GET', '/api/codex/v1/batches'],
        ['GET', '/api/codex/v1/organization/admin_api_keys'], ['GET', '/api/codex/v1/organization/costs'],
        ['GET', '/api/codex/v1/responses/resp_1'], ['DELETE', '/api/codex/v1/responses/resp_1'], ['DELETE', '/api/codex/v1/models/gpt-4o'],
        ['GET', '/api/codex/v1/chat/completions'], ['GET', '/api/codex/v1/chat/completions/chatcmpl-1'], ['GET', '/api/codex/v1/assistants'],
        ['GET', '/api/codex/v1/threads/thread_1'], ['GET', '/api/codex/v1/vector_stores'], ['GET', '/api/codex/v1/conversations/conv_1'],
        ['GET', '/api/codex/v1/containers'], ['POST', '/api/ai/openai/v1/uploads'], ['GET', '/api/codex/v1/evals'],
    ],
    anthropic: [
        ['GET', '/api/claude/v1/files'], ['POST', '/api/claude/v1/files'], ['DELETE', '/api/claude/v1/files/file_1'],
        ['GET', '/api/claude/v1/messages/batches'], ['POST', '/api/claude/v1/messages/batches'],
        ['GET', '/api/claude/v1/organizations/me'], ['GET', '/api/claude/v1/organizations/api_keys'], ['GET', '/api/claude/v1/skills'],
        ['DELETE', '/api/claude/v1/models/claude-sonnet-5'], ['GET', '/api/ai/claude/v1/organizations/cost_report'],
    ],
    gemini: [
        ['GET', '/api/gemini/v1beta/files'], ['POST', '/api/gemini/upload/v1beta/files'], ['DELETE', '/api/gemini/v1beta/files/f1'],
        ['GET', '/api/gemini/v1beta/cachedContents'], ['POST', '/api/gemini/v1beta/cachedContents'], ['GET', '/api/gemini/v1beta/tunedModels'],
        ['GET', '/api/gemini/v1/interactions/v1_1'], ['DELETE', '/api/gemini/v1/interactions/v1_1'], ['GET', '/api/gemini/v1beta/batches'],
        ['POST', '/api/gemini/v1beta/models/gemini-3.7-flash:batchGenerateContent'], ['GET', '/api/ai/gemini/v1beta/fileSearchStores'],
    ],
    ollama: [
        ['DELETE', '/api/ai/ollama/api/delete'], ['POST', '/api/ai/ollama/api/pull'], ['POST', '/api/ai/ollama/api/push'],
        ['POST', '/api/ai/ollama/api/create'], ['POST', '/api/ai/ollama/api/copy'], ['POST', '/api/ai/ollama/api/blobs/sha256:0'],
    ],
};

/** Headers of limits, as a client gets them with a 429. @type {Record<string, Record<string, string>>} */
const LIMITS = {
    openai: {
        'retry-after': '30', 'x-ratelimit-limit-requests': '500', 'x-ratelimit-remaining-tokens': '29990',
        'x-ratelimit-reset-requests': '120ms',
    },
    anthropic: { 'retry-after': '30', 'anthropic-ratelimit-requests-limit': '50', 'anthropic-ratelimit-tokens-reset': '2026-11-27T20:00:00Z' },
    gemini: {},
    ollama: { 'retry-after': '30' },
};

/** Requests until each of two keys has had its turn, one in some thousands apart. */
const TURNS = 12;

/** How a provider refuses one key of two: unknown, unpaid; Google says it with a 400.
 * @type {Record<string, import('./faults.mjs').Given>} */
const REFUSALS = {
    openai: { status: 401 },
    anthropic: { status: 402 },
    gemini: { status: 400, message: 'API key not valid. Please pass a valid API key.', code: 'API_KEY_INVALID' },
};

/** @param {Record<string, Provider>} fakes @param {number} [n] how many keys each */
function envOf(fakes, n = 1) {
    const keys = (/** @type {string} */ name) => KEYS[name].slice(0, n).join(',');
    return {
        GATEWAY_AUTH: '', GATEWAY_KEYS: keyLines({ ann: KEY }),
        CODEX_ENDPOINT: fakes.openai.url, OPENAI_API_KEY: keys('openai'),
        CLAUDE_ENDPOINT: fakes.anthropic.url, ANTHROPIC_API_KEY: keys('anthropic'),
        GEMINI_ENDPOINT: fakes.gemini.url, GEMINI_API_KEY: keys('gemini'),
        OLLAMA_HOST: fakes.ollama.url,
    };
}

/** An SDK's client whose bytes are kept. @param {string} name @param {string} base @param {number} [retries] */
function recorded(name, base, retries) {
    const { kept, fetch } = recorder();
    return { kept, client: CLIENTS[name](base, KEY, fetch, retries) };
}

/** Each answer's usage is on the record of its request.
 * @param {import('../lib/hosts.mjs').Host} host @param {import('./recorder.mjs').Exchange[]} kept */
async function sameCosts(host, kept) {
    for (const { method, url, status, answered, got } of kept) {
        if (method !== 'POST' || status !== 200) continue;
        const streams = answered.get('content-type')?.includes('event-stream');
        if (streams && url.includes('/interactions')) continue; // nobody here reads its events
        const id = answered.get('x-request-id');
        await until(() => recordedUsage(host.log(), id) !== null, `a record of ${url}`);
        sameUsage(host.log(), id, (await got).toString(), `${method} ${url}`);
    }
}

atBoth('SDKs of the providers', (bench) => {
    /** @type {Record<string, Provider>} */
    const fakes = {};

    before(async () => {
        for (const name of PROVIDERS) fakes[name] = await startProvider(name, { keys: KEYS[name] });
    });
    afterEach(() => Object.values(fakes).forEach((fake) => fake.forget()));
    after(() => Promise.all(Object.values(fakes).map((fake) => fake.close())));

    for (const name of PROVIDERS) {
        test(`${name}: each case, its bytes, and what the record says of its cost`, async (t) => {
            const host = await bench.open(t, { env: envOf(fakes), config: { log_requests: true } });
            for (const [title, run] of Object.entries(CASES[name])) {
                await t.test(title, async () => {
                    fakes[name].forget();
                    const { kept, client } = recorded(name, host.url + BASES[name][0]);
                    await run(client, fakes[name], HEARS[name], true);
                    await sameBytes(kept, fakes[name].seen, EVERY);
                    await sameCosts(host, kept);
                });
            }
            for (const key of EVERY.providers) assert.ok(!host.log().includes(key), 'no key in the log');
        });

        test(`${name}: each case on the unified routes, but for the slices that are the gateway's`, async (t) => {
            const host = await bench.open(t, { env: envOf(fakes) });
            for (const [title, run] of Object.entries(CASES[name])) {
                if (/models/.test(title)) continue; // the gateway's own list is in catalog.trace
                await t.test(title, async () => {
                    fakes[name].forget();
                    const { kept, client } = recorded(name, host.url + BASES[name][1]);
                    await run(client, fakes[name], HEARS[name], true);
                    await sameBytes(kept, fakes[name].seen.map((seen, i) => withoutSlices(seen, kept[i]?.sent)), EVERY);
                });
            }
        });

        test(`${name}: each base URL leads to it`, async (t) => {
            const host = await bench.open(t, { env: envOf(fakes) });
            const urls = new Set();
            for (const base of BASES[name]) {
                await t.test(base, async () => {
                    fakes[name].forget();
                    const { kept, client } = recorded(name, host.url + base);
                    assert.equal(await SHORT[name](client), textOf(MODELS[name], 'hello'));
                    await sameBytes(kept, fakes[name].seen, EVERY);
                    urls.add(fakes[name].seen[0].url);
                });
            }
            assert.equal(urls.size, 1, [...urls].join(' '));
        });

        test(`${name}: errors are the provider's own`, async (t) => {
            const host = await bench.open(t, { env: envOf(fakes) });
            const fake = fakes[name];
            for (const fault of [{ status: 400 }, { status: 400, kind: 'policy' }, { status: 429, retry_after: 30 }]) {
                await t.test(JSON.stringify(fault), async () => {
                    fake.forget();
                    fake.control(fault);
                    const { kept, client } = recorded(name, host.url + BASES[name][0]);
                    const error = await SHORT[name](client).catch((/** @type {unknown} */ e) => e);
                    assert.equal(statusOf(error), fault.status);
                    const { error: told } = JSON.parse(fake.seen[0].answer.toString());
                    const message = told.message ?? told;
                    const escaped = JSON.stringify(message).slice(1, -1);
                    assert.ok(String(error).includes(message) || String(error).includes(escaped), String(error));
                    await sameBytes(kept, fake.seen, EVERY);
                    const limits = fault.status === 429 ? LIMITS[name] : {};
                    for (const [header, value] of Object.entries(limits)) assert.equal(kept[0].answered.get(header), value, header);
                });
            }
        });

        test(`${name}: a reset and a 500 are tried once more, and what comes is whole`, async (t) => {
            const host = await bench.open(t, { env: envOf(fakes) });
            for (const fault of [{ mode: 'reset', count: 1 }, { status: 500, count: 1 }]) {
                for (const run of [SHORT[name], ...Object.values(STREAMED[name])]) {
                    fakes[name].forget();
                    fakes[name].control(fault);
                    const { kept, client } = recorded(name, host.url + BASES[name][0]);
                    assert.equal(await run(client), textOf(MODELS[name], 'hello'), JSON.stringify(fault));
                    assert.equal(fakes[name].seen.length, 2);
                    await sameBytes(kept, fakes[name].seen.slice(1), EVERY);
                }
            }
        });

        test(`${name}: a stream that breaks is never taken for whole`, async (t) => {
            const host = await bench.open(t, { env: envOf(fakes) });
            const cuts = ['reset', 'fin', 'event', 'clean'].map((how) => ({ mode: 'cut', how, tokens: 5 }));
            const errors = [0, 5].map((tokens) => ({ mode: 'error_event', tokens }));
            for (const fault of [...cuts, ...errors, { mode: 'empty', tokens: 0 }]) {
                for (const [form, run] of Object.entries(STREAMED[name])) {
                    await t.test(`${form} ${JSON.stringify(fault)}`, async () => {
                        fakes[name].forget();
                        fakes[name].control(/** @type {any} */ (fault));
                        const { kept, client } = recorded(name, host.url + BASES[name][0]);
                        await assert.rejects(run(client)); // with an Error, or in one place with the event itself
                        if (fault.mode === 'error_event' && fault.tokens > 0) await sameBytes(kept, fakes[name].seen, EVERY);
                        for (const { sent } of kept) assert.ok(fakes[name].seen.every(({ body }) => body.equals(sent)));
                    });
                }
            }
        });

        test(`${name}: account resources are refused, and not asked for`, async (t) => {
            const host = await bench.open(t, { env: envOf(fakes) });
            for (const [method, path] of ACCOUNT[name]) {
                const body = method === 'POST' ? '{}' : undefined;
                const headers = { 'authorization': `Bearer ${KEY}`, 'content-type': 'application/json' };
                const answer = await ask(host.url, path, { method, headers, body });
                assert.equal(answer.status, 403, `${method} ${path}: ${answer.text}`);
                const { error } = json(answer); // its shape is the dialect's, and not each has a code
                assert.match(error.message ?? error, /only what runs a model/);
                assert.ok([undefined, 403, 'route_not_allowed'].includes(error.code), path);
                assert.equal(answer.headers['x-should-retry'], 'false');
            }
            assert.deepEqual(fakes[name].seen.map(({ method, url }) => `${method} ${url}`), []);
        });
    }

    for (const name of ['openai', 'anthropic', 'gemini']) {
        test(`${name}: the SDK's own retries get there`, async (t) => {
            const host = await bench.open(t, { env: envOf(fakes) });
            const { client } = recorded(name, host.url + BASES[name][0], 2);
            for (const fault of [{ status: 503, count: 1 }, { status: 429, retry_after: 1, count: 1 }]) {
                fakes[name].control(fault);
                assert.equal(await SHORT[name](client), textOf(MODELS[name], 'hello'), JSON.stringify(fault));
            }
        });

        for (const [why, fault] of Object.entries({ refused: REFUSALS[name], busy: { status: 429, retry_after: 30 } })) {
            test(`${name}: a key that is ${why} rests, alone, and its neighbour serves`, async (t) => {
                const host = await bench.open(t, { env: envOf(fakes, 2) });
                const [first, second] = KEYS[name];
                fakes[name].control({ .../** @type {object} */ (fault), key: first });
                const { kept, client } = recorded(name, host.url + BASES[name][0]);
                for (let i = 0; i < TURNS; i++) assert.equal(await SHORT[name](client), textOf(MODELS[name], 'hello'));
                const refused = fakes[name].seen.filter(({ status }) => status !== 200);
                assert.ok(refused.length <= 1, `${refused.length} times refused`);
                const other = fakes[name].seen.filter(({ headers }) => JSON.stringify(headers).includes(second));
                assert.equal(other.length, TURNS);
                for (const { got } of kept) assert.ok(!(await got).toString().includes(first));
            });
        }

        test(`${name}: the only key is refused: that is the gateway's affair, and nothing of it is shown`, async (t) => {
            const host = await bench.open(t, { env: envOf(fakes) });
            fakes[name].control({ status: 401, message: `Incorrect API key provided: ${KEYS[name][0].slice(0, 8)}***` });
            const { kept, client } = recorded(name, host.url + BASES[name][0]);
            await assert.rejects(SHORT[name](client), (error) => statusOf(error) === 502);
            const shown = (await kept[0].got).toString();
            assert.ok(!shown.includes(KEYS[name][0].slice(0, 8)), shown);
            await until(() => host.log().includes('"event":"key_refused"'), 'a line in the log');
            assert.ok(!host.log().includes(KEYS[name][0].slice(0, 8)));
        });

        test(`${name}: a client's own provider key goes nowhere`, async (t) => {
            const host = await bench.open(t, { env: envOf(fakes) });
            const own = 'sk-ant-api03-of-the-client-4799';
            const { fetch } = recorder();
            const client = CLIENTS[name](host.url + BASES[name][0], own, fetch);
            await assert.rejects(SHORT[name](client), (error) => statusOf(error) === 401);
            assert.equal(fakes[name].seen.length, 0);
        });
    }

    test('what other clients send: both headers, a key in the query, betas, Gemini\'s array', async (t) => {
        const host = await bench.open(t, { env: envOf(fakes) });
        const { kept, fetch } = recorder();
        const post = async (/** @type {string} */ path, /** @type {unknown} */ body, /** @type {Record<string, string>} */ headers) => {
            const all = { 'content-type': 'application/json', ...headers };
            const answer = await fetch(host.url + path, { method: 'POST', headers: all, body: JSON.stringify(body, null, 1) });
            assert.equal(answer.status, 200, path);
            return await answer.text();
        };
        const both = { 'authorization': `Bearer ${KEY}`, 'x-goog-api-key': KEY };
        const contents = [{ role: 'user', parts: [{ text: 'hello' }] }];
        const array = '/v1beta/models/gemini-3.7-flash:streamGenerateContent';
        assert.equal(JSON.parse(await post(`/api/gemini${array}`, { contents }, both)).length > 3, true);
        await post(`/api/gemini${array}?key=${KEY}&alt=sse`, { contents }, both);
        await post('/api/gemini/models/gemini-3.7-flash:generateContent', { contents, system_instruction: contents[0] }, both);
        await sameBytes(kept, fakes.gemini.seen, EVERY);
        const urls = fakes.gemini.seen.map(({ url }) => url);
        assert.deepEqual(urls, [array, `${array}?alt=sse`, array.replace('streamGenerate', 'generate')]);

        kept.length = 0;
        const betas = { 'x-api-key': KEY, 'anthropic-version': '2023-06-01', 'anthropic-beta': 'effort-2025-11-24,per-turn-control-2026-07-01' };
        const messages = [{ role: 'user', content: 'hello' }, { role: 'system', content: 'be brief' }];
        await post('/api/claude/v1/messages?beta=true', { model: 'claude-sonnet-5', max_tokens: 9, messages, stream: true }, betas);
        await sameBytes(kept, fakes.anthropic.seen, EVERY);
        const [{ url, headers }] = fakes.anthropic.seen;
        assert.deepEqual([url, headers['anthropic-beta']], ['/v1/messages?beta=true', betas['anthropic-beta']]);
        assert.deepEqual([headers['x-api-key'], headers.authorization], [KEYS.anthropic[0], undefined]);
    });

    test('base URL and key from the environment, as README.md tells', async (t) => {
        const host = await bench.open(t, { env: envOf(fakes) });
        const before = { ...process.env };
        Object.assign(process.env, shown('SDKs', host.url, KEY).env);
        t.after(() => (process.env = before));
        for (const [name, client] of Object.entries({ openai: new OpenAI(), anthropic: new Anthropic(), gemini: new GoogleGenAI({}) })) {
            assert.equal(await SHORT[name](client), textOf(MODELS[name], 'hello'));
            assert.equal(fakes[name].seen.length, 1);
        }
    });

    test('a key in the query alone opens nothing', async (t) => {
        const host = await bench.open(t, { env: envOf(fakes) });
        const answer = await ask(host.url, `/api/gemini/v1beta/models?key=${KEY}`);
        assert.equal(answer.status, 401);
        assert.ok(!answer.text.includes(KEY) && !host.log().includes(KEY));
        assert.equal(fakes.gemini.seen.length, 0);
    });
});
