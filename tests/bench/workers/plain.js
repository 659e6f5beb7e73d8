// The same duties as the gateway's hot path, in plain JavaScript, written to be fast: routes of
// /api/heavy/<class>, eight endpoints, two for each class and the one with less in flight first,
// header allow-lists both ways, the body held so that another node can get it, a first-byte
// timeout, fail-over, and the x-heady-* headers. Authentication is off, as for the gateway beside
// it. forEach and plain objects because they cost workerd a third of iterators and Headers. What it
// lacks: breakers, queues, cool-down, accounting, traps, streams that are observed.
const CLASSES = ['reasoning', 'code', 'vision', 'batch'];
const FIRST_BYTE_MS = 95_000;
const BODY_MAX = 1_048_576;
const UP = new Set(['accept', 'accept-language', 'content-type', 'user-agent', 'traceparent',
    'tracestate', 'openai-beta', 'anthropic-beta', 'anthropic-version', 'idempotency-key']);
const DOWN = new Set(['content-type', 'content-language', 'content-disposition', 'content-encoding',
    'cache-control', 'etag', 'last-modified', 'retry-after', 'vary', 'x-ratelimit-remaining']);
const OFFLINE = new Set([500, 502, 504, 520, 521, 522, 523, 524, 525, 526, 527, 530]);
const BUSY = new Set([429, 503, 529]);

/** @type {{ name: string, origin: string, inFlight: number }[]} */
let nodes = [];

/** @param {Record<string, string>} env */
function configure(env) {
    nodes = Array.from({ length: 8 }, (_, i) => (
        { name: `node-${i + 1}`, origin: env[`COLAB_ENDPOINT_${i + 1}`], inFlight: 0 }));
}

/** @param {number} status @param {string} message @param {string} code @param {string} id */
function refuse(status, message, code, id) {
    const error = { message, type: 'invalid_request_error', param: null, code };
    return Response.json({ error }, { status, headers: { 'x-request-id': id } });
}

/** @param {number} at @returns {{ name: string, origin: string, inFlight: number }[]} */
function plan(at) {
    const a = nodes[2 * at];
    const b = nodes[2 * at + 1];
    return a.inFlight <= b.inFlight ? [a, b, nodes[0]] : [b, a, nodes[0]];
}

/** @param {Request} request */
function headersUp(request) {
    /** @type {Record<string, string>} */
    const headers = {};
    request.headers.forEach((value, name) => { if (UP.has(name)) headers[name] = value; });
    return headers;
}

/** @param {Response} response @param {Record<string, string>} said */
function headersDown(response, said) {
    const headers = said;
    response.headers.forEach((value, name) => { if (DOWN.has(name)) headers[name] = value; });
    return headers;
}

/** @param {string} url @param {string} method @param {Record<string, string>} headers
 * @param {ArrayBuffer | undefined} body */
async function attempt(url, method, headers, body) {
    const control = new AbortController();
    const timer = setTimeout(() => control.abort(), FIRST_BYTE_MS);
    try {
        const { signal } = control;
        return await fetch(url, { method, headers, body, redirect: 'manual', signal });
    } finally {
        clearTimeout(timer);
    }
}

/** @param {Request} request @param {string} rest @param {number} at @param {string} id */
async function serve(request, rest, at, id) {
    const headers = headersUp(request);
    const body = request.body ? await request.arrayBuffer() : undefined;
    let attempts = 0;
    for (const node of plan(at)) {
        attempts += 1;
        node.inFlight += 1;
        try {
            const response = await attempt(node.origin + rest, request.method, headers, body);
            if (!OFFLINE.has(response.status) && !BUSY.has(response.status)) {
                const said = {
                    'x-heady-target': node.name, 'x-heady-route': `heavy/${CLASSES[at]}`,
                    'x-heady-reason': attempts === 1 ? 'least in flight' : 'failed over',
                    'x-heady-attempts': String(attempts), 'x-request-id': id,
                };
                return new Response(response.body,
                    { status: response.status, headers: headersDown(response, said) });
            }
            await response.body?.cancel();
        } catch {
            // The next node is tried.
        } finally {
            node.inFlight -= 1;
        }
    }
    return refuse(503, 'no node can take the request now', 'no_node', id);
}

export default {
    /** @param {Request} request @param {Record<string, string>} env */
    fetch(request, env) {
        if (nodes.length === 0) configure(env);
        const url = new URL(request.url);
        const id = crypto.randomUUID();
        const [, api, heavy, name, ...rest] = url.pathname.split('/');
        const at = CLASSES.indexOf(name);
        if (api !== 'api' || heavy !== 'heavy' || at < 0) {
            return refuse(404, 'no such route', 'not_found', id);
        }
        if (Number(request.headers.get('content-length') ?? 0) > BODY_MAX) {
            return refuse(413, 'the body is too large', 'too_large', id);
        }
        const path = rest.length > 0 ? `/${rest.join('/')}` : '/api/cloud-process';
        return serve(request, path + url.search, at, id);
    },
};
