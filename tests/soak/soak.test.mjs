/** The chaos soak in its short form; `make soak` is the long one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soak } from './soak.mjs';

const SECONDS = Number(process.env.SOAK_SECONDS ?? 100);

test(`${SECONDS} s of chaos`, { timeout: (SECONDS + 90) * 1000 }, async (t) => {
    assert.deepEqual(await soak(SECONDS, (line) => t.diagnostic(line)), []);
});
