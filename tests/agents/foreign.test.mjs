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
import { startProvider } from '../providers/fakes.mjs';
import { KEY, openFront, startFakes } from '../providers/front.mjs';
import { lend } from '../providers/said.mjs';
import { TASKS, missing, run, unified } from './agents.mjs';

/** @typedef {import('../providers/fakes.mjs').Provider} Provider */

/** The fakes, as the gateway names their providers. @type {Record<string, string>} */
const PROVIDERS = { openai: 'openai', anthropic: 'claude', gemini: 'gemini', ollama: 'ollama', bedrock: 'bedrock' };
/** What Bedrock's requests are signed with. */
const SIGNER = { id: 'AKIAFAKE4811', secret: 'fake/secret4812' };
const LONG = process.env.AGENTS === 'long';

/** Whom each is led to in the short form. @type {Record<string, string[]>} */
const SHORT = {
    'Claude Code': ['gemini'], 'Codex': ['bedrock'], 'Gemini CLI': ['ollama'], 'opencode, Messages': ['openai'],
    'aider, chat': ['anthropic'], 'Cline, chat': ['gemini'],
};

/** What others know a tool by that stands in a name space. @type {Record<string, string>} */
const SPACES = { 'Codex, whose tools come as input, and one takes text': 'functions__' };
/** Who names the version of the path himself, in what README has him set. @type {Record<string, (text: string) => string>} */
const BASES = { 'aider, generateContent': (text) => text.replace('/api/gemini', '/v1beta') };

/** The same call three times over: of a file that is there, of one that is not, and of the first again.
 * @param {string} title @param {import('./agents.mjs').Task} task */
function threeCalls(title, { call }) {
    if (call === null) return undefined; // aider edits a file instead
    const [tool, args] = call;
    const name = `${SPACES[title] ?? ''}${tool}`;
    const there = JSON.stringify(args), missed = there.replace('note.txt', 'missing.txt');
    return [there, missed, there].map((one) => `${name}(${one})`).join(','); // opencode quotes what has spaces in it
}

const tasks = Object.entries(TASKS).filter(([title]) => title in SHORT || (LONG && !/hello|WebSocket/.test(title)));
lend(...tasks.flatMap(([, { model }]) => [model, 'gemini-3.5-flash-lite']));

atBoth('agents at other providers', (bench) => {
    /** @type {Record<string, Provider>} */
    let fakes = {};
    before(async () => {
        fakes = await startFakes();
        fakes.ollama = await startProvider('ollama', {});
        fakes.bedrock = await startProvider('bedrock', { keys: [`${SIGNER.id}:${SIGNER.secret}`] });
    });
    const more = () => ({
        OLLAMA_HOST: fakes.ollama.url, BEDROCK_ENDPOINT: fakes.bedrock.url, AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: SIGNER.id, AWS_SECRET_ACCESS_KEY: SIGNER.secret,
    });
    afterEach(() => Object.values(fakes).forEach((fake) => fake.forget()));
    after(() => Promise.all(Object.values(fakes).map((fake) => fake.close())));

    for (const [title, task] of tasks) {
        const others = Object.keys(PROVIDERS).filter((fake) => fake !== task.fake && (LONG || SHORT[title].includes(fake)));
        for (const other of others) {
            if (bench.name !== 'rack' && !LONG && title !== 'Claude Code') continue; // the matrix has both hosts
            test(`${title} at ${PROVIDERS[other]}`, { skip: missing(task.agent) }, async (t) => {
                const names = [task.model, 'gemini-3.5-flash-lite'];
                const models = Object.fromEntries(names.map((name) => [name, `${PROVIDERS[other]}/${name}`]));
                const { front } = await openFront(t, bench, fakes, { models }, more());
                const word = `marzipan-${randomBytes(4).toString('hex')}`;
                const { code, output } = await run(task, front.url, KEY, word, threeCalls(title, task), BASES[title] ?? unified);
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
