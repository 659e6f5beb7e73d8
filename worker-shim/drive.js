/*
 * drive.js: the pump: one call from the client's request to gw_close.
 *
 * What happens becomes an event: it is fed, then actions are polled and carried out until WAIT or
 * END (turn). Events come from promises that belong to this request and nobody waits in between, so
 * that one call may have a body, an attempt and a timer under way at once.
 *
 *     the answer to the client    begins with                        ends with
 *     NONE       no HEAD yet
 *     HELD       HEAD: decided by what follows it in the same turn
 *     WHOLE      HELD, then END: the bytes so far are all            at once
 *     RELAYED    HELD, then RELAY: fetch()'s body itself             by itself
 *     STREAM     HELD, then WAIT: a stream that DATA feeds           END
 *     RAW        STREAM, and the instance died: chunks pass unseen   by itself
 *
 * gw_close is called once: in finish, or never when the instance is dead, for then there is nothing
 * left to close. What belongs to a request may only be touched in its own context, so a call that
 * another one has woken goes on in a promise of its own (sleep).
 */
import {
    DATA_SLICES, DATA_SLICES_N, END_CODE, FORGET_BELOW, GW_CHUNK, GW_CLEAN, GW_CUT, GW_DATA, GW_DROP,
    GW_END, GW_FORGET, GW_HEAD, GW_READ, GW_RECORD, GW_RELAY, GW_SEND, GW_WAIT, HEAD_HEAD,
    HEAD_STATUS, READ_SHOW, READ_UPTO, RECORD_LINE, RELAY_REPORT,
} from '../build/offsets.js';
import { Body, concat } from './body.js';
import { monotonic, PIECE } from './core.js';
import { digest, refusal } from './refuse.js';
import {
    attemptDrop, attemptMore, attemptRead, attemptSend, HEADED, headersOf, OVER, RELAYED,
} from './upstream.js';

/** @typedef {import('./upstream.js').Attempt} Attempt */

/** States of the answer. */
const NONE = 0;
const HELD = 1;
const DONE = 2;
const STREAM = 3;
const RAW = 4;

/** How long a stream may go on that nobody looks after any more. */
const RAW_MS = 600_000;

/** How long a call may last before it is watched whether its client leaves. */
const WATCH_MS = 250;
/** How late a call's timer may be before the call is taken for lost, and how often that is looked
 * at. */
const LOST_MS = 2000;

/** @type {Uint8Array} */
const EMPTY = new Uint8Array(0);

export class Call {
    /** @param {import('./hub.js').Hub} hub @param {import('./core.js').Core} core
     * @param {Request | null} request null: work that no client asked for
     * @param {ExecutionContext} ctx */
    constructor(hub, core, request, ctx) {
        this.hub = hub;
        this.core = core;
        this.request = request;
        this.ctx = ctx;
        /** The call within the instance; 0 when it is closed there. */
        this.id = 0;
        this.head = '';
        this.body = new Body(request, 0);
        /** @type {Attempt | null} */
        this.attempt = null;
        /** @type {(response: Response) => void} */
        this.resolve = ignore;
        /** Ends what ctx.waitUntil waits for. */
        this.done = ignore;
        /** Lets the call go on in its own context. */
        this.wake = ignore;
        this.asleep = false;
        this.watched = false;
        /** Closed by sweep. */
        this.lost = false;
        this.over = false;
        /** When to tick, and what the timer that is set was set for. */
        this.at = 0;
        this.timerAt = 0;
        this.timer = 0;

        this.state = NONE;
        this.status = 0;
        /** The head block of the answer. */
        this.lines = '';
        /** DATA that has no stream to go to yet. @type {Uint8Array[]} */
        this.out = [];
        /** The chunk that is being fed. */
        this.chunk = EMPTY;
        /** @type {ReadableStreamDefaultController<Uint8Array> | null} */
        this.controller = null;
        /** The client's side has asked for more than it got. */
        this.wanting = false;
        /** The stream is to break when all that was enqueued has been taken. */
        this.cut = false;
    }
}

function ignore() {}

/* ------------------------------------------------------------------ turns */

/** Feeds one event, then carries out all that follows from it.
 * @param {Call} call @param {((call: Call) => number) | null} feed null: only poll */
function turn(call, feed) {
    const { core } = call;
    if (call.over) return;
    if (isOrphan(call)) { orphaned(call); return; }
    try {
        if (feed !== null && feed(call) < 0) failShort(call);
        else pump(call);
        wakeReady(core);
    } catch (error) {
        trapped(call, error);
    }
}

/** Polls until WAIT or END. @param {Call} call */
function pump(call) {
    const { core } = call;
    for (;;) {
        switch (core.poll(call.id)) {
            case GW_WAIT: settle(call); return;
            case GW_READ: onRead(call); break;
            case GW_SEND: attemptSend(call); break;
            case GW_FORGET: onForget(call); break;
            case GW_DROP: onDrop(call); break;
            case GW_HEAD: onHead(call); break;
            case GW_DATA: onData(call); break;
            case GW_RELAY: onRelay(call, core.word(RELAY_REPORT) === 1); break;
            case GW_RECORD: onRecord(call); break;
            case GW_END: finish(call, core.word(END_CODE)); return;
            default: throw new Error('an action that this host does not know');
        }
    }
}

/** Lets calls go on that this turn has woken. @param {import('./core.js').Core} core */
function wakeReady(core) {
    for (let id = core.box.ready(); id !== 0; id = core.box.ready()) core.calls.get(id)?.wake();
}

/** Nothing more to do now: sees to it that something will come. @param {Call} call */
function settle(call) {
    call.at = call.core.at();
    if (call.state === HELD) answerStream(call);
    if (call.attempt !== null && call.attempt.state === HEADED
        && (call.state === NONE || call.wanting)) attemptRead(call.attempt);
    arm(call);
    if (!call.asleep && (call.attempt === null || call.attempt.state === OVER)) sleep(call);
}

/** A promise of the call's own, so that another request's turn can let it go on. @param {Call} call */
function sleep(call) {
    call.asleep = true;
    new Promise((resolve) => { call.wake = () => resolve(undefined); }).then(() => {
        if (call.over) return;
        sleep(call);
        turn(call, null);
    });
}

/** The call has lasted WATCH_MS: from now on the client's leaving is an event, and the request's
 * context lives until the call is over. Both together cost a fifth of a request, and most answers
 * come before anybody could leave. A context that dies before is found by sweep.
 * @param {Call} call */
function watch(call) {
    call.watched = true;
    if (!call.asleep) sleep(call);
    if (call.request === null) return;
    call.ctx.waitUntil(new Promise((resolve) => { call.done = () => resolve(undefined); }));
    const { signal } = call.request;
    if (signal.aborted) onGone(call);
    else signal.addEventListener('abort', () => onGone(call));
}

/** Closes the calls whose timer is long overdue: their context is no more, because the client left
 * before the call was watched, or because the platform ended it. Only the core's part of them may be
 * touched. One that lives after all goes on as one whose instance died. @param {import('./core.js').Core} core @param {number} now */
function sweep(core, now) {
    for (const call of core.calls.values()) {
        if (call.timerAt === 0 || now < call.timerAt + LOST_MS) continue;
        call.lost = true;
        core.calls.delete(call.id);
        core.box.close(call.id, now, Date.now());
    }
}

/* ------------------------------------------------------------------ time */

/** Sees to it that a timer runs that fires at `at` or before: one that is set for an earlier time
 * is left alone, and sets itself again when it fires too early. @param {Call} call */
function arm(call) {
    if (call.timer !== 0) {
        if (call.timerAt <= call.at) return;
        clearTimeout(call.timer);
    }
    const now = monotonic();
    const at = call.watched ? call.at : Math.min(call.at, now + WATCH_MS);
    call.timerAt = at;
    call.timer = /** @type {any} */ (setTimeout(onTimer, Math.max(0, Math.ceil(at - now)), call));
}

/** @param {Call} call */
function onTimer(call) {
    call.timer = 0;
    if (call.over) return;
    if (!call.watched) watch(call);
    if (call.over) return;
    if (call.state !== RAW && isOrphan(call)) orphaned(call);
    else if (monotonic() < call.at) arm(call);
    else if (call.state === RAW) endRaw(call, false);
    else turn(call, feedTick);
}

/** @param {Call} call */
function feedTick(call) {
    return call.core.box.tick(call.id, monotonic(), Date.now());
}

/** The client left. @param {Call} call */
function onGone(call) {
    if (call.state === RAW) leave(call);
    else turn(call, feedGone);
}

/** @param {Call} call */
function feedGone(call) {
    return call.core.box.gone(call.id, monotonic(), Date.now());
}

/* ------------------------------------------------------------------ the request */

/** Opens the call in its instance and feeds the head. @param {Call} call */
function feedHead(call) {
    const { core } = call;
    const now = monotonic();
    const wall = Date.now();
    call.id = core.box.open(now, wall);
    if (call.id === 0) return -1;
    core.calls.set(call.id, call);
    const n = core.write(call.head);
    if (n < 0) return -1;
    const { declared } = call.body;
    return core.box.req_head(call.id, n, declared === Infinity ? -1 : declared, 0, now, wall);
}

/** @param {Call} call */
function onRead(call) {
    call.body.upto = call.core.length(READ_UPTO);
    call.body.show = call.core.length(READ_SHOW);
    bodyRead(call);
}

/** Lets more of the request body in. A body that is not held comes only as fast as an attempt takes
 * it, which asks by itself. @param {Call} call */
export function bodyRead(call) {
    call.body.read()?.then(() => bodyGot(call), () => onGone(call));
}

/** @param {Call} call */
function bodyGot(call) {
    const { body } = call;
    if (isOrphan(call) && !call.over) { orphaned(call); return; }
    if (body.fin && body.told === 0 && call.hub.refused.size > 0 && refusedBefore(call)) return;
    while (!call.over && !isOrphan(call) && (body.told < body.end || body.fin !== body.finTold)) {
        turn(call, feedBody);
    }
    if (call.attempt !== null) attemptMore(call.attempt);
    if (body.upto !== Infinity) bodyRead(call);
}

/** Tells the core of the next piece: bytes that it wants to see are copied in, the rest is only
 * counted. @param {Call} call */
function feedBody(call) {
    const { core, body } = call;
    const off = body.told;
    const shown = off < body.show && off < body.end;
    let n = body.end - off;
    if (shown) {
        const piece = /** @type {Uint8Array} */ (body.at(off, Math.min(PIECE, body.show - off)));
        n = core.copy(piece);
    }
    body.told += n;
    const fin = body.fin && body.told === body.end;
    body.finTold = fin;
    return core.box.req_body(call.id, off, n, fin ? 1 : 0, shown ? 1 : 0, monotonic(), Date.now());
}

/** @param {Call} call */
function onForget(call) {
    const { attempt, body } = call;
    body.forget(call.core.length(FORGET_BELOW), attempt === null ? 0 : attempt.sent);
    if (attempt !== null) attemptMore(attempt);
}

/* ------------------------------------------------------------------ the attempt */

/** @param {Call} call */
function onDrop(call) {
    const { attempt } = call;
    if (attempt !== null && attempt.number === call.core.attempt()) attemptDrop(attempt);
}

/** An attempt's response head. @param {Attempt} attempt @param {number} status @param {string} head
 * @param {number} length */
export function answered(attempt, status, head, length) {
    turn(attempt.call, ({ core, id }) => {
        const n = core.write(head);
        if (n < 0) return -1;
        return core.box.res_head(id, attempt.number, n, status, length === Infinity ? -1 : length,
            monotonic(), Date.now());
    });
}

/** @param {Attempt} attempt @param {number} fail @param {number} sent */
export function failed(attempt, fail, sent) {
    turn(attempt.call, ({ core, id }) => (
        core.box.res_fail(id, attempt.number, fail, sent, monotonic(), Date.now())));
}

/** A chunk of an observed answer, a piece at a time. @param {Attempt} attempt
 * @param {Uint8Array} bytes */
export function chunked(attempt, bytes) {
    const { call } = attempt;
    if (isOrphan(call)) orphaned(call);
    if (call.state === RAW) { enqueue(call, bytes); return; }
    for (let at = 0; at < bytes.length && attempt.state !== OVER; at += PIECE) {
        call.chunk = bytes.length <= PIECE ? bytes : bytes.subarray(at, at + PIECE);
        turn(call, feedChunk);
    }
}

/** @param {Call} call */
function feedChunk(call) {
    const { core, chunk } = call;
    const { number } = /** @type {Attempt} */ (call.attempt);
    return core.box.res_body(call.id, number, core.copy(chunk), monotonic(), Date.now());
}

/** @param {Attempt} attempt @param {number} how enum gw_how */
export function ended(attempt, how) {
    const { call } = attempt;
    if (isOrphan(call)) orphaned(call);
    if (call.state === RAW) { endRaw(call, how === GW_CLEAN); return; }
    turn(call, ({ core, id }) => (
        core.box.res_end(id, attempt.number, how, monotonic(), Date.now())));
}

/* ------------------------------------------------------------------ the answer */

/** @param {Call} call */
function onHead(call) {
    const { core } = call;
    call.status = core.word(HEAD_STATUS);
    call.lines = core.string(HEAD_HEAD);
    call.state = HELD;
}

/** Gives the client its response. @param {Call} call @param {BodyInit | null} body */
function answer(call, body) {
    const { status } = call;
    const headers = headersOf(call.lines);
    const none = status === 204 || status === 205 || status === 304 || call.request?.method === 'HEAD';
    call.state = DONE;
    try {
        call.resolve(new Response(none ? null : body, { status, headers }));
    } catch {
        call.resolve(refusal(502, 'bad_answer', 'the target answered in a way that cannot be passed on'));
    }
}

/** The answer's bytes come later: a stream that holds nothing back. @param {Call} call */
function answerStream(call) {
    const body = new ReadableStream({
        start(controller) { call.controller = controller; },
        pull() { onPull(call); },
        cancel() { onGone(call); },
    }, { highWaterMark: 0 });
    answer(call, body);
    call.state = STREAM;
    const { out } = call;
    call.out = [];
    for (const bytes of out) enqueue(call, bytes);
}

/** The client can take more. @param {Call} call */
function onPull(call) {
    if (call.cut) { call.controller?.error(new Error('the answer was cut')); return; }
    call.wanting = true;
    if (!call.over && isOrphan(call)) orphaned(call);
    if (call.attempt !== null) attemptRead(call.attempt);
}

/** @param {Call} call @param {Uint8Array} bytes */
function enqueue(call, bytes) {
    call.wanting = false;
    call.controller?.enqueue(bytes);
}

/** @param {Call} call */
function onData(call) {
    const { core } = call;
    const count = core.word(DATA_SLICES_N);
    for (let i = 0; i < count; i += 1) {
        const { kind, bytes, off, len } = core.slice(DATA_SLICES, i);
        const whole = kind === GW_CHUNK && len === call.chunk.length;
        const piece = whole ? call.chunk : bytes ?? call.chunk.subarray(off, off + len);
        if (call.state === STREAM) enqueue(call, piece);
        else call.out.push(piece);
    }
}

/** The rest goes to the client unseen. @param {Call} call @param {boolean} report */
function onRelay(call, report) {
    const attempt = /** @type {Attempt} */ (call.attempt);
    const { body } = /** @type {Response} */ (attempt.response);
    attempt.state = RELAYED;
    if (call.request?.method === 'HEAD') keepLength(call, attempt.response);
    if (!report) { answer(call, body); return; }
    if (body === null) {
        answer(call, null);
        queueMicrotask(() => attempt.end(GW_CLEAN));
        return;
    }
    const pipe = new IdentityTransformStream();
    body.pipeTo(pipe.writable).then(() => attempt.end(GW_CLEAN), () => attempt.end(GW_CUT));
    answer(call, pipe.readable);
}

/** The answer to a HEAD says how long a body would be that neither side has.
 * @param {Call} call @param {Response | null} response */
function keepLength(call, response) {
    const length = response?.headers.get('content-length') ?? null;
    if (length !== null) call.lines += `content-length: ${length}\r\n`;
}

/** @param {Call} call */
function onRecord(call) {
    if (call.hub.log) console.log(call.core.string(RECORD_LINE));
}

/** Closes the stream, or breaks it once everything before has been taken.
 * @param {Call} call @param {boolean} clean */
function endStream(call, clean) {
    const { controller } = call;
    call.state = DONE;
    if (controller === null) return;
    if (clean) controller.close();
    else if (call.wanting) controller.error(new Error('the answer was cut'));
    else call.cut = true;
}

/** @param {Call} call @param {boolean} clean */
function endRaw(call, clean) {
    endStream(call, clean);
    leave(call);
}

/** END: the call is over. @param {Call} call @param {number} code */
function finish(call, code) {
    const { core, id } = call;
    core.calls.delete(id);
    call.id = 0;
    core.box.close(id, monotonic(), Date.now());
    leave(call);
    if (call.state === HELD && code === 0) answer(call, concat(call.out));
    else if (call.state === STREAM) endStream(call, code === 0);
    else if (call.state !== DONE) giveUp(call, 'the request was cut short');
}

/** Lets go of everything but a relay under way. @param {Call} call */
function leave(call) {
    const { attempt, body } = call;
    call.over = true;
    if (call.timer !== 0) clearTimeout(call.timer);
    if (attempt === null || attempt.state !== RELAYED) {
        if (attempt !== null) attemptDrop(attempt);
        body.stop();
    } else if (attempt.writer !== null) {
        body.upto = Infinity; // the target answered early and may still take the rest
    }
    call.done();
}

/* ------------------------------------------------------------------ trouble */

/** An answer of the host's own: 500. @param {Call} call @param {string} message */
function giveUp(call, message) {
    if (call.state === STREAM || call.state === RAW) { endStream(call, false); return; }
    if (call.state === DONE) return;
    call.state = DONE;
    call.resolve(refusal(500, 'internal_error', message));
}

/** The core cannot go on with this call: only gw_close is left. @param {Call} call */
function failShort(call) {
    if (call.state === HELD) call.state = NONE;
    if (call.id !== 0) finish(call, 1);
    else leave(call);
    giveUp(call, 'the gateway could not go on with this request');
}

/** The instance threw: nobody is to call it again. Its calls are woken, to go on as far as they can.
 * @param {import('./core.js').Core} core @param {unknown} error */
function bury(core, error) {
    const calls = [...core.calls.values()];
    core.dead = true;
    core.calls.clear();
    console.error(JSON.stringify({
        event: 'trap', generation: core.generation, calls: calls.length, message: String(error),
    }));
    for (const call of calls) call.wake();
}

/** The instance threw: it is dead. This request is answered here, and the same one is refused for a
 * while; every other call goes on as far as it can (orphaned). @param {Call} call
 * @param {unknown} error */
function trapped(call, error) {
    bury(call.core, error);
    if (call.request !== null) call.hub.refuse(digest(call));
    if (!call.over) leave(call);
    if (call.state === STREAM) errorInBand(call);
    giveUp(call, 'the gateway failed on this request and will not take it again for ten minutes');
}

/** Tells the reader of an event stream why it breaks. @param {Call} call */
function errorInBand(call) {
    if (!call.lines.includes('content-type: text/event-stream')) return;
    const message = 'the gateway failed on this answer';
    const error = { message, type: 'server_error', param: null, code: 'internal_error' };
    const text = `data: ${JSON.stringify({ error })}\n\n`;
    enqueue(call, new TextEncoder().encode(text));
}

/** Whether nothing in the core stands for this call any more. @param {Call} call */
function isOrphan(call) {
    return call.lost || call.core.dead;
}

/** A call whose instance died goes on by itself or, if nothing has gone to the client, begins anew.
 * @param {Call} call */
function orphaned(call) {
    const { attempt, body } = call;
    call.id = 0;
    if (call.state === STREAM && attempt !== null && attempt.state === HEADED) {
        call.state = RAW;
        call.at = monotonic() + RAW_MS;
        arm(call);
        if (call.wanting) attemptRead(attempt);
        return;
    }
    if (call.state === RAW || call.over) return;
    if (call.state === DONE || call.state === STREAM || body.base > 0 || call.request === null) {
        leave(call);
        giveUp(call, 'the gateway failed while it served this request; send it again');
        return;
    }
    replay(call);
}

/** @param {Call} call */
function replay(call) {
    const core = call.hub.core();
    if (call.attempt !== null) attemptDrop(call.attempt);
    call.attempt = null;
    call.state = NONE;
    call.out = [];
    call.body.rewind();
    if (core === null) { leave(call); giveUp(call, 'the gateway has no valid configuration'); return; }
    call.core = core;
    call.lost = false;
    turn(call, feedHead);
    if (!call.over && call.body.end > 0) bodyGot(call);
}

/* ------------------------------------------------------------------ beginnings */

/** Serves a request. @param {import('./hub.js').Hub} hub @param {Request} request
 * @param {ExecutionContext} ctx @returns {Promise<Response>} */
export function serve(hub, request, ctx) {
    const core = hub.core();
    if (core === null) {
        return Promise.resolve(refusal(500, 'invalid_configuration',
            'the configuration of this gateway is not valid; its log says why'));
    }
    return new Promise((resolve) => {
        const call = new Call(hub, core, request, ctx);
        call.resolve = resolve;
        readHead(call, request);
        if (hub.refused.size > 0 && refusedBefore(call)) return;
        turn(call, feedHead);
        if (monotonic() >= hub.sweepAt) lookAfter(hub);
        if (monotonic() >= hub.tasksAt) ctx.waitUntil(tasks(hub, ctx));
    });
}

/** Sweeps, when it is time. @param {import('./hub.js').Hub} hub */
function lookAfter(hub) {
    const core = hub.core();
    const now = monotonic();
    hub.sweepAt = now + LOST_MS;
    if (core === null) return;
    try {
        sweep(core, now);
        wakeReady(core);
    } catch (error) {
        bury(core, error);
    }
}

/** Whether a request is refused that made an instance trap before. @param {Call} call */
function refusedBefore(call) {
    if (!call.hub.refuses(digest(call))) return false;
    call.state = DONE;
    call.resolve(refusal(500, 'request_refused',
        'the gateway failed on this request before; it is refused for ten minutes'));
    if (call.id !== 0) failShort(call);
    return true;
}

/** The request's head as text, see wasm/exports.c. @param {Call} call @param {Request} request */
function readHead(call, request) {
    const { url } = request;
    const path = url.indexOf('/', 8);
    let authority = '';
    let length = -1;
    let lines = '';
    request.headers.forEach((value, name) => { // for...of costs four times as much
        if (name === 'host') authority = value;
        else if (name === 'content-length') length = Number(value);
        lines += `${name}:${value}\n`;
    });
    if (length < 0) length = request.body === null ? 0 : Infinity;
    call.head = `${request.method}\n${url.slice(path)}\n${authority}\n${lines}`;
    call.body = new Body(request, length);
}

/** Does the work that is due and that no client asked for. @param {import('./hub.js').Hub} hub
 * @param {ExecutionContext} ctx @returns {Promise<void>} */
export async function tasks(hub, ctx) {
    const core = hub.core();
    if (core === null) return;
    const running = [];
    hub.tasksAt = Infinity; // nobody else asks in the meantime
    for (;;) {
        const id = core.box.task(monotonic(), Date.now());
        if (id === 0) break;
        const call = new Call(hub, core, null, ctx);
        call.id = id;
        core.calls.set(id, call);
        running.push(new Promise((resolve) => { call.done = () => resolve(undefined); }));
        turn(call, null);
        if (core.dead) return;
    }
    hub.tasksAt = monotonic() + core.next();
    await Promise.all(running);
}
