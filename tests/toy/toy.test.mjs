/*
 * A dialect is its file and one line of the table, a question is a handler and a line in gw.h and in ask.c:
 * build/toy/replay is the core with tests/toy/toy_*.c and those lines, all other objects as they are. It
 * replays a trace as tests/traces does.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startEdge } from '../lib/edge.mjs';
import { startRack } from '../lib/rack.mjs';

const root = new URL('../../', import.meta.url);
const path = (/** @type {string} */ name) => fileURLToPath(new URL(name, root));
const read = (/** @type {string} */ name) => readFileSync(path(name), 'utf8');
const replay = (/** @type {string} */ program, /** @type {string} */ trace) =>
  execFileSync(path(program), [path(trace)], { encoding: 'utf8' });

/** The lines that a copy has more. @param {string} name of the file */
function added(name) {
  const lines = read(`src/${name}`).split('\n');
  const copy = read(`build/toy/${name}`).split('\n');
  return copy.filter((line) => !lines.includes(line));
}

test('a dialect more is one file and one line', () => {
  assert.deepEqual(added('format/dialects.h'), ['DIALECT(toy)']);
  assert.equal(replay('build/toy/replay', 'tests/toy/dialect.trace'), read('tests/toy/dialect.expected'));
});

test('without it nobody knows it', () => {
  const text = replay('build/asan/tests/traces/replay', 'tests/toy/dialect.trace');
  for (const own of ['literal:: hum', 'literal:data: BYE', 'literal:data: {"sorry"', 'literal:{"sorry"']) {
    assert.ok(read('tests/toy/dialect.expected').includes(own), own);
    assert.ok(!text.includes(own), own);
  }
});

test('a question more is one file, and a line in gw.h and in the table; a phase asks it', () => {
  assert.deepEqual(added('core/gw.h'), ['    GW_ASK_TOY,']);
  assert.deepEqual(added('core/call/ask.c'), ['    [GW_ASK_TOY] = toy_on_answer,']);
  assert.equal(added('core/call/call.c').length, 1);
  assert.equal(replay('build/toy/replay', 'tests/toy/ask.trace'), read('tests/toy/ask.expected'));
});

test('without it nobody asks it', () => {
  assert.ok(!replay('build/asan/tests/traces/replay', 'tests/toy/ask.trace').includes(' ASK '));
});

/** @param {import('node:test').TestContext} t @param {string} name @returns {Promise<string>} its URL */
async function open(t, name) {
  const env = { GATEWAY_AUTH: 'off', COLAB_ENDPOINT_3: 'http://127.0.0.1:9' };
  const host = name === 'rack'
    ? await startRack({ env, program: path('build/toy/heady-gateway'), config: {} })
    : await startEdge({ env, wasm: path('build/toy/core.wasm') });
  t.after(() => host.stop());
  return host.url;
}

for (const name of ['rack', 'edge']) {
  test(`a body that is held is read again, whole and in order of its offsets [${name}]`, async (t) => {
    const url = await open(t, name);
    for (const size of [3, 1000, 65_536, 65_537, 700_000]) {
      const body = Buffer.from(Array.from({ length: size }, (_, i) => 32 + ((i * 7919) % 90)));
      const sum = body.subarray(2).reduce((all, byte) => all + byte, 0);
      for (const chunked of [false, true]) {
        const answer = await fetch(`${url}/api/heavy/code/v1/chat/completions?again`, /** @type {any} */ ({
          method: 'POST', duplex: 'half', headers: { 'content-type': 'application/json' },
          body: chunked ? new Blob([body]).stream() : body,
        }));
        assert.equal(await answer.text(), String(sum), `${size} bytes${chunked ? ', chunked' : ''}`);
      }
    }
  });
}
