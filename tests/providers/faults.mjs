/**
 * How a provider goes wrong. A fault is met by requests with a good key, in their order; those with a
 * bad one are told so first, as the real ones do.
 *
 * | mode         | parameters (default)           | what the gateway sees                               |
 * |--------------|--------------------------------|-----------------------------------------------------|
 * | ok           |                                | nothing wrong                                       |
 * | status       | status, kind, retry_after,     | that status in the provider's own error shape;      |
 * |              |   message, code, body, headers |   400: kind context (default), policy, invalid;     |
 * |              |                                |   429: kind rate (default), quota                   |
 * | reset        |                                | RST before the head                                 |
 * | hang         |                                | read, never answered                                |
 * | late         | ms (1000), head: early, late,  | the first token takes that long; with `ping` there  |
 * |              |   ping                         |   are signs of life so many ms apart                |
 * | cut          | tokens (3), how: reset, fin,   | a stream that ends after that many tokens: RST, FIN |
 * |              |   event, clean                 |   without last chunk, FIN inside an event, an end   |
 * | silent       | tokens (3)                     | a stream that stops there and stays open            |
 * | error_event  | tokens (0), status (529), kind | an error inside a 200, in its dialect               |
 * | malformed    | tokens (0)                     | an event too many that cannot be read               |
 * | no_done      |                                | a good stream without its very last event           |
 * | empty        |                                | a 200 stream of no byte                             |
 *
 * With each: `count` is how many requests meet it (all), `key` and `model` say which do. Several faults
 * may be set at once: a request meets the first that is meant for it. `pace` is ms for each token.
 */
import { constants } from 'node:http2';
import { FLUSH_MS } from '../node/faults.mjs';

/**
 * @typedef {object} Fault
 * @property {string} mode
 * @property {number} [count]
 * @property {string} [key]
 * @property {string} [model]
 * @property {number} [status]
 * @property {string} [kind]
 * @property {string} [message]
 * @property {string} [code]
 * @property {number} [retry_after]
 * @property {string} [body]
 * @property {Record<string, string>} [headers]
 * @property {number} [tokens]
 * @property {'reset' | 'fin' | 'event' | 'clean'} [how]
 * @property {number} [ms]
 * @property {'early' | 'late'} [head]
 * @property {number} [ping]
 * @property {number} [pace]
 *
 * @typedef {string | (Partial<Fault>)} Given
 */

const MODES = [
    'ok', 'status', 'reset', 'hang', 'late', 'cut', 'silent', 'error_event', 'malformed', 'no_done', 'empty',
];

/** An unknown mode must not pass for health. @param {Given} given @returns {Fault} */
function parseFault(given) {
    const fault = typeof given === 'string' ? { mode: given } : { ...given };
    if (fault.mode === undefined) fault.mode = fault.status === undefined ? 'ok' : 'status';
    if (/^[1-5]\d\d$/.test(fault.mode)) return { ...fault, mode: 'status', status: Number(fault.mode) };
    if (!MODES.includes(fault.mode)) throw new Error(`unknown mode ${fault.mode}; one of ${MODES.join(', ')}`);
    return /** @type {Fault} */ (fault);
}

/** @param {Given | Given[]} given @returns {Fault[]} */
export function parseFaults(given) {
    return [given].flat().map(parseFault);
}

/** @param {Fault} fault @param {string | null} key @param {string} model */
function isFor(fault, key, model) {
    if (fault.count !== undefined && fault.count <= 0) return false;
    return (fault.key === undefined || fault.key === key) && (fault.model === undefined || fault.model === model);
}

/** The fault that a request meets, which counts as met. @param {Fault[]} faults @param {string | null} key
 *  @param {string} model @returns {Fault} */
export function takeFault(faults, key, model) {
    const fault = faults.find((one) => isFor(one, key, model));
    if (fault === undefined) return { mode: 'ok' };
    if (fault.count !== undefined) fault.count--;
    return fault;
}

/** Ends an answer badly, once what was written before is out. A stream of HTTP/2 knows no end but a reset.
 * @param {import('node:http').ServerResponse} res @param {'reset' | 'fin' | 'event' | 'clean'} how @param {number} [ms] */
export function end(res, how, ms = FLUSH_MS) {
    const { socket } = res;
    /** @type {import('node:http2').ServerHttp2Stream | undefined} */
    const stream = /** @type {any} */ (res).stream;
    if (how === 'clean') res.end();
    else if (stream !== undefined) setTimeout(() => stream.close(constants.NGHTTP2_INTERNAL_ERROR), ms);
    else if (how === 'reset' && ms === 0) socket?.resetAndDestroy();
    else if (how === 'reset') setTimeout(() => socket?.resetAndDestroy(), ms);
    else setTimeout(() => socket?.destroy(), ms);
}
