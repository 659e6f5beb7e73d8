/**
 * A node that believes nothing: it cuts what it receives into requests by the plainest reading of
 * RFC 9112, answers each, and keeps what it saw. Whatever does not fit that reading is kept as junk.
 */
import { once } from 'node:events';
import net from 'node:net';

const HEAD = /^[A-Z_-]+ \/[!-~]* HTTP\/1\.1\r\n(?:[a-z0-9!#$%&'*+.^_`|~-]+: [^\r\n\0]*\r\n)*\r\n$/;

/** @typedef {{ head: string, body: string, trailers: string }} Seen */
/** @typedef {{ body: string, used: number, trailers?: string }} Found */

/** The body at the front of `rest`; null: more must come, undefined: its framing is wrong.
 * @param {string} head @param {string} rest @returns {Found | null | undefined} */
function bodyOf(head, rest) {
    const lengths = [...head.matchAll(/\r\ncontent-length: (.*)/gi)].map((m) => m[1]);
    const codings = [...head.matchAll(/\r\ntransfer-encoding: (.*)/gi)].map((m) => m[1]);
    if (lengths.length + codings.length > 1) return undefined;
    if (codings.length === 1) return codings[0] === 'chunked' ? chunks(rest) : undefined;
    if (lengths.length === 0) return { body: '', used: 0 };
    if (!/^\d+$/.test(lengths[0])) return undefined;
    const n = Number(lengths[0]);
    return rest.length < n ? null : { body: rest.slice(0, n), used: n };
}

/** @param {string} rest @returns {Found | null | undefined} */
function chunks(rest) {
    let body = '';
    for (let at = 0; ;) {
        const end = rest.indexOf('\r\n', at);
        if (end < 0) return null;
        const size = rest.slice(at, end);
        if (!/^[0-9a-f]{1,8}$/i.test(size)) return undefined;
        const n = parseInt(size, 16);
        if (n === 0) return last(rest, end + 2, body);
        const next = end + 2 + n + 2;
        if (rest.length < next) return null;
        if (rest.slice(next - 2, next) !== '\r\n') return undefined;
        body += rest.slice(end + 2, end + 2 + n);
        at = next;
    }
}

/** What follows the last chunk's size line.
 * @param {string} rest @param {number} at @param {string} body @returns {Found | null} */
function last(rest, at, body) {
    for (let next = at; ;) {
        const end = rest.indexOf('\r\n', next);
        if (end < 0) return null;
        if (end === next) return { body, used: end + 2, trailers: rest.slice(at, end) };
        next = end + 2;
    }
}

export class Recorder {
    constructor() {
        /** @type {Seen[]} */
        this.seen = [];
        /** What cannot be read as requests. A request that is cut short is no junk: nobody takes it for
         * a whole one. @type {string[]} */
        this.junk = [];
        this.server = net.createServer((socket) => this.#serve(socket));
        this.port = 0;
    }

    async start() {
        this.server.listen(0, '127.0.0.1');
        await once(this.server, 'listening');
        this.port = /** @type {net.AddressInfo} */ (this.server.address()).port;
        return this;
    }

    stop() {
        this.server.close();
    }

    forget() {
        this.seen = [];
        this.junk = [];
    }

    /** @param {net.Socket} socket */
    #serve(socket) {
        let rest = '';
        socket.on('error', () => {});
        socket.on('data', (data) => {
            rest += data.toString('latin1');
            for (;;) {
                const end = rest.indexOf('\r\n\r\n');
                if (end < 0) return;
                const head = rest.slice(0, end + 4);
                const found = bodyOf(head, rest.slice(end + 4));
                if (found === null) return;
                if (found === undefined || !HEAD.test(head)) this.junk.push(rest);
                if (found === undefined) { rest = ''; socket.destroy(); return; }
                rest = rest.slice(end + 4 + found.used);
                const { body, trailers = '' } = found;
                if (!head.startsWith('GET /health ')) this.seen.push({ head, body, trailers });
                socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok');
            }
        });
    }
}
