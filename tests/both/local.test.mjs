/** Local services, and the way from the edge to its twin. */
import assert from 'node:assert/strict';
import { ask, json, postJson } from '../lib/client.mjs';
import { atBoth, atHost, test } from '../lib/hosts.mjs';
import { keyLines } from '../lib/keys.mjs';
import { startEdge } from '../lib/edge.mjs';
import { freePort, startRack } from '../lib/rack.mjs';

const KEY = 'hk-a-key-for-tests-0123456789';
const SECRET = '0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0';
const KEYED = { GATEWAY_AUTH: '', GATEWAY_KEYS: keyLines({ ann: KEY }) };
const BEARER = { authorization: `Bearer ${KEY}` };

atBoth('local services', (bench) => {
    test('each service is reached by its name', async (t) => {
        const host = await bench.open(t);
        for (const name of ['brain', 'battle']) {
            const answer = await ask(host.url, `/api/local/${name}/status`);
            assert.equal(answer.status, 200, answer.text);
            assert.equal(json(answer).service, name);
            assert.ok(String(answer.headers['x-heady-target']).includes(name));
        }
        const echo = json(await postJson(host.url, '/api/local/brain/echo/x?y=1', { a: 1 }));
        assert.equal(echo.path, '/echo/x?y=1');
        assert.equal(echo.length, 7);
    });

    test('a service that is down is a 502 or a 503, in JSON', async (t) => {
        const host = await bench.open(t);
        await bench.cluster.brain.stop();
        const answer = await ask(host.url, '/api/local/brain/status');
        assert.ok(answer.status === 502 || answer.status === 503, `${answer.status}`);
        assert.equal(typeof json(answer).error.message, 'string');
        assert.ok(answer.ms < 5000);
        assert.equal((await ask(host.url, '/api/local/battle/status')).status, 200);
    });

    test('an unknown service is a 404 that names the services', async (t) => {
        const host = await bench.open(t, { env: { LOCAL_ENDPOINT: '' } });
        const answer = await ask(host.url, '/api/local/soul/status');
        assert.equal(answer.status, 404);
        assert.match(json(answer).error.message, /brain/);
        assert.match(json(answer).error.message, /battle/);
    });

    test('other paths under /api/ go to the default service, or nowhere', async (t) => {
        const host = await bench.open(t);
        if (bench.name === 'rack') {
            const echo = await ask(host.url, '/api/anything/echo');
            assert.ok(bench.cluster.brain.stats().paths['/api/anything/echo'] === 1, echo.text);
        }
        const bare = await bench.open(t, { env: { LOCAL_SERVICES: '' } });
        assert.equal((await ask(bare.url, '/api/anything/echo')).status, 404);
        assert.equal((await ask(bare.url, '/api/local/brain/status')).status, 404);
    });
});

atHost('edge', 'twins', (bench) => {
    /** The edge before a daemon, keys on at both.
     * @param {import('node:test').TestContext} t @param {Record<string, string>} [edgeEnv] */
    const openTwins = async (t, edgeEnv = {}) => {
        const nodes = { ...bench.cluster.env, LOCAL_SERVICES: '' };
        const { LOCAL_SERVICES } = bench.cluster.env;
        const rack = await startRack({ env: { ...nodes, ...KEYED, LOCAL_SERVICES, TWIN_SECRET: SECRET } });
        t.after(() => rack.stop());
        const env = { ...nodes, ...KEYED, LOCAL_ENDPOINT: rack.url, TWIN_SECRET: SECRET, ...edgeEnv };
        const edge = await startEdge({ env });
        t.after(() => edge.stop());
        return { rack, edge };
    };

    test('the edge falls back to the daemon, with keys on at both', async (t) => {
        const { edge } = await openTwins(t);
        const headers = BEARER;
        const brain = await ask(edge.url, '/api/local/brain/status', { headers });
        assert.equal(brain.status, 200, brain.text);
        assert.equal(json(brain).service, 'brain');
        const battle = json(await postJson(edge.url, '/api/local/battle/echo?x=1', { a: 1 }, headers));
        assert.equal(battle.path, '/echo?x=1');
        assert.equal(battle.length, 7);
        const seen = JSON.stringify(battle.headers);
        assert.ok(!seen.includes(KEY) && !seen.includes('x-heady-hop') && !seen.includes(SECRET));
        await ask(edge.url, '/api/other/thing', { headers });
        assert.equal(bench.cluster.brain.stats().paths['/api/other/thing'], 1);
    });

    test('the request id goes along', async (t) => {
        const { edge } = await openTwins(t);
        const headers = { ...BEARER, 'x-request-id': 'through-both-12345' };
        const answer = await ask(edge.url, '/api/local/brain/echo', { headers });
        assert.equal(answer.headers['x-request-id'], 'through-both-12345');
    });

    test('without a key the edge refuses, and the daemon is not asked', async (t) => {
        const { edge } = await openTwins(t);
        assert.equal((await ask(edge.url, '/api/local/brain/status')).status, 401);
        assert.equal(bench.cluster.brain.stats().requests, 0);
    });

    test('twins with different secrets do not trust each other', async (t) => {
        const { edge } = await openTwins(t, { TWIN_SECRET: SECRET.replace('0', '9') });
        const answer = await ask(edge.url, '/api/local/brain/status', { headers: BEARER });
        assert.ok(answer.status >= 400, answer.text);
        assert.equal(bench.cluster.brain.stats().requests, 0);
    });

    test('a hop cannot be used again to reach more', async (t) => {
        const { rack } = await openTwins(t);
        const { LOCAL_SERVICES: _, ...nodes } = bench.cluster.env;
        const env = { ...nodes, ...KEYED, LOCAL_ENDPOINT: bench.cluster.battle.url, TWIN_SECRET: SECRET };
        const edge = await startEdge({ env });
        t.after(() => edge.stop());
        await ask(edge.url, '/api/local/x/echo', { headers: BEARER });
        const hop = String(bench.cluster.battle.stats().last?.headers['x-heady-hop'] ?? '');
        assert.ok(hop.length > 0, 'the edge signs its hop');
        assert.ok(!hop.includes(KEY) && !hop.includes(SECRET));
        const spoiled = hop.slice(0, -1) + (hop.endsWith('0') ? '1' : '0');
        const forged = await ask(rack.url, '/api/local/brain/status', { headers: { 'x-heady-hop': spoiled } });
        assert.equal(forged.status, 401);
    });

    test('a loop of twins is a 508', async (t) => {
        const nodes = { ...bench.cluster.env, LOCAL_SERVICES: '', ...KEYED, TWIN_SECRET: SECRET };
        const ports = [await freePort(), await freePort()];
        for (const [i, port] of ports.entries()) {
            const env = { ...nodes, LOCAL_ENDPOINT: `http://127.0.0.1:${ports[1 - i]}` };
            const edge = await startEdge({ env, port });
            t.after(() => edge.stop());
        }
        const answer = await ask(`http://127.0.0.1:${ports[0]}`, '/api/anything', { headers: BEARER });
        assert.equal(answer.status, 508, answer.text);
        assert.equal(typeof json(answer).error.message, 'string');
    });

    test('the edge says so when its daemon is down', async (t) => {
        const { rack, edge } = await openTwins(t);
        await rack.child.stop();
        const answer = await ask(edge.url, '/api/local/brain/status', { headers: BEARER });
        assert.ok(answer.status === 502 || answer.status === 503, `${answer.status}`);
        assert.equal(typeof json(answer).error.message, 'string');
    });
});
