/**
 * A client that reads an answer as strictly as an SDK would, in six dialects, and remembers all that a
 * check could want: what was said, choice by choice, when bytes came, and what was wrong.
 */
import { begin } from '../lib/client.mjs';
import { framesIn } from '../providers/frames.mjs';

/**
 * @typedef {{text: string, reasoning: string, arguments: string}} Spoken
 *
 * @typedef {object} Told     an answer
 * @property {number} status
 * @property {import('node:http').IncomingHttpHeaders} headers
 * @property {boolean} stream
 * @property {Map<number, Spoken>} choices
 * @property {Set<string>} ids        of the answer; one, however many nodes it took
 * @property {Set<string>} models
 * @property {string[]} finishes
 * @property {any} usage
 * @property {boolean} done           the dialect's own end came
 * @property {any} error              in band, or the body of a refusal
 * @property {string[]} faults        what no reader could take: half events, junk, a second preamble
 * @property {number} blocks         of an Anthropic stream, as they were opened
 * @property {number} comments
 * @property {boolean} whole          the body ended cleanly
 * @property {string} body
 * @property {number} ms
 * @property {number} first_ms        to the first content
 * @property {number} gap_ms          the longest time without a byte
 * @property {number} began           as Date.now()
 */

/** @typedef {(told: Told, event: any, name: string) => void} Reader */

/** @param {Told} told @param {number} choice @param {keyof Spoken} kind @param {string} piece */
function hear(told, choice, kind, piece) {
    const spoken = told.choices.get(choice) ?? { text: '', reasoning: '', arguments: '' };
    spoken[kind] += piece;
    told.choices.set(choice, spoken);
}

/** @param {Told} told @param {string} what @param {boolean} wrong */
function fault(told, what, wrong = true) {
    if (wrong) told.faults.push(what);
}

/** @param {Told} told @param {any} error */
function failed(told, error) {
    fault(told, 'a second error', told.error !== null);
    told.error = error;
}

/** @param {Told} told @param {any} choice */
function readDelta(told, { index, delta, text, finish_reason }) {
    if (typeof text === 'string') hear(told, index, 'text', text);
    if (delta?.role) {
        fault(told, 'a second role', told.choices.has(index));
        hear(told, index, 'text', '');
    }
    if (delta?.content) hear(told, index, 'text', delta.content);
    if (delta?.reasoning_content) hear(told, index, 'reasoning', delta.reasoning_content);
    for (const call of delta?.tool_calls ?? []) {
        if (call.id) told.ids.add(`tool ${index}`);
        const before = told.choices.get(index)?.arguments ?? '';
        fault(told, 'a tool that is named twice, or never', (call.id !== undefined) !== (before === ''));
        hear(told, index, 'arguments', call.function.arguments);
    }
    if (finish_reason) told.finishes.push(finish_reason);
}

/** @type {Reader} */
function openai(told, event) {
    fault(told, 'an event after the end', told.done);
    if (event.error !== undefined) {
        failed(told, event);
        return;
    }
    told.ids.add(event.id);
    told.models.add(event.model);
    if (event.usage) told.usage = event.usage;
    for (const choice of event.choices) readDelta(told, choice);
}

/** @type {Record<string, keyof Spoken>} */
const KINDS = { text_delta: 'text', thinking_delta: 'reasoning', input_json_delta: 'arguments' };

/** @type {Reader} */
function anthropic(told, event, name) {
    fault(told, `an event ${event.type} named ${name}`, name !== event.type);
    fault(told, 'an event after the end', told.done);
    switch (event.type) {
        case 'message_start':
            fault(told, 'a second message_start', told.ids.size > 0);
            told.ids.add(event.message.id);
            told.models.add(event.message.model);
            told.usage = { ...event.message.usage };
            break;
        case 'content_block_start':
            fault(told, 'blocks out of order', event.index !== told.blocks++);
            break;
        case 'content_block_delta': {
            const { type, ...rest } = event.delta;
            fault(told, 'a delta without its block', event.index + 1 !== told.blocks);
            hear(told, 0, KINDS[type], String(Object.values(rest)[0]));
            break;
        }
        case 'message_delta':
            told.finishes.push(event.delta.stop_reason);
            Object.assign(told.usage, event.usage);
            break;
        case 'message_stop':
            told.done = true;
            break;
        case 'error':
            failed(told, event);
            break;
    }
}

/** @type {Reader} */
function ollama(told, event) {
    fault(told, 'a line after the end', told.done);
    if (event.error !== undefined) {
        failed(told, event);
        return;
    }
    told.models.add(event.model);
    if (event.message?.content) hear(told, 0, 'text', event.message.content);
    if (!event.done) return;
    told.done = true;
    told.finishes.push(event.done_reason);
    told.usage = { prompt_tokens: event.prompt_eval_count, completion_tokens: event.eval_count };
}

/** @param {any} value one chunk of it, or all of an answer @returns {any[]} */
const geminiParts = (value) => value.candidates?.[0]?.content?.parts ?? [];

/** @type {Reader} */
function gemini(told, event) {
    fault(told, 'an event after the end', told.done);
    if (event.error !== undefined) {
        failed(told, event);
        return;
    }
    told.ids.add(event.responseId);
    told.models.add(event.modelVersion);
    told.usage = event.usageMetadata;
    for (const { text, thought } of geminiParts(event)) hear(told, 0, thought ? 'reasoning' : 'text', text);
    const finish = event.candidates?.[0]?.finishReason;
    if (finish === undefined) return;
    told.finishes.push(finish);
    told.done = true; // it has no other end
}

/** Bedrock's frames. @param {Told} told @param {Buffer} bytes */
function readFrames(told, bytes) {
    try {
        for (const { headers, payload } of framesIn(bytes)) bedrock(told, payload, headers[':event-type'] ?? 'exception');
    } catch (error) {
        fault(told, `cannot be read (${/** @type {Error} */ (error).message})`);
    }
}

/** @type {Reader} */
function bedrock(told, event, name) {
    fault(told, `${name} after the end`, told.done && name !== 'metadata');
    if (name === 'exception') failed(told, event);
    if (name === 'contentBlockDelta') hear(told, event.contentBlockIndex, 'text', event.delta.text);
    if (name === 'metadata') told.usage = event.usage;
    if (name !== 'messageStop') return;
    told.finishes.push(event.stopReason);
    told.done = true;
}

/** @param {string} path @returns {Reader} */
function readerOf(path) {
    if (path === '/v1/messages') return anthropic;
    if (path.startsWith('/v1beta/')) return gemini;
    return path === '/api/chat' ? ollama : openai;
}

/** @param {Told} told @param {string} data @param {string} name @param {Reader} reader */
function readEvent(told, data, name, reader) {
    if (data === '[DONE]') {
        fault(told, 'a second end', told.done);
        told.done = true;
        return;
    }
    try {
        reader(told, JSON.parse(data), name);
    } catch (error) {
        fault(told, `cannot be read (${/** @type {Error} */ (error).message}): ${data.slice(0, 120)}`);
    }
}

/** Server-sent events: blocks between empty lines. @param {Told} told @param {Reader} reader */
function readBlocks(told, reader) {
    const blocks = told.body.replaceAll('\r\n', '\n').split('\n\n');
    const rest = blocks.pop() ?? '';
    fault(told, `half an event: ${rest.slice(-120)}`, rest.replace(/^:.*\n?/gm, '') !== '');
    for (const block of blocks) {
        const lines = block.split('\n');
        told.comments += lines.filter((line) => line.startsWith(':')).length;
        /** @param {string} field */
        const of = (field) => lines
            .filter((line) => line.startsWith(`${field}:`))
            .map((line) => line.slice(field.length + 1).trim());
        const data = of('data');
        if (data.length > 0) readEvent(told, data.join('\n'), of('event')[0] ?? '', reader);
    }
}

/** NDJSON; white space is a sign of life. @param {Told} told @param {Reader} reader */
function readLines(told, reader) {
    const lines = told.body.split('\n');
    fault(told, 'half a line', lines.pop()?.trim() !== '');
    for (const line of lines) if (line.trim() !== '') readEvent(told, line, '', reader);
}

/** @param {Told} told */
function readWhole(told) {
    /** @type {any} */
    let value = null;
    try {
        value = JSON.parse(told.body);
    } catch {
        fault(told, `not JSON: ${told.body.slice(0, 120)}`);
        return;
    }
    if (value.error !== undefined || told.status >= 400) {
        told.error = value;
        return;
    }
    told.models.add(value.model ?? value.modelVersion);
    told.usage = value.usage ?? value.usageMetadata ?? { prompt_tokens: value.prompt_eval_count, completion_tokens: value.eval_count };
    const text = value.choices?.[0]?.message?.content ?? value.choices?.[0]?.text
        ?? value.content?.[0]?.text ?? value.message?.content ?? geminiParts(value)[0]?.text
        ?? value.output?.message.content[0].text;
    hear(told, 0, 'text', text);
    told.done = true;
}

/** @param {Told} told @param {Buffer} bytes @param {string} path */
function read(told, bytes, path) {
    const type = String(told.headers['content-type']);
    told.stream = /event-?stream|ndjson/.test(type);
    if (type.includes('amazon.eventstream')) {
        told.body = bytes.toString(); // for whoever wants to show it
        readFrames(told, bytes);
        return;
    }
    try {
        told.body = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
        told.body = bytes.toString('utf8');
        fault(told, 'half a character');
    }
    if (!told.stream) readWhole(told);
    else if (type.includes('ndjson')) readLines(told, readerOf(path));
    else readBlocks(told, readerOf(path));
}

/** The content of a chunk begins where a word of it can be seen. @param {Buffer} bytes */
function hasContent(bytes) {
    return /"(content|text|thinking|reasoning_content|partial_json|arguments)":"[^"]/.test(bytes.toString('latin1'));
}

/**
 * Asks, and reads to the end.
 * @param {string} base @param {string} prefix of the path, as the gateway has it @param {string} path
 * @param {Record<string, unknown>} body @param {{timeout?: number, headers?: Record<string, string>}} [options]
 * @returns {Promise<Told>}
 */
export async function tell(base, prefix, path, body, { timeout = 60_000, headers = {} } = {}) {
    const began = performance.now();
    const { req, response } = begin(base, prefix + path, {
        method: 'POST', timeout, headers: { 'content-type': 'application/json', ...headers },
    });
    req.on('error', () => {});
    req.end(JSON.stringify(body));
    /** @type {Told} */
    const told = {
        status: 0, headers: {}, stream: false, choices: new Map(), ids: new Set(), models: new Set(), finishes: [],
        usage: null, done: false, error: null, faults: [], blocks: 0, comments: 0, whole: false, body: '', ms: 0,
        first_ms: NaN, gap_ms: 0, began: Date.now(),
    };
    const res = await response;
    told.status = res.statusCode ?? 0;
    told.headers = res.headers;
    /** @type {Buffer[]} */
    const parts = [];
    let last = began;
    res.on('data', (part) => {
        const now = performance.now();
        told.gap_ms = Math.max(told.gap_ms, now - last);
        last = now;
        if (Number.isNaN(told.first_ms) && hasContent(part)) told.first_ms = now - began;
        parts.push(part);
    });
    res.on('error', () => {});
    await new Promise((resolve) => res.on('close', resolve));
    told.whole = res.complete;
    told.ms = performance.now() - began;
    read(told, Buffer.concat(parts), path);
    return told;
}
