/**
 * How a node registers itself at a gateway, and answers its challenge: what a notebook has to do,
 * written as one would write it there, from docs/nodes.md and not from the gateway's code.
 */
import { createHash, createHmac } from 'node:crypto';

const HEARTBEAT_MS = 60_000;
const AGAIN_MS = 2000;

/** @param {string} key @param {string} text @returns {string} */
function hmac(key, text) {
    return createHmac('sha256', key).update(text).digest('hex');
}

/** A node's key: whoever has NODE_SECRET makes it, the node gets nothing else.
 * @param {string} secret @param {number} n @returns {string} */
export function nodeKey(secret, n) {
    return hmac(secret, `node-${n}`);
}

/** What the gateway shows to a node. @param {string} key @returns {string} */
export function bearerOf(key) {
    return `Bearer ${hmac(key, 'gateway')}`;
}

let last = 0;

/** Milliseconds, and never the same twice. */
export function newStamp() {
    last = Math.max(Date.now(), last + 1);
    return last;
}

/**
 * @param {string} key @param {string} method @param {string} path @param {string} body
 * @param {number} [stamp] @returns {Record<string, string>}
 */
export function signature(key, method, path, body, stamp = newStamp()) {
    const digest = createHash('sha256').update(body).digest('hex');
    return {
        'x-heady-timestamp': String(stamp),
        'x-heady-signature': hmac(key, `${method}\n${path}\n${stamp}\n${digest}`),
    };
}

/**
 * One registration, or with no `what` the node's leave.
 * @param {string} gateway @param {number} n @param {string} key
 * @param {Record<string, unknown> | null} what
 * @param {{stamp?: number, wait_ms?: number}} [options]
 * @returns {Promise<{status: number, json: any}>}
 */
export async function register(gateway, n, key, what, { stamp, wait_ms = 10_000 } = {}) {
    const path = `/api/nodes/${n}`;
    const method = what === null ? 'DELETE' : 'POST';
    const body = what === null ? '' : JSON.stringify(what);
    const answer = await fetch(`${gateway}${path}`, {
        method,
        headers: signature(key, method, path, body, stamp),
        body: what === null ? undefined : body,
        signal: AbortSignal.timeout(wait_ms),
    });
    return { status: answer.status, json: await answer.json() };
}

/** Answers a challenge, if the request is one.
 * @param {string | undefined} key @param {import('node:http').IncomingMessage} req
 * @param {import('node:http').ServerResponse} res */
export function prove(key, req, res) {
    const challenge = req.headers['x-heady-challenge'];
    if (key === undefined || typeof challenge !== 'string') return;
    if (req.headers.authorization !== bearerOf(key)) return; // whoever asks must be the gateway
    res.setHeader('x-heady-proof', hmac(key, `challenge\n${challenge}`));
}

/**
 * Registers and keeps the lease until it is stopped; then the node leaves.
 * @param {string} gateway @param {number} n @param {string} key @param {Record<string, unknown>} what
 * @returns {() => Promise<void>}
 */
export function keepRegistered(gateway, n, key, what) {
    let stopped = false;
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const beat = async () => {
        const good = await register(gateway, n, key, what).then(({ status }) => status === 200, () => false);
        if (!stopped) timer = setTimeout(beat, good ? HEARTBEAT_MS : AGAIN_MS);
    };
    beat();
    return async () => {
        stopped = true;
        clearTimeout(timer);
        await register(gateway, n, key, null, { wait_ms: 1000 }).catch(() => {});
    };
}
