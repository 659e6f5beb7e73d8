/**
 * h2spec (github.com/summerwind/h2spec), every case of it, strict ones too: with prior knowledge, and over TLS.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { Certs } from '../lib/certs.mjs';
import { start } from '../lib/proc.mjs';
import { startRack } from '../lib/rack.mjs';
import { built } from './peers.mjs';
import { startOrigin } from './traffic.mjs';

const CASES = 146;

/** What does not pass, and why that is so. @type {Record<string, string>} */
const EXCEPTIONS = {
    // RFC 9113 has dropped RFC 7540's priorities and this rule with them. We say SETTINGS_NO_RFC7540_PRIORITIES,
    // and nghttp2 then does not look into PRIORITY any more.
    'http2/5.3.1 Sends PRIORITY frame that depend on itself': 'nghttp2',
};

/** Which cases of a JUnit report have not passed, by section and name; and how many there are.
 * @param {string} xml */
function failures(xml) {
    const cases = [...xml.matchAll(/<testcase package="([^"]*)"[^>]*?classname="([^"]*)"[^>]*?(?:\/>|>([^]*?)<\/testcase>)/g)];
    const all = [...xml.matchAll(/<testcase /g)].length;
    const failed = cases.filter(([, , , inside]) => /<(failure|error|skipped)/.test(inside ?? ''));
    return { all, failed: failed.map(([, section, name]) => `${section} ${name}`) };
}

describe('h2spec', { timeout: 120_000 }, () => {
    const certs = new Certs().authority('ca').issue('server', 'ca');
    /** @type {(() => unknown)[]} */
    const cleanup = [() => certs.remove()];
    let origin = 0;
    before(async () => {
        origin = await startOrigin((fn) => void cleanup.push(fn));
    });
    after(async () => {
        for (const fn of cleanup.reverse()) await fn();
    });

    for (const tls of [false, true]) {
        test(tls ? 'over TLS' : 'in the clear', async (t) => {
            const env = { GATEWAY_AUTH: 'off', LOCAL_SERVICES: `origin=http://127.0.0.1:${origin}` };
            const files = ['--tls-cert', certs.file('server.pem'), '--tls-key', certs.file('server.key')];
            const host = await startRack({ env, config: { limits: { drain_ms: 100 } }, args: tls ? files : [], tls });
            t.after(() => host.stop());
            const report = certs.file('report.xml');
            const child = start([built('h2spec'), '--strict', '-h', '127.0.0.1', '-p', String(host.port), '-P',
                '/api/local/origin/x?n=10', '-o', '1', '-j', report, ...(tls ? ['-t', '-k'] : [])]);
            t.after(() => child.stop('SIGKILL'));
            await child.exited;
            const { all, failed } = failures(readFileSync(report, 'utf8'));
            assert.equal(all, CASES, child.output().slice(-2000));
            assert.deepEqual(failed, Object.keys(EXCEPTIONS), child.output().split('Failures:')[1]);
        });
    }
});
