/**
 * The wall: sixteen families of failures, played with real sockets against both hosts; then crowds.
 *
 *     node tests/wall/wall.mjs [families] [crowds]
 *         SEED=n the first seed (1), WALL_SEEDS=n how many in a row (10; with SEED 1), HOST=rack|edge one
 *         host, FAMILY=n one family, CROWD=n one crowd, SHORT=1 shortened limits
 *
 * Prints a row for each seed, and one for each crowd; what fails is shown with its seed, so that it can be
 * played again. Exit code 0 if nothing failed.
 */
import { buildWorker } from '../lib/edge.mjs';
import { CROWDS, playCrowd } from './crowds.mjs';
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
const long = env.SHORT === undefined;
const hosts = /** @type {HostName[]} */ (env.HOST === undefined ? ['rack', 'edge'] : [env.HOST]);
// The longest first.
const ORDER = [5, 14, 8, 7, 6, 3, 0, 1, 2, 4, 9, 10, 11, 12, 13, 15];

/** @param {unknown[]} cells @param {number} width */
function row(cells, width) {
    console.log(cells.map((cell) => String(cell).padEnd(width)).join(''));
}

/** @param {number} first @param {number} seeds @returns {Promise<number>} failures */
async function playFamilies(first, seeds) {
    const families = env.FAMILY === undefined ? ORDER : [Number(env.FAMILY) - 1];
    let failures = 0;
    row(['seed', ...hosts, 'seconds'], 10);
    for (let seed = first; seed < first + seeds; seed++) {
        const began = Date.now();
        const all = await Promise.all(hosts.map((host) => playSeed(host, seed, families, long)));
        const counts = all.map((failed) => `${families.length - failed.length} of ${families.length}`);
        row([seed, ...counts, ((Date.now() - began) / 1000).toFixed(0)], 10);
        for (const text of all.flat()) console.log(`\n${text}\n`);
        failures += all.flat().length;
    }
    return failures;
}

/** One after the other, so that they do not take each other's time. @param {number} seed */
async function playCrowds(seed) {
    let failures = 0;
    for (const [crowd, { name, host: only }] of CROWDS.entries()) {
        if (env.CROWD !== undefined && Number(env.CROWD) !== crowd + 1) continue;
        for (const host of hosts) {
            if (only !== undefined && only !== host) continue;
            try {
                const figures = await playCrowd(host, seed, crowd, long);
                row([host, `${name}: ${figures || 'good'}`], 6);
            } catch (error) {
                failures++;
                row([host, `${name}, seed ${seed}: ${error instanceof Error ? error.stack : error}`], 6);
            }
        }
    }
    return failures;
}

const parts = process.argv.slice(2);
const first = Number(env.SEED ?? 1);
const seeds = Number(env.WALL_SEEDS ?? (env.SEED === undefined ? 10 : 1));
if (hosts.includes('edge')) await buildWorker(); // once, before sixteen want it
let failures = 0;
if (parts.length === 0 || parts.includes('families')) failures += await playFamilies(first, seeds);
if (parts.length === 0 || parts.includes('crowds')) failures += await playCrowds(first);
console.log(failures === 0 ? 'the wall stands' : `${failures} failed`);
process.exitCode = failures > 0 ? 1 : 0;
