/*
 * serve.js: where a reader begins: a client's request becomes a call, and so does work that no client
 * asked for. From there on drive.js pumps it.
 */
import { GW_FRAMES_BREAKERS } from '../build/offsets.js';
import { Call } from './call.js';
import { clientHead } from './client.js';
import { monotonic } from './core.js';
import { driveGuard, driveLookAfter, drivePoll, driveStart } from './drive.js';
import { refusal } from './refuse.js';
import { refusedBefore } from './trap.js';

/** @typedef {import('./hub.js').Hub} Hub */

/** Serves a request. @param {Hub} hub @param {Request} request @param {ExecutionContext} ctx
 * @returns {Promise<Response>} */
export function serve(hub, request, ctx) {
    const core = hub.core();
    if (core === null) {
        return Promise.resolve(refusal(hub, request.url, 500, 'invalid_configuration',
            'the configuration of this gateway is not valid; its log says why'));
    }
    if (hub.state.isNew() && !request.url.endsWith('/health')) {
        const first = hub.state.first(core, (frames) => take(hub, frames, ctx), ctx);
        return first.then(() => serve(hub, request, ctx));
    }
    return new Promise((resolve) => {
        const call = new Call(hub, core, request, ctx);
        call.resolve = resolve;
        clientHead(call, request);
        if (refusedBefore(call)) return;
        driveStart(call);
        driveLookAfter(hub);
        if (hub.state.isDue()) void hub.state.read(core, (frames) => take(hub, frames, ctx), ctx);
        if (monotonic() >= hub.tasksAt) ctx.waitUntil(serveTasks(hub, ctx));
    });
}

/** What other isolates have seen: whoever can write to KV tells of breakers, and of nothing else.
 * @param {Hub} hub @param {string} frames @param {ExecutionContext} ctx */
function take(hub, frames, ctx) {
    const core = hub.core();
    if (core !== null) driveGuard(core, () => hub.state.write(core.sync(GW_FRAMES_BREAKERS, frames), ctx));
}

/** Does the work that is due and that no client asked for. @param {Hub} hub
 * @param {ExecutionContext} ctx @returns {Promise<unknown>} */
export function serveTasks(hub, ctx) {
    const core = hub.core();
    /** @type {Promise<void>[]} */
    const running = [];
    if (core === null) return Promise.resolve();
    /** @type {Call[]} */
    const calls = [];
    driveGuard(core, () => {
        for (let id = core.box.task(core.mono, core.wall); id !== 0;) {
            const call = new Call(hub, core, null, ctx);
            call.id = id;
            core.calls.set(id, call);
            calls.push(call);
            id = core.box.task(core.mono, core.wall);
        }
        hub.tasksAt = core.mono + core.next();
    });
    for (const call of calls) {
        running.push(new Promise((resolve) => { call.done = () => resolve(undefined); }));
        drivePoll(call);
    }
    return Promise.all(running);
}
