/** The families of answers: the first place is busy, fails, is silent, or refuses the request for what it is. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/** @typedef {import('./stage.mjs').Chain} Chain @typedef {import('./stage.mjs').Try} Try */

const PROMPT_MS = 3000; // what needs no wait; this machine may be busy
const SLACK_MS = 50; // between the provider's clock and the gateway's
const PAUSE_LEAST_MS = 20; // before the same place is asked again, when it did not say
const SILENT_MS = 10_000;
const AGAIN_S = 61;
export const ANSWER_MS = 1500; // what the file of these tests gives a model to its first byte

/** @param {Try[]} tries @param {number} ms at least, between the first two */
function waited(tries, ms) {
    const gap = tries[1].seen.at - tries[0].seen.at;
    assert.ok(gap >= ms && gap < ms + PROMPT_MS, `asked again after ${gap} ms`);
}

/** Another model of the same provider is not concerned. @param {Chain} other */
async function serves(other) {
    const { request, told, tries } = await other.turn(other.draw.chance());
    other.good(told, request, tries);
    other.asked(request, tries, other.first);
}

/** When to come back, as the busy place said it: Gemini does so in its body.
 * @param {import('./stage.mjs').Told} told */
function saysWhen({ headers, body }) {
    assert.match(String(headers['retry-after'] ?? body), new RegExp(`^${AGAIN_S}$|"retryDelay": ?"${AGAIN_S}s"`));
}

/** 429 with a short Retry-After, once: the same place again, after that time.
 * @param {Chain} chain */
export async function busyOnce(chain) {
    const wait = chain.draw.int(1, 2);
    for (const stream of [true, false]) {
        const { request, told, tries } = await chain.strike({ status: 429, retry_after: wait, count: 1 }, stream);
        chain.good(told, request, tries);
        chain.asked(request, tries, chain.first, chain.first);
        waited(tries, wait * 1000 - SLACK_MS);
    }
}

/** 429, always. Everybody is served by the second; the first rests for as long as it said, its provider does not.
 * When both are busy, so is the answer, soon: it is the last one's own.
 * @param {Chain} chain @param {Chain} other */
export async function busyAlways(chain, other) {
    const { first, second } = chain;
    const { request, told, tries } = await chain.strike({ status: 429, retry_after: 1 }, chain.draw.chance());
    chain.good(told, request, tries);
    chain.asked(request, tries, first, first, second);
    waited(tries, 1000 - SLACK_MS);
    first.spoil({ status: 429, retry_after: chain.draw.int(30, 120) });
    await sleep(1100);
    const before = first.seen.length;
    for (let i = 0; i < 6; i++) {
        const next = await chain.turn(chain.draw.chance());
        chain.good(next.told, next.request, next.tries);
        await serves(other);
    }
    assert.equal(first.seen.length - before, 1, 'the busy model was asked once');
    second.spoil({ status: 429, retry_after: AGAIN_S });
    for (const stream of [true, false]) {
        const none = await chain.turn(stream);
        chain.unavailable(none.told);
        assert.equal(none.told.status, 429);
        saysWhen(none.told);
        chain.asked(none.request, none.tries, second);
    }
    await serves(other);
}

/** 500: once more at the same place, then the next one. If all fail, the client gets what the first one said.
 * @param {Chain} chain */
export async function errorOnce(chain) {
    for (const stream of [true, false]) {
        const once = await chain.strike({ status: 500, count: 1 }, stream);
        chain.good(once.told, once.request, once.tries);
        chain.asked(once.request, once.tries, chain.first, chain.first);
        waited(once.tries, PAUSE_LEAST_MS);
        const twice = await chain.strike({ status: 500, count: 2 }, stream);
        chain.good(twice.told, twice.request, twice.tries);
        chain.asked(twice.request, twice.tries, chain.first, chain.first, chain.second);
    }
    chain.first.spoil({ status: 500, message: 'the first one’s words' });
    chain.second.spoil({ status: 500, message: 'the second one’s words' });
    const none = await chain.turn(chain.draw.chance());
    assert.equal(none.told.status, 500);
    assert.match(none.told.body, /the first one’s words/);
    assert.equal(none.told.headers['x-heady-model'], chain.first.model);
    chain.asked(none.request, none.tries, chain.first, chain.first, chain.second);
}

/** 503 or 529, always: at once the next one. The model is asked ever more rarely, its provider as before; if both
 * are so, an honest 503, soon.
 * @param {Chain} chain @param {Chain} other */
export async function unavailableAlways(chain, other) {
    const status = chain.draw.of([503, 529]);
    const began = Date.now();
    const { request, told, tries } = await chain.strike({ status }, chain.draw.chance());
    chain.good(told, request, tries);
    chain.asked(request, tries, chain.first, chain.second);
    assert.ok(told.ms < PROMPT_MS, `it took ${told.ms} ms`);
    while (Date.now() - began < 3500) {
        const next = await chain.turn(chain.draw.chance());
        chain.good(next.told, next.request, next.tries);
        await sleep(60);
    }
    const asked = chain.first.seen.length;
    assert.ok(asked >= 2 && asked <= 5, `asked ${asked} times: it rests for 1 s, 2 s, 4 s`);
    chain.second.spoil({ status });
    for (let i = 0; i < 3; i++) {
        const none = await chain.turn(chain.draw.chance());
        chain.unavailable(none.told);
        assert.ok(none.tries.length <= 6, `${none.tries.length} attempts`);
    }
    await serves(other);
}

/** The connection is reset before the answer: once more at the same place, then the next one. A kept connection
 * may have been stale, which is found out on the way.
 * @param {Chain} chain */
export async function resetOnce(chain) {
    for (const stream of [true, false]) {
        const once = await chain.strike({ mode: 'reset', count: 1 }, stream);
        chain.good(once.told, once.request, once.tries, 'stale');
        chain.asked(once.request, once.tries, chain.first, chain.first);
        const more = await chain.strike({ mode: 'reset' }, stream);
        chain.good(more.told, more.request, more.tries);
        const stale = Array(Math.max(0, Math.min(more.tries.length - 3, 2))).fill(chain.first);
        chain.asked(more.request, more.tries, chain.first, chain.first, ...stale, chain.second);
        await chain.strike('ok', stream);
    }
}

/** A model that never answers. A stream is begun by the next one, and that place is not asked twice; an answer
 * that is no stream may have been made, and is not paid for again.
 * @param {Chain} chain @param {Chain} quick */
export async function neverAnswers(chain, quick) {
    await Promise.all([silentStream(chain), silentAnswer(quick)]);
}

/** @param {Chain} chain */
async function silentStream(chain) {
    const { request, told, tries } = await chain.strike('hang', true);
    chain.good(told, request, tries);
    chain.asked(request, tries, chain.first, chain.second);
    assert.ok(told.ms >= SILENT_MS - SLACK_MS && told.ms < SILENT_MS + 2 * PROMPT_MS, `it took ${told.ms} ms`);
    assert.ok(told.gap_ms < SILENT_MS + PROMPT_MS, 'a sign of life every ten seconds');
}

/** @param {Chain} chain */
async function silentAnswer(chain) {
    const { request, told, tries } = await chain.strike('hang', false);
    assert.ok(told.ms >= ANSWER_MS - SLACK_MS && told.ms < ANSWER_MS + PROMPT_MS, `it took ${told.ms} ms`);
    if (!chain.stage.dialect.paid) {
        chain.good(told, request, tries);
        chain.asked(request, tries, chain.first, chain.second);
        return;
    }
    assert.equal(told.status, 504, told.body);
    assert.equal(told.headers['x-should-retry'], 'false');
    assert.equal(typeof chain.stage.dialect.message(told.error), 'string', told.body);
    chain.asked(request, tries, chain.first);
}

/** The request is too long for a model: a larger one is asked; if none is larger, the client gets the provider's
 * word for it. Nobody is blamed.
 * @param {Chain} larger @param {Chain} smaller whose second one is known to be no larger */
export async function contextTooLong(larger, smaller) {
    const fault = { status: 400, kind: 'context' };
    for (const stream of [true, false]) {
        const { request, told, tries } = await larger.strike(fault, stream);
        larger.good(told, request, tries);
        larger.asked(request, tries, larger.first, larger.second);
        const alone = await smaller.strike(fault, stream);
        smaller.asked(alone.request, alone.tries, smaller.first);
        verbatim(alone);
    }
    larger.second.spoil(fault);
    const both = await larger.turn(false);
    larger.asked(both.request, both.tries, larger.first, larger.second);
    verbatim(both);
    larger.first.spoil('ok');
    await serves(larger);
}

/** The client's own error, as the provider said it. @param {{told: import('./stage.mjs').Told, tries: Try[]}} turn */
function verbatim({ told, tries }) {
    assert.equal(told.status, 400, told.body);
    assert.ok(tries.some(({ seen }) => seen.answer.toString() === told.body), `not a provider's words: ${told.body}`);
}

/** Content refused by policy: the provider's own words, nobody else is asked, and nobody is blamed.
 * @param {Chain} chain */
export async function contentRefused(chain) {
    for (const stream of [true, false, true, false]) {
        const { request, told, tries } = await chain.strike({ status: 400, kind: 'policy' }, stream);
        chain.asked(request, tries, chain.first);
        verbatim({ told, tries });
        assert.equal(told.headers['x-heady-attempts'], '1');
    }
    chain.first.spoil('ok');
    await serves(chain);
}

/** What the second one answers is its own: its name, its words, its usage, to the byte.
 * @param {Chain} chain */
export async function fallbackNamed(chain) {
    for (const fault of chain.draw.shuffled([{ status: 503 }, { status: 502 }, { mode: 'error_event', tokens: 0 }])) {
        const stream = fault.mode === 'error_event' || chain.draw.chance();
        const { request, told, tries } = await chain.strike(fault, stream);
        chain.good(told, request, tries);
        chain.asked(request, tries, ...tries.length > 1 ? [chain.first] : [], chain.second);
        const { answer } = tries[tries.length - 1].seen;
        if (stream && chain.stage.asksUsage) assert.equal(told.usage, null, 'usage that was not asked for');
        else assert.equal(told.body, answer.toString(), 'the answer of the second, to the byte');
    }
}
