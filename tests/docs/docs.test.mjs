/*
 * What the documents name is there: files, folders, make targets, and the functions that the quiz of
 * CONTRIBUTING.md gives as answers. A name that is moved without its documents fails here.
 */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const documents = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/*.md', { cwd: root }).sort()];
const COLUMNS = 100;

/** @param {string} path */
const read = (path) => readFileSync(join(root, path), 'utf8');
/** @param {string} path */
const isThere = (path) => existsSync(join(root, path));

const places = ['config', 'docs', 'src', 'tests', 'tools', 'wasm', 'worker-shim'];
/** Every file and folder of the sources, as "/path". */
const tree = [
  ...globSync('*', { cwd: root }),
  ...places.flatMap((place) => [place, ...globSync(`${place}/**`, { cwd: root })]),
].map((path) => `/${path}`);
/** Folders that documents name without what stands before them: "net/conn.h". */
const folders = new Set(globSync(['src/*', 'src/*/*'], { cwd: root })
  .filter((path) => statSync(join(root, path)).isDirectory()).map((path) => path.split('/').at(-1)));

/** The text between backticks, and the lines of code that are indented or fenced. @param {string} text */
function code(text) {
  const fences = [...text.matchAll(/^```\n(.*?)^```$/gms)].map(([, block]) => block);
  const plain = text.replace(/^```\n.*?^```$/gms, '');
  const indented = [...plain.matchAll(/^ {4}\S.*$/gm)].map(([line]) => line.replace(/#.*/, ''));
  return { spans: [...plain.matchAll(/`([^`]+)`/g)].map(([, span]) => span), lines: [...fences, ...indented] };
}

/** Whether a word of a document names a file or a folder of this tree. @param {string} word */
function isPath(word) {
  if (!/^[\w.-]+(\/[\w.-]+)*\/?$/.test(word)) return false;
  const first = word.split('/')[0];
  const isFile = /\w\.(c|h|js|mjs|sh|md|toml|trace|json)$/.test(word);
  return first !== 'build' && (isFile || places.includes(first) || (word.includes('/') && folders.has(first)));
}

/** As it is, or behind folders that are left out; a module may be named without .c, .h or .js.
 * @param {string} word */
function isInTree(word) {
  const path = word.replace(/\/$/, '');
  return isThere(path) || tree.some((file) => file.endsWith(`/${path}`) || file.replace(/\.\w+$/, '').endsWith(`/${path}`));
}

for (const name of documents) {
  const text = read(name);
  test(`${name}: files, folders and links are there`, () => {
    const words = code(text).spans.flatMap((span) => span.split(/[\s,;]+/));
    const links = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, to]) => join(dirname(name), to));
    const lost = [...words.filter(isPath).filter((word) => !isInTree(word)), ...links.filter((to) => !isThere(to))];
    assert.deepEqual([...new Set(lost)], []);
  });

  test(`${name}: make targets are there`, () => {
    const makefile = read('Makefile');
    const { spans, lines } = code(text);
    const commands = [...spans, ...lines].flatMap((s) => [...s.matchAll(/^ *(?:\$ )?make ([a-z][a-z-]*)/gm)]);
    const targets = commands.map(([, target]) => target);
    const lost = targets.filter((t) => !new RegExp(`^${t}:`, 'm').test(makefile));
    assert.deepEqual(lost, []);
  });

  test(`${name}: lines are at most ${COLUMNS} wide, but for tables`, () => {
    const wide = text.split('\n').filter((line) => [...line].length > COLUMNS && !line.startsWith('|'));
    assert.deepEqual(wide, []);
  });
}

/** @param {string} file @param {string} name */
function defines(file, name) {
  const c = new RegExp(`^\\w[\\w *]*\\b${name}\\([^;]*$`, 'm');
  const js = new RegExp(`^(export )?(async )?function ${name}\\(`, 'm');
  return (file.endsWith('.c') ? c : js).test(read(file));
}

test('the functions of the quiz are where its answers say', () => {
  const rows = read('CONTRIBUTING.md').split('\n## Quiz\n')[1]?.match(/^\| is .*|^\| does .*/gm) ?? [];
  assert.ok(rows.length >= 10, 'the quiz was not found');
  for (const row of rows) {
    let file = '';
    for (const [, name] of row.matchAll(/`([^`]+)`/g)) {
      if (isPath(name)) file = name;
      else assert.ok(defines(file, name), `${name} is not defined in ${file}`);
    }
    assert.notEqual(file, '', row);
  }
});

test('what CONTRIBUTING.md names as being in a file is in it', () => {
  const text = read('CONTRIBUTING.md').replace(/\n\s+/g, ' ');
  const named = [...text.matchAll(/((?:`[\w ]+`(?:, | and | ))+)\(`([\w./-]+\.[ch])`/g)];
  assert.ok(named.length >= 4, 'none were found');
  for (const [, names, file] of named)
    for (const [, name] of names.matchAll(/`([^`]+)`/g)) assert.ok(read(file).includes(name), `${name} in ${file}`);
});

test('the tree of README.md has every folder, and no other', () => {
  const block = read('README.md').split('\n## The tree\n')[1].split('```')[1];
  let top = '';
  const named = [...block.matchAll(/^( {2})?([\w.-]+\/?[\w-]*\/?)(?= )/gm)].map(([, inner, path]) => {
    if (inner === undefined) top = path;
    return inner === undefined ? path : top + path;
  });
  assert.deepEqual(named.filter((path) => !isThere(path)), []);
  const inside = (/** @type {string} */ path) => globSync(`${path}/*`, { cwd: root })
    .filter((p) => statSync(join(root, p)).isDirectory());
  const wanted = [...inside('src'), ...inside('src/core'), ...inside('src/native')].filter((p) => !named.includes(`${p}/`));
  assert.deepEqual(wanted, [], 'folders that the tree does not name');
  const tests = block.slice(block.indexOf('\ntests/'), block.indexOf('\ntools/'));
  const unnamed = inside('tests').filter((p) => !new RegExp(`\\b${p.slice(6)}\\b`).test(tests));
  assert.deepEqual(unnamed, [], 'suites that the tree does not name');
});
