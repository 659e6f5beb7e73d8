/**
 * A real model behind translation: each dialect's SDK says the same conversations to it through both hosts, whole and
 * as a stream, and gets what OpenAI's SDK gets from the server itself, to the letter: a text that is cut, a call of a
 * tool, what it says to what was found, an answer by a schema. The numbers of tokens are the server's, so that what reached
 * it is what would have reached it without a gateway.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startHost } from '../lib/hosts.mjs';
import { missing, startRealNode } from './nodes.mjs';
import { MODEL, chat, speakersAt } from './speakers.mjs';

/** @typedef {import('./speakers.mjs').Talk} Talk @typedef {import('./speakers.mjs').Told} Told @typedef {import('./speakers.mjs').Turn} Turn */

/** One for each talk, which then keeps what it has read of it. */
const SLOTS = 4;
const HOSTS = /** @type {('rack' | 'edge')[]} */ (['rack', 'edge']).filter((name) => (process.env.HOST ?? name) === name);
const why = missing();

/** @param {string} word @param {string} found @returns {Turn[]} how the model has seen itself look a word up */
const looked = (word, found) => [{ user: `Look up: ${word}` }, { call: word, id: `call_${word}` }, { found, id: `call_${word}` }, { says: found }];

/** @type {Turn[]} */
const ASKED = [...looked('harbour', 'A place for ships.'), ...looked('bread', 'A food of flour.'), { user: 'Look up: lighthouse' }];

/** @type {Record<string, Talk>} */
const TALKS = {
    'a text': { turns: [{ user: 'Hi.' }, { says: 'Hello there.' }, { user: 'What is a lighthouse for?' }], most: 16 },
    'a call': { turns: ASKED, most: 40, tool: true },
    'what was found': { turns: [...ASKED, { call: 'lighthouse', id: 'call_1' }, { found: 'A light for ships.', id: 'call_1' }], most: 12, tool: true },
    'a schema': {
        turns: [{ user: 'Where is a lighthouse?' }], most: 40,
        schema: { type: 'object', properties: { place: { type: 'string', enum: ['at sea', 'in a wood'] } }, required: ['place'], additionalProperties: false },
    },
};

/** What all must have got. @param {Told} got */
const same = ({ text, call, why, input, output }) => ({ text, word: call?.word, why, input, output });

describe('a real model in each dialect', { skip: why === '' ? false : why, timeout: 300_000 }, () => {
    /** @type {import('./nodes.mjs').RealNode} */
    let node;
    /** What the server itself says. @type {Record<string, ReturnType<typeof same>>} */
    const wanted = {};

    before(async () => {
        node = await startRealNode(SLOTS, 0, 'tests/real/tools.jinja');
        for (const [title, talk] of Object.entries(TALKS)) wanted[title] = same(await chat(node.direct)(talk, false));
        const { 'a text': text, 'a call': call, 'what was found': found, 'a schema': fits } = wanted;
        assert.ok(text.why === 'cut' && text.output === TALKS['a text'].most && text.text.length > 20, JSON.stringify(text));
        assert.ok(call.why === 'call' && call.word === 'lighthouse', JSON.stringify(call));
        assert.ok(found.text.length > 0 && found.word === undefined, JSON.stringify(found));
        assert.equal(typeof JSON.parse(fits.text).place, 'string');
    });
    after(() => node?.close());

    for (const name of HOSTS) {
        test(`says the same to each [${name}]`, async (t) => {
            const host = await startHost(name, {
                env: { GATEWAY_AUTH: 'off', COLAB_ENDPOINT_3: node.url, AWS_BEARER_TOKEN_BEDROCK: 'none' },
                config: { log_requests: false, models: { [MODEL]: 'heavy/code' } },
            });
            t.after(() => host.stop());
            for (const [title, talk] of Object.entries(TALKS)) {
                for (const [dialect, say] of Object.entries(speakersAt(host.url, name === 'edge'))) {
                    for (const streamed of [false, true]) {
                        await t.test(`${title}: ${dialect}${streamed ? ', streamed' : ''}`, async () => {
                            assert.deepEqual(same(await say(talk, streamed)), wanted[title]);
                        });
                    }
                }
            }
        });
    }
});
