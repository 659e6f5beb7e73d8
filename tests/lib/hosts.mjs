/**
 * The two hosts under one interface, for cases that must hold at both.
 */
import { after, before, beforeEach, describe, test } from 'node:test';
import { startCluster } from './cluster.mjs';
import { startEdge } from './edge.mjs';
import { startRack } from './rack.mjs';

/**
 * @typedef {'rack' | 'edge'} HostName
 *
 * @typedef {object} Host
 * @property {string} url
 * @property {number} pid
 * @property {() => string} log
 * @property {() => Promise<void>} stop
 *
 * @typedef {object} HostOptions
 * @property {Record<string, string>} [env]
 * @property {unknown} [config]
 * @property {boolean} [plain]   rack: never the build with sanitizers
 * @property {string[]} [args]   rack: of the command line
 *
 * @typedef {object} Bench    what a case gets
 * @property {HostName} name
 * @property {import('./cluster.mjs').Cluster} cluster
 * @property {(t: import('node:test').TestContext, options?: HostOptions) => Promise<Host>} open
 *           a fresh gateway before the cluster, without access control; stopped with the case
 */

/** @param {HostName} name @param {HostOptions} options @returns {Promise<Host>} */
export function startHost(name, options) {
    return name === 'rack' ? startRack(options) : startEdge(options);
}

/**
 * Runs the same cases at both hosts. `HOST=rack` or `HOST=edge` runs them at one.
 * @param {string} title @param {(bench: Bench) => void} cases
 * @param {{concurrency?: number}} [options]  cases side by side, if they leave the cluster alone
 */
export function atBoth(title, cases, options) {
    atHost('rack', `${title} [rack]`, cases, options);
    atHost('edge', `${title} [edge]`, cases, options);
}

/** @param {HostName} name @param {string} title @param {(bench: Bench) => void} cases
 * @param {{concurrency?: number}} [options] */
export function atHost(name, title, cases, options) {
    if (process.env.HOST !== undefined && process.env.HOST !== name) return;
    describe(title, { timeout: 600_000, ...options }, () => {
        /** @type {Bench} */
        const bench = {
            name,
            cluster: /** @type {any} */ (null),
            open: async (t, options = {}) => {
                const env = { ...bench.cluster.env, GATEWAY_AUTH: 'off', ...options.env };
                const host = await startHost(name, { ...options, env });
                t.after(() => host.stop());
                return host;
            },
        };
        before(async () => {
            bench.cluster = await startCluster();
        });
        beforeEach(() => bench.cluster.heal());
        after(() => bench.cluster.close());
        cases(bench);
    });
}

export { test };
