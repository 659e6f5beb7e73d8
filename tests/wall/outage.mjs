/** The family of the outage: everybody is served, and the primary is back soon after its return. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { good } from './stage.mjs';

/** @typedef {import('./stage.mjs').Play} Play @typedef {import('./stage.mjs').Stage} Stage */

const BACK_MS = 30_000;
const CLIENTS = 3;

/** Requests of several clients until `over`; each must be answered well. @param {Stage} stage
 *  @param {() => boolean} over */
async function served(stage, over) {
    let n = 0;
    const client = async () => {
        while (!over()) {
            const request = stage.request({ stream: stage.draw.chance(0.3) });
            good(await stage.send(request), request);
            n++;
            await sleep(100);
        }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    return n;
}

/**
 * The pair of a class is away for a minute, in one of the ways of tunnels and notebooks; node 1 serves.
 * @param {Play} play
 */
export async function outage(play) {
    const stage = await play.open({ shape: play.draw.of(/** @type {const} */ (['pair', 'lone'])) });
    const away = stage.class === 'reasoning' ? [stage.sick] : stage.all.slice(0, -1);
    const how = play.draw.of(['refuse', 'reset', 'ngrok', 'cloudflare', '503', '502']);
    await stage.settle();
    for (const node of away) await node.control(how);
    const end = Date.now() + play.limits.outage;
    const n = await served(stage, () => Date.now() > end);
    assert.ok(n > play.limits.outage / 500, `${n} requests were served`);
    const back = Date.now();
    const before = away.map((node) => node.seen().length);
    for (const node of away) await node.control('ok');
    const returned = () => away.some((node, i) => node.seen().slice(before[i]).some((seen) => seen.status === 200));
    await served(stage, () => returned() || Date.now() > back + BACK_MS);
    assert.ok(returned(), `the primary was not asked within ${BACK_MS} ms of its return (${how})`);
}
