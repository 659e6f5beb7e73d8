// Runs the test suites one after the other and ends with one line, "N passed, N failed":
//   node tools/test.mjs [--seconds=N] [suite...]
// Suites are lint, unit, wasm, fuzz, and each directory of tests/ that holds *.test.mjs; without a
// name all of them run. What fails is shown whole. Each step has a deadline, after which it and all
// that it has started is killed. --seconds is the time for each fuzz target; without it, a short run
// of the same seed each time, so that what fails does so again.
import { spawn } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname } from 'node:path';

/** @typedef {{passed: number, failed: number, note?: string}} Count */
/** @typedef {{code: number | null, output: string, late: boolean}} Outcome */

const options = process.argv.slice(2);
const chosen = options.filter((o) => !o.startsWith('--'));
const SHORT_S = 5;
const long = options.find((o) => o.startsWith('--seconds='))?.slice(10);
const seconds = Number(long ?? SHORT_S);
const MINUTE = 60_000;

/** What this run has started and must not leave behind. @type {Set<number>} */
const groups = new Set();

/** @param {number} pid */
function killGroup(pid) {
    try {
        process.kill(-pid, 'SIGKILL');
    } catch {
        // It is gone already.
    }
    groups.delete(pid);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
        for (const pid of groups) killGroup(pid);
        process.exit(1);
    });
}

/**
 * Runs a command in a process group of its own, and kills what is left of the group at its end.
 * @param {string} command @param {string[]} args
 * @param {{ms: number, show?: boolean}} how
 * @returns {Promise<Outcome>}
 */
function run(command, args, { ms, show = false }) {
    return new Promise((resolve) => {
        const child = spawn(command, args, {
            stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
            detached: true,
        });
        const pid = child.pid ?? 0;
        if (pid) groups.add(pid);
        let output = '';
        let late = false;
        for (const stream of [child.stdout, child.stderr]) {
            stream?.setEncoding('utf8').on('data', (text) => (output += text));
        }
        const timer = setTimeout(() => {
            late = true;
            output += `\nkilled after ${ms / 1000} s\n`;
            if (pid) killGroup(pid);
        }, ms);
        child.on('error', (error) => {
            clearTimeout(timer);
            resolve({ code: -1, output: `${command}: ${error.message}\n`, late });
        });
        child.on('exit', () => pid && killGroup(pid));
        child.on('close', (code) => {
            clearTimeout(timer);
            resolve({ code, output, late });
        });
    });
}

/** A program's own last "N passed, N failed". @param {Outcome} outcome @returns {Count} */
function ownCount({ code, output }) {
    const last = [...output.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1);
    if (!last) return { passed: 0, failed: 1, note: 'said no "N passed, N failed"' };
    const count = { passed: Number(last[1]), failed: Number(last[2]) };
    return code === 0 || count.failed ? count : { ...count, failed: 1, note: `exit ${code}` };
}

/** @param {Count[]} counts @returns {Count} */
function sum(counts) {
    const passed = counts.reduce((n, c) => n + c.passed, 0);
    return { passed, failed: counts.reduce((n, c) => n + c.failed, 0) };
}

/**
 * Runs programs that count for themselves.
 * @param {{name: string, command: string, args: string[]}[]} programs @returns {Promise<Count>}
 */
async function programs(programs) {
    /** @type {Count[]} */
    const counts = [];
    const worker = async () => {
        for (let one = programs.shift(); one; one = programs.shift()) {
            const outcome = await run(one.command, one.args, { ms: 3 * MINUTE });
            const count = ownCount(outcome);
            if (count.failed) console.log(outcome.output);
            console.log(`  ${one.name}: ${count.passed} passed, ${count.failed} failed ${count.note ?? ''}`);
            counts.push(count);
        }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, worker));
    return sum(counts);
}

/** @returns {Promise<Count>} */
async function lint() {
    const outcome = await run('make', ['-k', '--no-print-directory', 'lint'], { ms: 10 * MINUTE });
    if (outcome.code !== 0) console.log(outcome.output);
    return outcome.code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** @returns {Promise<Count>} */
function unit() {
    const names = globSync('tests/*/test_*.c').sort().map((f) => f.slice(0, -2));
    return programs([
        ...names.map((n) => ({ name: basename(n), command: `build/asan/${n}`, args: [] })),
        ...names.map((n) => ({
            name: `${basename(n)} as wasm`,
            command: process.execPath,
            args: ['--no-warnings', 'tools/run-wasi.mjs', `build/wasm/${n}.wasm`],
        })),
    ]);
}

/** @returns {Promise<Count>} */
function wasm() {
    const modules = ['tools/check-wasm.mjs', 'build/core.wasm', 'build/core-trap.wasm'];
    const parts = ['tools/parts.mjs', 'build/wasm/map', 'build/core.wasm'];
    return programs([
        { name: 'modules', command: process.execPath, args: modules },
        { name: 'parts', command: process.execPath, args: parts },
    ]);
}

/**
 * The counts that node's runner leaves at the end of its TAP.
 * @param {string} tap @param {number | null} code @returns {Count}
 */
function tapCount(tap, code) {
    const of = (/** @type {string} */ what) =>
        Number(tap.match(new RegExp(`^# ${what} (\\d+)$`, 'm'))?.[1] ?? 0);
    const count = { passed: of('pass'), failed: of('fail') + of('cancelled'), note: '' };
    const skipped = of('skipped') + of('todo');
    if (skipped) count.note = `${skipped} skipped`;
    if (code !== 0 && count.failed === 0) return { ...count, failed: 1, note: `exit ${code}` };
    if (count.passed + count.failed === 0) return { ...count, failed: 1, note: 'ran no test' };
    return count;
}

/** These compute, and time nothing: they run side by side. */
const TOGETHER = ['traces', 'cost', 'golden'];

/** @param {string} directory @returns {Promise<Count>} */
async function nodeTests(directory) {
    const show = !TOGETHER.includes(basename(directory));
    const tap = `build/test/${basename(directory)}.tap`;
    rmSync(tap, { force: true });
    const args = [
        '--test',
        '--test-concurrency=1',
        `--test-timeout=${2 * MINUTE}`,
        '--test-reporter=spec',
        '--test-reporter-destination=stdout',
        '--test-reporter=tap',
        `--test-reporter-destination=${tap}`,
        ...globSync(`${directory}/*.test.mjs`).sort(),
    ];
    const { code, late, output } = await run(process.execPath, args, { ms: 10 * MINUTE, show });
    if (!show) console.log(output);
    if (late) console.log('killed after 10 minutes');
    return tapCount(existsSync(tap) ? readFileSync(tap, 'utf8') : '', code);
}

/** One fuzz target for `seconds`. @param {string} name @returns {Promise<Count>} */
async function fuzzOne(name) {
    const corpus = `build/fuzz/corpus/${name}`;
    mkdirSync(corpus, { recursive: true });
    const seeds = `tests/fuzz/seeds/${name.replace('fuzz_', '')}`;
    const args = [
        `-max_total_time=${seconds}`,
        '-timeout=10',
        '-rss_limit_mb=2048',
        '-print_final_stats=1',
        ...(long === undefined ? ['-seed=1'] : []),
        `-artifact_prefix=build/fuzz/${name}-`,
        corpus,
        ...(existsSync(seeds) ? [seeds] : []),
    ];
    const { code, output } = await run(`build/fuzz/${name}`, args, { ms: seconds * 1000 + MINUTE });
    const runs = output.match(/number_of_executed_units:\s*(\d+)/)?.[1] ?? '?';
    if (code !== 0) console.log(output.slice(-20_000));
    console.log(`  ${name}: ${runs} runs in ${seconds} s${code === 0 ? '' : ', FAILED'}`);
    return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** @returns {Promise<Count>} */
async function fuzz() {
    const names = globSync('tests/fuzz/fuzz_*.c').sort().map((f) => basename(f, '.c'));
    /** @type {Count[]} */
    const counts = [];
    const worker = async () => {
        for (let name = names.shift(); name; name = names.shift()) counts.push(await fuzzOne(name));
    };
    await Promise.all(Array.from({ length: availableParallelism() }, worker));
    return sum(counts);
}

/** @type {Map<string, () => Promise<Count>>} */
const suites = new Map([
    ['lint', lint],
    ['unit', unit],
    ['wasm', wasm],
]);
const known = ['tests/traces', 'tests/sim', 'tests/both', 'tests/native', 'tests/worker'];
const found = [...new Set(globSync('tests/*/*.test.mjs').map(dirname))].sort();
const ordered = known.filter((d) => found.includes(d));
ordered.push(...found.filter((d) => !known.includes(d)));
for (const directory of ordered) suites.set(basename(directory), () => nodeTests(directory));
suites.set('fuzz', fuzz);

mkdirSync('build/test', { recursive: true });
const unknown = chosen.filter((name) => !suites.has(name));
if (unknown.length) {
    console.error(`no suite ${unknown.join(', ')}; there are ${[...suites.keys()].join(', ')}`);
    process.exit(2);
}

/** @type {string[]} */
const table = [];
/** @type {Count[]} */
const totals = [];
/** @param {string} name */
async function runSuite(name) {
    console.log(`== ${name}`);
    const began = Date.now();
    const count = await suites.get(name)?.() ?? { passed: 0, failed: 1 };
    const seconds = ((Date.now() - began) / 1000).toFixed(1);
    const { passed, failed, note } = count;
    totals.push(count);
    table.push(`${name}: ${passed} passed, ${failed} failed in ${seconds} s${note ? `, ${note}` : ''}`);
}

const wanted = [...suites.keys()].filter((name) => !chosen.length || chosen.includes(name));
const together = wanted.filter((name) => TOGETHER.includes(name));
for (const name of wanted) {
    if (!together.includes(name)) await runSuite(name);
    else if (name === together[0]) await Promise.all(together.map(runSuite));
}
console.log(`== all\n  ${table.join('\n  ')}`);
const total = sum(totals);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed ? 1 : 0;
