/** TLS from clients: who may come in, what is spoken, and certificates that change under way. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { after } from 'node:test';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { Certs } from '../lib/certs.mjs';
import { atHost, test } from '../lib/hosts.mjs';
import { keyLines, sha256 } from '../lib/keys.mjs';
import { must, until } from '../lib/proc.mjs';
import { runRack, startRack } from '../lib/rack.mjs';
import { bytesDigest } from '../node/answers.mjs';

const run = promisify(execFile);
const CHAT = '/api/heavy/code/v1/chat/completions';
/** @param {Record<string, unknown>} [more] */
const chat = (more) => JSON.stringify({ messages: [{ role: 'user', content: 'hi' }], ...more });
const BODY = chat();

const certs = new Certs();
certs.authority('ca').authority('other').issue('server', 'ca').issue('server', 'ca', { file: 'next' });
certs.issue('backend.heady', 'ca', { san: 'DNS:backend.heady' }).issue('foreign', 'other');
certs.issue('late', 'ca', { days: -1 }).issue('plain', 'ca', { cn: 'ann', san: '' });
after(() => certs.remove());

/** @param {string} name @param {string[]} more */
const serverArgs = (name, ...more) => [
    '--tls-cert', certs.file(`${name}.pem`), '--tls-key', certs.file(`${name}.key`), ...more,
];
const CLIENT_CA = ['--client-ca', certs.file('ca.pem')];
/** @param {string} name */
const own = (name) => ({ cert: certs.text(`${name}.pem`), key: certs.text(`${name}.key`) });

/** @param {string} url @param {string} path @param {https.RequestOptions & { body?: string }} [options] */
async function ask(url, path, { body, ...options } = {}) {
    const method = body === undefined ? 'GET' : 'POST';
    const headers = { 'content-type': 'application/json', ...options.headers };
    const all = { ca: certs.text('ca.pem'), agent: false, method, ...options, headers };
    const req = https.request(url + path, all);
    req.end(body);
    const [res] = await must(once(req, 'response'), 10_000);
    const parts = [];
    for await (const part of res) parts.push(part);
    const bytes = Buffer.concat(parts);
    return { status: res.statusCode, bytes, text: bytes.toString(), socket: /** @type {tls.TLSSocket} */ (res.socket) };
}

/** What a handshake gives: the certificate's serial number, or the error.
 * @param {number} port @param {tls.ConnectionOptions} [options] */
async function shake(port, options = {}) {
    const socket = tls.connect({ port, host: '127.0.0.1', ca: certs.text('ca.pem'), ...options });
    try {
        await must(once(socket, 'secureConnect'), 5000);
        return { serial: socket.getPeerCertificate().serialNumber, error: '' };
    } catch (error) {
        return { serial: '', error: String(error) };
    } finally {
        socket.destroy();
    }
}

atHost('rack', 'tls', (bench) => {
    /** @param {import('node:test').TestContext} t @param {string[]} args
     * @param {Partial<import('../lib/rack.mjs').RackOptions>} [options] */
    const open = async (t, args, options = {}) => {
        const env = { ...bench.cluster.env, GATEWAY_AUTH: 'off', ...options.env };
        const host = await startRack({ ...options, args, env, tls: true });
        t.after(() => host.stop());
        return host;
    };

    test('curl speaks HTTP/2 and HTTP/1.1 over it', async (t) => {
        const host = await open(t, serverArgs('server'));
        for (const [option, version] of [['--http2', '2'], ['--http1.1', '1.1']]) {
            const { stdout } = await run('curl', ['-sS', '--max-time', '10', '--cacert', certs.file('ca.pem'),
                option, '-w', '\n%{http_version} %{http_code}', '-d', BODY, '-H', 'content-type: application/json',
                `${host.url}${CHAT}`]);
            assert.match(stdout, new RegExp(`chat.completion[^]*\n${version} 200$`));
        }
    });

    test('h2load over TLS', async (t) => {
        const host = await open(t, serverArgs('server'));
        const { stdout } = await run('h2load', ['-n', '200', '-c', '4', '-m', '10', `${host.url}/health`]);
        assert.match(stdout, /200 succeeded, 0 failed/);
    });

    test('TLS 1.2 with what HTTP/2 allows, and nothing older: no CBC, no RSA key exchange', async (t) => {
        const host = await open(t, serverArgs('server'));
        /** The suite agreed on, or none, as openssl(1) says it. @param {...string} args */
        const suite = async (...args) => {
            const said = run('openssl', ['s_client', '-connect', `127.0.0.1:${host.port}`, ...args]);
            said.child.stdin?.end();
            const { stdout } = await said.catch((error) => error);
            return /Cipher is (\S+)/.exec(stdout)?.[1];
        };
        for (const name of ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305']) {
            assert.equal(await suite('-tls1_2', '-cipher', name), name);
        }
        const old = ['ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES256-SHA384', 'ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES128-CCM'];
        assert.equal(await suite('-tls1_2', '-cipher', `${old.join(':')}:@SECLEVEL=0`), '(NONE)');
        assert.equal(await suite('-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'), '(NONE)');
        assert.match(await suite('-tls1_3') ?? '', /^TLS_/);
    });

    test('large bodies and answers come whole', async (t) => {
        const host = await open(t, serverArgs('server'));
        const body = JSON.stringify({ pad: 'x'.repeat(3_000_000) });
        const answer = await ask(host.url, '/api/heavy/code/echo', { body });
        assert.equal(answer.status, 200);
        const big = await ask(host.url, '/api/heavy/code/bytes?n=20000000');
        assert.equal(sha256(big.bytes), bytesDigest(20_000_000));
    });

    for (const version of /** @type {const} */ (['TLSv1.2', 'TLSv1.3'])) {
        test(`sessions are resumed, in any of the loops: ${version}`, async (t) => {
            const host = await open(t, serverArgs('server', '--threads', '2'));
            const first = tls.connect({
                port: host.port, host: '127.0.0.1', ca: certs.text('ca.pem'), minVersion: version,
                maxVersion: version,
            });
            const [session] = await must(once(first, 'session'), 5000);
            first.destroy();
            for (let i = 0; i < 6; i++) {
                const again = tls.connect({
                    port: host.port, host: '127.0.0.1', ca: certs.text('ca.pem'), session, maxVersion: version,
                });
                await must(once(again, 'secureConnect'), 5000);
                assert.ok(again.isSessionReused());
                again.destroy();
            }
        });
    }

    test('older versions than 1.2 are refused', async (t) => {
        const host = await open(t, serverArgs('server'));
        const old = await shake(host.port, {
            minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0',
        });
        assert.match(old.error, /protocol version|unsupported protocol|no protocols/i);
        assert.equal((await shake(host.port)).error, '');
    });

    test('plain HTTP on the TLS port is told so, TLS on a plain port is refused', async (t) => {
        const host = await open(t, serverArgs('server'));
        const socket = net.connect(host.port, '127.0.0.1');
        socket.end('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
        let text = '';
        for await (const part of socket) text += part;
        assert.match(text, /^HTTP\/1.1 400 [^]*https:\/\//);
        const bare = await startRack({ env: { ...bench.cluster.env, GATEWAY_AUTH: 'off' } });
        t.after(() => bare.stop());
        assert.notEqual((await shake(bare.port)).error, '');
    });

    test('a handshake that does not go on is ended in time', async (t) => {
        const host = await open(t, serverArgs('server'), { config: { limits: { client_head_ms: 300 } } });
        for (const bytes of ['', '\x16\x03\x01\x02\x00\x01\x00']) {
            const socket = net.connect(host.port, '127.0.0.1');
            await once(socket, 'connect');
            const from = Date.now();
            if (bytes !== '') socket.write(Buffer.from(bytes, 'latin1'));
            socket.on('error', () => {});
            socket.resume();
            await must(once(socket, 'close'), 3000);
            assert.ok(Date.now() - from >= 250, 'not before its time');
        }
    });

    test('clients need a certificate of the authority, and are known by its name', async (t) => {
        const host = await open(t, serverArgs('server', ...CLIENT_CA), { env: { GATEWAY_AUTH: '' } });
        const refused = [{}, own('foreign'), own('late')];
        for (const options of refused) {
            await assert.rejects(ask(host.url, CHAT, { body: BODY, ...options }));
        }
        for (const [name, as] of [['backend.heady', 'backend_heady'], ['plain', 'ann']]) {
            const headers = { 'x-forwarded-for': '10.0.0.1' };
            const answer = await ask(host.url, CHAT, { body: BODY, headers, ...own(name) });
            assert.equal(answer.status, 200, answer.text);
            await until(() => host.log().includes(`"key":"${as}"`), `${as} in the log`);
        }
        const session = http2.connect(host.url, { ca: certs.text('ca.pem'), ...own('plain') });
        t.after(() => session.destroy());
        const stream = session.request({ ':path': '/health' });
        const [head] = await must(once(stream, 'response'), 5000);
        assert.equal(head[':status'], 200);
    });

    test('a key that is shown beside a certificate must be a good one', async (t) => {
        const key = 'a key of some length';
        const env = { GATEWAY_AUTH: '', GATEWAY_KEYS: keyLines({ bob: key }) };
        const host = await open(t, serverArgs('server', ...CLIENT_CA), { env });
        /** @param {Record<string, string>} headers */
        const status = async (headers) => (await ask(host.url, CHAT, { body: BODY, headers, ...own('plain') })).status;
        assert.equal(await status({}), 200);
        assert.equal(await status({ authorization: `Bearer ${key}` }), 200);
        await until(() => host.log().includes('"key":"bob"'), 'bob in the log');
        assert.equal(await status({ authorization: 'Bearer wrong' }), 401);
    });

    test('SIGHUP swaps the certificate; connections go on with theirs', async (t) => {
        for (const kind of ['pem', 'key']) copyFileSync(certs.file(`server.${kind}`), certs.file(`live.${kind}`));
        writeFileSync(certs.file('gateway.json'), '{}');
        const host = await open(t, serverArgs('live', '--threads', '2'), { file: certs.file('gateway.json') });
        const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
        t.after(() => agent.destroy());
        const before = (await shake(host.port)).serial;
        const first = await ask(host.url, '/health', { agent });
        const body = chat({ stream: true, max_tokens: 40, ms_per_token: 25 });
        const stream = ask(host.url, CHAT, { body });
        for (const kind of ['pem', 'key']) copyFileSync(certs.file(`next.${kind}`), certs.file(`live.${kind}`));
        host.child.process.kill('SIGHUP');
        await until(async () => (await shake(host.port)).serial !== before, 'the new certificate');
        const same = await ask(host.url, '/health', { agent });
        assert.equal(same.socket, first.socket, 'the old connection lives');
        assert.match((await stream).text, /\[DONE\]/);

        const now = (await shake(host.port)).serial;
        writeFileSync(certs.file('live.pem'), 'nonsense');
        host.child.process.kill('SIGHUP');
        await until(() => host.log().includes('reload refused'), 'the refusal of a bad file');
        assert.match(host.log(), /reload refused[^\n]*--tls-cert [^\n]*live\.pem/);
        assert.equal((await shake(host.port)).serial, now);
    });

    test('files that do not fit are refused, with what to do', async () => {
        const file = (/** @type {string} */ name) => certs.file(name);
        /** @type {[string[], RegExp][]} */
        const cases = [
            [['--tls-cert', file('server.pem')], /come together/],
            [['--client-ca', file('ca.pem')], /--client-ca needs/],
            [['--tls-cert', file('none'), '--tls-key', file('server.key')], /--tls-cert .*none: .*; it must be/],
            [['--tls-cert', file('server.pem'), '--tls-key', file('next.key')], /--tls-key .*own key/],
            [serverArgs('server', '--client-ca', file('server.key')), /--client-ca .*authorities/],
        ];
        for (const [args, pattern] of cases) {
            for (const command of [['check'], ['--listen', '127.0.0.1:0']]) {
                const { code, stderr } = await runRack([...command, ...args], { env: bench.cluster.env, config: {} });
                assert.equal(code, 2, stderr);
                assert.match(stderr, pattern);
            }
        }
    });

    test('beyond loopback, certificates are as good as keys', async (t) => {
        const env = { ...bench.cluster.env };
        const open_ = await runRack(['--listen', '0.0.0.0:0', ...serverArgs('server')], { env, config: {} });
        assert.equal(open_.code, 2);
        const host = await startRack({
            env, config: {}, tls: true, args: ['--listen', '0.0.0.0:0', ...serverArgs('server', ...CLIENT_CA)],
        });
        t.after(() => host.stop());
    });
});
