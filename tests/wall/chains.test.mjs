/**
 * The sixteen families for chains of two providers with different models, in each dialect, at both hosts.
 * SEED=n plays another seed; HOST, DIALECT and FAMILY=n one of each.
 */
import { after, before, describe, test } from 'node:test';
import { buildWorker } from '../lib/edge.mjs';
import { DIALECTS } from './chains/dialects.mjs';
import { FAMILIES, openStages, playFamily } from './chains/families.mjs';

/** @typedef {import('./stage.mjs').HostName} HostName */

const { HOST, DIALECT, FAMILY } = process.env;
const SEED = Number(process.env.SEED ?? 1);
const AT_ONCE = 8;
const TIMES = { timeout: 300_000 };
/** The longest first. */
const ORDER = [14, 6, 5, 1, 3, 0, 2, 4, 7, 8, 9, 10, 11, 12, 13, 15];

const dialects = Object.keys(DIALECTS).filter((name) => (DIALECT ?? name) === name);
const families = ORDER.filter((family) => (FAMILY ?? String(family + 1)) === String(family + 1));

/** @param {HostName} host */
function playAt(host) {
    /** @type {Map<string, import('./chains/stage.mjs').Stage[]>} */
    const stages = new Map();
    before(async () => {
        if (host === 'edge') await buildWorker();
        for (const dialect of dialects) stages.set(dialect, await openStages(host, dialect));
    });
    after(async () => {
        for (const stage of [...stages.values()].flat()) await stage.close();
    });
    for (const dialect of dialects) {
        describe(dialect, { concurrency: AT_ONCE, ...TIMES }, () => {
            for (const family of families) {
                const { name } = FAMILIES[family];
                test(`${name}, seed ${SEED}`, () => playFamily(stages.get(dialect) ?? [], SEED, family));
            }
        });
    }
}

// One host after the other, so that they do not take each other's time.
for (const host of /** @type {const} */ (['rack', 'edge'])) {
    if ((HOST ?? host) !== host) continue;
    describe(`the wall of chains [${host}]`, { concurrency: true, ...TIMES }, () => playAt(host));
}
