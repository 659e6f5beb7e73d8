/**
 * The SDKs, unmodified but for base URL and key, asking for models that another provider serves, in another dialect:
 * every case that they have with their own provider, at both hosts. The names stay, for an alias of the file says who
 * serves them; the fakes answer by the model's name, so the cases expect what they always do.
 */
import { after, afterEach, before } from 'node:test';
import { atBoth, test } from '../lib/hosts.mjs';
import { CASES, CLIENTS, HEARS } from './cases.mjs';
import { startProvider } from './fakes.mjs';
import { EVERY, KEY, KEYS } from './front.mjs';
import { keyLines } from '../lib/keys.mjs';
import { recorder } from './recorder.mjs';
import { lend } from './said.mjs';
import assert from 'node:assert/strict';

/** @typedef {import('./fakes.mjs').Provider} Provider */

/** The fake of each provider, as the gateway names it. @type {Record<string, string>} */
const PROVIDERS = { openai: 'openai', claude: 'anthropic', gemini: 'gemini', ollama: 'ollama' };
/** The models of the cases. */
const NAMES = ['gpt-4o', 'gpt-5.5', 'claude-sonnet-5', 'gemini-3.7-flash', 'llama3.2:3b'];
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
];

/** @param {string} provider */
const aliases = (provider) => Object.fromEntries(NAMES.map((name) => [name, `${provider}/${name}`]));

lend(...NAMES);

atBoth('SDKs of other providers', (bench) => {
    /** @type {Record<string, Provider>} */
    const fakes = {};
    before(async () => {
        for (const name of Object.values(PROVIDERS)) fakes[name] = await startProvider(name, { keys: KEYS[name] ? [KEYS[name]] : [] });
    });
    afterEach(() => Object.values(fakes).forEach((fake) => fake.forget()));
    after(() => Promise.all(Object.values(fakes).map((fake) => fake.close())));

    for (const [provider, fake] of Object.entries(PROVIDERS)) {
        test(`at ${provider}`, async (t) => {
            const host = await bench.open(t, {
                env: {
                    GATEWAY_AUTH: '', GATEWAY_KEYS: keyLines({ ann: KEY }),
                    CODEX_ENDPOINT: fakes.openai.url, OPENAI_API_KEY: KEYS.openai,
                    CLAUDE_ENDPOINT: fakes.anthropic.url, ANTHROPIC_API_KEY: KEYS.anthropic,
                    GEMINI_ENDPOINT: fakes.gemini.url, GEMINI_API_KEY: KEYS.gemini, OLLAMA_HOST: fakes.ollama.url,
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
                        Object.values(fakes).forEach((one) => one.forget());
                        const { kept, fetch } = recorder();
                        const client = CLIENTS[sdk](host.url + BASES[sdk], KEY, fetch);
                        await run(client, fakes[fake], HEARS[fake], false).catch((/** @type {any} */ error) => {
                            const last = fakes[fake].seen.at(-1);
                            error.message += `\n${last?.status} ${last?.body.toString().slice(0, 2000)}`;
                            throw error;
                        });
                        assert.ok(kept.length > 0 && (fakes[fake].seen.length > 0) !== (title === 'tokens'), 'it was served there, or estimated');
                    });
                }
            }
            for (const key of EVERY.providers) assert.ok(!host.log().includes(key), 'no key in the log');
        });
    }
});
