/**
 * A node to test against: one small program that speaks what a Colab notebook behind its tunnel
 * speaks (answers.mjs), and that can be told to go wrong in the ways they go wrong (faults.mjs).
 *
 * As a program:  node tests/node/node.mjs --port 0 --control 0 --id 3
 *                prints {"port":…,"control":…} on one line when it listens; ends on SIGTERM, SIGINT,
 *                and with --tied also when its standard input closes, so that it never outlives
 *                whoever started it. With NODE_KEY in the environment it answers challenges, and
 *                with --register URL it registers itself at that gateway and keeps its lease.
 * As a module:   const node = await startNode({ id: 3 });
 *                node.url; await node.control({ mode: '503', count: 2 }); node.stats(); node.close()
 *
 * The control port takes JSON: POST /mode {"mode": "reset", "count": 1}, POST /stop, POST /start,
 * GET /stats, GET /seen (what came, request by request), POST /forget (counters to zero, nothing seen,
 * mode ok). "refuse" is the same as /stop.
 *
 * States of the listening socket:
 *
 *     | state     | control(refuse) / stop          | control(other) / start  | close  |
 *     |-----------|---------------------------------|-------------------------|--------|
 *     | listening | -> stopped; connections are RST | stays, mode changes     | -> end |
 *     | stopped   | stays                           | -> listening, same port | -> end |
 */
import http from 'node:http';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { FAULTS, drawn, parseFault } from './faults.mjs';
import { fast, handlerOf } from './answers.mjs';
import { freePort } from '../lib/ports.mjs';
import { keepRegistered, prove } from './register.mjs';

/**
 * @typedef {import('./faults.mjs').Fault} Fault
 * @typedef {import('./faults.mjs').Request} Request
 * @typedef {import('./faults.mjs').Response} Response
 *
 * @typedef {object} Stats
 * @property {number} requests      that reached the node, /health apart
 * @property {number} probes        requests of /health
 * @property {number} connections   accepted since the start
 * @property {number} open          connections that are open
 * @property {number} in_flight     requests whose answer is not over
 * @property {number} bytes_in      of request bodies
 * @property {number} bytes_out     of response bodies
 * @property {number} aborted       answers that the gateway cut off
 * @property {number} aborted_at    when the last of them was, as Date.now()
 * @property {Record<string, number>} paths  requests by path
 * @property {{method: string, url: string, headers: Record<string, unknown>} | null} last
 *
 * @typedef {object} Seen           a request that came, /health and /fast apart
 * @property {number} at            as Date.now(), and finer
 * @property {number} until         when its answer was over; 0: it is not
 * @property {string} path
 * @property {string} id            the x-request-id that the gateway gave it
 * @property {string} sha           of its body, where the handler has read it all
 * @property {string} mode          the fault that it met
 * @property {number} status        of the answer; 0: none
 *
 * @typedef {object} Node
 * @property {number | string} id
 * @property {string} url
 * @property {number} port
 * @property {(fault: Fault | string) => Promise<void>} control
 * @property {() => Promise<void>} stop
 * @property {() => Promise<void>} start
 * @property {() => Stats} stats
 * @property {() => Seen[]} seen    the first of them, up to a bound
 * @property {() => void} forget
 * @property {() => Promise<void>} close
 */

const HOST = '127.0.0.1';
const PATHS_MAX = 256;
const SEEN_MAX = 20_000;

/** @returns {Stats} */
function noStats() {
    return {
        requests: 0, probes: 0, connections: 0, open: 0, in_flight: 0, bytes_in: 0, bytes_out: 0,
        aborted: 0, aborted_at: 0, paths: {}, last: null,
    };
}

/** One node: its sockets, its counters and its present fault. */
class FakeNode {
    /** @param {number | string} id @param {string} [key] that it registers with */
    constructor(id, key) {
        this.id = id;
        this.key = key;
        this.port = 0;
        this.counts = noStats();
        /** @type {Map<string, import('./answers.mjs').Acks>} */
        this.acks = new Map();
        /** @type {Fault} */
        this.fault = { mode: 'ok' };
        /** @type {Seen[]} */
        this.seen = [];
        /** @type {Set<import('node:net').Socket>} */
        this.sockets = new Set();
        /** @type {http.Server | null} */
        this.server = null;
    }

    /** @param {number} port */
    async listen(port) {
        if (this.server !== null) return;
        const server = http.createServer(
            { requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 300_000, maxHeaderSize: 1 << 17 },
            (req, res) => this.serve(req, res),
        );
        server.on('connection', (socket) => this.accept(socket));
        server.listen(port, HOST, 4096);
        await once(server, 'listening');
        const address = server.address();
        this.port = address !== null && typeof address === 'object' ? address.port : port;
        this.server = server;
    }

    async unlisten() {
        const server = this.server;
        if (server === null) return;
        this.server = null;
        const closed = once(server, 'close');
        server.close();
        for (const socket of this.sockets) socket.resetAndDestroy();
        await closed;
    }

    /** @param {import('node:net').Socket} socket */
    accept(socket) {
        this.counts.connections++;
        this.counts.open++;
        this.sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
            this.counts.open--;
            this.sockets.delete(socket);
        });
    }

    /** The fault for this request; a counted one leaves the gateway's probes of /health alone.
     * @param {boolean} probe @returns {Fault} */
    take(probe) {
        const fault = this.fault;
        if (fault.mode === 'flaky') return probe ? { mode: 'ok' } : drawn(fault);
        if (fault.count === undefined) return fault;
        if (probe) return { mode: 'ok' };
        fault.count--;
        if (fault.count <= 0) this.fault = { mode: 'ok' };
        return fault;
    }

    /** @param {Request} req @param {Response} res @param {string} path */
    note(req, res, path) {
        const counts = this.counts;
        if (path === '/health') counts.probes++;
        else counts.requests++;
        counts.in_flight++;
        if (path in counts.paths || Object.keys(counts.paths).length < PATHS_MAX) {
            counts.paths[path] = (counts.paths[path] ?? 0) + 1;
        }
        counts.last = { method: req.method ?? '', url: req.url ?? '', headers: req.headers };
        res.on('close', () => {
            counts.in_flight--;
            if (res.writableFinished || res.felled) return;
            counts.aborted++;
            counts.aborted_at = Date.now();
        });
    }

    /** @param {Request} req @param {Response} res @param {string} path @param {string} mode */
    remember(req, res, path, mode) {
        if (path === '/health' || this.seen.length >= SEEN_MAX) return;
        const id = String(req.headers['x-request-id'] ?? '');
        const seen = { at: performance.timeOrigin + performance.now(), until: 0, path, id, sha: '', mode, status: 0 };
        req.seen = seen;
        this.seen.push(seen);
        res.on('close', () => {
            seen.until = performance.timeOrigin + performance.now();
            seen.status = res.headersSent ? res.statusCode : 0;
        });
    }

    /** @param {Request} req @param {Response} res */
    serve(req, res) {
        const raw = req.url ?? '/';
        if (raw === '/fast' && this.fault.mode === 'ok') {
            this.counts.requests++; // and no other book-keeping: this one is for benches
            fast(this, req, res);
            return;
        }
        const query = raw.indexOf('?');
        const path = query < 0 ? raw : raw.slice(0, query);
        req.on('error', () => {});
        res.on('error', () => {});
        const fault = path === '/ack' ? { mode: 'ok' } : this.take(path === '/health');
        if (path !== '/ack') {
            this.note(req, res, path);
            this.remember(req, res, path, fault.mode);
        }
        if (FAULTS[fault.mode](req, res, fault)) return;
        prove(this.key, req, res);
        const url = query < 0 ? EMPTY_URL : new URL(raw, 'http://node');
        // A handler that fails does so because the gateway went away in the middle of a body.
        Promise.resolve(handlerOf(path)(this, req, res, url, fault)).catch(() => res.destroy());
    }

    /** @param {Fault | string} given */
    async control(given) {
        const fault = parseFault(given);
        if (fault.mode === 'refuse') {
            await this.unlisten();
            return;
        }
        this.fault = fault;
        await this.listen(this.port);
    }

    stats() {
        return { ...this.counts, paths: { ...this.counts.paths } };
    }

    /** Counters to zero; what is open now stays counted as open. */
    forget() {
        const { open, in_flight } = this.counts;
        Object.assign(this.counts, noStats(), { open, in_flight });
        this.fault = { mode: 'ok' };
        this.seen = [];
    }
}

const EMPTY_URL = new URL('http://node/');

/**
 * Starts a node in this process.
 * @param {{id: number | string, port?: number, key?: string}} options @returns {Promise<Node>}
 */
export async function startNode({ id, port = 0, key }) {
    const node = new FakeNode(id, key);
    await node.listen(port || await freePort());
    return {
        id,
        port: node.port,
        url: `http://${HOST}:${node.port}`,
        control: (fault) => node.control(fault),
        stop: () => node.unlisten(),
        start: () => node.listen(node.port),
        stats: () => node.stats(),
        seen: () => node.seen,
        forget: () => node.forget(),
        close: () => node.unlisten(),
    };
}

/** @param {Node} node @param {Request} req @param {string} body @returns {Promise<unknown>} */
async function command(node, req, body) {
    const what = `${req.method} ${req.url}`;
    if (what === 'POST /mode') await node.control(JSON.parse(body));
    else if (what === 'POST /stop') await node.stop();
    else if (what === 'POST /start') await node.start();
    else if (what === 'POST /forget') node.forget();
    else if (what === 'GET /seen') return node.seen();
    else if (what !== 'GET /stats') throw new Error(`unknown command ${what}`);
    return node.stats();
}

/**
 * The control port, for tests and people outside this process.
 * @param {Node} node @param {number} port @returns {Promise<http.Server>}
 */
async function startControl(node, port) {
    const server = http.createServer(async (req, res) => {
        let body = '';
        for await (const chunk of req) body += chunk;
        try {
            const answer = JSON.stringify(await command(node, req, body));
            res.writeHead(200, { 'content-type': 'application/json' }).end(`${answer}\n`);
        } catch (error) {
            const message = error instanceof Error ? error.message : String(error);
            res.writeHead(400, { 'content-type': 'text/plain' }).end(`${message}\n`);
        }
    });
    server.listen(port, HOST);
    await once(server, 'listening');
    return server;
}

/** @param {http.Server} server */
function portOf(server) {
    const address = server.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
}

async function main() {
    const { values } = parseArgs({
        options: {
            port: { type: 'string', default: '0' },
            control: { type: 'string', default: '0' },
            id: { type: 'string', default: '1' },
            tied: { type: 'boolean', default: false },
            register: { type: 'string' },
        },
    });
    const id = /^[0-9]+$/.test(values.id) ? Number(values.id) : values.id;
    const key = process.env.NODE_KEY;
    const node = await startNode({ id, port: Number(values.port), key });
    const control = await startControl(node, Number(values.control));
    process.stdout.write(`${JSON.stringify({ port: node.port, control: portOf(control) })}\n`);
    let deregister = async () => {};
    if (values.register !== undefined && key !== undefined) {
        deregister = keepRegistered(values.register, Number(id), key, { url: node.url });
    }
    const leave = () => deregister().finally(() => process.exit(0));
    process.on('SIGTERM', leave);
    process.on('SIGINT', leave);
    if (values.tied) process.stdin.on('end', leave).on('error', leave).resume();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
