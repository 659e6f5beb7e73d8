/** Bodies at and over what is held, and answers that say busy: nothing is lost, nothing hangs. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { ask, json } from '../lib/client.mjs';
import { atBoth, test } from '../lib/hosts.mjs';
import { sha256 } from '../lib/keys.mjs';

const BODY = randomBytes(3 << 20);
const CHUNKED = { 'transfer-encoding': 'chunked' };

atBoth('limits', (bench) => {
    test('a chunked body over replay_bytes_max streams once, and arrives as it was', async (t) => {
        const host = await bench.open(t, { config: { limits: { replay_bytes_max: 65536 } } });
        const answer = await ask(host.url, '/api/heavy/code/sha',
            { body: BODY, headers: CHUNKED, method: 'POST' });
        assert.equal(answer.status, 200, answer.text);
        assert.equal(json(answer).sha256, sha256(BODY));
        assert.match(String(answer.headers['x-heady-reason']), /not held/);
    });

    test('nothing is held at all when replay_bytes_max is 0', async (t) => {
        const host = await bench.open(t, { config: { limits: { replay_bytes_max: 0 } } });
        const answer = await ask(host.url, '/api/heavy/code/sha',
            { body: BODY, headers: CHUNKED, method: 'POST' });
        assert.equal(answer.status, 200, answer.text);
        assert.equal(json(answer).sha256, sha256(BODY));
    });

    test('JSON that is too large to be read is 413 at once', async (t) => {
        const host = await bench.open(t, { config: { limits: { json_bytes_max: 2048 } } });
        const body = JSON.stringify({ type: 'batch', prompt: 'x'.repeat(10_000) });
        const answer = await ask(host.url, '/api/heavy/process',
            { body: Buffer.from(body), headers: CHUNKED, method: 'POST' });
        assert.equal(answer.status, 413, answer.text);
    });

    test('Retry-After: 0 is no reason to ask the same node again at once', async (t) => {
        const host = await bench.open(t);
        await bench.cluster.node(4).control({ mode: '429', retry_after: 0 });
        for (let i = 0; i < 4; i++) {
            const answer = await ask(host.url, '/api/heavy/code', { body: Buffer.from('{}') });
            assert.equal(answer.status, 200, `${answer.headers['x-heady-reason']} ${answer.text}`);
        }
    });
});
