/** OpenAI's Responses, as the matrix speaks them. */
import { dataUrl, eventsIn, halves, listOf, may, ofUrl, wordsOf } from './meaning.mjs';
import assert from 'node:assert/strict';

/**
 * @typedef {import('./meaning.mjs').Body} Body
 * @typedef {import('./meaning.mjs').Part} Part
 * @typedef {import('./meaning.mjs').Turn} Turn
 * @typedef {import('./meaning.mjs').Said} Said
 * @typedef {import('./meaning.mjs').Choice} Choice
 */

const CREATED = 1_796_000_000;

// ------------------------------------------------------------------ requests

/** @param {Part} part @param {string} role @returns {Body} */
function partOf({ text, refusal, image, audio, file, other, cache }, role) {
    if (refusal !== undefined) return { type: 'refusal', refusal };
    const mark = cache ? { prompt_cache_breakpoint: { mode: 'explicit' } } : {};
    if (image !== undefined) return { type: 'input_image', image_url: image.url ?? dataUrl(image) };
    if (audio !== undefined) return { type: 'input_audio', input_audio: { data: audio.data, format: audio.media.slice(6) } };
    if (file?.id !== undefined) return { type: 'input_file', file_id: file.id };
    if (file?.url !== undefined) return { type: 'input_file', file_url: file.url };
    if (file !== undefined) return { type: 'input_file', filename: file.name, file_data: dataUrl(file) };
    if (other !== undefined) return other.responses;
    return { type: role === 'assistant' ? 'output_text' : 'input_text', text, ...mark };
}

/** What is an item of its own; null: it is a part of a message. @param {Part} part @returns {Body | null} */
function itemOf({ thought, seal, item, call, result }) {
    if (thought !== undefined) {
        const summary = thought ? [{ type: 'summary_text', text: thought }] : [];
        return { type: 'reasoning', id: item ?? 'rs_1', summary, ...may('encrypted_content', seal) };
    }
    if (call?.input !== undefined) return { type: 'custom_tool_call', call_id: call.id, name: call.name, input: call.input };
    if (call !== undefined) return { type: 'function_call', call_id: call.id, name: call.name, arguments: JSON.stringify(call.args) };
    if (result === undefined) return null;
    const texts = result.parts.every(({ text }) => text !== undefined);
    const output = texts ? wordsOf(result.parts, 'text') : result.parts.map((part) => partOf(part, 'user'));
    return { type: result.custom ? 'custom_tool_call_output' : 'function_call_output', call_id: result.id, output };
}

/** @param {Turn} turn @returns {Body[]} */
function itemsOf({ role, parts }) {
    /** @type {Body[]} */
    const all = [];
    for (const part of parts) {
        const item = itemOf(part);
        if (item !== null) all.push(item);
        else if (all.at(-1)?.type === 'message') all.at(-1)?.content.push(partOf(part, role));
        else all.push({ type: 'message', role: role === 'system' ? 'developer' : role, content: [partOf(part, role)] });
    }
    return all;
}

/** @param {Body} part @returns {Part} */
function readPart(part) {
    if (part.type === 'input_image') return { image: ofUrl(part.image_url) };
    if (part.type === 'input_audio') return { audio: { media: `audio/${part.input_audio.format}`, data: part.input_audio.data } };
    if (part.type === 'input_file') return { file: { ...ofUrl(part.file_url ?? part.file_data), ...may('name', part.filename) } };
    return part.type === 'refusal' ? { refusal: part.refusal } : { text: part.text };
}

/** @param {Body} item @returns {Part[]} */
function readItem(item) {
    const { type = 'message', call_id: id, name } = item;
    if (type === 'reasoning') {
        return [{ thought: item.summary.map((/** @type {Body} */ one) => one.text).join(''), item: item.id, ...may('seal', item.encrypted_content ?? undefined) }];
    }
    if (type === 'function_call') return [{ call: { id, name, args: JSON.parse(item.arguments) } }];
    if (type === 'custom_tool_call') return [{ call: { id, name, input: item.input } }];
    if (type.endsWith('_output')) return [{ result: { id, parts: listOf(item.output).map(readPart) } }];
    return listOf(item.content).map(readPart);
}

/** @param {Body} item @returns {Turn} */
function readTurn(item) {
    const isCall = ['reasoning', 'function_call', 'custom_tool_call'].includes(item.type);
    const role = item.role === 'developer' ? 'system' : item.role ?? (isCall ? 'assistant' : 'user');
    return { role, parts: readItem(item) };
}

// ------------------------------------------------------------------ answers

/** @param {Said} said */
function usageOf({ usage: { input, output, cached = 0, written = 0, reasoning = 0 } }) {
    return {
        input_tokens: input, input_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
        output_tokens: output, output_tokens_details: { reasoning_tokens: reasoning }, total_tokens: input + output,
    };
}

/** @param {Choice} choice @returns {Body[]} */
function outputOf({ parts, logprobs = [] }) {
    const all = logprobs.map((one) => ({ ...one, bytes: [...Buffer.from(one.token)], top_logprobs: [] }));
    return parts.map((part, i) => {
        const item = itemOf(part);
        if (item !== null) return { id: `item_${i}`, status: 'completed', ...item };
        const content = part.refusal !== undefined ? { type: 'refusal', refusal: part.refusal }
            : { type: 'output_text', annotations: [], logprobs: all, text: part.text };
        return { id: `item_${i}`, type: 'message', role: 'assistant', status: 'completed', content: [content] };
    });
}

/** @param {Said} said @param {string} model @param {string} [state] @returns {Body} */
function answer(said, model, state) {
    const { finish } = said.choices[0];
    const short = { length: 'max_output_tokens', filter: 'content_filter' }[/** @type {string} */ (finish)];
    const done = state === undefined;
    return {
        id: 'resp_1', object: 'response', created_at: CREATED, model, status: state ?? (short ? 'incomplete' : 'completed'), error: null,
        incomplete_details: done && short ? { reason: short } : null, output: done ? outputOf(said.choices[0]) : [],
        usage: done ? usageOf(said) : null, parallel_tool_calls: true, tool_choice: 'auto', tools: [],
    };
}

/** @param {Body} item @param {number} output_index @returns {Body[]} */
function eventsOf(item, output_index) {
    const at = { output_index, item_id: item.id };
    const added = { type: 'response.output_item.added', output_index, item: { ...item, status: 'in_progress', ...item.content ? { content: [] } : {} } };
    const done = { type: 'response.output_item.done', output_index, item };
    if (item.type === 'message') {
        const [part] = item.content, inside = { ...at, content_index: 0 };
        const [name, field] = part.type === 'refusal' ? ['refusal', 'refusal'] : ['output_text', 'text'];
        const logs = part.type === 'refusal' ? {} : { logprobs: part.logprobs };
        const [first, second] = halves(part[field]);
        return [added, { type: 'response.content_part.added', ...inside, part: { ...part, [field]: '', ...logs.logprobs ? { logprobs: [] } : {} } },
            { type: `response.${name}.delta`, ...inside, delta: first, ...logs },
            { type: `response.${name}.delta`, ...inside, delta: second, ...logs.logprobs ? { logprobs: [] } : {} },
            { type: `response.${name}.done`, ...inside, [field]: part[field], ...logs },
            { type: 'response.content_part.done', ...inside, part }, done];
    }
    if (item.type === 'reasoning') {
        return [added, ...item.summary.flatMap((/** @type {Body} */ { text }) =>
            halves(text).map((delta) => ({ type: 'response.reasoning_summary_text.delta', ...at, summary_index: 0, delta }))), done];
    }
    const [name, field] = item.type === 'function_call' ? ['function_call_arguments', 'arguments'] : ['custom_tool_call_input', 'input'];
    return [{ ...added, item: { ...added.item, [field]: '' } }, ...halves(item[field]).map((delta) => ({ type: `response.${name}.delta`, ...at, delta })),
        { type: `response.${name}.done`, ...at, [field]: item[field] }, done];
}

/** @param {Body} body @param {Part[]} parts @returns {any} */
function finishOf({ status, incomplete_details: short }, parts) {
    if (status === 'incomplete') return { max_output_tokens: 'length', content_filter: 'filter' }[/** @type {string} */ (short.reason)];
    assert.equal(status, 'completed');
    return parts.some(({ call }) => call) ? 'tool' : 'stop';
}

/** @param {Body} body @returns {Said} */
function heard(body) {
    assert.equal(body.object, 'response');
    const parts = body.output.flatMap(readItem);
    const contents = body.output.flatMap((/** @type {Body} */ item) => (item.type === 'message' ? item.content : []));
    const logs = contents.flatMap((/** @type {Body} */ part) => part.logprobs ?? []);
    const { usage } = body;
    return {
        choices: [{
            parts, finish: finishOf(body, parts),
            ...logs.length ? { logprobs: logs.map((/** @type {Body} */ { token, logprob }) => ({ token, logprob })) } : {},
        }],
        usage: usage && {
            input: usage.input_tokens, output: usage.output_tokens, cached: usage.input_tokens_details.cached_tokens,
            written: usage.input_tokens_details.cache_write_tokens, reasoning: usage.output_tokens_details.reasoning_tokens,
        },
    };
}

const PIECES = /^response\.(output_text|refusal|reasoning_summary_text|function_call_arguments|custom_tool_call_input)\.delta$/;

/** What the pieces say is what the items say. @param {Body[]} events @param {Body} item @param {number} at */
function sameAsPieces(events, item, at) {
    const mine = events.filter(({ output_index }) => output_index === at);
    assert.equal(mine[0]?.type, 'response.output_item.added');
    assert.deepEqual(mine.at(-1)?.item, item);
    const said = mine.filter(({ type }) => PIECES.test(type)).map(({ delta }) => delta).join('');
    const [part = {}] = item.content ?? [];
    const whole = item.arguments ?? item.input ?? part.text ?? part.refusal ?? item.summary.map((/** @type {Body} */ one) => one.text).join('');
    assert.equal(said, whole, `pieces of ${item.type}`);
    const logs = mine.filter(({ type }) => type === 'response.output_text.delta').flatMap(({ logprobs }) => logprobs ?? []);
    assert.deepEqual(logs, part.logprobs ?? [], 'log probabilities by the pieces');
}

/** @param {Buffer} bytes @returns {Said} */
function heardStream(bytes) {
    const events = eventsIn(bytes).map((data) => JSON.parse(data));
    events.forEach((one, i) => assert.ok(i === 0 || one.sequence_number > events[i - 1].sequence_number, 'numbers of events'));
    const last = events.at(-1);
    const failed = last.type === 'error' ? last : last.response?.error ?? events.find((one) => one.type === 'error');
    if (failed) return { choices: [], usage: { input: 0, output: 0 }, error: failed.message ?? failed.error?.message };
    assert.equal(events[0].type, 'response.created');
    assert.match(last.type, /^response\.(completed|incomplete)$/);
    last.response.output.forEach((/** @type {Body} */ item, /** @type {number} */ i) => sameAsPieces(events, item, i));
    return heard(last.response);
}

/** @type {import('./meaning.mjs').Dialect} */
export const responses = {
    name: 'responses',
    path: () => '/v1/responses',
    head: {},
    has: ['thought', 'seal', 'refusal', 'filter', 'cached', 'written', 'reasoning', 'logprobs', 'custom', 'parallel'],
    request: (turns, { model, stream }) => ({ model, input: turns.flatMap(itemsOf), ...stream ? { stream } : {} }),
    asked: ({ input }) => input.map(readTurn),
    answer: (said, model) => answer(said, model),
    stream: (said, model) => {
        const whole = answer(said, model), begun = answer(said, model, 'in_progress');
        const events = [{ type: 'response.created', response: begun }, { type: 'response.in_progress', response: begun },
            ...whole.output.flatMap(eventsOf), { type: `response.${whole.status}`, response: whole }];
        return events.map((event, sequence_number) => `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number })}\n\n`);
    },
    type: 'text/event-stream; charset=utf-8',
    heard, heardStream,
    fault: ({ error }) => error.message,
};
