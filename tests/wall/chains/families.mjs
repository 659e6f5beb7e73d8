/** The sixteen families of failures, for a chain of two providers with different models. */
import { Draw } from '../stage.mjs';
import * as answers from './answers.mjs';
import { outage } from './outage.mjs';
import { Chain, openStage } from './stage.mjs';
import * as streams from './streams.mjs';

/**
 * @typedef {import('./stage.mjs').Pair} Pair
 * @typedef {import('./stage.mjs').Stage} Stage
 *
 * @typedef {object} Family
 * @property {string} name
 * @property {(...chains: Chain[]) => Promise<void>} run
 * @property {Pair[]} [pairs]   its chains, and what the file says of their models (one, nothing)
 * @property {boolean} [alone]  on another stage
 */

const QUICK = { first_byte_ms: answers.ANSWER_MS };
const SLOW = { first_byte_ms: streams.SLOW_MS };
const [SMALL, LARGE] = [{ context: 8000 }, { context: 32_000 }];

/** @type {Family[]} */
export const FAMILIES = [
    { name: '429 with Retry-After, once', run: answers.busyOnce },
    { name: '429 with Retry-After, always', run: answers.busyAlways, pairs: [{}, {}] },
    { name: '500, once', run: answers.errorOnce },
    { name: '503, always', run: answers.unavailableAlways, pairs: [{}, {}] },
    { name: 'reset before the answer, once', run: answers.resetOnce },
    { name: 'a model that never answers', run: answers.neverAnswers, pairs: [{}, { first: QUICK }] },
    { name: 'a first token that comes too late', run: streams.firstTokenLate, pairs: [{}, {}, { first: SLOW }] },
    { name: 'a stream that is cut after its first tokens', run: streams.cutStream },
    { name: 'a stream that stalls', run: streams.stalledStream, pairs: [{ first: { silence_ms: streams.SILENCE_MS } }] },
    { name: 'a malformed event in a good stream', run: streams.malformedEvent },
    { name: 'a good stream without its end', run: streams.withoutEnd },
    {
        name: 'context too long', run: answers.contextTooLong,
        pairs: [{ first: SMALL, second: LARGE }, { first: LARGE, second: SMALL }],
    },
    { name: 'content refused by policy', run: answers.contentRefused },
    { name: 'a cut stream whose fallback refuses a prefill', run: streams.prefillRefused },
    { name: 'an outage', run: outage, alone: true },
    { name: 'a fallback with its own name and usage', run: answers.fallbackNamed },
];

/** @param {Stage} stage @param {number} family its index @param {number} seed @returns {Chain[]} */
function chainsOf(stage, family, seed) {
    const draw = new Draw(seed, family);
    const { pairs = [{}] } = FAMILIES[family];
    return pairs.map((_, i) => new Chain(stage, `wall${family + 1}${'abc'[i]}`, draw));
}

/** What the file says of every family's models. @param {Stage} stage */
function modelsOf(stage) {
    const all = FAMILIES.flatMap(({ pairs = [{}] }, family) =>
        chainsOf(stage, family, 0).map((chain, i) => chain.config(pairs[i])));
    return Object.assign({}, ...all);
}

/**
 * Two stages, ready: that of all families, and that of those which are alone.
 * @param {import('../stage.mjs').HostName} host @param {string} dialect
 */
export function openStages(host, dialect) {
    return Promise.all([openStage(host, dialect, modelsOf), openStage(host, dialect, modelsOf)]);
}

/** @param {Stage[]} stages @param {number} seed @param {number} family its index */
export function playFamily([all, alone], seed, family) {
    const stage = FAMILIES[family].alone ? alone : all;
    return FAMILIES[family].run(...chainsOf(stage, family, seed));
}
