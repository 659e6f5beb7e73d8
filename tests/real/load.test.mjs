/**
 * Both hosts before real nodes with one slot each, which take all that comes and answer one after the other:
 * long prompts and bursts. Asserted are counts, taken at the wires: attempts, and how many of them the gateway
 * gave up. Times are printed, beside nginx's before the same nodes.
 *
 * A slow or shared machine moves both alike: rounds are interleaved and the one that goes first takes turns, so
 * what drifts cancels out; both send prompts of the same length, and nothing is cached. Besides the ratio of the
 * times as they were, there is one of times in units of what an answer took the nodes in that round, by their own
 * account (reading and writing): it does not see that the machine was slower in one of them. Where it and the
 * plain one are far apart, the machine was not quiet enough. "beyond" is what a first token took beyond its
 * reading. The load of the machine is printed at both ends. Only nonsense fails: a median above SANE of nginx's.
 *
 * `REAL=long` (make real) is the whole of it; HOST=rack or HOST=edge is one host, ROUNDS=n so many rounds,
 * WORDS=n prompts of so many words. Each round is told as it ends. One case:
 *   REAL=long HOST=rack node --test --test-name-pattern='long prompts' tests/real/load.test.mjs
 *   REAL=long HOST=rack node --test --test-name-pattern='a burst' tests/real/load.test.mjs
 */
import assert from 'node:assert/strict';
import { loadavg } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { quantile } from '../bench/stats.mjs';
import { startHost } from '../lib/hosts.mjs';
import { startNginx } from './nginx.mjs';
import { blamed, isWhole, missing, startRealNode, stream, untilIdle } from './nodes.mjs';

const LONG = process.env.REAL === 'long';
const HOSTS = /** @type {('rack' | 'edge')[]} */ (['rack', 'edge'])
    .filter((name) => (process.env.HOST ?? name) === name);
const why = missing();

/** Of a prompt: words, which are tokens here. */
const WORDS = Number(process.env.WORDS ?? (LONG ? 3300 : 800));
const PROMPTS = LONG ? Number(process.env.ROUNDS ?? 4) : 1;
const STREAMS = LONG ? 16 : 6;
const BURSTS = LONG ? Number(process.env.ROUNDS ?? 2) : 1;
/** Each stream of a burst has so many tokens, whatever the model would like. */
const TOKENS = LONG ? 64 : 24;
const SANE = 3;

const COMMON = ('time year people way day man thing woman life child world school state family student group '
    + 'country problem hand part place case week company system program question work number night point home '
    + 'water room mother area money story fact month lot right study book eye job word business issue side').split(' ');

/** Another for each seed. @param {number} seed @param {number} words */
function prose(seed, words) {
    let x = seed * 7919 + 1;
    const next = () => (x = (x * 1103515245 + 12345) % 2147483648);
    return Array.from({ length: words }, () => COMMON[Math.floor((next() / 2147483648) * COMMON.length)]).join(' ');
}

/** @typedef {import('./nodes.mjs').Streamed} Streamed */
/** @typedef {{ name: string, url: string, told: Streamed[], units: number[],
 *   tally: import('./wire.mjs').Tally[] }} Side   units: first tokens in those of their round */

/** Adds what the wires saw of one proxy. @param {Side} side @param {import('./nodes.mjs').RealNode[]} nodes */
function count(side, nodes) {
    nodes.forEach((node, i) => {
        const seen = node.tally();
        side.tally[i] ??= { asked: 0, answered: 0, refused: 0, cancelled: 0, broken: 0, stale: 0 };
        for (const key of /** @type {(keyof typeof seen)[]} */ (Object.keys(seen))) side.tally[i][key] += seen[key];
    });
}

/** @param {Side} side @param {keyof import('./wire.mjs').Tally} key */
const total = (side, key) => side.tally.reduce((sum, one) => sum + one[key], 0);
/** The first tokens of a round in units of its answers' mean. @param {Streamed[]} told */
function inUnits(told) {
    const mean = told.reduce((sum, got) => sum + got.read_ms + got.write_ms, 0) / told.length;
    return told.map((got) => got.first_ms / mean);
}

const seconds = (/** @type {number} */ ms) => (ms / 1000).toFixed(2);
/** @param {Side} side */
const firsts = (side) => side.told.map((got) => got.first_ms);
/** @param {Side} side @param {number} q */
const first = (side, q) => quantile(firsts(side), q);

/** @param {Side} side */
function say(side) {
    const { told, tally } = side;
    const of = (/** @type {keyof import('./wire.mjs').Tally} */ key) => tally.map((one) => one[key]).join('+');
    const reading = quantile(told.map((got) => got.read_ms), 0.5);
    const beyond = told.map((got) => got.first_ms - got.read_ms);
    return [
        `${side.name}: ${told.filter(isWhole).length} of ${told.length} whole`,
        `${told.filter((got) => got.status === 503).length} were 503, ${told.filter((got) => got.reason.includes(' late')).length} asked twice`,
        `attempts ${of('asked')}, cancelled ${of('cancelled')}, broken ${of('broken')}, stale ${of('stale')}, refused ${of('refused')}`,
        `first token p50 ${seconds(first(side, 0.5))} p90 ${seconds(first(side, 0.9))} s`,
        `${Math.max(...told.map((got) => got.read))} tokens read in ${seconds(reading)} s`,
        `beyond p50 ${seconds(quantile(beyond, 0.5))} s`,
    ].join('; ');
}

describe('real nodes of one slot', { skip: why === '' ? false : why, timeout: 3_600_000 }, () => {
    /** @type {import('./nodes.mjs').RealNode[]} */
    let nodes = [];
    before(async () => { nodes = await Promise.all([startRealNode(1), startRealNode(1)]); });
    after(() => Promise.all(nodes.map((node) => node.close())));

    /** The gateway, fresh, and with REAL=long nginx.
     * @param {import('node:test').TestContext} t @param {'rack' | 'edge'} name */
    const sides = async (t, name) => {
        const host = await startHost(name, {
            env: { GATEWAY_AUTH: 'off', COLAB_ENDPOINT_3: nodes[0].url, COLAB_ENDPOINT_4: nodes[1].url },
            config: { log_requests: false }, plain: true,
        });
        t.after(() => host.stop());
        const nginx = LONG ? await startNginx(nodes) : null;
        t.after(() => nginx?.stop());
        const side = (/** @type {string} */ of, /** @type {string} */ url) => /** @type {Side} */ (
            { name: of, url: `${url}/api/heavy/code`, told: [], units: [], tally: [] });
        return { url: host.url, ours: side(name, host.url), theirs: nginx && side('nginx', nginx.url) };
    };

    /** So many rounds of each, in turns. @param {Side} ours @param {Side | null} theirs @param {number} rounds
     * @param {(side: Side, seed: number) => Promise<Streamed[]>} round */
    const inTurns = async (ours, theirs, rounds, round) => {
        for (let i = 0; i < rounds; i++) {
            const pair = theirs === null ? [ours] : i % 2 === 0 ? [ours, theirs] : [theirs, ours];
            for (const side of pair) {
                await untilIdle(nodes);
                nodes.forEach((node) => node.tally());
                const told = await round(side, 2 * i + (side === ours ? 0 : 1));
                side.told.push(...told);
                side.units.push(...inUnits(told));
                await untilIdle(nodes);
                count(side, nodes);
                if (LONG) console.log(`    ${side.name}: ${firsts(side).slice(-told.length).map(seconds).join(' ')} s, `
                    + `${total(side, 'asked')} attempts, ${total(side, 'cancelled')} cancelled`);
            }
        }
    };

    /** What was seen, then what must hold of it.
     * @param {import('node:test').TestContext} t @param {Awaited<ReturnType<typeof sides>>} seen
     * @param {number} q the quantile of the first token that is compared @param {number} load */
    const judge = async (t, { url, ours, theirs }, q, load) => {
        const open = await blamed(url);
        t.diagnostic(`${say(ours)}; breakers: ${open.join(', ') || 'closed'}`);
        if (theirs !== null) {
            const ratio = first(ours, q) / first(theirs, q);
            t.diagnostic(say(theirs));
            const pure = quantile(ours.units, q) / quantile(theirs.units, q);
            t.diagnostic(`p${q * 100} of the first token: ${ratio.toFixed(2)} of nginx's, ${pure.toFixed(2)} in units of `
                + `answers (ours ${quantile(ours.units, q).toFixed(2)}); `
                + `load of the machine ${load.toFixed(1)} to ${loadavg()[0].toFixed(1)}`);
            assert.ok(first(ours, 0.5) < SANE * first(theirs, 0.5), 'within reason');
        }
        assert.equal(ours.told.filter((got) => got.status === 503).length, 0, 'no 503');
        assert.equal(ours.told.filter(isWhole).length, ours.told.length, 'all are whole');
        // Where an answer says "late", two were asked, and the one that came second was dropped. The short form
        // may run on any machine; with REAL=long it is quiet, and there is no need for a second.
        const twice = ours.told.filter((got) => got.reason.includes(' late')).length;
        assert.ok(total(ours, 'cancelled') <= (LONG ? 0 : twice), 'no attempt was given up');
        assert.ok(total(ours, 'asked') - total(ours, 'stale') <= ours.told.length + twice, 'one attempt each');
        assert.deepEqual(open, [], 'no breaker is open');
    };

    for (const name of HOSTS) {
        test(`long prompts are read to their end [${name}]`, async (t) => {
            const [load] = loadavg();
            const seen = await sides(t, name);
            await inTurns(seen.ours, seen.theirs, PROMPTS, async (side, seed) => {
                const content = `Notes ${seed}: ${prose(seed, WORDS)}. What are they about?`;
                const messages = [{ role: 'user', content }];
                return [await stream(side.url, { messages, max_tokens: 8, ignore_eos: true, temperature: 0, cache_prompt: false })];
            });
            await judge(t, seen, 0.5, load);
        });

        test(`a burst is served in turn [${name}]`, async (t) => {
            const [load] = loadavg();
            const seen = await sides(t, name);
            await inTurns(seen.ours, seen.theirs, BURSTS, (side, seed) => Promise.all(
                Array.from({ length: STREAMS }, (_, i) => stream(side.url, {
                    messages: [{ role: 'user', content: `Story ${seed} ${i}: ${prose(seed * 100 + i, 30)}` }],
                    max_tokens: TOKENS, ignore_eos: true, temperature: 0, cache_prompt: false,
                })),
            ));
            await judge(t, seen, 0.9, load);
        });
    }
});
