// Runs the test suites and ends with one line, "N passed, N failed":
//   node tools/test.mjs [--seconds=N] [suite...]
// Those that wait more than they compute run a few files at once; what only computes has the time that they leave;
// then come those that need the machine for themselves. A suite's output is printed at its end, and its time is the
// sum of what its files or programs took.
// Suites are lint, unit, wasm, fuzz, and each directory of tests/ that holds *.test.mjs; without a
// name all of them run. What fails is shown whole. Each step has a deadline, after which it and all
// that it has started is killed. --seconds is the time for each fuzz target; without it, a short run
// of the same seed each time, so that what fails does so again.
import { spawn } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname } from 'node:path';

/** @typedef {{passed: number, failed: number, note?: string}} Count */
/** @typedef {{code: number | null, output: string, late: boolean}} Outcome */
/**
 * @typedef {object} Stage     of a suite, while it runs
 * @property {string} said      its output so far
 * @property {boolean} beside   others are served first, and it has more time
 * @property {Gate} gate
 * @property {number} ms        that its commands have taken, one by one
 *
 * @typedef {<T>(work: () => Promise<T>) => Promise<T>} Gate
 */

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

/** Those that run. @type {Map<string, Stage>} */
const stages = new Map();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
        for (const pid of groups) killGroup(pid);
        for (const [name, { said }] of stages) if (said) console.log(`== ${name}, as far as it came\n${said}`);
        process.exit(1);
    });
}

/** So many at once, the others in the order in which they came. @param {number} free @returns {Gate} */
function gateFor(free) {
    /** @type {(() => void)[]} */
    const waiting = [];
    return async (work) => {
        if (free > 0) free--;
        else await new Promise((resolve) => { waiting.push(() => resolve(undefined)); });
        try {
            return await work();
        } finally {
            const next = waiting.shift();
            if (next) next();
            else free++;
        }
    };
}

/** Runs a command that has what others leave. Where the kernel takes each session for one, that must be nice, too. */
const NICELY = '{ echo 10 >/proc/self/autogroup; } 2>/dev/null; exec nice -n 10 "$@"';
/** So much longer may that take. */
const PATIENCE = 5;

/** Whether all that it must leave time to has ended. */
let isLast = false;

/** Then it takes its part of a machine that others may use, too. */
function noLongerNicely() {
    isLast = true;
    for (const pid of groups) {
        try {
            writeFileSync(`/proc/${pid}/autogroup`, '0');
        } catch {
            // It has ended, or the kernel does not know such groups.
        }
    }
}

/**
 * @param {Stage} stage @param {string} command @param {string[]} args
 * @param {{ms: number, show?: boolean}} how   show: what it writes is the suite's output
 * @returns {Promise<Outcome>}
 */
function run(stage, command, args, how) {
    return stage.gate(async () => {
        const began = Date.now();
        const ms = stage.beside ? PATIENCE * how.ms : how.ms;
        const nicely = stage.beside && !isLast ? ['/bin/sh', '-c', NICELY, 'sh'] : [];
        const outcome = await runNow([...nicely, command, ...args], ms,
            (text) => { if (how.show) stage.said += text; });
        stage.ms += Date.now() - began;
        return outcome;
    });
}

/**
 * Runs a command in a process group of its own, and kills what is left of the group at its end.
 * @param {string[]} command @param {number} ms @param {(text: string) => void} hear what it writes
 * @returns {Promise<Outcome>}
 */
function runNow([file, ...rest], ms, hear) {
    return new Promise((resolve) => {
        const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
        const pid = child.pid ?? 0;
        if (pid) groups.add(pid);
        let output = '';
        let late = false;
        for (const stream of [child.stdout, child.stderr]) {
            stream?.setEncoding('utf8').on('data', (text) => {
                output += text;
                hear(text);
            });
        }
        const timer = setTimeout(() => {
            late = true;
            output += `\nkilled after ${ms / 1000} s\n`;
            hear(`\nkilled after ${ms / 1000} s\n`);
            if (pid) killGroup(pid);
        }, ms);
        child.on('error', (error) => {
            clearTimeout(timer);
            resolve({ code: -1, output: `${file}: ${error.message}\n`, late });
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
 * @param {Stage} stage @param {{name: string, command: string, args: string[]}[]} programs @returns {Promise<Count>}
 */
async function programs(stage, programs) {
    /** @type {Count[]} */
    const counts = [];
    const worker = async () => {
        for (let one = programs.shift(); one; one = programs.shift()) {
            const outcome = await run(stage, one.command, one.args, { ms: 3 * MINUTE });
            const count = ownCount(outcome);
            if (count.failed) stage.said += `${outcome.output}\n`;
            stage.said += `  ${one.name}: ${count.passed} passed, ${count.failed} failed ${count.note ?? ''}\n`;
            counts.push(count);
        }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, worker));
    return sum(counts);
}

/** @param {Stage} stage @returns {Promise<Count>} */
async function lint(stage) {
    const outcome = await run(stage, 'make', ['-k', '--no-print-directory', 'lint'], { ms: 10 * MINUTE });
    if (outcome.code !== 0) stage.said += outcome.output;
    return outcome.code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** @param {Stage} stage @returns {Promise<Count>} */
function unit(stage) {
    const names = globSync('tests/*/test_*.c').sort().map((f) => f.slice(0, -2));
    return programs(stage, [
        ...names.map((n) => ({ name: basename(n), command: `build/asan/${n}`, args: [] })),
        ...names.map((n) => ({
            name: `${basename(n)} as wasm`,
            command: process.execPath,
            args: ['--no-warnings', 'tools/run-wasi.mjs', `build/wasm/${n}.wasm`],
        })),
    ]);
}

/** @param {Stage} stage @returns {Promise<Count>} */
function wasm(stage) {
    const modules = ['tools/check-wasm.mjs', 'build/core.wasm', 'build/core-trap.wasm'];
    const parts = ['tools/parts.mjs', 'build/wasm/map', 'build/core.wasm'];
    return programs(stage, [
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
    if (count.passed + count.failed > 0 || / # SKIP/.test(tap)) return count;
    return { ...count, failed: 1, note: 'ran no test' };
}

/** @param {Stage} stage @param {string} file @returns {Promise<Count>} */
async function nodeTest(stage, file) {
    const name = basename(file, '.test.mjs');
    const tap = `build/test/${basename(dirname(file))}-${name}.tap`;
    rmSync(tap, { force: true });
    const args = [
        '--test',
        '--test-concurrency=1',
        `--test-timeout=${2 * MINUTE * (stage.beside ? PATIENCE : 1)}`,
        '--test-reporter=spec',
        '--test-reporter-destination=stdout',
        '--test-reporter=tap',
        `--test-reporter-destination=${tap}`,
        file,
    ];
    /** @type {Stage} */
    const own = { ...stage, said: '', ms: 0 };
    stages.set(file, own);
    const { code } = await run(own, process.execPath, args, { ms: 10 * MINUTE, show: true });
    stages.delete(file);
    stage.said += `-- ${name}\n${own.said}`;
    stage.ms += own.ms;
    const count = tapCount(existsSync(tap) ? readFileSync(tap, 'utf8') : '', code);
    return { ...count, note: count.note && `${name}: ${count.note}` };
}

/** @param {Stage} stage @param {string} directory @returns {Promise<Count>} */
async function nodeTests(stage, directory) {
    const files = globSync(`${directory}/*.test.mjs`).sort();
    const counts = await Promise.all(files.map((file) => nodeTest(stage, file)));
    const { passed, failed } = sum(counts);
    const note = counts.map((c) => c.note).filter(Boolean).join(', ');
    return passed + failed > 0 ? { passed, failed, note } : { passed, failed: 1, note: `ran no test; ${note}` };
}

/** One fuzz target for `seconds`. @param {Stage} stage @param {string} name @returns {Promise<Count>} */
async function fuzzOne(stage, name) {
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
    const { code, output } = await run(stage, `build/fuzz/${name}`, args, { ms: seconds * 1000 + MINUTE });
    const runs = output.match(/number_of_executed_units:\s*(\d+)/)?.[1] ?? '?';
    if (code !== 0) stage.said += `${output.slice(-20_000)}\n`;
    stage.said += `  ${name}: ${runs} runs in ${seconds} s${code === 0 ? '' : ', FAILED'}\n`;
    return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** The fuzzers, which are compiled meanwhile. @type {Promise<Outcome>} */
let fuzzers;

/** @param {Stage} stage @returns {Promise<Count>} */
async function fuzz(stage) {
    const { code, output } = await fuzzers;
    if (code !== 0) {
        stage.said += output;
        return { passed: 0, failed: 1, note: 'not compiled' };
    }
    const names = globSync('tests/fuzz/fuzz_*.c').sort().map((f) => basename(f, '.c'));
    /** @type {Count[]} */
    const counts = [];
    const worker = async () => {
        for (let name = names.shift(); name; name = names.shift()) counts.push(await fuzzOne(stage, name));
    };
    await Promise.all(Array.from({ length: availableParallelism() }, worker));
    return sum(counts);
}

/** These compute, and time nothing: they have what the others leave. The longest first. */
const BESIDE = ['lint', 'sim', 'unit', 'wasm', 'traces', 'cost', 'golden', 'looks', 'linter', 'docs'];
/** These measure, or need all of the machine: they come last, one by one. */
const ALONE = ['wall', 'real', 'soak', 'bench', 'fuzz'];
/** So many files at once of all other suites. They wait for most of their time, but each of them has deadlines. */
const AT_ONCE = 2;

/** @type {Map<string, (stage: Stage) => Promise<Count>>} */
const suites = new Map([
    ['lint', lint],
    ['unit', unit],
    ['wasm', wasm],
]);
const known = ['tests/traces', 'tests/sim', 'tests/both', 'tests/native', 'tests/worker'];
const found = [...new Set(globSync('tests/*/*.test.mjs').map(dirname))].sort();
const ordered = known.filter((d) => found.includes(d));
ordered.push(...found.filter((d) => !known.includes(d)));
for (const directory of ordered) suites.set(basename(directory), (stage) => nodeTests(stage, directory));
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
/** @param {string} name @param {Gate} gate @param {boolean} [beside] */
async function runSuite(name, gate, beside = false) {
    /** @type {Stage} */
    const stage = { said: '', beside, gate, ms: 0 };
    stages.set(name, stage);
    const count = await suites.get(name)?.(stage) ?? { passed: 0, failed: 1 };
    stages.delete(name);
    const { passed, failed, note } = count;
    const line = `${name}: ${passed} passed, ${failed} failed in ${(stage.ms / 1000).toFixed(1)} s${note ? `, ${note}` : ''}`;
    console.log(`== ${name}\n${stage.said}  ${line}`);
    totals.push(count);
    table.push(line);
}

const began = Date.now();
const wanted = [...suites.keys()].filter((name) => !chosen.length || chosen.includes(name));
const beside = BESIDE.filter((name) => wanted.includes(name));
const alone = ALONE.filter((name) => wanted.includes(name));
const others = wanted.filter((name) => !beside.includes(name) && !alone.includes(name));
const [few, cores] = [gateFor(AT_ONCE), gateFor(availableParallelism())];
/** @param {Gate} gate @returns {Stage} */
const behind = (gate) => ({ said: '', beside: others.length > 0, gate, ms: 0 });
const compiling = () => run(behind(cores), 'make', ['-s', 'fuzzers'], { ms: 10 * MINUTE });
const foremost = Promise.all(others.map((name) => runSuite(name, few))).then(() => {
    noLongerNicely();
});
await Promise.all([
    foremost,
    ...beside.map((name) => runSuite(name, cores, others.length > 0)),
    wanted.includes('fuzz') ? fuzzers = compiling() : undefined,
]);
for (const name of alone) await runSuite(name, name === 'fuzz' ? cores : gateFor(1));
console.log(`== all, in ${((Date.now() - began) / 1000).toFixed(0)} s\n  ${table.join('\n  ')}`);
const total = sum(totals);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed ? 1 : 0;
