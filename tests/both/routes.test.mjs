/** Which path goes where, and what is refused before anything is sent. */
import assert from 'node:assert/strict';
import { ask, exchange, json, postJson } from '../lib/client.mjs';
import { atBoth, test } from '../lib/hosts.mjs';

/** @type {Record<string, number[]>} */
const PAIRS = { reasoning: [1, 2], code: [3, 4], vision: [5, 6], batch: [7, 8] };

/** @param {import('../lib/client.mjs').Answer} answer @param {number} status */
function isError(answer, status) {
    assert.equal(answer.status, status, answer.text);
    const { error } = json(answer);
    assert.equal(typeof error.message, 'string');
    assert.equal(typeof error.type, 'string');
    assert.ok('param' in error && 'code' in error, 'param and code are there, if only as null');
    return error;
}

atBoth('routes', (bench) => {
    test('each class reaches its own pair, and both of its nodes', async (t) => {
        const host = await bench.open(t);
        for (const [name, pair] of Object.entries(PAIRS)) {
            const seen = new Set();
            for (let i = 0; i < 8; i++) {
                const answer = await postJson(host.url, `/api/heavy/${name}/echo`, { i });
                assert.equal(answer.status, 200, answer.text);
                seen.add(json(answer).node);
                assert.equal(answer.headers['x-heady-target'], `node-${json(answer).node}`);
                assert.equal(answer.headers['x-heady-attempts'], '1');
                assert.ok(answer.headers['x-heady-route']);
                assert.ok(answer.headers['x-heady-reason']);
            }
            assert.deepEqual([...seen].sort(), pair, name);
        }
        assert.equal(bench.cluster.requests(), 32);
    });

    test('the rest of the path is the path at the node, the query with it', async (t) => {
        const host = await bench.open(t);
        const got = json(await ask(host.url, '/api/heavy/vision/echo/a%20b/c?x=1&y=%2F'));
        assert.equal(got.path, '/echo/a%20b/c?x=1&y=%2F');
        assert.equal(got.method, 'GET');
        const bare = await postJson(host.url, '/api/heavy/code', {
            type: 'code_generation',
            prompt: 'sort a list',
        });
        const answer = json(bare);
        assert.equal(answer.processing_location, 'colab_gpu');
        assert.equal(answer.type, 'code_generation');
        assert.ok(answer.result.startsWith('sort a list'));
        assert.equal(answer.performance.model, 'codegen-350M');
    });

    test('an endpoint may have a base path', async (t) => {
        const base = `${bench.cluster.node(3).url}/echo/base/`;
        const host = await bench.open(t, { env: { COLAB_ENDPOINT_3: base, COLAB_ENDPOINT_4: base } });
        const got = json(await ask(host.url, '/api/heavy/code/v1/models'));
        assert.equal(got.path, '/echo/base/v1/models');
    });

    test('process takes the class from the type', async (t) => {
        const host = await bench.open(t);
        /** @type {[Record<string, unknown>, number[]][]} */
        const cases = [
            [{ type: 'code_generation', prompt: 'p' }, PAIRS.code],
            [{ type: 'complex_reasoning', prompt: 'p' }, PAIRS.reasoning],
            [{ type: 'multimodal', prompt: 'p' }, PAIRS.vision],
            [{ type: 'batch', prompt: 'p' }, PAIRS.batch],
            [{ type: 'general', prompt: 'p' }, PAIRS.reasoning],
            [{ prompt: 'no type' }, PAIRS.reasoning],
            [{ type: 7 }, PAIRS.reasoning],
            [{ inner: { type: 'batch' } }, PAIRS.reasoning],
            [{ prompt: 'x'.repeat(300_000), type: 'batch' }, PAIRS.batch],
        ];
        for (const [body, pair] of cases) {
            const answer = await postJson(host.url, '/api/heavy/process', body);
            const about = JSON.stringify(body).slice(0, 60);
            assert.equal(answer.status, 200, `${about}: ${answer.text}`);
            assert.ok(pair.includes(json(answer).node), `${about}: node ${json(answer).node}`);
        }
    });

    test('process reads the type as JSON does, not as text', async (t) => {
        const host = await bench.open(t);
        const headers = { 'content-type': 'application/json' };
        /** @type {[string, number[]][]} */
        const cases = [
            ['{"ty\\u0070e":"b\\u0061tch"}', PAIRS.batch],
            ['{"prompt":"\\"type\\":\\"batch\\""}', PAIRS.reasoning],
            [' \r\n{ "a" : [1, {"type":"multimodal"}] , "type" : "code_generation" }\n', PAIRS.code],
        ];
        for (const [body, pair] of cases) {
            const answer = await ask(host.url, '/api/heavy/process', { body, headers });
            assert.ok(pair.includes(json(answer).node), `${body}: node ${json(answer).node}`);
        }
    });

    test('process refuses what is not JSON, and asks no node', async (t) => {
        const host = await bench.open(t);
        const headers = { 'content-type': 'application/json' };
        for (const body of ['{"type":', 'hello', '', '{"type":"batch"} x', '[1,2']) {
            isError(await ask(host.url, '/api/heavy/process', { body, headers, method: 'POST' }), 400);
        }
        isError(await ask(host.url, '/api/heavy/process'), 405);
        assert.equal(bench.cluster.requests(), 0);
    });

    test('a path that is nearly right is a 404 that says what there is', async (t) => {
        const host = await bench.open(t);
        for (const path of ['/api/heavy/coder', '/api/heavy/Code', '/api/heavy/cod/echo']) {
            const error = isError(await ask(host.url, path), 404);
            for (const name of Object.keys(PAIRS)) assert.ok(error.message.includes(name), path);
        }
        isError(await ask(host.url, '/api/heavyx/code'), 404);
        isError(await ask(host.url, '/nothing'), 404);
        isError(await ask(host.url, '/'), 404);
        assert.equal(bench.cluster.requests(), 0);
    });

    test('a path with two readings is a 400', async (t) => {
        const host = await bench.open(t);
        const bad = [
            '/api/heavy/code/../vision', '/api/heavy/code/./x', '/api/heavy/code/%2e%2e/x',
            '/api/heavy/code/%2E./x', '/api/heavy/code//x', '//api/heavy/code', '/api//heavy/code',
            '/api/heavy/code\\x', '/api/heavy%2fcode', '/api/heavy/code%2F..', '/api/heavy%5ccode',
            '/api/heavy/code/..', '/api/heavy/code/a/%2e', '/api/heavy/code/%00', '/api/heavy/code/%zz',
        ];
        for (const path of bad) {
            const bytes = `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`;
            const { text } = await exchange(host.url, bytes);
            assert.match(text, /^HTTP\/1\.1 400 /, `${path}: ${text.slice(0, 200)}`);
        }
        assert.equal(bench.cluster.requests(), 0);
    });

    test('health is plain and needs nobody', async (t) => {
        const host = await bench.open(t);
        for (const node of bench.cluster.nodes) await node.stop();
        const answer = await ask(host.url, '/health');
        assert.equal(answer.status, 200);
        assert.equal(answer.text, 'healthy\n');
        assert.match(String(answer.headers['content-type']), /^text\/plain/);
        const head = await ask(host.url, '/health', { method: 'HEAD' });
        assert.equal(head.status, 200);
        assert.equal(head.text, '');
    });

    test('the health of the backends is JSON with each by its name, and no address', async (t) => {
        const host = await bench.open(t);
        await postJson(host.url, '/api/heavy/code', { prompt: 'p' });
        const answer = await ask(host.url, '/api/health');
        assert.equal(answer.status, 200);
        assert.match(String(answer.headers['content-type']), /^application\/json/);
        const names = JSON.stringify(json(answer));
        for (let n = 1; n <= 8; n++) assert.ok(names.includes(`node-${n}`), names);
        assert.ok(!answer.text.includes('127.0.0.1'), "a tunnel's address is its credential");
    });

    test('a request has an id: the given one if it is safe, else a new one', async (t) => {
        const host = await bench.open(t);
        const given = await ask(host.url, '/api/heavy/code/echo', {
            headers: { 'x-request-id': 'abc-123_x.Y' },
        });
        assert.equal(given.headers['x-request-id'], 'abc-123_x.Y');
        const seen = new Set();
        for (const id of [undefined, 'x'.repeat(129), 'a b', 'a"b', '<b>']) {
            /** @type {Record<string, string>} */
            const headers = id === undefined ? {} : { 'x-request-id': id };
            const answer = await ask(host.url, '/api/heavy/code/echo', { headers });
            const made = String(answer.headers['x-request-id']);
            assert.match(made, /^[A-Za-z0-9._-]{8,128}$/);
            assert.notEqual(made, id);
            seen.add(made);
        }
        assert.equal(seen.size, 5);
        assert.ok((await ask(host.url, '/nothing')).headers['x-request-id']);
    });

    test('websockets are a 501', async (t) => {
        const host = await bench.open(t);
        const bytes =
            'GET /api/heavy/code/ws HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\n' +
            'upgrade: websocket\r\nsec-websocket-version: 13\r\n' +
            'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
        const { text } = await exchange(host.url, bytes, { enough: (s) => s.includes('\r\n\r\n') });
        assert.match(text, /^HTTP\/1\.1 501 /);
    });

    test('a missing node is stepped over, and a cluster without nodes is a 503', async (t) => {
        const { COLAB_ENDPOINT_1, COLAB_ENDPOINT_4 } = bench.cluster.env;
        /** @type {Record<string, string>} */
        const env = Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8].map((n) => [`COLAB_ENDPOINT_${n}`, '']));
        const host = await bench.open(t, { env: { ...env, COLAB_ENDPOINT_1, COLAB_ENDPOINT_4 } });
        for (let i = 0; i < 4; i++) {
            assert.equal(json(await ask(host.url, '/api/heavy/code/echo')).node, 4);
            assert.equal(json(await ask(host.url, '/api/heavy/vision/echo')).node, 1);
        }
        const none = await bench.open(t, { env: { ...env, LOCAL_SERVICES: '' } });
        isError(await ask(none.url, '/api/heavy/code/echo'), 503);
    });
});
