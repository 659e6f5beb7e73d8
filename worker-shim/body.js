/*
 * body.js: a request's body that the host holds: what came is kept until the core forgets it.
 *
 *     0 ........ base ........ told ........ end
 *     freed      held, known   held, the     still with the client
 *                to the core   core is to
 *                              be told
 *
 * A body of declared length that may be held whole is read at once, as one buffer; any other one
 * chunk by chunk, as far as the core lets it in (READ) and, once an attempt follows it as it comes,
 * as fast as that one takes it. Offsets count from the body's first byte.
 */
import {
    GW_AWAITED, GW_HELD_BACK, GW_LITERAL, GW_REQUEST, GW_UNSEEN,
} from '../build/offsets.js';

export class Body {
    /** @param {Request | null} request @param {number} declared Infinity: not declared; 0: none */
    constructor(request, declared) {
        this.request = request;
        this.declared = declared;
        /** @type {Uint8Array[]} */
        this.chunks = [];
        this.base = 0;
        this.end = 0;
        this.told = 0;
        this.fin = declared === 0;
        this.finTold = this.fin;
        this.upto = 0;
        this.show = 0;
        this.forgotten = 0;
        this.reading = false;
        /** Pieces are being told: what a piece lets in is told next. */
        this.telling = false;
        /** @type {ReadableStreamDefaultReader<Uint8Array> | null} */
        this.reader = null;
    }

    /** Whether it will be held whole, so that whoever sends it had better wait for its end. */
    whole() {
        return this.forgotten === 0 && this.upto !== Infinity;
    }

    /** What there is to say of its coming in: enum gw_tick_body. */
    state() {
        if (!this.reading) return GW_HELD_BACK;
        return this.reader === null ? GW_UNSEEN : GW_AWAITED;
    }

    /** Whether there is something that the core may be told. */
    untold() {
        const end = Math.min(this.end, this.upto);
        return this.told < end || (this.fin && !this.finTold && this.told === this.end && this.upto > 0);
    }

    /** Lets more in, if the core wants more: a promise of that, or null.
     * @returns {Promise<void> | null} rejects if the client is gone */
    read() {
        if (this.fin || this.reading || this.end >= this.upto || this.request === null) return null;
        this.reading = true;
        if (this.reader === null && this.declared <= this.upto && this.upto !== Infinity) {
            return this.request.arrayBuffer().then((buffer) => {
                if (buffer.byteLength > 0) this.put(new Uint8Array(buffer));
                this.over();
            });
        }
        if (this.reader === null) {
            const stream = /** @type {ReadableStream<Uint8Array>} */ (this.request.body);
            this.reader = stream.getReader();
        }
        return this.reader.read().then(({ done, value }) => {
            if (done) this.over();
            else this.put(value);
            this.reading = false;
        });
    }

    /** @param {Uint8Array} bytes */
    put(bytes) {
        this.chunks.push(bytes);
        this.end += bytes.length;
    }

    over() {
        this.fin = true;
        this.reading = false;
        this.reader = null;
    }

    /** Everything that is held has yet to be told, to another instance. */
    rewind() {
        this.told = 0;
        this.finTold = this.declared === 0;
        this.upto = 0;
        this.show = 0;
        this.forgotten = 0;
    }

    /** What is held from this offset on is told once more. @param {number} from */
    again(from) {
        this.told = from;
        this.finTold = false;
    }

    /** Takes no more from the client. */
    stop() {
        const reader = this.reader;
        this.reader = null;
        this.request = null;
        this.chunks = [];
        if (reader !== null) reader.cancel().catch(() => {});
    }

    /** The core needs nothing below; frees what nobody needs, `sent` being how far the follower is.
     * @param {number} below @param {number} sent */
    forget(below, sent) {
        if (below > this.forgotten) this.forgotten = below;
        const free = Math.min(this.forgotten, sent, this.told);
        let first = 0;
        while (first < this.chunks.length && this.base + this.chunks[first].length <= free) {
            this.base += this.chunks[first].length;
            first += 1;
        }
        if (first > 0) this.chunks.splice(0, first);
    }

    /** The held bytes from `off` on that lie in one chunk, at most `max`; null if there are none.
     * @param {number} off @param {number} max */
    at(off, max) {
        if (off < this.base) throw new Error('request bytes that are gone');
        let begin = this.base;
        for (const chunk of this.chunks) {
            if (off < begin + chunk.length) {
                const from = off - begin;
                return chunk.subarray(from, Math.min(chunk.length, from + max));
            }
            begin += chunk.length;
        }
        return null;
    }

    /** Whether a range can be had whole, now. @param {import('./core.js').Slice} slice */
    has(slice) {
        if (slice.kind === GW_LITERAL) return true;
        if (slice.off < this.base) return false;
        return this.fin || slice.off + slice.len <= this.end;
    }

    /** The pieces that slices name, all of which must be there, in one piece.
     * @param {import('./core.js').Slice[]} slices @returns {Uint8Array} */
    join(slices) {
        /** @type {Uint8Array[]} */
        const pieces = [];
        for (const slice of slices) {
            if (slice.bytes !== null) pieces.push(slice.bytes);
            if (slice.kind !== GW_REQUEST) continue;
            const to = Math.min(slice.off + slice.len, this.end);
            for (let off = slice.off; off < to;) {
                const piece = /** @type {Uint8Array} */ (this.at(off, to - off));
                pieces.push(piece);
                off += piece.length;
            }
        }
        return pieces.length === 1 ? pieces[0] : concat(pieces);
    }
}

/** @param {Uint8Array[]} pieces @returns {Uint8Array} */
export function concat(pieces) {
    let length = 0;
    for (const piece of pieces) length += piece.length;
    const all = new Uint8Array(length);
    let at = 0;
    for (const piece of pieces) {
        all.set(piece, at);
        at += piece.length;
    }
    return all;
}
