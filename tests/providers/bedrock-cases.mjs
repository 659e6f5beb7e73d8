/**
 * What AWS's SDK for Bedrock is asked to do, case by case, and its client with its bytes kept. By itself the SDK
 * speaks HTTP/2 to a plain http:// URL, with prior knowledge; before what has no such thing (workerd) it needs
 * its handler for HTTP/1.1. As a key it takes a bearer; signed with an id and a secret, a request says nothing
 * that the gateway could know it by.
 */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import {
    BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand, InvokeModelCommand, InvokeModelWithResponseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import { NodeHttp2Handler, NodeHttpHandler } from '@smithy/node-http-handler';
import { until } from '../lib/proc.mjs';
import { MAKERS, PROFILE, SONNET } from './bedrock.mjs';
import { png, textOf } from './said.mjs';

/** @typedef {import('./recorder.mjs').Exchange} Exchange @typedef {import('./fakes.mjs').Provider} Provider */

export const MODEL = SONNET;
const HEARD = 'tell me about größe and 東京';
const TWO = 'look_up({"q":"a}"}) and write({"text":"é\\"\\n"})';
const CALLS = [['look_up', { q: 'a}' }], ['write', { text: 'é"\n' }]];
const LONG = 'say 4000 words';
const SCHEMA = { json: { type: 'object', properties: { q: { type: 'string' }, text: { type: 'string' } } } };
const TOOLS = { tools: ['look_up', 'write'].map((name) => ({ toolSpec: { name, inputSchema: SCHEMA } })) };

/** Without those of HTTP/2 alone. @param {Record<string, unknown>} headers */
function plain(headers) {
    return new Headers(Object.entries(headers).filter(([name]) => !name.startsWith(':')).map(([n, v]) => [n, String(v)]));
}

/** A handler of the SDK's whose bytes are kept. @param {any} inner @param {Exchange[]} kept */
function recording(inner, kept) {
    const handle = async (/** @type {any} */ request, /** @type {any} */ options) => {
        const answer = await inner.handle(request, options);
        const { statusCode: status, headers, body } = answer.response;
        const out = new PassThrough();
        /** @type {Promise<Buffer>} */
        const got = new Promise((resolve) => {
            /** @type {Buffer[]} */
            const parts = [];
            body.on('data', (/** @type {Buffer} */ part) => void (parts.push(part), out.write(part)));
            body.on('end', () => out.end());
            body.on('error', (/** @type {Error} */ error) => out.destroy(error));
            body.on('close', () => void (resolve(Buffer.concat(parts)), body.readableEnded || out.destroy(new Error('cut'))));
            out.on('close', () => body.destroy());
        });
        const sent = Buffer.from(request.body ?? '');
        kept.push({ method: request.method, url: request.path, headers: plain(request.headers), sent, status, answered: plain(headers), got });
        return { response: Object.assign(answer.response, { body: out }) };
    };
    return { handle, metadata: inner.metadata, destroy: () => inner.destroy(), updateHttpClientConfig() {}, httpHandlerConfigs: () => ({}) };
}

/** @param {string} endpoint @param {string | import('@aws-sdk/client-bedrock-runtime').BedrockRuntimeClientConfig['credentials']} key
 *  a bearer, or what signs @param {{http1?: boolean, retries?: number}} [how] */
export function bedrockClient(endpoint, key, { http1 = false, retries = 0 } = {}) {
    /** @type {Exchange[]} */
    const kept = [];
    const inner = http1 ? new NodeHttpHandler() : new NodeHttp2Handler();
    const client = new BedrockRuntimeClient({
        endpoint, region: 'us-east-1',
        ...typeof key === 'string' ? { token: { token: key }, authSchemePreference: ['httpBearerAuth'] } : { credentials: key },
        requestHandler: /** @type {any} */ (recording(inner, kept)), maxAttempts: retries + 1,
    });
    return { client, kept };
}

/** @typedef {BedrockRuntimeClient} Client @typedef {Record<string, any>} Body */

/** @param {any} content @param {Body} [more] @returns {any} */
const asks = (content, more = {}) => (
    { modelId: MODEL, messages: [{ role: 'user', content: typeof content === 'string' ? [{ text: content }] : content }], ...more });
/** @param {Client} client @param {any} what */
const converse = (client, what) => client.send(new ConverseCommand(what));

/** All of a stream, put together again. @param {Client} client @param {any} what */
async function streamed(client, what) {
    const { stream } = await client.send(new ConverseStreamCommand(what));
    /** @type {Body[]} */
    const blocks = [];
    let stopReason, usage;
    for await (const { contentBlockStart, contentBlockDelta, messageStop, metadata } of stream ?? []) {
        const at = contentBlockStart?.contentBlockIndex ?? contentBlockDelta?.contentBlockIndex ?? 0;
        const { delta } = contentBlockDelta ?? {};
        if (contentBlockStart !== undefined) blocks[at] = { ...contentBlockStart.start?.toolUse, input: '' };
        else if (delta?.toolUse !== undefined) blocks[at].input += delta.toolUse.input;
        else if (delta?.text !== undefined) blocks[at] = { text: (blocks[at]?.text ?? '') + delta.text };
        else if (delta?.reasoningContent !== undefined) blocks[at] = { ...blocks[at], ...delta.reasoningContent };
        stopReason = messageStop?.stopReason ?? stopReason;
        usage = metadata?.usage ?? usage;
    }
    if (stopReason === undefined) throw new Error('the stream has no end');
    return { blocks, stopReason, usage };
}

/** @param {string} prompt */
const invocation = (prompt) => ({
    modelId: MODEL, contentType: 'application/json', accept: 'application/json',
    body: JSON.stringify({ anthropic_version: 'bedrock-2023-05-31', max_tokens: 999, messages: [{ role: 'user', content: prompt }] }),
});

/** @param {Client} client @param {string} prompt */
async function invokedStream(client, prompt) {
    const { body } = await client.send(new InvokeModelWithResponseStreamCommand(invocation(prompt)));
    let text = '', last;
    for await (const { chunk } of body ?? []) {
        last = JSON.parse(Buffer.from(chunk?.bytes ?? []).toString());
        text += last.delta?.text ?? '';
    }
    if (last?.type !== 'message_stop') throw new Error('the stream has no end');
    return text;
}

/** What is asked for there is served there alone. */
export const BEDROCK_OWN = /ARN|InvokeModel/;

/** @type {Record<string, (client: Client, fake: Provider, hears?: import('./cases.mjs').Hears) => Promise<unknown>>} */
export const BEDROCK_CASES = {
    async plain(client) {
        const { output, usage, stopReason } = await converse(client, asks(HEARD, { system: [{ text: 'be brief' }], inferenceConfig: { maxTokens: 4096 } }));
        assert.deepEqual([output?.message?.content?.[0].text, stopReason], [textOf(MODEL, HEARD), 'end_turn']);
        assert.ok((usage?.totalTokens ?? 0) > 0);
    },
    async 'streaming, and thinking'(client) {
        const thinking = { additionalModelRequestFields: { thinking: { type: 'enabled', budget_tokens: 1024 } } };
        const { blocks, stopReason, usage } = await streamed(client, asks(HEARD, thinking));
        assert.deepEqual([blocks[1].text, stopReason, blocks.length], [textOf(MODEL, HEARD), 'end_turn', 2]);
        assert.ok(blocks[0].signature.length > 0 && (usage?.outputTokens ?? 0) > 0);
    },
    async 'tools, parallel, and their results'(client, _fake, hears = (results) => results.join('')) {
        const asked = asks(TWO, { toolConfig: TOOLS });
        const { output, stopReason } = await converse(client, asked);
        const content = output?.message?.content ?? [];
        assert.deepEqual(content.map(({ toolUse }) => [toolUse?.name, toolUse?.input]), CALLS);
        const { blocks } = await streamed(client, asked);
        assert.deepEqual(blocks.map(({ name, input }) => [name, JSON.parse(input)]), CALLS);
        assert.equal(stopReason, 'tool_use');
        const results = content.map(({ toolUse }) => ({ toolResult: { toolUseId: toolUse?.toolUseId, content: [{ text: 'found ' }] } }));
        const messages = [...asked.messages, output?.message, { role: 'user', content: results }];
        const again = await converse(client, { ...asked, messages });
        assert.equal(again.output?.message?.content?.[0].text, textOf(MODEL, hears(['found ', 'found '])));
    },
    async 'a model by its ARN'(client) {
        const { output } = await converse(client, asks(HEARD, { modelId: PROFILE }));
        assert.equal(output?.message?.content?.[0].text, textOf(PROFILE, HEARD));
    },
    async images(client) {
        const image = { format: 'png', source: { bytes: png(128) } };
        const { output } = await converse(client, asks([{ text: HEARD }, { image }]));
        assert.equal(output?.message?.content?.[0].text, textOf(MODEL, HEARD, { images: 1 }));
    },
    async 'InvokeModel, whole and in chunks'(client) {
        const { body } = await client.send(new InvokeModelCommand({ ...invocation(HEARD), trace: 'ENABLED' }));
        assert.equal(JSON.parse(Buffer.from(body).toString()).content[0].text, textOf(MAKERS, HEARD));
        assert.equal(await invokedStream(client, HEARD), textOf(MAKERS, HEARD));
    },
    async abort(client, fake) {
        const controller = new AbortController();
        const { stream } = await client.send(new ConverseStreamCommand(asks(LONG)), { abortSignal: controller.signal });
        let n = 0;
        for await (const _ of stream ?? []) {
            if (++n < 5) continue;
            controller.abort();
            break;
        }
        await until(() => fake.seen.at(-1)?.aborted === true, 'the provider to notice', 1500);
    },
};

/** One short answer, in each form. @type {Record<string, (client: Client) => Promise<string>>} */
export const BEDROCK_SHORT = {
    converse: async (client) => (await converse(client, asks('hello'))).output?.message?.content?.[0].text ?? '',
    stream: async (client) => (await streamed(client, asks('hello'))).blocks[0].text,
    chunks: (client) => invokedStream(client, 'hello'),
};
