// A short run of each bench: that it runs through and prints its table. What the figures are is the
// business of `make bench`, on a machine that does nothing else.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** @param {string} script @param {string[]} scenarios */
function runsThrough(script, scenarios) {
    test(`${script}, short`, { timeout: 120_000 }, () => {
        const bench = fileURLToPath(new URL(script, import.meta.url));
        const text = execFileSync(process.execPath, [bench, '--short', '--rounds', '2'], { encoding: 'utf8' });
        for (const scenario of scenarios) assert.match(text, new RegExp(scenario), text);
    });
}

test('what translation costs, short', () => {
    const pairs = fileURLToPath(new URL('../../build/native/tests/golden/pairs', import.meta.url));
    const text = execFileSync(pairs, ['1'], { encoding: 'utf8' });
    const [, small, large, event] = text.match(/^at most: ([\d.]+) us, ([\d.]+) us, ([\d.]+) us$/m) ?? [];
    assert.ok(Number(small) > 0 && Number(large) > Number(small) && Number(event) > 0, text);
    assert.ok(!/ 0\.0+ /.test(text), `each pair is translated: ${text}`);
});

runsThrough('edge.mjs', ['request', 'unified', 'relayed', 'observed']);
runsThrough('native.mjs', ['small', 'large', 'unified', 'relayed', 'observed', 'p99', 'idle stream']);
