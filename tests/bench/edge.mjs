// What the edge costs: CPU time of raw workerd for a request and for an event of a stream, through
// the gateway and through Workers to compare it with (workers/*.js), in interleaved rounds. Prints
// a table of medians with their quartiles, writes build/bench/edge.json.
//
//     node tests/bench/edge.mjs [--rounds 15] [--short] [--only request|unified|relayed|observed] [--check]
//
// workerd has CPU 0, load and node share CPU 1. Figures of one round are compared with each other
// only, since a shared machine moves by 10 % from round to round. --check fails when a median is
// above its limit. --short sends less: to see that it runs, not to learn what it costs.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { load, post } from './edge-load.mjs';
import { ROOT, gatewayModules, startWorkerd } from './edge-workerd.mjs';
import { quantile, quartiles, range } from './stats.mjs';

const { values: options } = parseArgs({
    options: {
        rounds: { type: 'string', default: '15' }, short: { type: 'boolean', default: false },
        only: { type: 'string' }, check: { type: 'boolean', default: false },
    },
});
const ROUNDS = Number(options.rounds);
const PINNED = cpus().length > 1;
const EVENTS = options.short ? 40 : 300;
const STREAMS = options.short ? 16 : 64;
const TICK_US = 1e6 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

const prompt = 'x'.repeat(980);
const json = (/** @type {object} */ more) => JSON.stringify({ model: 'demo', ...more, prompt });
const PATH = '/api/heavy/code/v1/chat/completions';
const ask = post(PATH, json({}));
const askModel = post('/v1/chat/completions', json({}));
const askStream = post(PATH, json({ stream: true }));
const askFast = post(PATH, json({ stream: true }), { 'x-heady-stream': 'fast' });

/**
 * What is measured: `total` answers over `connections`, each counting for `units`; the first worker
 * is held against the others.
 * @typedef {{ name: string, unit: string, total: number, connections: number, units: number,
 *   workers: Record<string, Buffer>, limits: Record<string, number> }} Scenario
 * @type {Scenario[]}
 */
const SCENARIOS = [
    {
        name: 'request',
        unit: 'request',
        total: options.short ? 400 : 4000,
        connections: 16,
        units: 1,
        workers: { gateway: ask, plain: ask, bare: ask },
        limits: { plain: 1.10, bare: 1.5 },
    },
    {
        name: 'unified', // the model that is named, against the same node by its class
        unit: 'request',
        total: options.short ? 400 : 4000,
        connections: 16,
        units: 1,
        workers: { gateway: askModel, heavy: ask },
        limits: { heavy: 1.10 },
    },
    {
        name: 'relayed',
        unit: 'event',
        total: STREAMS,
        connections: STREAMS,
        units: EVENTS,
        workers: { gateway: askFast, bare: askFast },
        limits: { bare: 1.25 },
    },
    {
        name: 'observed',
        unit: 'event',
        total: STREAMS,
        connections: STREAMS,
        units: EVENTS,
        workers: { gateway: askStream, pull: askStream, unresumed: askStream },
        limits: { pull: 1.15, unresumed: 1.10 },
    },
];

/** User and system time of a process, in ticks. @param {number} pid */
function ticks(pid) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
}

/** The node that answers. @returns {Promise<{ port: number, stop: () => void }>} */
async function startUpstream() {
    const script = join(ROOT, 'tests/bench/upstream.mjs');
    const command = PINNED ? ['taskset', '-c', '1', process.execPath, script]
        : [process.execPath, script];
    const env = { ...process.env, EVENTS: String(EVENTS) };
    const [file, ...args] = command;
    const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const port = await new Promise((done) => {
        child.stdout.once('data', (data) => done(Number(data)));
    });
    return { port, stop: () => child.kill('SIGKILL') };
}

/** The gateway's configuration: more in flight than a notebook would take, so that none waits.
 * @param {string} name @param {boolean} resume */
function writeConfig(name, resume) {
    const file = join(ROOT, `build/bench/${name}.json`);
    mkdirSync(join(ROOT, 'build/bench'), { recursive: true });
    writeFileSync(file, JSON.stringify({ heavy: { in_flight_max: 1000 }, models: { demo: 'lmstudio/demo' }, limits: { resume } }));
    return file;
}

/** @param {string} name @param {number} upstream */
function startWorker(name, upstream) {
    const node = `http://127.0.0.1:${upstream}`;
    /** @type {Record<string, string>} */
    const vars = { NODE: node, GATEWAY_AUTH: 'off', LMSTUDIO_HOST: node };
    for (let i = 1; i <= 8; i += 1) vars[`COLAB_ENDPOINT_${i}`] = node;
    const file = join(ROOT, `tests/bench/workers/${name}.js`);
    const own = ['gateway', 'heavy', 'unresumed'].includes(name); // the gateway, twice; and one that resumes no stream
    const modules = own ? gatewayModules({ config: writeConfig(name, name !== 'unresumed') })
        : [{ name: `${name}.js`, kind: /** @type {'esModule'} */ ('esModule'), file }];
    return startWorkerd({ name: `bench-${name}`, modules, vars, cpu: PINNED ? 0 : undefined });
}

/** One round of one worker: microseconds of CPU for each unit. @param {Scenario} scenario
 * @param {{ port: number, pid: number }} worker @param {Buffer} request */
async function measure(scenario, worker, request) {
    const before = ticks(worker.pid);
    await load(worker.port, request, scenario.total, scenario.connections);
    const spent = ticks(worker.pid) - before;
    return (spent * TICK_US) / (scenario.total * scenario.units);
}

/** @param {Scenario} scenario @param {Record<string, { port: number, pid: number }>} workers */
async function run(scenario, workers) {
    const names = Object.keys(scenario.workers);
    /** @type {Record<string, number[]>} */
    const cost = Object.fromEntries(names.map((name) => [name, []]));
    const round = async (/** @type {string[]} */ order, /** @type {boolean} */ counted) => {
        for (const name of order) {
            const us = await measure(scenario, workers[name], scenario.workers[name]);
            if (counted) cost[name].push(us);
        }
    };
    for (let i = 0; i < 3; i += 1) await round(names, false);
    for (let i = 0; i < ROUNDS; i += 1) await round(i % 2 ? names.toReversed() : names, true);
    return report(scenario, cost);
}

/** @param {Scenario} scenario @param {Record<string, number[]>} cost */
function report(scenario, cost) {
    const [subject, ...others] = Object.keys(cost);
    const ratios = others.map((other) => {
        const list = cost[subject].map((us, i) => us / cost[other][i]);
        const limit = scenario.limits[other];
        return { to: other, ...quartiles(list), limit, ok: quantile(list, 0.5) <= limit };
    });
    const each = Object.entries(cost);
    const us = Object.fromEntries(each.map(([name, list]) => [name, quartiles(list)]));
    return { name: scenario.name, unit: scenario.unit, us, ratios };
}

/** @param {ReturnType<typeof report>[]} reports */
function print(reports) {
    console.log('\nCPU of workerd, microseconds: median (quartiles)');
    for (const { name, unit, us, ratios } of reports) {
        for (const [worker, q] of Object.entries(us)) {
            console.log(`  ${name.padEnd(9)} ${worker.padEnd(8)} ${range(q, 1)} per ${unit}`);
        }
        for (const { to, limit, ok, ...q } of ratios) {
            console.log(`  ${name.padEnd(9)} gateway / ${to.padEnd(6)} ${range(q, 3)}  `
                + `limit ${limit.toFixed(2)}: ${ok ? 'kept' : 'MISSED'}`);
        }
    }
}

/** @returns {Promise<boolean>} whether all limits were kept */
async function main() {
    const self = String(process.pid);
    if (PINNED) execFileSync('taskset', ['-a', '-cp', '1', self], { stdio: 'ignore' });
    const scenarios = SCENARIOS.filter(({ name }) => !options.only || options.only === name);
    const upstream = await startUpstream();
    /** @type {Record<string, Awaited<ReturnType<typeof startWorkerd>>>} */
    const workers = {};
    try {
        const names = new Set(scenarios.flatMap((scenario) => Object.keys(scenario.workers)));
        for (const name of names) workers[name] = await startWorker(name, upstream.port);
        const reports = [];
        for (const scenario of scenarios) reports.push(await run(scenario, workers));
        print(reports);
        mkdirSync(join(ROOT, 'build/bench'), { recursive: true });
        const text = JSON.stringify({ rounds: ROUNDS, reports }, null, 2);
        writeFileSync(join(ROOT, 'build/bench/edge.json'), `${text}\n`);
        return reports.every(({ ratios }) => ratios.every(({ ok }) => ok));
    } finally {
        for (const worker of Object.values(workers)) await worker.stop();
        upstream.stop();
    }
}

const kept = await main();
process.exitCode = options.check && !kept ? 1 : 0;
