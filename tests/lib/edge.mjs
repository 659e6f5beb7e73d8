/**
 * The Worker under test: bundled by wrangler as for a deployment, then run under workerd itself,
 * which is the runtime without the layers that `wrangler dev` puts around it.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { ROOT, ready, start, until } from './proc.mjs';
import { tellsNoSecret } from './secrets.mjs';

/**
 * @typedef {object} Edge
 * @property {string} url
 * @property {string} second   of the other isolate, if it was asked for
 * @property {number} port
 * @property {number} pid
 * @property {import('./proc.mjs').Child} child
 * @property {() => string} log
 * @property {() => Promise<void>} stop
 *
 * @typedef {object} EdgeOptions
 * @property {Record<string, string>} [env]   text bindings
 * @property {unknown} [config]               instead of config/gateway.json
 * @property {string} [wasm]                  instead of build/core.wasm
 * @property {number} [port]
 * @property {boolean} [detached]             in a process group of its own
 * @property {boolean} [registry]             false: without the Durable Object
 * @property {boolean} [responses]            false: without that of what clients let it keep
 * @property {number} [kv]                   the port of a KV service (kv.mjs) for the binding STATE
 * @property {Record<string, number>} [kvs]   ports of more of them, by binding
 * @property {number} [cache]                 the port of a cache (cache.mjs) behind the Cache API
 * @property {string} [main]                  instead of worker-shim/index.js, in a bundle of its own
 * @property {boolean} [invalid]              its configuration is not valid: it never gets healthy
 * @property {boolean} [second]               another isolate beside it, which shares the Durable Objects
 */

const MAIN = 'worker-shim/index.js';
const INPUTS = ['worker-shim', 'config', 'build/core.wasm', 'build/offsets.js', 'wrangler.toml'];

/** The directory of a bundle: build/worker is what is deployed. @param {string} main */
const bundleOf = (main) => join(ROOT, main === MAIN ? 'build/worker' : `build/worker-${basename(main, '.js')}`);
const BUILD_MS = 120_000;

/** @param {string} path @returns {number} when it, or the newest file in it, was changed */
function changed(path) {
    if (!existsSync(path)) return 0;
    const stat = statSync(path);
    if (!stat.isDirectory()) return stat.mtimeMs;
    return Math.max(0, ...readdirSync(path).map((name) => changed(join(path, name))));
}

/** @param {string} main */
function isFresh(main) {
    const built = changed(join(bundleOf(main), basename(main)));
    return built > Math.max(...[...INPUTS, main].map((name) => changed(join(ROOT, name))));
}

/** What wrangler needs to neither ask, nor tell, nor inherit a job server from make. */
const WRANGLER_ENV = {
    CI: '1',
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_HIDE_BANNER: 'true',
    NO_COLOR: '1',
};

/** @param {string} out @param {string} [main] @returns {Promise<string>} what wrangler said */
export async function bundleInto(out, main = MAIN) {
    const command = [
        join(ROOT, 'node_modules/.bin/node'),
        join(ROOT, 'node_modules/wrangler/bin/wrangler.js'),
        ...['deploy', join(ROOT, main), '--dry-run', '--env', 'production', '--outdir', out],
    ];
    const child = start(command, { env: WRANGLER_ENV });
    const exit = await child.exited;
    if (exit.code !== 0) throw new Error(`wrangler ended with ${exit.code}: ${child.output()}`);
    return child.output();
}

/** @param {string} main */
async function bundle(main) {
    const out = `${bundleOf(main)}.${process.pid}`;
    await bundleInto(out, main);
    rmSync(bundleOf(main), { recursive: true, force: true });
    renameSync(out, bundleOf(main));
}

/** Builds the bundle if an input is newer. Test files run side by side: one of them builds.
 * @param {string} [main] */
export async function buildWorker(main = MAIN) {
    const lock = `${bundleOf(main)}.lock`;
    mkdirSync(join(ROOT, 'build'), { recursive: true });
    const take = () => {
        try {
            mkdirSync(lock);
            return true;
        } catch {
            if (Date.now() - changed(lock) > BUILD_MS) rmSync(lock, { recursive: true, force: true });
            return false;
        }
    };
    if (isFresh(main) && !existsSync(lock)) return;
    await until(take, `${lock} (remove it if nothing is being built)`, BUILD_MS);
    try {
        if (!isFresh(main)) await bundle(main);
    } finally {
        rmSync(lock, { recursive: true, force: true });
    }
}

/** @param {string} text a capnp string literal */
function quote(text) {
    return JSON.stringify(text).replace(/\\u([0-9a-f]{4})/g, (_, hex) =>
        Buffer.from(String.fromCharCode(parseInt(hex, 16)))
            .reduce((all, byte) => `${all}\\x${byte.toString(16).padStart(2, '0')}`, ''));
}

/**
 * Copies the bundle's modules to `dir` and names them for capnp.
 * @param {string} dir @param {EdgeOptions} options
 */
function modules(dir, options) {
    const kinds = { '.js': 'esModule', '.wasm': 'wasm', '.json': 'text' };
    const lines = [];
    const main = options.main ?? MAIN;
    for (const name of readdirSync(bundleOf(main)).sort()) {
        const kind = Object.entries(kinds).find(([end]) => name.endsWith(end))?.[1];
        if (kind === undefined) continue;
        const to = join(dir, name);
        if (kind === 'text' && options.config !== undefined) {
            const { config } = options;
            writeFileSync(to, typeof config === 'string' ? config : JSON.stringify(config));
        } else if (kind === 'wasm' && options.wasm !== undefined) {
            copyFileSync(options.wasm, to);
        } else {
            copyFileSync(join(bundleOf(main), name), to);
        }
        const line = `(name = ${quote(name)}, ${kind} = embed ${quote(name)})`;
        if (kind === 'esModule' && name === basename(main)) lines.unshift(line);
        else lines.push(line);
    }
    return lines.join(',\n    ');
}

/** The date and flags of wrangler.toml; but nodes of a test are on loopback, not in public. */
function compatibility() {
    const text = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8');
    const date = /^compatibility_date\s*=\s*"([^"]+)"/m.exec(text)?.[1] ?? '2026-11-17';
    const list = /^compatibility_flags\s*=\s*\[([^\]]*)\]/m.exec(text)?.[1] ?? '';
    const flags = [...list.matchAll(/"([^"]+)"/g)].map((match) => match[1]);
    const kept = flags.filter((flag) => flag !== 'global_fetch_strictly_public');
    return `compatibilityDate = ${quote(date)},
  compatibilityFlags = [${kept.map(quote).join(', ')}]`;
}

/** Bindings of KV and their ports. @param {EdgeOptions} options @returns {[string, number][]} */
function kvsOf({ kv, kvs = {} }) {
    return Object.entries(kv === undefined ? kvs : { ...kvs, STATE: kv });
}

/** @param {string} name @param {number} port */
const outside = (name, port) => `(name = ${quote(name)}, external = (address = "127.0.0.1:${port}", http = ())),`;

/** The Durable Objects, by their bindings. */
const OBJECTS = { REGISTRY: 'Registry', RESPONSES: 'Responses' };

/** @param {EdgeOptions} options @param {string} whose whose Durable Objects they are */
function bindings(options, whose) {
    const texts = Object.entries(options.env ?? {})
        .map(([name, value]) => `(name = ${quote(name)}, text = ${quote(value)})`);
    const unbound = [options.registry === false && 'REGISTRY', options.responses === false && 'RESPONSES'];
    const objects = Object.entries(OBJECTS).filter(([name]) => !unbound.includes(name)).map(([name, of]) => (
        `(name = "${name}", durableObjectNamespace = (className = "${of}"${whose}))`));
    const kv = kvsOf(options).map(([name]) => `(name = ${quote(name)}, kvNamespace = ${quote(`kv-${name}`)})`);
    return [...texts, ...kv, ...objects].join(',\n    ');
}

/** One worker, which is one isolate. @param {string} name @param {string} bound its bindings
 * @param {string} modules @param {string} objects @param {boolean} cached */
function worker(name, bound, modules, objects, cached) {
    return `const ${name} :Workerd.Worker = (
  modules = [
    ${modules}
  ],
  ${compatibility()},
  bindings = [
    ${bound}
  ],
  globalOutbound = "nodes",${cached ? '\n  cacheApiOutbound = "cache",' : ''}
  durableObjectNamespaces = [${objects}],
  durableObjectStorage = (localDisk = "objects")
);
`;
}

/** @param {string} dir @param {EdgeOptions} options @param {string} objects a directory */
function capnp(dir, options, objects) {
    const port = options.port ?? 0;
    const code = modules(dir, options);
    const own = Object.values(OBJECTS).map((name) => (
        `(className = "${name}", uniqueKey = "${name.toLowerCase()}", enableSql = true)`)).join(', ');
    const services = options.second ? ['gateway', 'second'] : ['gateway'];
    const cached = options.cache !== undefined;
    const [first, second] = [
        worker('gateway', bindings(options, ''), code, own, cached),
        worker('second', bindings(options, ', serviceName = "gateway"'), code, own, cached),
    ];
    return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    ${services.map((name) => `(name = "${name}", worker = .${name}),`).join('\n    ')}
    (name = "objects", disk = (path = ${quote(objects)}, writable = true)),
    ${kvsOf(options).map(([name, port]) => outside(`kv-${name}`, port)).join('\n    ')}
    ${options.cache === undefined ? '' : outside('cache', options.cache)}
    (name = "nodes", network = (allow = ["public", "private", "local"],
      tlsOptions = (trustBrowserCas = true)))
  ],
  sockets = [
    ${services.map((name, i) => `(name = "${name}", address = "127.0.0.1:${i === 0 ? port : 0}", http = (), service = "${name}")`).join(',\n    ')}
  ]
);
${first}${options.second ? second : ''}`;
}

/** @returns {string} the binary itself: its wrapper is a node script that would stay in between */
function workerd() {
    const arch = process.arch === 'arm64' ? 'arm64' : '64';
    return join(ROOT, `node_modules/@cloudflare/workerd-linux-${arch}/bin/workerd`);
}

/** @param {import('node:stream').Readable} pipe @param {number} n how many sockets
 * @returns {Promise<number[]>} the ports it listens on */
function listening(pipe, n) {
    return new Promise((resolve, reject) => {
        let text = '';
        pipe.on('data', (part) => {
            text += part;
            const ports = [...text.matchAll(/"event":"listen","socket":"\w+","port":([0-9]+)/g)];
            if (ports.length === n) resolve(ports.map(([, port]) => Number(port)));
        });
        pipe.on('end', () => reject(new Error('workerd ended before it listened')));
    });
}

/** @param {EdgeOptions} [options] @returns {Promise<Edge>} */
export async function startEdge(options = {}) {
    await buildWorker(options.main);
    const dir = mkdtempSync(join(tmpdir(), 'heady-edge-'));
    const objects = mkdtempSync(join(tmpdir(), 'heady-objects-'));
    const clean = () => rmSync(objects, { recursive: true, force: true });
    writeFileSync(join(dir, 'edge.capnp'), capnp(dir, options, objects));
    const child = start([workerd(), 'serve', '--control-fd=3', join(dir, 'edge.capnp')], {
        stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
        detached: options.detached,
    });
    child.exited.then(clean);
    try {
        const pipe = /** @type {import('node:stream').Readable} */ (child.process.stdio[3]);
        const [port, other] = await listening(pipe, options.second ? 2 : 1);
        const url = `http://127.0.0.1:${port}`;
        if (!options.invalid) await ready(child, `${url}/health`);
        return {
            url, port, pid: child.pid, child, log: child.output,
            second: `http://127.0.0.1:${other}`,
            stop: async () => {
                await child.stop();
                tellsNoSecret(child.output(), options.env);
            },
        };
    } catch (error) {
        await child.stop('SIGKILL');
        throw new Error(`${error instanceof Error ? error.message : error}\n${child.output()}`);
    } finally {
        rmSync(dir, { recursive: true, force: true });
    }
}
