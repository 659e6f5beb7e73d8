/**
 * What a healthy node answers: the notebook's own `/api/cloud-process`, OpenAI's chat completions,
 * and a few paths that exist only so that tests can look through the gateway.
 *
 * | path                           | answer                                                         |
 * |--------------------------------|----------------------------------------------------------------|
 * | POST /api/cloud-process        | the notebook's, by `type`                                      |
 * | POST /v1/chat/completions      | OpenAI's; `max_tokens` words; `ack_id` as for /sse-ack         |
 * | GET /v1/models, GET /health    |                                                                |
 * | any /fast                      | about 500 constant bytes, for benches                          |
 * | any /echo…                     | JSON: method, url, headers as they came, body length, SHA-256   |
 * | POST /sha                      | JSON: length, SHA-256 and how many ms the body took             |
 * | POST /mirror                   | the body itself; &chunked=1 without a length                   |
 * | any /bytes?n=                  | n bytes of a fixed sequence; &chunked=1 without a length       |
 * | any /sse?n=&ms=&size=&tag=     | n events, one every ms; each names the tag                     |
 * | any /sse-ack?id=&n=            | n events, each waits for the acknowledgement of the last       |
 * | GET /ack?id=&i=                | acknowledges event i; meant to be called around the gateway    |
 * | any /early?status=             | answers before it reads the body                               |
 * | any /headers?status=&name=val  | a response with exactly those headers                          |
 * | /status                        | of a local service                                             |
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @typedef {import('./faults.mjs').Request} Request
 * @typedef {import('./faults.mjs').Response} Response
 * @typedef {import('./faults.mjs').Fault} Fault
 *
 * @typedef {object} Self      what a handler knows of its node
 * @property {number | string} id
 * @property {Map<string, Acks>} acks
 * @property {{bytes_in: number, bytes_out: number}} counts
 *
 * @typedef {object} Acks      one acknowledged stream: `done` events are acknowledged
 * @property {number} done
 * @property {() => unknown} wake
 *
 * @typedef {(self: Self, req: Request, res: Response, url: URL, fault: Fault)
 *     => void | Promise<void>} Handler
 */

const BODY_MAX = 64 << 20;
const ACK_WAIT_MS = 10_000;

/** @param {Request} req @param {Self} self @returns {Promise<Buffer>} */
async function readBody(req, self) {
    const parts = [];
    let n = 0;
    for await (const chunk of req) {
        n += chunk.length;
        self.counts.bytes_in += chunk.length;
        if (n > BODY_MAX) throw new Error('the body is too large');
        parts.push(chunk);
    }
    return Buffer.concat(parts);
}

/** @param {Response} res @param {Self} self @param {number} status @param {unknown} value */
function sendJson(res, self, status, value) {
    const body = JSON.stringify(value);
    self.counts.bytes_out += body.length;
    res.statusCode = status;
    res.setHeader('content-type', 'application/json');
    res.setHeader('content-length', Buffer.byteLength(body));
    res.end(body);
}

/** @param {Response} res @param {Self} self @param {number} status @param {string} message
 *  @param {string | null} [code] @param {string | null} [param] */
function sendError(res, self, status, message, code = null, param = null) {
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
async function put(res, self, data) {
    if (res.destroyed || res.felled) return false;
    self.counts.bytes_out += data.length;
    if (!res.write(data) && !res.destroyed) await drained(res);
    return !res.destroyed;
}

/** @param {Response} res */
function beginEvents(res) {
    res.statusCode = 200;
    res.setHeader('content-type', 'text/event-stream; charset=utf-8');
    res.setHeader('cache-control', 'no-cache');
    res.flushHeaders();
}

// ------------------------------------------------------------------ the notebook's own endpoint

/** @type {Record<string, (prompt: string) => Record<string, unknown>>} */
const PROCESSORS = {
    code_generation: (prompt) => ({
        type: 'code_generation',
        result: `${prompt}\ndef solve():\n    return 42\n`,
        performance: { device: 'cuda', model: 'codegen-350M', tokens_generated: 12 },
    }),
    complex_reasoning: (prompt) => ({
        type: 'complex_reasoning',
        result: `${prompt} Therefore it follows.`,
        performance: { device: 'cuda', model: 'DialoGPT-medium', tokens_generated: 5 },
    }),
    multimodal: (prompt) => ({
        type: 'multimodal_processing',
        result: `Multimodal analysis of: ${prompt}`,
        capabilities: ['vision', 'text', 'audio'],
        performance: { device: 'cuda', processing_type: 'simulated_multimodal' },
    }),
    general: (prompt) => ({
        type: 'general_processing',
        result: `${prompt} Done.`,
        performance: { device: 'cuda', model: 'DialoGPT-medium', tokens_generated: 3 },
    }),
};

/** @param {Buffer} body @returns {Record<string, any> | null} */
function parseObject(body) {
    try {
        const value = JSON.parse(body.toString('utf8'));
        return value !== null && typeof value === 'object' ? value : null;
    } catch {
        return null;
    }
}

/** @type {Handler} */
async function cloudProcess(self, req, res, _url, fault) {
    const request = parseObject(await readBody(req, self));
    if (request === null) {
        sendJson(res, self, 500, { error: '400 Bad Request: the body is not JSON' });
        return;
    }
    if (fault.mode === 'slow') await sleep(fault.head_ms ?? fault.ms ?? 50);
    const type = typeof request.type === 'string' ? request.type : 'general';
    const processor = Object.hasOwn(PROCESSORS, type) ? PROCESSORS[type] : PROCESSORS.general;
    const answer = processor(String(request.prompt ?? ''));
    sendJson(res, self, 200, { ...answer, processing_location: 'colab_gpu', node: self.id });
}

// ------------------------------------------------------------------ OpenAI's chat completions

const MODELS = ['heady-colab', 'codegen-350M', 'DialoGPT-medium'];

/** @param {Record<string, any>} request @param {Self} self */
function completion(request, self) {
    const count = Math.min(Number(request.max_tokens ?? request.max_completion_tokens ?? 8), 100_000);
    const words = Array.from({ length: count }, (_, i) => `w${i} `);
    const usage = {
        prompt_tokens: Math.ceil(JSON.stringify(request.messages).length / 4),
        completion_tokens: count,
        total_tokens: Math.ceil(JSON.stringify(request.messages).length / 4) + count,
    };
    const head = {
        id: `chatcmpl-${self.id}-${Date.now().toString(36)}`,
        created: Math.floor(Date.now() / 1000),
        model: String(request.model ?? MODELS[0]),
        system_fingerprint: `node-${self.id}`,
    };
    return { words, usage, head };
}

/** Waits until `done` events of a stream are acknowledged; false if that does not come.
 * @param {Self} self @param {Response} res @param {string} id @param {number} done */
async function acknowledged(self, res, id, done) {
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

/** @param {Self} self @param {Response} res @param {Record<string, any>} request @param {number} ms */
async function streamChat(self, res, request, ms) {
    const { words, usage, head } = completion(request, self);
    const withUsage = request.stream_options?.include_usage === true;
    const extra = withUsage ? { usage: null } : {};
    /** @param {Record<string, unknown>} delta @param {string | null} finish */
    const event = (delta, finish) => {
        const choices = [{ index: 0, delta, logprobs: null, finish_reason: finish }];
        const chunk = { ...head, object: 'chat.completion.chunk', choices, ...extra };
        return put(res, self, `data: ${JSON.stringify(chunk)}\n\n`);
    };
    beginEvents(res);
    await event({ role: 'assistant', content: '' }, null);
    for (let i = 0; i < words.length; i++) {
        if (ms > 0) await sleep(ms);
        if (!(await event({ content: words[i] }, null))) return;
        if (request.ack_id && !(await acknowledged(self, res, String(request.ack_id), i + 1))) {
            res.destroy();
            return;
        }
    }
    await event({}, 'stop');
    if (withUsage) {
        const chunk = { ...head, object: 'chat.completion.chunk', choices: [], usage };
        await put(res, self, `data: ${JSON.stringify(chunk)}\n\n`);
    }
    res.end('data: [DONE]\n\n');
}

/** @type {Handler} */
async function chat(self, req, res, _url, fault) {
    if (req.method !== 'POST') return sendError(res, self, 405, 'only POST is allowed');
    const request = parseObject(await readBody(req, self));
    if (request === null) return sendError(res, self, 400, 'the body is not JSON');
    if (!Array.isArray(request.messages)) {
        return sendError(res, self, 400, "missing required parameter: 'messages'", null, 'messages');
    }
    if (request.model === 'no-such-model') {
        return sendError(res, self, 404, 'the model does not exist', 'model_not_found', 'model');
    }
    const ms = Number(request.ms_per_token ?? (fault.mode === 'slow' ? (fault.ms ?? 50) : 0));
    if (fault.mode === 'slow' && fault.head_ms) await sleep(fault.head_ms);
    if (request.stream === true) return await streamChat(self, res, request, ms);
    const { words, usage, head } = completion(request, self);
    if (ms > 0) await sleep(Math.min(ms * words.length, 600_000));
    const message = { role: 'assistant', content: words.join('').trimEnd() };
    const choices = [{ index: 0, message, logprobs: null, finish_reason: 'stop' }];
    sendJson(res, self, 200, { ...head, object: 'chat.completion', choices, usage, node: self.id });
}

/** @type {Handler} */
function models(self, req, res) {
    req.resume();
    const data = MODELS.map((id) => ({ id, object: 'model', created: 0, owned_by: 'heady' }));
    sendJson(res, self, 200, { object: 'list', data });
}

// ------------------------------------------------------------------ paths for tests

/** @type {Handler} */
function health(self, req, res) {
    req.resume();
    sendJson(res, self, 200, { status: 'healthy', node: self.id, gpu: 'A100-SXM4-40GB' });
}

const FAST = Buffer.from(JSON.stringify({ node: 0, result: 'x'.repeat(470) }));
const FAST_HEADERS = ['content-type', 'application/json', 'content-length', String(FAST.length)];

/** @param {Self} self @param {Request} req @param {Response} res */
export function fast(self, req, res) {
    self.counts.bytes_out += FAST.length;
    const answer = () => {
        res.writeHead(200, FAST_HEADERS);
        res.end(FAST);
    };
    if (req.method === 'GET' || req.method === 'HEAD') {
        answer();
        return;
    }
    req.on('data', (/** @type {Buffer} */ chunk) => (self.counts.bytes_in += chunk.length));
    req.on('end', answer);
}

/** @type {Handler} */
async function echo(self, req, res) {
    const hash = createHash('sha256');
    let length = 0;
    for await (const chunk of req) {
        hash.update(chunk);
        length += chunk.length;
    }
    self.counts.bytes_in += length;
    sendJson(res, self, 200, {
        node: self.id,
        method: req.method,
        path: req.url,
        headers: req.headers,
        raw_headers: req.rawHeaders,
        length,
        sha256: hash.digest('hex'),
    });
}

/** @type {Handler} */
async function sha(self, req, res) {
    const began = Date.now();
    const hash = createHash('sha256');
    let length = 0;
    for await (const chunk of req) {
        hash.update(chunk);
        length += chunk.length;
        self.counts.bytes_in += chunk.length;
    }
    const took_ms = Date.now() - began;
    sendJson(res, self, 200, { node: self.id, length, sha256: hash.digest('hex'), took_ms });
}

/** @type {Handler} */
async function mirror(self, req, res, url) {
    const body = await readBody(req, self);
    res.statusCode = 200;
    res.setHeader('content-type', 'application/octet-stream');
    if (url.searchParams.get('chunked') === null) res.setHeader('content-length', body.length);
    for (let at = 0; at < body.length; at += 40_000) {
        if (!(await put(res, self, body.subarray(at, at + 40_000)))) return;
    }
    res.end();
}

const BLOCK = 65_521; // a prime, so that a piece lost or doubled cannot go unseen

/** The fixed sequence that /bytes sends: a block of pseudo-random bytes, again and again. */
export const block = (() => {
    const bytes = Buffer.alloc(BLOCK);
    let x = 2463534242;
    for (let i = 0; i < BLOCK; i++) {
        x ^= x << 13;
        x ^= x >>> 17;
        x ^= x << 5;
        bytes[i] = x & 255;
    }
    return bytes;
})();

/** @param {number} n @returns {string} the SHA-256 of what /bytes?n= sends */
export function bytesDigest(n) {
    const hash = createHash('sha256');
    for (let left = n; left > 0; left -= BLOCK) hash.update(block.subarray(0, Math.min(left, BLOCK)));
    return hash.digest('hex');
}

/** @type {Handler} */
async function bytes(self, req, res, url) {
    req.resume();
    const n = Number(url.searchParams.get('n') ?? 1000);
    res.statusCode = 200;
    res.setHeader('content-type', 'application/octet-stream');
    if (url.searchParams.get('chunked') === null) res.setHeader('content-length', n);
    if (req.method === 'HEAD') {
        res.end();
        return;
    }
    for (let left = n; left > 0; left -= BLOCK) {
        if (!(await put(res, self, block.subarray(0, Math.min(left, BLOCK))))) return;
    }
    res.end();
}

/** @type {Handler} */
async function sse(self, req, res, url) {
    req.resume();
    const n = Number(url.searchParams.get('n') ?? 10);
    const ms = Number(url.searchParams.get('ms') ?? 0);
    const tag = JSON.stringify(url.searchParams.get('tag') ?? '');
    const pad = 'x'.repeat(Math.max(0, Number(url.searchParams.get('size') ?? 154) - 40));
    beginEvents(res);
    for (let i = 0; i < n; i++) {
        if (ms > 0) await sleep(ms);
        if (!(await put(res, self, `data: {"node":${JSON.stringify(self.id)},"i":${i},"tag":${tag},"x":"${pad}"}\n\n`))) return;
    }
    res.end('data: [DONE]\n\n');
}

/** @type {Handler} */
async function sseAck(self, req, res, url) {
    req.resume();
    const id = url.searchParams.get('id') ?? '';
    const n = Number(url.searchParams.get('n') ?? 100);
    beginEvents(res);
    for (let i = 1; i <= n; i++) {
        if (!(await put(res, self, `data: {"node":${self.id},"i":${i}}\n\n`))) break;
        if (!(await acknowledged(self, res, id, i))) {
            res.destroy();
            break;
        }
    }
    self.acks.delete(id);
    if (!res.destroyed) res.end('data: [DONE]\n\n');
}

/** @type {Handler} */
function ack(self, req, res, url) {
    req.resume();
    const acks = self.acks.get(url.searchParams.get('id') ?? '');
    if (acks !== undefined) {
        acks.done = Math.max(acks.done, Number(url.searchParams.get('i')));
        acks.wake();
    }
    res.writeHead(acks === undefined ? 404 : 204).end();
}

/** @type {Handler} */
function early(self, req, res, url) {
    sendError(res, self, Number(url.searchParams.get('status') ?? 413), 'the node has seen enough');
    req.resume();
}

/** @type {Handler} */
function headers(self, req, res, url) {
    req.resume();
    res.statusCode = Number(url.searchParams.get('status') ?? 200);
    for (const [name, value] of url.searchParams) {
        if (name !== 'status') res.appendHeader(name, value);
    }
    const body = res.statusCode === 204 || res.statusCode === 304 ? undefined : `node ${self.id}\n`;
    res.end(body);
}

/** @type {Handler} */
function serviceStatus(self, req, res) {
    req.resume();
    sendJson(res, self, 200, { service: self.id, status: 'running', processing_location: 'local' });
}

/** @type {Record<string, Handler>} */
const EXACT = {
    '/api/cloud-process': cloudProcess,
    '/v1/chat/completions': chat,
    '/v1/models': models,
    '/health': health,
    '/fast': fast,
    '/echo': echo,
    '/sha': sha,
    '/mirror': mirror,
    '/bytes': bytes,
    '/sse': sse,
    '/sse-ack': sseAck,
    '/ack': ack,
    '/early': early,
    '/headers': headers,
    '/status': serviceStatus,
};

/** @type {Handler} */
function notFound(self, req, res) {
    req.resume();
    sendError(res, self, 404, `no such path: ${req.method} ${req.url}`, 'not_found');
}

/** @param {string} path @returns {Handler} */
export function handlerOf(path) {
    if (Object.hasOwn(EXACT, path)) return EXACT[path];
    return path.startsWith('/echo/') ? echo : notFound;
}
