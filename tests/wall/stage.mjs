/**
 * What a family plays on: a cluster of its own, a gateway of its own before it, and everything that is
 * drawn from the seed: the class, the node that is sick, the dialect, the length of the answers.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCluster } from '../lib/cluster.mjs';
import { startHost } from '../lib/hosts.mjs';
import { deltasOf } from '../node/dialects.mjs';
import { random } from '../node/faults.mjs';
import { tell } from './stream.mjs';

/**
 * @typedef {import('../lib/hosts.mjs').HostName} HostName
 * @typedef {import('../node/faults.mjs').Fault} Fault
 * @typedef {import('../node/node.mjs').Node} Node
 * @typedef {import('./stream.mjs').Told} Told
 *
 * @typedef {{path: string, body: Record<string, any>}} Request
 * @typedef {{node: Node, seen: import('../node/node.mjs').Seen}} Try
 *
 * @typedef {object} Limits      milliseconds
 * @property {number} stream     to the first content of a stream, another target being left
 * @property {number} answer     to the first byte of any other answer
 * @property {number} silence    in a stream
 * @property {number} outage     how long the outage is
 *
 * @typedef {object} StageOptions
 * @property {'pair' | 'lone' | 'only'} [shape]  the sick node has a twin; only node 1 beside it; nobody
 * @property {Record<string, string>} [env]
 * @property {Record<string, unknown>} [heavy]
 * @property {string[]} [args]   of the daemon
 */

/** As they are by default. @type {Limits} */
const LONG = { stream: 10_000, answer: 95_000, silence: 30_000, outage: 60_000 };
/** @type {Limits} */
const SHORT = { stream: 1500, answer: 1500, silence: 1200, outage: 5_000 };

/** @type {Record<string, [number, number]>} */
const PAIRS = { reasoning: [1, 2], code: [3, 4], vision: [5, 6], batch: [7, 8] };
const PATHS = ['/v1/chat/completions', '/v1/completions', '/v1/messages', '/api/chat'];
const STRIKES_MAX = 20;
const BURST_MAX = 8;

/** Draws, each a function of the seed and of how many there were before it. */
export class Draw {
    /** @param {number} seed @param {number} family */
    constructor(seed, family) {
        this.next = random(seed * 64 + family + 1);
        for (let i = 0; i < 8; i++) this.next(); // the first ones of near seeds are near
    }

    /** @param {number} low @param {number} high @returns {number} a whole number, both included */
    int(low, high) {
        return low + Math.floor(this.next() * (high - low + 1));
    }

    /** @template T @param {readonly T[]} list @returns {T} */
    of(list) {
        return list[this.int(0, list.length - 1)];
    }

    /** @param {number} [share] */
    chance(share = 0.5) {
        return this.next() < share;
    }

    /** @template T @param {readonly T[]} list @returns {T[]} the same in another order */
    shuffled(list) {
        const keyed = list.map((value) => ({ value, key: this.next() }));
        return keyed.sort((a, b) => a.key - b.key).map(({ value }) => value);
    }
}

/** One gateway before one cluster, as a family has drawn them. */
export class Stage {
    /** @param {Draw} draw @param {import('../lib/cluster.mjs').Cluster} cluster
     *  @param {{name: string, sick: number, shape: 'pair' | 'lone' | 'only'}} drawn @param {Limits} limits */
    constructor(draw, cluster, drawn, limits) {
        const pair = PAIRS[drawn.name];
        this.draw = draw;
        this.cluster = cluster;
        this.limits = limits;
        this.class = drawn.name;
        this.shape = drawn.shape;
        this.sick = cluster.node(drawn.sick);
        this.twin = cluster.node(pair[0] === drawn.sick ? pair[1] : pair[0]);
        /** Who may serve, the sick one first. */
        this.all = [this.sick];
        if (drawn.shape === 'pair') this.all.push(this.twin);
        if (drawn.shape !== 'only' && drawn.name !== 'reasoning') this.all.push(cluster.node(1));
        this.path = draw.of(PATHS);
        this.serial = 0;
        /** @type {import('../lib/hosts.mjs').Host} */
        this.host = /** @type {any} */ (null);
    }

    /** Who serves when the sick node does not. */
    get well() {
        return this.all[1];
    }

    /** The environment that connects exactly these nodes. */
    get env() {
        /** @type {Record<string, string>} */
        const env = { ...this.cluster.env, GATEWAY_AUTH: 'off' };
        for (let n = 1; n <= 8; n++) {
            const here = this.all.includes(this.cluster.node(n));
            if (PAIRS[this.class].includes(n) && !here) delete env[`COLAB_ENDPOINT_${n}`];
        }
        if (this.shape === 'only') delete env.COLAB_ENDPOINT_1;
        if (this.all.includes(this.cluster.node(1))) env.COLAB_ENDPOINT_1 = this.cluster.node(1).url;
        return env;
    }

    /** A request like no other before it. @param {Record<string, unknown>} [more] @returns {Request} */
    request(more = {}) {
        const words = `request ${++this.serial} of ${this.class}`;
        const messages = [{ role: 'user', content: words }];
        const input = this.path === '/v1/completions' ? { prompt: words } : { messages };
        const n = this.draw.int(24, 60);
        const count = this.path === '/api/chat' ? { options: { num_predict: n } } : { max_tokens: n };
        const extra = this.path === '/v1/chat/completions' && more.stream === true
            ? this.draw.of([{}, {}, { n: 2 }, { tools: [{ type: 'function' }] }, { reasoning_effort: 'low' }])
            : {};
        const body = { stream: false, seed: this.draw.int(1, 1e6), ...input, ...count, ...extra, ...more };
        return { path: this.path, body };
    }

    /** @param {Request} request @param {number} [timeout] @returns {Promise<Told>} */
    send(request, timeout = 60_000) {
        return tell(this.host.url, `/api/heavy/${this.class}`, request.path, request.body, { timeout });
    }

    /** The attempts of a request, as the nodes saw them. @param {Told} told @returns {Try[]} */
    tries(told) {
        const id = told.headers['x-request-id'];
        const all = this.cluster.nodes.flatMap((node) =>
            node.seen().filter((seen) => seen.id === id).map((seen) => ({ node, seen })));
        return all.sort((a, b) => a.seen.at - b.seen.at);
    }

    /** One request, and who was asked. @param {Record<string, unknown>} more @param {number} [timeout] */
    async turn(more, timeout) {
        const request = this.request(more);
        const told = await this.send(request, timeout);
        return { request, told, tries: this.tries(told) };
    }

    /**
     * Spoils the sick node, and sends requests until one meets it: first one by one, then more and more at
     * once, since a node that seems slower is asked when the other is busy. All others must be answered well,
     * or as `others` says.
     * @param {Fault} fault @param {Record<string, unknown>} [more]
     * @param {{timeout?: number, others?: (told: Told, request: Request) => void}} [options]
     * @returns {Promise<{request: Request, told: Told, tries: Try[]}>} the first one that met it
     */
    async strike(fault, more = {}, { timeout = 60_000, others = good } = {}) {
        await this.sick.control(fault);
        for (let i = 0; i < STRIKES_MAX; i++) {
            if (i >= BURST_MAX) await sleep(200); // it may be cooling down
            const length = Math.min(Math.max(1, i - 2), BURST_MAX);
            const turns = Array.from({ length }, () => this.turn(more, timeout));
            const all = await Promise.all(turns);
            const met = all.filter(({ tries }) => tries.some((one) => one.node === this.sick));
            for (const turn of all) if (!met.includes(turn)) others(turn.told, turn.request);
            if (met.length > 0) return met[0];
        }
        assert.fail(`node ${this.sick.id} was not asked, however many requests came`);
    }

    /** All well again, and the sick node has served. */
    async settle() {
        for (const node of this.all) await node.control('ok');
        const { request, told } = await this.strike({ mode: 'ok' });
        good(told, request);
    }

    /** @param {Try[]} tries @param {Node[]} nodes */
    asked(tries, ...nodes) {
        const ids = tries.map((one) => one.node.id);
        assert.deepEqual(ids, nodes.map((node) => node.id), 'the nodes that were asked, in turn');
        const bodies = new Set(tries.map((one) => one.seen.sha).filter((sha) => sha !== ''));
        assert.ok(bodies.size <= 1, 'every node got the same bytes');
    }

    async close() {
        try {
            await this.host?.stop();
        } finally {
            await this.cluster.close();
        }
    }
}

// ------------------------------------------------------------------ what an answer must be

/** @param {Record<string, any>} body @param {Parameters<typeof deltasOf>[1]} [self] */
function spoken(body, self) {
    /** @type {Map<number, import('./stream.mjs').Spoken>} */
    const all = new Map();
    for (const { choice, kind, piece } of deltasOf(body, self)) {
        const one = all.get(choice) ?? { text: '', reasoning: '', arguments: '' };
        one[kind] += piece;
        all.set(choice, one);
    }
    return all;
}

/** @param {Told} told */
function shown(told) {
    return `${told.status}, x-heady-reason: ${told.headers['x-heady-reason']}: …${told.body.slice(-300)}`;
}

/** The whole answer, without a gap or a repetition, and its end. @param {Told} told @param {Request} request */
export function good(told, { path, body }) {
    assert.equal(told.status, 200, shown(told));
    assert.deepEqual(told.faults, [], shown(told));
    assert.equal(told.error, null, shown(told));
    assert.ok(told.whole, `cut: ${shown(told)}`);
    assert.equal(told.stream, body.stream === true);
    const expected = spoken(body);
    if (!told.stream && path !== '/v1/messages' && path !== '/api/chat') {
        for (const one of expected.values()) one.text = one.text.trimEnd();
    }
    assert.deepEqual([...told.choices], [...expected], `not the answer: ${shown(told)}`);
    if (!told.stream) return;
    assert.ok(told.done, `no end: ${shown(told)}`);
    assert.equal(told.finishes.length, expected.size, 'one finish for each choice');
    assert.equal([...told.ids].filter((id) => !id.startsWith('tool')).length, path === '/api/chat' ? 0 : 1, 'one id');
}

/** A beginning of the answer, and then the truth: an error in band, no end.
 * @param {Told} told @param {Request} request */
export function honest(told, { body }) {
    assert.equal(told.status, 200, shown(told));
    assert.deepEqual(told.faults, [], shown(told));
    assert.ok(told.error !== null, `no error: ${shown(told)}`);
    assert.ok(!told.done, `an end after an error: ${shown(told)}`);
    const expected = spoken(body);
    for (const [choice, said] of told.choices) {
        for (const kind of /** @type {const} */ (['text', 'reasoning', 'arguments'])) {
            assert.ok(expected.get(choice)?.[kind].startsWith(said[kind]), `not a beginning of it: ${shown(told)}`);
        }
    }
}

/** Nobody could serve: said soon, and when to come back. @param {Told} told */
export function unavailable(told) {
    assert.equal(told.status, 503, shown(told));
    assert.ok(Number(told.headers['retry-after']) >= 1, 'retry-after');
    const said = told.error?.error; // Ollama's is the message itself
    assert.equal(typeof (said?.message ?? said), 'string', shown(told));
    assert.ok(told.ms < 5000, `it took ${told.ms} ms`);
}

/** The head names who answered, after how many attempts, and why not the first.
 * @param {Told} told @param {Try[]} tries */
export function named(told, tries) {
    const last = tries[tries.length - 1].node;
    assert.equal(told.headers['x-heady-target'], `node-${last.id}`);
    assert.equal(told.headers['x-heady-attempts'], String(tries.length));
    for (const { node } of tries.slice(0, -1)) {
        assert.match(String(told.headers['x-heady-reason']), new RegExp(`node-${node.id}\\b`));
    }
}

// ------------------------------------------------------------------ the stage of a family

/** What a family gets: draws, limits, and stages that are closed when it is over. */
export class Play {
    /** @param {HostName} host @param {number} seed @param {number} family @param {boolean} long */
    constructor(host, seed, family, long) {
        this.hostName = host;
        this.long = long;
        this.limits = long ? LONG : SHORT;
        this.draw = new Draw(seed, family);
        /** @type {Stage[]} */
        this.stages = [];
    }

    /** @param {StageOptions} [options] @returns {Promise<Stage>} */
    async open(options = {}) {
        const shape = options.shape ?? (this.draw.chance(0.7) ? 'pair' : 'lone');
        const names = Object.keys(PAIRS).filter((name) => shape === 'pair' || name !== 'reasoning');
        const name = this.draw.of(names);
        const drawn = { name, sick: this.draw.of(PAIRS[name]), shape };
        const stage = new Stage(this.draw, await startCluster(), drawn, this.limits);
        this.stages.push(stage);
        const heavy = this.long ? {} : { first_byte_ms: this.limits.answer };
        const limits = this.long ? {} : { silence_ms: this.limits.silence };
        stage.host = await startHost(this.hostName, {
            env: { ...stage.env, ...options.env },
            config: { log_requests: false, heavy: { ...heavy, ...options.heavy }, limits },
            plain: this.long,
            args: options.args,
        });
        return stage;
    }

    async close() {
        await Promise.all(this.stages.map((stage) => stage.close()));
    }
}
