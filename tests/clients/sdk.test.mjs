/** The official SDKs, as they are published: what they get while nodes fail under them. */
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { atBoth, test } from '../lib/hosts.mjs';

const MODEL = 'heady-colab';
const TOKENS = 24;

/** What must not be noticed. @type {import('../node/faults.mjs').Fault[]} */
const SURVIVED = [
    { mode: 'ok' }, { mode: '429', retry_after: 1 }, { mode: '500' }, { mode: '503' }, { mode: 'reset' }, { mode: 'ngrok' },
    { mode: 'error_event' }, { mode: 'empty' }, { mode: 'no_done' }, { mode: 'malformed', tokens: 4 },
    ...['reset', 'fin', 'event', 'char', 'chunk', 'clean'].map((how) => /** @type {any} */ ({ mode: 'cut', tokens: 5, how })),
];

/** @typedef {(url: string, about: string) => Promise<string>} Talk   the text of a streamed answer */

/** @type {Record<string, Talk>} */
const TALKS = {
    async openai(url, about) {
        const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });
        const stream = await client.chat.completions.create({
            model: MODEL, stream: true, seed: 7, max_tokens: TOKENS, messages: [{ role: 'user', content: about }],
        });
        let text = '';
        for await (const part of stream) text += part.choices[0]?.delta?.content ?? '';
        return text;
    },

    async anthropic(url, about) {
        const client = new Anthropic({ baseURL: url, apiKey: 'none', maxRetries: 0 });
        const stream = client.messages.stream({ model: MODEL, max_tokens: TOKENS, messages: [{ role: 'user', content: about }] });
        const message = await stream.finalMessage();
        assert.ok(message.usage.output_tokens > 0 && message.stop_reason !== null);
        return message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
    },

    async responses(url, about) {
        const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });
        const body = /** @type {any} */ ({ model: MODEL, seed: 7, max_output_tokens: TOKENS, input: about });
        const stream = client.responses.stream(body);
        let text = '', last = -1, item = '';
        stream.on('event', (event) => {
            assert.ok(event.sequence_number > last, `${event.sequence_number} after ${last}`);
            last = event.sequence_number;
            if ('item_id' in event) assert.equal(event.item_id, item ||= String(event.item_id));
            if (event.type === 'response.output_text.delta') text += event.delta;
        });
        const response = await stream.finalResponse();
        assert.equal(response.status, 'completed');
        assert.equal(response.output_text, text);
        assert.equal(response.output[0].id, item);
        return text;
    },

    async ollama(url, about) {
        const client = new Ollama({ host: url });
        let text = '';
        const options = { seed: 7, num_predict: TOKENS };
        const parts = await client.chat({ model: MODEL, stream: true, options, messages: [{ role: 'user', content: about }] });
        for await (const part of parts) text += part.message.content;
        return text;
    },
};

atBoth('sdk', (bench) => {
    for (const [name, talk] of Object.entries(TALKS)) {
        test(`${name}: a stream is whole whatever one node does`, async (t) => {
            // Each fault is to meet its node, however often it has failed before.
            const host = await bench.open(t, { config: { breaker: { failure_threshold: 63 } } });
            const url = `${host.url}/api/heavy/code`;
            const wanted = await talk(url, 'tell me');
            assert.ok(wanted.length > TOKENS);
            for (const fault of SURVIVED) {
                await bench.cluster.heal();
                const sick = bench.cluster.node(3);
                for (let i = 0; i < 40 && (i < 2 || sick.stats().requests === 0); i++) {
                    await sick.control(fault);
                    assert.equal(await talk(url, 'tell me'), wanted, JSON.stringify(fault));
                }
            }
        });
    }

    test('openai: tool calls come through a cut stream, once', async (t) => {
        const host = await bench.open(t);
        const client = new OpenAI({ baseURL: `${host.url}/api/heavy/code/v1`, apiKey: 'none', maxRetries: 0 });
        const call = async () => {
            const stream = client.chat.completions.stream({
                model: MODEL, seed: 3, max_tokens: TOKENS, messages: [{ role: 'user', content: 'look it up' }],
                tools: [{ type: 'function', function: { name: 'look_up', parameters: { type: 'object' } } }],
            });
            const { message } = (await stream.finalChatCompletion()).choices[0];
            return message.tool_calls?.map((tool) => [tool.id, tool.type === 'function' && tool.function.arguments]);
        };
        const [[, wanted]] = await call() ?? [];
        for (const n of [3, 4]) {
            await bench.cluster.node(n).control({ mode: 'cut', tokens: 6, how: 'event', count: 1 });
            const calls = await call() ?? [];
            assert.equal(calls.length, 1);
            assert.equal(calls[0][1], wanted);
        }
    });

    test('when nobody can go on each SDK throws, and none takes half an answer for a whole one', async (t) => {
        const host = await bench.open(t);
        for (const node of bench.cluster.nodes) await node.control({ mode: 'cut', tokens: 5, how: 'fin' });
        for (const [name, talk] of Object.entries(TALKS)) {
            await assert.rejects(talk(`${host.url}/api/heavy/code`, 'tell me'), Error, name);
        }
    });

    test('errors are the SDKs\' own kinds: retry-after, status and message', async (t) => {
        const host = await bench.open(t);
        for (const node of bench.cluster.nodes) await node.control({ mode: '503' });
        const client = new OpenAI({ baseURL: `${host.url}/api/heavy/code/v1`, apiKey: 'none', maxRetries: 0 });
        const ask = client.chat.completions.create({ model: MODEL, messages: [{ role: 'user', content: 'hello' }] });
        await assert.rejects(ask, (error) => error instanceof OpenAI.APIError && error.status === 503
            && Number(error.headers?.get('retry-after')) >= 1 && error.code === 'no_target_available');
    });
});
