// What each part of the Worker's module takes, against its budget: node tools/parts.mjs MAP MODULE
// A part that outgrows its budget fails; whoever needs more raises it here, and says why in the commit.
// Bytes are those of the linker's map, before wasm-opt; the last line is what is uploaded.
import { readFileSync, statSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

/** From an object's path, the first that matches; and how many bytes it may have.
 * @type {[string, RegExp, number][]} */
const PARTS = [
    ['core/config', /src\/core\/config\//, 0],
    ['core/cluster', /src\/core\/cluster\//, 0],
    ['core/policy', /src\/core\/policy\//, 0],
    ['core/call', /src\/core\/call\//, 0],
    ['core/show', /src\/core\/show\//, 0],
    ['dialect openai', /src\/format\/openai\.o/, 0],
    ['dialect anthropic', /src\/format\/anthropic\.o/, 0],
    ['dialect ollama', /src\/format\/ollama\.o/, 0],
    ['format', /src\/format\//, 0],
    ['JSON', /cJSON|src\/base\/(json|real)/, 0],
    ['digests', /sha256|platform_util|src\/base\/digest/, 0],
    ['base', /src\/base\//, 0],
    ['box and heap', /build\/wasm\/wasm\//, 0],
    ['libc', /./, 0],
];

const [map, module] = process.argv.slice(2);
const sizes = new Map(PARTS.map(([name]) => [name, 0]));
for (const [, size, path] of readFileSync(map, 'utf8').matchAll(/^ *\S+ +\S+ +([0-9a-f]+) {9}(\S+):\(/gm)) {
    const part = PARTS.find(([, pattern]) => pattern.test(path))?.[0] ?? 'libc';
    sizes.set(part, (sizes.get(part) ?? 0) + parseInt(size, 16));
}
let over = 0;
for (const [name, , budget] of PARTS) {
    const size = sizes.get(name) ?? 0;
    over += size > budget ? 1 : 0;
    console.log(`${name.padEnd(18)} ${String(size).padStart(7)} of ${String(budget).padStart(7)}`
        + `${size > budget ? '   TOO LARGE' : ''}`);
}
console.log(`${module}: ${statSync(module).size} bytes, ${gzipSync(readFileSync(module)).length} as gzip`);
process.exitCode = over ? 1 : 0;
