/** Many requests: at a rate, or as many as go, on kept connections. */
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @typedef {object} Reply
 * @property {number} status       0: the connection failed
 * @property {http.IncomingHttpHeaders} headers
 * @property {string} text
 * @property {number} ms
 */

const TIMEOUT_MS = 20_000;

/** A set of kept connections to one gateway. */
export class Clients {
    /** @param {string} base @param {number} [sockets] */
    constructor(base, sockets = Infinity) {
        this.base = base;
        this.agent = new http.Agent({ keepAlive: true, maxSockets: sockets });
    }

    /** @param {string} path @param {unknown} body @returns {Promise<Reply>} never rejects */
    post(path, body) {
        const began = performance.now();
        return new Promise((resolve) => {
            /** @param {number} status @param {http.IncomingHttpHeaders} headers @param {string} text */
            const done = (status, headers, text) =>
                resolve({ status, headers, text, ms: performance.now() - began });
            const req = http.request(new URL(path, this.base), {
                method: 'POST', agent: this.agent, signal: AbortSignal.timeout(TIMEOUT_MS),
                headers: { 'content-type': 'application/json' },
            });
            req.on('error', (error) => done(0, {}, error.message));
            req.on('response', (res) => {
                let text = '';
                res.setEncoding('utf8').on('data', (part) => (text += part));
                res.on('error', (error) => done(0, {}, error.message));
                res.on('end', () => done(res.statusCode ?? 0, res.headers, text));
            });
            req.end(JSON.stringify(body));
        });
    }

    /** `rate` requests a second for `ms`, whether or not they are answered. @param {number} rate
     *  @param {number} ms @param {(i: number) => Promise<Reply>} one @returns {Promise<Reply[]>} */
    async paced(rate, ms, one) {
        const began = performance.now();
        /** @type {Promise<Reply>[]} */
        const all = [];
        for (let at = 0; at < ms; at = performance.now() - began) {
            while (all.length < (at * rate) / 1000) all.push(one(all.length));
            await sleep(5);
        }
        return await Promise.all(all);
    }

    /** `n` requests, `clients` at a time. @param {number} n @param {number} clients
     *  @param {(i: number) => Promise<Reply>} one
     *  @returns {Promise<Record<number, number>>} how many had which status: too many to keep them all */
    async many(n, clients, one) {
        /** @type {Record<number, number>} */
        const statuses = {};
        let next = 0;
        const client = async () => {
            while (next < n) {
                const { status } = await one(next++);
                statuses[status] = (statuses[status] ?? 0) + 1;
            }
        };
        await Promise.all(Array.from({ length: clients }, client));
        return statuses;
    }

    close() {
        this.agent.destroy();
    }
}
