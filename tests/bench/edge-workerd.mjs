// Raw workerd for tests and benchmarks: writes a configuration, starts the binary that wrangler
// pins, waits until its port answers, stops it again. No dependency.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const DATE = '2026-11-17';
export const FLAGS = ['no_nodejs_compat', 'no_nodejs_compat_v2', 'global_fetch_strictly_public'];

/** @typedef {{ name: string, kind: 'esModule' | 'wasm' | 'text', file: string }} Module */

/** @param {string} name @param {Module['kind']} kind @param {string} [file] @returns {Module} */
function source(name, kind, file = join(ROOT, name)) {
    return { name, kind, file };
}

/** The gateway as wrangler would bundle it, with `wasm` as its core and `config` as its file.
 * @param {{ wasm?: string, config?: string }} [options] @returns {Module[]} */
export function gatewayModules(options = {}) {
    const shim = readdirSync(join(ROOT, 'worker-shim')).filter((name) => name.endsWith('.js'));
    shim.sort((a, b) => Number(b === 'index.js') - Number(a === 'index.js'));
    return [
        ...shim.map((name) => source(`worker-shim/${name}`, 'esModule')),
        source('build/offsets.js', 'esModule'),
        source('build/core.wasm', 'wasm', options.wasm),
        source('config/gateway.json', 'text', options.config),
    ];
}

/** Where the workerd binary lies that wrangler brings. @returns {string} */
export function workerdBinary() {
    const cpu = process.arch === 'arm64' ? 'arm64' : '64';
    const path = join(ROOT, `node_modules/@cloudflare/workerd-linux-${cpu}/bin/workerd`);
    if (!existsSync(path)) throw new Error(`${path} is missing: run make deps`);
    return path;
}

/** A port that was free a moment ago. @returns {Promise<number>} */
export function freePort() {
    return new Promise((done, fail) => {
        const server = createServer();
        server.once('error', fail);
        server.listen(0, '127.0.0.1', () => {
            const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
            server.close(() => done(port));
        });
    });
}

/** @param {string} dir @param {number} port @param {Module[]} modules
 * @param {Record<string, string>} vars @returns {string} */
function capnp(dir, port, modules, vars) {
    const text = JSON.stringify;
    const embed = (/** @type {string} */ file) => text(relative(dir, file));
    const list = modules.map((m) => `(name = ${text(m.name)}, ${m.kind} = embed ${embed(m.file)})`);
    const bindings = Object.entries(vars).map(([k, v]) => `(name = ${text(k)}, text = ${text(v)})`);
    return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
    services = [
        (name = "main", worker = .w),
        (name = "internet", network = (allow = ["public", "private"])),
    ],
    sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const w :Workerd.Worker = (
    modules = [${list.join(',\n    ')}],
    bindings = [${bindings.join(',\n    ')}],
    compatibilityDate = ${text(DATE)},
    compatibilityFlags = [${FLAGS.map((f) => text(f)).join(', ')}],
);
`;
}

/** @param {number} port @param {number} deadline @returns {Promise<void>} */
async function untilListening(port, deadline) {
    for (;;) {
        const ok = await new Promise((done) => {
            const socket = connect(port, '127.0.0.1');
            socket.once('connect', () => { socket.destroy(); done(true); });
            socket.once('error', () => done(false));
        });
        if (ok) return;
        if (Date.now() > deadline) throw new Error(`nothing listens on port ${port}`);
        await new Promise((done) => setTimeout(done, 25));
    }
}

/**
 * @typedef {{ port: number, pid: number, output: () => string, stop: () => Promise<void> }} Workerd
 */

/** Starts workerd. `cpu` pins it.
 * @param {{ name: string, modules: Module[], vars?: Record<string, string>, cpu?: number }} options
 * @returns {Promise<Workerd>} */
export async function startWorkerd({ name, modules, vars = {}, cpu }) {
    const dir = join(ROOT, 'build/workerd');
    mkdirSync(dir, { recursive: true });
    const port = await freePort();
    const file = join(dir, `${name}-${port}.capnp`);
    writeFileSync(file, capnp(dir, port, modules, vars));
    const command = [workerdBinary(), 'serve', file];
    if (cpu !== undefined) command.unshift('taskset', '-c', String(cpu));
    const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (/** @type {Buffer} */ data) => { output = (output + data).slice(-65536); };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const gone = new Promise((done) => child.once('exit', done));
    const failed = gone.then(() => { throw new Error(`workerd ended:\n${output}`); });
    failed.catch(() => {});
    await Promise.race([untilListening(port, Date.now() + 10_000), failed]);
    return {
        port,
        pid: /** @type {number} */ (child.pid),
        output: () => output,
        stop: async () => { child.kill('SIGKILL'); await gone; },
    };
}
