/**
 * What clients of Responses leave with the gateway: an answer that was translated can be named by the next request, is
 * told again and forgotten; each key has its own. By OpenAI's SDK, at both hosts.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach } from 'node:test';
import OpenAI from 'openai';
import { atBoth, atHost, test } from '../lib/hosts.mjs';
import { keyLines } from '../lib/keys.mjs';
import { startRack } from '../lib/rack.mjs';
import { startProvider } from './fakes.mjs';
import { KEY, KEYS } from './front.mjs';

/** @typedef {import('./fakes.mjs').Provider} Provider */

const OTHER = 'heady-test-key-of-bob-0002';
const CLAUDE = 'claude-sonnet-5', GPT = 'gpt-4o', THINKS = 'gpt-5.5';
const OWN = /^resp_hg[0-9A-Za-z]{24}$/;
const TOOLS = [{ type: 'function', name: 'look_up', strict: false, parameters: { type: 'object', properties: { q: { type: 'string' } } } }];

/** @type {Record<string, Provider>} */
const fakes = {};

/** @param {string} url @param {string} [key] */
const sdk = (url, key = KEY) => new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });

/** @param {import('node:test').TestContext} t */
function directory(t) {
    const dir = mkdtempSync(join(tmpdir(), 'heady-kept-'));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    return dir;
}

/** @param {Record<string, string>} [more] */
const environment = (more = {}) => ({
    GATEWAY_AUTH: '', GATEWAY_KEYS: keyLines({ ann: KEY, bob: OTHER }), FAILOVER_CHAIN: '',
    CODEX_ENDPOINT: fakes.openai.url, OPENAI_API_KEY: KEYS.openai,
    CLAUDE_ENDPOINT: fakes.anthropic.url, ANTHROPIC_API_KEY: KEYS.anthropic, ...more,
});

/** What a provider was asked last. @param {Provider} fake @returns {any} */
const asked = (fake) => JSON.parse(String(fake.seen.at(-1)?.body));

/** @param {Promise<unknown>} promise @param {number} status @param {string} code */
async function refused(promise, status, code) {
    const error = await promise.then(() => null, (/** @type {any} */ e) => e);
    assert.equal(error?.status, status, String(error));
    assert.equal(error.code, code);
    assert.equal(error.headers.get('x-should-retry'), status < 500 ? 'false' : null);
}

/** The texts of a request to Claude, with who said them. @param {any} body */
const texts = (body) => body.messages.map((/** @type {any} */ m) => [
    m.role, [m.content].flat().map((/** @type {any} */ p) => p.text ?? p.type ?? p).join('|')]);

/** A streamed answer: the last event's. @param {any} stream @returns {Promise<any>} */
async function last(stream) {
    let response;
    for await (const event of stream) if (event.type === 'response.completed') response = event.response;
    return response;
}

before(async () => {
    for (const name of ['openai', 'anthropic']) fakes[name] = await startProvider(name, { keys: [KEYS[name]] });
});
after(() => Promise.all(Object.values(fakes).map((fake) => fake.close())));

atBoth('answers that are kept', (bench) => {
    /** @type {import('../lib/hosts.mjs').Host} */
    let host;
    /** @type {OpenAI} */
    let ann;
    /** @param {import('node:test').TestContext} t @param {unknown} [config] */
    const open = async (t, config) => {
        host = await bench.open(t, { env: environment({ HEADY_DATA_DIR: directory(t) }), config });
        ann = sdk(host.url);
    };
    beforeEach(() => Object.values(fakes).forEach((fake) => fake.forget()));

    test('the next request goes on from one', async (t) => {
        await open(t);
        const one = await ann.responses.create({ model: CLAUDE, input: 'first things', instructions: 'be brief' });
        assert.match(one.id, OWN);
        assert.equal(/** @type {any} */ (one).store, true);
        const two = await ann.responses.create({ model: CLAUDE, input: [{ role: 'user', content: 'second' }], previous_response_id: one.id });
        assert.equal(two.previous_response_id, one.id);
        assert.equal(asked(fakes.anthropic).system, undefined, 'instructions are not taken along');
        assert.deepEqual(texts(asked(fakes.anthropic)),
            [['user', 'first things'], ['assistant', one.output_text], ['user', 'second']]);
        const three = await last(await ann.responses.create({ model: CLAUDE, input: 'third', previous_response_id: two.id, stream: true }));
        assert.match(three.id, OWN);
        const four = await last(await ann.responses.create({ model: CLAUDE, input: 'fourth', previous_response_id: three.id, stream: true }));
        assert.equal(four.previous_response_id, three.id);
        assert.deepEqual(texts(asked(fakes.anthropic)).map((/** @type {string[]} */ [role]) => role),
            ['user', 'assistant', 'user', 'assistant', 'user', 'assistant', 'user']);
        assert.equal(texts(asked(fakes.anthropic))[5][1], three.output[0].content[0].text);
    });

    test('a stream can be named as soon as its end has come', async (t) => {
        await open(t);
        let id = '';
        for (let turn = 0; turn < 20; turn++) {
            const more = id === '' ? {} : { previous_response_id: id };
            id = (await last(await ann.responses.create({ model: CLAUDE, input: `turn ${turn}`, stream: true, ...more }))).id;
        }
        assert.equal(asked(fakes.anthropic).messages.length, 39);
    });

    test('calls of tools and their results', async (t) => {
        await open(t);
        const one = await ann.responses.create({ model: CLAUDE, input: 'please look_up({"q":"x"})', tools: /** @type {any} */ (TOOLS) });
        const call = /** @type {any} */ (one.output.find((item) => item.type === 'function_call'));
        await ann.responses.create({
            model: CLAUDE, tools: /** @type {any} */ (TOOLS), previous_response_id: one.id,
            input: [{ type: 'function_call_output', call_id: call.call_id, output: 'it is 4' }],
        });
        const { messages } = asked(fakes.anthropic);
        assert.equal(messages[1].content.at(-1).type, 'tool_use');
        assert.deepEqual(messages[2].content.map((/** @type {any} */ p) => [p.type, p.tool_use_id === messages[1].content.at(-1).id]), [['tool_result', true]]);
    });

    test('a place that speaks the dialect itself is told the whole conversation', async (t) => {
        await open(t);
        const one = await ann.responses.create({ model: CLAUDE, input: 'first things' });
        const two = await ann.responses.create({ model: THINKS, input: 'second', previous_response_id: one.id });
        assert.equal(fakes.openai.seen.at(-1)?.url, '/v1/responses');
        assert.equal(asked(fakes.openai).previous_response_id, undefined);
        assert.equal(asked(fakes.openai).input.length, 3);
        assert.match(two.id, OWN, 'and what it says is kept here, too');
        const back = await last(await ann.responses.create({ model: CLAUDE, input: 'third', previous_response_id: two.id, stream: true }));
        assert.equal(texts(asked(fakes.anthropic)).at(-2)[1], two.output_text);
        assert.match(back.id, OWN);
    });

    test('a provider keeps its own', async (t) => {
        await open(t);
        const one = await ann.responses.create({ model: GPT, input: 'first' });
        assert.doesNotMatch(one.id, OWN);
        const second = ann.responses.create({ model: GPT, input: 'second', previous_response_id: one.id });
        await assert.rejects(second, /Previous response with id/, 'the fake keeps nothing');
        assert.equal(asked(fakes.openai).previous_response_id, one.id);
        await refused(ann.responses.create({ model: CLAUDE, input: 'third', previous_response_id: one.id }), 400, 'unsupported_parameter');
    });

    test('it is told again, and forgotten', async (t) => {
        await open(t);
        const one = await ann.responses.create({ model: CLAUDE, input: 'first things' });
        const again = await ann.responses.retrieve(one.id);
        assert.deepEqual({ ...again, output_text: one.output_text, _request_id: 0 }, { ...one, _request_id: 0 });
        const streamed = await last(await ann.responses.create({ model: CLAUDE, input: 'second', stream: true }));
        const told = /** @type {any} */ (await ann.responses.retrieve(streamed.id));
        assert.deepEqual({ ...told, output_text: undefined, _request_id: 0 }, { ...streamed, output_text: undefined, _request_id: 0 });
        await ann.responses.delete(one.id);
        await refused(ann.responses.retrieve(one.id), 404, 'response_not_found');
        await refused(ann.responses.delete(one.id), 404, 'response_not_found');
        await refused(ann.responses.create({ model: CLAUDE, input: 'x', previous_response_id: one.id }), 400, 'previous_response_not_found');
        const put = await fetch(`${host.url}/v1/responses/${one.id}`, { method: 'PUT', headers: { authorization: `Bearer ${KEY}` } });
        assert.equal(put.status, 405);
        assert.equal(put.headers.get('allow'), 'GET, HEAD, DELETE');
    });

    test('each key has its own', async (t) => {
        await open(t);
        const bob = sdk(host.url, OTHER);
        const one = await ann.responses.create({ model: CLAUDE, input: 'a secret' });
        await refused(bob.responses.create({ model: CLAUDE, input: 'x', previous_response_id: one.id }), 400, 'previous_response_not_found');
        await refused(bob.responses.retrieve(one.id), 404, 'response_not_found');
        await refused(bob.responses.delete(one.id), 404, 'response_not_found');
        assert.equal((await ann.responses.retrieve(one.id)).id, one.id);
    });

    test('store: false keeps nothing, whole or streamed', async (t) => {
        await open(t);
        const one = await ann.responses.create({ model: CLAUDE, input: 'x', store: false });
        assert.equal(/** @type {any} */ (one).store, false);
        await refused(ann.responses.retrieve(one.id), 404, 'response_not_found');
        const two = await last(await ann.responses.create({ model: CLAUDE, input: 'x', store: false, stream: true }));
        await refused(ann.responses.retrieve(two.id), 404, 'response_not_found');
    });

    test('one that is too long is given, and not kept', async (t) => {
        await open(t);
        const input = 'x'.repeat((2 << 20) - 100);
        const { data: one, response } = await ann.responses.create({ model: CLAUDE, input }).withResponse();
        assert.match(String(response.headers.get('x-heady-reason')), /answer is not kept/);
        await refused(ann.responses.retrieve(one.id), 404, 'response_not_found');
        const two = await ann.responses.create({ model: CLAUDE, input: 'x'.repeat(1 << 20) });
        await ann.responses.create({ model: CLAUDE, input: 'on', previous_response_id: two.id });
        assert.equal(texts(asked(fakes.anthropic))[0][1].length, 1 << 20);
    });

    test('they end', async (t) => {
        await open(t, { limits: { responses_keep_s: 1 } });
        const one = await ann.responses.create({ model: CLAUDE, input: 'x' });
        assert.equal((await ann.responses.retrieve(one.id)).id, one.id);
        await new Promise((resolve) => { setTimeout(resolve, 1200); });
        await refused(ann.responses.retrieve(one.id), 404, 'response_not_found');
    });

    test('none are kept if the file says so', async (t) => {
        await open(t, { limits: { responses_keep_s: 0 } });
        const one = await ann.responses.create({ model: CLAUDE, input: 'x' });
        assert.equal(/** @type {any} */ (one).store, false);
        await refused(ann.responses.create({ model: CLAUDE, input: 'x', previous_response_id: one.id }), 400, 'previous_response_not_found');
    });
});

atHost('edge', 'answers that are kept, and the Worker', (bench) => {
    test('without the binding there is nowhere to keep them', async (t) => {
        const host = await bench.open(t, /** @type {any} */ ({ env: environment(), responses: false }));
        const one = await sdk(host.url).responses.create({ model: CLAUDE, input: 'x' });
        assert.equal(/** @type {any} */ (one).store, false);
        await refused(sdk(host.url).responses.retrieve(one.id), 404, 'response_not_found');
    });
});

atHost('rack', 'answers that are kept, and the daemon', (bench) => {
    test('they outlive kill -9', async (t) => {
        const env = environment({ HEADY_DATA_DIR: directory(t) });
        const first = await startRack({ env });
        t.after(() => first.child.stop('SIGKILL'));
        const one = await sdk(first.url).responses.create({ model: CLAUDE, input: 'first things' });
        const two = await last(await sdk(first.url).responses.create({ model: CLAUDE, input: 'second', previous_response_id: one.id, stream: true }));
        await first.child.stop('SIGKILL');
        const next = await bench.open(t, { env });
        await sdk(next.url).responses.create({ model: CLAUDE, input: 'third', previous_response_id: two.id });
        assert.equal(asked(fakes.anthropic).messages.length, 5);
    });

    test('without a directory there is nowhere to keep them', async (t) => {
        const host = await bench.open(t, { env: environment({ HEADY_DATA_DIR: '' }) });
        const one = await sdk(host.url).responses.create({ model: CLAUDE, input: 'x' });
        assert.equal(/** @type {any} */ (one).store, false);
        await refused(sdk(host.url).responses.retrieve(one.id), 404, 'response_not_found');
    });
});
