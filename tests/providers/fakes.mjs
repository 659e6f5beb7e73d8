/**
 * The providers to test against: each speaks its own dialect as the real one does, as strictly, in one
 * process with the test.
 *
 *     const claude = await startProvider('anthropic', { keys: ['sk-ant-1', 'sk-ant-2'] });
 *     claude.url; claude.seen; claude.control({ status: 429, retry_after: 1, count: 1 }); claude.forget();
 *
 * What it answers is decided by the request alone (said.mjs); how it goes wrong is told in faults.mjs.
 * Every request is remembered, those to paths that a provider does not have too.
 */
import http from 'node:http';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { anthropic } from './anthropic.mjs';
import { bedrock } from './bedrock.mjs';
import { end, parseFaults, takeFault } from './faults.mjs';
import { gemini } from './gemini.mjs';
import { both } from './listener.mjs';
import { ollama } from './ollama.mjs';
import { chat, openai } from './openai.mjs';

/**
 * @typedef {import('./reply.mjs').Ask} Ask
 * @typedef {import('./reply.mjs').Face} Face
 * @typedef {import('./reply.mjs').Reply} Reply
 * @typedef {import('./reply.mjs').Stream} Stream
 * @typedef {import('./faults.mjs').Fault} Fault
 * @typedef {http.ServerResponse} Response
 *
 * @typedef {object} Seen             a request, and what was answered
 * @property {string} method
 * @property {string} url
 * @property {http.IncomingHttpHeaders} headers
 * @property {Buffer} body
 * @property {Buffer} answer          as far as it has been written
 * @property {number} status          0: none
 * @property {string} mode            the fault that it met
 * @property {string} model           that it names
 * @property {boolean} aborted        whoever asked left before the end
 * @property {number} at              when it came, as performance.now()
 *
 * @typedef {object} Provider
 * @property {string} url
 * @property {number} port
 * @property {Seen[]} seen
 * @property {(fault: import('./faults.mjs').Given | import('./faults.mjs').Given[]) => void} control
 * @property {(model: string, fault: import('./faults.mjs').Given) => void} spoil   one model; others stay as they are
 * @property {() => void} forget      nothing seen, nothing wrong
 * @property {() => Promise<void>} close
 */

const HOST = '127.0.0.1';
const PACE_MS = 2;
const KEPT_MS = 60_000;

/** @type {Record<string, Face>} */
const FACES = { anthropic, openai, chat, gemini, ollama, bedrock };

/** An entry of `seen` that grows with its answer. */
class Exchange {
    /** @param {Ask} ask @param {string} url */
    constructor(ask, url) {
        this.method = ask.method;
        this.url = url;
        this.headers = ask.headers;
        this.body = ask.body;
        this.model = modelIn(ask);
        this.status = 0;
        this.mode = 'ok';
        this.aborted = false;
        this.at = performance.now();
        /** @type {Buffer[]} */
        this.parts = [];
    }

    get answer() {
        return Buffer.concat(this.parts);
    }
}

/** @param {http.IncomingMessage} req @returns {Promise<Buffer>} */
async function readAll(req) {
    const parts = [];
    for await (const part of req) parts.push(part);
    return Buffer.concat(parts);
}

/** @param {Ask} ask the model that it names, wherever the dialect has it */
function modelIn(ask) {
    const named = /models?\/([^:/]+)/.exec(ask.path)?.[1];
    if (named !== undefined) return decodeURIComponent(named);
    return /"model"\s*:\s*"([^"]*)"/.exec(ask.body.toString('utf8'))?.[1] ?? '';
}

/** @param {Response} res @returns {import('node:http2').ServerHttp2Stream | undefined} by HTTP/2 */
function streamOf(res) {
    return /** @type {any} */ (res).stream;
}

/** Whether whoever asked left before the end. @param {Response} res */
function isAborted(res) {
    return streamOf(res)?.aborted ?? !res.writableFinished;
}

class FakeProvider {
    /** @param {Face} face @param {string[]} keys @param {number} pace */
    constructor(face, keys, pace) {
        this.face = face;
        this.keys = keys;
        this.pace = pace;
        /** @type {Exchange[]} */
        this.seen = [];
        /** @type {Fault[]} */
        this.faults = [];
        /** @type {Set<import('node:net').Socket>} */
        this.sockets = new Set();
        this.server = both({ keepAliveTimeout: KEPT_MS, maxHeaderSize: 1 << 17 }, (req, res) => {
            // What fails here does so because whoever asked went away in the middle.
            this.serve(req, res).catch(() => res.destroy());
        });
        this.server.on('connection', (socket) => this.accept(socket));
    }

    /** @param {number} port 0: any that is free */
    async listen(port) {
        this.server.listen(port, HOST, 1024);
        await once(this.server, 'listening');
        const address = this.server.address();
        return address !== null && typeof address === 'object' ? address.port : 0;
    }

    /** @param {import('node:net').Socket} socket */
    accept(socket) {
        this.sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => this.sockets.delete(socket));
    }

    /** @param {http.IncomingMessage} req @param {Response} res */
    async serve(req, res) {
        const url = new URL(req.url ?? '/', 'http://provider');
        const about = { method: req.method ?? '', path: url.pathname, query: url.searchParams, headers: req.headers, url: req.url ?? '/' };
        const ask = { ...about, body: await readAll(req) };
        const entry = new Exchange(ask, req.url ?? '/');
        this.seen.push(entry);
        res.on('close', () => (entry.aborted = isAborted(res) && entry.mode !== 'cut' && entry.mode !== 'reset'));
        const refused = this.face.admit(ask, this.keys);
        if (refused !== null) this.send(entry, res, refused);
        else await this.meet(entry, res, ask, takeFault(this.faults, this.face.keyOf(ask), entry.model));
    }

    /** @param {Exchange} entry @param {Response} res @param {Ask} ask @param {Fault} fault */
    async meet(entry, res, ask, fault) {
        entry.mode = fault.mode;
        if (fault.mode === 'hang') return;
        if (fault.mode === 'reset') {
            end(res, 'reset', 0);
            return;
        }
        const reply = fault.mode === 'status' ? this.faulty(ask, fault) : this.face.answer(ask);
        if (reply.stream !== undefined) await this.flow(entry, res, reply, reply.stream, fault);
        else await this.sendLate(entry, res, reply, fault);
    }

    /** @param {Ask} ask @param {Fault} fault @returns {Reply} */
    faulty(ask, fault) {
        const reply = this.face.refuse(ask, { ...fault, status: fault.status ?? 500 });
        return { ...reply, headers: { ...reply.headers, ...fault.headers }, body: fault.body ?? reply.body };
    }

    /** @param {Exchange} entry @param {Response} res @param {Reply} reply @param {Fault} fault */
    async sendLate(entry, res, reply, fault) {
        if (fault.mode === 'late') await sleep(fault.ms ?? 1000);
        this.send(entry, res, reply);
    }

    /** @param {Exchange} entry @param {Response} res @param {Reply} reply */
    send(entry, res, { status, headers, body = '' }) {
        entry.status = status;
        const bytes = Buffer.from(body);
        entry.parts.push(bytes);
        res.writeHead(status, { ...headers, 'content-length': bytes.length }).end(bytes);
    }

    /** @param {Exchange} entry @param {Response} res @param {string | Buffer} text @param {number} [ms] afterwards */
    async put(entry, res, text, ms = 0) {
        if (res.destroyed || streamOf(res)?.destroyed) throw new Error('it has gone');
        const bytes = Buffer.from(text);
        entry.parts.push(bytes);
        res.write(bytes);
        if (ms > 0) await sleep(ms);
    }

    /** @param {Exchange} entry @param {Response} res @param {Reply} reply @param {Stream} stream @param {Fault} fault */
    async flow(entry, res, reply, stream, fault) {
        const pace = fault.pace ?? this.pace;
        const late = fault.mode === 'late';
        if (late && fault.head === 'late') await sleep(fault.ms ?? 1000);
        entry.status = reply.status;
        res.writeHead(reply.status, reply.headers).flushHeaders();
        if (fault.mode === 'empty') return void res.end();
        if (late && fault.head !== 'late' && fault.ping === undefined) await sleep(fault.ms ?? 1000);
        for (const event of stream.before) await this.put(entry, res, event);
        if (fault.ping !== undefined) await this.ping(entry, res, stream, fault.ping, fault.ms ?? 1000);
        for (const [i, token] of stream.tokens.entries()) {
            if (await this.stumble(entry, res, stream, fault, i)) return;
            await this.put(entry, res, token, pace);
        }
        if (await this.stumble(entry, res, stream, fault, stream.tokens.length)) return;
        for (const event of stream.after) await this.put(entry, res, event);
        if (fault.mode !== 'no_done' && stream.done !== '') await this.put(entry, res, stream.done);
        res.end();
    }

    /** Signs of life every `each` ms, for so many ms. @param {Exchange} entry @param {Response} res @param {Stream} stream
     *  @param {number} each @param {number} ms */
    async ping(entry, res, stream, each, ms) {
        const end = performance.now() + ms;
        while (performance.now() < end) await this.put(entry, res, stream.ping ?? '', each);
    }

    /** Goes wrong before token i, if it is to. @param {Exchange} entry @param {Response} res @param {Stream} stream
     *  @param {Fault} fault @param {number} i @returns {Promise<boolean>} that was the end of it */
    async stumble(entry, res, stream, fault, i) {
        const { mode } = fault;
        const at = fault.tokens ?? (mode === 'cut' || mode === 'silent' ? 3 : 0);
        if (at !== i || !['cut', 'silent', 'error_event', 'malformed'].includes(mode)) return false;
        if (mode === 'malformed') {
            await this.put(entry, res, stream.malformed);
            return false;
        }
        if (mode === 'error_event') {
            await this.put(entry, res, stream.error({ ...fault, status: fault.status ?? 529 }, i));
            res.end();
        }
        if (mode === 'cut') {
            const next = stream.tokens[i] ?? stream.done;
            if (fault.how === 'event') await this.put(entry, res, next.slice(0, next.length >> 1));
            end(res, fault.how ?? 'reset');
        }
        return true;
    }

    /** @param {string} model @param {import('./faults.mjs').Given} given */
    spoil(model, given) {
        const others = this.faults.filter((one) => one.model !== model);
        this.faults = [...others, ...parseFaults(given).map((fault) => ({ ...fault, model }))];
    }

    async close() {
        if (!this.server.listening) return; // it was closed before
        const closed = once(this.server, 'close');
        this.server.close();
        for (const socket of this.sockets) socket.destroy();
        await closed;
    }
}

/**
 * Starts a provider in this process.
 * @param {string} name   anthropic, openai, gemini, ollama or bedrock
 * @param {{keys?: string[], pace?: number, port?: number}} [options]  keys: that it takes; pace: ms for each token
 * @returns {Promise<Provider>}
 */
export async function startProvider(name, { keys = [], pace = PACE_MS, port: wanted = 0 } = {}) {
    const face = FACES[name];
    if (face === undefined) throw new Error(`no provider ${name}; there are ${Object.keys(FACES).join(', ')}`);
    const fake = new FakeProvider(face, keys, pace);
    const port = await fake.listen(wanted);
    return {
        url: `http://${HOST}:${port}`,
        port,
        seen: fake.seen,
        control: (fault) => void (fake.faults = parseFaults(fault)),
        spoil: (model, fault) => fake.spoil(model, fault),
        forget: () => {
            fake.seen.length = 0;
            fake.faults = [];
        },
        close: () => fake.close(),
    };
}
