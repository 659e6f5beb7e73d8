/*
 * upstream.js: attempts: one fetch() each, from SEND to its end or its DROP.
 *
 *     WAITING   the body is still coming in and will be held whole: fetch() when it is there
 *     SENT      fetch() is under way; with a body that is not held, bytes follow as they come
 *     HEADED    the response head was fed; its body is read chunk by chunk (observed, or shown)
 *     RELAYED   the rest goes to the client by itself
 *     OVER      ended, failed or dropped: whatever still happens to it is ignored
 *
 * fetch() says little about why it failed. In production most failures are answers with a status
 * of 520 to 530, and the core knows those; what is thrown is classified here.
 */
import {
    GW_CLEAN, GW_CUT, GW_FAIL_CONNECT_TIME, GW_FAIL_DNS, GW_FAIL_LOCAL, GW_FAIL_REFUSED,
    GW_FAIL_RESET, GW_FAIL_STALE, GW_REQUEST, GW_SENT_ALL, GW_SENT_NONE, GW_SENT_PART, SEND_BODY_LEN, SEND_HEAD,
    SEND_METHOD, SEND_SLICES, SEND_SLICES_N, SEND_URL,
} from '../build/offsets.js';
import { driveReadBody, driveResBody, driveResEnd, driveResFail, driveResHead } from './drive.js';
import { headersOf, linesOf } from './heads.js';
import { keptAdd, keptTake } from './kept.js';

export const WAITING = 0;
export const SENT = 1;
export const HEADED = 2;
export const RELAYED = 3;
export const OVER = 4;

/** @typedef {import('./call.js').Call} Call */
/** @typedef {import('./core.js').Slice} Slice */

export class Attempt {
    /** Takes the SEND that was just polled. @param {Call} call */
    constructor(call) {
        const { core } = call;
        this.call = call;
        this.number = core.attempt();
        this.url = core.string(SEND_URL);
        this.method = core.string(SEND_METHOD);
        this.head = core.string(SEND_HEAD);
        this.slices = core.slices(SEND_SLICES, SEND_SLICES_N);
        this.length = core.length(SEND_BODY_LEN);
        this.state = WAITING;
        /** Cancels it. Without, it ends with its body, or with the call's context.
         * @type {AbortController | null} */
        this.control = null;
        /** How much of the request body went out; only counted when it follows. */
        this.sent = Infinity;
        /** @type {WritableStreamDefaultWriter<Uint8Array> | null} */
        this.writer = null;
        /** @type {Response | null} */
        this.response = null;
        /** @type {ReadableStreamDefaultReader<Uint8Array> | null} */
        this.reader = null;
        this.reading = false;
        /** Its bytes go to the client before the core is shown them; and how many it still is to see. */
        this.passes = false;
        this.show = 0;
        /** Where the follower is: slice, and offset within it. */
        this.at = 0;
        this.off = 0;
        this.flowing = false;
        /** Made at the first read, so that a chunk costs no closure.
         * @type {((r: ReadableStreamReadResult<Uint8Array>) => void) | null} */
        this.onRead = null;
        /** @type {(() => void) | null} */
        this.onCut = null;
    }

    /** The answer is over, or broke. @param {number} how enum gw_how */
    end(how) {
        if (this.state === OVER) return;
        this.state = OVER;
        driveResEnd(this, how);
    }
}

/** Carries out the SEND that was just polled. @param {Call} call @returns {Attempt} */
export function upstreamSend(call) {
    const attempt = new Attempt(call);
    start(attempt);
    return attempt;
}

/** Fetches, unless the body is to be waited for. @param {Attempt} attempt */
function start(attempt) {
    const { call, slices } = attempt;
    /** @type {BodyInit | undefined} */
    let body;
    if (slices.length > 0) {
        if (slices.every((slice) => call.body.has(slice))) body = call.body.join(slices);
        else if (call.body.whole()) return;
        else body = follow(attempt);
    }
    attempt.state = SENT;
    if (call.core.box.may_drop(call.id) === 1) attempt.control = new AbortController();
    try {
        fetch(attempt.url, {
            method: attempt.method,
            headers: headersOf(attempt.head),
            body,
            redirect: 'manual',
            signal: attempt.control?.signal,
        }).then((response) => headed(attempt, response), (error) => fail(attempt, error));
    } catch (error) {
        Promise.resolve().then(() => fail(attempt, error));
    }
    if (attempt.writer !== null) flow(attempt);
}

/** More of the request body is there. @param {Attempt} attempt */
export function upstreamMore(attempt) {
    if (attempt.state === WAITING) start(attempt);
    else if (attempt.writer !== null) flow(attempt);
}

/** A body that follows as it comes. @param {Attempt} attempt @returns {ReadableStream} */
function follow(attempt) {
    const pipe = attempt.length === Infinity
        ? new IdentityTransformStream() : new FixedLengthStream(attempt.length);
    attempt.writer = pipe.writable.getWriter();
    attempt.writer.closed.catch(() => {});
    attempt.sent = 0;
    return pipe.readable;
}

/** Writes what is there, as fast as the target takes it; only then more is let in.
 * @param {Attempt} attempt */
async function flow(attempt) {
    const { call, writer } = attempt;
    if (attempt.flowing || writer === null) return;
    attempt.flowing = true;
    try {
        for (;;) {
            const piece = nextPiece(attempt);
            if (piece === undefined || attempt.state === OVER) break;
            if (piece === null) {
                await writer.close();
                break;
            }
            await writer.write(piece);
            call.body.forget(0, attempt.sent);
        }
    } catch {
        return; // the fetch itself says what happened
    } finally {
        attempt.flowing = false;
    }
    if (attempt.state !== OVER) driveReadBody(call);
}

/** The next bytes to write: null after the last ones, undefined if they have yet to come.
 * @param {Attempt} attempt @returns {Uint8Array | null | undefined} */
function nextPiece(attempt) {
    const { body } = attempt.call;
    while (attempt.at < attempt.slices.length) {
        const slice = attempt.slices[attempt.at];
        if (slice.kind === GW_REQUEST) {
            const off = slice.off + attempt.off;
            const left = slice.len - attempt.off;
            const piece = left > 0 ? body.at(off, left) : null;
            if (piece !== null) {
                attempt.off += piece.length;
                attempt.sent = off + piece.length;
                return piece;
            }
            if (left > 0 && !body.fin) return undefined;
        }
        attempt.at += 1;
        attempt.off = 0;
        if (slice.bytes !== null) return slice.bytes;
    }
    return null;
}

/** @param {Attempt} attempt @param {Response} response */
function headed(attempt, response) {
    if (attempt.state === OVER) {
        response.body?.cancel().catch(() => {});
        return;
    }
    attempt.state = HEADED;
    attempt.response = response;
    keptAdd(attempt.url);
    const { lines, length } = linesOf(response.headers);
    const declared = length < 0 ? Infinity : length;
    driveResHead(attempt, response.status, lines, response.body === null ? 0 : declared);
}

/** @param {Attempt} attempt @param {unknown} error */
function fail(attempt, error) {
    if (attempt.state === OVER) return;
    attempt.state = OVER;
    const [said, sent] = classify(error);
    const why = said === GW_FAIL_RESET && keptTake(attempt.url) ? GW_FAIL_STALE : said;
    const began = attempt.writer !== null && attempt.sent > 0;
    driveResFail(attempt, why, began ? Math.max(sent, GW_SENT_PART) : sent);
}

/** What an exception of fetch() stands for: enum gw_fail and enum gw_sent. Where it is not known
 * how much was sent, the worst is assumed. @param {unknown} error @returns {[number, number]} */
export function classify(error) {
    const text = String(error);
    if (text.includes('connection_refused')) return [GW_FAIL_REFUSED, GW_SENT_NONE];
    if (text.includes('destination_unavailable')) return [GW_FAIL_REFUSED, GW_SENT_NONE];
    if (text.includes('connection_timeout')) return [GW_FAIL_CONNECT_TIME, GW_SENT_NONE];
    if (text.includes('dns_error') || text.includes('DNS')) return [GW_FAIL_DNS, GW_SENT_NONE];
    if (text.includes('Network connection lost')) return [GW_FAIL_RESET, GW_SENT_ALL];
    if (text.includes('connection_terminated')) return [GW_FAIL_RESET, GW_SENT_ALL];
    // Name resolution and TLS give an "internal error" without a word on which.
    if (text.includes('internal error')) return [GW_FAIL_DNS, GW_SENT_NONE];
    return [GW_FAIL_LOCAL, GW_SENT_NONE];
}

/** @param {Attempt} attempt @param {ReadableStreamReadResult<Uint8Array>} result */
function onRead(attempt, { done, value }) {
    attempt.reading = false;
    if (attempt.state === OVER) return;
    if (done) attempt.end(GW_CLEAN);
    else driveResBody(attempt, value);
}

/** Reads one chunk of an observed answer. @param {Attempt} attempt */
export function upstreamRead(attempt) {
    if (attempt.reading || attempt.state !== HEADED) return;
    const { body } = /** @type {Response} */ (attempt.response);
    attempt.reading = true;
    if (body === null) {
        queueMicrotask(() => attempt.end(GW_CLEAN));
        return;
    }
    if (attempt.reader === null) {
        attempt.reader = body.getReader();
        attempt.onRead = (r) => onRead(attempt, r);
        attempt.onCut = () => attempt.end(GW_CUT);
    }
    attempt.reader.read().then(attempt.onRead, attempt.onCut);
}

/** Cancels an attempt, whatever it is at. @param {Attempt} attempt */
export function upstreamDrop(attempt) {
    if (attempt.state === OVER) return;
    attempt.state = OVER;
    if (attempt.control !== null) attempt.control.abort();
    else if (attempt.reader !== null) attempt.reader.cancel().catch(() => {});
    else attempt.response?.body?.cancel().catch(() => {});
}
