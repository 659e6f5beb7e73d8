/**
 * A bounded load of kept connections, each request checked: the node's digest of what it received
 * must be that of what was sent, so that nothing lost, doubled or mixed up goes unseen.
 */
import http from 'node:http';
import { randomBytes } from 'node:crypto';
import { sha256 } from './keys.mjs';

/**
 * @typedef {object} Load
 * @property {() => number} answered
 * @property {string[]} wrong                 what was not as it should be, the first hundred
 * @property {() => Promise<void>} stop       after the answers that are under way
 */

const WRONG_MAX = 100;
const TIMEOUT_MS = 10_000;

/**
 * @param {string} base @param {string} path @param {Buffer} body @param {http.Agent} agent
 * @returns {Promise<{status: number, text: string}>}
 */
function post(base, path, body, agent) {
    return new Promise((resolve, reject) => {
        const signal = AbortSignal.timeout(TIMEOUT_MS);
        const headers = { 'content-type': 'application/octet-stream' };
        const req = http.request(new URL(path, base), { method: 'POST', agent, signal, headers });
        req.on('error', reject);
        req.on('response', (res) => {
            let text = '';
            res.setEncoding('utf8');
            res.on('data', (part) => (text += part));
            res.on('error', reject);
            res.on('end', () => resolve({ status: res.statusCode ?? 0, text }));
        });
        req.end(body);
    });
}

/**
 * @param {string} base
 * @param {{clients?: number, size?: number, path?: string}} [options] @returns {Load}
 */
export function startLoad(base, { clients = 8, size = 1000, path = '/api/heavy/code/echo' } = {}) {
    let going = true;
    let answered = 0;
    /** @type {string[]} */
    const wrong = [];
    const agent = new http.Agent({ keepAlive: true, maxSockets: clients });
    const once = async () => {
        const body = randomBytes(size);
        const { status, text } = await post(base, path, body, agent);
        if (status !== 200) throw new Error(`status ${status}: ${text.slice(0, 200)}`);
        if (JSON.parse(text).sha256 !== sha256(body)) throw new Error('the body is not the one that was sent');
        answered++;
    };
    const client = async () => {
        while (going && wrong.length < WRONG_MAX) {
            await once().catch((error) => wrong.push(String(error.code ?? error.message)));
        }
    };
    const all = Promise.all(Array.from({ length: clients }, client));
    return {
        answered: () => answered,
        wrong,
        stop: async () => {
            going = false;
            await all;
            agent.destroy();
        },
    };
}
