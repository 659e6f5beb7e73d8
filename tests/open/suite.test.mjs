/**
 * The compliance suite of Open Responses, as its authors run it, at both hosts, before a provider of each dialect. It is
 * not part of this tree: tools/open-responses.sh fetches it, or OPEN_RESPONSES names a directory that has it.
 */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { atBoth, test } from '../lib/hosts.mjs';
import { ROOT, must, start } from '../lib/proc.mjs';
import { KEY } from '../providers/front.mjs';
import { PLACES, modelOf, placesAt } from './places.mjs';

/**
 * @typedef {{id: string, status: 'passed' | 'failed' | 'skipped', errors?: string[]}} Result
 */

const BUILD = join(ROOT, 'build/open');
const SUITE = process.env.OPEN_RESPONSES || join(BUILD, 'suite');
const RUNNER = 'bin/compliance-test.ts';
const RUN_MS = 60_000;

/** What the gateway does not offer: Responses come as event streams (426). */
const NOT_OFFERED = /^websocket-/;
/** All cases of the suite at the commit that is tried; another copy may have more. */
const CASES = [
    'assistant-phase', 'basic-response', 'compact-missing-model', 'compact-response', 'image-input', 'multi-turn',
    'response-output-phase-schema', 'streaming-response', 'system-prompt', 'tool-calling',
];

/** Why it cannot be run; false if it can. @returns {string | false} */
function missing() {
    const said = (/** @type {string} */ name) => (existsSync(join(BUILD, name)) ? readFileSync(join(BUILD, name), 'utf8').trim() : '');
    if (!existsSync(join(BUILD, 'node_modules/zod')) || said('missing-bun')) return said('missing-bun') || 'bun is not installed: make test does that';
    if (existsSync(join(SUITE, RUNNER))) return false;
    return said('missing') || `${SUITE} does not have the suite: make test fetches it`;
}

/** The suite where it finds what it imports. @returns {string} */
function laidOut() {
    const dir = mkdtempSync(join(tmpdir(), 'open-responses-'));
    for (const part of ['bin', 'src/lib', 'src/generated']) cpSync(join(SUITE, part), join(dir, part), { recursive: true });
    symlinkSync(join(BUILD, 'node_modules'), join(dir, 'node_modules'));
    return dir;
}

/** @param {string} dir @param {string} url @param {string} model @returns {Promise<Result[]>} */
async function run(dir, url, model) {
    const args = [RUNNER, '--base-url', `${url}/v1`, '--model', model, '--json'];
    const child = start([join(BUILD, 'node_modules/.bin/bun'), 'run', ...args], { cwd: dir, env: { HOME: dir, OPENRESPONSES_API_KEY: KEY } });
    try {
        await must(child.exited, RUN_MS);
    } finally {
        await child.stop('SIGKILL');
    }
    const text = child.output();
    assert.match(text, /^\{/m, text);
    return JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)).results;
}

/** @param {Result[]} results */
const wrongs = (results) => results.filter(({ status }) => status !== 'passed').map(({ id, status, errors = [] }) => `${id} ${status}: ${errors.join('; ')}`);

const why = missing();

atBoth('the suite of Open Responses', (bench) => {
    const { open } = placesAt(bench);
    let dir = '';
    before(() => void (dir = why === false ? laidOut() : ''));
    after(() => { if (dir !== '') rmSync(dir, { recursive: true, force: true }); });

    for (const place of Object.keys(PLACES)) {
        test(`before ${place}`, { skip: why }, async (t) => {
            const host = await open(t, place);
            const results = await run(dir, host.url, modelOf(place, true));
            const [sockets, http] = [true, false].map((is) => results.filter(({ id }) => NOT_OFFERED.test(id) === is));
            const tried = new Set(http.map(({ id }) => id));
            t.diagnostic(`${http.length} cases by HTTP; not offered: ${sockets.map(({ id }) => id).join(', ')}`);
            assert.deepEqual(CASES.filter((id) => !tried.has(id)), [], 'each was run');
            assert.deepEqual(wrongs(http), []);
            for (const { id, status } of sockets) assert.equal(status, 'failed', `${id} is offered now: say so here`);
        });
    }
});
