// A short run of each bench: that it runs through and prints its table. What the figures are is the
// business of `make bench`, on a machine that does nothing else.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

test('edge bench, short', { timeout: 120_000 }, () => {
    const bench = fileURLToPath(new URL('edge.mjs', import.meta.url));
    const text = execFileSync(process.execPath, [bench, '--short', '--rounds', '2'], { encoding: 'utf8' });
    for (const scenario of ['request', 'relayed', 'observed']) assert.match(text, new RegExp(scenario), text);
});
