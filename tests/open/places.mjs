/**
 * Before whom Responses are tried: OpenAI, whose own dialect they are, and a provider of each dialect that they are
 * translated into. Each has two models: one that answers, and one that calls a tool if it is offered one.
 */
import { after, afterEach, before } from 'node:test';
import { keyLines } from '../lib/keys.mjs';
import { startProvider } from '../providers/fakes.mjs';
import { KEY, KEYS } from '../providers/front.mjs';
import { lend } from '../providers/said.mjs';

/**
 * @typedef {object} Place
 * @property {string} at        where a model's name leads: a provider, or a class of nodes
 * @property {string} fake
 * @property {string} [model]   how the names of its models begin, if not as the fake's
 */

/** @type {Record<string, Place>} */
export const PLACES = {
    'OpenAI Responses': { at: 'openai', fake: 'openai' },
    'OpenAI chat': { at: 'heavy/code', fake: 'chat' },
    'Anthropic': { at: 'claude', fake: 'anthropic' },
    'Gemini': { at: 'gemini', fake: 'gemini' },
    'Ollama': { at: 'ollama', fake: 'ollama' },
    'Bedrock': { at: 'bedrock', fake: 'bedrock', model: 'anthropic.claude-opus-4-6' },
};

const SIGNER = { id: 'AKIAFAKE4731', secret: 'fake/secret4732' };

/** @param {string} place @param {boolean} calls */
export const modelOf = (place, calls) => `${PLACES[place].model ?? PLACES[place].fake}-${calls ? 'calls' : 'says'}`;

const names = Object.keys(PLACES).flatMap((place) => [modelOf(place, false), modelOf(place, true)]);
lend(...names);

/** @param {string} fake @returns {string[]} */
function keysOf(fake) {
    if (fake === 'bedrock') return [`${SIGNER.id}:${SIGNER.secret}`];
    return KEYS[fake] === undefined ? [] : [KEYS[fake]];
}

/** A model of a provider can all that its dialect has words for. @param {string} at @param {string} name @returns {[string, unknown][]} */
function namesOf(at, name) {
    return at.startsWith('heavy/') ? [[name, at]] : [[name, `${at}/${name}`], [`${at}/${name}`, { lacks: [] }]];
}

/** What leads a gateway to it. @param {string} fake @param {string} url @returns {Record<string, string>} */
function envOf(fake, url) {
    switch (fake) {
        case 'openai': return { CODEX_ENDPOINT: url, OPENAI_API_KEY: KEYS.openai };
        case 'anthropic': return { CLAUDE_ENDPOINT: url, ANTHROPIC_API_KEY: KEYS.anthropic };
        case 'gemini': return { GEMINI_ENDPOINT: url, GEMINI_API_KEY: KEYS.gemini };
        case 'ollama': return { OLLAMA_HOST: url };
        case 'bedrock': return { BEDROCK_ENDPOINT: url, AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: SIGNER.id, AWS_SECRET_ACCESS_KEY: SIGNER.secret };
        default: return { COLAB_ENDPOINT_3: url, COLAB_ENDPOINT_4: '' };
    }
}

/** Gateways before each of them. @param {import('../lib/hosts.mjs').Bench} bench */
export function placesAt(bench) {
    /** @type {Record<string, import('../providers/fakes.mjs').Provider>} */
    const fakes = {};
    before(async () => {
        for (const { fake } of Object.values(PLACES)) fakes[fake] = await startProvider(fake, { keys: keysOf(fake), pace: 0 });
    });
    afterEach(() => Object.values(fakes).forEach((fake) => fake.forget()));
    after(() => Promise.all(Object.values(fakes).map((fake) => fake.close())));

    /** With that one alone. @param {import('node:test').TestContext} t @param {string} place */
    const open = (t, place) => {
        const { at, fake } = PLACES[place], names = [modelOf(place, false), modelOf(place, true)];
        return bench.open(t, {
            env: { GATEWAY_AUTH: '', GATEWAY_KEYS: keyLines({ ann: KEY }), ...envOf(fake, fakes[fake].url) },
            config: { models: Object.fromEntries(names.flatMap((name) => namesOf(at, name))) },
        });
    };
    return { fakes, open };
}
