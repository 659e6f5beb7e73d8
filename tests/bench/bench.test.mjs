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

test('what translation costs, short', { timeout: 120_000 }, () => {
    const bench = fileURLToPath(new URL('pairs.mjs', import.meta.url));
    const text = execFileSync(process.execPath, [bench, '--short'], { encoding: 'utf8' });
    assert.equal(text.match(/^  \w+ to \w+ +4 KB request [\d.]+ \/ [\d.]+ /gm)?.length, 30, text);
    for (const host of ['native', 'wasm']) {
        for (const what of ['4 KB request', '100 KB request', 'event']) {
            const [, least, most] = text.match(new RegExp(`^${what}, ${host} +([\\d.]+) to ([\\d.]+) us$`, 'm')) ?? [];
            assert.ok(Number(least) > 0 && Number(most) >= Number(least), text);
        }
    }
    assert.match(text, /^The module starts in [\d.]+ ms/m);
});

runsThrough('edge.mjs', ['request', 'unified', 'relayed', 'observed']);
runsThrough('native.mjs', ['small', 'large', 'unified', 'relayed', 'observed', 'p99', 'idle stream']);
runsThrough('litellm.mjs', ['whole', 'stream', 'slowly']);
