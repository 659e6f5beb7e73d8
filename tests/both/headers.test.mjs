/** What of a head passes, in both directions: an allow-list. */
import assert from 'node:assert/strict';
import { ask, json, postJson } from '../lib/client.mjs';
import { atBoth, test } from '../lib/hosts.mjs';
import { keyLines } from '../lib/keys.mjs';

atBoth('headers', (bench) => {
    test('a node sees what it needs, and no credential, cookie, or trace of the client', async (t) => {
        const key = 'hk-client-secret';
        const env = { GATEWAY_AUTH: '', GATEWAY_KEYS: keyLines({ ann: key }) };
        const host = await bench.open(t, { env });
        const secret = {
            'authorization': `Bearer ${key}`,
            'x-api-key': key,
            'x-goog-api-key': key,
            'cookie': 'session=client-secret',
            'x-forwarded-for': '203.0.113.9',
            'proxy-authorization': 'Basic client-secret',
            'x-heady-hop': 'forged',
            'x-heady-task': 'reasoning',
            'x-heady-anything': 'x',
            'cf-ray': 'x',
            'cf-ipcountry': 'DE',
            'cf-access-jwt-assertion': 'client-secret',
            'x-real-ip': '203.0.113.9',
            'true-client-ip': '203.0.113.9',
            'forwarded': 'for=203.0.113.9',
            'x-custom-unknown': 'x',
            'accept-encoding': 'gzip, br',
            'te': 'trailers',
        };
        const given = {
            'content-type': 'application/json',
            'accept': 'application/json',
            'traceparent': '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
        };
        const answer = await postJson(host.url, '/api/heavy/code/echo', {}, { ...secret, ...given });
        assert.equal(answer.status, 200, answer.text);
        const { headers } = json(answer);
        for (const name of Object.keys(secret)) {
            if (name === 'accept-encoding') continue;
            assert.equal(headers[name], undefined, `${name} reached the node`);
        }
        assert.ok(!answer.text.includes('client-secret'));
        assert.ok(!answer.text.includes('203.0.113.9'));
        assert.equal(headers['content-type'], given['content-type']);
        assert.equal(headers.accept, given.accept);
        assert.ok(Object.keys(headers).every((name) => !name.startsWith('cf-')), answer.text);
        const node = bench.cluster.node(json(answer).node);
        assert.equal(headers.host, new URL(node.url).host);
    });

    test('a declared length stays declared; a body without one stays without', async (t) => {
        const host = await bench.open(t);
        const body = 'x'.repeat(1000);
        const fixed = json(await ask(host.url, '/api/heavy/code/echo', { body, method: 'PUT' }));
        assert.equal(fixed.method, 'PUT');
        assert.equal(fixed.headers['content-length'], '1000');
        assert.equal(fixed.headers['transfer-encoding'], undefined);
        const headers = { 'transfer-encoding': 'chunked' };
        const open = json(await ask(host.url, '/api/heavy/code/echo', { body, headers, method: 'POST' }));
        assert.equal(open.length, 1000);
        assert.equal(open.sha256, fixed.sha256);
        const none = json(await ask(host.url, '/api/heavy/code/echo'));
        assert.equal(none.length, 0);
        assert.equal(none.headers['transfer-encoding'], undefined);
    });

    test('methods pass as they are', async (t) => {
        const host = await bench.open(t);
        for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
            const got = json(await ask(host.url, '/api/heavy/code/echo', { method }));
            assert.equal(got.method, method);
        }
        const head = await ask(host.url, '/api/heavy/code/bytes?n=500', { method: 'HEAD' });
        assert.equal(head.status, 200);
        assert.equal(head.body.length, 0);
        const length = head.headers['content-length'];
        assert.ok(length === '500' || length === undefined, `what a GET would get, or nothing: ${length}`);
    });

    test("a client sees the answer's own headers, and none of the node's or of its tunnel", async (t) => {
        const host = await bench.open(t);
        const stripped = {
            'set-cookie': 'node=1', 'server': 'werkzeug', 'alt-svc': 'h3=":443"', 'via': '1.1 x',
            'cf-ray': 'x', 'cf-cache-status': 'HIT', 'x-powered-by': 'express',
            'x-heady-target': 'forged', 'x-heady-cost-usd': '0', 'proxy-authenticate': 'Basic',
            'strict-transport-security': 'max-age=1', 'ngrok-trace-id': 'x',
        };
        const kept = { 'content-type': 'text/x-odd', 'content-language': 'de' };
        const query = new URLSearchParams({ ...stripped, ...kept });
        const answer = await ask(host.url, `/api/heavy/code/headers?${query}`);
        assert.equal(answer.status, 200);
        for (const name of Object.keys(stripped)) {
            if (name.startsWith('x-heady-')) continue;
            assert.equal(answer.headers[name], undefined, `${name} reached the client`);
        }
        assert.match(String(answer.headers['x-heady-target']), /^node-[34]$/);
        assert.equal(answer.headers['x-heady-cost-usd'], undefined);
        assert.equal(answer.headers['content-type'], 'text/x-odd');
    });

    test('a redirect is passed on, not followed, and does not tell the address', async (t) => {
        const host = await bench.open(t);
        const answer = await ask(host.url, '/api/heavy/code/headers?status=302&location=/health');
        assert.equal(answer.status, 302);
        assert.equal(bench.cluster.requests(), 1);
    });

    test('answers without a body have none', async (t) => {
        const host = await bench.open(t);
        for (const status of [204, 304]) {
            const answer = await ask(host.url, `/api/heavy/code/headers?status=${status}`);
            assert.equal(answer.status, status);
            assert.equal(answer.body.length, 0);
            assert.ok(answer.whole);
        }
    });

    test('a node whose name does not resolve is stepped over', async (t) => {
        const env = { COLAB_ENDPOINT_3: 'http://offline.invalid:8080' };
        const host = await bench.open(t, { env });
        for (let i = 0; i < 3; i++) {
            assert.equal(json(await ask(host.url, '/api/heavy/code/echo')).node, 4);
        }
    });
});
