/**
 * A daemon that hands over to another process: signals, and the process that is not our child.
 */
import { readFileSync } from 'node:fs';
import { until } from './proc.mjs';

/** @param {number} pid @returns {boolean} whether it runs; what waits to be reaped does not */
export function alive(pid) {
    try {
        return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
        return false;
    }
}

/** @param {number} pid @param {NodeJS.Signals} signal */
export function signal(pid, signal) {
    try {
        process.kill(pid, signal);
    } catch {
        // It is gone.
    }
}

/** Ends a process that may not be our child. @param {number} pid */
export async function end(pid, ms = 5000) {
    signal(pid, 'SIGTERM');
    await until(() => !alive(pid), `process ${pid} to end`, ms).catch(() => signal(pid, 'SIGKILL'));
}

/**
 * Has a new process take over.
 * @param {{log: () => string}} host @param {number} pid  that serves now
 * @returns {Promise<number>} the one that serves then
 */
export async function upgrade(host, pid) {
    const taken = () => [...host.log().matchAll(/process ([0-9]+) has taken over/g)].map((m) => Number(m[1]));
    const before = taken().length;
    signal(pid, 'SIGUSR2');
    await until(() => taken().length > before, 'a process to take over', 15_000);
    return taken().at(-1) ?? 0;
}
