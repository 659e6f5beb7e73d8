/**
 * PyPI's openai, anthropic and google-genai, unmodified but for base URL and key, through both hosts, as sdk.test.mjs
 * has npm's: what they send is what the provider sees, what it answers is what they get, byte by byte.
 */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { atBoth, test } from '../lib/hosts.mjs';
import { until } from '../lib/proc.mjs';
import { shown } from '../lib/readme.mjs';
import { CALLS, HEARD, IMAGES, MODELS, SHARED } from './cases.mjs';
import { EVERY, KEY, KEYS, openFront, paired, startFakes } from './front.mjs';
import { startPython } from './python.mjs';
import { sameBytes } from './recorder.mjs';
import { textOf, vector } from './said.mjs';

/**
 * @typedef {import('./fakes.mjs').Provider} Provider
 * @typedef {import('./front.mjs').Front} Front
 * @typedef {import('./python.mjs').Python} Python
 */

/** The native base URL, and the one that is the gateway's origin as the SDK expects it. @type {Record<string, [string, string]>} */
const BASES = { openai: ['/api/codex/v1', '/v1'], anthropic: ['/api/claude', ''], gemini: ['/api/gemini', ''] };
/** The list of models is no dialect's alone. */
const NATIVE_ONLY = ['models'];

/** Chunks of a stream: see sdk.py. */
const GIVEN_UP_AFTER = 5;
const CITY = { city: HEARD, count: 7, tags: [HEARD] };
const { responses: THINKS } = SHARED.models;
const VECTORS = [vector('a', 4), vector('b', 4)];

/** @param {string} name @param {string} found what it says to tools' results @returns {Record<string, unknown>} */
function common(name, found) {
    const model = MODELS[name];
    return {
        'plain': [textOf(model, HEARD), true],
        'tools': [CALLS, CALLS, textOf(model, found)],
        'images': textOf(model, HEARD, IMAGES),
        'at once': [0, 1, 2].map((i) => textOf(model, `${HEARD} ${i}`)),
    };
}

/** What each case tells. @type {Record<string, Record<string, unknown>>} */
const EXPECTED = {
    openai: {
        ...common('openai', 'found'),
        'streaming': [textOf(MODELS.openai, HEARD), true],
        'structured': [CITY, CITY],
        'responses': [...[1, 2, 3].map(() => textOf(THINKS, HEARD)), 'completed', true],
        'responses with tools': [CALLS, textOf(THINKS, 'found'), textOf(THINKS, HEARD, IMAGES)],
        'embeddings': [VECTORS, VECTORS],
        'more': [4096, true, true, true],
        'models': [true, MODELS.openai],
    },
    anthropic: {
        ...common('anthropic', 'found found '),
        'streaming': [textOf(MODELS.anthropic, HEARD), ['thinking', 'text'], 'end_turn'],
        'runner': textOf(MODELS.anthropic, 'found it'),
        'structured': CITY,
        'version before': textOf(MODELS.anthropic, HEARD),
        'models': [true, 5, true, MODELS.anthropic],
    },
    gemini: {
        ...common('gemini', 'found found '),
        'streaming': [textOf(MODELS.gemini, HEARD), 'STOP'],
        'runner': textOf(MODELS.gemini, 'found it'),
        'structured': CITY,
        'embeddings': VECTORS,
        'interactions': [textOf(MODELS.gemini, HEARD), textOf(MODELS.gemini, HEARD)],
        'tokens': true,
        'models': [6, true, `models/${MODELS.gemini}`],
    },
};

/** @type {Record<string, string[]>} */
const STREAMS = { openai: ['stream', 'response stream'], anthropic: ['stream'], gemini: ['stream'] };

/** What an SDK calls an error of this status. @type {Record<string, Record<number, string>>} */
const ERRORS = {
    openai: { 400: 'BadRequestError', 401: 'AuthenticationError', 429: 'RateLimitError', 502: 'InternalServerError' },
    anthropic: { 400: 'BadRequestError', 401: 'AuthenticationError', 429: 'RateLimitError', 502: 'InternalServerError' },
    gemini: { 400: 'ClientError', 401: 'ClientError', 429: 'ClientError', 502: 'ServerError' },
};

atBoth('Python SDKs of the providers', (bench) => {
    /** @type {Record<string, Provider>} */
    let fakes = {};
    /** @type {Record<string, Python>} */
    const pythons = {};

    before(async () => {
        fakes = await startFakes();
        for (const name of Object.keys(KEYS)) pythons[name] = startPython(name, SHARED);
    });
    after(() => Promise.all([...Object.values(fakes).map((fake) => fake.close()), ...Object.values(pythons).map((one) => one.stop())]));

    /** @param {import('node:test').TestContext} t */
    const open = (t) => openFront(t, bench, fakes);

    /** Each byte that came was the provider's, and the other way round. @param {Front} front @param {Provider} fake */
    async function whole(front, fake) {
        const { pairs, seen, own } = paired(front.kept, fake.seen);
        assert.equal(own.length, 0);
        await sameBytes(pairs, seen, EVERY);
    }

    /** @param {Front} front @param {Provider} fake */
    function anew(front, fake) {
        front.kept.length = 0;
        fake.forget();
    }

    /** @param {string} name @param {string} base @param {Front} front @param {import('node:test').TestContext} t */
    async function eachCase(name, base, front, t) {
        const asked = { base: front.url + base, key: KEY };
        const isNative = base === BASES[name][0];
        const titles = Object.keys(EXPECTED[name]).filter((title) => isNative || !NATIVE_ONLY.includes(title));
        for (const title of [...titles, 'abort']) {
            await t.test(`${base} ${title}`, async () => {
                anew(front, fakes[name]);
                assert.deepEqual(await pythons[name].run(title, asked), { got: title === 'abort' ? GIVEN_UP_AFTER : EXPECTED[name][title] });
                if (title === 'abort') await until(() => fakes[name].seen.at(-1)?.aborted === true, 'the provider to notice');
                await whole(front, fakes[name]);
            });
        }
    }

    /** @param {string} name */
    function cases(name) {
        test('each case, and its bytes, at each base URL; from the environment; errors as they are', async (t) => {
            const { host, front } = await open(t);
            for (const base of BASES[name]) await eachCase(name, base, front, t);
            anew(front, fakes[name]);
            const told = await pythons[name].run('from environment', { base: front.url, key: KEY, env: shown('SDKs', front.url, KEY).env });
            assert.deepEqual(told, { got: textOf(MODELS[name], 'hello') });
            await whole(front, fakes[name]);
            for (const fault of [{ status: 400 }, { status: 400, kind: 'policy' }, { status: 429, retry_after: 30 }]) {
                anew(front, fakes[name]);
                fakes[name].control(fault);
                const { error, status, told: text = '' } = await pythons[name].run('short', { base: front.url + BASES[name][0], key: KEY });
                assert.deepEqual([error, status], [ERRORS[name][fault.status], fault.status], text);
                const { error: { message } } = JSON.parse(fakes[name].seen[0].answer.toString());
                assert.ok(text.replaceAll('\\\'', '\'').includes(message), text);
                await whole(front, fakes[name]);
            }
            for (const key of EVERY.providers) assert.ok(!host.log().includes(key), 'no key in the log');
        });

        test('keys that are refused, the client\'s and the provider\'s', async (t) => {
            const { front } = await open(t);
            fakes[name].forget();
            const base = front.url + BASES[name][0];
            const mine = await pythons[name].run('short', { base, key: 'hk-nobody-knows-this-key-0123456789abcdef' });
            assert.deepEqual([mine.error, mine.status, fakes[name].seen.length], [ERRORS[name][401], 401, 0]);
            const part = KEYS[name].slice(0, 8);
            fakes[name].control({ status: 401, message: `Incorrect API key provided: ${part}***` });
            const theirs = await pythons[name].run('short', { base, key: KEY });
            assert.deepEqual([theirs.error, theirs.status], [ERRORS[name][502], 502]);
            assert.ok(!theirs.told?.includes(part), theirs.told);
        });

        test('a reset and a 500 are tried once more; the SDK\'s own retries get there, too', async (t) => {
            const { front } = await open(t);
            fakes[name].forget();
            const asked = { base: front.url + BASES[name][0], key: KEY };
            for (const fault of [{ mode: 'reset', count: 1 }, { status: 500, count: 1 }]) {
                for (const title of ['short', ...STREAMS[name]]) {
                    anew(front, fakes[name]);
                    fakes[name].control(fault);
                    assert.deepEqual(await pythons[name].run(title, asked), { got: textOf(MODELS[name], 'hello') });
                    assert.deepEqual([fakes[name].seen.length, front.kept.length], [2, 1]);
                }
            }
            for (const fault of [{ status: 503, count: 1 }, { status: 429, retry_after: 1, count: 1 }]) {
                anew(front, fakes[name]);
                fakes[name].control(fault);
                const told = await pythons[name].run('short', { ...asked, retries: 2 });
                assert.deepEqual(told, { got: textOf(MODELS[name], 'hello') }, JSON.stringify(fault));
            }
        });

        test('a stream that breaks is never taken for whole', async (t) => {
            const { front } = await open(t);
            fakes[name].forget();
            const cuts = ['reset', 'fin', 'event', 'clean'].map((how) => ({ mode: 'cut', how, tokens: 5 }));
            const errors = [0, 5].map((tokens) => ({ mode: 'error_event', tokens }));
            for (const fault of [...cuts, ...errors, { mode: 'empty', tokens: 0 }]) {
                for (const title of STREAMS[name]) {
                    anew(front, fakes[name]);
                    fakes[name].control(/** @type {any} */ (fault));
                    const { got, error } = await pythons[name].run(title, { base: front.url + BASES[name][0], key: KEY });
                    assert.ok(got === undefined && error !== undefined, `${title} ${JSON.stringify(fault)}: ${got}`);
                }
            }
        });

        test('who waits no longer is not waited for', async (t) => {
            const { front } = await open(t);
            fakes[name].forget();
            fakes[name].control('hang');
            const { error = '' } = await pythons[name].run('short', { base: front.url + BASES[name][0], key: KEY, timeout: 0.5 });
            assert.match(error, /Timeout/);
            await until(() => fakes[name].seen.length === 1 && fakes[name].seen[0].aborted, 'the provider to notice');
        });
    }

    describe('side by side', { concurrency: Object.keys(KEYS).length }, () => {
        for (const name of Object.keys(KEYS)) describe(name, { concurrency: 1 }, () => cases(name));
    });
});
