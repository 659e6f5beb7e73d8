/*
 * drive.js: the pump: one call from the client's request to gw_close.
 *
 * What happens becomes an event: it is fed, then actions are polled and carried out until WAIT or
 * END (a turn). Events come from promises that belong to the request, and nobody waits in between,
 * so that one call may have a body, an attempt and a timer under way at once. gw_close is called
 * once: in finish, in sweep (trap.js), or never when the instance is dead, for then nothing is left
 * to close.
 *
 * What belongs to a request may only be touched in its own context. So a call that another one's turn has
 * woken goes on by a timer of its own (due). A promise would not do: when many clients leave at once, one
 * that another context resolves sometimes goes on in that other context, and its fetches end with that.
 *
 * The client's leaving. The runtime ends the context of a request whose client left: its promises never
 * go on, and its fetches are closed. In its first WATCH_MS a call leaves it at that, and the core's part of
 * it is swept up later (sweep). From then on it is watched: ctx.waitUntil keeps the context, and the signal
 * feeds GONE. For a short request the two would cost a tenth. Neither is sure: if the client left while the
 * isolate stood still, the context may end nevertheless, and silently. So every call looks around once in
 * BEAT_MS, and one that has missed its time is swept up.
 */
import {
    DATA_SLICES, DATA_SLICES_N, END_CODE, FORGET_BELOW, GW_ASK, GW_CHUNK, GW_CLEAN, GW_CUT, GW_DATA,
    GW_DROP, GW_END, GW_FORGET, GW_HEAD, GW_READ, GW_RECORD, GW_RELAY, GW_SEND,
    GW_WAIT, HEAD_HEAD, HEAD_STATUS, READ_AGAIN, READ_FROM, READ_SHOW, READ_UPTO, RECORD_LINE, RELAY_REPORT,
    RELAY_SHOW,
} from '../build/offsets.js';
import { askPut } from './ask.js';
import { DONE, HELD, NAP_MS, NONE, RAW, STREAM, WHOLE } from './call.js';
import { clientAnswer, clientEnd, clientFail, clientPut, clientStream } from './client.js';
import { monotonic, PIECE } from './core.js';
import { bury, isOrphan, orphaned, refusedBefore, sweep, trapped } from './trap.js';
import {
    HEADED, OVER, RELAYED, upstreamDrop, upstreamMore, upstreamRead, upstreamSend, WAITING,
} from './upstream.js';

/** @typedef {import('./call.js').Call} Call */
/** @typedef {import('./upstream.js').Attempt} Attempt */
/** @typedef {import('./core.js').Core} Core */
/** @typedef {import('./hub.js').Hub} Hub */

/** How long a call may last before it is watched; how often it looks around from then on. */
const WATCH_MS = 250;
const BEAT_MS = 1000;
/** How long one that waits without I/O naps before it looks whether it has been woken: longer and
 * longer, so that it is late by an eighth of what it has waited; at most so long, and a millisecond more for
 * each call that there is. While it naps a node may stand idle. */
const NAP_MORE = 9 / 8;
const NAP_MOST_MS = 24;
const NAP_MAX_MS = 128;
/** How often lost calls are looked for. */
const SWEEP_MS = 1000;
/** A tick is put off while the client does not read: so long at a time, so often at most. */
const FULL_AGAIN_MS = 1000;

/** An answer that is shown, and no larger, is taken whole: reading it in pieces costs half as much as the
 * request. */
const SMALL = 65536;

/** Room for a chunk spares each of them a wait for its reader: a tenth of what it costs. */
const PIPE = { highWaterMark: 16384 };

/* ------------------------------------------------------------------ turns */

/** Feeds one event, then carries out all that follows from it.
 * @param {Call} call @param {((call: Call) => number) | null} event null: only polls */
function feed(call, event) {
    const { core } = call;
    if (call.over) return;
    if (isOrphan(call)) {
        orphaned(call);
        return;
    }
    core.clock();
    try {
        if (event !== null && event(call) < 0) giveUp(call);
        else pump(call);
        wakeReady(core);
        if (core.box.has_news() !== 0) call.hub.state.write(core.sync(0, ''), call.ctx);
    } catch (error) {
        trapped(call, error);
    }
}

/** Goes on with a call that nothing has happened to. @param {Call} call */
export function drivePoll(call) {
    feed(call, null);
}

/** Polls until WAIT or END. @param {Call} call */
function pump(call) {
    const { core } = call;
    for (;;) {
        switch (core.poll(call.id)) {
            case GW_WAIT: actWait(call); return;
            case GW_READ: actRead(call); break;
            case GW_SEND: actSend(call); break;
            case GW_FORGET: actForget(call); break;
            case GW_DROP: actDrop(call); break;
            case GW_HEAD: actHead(call); break;
            case GW_DATA: actData(call); break;
            case GW_RELAY: actRelay(call, core.word(RELAY_REPORT) === 1, core.length(RELAY_SHOW)); break;
            case GW_ASK: actAsk(call); break;
            case GW_RECORD: console.log(core.string(RECORD_LINE)); break;
            case GW_END: finish(call, core.word(END_CODE) === 0); return;
            default: throw new Error('an action that this host does not know');
        }
    }
}

/** Lets the calls go on that this turn has woken. @param {Core} core */
function wakeReady(core) {
    for (let id = core.box.ready(); id !== 0; id = core.box.ready()) {
        const call = core.calls.get(id);
        if (call !== undefined) call.woken = true;
    }
}

/** Work on the instance that is no call's own. @param {Core} core @param {() => void} work */
export function driveGuard(core, work) {
    core.clock();
    try {
        work();
        wakeReady(core);
    } catch (error) {
        bury(core, error);
    }
}

/** END: the call is over. @param {Call} call @param {boolean} whole */
function finish(call, whole) {
    const { core, id } = call;
    core.calls.delete(id);
    call.id = 0;
    core.box.close(id, core.mono, core.wall);
    leave(call);
    clientEnd(call, whole);
    if (call.state !== DONE) clientFail(call, 'the request was cut short');
}

/** The core cannot go on with this call: only gw_close is left. @param {Call} call */
function giveUp(call) {
    if (call.id !== 0) finish(call, false);
    leave(call);
    clientFail(call, 'the gateway could not go on with this request');
}

/** Lets go of everything but a relay under way. @param {Call} call */
export function leave(call) {
    const { attempt, body } = call;
    if (call.over) return;
    call.over = true;
    if (call.timer !== 0) clearTimeout(call.timer);
    if (call.beside !== null) upstreamDrop(call.beside);
    if (attempt !== null && attempt.state === RELAYED) {
        body.upto = Infinity; // a target that answered early may still take the rest
    } else {
        if (attempt !== null) upstreamDrop(attempt);
        body.stop();
    }
    call.done();
}

/* ------------------------------------------------------------------ time */

/** Nothing more to do now: sees to it that something will come. @param {Call} call */
function actWait(call) {
    const { core } = call;
    if (call.state === HELD) clientStream(call);
    if (call.beside !== null) onlyLive(call);
    if (call.state === NONE || call.wanting) readMore(call);
    call.woken = false;
    if (!isIdle(call)) call.nap = NAP_MS;
    arm(call, core.at() - core.mono);
}

/** Reads on in what is observed. @param {Call} call */
function readMore({ attempt, beside }) {
    if (attempt !== null) upstreamRead(attempt);
    if (beside !== null) upstreamRead(beside);
}

/** Of two attempts, the one that the action at hand is of is the call's; the other will be dropped.
 * @param {Call} call */
function onlyServing(call) {
    const { attempt, beside, core } = call;
    if (beside === null || beside.number !== core.attempt()) return;
    call.attempt = beside;
    call.beside = attempt;
}

/** Of two attempts, one may be over. @param {Call} call */
function onlyLive(call) {
    const { attempt, beside } = call;
    if (attempt === null || attempt.state === OVER) call.attempt = beside;
    else if (/** @type {Attempt} */ (beside).state !== OVER) return;
    call.beside = null;
}

/** Whether nothing but a timer or another call can let this one go on. @param {Call} call */
function isIdle({ asks, attempt, body }) {
    return !body.reading && asks === 0 && (attempt === null || attempt.state === OVER);
}

/** Sees to it that the call ticks in `wait` ms. A timer that is set for an earlier time is left
 * alone: when it fires, it is set again. @param {Call} call @param {number} wait */
export function arm(call, wait) {
    const now = monotonic();
    call.at = now + wait;
    if (call.watchAt === 0) call.watchAt = now + WATCH_MS - 1; // a timer may come a little early
    const look = call.watched ? BEAT_MS : WATCH_MS;
    const early = Math.min(wait, isIdle(call) ? call.nap : look);
    if (call.timer !== 0) {
        if (call.timerAt <= now + early) return;
        clearTimeout(call.timer);
    }
    call.timerAt = now + early;
    const ms = Math.max(0, Math.ceil(early));
    call.timer = /** @type {any} */ (setTimeout(due, ms, call));
}

/** @param {Call} call */
function due(call) {
    const { hub } = call;
    call.timer = 0;
    if (call.over) return;
    if (!call.watched && monotonic() >= call.watchAt) watch(call);
    driveLookAfter(hub);
    if (call.over) return;
    if (call.woken) {
        feed(call, null);
        return;
    }
    call.nap = Math.min(call.nap * NAP_MORE, NAP_MOST_MS + call.core.calls.size, NAP_MAX_MS);
    const wait = call.at - monotonic();
    if (wait <= 0 && call.state === STREAM && !call.wanting && call.patience > 0) {
        call.patience -= 1; // the client does not take its answer: that is no silence of the node's
        arm(call, FULL_AGAIN_MS);
        return;
    }
    if (call.state !== RAW && (wait <= 0 || isOrphan(call))) feed(call, tick);
    else if (wait > 0) arm(call, wait);
    else endRaw(call, false);
}

/** @param {Call} call */
function tick({ body, core, id }) {
    return core.box.tick(id, body.state(), core.mono, core.wall);
}

/** From now on the client's leaving is an event. @param {Call} call */
function watch(call) {
    call.watched = true;
    if (call.request === null) return;
    call.ctx.waitUntil(new Promise((resolve) => { call.done = () => resolve(undefined); }));
    const { signal } = call.request;
    if (signal.aborted) driveGone(call);
    else signal.addEventListener('abort', () => driveGone(call));
}

/** Looks for lost calls, when it is time. @param {Hub} hub */
export function driveLookAfter(hub) {
    const core = hub.instance;
    const now = monotonic();
    if (core === null || core.dead || now < hub.sweepAt) return;
    hub.sweepAt = now + SWEEP_MS;
    driveGuard(core, () => sweep(core));
}

/* ------------------------------------------------------------------ the request */

/** Opens the call and feeds its head. @param {Call} call */
export function driveStart(call) {
    feed(call, ({ core, body }) => {
        call.id = core.box.open(core.mono, core.wall);
        if (call.id === 0) return -1;
        core.calls.set(call.id, call);
        const n = core.write(call.head);
        const declared = body.declared === Infinity ? -1 : body.declared;
        return n < 0 ? -1 : core.box.req_head(call.id, n, declared, 0, core.mono, core.wall);
    });
}

/** @param {Call} call */
function actRead(call) {
    const { body, core } = call;
    body.upto = core.length(READ_UPTO);
    body.show = core.length(READ_SHOW);
    if (core.word(READ_AGAIN) === 1) body.again(core.length(READ_FROM));
    driveReadBody(call);
    // A read may have brought more than was let in, and even the end.
    if (body.untold() && !body.telling) Promise.resolve().then(() => driveBodyCame(call));
}

/** Lets more of the request body in. @param {Call} call */
export function driveReadBody(call) {
    call.body.read()?.then(() => driveBodyCame(call), () => driveGone(call));
}

/** More of it is there. A body that is not held is read on only when its attempt has taken this.
 * @param {Call} call */
export function driveBodyCame(call) {
    const { body } = call;
    if (!call.over && isOrphan(call)) {
        orphaned(call);
        return;
    }
    if (body.fin && body.told === 0 && !call.over && refusedBefore(call)) {
        giveUp(call);
        return;
    }
    body.telling = true;
    while (!call.over && !isOrphan(call) && body.untold()) feed(call, tellBody);
    body.telling = false;
    if (call.attempt !== null) upstreamMore(call.attempt);
    if (body.upto !== Infinity) driveReadBody(call);
}

/** Tells the core of the next piece: bytes that it wants to see are copied in, the rest is only
 * counted. @param {Call} call */
function tellBody({ core, body, id }) {
    const off = body.told;
    let n = Math.min(body.end, body.upto) - off;
    const shown = off < body.show && n > 0;
    if (shown) {
        const max = Math.min(PIECE, n, body.show - off);
        n = core.copy(/** @type {Uint8Array} */ (body.at(off, max)));
    }
    body.told += n;
    body.finTold = body.fin && body.told === body.end;
    return core.box.req_body(id, off, n, body.finTold ? 1 : 0, shown ? 1 : 0, core.mono, core.wall);
}

/** @param {Call} call */
function actForget(call) {
    const { attempt, body, core } = call;
    const sent = attempt === null || attempt.state === WAITING ? 0 : attempt.sent;
    body.forget(core.length(FORGET_BELOW), sent);
    if (attempt !== null) upstreamMore(attempt);
}

/** The client left. @param {Call} call */
export function driveGone(call) {
    if (call.state === RAW) leave(call);
    else feed(call, ({ core, id }) => core.box.gone(id, core.mono, core.wall));
}

/** The client can take more of its stream. @param {Call} call */
export function drivePulled(call) {
    if (!call.over && isOrphan(call)) orphaned(call);
    readMore(call);
}

/* ------------------------------------------------------------------ attempts */

/** @param {Call} call */
function actSend(call) {
    const { attempt } = call;
    if (attempt !== null && attempt.state !== OVER) call.beside = attempt;
    call.attempt = upstreamSend(call);
}

/** @param {Call} call */
function actDrop(call) {
    const { attempt, beside, core } = call;
    const number = core.attempt();
    if (attempt !== null && attempt.number === number) upstreamDrop(attempt);
    if (beside !== null && beside.number === number) upstreamDrop(beside);
    if (beside !== null) onlyLive(call);
}

/** @param {Attempt} attempt @param {number} status @param {string} head @param {number} length
 * Infinity: not declared */
export function driveResHead(attempt, status, head, length) {
    feed(attempt.call, ({ core, id }) => {
        const n = core.write(head);
        const declared = length === Infinity ? -1 : length;
        return n < 0 ? -1
            : core.box.res_head(id, attempt.number, n, status, declared, core.mono, core.wall);
    });
}

/** A chunk of an observed answer, a piece at a time; or of one that is relayed, as far as it is shown, when
 * the client has it. @param {Attempt} attempt @param {Uint8Array} bytes */
export function driveResBody(attempt, bytes) {
    const { call } = attempt;
    if (!call.over && isOrphan(call)) orphaned(call);
    if (call.state === RAW) {
        clientPut(call, bytes);
        return;
    }
    const { passes } = attempt;
    const length = passes ? Math.min(bytes.length, attempt.show) : bytes.length;
    if (passes) {
        clientPut(call, bytes);
        attempt.show -= length;
    }
    for (let at = 0; at < length && attempt.state !== OVER; at += PIECE) {
        call.chunk = bytes.length <= PIECE ? bytes : bytes.subarray(at, at + PIECE);
        call.passed = passes;
        call.source = attempt;
        feed(call, chunk);
    }
}

/** @param {Call} call */
function chunk(call) {
    const { core, id } = call;
    const { number } = /** @type {Attempt} */ (call.source);
    return core.box.res_body(id, number, core.copy(call.chunk), core.mono, core.wall);
}

/** @param {Attempt} attempt @param {number} how enum gw_how */
export function driveResEnd(attempt, how) {
    const { call } = attempt;
    if (!call.over && isOrphan(call)) orphaned(call);
    if (call.state === RAW || (call.state === WHOLE && isOrphan(call))) endRaw(call, how === GW_CLEAN);
    else {
        feed(call, ({ core, id }) => (
            core.box.res_end(id, attempt.number, how, core.mono, core.wall)));
    }
}

/** @param {Attempt} attempt @param {number} fail enum gw_fail @param {number} sent enum gw_sent */
export function driveResFail(attempt, fail, sent) {
    feed(attempt.call, ({ core, id }) => (
        core.box.res_fail(id, attempt.number, fail, sent, core.mono, core.wall)));
}

/** @param {Call} call @param {boolean} whole */
function endRaw(call, whole) {
    leave(call);
    clientEnd(call, whole);
    if (call.state === WHOLE) clientFail(call, 'the answer was cut');
}

/* ------------------------------------------------------------------ questions */

/** @param {Call} call */
function actAsk(call) {
    call.asks += 1;
    askPut(call, (id, { status, bytes }) => {
        call.asks -= 1;
        feed(call, ({ core, id: number }) => {
            const n = typeof bytes === 'string' ? core.write(bytes) : core.copy(bytes);
            return n < 0 ? -1 : core.box.answer(number, id, status, n, core.mono, core.wall);
        });
    });
}

/* ------------------------------------------------------------------ the answer */

/** @param {Call} call */
function actHead(call) {
    const { core } = call;
    call.status = core.word(HEAD_STATUS);
    call.lines = core.string(HEAD_HEAD);
    call.state = HELD;
}

/** @param {Call} call */
function actData(call) {
    const { core } = call;
    const count = core.word(DATA_SLICES_N);
    for (let i = 0; i < count; i += 1) {
        const { kind, bytes, off, len } = core.slice(DATA_SLICES, i);
        const whole = kind === GW_CHUNK && len === call.chunk.length;
        if (whole) call.passed = true;
        clientPut(call, whole ? call.chunk : bytes ?? call.chunk.subarray(off, off + len));
    }
}

/** The rest goes to the client as it comes. The end of a body that fetch() gives to a Response stays
 * unknown; one that is to be reported goes through a pipe, native as well, whose promise tells. One that
 * is to be shown is read as those that are observed are.
 * @param {Call} call @param {boolean} report @param {number} show */
function actRelay(call, report, show) {
    if (call.beside !== null) onlyServing(call);
    const attempt = /** @type {Attempt} */ (call.attempt);
    const { body, headers } = /** @type {Response} */ (attempt.response);
    const length = call.request?.method === 'HEAD' ? headers.get('content-length') : null;
    if (length !== null) call.lines += `content-length: ${length}\r\n`; // of a body neither has
    if (show > 0 && body !== null) {
        attempt.passes = call.passed = true;
        attempt.show = show;
        call.length = Number(headers.get('content-length') ?? 0);
        if (call.length > 0 && call.length <= SMALL) takeWhole(call, attempt);
        return;
    }
    attempt.state = RELAYED;
    if (!report || body === null) {
        clientAnswer(call, body);
        if (report) queueMicrotask(() => attempt.end(GW_CLEAN));
        return;
    }
    const pipe = new IdentityTransformStream(PIPE);
    attempt.control ??= new AbortController();
    const { signal } = attempt.control;
    const piped = body.pipeTo(pipe.writable, { signal });
    piped.then(() => attempt.end(GW_CLEAN), () => attempt.end(GW_CUT));
    clientAnswer(call, pipe.readable);
}

/** @param {Call} call @param {Attempt} attempt */
function takeWhole(call, attempt) {
    call.state = WHOLE;
    /** @type {Response} */ (attempt.response).arrayBuffer().then((buffer) => {
        if (attempt.state === OVER) return;
        driveResBody(attempt, new Uint8Array(buffer));
        attempt.end(GW_CLEAN);
    }, () => attempt.end(GW_CUT));
}
