/**
 * Clients that are programs of their own, before a gateway with keys for fakes of their providers. A door between
 * passes on what they send and what they get, byte by byte and as it comes, and keeps both in the form that
 * recorder.mjs compares.
 */
import assert from 'node:assert/strict';
import http from 'node:http';
import { once } from 'node:events';
import { keyLines } from '../lib/keys.mjs';
import { startProvider } from './fakes.mjs';
import { withoutSlices } from './recorder.mjs';

/**
 * @typedef {import('./recorder.mjs').Exchange & {at: number}} Passed    at: when it came, as performance.now()
 *
 * @typedef {object} Front
 * @property {string} url
 * @property {Passed[]} kept
 * @property {() => Promise<void>} close
 */

const HOST = '127.0.0.1';

/** The client's. */
export const KEY = 'hk-the-programs-key-of-the-gateway-0123456789';
/** The gateway's, for each fake. @type {Record<string, string>} */
export const KEYS = { openai: 'sk-proj-fake-openai-key-4811', anthropic: 'sk-ant-api03-fake-key-4813', gemini: 'AIzaSyFakeGeminiKey4815' };
export const EVERY = { gateway: KEY, providers: Object.values(KEYS) };

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
async function startFront(url) {
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

/** @typedef {Record<string, import('./fakes.mjs').Provider>} Fakes */

/** @returns {Promise<Fakes>} one for each key */
export async function startFakes() {
    const all = Object.entries(KEYS).map(async ([name, key]) => [name, await startProvider(name, { keys: [key] })]);
    return Object.fromEntries(await Promise.all(all));
}

/** A fresh gateway before the fakes, and a door before it.
 * @param {import('node:test').TestContext} t @param {import('../lib/hosts.mjs').Bench} bench @param {Fakes} fakes
 * @param {Record<string, any>} [config] what else its file says @param {Record<string, string>} [env] and its environment */
export async function openFront(t, bench, fakes, config = {}, env = {}) {
    const host = await bench.open(t, { config, env: {
        GATEWAY_AUTH: '', GATEWAY_KEYS: keyLines({ ann: KEY }),
        CODEX_ENDPOINT: fakes.openai.url, OPENAI_API_KEY: KEYS.openai,
        CLAUDE_ENDPOINT: fakes.anthropic.url, ANTHROPIC_API_KEY: KEYS.anthropic,
        GEMINI_ENDPOINT: fakes.gemini.url, GEMINI_API_KEY: KEYS.gemini, ...env,
    } });
    const front = await startFront(host.url);
    t.after(() => front.close());
    return { host, front };
}

/** What a client sent and got of what the provider saw, in the order of that, and what that was but for the gateway's
 * own slices, which it has on the unified paths only; and what the gateway answered by itself.
 * @param {Passed[]} kept @param {import('./fakes.mjs').Seen[]} seen */
export function paired(kept, seen) {
    const left = [...kept];
    const both = seen.map((one) => {
        for (const as of [one, withoutSlices(one)]) {
            const at = left.findIndex(({ method, url, status, sent }) =>
                method === as.method && status === as.status && sent.equals(as.body) && (as === one || !url.startsWith('/api/')));
            if (at >= 0) return { pair: left.splice(at, 1)[0], as };
        }
        assert.fail(`nobody sent ${one.body.toString('utf8').slice(0, 200)}`);
    });
    return { pairs: both.map(({ pair }) => pair), seen: both.map(({ as }) => as), own: left };
}
