/**
 * AWS's SDK for Bedrock, unmodified but for endpoint and token, through the gateway at both hosts: before the
 * daemon by HTTP/2 with prior knowledge, as the SDK does by itself, before workerd by HTTP/1.1. The fake behind
 * it verifies each signature.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before } from 'node:test';
import { ask } from '../lib/client.mjs';
import { atBoth, test } from '../lib/hosts.mjs';
import { keyLines } from '../lib/keys.mjs';
import { until } from '../lib/proc.mjs';
import { MAKERS } from './bedrock.mjs';
import { BEDROCK_CASES, BEDROCK_SHORT, MODEL, bedrockClient } from './bedrock-cases.mjs';
import { startProvider } from './fakes.mjs';
import { framesIn } from './frames.mjs';
import { sameBytes } from './recorder.mjs';
import { textOf } from './said.mjs';

const KEY = 'hk-the-client-of-the-gateway-0123456789';
const FIRST = { id: 'AKIAFAKEONE4721', secret: 'fake/secret+one4722', token: 'FwoGfakeTokenOne//4723==' };
const SECOND = { id: 'AKIAFAKETWO4724', secret: 'fake/secret+two4725', token: '' };
const BEARER = 'ABSKQmVkcm9ja0ZBS0U0NzI2';
const KEYS = [`${FIRST.id}:${FIRST.secret}:${FIRST.token}`, `${SECOND.id}:${SECOND.secret}`, BEARER];
const EVERY = { gateway: KEY, providers: [FIRST.secret, SECOND.secret, FIRST.token, FIRST.id, SECOND.id, BEARER] };
const BASES = ['', '/api/ai/bedrock'];
const ACCOUNT = [
    ['GET', '/foundation-models'], ['GET', '/guardrails'], ['POST', '/model-invocation-job'], ['GET', '/async-invoke'],
    ['POST', '/async-invoke'], ['GET', `/model/${MODEL}`], ['POST', `/model/${MODEL}/count-tokens`], ['DELETE', `/model/${MODEL}/converse`],
];
const FORMS = { converse: textOf(MODEL, 'hello'), stream: textOf(MODEL, 'hello'), chunks: textOf(MAKERS, 'hello') };
/** Requests until each of two keys has had its turn, one in some thousands apart. */
const TURNS = 12;

/** @param {import('./fakes.mjs').Provider} fake @param {{id: string, secret: string, token: string}[]} keys */
function envOf(fake, ...keys) {
    const list = (/** @type {'id' | 'secret' | 'token'} */ what) => keys.map((key) => key[what]).join(',');
    return {
        GATEWAY_AUTH: '', GATEWAY_KEYS: keyLines({ ann: KEY }), BEDROCK_ENDPOINT: fake.url, AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: list('id'), AWS_SECRET_ACCESS_KEY: list('secret'), AWS_SESSION_TOKEN: list('token'),
    };
}

/** @param {unknown} error */
const statusOf = (error) => /** @type {any} */ (error).$metadata?.httpStatusCode;
/** @param {string} key */
const signsWith = (key) => (/** @type {import('./fakes.mjs').Seen} */ { headers }) => String(headers.authorization).includes(key);

atBoth('AWS\'s SDK for Bedrock', (bench) => {
    const http1 = bench.name === 'edge';
    /** @type {import('./fakes.mjs').Provider} */
    let fake;
    before(async () => void (fake = await startProvider('bedrock', { keys: KEYS })));
    afterEach(() => fake.forget());
    after(() => fake.close());

    test('each case, and its bytes, under both bases', async (t) => {
        const host = await bench.open(t, { env: envOf(fake, FIRST) });
        for (const base of BASES) {
            for (const [title, run] of Object.entries(BEDROCK_CASES)) {
                await t.test(`${base} ${title}`, async () => {
                    fake.forget();
                    const { client, kept } = bedrockClient(host.url + base, KEY, { http1 });
                    await run(client, fake);
                    await sameBytes(kept, fake.seen, EVERY);
                    for (const { url } of fake.seen) assert.match(url, /^\/model\/[a-z]+[^:/]+%3A[^:/]+\/(converse|invoke)/);
                });
            }
        }
        for (const key of [KEY, FIRST.secret, FIRST.token]) assert.ok(!host.log().includes(key), 'no key in the log');
    });

    test('a key of Bedrock\'s own is a bearer, and goes first', async (t) => {
        const host = await bench.open(t, { env: { ...envOf(fake, FIRST), AWS_BEARER_TOKEN_BEDROCK: BEARER } });
        const { client, kept } = bedrockClient(host.url, KEY, { http1 });
        for (const [form, text] of Object.entries(FORMS)) assert.equal(await BEDROCK_SHORT[form](client), text);
        await sameBytes(kept, fake.seen, EVERY);
        assert.ok(fake.seen.every(signsWith(`Bearer ${BEARER}`)));
    });

    test('errors are Bedrock\'s own, and known by their names', async (t) => {
        const host = await bench.open(t, { env: envOf(fake, FIRST) });
        /** @type {[import('./faults.mjs').Given, string][]} */
        const faults = [
            [{ status: 400 }, 'ValidationException'], [{ status: 403 }, 'AccessDeniedException'], [{ status: 404 }, 'ResourceNotFoundException'],
            [{ status: 408 }, 'ModelTimeoutException'], [{ status: 424 }, 'ModelErrorException'], [{ status: 429 }, 'ThrottlingException'],
            [{ status: 429, kind: 'not_ready' }, 'ModelNotReadyException'],
        ];
        for (const [fault, name] of faults) {
            fake.forget();
            fake.control(fault);
            const { client, kept } = bedrockClient(host.url, KEY, { http1 });
            const error = await BEDROCK_SHORT.stream(client).catch((/** @type {any} */ e) => e);
            assert.deepEqual([error.name, statusOf(error)], [name, /** @type {any} */ (fault).status]);
            await sameBytes(kept, fake.seen, EVERY);
        }
    });

    test('errors of the gateway have names that the SDK knows', async (t) => {
        const host = await bench.open(t, { env: envOf(fake, FIRST) });
        const wrong = bedrockClient(host.url, 'hk-wrong', { http1 }).client;
        await assert.rejects(BEDROCK_SHORT.stream(wrong), { name: 'AccessDeniedException' });
        const none = await bench.open(t, { env: { GATEWAY_AUTH: '', GATEWAY_KEYS: keyLines({ ann: KEY }) } });
        const { client } = bedrockClient(none.url, KEY, { http1 });
        await assert.rejects(BEDROCK_SHORT.converse(client), { name: 'ResourceNotFoundException', message: /set AWS_ACCESS_KEY_ID/ });
        assert.equal(fake.seen.length, 0);
    });

    test('a reset, a 500 and an exception as the first frame are tried once more', async (t) => {
        const host = await bench.open(t, { env: envOf(fake, FIRST) });
        for (const fault of [{ mode: 'reset', count: 1 }, { status: 500, count: 1 }, { mode: 'error_event', tokens: 0, count: 1 }]) {
            for (const [form, text] of Object.entries(FORMS)) {
                if (form === 'converse' && fault.mode === 'error_event') continue;
                fake.forget();
                fake.control(fault);
                const { client, kept } = bedrockClient(host.url, KEY, { http1 });
                assert.equal(await BEDROCK_SHORT[form](client), text, `${form} ${JSON.stringify(fault)}`);
                assert.equal(fake.seen.length, 2);
                await sameBytes(kept, fake.seen.slice(1), EVERY);
            }
        }
    });

    test('a stream that breaks is never taken for whole, and says so in a frame', async (t) => {
        const host = await bench.open(t, { env: envOf(fake, FIRST) });
        const cuts = ['reset', 'fin', 'event', 'clean'].map((how) => ({ mode: 'cut', how, tokens: 5 }));
        for (const fault of [...cuts, { mode: 'malformed', tokens: 5 }, { mode: 'error_event', tokens: 5 }]) {
            for (const form of ['stream', 'chunks']) {
                // The model's own events, within chunks, are not read: where they end only its client knows.
                if (form === 'chunks' && 'how' in fault && fault.how === 'clean') continue;
                await t.test(`${form} ${JSON.stringify(fault)}`, async () => {
                    fake.forget();
                    fake.control(/** @type {any} */ (fault));
                    const { client, kept } = bedrockClient(host.url, KEY, { http1 });
                    await assert.rejects(BEDROCK_SHORT[form](client));
                    const frames = framesIn(await kept[0].got);
                    const last = frames.at(-1);
                    assert.equal(last?.headers[':message-type'], 'exception');
                    if (fault.mode === 'error_event') return sameBytes(kept, fake.seen, EVERY);
                    assert.equal(last?.headers[':exception-type'], 'modelStreamErrorException');
                    assert.match(last?.payload.message, /^the stream broke off/);
                });
            }
        }
    });

    test('the SDK\'s own retries get there', async (t) => {
        const host = await bench.open(t, { env: envOf(fake, FIRST) });
        const { client } = bedrockClient(host.url, KEY, { http1, retries: 3 });
        for (const fault of [{ status: 503, count: 1 }, { status: 429, count: 1 }]) {
            fake.control(fault);
            assert.equal(await BEDROCK_SHORT.stream(client), FORMS.stream, JSON.stringify(fault));
        }
    });

    for (const [why, fault] of Object.entries({
        refused: { status: 403, code: 'UnrecognizedClientException' }, expired: { status: 403, code: 'ExpiredTokenException' },
        busy: { status: 429, retry_after: 30 },
    })) {
        test(`a key that is ${why} rests, alone, and its neighbour serves`, async (t) => {
            const host = await bench.open(t, { env: envOf(fake, FIRST, SECOND) });
            fake.control({ ...fault, key: FIRST.id });
            const { client } = bedrockClient(host.url, KEY, { http1 });
            for (let i = 0; i < TURNS; i++) assert.equal(await BEDROCK_SHORT.stream(client), FORMS.stream);
            assert.ok(fake.seen.filter(({ status }) => status !== 200).length <= 1);
            assert.equal(fake.seen.filter(signsWith(SECOND.id)).length, TURNS);
        });
    }

    test('a secret that is wrong is the gateway\'s affair, and nobody is told what was signed', async (t) => {
        const host = await bench.open(t, { env: envOf(fake, { ...FIRST, secret: 'another4727' }) });
        const { client, kept } = bedrockClient(host.url, KEY, { http1 });
        await assert.rejects(BEDROCK_SHORT.converse(client), (error) => statusOf(error) === 502);
        assert.match(fake.seen[0].answer.toString(), /does not match the signature.*Canonical String/);
        const shown = (await kept[0].got).toString();
        assert.ok(!/Canonical|AWS4|AKIA/.test(shown), shown);
        await until(() => host.log().includes('"event":"key_refused"'), 'a line in the log');
        assert.ok(!/Canonical|AWS4|AKIA/.test(host.log()));
    });

    test('account resources are refused, and not asked for', async (t) => {
        const host = await bench.open(t, { env: envOf(fake, FIRST) });
        for (const [method, path] of ACCOUNT) {
            const headers = { 'authorization': `Bearer ${KEY}`, 'content-type': 'application/json' };
            const answer = await ask(host.url, `/api/ai/bedrock${path}`, { method, headers, body: method === 'POST' ? '{}' : undefined });
            assert.equal(answer.status, 403, `${method} ${path}: ${answer.text}`);
            assert.match(JSON.parse(answer.text).message, /only what runs a model/);
            assert.equal(answer.headers['x-amzn-errortype'], 'AccessDeniedException');
        }
        assert.equal(fake.seen.length, 0);
    });

    test('what other clients send: a colon as it is, options of InvokeModel in headers', async (t) => {
        const host = await bench.open(t, { env: envOf(fake, FIRST) });
        const headers = { 'authorization': `Bearer ${KEY}`, 'content-type': 'application/json', 'x-amzn-bedrock-guardrailidentifier': 'g1' };
        const body = JSON.stringify({ anthropic_version: 'bedrock-2023-05-31', max_tokens: 9, messages: [{ role: 'user', content: 'hello' }] });
        const answer = await ask(host.url, `/model/${MODEL}/invoke`, { method: 'POST', headers, body });
        assert.equal(answer.status, 200, answer.text);
        assert.ok(answer.headers['x-amzn-requestid'] !== undefined && answer.headers['x-amzn-bedrock-input-token-count'] !== undefined);
        const [seen] = fake.seen;
        assert.deepEqual([seen.url, seen.headers['x-amzn-bedrock-guardrailidentifier']], [`/model/${MODEL}/invoke`, 'g1']);
    });

    test('/generate is signed as it is sent, made of what the client gave, in whatever order', async (t) => {
        const host = await bench.open(t, { env: envOf(fake, FIRST) });
        const headers = { 'authorization': `Bearer ${KEY}`, 'content-type': 'application/json' };
        for (const given of [{ prompt: 'héllo', model: MODEL }, { max_tokens: 3000, system_prompt: 'be brief', model: MODEL, prompt: 'héllo' }]) {
            const answer = await ask(host.url, '/api/ai/bedrock/generate', { method: 'POST', headers, body: JSON.stringify(given) });
            assert.equal(answer.status, 200, answer.text);
            assert.equal(JSON.parse(answer.text).output.message.content[0].text, textOf(MODEL, 'héllo'));
        }
        assert.equal(fake.seen.length, 2);
    });

    test('a body that is too large to be signed is refused; one in chunks is signed as well', async (t) => {
        const host = await bench.open(t, { env: envOf(fake, FIRST), config: { limits: { json_bytes_max: 4096 } } });
        const { client } = bedrockClient(host.url, KEY, { http1 });
        assert.equal(await BEDROCK_SHORT.converse(client), FORMS.converse);
        const headers = { 'authorization': `Bearer ${KEY}`, 'content-type': 'application/json' };
        const path = `/model/${encodeURIComponent(MODEL)}/converse`;
        const large = JSON.stringify({ messages: [{ role: 'user', content: [{ text: 'x'.repeat(5000) }] }] });
        const refused = await ask(host.url, path, { method: 'POST', headers, body: large });
        assert.deepEqual([refused.status, refused.headers['x-amzn-errortype']], [413, 'ValidationException']);
        const small = JSON.stringify({ messages: [{ role: 'user', content: [{ text: 'hello' }] }] });
        const stream = new ReadableStream({
            start(controller) {
                for (const c of small) controller.enqueue(Buffer.from(c));
                controller.close();
            },
        });
        const init = { method: 'POST', headers, body: stream, duplex: 'half' };
        const answer = await fetch(host.url + path, /** @type {RequestInit} */ (init));
        assert.equal(answer.status, 200, await answer.text());
    });
});
