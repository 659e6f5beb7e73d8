/**
 * The wall: sixteen families of failures, played with real sockets against both hosts.
 *
 *     node tests/wall/wall.mjs       SEED=n the first seed (1), WALL_SEEDS=n how many in a row (10),
 *                                    HOST=rack|edge one host, FAMILY=n one family, SHORT=1 shortened limits
 *
 * Prints a row for each seed; what fails is shown with its seed, so that it can be played again. Exit
 * code 0 if nothing failed.
 */
import { buildWorker } from '../lib/edge.mjs';
import { FAMILIES, playFamily } from './families.mjs';

/** @typedef {import('./stage.mjs').HostName} HostName */

const AT_ONCE = 8;

/** @param {HostName} host @param {number} seed @param {number[]} families @param {boolean} long
 *  @returns {Promise<string[]>} what failed */
async function playSeed(host, seed, families, long) {
    /** @type {string[]} */
    const failed = [];
    const left = [...families];
    const worker = async () => {
        for (let family = left.shift(); family !== undefined; family = left.shift()) {
            try {
                await playFamily(host, seed, family, long);
            } catch (error) {
                const text = error instanceof Error ? error.stack : String(error);
                failed.push(`${host}, seed ${seed}, family ${family + 1} (${FAMILIES[family].name}): ${text}`);
            }
        }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return failed;
}

const env = process.env;
const first = Number(env.SEED ?? 1);
const seeds = Number(env.WALL_SEEDS ?? (env.SEED === undefined ? 10 : 1));
const hosts = /** @type {HostName[]} */ (env.HOST === undefined ? ['rack', 'edge'] : [env.HOST]);
// The longest first.
const order = [5, 14, 8, 7, 6, 3, 0, 1, 2, 4, 9, 10, 11, 12, 13, 15];
const families = env.FAMILY === undefined ? order : [Number(env.FAMILY) - 1];
if (hosts.includes('edge')) await buildWorker(); // once, before sixteen want it
let failures = 0;
console.log(['seed', ...hosts, 'seconds'].map((name) => name.padEnd(10)).join(''));
for (let seed = first; seed < first + seeds; seed++) {
    const began = Date.now();
    const all = await Promise.all(hosts.map((host) => playSeed(host, seed, families, env.SHORT === undefined)));
    const counts = all.map((failed) => `${families.length - failed.length} of ${families.length}`);
    const seconds = ((Date.now() - began) / 1000).toFixed(0);
    console.log([seed, ...counts, seconds].map((cell) => String(cell).padEnd(10)).join(''));
    for (const text of all.flat()) console.log(`\n${text}\n`);
    failures += all.flat().length;
}
process.exitCode = failures > 0 ? 1 : 0;
