/** TLS to upstreams: whom the daemon trusts, what it shows, and that it does not begin anew each time. */
import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import https from 'node:https';
import { after } from 'node:test';
import { Certs } from '../lib/certs.mjs';
import { ask } from '../lib/client.mjs';
import { atHost, test } from '../lib/hosts.mjs';
import { until } from '../lib/proc.mjs';
import { runRack, startRack } from '../lib/rack.mjs';

const PATH = '/api/local/vault/x';

const certs = new Certs();
certs.authority('ca').authority('other').issue('node', 'ca').issue('inner', 'ca', { san: 'DNS:inner.heady' });
certs.issue('gateway', 'ca').issue('second', 'ca').issue('late', 'ca', { days: -1 });
after(() => certs.remove());

/** @param {string} name */
const own = (name) => ({ cert: certs.text(`${name}.pem`), key: certs.text(`${name}.key`) });

/** A service behind TLS: what each connection was like.
 * @param {import('node:test').TestContext} t @param {https.ServerOptions} options */
async function service(t, options) {
    /** @type {{ resumed: boolean, client: string, name: string, version: string }[]} */
    const shakes = [];
    let requests = 0;
    const server = https.createServer({ keepAliveTimeout: 200, ...options }, (req, res) => {
        requests++;
        req.resume();
        res.end('ok');
    });
    server.on('secureConnection', (socket) => {
        const client = String(socket.getPeerCertificate().subject?.CN ?? '');
        const name = String(socket.servername || '');
        shakes.push({ resumed: socket.isSessionReused(), client, name, version: String(socket.getProtocol()) });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => { server.closeAllConnections(); server.close(); });
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    return { port, shakes, requests: () => requests, cut: () => server.closeAllConnections() };
}

atHost('rack', 'tls to upstreams', (bench) => {
    /** @param {import('node:test').TestContext} t @param {number} port @param {unknown} tls
     * @param {{ host?: string, file?: string }} [more] */
    const open = async (t, port, tls, { host = 'localhost', file = certs.file('gateway.json') } = {}) => {
        const config = { upstream_tls: tls, limits: { connect_ms: 2000 } };
        writeFileSync(file, JSON.stringify(config));
        const env = { ...bench.cluster.env, GATEWAY_AUTH: 'off', LOCAL_SERVICES: `vault=https://${host}:${port}` };
        const rack = await startRack({ env, file });
        t.after(() => rack.stop());
        return rack;
    };
    /** @param {{ url: string }} rack */
    const get = (rack) => ask(rack.url, PATH, { body: 'secret' });

    test('an authority of its own is trusted, by a path beside the file', async (t) => {
        const node = await service(t, own('node'));
        const rack = await open(t, node.port, { ca_file: 'ca.pem' });
        assert.equal((await get(rack)).text, 'ok');
        assert.equal(node.shakes[0].name, 'localhost');
    });

    /** @type {[string, string, unknown, string][]} */
    const refused = [
        ['another authority', 'node', { ca_file: 'other.pem' }, 'localhost'],
        ['no authority of ours', 'node', {}, 'localhost'],
        ['another name', 'inner', { ca_file: 'ca.pem' }, 'localhost'],
        ['another address', 'inner', { ca_file: 'ca.pem' }, '127.0.0.1'],
        ['a time that is over', 'late', { ca_file: 'ca.pem' }, 'localhost'],
    ];
    for (const [what, name, tls, host] of refused) {
        test(`a node with ${what} gets no request`, async (t) => {
            const node = await service(t, own(name));
            const answer = await get(await open(t, node.port, tls, { host }));
            assert.ok(answer.status === 502 || answer.status === 503, answer.text);
            assert.match(String(answer.headers['x-heady-reason']), /TLS/i);
            assert.equal(node.requests(), 0);
        });
    }

    test('a node may be known by another name', async (t) => {
        const node = await service(t, own('inner'));
        const hosts = { localhost: { server_name: 'inner.heady' } };
        const rack = await open(t, node.port, { ca_file: certs.file('ca.pem'), hosts });
        assert.equal((await get(rack)).text, 'ok');
        assert.equal(node.shakes[0].name, 'inner.heady');
    });

    test('a certificate is shown where one is asked for; without, there is no request', async (t) => {
        const strict = { ...own('node'), ca: certs.text('ca.pem'), requestCert: true, rejectUnauthorized: true };
        const node = await service(t, strict);
        const without = await get(await open(t, node.port, { ca_file: 'ca.pem' }));
        assert.ok(without.status >= 502, without.text);
        assert.equal(node.requests(), 0);
        const pair = { cert_file: 'gateway.pem', key_file: 'gateway.key' };
        const rack = await open(t, node.port, { ca_file: 'ca.pem', hosts: { localhost: pair } },
            { file: certs.file('second.json') });
        assert.equal((await get(rack)).text, 'ok');
        assert.equal(node.shakes.at(-1)?.client, 'gateway');
    });

    for (const version of /** @type {const} */ (['TLSv1.2', 'TLSv1.3'])) {
        test(`sessions are resumed: ${version}`, async (t) => {
            const node = await service(t, { ...own('node'), minVersion: version, maxVersion: version });
            const rack = await open(t, node.port, { ca_file: 'ca.pem' });
            for (let i = 0; i < 4; i++) {
                assert.equal((await get(rack)).text, 'ok');
                node.cut();
                await until(async () => (await get(rack)).status === 200, 'the next connection');
                node.cut();
            }
            assert.ok(node.shakes.length >= 4, `${node.shakes.length} connections`);
            assert.deepEqual(node.shakes.slice(1).filter(({ resumed }) => !resumed), []);
            assert.ok(node.shakes.every((shake) => shake.version === version));
        });
    }

    test('SIGHUP takes another certificate, and keeps the old one if it is bad', async (t) => {
        const strict = { ...own('node'), ca: certs.text('ca.pem'), requestCert: true, keepAliveTimeout: 60_000 };
        const node = await service(t, strict);
        for (const kind of ['pem', 'key']) copyFileSync(certs.file(`gateway.${kind}`), certs.file(`live.${kind}`));
        const rack = await open(t, node.port, { ca_file: 'ca.pem', cert_file: 'live.pem', key_file: 'live.key' });
        assert.equal((await get(rack)).text, 'ok');
        for (const kind of ['pem', 'key']) copyFileSync(certs.file(`second.${kind}`), certs.file(`live.${kind}`));
        rack.child.process.kill('SIGHUP');
        await until(() => rack.log().includes('has been reloaded'), 'the reload');
        assert.equal((await get(rack)).text, 'ok');
        assert.deepEqual(node.shakes.map(({ client }) => client), ['gateway', 'second'], 'no old connection, no old session');
        writeFileSync(certs.file('live.key'), 'nonsense');
        rack.child.process.kill('SIGHUP');
        await until(() => rack.log().includes('reload refused'), 'the refusal');
        assert.match(rack.log(), /upstream_tls: key_file [^\n]*live\.key/);
        assert.equal((await get(rack)).text, 'ok');
    });

    test('files and fields that cannot be are refused by check', async () => {
        /** @type {[unknown, RegExp][]} */
        const cases = [
            [{ ca_file: '/none' }, /upstream_tls: ca_file \/none: .*; it must be/],
            [{ cert_file: 'a' }, /upstream_tls: .*a key alone; give/],
            [{ ca_file: 5 }, /upstream_tls\.ca_file: /],
            [{ hosts: { x: { ca: 'y' } } }, /upstream_tls\.hosts\.x\.ca: /],
        ];
        for (const [upstream_tls, pattern] of cases) {
            const { code, stderr } = await runRack(['check'], { env: bench.cluster.env, config: { upstream_tls } });
            assert.equal(code, 2, stderr);
            assert.match(stderr, pattern);
        }
    });
});
