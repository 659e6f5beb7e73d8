// What the shim's core.js does to the module while a trace is replayed: each call of an export with
// its numbers, and what was written into the input area before it. A module without imports does the
// same again when this is repeated, so fuel.py need not know what the numbers mean.
import { Replay } from '../traces/replay.mjs';

/** A step of the record: a call by name, or bytes for the input area, as latin1.
 * @typedef {[string, ...number[]] | [null, string]} Step */

/** @param {WebAssembly.Module} module @param {string} trace @returns {Step[]} */
export function record(module, trace) {
  const replay = new Replay(module);
  const { core } = replay;
  /** @type {Step[]} */
  const steps = [['_initialize'], ['input', core.inputCap]];
  /** @param {string} name @param {any} value */
  const noted = (name, value) => (typeof value !== 'function' ? value : (/** @type {number[]} */ ...args) => {
    steps.push([name, ...args]);
    return value(...args);
  });
  core.box = /** @type {any} */ (Object.fromEntries(
    Object.entries(core.box).map(([name, value]) => [name, noted(name, value)])));
  const { write } = core;
  core.write = (text) => {
    const n = write.call(core, text);
    steps.push([null, Buffer.from(core.input.subarray(0, n)).toString('latin1')]);
    return n;
  };
  const { copy } = core;
  core.copy = (bytes) => {
    steps.push([null, Buffer.from(bytes).toString('latin1')]);
    return copy.call(core, bytes);
  };
  for (const line of trace.split('\n')) if (line !== '') replay.line(line);
  return steps;
}
