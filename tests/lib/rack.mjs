/**
 * The on-prem daemon under test. The build with sanitizers is taken when there is one, so that every
 * case is a memory check too; cases that measure memory ask for the plain build.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports.mjs';
import { ROOT, openFiles, ready, residentKib, start, until } from './proc.mjs';
import { tellsNoSecret } from './secrets.mjs';

/**
 * @typedef {object} Rack
 * @property {string} url
 * @property {number} port
 * @property {number} pid
 * @property {import('./proc.mjs').Child} child
 * @property {() => string} log
 * @property {() => number} residentKib
 * @property {() => number} openFiles
 * @property {() => Promise<void>} stop   gracefully; throws if it did not end well
 *
 * @typedef {object} RackOptions
 * @property {Record<string, string>} [env]
 * @property {unknown} [config]    an object, or the text of the file
 * @property {string[]} [args]
 * @property {string} [file]       a file of the caller's, instead of config
 * @property {string} [program]    instead of the build
 * @property {boolean} [plain]     never the build with sanitizers
 * @property {number} [port]
 * @property {boolean} [tls]      it speaks TLS: how is among `args`
 */

const PORT_TRIES = 3;
const PLAIN = join(ROOT, 'build/heady-gateway');
const CHECKED = join(ROOT, 'build/heady-gateway-asan');

/** @param {boolean} plain @returns {string} */
export function binary(plain) {
    return !plain && existsSync(CHECKED) ? CHECKED : PLAIN;
}

export { freePort };

/** @param {unknown} config @returns {{file: string, remove: () => void}} */
function configFile(config) {
    const dir = mkdtempSync(join(tmpdir(), 'heady-test-'));
    const file = join(dir, 'gateway.json');
    writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config));
    return { file, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** @param {import('./proc.mjs').Exit} exit @param {string} log */
function checkEnd(exit, log) {
    if (exit.code === 0 && !log.includes('Sanitizer') && !log.includes('runtime error')) return;
    throw new Error(`the daemon ended with ${exit.code ?? exit.signal}:\n${log.slice(-4000)}`);
}

/** @param {import('./proc.mjs').Child} child */
function listens(child) {
    if (child.exit !== null) throw new Error(`ended before it was ready: ${child.output()}`);
    return child.output().includes('listening on');
}

/** @param {RackOptions} options @param {number} port @returns {Promise<Rack>} */
async function startAt(options, port) {
    const { file, remove } = options.file === undefined
        ? configFile(options.config ?? {})
        : { file: options.file, remove: () => {} };
    const listen = options.args?.includes('--listen') ? [] : ['--listen', `127.0.0.1:${port}`];
    const program = options.program ?? binary(options.plain ?? false);
    const command = [program, '--config', file, ...listen];
    const child = start([...command, ...(options.args ?? [])], { env: options.env });
    const url = `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`;
    try {
        await until(() => listens(child), 'it to listen'); // itself: a test node would answer /health, too
        if (!options.tls) await ready(child, `${url}/health`);
    } catch (error) {
        await child.stop('SIGKILL');
        throw error;
    } finally {
        remove(); // it is read at the start; for reloads there is `file`
    }
    return {
        url,
        port,
        pid: child.pid,
        child,
        log: child.output,
        residentKib: () => residentKib(child.pid),
        openFiles: () => openFiles(child.pid),
        stop: async () => {
            checkEnd(await child.stop(), child.output());
            tellsNoSecret(child.output(), options.env);
        },
    };
}

/** A port that was free may be taken by now, by a test beside this one: then another is tried.
 * @param {RackOptions} [options] @returns {Promise<Rack>} */
export async function startRack(options = {}) {
    for (let left = PORT_TRIES; ; left--) {
        try {
            return await startAt(options, options.port ?? (await freePort()));
        } catch (error) {
            const taken = String(error).includes('Address already in use');
            if (options.port !== undefined || !taken || left === 1) throw error;
        }
    }
}

/**
 * Runs the daemon's program to its end.
 * @param {string[]} args @param {{env?: Record<string, string>, config?: unknown, input?: string}} [options]
 * @returns {Promise<{code: number | null, stdout: string, stderr: string}>}
 */
export async function runRack(args, options = {}) {
    const held = options.config === undefined ? null : configFile(options.config);
    const config = held === null ? [] : ['--config', held.file];
    const child = spawn(binary(false), [...args, ...config], {
        cwd: tmpdir(), // so that no configuration file is found by chance
        env: { PATH: process.env.PATH, ...options.env },
        timeout: 10_000,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (text) => (stdout += text));
    child.stderr.on('data', (text) => (stderr += text));
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    const [code] = await once(child, 'close');
    held?.remove();
    return { code, stdout, stderr };
}
