/**
 * The chaos soak: full load while nodes are killed, stalled and revived, the configuration is reloaded
 * every few seconds (now and then a bad one), and in the middle another process takes over.
 *
 *     node tests/soak/soak.mjs [--seconds=1800]
 *
 * It ends with a table, and with exit code 1 if anything was not as it must be: a request without an
 * answer, an answer that is not that request's, a stream that ends cleanly too early, an error that is
 * not documented, memory that grows, descriptors that do not come back.
 */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { startCluster } from '../lib/cluster.mjs';
import { openFiles, residentKib, until } from '../lib/proc.mjs';
import { startRack } from '../lib/rack.mjs';
import { alive, end, signal, upgrade } from '../lib/successor.mjs';
import { KINDS } from './clients.mjs';

/** @typedef {import('../node/faults.mjs').Fault} NodeFault */

const CHAOS_MS = 1500;
const RELOAD_MS = 5000;
const SAMPLE_MS = 1000;
const FAULTS_MAX = 50;
/** How much a process may hold at the end beyond what it held after its warm-up. */
const GROWTH_KIB = 4096;
const GROWTH_SHARE = 0.1;
/** What may differ between an idle process before and after: a log or a timer's descriptor. */
const FILES_SLACK = 2;

/** @type {(NodeFault | string)[]} */
const TROUBLES = [
    'refuse', 'refuse', { mode: 'stall', after: 300 }, { mode: 'hang' }, { mode: 'reset' },
    { mode: 'reset', when: 'body' }, { mode: 'reset_answer' }, { mode: 'truncate' },
    { mode: 'truncate', framing: 'chunked' }, { mode: 'status', status: 503 }, { mode: '429' },
    { mode: 'close' }, { mode: 'reset_body', after: 20_000 }, { mode: 'slow', ms: 20 }, { mode: 'junk' },
];

/** Configurations that are all good for the load; each reload takes the next. */
function configs() {
    const limits = { silence_ms: 1500, request_ms: 20_000, upstream_idle_ms: 1000, drain_ms: 25_000 };
    const heavy = { first_byte_ms: 2000, queue_ms: 3000, in_flight_max: 16, overflow: ['local/brain'] };
    const others = { code: { nodes: [5, 6] }, vision: { nodes: [3, 4] } };
    return [
        { log_requests: false, limits, heavy },
        { log_requests: false, limits, heavy: { ...heavy, classes: others } },
        { log_requests: false, limits: { ...limits, client_idle_ms: 20_000 }, heavy: { ...heavy, queue_max: 512 } },
    ];
}

/** What has happened, by kind of client and outcome. */
class Tally {
    constructor() {
        /** @type {Map<string, Map<string, number>>} */
        this.kinds = new Map(Object.keys(KINDS).map((kind) => [kind, new Map()]));
        /** @type {string[]} */
        this.faults = [];
    }

    /** @param {string} kind @param {string} outcome */
    add(kind, outcome) {
        const of = /** @type {Map<string, number>} */ (this.kinds.get(kind));
        of.set(outcome, (of.get(outcome) ?? 0) + 1);
    }

    /** @param {string} what */
    fault(what) {
        if (this.faults.length < FAULTS_MAX) this.faults.push(what);
    }

    lines() {
        return [...this.kinds].map(([kind, of]) => {
            const all = [...of].sort((a, b) => b[1] - a[1]).map(([what, n]) => `${what} ${n}`);
            return `${kind.padEnd(9)} ${all.join(', ')}`;
        });
    }
}

/** The clients of all kinds, until `going` says no. @param {string} base @param {Tally} tally
 *  @param {() => boolean} going */
async function load(base, tally, going) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });
    const all = Object.entries(KINDS).flatMap(([kind, { turn, clients }]) =>
        Array.from({ length: clients }, async () => {
            while (going()) {
                try {
                    tally.add(kind, await turn(base, agent));
                } catch (error) {
                    tally.add(kind, 'FAULT');
                    tally.fault(`${new Date().toISOString()} ${kind}: ${/** @type {Error} */ (error).message}`);
                    await sleep(100);
                }
                await sleep(kind === 'small' || kind === 'big' ? 0 : randomInt(30));
            }
        }));
    await Promise.all(all);
    agent.destroy();
}

/** Spoils a node and heals it after a while, again and again; at most three at a time are ill.
 * @param {import('../lib/cluster.mjs').Cluster} cluster @param {() => boolean} going */
async function chaos(cluster, going) {
    /** @type {Set<import('../lib/cluster.mjs').Node>} */
    const ill = new Set();
    while (going()) {
        const node = cluster.nodes[randomInt(cluster.nodes.length)];
        if (!ill.has(node) && ill.size < 3) {
            ill.add(node);
            await node.control(TROUBLES[randomInt(TROUBLES.length)]);
            const heal = () => node.control('ok').then(() => ill.delete(node));
            setTimeout(() => void heal(), randomInt(500, 4000)).unref();
        }
        await sleep(CHAOS_MS);
    }
}

/** @param {string} file @param {unknown} config */
function write(file, config) {
    writeFileSync(`${file}.new`, typeof config === 'string' ? config : JSON.stringify(config));
    renameSync(`${file}.new`, file);
}

/** @param {string} file @param {() => number} pid @param {() => boolean} going */
async function reloads(file, pid, going) {
    const all = configs();
    for (let n = 1; going(); n++) {
        await sleep(RELOAD_MS);
        write(file, n % 7 === 0 ? '{"heavie": 1}' : all[n % all.length]);
        signal(pid(), 'SIGHUP');
    }
    write(file, all[0]);
}

/** @param {number[]} values */
function median(values) {
    return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** Memory of one process while it serves. */
class Memory {
    constructor() {
        /** @type {number[]} */
        this.kib = [];
    }

    /** The middle of what was seen after a fifth of the time, and of the last fifth. */
    verdict() {
        const fifth = Math.floor(this.kib.length / 5);
        const warm = median(this.kib.slice(fifth, 2 * fifth));
        const last = median(this.kib.slice(-fifth));
        const flat = last - warm <= GROWTH_KIB + warm * GROWTH_SHARE;
        return { warm, last, flat, samples: this.kib.length };
    }
}

/** @param {Map<number, Memory>} memory @param {() => number} pid @param {() => boolean} going */
async function watch(memory, pid, going) {
    while (going()) {
        const at = pid();
        const of = memory.get(at) ?? new Memory();
        memory.set(at, of);
        if (alive(at)) of.kib.push(residentKib(at));
        await sleep(SAMPLE_MS);
    }
}

/** The whole run. @param {number} seconds @param {(line: string) => void} say
 *  @returns {Promise<string[]>} what was not as it must be */
export async function soak(seconds, say) {
    const dir = mkdtempSync(join(tmpdir(), 'heady-soak-'));
    const file = join(dir, 'gateway.json');
    const cluster = await startCluster();
    write(file, configs()[0]);
    const env = { ...cluster.env, GATEWAY_AUTH: 'off' };
    const host = await startRack({ env, file, plain: true, args: ['--threads', '2'] });
    const tally = new Tally();
    /** @type {Map<number, Memory>} */
    const memory = new Map();
    let pid = host.pid;
    let going = true;
    try {
        const files = openFiles(host.pid);
        const is = () => going;
        const work = [
            load(host.url, tally, is),
            chaos(cluster, is),
            reloads(file, () => pid, is),
            watch(memory, () => pid, is),
        ];
        await sleep((seconds * 1000) / 2);
        const first = pid;
        write(file, configs()[0]);
        pid = await upgrade(host, pid);
        await sleep((seconds * 1000) / 2);
        await until(() => !alive(first), 'it to end', 30_000)
            .catch(() => tally.fault('the process that was taken over from has not ended'));
        going = false;
        await Promise.all(work);
        await cluster.heal();
        await until(() => openFiles(pid) <= files + FILES_SLACK, 'descriptors', 15_000)
            .catch(() => tally.fault(`${openFiles(pid)} descriptors are open, ${files} when it was idle`));
        for (const [of, m] of memory) {
            const { warm, last, flat, samples } = m.verdict();
            say(`process ${of}: ${warm} KiB after warm-up, ${last} KiB at the end, ${samples} samples`);
            if (!flat) tally.fault(`process ${of}: memory grew from ${warm} to ${last} KiB`);
        }
        say(`descriptors: ${files} before, ${openFiles(pid)} after`);
    } finally {
        going = false;
        await end(pid, 30_000);
        await end(host.pid, 30_000);
        await cluster.close();
        rmSync(dir, { recursive: true, force: true });
    }
    for (const line of tally.lines()) say(line);
    const odd = host.log().split('\n').filter((l) => /"level":"(error|warn)"/.test(l) && !/heavie/.test(l));
    for (const line of odd) tally.fault(`log: ${line}`);
    return tally.faults;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
    const seconds = Number(process.argv[2]?.replace('--seconds=', '') ?? 1800);
    const faults = await soak(seconds, console.log);
    for (const fault of faults) console.log(`FAULT ${fault}`);
    console.log(faults.length === 0 ? `${seconds} s: nothing was wrong` : `${faults.length} faults`);
    process.exit(faults.length === 0 ? 0 : 1);
}
