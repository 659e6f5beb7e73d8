/** Bodies of any size whose every byte is known (byte i is i mod 251), who serves them and who asks for them. */
import { once } from 'node:events';
import http from 'node:http';

const PERIOD = 251;
const PIECE = 65536;
const block = Buffer.alloc(PIECE + PERIOD);
for (let i = 0; i < block.length; i++) block[i] = i % PERIOD;

/** @typedef {http.IncomingMessage | import('node:http2').Http2ServerRequest} Request */
/** @typedef {http.ServerResponse | import('node:http2').Http2ServerResponse} Response */

/** What must stand at offset `at`. @param {number} at @param {number} n */
function bytes(at, n) {
    return block.subarray(at % PERIOD, (at % PERIOD) + n);
}

/** Writes n bytes, as fast as they are taken.
 * @param {import('node:stream').Writable} out @param {number} n */
export async function give(out, n) {
    for (let at = 0; at < n && !out.destroyed; at += PIECE) {
        const more = out.write(bytes(at, Math.min(PIECE, n - at)));
        if (!more) await drained(out);
    }
    out.end();
}

/** Until more is taken, or nothing ever will. @param {import('node:events').EventEmitter} emitter */
function drained(emitter) {
    const signs = ['drain', 'close', 'error'];
    return new Promise((resolve) => {
        const done = () => {
            for (const sign of signs) emitter.off(sign, done);
            resolve(undefined);
        };
        for (const sign of signs) emitter.on(sign, done);
    });
}

/** Reads to the end: how many bytes came, all as they must be.
 * @param {AsyncIterable<Buffer>} from */
export async function take(from) {
    let at = 0;
    for await (const part of from) {
        for (let i = 0; i < part.length; i += PIECE) {
            const piece = part.subarray(i, i + PIECE);
            if (!piece.equals(bytes(at, piece.length))) throw new Error(`other bytes than were sent, at ${at}`);
            at += piece.length;
        }
    }
    return at;
}

/** POST is counted, GET ?n= gives n bytes, GET /events an event every 20 ms without end.
 * @param {Request} req @param {Response} res */
export async function serve(req, res) {
    const url = new URL(req.url ?? '', 'http://x');
    const out = /** @type {import('node:stream').Writable} */ (/** @type {unknown} */ (res));
    out.on('error', () => {});
    if (req.method === 'POST') {
        const n = await take(req).catch((error) => error.message);
        out.end(`${n} bytes by HTTP/${req.httpVersion}\n`);
    } else if (url.pathname.endsWith('/events')) {
        /** @type {http.ServerResponse} */ (res).writeHead(200, { 'content-type': 'text/event-stream' });
        const timer = setInterval(() => out.write('data: tick\n\n'), 20);
        out.on('close', () => clearInterval(timer));
    } else {
        await give(out, Number(url.searchParams.get('n')));
    }
}

/** HTTP/1.1, behind those that are gateways themselves. @param {(fn: () => void) => void} after */
export async function startOrigin(after) {
    const server = http.createServer((req, res) => void serve(req, res).catch(() => res.destroy()));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    after(() => {
        server.closeAllConnections();
        server.close();
    });
    return /** @type {import('node:net').AddressInfo} */ (server.address()).port;
}

/** @param {string} url @param {http.RequestOptions} options */
function request(url, options) {
    const req = http.request(url, { agent: false, ...options });
    const response = /** @type {Promise<http.IncomingMessage>} */ (new Promise((resolve, reject) => {
        req.on('response', resolve);
        req.on('error', reject);
    }));
    return { req, response };
}

/** Takes n bytes over HTTP/1.1: how many came. @param {string} url @param {number} n */
export async function download(url, n) {
    const { req, response } = request(`${url}?n=${n}`, {});
    req.end();
    const res = await response;
    if (res.statusCode !== 200) throw new Error(`${res.statusCode}: ${await text(res)}`);
    return take(res);
}

/** Sends n bytes over HTTP/1.1: what the server says of them. @param {string} url @param {number} n */
export async function upload(url, n) {
    const { req, response } = request(url, { method: 'POST', headers: { 'content-length': n } });
    const [res] = await Promise.all([response, give(req, n)]);
    return `${res.statusCode} ${await text(res)}`;
}

/** @param {AsyncIterable<Buffer>} res */
async function text(res) {
    const parts = [];
    for await (const part of res) parts.push(part);
    return Buffer.concat(parts).toString();
}

/** An event stream that is read until `end`, which says how many events came since it was last asked, or why
 * there are no more. @param {string} url */
export async function watch(url) {
    const { req, response } = request(url, {});
    req.end();
    const res = await response;
    let events = 0;
    let over = '';
    res.on('data', (part) => (events += String(part).split('data: ').length - 1));
    res.on('error', (error) => (over ||= error.message));
    res.on('close', () => (over ||= 'closed'));
    await once(res, 'data');
    return () => {
        const said = over || (events > 0 ? 'alive' : 'silent');
        req.destroy();
        return `${res.statusCode} ${said}`;
    };
}
