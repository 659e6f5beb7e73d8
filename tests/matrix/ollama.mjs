/** Ollama's chat, as the matrix speaks it. */
import { halves, joined, may, wordsOf } from './meaning.mjs';
import assert from 'node:assert/strict';

/**
 * @typedef {import('./meaning.mjs').Body} Body
 * @typedef {import('./meaning.mjs').Part} Part
 * @typedef {import('./meaning.mjs').Turn} Turn
 * @typedef {import('./meaning.mjs').Said} Said
 * @typedef {import('./meaning.mjs').Choice} Choice
 */

const CREATED_AT = '2026-11-27T20:00:00.123456789Z';
const FINISH = { stop: 'stop', sequence: 'stop', length: 'length', tool: 'stop', filter: 'stop' };

/** @param {Part} part @param {number} index @returns {Body} */
function callOf({ call }, index) {
    assert.ok(call);
    return { id: call.id, function: { index, name: call.name, arguments: call.args } };
}

/** @param {string} role @param {Part[]} parts @returns {Body} */
function messageOf(role, parts) {
    const images = parts.flatMap(({ image }) => (image ? [image.data] : []));
    const calls = parts.filter(({ call }) => call);
    const thought = wordsOf(parts, 'thought');
    return {
        role, content: wordsOf(parts, 'text'), ...images.length ? { images } : {}, ...thought ? { thinking: thought } : {},
        ...calls.length ? { tool_calls: calls.map(callOf) } : {},
    };
}

/** @param {Turn} turn @returns {Body[]} */
function messagesOf({ role, parts }) {
    const results = parts.flatMap(({ result }) =>
        (result ? [{ ...messageOf('tool', result.parts), tool_name: result.name, tool_call_id: result.id }] : []));
    const rest = parts.filter(({ result }) => !result);
    return [...results, ...rest.length ? [messageOf(role, rest)] : []];
}

/** @param {Body} message @returns {Part[]} */
function readParts({ content, images = [], thinking, tool_calls: calls = [] }) {
    return [
        ...thinking ? [{ thought: thinking }] : [], ...images.map((/** @type {string} */ data) => ({ image: { data } })),
        ...content ? [{ text: content }] : [],
        ...calls.map((/** @type {Body} */ { id, function: named }) => ({ call: { id, name: named.name, args: named.arguments } })),
    ];
}

/** @param {Body} message @returns {Turn} */
function readMessage(message) {
    const { role, tool_name: name, tool_call_id: id } = message;
    const parts = readParts(message);
    return role === 'tool' ? { role: 'user', parts: [{ result: { id, ...may('name', name), parts } }] } : { role, parts };
}

/** @param {Said} said @returns {Body} */
function endOf({ choices, usage }) {
    return {
        done: true, done_reason: FINISH[choices[0].finish], total_duration: 9, load_duration: 1, prompt_eval_count: usage.input,
        prompt_eval_duration: 1, eval_count: usage.output, eval_duration: 7,
    };
}

/** @param {Choice} choice */
const logprobsOf = ({ logprobs }) => may('logprobs', logprobs?.map((one) => ({ ...one, bytes: [...Buffer.from(one.token)] })));

/** @param {Part[]} parts @returns {Body[]} */
function piecesOf(parts) {
    const role = 'assistant';
    return parts.flatMap((part) => {
        if (part.thought !== undefined) return halves(part.thought).map((thinking) => ({ role, content: '', thinking }));
        if (part.call !== undefined) return [messageOf(role, [part])];
        return halves(part.text ?? '').map((content) => ({ role, content }));
    });
}

/** @param {Body[]} messages @param {Body} last @returns {Said} */
function saidBy(messages, last) {
    const parts = joined(messages.flatMap(readParts));
    assert.match(last.done_reason, /^(stop|length)$/);
    const finish = last.done_reason === 'length' ? 'length' : parts.some(({ call }) => call) ? 'tool' : 'stop';
    const logs = last.logprobs?.map((/** @type {Body} */ { token, logprob }) => ({ token, logprob }));
    return { choices: [{ parts, finish, ...may('logprobs', logs) }], usage: { input: last.prompt_eval_count, output: last.eval_count } };
}

/** @param {Buffer} bytes @returns {Said} */
function heardStream(bytes) {
    const lines = bytes.toString('utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
    const last = lines.at(-1);
    if (last?.error !== undefined) return { choices: [], usage: { input: 0, output: 0 }, error: last.error };
    assert.deepEqual(lines.map(({ done }) => done), lines.map((_, i) => i === lines.length - 1), 'the last one is the end');
    const logs = lines.flatMap(({ logprobs }) => logprobs ?? []);
    return saidBy(lines.map(({ message }) => message), { ...last, ...logs.length ? { logprobs: logs } : {} });
}

/** @type {import('./meaning.mjs').Dialect} */
export const ollama = {
    name: 'ollama',
    path: () => '/api/chat',
    head: {},
    has: ['thought', 'logprobs', 'parallel'],
    request: (turns, { model, stream }) => ({ model, messages: turns.flatMap(messagesOf), stream }),
    asked: ({ messages }) => messages.map(readMessage),
    answer: (said, model) => ({
        model, created_at: CREATED_AT, message: messageOf('assistant', said.choices[0].parts), ...logprobsOf(said.choices[0]), ...endOf(said),
    }),
    stream: (said, model) => {
        const head = { model, created_at: CREATED_AT };
        const pieces = piecesOf(said.choices[0].parts).map((message, i) =>
            ({ ...head, message, done: false, ...i === 0 ? logprobsOf(said.choices[0]) : {} }));
        return [...pieces, { ...head, message: { role: 'assistant', content: '' }, ...endOf(said) }].map((line) => `${JSON.stringify(line)}\n`);
    },
    type: 'application/x-ndjson',
    heard: (body) => saidBy([body.message], body),
    heardStream,
    fault: ({ error }) => error,
};
