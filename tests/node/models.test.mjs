/** The models of the test node: what they say, and that each fault of a stream happens. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { ask, exchange, json, postJson } from '../lib/client.mjs';
import { deltasOf } from './dialects.mjs';
import { startNode } from './node.mjs';

/** @typedef {import('./faults.mjs').Fault} Fault */

const CHAT = '/v1/chat/completions';
const BODY = { stream: true, seed: 7, max_tokens: 12, messages: [{ role: 'user', content: 'hello' }] };

/** @type {import('./node.mjs').Node[]} */
let nodes;

/** @param {Record<string, unknown>} body @param {string} [path] */
function post(body, path = CHAT) {
    const text = JSON.stringify(body);
    return `POST ${path} HTTP/1.1\r\nhost: n\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

/** @param {string} text @returns {any[]} */
function eventsOf(text) {
    const lines = text.split('\n').filter((line) => line.startsWith('data: {'));
    return lines.map((line) => JSON.parse(line.slice(6)));
}

/** @param {string} text */
function wordsOf(text) {
    return eventsOf(text).map((event) => event.choices?.[0]?.delta?.content ?? '').join('');
}

/** @param {Record<string, unknown>} body */
function expected(body) {
    return deltasOf(body).map((delta) => delta.piece).join('');
}

describe('models of a node', { timeout: 60_000 }, () => {
    before(async () => {
        nodes = await Promise.all([startNode({ id: 1 }), startNode({ id: 2 })]);
    });
    beforeEach(async () => {
        for (const node of nodes) {
            await node.control('ok');
            node.forget();
        }
    });
    after(() => Promise.all(nodes.map((node) => node.close())));

    /** @param {Fault} fault @param {Record<string, unknown>} [body] */
    const under = async (fault, body = BODY) => {
        await nodes[0].control(fault);
        return await exchange(nodes[0].url, post(body), {
            timeout: 500,
            enough: (text) => text.endsWith('0\r\n\r\n'),
        });
    };

    test('two nodes say the same to the same request, and something else to another', async () => {
        const [one, two] = await Promise.all(nodes.map((node) => postJson(node.url, CHAT, BODY)));
        assert.equal(wordsOf(one.text), expected(BODY));
        assert.equal(wordsOf(two.text), expected(BODY));
        assert.notEqual(expected({ ...BODY, seed: 8 }), expected(BODY));
        assert.ok(Buffer.byteLength(expected(BODY)) > expected(BODY).length, 'it has wide characters');
    });

    test('a node may differ from a token on, and have a model and a count of its own', async () => {
        const body = { ...BODY, stream_options: { include_usage: true } };
        await nodes[0].control({ mode: 'ok', differs: 4, model: 'other', prompt_tokens: 77 });
        const { text } = await postJson(nodes[0].url, CHAT, body);
        const start = deltasOf(BODY).slice(0, 4).map((delta) => delta.piece).join('');
        assert.ok(wordsOf(text).startsWith(start) && wordsOf(text) !== expected(BODY));
        const last = eventsOf(text).at(-1);
        assert.deepEqual([last.model, last.usage.prompt_tokens], ['other', 77]);
    });

    test('each dialect streams in its own events, and answers whole', async () => {
        const messages = BODY.messages;
        const short = { stream: true, max_tokens: 3, messages };
        const anthropic = (await postJson(nodes[0].url, '/v1/messages', short)).text;
        assert.deepEqual([...anthropic.matchAll(/^event: (.*)$/gm)].map((match) => match[1]), [
            'message_start', 'ping', 'content_block_start', 'content_block_delta', 'content_block_delta',
            'content_block_delta', 'content_block_stop', 'message_delta', 'message_stop',
        ]);
        const lines = (await postJson(nodes[0].url, '/api/chat', { messages })).text.trim().split('\n');
        assert.equal(lines.length, 9);
        assert.equal(JSON.parse(lines[8]).done, true);
        const older = await postJson(nodes[0].url, '/v1/completions', { prompt: 'p', max_tokens: 2 });
        assert.equal(json(older).choices[0].text, 'w0 w1');
        const called = await postJson(nodes[0].url, CHAT, { ...BODY, tools: [{}] });
        const parts = eventsOf(called.text).flatMap((event) => event.choices[0].delta.tool_calls ?? []);
        assert.equal(JSON.parse(parts.map((part) => part.function.arguments).join('')).text, expected(BODY));
    });

    test('a stream is cut where it is said', async () => {
        for (const how of /** @type {const} */ (['reset', 'fin', 'event', 'char', 'chunk'])) {
            const got = await under({ mode: 'cut', how, tokens: 3 });
            assert.equal(got.error, how === 'reset' ? 'ECONNRESET' : null, how);
            assert.ok(got.closed && !got.text.endsWith('0\r\n\r\n'), how);
            assert.ok(got.text.includes('"role":"assistant"') && !got.text.includes('[DONE]'), how);
            if (how === 'chunk') assert.ok(got.text.endsWith('\r\n3'));
            if (how === 'char') assert.match(got.text, /[\xc0-\xff]\r\n$/);
            if (how === 'event') assert.match(got.text, /data: \{"id[^\n]*[^\n}]\r\n$/);
        }
        const clean = await under({ mode: 'cut', how: 'clean', tokens: 3 });
        assert.ok(clean.text.endsWith('0\r\n\r\n') && !clean.text.includes('stop'));
        assert.equal(eventsOf(clean.text).length, 4);
    });

    test('a stream is late, silent, empty, malformed, in error, or has no end', async () => {
        const early = await under({ mode: 'late', ms: 60_000 });
        assert.ok(early.text.includes('"role":"assistant"') && wordsOf(early.text) === '');
        assert.equal((await under({ mode: 'late', ms: 60_000, head: 'late' })).text, '');
        const silent = await under({ mode: 'silent', tokens: 2 });
        assert.deepEqual([silent.closed, eventsOf(silent.text).length], [false, 3]);
        const broken = await under({ mode: 'malformed', tokens: 2 });
        assert.throws(() => eventsOf(broken.text));
        assert.match(broken.text, /\[DONE\]/);
        const endless = await under({ mode: 'no_done' });
        assert.ok(endless.text.includes('"stop"') && !endless.text.includes('[DONE]'));
        const failed = await under({ mode: 'error_event' });
        assert.deepEqual(eventsOf(failed.text).map((event) => event.error.type), ['server_error']);
        assert.equal(eventsOf((await under({ mode: 'empty' })).text).length, 0);
        assert.equal(eventsOf((await under({ mode: 'empty', with: 'role' })).text).length, 1);
    });

    test('a request is refused for what it is, in the words of its dialect', async () => {
        await nodes[0].control('context');
        const long = await postJson(nodes[0].url, CHAT, BODY);
        assert.deepEqual([long.status, json(long).error.code], [400, 'context_length_exceeded']);
        const other = await postJson(nodes[0].url, '/v1/messages', BODY);
        assert.deepEqual([other.status, json(other).type], [400, 'error']);
        assert.match(json(other).error.message, /prompt is too long/);
        await nodes[0].control('policy');
        assert.equal(json(await postJson(nodes[0].url, CHAT, BODY)).error.code, 'content_policy_violation');
        await nodes[0].control('no_prefill');
        assert.equal((await postJson(nodes[0].url, CHAT, BODY)).status, 200);
        const messages = [...BODY.messages, { role: 'assistant', content: 'I' }];
        assert.equal((await postJson(nodes[0].url, CHAT, { ...BODY, messages })).status, 400);
        await nodes[0].control('poison');
        assert.equal((await postJson(nodes[0].url, CHAT, { ...BODY, user: 'poison' })).status, 500);
        assert.equal((await postJson(nodes[0].url, CHAT, BODY)).status, 200);
        const reset = await under({ mode: 'poison', how: 'reset' }, { ...BODY, user: 'poison' });
        assert.equal(reset.error, 'ECONNRESET');
    });

    test('a flaky node fails its share, the same ones again; each request is remembered', async () => {
        const round = async () => {
            nodes[0].forget();
            await nodes[0].control({ mode: 'flaky', rate: 0.3, seed: 5, as: { mode: '503' } });
            for (let i = 0; i < 40; i++) await ask(nodes[0].url, '/echo', { headers: { 'x-request-id': `r${i}` } });
            return nodes[0].seen();
        };
        const first = await round();
        assert.deepEqual([first.length, first[39].id], [40, 'r39']);
        const failed = first.filter((seen) => seen.status === 503).length;
        assert.ok(failed >= 5 && failed <= 20, `${failed}`);
        assert.deepEqual((await round()).map((seen) => seen.status), first.map((seen) => seen.status));
        await nodes[0].control('ok');
        await postJson(nodes[0].url, CHAT, BODY);
        const last = nodes[0].seen().at(-1);
        assert.equal(last?.sha.length, 64);
        assert.ok(last !== undefined && last.until >= last.at);
    });
});
