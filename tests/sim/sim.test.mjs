/*
 * The simulator: many seeds, none of which may fail, some of them under sanitizers; and planted bugs,
 * each of which must be found. A seed that fails is replayed by `build/sim SEED`.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build, mutants } from './mutants.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const SEEDS = 10_000;
const SANITIZED = 400; // of them
const MUTANT_SEEDS = 600;
const AT_ONCE = 2;

/** @param {string} command @param {number} first @param {number} count
 * @returns {Promise<{code: number | null, output: string}>} */
function run(command, first, count) {
    return new Promise((resolve, reject) => {
        const child = spawn(command, [String(first), String(count)], { cwd: root });
        let output = '';
        for (const stream of [child.stdout, child.stderr]) {
            stream.setEncoding('utf8').on('data', (text) => (output += text));
        }
        child.on('error', reject);
        child.on('close', (code) => resolve({ code, output }));
    });
}

/** All jobs, so many at once. @template T @param {(() => Promise<T>)[]} jobs @returns {Promise<T[]>} */
async function all(jobs) {
    /** @type {T[]} */
    const done = [];
    const left = jobs.entries();
    const worker = async () => {
        for (const [i, job] of left) done[i] = await job();
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return done;
}

/** The lines of figures. @param {string[]} outputs */
const figures = (outputs) => outputs.map((o) => o.match(/^\d+ seeds,.*$/m)?.[0] ?? 'no figures');

test(`${SEEDS} seeds`, { timeout: 900_000 }, async (t) => {
    const half = (SEEDS - SANITIZED) / 2;
    const outcomes = await all([
        () => run('build/sim', 1, half),
        () => run('build/sim', 1 + half, half),
        () => run('build/sim-asan', 1 + 2 * half, SANITIZED),
    ]);
    for (const line of figures(outcomes.map((o) => o.output))) t.diagnostic(line);
    for (const { code, output } of outcomes) assert.equal(code, 0, output);
});

test('planted bugs are found', { timeout: 600_000 }, async (t) => {
    const found = await all(mutants().map((mutant) => async () => {
        const { output } = await run(build(mutant), 1, MUTANT_SEEDS);
        const seed = output.match(/^seed (\d+)\b.*$/m);
        t.diagnostic(`${mutant.name}: ${seed ? seed[0] : `not found by ${MUTANT_SEEDS} seeds`}`);
        return { name: mutant.name, found: seed !== null };
    }));
    assert.ok(found.length >= 10, 'there are ten mutants');
    assert.deepEqual(found.filter((m) => !m.found), []);
});
