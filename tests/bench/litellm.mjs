// What a translated request and a translated event cost the daemon, beside LiteLLM's proxy: OpenAI's chat
// from a client, Anthropic's messages to a provider, the same requests and the same provider
// (tests/providers/anthropic.mjs) for both. CPU time of the whole process, in interleaved rounds, the least
// of each; prints a table, writes build/bench/litellm.json.
//
// A stream comes slowly, each event by itself: then most of what the daemon takes is the kernel's, to be
// woken, to receive and to send, which no proxy can save. Or it comes at once: then what counts is
// translation.
//
//     node tests/bench/litellm.mjs [--rounds 5] [--short] [--check]
//
// LiteLLM (tests/bench/litellm.txt) is measured where `make bench` could install it. --check fails when it
// does not cost a hundred times as much for what has a limit. --short sends less: to see that it runs.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { keyLines } from '../lib/keys.mjs';
import { ROOT, ready, start } from '../lib/proc.mjs';
import { freePort } from '../lib/rack.mjs';
import { startProvider } from '../providers/fakes.mjs';
import { load, post } from './edge-load.mjs';
import { DIR, ticks } from './native-servers.mjs';

/** @typedef {import('../lib/proc.mjs').Child} Child */
/** @typedef {{ name: string, child: Child, port: number, share: number }} Server */

const { values: options } = parseArgs({
    options: {
        rounds: { type: 'string', default: '5' }, short: { type: 'boolean', default: false },
        check: { type: 'boolean', default: false },
    },
});
const ROUNDS = Number(options.rounds);
const TIMES_MIN = 100;
const CONNECTIONS = 16;
const EVENTS = 200;
const REQUEST_BYTES = 4096;
const TURN_BYTES = 300;
const KEY = 'sk-bench-0123456789abcdef0123456789abcdef';
const TICK_US = 1e6 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
const HOME = join(ROOT, 'build/deps/litellm');

/** A conversation of 4 KB, whose last message says how many words the answer has (tests/providers/said.mjs).
 * @param {boolean} stream @param {number} words */
function ask(stream, words) {
    const messages = [{ role: 'system', content: 'You are brief.' }];
    const body = () => JSON.stringify({ model: 'demo', max_tokens: 1000, stream, messages });
    const line = 'The quick brown fox jumps over the lazy dog; "really".\n';
    while (body().length < REQUEST_BYTES - TURN_BYTES) {
        messages.push({ role: messages.length % 2 ? 'user' : 'assistant', content: line.repeat(TURN_BYTES / line.length) });
    }
    if (messages.length % 2 === 0) messages.push({ role: 'assistant', content: 'Yes.' });
    messages.push({ role: 'user', content: `Tell me in ${words} words.` });
    return post('/v1/chat/completions', body(), { authorization: `Bearer ${KEY}` });
}

/** `total` is how many of them the daemon is sent; LiteLLM, which takes longer, less (Server's share).
 * @typedef {{ name: string, unit: string, request: Buffer, total: number, units: number, pace: number, limit?: number }} Scenario
 * @type {Scenario[]} */
const SCENARIOS = [
    { name: 'whole', unit: 'request', request: ask(false, 60), total: 10_000, units: 1, pace: 0, limit: TIMES_MIN },
    { name: 'stream', unit: 'event', request: ask(true, EVENTS), total: 4000, units: EVENTS, pace: 0, limit: TIMES_MIN },
    { name: 'slowly', unit: 'event', request: ask(true, EVENTS), total: 400, units: EVENTS, pace: 1 },
];

/** @param {string} provider its URL @returns {Promise<Server>} */
async function startDaemon(provider) {
    const port = await freePort();
    const file = join(DIR, 'translated.json');
    writeFileSync(file, JSON.stringify({ models: { demo: 'claude/claude-sonnet-5' } }));
    const env = { GATEWAY_KEYS: keyLines({ bench: KEY }), CLAUDE_ENDPOINT: provider, ANTHROPIC_API_KEY: 'sk-ant-1' };
    const program = process.env.DAEMON ?? join(ROOT, 'build/heady-gateway');
    const child = start([program, '--config', file, '--listen', `127.0.0.1:${port}`, '--threads', '1'], { env });
    await ready(child, `http://127.0.0.1:${port}/health`);
    return { name: 'daemon', child, port, share: 1 };
}

/** @param {string} provider its URL @returns {Promise<Server>} */
async function startLiteLlm(provider) {
    const port = await freePort();
    const file = join(DIR, 'litellm.yaml'); // JSON is YAML
    writeFileSync(file, JSON.stringify({
        model_list: [{ model_name: 'demo', litellm_params: {
            model: 'anthropic/claude-sonnet-5', api_base: provider, api_key: 'sk-ant-1' } }],
        general_settings: { master_key: KEY },
    }));
    const args = ['--config', file, '--host', '127.0.0.1', '--port', String(port), '--num_workers', '1', '--telemetry', 'False'];
    const env = { LITELLM_LOCAL_MODEL_COST_MAP: 'True' }; // it would ask GitHub
    const child = start([join(HOME, 'bin/litellm'), ...args], { env });
    await ready(child, `http://127.0.0.1:${port}/health/liveliness`, 120_000);
    return { name: 'litellm', child, port, share: 0.02 };
}

/** Why LiteLLM is not measured; undefined: it is. */
function missing() {
    const why = join(HOME, 'missing');
    if (options.short) return 'it is not part of a short run';
    if (existsSync(why)) return readFileSync(why, 'utf8').trim();
    return existsSync(join(HOME, 'bin/litellm')) ? undefined : `${HOME}: "make bench" installs it`;
}

/** CPU microseconds of a request or an event: of the process itself, and of the kernel for it.
 * @param {Server} server @param {Scenario} s */
async function measure(server, s) {
    const total = Math.ceil(s.total * server.share / (options.short ? 10 : 1));
    const before = ticks(server.child.pid);
    await load(server.port, s.request, total, CONNECTIONS);
    const after = ticks(server.child.pid);
    const us = (/** @type {'user' | 'system'} */ what) => (after[what] - before[what]) * TICK_US / (total * s.units);
    return { user: us('user'), system: us('system'), all: us('user') + us('system') };
}

/** The least that each server takes. @param {Server[]} servers @param {Scenario} s
 * @param {import('../providers/fakes.mjs').Provider} provider */
async function run(servers, s, provider) {
    /** @type {Record<string, Awaited<ReturnType<typeof measure>>>} */
    const least = {};
    for (let round = 0; round <= ROUNDS; round += 1) { // the first does not count
        for (const server of servers) {
            provider.forget();
            provider.control({ pace: s.pace });
            const us = await measure(server, s);
            if (round > 0 && us.all <= (least[server.name]?.all ?? Infinity)) least[server.name] = us;
        }
    }
    const times = least.litellm && least.litellm.all / least.daemon.all;
    return { name: s.name, unit: s.unit, limit: s.limit, us: least, times };
}

/** @param {Awaited<ReturnType<typeof run>>[]} reports */
function print(reports) {
    console.log(`\nCPU of a translated request of ${REQUEST_BYTES} bytes, and of an event of ${EVENTS}: microseconds, user + system`);
    for (const { name, unit, us, times, limit } of reports) {
        for (const [server, { user, system, all }] of Object.entries(us)) {
            console.log(`  ${name.padEnd(7)} ${server.padEnd(7)} ${all.toFixed(2)} per ${unit}, ${user.toFixed(2)} + ${system.toFixed(2)}`);
        }
        const verdict = limit ? `  limit ${limit}: ${times >= limit ? 'kept' : 'MISSED'}` : '';
        if (times) console.log(`  ${name.padEnd(7)} litellm / daemon ${times.toFixed(0)}${verdict}`);
    }
}

async function main() {
    mkdirSync(DIR, { recursive: true });
    const provider = await startProvider('anthropic', { keys: ['sk-ant-1'] });
    /** @type {Server[]} */
    const servers = [];
    const why = missing();
    try {
        servers.push(await startDaemon(provider.url));
        if (why === undefined) servers.push(await startLiteLlm(provider.url));
        const reports = [];
        for (const s of SCENARIOS) reports.push(await run(servers, s, provider));
        print(reports);
        if (why !== undefined) console.log(`  LiteLLM is not measured: ${why}`);
        writeFileSync(join(ROOT, 'build/bench/litellm.json'), `${JSON.stringify({ rounds: ROUNDS, reports }, null, 2)}\n`);
        return why !== undefined || reports.every(({ times, limit }) => limit === undefined || times >= limit);
    } finally {
        for (const { child } of servers) await child.stop('SIGKILL');
        await provider.close();
        rmSync(DIR, { recursive: true, force: true });
    }
}

const kept = await main();
process.exitCode = options.check && !kept ? 1 : 0;
