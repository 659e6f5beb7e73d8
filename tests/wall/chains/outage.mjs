/** The family of the outage: the first provider is away; everybody is served, and it is back soon after its return. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/** @typedef {import('./stage.mjs').Chain} Chain */

const AWAY_MS = 5000;
const BACK_MS = 30_000;
const CLIENTS = 2;

/** @type {Record<string, import('../../providers/faults.mjs').Given>} */
const WAYS = { reset: 'reset', 502: { status: 502 }, 503: { status: 503 }, 500: { status: 500 } };

/** Requests of several clients until `over`; each must be answered well. @param {Chain} chain @param {() => boolean} over */
async function served(chain, over) {
    let n = 0;
    const client = async () => {
        while (!over()) {
            const { request, told, tries } = await chain.turn(chain.draw.chance(0.3));
            chain.good(told, request, tries, 'unseen');
            const attempts = told.headers['x-heady-attempts'];
            assert.ok(Number(attempts) <= 6, `${attempts} attempts`);
            n++;
            await sleep(120);
        }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    return n;
}

/** @param {Chain} chain with a stage of its own */
export async function outage(chain) {
    const how = chain.draw.of(['refuse', ...Object.keys(WAYS)]);
    const end = Date.now() + AWAY_MS;
    if (how === 'refuse') await chain.stage.fakes.first.close();
    else chain.first.spoil(WAYS[how]);
    const n = await served(chain, () => Date.now() > end);
    assert.ok(n > AWAY_MS / 500, `${n} requests were served (${how})`);
    const asked = how === 'refuse' ? 0 : chain.first.seen.length;
    assert.ok(asked < n / 2 + 6, `the first was asked ${asked} times for ${n} requests (${how})`);
    if (how === 'refuse') await chain.stage.reopen();
    else chain.first.spoil('ok');
    const back = Date.now();
    const returned = () => chain.first.seen.some((seen) => seen.status === 200);
    await served(chain, () => returned() || Date.now() > back + BACK_MS);
    assert.ok(returned(), `the first was not asked within ${BACK_MS} ms of its return (${how})`);
}
