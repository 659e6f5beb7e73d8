/**
 * A door before a gateway for clients that are programs of their own: it passes on what they send and what they
 * get, byte by byte and as it comes, and keeps both in the form that recorder.mjs compares.
 */
import assert from 'node:assert/strict';
import http from 'node:http';
import { withoutSlices } from './recorder.mjs';
import { once } from 'node:events';

/**
 * @typedef {import('./recorder.mjs').Exchange & {at: number}} Passed    at: when it came, as performance.now()
 *
 * @typedef {object} Front
 * @property {string} url
 * @property {Passed[]} kept
 * @property {() => Promise<void>} close
 */

const HOST = '127.0.0.1';

/** @param {http.IncomingMessage} req @returns {Promise<Buffer>} */
async function readAll(req) {
    const parts = [];
    for await (const part of req) parts.push(part);
    return Buffer.concat(parts);
}

/** @param {http.IncomingMessage} message */
function headersOf({ rawHeaders }) {
    const headers = new Headers();
    for (let i = 0; i < rawHeaders.length; i += 2) headers.append(rawHeaders[i], rawHeaders[i + 1]);
    return headers;
}

/** @param {http.IncomingMessage} answer @param {http.ServerResponse} res @returns {Promise<Buffer>} as far as it came */
async function relay(answer, res) {
    const parts = [];
    res.writeHead(answer.statusCode ?? 0, answer.rawHeaders).flushHeaders();
    try {
        for await (const part of answer) {
            parts.push(part);
            res.write(part);
        }
        res.end();
    } catch {
        res.destroy(); // cut behind, or given up before: each is told to the other
    }
    return Buffer.concat(parts);
}

/** @param {URL} gateway @param {Passed[]} kept @param {http.IncomingMessage} req @param {http.ServerResponse} res */
async function pass(gateway, kept, req, res) {
    const at = performance.now();
    const sent = await readAll(req);
    const { method = '', url = '/', rawHeaders } = req;
    const onward = http.request({ host: HOST, port: gateway.port, method, path: url, headers: rawHeaders, agent: false });
    // By RST: the runtime of Workers, alone as it is here, sees no FIN.
    res.on('close', () => (res.writableFinished ? onward.destroy() : onward.socket?.resetAndDestroy()));
    onward.end(sent);
    const [answer] = /** @type {[http.IncomingMessage]} */ (await once(onward, 'response'));
    const status = answer.statusCode ?? 0;
    kept.push({ method, url, headers: headersOf(req), sent, status, answered: headersOf(answer), got: relay(answer, res), at });
}

/** @param {string} url the gateway's @returns {Promise<Front>} */
export async function startFront(url) {
    /** @type {Passed[]} */
    const kept = [];
    const server = http.createServer({ maxHeaderSize: 1 << 17 }, (req, res) => {
        pass(new URL(url), kept, req, res).catch(() => res.destroy());
    });
    server.listen(0, HOST);
    await once(server, 'listening');
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    return {
        url: `http://${HOST}:${port}`,
        kept,
        close: async () => {
            server.closeAllConnections();
            server.close();
            await once(server, 'close');
        },
    };
}

/** What a client sent and got of what the provider saw, in the order of that, and what that was but for the gateway's
 * own slices; and what the gateway answered by itself.
 * @param {Passed[]} kept @param {import('./fakes.mjs').Seen[]} seen */
export function paired(kept, seen) {
    const left = [...kept];
    const both = seen.map((one) => {
        for (const as of [one, withoutSlices(one)]) {
            const at = left.findIndex(({ method, status, sent }) => method === as.method && status === as.status && sent.equals(as.body));
            if (at >= 0) return { pair: left.splice(at, 1)[0], as };
        }
        assert.fail(`nobody sent ${one.body.toString('utf8').slice(0, 200)}`);
    });
    return { pairs: both.map(({ pair }) => pair), seen: both.map(({ as }) => as), own: left };
}
