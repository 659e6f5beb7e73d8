/** One seed of the wall at both hosts, side by side, with shortened limits. SEED=n plays another one. */
import { before, describe, test } from 'node:test';
import { buildWorker } from '../lib/edge.mjs';
import { FAMILIES, playFamily } from './families.mjs';

const SEED = Number(process.env.SEED ?? 1);
const AT_ONCE = 6;

describe('the wall', { concurrency: true, timeout: 300_000 }, () => {
    for (const host of /** @type {const} */ (['rack', 'edge'])) {
        if (process.env.HOST !== undefined && process.env.HOST !== host) continue;
        describe(`sixteen families [${host}]`, { concurrency: AT_ONCE }, () => {
            before(() => (host === 'edge' ? buildWorker() : undefined));
            FAMILIES.forEach(({ name }, family) => {
                test(`${name}, seed ${SEED}`, () => playFamily(host, SEED, family, false));
            });
        });
    }
});
