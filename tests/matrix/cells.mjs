/**
 * A cell: one feature, asked by a client of one dialect, of a provider that may speak another, streaming or not. What
 * comes of it is one of
 *
 *     yes        the provider received it, and the client its answer
 *     refused    400, which names the client's field, and nobody was asked
 *     told       left out, and x-heady-warnings names the field
 *     left out   without a word, as the gateway's table says it may be
 *     no words   the client's dialect cannot say it, or be told it
 *     none       the provider has none to tell
 *
 * Anything else is an error.
 */
import assert from 'node:assert/strict';
import { holds, joined, merged } from './meaning.mjs';
import { nameIn } from './features.mjs';
import { fateOf, nameOf } from './table.mjs';
import { agentOf, play } from './target.mjs';

/**
 * @typedef {import('./meaning.mjs').Body} Body
 * @typedef {import('./meaning.mjs').Dialect} Dialect
 * @typedef {import('./meaning.mjs').Part} Part
 * @typedef {import('./meaning.mjs').Turn} Turn
 * @typedef {import('./meaning.mjs').Said} Said
 * @typedef {import('./meaning.mjs').Choice} Choice
 * @typedef {import('./features.mjs').Feature} Feature
 * @typedef {import('./target.mjs').Seen} Seen
 * @typedef {'yes' | 'refused' | 'told' | 'left out' | 'no words' | 'none'} Result
 *
 * @typedef {object} Provider
 * @property {string} name            the gateway's
 * @property {Dialect} dialect
 * @property {string} model           what it calls it
 * @property {{effort?: string, sampling?: string, sight?: string}} [dull]   those that lack these
 * @property {string[]} own           dialects that it speaks itself, so that nothing is translated
 * @property {import('./meaning.mjs').Aspect[]} [lacks]   of what its dialect could tell
 *
 * @typedef {object} Cell
 * @property {string} id
 * @property {string} url             of the gateway
 * @property {string} key
 * @property {Dialect} client
 * @property {Provider} provider
 * @property {Provider} other         whom the next turn may be asked of
 * @property {Feature} feature
 * @property {boolean} stream
 *
 * @typedef {{status: number, headers: Headers, bytes: Buffer}} Answer
 */

const TEXT = 'It is so: “größer” 🙂\n"quoted" \\ 1 < 2';
const USAGE = { input: 40, output: 12 };

/** The name that the gateway knows a provider's model by. @param {Provider} provider @param {string} [as] */
export const aliasOf = ({ name }, as = 'm') => `${as}-${name}`;

/** Whether nothing is to be translated. @param {Cell} cell @param {Provider} [provider] */
const isOwn = ({ client, ...cell }, provider = cell.provider) => provider.own.includes(client.name);

/** What comes of what a model lacks. */
const DULL = /** @type {const} */ ({ effort: 'told', sampling: 'told', sight: 'refused' });

/** What comes of a row of the table here; a provider's own clients are not translated.
 * @param {Cell} cell @param {string} row */
function fate(cell, row) {
    if (isOwn(cell)) return 'yes';
    const { feature: { dull, uses: [main] }, provider: { dialect } } = cell;
    return dull !== undefined && row === main ? DULL[dull] : fateOf(row, dialect.name);
}

/** Under which name its model is asked for. @param {Cell} cell @param {Provider} whom */
const modelOf = ({ feature: { fault, dull } }, whom) => aliasOf(whom, fault ? 'ill' : dull ?? 'm');

/** The dialect that a provider is asked in. @param {Cell} cell @param {Provider} [provider] */
const spoken = (cell, provider = cell.provider) => (isOwn(cell, provider) ? cell.client : provider.dialect);

/** @param {Cell} cell @param {string} aspect */
function told(cell, aspect) {
    const /** @type {string[]} */ has = spoken(cell).has, /** @type {string[]} */ lacks = cell.provider.lacks ?? [];
    return has.includes(aspect) && !(lacks.includes(aspect) && spoken(cell) === cell.provider.dialect);
}

/** @param {Cell} cell @param {string} aspect */
const heard = ({ client }, aspect) => /** @type {string[]} */ (client.has).includes(aspect);

// ------------------------------------------------------------------ what is asked

/** Whether the client's dialect can say it. @param {Cell} cell */
function canSay({ client: { name }, feature: { says, from, dull, alien = [] }, ...cell }) {
    if ((dull || alien.includes(name)) && cell.provider.own.includes(name)) return false;
    return (says === undefined || says[name] !== undefined) && (from === undefined || from.includes(name));
}

/** @type {Turn[]} */
const HELLO = [{ role: 'user', parts: [{ text: 'Hello, “you”' }] }];

/** @param {Cell} cell @param {Turn[]} turns @param {Provider} provider @returns {Body} */
function bodyOf(cell, turns, provider) {
    const { client, feature: { base = {}, says = {}, wish = {} }, stream } = cell;
    const body = client.request(turns, { model: modelOf(cell, provider), stream });
    return merged(merged(merged(body, base[client.name]), says[client.name]), wish[client.name]);
}

/** @param {Cell} cell @param {Turn[]} turns @param {Provider} [provider] @returns {Promise<Answer & {body: Body}>} */
async function ask(cell, turns, provider = cell.provider) {
    const { client, stream } = cell;
    const body = bodyOf(cell, turns, provider), model = modelOf(cell, provider);
    const headers = { 'content-type': 'application/json', 'authorization': `Bearer ${cell.key}`, 'user-agent': agentOf(cell.id), ...client.head };
    const answer = await fetch(cell.url + client.path(model, stream), { method: 'POST', headers, body: JSON.stringify(body) });
    return { status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()), body };
}

// ------------------------------------------------------------------ what the provider receives

/** A document of text is as good as its text. @param {Part['file']} file */
const textIn = (file) => (file?.media?.startsWith('text/') ? Buffer.from(file.data ?? '', 'base64').toString() : undefined);

/** What is said in a conversation, as a list of pieces that can be compared.
 * @param {Turn[]} turns @param {{roles: boolean, spaces: boolean}} how   spaces: those of texts matter @returns {unknown[]} */
function flat(turns, { roles, spaces }) {
    /** @type {string[]} */
    const ids = [];
    const number = (/** @type {string} */ id) => (ids.includes(id) ? ids.indexOf(id) : ids.push(id) - 1);
    /** @type {any[]} */
    const all = [];
    for (const { role, parts } of turns) {
        for (const { text, refusal, image, audio, file, call, result } of parts) {
            const who = roles ? role : 'anybody', last = all.at(-1);
            const said = text ?? refusal ?? textIn(file), words = spaces ? said : said?.replace(/\s+/g, '');
            if (words !== undefined && words !== '' && last?.[0] === who && last[1] === 'text') last[2] += words;
            else if (words !== undefined && words !== '') all.push([who, 'text', words]);
            const /** @type {{url?: string, data?: string} | undefined} */ media = image ?? audio ?? file;
            if (media !== undefined && said === undefined) all.push([media.url ?? media.data]);
            if (call !== undefined) all.push(['call', number(call.id), call.name, call.args ?? call.input]);
            if (result === undefined) continue;
            all.push(['result', number(result.id), result.parts.map((part) => part.text ?? '').join('')]);
            for (const part of result.parts) if (part.image) all.push([part.image.data]);
        }
    }
    return all;
}

/** @param {Cell} cell @param {Turn[]} turns @returns {boolean} */
const hasFailed = (cell, turns) => turns.some(({ parts }) => parts.some(({ result }) => result?.failed));

/** @param {Cell} cell @param {Body} body @param {Turn[]} sent */
function checkTurns(cell, body, sent) {
    const { feature, provider: { dialect } } = cell;
    const got = dialect.asked(body);
    // A system message may have become the user's; texts may have become one.
    const how = { roles: feature.name !== 'system later', spaces: dialect.name !== 'ollama' };
    assert.deepEqual(flat(got, how), flat(sent, how), 'the conversation');
    if (fate(cell, 'that a tool has failed') === 'yes') assert.equal(hasFailed(cell, got), hasFailed(cell, sent), 'a failed result');
}

/** @param {Cell} cell @param {Body} body */
function checkMembers({ feature: { gets = {}, says = {} }, provider: { name, dialect } }, body) {
    const wanted = gets[name] ?? gets[dialect.name] ?? says[dialect.name];
    assert.ok(wanted !== undefined, `the matrix does not know how ${dialect.name} says it`);
    if (typeof wanted === 'function') wanted(body);
    else assert.ok(holds(body, wanted), `it lacks ${JSON.stringify(wanted)}: ${JSON.stringify(body)}`);
}

/** @param {Cell} cell @param {Seen[]} seen @param {Turn[]} turns @param {Body} sent */
function checkReceived(cell, seen, turns, sent) {
    const { feature, provider } = cell;
    assert.equal(seen.length, 1, `it is asked once: ${seen.map(({ status }) => status)}`);
    const [{ body, status, ask: { headers } }] = seen;
    assert.equal(status, 200, `the provider takes it: ${JSON.stringify(body)}`);
    assert.ok(!JSON.stringify(headers).includes(cell.key), 'the client’s key ends at the gateway');
    if (isOwn(cell)) {
        assert.deepEqual({ ...body, model: '' }, { ...sent, model: '' }, 'its own bytes');
        return;
    }
    if (!feature.turns?.some(({ parts }) => parts.some(({ other }) => other))) checkTurns(cell, body, turns);
    const [row = ''] = feature.uses;
    if (row !== '' && fate(cell, row) !== 'yes') return;
    feature.got?.(provider.dialect.asked(body), provider.name);
    if (feature.says !== undefined) checkMembers(cell, body);
    else if (feature.base?.[provider.dialect.name]) assert.ok(holds(body, feature.base[provider.dialect.name]), 'what goes with it');
}

// ------------------------------------------------------------------ what the client is told

/** Gemini signs the first call, and not the thought before it. @param {Part[]} parts @returns {Part[]} */
function signedCalls(parts) {
    const seal = parts.find((part) => part.thought !== undefined)?.seal;
    return parts.map(({ seal: _, ...part }) => (part.call && seal ? { ...part, seal } : part));
}

/** @param {Cell} cell @returns {Said} what the provider says */
function saidOf({ feature: { said = {}, choices, usage }, ...cell }) {
    const custom = said.parts?.[0].call?.input;
    if (custom !== undefined && !isOwn(/** @type {any} */ (cell))) said = { ...said, parts: [{ call: { id: 'call_1', name: 'patch', args: { input: custom } } }] };
    const own = /** @type {Choice} */ ({ finish: 'stop', parts: [{ text: TEXT }], ...said });
    if (cell.provider.dialect.name === 'gemini') own.parts = signedCalls(own.parts);
    return { choices: choices ?? [own], usage: { ...USAGE, ...usage } };
}

/** @param {Part} part @returns {Part[]} */
function plain({ text, thought, refusal, call }) {
    if (call !== undefined) return [{ call }];
    return text ? [{ text }] : refusal ? [{ refusal }] : thought ? [{ thought }] : [];
}

/** A seal may stand behind a call's id. @param {Part} part @returns {Part} */
function unsealed(part) {
    return part.call === undefined ? part : { call: { ...part.call, id: part.call.id.replace(/_hg1[\w-]+$/, '') } };
}

/** Whether the client is not told what a model has thought, since it has not asked for that: so do its own servers. What is
 * signed may be wanted back; chats and Ollama sign nothing. @param {Cell} cell */
const isHidden = (cell) => cell.feature.unasked === true && ['anthropic', 'gemini'].includes(cell.client.name)
    && ['openai', 'ollama'].includes(spoken(cell).name);

/** A refusal that the client has no words for is text. @param {Cell} cell @param {Choice} choice @returns {Choice} */
function toldChoice(cell, { parts, finish, sequence, logprobs }) {
    const custom = cell.feature.said?.parts?.[0].call?.input;
    const known = parts.flatMap(plain).flatMap((part) => {
        if (part.thought !== undefined && (!heard(cell, 'thought') || isHidden(cell))) return [];
        if (part.refusal !== undefined && !heard(cell, 'refusal')) return [{ text: part.refusal }];
        return custom !== undefined && part.call ? [{ call: { id: 'call_1', name: 'patch', input: custom } }] : [part];
    });
    const isSequence = finish === 'sequence', stops = isSequence && !(heard(cell, 'sequence') && told(cell, 'sequence'));
    if (finish === 'filter' && !heard(cell, 'filter')) finish = 'stop';
    return {
        parts: known, finish: stops ? 'stop' : finish,
        ...isSequence && !stops && cell.client.name !== 'bedrock' ? { sequence } : {}, ...logprobs && heard(cell, 'logprobs') ? { logprobs } : {},
    };
}

/** @param {Cell} cell @param {Said} said what the provider has said @param {Said} got */
function checkHeard(cell, said, got) {
    const refused = cell.feature.aspect === 'refusal' && !heard(cell, 'refusal');
    const choices = said.choices.map((choice) => toldChoice(cell, choice));
    if (refused && got.choices[0]?.finish === 'filter') choices[0].finish = 'filter';
    const mine = got.choices.map(({ parts, ...rest }) => ({ ...rest, parts: joined(parts.flatMap(plain)).map(unsealed) }));
    assert.deepEqual(mine, choices);
    const { input, output, cached = 0, written = 0, reasoning = 0 } = said.usage;
    assert.deepEqual([got.usage?.input, got.usage?.output], [input, output], 'usage');
    const counts = { cached, written, reasoning };
    for (const [aspect, count] of Object.entries(counts)) {
        if (heard(cell, aspect) && told(cell, aspect)) assert.equal(got.usage[/** @type {keyof typeof counts} */ (aspect)] ?? 0, count, `usage: ${aspect}`);
    }
}

/** @param {Cell} cell @param {Answer} answer @returns {Said} */
function read({ client, stream }, { bytes, headers }) {
    assert.equal(headers.get('content-type')?.split(';')[0], stream ? client.type.split(';')[0] : 'application/json');
    return stream ? client.heardStream(bytes) : client.heard(JSON.parse(bytes.toString()));
}

/** @param {Cell} cell @param {Headers} headers @returns {string[]} the fields that it was told of */
function warned(cell, headers) {
    const line = headers.get('x-heady-warnings');
    if (line === null) return [];
    assert.ok(line.startsWith('left out: '), line);
    return line.slice(10).split(', ').sort();
}

/** What the client calls it. @param {Cell} cell @param {string} row */
function fieldOf({ client, feature }, row) {
    if (row === 'a member that is not known here') return Object.keys(feature.says?.[client.name] ?? {})[0];
    return nameOf(row, client.name);
}

/** @param {Cell} cell @param {Answer} answer @param {Seen[]} seen */
function checkRefused(cell, { status, bytes }, seen) {
    const rows = cell.feature.uses.filter((row) => fate(cell, row) === 'refused');
    const body = JSON.parse(bytes.toString()), words = cell.client.fault(body);
    assert.equal(status, 400, words);
    const field = rows.map((row) => fieldOf(cell, row)).find((name) => words.startsWith(`${name}: `));
    assert.ok(field !== undefined, `it names ${rows.map((row) => fieldOf(cell, row))}: ${words}`);
    if (body.error?.param !== undefined) assert.deepEqual([body.error.code, body.error.param], ['unsupported_parameter', field]);
    assert.equal(seen.length, 0, 'nobody is asked');
}

// ------------------------------------------------------------------ playing it

/** @param {Cell} cell @param {Provider} whom @param {Said} said @param {import('../providers/reply.mjs').Reply} own */
function replyOf(cell, whom, said, own) {
    const { feature: { fault }, stream } = cell, { model } = whom, dialect = spoken(cell, whom);
    assert.equal(own.stream !== undefined, stream, 'it is asked for a stream, or for none');
    const type = stream ? dialect.type : 'application/json';
    /** @type {Record<string, string | number>} */
    const headers = { ...own.headers, 'content-type': type };
    if (!stream) return { status: 200, headers, pieces: [JSON.stringify(dialect.answer(said, model))] };
    const pieces = dialect.stream(said, model);
    if (fault === undefined) return { status: 200, headers, pieces };
    const { message, first } = fault, begun = first ? 0 : pieces.length >> 1;
    return { status: 200, headers, pieces: [...pieces.slice(0, begun), own.stream?.error({ status: statusOf(cell), message }, begun) ?? ''] };
}

/** @param {Said} said @param {string} name @returns {Said} */
function renamed({ choices: [choice], usage }, name) {
    return { choices: [{ ...choice, parts: choice.parts.map((part) => (part.call ? { call: { ...part.call, name } } : part)) }], usage };
}

/** @param {Cell} cell */
const statusOf = ({ feature: { fault }, provider }) => fault?.own?.[provider.name] ?? fault?.status ?? 200;

/** @param {Cell} cell @param {Said} said @param {import('../providers/reply.mjs').Face} face @returns {import('./target.mjs').Script} */
function scriptOf(cell, said, face) {
    const { fault } = cell.feature;
    return {
        seen: [],
        answer: (asked, own, name) => {
            const whom = name === cell.provider.name ? cell.provider : cell.other;
            if (cell.feature.renamed) said = renamed(said, nameIn(JSON.parse(asked.body.toString())));
            if (fault === undefined || fault.within) return replyOf(cell, whom, said, own);
            const { message, retry, kind = 'invalid' } = fault, status = statusOf(cell);
            const why = { ...message ? { message } : {}, ...status === 400 ? { kind } : {}, ...retry ? { retry_after: retry } : {} };
            const reply = face.refuse(asked, { status, ...why });
            return { status: reply.status, headers: reply.headers, pieces: [reply.body ?? ''] };
        },
    };
}

/** @param {Cell} cell @param {Answer} answer @param {Seen[]} seen */
function checkFault(cell, answer, seen) {
    const { client, feature: { fault }, stream } = cell, status = statusOf(cell);
    assert.ok(fault);
    const { message, retry, within, first, kind } = fault;
    assert.ok(seen.length > 0, 'it was asked');
    assert.ok(stream || !within);
    if (within && answer.status === 200) {
        assert.ok(client.heardStream(answer.bytes).error, 'it ends in an error');
        return;
    }
    assert.ok(!within || first, 'it had begun');
    const words = client.fault(JSON.parse(answer.bytes.toString()));
    assert.ok(answer.status === status || (within && answer.status >= 500), `${answer.status} ${words}`);
    if (!within) assert.ok(words.includes(message), words);
    if (kind === 'context' && !isOwn(cell)) assert.ok(words.includes('prompt is too long'), `clients shorten what they say when they read this: ${words}`);
    if (retry === undefined) return;
    const waits = answer.headers.get('retry-after') ?? (isOwn(cell) ? /"retryDelay": "(\d+)s"/.exec(answer.bytes.toString())?.[1] : undefined);
    assert.equal(waits, String(retry), 'how long to wait');
}

/** Where a client has no place for what signs a thought, the id of a call has one for what signs that. @param {Cell} cell */
const bringsSeals = (cell) => heard(cell, 'seal') || cell.provider.dialect.name === 'gemini';

/** The turn that follows an answer with a call. @param {Cell} cell @param {Said} got @param {Seen[]} seen */
async function playNext(cell, got, seen) {
    const { feature, provider, other } = cell;
    const whom = feature.next === 'same' ? provider : other;
    const [{ parts }] = got.choices;
    const called = parts.find(({ call }) => call)?.call;
    assert.ok(called);
    /** @type {Turn[]} */
    const turns = [...HELLO, { role: 'assistant', parts }, { role: 'user', parts: [{ result: { id: called.id, name: called.name, parts: [{ text: 'Rain' }] } }] }];
    seen.length = 0;
    const next = await ask(cell, turns, whom);
    assert.equal(next.status, 200, next.bytes.toString());
    // Its own dialect's bytes go as they are; if the server refuses the seals in them, once more without.
    const [first, last = first, ...more] = seen;
    assert.ok(more.length === 0 && (first === last || first.status === 400), `${seen.length} attempts`);
    assert.equal(last.status, 200, `it takes it: ${JSON.stringify(last.body)}`);
    const text = JSON.stringify(last.body), seal = 'c2VhbGVkLXRob3VnaHQ=';
    assert.ok(!text.replace(/_hg1[\w-]+/g, '').includes('hg1'), `no seal of the gateway's stands for a signature: ${text}`);
    assert.equal(text.includes(seal), whom === provider && bringsSeals(cell), `its own signature, and no other's: ${text}`);
}

/** @param {Cell} cell @returns {Result} */
function resultOf(cell) {
    const [row] = cell.feature.uses, { aspect, said } = cell.feature;
    const main = row === undefined ? 'yes' : fate(cell, row);
    if (main !== 'yes' || aspect === undefined) return main;
    if (aspect === 'seal') return bringsSeals(cell) ? main : 'no words';
    if (isHidden(cell)) return 'left out';
    return heard(cell, aspect) || (aspect === 'refusal' && said?.finish === 'filter') ? 'yes' : 'no words';
}

/** What comes of a cell; what should not throws.
 * @param {Cell} given @param {Record<string, import('../providers/reply.mjs').Face>} faces @returns {Promise<Result>} */
export async function playCell(given, faces) {
    const { client, provider, feature: { instead, uses } } = given;
    const feature = { ...given.feature, uses: instead?.[client.name] ?? uses }, cell = { ...given, feature };
    if (!canSay(cell)) return 'no words';
    const rows = feature.uses, refused = rows.some((row) => fate(cell, row) === 'refused');
    if (!refused && feature.aspect !== undefined && !told(cell, feature.aspect) && feature.aspect !== 'custom') return 'none';
    if (feature.fault?.within && !cell.stream) return 'no words';
    if (feature.dull && provider.dull?.[feature.dull] === undefined) return 'none';
    const said = saidOf(cell), turns = feature.turns ?? HELLO;
    const script = scriptOf(cell, said, faces[provider.name]);
    play(cell.id, script);
    try {
        const answer = await ask(cell, turns);
        if (refused) {
            checkRefused(cell, answer, script.seen);
            return 'refused';
        }
        if (feature.fault !== undefined) {
            checkFault(cell, answer, script.seen);
            return 'yes';
        }
        assert.equal(answer.status, 200, `${answer.bytes} ${JSON.stringify(script.seen[0]?.body)}`);
        checkReceived(cell, script.seen, turns, answer.body);
        const wanted = rows.filter((row) => fate(cell, row) === 'told').map((row) => fieldOf(cell, row));
        assert.deepEqual(warned(cell, answer.headers), [...new Set(wanted)].sort(), 'x-heady-warnings');
        const got = read(cell, answer);
        checkHeard(cell, said, got);
        if (feature.next !== undefined) await playNext(cell, got, script.seen);
        return resultOf(cell);
    } finally {
        play(cell.id, null);
    }
}
