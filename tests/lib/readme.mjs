/** What README.md tells clients to set ("Clients"), for tests that set just that. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './proc.mjs';

const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const ADDRESS = 'https://api.headysystems.com';
const BLOCK = /^```\n(?:#|\/\/) ([^\n:]+)(?:: ~\/([^\n]+))?\n([^`]*)^```/gm;

/** @param {string} text lines NAME=value */
function variables(text) {
    return Object.fromEntries([...text.matchAll(/^([A-Z_]+)=(\S+)/gm)].map(([, name, value]) => [name, value]));
}

/** What is shown under a name, with another address and a key: variables, and files of the home.
 * @param {string} about @param {string} url @param {string} key
 * @returns {{env: Record<string, string>, files: [string, string][]}} */
export function shown(about, url, key) {
    const own = [...README.matchAll(BLOCK)].filter(([, name]) => name === about);
    if (own.length === 0) throw new Error(`README.md shows no "${about}"`);
    const filled = own.map(([, , file, text]) => [file, text.replaceAll(ADDRESS, url).replaceAll('hk-…', key)]);
    return {
        env: Object.assign({}, ...filled.filter(([file]) => file === undefined).map(([, text]) => variables(text))),
        files: /** @type {[string, string][]} */ (filled.filter(([file]) => file !== undefined)),
    };
}
