/** Anthropic's messages, as the matrix speaks them. */
import { eventsIn, halves, joined, listOf, may } from './meaning.mjs';
import assert from 'node:assert/strict';

/**
 * @typedef {import('./meaning.mjs').Body} Body
 * @typedef {import('./meaning.mjs').Part} Part
 * @typedef {import('./meaning.mjs').Turn} Turn
 * @typedef {import('./meaning.mjs').Said} Said
 * @typedef {import('./meaning.mjs').Choice} Choice
 */

const MAX_TOKENS = 4096;
const FINISH = { stop: 'end_turn', sequence: 'stop_sequence', length: 'max_tokens', tool: 'tool_use', filter: 'refusal' };

// ------------------------------------------------------------------ requests

/** @param {any} place */
function sourceOf({ id, url, media, data }) {
    if (id !== undefined) return { type: 'file', file_id: id };
    if (media === 'text/plain') return { type: 'text', media_type: media, data: Buffer.from(data, 'base64').toString() };
    return url !== undefined ? { type: 'url', url } : { type: 'base64', media_type: media, data };
}

/** @param {Part} part @returns {Body} */
function blockOf(part) {
    const { text, thought, seal, image, file, call, result, other, cache } = part;
    const mark = cache ? { cache_control: { type: 'ephemeral' } } : {};
    if (thought !== undefined) return { type: 'thinking', thinking: thought, signature: seal ?? '' };
    if (image !== undefined) return { type: 'image', source: sourceOf(image) };
    if (file !== undefined) return { type: 'document', source: sourceOf(file), ...may('title', file.name) };
    if (call !== undefined) return { type: 'tool_use', id: call.id, name: call.name, input: call.args };
    if (other !== undefined) return other.anthropic;
    if (result === undefined) return { type: 'text', text: text ?? part.refusal, ...mark };
    return { type: 'tool_result', tool_use_id: result.id, content: result.parts.map(blockOf), ...result.failed ? { is_error: true } : {} };
}

/** @param {Turn[]} turns @param {{model: string, stream: boolean}} asked @returns {Body} */
function request(turns, { model, stream }) {
    const first = turns.findIndex(({ role }) => role !== 'system');
    const system = turns.slice(0, first).flatMap(({ parts }) => parts.map(blockOf));
    const messages = turns.slice(first).map(({ role, parts }) => ({ role, content: parts.map(blockOf) }));
    return { model, max_tokens: MAX_TOKENS, ...system.length ? { system } : {}, messages, ...stream ? { stream } : {} };
}

/** @param {Body} source */
function readSource({ type, url, media_type: media, data }) {
    if (type === 'url') return { url };
    return { media, data: type === 'text' ? Buffer.from(data).toString('base64') : data };
}

/** @param {Body} block @returns {Part} */
function readBlock(block) {
    const mark = block.cache_control ? { cache: true } : {};
    if (block.type === 'thinking') return { thought: block.thinking, ...may('seal', block.signature || undefined) };
    if (block.type === 'image') return { image: readSource(block.source) };
    if (block.type === 'document') return { file: { ...readSource(block.source), ...may('name', block.title) } };
    if (block.type === 'tool_use') return { call: { id: block.id, name: block.name, args: block.input } };
    if (block.type !== 'tool_result') return { text: block.text, ...mark };
    return { result: { id: block.tool_use_id, parts: listOf(block.content).map(readBlock), ...block.is_error ? { failed: true } : {} } };
}

// ------------------------------------------------------------------ answers

/** @param {Said} said */
function usageOf({ usage: { input, output, cached = 0, written = 0 } }) {
    return {
        input_tokens: input - cached - written, cache_creation_input_tokens: written, cache_read_input_tokens: cached, output_tokens: output,
    };
}

/** @param {Said} said @param {string} model @returns {Body} */
function answer(said, model) {
    const { parts, finish, sequence = null } = said.choices[0];
    return {
        id: 'msg_1', type: 'message', role: 'assistant', model, content: parts.map(blockOf), stop_reason: FINISH[finish],
        stop_sequence: sequence, usage: usageOf(said),
    };
}

/** @param {Body} block @returns {{empty: Body, deltas: Body[]}} */
function deltasOf(block) {
    if (block.type === 'thinking') {
        const deltas = halves(block.thinking).map((thinking) => ({ type: 'thinking_delta', thinking }));
        const signed = block.signature ? [{ type: 'signature_delta', signature: block.signature }] : [];
        return { empty: { type: 'thinking', thinking: '', signature: '' }, deltas: [...deltas, ...signed] };
    }
    if (block.type === 'text') return { empty: { type: 'text', text: '' }, deltas: halves(block.text).map((text) => ({ type: 'text_delta', text })) };
    const deltas = ['', ...halves(JSON.stringify(block.input))].map((partial_json) => ({ type: 'input_json_delta', partial_json }));
    return { empty: { ...block, input: {} }, deltas };
}

/** @param {Body} block @param {number} index @returns {Body[]} */
function eventsOf(block, index) {
    const { empty, deltas } = deltasOf(block);
    return [{ type: 'content_block_start', index, content_block: empty }, ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
        { type: 'content_block_stop', index }];
}

/** @param {Body} usage */
function readUsage({ input_tokens: rest, cache_read_input_tokens: cached = 0, cache_creation_input_tokens: written = 0, output_tokens: output }) {
    return { input: rest + cached + written, output, cached, written };
}

/** @param {Body} body @returns {Said} */
function heard(body) {
    assert.equal(body.type, 'message');
    assert.equal(body.role, 'assistant');
    const finish = /** @type {any} */ (Object.entries(FINISH).find(([, one]) => one === body.stop_reason)?.[0]);
    const choice = { parts: joined(body.content.map(readBlock)), finish, ...may('sequence', body.stop_sequence ?? undefined) };
    return { choices: [choice], usage: readUsage(body.usage) };
}

/** @param {Body} block @param {Body} delta */
function take(block, delta) {
    if (delta.type === 'text_delta') block.text += delta.text;
    else if (delta.type === 'thinking_delta') block.thinking += delta.thinking;
    else if (delta.type === 'signature_delta') block.signature = (block.signature ?? '') + delta.signature;
    else if (delta.type === 'input_json_delta') block.json = (block.json ?? '') + delta.partial_json;
    else assert.fail(`a delta ${delta.type}`);
}

/** @param {Buffer} bytes @returns {Said} */
function heardStream(bytes) {
    const events = eventsIn(bytes).map((data) => JSON.parse(data)).filter(({ type }) => type !== 'ping');
    if (events[0]?.type === 'error') return { choices: [], usage: { input: 0, output: 0 }, error: events[0].error.message };
    assert.equal(events[0]?.type, 'message_start');
    /** @type {Body} */
    const message = structuredClone(events[0].message);
    let open = -1;
    for (const { type, index, content_block: block, delta, usage } of events) {
        if (type === 'content_block_start') {
            assert.deepEqual([open, index], [-1, message.content.length], 'one block after the other');
            message.content.push({ ...block });
        }
        if (type === 'content_block_delta') take(message.content[index], delta);
        if (type.startsWith('content_block')) open = type === 'content_block_stop' ? -1 : index;
        if (type === 'message_delta') Object.assign(message, delta, { usage: { ...message.usage, ...usage } });
    }
    const error = events.find(({ type }) => type === 'error')?.error.message;
    assert.equal(events.at(-1).type, error === undefined ? 'message_stop' : 'error');
    for (const block of message.content) if (block.type === 'tool_use') block.input = JSON.parse(block.json || '{}');
    return { ...heard(message), ...may('error', error) };
}

/** @type {import('./meaning.mjs').Dialect} */
export const anthropic = {
    name: 'anthropic',
    path: () => '/v1/messages',
    head: { 'anthropic-version': '2023-06-01' },
    has: ['thought', 'seal', 'filter', 'sequence', 'cached', 'written', 'parallel'],
    request,
    asked: ({ system, messages }) => [
        ...system ? [{ role: /** @type {const} */ ('system'), parts: listOf(system).map(readBlock) }] : [],
        ...messages.map((/** @type {Body} */ { role, content }) => ({ role, parts: listOf(content).map(readBlock) })),
    ],
    answer,
    stream: (said, model) => {
        const whole = answer(said, model);
        const { stop_reason, stop_sequence, usage } = whole;
        const events = [{ type: 'message_start', message: { ...whole, content: [], stop_reason: null, stop_sequence: null, usage: { ...usage, output_tokens: 1 } } },
            ...whole.content.flatMap(eventsOf), { type: 'message_delta', delta: { stop_reason, stop_sequence }, usage }, { type: 'message_stop' }];
        return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    },
    type: 'text/event-stream; charset=utf-8',
    heard, heardStream,
    fault: ({ type, error }) => {
        assert.equal(type, 'error');
        return error.message;
    },
};

