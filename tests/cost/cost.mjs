// make cost: what calls and events cost, against what is committed.
import { argv, exit } from 'node:process';
import { cases } from './cases.mjs';
import { compilers, measure } from './counts.mjs';
import { dearer, readExpected, writeExpected } from './expected.mjs';

const costs = measure();
if (argv.includes('--update')) writeExpected(costs, compilers());
const expected = readExpected();
const change = (/** @type {number} */ now, /** @type {number | undefined} */ was) =>
  `${now} (${was ? `${((now / was - 1) * 100).toFixed(1)} %` : 'new'})`.padStart(20);
for (const { name, per } of cases) {
  const cost = /** @type {import('./counts.mjs').Cost} */ (costs.get(name));
  const was = expected.costs.get(name);
  console.log(`${name.padEnd(16)} ${change(cost.native, was?.native)} instructions`
    + ` ${change(cost.wasm, was?.wasm)} fuel, a ${per}`);
}
const bad = dearer(costs, expected.costs, ['native', 'wasm']);
for (const line of bad) console.log(line);
exit(bad.length ? 1 : 0);
