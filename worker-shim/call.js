/*
 * call.js: one call: what its parts (drive.js, client.js, upstream.js, trap.js) know of it together.
 * It does nothing by itself and knows none of them.
 *
 *     state      the answer                                          ends
 *     NONE       no HEAD yet
 *     HELD       HEAD came; what follows it in the same turn decides
 *     WHOLE      RELAY followed, which is shown, and is small        with END
 *     STREAM     WAIT followed: a stream that DATA feeds             with END
 *     RAW        STREAM, and the instance died: chunks pass unseen   by itself
 *     DONE       END or RELAY followed, or a STREAM has ended: nothing is left to do here
 */
import { Body } from './body.js';

/** @typedef {import('./upstream.js').Attempt} Attempt */
/** @typedef {import('./core.js').Core} Core */
/** @typedef {import('./hub.js').Hub} Hub */

export const NONE = 0;
export const HELD = 1;
export const STREAM = 2;
export const RAW = 3;
export const DONE = 4;
export const WHOLE = 5;

/** How long one that waits without I/O naps at first before it looks whether it has been woken. */
export const NAP_MS = 8;
/** How often a tick is put off at most because the client does not read. */
const PATIENCE = 600;

/** @type {Uint8Array} */
const EMPTY = new Uint8Array(0);

export class Call {
    /** @param {Hub} hub @param {Core} core @param {Request | null} request null: work that no
     * client asked for @param {ExecutionContext} ctx */
    constructor(hub, core, request, ctx) {
        this.hub = hub;
        this.core = core;
        this.request = request;
        this.ctx = ctx;
        /** The call within the instance; 0 when it is closed there. */
        this.id = 0;
        this.over = false;
        /** Closed by sweep, and yet alive. */
        this.lost = false;
        this.head = '';
        this.body = new Body(request, 0);
        /** @type {Attempt | null} */
        this.attempt = null;
        /** Another one that goes on beside it: an older one, which is late. @type {Attempt | null} */
        this.beside = null;
        /** Whose chunk is being fed. @type {Attempt | null} */
        this.source = null;
        /** How many questions of the core wait for their answers. */
        this.asks = 0;
        /** The chunk of the answer that is being fed, and whether the client has got all of it. */
        this.chunk = EMPTY;
        this.passed = false;

        /** When to tick; and the timer that runs, and for when it is set. */
        this.at = 0;
        this.timer = 0;
        this.timerAt = 0;
        /** The timerAt that a sweep has found overdue. */
        this.missed = 0;
        this.watched = false;
        /** When it will be. */
        this.watchAt = 0;
        /** Another call's turn has woken it. */
        this.woken = false;
        this.nap = NAP_MS;
        /** Ends what ctx.waitUntil waits for. */
        this.done = ignore;

        /** What follows is client.js's. */
        this.state = NONE;
        /** @type {(response: Response) => void} */
        this.resolve = ignore;
        this.status = 0;
        /** The head block of the answer. */
        this.lines = '';
        /** How long its stream will be; 0: it does not say. */
        this.length = 0;
        /** DATA that has no stream to go to yet. @type {Uint8Array[]} */
        this.out = [];
        /** @type {ReadableStreamDefaultController<Uint8Array> | null} */
        this.controller = null;
        /** The client has asked for more than it got. */
        this.wanting = false;
        /** How often a tick may still be put off because the client does not read. */
        this.patience = PATIENCE;
        /** The stream is to break when all that was put has been taken. */
        this.cut = false;
    }
}

function ignore() {}
