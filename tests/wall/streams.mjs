/** The families of streams: late, cut, silent, malformed, endless; and a fallback that wants no prefill. */
import assert from 'node:assert/strict';
import { good, honest, named } from './stage.mjs';

/**
 * @typedef {import('./stage.mjs').Play} Play
 * @typedef {import('./stage.mjs').Stage} Stage
 * @typedef {import('../node/faults.mjs').Fault} Fault
 */

const GRACE_MS = 2500; // beyond a limit, on a machine that may be busy
const ALIVE_MS = 12_000; // comments come every ten seconds
const WAYS = /** @type {const} */ (['reset', 'fin', 'event', 'char', 'chunk', 'clean', 'error']);

/** The first token comes too late: another target is asked, and of the first nothing is seen.
 * @param {Play} play */
export async function firstTokenLate(play) {
    const stage = await play.open();
    const limit = play.limits.stream;
    const head = play.draw.of(/** @type {const} */ (['early', 'late']));
    const fault = { mode: 'late', head, ms: limit + play.draw.int(3000, 20_000) };
    const { request, told, tries } = await stage.strike(fault, { stream: true });
    good(told, request);
    stage.asked(tries, stage.sick, stage.well);
    assert.ok(told.first_ms < limit + GRACE_MS, `the first content after ${told.first_ms} ms`);
    assert.ok(told.ms < limit + 2 * GRACE_MS, `it took ${told.ms} ms`);
    assert.ok(told.gap_ms < ALIVE_MS, `${told.gap_ms} ms without a sign of life`);
}

/** A stream that ends without content, or begins with an error, has not begun: another target serves.
 * @param {Play} play @param {Stage} stage */
async function cutBeforeContent(play, stage) {
    /** @type {Fault[]} */
    const faults = [
        { mode: 'error_event' },
        { mode: 'empty' },
        { mode: 'cut', how: play.draw.of(/** @type {const} */ (['reset', 'fin', 'chunk'])), tokens: 0 },
    ];
    const { request, told, tries } = await stage.strike(play.draw.of(faults), { stream: true });
    good(told, request);
    named(told, tries);
    stage.asked(tries, stage.sick, stage.well);
}

/** What the fallback says is not what was said before: that is no continuation, and the client is told.
 * @param {Play} play @param {Stage} stage */
async function cutAndDifferent(play, stage) {
    const tokens = play.draw.int(8, 20); // of all choices
    for (const node of stage.all.slice(1)) await node.control({ mode: 'ok', differs: play.draw.int(0, 1) });
    const others = () => {}; // they have words of their own
    const fault = { mode: 'cut', how: /** @type {const} */ ('fin'), tokens, pace: 2 };
    const { request, told } = await stage.strike(fault, { stream: true }, { others });
    honest(told, request);
}

/** The next target fails as well, before it has said anything new or after: the third goes on.
 * @param {Play} play @param {Stage} stage */
async function cutTwice(play, stage) {
    const [, second, third] = stage.all;
    if (third === undefined) return;
    /** @type {Fault[]} */
    const faults = [
        { mode: 'cut', how: 'fin', tokens: play.draw.int(1, 22), pace: 1 },
        { mode: 'cut', how: 'event', tokens: play.draw.int(1, 22), pace: 1 },
        { mode: play.draw.of(['500', '503', '429', 'reset', 'ngrok', 'context']) },
        { mode: 'error_event' },
        { mode: 'empty' },
    ];
    await second.control({ ...play.draw.of(faults), count: 1 });
    await stage.sick.control({ mode: 'cut', how: 'reset', tokens: play.draw.int(1, 20), pace: 1, count: 1 });
    // Whichever of the two is asked first: both fail once, and nobody can see it.
    const { request, told, tries } = await stage.turn({ stream: true });
    good(told, request);
    assert.equal(tries.at(-1)?.node, third, 'the third served');
}

/** Longer than anything that a gateway may keep of it. @param {Play} play @param {Stage} stage */
async function cutLate(play, stage) {
    const more = { stream: true, max_tokens: 3000, options: { num_predict: 3000 } };
    const tokens = play.draw.int(500, 2900);
    const how = play.draw.of(/** @type {const} */ (['reset', 'fin', 'event', 'char', 'chunk']));
    const { request, told, tries } = await stage.strike({ mode: 'cut', how, tokens }, more);
    good(told, request);
    stage.asked(tries, stage.sick, tries[1].node); // the twin may be cooling down
}

/** The dialects that say at the end how many tokens the prompt had. @param {Stage} stage */
function tellsUsage(stage) {
    return stage.path !== '/v1/messages';
}

/** Cut after the first tokens, in each way there is, or ended by an error event: the next target goes on
 * from there, to the byte, and what it used is what is told.
 * @param {Play} play */
export async function cutStream(play) {
    const ways = play.draw.shuffled(WAYS);
    const stage = await play.open();
    for (const how of ways) {
        const end = play.draw.chance(0.3) ? /** @type {const} */ ('reset') : undefined;
        const where = { tokens: play.draw.int(1, 20), pace: play.draw.int(0, 5) };
        const fault = how === 'error' ? { mode: 'error_event', ...where } : { mode: 'cut', how, end, ...where };
        for (const node of stage.all) await node.control({ mode: 'ok', prompt_tokens: 1000 });
        const more = { stream: true, stream_options: { include_usage: true } };
        const { request, told, tries } = await stage.strike(fault, more);
        good(told, request);
        stage.asked(tries, stage.sick, stage.well);
        if (tellsUsage(stage)) assert.equal(told.usage.prompt_tokens, 1000, 'the usage of the one that ended it');
        await stage.settle();
    }
    await cutBeforeContent(play, stage);
    await stage.settle();
    await cutTwice(play, stage);
    await stage.settle();
    await cutLate(play, stage);
    await stage.settle();
    await cutAndDifferent(play, stage);
}

/** A stream that stalls after some tokens goes on at another target, and shows life until then.
 * @param {Play} play */
export async function stalledStream(play) {
    const stage = await play.open();
    const limit = play.limits.silence;
    const how = play.draw.chance() ? /** @type {const} */ ('event') : undefined;
    const fault = { mode: 'silent', how, tokens: play.draw.int(1, 20), pace: play.draw.int(0, 5) };
    const { request, told, tries } = await stage.strike(fault, { stream: true });
    good(told, request);
    stage.asked(tries, stage.sick, stage.well);
    assert.ok(told.ms > limit && told.ms < limit + 2 * GRACE_MS, `it took ${told.ms} ms`);
    assert.ok(told.gap_ms < ALIVE_MS, `${told.gap_ms} ms without a sign of life`);
}

/** An event that nobody can read, in a good stream: the client gets the stream without it.
 * @param {Play} play */
export async function malformedEvent(play) {
    const stage = await play.open();
    for (const tokens of [0, play.draw.int(1, 20), play.draw.int(1, 20)]) {
        // Before all else, mere words could be those of another kind of stream.
        const what = tokens === 0 ? 'half' : play.draw.of(/** @type {const} */ (['half', 'text']));
        const { request, told, tries } = await stage.strike({ mode: 'malformed', tokens, what }, { stream: true });
        good(told, request);
        stage.asked(tries, stage.sick);
    }
}

/** A good stream whose last line is missing is a good stream: nobody else is asked, nobody is blamed.
 * @param {Play} play */
export async function withoutDone(play) {
    const stage = await play.open();
    if (stage.path === '/api/chat') stage.path = '/v1/chat/completions'; // its last line is its finish
    const more = { stream: true, stream_options: { include_usage: true } };
    for (let i = 0; i < 4; i++) {
        const { request, told, tries } = await stage.strike({ mode: 'no_done' }, more);
        told.done = true; // it may be added, or not
        good(told, request);
        stage.asked(tries, stage.sick);
        assert.ok((told.usage.completion_tokens ?? told.usage.output_tokens) > 1, 'its usage is told');
    }
}

/** A cut stream whose fallback refuses an assistant prefill: it is asked for the same as the first.
 * @param {Play} play */
export async function prefillRefused(play) {
    const stage = await play.open();
    if (stage.path === '/v1/completions') stage.path = '/v1/messages';
    for (const node of stage.all.slice(1)) await node.control('no_prefill');
    const how = play.draw.of(/** @type {const} */ (['reset', 'fin', 'event']));
    const fault = { mode: 'cut', how, tokens: play.draw.int(2, 20) };
    const { request, told, tries } = await stage.strike({ ...fault, pace: 2 }, { stream: true });
    good(told, request);
    stage.asked(tries, stage.sick, stage.well);
}
