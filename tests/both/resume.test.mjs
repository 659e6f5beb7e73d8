/**
 * Streams that go wrong at their node, one way after the other: before its first content a stream goes to
 * another node unseen, after it another node goes on where it stopped, and what cannot go on says so.
 */
import assert from 'node:assert/strict';
import { atBoth, test } from '../lib/hosts.mjs';
import { good, honest } from '../wall/stage.mjs';
import { tell } from '../wall/stream.mjs';

/** @typedef {import('../node/faults.mjs').Fault} Fault */

const CHAT = '/v1/chat/completions';
const TIMES = { silence_ms: 700 };
const TOKENS = 24;

/** @param {string} path @param {Record<string, unknown>} [more] */
function request(path, more = {}) {
    const words = { seed: 7, stream: true, messages: [{ role: 'user', content: 'go on' }] };
    const count = path === '/api/chat' ? { options: { num_predict: TOKENS } } : { max_tokens: TOKENS };
    return { path, body: { ...words, ...count, ...more } };
}

/** After the first content. @type {Record<string, Fault>} */
const CUTS = {
    'a reset': { mode: 'cut', how: 'reset', tokens: 5 },
    'a FIN': { mode: 'cut', how: 'fin', tokens: 5 },
    'a clean end without a finish': { mode: 'cut', how: 'clean', tokens: 5 },
    'a FIN inside an event': { mode: 'cut', how: 'event', tokens: 5 },
    'a reset inside an event': { mode: 'cut', how: 'event', end: 'reset', tokens: 9 },
    'a FIN inside a character': { mode: 'cut', how: 'char', tokens: 3 },
    'a FIN inside a chunk header': { mode: 'cut', how: 'chunk', tokens: 5 },
    'silence': { mode: 'silent', tokens: 5 },
    'an error event': { mode: 'error_event', tokens: 5 },
};

/** Before it. @type {Record<string, Fault>} */
const FALSE_STARTS = {
    'an error event': { mode: 'error_event' },
    'no content': { mode: 'empty' },
    'a role and no content': { mode: 'empty', with: 'role' },
    'a late first token, its head early': { mode: 'late', head: 'early', ms: 8000 },
    'a late first token, its head late': { mode: 'late', head: 'late', ms: 8000 },
    'a cut before the first token': { mode: 'cut', how: 'fin', tokens: 0 },
};

/** @type {Record<string, {path: string, body: Record<string, any>}>} */
const DIALECTS = {
    'a chat': request(CHAT),
    'two choices': request(CHAT, { n: 2 }),
    'a tool call': request(CHAT, { tools: [{ type: 'function' }] }),
    'reasoning': request(CHAT, { reasoning_effort: 'low' }),
    'completions': request('/v1/completions', { messages: undefined, prompt: 'go on' }),
    'Anthropic': request('/v1/messages'),
    'Anthropic, a tool': request('/v1/messages', { tools: [{ name: 'f' }] }),
    'Ollama': request('/api/chat'),
};

atBoth('streams that are resumed', (bench) => {
    /** Node 3 is asked first, node 1 after it. @param {import('node:test').TestContext} t
     * @param {Record<string, unknown>} [limits] */
    const open = async (t, limits = {}) => {
        const config = {
            heavy: { first_byte_ms: 1500, classes: { code: { nodes: [3] } } },
            limits: { ...TIMES, ...limits },
            breaker: { failure_threshold: 60 },
        };
        return await bench.open(t, { config });
    };

    /** Asks, with a fault at node 3, and counts the attempts. @param {string} url
     * @param {{path: string, body: Record<string, any>}} asked @param {Fault} fault
     * @param {Fault | string} other what node 1 does */
    const strike = async (url, asked, fault, other = 'ok') => {
        await bench.cluster.heal();
        await bench.cluster.node(3).control(fault);
        await bench.cluster.node(1).control(other);
        const told = await tell(url, '/api/heavy/code', asked.path, asked.body);
        assert.ok(bench.cluster.node(3).stats().requests > 0, 'the node with the fault was not asked');
        return { told, attempts: bench.cluster.requests() };
    };

    for (const [name, fault] of Object.entries(CUTS)) {
        test(`${name} after some content: another node goes on`, async (t) => {
            const host = await open(t);
            for (const asked of Object.values(DIALECTS)) {
                if (fault.how === 'char' && asked.body.tools !== undefined) continue;
                good((await strike(host.url, asked, fault)).told, asked);
            }
        });
    }

    test('a large request without a seed gets one, and its stream goes on', async (t) => {
        const host = await open(t);
        for (const size of [65_536, 400_000]) {
            const asked = request(CHAT, { seed: undefined, messages: [{ role: 'user', content: 'é'.repeat(size / 2) }] });
            const { told } = await strike(host.url, asked, CUTS['a reset']);
            const seed = Number(told.headers['x-heady-seed']);
            good(told, { ...asked, body: { ...asked.body, seed } });
        }
    });

    for (const [name, fault] of Object.entries(FALSE_STARTS)) {
        test(`${name}: another node serves, and nothing of it is seen`, async (t) => {
            const host = await open(t);
            const asked = request(CHAT);
            const { told } = await strike(host.url, asked, fault);
            good(told, asked);
            assert.equal(told.headers['x-heady-target'], 'node-1');
            assert.match(String(told.headers['x-heady-reason']), /^node-3 /);
        });
    }

    for (const [name, asked] of Object.entries(DIALECTS)) {
        test(`${name}: what differs is no continuation, and the client is told`, async (t) => {
            const host = await open(t);
            const cut = /** @type {Fault} */ ({ mode: 'cut', how: 'fin', tokens: 8 });
            const { told, attempts } = await strike(host.url, asked, cut, { mode: 'ok', differs: 2 });
            honest(told, asked);
            assert.equal(attempts, 2);
        });
    }

    test('an event that nobody can read is left out', async (t) => {
        const host = await open(t);
        for (const asked of Object.values(DIALECTS)) {
            for (const tokens of [0, 5]) {
                const { told, attempts } = await strike(host.url, asked, { mode: 'malformed', tokens });
                good(told, asked);
                assert.equal(attempts, 1);
            }
        }
    });

    test('a good stream without its last line gets it', async (t) => {
        const host = await open(t);
        for (const asked of [DIALECTS['a chat'], DIALECTS.Anthropic, DIALECTS['two choices']]) {
            const { told, attempts } = await strike(host.url, asked, { mode: 'no_done' });
            good(told, asked);
            assert.equal(attempts, 1);
        }
    });

    test('a node that refuses to go on is passed over, and the client is told when none is left', async (t) => {
        const host = await open(t);
        const asked = request(CHAT);
        const cut = /** @type {Fault} */ ({ mode: 'cut', how: 'fin', tokens: 8 });
        for (const refusal of ['503', '500', '404', 'reset']) {
            honest((await strike(host.url, asked, cut, refusal)).told, asked);
        }
    });

    /** The targets whose breakers count something, and how. @param {string} url */
    const blamed = async (url) => {
        const { backends } = /** @type {any} */ (await (await fetch(`${url}/api/health`)).json());
        return Object.entries(backends).filter(([, b]) => b.breaker !== 'closed' || b.failures > 0)
            .map(([name, b]) => `${name} ${b.breaker} ${b.failures}`);
    };

    test('a body at which every node breaks off opens no breaker, however often it is sent', async (t) => {
        const host = await bench.open(t, { config: { limits: TIMES } });
        const asked = request(CHAT);
        for (const node of [1, 3, 4]) await bench.cluster.node(node).control({ mode: 'error_event', tokens: node });
        for (let i = 0; i < 4; i++) honest(await tell(host.url, '/api/heavy/code', asked.path, asked.body), asked);
        assert.deepEqual(await blamed(host.url), []);
        for (const node of [1, 3, 4]) await bench.cluster.node(node).control({ mode: 'silent', tokens: node });
        for (let i = 0; i < 3; i++) honest(await tell(host.url, '/api/heavy/code', asked.path, asked.body), asked);
        assert.deepEqual(await blamed(host.url), ['node-1 closed 1', 'node-3 closed 1', 'node-4 closed 1']);
    });

    test('a node that breaks off streams which others finish is opened by the third', async (t) => {
        const host = await bench.open(t, { config: { limits: TIMES } });
        const asked = request(CHAT);
        const broken = bench.cluster.node(3);
        await broken.control({ mode: 'cut', how: 'fin', tokens: 5 });
        for (let i = 0; i < 30 && broken.stats().requests < 3; i++) {
            good(await tell(host.url, '/api/heavy/code', asked.path, asked.body), asked);
        }
        assert.deepEqual(await blamed(host.url), ['node-3 open 0']);
    });

    test('with "resume" off nobody else is asked', async (t) => {
        const host = await open(t, { resume: false });
        const asked = request(CHAT);
        const { told, attempts } = await strike(host.url, asked, { mode: 'cut', how: 'event', tokens: 8 });
        honest(told, asked);
        assert.equal(attempts, 1);
    });
});
