/**
 * Child processes of the tests and of `make dev`: started, watched, and ended for certain. Every
 * wait has a deadline. A child that is still there when this process exits is killed.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const OUTPUT_MAX = 1 << 20;

/**
 * @typedef {object} Child
 * @property {number} pid
 * @property {import('node:child_process').ChildProcess} process
 * @property {() => string} output                what it wrote to both its outputs, the last MiB
 * @property {Promise<Exit>} exited
 * @property {Exit | null} exit
 * @property {(signal?: NodeJS.Signals, wait_ms?: number) => Promise<Exit>} stop  then SIGKILL
 *
 * @typedef {{code: number | null, signal: NodeJS.Signals | null}} Exit
 */

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();
process.on('exit', () => {
    for (const child of running) child.kill('SIGKILL');
});

/**
 * Debian's setpriv lets the kernel end a child whose parent was killed without a chance to clean up.
 * @param {string[]} command @returns {string[]}
 */
function tied(command) {
    const setpriv = '/usr/bin/setpriv';
    return existsSync(setpriv) ? [setpriv, '--pdeathsig', 'KILL', '--', ...command] : command;
}

/**
 * @param {string[]} command
 * @param {{env?: Record<string, string | undefined>, cwd?: string, detached?: boolean,
 *          stdio?: import('node:child_process').StdioOptions}} [options]
 * @returns {Child}
 */
export function start(command, options = {}) {
    const [file, ...args] = tied(command);
    const child = spawn(file, args, {
        cwd: options.cwd ?? ROOT,
        env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env },
        stdio: options.stdio ?? ['ignore', 'pipe', 'pipe'],
        detached: options.detached ?? false,
    });
    running.add(child);
    let output = '';
    for (const pipe of [child.stdout, child.stderr]) {
        pipe?.setEncoding('utf8');
        pipe?.on('data', (text) => (output = (output + text).slice(-OUTPUT_MAX)));
    }
    /** @type {Child} */
    const self = {
        pid: child.pid ?? -1,
        process: child,
        output: () => output,
        exit: null,
        exited: new Promise((resolve) => {
            /** @param {Exit} exit */
            const done = (exit) => {
                running.delete(child);
                self.exit = exit;
                resolve(exit);
            };
            child.on('close', (code, signal) => done({ code, signal }));
            child.on('error', (error) => {
                output += `${error.message}\n`;
                done({ code: 127, signal: null });
            });
        }),
        stop: async (signal = 'SIGTERM', wait_ms = 5000) => {
            if (self.exit === null) child.kill(signal);
            const exit = await within(self.exited, wait_ms);
            if (exit !== undefined) return exit;
            child.kill('SIGKILL');
            return await self.exited;
        },
    };
    return self;
}

/**
 * @template T @param {Promise<T>} promise @param {number} ms
 * @returns {Promise<T>} rejects when it took longer
 */
export async function must(promise, ms) {
    const what = await within(promise.then((value) => ({ value })), ms);
    if (what === undefined) throw new Error(`it took longer than ${ms} ms`);
    return what.value;
}

/**
 * @template T @param {Promise<T>} promise @param {number} ms
 * @returns {Promise<T | undefined>} undefined when it took longer
 */
export async function within(promise, ms) {
    const stop = new AbortController();
    try {
        const late = sleep(ms, undefined, { signal: stop.signal }).catch(() => undefined);
        return await Promise.race([promise, late]);
    } finally {
        stop.abort();
    }
}

/**
 * Waits until `test` is true. @param {() => unknown} test may be async
 * @param {string} what @param {number} [ms]
 */
export async function until(test, what, ms = 5000) {
    const end = Date.now() + ms;
    while (!(await test())) {
        if (Date.now() > end) throw new Error(`waited ${ms} ms for ${what}`);
        await sleep(10);
    }
}

/** Waits until GET url answers 200, or the child is gone. @param {Child} child @param {string} url */
export async function ready(child, url, ms = 15_000) {
    const healthy = async () => {
        if (child.exit !== null) {
            throw new Error(`ended before it was ready (${child.exit.code}): ${child.output()}`);
        }
        try {
            const answer = await fetch(url, { signal: AbortSignal.timeout(1000) });
            await answer.arrayBuffer();
            return answer.status === 200;
        } catch {
            return false;
        }
    };
    await until(healthy, `${url}: ${child.output()}`, ms);
}

/** @param {number} pid @returns {number} resident memory in KiB */
export function residentKib(pid) {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+([0-9]+) kB/m.exec(status)?.[1]);
}

/** @param {number} pid @returns {number} milliseconds of CPU that its threads have had */
export function busyMs(pid) {
    const tasks = readdirSync(`/proc/${pid}/task`);
    const of = (/** @type {string} */ task) => readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1');
    return tasks.reduce((sum, task) => sum + Number(of(task).split(' ')[0]) / 1e6, 0);
}

/** @param {number} pid @returns {number} open descriptors */
export function openFiles(pid) {
    return readdirSync(`/proc/${pid}/fd`).length;
}
