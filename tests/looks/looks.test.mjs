/*
 * Reading a stream is linear in its bytes, whatever they are: counted by build/looks, see looks.c.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

test('four times the bytes of a stream make four times the work', { timeout: 120_000 }, (t) => {
    const { status, stdout } = spawnSync('build/looks', { cwd: root, encoding: 'utf8' });
    assert.equal(status, 0, stdout);
    t.diagnostic(stdout.trim());
});
