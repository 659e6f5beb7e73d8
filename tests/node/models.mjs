/**
 * The models of a node: OpenAI's chat and completions, Anthropic's messages, Ollama's chat, streamed
 * and whole, and all that can go wrong in a stream (see the table in faults.mjs).
 */
import { setTimeout as wait } from 'node:timers/promises';
import { DIALECTS, deltasOf } from './dialects.mjs';
import { FLUSH_MS } from './faults.mjs';
import { acknowledged, beginEvents, parseObject, put, readBody, sendError, sendJson } from './wire.mjs';

/**
 * @typedef {import('./answers.mjs').Self} Self
 * @typedef {import('./answers.mjs').Handler} Handler
 * @typedef {import('./dialects.mjs').Body} Body
 * @typedef {import('./dialects.mjs').Dialect} Dialect
 * @typedef {import('./dialects.mjs').Said} Said
 * @typedef {import('./dialects.mjs').Script} Script
 * @typedef {import('./faults.mjs').Fault} Fault
 * @typedef {import('./faults.mjs').Request} Request
 * @typedef {import('./faults.mjs').Response} Response
 *
 * @typedef {object} Stage    a stream on its way out
 * @property {Self} self
 * @property {Request} req
 * @property {Response} res
 * @property {Fault} fault
 */

export const MODELS = ['heady-colab', 'codegen-350M', 'DialoGPT-medium'];
const WHOLE_MS_MAX = 600_000;

/** Sleeps without keeping the process alive. @param {number} ms */
async function sleep(ms) {
    if (ms > 0) await wait(ms, undefined, { ref: false });
}

/** @param {Self} self @param {Body} body @param {Fault} fault @returns {Said} */
function say(self, body, fault) {
    const deltas = deltasOf(body, { differs: fault.differs, node: self.id });
    return {
        id: `chatcmpl-${self.id}-${Date.now().toString(36)}`,
        node: self.id,
        model: fault.model ?? String(body.model ?? MODELS[0]),
        created: Math.floor(Date.now() / 1000),
        deltas,
        prompt: fault.prompt_tokens ?? Math.ceil(JSON.stringify(body.messages ?? body.prompt ?? body.input).length / 4),
        count: deltas.length,
    };
}

// ------------------------------------------------------------------ refusals

/** @type {Record<string, {code: string, message: string}>} */
const REFUSALS = {
    context: {
        code: 'context_length_exceeded',
        message: "prompt is too long: this model's maximum context length is 8192 tokens",
    },
    policy: {
        code: 'content_policy_violation',
        message: 'your request was rejected by our safety system',
    },
    no_prefill: {
        code: 'invalid_value',
        message: 'this model does not support assistant message prefill; end with a user message',
    },
};

/** @param {Fault} fault @param {Body} body */
function refuses(fault, body) {
    if (fault.mode === 'no_prefill') return body.messages?.at(-1)?.role === 'assistant';
    return Object.hasOwn(REFUSALS, fault.mode);
}

/** What some request does to any node that gets it. @param {Stage} stage @param {Dialect} dialect */
function dies(stage, dialect) {
    if (stage.fault.how === 'reset') return stage.req.socket.resetAndDestroy();
    sendJson(stage.res, stage.self, 500, dialect.error('CUDA error: device-side assert', null, 'server_error'));
}

// ------------------------------------------------------------------ streams

/** The stream as this fault has it. @param {Script} script @param {Dialect} dialect @param {Fault} fault
 *  @returns {Script} */
function edited(script, dialect, fault) {
    const k = fault.tokens ?? 0;
    const nothing = { ...script, before: [], tokens: [], after: [], done: '' };
    const failure = dialect.event(dialect.error('the server had an error', null, 'server_error'));
    switch (fault.mode) {
        case 'malformed':
            return { ...script, tokens: script.tokens.toSpliced(k, 0, dialect.malformed[fault.what ?? 'half']) };
        case 'no_done':
            return { ...script, done: '' };
        case 'error_event':
            return k === 0
                ? { ...nothing, tokens: [failure] }
                : { ...nothing, before: script.before, tokens: [...script.tokens.slice(0, k), failure] };
        case 'empty':
            if (fault.with === 'role') return { ...nothing, before: script.before };
            return fault.with === 'done' ? { ...nothing, done: script.done } : nothing;
        default:
            return script;
    }
}

/** Ends the connection when what was written is on the wire. @param {Stage} stage @param {boolean} rst */
function fell({ req, res }, rst) {
    res.felled = true;
    if (rst) setTimeout(() => req.socket.resetAndDestroy(), FLUSH_MS);
    else req.socket.end();
}

/** All of an event but its end; or up to the middle of a character, if it has one of several bytes.
 * @param {string} event @param {boolean} character */
function part(event, character) {
    const bytes = Buffer.from(event);
    const at = bytes.findIndex((byte) => byte >= 0xc0);
    return bytes.subarray(0, character && at >= 0 ? at + 1 : bytes.length - 8);
}

/** @param {Stage} stage @param {string[]} rest what would have come */
async function cutOff(stage, rest) {
    const { self, res, fault } = stage;
    const wide = rest.findIndex((event) => /[^\0-\x7f]/.test(event));
    if (fault.how === 'event') await put(res, self, part(rest[0] ?? 'data: {"', false));
    if (fault.how === 'char') {
        for (const event of rest.slice(0, Math.max(0, wide))) await put(res, self, event);
        await put(res, self, part(rest[Math.max(0, wide)] ?? 'data: {"', true));
    }
    if (fault.how === 'clean') {
        res.end();
        return;
    }
    if (fault.how === 'chunk') await new Promise((resolve) => stage.req.socket.write('3', resolve));
    fell(stage, fault.how === 'reset' || fault.end === 'reset');
}

/** The head and the preamble, late if the fault says so. @param {Stage} stage @param {Script} script */
async function open({ self, res, fault }, script) {
    const late = fault.mode === 'late' ? (fault.ms ?? 15_000) : 0;
    if (fault.mode === 'slow') await sleep(fault.head_ms ?? 0);
    if (fault.head === 'late') await sleep(late);
    beginEvents(res, script.type);
    for (const event of script.before) await put(res, self, event);
    if (fault.head !== 'late') await sleep(late);
}

/** @param {Stage} stage @param {Script} script @param {Body} body @param {number} ms */
async function play(stage, script, body, ms) {
    const { self, res, fault } = stage;
    const broken = fault.mode === 'cut' || fault.mode === 'silent';
    const end = broken ? (fault.tokens ?? 3) : script.tokens.length;
    await open(stage, script);
    for (let i = 0; i < Math.min(end, script.tokens.length); i++) {
        await sleep(ms);
        if (!(await put(res, self, script.tokens[i]))) return;
        if (body.ack_id && !(await acknowledged(self, res, String(body.ack_id), i + 1))) {
            res.destroy();
            return;
        }
    }
    if (fault.mode === 'silent') {
        if (fault.how === 'event') await put(res, self, part(script.tokens[end] ?? 'data: {"', false));
        return;
    }
    if (fault.mode === 'cut') {
        await cutOff(stage, [...script.tokens.slice(end), ...script.after]);
        return;
    }
    for (const event of script.after) await put(res, self, event);
    res.end(script.done);
}

// ------------------------------------------------------------------ requests

/** @param {Fault} fault @param {Body} body milliseconds a token takes */
function pace(fault, body) {
    return Number(body.ms_per_token ?? (fault.mode === 'slow' ? (fault.ms ?? 50) : (fault.pace ?? 0)));
}

/** @param {Dialect} dialect @returns {Handler} */
function handler(dialect) {
    return async (self, req, res, _url, fault) => {
        if (req.method !== 'POST') return sendError(res, self, 405, 'only POST is allowed');
        const body = parseObject(await readBody(req, self));
        if (body === null) return sendError(res, self, 400, 'the body is not JSON');
        const { input } = dialect;
        if (input === 'messages' ? !Array.isArray(body.messages) : body[input] === undefined) {
            return sendError(res, self, 400, `missing required parameter: '${input}'`, null, input);
        }
        if (body.model === 'no-such-model') {
            return sendError(res, self, 404, 'the model does not exist', 'model_not_found', 'model');
        }
        if (refuses(fault, body)) {
            const { message, code } = REFUSALS[fault.mode];
            return sendJson(res, self, 400, dialect.error(message, code, 'invalid_request_error'));
        }
        if (fault.mode === 'poison' && JSON.stringify(body).includes('poison')) {
            return void dies({ self, req, res, fault }, dialect);
        }
        const said = say(self, body, fault);
        const ms = pace(fault, body);
        if (body.stream ?? dialect.streams) {
            const script = edited(dialect.stream(said, body), dialect, fault);
            return await play({ self, req, res, fault }, script, body, ms);
        }
        if (fault.mode === 'slow') await sleep(fault.head_ms ?? 0);
        await sleep(Math.min(ms * said.count, WHOLE_MS_MAX));
        sendJson(res, self, 200, dialect.whole(said));
    };
}

/** @type {Record<string, Handler>} */
export const MODEL_PATHS = Object.fromEntries(
    Object.entries(DIALECTS).map(([path, dialect]) => [path, handler(dialect)]),
);
