/** Breakers, balance and budgets under many requests: one seed at both hosts, side by side. */
import { before, describe, test } from 'node:test';
import { buildWorker } from '../lib/edge.mjs';
import { CROWDS, playCrowd } from './crowds.mjs';

const SEED = Number(process.env.SEED ?? 1);

describe('crowds', { concurrency: true, timeout: 300_000 }, () => {
    for (const host of /** @type {const} */ (['rack', 'edge'])) {
        if (process.env.HOST !== undefined && process.env.HOST !== host) continue;
        describe(`many requests [${host}]`, { concurrency: 1 }, () => {
            before(() => (host === 'edge' ? buildWorker() : undefined));
            CROWDS.forEach(({ name, host: only }, crowd) => {
                if (only !== undefined && only !== host) return;
                test(`${name}, seed ${SEED}`, async () => void (await playCrowd(host, SEED, crowd, false)));
            });
        });
    }
});
