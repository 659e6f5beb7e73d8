/**
 * What the native bench starts: the node, the load, and the three proxies before that node, each
 * with one thread on CPU 0, while load and node share CPU 1.
 */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { keyLines } from '../lib/keys.mjs';
import { ROOT, ready, start, until } from '../lib/proc.mjs';
import { freePort } from '../lib/rack.mjs';

export const PREFIX = '/api/heavy/code';
const KEY = 'bench-0123456789abcdef0123456789abcdef';
export const AUTHORIZATION = `authorization: Bearer ${KEY}\r\n`;
export const DIR = join(ROOT, 'build/bench/native');
const PINNED = cpus().length > 1;

/** How many descriptors a process may have here. */
export const FILES = Number(execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' })) || 65536;
/** As many clients as that leaves room for at a proxy, which has two connections for each. */
export const STREAMS_MAX = Math.min(Math.floor((FILES - 100) / 2), 10_000);

/** @typedef {{ name: string, port: number, pid: number, stop: () => Promise<unknown> }} Server */

/** @param {number} cpu @param {string[]} command */
function pinned(cpu, command) {
    return PINNED ? ['taskset', '-c', String(cpu), ...command] : command;
}

/** This process keeps out of the way of what is measured. */
export function pinSelf() {
    if (PINNED) execFileSync('taskset', ['-a', '-cp', '1', String(process.pid)], { stdio: 'ignore' });
}

/** @returns {Promise<Server>} */
export async function startNode() {
    const child = start(pinned(1, [join(ROOT, 'build/bench-node')]));
    await until(() => child.output().includes('\n'), 'the port of the node');
    return { name: 'node', port: Number(child.output()), pid: child.pid, stop: () => child.stop('SIGKILL') };
}

/** Fills ${NAME} in a committed configuration. @param {string} name @param {Record<string, unknown>} values */
function configure(name, values) {
    const text = readFileSync(join(ROOT, 'tests/bench', name), 'utf8');
    const file = join(DIR, name);
    writeFileSync(file, text.replaceAll(/\$\{([A-Z]+)\}/g, (_, key) => String(values[key])));
    return file;
}

/** @param {number} port @param {number} node */
function startNginx(port, node) {
    const file = configure('nginx.conf', { PORT: port, NODE: node, DIR, KEY, FILES });
    return start(pinned(0, ['nginx', '-c', file]), { env: { PATH: `${process.env.PATH}:/usr/sbin` } });
}

/** @param {number} port @param {number} node */
function startHaproxy(port, node) {
    writeFileSync(join(DIR, 'haproxy.keys'), `${KEY} 1\n`);
    const values = { PORT: port, NODE: node, DIR, CONNECTIONS: STREAMS_MAX };
    const file = configure('haproxy.cfg', values);
    return start(pinned(0, ['haproxy', '-db', '-f', file]), { env: { PATH: `${process.env.PATH}:/usr/sbin` } });
}

/** The daemon: more in flight than a notebook would take, so that none waits.
 * @param {number} port @param {number} node @param {Record<string, unknown>} [more] limits */
function startDaemon(port, node, more) {
    const file = join(DIR, 'gateway.json');
    const limits = { silence_ms: 600_000, upstream_idle_max: 256, connections_max: 20_000, ...more };
    writeFileSync(file, JSON.stringify({ heavy: { in_flight_max: 20_000 }, models: { demo: 'lmstudio/demo' }, limits }));
    /** @type {Record<string, string>} */
    const env = { GATEWAY_KEYS: keyLines({ bench: KEY }), LMSTUDIO_HOST: `http://127.0.0.1:${node}` };
    for (let i = 1; i <= 8; i += 1) env[`COLAB_ENDPOINT_${i}`] = `http://127.0.0.1:${node}`;
    const binary = process.env.DAEMON ?? join(ROOT, 'build/heady-gateway');
    const args = ['--config', file, '--listen', `127.0.0.1:${port}`, '--threads', '1'];
    const line = `exec "$@" 2>${join(DIR, 'gateway.log')}`;
    return start(pinned(0, ['sh', '-c', line, 'sh', binary, ...args]), { env });
}

const STARTS = {
    nginx: startNginx,
    haproxy: startHaproxy,
    daemon: startDaemon,
    /** The daemon that resumes no stream. @param {number} port @param {number} node */
    unresumed: (port, node) => startDaemon(port, node, { resume: false }),
};
export const PROXIES = /** @type {const} */ (['nginx', 'haproxy', 'daemon']);

/** @param {keyof typeof STARTS} name @param {number} node @returns {Promise<Server>} */
export async function startProxy(name, node) {
    mkdirSync(DIR, { recursive: true });
    const port = await freePort();
    const child = STARTS[name](port, node);
    await ready(child, `http://127.0.0.1:${port}/health`);
    return { name, port, pid: child.pid, stop: () => child.stop('SIGKILL') };
}

const run = promisify(execFile);

/** Runs build/bench-load to its end. @param {string[]} args @returns {Promise<Record<string, number>>} */
export async function load(args) {
    const [file, ...rest] = pinned(1, [join(ROOT, 'build/bench-load'), ...args]);
    const { stdout } = await run(file, rest);
    return JSON.parse(stdout);
}

/** Opens idle streams; they stay until stop(). @param {string[]} args */
export async function holdIdle(args) {
    const child = start(pinned(1, [join(ROOT, 'build/bench-load'), ...args]),
        { stdio: ['pipe', 'pipe', 'pipe'] });
    await until(() => child.exit !== null || child.output().includes('\n'), 'idle streams', 60_000);
    if (child.exit !== null) throw new Error(`idle streams at port ${args[1]}: ${child.output()}`);
    return { open: JSON.parse(child.output()).open, stop: () => child.stop('SIGKILL') };
}

/** CPU time of all threads of a process, in nanoseconds. @param {number} pid */
export function cpuNs(pid) {
    const tasks = readdirSync(`/proc/${pid}/task`);
    const of = (/** @type {string} */ task) => readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1');
    return tasks.reduce((sum, task) => sum + Number(of(task).split(' ')[0]), 0);
}

/** User and system time of a process, in ticks. @param {number} pid */
export function ticks(pid) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { user: Number(fields[11]), system: Number(fields[12]) };
}

/** A line "VmRSS" or "VmHWM" of a process's status, in bytes. @param {number} pid @param {string} what */
export function memory(pid, what) {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return 1024 * Number(new RegExp(`^${what}:\\s+([0-9]+) kB`, 'm').exec(status)?.[1]);
}
