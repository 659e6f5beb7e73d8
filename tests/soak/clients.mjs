/**
 * Clients of several kinds, each of which knows exactly what it must get: every body carries an id or
 * is checked by its digest, so that an answer that is corrupted, cut without an error, or another
 * client's is seen.
 *
 * | kind     | sends                                  | what counts as good                          |
 * |----------|----------------------------------------|----------------------------------------------|
 * | small    | 1 KB JSON, kept connection             | the node's SHA-256 of it                     |
 * | big      | 100 KB, kept connection                | the same bytes again                         |
 * | chunked  | up to 300 KB in chunks                 | the same bytes again, chunked                |
 * | relayed  | a stream the core does not see         | every event in order with our tag, [DONE]    |
 * | observed | a stream the core observes             | every word in order with our tag, [DONE]     |
 * | pipeline | four requests in one write             | four answers in order, each with its digest  |
 * | h2       | six streams at once on one connection  | each stream the same bytes again             |
 * | slow     | reads 300 KB in small sips             | the fixed sequence                           |
 * | leaver   | leaves at some point                   | nothing: it only disturbs                    |
 *
 * What else may happen to a request while nodes fail: an error answer of the documented form, an
 * in-band error, or a cut that the client can see. Each turn returns which it was.
 */
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { sha256 } from '../lib/keys.mjs';
import { bytesDigest } from '../node/answers.mjs';
import { words } from '../node/dialects.mjs';

/**
 * @typedef {{status: number, body: Buffer, whole: boolean}} Got
 * @typedef {(base: string, agent: http.Agent) => Promise<string>} Turn  'good', or what else it was
 */

const CLASSES = ['reasoning', 'code', 'vision', 'batch'];
const TIMEOUT_MS = 60_000;
/** What the gateway, or a node through it, may answer while nodes fail. */
const ERRORS = new Set([429, 500, 502, 503, 504]);

/** A fault: what must never happen. */
export class Fault extends Error {}

/** @param {string} rest */
function path(rest) {
    return `/api/heavy/${CLASSES[randomInt(CLASSES.length)]}${rest}`;
}

/**
 * @param {string} base @param {http.Agent} agent @param {http.RequestOptions} options
 * @param {(req: http.ClientRequest) => unknown} send @returns {Promise<http.IncomingMessage>}
 */
function head(base, agent, options, send) {
    return new Promise((resolve, reject) => {
        const signal = AbortSignal.timeout(TIMEOUT_MS);
        const req = http.request(base, { method: 'POST', agent, signal, ...options });
        req.on('error', (error) => {
            reject(new Fault(`no answer: ${/** @type {any} */ (error).code ?? error.message}`));
        });
        req.on('response', (res) => {
            res.on('error', () => {}); // a cut; `complete` says it too
            resolve(res);
        });
        send(req);
    });
}

/** @param {http.IncomingMessage} res @param {(part: Buffer) => unknown} [each] @returns {Promise<Got>} */
function whole(res, each = () => {}) {
    return new Promise((resolve) => {
        /** @type {Buffer[]} */
        const parts = [];
        res.on('data', (part) => {
            parts.push(part);
            each(part);
        });
        res.on('close', () => {
            resolve({ status: res.statusCode ?? 0, body: Buffer.concat(parts), whole: res.complete });
        });
    });
}

/** An answer that is not good: how so, if it may be. @param {Got} got @returns {string} */
function excuse({ status, body, whole }) {
    if (!ERRORS.has(status)) throw new Fault(`status ${status}: ${body.toString().slice(0, 300)}`);
    if (!whole) return `cut ${status}`;
    try {
        const { error } = JSON.parse(body.toString());
        if (error !== undefined) return `${status} ${error.code ?? error.type ?? ''}`.trim();
    } catch {
        // Below.
    }
    throw new Fault(`${status} without an error: ${body.toString().slice(0, 300)}`);
}

/** @param {Got} got @param {string} digest of the body that must have come */
function judgeBytes(got, digest) {
    if (got.status !== 200) return excuse(got);
    if (!got.whole) return 'cut 200';
    if (sha256(got.body) !== digest) throw new Fault('a whole answer, but not the bytes that were sent');
    return 'good';
}

/** @type {Turn} */
async function small(base, agent) {
    const body = JSON.stringify({ id: randomUUID(), pad: randomBytes(450).toString('hex') });
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const got = await whole(await head(base, agent, { path: path('/echo'), headers }, (r) => r.end(body)));
    if (got.status !== 200) return excuse(got);
    if (!got.whole) return 'cut 200';
    if (JSON.parse(got.body.toString()).sha256 !== sha256(body)) throw new Fault('small: another digest');
    return 'good';
}

/** @type {Turn} */
async function big(base, agent) {
    const body = randomBytes(100_000);
    const headers = { 'content-type': 'application/octet-stream', 'content-length': body.length };
    const res = await head(base, agent, { path: path('/mirror'), headers }, (r) => r.end(body));
    return judgeBytes(await whole(res), sha256(body));
}

/** @type {Turn} */
async function chunked(base, agent) {
    const body = randomBytes(randomInt(1, 300_000));
    const headers = { 'content-type': 'application/octet-stream', 'transfer-encoding': 'chunked' };
    const res = await head(base, agent, { path: path('/mirror?chunked=1'), headers }, async (req) => {
        for (let at = 0; at < body.length && !req.destroyed; at += 33_333) {
            req.write(body.subarray(at, at + 33_333));
            await sleep(1);
        }
        req.end();
    });
    return judgeBytes(await whole(res), sha256(body));
}

/** Reads a stream to its end: each event must be the next one and ours.
 * @param {http.IncomingMessage} res @param {(data: any, n: number) => boolean} isNext @param {number} n */
async function stream(res, isNext, n) {
    const got = await whole(res);
    if (got.status !== 200) return excuse(got);
    const blocks = got.body.toString().split('\n\n');
    let seen = 0;
    let done = false;
    let error = '';
    for (const block of blocks.slice(0, -1)) {
        const data = block.replace(/^data: /, '');
        if (done || error) throw new Fault('events behind the end of a stream');
        if (data === '[DONE]') {
            done = true;
            continue;
        }
        const event = JSON.parse(data);
        if (event.error !== undefined) error = `in band: ${event.error.code}`;
        else if (isNext(event, seen)) seen++;
        else throw new Fault(`not event ${seen} of this stream: ${data.slice(0, 300)}`);
    }
    if (error) return error;
    if (!got.whole) return 'cut stream';
    if (!done || seen !== n) throw new Fault(`a clean end after ${seen} of ${n} events`);
    return 'good';
}

/** @type {Turn} */
async function relayed(base, agent) {
    const tag = randomUUID();
    const rest = `/sse?n=60&ms=3&size=200&tag=${tag}`;
    const headers = { 'x-heady-stream': 'fast', 'content-length': 0 };
    const res = await head(base, agent, { path: path(rest), headers }, (r) => r.end());
    return await stream(res, (e, i) => e.tag === tag && e.i === i, 60);
}

/** @type {Turn} */
async function observed(base, agent) {
    const model = randomUUID();
    const request = { model, stream: true, messages: [], max_tokens: 58, ms_per_token: 3 };
    const body = JSON.stringify(request);
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    const rest = '/v1/chat/completions';
    const res = await head(base, agent, { path: path(rest), headers }, (r) => r.end(body));
    const told = res.headers['x-heady-seed']; // the gateway's: what is said depends on it
    const all = words(told === undefined ? request : { ...request, seed: Number(told) }, 58, '');
    /** @param {any} event @param {number} i */
    const isNext = (event, i) => {
        const { delta, finish_reason: finish } = event.choices[0];
        if (event.model !== model) return false;
        if (i === 0) return delta.role === 'assistant';
        return i === 59 ? finish === 'stop' : delta.content === all[i - 1];
    };
    return await stream(res, isNext, 60);
}

/** A chunked body. @param {Buffer} bytes @param {number} at @returns {{body: Buffer, end: number, whole: boolean}} */
function chunksAt(bytes, at) {
    const parts = [];
    for (;;) {
        const line = bytes.indexOf('\r\n', at);
        const size = line < 0 ? NaN : parseInt(bytes.toString('latin1', at, line), 16);
        if (Number.isNaN(size) || line + 2 + size + 2 > bytes.length) {
            return { body: Buffer.concat(parts), end: bytes.length, whole: false };
        }
        parts.push(bytes.subarray(line + 2, line + 2 + size));
        at = line + 2 + size + 2;
        if (size === 0) return { body: Buffer.concat(parts), end: at, whole: true };
    }
}

/** @param {Buffer} bytes @param {number} at @param {string} lines of the head */
function bodyAt(bytes, at, lines) {
    const length = /^content-length: ([0-9]+)\r?$/im.exec(lines)?.[1];
    if (length === undefined) return chunksAt(bytes, at);
    const body = bytes.subarray(at, at + Number(length));
    return { body, end: at + body.length, whole: body.length === Number(length) };
}

/** The answers in `bytes`. @param {Buffer} bytes @returns {Got[]} */
function answersIn(bytes) {
    const answers = [];
    for (let at = 0; at < bytes.length; ) {
        const end = bytes.indexOf('\r\n\r\n', at);
        if (end < 0) break;
        const lines = bytes.toString('latin1', at, end);
        const { body, end: next, whole } = bodyAt(bytes, end + 4, lines);
        answers.push({ status: Number(lines.slice(9, 12)), body, whole });
        at = next;
    }
    return answers;
}

/** @type {Turn} */
async function pipeline(base) {
    const { hostname, port } = new URL(base);
    const bodies = Array.from({ length: 4 }, () => randomBytes(600).toString('hex'));
    const request = bodies.map((body, i) => [
        `POST ${path('/echo')} HTTP/1.1`, `host: ${hostname}:${port}`, `content-length: ${body.length}`,
        ...(i === bodies.length - 1 ? ['connection: close'] : []), '', body,
    ].join('\r\n'));
    const socket = net.connect({ host: hostname, port: Number(port) });
    /** @type {Buffer[]} */
    const parts = [];
    const closed = new Promise((resolve) => socket.on('close', resolve));
    let error = '';
    socket.on('error', (e) => (error = e.message));
    socket.on('data', (part) => parts.push(part));
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('no answer in time')));
    socket.write(request.join(''));
    await closed;
    const answers = answersIn(Buffer.concat(parts));
    // A process that has a successor closes after the answer at hand: the rest was not begun.
    if (answers.length === 0 || answers.length > 4) throw new Fault(`pipeline: ${answers.length} answers ${error}`);
    let outcome = answers.length < 4 ? 'closed early' : 'good';
    answers.forEach((got, i) => {
        if (got.status !== 200) outcome = excuse(got);
        else if (!got.whole) outcome = 'cut 200';
        else if (JSON.parse(got.body.toString()).sha256 !== sha256(bodies[i])) {
            throw new Fault(`pipeline: answer ${i} is not that of request ${i}`);
        }
    });
    return outcome;
}

/** One stream. @param {http2.ClientHttp2Session} session @returns {Promise<string>} */
async function h2Stream(session) {
    const body = randomBytes(randomInt(1, 60_000));
    const stream = session.request({ ':method': 'POST', ':path': path('/mirror'), 'content-length': body.length });
    /** @type {Got} */
    const got = { status: 0, body: Buffer.alloc(0), whole: false };
    /** @type {Buffer[]} */
    const parts = [];
    let error = '';
    stream.setTimeout(TIMEOUT_MS, () => stream.close(http2.constants.NGHTTP2_CANCEL));
    stream.on('error', (e) => (error = e.message));
    stream.on('response', (headers) => (got.status = Number(headers[':status'])));
    stream.on('data', (part) => parts.push(part));
    stream.on('end', () => (got.whole = error === '' && stream.rstCode === 0));
    stream.end(body);
    await new Promise((resolve) => stream.on('close', resolve));
    got.body = Buffer.concat(parts);
    got.whole &&= stream.rstCode === 0;
    if (got.status === 0) throw new Fault(`no answer on a stream: ${error || stream.rstCode}`);
    return judgeBytes(got, sha256(body));
}

/** @type {Turn} */
async function h2(base) {
    const session = http2.connect(base);
    session.on('error', () => {}); // its streams say so
    try {
        const outcomes = await Promise.all(Array.from({ length: 6 }, () => h2Stream(session)));
        return outcomes.find((outcome) => outcome !== 'good') ?? 'good';
    } finally {
        session.close();
    }
}

/** @type {Turn} */
async function slow(base, agent) {
    const res = await head(base, agent, { path: path('/bytes?n=300000'), headers: { 'content-length': 0 } }, (r) => r.end());
    const got = await whole(res, () => {
        res.pause();
        setTimeout(() => res.resume(), 15);
    });
    return judgeBytes(got, bytesDigest(300_000));
}

/** @type {Turn} */
async function leaver(base) {
    const { hostname, port } = new URL(base);
    const socket = net.connect({ host: hostname, port: Number(port) });
    const closed = new Promise((resolve) => socket.on('close', resolve));
    const body = 'x'.repeat(randomInt(0, 200_000));
    const rest = randomInt(2) === 0 ? '/mirror' : '/sse?n=500&ms=2';
    const text = `POST ${path(rest)} HTTP/1.1\r\nhost: ${hostname}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    socket.on('error', () => {});
    socket.write(text.slice(0, randomInt(1, text.length + 1)));
    await sleep(randomInt(0, 150));
    if (randomInt(2) === 0) socket.resetAndDestroy();
    else socket.destroy();
    await closed;
    return 'left';
}

/** @type {Record<string, {turn: Turn, clients: number}>} */
export const KINDS = {
    small: { turn: small, clients: 6 },
    big: { turn: big, clients: 2 },
    chunked: { turn: chunked, clients: 2 },
    relayed: { turn: relayed, clients: 6 },
    observed: { turn: observed, clients: 6 },
    pipeline: { turn: pipeline, clients: 2 },
    h2: { turn: h2, clients: 2 },
    slow: { turn: slow, clients: 3 },
    leaver: { turn: leaver, clients: 3 },
};
