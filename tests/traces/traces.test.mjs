/*
 * Every trace gives, natively and through the wasm, the output that is committed beside it, to the
 * byte. And the traces together take every step of the state tables, see every kind of event and
 * cause every kind of action: what is not covered is printed and fails.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { replay } from './replay.mjs';

const root = new URL('../../', import.meta.url);
const native = fileURLToPath(new URL('build/asan/tests/traces/replay', root));
const module = new WebAssembly.Module(readFileSync(new URL('build/core.wasm', root)));
const traces = readdirSync(new URL('.', import.meta.url)).filter((f) => f.endsWith('.trace')).sort();

/** @param {string} name */
const at = (name) => fileURLToPath(new URL(name, import.meta.url));
/** @param {string[]} args */
const run = (args) => execFileSync(native, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
/** @param {string} path */
const source = (path) => readFileSync(new URL(path, root), 'utf8');

for (const name of traces) {
  test(`trace ${name}`, () => {
    const expected = readFileSync(at(name.replace('.trace', '.expected')), 'utf8');
    assert.equal(run([at(name)]), expected, 'native');
    assert.equal(replay(module, readFileSync(at(name), 'utf8')), expected, 'wasm');
  });
}

/** The steps of the table of calls: "STATE EVENT NEXT". */
function callSteps() {
  const states = 'NEW|SNIFF|QUEUE|TRY|KEEP|RELAY|HOLD|OBSERVE|PROBE|SIGNED|ASK|DONE';
  const row = new RegExp(`^ \\*   (${states}) +(\\w+) +((?:(?:${states})(?: |$))+)`, 'gm');
  return [...source('src/core/call/call.c').matchAll(row)]
    .flatMap(([, from, event, next]) => next.trim().split(' ').map((to) => `${from} ${event} ${to}`));
}

/** Where a call's state is assigned: "FILE: LINE". @param {string} folder */
function stateAssignments(folder) {
  return readdirSync(new URL(folder, root)).filter((f) => f.endsWith('.c')).flatMap((file) =>
    [...source(folder + file).matchAll(/^.*->state = .*$/gm)].map(([line]) => `${file}: ${line.trim()}`));
}

test('only call.c advances a call', () => {
  const assigned = stateAssignments('src/core/call/');
  assert.ok(assigned.length > 0);
  assert.deepEqual(assigned.filter((a) => !a.startsWith('call.c: ')), []);
});

/** The steps of the table of backends: "STATE STATE". */
function poolSteps() {
  const states = 'READY|HALF_OPEN|COOLING|DOWN';
  const row = new RegExp(`^ \\*   (${states}) +(${states}) `, 'gm');
  return [...source('src/core/cluster/pool.h').matchAll(row)].map(([, from, to]) => `${from} ${to}`);
}

/** @param {string} what @param {string[]} wanted @param {Set<string>} seen */
function covered(what, wanted, seen) {
  const missing = wanted.filter((step) => !seen.has(step));
  console.log(`coverage: ${what}: ${wanted.length - missing.length} of ${wanted.length}`);
  assert.ok(wanted.length > 0, `${what}: the table was not found`);
  assert.deepEqual(missing, [], `${what}: no trace for these`);
}

test('the traces take every step of the state tables, and no other', () => {
  const seen = new Set(traces.flatMap((name) => run(['--states', at(name)]).split('\n')));
  covered('steps of a call', callSteps(), seen);
  covered('steps of a backend', poolSteps(), seen);
  const known = new Set([...callSteps(), ...poolSteps(), '']);
  // Of a dropped attempt, or of a call that is over: nothing may come of it, and nothing does.
  const idle = (/** @type {string} */ step) => /^(\w+) RES_\w+ \1$|^DONE \w+ DONE$/.test(step);
  const strange = [...seen].filter((step) => !known.has(step) && !idle(step));
  assert.deepEqual(strange, [], 'steps that no table names');
});

/** The members of an enum of gw.h, without the prefix. @param {string} name */
function members(name) {
  const body = new RegExp(`enum ${name} {([^}]*)}`).exec(source('src/core/gw.h'))?.[1] ?? '';
  return [...body.matchAll(/^ *GW_(\w+)/gm)].map(([, member]) => member);
}

test('the traces see every kind of event and cause every kind of action', () => {
  const states = new Set(traces.flatMap((name) => run(['--states', at(name)]).split(/\s/)));
  covered('kinds of events', members('gw_event_kind'), states);
  const text = traces.map((name) => readFileSync(at(name.replace('.trace', '.expected')), 'utf8')).join('');
  const actions = new Set([...text.matchAll(/^\w+ ([A-Z]+)\b/gm)].map(([, action]) => action));
  covered('kinds of actions', members('gw_action_kind'), actions);
});
