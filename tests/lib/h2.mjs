/**
 * HTTP/2 clients: node's, for what a well-behaved one sees, and frames written by hand, for what no
 * client would send.
 */
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';

/**
 * @typedef {object} Answer2
 * @property {number} status
 * @property {http2.IncomingHttpHeaders} headers
 * @property {Buffer} body
 * @property {string} text
 * @property {number} code    of RST_STREAM, if that ended it; else 0
 * @property {boolean} whole  it ended with END_STREAM
 * @property {number[]} interim
 */

/**
 * A connection: with prior knowledge, or by ALPN to an https URL; destroyed with the case.
 * @param {import('node:test').TestContext} t @param {string} url
 * @param {http2.ClientSessionOptions | http2.SecureClientSessionOptions} [options]
 */
export async function connect2(t, url, options = {}) {
    const session = http2.connect(url, options);
    session.on('error', () => {});
    t.after(() => session.destroy());
    await once(session, 'remoteSettings');
    return session;
}

/**
 * @param {http2.ClientHttp2Stream} stream @returns {Promise<Answer2>}
 */
export function answer2(stream) {
    return new Promise((resolve) => {
        /** @type {Buffer[]} */
        const parts = [];
        /** @type {number[]} */
        const interim = [];
        /** @type {http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader} */
        let headers = {};
        let ended = false;
        stream.on('headers', (h) => interim.push(Number(h[':status'])));
        stream.on('response', (h) => (headers = h));
        stream.on('data', (part) => parts.push(part));
        stream.on('end', () => (ended = true));
        stream.on('error', () => {});
        stream.on('close', () => {
            const body = Buffer.concat(parts);
            const code = stream.rstCode ?? 0;
            const whole = ended && code === 0 && headers[':status'] !== undefined;
            const status = Number(headers[':status'] ?? 0);
            resolve({ status, headers, body, text: body.toString('utf8'), code, whole, interim });
        });
    });
}

/**
 * One request in a session.
 * @param {http2.ClientHttp2Session} session @param {string} path
 * @param {{method?: string, headers?: http2.OutgoingHttpHeaders, body?: string | Buffer}} [options]
 * @returns {Promise<Answer2>}
 */
export function ask2(session, path, options = {}) {
    const method = options.method ?? (options.body === undefined ? 'GET' : 'POST');
    const stream = session.request({ ':method': method, ':path': path, ...options.headers },
        { endStream: options.body === undefined });
    const answer = answer2(stream);
    if (options.body !== undefined) stream.end(options.body);
    return answer;
}

/* ---------------------------------------------------------------- by hand */

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export const T = {
    DATA: 0, HEADERS: 1, PRIORITY: 2, RST_STREAM: 3, SETTINGS: 4, PUSH_PROMISE: 5, PING: 6,
    GOAWAY: 7, WINDOW_UPDATE: 8, CONTINUATION: 9,
};
export const F = { ACK: 1, END_STREAM: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 32 };
export const E = {
    NO_ERROR: 0, PROTOCOL_ERROR: 1, INTERNAL_ERROR: 2, FLOW_CONTROL_ERROR: 3, STREAM_CLOSED: 5,
    REFUSED_STREAM: 7, CANCEL: 8, COMPRESSION_ERROR: 9, ENHANCE_YOUR_CALM: 11,
};

/** @param {number} type @param {number} flags @param {number} stream @param {Buffer} [payload] */
export function frame(type, flags, stream, payload = Buffer.alloc(0)) {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head.writeUInt8(type, 3);
    head.writeUInt8(flags, 4);
    head.writeUInt32BE(stream, 5);
    return Buffer.concat([head, payload]);
}

/** @param {number} n */
export function u32(n) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(n >>> 0);
    return bytes;
}

/** @param {number} n @param {number} bits @param {number} first */
function hpackInt(n, bits, first) {
    const max = (1 << bits) - 1;
    if (n < max) return Buffer.from([first | n]);
    const bytes = [first | max];
    for (n -= max; n >= 128; n = Math.floor(n / 128)) bytes.push((n % 128) | 128);
    return Buffer.from([...bytes, n]);
}

/** @param {string} s */
function hpackText(s) {
    const bytes = Buffer.from(s, 'latin1');
    return Buffer.concat([hpackInt(bytes.length, 7, 0), bytes]);
}

/** A field as a literal that no table remembers. @param {string} name @param {string} value */
export function literal(name, value) {
    return Buffer.concat([Buffer.from([0]), hpackText(name), hpackText(value)]);
}

/** A field that goes into the dynamic table. @param {string} name @param {string} value */
export function remembered(name, value) {
    return Buffer.concat([Buffer.from([0x40]), hpackText(name), hpackText(value)]);
}

/** A field from a table. @param {number} index */
export function indexed(index) {
    return hpackInt(index, 7, 0x80);
}

/** A header block; what is not given is as in a plain GET of /health.
 * @param {[string, string][]} [fields] @param {Record<string, string>} [pseudo] */
export function block(fields = [], pseudo = {}) {
    const all = { ':method': 'GET', ':scheme': 'http', ':authority': 'localhost', ':path': '/health', ...pseudo };
    return Buffer.concat([...Object.entries(all), ...fields].map(([name, value]) => literal(name, value)));
}

/** @typedef {{type: number, flags: number, stream: number, payload: Buffer}} Frame */

/** A connection on which every byte is the caller's. Settings are acknowledged unless `quiet`. */
export class Raw {
    /** @param {net.Socket} socket @param {boolean} quiet */
    constructor(socket, quiet) {
        this.socket = socket;
        this.quiet = quiet;
        /** @type {Frame[]} */
        this.frames = [];
        this.closed = false;
        this.rest = Buffer.alloc(0);
        /** @type {Set<() => void>} */
        this.waiting = new Set();
        socket.on('data', (part) => this.take(part));
        socket.on('error', () => {});
        socket.on('close', () => {
            this.closed = true;
            for (const wake of this.waiting) wake();
        });
    }

    /** @param {Buffer} part */
    take(part) {
        this.rest = Buffer.concat([this.rest, part]);
        while (this.rest.length >= 9) {
            const n = this.rest.readUIntBE(0, 3);
            if (this.rest.length < 9 + n) break;
            const got = {
                type: this.rest[3], flags: this.rest[4], stream: this.rest.readUInt32BE(5) & 0x7fffffff,
                payload: this.rest.subarray(9, 9 + n),
            };
            this.rest = this.rest.subarray(9 + n);
            this.frames.push(got);
            const settings = got.type === T.SETTINGS && (got.flags & F.ACK) === 0;
            if (settings && !this.quiet) this.send(frame(T.SETTINGS, F.ACK, 0));
        }
        for (const wake of this.waiting) wake();
    }

    /** @param {...Buffer} frames */
    send(...frames) {
        if (!this.socket.destroyed) this.socket.write(Buffer.concat(frames));
    }

    /** The same, and waits until the kernel has it. @param {...Buffer} frames */
    async push(...frames) {
        if (this.socket.destroyed) return;
        if (!this.socket.write(Buffer.concat(frames))) {
            await Promise.race([once(this.socket, 'drain'), once(this.socket, 'close')]).catch(() => {});
        }
    }

    /** A request without a body. @param {number} stream @param {Buffer} [fields] */
    get(stream, fields = block()) {
        this.send(frame(T.HEADERS, F.END_HEADERS | F.END_STREAM, stream, fields));
    }

    /**
     * Waits for a frame. @param {(f: Frame) => boolean} wanted @param {number} [ms]
     * @returns {Promise<Frame | undefined>} undefined if the connection closed or it took too long
     */
    async until(wanted, ms = 5000) {
        const end = Date.now() + ms;
        for (;;) {
            const found = this.frames.find(wanted);
            if (found !== undefined || this.closed || Date.now() >= end) return found;
            await new Promise((resolve) => {
                const timer = setTimeout(wake, end - Date.now());
                const { waiting } = this;
                function wake() {
                    clearTimeout(timer);
                    waiting.delete(wake);
                    resolve(undefined);
                }
                waiting.add(wake);
            });
        }
    }

    /** How a stream ended: RST_STREAM's code, "end", or undefined. @param {number} stream */
    async ending(stream, ms = 5000) {
        const end = await this.until((f) => f.stream === stream &&
            (f.type === T.RST_STREAM || (f.type <= T.HEADERS && (f.flags & F.END_STREAM) !== 0)), ms);
        if (end === undefined) return undefined;
        return end.type === T.RST_STREAM ? end.payload.readUInt32BE(0) : 'end';
    }

    /** The code of GOAWAY; undefined if none came. */
    async goaway(ms = 5000) {
        const got = await this.until((f) => f.type === T.GOAWAY, ms);
        return got?.payload.readUInt32BE(4);
    }

    /** Whether the connection closes in time. */
    async ends(ms = 5000) {
        await this.until(() => false, ms);
        return this.closed;
    }

    /** The status in a stream's answer, as long as it is the connection's first. @param {number} stream */
    async status(stream, ms = 5000) {
        const head = await this.until((f) => f.type === T.HEADERS && f.stream === stream, ms);
        return head === undefined ? 0 : firstStatus(head.payload);
    }
}

/** nghttp2 writes :status first: from the static table, or as a literal, plain or in Huffman's code.
 * @param {Buffer} bytes */
function firstStatus(bytes) {
    const fixed = [200, 204, 206, 304, 400, 404, 500];
    if (bytes[0] >= 0x88 && bytes[0] <= 0x8e) return fixed[bytes[0] - 0x88];
    const n = bytes[1] & 0x7f;
    if (bytes[1] < 0x80) return Number(bytes.toString('latin1', 2, 2 + n));
    let bits = [...bytes.subarray(2, 2 + n)].map((b) => b.toString(2).padStart(8, '0')).join('');
    let text = '';
    while (text.length < 3) {
        const five = parseInt(bits.slice(0, 5), 2);
        const short = five <= 2;
        text += short ? five : parseInt(bits.slice(0, 6), 2) - 22;
        bits = bits.slice(short ? 5 : 6);
    }
    return Number(text);
}

/**
 * @param {import('node:test').TestContext} t @param {string} url
 * @param {{settings?: Buffer, quiet?: boolean}} [options]
 */
export async function raw2(t, url, options = {}) {
    const { hostname, port } = new URL(url);
    const socket = net.connect(Number(port), hostname);
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    const raw = new Raw(socket, options.quiet ?? false);
    raw.send(PREFACE, frame(T.SETTINGS, 0, 0, options.settings));
    await raw.until((f) => f.type === T.SETTINGS);
    return raw;
}

/** @param {number} id @param {number} value */
export function setting(id, value) {
    const bytes = Buffer.alloc(6);
    bytes.writeUInt16BE(id, 0);
    bytes.writeUInt32BE(value >>> 0, 2);
    return bytes;
}
