/**
 * What an SDK really sends and gets: a `fetch` for it that keeps the bytes of both, and the comparison
 * with what the provider saw behind the gateway.
 */
import assert from 'node:assert/strict';

/**
 * @typedef {object} Exchange
 * @property {string} method
 * @property {string} url
 * @property {Headers} headers        as they were sent
 * @property {Buffer} sent
 * @property {number} status
 * @property {Headers} answered       the answer's
 * @property {Promise<Buffer>} got
 *
 * @typedef {object} Recorder
 * @property {Exchange[]} kept
 * @property {typeof globalThis.fetch} fetch
 */

const real = globalThis.fetch;

/** @param {ReadableStream<Uint8Array> | null} body @returns {Promise<Buffer>} as far as it came */
async function collect(body) {
    const parts = [];
    try {
        for await (const part of body ?? []) parts.push(part);
    } catch {
        // It was cut, or given up: what came is what is kept.
    }
    return Buffer.concat(parts);
}

/** @returns {Recorder} */
export function recorder() {
    /** @type {Exchange[]} */
    const kept = [];
    /** @type {typeof globalThis.fetch} */
    const fetch = async (input, init) => {
        const request = new Request(input, init);
        if (request.url.startsWith('data:')) return real(input, init); // an SDK tries out what fetch can do
        const sent = Buffer.from(await request.arrayBuffer());
        const { method, url, headers } = request;
        // The SDK's own signal: a Request's is another, and once that is collected as garbage nobody hears the first.
        const signal = init?.signal ?? (input instanceof Request ? input.signal : undefined);
        const answer = await real(url, { method, headers, signal, body: sent.length > 0 ? sent : undefined });
        const [mine, theirs] = answer.body?.tee() ?? [null, null];
        kept.push({ method, url, headers, sent, status: answer.status, answered: answer.headers, got: collect(mine) });
        return new Response(theirs, { status: answer.status, statusText: answer.statusText, headers: answer.headers });
    };
    return { kept, fetch };
}

/** @param {Buffer} actual @param {Buffer} expected @param {string} what */
function equal(actual, expected, what) {
    if (actual.equals(expected)) return;
    const at = [...expected].findIndex((byte, i) => actual[i] !== byte);
    const from = at < 0 ? expected.length : at;
    const around = (/** @type {Buffer} */ bytes) => bytes.subarray(Math.max(0, from - 60), from + 120).toString('latin1');
    assert.fail(`${what} differs from byte ${from} on:\n${around(actual)}\nand should be\n${around(expected)}`);
}

/** What the gateway changes of a request and of its answer on a unified route: usage is asked for where the client
 * has not, and is left out of what it gets. @param {import('./fakes.mjs').Seen} seen @param {Buffer} [sent]
 * @returns {import('./fakes.mjs').Seen} */
export function withoutSlices(seen, sent) {
    const asks = '{"stream_options":{"include_usage":true},';
    const body = seen.body.toString();
    if (!body.startsWith(asks) || sent?.equals(seen.body)) return seen;
    const answer = seen.answer.toString().replace(/data: \{[^\n]*"choices":\[\],[^\n]*"usage":\{[^\n]*\n\n/, '');
    return { ...seen, body: Buffer.from(`{${body.slice(asks.length)}`), answer: Buffer.from(answer) };
}

/** Every byte of a body was seen as it was sent, and came as it was answered; no key crossed over.
 * @param {Exchange[]} kept @param {import('./fakes.mjs').Seen[]} seen @param {{gateway: string, providers: string[]}} keys */
export async function sameBytes(kept, seen, keys) {
    assert.ok(kept.length > 0, 'something was asked');
    assert.equal(seen.length, kept.length, 'as many requests behind the gateway as before it');
    for (const [i, exchange] of kept.entries()) {
        const got = await exchange.got;
        equal(seen[i].body, exchange.sent, 'the request');
        if (!seen[i].aborted) equal(got, seen[i].answer, 'the answer');
        assert.equal(exchange.status, seen[i].status);
        keepsKeys(exchange, got, seen[i], keys);
    }
}

/** @param {Exchange} exchange @param {Buffer} got @param {import('./fakes.mjs').Seen} seen
 *  @param {{gateway: string, providers: string[]}} keys */
function keepsKeys(exchange, got, seen, keys) {
    const inside = `${seen.url}\n${JSON.stringify(seen.headers)}\n${seen.body.toString('latin1')}`;
    assert.ok(!inside.includes(keys.gateway), 'the client\'s key ends at the gateway');
    const outside = `${JSON.stringify([...exchange.answered])}\n${got.toString('latin1')}`;
    for (const key of keys.providers) assert.ok(!outside.includes(key), 'the provider\'s key stays behind the gateway');
}
