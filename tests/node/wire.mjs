/** What the handlers of a node share: bodies in, JSON and events out, with back-pressure. */
import { createHash } from 'node:crypto';

/**
 * @typedef {import('./answers.mjs').Self} Self
 * @typedef {import('./faults.mjs').Request} Request
 * @typedef {import('./faults.mjs').Response} Response
 */

const BODY_MAX = 64 << 20;
const ACK_WAIT_MS = 10_000;

/** The whole body; its digest goes into what the node remembers of the request.
 * @param {Request} req @param {Self} self @returns {Promise<Buffer>} */
export async function readBody(req, self) {
    const parts = [];
    let n = 0;
    for await (const chunk of req) {
        n += chunk.length;
        self.counts.bytes_in += chunk.length;
        if (n > BODY_MAX) throw new Error('the body is too large');
        parts.push(chunk);
    }
    const body = Buffer.concat(parts);
    if (req.seen !== undefined) req.seen.sha = createHash('sha256').update(body).digest('hex');
    return body;
}

/** @param {Buffer} body @returns {Record<string, any> | null} */
export function parseObject(body) {
    try {
        const value = JSON.parse(body.toString('utf8'));
        return value !== null && typeof value === 'object' ? value : null;
    } catch {
        return null;
    }
}

/** @param {Response} res @param {Self} self @param {number} status @param {unknown} value */
export function sendJson(res, self, status, value) {
    const body = JSON.stringify(value);
    self.counts.bytes_out += body.length;
    res.statusCode = status;
    res.setHeader('content-type', 'application/json');
    res.setHeader('content-length', Buffer.byteLength(body));
    res.end(body);
}

/** @param {Response} res @param {Self} self @param {number} status @param {string} message
 *  @param {string | null} [code] @param {string | null} [param] */
export function sendError(res, self, status, message, code = null, param = null) {
    const type = status >= 500 ? 'server_error' : 'invalid_request_error';
    sendJson(res, self, status, { error: { message, type, param, code } });
}

/** @param {Response} res @returns {Promise<void>} when it takes more, or will never again */
function drained(res) {
    return new Promise((resolve) => {
        const done = () => {
            res.off('drain', done).off('close', done);
            resolve();
        };
        res.on('drain', done).on('close', done);
    });
}

/** Writes with back-pressure; false when the other side has gone.
 * @param {Response} res @param {Self} self @param {string | Buffer} data */
export async function put(res, self, data) {
    if (res.destroyed || res.felled) return false;
    self.counts.bytes_out += data.length;
    if (!res.write(data) && !res.destroyed) await drained(res);
    return !res.destroyed;
}

/** @param {Response} res @param {string} [type] */
export function beginEvents(res, type = 'text/event-stream; charset=utf-8') {
    res.statusCode = 200;
    res.setHeader('content-type', type);
    res.setHeader('cache-control', 'no-cache');
    res.flushHeaders();
}

/** Waits until `done` events of a stream are acknowledged; false if that does not come.
 * @param {Self} self @param {Response} res @param {string} id @param {number} done */
export async function acknowledged(self, res, id, done) {
    const acks = self.acks.get(id) ?? { done: 0, wake: () => {} };
    self.acks.set(id, acks);
    if (acks.done >= done) return true;
    return await new Promise((resolve) => {
        const over = () => {
            clearTimeout(timer);
            res.off('close', over);
            resolve(acks.done >= done);
        };
        const timer = setTimeout(over, ACK_WAIT_MS);
        res.on('close', over);
        acks.wake = () => acks.done >= done && over();
    });
}
