/**
 * What a provider's model says, before a dialect writes it down. The model's name and the last user
 * message decide all of it, so that a test knows the answer, and two providers of one model agree.
 *
 * | the last user message           | the answer                                                    |
 * |---------------------------------|---------------------------------------------------------------|
 * | any                             | `<model> heard “<message>”: ` and 12 drawn words              |
 * | … 40 words …                    | 40 drawn words                                                |
 * | … say({"text": "…"}) …          | that text                                                     |
 * | any, of a model …-40-words      | the first one's, with 40 drawn words                          |
 * | … look_up({"q": 1}) …           | a call of that tool for each time it is written so, if offered |
 * | any, of a model …-calls         | a call of the first tool that is offered                      |
 * | a tool's result                 | text, which hears the result                                  |
 * | any, with a schema              | JSON that fits the schema                                     |
 *
 * The drawn words hold what is awkward: characters of two, three and four bytes, quotes, line ends.
 */
import { createHash } from 'node:crypto';
import { crc32, deflateSync } from 'node:zlib';

/**
 * @typedef {object} Asked            what matters of a request, whatever its dialect
 * @property {string} model
 * @property {string} heard           text of the last user message, or of a tool's result
 * @property {boolean} [answered]     it is a tool's result
 * @property {number} [images]        in the last user message
 * @property {string[]} [tools]       that may be called
 * @property {string} [forced]        'any', or the one that must be called
 * @property {boolean} [single]       at most one call
 * @property {any} [schema]           that the text must fit
 * @property {number} [limit]         of tokens
 * @property {boolean} [think]
 * @property {number} [choice]        which of several
 *
 * @typedef {{name: string, args: Record<string, unknown>}} Call
 *
 * @typedef {object} Said
 * @property {string} id              the end of every id in the answer
 * @property {string[]} pieces        of the text, one for each token
 * @property {string[]} thoughts      before it
 * @property {Call[]} calls           instead of it
 * @property {boolean} cut            by the limit
 * @property {number} prompt          tokens of the prompt
 * @property {number} count           tokens of the answer, thoughts included
 */

const PARTS = [
    'the ', 'model ', 'größer ', '東京', '🙂 ', 'line\n', '"so" ', 'naïve ', 'a', 'back\\slash ', 'кот ',
    'x = 1; ', '{"k": [', 'of ', '\t', 'data: ',
];
const DRAWN = 12;
const DRAWN_MAX = 100_000;
/** In the name of a model that a test has made up: every provider takes it for one of its own. */
const MADE = /-(\d+)-words\b/;
/** A model that calls a tool unasked, as the suites of others expect of one. */
const EAGER = /-calls$/;
const PER_DIGEST = 32;
const HEARD_MAX = 200;
const THOUGHTS = ['Let ', 'me ', 'think: ', '1 < 2.'];
const BYTES_A_TOKEN = 4;

/** @param {string} text @param {number} [block] */
function digest(text, block = 0) {
    return createHash('sha256').update(`${block} ${text}`).digest();
}

/** @param {string} about @param {number} count @returns {string[]} */
function drawn(about, count) {
    /** @type {string[]} */
    const all = [];
    for (let block = 0; all.length < count; block++) {
        const n = Math.min(PER_DIGEST, count - all.length);
        for (const byte of digest(about, block).subarray(0, n)) all.push(PARTS[byte % PARTS.length]);
    }
    return all;
}

/** Models of one provider that all have, for tests that ask somebody else for them. @type {Set<string>} */
const lent = new Set();

/** @param {string[]} models */
export function lend(...models) {
    for (const model of models) lent.add(model);
}

/** @param {string} model */
export function isMade(model) {
    return MADE.test(model) || lent.has(model);
}

/** @param {Asked} asked @returns {string[]} */
function sentence({ model, heard, images = 0, choice = 0 }) {
    const told = /(\d+) words/.exec(heard) ?? MADE.exec(model);
    const count = Math.min(Number(told?.[1] ?? DRAWN), DRAWN_MAX);
    const saw = images > 0 ? [`(saw ${images} images) `] : [];
    const quoted = heard.slice(0, HEARD_MAX).match(/\S+\s*|\s+/g) ?? [];
    const about = `${model}\n${heard}${choice > 0 ? `\n${choice}` : ''}`;
    return [`${model} `, 'heard “', ...quoted, '”: ', ...saw, ...drawn(about, count)];
}

/** The text that a model answers. @param {string} model @param {string} heard @param {Partial<Asked>} [more] */
export function textOf(model, heard, more = {}) {
    return say({ model, heard, ...more }).pieces.join('');
}

// ------------------------------------------------------------------ tools

/** Where the object that begins at `at` ends; -1 if it does not. @param {string} text @param {number} at */
function objectEnd(text, at) {
    let depth = 0, quoted = false;
    for (let i = at; i < text.length; i++) {
        const c = text[i];
        if (c === '\\' && quoted) i++;
        else if (c === '"') quoted = !quoted;
        else if (c === '{' && !quoted) depth++;
        else if (c === '}' && !quoted && --depth === 0) return i + 1;
    }
    return -1;
}

/** @param {string} text @returns {Record<string, unknown> | null} */
function parsed(text) {
    try {
        return JSON.parse(text);
    } catch {
        return null;
    }
}

/** Calls as they are written in a message: `name({…})`. @param {string} heard @param {string[]} tools @returns {Call[]} */
function writtenCalls(heard, tools) {
    /** @type {Call[]} */
    const calls = [];
    for (const match of heard.matchAll(/(?<![\w.-])([\w.-]+)\((?=\{)/g)) {
        const begin = match.index + match[0].length;
        const end = objectEnd(heard, begin);
        const args = end < 0 ? null : parsed(heard.slice(begin, end));
        if (args !== null && tools.includes(match[1])) calls.push({ name: match[1], args });
    }
    return calls;
}

/** @param {Asked} asked @returns {Call[]} */
function callsOf({ model, heard, answered, tools = [], forced: told, single }) {
    if (tools.length === 0) return [];
    const forced = told ?? (EAGER.test(model) && !answered ? 'any' : undefined);
    const written = answered ? [] : writtenCalls(heard, tools);
    const must = forced === undefined || forced === 'any' ? written : written.filter(({ name }) => name === forced);
    if (must.length > 0 || forced === undefined) return single ? must.slice(0, 1) : must;
    return [{ name: forced === 'any' ? tools[0] : forced, args: { text: heard.slice(0, HEARD_MAX) } }];
}

// ------------------------------------------------------------------ structured output

/** @param {any} root @param {string} ref */
function resolve(root, ref) {
    return ref.split('/').slice(1).reduce((at, name) => at?.[name], root);
}

/** @type {Record<string, (schema: any, heard: string, root: any) => unknown>} */
const SAMPLES = {
    object: (schema, heard, root) => Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, of]) => [name, sample(of, heard, root)])),
    array: (schema, heard, root) => [sample(schema.items ?? {}, heard, root)],
    string: (_, heard) => heard.slice(0, HEARD_MAX),
    integer: () => 7,
    number: () => 7.5,
    boolean: () => true,
    null: () => null,
};

/** A value that fits a JSON schema, or Gemini's form of one. @param {any} schema @param {string} heard
 *  @param {any} [root] @returns {unknown} */
export function sample(schema, heard, root = schema) {
    if (schema.$ref !== undefined) return sample(resolve(root, schema.$ref), heard, root);
    if (schema.const !== undefined) return schema.const;
    if (schema.enum !== undefined) return schema.enum[0];
    const first = schema.anyOf?.[0] ?? schema.oneOf?.[0];
    if (first !== undefined) return sample(first, heard, root);
    const type = [schema.type ?? 'object'].flat()[0];
    return (SAMPLES[String(type).toLowerCase()] ?? SAMPLES.string)(schema, heard, root);
}

// ------------------------------------------------------------------ the answer

/** @param {string} text @param {number} size @returns {string[]} never through a character */
export function split(text, size) {
    const all = [...text];
    return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size).join(''));
}

/** @param {Asked} asked @returns {string[]} */
function allPieces(asked) {
    const [told] = asked.answered ? [] : writtenCalls(asked.heard, ['say']);
    if (told !== undefined) return split(String(told.args.text), 6);
    if (asked.schema === undefined) return sentence(asked);
    return split(JSON.stringify(sample(asked.schema, asked.heard)), 6);
}

/** @param {string} text */
export function tokensIn(text) {
    return Math.ceil(Buffer.byteLength(text) / BYTES_A_TOKEN) + 3;
}

/** @param {Asked} asked @returns {Said} */
export function say(asked) {
    const { model, heard, limit = Infinity, think = false, images = 0 } = asked;
    const calls = callsOf(asked);
    const all = calls.length > 0 ? [] : allPieces(asked);
    const pieces = all.slice(0, limit);
    const thoughts = think ? THOUGHTS : [];
    const called = calls.reduce((sum, call) => sum + tokensIn(JSON.stringify(call.args)), 0);
    return {
        id: digest(`${model}\n${heard}`).toString('hex').slice(0, 24),
        pieces, thoughts, calls,
        cut: pieces.length < all.length,
        prompt: tokensIn(heard) + images * 85,
        count: thoughts.length + pieces.length + called,
    };
}

// ------------------------------------------------------------------ other than text

/** Where a text lies, as a vector of length 1. @param {string} text @param {number} dimensions @returns {number[]} */
export function vector(text, dimensions) {
    /** @type {number[]} */
    const all = [];
    for (let block = 0; all.length < dimensions; block++) {
        for (const byte of digest(text, block).subarray(0, dimensions - all.length)) all.push(byte - 127.5);
    }
    const length = Math.hypot(...all);
    return all.map((x) => Math.fround(x / length));
}

/** As OpenAI writes it for `encoding_format: "base64"`. @param {number[]} values */
export function vectorBase64(values) {
    return Buffer.from(new Float32Array(values).buffer).toString('base64');
}

/** @param {string} about @param {number} size @returns {Buffer} bytes that are no text */
export function noise(about, size) {
    return Buffer.concat(Array.from({ length: Math.ceil(size / 32) }, (_, i) => digest(about, i))).subarray(0, size);
}

/** @param {string} type @param {Buffer} data */
function pngChunk(type, data) {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc32(body), body.length + 4);
    return out;
}

/** A picture of one pixel in a grey of its own. @param {number} grey 0 to 255 @returns {Buffer} */
export function png(grey) {
    const head = Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
    return Buffer.concat([
        Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
        pngChunk('IHDR', head),
        pngChunk('IDAT', deflateSync(Buffer.from([0, grey]))),
        pngChunk('IEND', Buffer.alloc(0)),
    ]);
}
