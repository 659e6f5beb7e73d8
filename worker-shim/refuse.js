/*
 * refuse.js: what this host answers by itself, and how it knows a request again that made the core
 * trap. Everything else that a client reads is the core's, and so are the words of these answers.
 */
import { bury } from './trap.js';

/** @typedef {import('./hub.js').Hub} Hub */

/** Where no instance can be had to word it: memory ran out. */
const WORDLESS = '{"error":{"message":"the gateway is out of memory; try again","type":"server_error",'
    + '"param":null,"code":"overloaded"}}\n';

/** Headers that differ each time the same request is sent: set by the platform, by proxies, by
 * tracing, or by an SDK that counts its tries. */
const VARYING = /^(cf-|x-forwarded-|x-stainless-|(x-real-ip|x-request-id|traceparent|tracestate):)/;

/** An error in the shape that clients of that path know, from any instance that lives, if only to say
 * that its configuration is not valid; null if there is none.
 * @param {Hub} hub @param {string} url @param {number} status 0: as an event of a stream
 * @param {string} code @param {string} message */
export function worded(hub, url, status, code, message) {
    /** @type {import('./core.js').Core | null} */
    let core = null;
    try {
        core = hub.core() ?? hub.instance;
        return core && core.refuse(status, url.slice(url.indexOf('/', 8)), code, message);
    } catch (error) {
        if (core !== null) bury(core, error);
        return null;
    }
}

/** @param {Hub} hub @param {string} url @param {number} status @param {string} code
 * @param {string} message */
export function refusal(hub, url, status, code, message) {
    return new Response(worded(hub, url, status, code, message) ?? WORDLESS, {
        status,
        headers: {
            'content-type': 'application/json',
            'cache-control': 'no-store',
            'x-should-retry': 'false',
        },
    });
}

/** What a request is known by: its head but for what varies, and its body if that is held whole.
 * Not made to withstand somebody who looks for collisions: he would only have his own refused.
 * @param {import('./call.js').Call} call @returns {string} */
export function digest(call) {
    const { head, body } = call;
    const lanes = [0x9e3779b9, 0x85ebca6b];
    for (const line of head.split('\n')) if (!VARYING.test(line)) mixText(lanes, line);
    if (body.fin && body.base === 0) for (const chunk of body.chunks) mixBytes(lanes, chunk);
    return lanes.map((lane) => (lane >>> 0).toString(16)).join('-');
}

/** @param {number[]} lanes @param {string} text */
function mixText(lanes, text) {
    for (let i = 0; i < text.length; i += 1) mix(lanes, text.charCodeAt(i));
    mix(lanes, 0x10000);
}

/** @param {number[]} lanes @param {Uint8Array} bytes */
function mixBytes(lanes, bytes) {
    for (let i = 0; i < bytes.length; i += 1) mix(lanes, bytes[i]);
}

/** FNV-1a, and a second lane with another prime. @param {number[]} lanes @param {number} value */
function mix(lanes, value) {
    lanes[0] = Math.imul(lanes[0] ^ value, 0x01000193);
    lanes[1] = Math.imul(lanes[1] ^ value ^ (lanes[1] >>> 15), 0x2c1b3c6d);
}
