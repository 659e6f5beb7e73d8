/*
 * hub.js: what all requests of an isolate share: the instance of the core, what it is made from,
 * and the digests of requests that have made one trap.
 *
 * The environment is every string binding, and where the registry of nodes is. It and the file cannot
 * change while an isolate lives, so a configuration that is refused stays refused: each request is told so,
 * and the log says why.
 */
import module from '../build/core.wasm';
import file from '../config/gateway.json';
import { GW_FRAMES_BREAKERS, GW_SHOW_MISSING } from '../build/offsets.js';
import { Core, monotonic } from './core.js';
import { State } from './state.js';

const REFUSED_MS = 600_000;
const REFUSED_MAX = 1024;

/** What each of our Durable Objects can do.
 * @typedef {import('cloudflare:workers').DurableObject & {
 *   ask(what: number, key: string, bytes: string | Uint8Array): Promise<import('./ask.js').Answer> }} Answers */

export class Hub {
    /** @param {Record<string, unknown>} env */
    constructor(env) {
        this.bindings = env;
        this.env = environment(env);
        this.state = new State(this.kv('STATE'));
        this.generation = 0;
        /** @type {Core | null} */
        this.instance = null;
        this.invalid = false;
        /** When gw_task is to be asked again; at once in a new instance. */
        this.tasksAt = 0;
        /** When calls that were lost are to be looked for again. */
        this.sweepAt = 0;
        /** Digests of requests, and until when they are refused. @type {Map<string, number>} */
        this.refused = new Map();
    }

    /** A living instance, or null if the configuration is not valid. */
    core() {
        if (this.invalid) return null;
        if (this.instance !== null && !this.instance.dead) return this.instance;
        this.generation += 1;
        const core = new Core(module, this.generation);
        const why = core.start(this.env, /** @type {any} */ (file));
        if (why !== null) {
            this.invalid = true;
            this.instance = core; // it can still word a refusal
            console.error(JSON.stringify({ event: 'configuration', message: why }));
            return null;
        }
        this.tasksAt = 0;
        core.sync(GW_FRAMES_BREAKERS, this.state.known());
        if (this.generation === 1) warn(core.show(GW_SHOW_MISSING));
        this.instance = core;
        return core;
    }

    /** The Durable Object behind a binding. A stub is of one request, so each gets its own.
     * @param {string} binding @param {string} name */
    object(binding, name) {
        const objects = /** @type {DurableObjectNamespace<Answers>} */ (this.bindings[binding]);
        return objects.getByName(name);
    }

    /** Workers KV behind a binding, or null if there is none. @param {string} binding */
    kv(binding) {
        const bound = this.bindings[binding];
        return bound !== null && typeof bound === 'object' ? /** @type {KVNamespace} */ (bound) : null;
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

/** What is the daemon's alone, and here a Durable Object, if it is bound: by its binding. */
const BOUND = { REGISTRY_URL: 'REGISTRY', HEADY_DATA_DIR: 'RESPONSES' };

/** "NAME=value" records, each ended by a NUL byte. @param {Record<string, unknown>} env */
function environment(env) {
    let text = '';
    for (const [name, value] of Object.entries(env)) {
        const known = typeof value === 'string' && !value.includes('\0');
        if (known && !(name in BOUND)) text += `${name}=${value}\0`;
    }
    for (const [name, binding] of Object.entries(BOUND)) {
        if (typeof env[binding] === 'object') text += `${name}=binding://${binding}\0`;
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
