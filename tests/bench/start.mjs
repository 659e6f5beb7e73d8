// How long the Worker's module takes until it can serve, in a process that has not seen it: to compile,
// to make an instance, to read the configuration. Prints one line of JSON, in milliseconds.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Core } from '../../worker-shim/core.js';
import { ROOT } from '../lib/proc.mjs';

const bytes = readFileSync(join(ROOT, 'build/core.wasm'));
const file = readFileSync(join(ROOT, 'config/gateway.json'), 'utf8');
const env = 'COLAB_ENDPOINT_1=http://127.0.0.1:9001\0ANTHROPIC_API_KEY=bench\0GATEWAY_AUTH=off\0';
crypto.getRandomValues(new Uint32Array(2)); // which node loads only now

const times = [performance.now()];
const module = new WebAssembly.Module(bytes);
times.push(performance.now());
const core = new Core(module, 1);
times.push(performance.now());
const why = core.start(env, file);
if (why !== null) throw new Error(why);
times.push(performance.now());

const [compiled, made, started] = times.slice(1).map((t, i) => t - times[i]);
console.log(JSON.stringify({ compiled, made, started }));
