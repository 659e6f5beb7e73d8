/*
 * A dialect is its file and one line of the table: build/toy/replay is the core with tests/toy/toy.c and that
 * line, all other objects as they are. It replays a trace as tests/traces does.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);
const path = (/** @type {string} */ name) => fileURLToPath(new URL(name, root));
const read = (/** @type {string} */ name) => readFileSync(path(name), 'utf8');
const replay = (/** @type {string} */ program) =>
  execFileSync(path(program), [path('tests/toy/toy.trace')], { encoding: 'utf8' });

test('a dialect more is one file and one line', () => {
  const table = read('src/format/dialects.h').split('\n');
  const added = read('build/toy/format/dialects.h').split('\n');
  const at = added.indexOf('DIALECT(toy)');
  assert.deepEqual(added.toSpliced(at, 1), table, 'one line');
  assert.equal(replay('build/toy/replay'), read('tests/toy/toy.expected'));
});

test('without it nobody knows it', () => {
  const text = replay('build/asan/tests/traces/replay');
  for (const own of ['literal:: hum', 'literal:data: BYE', 'literal:data: {"sorry"', 'literal:{"sorry"']) {
    assert.ok(read('tests/toy/toy.expected').includes(own), own);
    assert.ok(!text.includes(own), own);
  }
});
