/*
 * Planted bugs: wrong behaviour of the real code, which the simulator must find.
 *
 * A mutant is a file of mutants/: what is wrong, in a line; "--- FILE"; lines of that file; "+++"; the
 * lines in their place. The lines must stand in the file exactly once: a mutant that no longer fits
 * is an error. Only that one file is compiled anew, and linked with the objects of build/sim.
 */
import { execSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = fileURLToPath(new URL('mutants/', import.meta.url));
const KEPT = ['sha256', 'platform_util'];

/** @typedef {{name: string, what: string, file: string, from: string, to: string}} Mutant */

/** @returns {Mutant[]} */
export function mutants() {
    return readdirSync(folder).filter((f) => f.endsWith('.txt')).sort().map((file) => {
        const text = readFileSync(join(folder, file), 'utf8');
        const parts = /^(.*)\n--- (\S+)\n([^]*?)\n\+\+\+\n([^]*)\n$/.exec(text);
        if (!parts) throw new Error(`${file}: not a mutant; see mutants.mjs`);
        const [, what, path, from, to] = parts;
        return { name: file.slice(0, -4), what, file: path, from, to };
    });
}

/** The simulator with this mutant in it. @param {Mutant} mutant @returns {string} its path */
export function build(mutant) {
    const whole = readFileSync(join(root, mutant.file), 'utf8');
    const parts = whole.split(mutant.from);
    if (parts.length !== 2) {
        throw new Error(`${mutant.name}: its lines stand ${parts.length - 1} times in ${mutant.file}`);
    }
    const source = join('build/mutants', mutant.name, mutant.file);
    const object = source.replace(/c$/, 'o');
    const binary = join('build/mutants', mutant.name, 'sim');
    mkdirSync(join(root, dirname(source)), { recursive: true });
    writeFileSync(join(root, source), parts.join(mutant.to));
    const compiler = readFileSync(join(root, 'build/native/flags'), 'utf8').replace(/ -MMD -MP/, '').trim();
    const run = (/** @type {string} */ rest) => execSync(`${compiler} -w ${rest}`, { cwd: root });
    run(`-c ${source} -o ${object}`);
    const others = globSync(['src/{base,core/*,format}/*.c', 'tests/sim/*.c'], { cwd: root })
        .filter((f) => f !== mutant.file)
        .map((f) => `build/native/${f.replace(/c$/, 'o')}`);
    const kept = KEPT.map((f) => `build/native/kept/${f}.o`);
    run(`${[object, ...others, ...kept].join(' ')} -lm -o ${binary}`);
    return join(root, binary);
}
