/** The daemon's program: check, explain, and what it refuses to start with. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { keyLines } from '../lib/keys.mjs';
import { freePort, runRack } from '../lib/rack.mjs';

const NODES = Object.fromEntries(
    [1, 2, 3, 4, 5, 6, 7, 8].map((n) => [`COLAB_ENDPOINT_${n}`, `https://node-${n}.example:8443/base`]),
);

/** @param {{code: number | null, stdout: string, stderr: string}} run @param {RegExp} message */
function isOneLine(run, message) {
    assert.equal(run.code, 2, run.stdout + run.stderr);
    assert.equal(run.stderr.trim().split('\n').length, 1, run.stderr);
    assert.match(run.stderr, message);
}

describe('check', () => {
    test('a good configuration is shown with its routes and every address', async () => {
        const env = { ...NODES, LOCAL_SERVICES: 'brain=http://127.0.0.1:3300', GATEWAY_KEYS: keyLines({ a: 'k' }) };
        const run = await runRack(['check'], { env, config: '{ /* defaults */ }' });
        assert.equal(run.code, 0, run.stderr);
        for (const name of ['reasoning', 'code', 'vision', 'batch', 'brain']) {
            assert.ok(run.stdout.includes(name), run.stdout);
        }
        for (let n = 1; n <= 8; n++) assert.ok(run.stdout.includes(`node-${n}.example`), run.stdout);
    });

    test('nodes that register need no endpoint; where they and their registry may be is shown', async () => {
        const secrets = { NODE_SECRET: 'a-node-secret-of-tests', TWIN_SECRET: 'a-twin-secret-of-tests' };
        const env = { ...secrets, REGISTRY_URL: 'https://api.example/api/nodes', NODE_HOSTS: 'heady.example' };
        const run = await runRack(['check'], { env, config: '{}' });
        assert.equal(run.code, 0, run.stderr);
        assert.match(run.stdout, /registry https:\/\/api\.example:443\/api\/nodes/);
        assert.match(run.stdout, /nodes that register, at hosts under heady\.example/);
        for (const secret of Object.values(secrets)) assert.ok(!run.stdout.includes(secret));
    });

    test('a daemon reached over plain http on a private network is allowed, with a warning', async () => {
        const env = { ...NODES, GATEWAY_KEYS: keyLines({ a: 'k' }) };
        const run = await runRack(['check'], { env: { ...env, LOCAL_ENDPOINT: 'http://10.1.5.65:4700' }, config: '{}' });
        assert.equal(run.code, 0, run.stderr);
        assert.match(run.stdout, /^warning: LOCAL_ENDPOINT is plain http:.*no Access secrets/m);
        const good = await runRack(['check'], { env: { ...env, LOCAL_ENDPOINT: 'https://rack.example' }, config: '{}' });
        assert.doesNotMatch(good.stdout, /warning/);
    });

    /** @type {[string, string, RegExp][]} */
    const files = [
        ['an unknown field', '{\n  "heavy": {\n    "queue": 1\n  }\n}', /line 3.*queue/],
        ['a wrong type', '{\n  "heavy": {"queue_ms": "3000"}\n}', /line 2.*queue_ms/],
        ['a number out of its range', '{"heavy": {"in_flight_max": 0}}', /line 1.*in_flight_max/],
        ['a fraction', '{"heavy": {"queue_ms": 1.5}}', /queue_ms/],
        ['a duplicate key', '{\n "limits": {},\n "limits": {}\n}', /line 3.*duplicate/],
        ['a bad URL', '{\n\n "heavy": {"nodes": {"3": "ftp://x"}}}', /line 3/],
        ['a node that does not exist', '{"heavy": {"nodes": {"9": "https://x.example"}}}', /9/],
        ['a class that does not exist', '{"heavy": {"classes": {"coder": {"nodes": [3]}}}}', /coder/],
        ['a node named twice', '{"heavy": {"classes": {"code": {"nodes": [3, 3]}}}}', /nodes/],
        ['broken JSON', '{\n "heavy": {\n', /line [123]/],
        ['something after the end', '{} {}', /line 1/],
        ['not an object', '[]', /object/],
        ['an overflow that is not there', '{"heavy": {"overflow": ["local/nobody"]}}', /overflow/],
    ];
    for (const [what, config, message] of files) {
        test(`${what} in the file: exit 2 and one line that says where and what to do`, async () => {
            isOneLine(await runRack(['check'], { env: NODES, config }), message);
        });
    }

    /** @type {[string, Record<string, string>, RegExp][]} */
    const environments = [
        ['a bad URL', { ...NODES, COLAB_ENDPOINT_5: 'not a url' }, /COLAB_ENDPOINT_5/],
        ['a URL with a password', { ...NODES, COLAB_ENDPOINT_5: 'https://u:secret@x.example' }, /COLAB_ENDPOINT_5/],
        ['a missing endpoint', { ...NODES, COLAB_ENDPOINT_6: '' }, /COLAB_ENDPOINT_6|node-6/],
        ['a bad key line', { ...NODES, GATEWAY_KEYS: 'ann:1234' }, /GATEWAY_KEYS.*ann/],
        ['a bad auth mode', { ...NODES, GATEWAY_AUTH: 'maybe' }, /GATEWAY_AUTH/],
        ['a short twin secret', { ...NODES, TWIN_SECRET: 'short' }, /TWIN_SECRET/],
        ['a short node secret', { ...NODES, NODE_SECRET: 'short' }, /NODE_SECRET/],
        ['a bad list of hosts', { ...NODES, NODE_HOSTS: '*.ngrok.app' }, /NODE_HOSTS/],
        ['a registry without a secret', { ...NODES, REGISTRY_URL: 'https://x.example' }, /REGISTRY_URL.*TWIN_SECRET/],
        ['a daemon in public over http', { ...NODES, LOCAL_ENDPOINT: 'http://rack.example' }, /LOCAL_ENDPOINT.*https/],
        ['a bad service list', { ...NODES, LOCAL_SERVICES: 'brain' }, /LOCAL_SERVICES/],
    ];
    for (const [what, env, message] of environments) {
        test(`${what} in the environment: exit 2 and one line`, async () => {
            const run = await runRack(['check'], { env, config: '{}' });
            isOneLine(run, message);
            assert.ok(!run.stderr.includes('secret@'), 'a URL is a credential');
        });
    }

    test('a file that is not there', async () => {
        isOneLine(await runRack(['--config', 'no-such-file.json', 'check'], { env: NODES }), /no-such-file/);
    });
});

describe('start', () => {
    test('it does not listen beyond loopback without keys', async () => {
        for (const address of ['0.0.0.0', '[::]']) {
            const listen = `${address}:${await freePort()}`;
            isOneLine(await runRack(['--listen', listen], { env: NODES, config: '{}' }), /GATEWAY_KEYS/);
        }
    });

    test('it does not start with a broken configuration', async () => {
        isOneLine(await runRack([], { env: NODES, config: '{"heavie": {}}' }), /heavie/);
    });

    test('usage', async () => {
        const help = await runRack(['--help']);
        assert.equal(help.code, 0);
        assert.match(help.stdout, /--listen/);
        const version = await runRack(['--version']);
        assert.equal(version.code, 0);
        assert.match(version.stdout, /[0-9]+\.[0-9]+\.[0-9]+/);
        for (const args of [['--no-such-option'], ['nonsense'], ['--listen', 'here'], ['--listen']]) {
            const run = await runRack(args, { env: NODES });
            assert.equal(run.code, 2, `${args}: ${run.stderr}`);
            assert.ok(run.stderr.length > 0);
        }
    });
});

describe('explain', () => {
    /** @param {unknown} request */
    const explain = (request) => {
        const input = typeof request === 'string' ? request : JSON.stringify(request);
        return runRack(['explain'], { env: NODES, config: '{}', input });
    };

    test('a decision and its reasons, as JSON, and nothing is sent', async () => {
        const run = await explain({ prompt: 'say hello', context: '', budget_remaining_usd: 50 });
        assert.equal(run.code, 0, run.stderr);
        const simple = JSON.parse(run.stdout);
        const complex = JSON.parse((await explain({
            prompt: 'analyze the architecture and design a distributed system; explain why, step by step, '.repeat(40),
            context: 'x'.repeat(5000),
            budget_remaining_usd: 50,
        })).stdout);
        assert.notDeepEqual(simple, complex, 'it depends on the request');
        const poor = JSON.parse((await explain({ prompt: 'say hello', budget_remaining_usd: 0 })).stdout);
        assert.equal(typeof poor, 'object');
    });

    test('what is not a request is exit 2 or 1, and a sentence', async () => {
        for (const input of ['', 'hello', '[]', '{"prompt": 7}', '{"prompt": "a"']) {
            const run = await explain(input);
            assert.ok(run.code === 1 || run.code === 2, `${input}: ${run.code} ${run.stdout}`);
            assert.ok(run.stderr.length > 0, input);
        }
    });
});
