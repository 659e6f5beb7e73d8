// Checks the Worker's module: node tools/check-wasm.mjs MODULE.wasm...
// It must import nothing, keep its memory bounded and start without a trap. How large it may be: parts.mjs.
import { readFileSync } from 'node:fs';

let passed = 0;
let failed = 0;

/** @param {string} what @param {boolean} good @param {string} detail */
function check(what, good, detail) {
    if (good) passed++;
    else failed++;
    if (!good) console.log(`FAILED ${what}: ${detail}`);
}

/** The maximum that the memory section states, in pages; -1 if there is none. @param {Buffer} b */
function memoryMax(b) {
    let at = 8;
    const varint = () => {
        let value = 0;
        for (let shift = 0; ; shift += 7) {
            const byte = b[at++] ?? 0;
            value += (byte & 127) * 2 ** shift;
            if (byte < 128) return value;
        }
    };
    while (at < b.length) {
        const id = b[at++];
        const size = varint();
        const next = at + size;
        if (id === 5) {
            varint(); // how many memories
            const flags = varint();
            varint(); // minimum
            return flags & 1 ? varint() : -1;
        }
        at = next;
    }
    return -1;
}

for (const file of process.argv.slice(2)) {
    const bytes = readFileSync(file);
    const module = await WebAssembly.compile(bytes);
    const imports = WebAssembly.Module.imports(module).map((i) => `${i.module}.${i.name}`);
    check(`${file} imports nothing`, imports.length === 0, imports.join(' '));
    check(`${file} bounds its memory`, memoryMax(bytes) > 0, 'no maximum');
    if (imports.length === 0) {
        const { exports } = await WebAssembly.instantiate(module, {});
        const start = exports._initialize;
        check(`${file} is a reactor`, typeof start === 'function', Object.keys(exports).join(' '));
        if (typeof start === 'function') start();
    }
    const names = WebAssembly.Module.exports(module).map((e) => e.name);
    console.log(`${file}: ${bytes.length} bytes, exports ${names.join(' ')}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
