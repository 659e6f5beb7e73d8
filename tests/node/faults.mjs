/**
 * How a node goes wrong on the wire. Each fault is a function of one request: it returns true if it
 * has dealt with the request, false if the ordinary handler is to run (perhaps with its answer cut).
 *
 * | mode           | parameters (default)              | what the gateway sees                        |
 * |----------------|-----------------------------------|----------------------------------------------|
 * | ok             |                                   | nothing wrong                                |
 * | reset          | when: head, body (head)           | RST before the answer                        |
 * | close          | when: head, body (head)           | FIN before the answer                        |
 * | reset_body     | after (65536)                     | RST when that much of its body has come      |
 * | reset_answer   | after (half of the first write)   | RST inside the answer's body                 |
 * | truncate       | after, framing: length, chunked   | FIN inside the answer's body                 |
 * | stall          | after                             | silence inside the answer's body             |
 * | hang           |                                   | accepted, read, never answered               |
 * | slow           | ms per token (50), head_ms (0)    | a slow node                                  |
 * | status         | status (503), retry_after         | that status and an OpenAI error body         |
 * | 429, 503, 500… | retry_after                       | the same, by number                          |
 * | ngrok          |                                   | ngrok's offline page, 404                    |
 * | cloudflare     | status (530), error (1033)        | Cloudflare's error page                      |
 * | junk           |                                   | bytes that are not HTTP                      |
 *
 * "refuse" (the listening socket is closed) is the node's own affair: see node.mjs. What follows is of
 * the models (models.mjs); other paths answer as if nothing were wrong. k is a number of tokens.
 *
 * | mode           | parameters (default)              | what the gateway sees                        |
 * |----------------|-----------------------------------|----------------------------------------------|
 * | late           | ms (15000), head: early, late     | a stream whose first token takes that long   |
 * | cut            | tokens: k (3), how, end           | a stream that ends after k tokens; how:      |
 * |                |   reset, fin                      |   RST, or FIN without the last chunk         |
 * |                |   event, char, chunk              |   inside the next event, inside the next     |
 * |                |                                   |   wide character, inside a chunk's header;   |
 * |                |                                   |   then FIN, or RST by end: reset             |
 * |                |   clean                           |   a clean end, but nothing is finished       |
 * | silent         | tokens: k (3), how: event         | one that stops after k tokens, or inside one |
 * | malformed      | tokens: k (0), what: half, text   | an event too many that cannot be read        |
 * | no_done        |                                   | a good stream without its last line          |
 * | error_event    | tokens: k (0)                     | an error event in a 200, and its end         |
 * | empty          | with: role, done (neither)        | a 200 stream without content                 |
 * | context        |                                   | 400, context_length_exceeded                 |
 * | policy         |                                   | 400, content_policy_violation                |
 * | no_prefill     |                                   | 400 if the last message is the assistant's   |
 * | poison         | how (500), reset                  | 500, or RST, for a body that says "poison"   |
 *
 * With each of them: `differs: k` has other words than the other nodes from token k on, `model` and
 * `prompt_tokens` are the node's own, `pace` is how many ms a token takes.
 *
 * | flaky          | rate (0.05), seed (1), as (500)   | `as`, another fault, at that share of all    |
 */

/**
 * @typedef {object} Fault
 * @property {string} mode
 * @property {number} [count]        only the next `count` requests, `/health` not counted
 * @property {number} [after]
 * @property {'head' | 'body'} [when]
 * @property {'length' | 'chunked'} [framing]
 * @property {number} [ms]
 * @property {number} [head_ms]
 * @property {number} [status]
 * @property {number} [error]
 * @property {number | string} [retry_after]
 * @property {number} [tokens]
 * @property {'reset' | 'fin' | 'event' | 'char' | 'chunk' | 'clean'} [how]
 * @property {'reset'} [end]
 * @property {'early' | 'late'} [head]
 * @property {'role' | 'done'} [with]
 * @property {'half' | 'text'} [what]
 * @property {number} [differs]
 * @property {string} [model]
 * @property {number} [prompt_tokens]
 * @property {number} [pace]
 * @property {number} [rate]
 * @property {number} [seed]
 * @property {Fault} [as]
 * @property {() => number} [draw]   of a flaky one: the next number from its seed
 *
 * @typedef {import('node:http').IncomingMessage & {seen?: import('./node.mjs').Seen}} Request
 * @typedef {import('node:http').ServerResponse & {felled?: boolean}} Response
 * @typedef {(req: Request, res: Response, fault: Fault) => boolean} FaultFn
 */

/** A RST that overtakes what the kernel still has to send would hide it: wait this long first. */
export const FLUSH_MS = 30;

/** @param {Response} res @param {Request} req @param {boolean} rst */
function fell(req, res, rst) {
    res.felled = true;
    if (rst) req.socket.resetAndDestroy();
    else req.socket.destroy();
}

/** @param {Request} req @param {'head' | 'body' | undefined} when @param {() => void} act */
function at(req, when, act) {
    if (when !== 'body') {
        act();
        return;
    }
    req.resume();
    req.once('end', act);
}

/** @type {FaultFn} */
function reset(req, res, fault) {
    at(req, fault.when, () => fell(req, res, true));
    return true;
}

/** @type {FaultFn} */
function close(req, res, fault) {
    at(req, fault.when, () => fell(req, res, false));
    return true;
}

/** @type {FaultFn} */
function resetBody(req, res, fault) {
    const after = fault.after ?? 65536;
    let got = 0;
    req.on('data', (/** @type {Buffer} */ chunk) => {
        got += chunk.length;
        if (got >= after) fell(req, res, true);
    });
    req.once('end', () => fell(req, res, true));
    return true;
}

/**
 * Lets the ordinary handler answer, but lets only `after` bytes of the body out, then ends it badly.
 * @param {Request} req @param {Response} res @param {Fault} fault @param {'rst' | 'fin' | 'none'} how
 */
function cut(req, res, fault, how) {
    const write = res.write.bind(res);
    const finish = () => {
        res.felled = true;
        if (how === 'rst') setTimeout(() => req.socket.resetAndDestroy(), FLUSH_MS);
        if (how === 'fin') req.socket.end();
    };
    let left = fault.after ?? -1;
    let done = false;
    /** @param {string | Buffer | undefined} data */
    const put = (data) => {
        if (done) return true;
        const chunk = Buffer.from(data ?? '');
        if (left < 0) left = chunk.length >> 1;
        const part = chunk.subarray(0, left);
        left -= part.length;
        done = left === 0 || part.length < chunk.length;
        write(part, () => done && finish());
        return true;
    };
    if (fault.framing === 'chunked') {
        const setHeader = res.setHeader.bind(res);
        res.setHeader = (name, value) =>
            name.toLowerCase() === 'content-length' ? res : setHeader(name, value);
    }
    res.write = /** @type {any} */ (put);
    res.end = /** @type {any} */ (
        (/** @type {string | Buffer | undefined} */ data) => {
            if (data !== undefined) put(data);
            if (!done) finish();
            done = true;
            return res;
        }
    );
}

/** @param {'rst' | 'fin' | 'none'} how @returns {FaultFn} */
function cutting(how) {
    return (req, res, fault) => {
        cut(req, res, fault, how);
        return false;
    };
}

/** @type {FaultFn} */
function hang(req) {
    req.resume();
    return true;
}

/** @param {Request} req @param {Response} res @param {number} status
 *  @param {Record<string, string | number>} headers @param {string} body */
function answer(req, res, status, headers, body) {
    req.resume();
    req.once('end', () => {
        res.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
        res.end(body);
    });
}

/** @type {Record<number, [string, string]>} */
const NAMES = {
    400: ['invalid_request_error', 'bad request'],
    429: ['rate_limit_exceeded', 'the node is busy'],
    500: ['server_error', 'CUDA out of memory'],
    503: ['server_error', 'the model is loading'],
};

/** @type {FaultFn} */
function status(req, res, fault) {
    const code = fault.status ?? 503;
    const [type, message] = NAMES[code] ?? ['server_error', `status ${code}`];
    /** @type {Record<string, string | number>} */
    const headers = { 'content-type': 'application/json' };
    if (fault.retry_after !== undefined) headers['retry-after'] = fault.retry_after;
    const body = JSON.stringify({ error: { message, type, param: null, code: null } });
    answer(req, res, code, headers, body);
    return true;
}

/** @type {FaultFn} */
function ngrok(req, res) {
    const body =
        '<!DOCTYPE html>\n<html class="h-full" lang="en-US" dir="ltr"><head><meta charset="utf-8">' +
        '<title>ERR_NGROK_3200</title></head><body><noscript>The endpoint is offline. ' +
        '(ERR_NGROK_3200)</noscript></body></html>\n';
    answer(req, res, 404, { 'content-type': 'text/html', 'ngrok-error-code': 'ERR_NGROK_3200' }, body);
    return true;
}

/** @type {FaultFn} */
function cloudflare(req, res, fault) {
    const code = fault.status ?? 530;
    const error = fault.error ?? 1033;
    const headers = {
        'content-type': 'text/html; charset=UTF-8',
        'server': 'cloudflare',
        'cf-ray': '9a1b2c3d4e5f6789-FRA',
        'retry-after': '120',
    };
    const body =
        '<!doctype html>\n<html lang="en-US"><head><title>Cloudflare Tunnel error | ' +
        `Cloudflare</title></head><body>error code: ${error}</body></html>\n`;
    answer(req, res, code, headers, body);
    return true;
}

/** @type {FaultFn} */
function junk(req, res) {
    res.felled = true;
    req.resume();
    req.socket.end('\x15\x03\x01\x00\x02\x02\x46 this is not HTTP\r\n\r\n');
    return true;
}

/** The handlers see to it themselves. */
const here = () => false;

/** @type {Record<string, FaultFn>} */
export const FAULTS = {
    ok: here,
    reset,
    close,
    reset_body: resetBody,
    reset_answer: cutting('rst'),
    truncate: cutting('fin'),
    stall: cutting('none'),
    hang,
    slow: here,
    status,
    ngrok,
    cloudflare,
    junk,
    late: here,
    cut: here,
    silent: here,
    malformed: here,
    no_done: here,
    error_event: here,
    empty: here,
    context: here,
    policy: here,
    no_prefill: here,
    poison: here,
};

/** A reproducible sequence of numbers from 0 to 1. @param {number} seed */
export function random(seed) {
    let x = (seed * 2654435761) >>> 0 || 1;
    return () => {
        x ^= x << 13;
        x >>>= 0;
        x ^= x >>> 17;
        x ^= x << 5;
        x >>>= 0;
        return x / 2 ** 32;
    };
}

/** What a flaky node does to the next request. @param {Fault} fault @returns {Fault} */
export function drawn(fault) {
    if (fault.draw === undefined || fault.as === undefined) return fault;
    return fault.draw() < (fault.rate ?? 0.05) ? fault.as : { mode: 'ok' };
}

/**
 * Checks what came over the control port: an unknown mode must not pass for a healthy node.
 * @param {Fault | string} given @returns {Fault}
 */
export function parseFault(given) {
    const fault = typeof given === 'string' ? { mode: given } : { ...given };
    if (/^[1-5][0-9][0-9]$/.test(String(fault.mode))) {
        return { ...fault, mode: 'status', status: Number(fault.mode) };
    }
    if (fault.mode === 'flaky') {
        return { ...fault, as: parseFault(fault.as ?? '500'), draw: random(fault.seed ?? 1) };
    }
    if (fault.mode !== 'refuse' && !Object.hasOwn(FAULTS, fault.mode)) {
        throw new Error(`unknown mode ${fault.mode}; one of refuse, flaky, ${Object.keys(FAULTS).join(', ')}`);
    }
    return fault;
}
