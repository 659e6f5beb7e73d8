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
 * "refuse" (the listening socket is closed) is the node's own affair: see node.mjs.
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
 *
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('node:http').ServerResponse & {felled?: boolean}} Response
 * @typedef {(req: Request, res: Response, fault: Fault) => boolean} FaultFn
 */

/** A RST that overtakes what the kernel still has to send would hide it: wait this long first. */
const FLUSH_MS = 30;

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

/** @type {Record<string, FaultFn>} */
export const FAULTS = {
    ok: () => false,
    reset,
    close,
    reset_body: resetBody,
    reset_answer: cutting('rst'),
    truncate: cutting('fin'),
    stall: cutting('none'),
    hang,
    slow: () => false, // the handlers read ms and head_ms themselves
    status,
    ngrok,
    cloudflare,
    junk,
};

/**
 * Checks what came over the control port: an unknown mode must not pass for a healthy node.
 * @param {Fault | string} given @returns {Fault}
 */
export function parseFault(given) {
    const fault = typeof given === 'string' ? { mode: given } : { ...given };
    if (/^[1-5][0-9][0-9]$/.test(String(fault.mode))) {
        return { ...fault, mode: 'status', status: Number(fault.mode) };
    }
    if (fault.mode !== 'refuse' && !Object.hasOwn(FAULTS, fault.mode)) {
        throw new Error(`unknown mode ${fault.mode}; one of refuse, ${Object.keys(FAULTS).join(', ')}`);
    }
    return fault;
}
