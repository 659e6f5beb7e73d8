/** What the gateway's own table says of each feature: read from the page that `translate table` prints. */
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TRANSLATE = `${ROOT}build/asan/tests/golden/translate`;

execFileSync('make', ['-s', 'build/asan/tests/golden/translate'], { cwd: ROOT });

/** @typedef {'yes' | 'refused' | 'told' | 'left out'} Fate */

/** The cells of a table, by row and column. @param {string} text @returns {Map<string, Record<string, string>>} */
function tableIn(text) {
    const [head, , ...rows] = text.split('\n').filter((line) => line.startsWith('|')).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));
    return new Map(rows.map(([name, ...cells]) => [name, Object.fromEntries(cells.map((cell, i) => [head[i + 1], cell.replaceAll('`', '')]))]));
}

const [, fates, names] = execFileSync(TRANSLATE, ['table']).toString().split(/^## .*$/m).map(tableIn);

/** Every row of it. */
export const ROWS = [...fates.keys()];

/** What becomes of it where this dialect is asked. @param {string} row @param {string} dialect @returns {Fate} */
export function fateOf(row, dialect) {
    const fate = fates.get(row)?.[dialect];
    if (fate === undefined) throw new Error(`no row “${row}” for ${dialect}`);
    return /** @type {Fate} */ (fate);
}

/** What clients of this dialect call it. @param {string} row @param {string} dialect */
export function nameOf(row, dialect) {
    return names.get(row)?.[dialect] || row;
}

/** Whether a dialect is translated. @param {string} name */
export function speaks(name) {
    return spawnSync(TRANSLATE, ['request', name, name], { input: '{}' }).status !== 2;
}
