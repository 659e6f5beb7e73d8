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

runsThrough('edge.mjs', ['request', 'unified', 'relayed', 'observed']);
runsThrough('native.mjs', ['small', 'large', 'unified', 'relayed', 'observed', 'p99', 'idle stream']);
