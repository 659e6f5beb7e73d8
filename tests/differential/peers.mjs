/** Who reads the requests: the daemon, and the peers whose strictness it must have. */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, start, until } from '../lib/proc.mjs';
import { freePort, startRack } from '../lib/rack.mjs';
import { Recorder } from './recorder.mjs';

/**
 * @typedef {{ name: string, port: number, stop: () => Promise<unknown> }} Peer
 * @typedef {'taken' | 'refused' | 'waits'} Verdict
 * @typedef {{ verdict: Verdict, status: number, taken: number, rest: boolean }} Outcome
 *   taken: how many requests; rest: what followed them was refused
 */

const PATH = `${process.env.PATH}:/usr/sbin`;
/** A peer that has said nothing for this long waits for more. */
const QUIET_MS = 300;
/** After an answer another one, to what is left over, would come at once. */
const MORE_MS = 25;

/** @param {number} port @returns {Promise<boolean>} */
function listens(port) {
    return new Promise((resolve) => {
        const socket = net.connect(port, '127.0.0.1');
        socket.once('connect', () => { socket.destroy(); resolve(true); });
        socket.once('error', () => resolve(false));
    });
}

/** A real server with a committed configuration in which ${NAME} is filled in.
 * @param {string} name @param {string} file @param {string[]} command @param {number} node
 * @returns {Promise<Peer>} */
async function server(name, file, command, node) {
    const dir = mkdtempSync(join(tmpdir(), `heady-${name}-`));
    const port = await freePort();
    /** @type {Record<string, string>} */
    const values = { PORT: String(port), NODE: String(node), DIR: dir };
    const text = readFileSync(join(ROOT, 'tests/differential', file), 'utf8');
    const config = join(dir, file);
    mkdirSync(dir, { recursive: true });
    writeFileSync(config, text.replaceAll(/\$\{([A-Z]+)\}/g, (_, key) => values[key]));
    const child = start([...command, config], { env: { PATH } });
    await until(() => listens(port), `${name}: ${child.output()}`);
    const stop = async () => {
        await child.stop('SIGKILL');
        rmSync(dir, { recursive: true, force: true });
    };
    return { name, port, stop };
}

/** @returns {Promise<Peer>} */
async function startNodeServer() {
    const server = http.createServer((req, res) => {
        req.resume();
        req.on('end', () => res.end('ok'));
        req.on('error', () => {});
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = /** @type {net.AddressInfo} */ (server.address());
    return { name: 'node', port, stop: async () => { server.closeAllConnections(); server.close(); } };
}

/** nginx, HAProxy and node's own server, and what stands behind the first two. */
export async function startPeers() {
    const recorder = await new Recorder().start();
    const peers = await Promise.all([
        startNodeServer(),
        server('nginx', 'nginx.conf', ['nginx', '-c'], recorder.port),
        server('haproxy', 'haproxy.cfg', ['haproxy', '-db', '-q', '-f'], recorder.port),
    ]);
    const stop = async () => {
        for (const peer of peers) await peer.stop();
        recorder.stop();
    };
    return { peers, stop };
}

/** The daemon, with a recorder of its own for its node. */
export async function startSubject() {
    const recorder = await new Recorder().start();
    /** @type {Record<string, string>} */
    const env = { GATEWAY_AUTH: 'off' };
    for (let i = 1; i <= 8; i += 1) env[`COLAB_ENDPOINT_${i}`] = `http://127.0.0.1:${recorder.port}`;
    const rack = await startRack({ env, config: { heavy: { queue_ms: 200 } } });
    const stop = async () => {
        await rack.stop();
        recorder.stop();
    };
    return { name: 'daemon', port: rack.port, recorder, stop };
}

/** A proxy that answers 502 has taken the request, and its node refused it.
 * @param {number} status @param {boolean} closed @returns {Verdict} */
function verdictOf(status, closed) {
    if (status === 0) return closed ? 'refused' : 'waits';
    return (status >= 400 && status < 500) || status === 501 || status === 505 ? 'refused' : 'taken';
}

/** @param {string} text of what a peer said */
function statuses(text) {
    return [...text.matchAll(/HTTP\/1\.[01] ([2-5][0-9][0-9])/g)].map((m) => Number(m[1]));
}

/** Sends bytes on a connection of their own, and waits for what comes of it.
 * @param {number} port @param {string} bytes @returns {Promise<Outcome>} */
export function send(port, bytes) {
    return new Promise((resolve) => {
        const socket = net.connect(port, '127.0.0.1');
        let text = '';
        let closed = false;
        const over = () => {
            clearTimeout(timer);
            socket.destroy();
            const all = statuses(text);
            const status = all[0] ?? 0;
            const taken = all.filter((s) => s < 400).length;
            resolve({ verdict: verdictOf(status, closed), status, taken, rest: taken > 0 && taken < all.length });
        };
        let timer = setTimeout(over, QUIET_MS);
        socket.setNoDelay(true);
        socket.on('data', (data) => {
            text += data.toString('latin1');
            clearTimeout(timer);
            timer = setTimeout(over, statuses(text).length > 0 ? MORE_MS : QUIET_MS);
        });
        socket.on('error', () => {});
        socket.on('close', () => { closed = true; over(); });
        socket.write(Buffer.from(bytes, 'latin1'));
    });
}
