// A load generator on bare sockets: keep-alive connections, one prepared request, just enough HTTP
// to find the end of an answer (Content-Length or chunked). It must cost less than it measures.
import { connect } from 'node:net';

/** @param {string} path @param {string} body @param {Record<string, string>} [headers] */
export function post(path, body, headers = {}) {
    const lines = Object.entries({
        host: 'api.bench.test', 'content-type': 'application/json', accept: 'application/json',
        'user-agent': 'edge-bench/1', 'accept-language': 'en', ...headers,
        'content-length': String(Buffer.byteLength(body)),
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    return Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
}

/** Feeds on an answer's bytes and says when it is over; `bytes` counts the chunks' payload too. */
class Answer {
    constructor() { this.text = ''; this.left = -1; this.status = 0; this.chunked = false; }

    /** @param {Buffer} data @returns {boolean} whether the answer is complete */
    feed(data) {
        if (this.left >= 0 && !this.chunked) { this.left -= data.length; return this.left <= 0; }
        this.text += data.toString('latin1');
        if (this.chunked) return this.#tail();
        const end = this.text.indexOf('\r\n\r\n');
        if (end < 0) return false;
        const head = this.text.slice(0, end).toLowerCase();
        this.status = Number(head.slice(9, 12));
        const length = /\r\ncontent-length: *(\d+)/.exec(head);
        this.chunked = !length;
        this.left = length ? Number(length[1]) - (this.text.length - end - 4) : 0;
        return this.chunked ? this.#tail() : this.left <= 0;
    }

    #tail() {
        const over = this.text.endsWith('\r\n0\r\n\r\n');
        this.text = this.text.slice(-7);
        return over;
    }
}

/** Sends `request` `total` times over `connections` connections to 127.0.0.1.
 * @param {number} port @param {Buffer} request @param {number} total @param {number} connections
 * @returns {Promise<void>} rejects on any answer other than 200 */
export function load(port, request, total, connections) {
    let sent = 0;
    const one = () => new Promise((done, fail) => {
        const socket = connect(port, '127.0.0.1');
        socket.setNoDelay(true);
        let answer = new Answer();
        const next = () => {
            if (sent >= total) { socket.destroy(); done(undefined); return; }
            sent += 1;
            answer = new Answer();
            socket.write(request);
        };
        socket.on('connect', next);
        socket.on('error', fail);
        socket.on('close', () => fail(new Error('the connection closed')));
        socket.on('data', (data) => {
            if (!answer.feed(data)) return;
            if (answer.status !== 200) { fail(new Error(`port ${port} answered ${data}`)); return; }
            next();
        });
    });
    return Promise.all(Array.from({ length: connections }, one)).then(() => {});
}
