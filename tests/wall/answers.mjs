/** The families of answers: a node is busy, fails, is silent, or refuses the request for what it is. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { good, named, unavailable } from './stage.mjs';

/** @typedef {import('./stage.mjs').Play} Play */

const PROMPT_MS = 3000; // what needs no wait; this machine may be busy
const SLACK_MS = 50; // between the node's clock and ours

/** Retry-After in seconds, or as the date that it may be. @param {Play} play @param {number} seconds */
function retryAfter(play, seconds) {
    return play.draw.chance() ? seconds : new Date(Date.now() + seconds * 1000).toUTCString();
}

/** 429 with Retry-After, once. Another target is asked at once, and the busy one left alone for as long as
 * it said; the same one is asked again, after that, only when there is no other.
 * @param {Play} play */
export async function busyOnce(play) {
    const stage = await play.open();
    const wait = play.draw.int(1, 3);
    const stream = play.draw.chance();
    const { request, told, tries } = await stage.strike({ mode: '429', retry_after: wait, count: 1 }, { stream });
    const until = tries[0].seen.at + wait * 1000 - SLACK_MS;
    good(told, request);
    named(told, tries);
    stage.asked(tries, stage.sick, stage.well);
    assert.ok(told.ms < PROMPT_MS, `another was free, yet it took ${told.ms} ms`);
    const before = stage.sick.seen().length;
    while (Date.now() < until) {
        const next = stage.request({ stream });
        good(await stage.send(next), next);
        if (stage.sick.seen().length > before) break;
        await sleep(50);
    }
    const early = stage.sick.seen().slice(before).filter((seen) => seen.at < until);
    assert.equal(early.length, 0, 'it was asked before its time');
    await sleep(Math.max(0, until + 2 * SLACK_MS - Date.now()));
    await stage.settle();
    await busyAlone(play);
}

/** @param {Play} play */
async function busyAlone(play) {
    const stage = await play.open({ shape: 'only' });
    const wait = play.draw.int(1, 2);
    const { request, told, tries } = await stage.strike({ mode: '429', retry_after: wait, count: 1 });
    good(told, request);
    named(told, tries);
    stage.asked(tries, stage.sick, stage.sick);
    const gap = tries[1].seen.at - tries[0].seen.at;
    assert.ok(gap >= wait * 1000 - SLACK_MS && gap < wait * 1000 + PROMPT_MS, `asked again after ${gap} ms`);
}

/** 429, always. With another target everybody is served, and the busy one is asked once; without one the
 * answer is an honest 503, soon, and nobody is asked again before his time.
 * @param {Play} play */
export async function busyAlways(play) {
    const stage = await play.open();
    const wait = play.draw.int(30, 120);
    await stage.sick.control({ mode: '429', retry_after: retryAfter(play, wait) });
    for (let i = 0; i < 12; i++) {
        const request = stage.request({ stream: play.draw.chance() });
        good(await stage.send(request), request);
    }
    assert.equal(stage.sick.stats().requests, 1, 'the busy node was asked once');
    for (const node of stage.all) await node.control({ mode: '429', retry_after: retryAfter(play, wait) });
    const none = await stage.send(stage.request());
    unavailable(none);
    assert.equal(stage.tries(none).length, stage.all.length - 1, 'each was asked once');
    const again = await stage.send(stage.request());
    unavailable(again);
    assert.deepEqual(stage.tries(again), [], 'all had said when to come back');
}

/** 500, once: another target serves the request, and the one that failed stays in use.
 * @param {Play} play */
export async function errorOnce(play) {
    const stage = await play.open();
    const { request, told, tries } = await stage.strike({ mode: '500', count: 1 }, { stream: play.draw.chance() });
    good(told, request);
    named(told, tries);
    stage.asked(tries, stage.sick, stage.well);
    assert.ok(told.ms < PROMPT_MS, `${told.ms} ms`);
    await stage.settle();
}

/** 503, always: everybody is served, the node is asked ever more rarely; if all are so, an honest 503, soon,
 * after at most six attempts.
 * @param {Play} play */
export async function unavailableAlways(play) {
    const stage = await play.open();
    await stage.strike({ mode: '503' }, { stream: play.draw.chance() });
    const began = Date.now();
    while (Date.now() - began < 3500) {
        const request = stage.request({ stream: play.draw.chance() });
        good(await stage.send(request), request);
        await sleep(60);
    }
    const asked = stage.sick.stats().requests;
    assert.ok(asked >= 2 && asked <= 5, `asked ${asked} times: it cools down for 1 s, 2 s, 4 s`);
    for (const node of stage.all) await node.control('503');
    for (let i = 0; i < 3; i++) {
        const none = await stage.send(stage.request());
        unavailable(none);
        assert.ok(stage.tries(none).length <= 6, `${stage.tries(none).length} attempts`);
    }
}

/** The connection is reset before the answer, once.
 * @param {Play} play */
export async function resetOnce(play) {
    const stage = await play.open();
    const when = play.draw.of(/** @type {const} */ (['head', 'body']));
    const more = { stream: play.draw.chance() };
    const { request, told, tries } = await stage.strike({ mode: 'reset', when, count: 1 }, more);
    good(told, request);
    // On a kept connection it may have been the connection that was stale: the same node, once more.
    const stale = tries[1]?.node === stage.sick;
    if (!stale) named(told, tries);
    stage.asked(tries, stage.sick, stale ? stage.sick : stage.well);
    assert.ok(told.ms < PROMPT_MS, `${told.ms} ms`);
    await stage.settle();
}

/** A route that never answers: one attempt, then another target, within the limits.
 * @param {Play} play */
export async function neverAnswers(play) {
    await Promise.all([true, false].map(async (stream) => {
        const stage = await play.open();
        const limit = stream ? play.limits.stream : play.limits.answer;
        const { request, told, tries } = await stage.strike({ mode: 'hang' }, { stream }, { timeout: limit + 15_000 });
        good(told, request);
        named(told, tries);
        stage.asked(tries, stage.sick, stage.well);
        assert.ok(told.ms >= limit - SLACK_MS && told.ms < limit + 4000, `it took ${told.ms} ms`);
        assert.ok(!stream || told.gap_ms < 12_000, 'a sign of life every ten seconds');
        for (let i = 0; i < 3 && stage.shape === 'pair'; i++) {
            const next = await stage.turn({ stream });
            good(next.told, next.request);
            assert.ok(next.told.ms < limit, `the next request waited for it again: ${next.told.ms} ms`);
        }
    }));
}

/** The context is too long for a node: the same one is not asked again, another is; if it is too long for
 * all of them, the client gets their word for it. Nobody is blamed.
 * @param {Play} play */
export async function contextTooLong(play) {
    const stage = await play.open();
    const stream = play.draw.chance();
    const { request, told, tries } = await stage.strike({ mode: 'context' }, { stream });
    good(told, request);
    named(told, tries);
    stage.asked(tries, stage.sick, tries[1].node);
    for (const node of stage.all) await node.control('context');
    for (let i = 0; i < 4; i++) {
        const refused = await stage.send(stage.request({ stream }));
        assert.equal(refused.status, 400, refused.body);
        assert.match(refused.body, /prompt is too long/);
        const nodes = stage.tries(refused).map((one) => one.node.id);
        assert.equal(new Set(nodes).size, nodes.length, `the same node again: ${nodes}`);
        assert.equal(nodes.length, stage.all.length, 'all were asked');
    }
    await stage.settle();
}

/** Content refused by policy: one attempt, the node's own words, no fallback, and nobody is blamed.
 * @param {Play} play */
export async function contentRefused(play) {
    const stage = await play.open();
    const stream = play.draw.chance();
    for (let i = 0; i < 4; i++) {
        const { told, tries } = await stage.strike({ mode: 'policy' }, { stream });
        assert.equal(told.status, 400, told.body);
        assert.match(told.body, /rejected by our safety system/);
        stage.asked(tries, stage.sick);
        assert.equal(told.headers['x-heady-attempts'], '1');
    }
    await stage.settle();
}

/** A fallback is named, and what it used is what is told: its model, its tokens.
 * @param {Play} play */
export async function fallbackNamed(play) {
    const stage = await play.open();
    for (const [i, node] of stage.all.entries()) {
        await node.control({ mode: 'ok', model: `model-${node.id}`, prompt_tokens: 1000 + i });
    }
    const why = play.draw.of(['500', '502', '503', '520', 'ngrok', 'cloudflare']);
    for (const stream of play.draw.shuffled([true, false])) {
        const more = { stream, stream_options: { include_usage: true } };
        const { request, told, tries } = await stage.strike({ mode: why, count: 1 }, more);
        good(told, request);
        named(told, tries);
        const { node } = tries[1];
        assert.notEqual(node, stage.sick);
        assert.deepEqual([...told.models], [`model-${node.id}`]);
        const usage = told.usage.prompt_tokens ?? told.usage.input_tokens;
        assert.equal(usage, 1000 + stage.all.indexOf(node), 'the usage of the one that answered');
        await stage.strike({ mode: 'ok' });
    }
}
