// What the daemon costs beside nginx and HAProxy doing the same (nginx.conf, haproxy.cfg) before the
// same node: CPU for a request and for an event of a stream, latency that is added, memory. Prints
// a table of medians with their quartiles, writes build/bench/native.json.
//
//     node tests/bench/native.mjs [--rounds 15] [--short] [--only SCENARIO] [--check]
//
// The proxy that is measured has CPU 0, load and node share CPU 1 (native-servers.mjs). Figures of
// one round are compared with each other only. --check fails when a median is above its limit.
// --short sends less: to see that it runs, not to learn what it costs. DAEMON=FILE measures another
// build of the daemon.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../lib/proc.mjs';
import {
    AUTHORIZATION, DIR, PREFIX, PROXIES, STREAMS_MAX, cpuNs, holdIdle, load, memory, pinSelf,
    startNode, startProxy, ticks,
} from './native-servers.mjs';
import { quartiles, range } from './stats.mjs';

/** @typedef {import('./native-servers.mjs').Server} Server */
/** @typedef {import('./stats.mjs').Quartiles} Quartiles */

const { values: options } = parseArgs({
    options: {
        rounds: { type: 'string', default: '15' }, short: { type: 'boolean', default: false },
        only: { type: 'string' }, check: { type: 'boolean', default: false },
    },
});
const ROUNDS = Number(options.rounds);
const EVENTS = options.short ? 10 : 100;
const STREAMS = options.short ? 40 : 200;
const IDLE = options.short ? 200 : STREAMS_MAX;
const IDLE_BODY = 1024;
const POST = '/v1/chat/completions';

/**
 * One thing that is measured by CPU time: `units` of it in each run of the load. `limit` is for the
 * daemon against nginx, `resume` against the daemon that resumes no stream, `unified` for the model that is
 * named against the same node by its class, `passed` has nginx pass the request body on as it comes (nginx.conf).
 * @typedef {{ name: string, unit: string, kind: string, path: string, headers: string, body: number,
 *   connections: number, total: number, units: number, limit?: number, resume?: number, unified?: number,
 *   passed?: boolean }} Scenario
 */

/** @param {string} name @param {number} body @param {number} connections @param {number} total
 * @param {number} [limit] @returns {Scenario} */
function requests(name, body, connections, total, limit) {
    const sent = options.short ? Math.ceil(total / 10) : total;
    return { name, unit: 'request', kind: 'requests', path: POST, headers: '', body, connections,
        total: sent, units: sent, limit };
}

/** @param {string} name @param {string} headers @returns {Scenario} */
function events(name, headers) {
    return { name, unit: 'event', kind: 'streams', path: `/events/${EVENTS}`, headers, body: 1024,
        connections: STREAMS, total: STREAMS, units: STREAMS * EVENTS, limit: 0.9 };
}

const SCENARIOS = [
    requests('small', 1024, 32, 10_000, 0.95),
    { ...requests('large', 100_000, 8, 2000, 0.7), passed: true },
    requests('held', 100_000, 8, 2000),
    { ...requests('unified', 1024, 32, 10_000), unified: 1.1 },
    events('relayed', 'x-heady-stream: fast\r\n'),
    { ...events('observed', ''), resume: 1.1 },
];
const LATENCY = requests('latency', 1024, 1, 3000, 1);

/** @param {Server} server @param {Scenario} s */
function argsFor(server, s) {
    const passed = s.passed && server.name === 'nginx' ? '/passed' : '';
    const direct = server.name === 'node' || (s.unified && server.name === 'daemon');
    const path = direct ? s.path : passed + PREFIX + s.path;
    return [s.kind, String(server.port), path, AUTHORIZATION + s.headers, String(s.body),
        String(s.connections), String(s.total)];
}

/** One run of the load: CPU microseconds for each unit, and what the load said.
 * @param {Server} server @param {Scenario} s */
async function measure(server, s) {
    const [ns, before] = [cpuNs(server.pid), ticks(server.pid)];
    const said = await load(argsFor(server, s));
    const total = (cpuNs(server.pid) - ns) / 1000 / s.units;
    const after = ticks(server.pid);
    const [user, system] = [after.user - before.user, after.system - before.system];
    if (s.kind === 'streams' && said.events !== s.units) throw new Error(`${said.events} events came`);
    return { total, user, system, said };
}

/** Measures the servers in turn, in changing order, after rounds that do not count.
 * @template T @param {Server[]} servers @param {(server: Server) => Promise<T>} one
 * @returns {Promise<Record<string, T[]>>} */
async function inRounds(servers, one) {
    /** @type {Record<string, T[]>} */
    const seen = Object.fromEntries(servers.map(({ name }) => [name, []]));
    for (const server of servers) await one(server);
    for (let i = 0; i < ROUNDS; i += 1) {
        for (const server of i % 2 ? servers.toReversed() : servers) {
            seen[server.name].push(await one(server));
        }
    }
    return seen;
}

/** The daemon's figures over those of another, round by round.
 * @param {Record<string, number[]>} figures @param {string} other @param {number} [limit] */
function ratio(figures, other, limit) {
    const q = quartiles(figures.daemon.map((x, i) => x / figures[other][i]));
    return { to: other, ...q, ...(limit && { limit, ok: q.median <= limit }) };
}

/** @param {Scenario} s @param {Server[]} servers */
async function runCpu(s, servers) {
    const seen = await inRounds(servers, (server) => measure(server, s));
    /** @type {Record<string, Quartiles & { user: number, system: number }>} */
    const us = {};
    for (const [name, list] of Object.entries(seen)) {
        const sum = (/** @type {'user' | 'system'} */ what) => list.reduce((n, x) => n + x[what], 0);
        const q = quartiles(list.map(({ total }) => total));
        const user = (q.median * sum('user')) / (sum('user') + sum('system') || 1);
        us[name] = { ...q, user, system: q.median - user };
    }
    const totals = Object.fromEntries(Object.entries(seen).map(([k, list]) => [k, list.map((x) => x.total)]));
    const ratios = s.unified ? [ratio(totals, 'heavy', s.unified)]
        : [ratio(totals, 'nginx', s.limit), ratio(totals, 'haproxy')];
    if (s.resume) ratios.push(ratio(totals, 'unresumed', s.resume));
    return { name: s.name, unit: s.unit, us, ratios };
}

/** Latency at one connection; what a proxy adds is its latency less that of the node asked directly.
 * @param {Server[]} servers */
async function runLatency(servers) {
    const seen = await inRounds(servers, async (server) => (await measure(server, LATENCY)).said);
    const of = (/** @type {string} */ name, /** @type {string} */ what) => seen[name].map((x) => x[what]);
    return ['p50_us', 'p99_us'].map((what) => {
        const direct = of('node', what);
        const added = Object.fromEntries(PROXIES.map((name) => [name, of(name, what).map((x, i) => x - direct[i])]));
        const us = Object.fromEntries(PROXIES.map((name) => [name, quartiles(added[name])]));
        const ratios = [ratio(added, 'nginx', what === 'p99_us' ? LATENCY.limit : undefined), ratio(added, 'haproxy')];
        return { name: what.slice(0, 3), us: { direct: quartiles(direct), ...us }, ratios };
    });
}

/** Memory that a fresh proxy takes for each of many idle streams, each asked for with a request body of
 * IDLE_BODY bytes. @param {Server} node */
async function runIdle(node) {
    /** @type {Record<string, { streams: number, bytes: number }>} */
    const idle = {};
    for (const name of PROXIES) {
        const server = await startProxy(name, node.port);
        const s = { ...LATENCY, kind: 'idle', path: '/idle', body: IDLE_BODY, connections: IDLE, total: IDLE };
        await load(argsFor(server, { ...LATENCY, connections: 16 }));
        const before = memory(server.pid, 'VmRSS');
        const held = await holdIdle(argsFor(server, s));
        idle[name] = { streams: held.open, bytes: (memory(server.pid, 'VmRSS') - before) / held.open };
        await held.stop();
        await server.stop();
    }
    const limit = 12 * 1024;
    return { proxies: idle, limit, ok: idle.daemon.bytes <= limit };
}

/** @param {{ ratios: (ReturnType<typeof ratio>)[] }} report @param {string} name */
function printRatios({ ratios }, name) {
    for (const { to, limit, ok, ...q } of ratios) {
        const verdict = limit ? `  limit ${limit.toFixed(2)}: ${ok ? 'kept' : 'MISSED'}` : '';
        console.log(`  ${name.padEnd(9)} daemon / ${to.padEnd(9)} ${range(q, 3)}${verdict}`);
    }
}

/** @param {Awaited<ReturnType<typeof runCpu>>} report */
function printCpu(report) {
    console.log(`\nCPU, microseconds per ${report.unit}: median (quartiles), of it user + system`);
    for (const [server, q] of Object.entries(report.us)) {
        const parts = `${q.user.toFixed(1)} + ${q.system.toFixed(1)}`;
        console.log(`  ${report.name.padEnd(9)} ${server.padEnd(9)} ${range(q, 2)}, ${parts}`);
    }
    printRatios(report, report.name);
}

/** @param {Awaited<ReturnType<typeof runLatency>>} reports */
function printLatency(reports) {
    console.log('\nLatency at one connection, microseconds: of the node, and what a proxy adds');
    for (const report of reports) {
        for (const [server, q] of Object.entries(report.us)) {
            console.log(`  ${report.name.padEnd(9)} ${server.padEnd(8)} ${range(q, 1)}`);
        }
        printRatios(report, report.name);
    }
}

/** @param {Record<string, number>} peak */
function printPeak(peak) {
    const list = Object.entries(peak).map(([name, bytes]) => `${name} ${(bytes / 2 ** 20).toFixed(1)} MiB`);
    console.log(`\nPeak memory: ${list.join(', ')}`);
}

/** @param {Awaited<ReturnType<typeof runIdle>>} idle */
function printIdle(idle) {
    console.log(`\nMemory for an idle stream, with a request body of ${IDLE_BODY} bytes`);
    for (const [name, { bytes, streams }] of Object.entries(idle.proxies)) {
        console.log(`  ${name.padEnd(8)} ${Math.round(bytes)} bytes each of ${streams}`);
    }
    console.log(`  daemon   limit ${idle.limit}: ${idle.ok ? 'kept' : 'MISSED'}`);
}

/** @param {string} name */
const chosen = (name) => !options.only || options.only === name;

/** @param {Server} node */
async function measureAll(node) {
    /** @type {Server[]} */
    const servers = [node];
    try {
        for (const name of PROXIES) servers.push(await startProxy(name, node.port));
        const cpu = [];
        for (const s of SCENARIOS.filter(({ name }) => chosen(name))) {
            const more = s.resume ? [await startProxy('unresumed', node.port)] : [];
            const daemon = /** @type {Server} */ (servers.find(({ name }) => name === 'daemon'));
            const two = s.unified ? [daemon, { ...daemon, name: 'heavy' }] : [...servers, ...more];
            cpu.push(await runCpu(s, two));
            for (const server of more) await server.stop();
            printCpu(cpu[cpu.length - 1]);
        }
        const latency = chosen('latency') ? await runLatency(servers) : [];
        if (latency.length > 0) printLatency(latency);
        const peak = Object.fromEntries(servers.map(({ name, pid }) => [name, memory(pid, 'VmHWM')]));
        printPeak(peak);
        return { cpu, latency, peak };
    } finally {
        for (const server of servers.slice(1)) await server.stop();
    }
}

/** @returns {Promise<boolean>} whether all limits were kept */
async function main() {
    pinSelf();
    mkdirSync(DIR, { recursive: true });
    const node = await startNode();
    try {
        const measured = await measureAll(node);
        const idle = chosen('idle') ? await runIdle(node) : null;
        if (idle) printIdle(idle);
        const text = JSON.stringify({ rounds: ROUNDS, ...measured, idle }, null, 2);
        writeFileSync(join(ROOT, 'build/bench/native.json'), `${text}\n`);
        const ratios = [...measured.cpu, ...measured.latency].flatMap((report) => report.ratios);
        return ratios.every(({ ok }) => ok !== false) && idle?.ok !== false;
    } finally {
        await node.stop();
        rmSync(DIR, { recursive: true, force: true }); // the logs are large
    }
}

const kept = await main();
process.exitCode = options.check && !kept ? 1 : 0;
