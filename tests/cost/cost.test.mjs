/*
 * What calls and events cost has not crept: no case takes 2 % more than what is committed, natively
 * or in wasm. Counts of another compiler than the one in the file are not compared.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compilers, measure } from './counts.mjs';
import { dearer, readExpected } from './expected.mjs';

const expected = readExpected();
const here = /** @type {Record<string, string>} */ (compilers());
const costs = measure();

for (const host of /** @type {('native' | 'wasm')[]} */ (['native', 'wasm'])) {
  const other = here[host] !== expected.compilers[host];
  const skip = other && `counted with "${expected.compilers[host]}", here is "${here[host]}"`;
  test(`nothing costs 2 % more than before: ${host}`, { skip }, () => {
    assert.deepEqual(dearer(costs, expected.costs, [host]), []);
  });
}

test('what is dearer is found', () => {
  const [name, cost] = [...costs][0];
  const planted = new Map([[name, { native: cost.native * 1.03, wasm: cost.wasm }]]);
  assert.match(dearer(planted, costs, ['native', 'wasm']).join(), /3\.0 % more/);
  assert.deepEqual(dearer(costs, costs, ['native', 'wasm']), []);
});

test('a second count is the same', () => {
  const again = measure();
  for (const [name, cost] of costs) assert.deepEqual(again.get(name), cost, name);
});
