/**
 * A provider before which the cells are played, many at once. Who may come in, and what is no request, the fake of
 * tests/providers says, as strictly as ever; what a good one is answered, the cell says, which is known by its number
 * in the user-agent: the gateway passes that on, translated or not.
 */
import http from 'node:http';
import { once } from 'node:events';

/**
 * @typedef {import('../providers/reply.mjs').Ask} Ask
 * @typedef {import('../providers/reply.mjs').Reply} Reply
 * @typedef {{ask: Ask, body: any, status: number}} Seen
 *
 * @typedef {object} Script           what a cell is answered
 * @property {Seen[]} seen
 * @property {(ask: Ask, own: Reply, name: string) => {status: number, headers: Record<string, string | number>, pieces: (string | Buffer)[]}} answer
 *           own: the fake's own good answer; name: of the provider that is asked
 *
 * @typedef {object} Target
 * @property {string} url
 * @property {() => Promise<void>} close
 */

const HOST = '127.0.0.1';

/** @type {Map<string, Script>} */
const scripts = new Map();

/** What the cell's user-agent is. @param {string} cell */
export const agentOf = (cell) => `matrix/${cell}`;

/** @param {string} cell @param {Script | null} script */
export function play(cell, script) {
    if (script === null) scripts.delete(agentOf(cell));
    else scripts.set(agentOf(cell), script);
}

/** @param {http.IncomingMessage} req @returns {Promise<Ask>} */
async function read(req) {
    const parts = [];
    for await (const part of req) parts.push(part);
    const url = new URL(req.url ?? '/', 'http://provider');
    return {
        method: req.method ?? '', path: url.pathname, query: url.searchParams, url: req.url ?? '/', headers: req.headers,
        body: Buffer.concat(parts),
    };
}

/** @typedef {import('../providers/reply.mjs').Face} Face */

/** @param {{name: string, face: Face, key: string}} target @param {http.IncomingMessage} req @param {http.ServerResponse} res */
async function serve({ name, face, key }, req, res) {
    const ask = await read(req);
    const script = scripts.get(String(req.headers['user-agent']));
    const refused = face.admit(ask, [key]);
    const own = refused ?? face.answer(ask);
    const good = script !== undefined && own.status === 200;
    const { status, headers, pieces } = good ? script.answer(ask, own, name) : { ...own, pieces: [own.body ?? ''] };
    script?.seen.push({ ask, body: JSON.parse(ask.body.toString()), status: own.status });
    res.writeHead(status, headers);
    for (const piece of pieces) res.write(piece);
    res.end();
}

/** @param {string} name @param {Face} face @param {string} key @returns {Promise<Target>} */
export async function startTarget(name, face, key) {
    const server = http.createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
        serve({ name, face, key }, req, res).catch((error) => res.writeHead(599).end(String(error.stack)));
    });
    server.listen(0, HOST);
    await once(server, 'listening');
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    return {
        url: `http://${HOST}:${port}`,
        close: async () => {
            server.closeAllConnections();
            server.close();
            await once(server, 'close');
        },
    };
}
