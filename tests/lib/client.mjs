/**
 * Clients that show what was really on the wire: no redirects, no retries, no decoding, headers and
 * paths exactly as given. Every exchange has a deadline.
 */
import http from 'node:http';
import net from 'node:net';

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {http.IncomingHttpHeaders} headers
 * @property {string[]} rawHeaders
 * @property {Buffer} body
 * @property {string} text
 * @property {boolean} whole  false when the body was cut
 * @property {number} ms
 *
 * @typedef {object} Ask
 * @property {string} [method]
 * @property {Record<string, string | string[]>} [headers]
 * @property {string | Buffer} [body]
 * @property {number} [timeout]
 */

/**
 * One request on a connection of its own. The path is sent as it is, dots and all.
 * @param {string} base @param {string} path @param {Ask} [options] @returns {Promise<Answer>}
 */
export function ask(base, path, options = {}) {
    const began = performance.now();
    return new Promise((resolve, reject) => {
        const { req, response } = begin(base, path, options);
        response.then((res) => {
            /** @type {Buffer[]} */
            const parts = [];
            res.on('data', (part) => parts.push(part));
            res.on('error', () => {});
            res.on('close', () => {
                const body = Buffer.concat(parts);
                resolve({
                    status: res.statusCode ?? 0,
                    headers: res.headers,
                    rawHeaders: res.rawHeaders,
                    body,
                    text: body.toString('utf8'),
                    whole: res.complete,
                    ms: performance.now() - began,
                });
            });
        }, reject);
        req.end(options.body);
    });
}

/** The answer's JSON. @param {Answer} answer @returns {any} */
export function json(answer) {
    try {
        return JSON.parse(answer.text);
    } catch {
        throw new Error(`${answer.status}, and not JSON: ${answer.text.slice(0, 500)}`);
    }
}

/**
 * A request whose body the caller writes, and whose answer the caller reads.
 * @param {string} base @param {string} path @param {Ask} [options]
 * @returns {{req: http.ClientRequest, response: Promise<http.IncomingMessage>}}
 */
export function begin(base, path, options = {}) {
    const url = new URL(base);
    const method = options.method ?? (options.body === undefined ? 'GET' : 'POST');
    const timeout = options.timeout ?? 15_000;
    const req = http.request({
        host: url.hostname,
        port: url.port,
        path,
        method,
        agent: false,
        headers: options.headers,
        signal: AbortSignal.timeout(timeout),
    });
    /** @type {Promise<http.IncomingMessage>} */
    const response = new Promise((resolve, reject) => {
        req.on('response', resolve);
        req.on('error', reject);
    });
    response.catch(() => {});
    return { req, response };
}

/** @param {string} base @param {string} path @param {unknown} value
 *  @param {Record<string, string>} [headers] */
export function postJson(base, path, value, headers = {}) {
    const all = { 'content-type': 'application/json', ...headers };
    return ask(base, path, { body: JSON.stringify(value), headers: all });
}

/**
 * A server-sent event stream, event by event.
 * @param {http.IncomingMessage} res @returns {AsyncGenerator<string>} the data of each event
 */
export async function* events(res) {
    let text = '';
    res.setEncoding('utf8');
    for await (const part of res) {
        text += part;
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
            const lines = text.slice(0, end).split('\n');
            text = text.slice(end + 2);
            const data = lines.filter((l) => l.startsWith('data:')).map((l) => l.slice(5).trim());
            if (data.length > 0) yield data.join('\n');
        }
    }
}

/**
 * Bytes in, bytes out, until the other side closes or `enough` says so.
 * @param {string} base @param {string | Buffer} bytes
 * `then` follows in a packet of its own.
 * @param {{enough?: (text: string) => boolean, timeout?: number, half?: boolean, then?: string}} [options]
 * @returns {Promise<{text: string, closed: boolean, error: string | null}>}
 */
export function exchange(base, bytes, options = {}) {
    const { hostname, port } = new URL(base);
    return new Promise((resolve) => {
        let text = '';
        /** @type {string | null} */
        let error = null;
        const socket = net.connect({ host: hostname, port: Number(port), allowHalfOpen: true });
        /** @param {boolean} closed */
        const finish = (closed) => {
            clearTimeout(timer);
            socket.destroy();
            resolve({ text, closed, error });
        };
        const timer = setTimeout(() => finish(false), options.timeout ?? 5000);
        socket.setEncoding('latin1');
        socket.on('data', (part) => {
            text += part;
            if (options.enough?.(text)) finish(false);
        });
        socket.on('end', () => finish(true));
        socket.on('error', (e) => {
            error = /** @type {NodeJS.ErrnoException} */ (e).code ?? e.message;
            finish(true);
        });
        if (options.half) socket.end(bytes);
        else socket.write(bytes);
        const { then } = options;
        if (then !== undefined) setTimeout(() => socket.write(then), 5);
    });
}
