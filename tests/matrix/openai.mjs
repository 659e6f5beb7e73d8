/** OpenAI's chat completions, as the matrix speaks them. */
import { dataUrl, eventsIn, halves, joined, listOf, may, ofUrl, wordsOf } from './meaning.mjs';
import assert from 'node:assert/strict';

/**
 * @typedef {import('./meaning.mjs').Body} Body
 * @typedef {import('./meaning.mjs').Part} Part
 * @typedef {import('./meaning.mjs').Turn} Turn
 * @typedef {import('./meaning.mjs').Said} Said
 * @typedef {import('./meaning.mjs').Choice} Choice
 */

const CREATED = 1_796_000_000;
const FINISH = { stop: 'stop', sequence: 'stop', length: 'length', tool: 'tool_calls', filter: 'content_filter' };

// ------------------------------------------------------------------ requests

/** @param {Part} part @returns {Body} */
function partOf({ text, refusal, image, audio, file, other, cache }) {
    if (refusal !== undefined) return { type: 'refusal', refusal };
    const mark = cache ? { cache_control: { type: 'ephemeral' } } : {};
    if (image !== undefined) return { type: 'image_url', image_url: { url: image.url ?? dataUrl(image) } };
    if (audio !== undefined) return { type: 'input_audio', input_audio: { data: audio.data, format: audio.media.slice(6) } };
    if (file?.id !== undefined) return { type: 'file', file: { file_id: file.id } };
    if (file !== undefined) return { type: 'file', file: { filename: file.name ?? 'a.pdf', file_data: file.url ?? dataUrl(file) } };
    if (other !== undefined) return other.openai;
    return { type: 'text', text, ...mark };
}

/** @param {Part} part @returns {Body} */
function callOf({ call }) {
    assert.ok(call);
    const { id, name, args, input } = call;
    if (input !== undefined) return { id, type: 'custom', custom: { name, input } };
    return { id, type: 'function', function: { name, arguments: JSON.stringify(args) } };
}

/** A single text is a string. @param {Part[]} parts */
function contentOf(parts) {
    const [first] = parts;
    return parts.length === 1 && first.text !== undefined && !first.cache ? first.text : parts.map(partOf);
}

/** @param {Turn} turn @returns {Body[]} */
function messagesOf({ role, parts }) {
    const results = parts.flatMap(({ result }) => (result ? [{ role: 'tool', tool_call_id: result.id, content: contentOf(result.parts) }] : []));
    const calls = parts.filter((part) => part.call), rest = parts.filter((part) => !part.call && !part.result && part.thought === undefined);
    if (calls.length > 0) return [{ role, content: rest.length ? contentOf(rest) : null, tool_calls: calls.map(callOf) }];
    return [...results, ...rest.length > 0 ? [{ role, content: contentOf(rest) }] : []];
}

/** @param {Body} part @returns {Part} */
function readPart(part) {
    if (part.type === 'image_url') return { image: ofUrl(part.image_url.url) };
    if (part.type === 'input_audio') return { audio: { media: `audio/${part.input_audio.format}`, data: part.input_audio.data } };
    if (part.type === 'file') return { file: { ...ofUrl(part.file.file_data), name: part.file.filename } };
    return { text: part.text ?? part.refusal };
}

/** @param {Body} call @returns {Part} */
export function readCall({ id, type, function: named, custom }) {
    if (type === 'custom') return { call: { id, name: custom.name, input: custom.input } };
    return { call: { id, name: named.name, args: JSON.parse(named.arguments) } };
}

/** @param {Body} message @returns {Turn} */
function readMessage({ role, content, tool_calls = [], tool_call_id: id }) {
    const parts = listOf(content).map(readPart);
    if (role === 'tool') return { role: 'user', parts: [{ result: { id, parts } }] };
    return { role: role === 'developer' ? 'system' : role, parts: [...parts, ...tool_calls.map(readCall)] };
}

// ------------------------------------------------------------------ answers

/** @param {Said} said */
function usageOf({ usage: { input, output, cached = 0, reasoning = 0 } }) {
    return {
        prompt_tokens: input, completion_tokens: output, total_tokens: input + output,
        prompt_tokens_details: { cached_tokens: cached }, completion_tokens_details: { reasoning_tokens: reasoning },
    };
}

/** @param {Choice} choice */
function logprobsOf({ logprobs }) {
    const token = (/** @type {Body} */ one) => ({ ...one, bytes: [...Buffer.from(one.token)], top_logprobs: [] });
    return logprobs === undefined ? null : { content: logprobs.map(token), refusal: null };
}

/** @param {Choice} choice @returns {Body} */
function messageOf({ parts }) {
    const calls = parts.filter((part) => part.call);
    const thought = wordsOf(parts, 'thought');
    return {
        role: 'assistant', content: wordsOf(parts, 'text') || null, refusal: wordsOf(parts, 'refusal') || null,
        ...thought ? { reasoning_content: thought } : {}, ...calls.length ? { tool_calls: calls.map(callOf) } : {},
    };
}

/** @param {Choice} choice @returns {Body[]} */
function deltasOf({ parts }) {
    let index = 0;
    return parts.flatMap(/** @returns {Body[]} */ (part) => {
        if (part.call !== undefined) {
            const { function: named, custom, ...rest } = callOf(part), i = index++;
            const [key, of, field] = custom ? ['custom', custom, 'input'] : ['function', named, 'arguments'];
            return [{ tool_calls: [{ index: i, ...rest, [key]: { name: of.name, [field]: '' } }] },
                ...halves(of[field]).map((piece) => ({ tool_calls: [{ index: i, [key]: { [field]: piece } }] }))];
        }
        const [name, text] = part.thought !== undefined ? ['reasoning_content', part.thought] : part.refusal !== undefined
            ? ['refusal', part.refusal] : ['content', part.text ?? ''];
        return halves(text).map((piece) => ({ [name]: piece }));
    });
}

/** The pieces of text share the log probabilities. @param {Choice} choice @param {number} index @returns {Body[]} */
function eventsOf(choice, index) {
    const all = logprobsOf(choice);
    const deltas = deltasOf(choice);
    const events = deltas.map((delta, i) => {
        const logprobs = all === null ? null : { ...all, content: all.content.filter((_, at) => Math.min(at, deltas.length - 1) === i) };
        return { index, delta, logprobs, finish_reason: null };
    });
    return [{ index, delta: { role: 'assistant', content: null }, logprobs: null, finish_reason: null }, ...events,
        { index, delta: {}, logprobs: null, finish_reason: FINISH[choice.finish] }];
}

/** @param {string} why @param {Part[]} parts @returns {any} */
export function finishOf(why, parts) {
    if (why === 'tool_calls') assert.ok(parts.some(({ call }) => call), 'there is a call');
    return Object.entries(FINISH).find(([, one]) => one === why)?.[0];
}

/** @param {Body} message @returns {Part[]} */
function readAnswer({ role, content, refusal, reasoning_content: thought, tool_calls = [] }) {
    assert.equal(role, 'assistant');
    return [...thought ? [{ thought }] : [], ...content ? [{ text: content }] : [], ...refusal ? [{ refusal }] : [], ...tool_calls.map(readCall)];
}

/** @param {Body | null} [logprobs] */
const readLogprobs = (logprobs) => may('logprobs', logprobs?.content?.map((/** @type {Body} */ { token, logprob }) => ({ token, logprob })));

/** @param {Body} usage */
function readUsage(usage) {
    assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
    return {
        input: usage.prompt_tokens, output: usage.completion_tokens,
        cached: usage.prompt_tokens_details?.cached_tokens, reasoning: usage.completion_tokens_details?.reasoning_tokens,
    };
}

/** @param {Body} body @returns {Said} */
function heard(body) {
    assert.equal(body.object, 'chat.completion');
    const choices = body.choices.map((/** @type {Body} */ { message, finish_reason, logprobs }) => {
        const parts = readAnswer(message);
        return { parts, finish: finishOf(finish_reason, parts), ...readLogprobs(logprobs) };
    });
    return { choices, usage: readUsage(body.usage) };
}

/** What has come of one choice. @typedef {{message: Body, calls: Body[], finish: string | null, logprobs: any[]}} Coming */

/** @param {Coming} one @param {Body} delta */
function take(one, delta) {
    for (const name of ['content', 'refusal', 'reasoning_content']) if (delta[name]) one.message[name] = (one.message[name] ?? '') + delta[name];
    if (delta.role !== undefined) one.message.role = delta.role;
    for (const { index, ...call } of delta.tool_calls ?? []) {
        const known = one.calls[index] ??= { id: call.id, type: call.type };
        for (const [key, field] of [['function', 'arguments'], ['custom', 'input']]) {
            if (call[key] === undefined) continue;
            known[key] ??= { name: call[key].name, [field]: '' };
            known[key][field] += call[key][field] ?? '';
        }
    }
}

/** @param {Buffer} bytes @returns {Said} */
function heardStream(bytes) {
    const events = eventsIn(bytes);
    const values = events.filter((data) => data !== '[DONE]').map((data) => JSON.parse(data));
    const error = values.find((value) => value.error)?.error;
    assert.equal(events.at(-1) === '[DONE]', error === undefined, 'it ends in [DONE], or in an error');
    /** @type {Coming[]} */
    const all = [];
    for (const { index, delta, finish_reason, logprobs } of values.flatMap((value) => value.choices ?? [])) {
        const one = all[index] ??= { message: {}, calls: [], finish: null, logprobs: [] };
        take(one, delta);
        one.finish = finish_reason ?? one.finish;
        one.logprobs.push(...logprobs?.content ?? []);
    }
    const choices = all.map(({ message, calls, finish, logprobs }) => {
        const parts = readAnswer({ ...message, tool_calls: calls });
        return { parts: joined(parts), finish: finishOf(finish ?? '', parts), ...readLogprobs(logprobs.length ? { content: logprobs } : null) };
    });
    const usage = values.findLast((value) => value.usage)?.usage;
    return { choices, usage: usage && readUsage(usage), ...error ? { error: error.message } : {} };
}

/** @type {import('./meaning.mjs').Dialect} */
export const openai = {
    name: 'openai',
    path: () => '/v1/chat/completions',
    head: {},
    has: ['thought', 'refusal', 'filter', 'cached', 'reasoning', 'logprobs', 'several', 'custom', 'parallel'],
    request: (turns, { model, stream }) =>
        ({ model, messages: turns.flatMap(messagesOf), ...stream ? { stream, stream_options: { include_usage: true } } : {} }),
    asked: ({ messages }) => messages.map(readMessage),
    answer: (said, model) => ({
        id: 'chatcmpl-1', object: 'chat.completion', created: CREATED, model, usage: usageOf(said),
        choices: said.choices.map((choice, index) =>
            ({ index, message: messageOf(choice), logprobs: logprobsOf(choice), finish_reason: FINISH[choice.finish] })),
    }),
    stream: (said, model) => {
        const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: CREATED, model };
        const events = [...said.choices.flatMap(eventsOf).map((one) => ({ ...head, choices: [one], usage: null })),
            { ...head, choices: [], usage: usageOf(said) }];
        return [...events.map((event) => `data: ${JSON.stringify(event)}\n\n`), 'data: [DONE]\n\n'];
    },
    type: 'text/event-stream; charset=utf-8',
    heard, heardStream,
    fault: ({ error }) => error.message,
};
