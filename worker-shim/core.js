/*
 * core.js: one instance of the core's module: the border between numbers and objects.
 *
 * Text and bytes go in through the module's input area with one copy; an action is read where it
 * lies, through typed arrays, by offsets that the compiler made. An instance that has thrown is
 * dead: its memory is in an unknown state, and nobody calls it again (hub.js makes the next one).
 * A number that names a call is good only together with the instance it came from; so a Call of
 * drive.js keeps both, and the instance's generation says in logs which one it was.
 */
import {
    ACTION_AT, ACTION_ATTEMPT, GW_ABI, GW_EDGE, GW_LITERAL, SLICE_KIND, SLICE_LEN, SLICE_OFF,
    SLICE_P, SLICE_SIZE, STR_N,
} from '../build/offsets.js';

/**
 * What wasm/exports.c exports. Addresses, lengths and enums are numbers; -1 is an unknown length.
 * @typedef {object} Exports
 * @property {WebAssembly.Memory} memory
 * @property {() => void} _initialize
 * @property {() => number} abi
 * @property {(n: number) => number} input
 * @property {() => number} action
 * @property {() => number} text
 * @property {() => number} next
 * @property {(host: number, env: number, file: number, low: number, high: number) => number} start
 * @property {(mono: number, wall: number) => number} open
 * @property {(call: number, n: number, length: number, peer: number, mono: number, wall: number)
 *   => number} req_head
 * @property {(call: number, off: number, length: number, fin: number, shown: number, mono: number,
 *   wall: number) => number} req_body
 * @property {(call: number, attempt: number, n: number, status: number, length: number,
 *   mono: number, wall: number) => number} res_head
 * @property {(call: number, attempt: number, n: number, mono: number, wall: number) => number
 *   } res_body
 * @property {(call: number, attempt: number, how: number, mono: number, wall: number) => number
 *   } res_end
 * @property {(call: number, attempt: number, fail: number, sent: number, mono: number,
 *   wall: number) => number} res_fail
 * @property {(call: number, body: number, mono: number, wall: number) => number} tick
 * @property {(call: number, id: number, status: number, n: number, mono: number, wall: number)
 *   => number} answer
 * @property {(call: number, mono: number, wall: number) => number} gone
 * @property {(call: number) => number} poll
 * @property {(call: number, mono: number, wall: number) => void} close
 * @property {(call: number) => number} may_drop
 * @property {() => number} ready
 * @property {(mono: number, wall: number) => number} task
 * @property {(what: number, mono: number, wall: number) => number} show
 * @property {(kinds: number, n: number, mono: number, wall: number) => number} sync
 * @property {(status: number, n: number) => number} refuse
 * @property {() => number} has_news
 */

/** A piece of a body, see struct gw_slice. Literal bytes are a copy of their own.
 * @typedef {{ kind: number, bytes: Uint8Array | null, off: number, len: number }} Slice */

/** How many bytes of a body cross at a time. */
export const PIECE = 65536;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Up to here a loop is quicker than a call out of V8. */
const SHORT = 1024;

/** Writes text if it is ASCII. @param {string} text @param {Uint8Array} area @returns {boolean} */
function writeAscii(text, area) {
    for (let i = 0; i < text.length; i += 1) {
        const code = text.charCodeAt(i);
        if (code > 0x7f) return false;
        area[i] = code;
    }
    return true;
}

let last = 0;
let ahead = 0;

/** Milliseconds that never go back, for waits: the wall clock, less the steps it has taken back.
 * performance.now() costs a call out of V8, and at the edge knows no more. */
export function monotonic() {
    const wall = Date.now();
    if (wall < last) ahead += last - wall;
    last = wall;
    return wall + ahead;
}

export class Core {
    /** @param {WebAssembly.Module} module @param {number} generation */
    constructor(module, generation) {
        const instance = new WebAssembly.Instance(module, {});
        /** @type {Exports} */
        this.box = /** @type {any} */ (instance.exports);
        this.generation = generation;
        /** Set once, by whoever catches what the instance threw. */
        this.dead = false;
        /** The calls that this instance has open. @type {Map<number, import('./call.js').Call>} */
        this.calls = new Map();
        /** The time of this turn. */
        this.mono = 0;
        this.wall = 0;
        this.box._initialize();
        if (this.box.abi() !== GW_ABI) throw new Error('core.wasm is of another build');
        this.action = this.box.action();
        this.inputAt = this.box.input(PIECE);
        this.inputCap = PIECE;
        this.u8 = new Uint8Array(0);
        this.u32 = new Uint32Array(0);
        this.f64 = new Float64Array(0);
        this.input = new Uint8Array(0);
        this.renew();
    }

    /** Reads both clocks, once for all that follows from one event. */
    clock() {
        this.mono = monotonic();
        this.wall = Date.now();
    }

    /** Makes the views anew: a memory that has grown leaves the old ones empty. */
    renew() {
        const { buffer } = this.box.memory;
        this.u8 = new Uint8Array(buffer);
        this.u32 = new Uint32Array(buffer);
        this.f64 = new Float64Array(buffer);
        this.input = new Uint8Array(buffer, this.inputAt, this.inputCap);
    }

    /** The input area with room for `n` bytes, or null if it cannot be had. @param {number} n */
    room(n) {
        if (n > this.inputCap) {
            const at = this.box.input(n);
            if (at === 0) return null;
            this.inputAt = at;
            this.inputCap = n;
            this.renew();
        } else if (this.input.length === 0) {
            this.renew();
        }
        return this.input;
    }

    /** Writes text into the input area: its length in bytes, or -1 if there is no room for it.
     * @param {string} text */
    write(text) {
        let area = this.room(text.length);
        if (area === null) return -1;
        if (text.length <= SHORT && writeAscii(text, area)) return text.length;
        let done = encoder.encodeInto(text, area);
        if (done.read < text.length) {
            area = this.room(text.length * 3);
            if (area === null) return -1;
            done = encoder.encodeInto(text, area);
        }
        return done.written;
    }

    /** @param {Uint8Array} bytes at most PIECE of them */
    copy(bytes) {
        const area = /** @type {Uint8Array} */ (this.room(bytes.length));
        area.set(bytes);
        return bytes.length;
    }

    /** Makes the gateway: null, or why it cannot be made.
     * @param {string} env @param {string} file */
    start(env, file) {
        const all = this.write(env + file);
        if (all < 0) return 'the configuration is too large';
        const env_n = encoder.encode(env).length;
        const [low, high] = crypto.getRandomValues(new Uint32Array(2));
        if (this.box.start(GW_EDGE, env_n, all - env_n, low, high) === 0) return null;
        return this.stringAt(this.box.text());
    }

    /** Text about the gateway. @param {number} what enum gw_show_what */
    show(what) {
        return this.stringAt(this.box.show(what, monotonic(), Date.now()));
    }

    /** Takes other shards' frames; what has changed here, as frames.
     * @param {number} kinds enum gw_frames, or-ed: what the channel of these frames may carry
     * @param {string} frames */
    sync(kinds, frames) {
        const n = this.write(frames);
        return this.stringAt(this.box.sync(kinds, n < 0 ? 0 : n, monotonic(), Date.now()));
    }

    /** An error of the host's own as its client knows errors; see gw_refuse.
     * @param {number} status @param {string} target @param {string} code @param {string} message */
    refuse(status, target, code, message) {
        const n = this.write(`${target}\n${code}\n${message}`);
        return this.stringAt(this.box.refuse(status, n < 0 ? 0 : n));
    }

    /** Polls a call: the kind of its next action. @param {number} call */
    poll(call) {
        const kind = this.box.poll(call);
        if (this.u8.length === 0) this.renew();
        return kind;
    }

    /** The attempt that the polled action is about. */
    attempt() {
        return this.u32[(this.action + ACTION_ATTEMPT) >> 2];
    }

    /** The action's time. */
    at() {
        return this.f64[(this.action + ACTION_AT) >> 3];
    }

    /** How long, in milliseconds, until there may be another task. */
    next() {
        if (this.u8.length === 0) this.renew(); // looking for work may have made memory grow
        return this.f64[this.box.next() >> 3];
    }

    /** A 32-bit field of the action. @param {number} offset */
    word(offset) {
        return this.u32[(this.action + offset) >> 2];
    }

    /** A length of the action; Infinity for GW_REST and GW_UNKNOWN. @param {number} offset */
    length(offset) {
        return this.lengthAt(this.action + offset);
    }

    /** A text of the action. @param {number} offset */
    string(offset) {
        return this.stringAt(this.action + offset);
    }

    /** A copy of bytes of the action. @param {number} offset */
    bytes(offset) {
        const at = (this.action + offset) >> 2;
        const p = this.u32[at];
        return this.u8.slice(p, p + this.u32[at + (STR_N >> 2)]);
    }

    /** @param {number} address of a uint64_t */
    lengthAt(address) {
        const high = this.u32[(address >> 2) + 1];
        if (high === 0xffffffff) return Infinity;
        return high * 0x100000000 + this.u32[address >> 2];
    }

    /** @param {number} address of a struct gw_str */
    stringAt(address) {
        if (this.u8.length === 0) this.renew();
        const p = this.u32[address >> 2];
        const n = this.u32[(address + STR_N) >> 2];
        return n === 0 ? '' : decoder.decode(this.u8.subarray(p, p + n));
    }

    /** The slices of the action. @param {number} array offset of their address
     * @param {number} count offset of their number @returns {Slice[]} */
    slices(array, count) {
        const n = this.word(count);
        /** @type {Slice[]} */
        const slices = [];
        for (let i = 0; i < n; i += 1) slices.push(this.slice(array, i));
        return slices;
    }

    /** Slice `i` of the action's array. @param {number} offset of its address @param {number} i
     * @returns {Slice} */
    slice(offset, i) {
        const at = this.u32[(this.action + offset) >> 2] + i * SLICE_SIZE;
        const kind = this.u32[(at + SLICE_KIND) >> 2];
        const len = this.lengthAt(at + SLICE_LEN);
        const p = this.u32[(at + SLICE_P) >> 2];
        return {
            kind, len, off: this.lengthAt(at + SLICE_OFF),
            bytes: kind === GW_LITERAL ? this.u8.slice(p, p + len) : null,
        };
    }
}
