/** What a dialect is given and what it gives back: one request read whole, one answer not yet sent. */

/**
 * @typedef {object} Ask              one request
 * @property {string} method
 * @property {string} path            without the query
 * @property {string} [url]           as it came
 * @property {URLSearchParams} query
 * @property {import('node:http').IncomingHttpHeaders} headers
 * @property {Buffer} body
 *
 * @typedef {string | Buffer} Piece
 *
 * @typedef {object} Stream           an answer that comes token by token
 * @property {Piece[]} before         the preamble
 * @property {Piece[]} tokens
 * @property {Piece[]} after          finish and usage
 * @property {Piece} done             the very last, which a stream without an end lacks
 * @property {(why: Refusal, sent: number) => Piece} error   an error after so many tokens, to the stream's end
 * @property {Piece} malformed        an event that nobody can read
 * @property {Piece} [ping]          a sign of life before the first token; not there: it has none
 *
 * @typedef {object} Reply
 * @property {number} status
 * @property {Record<string, string | number>} headers
 * @property {string | Buffer} [body]
 * @property {Stream} [stream]        instead of the body
 *
 * @typedef {object} Refusal          why there is no answer
 * @property {number} status
 * @property {string} [kind]          context, policy, quota; what else the dialect knows
 * @property {string} [message]       instead of the dialect's own
 * @property {string} [param]
 * @property {string} [code]          instead of the dialect's own
 * @property {number} [retry_after]   seconds
 *
 * @typedef {object} Face             a dialect
 * @property {(ask: Ask) => string | null} keyOf             the credential that it came with
 * @property {(ask: Ask, keys: string[]) => Reply | null} admit   null: it may come in
 * @property {(ask: Ask) => Reply} answer
 * @property {(ask: Ask, why: Refusal) => Reply} refuse
 */

/** A request that a provider does not take; the dialect makes an answer of it. */
export class Refused extends Error {
    /** @param {Refusal} why */
    constructor(why) {
        super(why.message);
        this.why = why;
    }
}

/** @param {string} message @param {Partial<Refusal>} [more] @returns {never} */
export function refuse(message, more = {}) {
    throw new Refused({ status: 400, kind: 'invalid', message, ...more });
}

/** @param {unknown} value @param {number} [status] @param {Record<string, string | number>} [headers] @returns {Reply} */
export function jsonReply(value, status = 200, headers = {}) {
    return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) };
}

/** @param {Stream} stream @param {string} [type] @returns {Reply} */
export function streamReply(stream, type = 'text/event-stream; charset=utf-8') {
    return { status: 200, headers: { 'content-type': type, 'cache-control': 'no-cache' }, stream };
}

/** The request's object. @param {Ask} ask @param {string} message if it is none @returns {Record<string, any>} */
export function objectOf(ask, message) {
    let value;
    try {
        value = JSON.parse(ask.body.toString('utf8'));
    } catch {
        refuse(message);
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(message);
    return value;
}

/** The first field that is not among the known ones. @param {Record<string, any>} body @param {Set<string>} known */
export function unknownField(body, known) {
    return Object.keys(body).find((name) => !known.has(name));
}

/** @param {string} text @returns {Set<string>} */
export const names = (text) => new Set(text.trim().split(/\s+/));

/** @param {import('node:http').IncomingHttpHeaders} headers @returns {string | null} */
export function bearerOf(headers) {
    return /^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? null;
}

/** Runs a dialect's handler; what it refuses becomes the dialect's error.
 * @param {Ask} ask @param {() => Reply} handler @param {(ask: Ask, why: Refusal) => Reply} refused @returns {Reply} */
export function guarded(ask, handler, refused) {
    try {
        return handler();
    } catch (error) {
        if (error instanceof Refused) return refused(ask, error.why);
        throw error;
    }
}

/** @param {unknown} value */
export function dataEvent(value) {
    return `data: ${JSON.stringify(value)}\n\n`;
}

/** @param {Record<string, unknown> & {type: string}} value */
export function namedEvent(value) {
    return `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`;
}

/** @param {unknown} text */
export function isBase64(text) {
    return typeof text === 'string' && text.length > 0 && /^[A-Za-z0-9+/_-]+={0,2}$/.test(text);
}
