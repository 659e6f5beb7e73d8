/*
 * ask.js: questions of the core (GW_ASK) on their way to whoever answers them. The twin of
 * src/native/drive/asks.c.
 *
 * A question is a promise of the request that asked. Its call may be over when it is answered: drive.js
 * ignores it then. One by HTTP or to a store is given up when its time is over; the core knows by itself
 * that it is late.
 *
 * Two kinds of stores, kv and cache, keep values: a question with bytes keeps them under its key, one
 * without asks for what is kept there. A value is read whole and goes to the core as an answer, so it has
 * GW_ANSWER_MAX bytes at most. Both are caches: what is kept may be gone, or be seen late
 * or not at all elsewhere, and a DONE says that it has been handed over.
 */
import {
    ASK_BYTES, ASK_ID, ASK_KEY, ASK_WHAT, GW_ANSWER_DONE, GW_ANSWER_FAILED, GW_ANSWER_LATE, GW_ANSWER_MAX,
    GW_ANSWER_NONE, GW_ANSWER_UNASKED, GW_ASK_ALIVE, GW_ASK_FORGET, GW_ASK_KEEP, GW_ASK_LEASES,
    GW_ASK_PROOF, GW_ASK_RECALL, GW_ASK_STORE, GW_FAIL_LOCAL, GW_STORED_MAX,
} from '../build/offsets.js';
import { headersOf } from './heads.js';
import { classify } from './upstream.js';

/** @typedef {import('./call.js').Call} Call */
/** @typedef {{ status: number, bytes: string | Uint8Array }} Answer */
/** @typedef {{ what: number, key: string, bytes: Uint8Array, wait: number }} Question wait: in ms */
/** @typedef {(call: Call, question: Question) => Promise<Answer>} Who */
/** What a store does: `get` gives a stream, or null if nothing is there.
 * @typedef {object} Store
 * @property {(call: Call, key: string) => Promise<ReadableStream<Uint8Array> | null>} get
 * @property {(call: Call, key: string, bytes: Uint8Array) => Promise<void>} put */

/** Who answers a `what`. tests/toy has a row more. @type {Record<number, Who>} */
export const WHO = {
    [GW_ASK_PROOF]: header('x-heady-proof'),
    [GW_ASK_LEASES]: object('REGISTRY', 'nodes'),
    [GW_ASK_KEEP]: object('REGISTRY', 'nodes'),
    [GW_ASK_ALIVE]: any,
    [GW_ASK_STORE]: owned('RESPONSES'),
    [GW_ASK_RECALL]: owned('RESPONSES'),
    [GW_ASK_FORGET]: owned('RESPONSES'),
};

/** Puts the question of the ASK that was just polled. @param {Call} call
 * @param {(id: number, answer: Answer) => void} answered */
export function askPut(call, answered) {
    const { core } = call;
    const id = core.word(ASK_ID);
    const question = {
        what: core.word(ASK_WHAT), key: core.string(ASK_KEY), bytes: core.bytes(ASK_BYTES),
        wait: Math.max(0, core.at() - core.mono),
    };
    const failed = (/** @type {unknown} */ error) => answered(id, missed(error));
    const most = question.what === GW_ASK_RECALL ? GW_STORED_MAX : GW_ANSWER_MAX;
    WHO[question.what](call, question).then((answer) => answered(id, short(answer, most)), failed);
}

/** @type {Answer} */
const LATE = { status: GW_ANSWER_LATE, bytes: '' };

/** What an exception stands for. @param {unknown} error @returns {Answer} */
function missed(error) {
    if (error instanceof Error && error.name === 'TimeoutError') return LATE;
    const [why] = classify(error);
    return why === GW_FAIL_LOCAL ? { status: GW_ANSWER_UNASKED, bytes: `${error}` } : refused('no answer');
}

/** @param {string} why @returns {Answer} */
const refused = (why) => ({ status: GW_ANSWER_FAILED, bytes: why });

/** @param {Answer} answer @param {number} most */
const short = (answer, most) => (answer.bytes.length <= most ? answer : refused('it is too long'));

const decoder = new TextDecoder();
const text = (/** @type {Uint8Array} */ bytes) => decoder.decode(bytes);

/** The Durable Object of that name behind a binding. @param {string} binding @param {string} name */
function object(binding, name) {
    return async (/** @type {Call} */ { hub }, /** @type {Question} */ { what, key, bytes }) => (
        hub.object(binding, name).ask(what, key, text(bytes)));
}

/** An owner's Durable Object behind a binding, by a key "OWNER/NAME"; the name has no slash. What is to be
 * kept may outlive the call. @param {string} binding @returns {Who} */
function owned(binding) {
    return async (call, { what, key, bytes, wait }) => {
        const at = key.lastIndexOf('/');
        const asked = call.hub.object(binding, key.slice(0, at)).ask(what, key.slice(at + 1), bytes);
        const answer = inTime(AbortSignal.timeout(wait), asked);
        call.ctx.waitUntil(answer);
        return answer;
    };
}

/** A target by HTTP: its head. @param {Question} question */
async function head({ key, bytes, wait }) {
    const signal = AbortSignal.timeout(wait);
    const response = await fetch(key, { headers: headersOf(text(bytes)), redirect: 'manual', signal });
    response.body?.cancel().catch(() => {});
    return response;
}

/** One by HTTP, whatever it answers. @param {Call} _call @param {Question} question */
async function any(_call, question) {
    await head(question);
    return { status: GW_ANSWER_DONE, bytes: '' };
}

/** One whose answer is one of its headers. @param {string} name */
function header(name) {
    return async (/** @type {Call} */ _call, /** @type {Question} */ question) => {
        const response = await head(question);
        const value = response.headers.get(name);
        if (response.status !== 200) return refused(`status ${response.status}`);
        return { status: value === null ? GW_ANSWER_NONE : GW_ANSWER_DONE, bytes: value ?? '' };
    };
}

/** Workers KV, by its binding. A key may be written once a second, and what is written is seen elsewhere
 * a minute later or more, as is a key that was asked for before there was anything. Without the binding
 * nothing is there. @param {string} binding @param {number} keep_s for how long; 60 at least @returns {Who} */
export function kv(binding, keep_s) {
    return store({
        get: async ({ hub }, key) => hub.kv(binding)?.get(key, 'stream') ?? null,
        put: async ({ hub }, key, bytes) => {
            const namespace = hub.kv(binding);
            if (namespace === null) throw new Error(`there is no ${binding}`);
            await namespace.put(key, bytes, { expirationTtl: keep_s });
        },
    });
}

/** The Cache API: a cache by name, of one data centre; on workers.dev and behind Access it is always
 * empty. Its keys are URLs, which should be of the Worker's own host: so work that no client asked for has
 * none. It is not told whether it has kept a value. @param {string} name @param {number} keep_s
 * @returns {Who} */
export function cache(name, keep_s) {
    const url = (/** @type {Call} */ { request }, /** @type {string} */ key) => {
        if (request === null) throw new Error('no host to cache for');
        return new URL(`/kept=${encodeURIComponent(key)}`, request.url).href;
    };
    return store({
        get: async (call, key) => (await (await caches.open(name)).match(url(call, key)))?.body ?? null,
        put: async (call, key, bytes) => {
            const headers = { 'cache-control': `public, max-age=${keep_s}` };
            await (await caches.open(name)).put(url(call, key), new Response(bytes, { headers }));
        },
    });
}

/** One that asks a store. Keeping a value goes on until its time is over, whether or not the call and its
 * request are over by then. @param {Store} store @returns {Who} */
function store({ get, put }) {
    return (call, { key, bytes, wait }) => {
        const time = AbortSignal.timeout(wait);
        if (bytes.length === 0) return inTime(time, get(call, key).then((stream) => found(stream, time)));
        if (bytes.length > GW_ANSWER_MAX) return Promise.resolve(refused('it is too long'));
        const kept = inTime(time, put(call, key, bytes).then(() => ({ status: GW_ANSWER_DONE, bytes: '' })));
        call.ctx.waitUntil(kept);
        return kept;
    };
}

/** Whatever a store does, it is an answer, and in time. @param {AbortSignal} time
 * @param {Promise<Answer>} answer */
function inTime(time, answer) {
    /** @type {Promise<never>} */
    const late = new Promise((_, reject) => { time.onabort = () => reject(time.reason); });
    return Promise.race([answer, late]).catch((error) => (time.aborted ? LATE : refused(`${error}`)));
}

/** @param {ReadableStream<Uint8Array> | null} stream @param {AbortSignal} time @returns {Promise<Answer>} */
async function found(stream, time) {
    if (stream === null) return { status: GW_ANSWER_NONE, bytes: '' };
    const bytes = await read(stream, GW_ANSWER_MAX, time);
    return bytes === null ? refused('it is too long') : { status: GW_ANSWER_DONE, bytes };
}

/** A stream to its end; null if it is longer than `most` bytes: the rest is not read then.
 * @param {ReadableStream<Uint8Array>} stream @param {number} most @param {AbortSignal} time */
async function read(stream, most, time) {
    const reader = stream.getReader();
    const stop = () => { reader.cancel().catch(() => {}); };
    if (time.aborted) stop();
    time.addEventListener('abort', stop);
    /** @type {Uint8Array[]} */
    const parts = [];
    for (let n = 0; n <= most;) {
        const { done, value } = await reader.read();
        if (done) return joined(parts, n);
        parts.push(value);
        n += value.length;
    }
    stop();
    return null;
}

/** @param {Uint8Array[]} parts @param {number} n their length */
function joined(parts, n) {
    const all = new Uint8Array(n);
    let at = 0;
    for (const part of parts) {
        all.set(part, at);
        at += part.length;
    }
    return all;
}
