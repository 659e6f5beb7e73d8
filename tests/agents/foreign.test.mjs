/**
 * Coding agents, headless, with models that another provider serves, in another dialect: three calls of a tool in one
 * turn, of which one fails, and an answer that tells what the others found. An alias of the gateway's file gives the
 * model's name to another provider, so the agent knows nothing of it. The long form has every agent at every
 * provider (AGENTS=long), the short one each agent at one.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before } from 'node:test';
import { atBoth, test } from '../lib/hosts.mjs';
import { KEY, openFront, startFakes } from '../providers/front.mjs';
import { lend } from '../providers/said.mjs';
import { TASKS, missing, run, unified } from './agents.mjs';

/** @typedef {import('../providers/fakes.mjs').Provider} Provider */

/** The fakes, as the gateway names their providers. @type {Record<string, string>} */
const PROVIDERS = { openai: 'openai', anthropic: 'claude', gemini: 'gemini' };
const LONG = process.env.AGENTS === 'long';

/** Whom each is led to in the short form. @type {Record<string, string>} */
const SHORT = {
    'Claude Code': 'gemini', 'Codex': 'anthropic', 'Gemini CLI': 'openai', 'opencode, Messages': 'openai', 'aider, chat': 'anthropic',
    'Cline, chat': 'gemini',
};

/** The same call three times over: of a file that is there, of one that is not, and of the first again.
 * @param {import('./agents.mjs').Task} task */
function threeCalls({ call }) {
    if (call === null) return undefined; // aider edits a file instead
    const [name, args] = call;
    const there = JSON.stringify(args), missed = there.replace('note.txt', 'missing.txt');
    return [there, missed, there].map((one) => `${name}(${one})`).join(','); // opencode quotes what has spaces in it
}

const tasks = Object.entries(TASKS).filter(([title]) => title in SHORT || (LONG && !/hello|WebSocket/.test(title)));
lend(...tasks.flatMap(([, { model }]) => [model, 'gemini-3.5-flash-lite']));

atBoth('agents at other providers', (bench) => {
    /** @type {Record<string, Provider>} */
    let fakes = {};
    before(async () => void (fakes = await startFakes()));
    afterEach(() => Object.values(fakes).forEach((fake) => fake.forget()));
    after(() => Promise.all(Object.values(fakes).map((fake) => fake.close())));

    for (const [title, task] of tasks) {
        const others = Object.keys(PROVIDERS).filter((fake) => fake !== task.fake && (LONG || fake === SHORT[title]));
        for (const other of others) {
            if (bench.name !== 'rack' && !LONG && title !== 'Claude Code') continue; // the matrix has both hosts
            test(`${title} at ${PROVIDERS[other]}`, { skip: missing(task.agent) }, async (t) => {
                const names = [task.model, 'gemini-3.5-flash-lite'];
                const models = Object.fromEntries(names.map((name) => [name, `${PROVIDERS[other]}/${name}`]));
                const { front } = await openFront(t, bench, fakes, { models });
                const word = `marzipan-${randomBytes(4).toString('hex')}`;
                const { code, output } = await run(task, front.url, KEY, word, threeCalls(task), unified);
                const { seen } = fakes[other];
                const all = seen.map(({ method, url, status, answer }) => `${method} ${url} ${status} ${status === 200 ? '' : answer}`).join('\n');
                assert.equal(code, 0, `${output}\n${all}`);
                assert.match(output, new RegExp(`${task.model} heard “`), output);
                assert.ok(seen.length >= 2 && seen.every(({ status }) => status === 200), all);
                assert.ok(seen.at(-1)?.body.includes(word), 'the tool\'s result came');
                const own = fakes[task.fake].seen.filter(({ body }) => body.includes(`"model":"${task.model}"`)); // a title may be another's
                assert.equal(own.length, 0, 'its own provider was not asked');
            });
        }
    }
});
