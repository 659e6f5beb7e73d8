/*
 * The linter refuses what it is there for: each rule sees a planted mistake, and not the same without it.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const tool = (/** @type {string} */ name) => join(root, 'tools', name);

/** A folder with these files, for as long as `use` runs.
 * @param {Record<string, string>} files @param {(dir: string) => void} use */
function within(files, use) {
  const dir = mkdtempSync(join(tmpdir(), 'heady-lint-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(dir, dirname(name)), { recursive: true });
      writeFileSync(join(dir, name), text);
    }
    use(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** @param {string} dir @param {string} command @param {string[]} args */
function run(dir, command, ...args) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: dir, encoding: 'utf8' });
  return { status, text: stdout + stderr };
}

/** @param {string} dir @param {string} tool_ @param {string} file */
const node = (dir, tool_, file) => run(dir, process.execPath, tool(tool_), file);

test('an include that points upwards', () => {
  const up = '#include "core/call/call.h"\n', down = '#include "core/gw.h"\n';
  within({ 'src/core/config/up.c': up, 'src/core/config/down.c': down }, (dir) => {
    const { status, text } = node(dir, 'includes.mjs', 'src/core/config/up.c');
    assert.equal(status, 1);
    assert.match(text, /src\/core\/config\/up\.c includes src\/core\/call\/call\.h/);
    assert.match(text, /src\/core\/call: src\/core\/gw\.h|src\/core\/call: gw\.h core\/cluster/, 'says what is allowed');
    assert.equal(node(dir, 'includes.mjs', 'src/core/config/down.c').status, 0);
  });
});

test('an include from a folder that nobody knows', () => {
  within({ 'src/other/x.c': '#include "base/str.h"\n' }, (dir) => {
    assert.equal(node(dir, 'includes.mjs', 'src/other/x.c').status, 1);
  });
});

test('a static that is called like a function of libc', () => {
  const planted = 'static void send(int x) {\n}\n', fine = 'static void put_send(int x) {\n    send(x);\n}\n';
  within({ 'a.c': planted, 'b.c': fine }, (dir) => {
    const { status, text } = node(dir, 'names.mjs', 'a.c');
    assert.equal(status, 1);
    assert.match(text, /a\.c: send is a function of libc/);
    assert.equal(node(dir, 'names.mjs', 'b.c').status, 0);
  });
});

test('the subject of a commit', () => {
  within({}, (dir) => {
    const git = (/** @type {string[]} */ ...args) => execFileSync('git', [
      '-c', 'user.name=x', '-c', 'user.email=x@x', '-c', 'init.defaultBranch=main', ...args,
    ], { cwd: dir, encoding: 'utf8' });
    const commit = (/** @type {string} */ subject) => git('commit', '-q', '--allow-empty', '-m', subject);
    git('init', '-q');
    commit('whatever came before is not looked at, however long it may be: nobody can change it any more');
    const since = git('rev-parse', 'HEAD').trim();
    commit(`area: ${'x'.repeat(66)}`);
    assert.equal(run(dir, tool('commits.sh'), since).status, 0);
    commit(`area: ${'x'.repeat(67)}`);
    assert.match(run(dir, tool('commits.sh'), since).text, /73 characters/);
    git('reset', '-q', '--hard', since);
    commit('no area');
    assert.equal(run(dir, tool('commits.sh'), since).status, 1);
  });
  within({}, (dir) => assert.equal(run(dir, tool('commits.sh')).status, 0, 'no history'));
});

test('make lint asks all of them', () => {
  const makefile = readFileSync(join(root, 'Makefile'), 'utf8');
  for (const name of ['includes.mjs', 'names.mjs', 'commits.sh']) {
    assert.match(makefile, new RegExp(`tools/${name.replace('.', '\\.')}`));
  }
});
