// What translation costs, each pair of dialects: microseconds of CPU for a request and for an event, in the
// daemon's code and in the Worker's (tests/golden/pairs.c); and how long the Worker's module takes to start
// (start.mjs). Prints tables, writes build/bench/pairs.json.
//
//     node tests/bench/pairs.mjs [--short] [--check]
//
// Each figure is the least of several runs: a shared machine only ever adds. --check fails when one is
// above its limit. --short runs for less time: to see that it runs, not to learn what it costs.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../lib/proc.mjs';

const { values: options } = parseArgs({
    options: { short: { type: 'boolean', default: false }, check: { type: 'boolean', default: false } },
});
const RUN_MS = options.short ? '1' : '20';
const STARTS = options.short ? 2 : 15;
const START_MS_MAX = 10;

/** What a figure is of, in the order in which pairs.c prints them; none may be above the limit.
 * @type {{ name: string, limits: { native: number, wasm: number } }[]} */
const COLUMNS = [
    { name: '4 KB request', limits: { native: Infinity, wasm: Infinity } },
    { name: '100 KB request', limits: { native: 300, wasm: Infinity } },
    { name: 'event', limits: { native: 3, wasm: 12 } },
];

const run = (/** @type {string[]} */ ...args) => execFileSync(args[0], args.slice(1), { cwd: ROOT, encoding: 'utf8' });
const node = (/** @type {string[]} */ ...args) => run(process.execPath, '--no-warnings', ...args);

/** The rows of pairs.c's table: figures by "FROM to TO". @param {string} text @returns {Map<string, number[]>} */
function rows(text) {
    const found = text.matchAll(/^\| (\w+) \| (\w+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$/gm);
    return new Map([...found].map(([, from, to, ...us]) => [`${from} to ${to}`, us.map(Number)]));
}

/** Figures of all pairs. */
function measurePairs() {
    const native = rows(run('build/native/tests/golden/pairs', RUN_MS));
    const wasm = rows(node('tools/run-wasi.mjs', 'build/pairs.wasm', RUN_MS));
    return [...native].map(([pair, us]) => ({ pair, native: us, wasm: wasm.get(pair) ?? [] }));
}

/** @param {ReturnType<typeof measurePairs>} pairs */
function printPairs(pairs) {
    console.log('CPU, microseconds: native / wasm');
    for (const { pair, native, wasm } of pairs) {
        const cells = COLUMNS.map(({ name }, i) => `${name} ${native[i]} / ${wasm[i]}`.padEnd(28));
        console.log(`  ${pair.padEnd(24)} ${cells.join(' ').trimEnd()}`);
    }
}

/** @param {ReturnType<typeof measurePairs>} pairs */
function mostOf(pairs) {
    return COLUMNS.flatMap(({ name, limits }, i) => (/** @type {const} */ (['native', 'wasm'])).map((host) => {
        const figures = pairs.map((p) => p[host][i]);
        const [least, most] = [Math.min(...figures), Math.max(...figures)];
        return { what: `${name}, ${host}`, least, most, limit: limits[host], ok: least > 0 && most <= limits[host] };
    }));
}

/** The quickest start of several. */
function measureStart() {
    const starts = Array.from({ length: STARTS }, () => JSON.parse(node('tests/bench/start.mjs')));
    const ms = starts.map(({ compiled, made, started }) => compiled + made + started);
    const least = Number(Math.min(...ms).toFixed(2));
    const { compiled, made, started } = starts[ms.indexOf(Math.min(...ms))];
    console.log(`\nThe module starts in ${least} ms: compiled in ${compiled.toFixed(2)}, `
        + `an instance in ${made.toFixed(2)}, configured in ${started.toFixed(2)}`);
    return { what: 'start, ms', least, most: least, limit: START_MS_MAX, ok: least <= START_MS_MAX };
}

const pairs = measurePairs();
printPairs(pairs);
console.log();
const figures = mostOf(pairs);
for (const { what, least, most } of figures) console.log(`${what.padEnd(24)} ${least} to ${most} us`);
figures.push(measureStart());
for (const { what, most, limit, ok } of figures) {
    if (limit < Infinity) console.log(`${what.padEnd(24)} ${most} limit ${limit}: ${ok ? 'kept' : 'MISSED'}`);
}
mkdirSync(join(ROOT, 'build/bench'), { recursive: true });
writeFileSync(join(ROOT, 'build/bench/pairs.json'), `${JSON.stringify({ pairs, figures }, null, 2)}\n`);
process.exitCode = options.check && figures.some(({ ok }) => !ok) ? 1 : 0;
