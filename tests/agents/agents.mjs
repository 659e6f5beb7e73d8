/**
 * The coding agents and what each is asked to do: to have a tool read a file, and to tell what it said. How they
 * are led to the gateway is what README.md tells ("Clients"), word by word.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ROOT, start, within } from '../lib/proc.mjs';
import { shown } from '../lib/readme.mjs';

/**
 * @typedef {object} Task
 * @property {string} agent           below build/agents
 * @property {string} fake            the provider that it asks
 * @property {string} about           which of README's snippets
 * @property {string} model
 * @property {[string, Record<string, string | string[]>] | null} call   the tool that it has, and what it takes
 * @property {(prompt: string) => string[]} command
 * @property {Record<string, string>} [env]   besides: what keeps it at home
 * @property {[file: string, text: string][]} [files]   of its home, for the same
 * @property {RegExp} asks            every request that may reach the provider, as "METHOD /path"
 * @property {RegExp[]} [own]         every request that the gateway answers by itself, as "METHOD /path status"
 * @property {boolean} [direct]       it gets no proxy, for with one it leaves something out
 * @property {boolean} [rack]         at that host only: the SDKs show the dialect at both
 *
 * @typedef {object} Ran
 * @property {number | null} code     null: it had to be ended
 * @property {string} output
 */

const AGENTS = join(ROOT, 'build/agents');
const RUN_MS = 60_000;
/** Whatever is not on this machine is asked for where nobody listens. */
const NOWHERE = 'http://127.0.0.1:9';
const WALLS = {
    HTTP_PROXY: NOWHERE, HTTPS_PROXY: NOWHERE, http_proxy: NOWHERE, https_proxy: NOWHERE, NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1',
};
const NOTE = 'note.txt';

/** @param {string} path */
const below = (path) => join(AGENTS, path);

/** Why an agent cannot be run; false if it can. @param {string} agent @returns {string | false} */
export function missing(agent) {
    const why = below(`${agent}/missing`);
    if (existsSync(why)) return readFileSync(why, 'utf8').trim();
    return existsSync(below(`${agent}/tried`)) ? false : 'it is not installed: make agents';
}

// ------------------------------------------------------------------ what they are asked

const AIDER = ['--yes-always', '--no-git', '--no-check-update', '--no-show-model-warnings', '--analytics-disable', '--no-pretty'];
/** aider has no tools: it edits a file as it is told, and then runs a test, whose output it tells. */
const EDIT = { text: 'done.txt\n```\n<<<<<<< SEARCH\n=======\ndone\n>>>>>>> REPLACE\n```' };

/** @param {string} model @returns {(prompt: string) => string[]} */
const aider = (model) => (prompt) => [
    below('aider/bin/python3'), '-m', 'aider', '--model', model, '--weak-model', model, ...AIDER, '--auto-test', '--test-cmd', `cat ${NOTE}; exit 1`,
    '--message', prompt,
];

/** @param {string} model @returns {(prompt: string) => string[]} */
const opencode = (model) => (prompt) => [below('opencode/node_modules/.bin/opencode'), 'run', '--auto', '-m', model, prompt];
const OPENCODE = {
    HEADY_KEY: 'hk-…', OPENCODE_DISABLE_MODELS_FETCH: '1', OPENCODE_DISABLE_AUTOUPDATE: '1', OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
};

/** @param {string} model @returns {(prompt: string) => string[]} */
const codex = (model) => (prompt) => [
    below('codex/node_modules/.bin/codex'), 'exec', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox',
    '-m', model, prompt,
];

/** Without what it leaves running behind itself. */
const CLINE = { CLINE_SESSION_BACKEND_MODE: 'local', CLINE_NO_AUTO_UPDATE: '1' };
/** @type {[string, string][]} */
const QUIET = [['.cline/data/settings/global-settings.json', '{"telemetryOptOut":true}']];
/** @param {string} provider @param {string} model @returns {(prompt: string) => string[]} */
const cline = (provider, model) => (prompt) => [
    below('cline/node_modules/.bin/cline'), '-P', provider, '-m', model, prompt,
];

/** @param {string} prompt */
const claude = (prompt) => [
    below('claude/node_modules/.bin/claude'), '-p', prompt, '--model', 'claude-sonnet-5', '--allowedTools', 'Bash',
];
const CLAUDE = {
    agent: 'claude', fake: 'anthropic', model: 'claude-sonnet-5', command: claude, asks: /^POST \/v1\/messages\?beta=true$/,
    call: /** @type {Task['call']} */ (['Bash', { command: `cat ${NOTE}` }]),
};
const CODEX = {
    agent: 'codex', fake: 'openai', model: 'gpt-5.5', command: codex('gpt-5.5'), asks: /^POST \/v1\/responses$/,
    call: /** @type {Task['call']} */ (['exec_command', { cmd: `cat ${NOTE}` }]),
};
const READ = /** @type {Task['call']} */ (['read', { filePath: NOTE }]);
const OPENCODES = { agent: 'opencode', about: 'opencode', env: OPENCODE, call: READ };
const CLINES = {
    agent: 'cline', about: 'Cline', env: CLINE, files: QUIET, call: /** @type {Task['call']} */ (['run_commands', { commands: [`cat ${NOTE}`] }]),
};
const AIDERS = { agent: 'aider', about: 'aider', call: null };

/** @type {Record<string, Task>} */
export const TASKS = {
    'Claude Code': {
        ...CLAUDE, about: 'Claude Code', env: { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1' },
    },
    'Claude Code, which says hello and looks for models': {
        ...CLAUDE, about: 'Claude Code, its models',
        env: { DISABLE_TELEMETRY: '1', DISABLE_ERROR_REPORTING: '1', DISABLE_AUTOUPDATER: '1' },
        own: [/^HEAD \/api\/hello 200$/, /^GET \/v1\/models\?limit=1000 200$/], direct: true,
    },
    'Codex': { ...CODEX, about: 'Codex', env: { HEADY_KEY: 'hk-…' } },
    'Codex, whose tools come as input, and one takes text': {
        ...CODEX, about: 'Codex', env: { HEADY_KEY: 'hk-…' }, model: 'gpt-5.6-sol', command: codex('gpt-5.6-sol'),
        call: ['exec', { input: `text(await tools.exec_command({ cmd: 'cat ${NOTE}' }))` }],
    },
    'Codex, whose own provider tries a WebSocket': {
        ...CODEX, about: 'Codex, its own provider', env: { CODEX_API_KEY: 'hk-…' }, own: [/^GET \/api\/codex\/v1\/responses 426$/],
    },
    'Gemini CLI': {
        agent: 'gemini', fake: 'gemini', about: 'Gemini CLI', model: 'gemini-3.8-flash', call: ['run_shell_command', { command: `cat ${NOTE}` }],
        command: (prompt) => [below('gemini/node_modules/.bin/gemini'), '--skip-trust', '--yolo', '-p', prompt],
        asks: /^POST \/v1beta\/models\/gemini-(3.5-flash-lite:generateContent|3.8-flash:streamGenerateContent\?alt=sse)$/,
    },
    'opencode, Messages': {
        ...OPENCODES, fake: 'anthropic', model: 'claude-sonnet-5', command: opencode('anthropic/claude-sonnet-5'), asks: /^POST \/v1\/messages$/,
    },
    'opencode, Responses': {
        ...OPENCODES, rack: true, fake: 'openai', model: 'gpt-5.5', command: opencode('openai/gpt-5.5'), asks: /^POST \/v1\/responses$/,
    },
    'opencode, generateContent': {
        ...OPENCODES, rack: true, fake: 'gemini', model: 'gemini-3.7-flash', command: opencode('google/gemini-3.7-flash'),
        asks: /^POST \/v1beta\/models\/[\w.-]+:streamGenerateContent\?alt=sse$/,
    },
    'Cline, Messages': {
        ...CLINES, fake: 'anthropic', model: 'claude-sonnet-5', command: cline('anthropic', 'claude-sonnet-5'), asks: /^POST \/v1\/messages$/,
    },
    'Cline, Responses': {
        ...CLINES, rack: true, fake: 'openai', model: 'gpt-5.5', command: cline('openai-native', 'gpt-5.5'), asks: /^POST \/v1\/responses$/,
    },
    'Cline, chat': {
        ...CLINES, rack: true, fake: 'openai', model: 'gpt-4o', command: cline('openai-compatible', 'gpt-4o'), asks: /^POST \/v1\/chat\/completions$/,
    },
    'Cline, generateContent': {
        ...CLINES, rack: true, fake: 'gemini', model: 'gemini-3.7-flash', command: cline('gemini', 'gemini-3.7-flash'),
        asks: /^POST \/v1beta\/models\/gemini-3.7-flash:streamGenerateContent\?alt=sse$/,
    },
    'aider, chat': {
        ...AIDERS, fake: 'openai', model: 'gpt-4o', command: aider('openai/gpt-4o'), asks: /^POST \/v1\/chat\/completions$/,
    },
    'aider, Messages': {
        ...AIDERS, rack: true, fake: 'anthropic', model: 'claude-sonnet-5', command: aider('anthropic/claude-sonnet-5'), asks: /^POST \/v1\/messages$/,
    },
    'aider, generateContent': {
        ...AIDERS, rack: true, fake: 'gemini', model: 'gemini-3.7-flash', command: aider('gemini/gemini-3.7-flash'),
        asks: /^POST \/v1beta\/models\/gemini-3.7-flash:streamGenerateContent\?alt=sse$/,
    },
};

/** @param {Task} task */
export function promptOf({ call }) {
    const [name, args] = call ?? ['say', EDIT];
    return call === READ ? `${name}(${JSON.stringify(args)})` : `Please do ${name}(${JSON.stringify(args)})`;
}

// ------------------------------------------------------------------ where they run

/** @param {string} path @param {string} text */
function write(path, text) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
}

/** The unified paths, where the model's name decides, instead of a provider's own. @param {string} text */
export const unified = (text) => text.replace(/\/api\/codex\/v1|\/api\/(claude|gemini|codex)/g, (base) => (base.endsWith('/v1') ? '/v1' : ''));

/** Runs an agent in an empty home, in a folder with one file.
 * @param {Task} task @param {string} url the gateway's @param {string} key @param {string} word in that file
 * @param {string} [prompt] @param {(text: string) => string} [as] what becomes of README's settings @returns {Promise<Ran>} */
export async function run(task, url, key, word, prompt = promptOf(task), as = (text) => text) {
    const home = mkdtempSync(join(tmpdir(), 'agent-'));
    const { env, files } = shown(task.about, url, key);
    for (const [name, value] of Object.entries(env)) env[name] = as(value);
    for (const [file, text] of files) write(join(home, file), as(text));
    for (const [file, text] of task.files ?? []) write(join(home, file), text);
    write(join(home, 'work', NOTE), `the word is ${word}\n`);
    for (const [name, value] of Object.entries(task.env ?? {})) env[name] = value === 'hk-…' ? key : value;
    if (!task.direct) Object.assign(env, WALLS);
    const child = start(task.command(prompt), {
        cwd: join(home, 'work'), env: { HOME: home, TMPDIR: home, ...env }, detached: true,
    });
    const exit = await within(child.exited, RUN_MS);
    try {
        process.kill(-child.pid, 'SIGKILL'); // what it has started, too
    } catch {
        // Nothing is left of it.
    }
    await child.exited;
    rmSync(home, { recursive: true, force: true });
    return { code: exit?.code ?? null, output: child.output() };
}

// ------------------------------------------------------------------ what they sent

/** @param {any} tool @returns {any[]} those of a namespace, or of Gemini's list, too */
function flat(tool) {
    return [tool, ...(tool.tools ?? []).flatMap(flat), ...tool.functionDeclarations ?? []];
}

/** The schema that a request gives a tool; of one that takes text, as if it took that as "input".
 * @param {any} body @param {string} name @returns {any} undefined: it has none of that name */
export function schemaOf(body, name) {
    const later = Array.isArray(body.input) ? body.input.filter((/** @type {any} */ item) => item.type === 'additional_tools') : [];
    const tool = [...body.tools ?? [], ...later].flatMap(flat).map((/** @type {any} */ one) => one.function ?? one)
        .find((/** @type {any} */ one) => one.name === name);
    if (tool?.type === 'custom' && tool.input_schema === undefined) return { properties: { input: {} }, required: ['input'] };
    return tool?.input_schema ?? tool?.parametersJsonSchema ?? tool?.parameters;
}
