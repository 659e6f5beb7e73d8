/** The fake Bedrock alone: AWS's own SDK signs for it, by both versions of HTTP, and what is wrong is refused. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { BEDROCK_CASES, BEDROCK_SHORT, MODEL, bedrockClient } from './bedrock-cases.mjs';
import { startProvider } from './fakes.mjs';
import { exceptionFrame, framesIn } from './frames.mjs';
import { textOf } from './said.mjs';

const SIGNER = { accessKeyId: 'AKIAFAKE', secretAccessKey: 'fake/secret', sessionToken: 'fake//token==' };
const PATH = `/model/${encodeURIComponent(MODEL)}/converse`;
const HELLO = { messages: [{ role: 'user', content: [{ text: 'hello' }] }] };

/** @type {import('./fakes.mjs').Provider} */
let fake;
before(async () => void (fake = await startProvider('bedrock', { keys: ['AKIAFAKE:fake/secret:fake//token==', 'ABSKone'] })));
afterEach(() => fake.forget());
after(() => fake.close());

for (const http1 of [true, false]) {
    for (const [how, key] of Object.entries({ signed: SIGNER, bearer: 'ABSKone' })) {
        describe(`the SDK by HTTP/${http1 ? '1.1' : '2'}, ${how}`, () => {
            for (const [title, run] of Object.entries(BEDROCK_CASES)) {
                test(title, async () => void await run(bedrockClient(fake.url, key, { http1 }).client, fake));
            }
        });
    }
}

test('a signature that is wrong in any part is refused, each as AWS does', async () => {
    /** @type {[object, string][]} */
    const wrong = [
        [{ secretAccessKey: 'another' }, 'InvalidSignatureException'], [{ accessKeyId: 'AKIAOTHER' }, 'UnrecognizedClientException'],
        [{ sessionToken: 'another' }, 'UnrecognizedClientException'], [{ sessionToken: undefined }, 'UnrecognizedClientException'],
    ];
    for (const [part, name] of wrong) {
        const { client } = bedrockClient(fake.url, { ...SIGNER, ...part });
        await assert.rejects(BEDROCK_SHORT.converse(client), { name });
    }
    await assert.rejects(BEDROCK_SHORT.converse(bedrockClient(fake.url, 'ABSKtwo').client), { name: 'AccessDeniedException' });
    assert.equal((await fetch(fake.url + PATH, { method: 'POST', body: '{}' })).status, 403);
});

test('a request is signed whole: no byte of body, path or type may be another', async () => {
    const { client, kept } = bedrockClient(fake.url, SIGNER, { http1: true });
    await BEDROCK_SHORT.converse(client);
    const [{ headers, sent }] = kept;
    /** @param {string} path @param {Buffer} body @param {Record<string, string>} [more] */
    const again = async (path, body, more = {}) => {
        const all = { ...Object.fromEntries(headers), ...more };
        delete all['content-length'];
        delete all.host;
        return (await fetch(fake.url + path, { method: 'POST', headers: all, body: new Uint8Array(body) })).status;
    };
    assert.equal(await again(PATH, sent), 200);
    assert.equal(await again(PATH, Buffer.concat([sent, Buffer.from(' ')])), 403);
    assert.equal(await again(PATH.replace('%3A', ':'), sent), 403);
    assert.equal(await again(`${PATH}?a=b`, sent), 403);
    assert.equal(await again(PATH, sent, { 'content-type': 'text/json' }), 403);
    assert.equal(await again(PATH, sent, { 'x-amz-date': '20260101T000000Z' }), 403);
});

test('what Bedrock does not take', async () => {
    /** @param {unknown} body @param {RegExp} message @param {number} [status] @param {string} [path] */
    const bad = async (body, message, status = 400, path = PATH) => {
        const headers = { 'authorization': 'Bearer ABSKone', 'content-type': 'application/json' };
        const answer = await fetch(fake.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
        const text = await answer.text();
        assert.equal(answer.status, status, text);
        assert.match(JSON.parse(text).message, message);
    };
    const asked = { role: 'assistant', content: [{ toolUse: { toolUseId: 't1', name: 'x', input: {} } }] };
    await bad({ ...HELLO, model: 'x' }, /extraneous key \[model\]/);
    await bad({ messages: [asked] }, /must start with a user message/);
    await bad({ messages: [...HELLO.messages, ...HELLO.messages] }, /must alternate/);
    await bad({ messages: [...HELLO.messages, asked, ...HELLO.messages] }, /Expected toolResult blocks/);
    await bad({ messages: [{ role: 'user', content: [{ text: 'a', image: {} }] }] }, /image.format|Malformed union/);
    await bad({ messages: [{ role: 'user', content: [{ image: { format: 'bmp', source: { bytes: 'AA==' } } }] }] }, /image.format/);
    await bad({ ...HELLO, toolConfig: { tools: [{ toolSpec: { name: 'a b', inputSchema: { json: { type: 'object' } } } }] } }, /toolSpec.name/);
    const tools = { tools: [{ toolSpec: { name: 'x', inputSchema: { json: { type: 'object' } } } }] };
    const result = (/** @type {string} */ id) => ({ role: 'user', content: [{ toolResult: { toolUseId: id, content: [{ text: 'done' }] } }] });
    await bad({ messages: [...HELLO.messages, asked, result('t1')] }, /toolConfig field must be defined/);
    await bad({ messages: [...HELLO.messages, asked, result('t 1')], toolConfig: tools }, /toolUseId/);
    await bad({ messages: [...HELLO.messages, asked, result('t2')], toolConfig: tools }, /Expected toolResult/);
    await bad({ messages: [{ role: 'user', content: [{ text: ' ' }] }] }, /is blank/);
    await bad({ messages: [{ role: 'user', content: [{ document: { format: 'pdf', name: 'a.pdf', source: { bytes: 'AA==' } } }] }] }, /document.name/);
    await bad({ messages: [{ role: 'user', content: [{ document: { format: 'pdf', name: 'a', source: { bytes: 'AA==' } } }] }] }, /text block is required/);
    await bad({ ...HELLO, inferenceConfig: { maxTokens: '5' } }, /maxTokens/);
    await bad({ ...HELLO, inferenceConfig: { temperature: 0.5 } }, /temperature: Extra inputs/);
    await bad({ ...HELLO, additionalModelRequestFields: { topK: 5 } }, /extraneous key \[topK\]/);
    await bad(HELLO, /model identifier is invalid/, 400, '/model/nobody/converse');
    await bad({ max_tokens: 9, messages: [{ role: 'user', content: 'x' }] }, /anthropic_version/, 400, PATH.replace('converse', 'invoke'));
});

test('frames: a text is split among deltas, and errors are exceptions', async () => {
    const ask = async () => Buffer.from(await (await fetch(`${fake.url}${PATH}-stream`, {
        method: 'POST', headers: { 'authorization': 'Bearer ABSKone', 'content-type': 'application/json' }, body: JSON.stringify(HELLO),
    })).arrayBuffer());
    const frames = framesIn(await ask());
    assert.deepEqual(frames.map(({ headers }) => headers[':event-type']).filter((t, i, all) => t !== all[i - 1]),
        ['messageStart', 'contentBlockDelta', 'contentBlockStop', 'messageStop', 'metadata']);
    assert.equal(frames.map(({ payload }) => payload.delta?.text ?? '').join(''), textOf(MODEL, 'hello'));
    fake.control({ mode: 'error_event', tokens: 2, status: 429 });
    const last = (await ask()).subarray(-exceptionFrame('throttlingException', 'Too many requests, please wait before trying again.').length);
    assert.deepEqual(framesIn(last)[0].headers[':exception-type'], 'throttlingException');
    fake.control({ mode: 'malformed', tokens: 0 });
    const bytes = await ask();
    assert.throws(() => framesIn(bytes), /the frame at/);
});
