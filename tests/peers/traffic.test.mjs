/**
 * Much traffic through other people's HTTP/2, on both sides of the daemon and in both directions: every byte
 * comes, and a stream beside it lives. PEERS_MB=1024 makes it a gigabyte each; by default it is short, and
 * still beyond what once ended connections.
 */
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { Certs } from '../lib/certs.mjs';
import { start } from '../lib/proc.mjs';
import { startRack } from '../lib/rack.mjs';
import { built, fronts, targets } from './peers.mjs';
import { download, give, startOrigin, take, upload, watch } from './traffic.mjs';

const MB = Number(process.env.PEERS_MB ?? 64);
const SIZE = MB << 20;
const timeout = 20_000 + MB * 200;

describe('http/2 peers', { timeout: 20 * timeout }, () => {
    const certs = new Certs().authority('ca').issue('server', 'ca');
    /** @type {(() => unknown)[]} */
    const cleanup = [() => certs.remove()];
    const rig = { certs, origin: 0, after: (/** @type {() => unknown} */ fn) => void cleanup.push(fn) };
    /** @type {import('../lib/rack.mjs').Rack} */
    let plain;
    /** @type {import('../lib/rack.mjs').Rack} */
    let tls;

    before(async () => {
        rig.origin = await startOrigin(rig.after);
        const services = [`origin=http://127.0.0.1:${rig.origin}`];
        for (const [name, run] of Object.entries(targets)) services.push(`${name}=https://127.0.0.1:${await run(rig)}`);
        const env = { GATEWAY_AUTH: 'off', LOCAL_SERVICES: services.join(), SSL_CERT_FILE: certs.file('ca.pem') };
        const config = { limits: { body_bytes_max: 2 ** 33, drain_ms: 100 } };
        const args = ['--threads', '1'];
        const files = ['--tls-cert', certs.file('server.pem'), '--tls-key', certs.file('server.key')];
        plain = await startRack({ env, config, args, plain: true });
        rig.after(() => plain.stop());
        tls = await startRack({ env, config, args: [...args, ...files], plain: true, tls: true });
        rig.after(() => tls.stop());
    });
    after(async () => {
        for (const fn of cleanup.reverse()) await fn();
    });

    /** Both directions, at `url`, by HTTP/1.1. @param {string} url */
    const bothWays = async (url) => {
        assert.match(await upload(url, SIZE), new RegExp(`^200 ${SIZE} `));
        assert.equal(await download(url, SIZE), SIZE);
    };

    for (const name of Object.keys(targets)) {
        test(`${name} behind the daemon: ${MB} MB up and down`, { timeout }, async () => {
            const url = `${plain.url}/api/local/${name}/x`;
            await bothWays(url);
            assert.ok(plain.residentKib() < 65536, `${plain.residentKib()} KiB`);
        });
    }

    test('haproxy behind the daemon: a megabyte again and again, beside a stream', { timeout }, async () => {
        const end = await watch(`${plain.url}/api/local/haproxy/events`);
        for (let i = 0; i < 40; i++) {
            assert.match(await upload(`${plain.url}/api/local/haproxy/x`, 1e6), /^200 1000000 /, `post ${i}`);
        }
        await bothWays(`${plain.url}/api/local/haproxy/x`);
        assert.equal(end(), '200 alive');
    });

    for (const [name, run] of Object.entries(fronts)) {
        test(`${name}, in front of the daemon: ${MB} MB up and down, beside a stream`, { timeout }, async () => {
            const port = await run(rig, { plain: plain.port, tls: tls.port });
            const url = `http://127.0.0.1:${port}/api/local/origin`;
            const end = await watch(`${url}/events`);
            await bothWays(`${url}/x`);
            assert.equal(end(), '200 alive');
        });
    }

    test(`Go in front of the daemon: ${MB} MB up and down`, { timeout }, async () => {
        const url = `https://127.0.0.1:${tls.port}/api/local/origin/x`;
        for (const [how, at] of [['put', url], ['get', `${url}?n=${SIZE}`]]) {
            const child = start([built('peer-go'), how, certs.file('ca.pem'), at, String(SIZE)]);
            await child.exited;
            assert.equal(child.output(), 'ok\n', how);
        }
    });

    test('Go sends what is refused, again and again, beside a stream', { timeout }, async () => {
        const services = `https://127.0.0.1:${tls.port}/api/local`;
        const child = start([built('peer-go'), 'refused', certs.file('ca.pem'), `${services}/nowhere`, `${services}/origin/events`]);
        await child.exited;
        assert.equal(child.output(), 'ok\n');
    });

    test(`node in front of the daemon: ${MB} MB up and down`, { timeout }, async (t) => {
        const session = http2.connect(plain.url);
        t.after(() => session.destroy());
        const up = session.request({ ':method': 'POST', ':path': '/api/local/origin/x' });
        await give(up, SIZE);
        let said = '';
        for await (const part of up) said += part;
        assert.equal(said, `${SIZE} bytes by HTTP/1.1\n`);
        assert.equal(await take(session.request({ ':path': `/api/local/origin/x?n=${SIZE}` })), SIZE);
    });
});
