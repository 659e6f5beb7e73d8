// The figures that are committed, tests/cost/expected: a line for each case, and who compiled.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cases } from './cases.mjs';

/** @typedef {import('./counts.mjs').Cost} Cost */

const file = new URL('expected', import.meta.url);
/** What may come without a word: 2 %. */
export const DEARER = 1.02;

/** @returns {{compilers: Record<string, string>, costs: Map<string, Cost>}} */
export function readExpected() {
  /** @type {Record<string, string>} */
  const compilers = {};
  const costs = new Map();
  if (!existsSync(file)) return { compilers, costs };
  for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
    const by = /^# (native|wasm): (.*)$/.exec(line);
    if (by) compilers[by[1]] = by[2];
    if (line.startsWith('#')) continue;
    const [name, native, wasm] = line.split(/ +/);
    costs.set(name, { native: Number(native), wasm: Number(wasm) });
  }
  return { compilers, costs };
}

/** @param {Map<string, Cost>} costs @param {Record<string, string>} compilers */
export function writeExpected(costs, compilers) {
  const row = (/** @type {unknown[]} */ ...w) => `${String(w[0]).padEnd(16)} ${String(w[1]).padStart(9)} ${String(w[2]).padStart(9)}`;
  writeFileSync(file, [
    '# What one call or event of each case of cases.mjs costs. "make cost COST_UPDATE=1" writes this.',
    `# native: ${compilers.native}`, `# wasm: ${compilers.wasm}`,
    `${row('# case', 'native', 'wasm')}  instructions of the core; fuel of core.wasm`,
    ...cases.map((c) => row(c.name, costs.get(c.name)?.native, costs.get(c.name)?.wasm)), '',
  ].join('\n'));
}

/** What is dearer than it may be, in words. @param {Map<string, Cost>} now
 * @param {Map<string, Cost>} before @param {('native' | 'wasm')[]} hosts @returns {string[]} */
export function dearer(now, before, hosts) {
  return [...now].flatMap(([name, cost]) => hosts.flatMap((host) => {
    const was = before.get(name)?.[host];
    if (was === undefined) return [`${name}: not in tests/cost/expected yet; "make cost COST_UPDATE=1" adds it`];
    if (cost[host] <= was * DEARER) return [];
    const more = ((cost[host] / was - 1) * 100).toFixed(1);
    return [`${name}: ${cost[host]} ${host}, ${more} % more than ${was}`];
  }));
}
