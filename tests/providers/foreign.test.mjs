/**
 * The SDKs, unmodified but for base URL and key, asking for models that another provider serves, in another dialect:
 * every case that they have with their own provider, at both hosts. The names stay, for an alias of the file says who
 * serves them; the fakes answer by the model's name, so the cases expect what they always do.
 */
import { after, afterEach, before } from 'node:test';
import { atBoth, test } from '../lib/hosts.mjs';
import { BEDROCK_CASES, BEDROCK_OWN, MODEL, bedrockClient } from './bedrock-cases.mjs';
import { CASES, CLIENTS, HEARS } from './cases.mjs';
import { startProvider } from './fakes.mjs';
import { EVERY, KEY, KEYS } from './front.mjs';
import { keyLines } from '../lib/keys.mjs';
import { recorder } from './recorder.mjs';
import { lend } from './said.mjs';
import assert from 'node:assert/strict';

/** @typedef {import('./fakes.mjs').Provider} Provider */

/** The fake of each provider, as the gateway names it. @type {Record<string, string>} */
const PROVIDERS = { openai: 'openai', claude: 'anthropic', gemini: 'gemini', ollama: 'ollama', bedrock: 'bedrock' };
/** The models of the cases. */
const NAMES = ['gpt-4o', 'gpt-5.5', 'claude-sonnet-5', 'gemini-3.7-flash', 'llama3.2:3b', MODEL];
/** What Bedrock's requests are signed with. */
const SIGNER = { id: 'AKIAFAKE4731', secret: 'fake/secret4732' };
/** Where each SDK asks. @type {Record<string, string>} */
const BASES = { openai: '/v1', anthropic: '', gemini: '', ollama: '' };

/** What is not translated, or has no counterpart. */
const OWN = /models|embeddings$|interactions|completions, moderations/;
/** @type {[string, string, RegExp, string][]} */
const CANNOT = [
    ['anthropic', 'openai', /thinking/, 'chat tells no thoughts'],
    ['anthropic', 'gemini', /thinking/, 'a model of another name is not known to think'],
    ['ollama', 'openai', /thinking/, 'chat tells no thoughts'],
    ['ollama', 'gemini', /thinking/, 'a model of another name is not known to think'],
    ['anthropic', 'ollama', /thinking/, 'a model thinks if it can, and is not told to'],
    ['bedrock', 'openai', /thinking/, 'chat tells no thoughts'],
    ['bedrock', 'gemini', /thinking/, 'a model of another name is not known to think'],
    ['ollama', 'bedrock', /thinking/, 'a model of another name is not known to think'],
    ['bedrock', 'ollama', /thinking/, 'it signs no thoughts'],
];

/** Who says how many tokens a request is; for others it is estimated. */
const COUNT = new Set(['openai', 'claude', 'gemini']);

/** @param {string} provider */
const aliases = (provider) => Object.fromEntries(NAMES.map((name) => [name, `${provider}/${name}`]));

lend(...NAMES);

atBoth('SDKs of other providers', (bench) => {
    /** @type {Record<string, Provider>} */
    const fakes = {};
    before(async () => {
        for (const name of Object.values(PROVIDERS)) fakes[name] = await startProvider(name, { keys: name === 'bedrock' ? [`${SIGNER.id}:${SIGNER.secret}`] : KEYS[name] ? [KEYS[name]] : [] });
    });
    afterEach(() => Object.values(fakes).forEach((fake) => fake.forget()));
    after(() => Promise.all(Object.values(fakes).map((fake) => fake.close())));

    /** Runs a case whose model this fake serves. @param {string} fake @param {unknown[]} kept @param {() => Promise<unknown>} run @param {boolean} [estimated] */
    async function serves(fake, kept, run, estimated = false) {
        Object.values(fakes).forEach((one) => one.forget());
        await run().catch((/** @type {any} */ error) => {
            const last = fakes[fake].seen.at(-1);
            error.message += `\n${last?.status} ${last?.body.toString().slice(0, 2000)} ${last?.answer.toString().slice(0, 500)}`;
            throw error;
        });
        assert.ok(kept.length > 0 && (fakes[fake].seen.length > 0) === !estimated, 'it was served there, or estimated');
    }

    for (const [provider, fake] of Object.entries(PROVIDERS)) {
        test(`at ${provider}`, async (t) => {
            const host = await bench.open(t, {
                env: {
                    GATEWAY_AUTH: '', GATEWAY_KEYS: keyLines({ ann: KEY }),
                    CODEX_ENDPOINT: fakes.openai.url, OPENAI_API_KEY: KEYS.openai,
                    CLAUDE_ENDPOINT: fakes.anthropic.url, ANTHROPIC_API_KEY: KEYS.anthropic,
                    GEMINI_ENDPOINT: fakes.gemini.url, GEMINI_API_KEY: KEYS.gemini, OLLAMA_HOST: fakes.ollama.url,
                    BEDROCK_ENDPOINT: fakes.bedrock.url, AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: SIGNER.id, AWS_SECRET_ACCESS_KEY: SIGNER.secret,
                },
                // Its name alone says that it sees nothing.
                config: { models: { ...aliases(provider), [`${provider}/llama3.2:3b`]: { lacks: ['effort'] } } },
            });
            for (const [sdk, cases] of Object.entries(CASES)) {
                if (sdk === fake) continue;
                for (const [title, run] of Object.entries(cases)) {
                    const why = CANNOT.find(([a, b, what]) => a === sdk && b === provider && what.test(title))?.[3];
                    if (OWN.test(title)) continue;
                    await t.test(`${sdk}: ${title}`, { skip: why }, async () => {
                        const { kept, fetch } = recorder();
                        await serves(fake, kept, () => run(CLIENTS[sdk](host.url + BASES[sdk], KEY, fetch), fakes[fake], HEARS[fake], false), title === 'tokens' && !COUNT.has(provider));
                    });
                }
            }
            for (const [title, run] of Object.entries(BEDROCK_CASES)) {
                const why = CANNOT.find(([a, b, what]) => a === 'bedrock' && b === provider && what.test(title))?.[3];
                if (fake === 'bedrock' || BEDROCK_OWN.test(title)) continue;
                await t.test(`bedrock: ${title}`, { skip: why }, async () => {
                    const { client, kept } = bedrockClient(host.url, KEY, { http1: bench.name === 'edge' });
                    await serves(fake, kept, () => run(client, fakes[fake], HEARS[fake]));
                });
            }
            for (const key of [...EVERY.providers, SIGNER.secret]) assert.ok(!host.log().includes(key), 'no key in the log');
        });
    }
});
