/*
 * ask.js: questions of the core (GW_ASK) on their way to whoever answers them. The twin of
 * src/native/drive/asks.c.
 *
 * A question is a promise of the request that asked. Its call may be over when it is answered: drive.js
 * ignores it then. One by HTTP is given up when its time is over; the core knows by itself that it is late.
 */
import {
    ASK_BYTES, ASK_ID, ASK_KEY, ASK_WHAT, GW_ANSWER_DONE, GW_ANSWER_FAILED, GW_ANSWER_LATE, GW_ANSWER_MAX,
    GW_ANSWER_NONE, GW_ANSWER_UNASKED, GW_ASK_ALIVE, GW_ASK_KEEP, GW_ASK_LEASES,
    GW_ASK_PROOF, GW_FAIL_LOCAL,
} from '../build/offsets.js';
import { headersOf } from './heads.js';
import { classify } from './upstream.js';

/** @typedef {import('./call.js').Call} Call */
/** @typedef {{ status: number, bytes: string }} Answer */
/** @typedef {{ what: number, key: string, bytes: string, wait: number }} Question wait: in ms */

/** Who answers a `what`.
 * @type {Record<number, (call: Call, question: Question) => Promise<Answer>>} */
const WHO = {
    [GW_ASK_PROOF]: header('x-heady-proof'),
    [GW_ASK_LEASES]: object('REGISTRY', 'nodes'),
    [GW_ASK_KEEP]: object('REGISTRY', 'nodes'),
    [GW_ASK_ALIVE]: any,
};

/** Puts the question of the ASK that was just polled. @param {Call} call
 * @param {(id: number, answer: Answer) => void} answered */
export function askPut(call, answered) {
    const { core } = call;
    const id = core.word(ASK_ID);
    const question = {
        what: core.word(ASK_WHAT), key: core.string(ASK_KEY), bytes: core.string(ASK_BYTES),
        wait: Math.max(0, core.at() - core.mono),
    };
    const failed = (/** @type {unknown} */ error) => answered(id, missed(error));
    WHO[question.what](call, question).then((answer) => answered(id, short(answer)), failed);
}

/** What an exception stands for. @param {unknown} error @returns {Answer} */
function missed(error) {
    if (error instanceof Error && error.name === 'TimeoutError') return { status: GW_ANSWER_LATE, bytes: '' };
    const [why] = classify(error);
    return why === GW_FAIL_LOCAL ? { status: GW_ANSWER_UNASKED, bytes: `${error}` } : refused('no answer');
}

/** @param {string} why @returns {Answer} */
const refused = (why) => ({ status: GW_ANSWER_FAILED, bytes: why });

/** @param {Answer} answer */
const short = (answer) => (answer.bytes.length <= GW_ANSWER_MAX ? answer : refused('it is too long'));

/** The Durable Object of that name behind a binding. @param {string} binding @param {string} name */
function object(binding, name) {
    return async (/** @type {Call} */ { hub }, /** @type {Question} */ { what, key, bytes }) => (
        hub.object(binding, name).ask(what, key, bytes));
}

/** A target by HTTP: its head. @param {Question} question */
async function head({ key, bytes, wait }) {
    const signal = AbortSignal.timeout(wait);
    const response = await fetch(key, { headers: headersOf(bytes), redirect: 'manual', signal });
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
