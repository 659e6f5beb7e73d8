// What the cases of cases.mjs cost: instructions of the native core, as callgrind counts them, and
// fuel of core.wasm, as wasmtime does.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cases, traceOf } from './cases.mjs';
import { record } from './record.mjs';

/** @typedef {{native: number, wasm: number}} Cost */

const root = fileURLToPath(new URL('../../', import.meta.url));
const dir = `${root}build/cost`;
/** Counted while one of these runs: what a request goes through, and nothing of the replay. */
const COUNTED = ['gw_open', 'gw_feed', 'gw_poll', 'gw_close', 'gw_ready'];
/** libc's choice of a memcpy is the machine's: here it is the same everywhere. */
const TUNABLES = 'glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX2,-AVX,-ERMS,-FSRM,-SSSE3,-SSE4_1,-SSE4_2'
  + ':glibc.cpu.x86_non_temporal_threshold=0x40000000:glibc.cpu.x86_rep_movsb_threshold=0x40000000';

/** @param {string} name @returns {number} */
function instructions(name) {
  const { stderr } = spawnSync('valgrind', [
    '--tool=callgrind', '--callgrind-out-file=/dev/null', ...COUNTED.map((f) => `--toggle-collect=${f}`),
    `${root}build/cost-replay`, `${dir}/${name}.trace`,
  ], { encoding: 'utf8', maxBuffer: 1 << 26, env: { ...process.env, GLIBC_TUNABLES: TUNABLES } });
  const collected = /Collected : (\d+)/.exec(stderr)?.[1];
  if (collected === undefined) throw new Error(`${name}: callgrind has counted nothing:\n${stderr}`);
  return Number(collected);
}

/** @returns {number[]} in the order of the cases */
function fuel() {
  const module = new WebAssembly.Module(readFileSync(`${root}build/core.wasm`));
  const files = cases.map((c) => {
    writeFileSync(`${dir}/${c.name}.json`, JSON.stringify(record(module, traceOf(c))));
    return `${dir}/${c.name}.json`;
  });
  const out = execFileSync(`${root}build/deps/python/bin/python`,
    [`${root}tests/cost/fuel.py`, `${root}build/core.wasm`, ...files], { encoding: 'utf8' });
  return out.trim().split('\n').map((line) => Number(line.split(' ')[1]));
}

/** @returns {Map<string, Cost>} what one call or event of each case costs */
export function measure() {
  mkdirSync(dir, { recursive: true });
  for (const c of cases) writeFileSync(`${dir}/${c.name}.trace`, traceOf(c));
  const wasm = fuel();
  return new Map(cases.map((c, i) => [c.name, {
    native: Math.round(instructions(c.name) / c.count), wasm: Math.round(wasm[i] / c.count),
  }]));
}

/** Who compiled: counts of another compiler say nothing. */
export function compilers() {
  const first = (/** @type {string} */ command, /** @type {string[]} */ ...args) =>
    execFileSync(command, args, { encoding: 'utf8' }).split('\n')[0];
  const cc = process.env.CC ?? 'cc';
  return { native: `${process.arch} ${first(cc, '--version')}`, wasm: first('clang-19', '--version') };
}
