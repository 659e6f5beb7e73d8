/** The sixteen families of failures. Each is played from a seed, and fails by an exception. */
import * as answers from './answers.mjs';
import { outage } from './outage.mjs';
import { Play } from './stage.mjs';
import * as streams from './streams.mjs';

/** @type {{name: string, run: (play: Play) => Promise<void>}[]} */
export const FAMILIES = [
    { name: '429 with Retry-After, once', run: answers.busyOnce },
    { name: '429 with Retry-After, always', run: answers.busyAlways },
    { name: '500, once', run: answers.errorOnce },
    { name: '503, always', run: answers.unavailableAlways },
    { name: 'reset before the answer, once', run: answers.resetOnce },
    { name: 'a route that never answers', run: answers.neverAnswers },
    { name: 'a first token that comes too late', run: streams.firstTokenLate },
    { name: 'a stream that is cut after its first tokens', run: streams.cutStream },
    { name: 'a stream that stalls', run: streams.stalledStream },
    { name: 'a malformed event in a good stream', run: streams.malformedEvent },
    { name: 'a good stream without its end', run: streams.withoutDone },
    { name: 'context too long', run: answers.contextTooLong },
    { name: 'content refused by policy', run: answers.contentRefused },
    { name: 'a cut stream whose fallback refuses a prefill', run: streams.prefillRefused },
    { name: 'an outage', run: outage },
    { name: 'a fallback with its own name and usage', run: answers.fallbackNamed },
];

/**
 * @param {import('./stage.mjs').HostName} host @param {number} seed @param {number} family its index
 * @param {boolean} long with the limits as they are by default
 */
export async function playFamily(host, seed, family, long) {
    const play = new Play(host, seed, family, long);
    try {
        await FAMILIES[family].run(play);
    } finally {
        await play.close();
    }
}
