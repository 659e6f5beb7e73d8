/**
 * Coding agents, headless, through the gateway, at both hosts: each does a task of two steps, with a tool's call
 * between them, against the strict fake of its own dialect's provider. `make agents` installs them and runs this;
 * one that is not there is skipped. HOST=rack or HOST=edge runs it at one.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before } from 'node:test';
import { atBoth, test } from '../lib/hosts.mjs';
import { EVERY, KEY, openFront, paired, startFakes } from '../providers/front.mjs';
import { sameBytes } from '../providers/recorder.mjs';
import { TASKS, missing, run, schemaOf } from './agents.mjs';

/**
 * @typedef {import('./agents.mjs').Task} Task
 * @typedef {import('../providers/fakes.mjs').Provider} Provider
 * @typedef {import('../providers/fakes.mjs').Seen} Seen
 * @typedef {import('../providers/front.mjs').Passed} Passed
 */

/** What Codex needs to give WebSockets up after a 404 is three times as much. */
const AT_ONCE_MS = 2000;
const MANY = 20;

/** @param {{method: string, url: string}} one */
const named = ({ method, url }) => `${method} ${new URL(url, 'http://x').pathname}${new URL(url, 'http://x').search}`;

/** The agent offered the tool as the task has it. @param {Task} task @param {Seen[]} seen */
function checkTool({ call }, seen) {
    if (call === null) return;
    const [name, args] = call;
    const schema = seen.filter(({ method }) => method === 'POST').map(({ body }) => schemaOf(JSON.parse(body.toString('utf8')), name)).find(Boolean);
    assert.ok(schema !== undefined, `the tool ${name} is declared`);
    const { properties, required = [] } = schema;
    for (const one of Object.keys(args)) assert.ok(one in properties, `${name} takes ${one}`);
    for (const one of required) assert.ok(one in args, `${name} wants ${one}`);
}

/** What the gateway answered by itself: as much as the task says, and without a wait for it.
 * @param {Task} task @param {Passed[]} own @param {number} began when the first request for the provider came
 * @returns {Passed | undefined} a list of models */
function checkOwn({ own: expected = [] }, own, began) {
    const all = own.map((one) => `${named(one)} ${one.status}`);
    assert.equal(all.length, expected.length, all.join('\n'));
    for (const one of expected) assert.equal(all.filter((line) => one.test(line)).length, 1, all.join('\n'));
    for (const { at } of own) assert.ok(began - at < AT_ONCE_MS, `${began - at} ms later`);
    return own.find(({ method, status }) => method === 'GET' && status === 200);
}

atBoth('agents', (bench) => {
    /** @type {Record<string, Provider>} */
    let fakes = {};

    before(async () => void (fakes = await startFakes()));
    afterEach(() => Object.values(fakes).forEach((fake) => fake.forget()));
    after(() => Promise.all(Object.values(fakes).map((fake) => fake.close())));

    /** @param {import('node:test').TestContext} t */
    const open = (t) => openFront(t, bench, fakes);

    for (const [title, task] of Object.entries(TASKS)) {
        if (task.rack && bench.name !== 'rack') continue;
        test(title, { skip: missing(task.agent) }, async (t) => {
            const { host, front } = await open(t);
            const word = `marzipan-${randomBytes(4).toString('hex')}`;
            const { code, output } = await run(task, front.url, KEY, word);
            const { seen } = fakes[task.fake];
            const all = seen.map((one) => `${named(one)} ${one.status}`).join('\n');

            assert.equal(code, 0, `${output}\n${all}`);
            assert.match(output, new RegExp(`${task.model} heard “[^”]*${word}`), output);
            for (const one of seen) assert.match(named(one), task.asks);
            for (const [name, fake] of Object.entries(fakes)) assert.ok(name === task.fake || fake.seen.length === 0, name);
            assert.ok(seen.length >= 2 && seen.every(({ status }) => status === 200), all);
            assert.ok(seen.at(-1)?.body.includes(word), 'the tool\'s result came');
            checkTool(task, seen);

            const { pairs, seen: plain, own } = paired(front.kept, seen);
            await sameBytes(pairs, plain, EVERY);
            const list = checkOwn(task, own, pairs[0].at);
            if (list !== undefined) assert.ok(Array.isArray(JSON.parse((await list.got).toString()).data));
            for (const key of EVERY.providers) assert.ok(!output.includes(key) && !host.log().includes(key));
            assert.ok(!host.log().includes(KEY));
        });
    }

    for (const title of ['Claude Code', 'Codex']) {
        const task = TASKS[title];
        test(`${title}: what goes wrong once is got over`, { skip: missing(task.agent) }, async (t) => {
            const { front } = await open(t);
            for (const fault of [{ mode: 'cut', tokens: 2 }, { mode: 'error_event', tokens: 2 }, { status: 429, retry_after: 1 }]) {
                fakes[task.fake].forget();
                fakes[task.fake].control({ .../** @type {object} */ (fault), count: 1 });
                const { code, output } = await run(task, front.url, KEY, 'marzipan');
                assert.equal(code, 0, output);
                assert.match(output, /heard “[^”]*marzipan/);
                assert.equal(fakes[task.fake].seen.length, 3, JSON.stringify(fault));
            }
        });
    }

    test('Claude Code counts many things at once', { skip: missing('claude') }, async (t) => {
        const { front } = await open(t);
        const { code, output } = await run(TASKS['Claude Code'], front.url, KEY, 'none', '/context');
        assert.equal(code, 0, output);
        const { seen } = fakes.anthropic;
        assert.ok(seen.length >= MANY, `${seen.length} requests`);
        for (const one of seen) assert.equal(`${named(one)} ${one.status}`, 'POST /v1/messages/count_tokens?beta=true 200');
        await sameBytes(paired(front.kept, seen).pairs, seen, EVERY);
    });

    // Claude Code repeats a plain 401 for minutes.
    test('a key that nobody knows is told at once', { skip: missing('claude') }, async (t) => {
        const { front } = await open(t);
        const { code, output } = await run(TASKS['Claude Code'], front.url, 'hk-nobody-knows-this-0123456789abcdef', 'none');
        assert.equal(code, 1, output);
        assert.match(output, /the key is not one of this gateway's/);
        assert.deepEqual(front.kept.map(({ status }) => status), [401]);
        assert.equal(fakes.anthropic.seen.length, 0);
    });
});
