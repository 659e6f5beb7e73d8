// What each part of the Worker's module takes, against its budget: node tools/parts.mjs MAP MODULE
// A part that outgrows its budget fails; whoever needs more raises it here, and says why in the commit.
// Bytes are those of the linker's map, of code and data, before wasm-opt; the line below the parts is what
// is uploaded.
import { readFileSync, statSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

/** An object belongs to the first part whose pattern its path matches; and how many bytes that may have.
 * @type {[string, RegExp, number][]} */
const PARTS = [
    ['signatures', /src\/(format\/sigv4|core\/call\/sign)/, 4_300],
    ['core/config', /src\/core\/config\//, 29_500],
    ['core/cluster', /src\/core\/cluster\//, 19_800],
    ['core/policy', /src\/core\/policy\//, 14_400],
    ['core/call', /src\/core\/call\//, 103_000],
    ['core/show', /src\/core\/show\//, 3_000],
    ['embeddings', /src\/(format\/(\w+_)?embed|base\/real32)/, 7_800],
    ['dialect openai', /src\/format\/openai/, 18_500],
    ['dialect anthropic', /src\/format\/anthropic/, 17_000],
    ['dialect responses', /src\/format\/responses/, 32_500],
    ['dialect ollama', /src\/format\/ollama/, 9_900],
    ['dialect gemini', /src\/format\/gemini/, 25_500],
    ['dialect bedrock', /src\/format\/bedrock/, 20_200],
    ['what models can', /src\/format\/(capability|feature)/, 7_400],
    ['format', /src\/format\//, 37_500],
    ['JSON', /src\/base\/(json|real)/, 11_400],
    ['digests', /sha256|platform_util|src\/base\/digest/, 2_800],
    ['base', /src\/base\//, 5_600],
    ['box and heap', /\/wasm\/wasm\//, 3_000],
    ['texts', /^<internal>/, 36_400], // the strings of all parts, which the linker has merged
    ['libc', /\.a\(|\/crt1/, 1_200],
];

const [map, module] = process.argv.slice(2);
/** @type {Map<string, number>} */
const sizes = new Map();
let failed = 0;
// Lines "Addr Off Size Out In" of the input sections: those of symbols are indented further.
const SECTION = /^ *\S+ +\S+ +([0-9a-f]+) {9}(\S+):\((\S*)\)$/gm;
for (const [, size, path, section] of readFileSync(map, 'utf8').matchAll(SECTION)) {
    if (section.startsWith('.bss')) continue; // takes memory, and no place in the module
    const part = PARTS.find(([, pattern]) => pattern.test(path))?.[0];
    if (part === undefined) console.log(`${path} belongs to no part`);
    if (part === undefined) failed++;
    else sizes.set(part, (sizes.get(part) ?? 0) + parseInt(size, 16));
}
for (const [name, , budget] of PARTS) {
    const size = sizes.get(name) ?? 0;
    const word = size > budget ? '   TOO LARGE' : size === 0 ? '   NOTHING: is the pattern right?' : '';
    if (word) failed++;
    console.log(`${name.padEnd(18)} ${String(size).padStart(6)} of ${String(budget).padStart(6)}${word}`);
}
console.log(`${module}: ${statSync(module).size} bytes, ${gzipSync(readFileSync(module)).length} as gzip`);
console.log(`${PARTS.length - Math.min(failed, PARTS.length)} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
