/** What many requests must find: breakers, balance, and budgets under load. Each fails by an exception. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Clients } from './rates.mjs';
import { Play } from './stage.mjs';

/**
 * @typedef {import('./stage.mjs').Stage} Stage
 * @typedef {import('./rates.mjs').Reply} Reply
 * @typedef {import('../node/faults.mjs').Fault} Fault
 */

const CHAT = '/v1/chat/completions';

/** @param {Stage} stage */
function clientsOf(stage) {
    const clients = new Clients(stage.host.url);
    const path = `/api/heavy/${stage.class}${CHAT}`;
    let serial = 0;
    /** @param {string} [words] */
    const chat = (words = `crowd ${++serial}`) =>
        clients.post(path, { max_tokens: 2, messages: [{ role: 'user', content: words }] });
    return { clients, chat };
}

/** @param {Reply[]} replies */
function statuses(replies) {
    /** @type {Record<number, number>} */
    const all = {};
    for (const { status } of replies) all[status] = (all[status] ?? 0) + 1;
    return all;
}

/** @param {Reply[]} replies @param {string} what */
function allServed(replies, what) {
    const bad = replies.find((reply) => reply.status !== 200);
    const all = JSON.stringify(statuses(replies));
    assert.equal(bad, undefined, `${what}: ${all}, the first: ${JSON.stringify(bad)?.slice(0, 600)}`);
}

/** Twenty 4xx are no reason to leave a node alone. @param {Play} play */
async function clientErrors(play) {
    const stage = await play.open({ shape: 'lone' });
    const { clients, chat } = clientsOf(stage);
    for (let i = 0; i < 20; i++) {
        await stage.sick.control({ mode: 'status', status: play.draw.of([400, 401, 403, 404, 409, 413, 422]) });
        const reply = await chat();
        assert.ok(reply.status >= 400 && reply.status < 500, `${reply.status}`);
    }
    await stage.sick.control('ok');
    allServed([await chat()], 'after twenty 4xx');
    assert.equal(stage.sick.stats().requests, 21, 'it had them all');
    clients.close();
}

/** Sends until a node has failed three times. @param {Stage} stage @param {() => Promise<Reply>} chat */
async function takeOut(stage, chat) {
    for (let i = 0; i < 100 && stage.sick.stats().requests < 3; i++) {
        allServed(await Promise.all([chat(), chat(), chat()]), 'while a node fails');
    }
    assert.ok(stage.sick.stats().requests >= 3, 'it has failed three times');
    return Math.max(...stage.sick.seen().map((seen) => seen.until));
}

/**
 * Three failures take a node out. During its time not one request reaches it, even from 64 clients; then
 * exactly one does, and until that one is answered no other.
 * @param {Play} play @param {{threads?: number}} [options]
 */
async function outOfUse(play, { threads = 1 } = {}) {
    const args = threads > 1 ? ['--threads', String(threads)] : undefined;
    const env = { CIRCUIT_BREAKER_RECOVERY_TIMEOUT: '3' };
    const stage = await play.open({ shape: 'pair', env, args, heavy: { in_flight_max: 64 } });
    const { clients, chat } = clientsOf(stage);
    await stage.sick.control(play.draw.of(['502', 'reset', 'cloudflare', 'close']));
    const failed = await takeOut(stage, chat);
    const before = stage.sick.seen().length;
    for (const node of stage.all) await node.control({ mode: 'slow', ms: 0, head_ms: 300 });
    await stage.sick.control({ mode: 'slow', ms: 0, head_ms: 1000 }); // the trial takes a while
    let served = 0;
    const client = async () => {
        while (performance.timeOrigin + performance.now() < failed + 6000) {
            allServed([await chat()], 'while a node is out of use');
            served++;
            await sleep(150);
        }
    };
    await Promise.all(Array.from({ length: 64 }, client));
    const later = stage.sick.seen().slice(before);
    assert.ok(served > 64 * 4, `${served} requests were served meanwhile`);
    assert.ok(later.length >= 1, 'it is tried again');
    const [trial, ...rest] = later;
    const away = trial.at - failed;
    assert.ok(away > 3000 * 0.8 - 50 && away < 3000 + 2000, `left alone for ${away} ms`);
    const early = rest.filter((seen) => seen.at < trial.until - 20);
    assert.deepEqual(early, [], 'not before the trial was over');
    assert.ok(rest.length > 0, 'and used again after it');
    clients.close();
}

/** One client repeats a request that makes every node fail: the others notice nothing.
 * @param {Play} play @param {'500' | 'reset'} how */
async function poison(play, how) {
    const stage = await play.open({ shape: 'pair' });
    const { clients, chat } = clientsOf(stage);
    const fault = { mode: 'poison', how: how === 'reset' ? how : undefined };
    for (const node of stage.cluster.nodes) await node.control(fault);
    for (let i = 0; i < 40; i++) {
        const [bad, ...others] = await Promise.all([chat('poison'), chat(), chat()]);
        const fair = how === '500' ? [500, 503] : [502, 503];
        assert.ok(fair.includes(bad.status), `${bad.status}: ${bad.text}`);
        allServed(others, `beside a request that every node answers with ${how}`);
        for (const other of others) assert.equal(other.headers['x-heady-attempts'], '1');
    }
    const well = stage.all.slice(0, 2).map((node) => node.seen().filter((seen) => seen.status === 200).length);
    assert.ok(well.every((n) => n > 10), `both of the pair went on serving: ${well}`);
    clients.close();
}

/** Of two nodes one is twenty times slower: it gets little, and yet now and then a request.
 * @param {Play} play */
async function slowTwin(play) {
    const stage = await play.open({ shape: 'pair' });
    const { clients, chat } = clientsOf(stage);
    const quick = play.draw.int(5, 12);
    await stage.sick.control({ mode: 'slow', ms: 0, head_ms: quick * 20 });
    await stage.twin.control({ mode: 'slow', ms: 0, head_ms: quick });
    const n = play.long ? 2000 : 400;
    for (let i = 0; i < n; i++) allServed([await chat()], 'one after the other');
    const [slow, fast] = [stage.sick, stage.twin].map((node) => node.stats().requests);
    assert.ok(fast >= 0.8 * n, `${fast} of ${n} went to the quick one`);
    assert.ok(slow >= 2, `the slow one was asked ${slow} times`);
    clients.close();
    return `${fast} of ${n}`;
}

/** Both of a pair are busy at 100 requests a second: node 1 serves them all. @param {Play} play */
async function busyPair(play) {
    const stage = await play.open({ shape: 'pair' });
    const { clients, chat } = clientsOf(stage);
    const first = stage.cluster.node(1);
    const pair = stage.all.filter((node) => node !== first).slice(0, 2);
    for (const node of pair) await node.control({ mode: play.draw.of(['429', '503']), retry_after: 60 });
    const replies = await clients.paced(100, play.long ? 20_000 : 3000, () => chat());
    allServed(replies, 'while the pair is busy');
    assert.equal(first.seen().filter((seen) => seen.status === 200).length, replies.length, 'node 1 served them all');
    clients.close();
}

/** Every node fails one request in twenty: 99.9 % succeed, with at most 1.1 attempts each. @param {Play} play */
async function flakyCluster(play) {
    const n = play.long ? 100_000 : 3000;
    const stage = await play.open({ shape: 'pair' });
    const { clients } = clientsOf(stage);
    for (const node of stage.cluster.nodes) {
        const as = { mode: play.draw.of(['500', '502', '504', 'reset', 'close']) };
        await node.control({ mode: 'flaky', rate: 0.05, seed: play.draw.int(1, 1e6), as });
    }
    const names = ['reasoning', 'code', 'vision', 'batch'];
    const all = await clients.many(n, 24, (i) => {
        const messages = [{ role: 'user', content: `flaky ${i}` }];
        return clients.post(`/api/heavy/${names[i % 4]}${CHAT}`, { max_tokens: 1, messages });
    });
    const good = all[200] ?? 0;
    const attempts = stage.cluster.requests() / n;
    clients.close();
    assert.ok(good >= 0.999 * n, `${good} of ${n} succeeded: ${JSON.stringify(all)}`);
    assert.ok(attempts <= 1.1, `${attempts} attempts each`);
    return `${((100 * good) / n).toFixed(3)} %, ${attempts.toFixed(3)} attempts each`;
}

/** Every node fails everything at 300 requests a second: few attempts, and prompt answers. @param {Play} play */
async function deadCluster(play) {
    const stage = await play.open({ shape: 'pair' });
    const { clients, chat } = clientsOf(stage);
    const how = play.draw.of(['502', 'reset', '504', 'close', 'cloudflare']);
    for (const node of stage.cluster.nodes) await node.control(how);
    const replies = await clients.paced(300, play.long ? 20_000 : 3000, () => chat());
    const attempts = stage.cluster.requests() / replies.length;
    const times = replies.map((reply) => reply.ms).sort((a, b) => a - b);
    const [middle, slowest] = [times[times.length >> 1], times[times.length - 1]];
    const kinds = statuses(replies);
    clients.close();
    assert.deepEqual(Object.keys(kinds), ['503'], `${how}: ${JSON.stringify(kinds)}`);
    for (const reply of replies) assert.ok(Number(reply.headers['retry-after']) >= 1);
    assert.ok(middle < 500 && slowest < 5000, `answers took ${middle} ms, the slowest ${slowest} ms`);
    assert.ok(attempts < 1.25, `${attempts} attempts each`);
    return `${attempts.toFixed(3)} attempts each`;
}

/** @type {{name: string, host?: string, run: (play: Play) => Promise<string | void>}[]} */
export const CROWDS = [
    { name: 'twenty 4xx answers of a node leave it in use', run: clientErrors },
    { name: 'three failures take a node out of use, until one request tries it', run: outOfUse },
    { name: 'the same of two threads', host: 'rack', run: (play) => outOfUse(play, { threads: 2 }) },
    { name: 'a request that every node answers with 500 hurts nobody else', run: (play) => poison(play, '500') },
    { name: 'a request that makes every node reset hurts nobody else', run: (play) => poison(play, 'reset') },
    { name: 'of two nodes the quick one gets most, the slow one some', run: slowTwin },
    { name: 'while a pair is busy node 1 serves everybody', run: busyPair },
    { name: 'every node fails one in twenty: all are served', run: flakyCluster },
    { name: 'every node fails everything: few attempts, prompt answers', run: deadCluster },
];

/**
 * @param {import('./stage.mjs').HostName} host @param {number} seed @param {number} crowd its index
 * @param {boolean} long @returns {Promise<string>} figures, if there are any
 */
export async function playCrowd(host, seed, crowd, long) {
    const play = new Play(host, seed, 32 + crowd, long);
    try {
        return (await CROWDS[crowd].run(play)) ?? '';
    } finally {
        await play.close();
    }
}
