// Translation, document by document: README.md says which files these are.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { COHERE, COHERE_OLDER, LLAMA, NOVA, OLDER, SONNET, TITAN } from '../providers/bedrock.mjs';
import { startProvider } from '../providers/fakes.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const TRANSLATE = fileURLToPath(new URL('../../build/asan/tests/golden/translate', import.meta.url));
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ROUNDTRIP = `${ROOT}build/native/tests/golden/roundtrip`;
const DIALECTS = ['openai', 'anthropic', 'responses', 'gemini', 'ollama', 'bedrock'];
const UPDATE = process.env.GOLDEN_UPDATE !== undefined;

execFileSync('make', ['-s', TRANSLATE.slice(ROOT.length)], { cwd: ROOT });

/** The fake that knows the dialect, a model of its, and where it is asked. @type {Record<string, [string, string, string, string]>} */
const ASKED = {
    openai: ['openai', 'gpt-4o', '/v1/chat/completions', '/v1/chat/completions'],
    responses: ['openai', 'gpt-5.5', '/v1/responses', '/v1/responses'],
    anthropic: ['anthropic', 'claude-sonnet-5', '/v1/messages', '/v1/messages'],
    gemini: ['gemini', 'gemini-3.7-flash', '/v1beta/models/%m:generateContent', '/v1beta/models/%m:streamGenerateContent?alt=sse'],
    ollama: ['ollama', 'llama3.2:3b', '/api/chat', '/api/chat'],
    bedrock: ['bedrock', SONNET, '/model/%m/converse', '/model/%m/converse-stream'],
};
/** The same for embeddings. @type {Record<string, [string, string, string, string]>} */
const EMBEDS = {
    openai: ['openai', 'text-embedding-3-small', '/v1/embeddings', ''],
    gemini: ['gemini', 'gemini-embedding-001', '/v1beta/models/%m:batchEmbedContents', ''],
    ollama: ['ollama', 'nomic-embed-text', '/api/embed', ''],
    bedrock: ['bedrock', COHERE, '/model/%m/invoke', ''],
};
/** Others that are asked for other things; what they are sent is in no file. @type {Record<string, string[]>} */
const OTHERS = { bedrock: [OLDER, NOVA, LLAMA] };
/** @type {Record<string, string[]>} */
const OTHER_EMBEDS = { bedrock: [TITAN, COHERE_OLDER], openai: ['text-embedding-ada-002'] };
const isEmbeds = (/** @type {string} */ kind) => kind === 'embed' || kind === 'vectors';

/** @type {Record<string, Record<string, string>>} */
const KEYS = {
    openai: { authorization: 'Bearer key' }, ollama: { authorization: 'Bearer key' }, bedrock: { authorization: 'Bearer key' }, gemini: { 'x-goog-api-key': 'key' },
    anthropic: { 'x-api-key': 'key', 'anthropic-version': '2023-06-01' },
};

/** What `translate` prints. @param {string[]} args @param {string} file */
function translated(args, file) {
    const { stdout, stderr, status } = spawnSync(TRANSLATE, args, { input: readFileSync(file), maxBuffer: 1 << 26 });
    assert.equal(stderr.toString(), '', args.join(' '));
    return { out: stdout, status };
}

/** Whether a dialect is translated yet. @param {string} name */
function speaks(name) {
    return spawnSync(TRANSLATE, ['request', name, name], { input: '{}' }).status !== 2;
}

const SPOKEN = DIALECTS.filter(speaks);

test('docs/dialects.md is what the tables say', () => {
    const page = readFileSync(fileURLToPath(new URL('../../docs/dialects.md', import.meta.url)), 'utf8');
    assert.equal(page, execFileSync(TRANSLATE, ['table']).toString(), 'make dialects');
});

test('10,000 conversations of chance mean the same, there and back, for every pair of dialects', () => {
    const SEED = 1, SEEDS = 10_000;
    execFileSync('make', ['-s', 'build/native/tests/golden/roundtrip'], { cwd: ROOT });
    const { stdout, status } = spawnSync(ROUNDTRIP, [`${SEED}`, `${SEEDS}`], { maxBuffer: 1 << 26 });
    assert.equal(status, 0, stdout.toString().slice(0, 20_000));
    assert.match(stdout.toString(), new RegExp(`^${SEEDS * SPOKEN.length * (SPOKEN.length - 1)} passed, 0 failed$`, 'm'));
});

describe('golden files', () => {
    /** @type {Record<string, import('../providers/fakes.mjs').Provider>} */
    const fakes = {};
    before(async () => {
        for (const name of ['openai', 'anthropic', 'gemini', 'ollama', 'bedrock']) fakes[name] = await startProvider(name, { pace: 0, keys: ['key'] });
    });
    after(() => Promise.all(Object.values(fakes).map((fake) => fake.close())));

    /** The provider takes it. @param {[string, string, string, string]} known @param {string} text @param {string} [other] model */
    async function isTaken(known, text, other) {
        if (/^cannot .*: reject$/m.test(text)) return;
        const [fake, model, path, streamed] = known;
        const body = text.slice(text.indexOf('\n{') + 1);
        const streams = /"stream":true/.test(body) || path.endsWith(':generateContent');
        const headers = { 'content-type': 'application/json', ...KEYS[fake] };
        const answer = await fetch(fakes[fake].url + (streams ? streamed : path).replace('%m', encodeURIComponent(other ?? model)), { method: 'POST', headers, body });
        assert.equal(answer.status, 200, `${await answer.text()}\n${body}`);
    }

    for (const file of globSync(`${HERE}*/{request,answer,told,stream,embed,vectors}/*.{json,txt,bin}`).sort()) {
        const kind = basename(dirname(file)), dialect = basename(dirname(dirname(file)));
        const name = basename(file).replace(/\.[a-z]+$/, '');
        const table = isEmbeds(kind) ? EMBEDS : ASKED;
        for (const out of SPOKEN.filter((one) => SPOKEN.includes(dialect) && one in table)) {
            test(`${dialect} ${kind} ${name} as ${out}`, async () => {
                const model = table[out][1], asks = kind === 'request' || kind === 'embed';
                const more = asks ? [model] : kind === 'stream' ? ['usage'] : [];
                const expected = `${dirname(file)}/${name}.${out}`, asked = `${dirname(file)}/${name}.asked-${out}`;
                if (existsSync(asked)) more.push(asked);
                const { out: bytes, status } = translated([kind, dialect, out, ...more], file);
                if (UPDATE) writeFileSync(expected, bytes);
                if (!UPDATE) assert.equal(bytes.toString('latin1'), readFileSync(expected).toString('latin1'));
                if (!asks || status !== 0 || (isEmbeds(kind) && out === dialect)) return; // that is never translated
                await isTaken(table[out], bytes.toString());
                for (const other of (isEmbeds(kind) ? OTHER_EMBEDS : OTHERS)[out] ?? []) await isTaken(table[out], translated([kind, dialect, out, other], file).out.toString(), other);
            });
        }
    }
});
