// make dev: the whole product on this machine. Eight demo nodes, two demo local services, the daemon
// on 127.0.0.1:4700 and the Worker in workerd on 127.0.0.1:8787, before the same nodes and with the
// same keys; the Worker's LOCAL_ENDPOINT is the daemon. Node 8 is in no configuration: it registers
// itself at the Worker, and the daemon asks there (REGISTRY_URL). Prints commands that work as printed, then
// "ready". Ctrl-C (or SIGTERM, or the end of the terminal) stops all of it; so does the end of any
// part, with exit 1. DEV_RACK_PORT and DEV_EDGE_PORT choose other ports.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { ROOT, ready, start, within } from '../tests/lib/proc.mjs';
import { startEdge } from '../tests/lib/edge.mjs';
import { nodeKey } from '../tests/node/register.mjs';

/** @typedef {import('../tests/lib/proc.mjs').Child} Child */

const RACK_PORT = Number(process.env.DEV_RACK_PORT ?? 4700);
const EDGE_PORT = Number(process.env.DEV_EDGE_PORT ?? 8787);
const KEY = `hk-dev-${randomBytes(16).toString('hex')}`;
const STOP_MS = 3000;

/** What runs, in the order in which it was started. @type {{name: string, child: Child}[]} */
const parts = [];
let stopping = false;

/** @param {string} text */
function say(text) {
    process.stdout.write(`${text}\n`);
}

/** The last started first, so that nobody loses what it stands on; then the end. @param {number} code */
async function stopAll(code) {
    if (stopping) return;
    stopping = true;
    await Promise.all(parts.reverse().map(({ child }) => child.stop('SIGTERM', STOP_MS)));
    process.exit(code);
}

/** @param {string} name @param {Child} child */
function keep(name, child) {
    parts.push({ name, child });
    child.exited.then(({ code, signal }) => {
        if (stopping) return;
        console.error(`${name} ended by itself (${signal ?? code}); stopping the rest`);
        console.error(child.output().split('\n').slice(-12).join('\n'));
        stopAll(1);
    });
}

/** @param {number} port @param {string} variable */
function isFree(port, variable) {
    return new Promise((resolve, reject) => {
        const server = net.createServer();
        server.on('error', (error) => {
            const { code } = /** @type {NodeJS.ErrnoException} */ (error);
            const taken = code === 'EADDRINUSE';
            const what = taken ? 'is in use' : `cannot be listened on (${code})`;
            reject(new Error(`127.0.0.1:${port} ${what}: free it, or choose another with ${variable}`));
        });
        server.listen(port, '127.0.0.1', () => server.close(resolve));
    });
}

/**
 * @param {string} id @param {{args?: string[], env?: Record<string, string>}} [options]
 * @returns {Promise<{url: string, control: number}>}
 */
async function startNode(id, { args = [], env } = {}) {
    const program = join(ROOT, 'tests/node/node.mjs');
    const child = start([process.execPath, program, '--id', id, '--tied', ...args], {
        env,
        stdio: ['pipe', 'pipe', 'pipe'],
        detached: true,
    });
    keep(/^[0-9]$/.test(id) ? `node ${id}` : `service ${id}`, child);
    /** @type {Promise<string>} */
    const line = new Promise((resolve) => child.process.stdout?.once('data', resolve));
    const text = await within(line, 10_000);
    if (text === undefined) throw new Error(`demo node ${id} does not start: ${child.output()}`);
    const { port, control } = JSON.parse(text);
    return { url: `http://127.0.0.1:${port}`, control };
}

/** @param {Record<string, string>} env */
async function startRack(env) {
    const file = join(ROOT, 'config/gateway.json');
    const config = existsSync(file) ? ['--config', file] : [];
    const command = [join(ROOT, 'build/heady-gateway'), ...config, '--listen', `127.0.0.1:${RACK_PORT}`];
    const child = start(command, { env, detached: true });
    keep('the daemon', child);
    await ready(child, `http://127.0.0.1:${RACK_PORT}/health`);
}

/** @param {string} title @param {number} port */
function commands(title, port) {
    const auth = `-H 'authorization: Bearer ${KEY}'`;
    const base = `http://127.0.0.1:${port}`;
    const chat = '{"stream":true,"messages":[{"role":"user","content":"Why is the sky blue?"}],"max_tokens":12}';
    /** @param {string} type */
    const body = (type) => `-d '{"type":"${type}","prompt":"Complex algorithm"}'`;
    const post = `curl -sS ${auth} -H 'content-type: application/json'`;
    say(`\n# ${title}, ${base}`);
    say(`curl -sS ${base}/health`);
    say(`${post} ${base}/api/heavy/reasoning ${body('complex_reasoning')}`);
    say(`${post} ${base}/api/heavy/code ${body('code_generation')}`);
    say(`${post} ${base}/api/heavy/vision ${body('multimodal')}`);
    say(`${post} ${base}/api/heavy/batch ${body('batch')}`);
    say(`${post} ${base}/api/heavy/process ${body('code_generation')}`);
    say(`${post} -N ${base}/api/heavy/reasoning/v1/chat/completions -d '${chat}'`);
    say(`curl -sS ${auth} ${base}/api/local/brain/status`);
    say(`curl -sS ${auth} ${base}/api/health`);
}

/** @param {number} control */
function faults(control) {
    const url = `http://127.0.0.1:${control}`;
    say('\n# stop node 3, watch node 4 answer for both, start it again; or make it go wrong');
    say(`curl -sS -X POST ${url}/stop`);
    say(`curl -sS -X POST ${url}/start`);
    say(`curl -sS ${url}/mode -d '{"mode":"503","count":5}'   # the modes: tests/node/faults.mjs`);
}

async function main() {
    await isFree(RACK_PORT, 'DEV_RACK_PORT');
    await isFree(EDGE_PORT, 'DEV_EDGE_PORT');
    const ids = ['1', '2', '3', '4', '5', '6', '7', 'brain', 'battle'];
    const nodes = await Promise.all(ids.map((id) => startNode(id)));
    const secret = randomBytes(32).toString('hex');
    const edgeUrl = `http://127.0.0.1:${EDGE_PORT}`;
    /** @type {Record<string, string>} */
    const shared = {
        GATEWAY_KEYS: `dev:${createHash('sha256').update(KEY).digest('hex')}`,
        TWIN_SECRET: randomBytes(32).toString('hex'),
        NODE_SECRET: secret,
        NODE_HOSTS: '127.0.0.1',
    };
    for (let i = 0; i < 7; i++) shared[`COLAB_ENDPOINT_${i + 1}`] = nodes[i].url;
    await startRack({
        ...shared,
        LOCAL_SERVICES: `brain=${nodes[7].url},battle=${nodes[8].url}`,
        REGISTRY_URL: `${edgeUrl}/api/nodes`,
    });
    const edge = await startEdge({
        env: { ...shared, LOCAL_ENDPOINT: `http://127.0.0.1:${RACK_PORT}` },
        port: EDGE_PORT,
        detached: true,
    });
    keep('the Worker', edge.child);
    await startNode('8', { args: ['--register', edgeUrl], env: { NODE_KEY: nodeKey(secret, 8) } });
    commands('the daemon', RACK_PORT);
    commands('the Worker', EDGE_PORT);
    faults(nodes[2].control);
    say('\nCtrl-C stops all of it.\nready');
}

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => stopAll(0));
}
// A terminal that is gone cannot be written to: that is no reason to die and leave the parts.
process.stdout.on('error', () => stopAll(0));
process.stderr.on('error', () => stopAll(0));
try {
    await main();
} catch (error) {
    if (!stopping) console.error(error instanceof Error ? error.message : error);
    await stopAll(1);
}
