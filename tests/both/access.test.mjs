/** Who may ask, and that nobody's credentials go further than the gateway. */
import assert from 'node:assert/strict';
import { ask, begin, exchange, json, postJson } from '../lib/client.mjs';
import { atBoth, test } from '../lib/hosts.mjs';
import { until, within } from '../lib/proc.mjs';
import { keyLines, sha256 } from '../lib/keys.mjs';

const KEY = 'hk-a-key-for-tests-0123456789';
const OTHER = 'hk-another-key-9876543210';
const KEYED = { GATEWAY_AUTH: '', GATEWAY_KEYS: keyLines({ 'ann': KEY, 'bob:classes=code': OTHER }) };

/** @param {import('../lib/client.mjs').Answer} answer @param {number} status */
function isRefused(answer, status) {
    assert.equal(answer.status, status, answer.text);
    assert.equal(typeof json(answer).error.message, 'string');
    assert.ok(!answer.text.includes(KEY) && !answer.text.includes('wrong'), 'no secret in an error');
}

atBoth('access', (bench) => {
    test('a key opens, in each of its three places', async (t) => {
        const host = await bench.open(t, { env: KEYED });
        /** @type {Record<string, string>[]} */
        const good = [
            { authorization: `Bearer ${KEY}` },
            { authorization: `bearer ${KEY}` },
            { 'x-api-key': KEY },
            { 'x-goog-api-key': KEY },
        ];
        for (const headers of good) {
            const answer = await postJson(host.url, '/api/heavy/code/echo', {}, headers);
            assert.equal(answer.status, 200, answer.text);
            assert.ok(!answer.text.includes(KEY), 'the key did not reach the node');
        }
    });

    test('no key, a wrong key, half a key: 401, and no node is asked', async (t) => {
        const host = await bench.open(t, { env: KEYED });
        /** @type {Record<string, string>[]} */
        const bad = [
            {},
            { authorization: 'Bearer wrong' },
            { authorization: `Bearer ${KEY}x` },
            { authorization: `Bearer ${KEY.slice(0, -1)}` },
            { authorization: `Basic ${Buffer.from(`a:${KEY}`).toString('base64')}` },
            { authorization: 'Bearer ' },
            { authorization: `Bearer ${sha256(KEY)}` },
            { 'x-api-key': 'wrong' },
            { 'x-goog-api-key': '' },
            { cookie: `key=${KEY}` },
        ];
        for (const headers of bad) {
            for (const path of ['/api/heavy/code/echo', '/api/health', '/api/local/brain/status']) {
                isRefused(await ask(host.url, path, { headers }), 401);
            }
        }
        assert.equal(bench.cluster.requests() + bench.cluster.brain.stats().requests, 0);
        const health = await ask(host.url, '/health');
        assert.equal(health.status, 200);
    });

    test('a key in the query does not open', async (t) => {
        const host = await bench.open(t, { env: KEYED });
        isRefused(await ask(host.url, `/api/heavy/code/echo?key=${KEY}`), 401);
    });

    test('two different credentials: both readings must not be possible', async (t) => {
        const host = await bench.open(t, { env: KEYED });
        const headers = { 'authorization': 'Bearer wrong', 'x-api-key': KEY };
        const answer = await ask(host.url, '/api/heavy/code/echo', { headers });
        assert.ok(answer.status === 401 || answer.status === 200);
        assert.ok(!answer.text.includes('Bearer'), 'neither of them reached the node');
    });

    test('a log holds no prompt, no key and no URL of a node', async (t) => {
        const host = await bench.open(t, { env: KEYED, config: { log_requests: true } });
        const prompt = 'a-prompt-that-nobody-may-read';
        for (const node of [1, 3, 4]) await bench.cluster.node(node).control('500');
        const headers = { authorization: `Bearer ${KEY}` };
        await postJson(host.url, '/api/heavy/code/echo?q=a-query-too', { prompt }, headers);
        await postJson(host.url, '/api/local/brain/echo', { prompt }, headers);
        await until(() => host.log().split('"event":"request"').length > 2, 'two lines');
        for (const secret of [prompt, 'a-query-too', KEY, ...Object.values(bench.cluster.env)]) {
            assert.ok(!host.log().includes(secret), secret);
        }
    });

    test('a key may be bound to classes', async (t) => {
        const host = await bench.open(t, { env: KEYED });
        const headers = { authorization: `Bearer ${OTHER}` };
        assert.equal((await ask(host.url, '/api/heavy/code/echo', { headers })).status, 200);
        isRefused(await ask(host.url, '/api/heavy/vision/echo', { headers }), 403);
        const body = { type: 'multimodal', prompt: 'p' };
        isRefused(await postJson(host.url, '/api/heavy/process', body, headers), 403);
        assert.equal(bench.cluster.requests(), 1);
    });

    test('the refusal does not wait for the body', async (t) => {
        const host = await bench.open(t, { env: KEYED });
        const headers = { 'content-length': '1000000' };
        const { req, response } = begin(host.url, '/api/heavy/code/echo', { method: 'POST', headers });
        req.on('error', () => {});
        req.write('x');
        const res = await within(response, 2000);
        assert.equal(res?.statusCode, 401);
        req.destroy();
    });

    test('what comes without a right to it learns nothing about paths', async (t) => {
        const host = await bench.open(t, { env: KEYED });
        isRefused(await ask(host.url, '/api/heavy/coder'), 401);
        isRefused(await ask(host.url, '/api/anything'), 401);
    });

    test('a forged hop does not open', async (t) => {
        const env = { ...KEYED, TWIN_SECRET: 'a secret of the twins, long enough' };
        const host = await bench.open(t, { env });
        const wall = Date.now();
        for (const hop of ['x', `v1;t=${wall};key=ann;sig=${'0'.repeat(64)}`, `${wall}.ann.id.${'0'.repeat(64)}`]) {
            const headers = { 'x-heady-hop': hop };
            isRefused(await ask(host.url, '/api/heavy/code/echo', { headers }), 401);
        }
    });

    test('GATEWAY_AUTH=off opens', async (t) => {
        const host = await bench.open(t);
        assert.equal((await ask(host.url, '/api/heavy/code/echo')).status, 200);
    });

    test('no keys: the edge is shut, the rack is for one person at one machine', async (t) => {
        const host = await bench.open(t, { env: { GATEWAY_AUTH: '' } });
        const answer = await ask(host.url, '/api/heavy/code/echo');
        assert.equal((await ask(host.url, '/health')).status, 200);
        if (bench.name === 'rack') {
            assert.equal(answer.status, 200, answer.text);
            return;
        }
        isRefused(answer, 503);
        isRefused(await ask(host.url, '/api/health'), 503);
        isRefused(await ask(host.url, '/nothing'), 503);
        assert.equal(bench.cluster.requests(), 0);
    });

    test('a keyless rack refuses what may have come through a tunnel or a web page', async (t) => {
        if (bench.name !== 'rack') return;
        const host = await bench.open(t, { env: { GATEWAY_AUTH: '' } });
        const { port } = new URL(host.url);
        /** @param {string} name @param {string} [more] */
        const get = async (name, more = '') => {
            const bytes = `GET /api/heavy/code/echo HTTP/1.1\r\nhost: ${name}\r\n${more}connection: close\r\n\r\n`;
            return Number((await exchange(host.url, bytes)).text.slice(9, 12));
        };
        for (const name of ['localhost', `localhost:${port}`, `127.0.0.1:${port}`, '127.8.9.1', '[::1]:80']) {
            assert.equal(await get(name), 200, name);
        }
        for (const name of [
            'api.headysystems.com', 'rebound.example', '10.0.0.1', '0.0.0.0', 'localhost.evil.example',
            '127.0.0.1.evil.example', '[::2]', '1270.0.0.1',
        ]) {
            assert.equal(await get(name), 403, name);
        }
        const before = bench.cluster.requests();
        assert.equal(await get('localhost', 'origin: https://evil.example\r\n'), 403);
        assert.equal(await get('localhost', 'origin: null\r\n'), 403);
        assert.equal(await get('localhost', 'cf-connecting-ip: 203.0.113.7\r\n'), 403);
        assert.equal(await get('localhost', 'x-forwarded-for: 203.0.113.7\r\n'), 403);
        assert.equal(await get('localhost', 'X-Forwarded-For: 127.0.0.1\r\n'), 403);
        for (const site of ['cross-site', 'same-site']) {
            assert.equal(await get('localhost', `sec-fetch-site: ${site}\r\nsec-fetch-dest: image\r\n`), 403);
            assert.equal(await get('localhost', `Sec-Fetch-Site: ${site}\r\nSec-Fetch-Dest: document\r\n`), 403);
        }
        assert.equal(await get('localhost', 'sec-fetch-site: none\r\nsec-fetch-dest: iframe\r\n'), 403);
        assert.equal(bench.cluster.requests(), before);
        assert.equal(await get('localhost', `origin: http://localhost:${port}\r\n`), 200);
        assert.equal(await get('localhost', 'sec-fetch-site: none\r\nsec-fetch-dest: document\r\n'), 200);
        assert.equal(await get('localhost', 'sec-fetch-site: same-origin\r\nsec-fetch-dest: empty\r\n'), 200);
    });
});
