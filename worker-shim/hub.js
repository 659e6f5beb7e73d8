/*
 * hub.js: what all requests of an isolate share: the instance of the core, what it is made from,
 * and the digests of requests that have made one trap.
 *
 * The environment is every string binding. It and the file cannot change while an isolate lives, so
 * a configuration that is refused stays refused: each request is told so, the log why.
 */
import module from '../build/core.wasm';
import file from '../config/gateway.json';
import { GW_SHOW_LIMITS, GW_SHOW_MISSING } from '../build/offsets.js';
import { Core, monotonic } from './core.js';

const REFUSED_MS = 600_000;
const REFUSED_MAX = 1024;

export class Hub {
    /** @param {Record<string, unknown>} env */
    constructor(env) {
        this.env = environment(env);
        this.generation = 0;
        /** @type {Core | null} */
        this.instance = null;
        this.invalid = false;
        /** When gw_task is to be asked again; at once in a new instance. */
        this.tasksAt = 0;
        /** When calls that were lost are to be looked for again. */
        this.sweepAt = 0;
        this.log = false;
        /** Digests of requests, and until when they are refused. @type {Map<string, number>} */
        this.refused = new Map();
    }

    /** A living instance, or null if the configuration is not valid. */
    core() {
        if (this.instance !== null && !this.instance.dead) return this.instance;
        if (this.invalid) return null;
        this.generation += 1;
        const core = new Core(module, this.generation);
        const why = core.start(this.env, /** @type {any} */ (file));
        if (why !== null) {
            this.invalid = true;
            console.error(JSON.stringify({ event: 'configuration', message: why }));
            return null;
        }
        this.tasksAt = 0;
        this.limits(core.show(GW_SHOW_LIMITS));
        if (this.generation === 1) warn(core.show(GW_SHOW_MISSING));
        this.instance = core;
        return core;
    }

    /** @param {string} text lines "name value" */
    limits(text) {
        /** @type {Record<string, number>} */
        const limits = {};
        for (const line of text.split('\n')) {
            const [name, value] = line.split(' ');
            limits[name] = Number(value);
        }
        this.log = limits.log_requests === 1;
    }

    /** Refuses requests of this digest from now on. @param {string} digest */
    refuse(digest) {
        if (this.refused.size >= REFUSED_MAX) {
            const [oldest] = this.refused.keys();
            this.refused.delete(oldest);
        }
        this.refused.set(digest, monotonic() + REFUSED_MS);
    }

    /** @param {string} digest */
    refuses(digest) {
        const until = this.refused.get(digest);
        if (until === undefined) return false;
        if (monotonic() < until) return true;
        this.refused.delete(digest);
        return false;
    }
}

/** @param {string} missing */
function warn(missing) {
    if (missing !== '') console.warn(JSON.stringify({ event: 'incomplete', message: missing }));
}

/** "NAME=value" records, each ended by a NUL byte. @param {Record<string, unknown>} env */
function environment(env) {
    let text = '';
    for (const [name, value] of Object.entries(env)) {
        if (typeof value === 'string' && !value.includes('\0')) text += `${name}=${value}\0`;
    }
    return text;
}

/** @type {Hub | null} */
let shared = null;

/** The isolate's hub. @param {Record<string, unknown>} env */
export function hubOf(env) {
    if (shared === null) shared = new Hub(env);
    return shared;
}
