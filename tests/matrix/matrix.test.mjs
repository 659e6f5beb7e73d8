// The matrix: every client's dialect x every provider x every feature x streaming or not, at both hosts. README.md
// says how it is made; features.mjs is the table.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { atBoth, test } from '../lib/hosts.mjs';
import { keyLines } from '../lib/keys.mjs';
import { anthropic as anthropicFace } from '../providers/anthropic.mjs';
import { bedrock as bedrockFace, SONNET } from '../providers/bedrock.mjs';
import { gemini as geminiFace } from '../providers/gemini.mjs';
import { ollama as ollamaFace } from '../providers/ollama.mjs';
import { openai as openaiFace } from '../providers/openai.mjs';
import { lend } from '../providers/said.mjs';
import { anthropic } from './anthropic.mjs';
import { bedrock } from './bedrock.mjs';
import { aliasOf, playCell } from './cells.mjs';
import { FEATURES } from './features.mjs';
import { gemini } from './gemini.mjs';
import { ollama } from './ollama.mjs';
import { OPEN } from './open.mjs';
import { openai } from './openai.mjs';
import { pageOf, placeOf } from './page.mjs';
import { responses } from './responses.mjs';
import { ROWS, speaks } from './table.mjs';
import { startTarget } from './target.mjs';

/**
 * @typedef {import('./cells.mjs').Cell} Cell
 * @typedef {import('./cells.mjs').Provider} Provider
 * @typedef {import('../providers/reply.mjs').Face} Face
 */

const KEY = 'hk-the-key-of-the-matrix-0123456789';
const AT_ONCE = 8;
const PAGE = fileURLToPath(new URL('../../docs/matrix.md', import.meta.url));

const CLIENTS = [openai, responses, anthropic, gemini, ollama, bedrock].filter(({ name }) => speaks(name));

/** It thinks, and takes all that Claude has taken so far. */
const OPUS = 'anthropic.claude-opus-4-6-v1:0';

/** OpenAI's own answers tell no thoughts; a server like it does. @type {Provider[]} */
const PROVIDERS = [
    { name: 'openai', dialect: openai, model: 'gpt-5.5', dull: { effort: 'gpt-4o', sampling: 'gpt-5.6-sol', sight: 'gpt-3.5-turbo' }, own: ['openai', 'responses'], lacks: /** @type {any} */ (['thought']) },
    { name: 'lmstudio', dialect: openai, model: 'gpt-oss-20b', dull: { effort: 'some-model', sight: 'gpt-oss-120b' }, own: ['openai', 'responses'] },
    { name: 'claude', dialect: anthropic, model: 'claude-sonnet-5', dull: { effort: 'claude-3-5-haiku', sampling: 'claude-opus-5', sight: 'claude-2.1' }, own: ['anthropic'] },
    { name: 'gemini', dialect: gemini, model: 'gemini-3.7-flash', dull: { effort: 'gemini-2.0-flash' }, own: ['gemini'] },
    { name: 'ollama', dialect: ollama, model: 'gpt-oss:20b', dull: { effort: 'llama3.2:3b', sight: 'llama3.2:3b' }, own: ['ollama', 'openai'] },
    {
        name: 'bedrock', dialect: bedrock, model: OPUS, dull: { effort: 'amazon.nova-pro-v1:0', sampling: SONNET }, own: ['bedrock'],
        lacks: /** @type {any} */ (['sequence']),
    },
].filter(({ dialect }) => speaks(dialect.name));

/** @type {Record<string, Face>} */
const FACES = { openai: openaiFace, lmstudio: { ...openaiFace, admit: () => null }, claude: anthropicFace, gemini: geminiFace, ollama: ollamaFace, bedrock: bedrockFace };
/** Where each is told to be, and by which key. @type {Record<string, string[]>} */
const PLACES = {
    openai: ['CODEX_ENDPOINT', 'OPENAI_API_KEY'], lmstudio: ['LMSTUDIO_HOST'], claude: ['CLAUDE_ENDPOINT', 'ANTHROPIC_API_KEY'],
    gemini: ['GEMINI_ENDPOINT', 'GEMINI_API_KEY'], ollama: ['OLLAMA_HOST'], bedrock: ['BEDROCK_ENDPOINT', 'AWS_BEARER_TOKEN_BEDROCK'],
};

lend('gpt-oss:20b', 'gpt-oss-20b', 'gpt-oss-120b', 'some-model', 'gemini-2.0-flash', OPUS);

/** The names of a provider's models. Its usual one can all that its dialect has words for; of the dull ones the gateway knows
 * what they lack (config/models.json). @param {Provider} one @returns {[string, unknown][]} */
function modelsOf(one) {
    const [usual, ill] = [`${one.name}/${one.model}`, `ill-${one.name}/${one.model}`];
    const known = [[aliasOf(one), usual], [aliasOf(one, 'ill'), ill], [usual, { lacks: [] }], [ill, { lacks: [] }]];
    const dull = Object.entries(one.dull ?? {}).map(([what, model]) => [aliasOf(one, what), `${one.name}/${model}`]);
    return /** @type {[string, unknown][]} */ ([...known, ...dull]);
}

/** Two of the same kind are no two of one mind. @param {Provider} provider */
const otherThan = ({ dialect }) => /** @type {Provider} */ (PROVIDERS.find((one) => one.dialect !== dialect));

/** What a cell comes to that says nothing of the gateway. */
const NOTHING = ['no words', 'none'];

/** @param {Cell} cell @returns {string | undefined} why it is known to fail */
function isOpen({ client, provider, feature, stream }) {
    if (provider.own.includes(client.name)) return undefined;
    const is = [client.name, provider.name, feature.name, stream ? 'stream' : 'whole'];
    return OPEN.find((line) => is.every((one, i) => line[i] === '*' || line[i] === one))?.[4];
}

/** Several at once. @param {(() => Promise<void>)[]} all */
async function inTurn(all) {
    const left = all.values();
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
        for (const one of left) await one();
    }));
}

test('every row of the gateway’s table is a feature’s', () => {
    const used = new Set(FEATURES.flatMap(({ uses }) => uses));
    assert.deepEqual(ROWS.filter((row) => !used.has(row)), []);
});

test('open.mjs speaks of features that there are', () => {
    assert.deepEqual(OPEN.filter(([, , feature]) => !FEATURES.some(({ name }) => name === feature)), []);
});

/** What came of the cells, at the last host. @type {Map<string, string>} */
const results = new Map();
/** What is wrong with a cell, by its id. @type {Map<string, string>} */
const wrongs = new Map();

/** @param {string} host @param {string} url @returns {Cell[]} */
function cellsOf(host, url) {
    let number = 0;
    return CLIENTS.flatMap((client) => PROVIDERS.flatMap((provider) => FEATURES.flatMap((feature) => [false, true].map((stream) =>
        ({ id: `${host}-${++number}`, url, key: KEY, client, provider, other: otherThan(provider), feature, stream })))));
}

/** @param {Cell} cell */
async function judge(cell) {
    const { id, client, provider, feature, stream } = cell;
    const name = `${feature.name}${stream ? ', streamed' : ''}`, place = placeOf(client.name, provider.name, feature.name, stream);
    const why = isOpen(cell);
    try {
        const result = await playCell(cell, FACES);
        results.set(place, result);
        if (why !== undefined && !NOTHING.includes(result)) wrongs.set(id, `${name}: it is ${result} now; its line in open.mjs has to go`);
    } catch (error) {
        results.set(place, 'open');
        if (why === undefined) wrongs.set(id, `${name}: ${error instanceof Error ? error.message : error}`);
    }
}

atBoth('the matrix', (bench) => {
    /** @type {Record<string, import('./target.mjs').Target>} */
    const targets = {};
    before(async () => {
        for (const { name } of PROVIDERS) targets[name] = await startTarget(name, FACES[name], `sk-of-${name}-0123456789`);
    });
    after(() => Promise.all(Object.values(targets).map((target) => target.close())));

    test('each cell', async (t) => {
        const env = Object.fromEntries(PROVIDERS.flatMap(({ name }) => {
            const [place, key] = PLACES[name];
            return [[place, targets[name].url], ...key ? [[key, `sk-of-${name}-0123456789`]] : []];
        }));
        const ill = PROVIDERS.map(({ name }) => [`ill-${name}`, { like: name, endpoint: targets[name].url, ...PLACES[name][1] ? { key_env: PLACES[name][1] } : {} }]);
        const host = await bench.open(t, {
            env: { GATEWAY_AUTH: '', GATEWAY_KEYS: keyLines({ ann: KEY }), ...env },
            config: {
                providers: Object.fromEntries(ill), breaker: { failure_threshold: 63 },
                models: Object.fromEntries(PROVIDERS.flatMap(modelsOf)),
            },
        });
        const cells = cellsOf(bench.name, host.url);
        await inTurn(cells.map((cell) => () => judge(cell)));
        for (const client of CLIENTS) {
            for (const provider of PROVIDERS) {
                await t.test(`${client.name} at ${provider.name}`, () => {
                    const pair = cells.filter((cell) => cell.client === client && cell.provider === provider);
                    const wrong = pair.map(({ id }) => wrongs.get(id)).filter((why) => why !== undefined);
                    assert.equal(wrong.length, 0, `${wrong.length} of ${pair.length} cells\n${wrong.join('\n')}`);
                });
            }
        }
    });

    test('the page says what came of them', () => {
        const page = pageOf(results, CLIENTS.map(({ name }) => name), PROVIDERS.map(({ name }) => name), FEATURES);
        if (process.env.MATRIX_UPDATE !== undefined) writeFileSync(PAGE, page);
        assert.equal(page, existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '', 'make matrix');
    });
});
