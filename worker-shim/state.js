/*
 * state.js: what outlives an isolate: the breakers' frames of gw_sync in Workers KV. The twin of
 * src/native/process/state.c.
 *
 * One key for each target, "breaker:node-3", written when its breaker opens or closes and never else;
 * the value is the frame, which says until when it is open, so that nobody need write when that is over.
 * All keys are read at once, at most every READ_MS, beside the requests and not before them; only
 * the first request of an isolate waits for it, at most FIRST_MS. Breakers fail open: whatever KV does
 * (down, slow, stale, 429), requests go on, and one line in a minute says so. Leases of nodes are in
 * the registry (registry.js).
 *
 * A promise is waited for by the request that made it alone: others may not, and go ahead.
 */
import { GW_SHOW_TARGETS } from '../build/offsets.js';
import { monotonic } from './core.js';

/** @typedef {import('./core.js').Core} Core */

const READ_MS = 30_000;
const FIRST_MS = 150;
const COMPLAIN_MS = 60_000;
const KEEP_S = 3600;
const KEYS_MAX = 100; // of a bulk read

export class State {
    /** @param {KVNamespace | null} kv the binding STATE, if there is one */
    constructor(kv) {
        this.kv = kv;
        /** When KV is to be read again; 0: it has never been. */
        this.readAt = 0;
        this.complainAt = 0;
        /** The newest frames, for an instance that takes the place of one that has trapped.
         * @type {Map<string, string>} */
        this.frames = new Map();
    }

    /** Whether nothing has been read yet. */
    isNew() {
        return this.kv !== null && this.readAt === 0;
    }

    /** What the first request of an isolate waits for. @param {Core} core
     * @param {(frames: string) => void} take @param {ExecutionContext} ctx
     * @returns {Promise<unknown>} */
    first(core, take, ctx) {
        const read = this.read(core, take, ctx);
        return Promise.race([read, new Promise((resolve) => { setTimeout(resolve, FIRST_MS); })]);
    }

    /** Whether it is time to read again. The first reading is the first request's that waits for it: else
     * one that does not (/health) would begin it, and the next one go ahead without. */
    isDue() {
        return this.kv !== null && this.readAt > 0 && monotonic() >= this.readAt;
    }

    /** @param {Core} core @param {(frames: string) => void} take @param {ExecutionContext} ctx */
    read(core, take, ctx) {
        this.readAt = monotonic() + READ_MS;
        const kv = /** @type {KVNamespace} */ (this.kv);
        const names = core.show(GW_SHOW_TARGETS).split('\n').filter((name) => name !== '');
        const keys = names.map((name) => `breaker:${name}`).slice(0, KEYS_MAX);
        const read = kv.get(keys, { type: 'text', cacheTtl: READ_MS / 1000 }).then((values) => {
            let frames = '';
            for (const [key, line] of values) {
                if (line === null) continue;
                this.frames.set(key, line);
                frames += `${line}\n`;
            }
            if (frames !== '') take(frames);
        }).catch((error) => this.complain('read', error));
        ctx.waitUntil(read);
        return read;
    }

    /** What has changed here. @param {string} frames @param {ExecutionContext} ctx */
    write(frames, ctx) {
        for (const line of frames.split('\n')) {
            if (!line.startsWith('breaker ')) continue;
            const key = `breaker:${line.split(' ', 2)[1]}`;
            this.frames.set(key, line);
            if (this.kv === null) continue;
            const put = this.kv.put(key, line, { expirationTtl: KEEP_S });
            ctx.waitUntil(put.catch((error) => this.complain('written', error)));
        }
    }

    /** All that is known, for a new instance. */
    known() {
        return [...this.frames.values()].map((line) => `${line}\n`).join('');
    }

    /** @param {string} done @param {unknown} error */
    complain(done, error) {
        if (monotonic() < this.complainAt) return;
        this.complainAt = monotonic() + COMPLAIN_MS;
        const why = error instanceof Error ? error.message : String(error);
        console.warn(JSON.stringify({ event: 'state', message: `KV cannot be ${done}: ${why}` }));
    }
}
