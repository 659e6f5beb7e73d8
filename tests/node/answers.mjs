/**
 * What a healthy node answers: the notebook's own `/api/cloud-process`, its models (models.mjs), and a
 * few paths that exist only so that tests can look through the gateway.
 *
 * | path                           | answer                                                         |
 * |--------------------------------|----------------------------------------------------------------|
 * | POST /api/cloud-process        | the notebook's, by `type`                                      |
 * | POST /v1/chat/completions      | OpenAI's; `max_tokens` words; `ack_id` as for /sse-ack         |
 * | POST /v1/completions           | the same in the older form                                     |
 * | POST /v1/messages, /api/chat   | Anthropic's; Ollama's                                          |
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
import { MODELS, MODEL_PATHS } from './models.mjs';
import { acknowledged, beginEvents, parseObject, put, readBody, sendError, sendJson } from './wire.mjs';

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
    ...MODEL_PATHS,
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
