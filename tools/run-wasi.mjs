// Runs a wasm32-wasi program under node: node tools/run-wasi.mjs PROGRAM.wasm [arguments...]
// The program sees the working directory, and nothing else of this machine.
import { readFileSync } from 'node:fs';
import { WASI } from 'node:wasi';

const [program, ...rest] = process.argv.slice(2);
if (!program) {
    console.error('usage: node tools/run-wasi.mjs PROGRAM.wasm [arguments...]');
    process.exit(2);
}
const wasi = new WASI({
    version: 'preview1',
    args: [program, ...rest],
    preopens: { '.': process.cwd() },
    returnOnExit: true,
});
const module = await WebAssembly.compile(readFileSync(program));
const imports = /** @type {WebAssembly.Imports} */ (wasi.getImportObject());
process.exitCode = wasi.start(await WebAssembly.instantiate(module, imports));
