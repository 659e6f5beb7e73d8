// No static function is called like a function of libc: a reader must not have to ask which one is
// meant. node tools/names.mjs FILE...
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const text = (/** @type {string} */ command, /** @type {string[]} */ ...args) =>
    execFileSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
const libc = text('cc', '-print-file-name=libc.so.6').trim();
const taken = new Set(text('nm', '-D', '--defined-only', libc).split('\n')
    .map((line) => line.split(' ')[2]?.split('@')[0]));

const wrong = process.argv.slice(2).flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/^static [^\n=;]*?\b(\w+)\(/gm)]
        .filter(([, name]) => taken.has(name))
        .map(([, name]) => `${file}: ${name} is a function of libc: name the static otherwise`));
if (wrong.length) {
    console.log([...new Set(wrong)].join('\n'));
    process.exitCode = 1;
}
