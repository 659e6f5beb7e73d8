/** The families of streams: late, cut, silent, malformed, endless. What one model has begun no other one ends. */
import assert from 'node:assert/strict';

/** @typedef {import('./stage.mjs').Chain} Chain */

const GRACE_MS = 2500; // beyond a limit, on a machine that may be busy
const SILENT_MS = 10_000; // a stream's first content, of a model of which nothing else is known
const ALIVE_MS = 12_000; // comments come every ten seconds
export const SLOW_MS = 30_000; // what the file of these tests says of a slow model
export const SILENCE_MS = 1200;
const WAYS = /** @type {const} */ (['reset', 'fin', 'event', 'clean', 'error']);

/** The first token comes too late: the next model is asked, and of the first nothing is seen. One that sends pings
 * has its time, and so has one that is known to be slow.
 * @param {Chain} chain @param {Chain} pings @param {Chain} slow */
export async function firstTokenLate(chain, pings, slow) {
    const framed = chain.stage.dialect.framed ?? false;
    const pinged = framed ? undefined : waitedFor(pings, { ping: 2500 });
    await Promise.all([leftAlone(chain), pinged, waitedFor(slow, {})]);
}

/** @param {Chain} chain */
async function leftAlone(chain) {
    const head = chain.draw.of(/** @type {const} */ (['early', 'late']));
    const { request, told, tries } = await chain.strike({ mode: 'late', head, ms: SILENT_MS + 6000 }, true);
    chain.good(told, request, tries, head === 'early' ? 'early' : undefined);
    chain.asked(request, tries, chain.first, chain.second);
    assert.ok(told.first_ms > SILENT_MS - GRACE_MS && told.first_ms < SILENT_MS + GRACE_MS, `${told.first_ms} ms`);
    alive(chain, told);
}

/** @param {Chain} chain @param {import('./stage.mjs').Told} told */
function alive({ stage }, { gap_ms }) {
    assert.ok(stage.dialect.framed || gap_ms < ALIVE_MS, `${gap_ms} ms without a sign of life`);
}

/** @param {Chain} chain @param {{ping?: number}} how */
async function waitedFor(chain, how) {
    const { request, told, tries } = await chain.strike({ mode: 'late', ms: SILENT_MS + 3000, ...how }, true);
    chain.good(told, request, tries);
    chain.asked(request, tries, chain.first);
    alive(chain, told);
}

/** @param {Chain} chain @param {string} how */
function cutFault({ draw }, how) {
    const where = { tokens: draw.int(1, 20), pace: draw.int(0, 5) };
    if (how === 'error') return { mode: 'error_event', ...where };
    return { mode: 'cut', how: /** @type {'reset'} */ (how), ...where };
}

/** Cut after the first tokens, in each way there is, or ended by an error event: another model would say something
 * else. So the client is told, and nobody else is asked. Before them: once more at the same place, then the next.
 * @param {Chain} chain */
export async function cutStream(chain) {
    for (const how of chain.draw.shuffled(WAYS)) {
        const { request, told, tries } = await chain.strike(cutFault(chain, how), true);
        chain.honest(told, request, tries);
        const well = await chain.strike('ok', true);
        chain.good(well.told, well.request, well.tries);
    }
    const how = chain.draw.of(/** @type {const} */ (['reset', 'fin', 'clean']));
    const once = await chain.strike({ mode: 'cut', tokens: 0, how, count: 1 }, true);
    chain.good(once.told, once.request, once.tries);
    chain.asked(once.request, once.tries, chain.first, chain.first);
    const twice = await chain.strike({ mode: 'cut', tokens: 0, how, count: 2 }, true);
    chain.good(twice.told, twice.request, twice.tries);
    chain.asked(twice.request, twice.tries, chain.first, chain.first, chain.second);
    const error = await chain.strike({ mode: 'error_event', tokens: 0, count: 1 }, true);
    chain.good(error.told, error.request, error.tries);
    chain.asked(error.request, error.tries, chain.first, chain.second);
}

/** A stream that stalls after some tokens is a cut one, after the model's own limit for silence.
 * @param {Chain} chain */
export async function stalledStream(chain) {
    const fault = { mode: 'silent', tokens: chain.draw.int(1, 20), pace: chain.draw.int(0, 5) };
    const { request, told, tries } = await chain.strike(fault, true);
    chain.honest(told, request, tries);
    assert.ok(told.ms > SILENCE_MS && told.ms < SILENCE_MS + 2 * GRACE_MS, `it took ${told.ms} ms`);
}

/** An event that nobody can read, in a good stream: the client gets the stream without it. A frame that has changed
 * on its way is a cut.
 * @param {Chain} chain */
export async function malformedEvent(chain) {
    if (chain.stage.dialect.framed) return brokenFrame(chain);
    for (const tokens of [0, chain.draw.int(1, 20), chain.draw.int(1, 20)]) {
        const { request, told, tries } = await chain.strike({ mode: 'malformed', tokens }, true);
        chain.good(told, request, tries);
        chain.asked(request, tries, chain.first);
    }
}

/** @param {Chain} chain */
async function brokenFrame(chain) {
    const after = await chain.strike({ mode: 'malformed', tokens: chain.draw.int(1, 20) }, true);
    chain.honest(after.told, after.request, after.tries);
    const before = await chain.strike({ mode: 'malformed', tokens: 0 }, true);
    chain.good(before.told, before.request, before.tries);
    chain.asked(before.request, before.tries, chain.first, chain.first, chain.second);
}

/** A good stream whose end mark is missing gets one. Where the finish is the end there is no good stream without it:
 * that is a cut one.
 * @param {Chain} chain */
export async function withoutEnd(chain) {
    for (let i = 0; i < 3; i++) {
        const { request, told, tries } = await chain.strike('no_done', true);
        if (!chain.stage.dialect.marked) {
            chain.honest(told, request, tries);
            continue;
        }
        chain.good(told, request, tries);
        chain.asked(request, tries, chain.first);
    }
}

/** A cut stream whose fallback refuses a prefill is not sent one: neither when it was cut, nor when it had not
 * begun, where the second gets what the first got.
 * @param {Chain} chain */
export async function prefillRefused(chain) {
    const message = 'This model does not support assistant message prefill.';
    const how = chain.draw.of(/** @type {const} */ (['reset', 'fin', 'event']));
    chain.second.spoil({ status: 400, kind: 'invalid', message });
    const cut = await chain.strike({ mode: 'cut', how, tokens: chain.draw.int(2, 20), pace: 2 }, true);
    chain.honest(cut.told, cut.request, cut.tries);
    chain.second.spoil('ok');
    const before = await chain.strike({ mode: 'cut', how, tokens: 0 }, true);
    chain.good(before.told, before.request, before.tries);
    chain.asked(before.request, before.tries, chain.first, chain.first, chain.second);
}
