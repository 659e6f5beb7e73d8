/**
 * Both hosts before real models. What is asserted are counts, never times. `REAL=long` (make real) does all of
 * it; without, a short form.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startHost } from '../lib/hosts.mjs';
import { blamed, isWhole, missing, startRealNode, stream } from './nodes.mjs';
import { cutNext, cutsMade } from './wire.mjs';

const LONG = process.env.REAL === 'long';
const CUTS = LONG ? 20 : 2;
const TOKENS = LONG ? 60 : 40;
const LAYERS = 4;
const why = missing();

/** @param {string} text @returns {{role: string, content: string}[]} */
const asks = (text) => [{ role: 'user', content: text }];
const TOPICS = ['the sea', 'old trains', 'bread', 'a small town', 'winter', 'a lighthouse', 'bees', 'rivers'];
const topic = (/** @type {number} */ i) => `Tell me a story about ${TOPICS[i % TOPICS.length]}, number ${i}.`;

describe('real nodes', { skip: why === '' ? false : why, timeout: 900_000 }, () => {
    /** @type {import('./nodes.mjs').RealNode[]} */
    let nodes = [];
    before(async () => { nodes = await Promise.all([startRealNode(2), startRealNode(2)]); });
    after(() => Promise.all(nodes.map((node) => node.close())));

    /** @param {import('node:test').TestContext} t @param {'rack' | 'edge'} name @param {object} [config] */
    const open = async (t, name, config = {}) => {
        const host = await startHost(name, {
            env: { GATEWAY_AUTH: 'off', COLAB_ENDPOINT_3: nodes[0].url, COLAB_ENDPOINT_4: nodes[1].url },
            config: { log_requests: false, ...config },
        });
        t.after(() => host.stop());
        return `${host.url}/api/heavy/code`;
    };

    for (const name of /** @type {('rack' | 'edge')[]} */ (['rack', 'edge'])) {
        for (const [how, sampling] of /** @type {[string, object][]} */ ([
            ['temperature 0', { temperature: 0 }],
            ['temperature 0.8 and a seed', { temperature: 0.8, seed: 42 }],
            ['temperature 0.8 and no seed', { temperature: 0.8 }],
        ])) {
            test(`cut streams are whole at ${how} [${name}]`, async (t) => {
                const url = await open(t, name);
                let whole = 0;
                let cuts = 0;
                let broken = 0; // cut or not
                cutsMade();
                // A sampled answer may be over before it is cut: that is no try.
                for (let i = 0; cuts < CUTS && i < 2 * CUTS; i++) {
                    const body = { messages: asks(topic(i)), max_tokens: TOKENS, ...sampling };
                    const beside = i % 2 === 1 ? stream(url, { ...body, messages: asks(topic(i + 100)) }) : null;
                    /* One of the two is cut: whichever says something next. */
                    let armed = false;
                    const got = await stream(url, body, (events) => {
                        if (armed || events < 5 + (i * 7) % (TOKENS / 2)) return;
                        armed = true;
                        cutNext();
                    });
                    const other = beside === null ? null : await beside;
                    const cut = cutsMade();
                    cuts += cut;
                    const good = isWhole(got) && (other === null || isWhole(other));
                    if (good) whole += cut;
                    else broken++;
                    if (!good) t.diagnostic(`${i}: ${JSON.stringify([got, other])}`);
                }
                t.diagnostic(`${whole} of ${CUTS}, ${cuts} cut`);
                assert.equal(cuts, CUTS, 'so many were cut');
                assert.equal(broken, 0);
                assert.equal(whole, CUTS);
            });
        }

        test(`x-heady-seed repeats an answer [${name}]`, async (t) => {
            const url = await open(t, name);
            const body = { messages: asks(topic(3)), max_tokens: TOKENS / 2, temperature: 0.8 };
            const one = await stream(url, body);
            assert.ok(one.seed >= 0 && isWhole(one));
            const other = await stream(url, body);
            assert.notEqual(other.text, one.text, 'each has a seed of its own');
            const again = await stream(url, { ...body, seed: one.seed });
            assert.equal(again.seed, -1, 'a seed of the client is not told back');
            assert.equal(again.text, one.text);
        });

        test(`a conversation stays at home [${name}]`, async (t) => {
            const url = await open(t, name);
            for (let i = 0; i < 2; i++) { // both nodes have answered something short
                const short = { max_tokens: 2, temperature: 0 };
                await Promise.all([1, 2].map((n) => stream(url, { ...short, messages: asks(`Hi ${i} ${n}`) })));
            }
            const turns = asks(`${name}: you are a guide to a town. ${'It has a harbour, a market and a tower. '.repeat(LONG ? 40 : 20)} What is there?`);
            /** @type {string[]} */
            const targets = [];
            /** @type {number[]} */
            const firsts = [];
            for (let i = 0; i < 7; i++) {
                const got = await stream(url, { messages: turns, max_tokens: LONG ? 16 : 8, temperature: 0 });
                assert.ok(isWhole(got));
                targets.push(got.target);
                firsts.push(Math.round(got.first_ms));
                turns.push({ role: 'assistant', content: got.text }, { role: 'user', content: `And number ${i}?` });
            }
            t.diagnostic(`${targets.join(' ')}, first tokens after ${firsts.join(', ')} ms`);
            assert.deepEqual(new Set(targets).size, 1);
        });

        test(`a node that stops in mid-stream is left before its silence is over [${name}]`, async (t) => {
            const url = await open(t, name);
            let stopped = -1;
            const body = { messages: asks(topic(5)), max_tokens: 60, temperature: 0 };
            const began = Date.now();
            const got = await stream(url, body, (events, target) => {
                if (events !== 20) return;
                stopped = target === 'node-3' ? 0 : 1;
                process.kill(nodes[stopped].pid, 'SIGSTOP');
            }).finally(() => { if (stopped >= 0) process.kill(nodes[stopped].pid, 'SIGCONT'); });
            assert.ok(stopped >= 0 && isWhole(got), JSON.stringify(got));
            assert.ok(Date.now() - began < 25_000, 'silence is 30 s');
        });

        test(`a stream goes on at a node whose breaker is open [${name}]`, async (t) => {
            const url = await open(t, name);
            const health = new URL(url).origin;
            const [first, second] = nodes;
            const body = { max_tokens: 40, temperature: 0 };
            // Its breaker opens, and it is well again.
            first.down();
            try {
                for (let i = 0; i < 8 && !(await blamed(health)).includes('node-3 open'); i++) {
                    const short = { ...body, max_tokens: 1 };
                    await Promise.all([1, 2, 3].map((n) => stream(url, { ...short, messages: asks(`Hi ${i} ${n}`) })));
                }
            } finally {
                await first.up();
            }
            const before = await blamed(health);
            let killed = false;
            try {
                const got = await stream(url, { ...body, messages: asks(topic(6)) }, (events, target) => {
                    if (events !== 10) return;
                    killed = target === 'node-4';
                    second.down();
                });
                const fresh = await stream(url, { ...body, messages: asks(topic(7)) });
                t.diagnostic(`${before}; whole: ${isWhole(got)} ${got.error ?? ''}; a fresh one: ${fresh.status}`);
                assert.deepEqual(before, ['node-3 open'], 'as it was meant to be');
                assert.ok(killed && isWhole(got), JSON.stringify(got));
                assert.ok(isWhole(fresh), JSON.stringify(fresh));
            } finally {
                await second.up();
            }
        });

        test(`a cut stream goes on from what was delivered [${name}]`, async (t) => {
            const delivered = LONG ? 1000 : 300;
            const thin = await Promise.all([startRealNode(1, LAYERS), startRealNode(1, LAYERS)]);
            t.after(() => Promise.all(thin.map((node) => node.close())));
            const env = { GATEWAY_AUTH: 'off', COLAB_ENDPOINT_3: thin[0].url, COLAB_ENDPOINT_4: thin[1].url };
            /** How long the client waits where a stream was cut. @param {{ nodes?: object }} heavy
             * @param {number} i */
            const gap = async (heavy, i) => {
                const host = await startHost(name, { env, config: { log_requests: false, heavy }, plain: true });
                t.after(() => host.stop());
                const url = `${host.url}/api/heavy/code`;
                const body = { messages: asks(i === 0 ? 'Write the names of all months.' : 'Write a list of birds.'), max_tokens: delivered + 60, temperature: 0 };
                const state = async () => (await (await fetch(`${host.url}/api/health`)).json()).backends;
                if (heavy.nodes !== undefined) {
                    const proved = async () => {
                        const { 'node-3': one, 'node-4': other } = await state();
                        return one.prefill && other.prefill;
                    };
                    // Idle nodes are asked, at the edge when the next request comes.
                    for (let n = 0; n < 20 && !await proved(); n++) {
                        await stream(url, { ...body, max_tokens: 4 });
                        await new Promise((resolve) => { setTimeout(resolve, 1500); });
                    }
                    assert.ok(await proved(), 'both have proved it');
                }
                let [last, longest] = [0, 0];
                cutsMade();
                const got = await stream(url, body, (events) => {
                    const now = performance.now();
                    if (last > 0) longest = Math.max(longest, now - last);
                    if (events === delivered) [last, longest] = [now, 0];
                    if (events === delivered) cutNext();
                    if (events > delivered) last = now;
                });
                assert.equal(cutsMade(), 1);
                assert.ok(isWhole(got), JSON.stringify(got));
                return { ms: Math.round(longest), got };
            };
            const can = { nodes: { 3: { prefill: 'llama.cpp' }, 4: { prefill: 'llama.cpp' } } };
            const from = await gap(can, 0);
            const anew = await gap({}, 1);
            t.diagnostic(`after ${delivered} tokens: ${from.ms} ms from a prefix (${from.got.read} tokens read, ${from.got.generated} generated), ${anew.ms} ms anew (${anew.got.generated} generated)`);
            assert.ok(from.got.generated < 100 && anew.got.generated > delivered);
        });

        test(`without resume_seed nothing is put in [${name}]`, async (t) => {
            const url = await open(t, name, { heavy: { resume_seed: false } });
            const got = await stream(url, { messages: asks(topic(3)), max_tokens: 5, temperature: 0.8 });
            assert.ok(isWhole(got));
            assert.equal(got.seed, -1);
        });
    }
});
