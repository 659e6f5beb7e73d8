/**
 * The Cache API as workerd speaks to what is behind it: GET asks, PUT brings a response as its body, both
 * under the URL's own host. A cache by name has its name in a header. Only what says how long it may be
 * kept is kept. Faults as in kv.mjs: 500, reset, hang, half.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { StandIn } from './standin.mjs';

/** @typedef {'none' | '500' | 'reset' | 'hang' | 'half'} Fault */

export class Cache extends StandIn {
    constructor() {
        super();
        /** By "name host/path": bodies. @type {Map<string, Buffer>} */
        this.values = new Map();
        /** @type {Fault} */
        this.fault = 'none';
        /** As in kv.mjs. */
        this.slow_put_ms = 0;
        /** How many reads were broken off. */
        this.given_up = 0;
    }

    /** @param {import('node:http').IncomingMessage} req @param {import('node:http').ServerResponse} res */
    async serve(req, res) {
        /** @type {Buffer[]} */
        const parts = [];
        for await (const part of req) parts.push(part);
        const key = `${req.headers['cf-cache-namespace']} ${req.headers.host}${req.url}`;
        if (this.fault === 'hang') return;
        if (this.fault === 'reset') {
            req.socket.resetAndDestroy();
        } else if (this.fault === '500') {
            res.writeHead(500).end();
        } else if (req.method === 'PUT') {
            await sleep(this.slow_put_ms);
            if (res.destroyed) return;
            this.keep(key, Buffer.concat(parts));
            res.writeHead(204).end();
        } else {
            this.give(res, this.values.get(key));
        }
    }

    /** @param {string} key @param {Buffer} response as it would be sent */
    keep(key, response) {
        const at = response.indexOf('\r\n\r\n');
        const head = response.subarray(0, at).toString();
        if (/^cache-control: *public, max-age=[1-9]/im.test(head)) this.values.set(key, response.subarray(at + 4));
    }

    /** @param {import('node:http').ServerResponse} res @param {Buffer | undefined} value */
    give(res, value) {
        res.writeHead(value === undefined ? 504 : 200, { 'cf-cache-status': value === undefined ? 'MISS' : 'HIT' });
        res.on('close', () => { this.given_up += res.writableFinished ? 0 : 1; });
        if (this.fault === 'half') res.write(value);
        else res.end(value);
    }
}
