/*
 * trap.js: what happens when an instance throws, and to calls that nobody looks after any more.
 *
 * WebAssembly.RuntimeError or RangeError, or anything else thrown while an event is carried out:
 * the instance's memory is in an unknown state, so nobody calls it again, and the hub makes the
 * next one before it is needed.
 *
 *     the call that                      goes on as
 *     trapped it                         500 or an error in its stream; refused for ten minutes
 *     is relayed                         it is: nothing of it is in the core
 *     is observed, and its last chunk    a raw pipe: chunks pass unseen
 *     has gone out as it came; or is
 *     shown
 *     is observed, and the core held     an error in its stream
 *     some of it back
 *     has no head, its body all held     a new call in the new instance
 *     has no head, and no body any more  500
 */
import { DONE, NONE, RAW, STREAM, WHOLE } from './call.js';
import { clientFail } from './client.js';
import { arm, driveBodyCame, driveStart, leave } from './drive.js';
import { digest, refusal } from './refuse.js';
import { HEADED, upstreamDrop, upstreamRead } from './upstream.js';

/** @typedef {import('./call.js').Call} Call */
/** @typedef {import('./core.js').Core} Core */

/** How long a stream may go on that nobody looks after. */
const RAW_MS = 600_000;
/** How late a call's timer must be for the call to be taken for lost. */
const LOST_MS = 1000;

/** The call's turn threw. @param {Call} call @param {unknown} error */
export function trapped(call, error) {
    bury(call.core, error);
    if (call.request !== null) call.hub.refuse(digest(call));
    leave(call);
    clientFail(call, 'the gateway failed on this request; it is refused for ten minutes');
}

/** Nobody is to call the instance again. Its calls go on as they can when they next look around.
 * @param {Core} core @param {unknown} error */
export function bury(core, error) {
    const calls = core.calls.size;
    core.dead = true;
    core.calls.clear();
    console.error(JSON.stringify({
        event: 'trap', generation: core.generation, calls, message: String(error),
    }));
}

/** Whether a request is refused that made an instance trap before: then it is answered.
 * @param {Call} call */
export function refusedBefore(call) {
    if (call.hub.refused.size === 0 || !call.hub.refuses(digest(call))) return false;
    call.state = DONE;
    call.resolve(refusal(call.hub, /** @type {Request} */ (call.request).url, 500, 'request_refused',
        'the gateway failed on this request before; it is refused for ten minutes'));
    return true;
}

/** Whether nothing in the core stands for this call any more. @param {Call} call */
export function isOrphan(call) {
    return call.lost || call.core.dead;
}

/** Lets an orphan go on, in its own context. @param {Call} call */
export function orphaned(call) {
    const { attempt, body, state } = call;
    if (call.over || state === RAW || state === WHOLE) return; // they need no core
    call.id = 0;
    if (state === STREAM && attempt !== null && attempt.state === HEADED && call.passed) {
        call.state = RAW;
        arm(call, RAW_MS);
        if (call.wanting) upstreamRead(attempt);
    } else if (state === DONE || state === STREAM || body.base > 0 || call.request === null) {
        leave(call);
        clientFail(call, 'the gateway failed while it served this request; send it again');
    } else {
        replay(call);
    }
}

/** Begins anew. @param {Call} call */
function replay(call) {
    const core = call.hub.core();
    if (call.attempt !== null) upstreamDrop(call.attempt);
    if (call.beside !== null) upstreamDrop(call.beside);
    if (core === null) {
        leave(call);
        clientFail(call, 'the gateway has no valid configuration');
        return;
    }
    call.attempt = null;
    call.beside = null;
    call.state = NONE;
    call.out = [];
    call.body.rewind();
    call.core = core;
    call.lost = false;
    driveStart(call);
    if (!call.over && call.body.end > 0) driveBodyCame(call);
}

/** Closes the calls whose timer is long overdue: their context is no more, because the client left
 * before the call was watched, or because the platform ended it. Only the core's part of them may
 * be touched from here. One that lives after all goes on as an orphan. When the whole isolate has
 * stood still all timers are overdue, and are about to fire: so the second sweep that finds the same
 * one overdue closes it. @param {Core} core */
export function sweep(core) {
    for (const call of core.calls.values()) {
        if (call.timer === 0 || core.mono < call.timerAt + LOST_MS) continue;
        if (call.missed !== call.timerAt) {
            call.missed = call.timerAt;
            continue;
        }
        call.lost = true;
        core.calls.delete(call.id);
        core.box.close(call.id, core.mono, core.wall);
    }
}
