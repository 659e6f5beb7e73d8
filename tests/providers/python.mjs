/** A process with one of the Python SDKs, which does one thing after the other: see sdk.py. */
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { ROOT, must, start } from '../lib/proc.mjs';

/**
 * @typedef {object} Asked
 * @property {string} base
 * @property {string} key
 * @property {number} [retries]
 * @property {number} [timeout]   seconds
 * @property {Record<string, string>} [env]
 *
 * @typedef {{got?: any, error?: string, status?: number, told?: string}} Told
 *
 * @typedef {object} Python
 * @property {(title: string, asked: Asked) => Promise<Told>} run
 * @property {() => Promise<void>} stop
 */

const PYTHON = join(ROOT, 'build/deps/python/bin/python3');
const CASE_MS = 45_000;
const TIMEOUT_S = 30;

/** @param {string} sdk openai, anthropic or gemini @param {unknown} shared what its cases share @returns {Python} */
export function startPython(sdk, shared) {
    const child = start([PYTHON, join(ROOT, 'tests/providers/sdk.py'), sdk], { stdio: ['pipe', 'pipe', 'pipe'] });
    const { stdin, stdout } = child.process;
    if (stdin === null || stdout === null) throw new Error('it has no pipes');
    const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    const write = (/** @type {unknown} */ value) => void stdin.write(`${JSON.stringify(value)}\n`);
    write(shared);
    return {
        run: async (title, asked) => {
            write({ retries: 0, timeout: TIMEOUT_S, ...asked, case: title });
            const { done, value } = await must(lines.next(), CASE_MS);
            if (done) throw new Error(`it ended: ${child.output()}`);
            return JSON.parse(value);
        },
        stop: async () => {
            stdin.end();
            await child.stop();
        },
    };
}
