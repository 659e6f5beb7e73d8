/** heady-gateway probe: each target is asked once, and a table says how it is. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atHost, test } from '../lib/hosts.mjs';
import { runRack } from '../lib/rack.mjs';

/** The table's rows by target. @param {string} table */
function rows(table) {
    return Object.fromEntries(table.trim().split('\n').slice(1).map((line) => {
        const [name, ...rest] = line.split(/ {2,}| +(?=\d+ ms)/);
        return [name, rest];
    }));
}

atHost('rack', 'probe', (bench) => {
    /** @param {Record<string, string>} [env] */
    const probe = (env = {}) => runRack(['probe'], { env: { ...bench.cluster.env, ...env }, config: '{}' });

    test('all are well: one request each, a row each, exit 0', async () => {
        await bench.cluster.heal();
        const before = bench.cluster.requests();
        const run = await probe();
        assert.equal(run.code, 0, run.stdout + run.stderr);
        assert.match(run.stdout, /^TARGET +RESULT +STATUS +TIME\n/);
        const table = rows(run.stdout);
        for (let n = 1; n <= 8; n++) {
            assert.equal(table[`node-${n}`][0], 'alive');
            assert.equal(table[`node-${n}`][1], '200');
            assert.equal(bench.cluster.node(n).stats().probes, 1);
        }
        assert.equal(bench.cluster.requests(), before, 'nothing but /health');
        assert.ok(!/http|127\.0\.0\.1/.test(run.stdout), 'no addresses');
    });

    test('one that is stopped, one that is not set: named, exit 1', async (t) => {
        await bench.cluster.node(2).stop();
        t.after(() => bench.cluster.node(2).start());
        const run = await probe({ COLAB_ENDPOINT_7: '' });
        assert.equal(run.code, 1, run.stdout);
        const table = rows(run.stdout);
        assert.deepEqual([table['node-2'][0], table['node-7'][0], table['node-1'][0]], ['refused', 'no endpoint', 'alive']);
    });

    test('a breaker that is open does not keep it from being asked', async (t) => {
        const dir = mkdtempSync(join(tmpdir(), 'heady-probe-'));
        t.after(() => rmSync(dir, { recursive: true, force: true }));
        writeFileSync(join(dir, 'state'), `breaker node-3 ${Date.now()} open ${Date.now() + 60000} 1 2\n`);
        const run = await probe({ HEADY_DATA_DIR: dir });
        assert.equal(rows(run.stdout)['node-3'][0], 'alive');
    });
});
