/**
 * Workers KV as workerd's binding speaks to it, and its faults:
 *
 * | fault  | what a Worker sees                                     |
 * |--------|--------------------------------------------------------|
 * | none   | a namespace                                            |
 * | 429    | too many requests, at every operation                  |
 * | 500    | an outage                                              |
 * | reset  | connections that break                                 |
 * | hang   | nothing, for ever                                      |
 * | half   | a value that begins and goes on for ever               |
 * | stale  | what was there when the fault began; writes go through |
 * | junk   | values that nobody has written                         |
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { StandIn } from './standin.mjs';

/** @typedef {'none' | '429' | '500' | 'reset' | 'hang' | 'half' | 'stale' | 'junk'} Fault */

export class Kv extends StandIn {
    constructor() {
        super();
        /** @type {Map<string, any>} texts; or bytes, which a bulk read has none of */
        this.values = new Map();
        /** @type {Map<string, any>} */
        this.old = new Map();
        /** @type {Fault} */
        this.fault = 'none';
        this.slow_ms = 0;
        /** Of a write alone. One whose writer leaves meanwhile is not kept. */
        this.slow_put_ms = 0;
        this.reads = 0;
        /** How many single reads were broken off. */
        this.given_up = 0;
        /** The query of the last write. */
        this.said = '';
        /** @type {string[]} */
        this.writes = [];
    }

    /** @param {Fault} fault */
    break(fault) {
        this.fault = fault;
        this.old = new Map(this.values);
    }

    /** @param {import('node:http').IncomingMessage} req @param {import('node:http').ServerResponse} res */
    async serve(req, res) {
        let body = '';
        for await (const part of req) body += part;
        const url = new URL(req.url ?? '/', 'http://kv');
        const key = decodeURIComponent(url.pathname.slice(1));
        if (req.method !== 'PUT') this.reads += 1;
        else this.writes.push(key);
        if (this.slow_ms > 0) await sleep(this.slow_ms);
        if (this.fault === 'hang') return;
        if (this.fault === 'reset') {
            req.socket.resetAndDestroy();
        } else if (this.fault === '429' || this.fault === '500') {
            res.writeHead(Number(this.fault), this.fault === '429' ? 'Too Many Requests' : 'Internal Error').end();
        } else if (req.method === 'POST' && key === 'bulk/get') {
            res.end(JSON.stringify(this.bulk(JSON.parse(body))));
        } else if (req.method === 'GET' && this.values.has(key)) {
            res.on('close', () => { this.given_up += res.writableFinished ? 0 : 1; });
            if (this.fault === 'half') res.write(this.values.get(key));
            else res.end(this.values.get(key));
        } else if (req.method === 'PUT') {
            await sleep(this.slow_put_ms);
            if (res.destroyed) return;
            this.said = url.search;
            this.values.set(key, body);
            res.end();
        } else {
            res.writeHead(404).end();
        }
    }

    /** @param {{keys: string[]}} asked */
    bulk({ keys }) {
        const from = this.fault === 'stale' ? this.old : this.values;
        const junk = (/** @type {string} */ key) => `breaker ${key.slice(8)} 99999999999999999999 open \u0000 \ufffd ${'9'.repeat(400)}`;
        return Object.fromEntries(keys.map((key) => [key, this.fault === 'junk' ? junk(key) : from.get(key) ?? null]));
    }
}
