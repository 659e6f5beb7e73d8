/*
 * heads.js: heads as text: what goes into the core, and what comes out of it.
 *
 * In: "name:value\n" lines (wasm/exports.c). Out: a block of "name: value\r\n" lines, made into a
 * Headers object. Each header that is set costs workerd about a microsecond, so the objects are
 * kept: heads differ by little more than the values of a few headers that VARYING names, and those
 * that are not what they were are set anew in the kept object. That is sound because fetch() and
 * Response copy what they are given at once.
 */

const KEPT_MAX = 256;
const KEPT_BYTES = 2048;
const RECENT_MAX = 8;

/** Headers whose values differ from one head to the next; a name that ends in "-" stands for all that
 * begin so. A head with another one that varies is never found again, and drives out those that are. */
const VARYING = [
    'date', 'retry-after', 'x-heady-cost-usd', 'x-heady-hop', 'x-heady-seed', 'x-heady-timeout-ms', 'x-ratelimit-',
    'x-request-id',
];
const WHOLE = new Set(VARYING.filter((name) => !name.endsWith('-')));
const FAMILIES = VARYING.filter((name) => name.endsWith('-'));
const NO_HEADERS = new Headers();

/** A head but for its varying values: what stands before each of them and behind the last one.
 * @typedef {{ pieces: string[], names: string[], values: string[], headers: Headers }} Kept */

/** All that are kept, by their pieces. @type {Map<string, Kept>} */
const kept = new Map();
/** Those that were cut last, which are tried first: to compare pieces costs less than to cut.
 * @type {Kept[]} */
let recent = [];

/** The headers of a block, good until the next call. @param {string} block @returns {Headers} */
export function headersOf(block) {
    for (const known of recent) {
        const values = valuesOf(block, known);
        if (values !== null) return renew(known, values);
    }
    if (block.length > KEPT_BYTES) return parse(block);
    /** @type {Kept} */
    const one = { pieces: [], names: [], values: [], headers: NO_HEADERS };
    if (!cut(block, one)) return parse(block);
    const key = one.pieces.join('');
    const known = kept.get(key) ?? keep(key, one, block);
    recent = [known, ...recent.slice(0, RECENT_MAX - 1)];
    return renew(known, one.values);
}

/** The values of a block that has just these pieces; else null. @param {string} block
 * @param {Kept} known @returns {string[] | null} */
function valuesOf(block, { pieces }) {
    /** @type {string[]} */
    const values = [];
    const last = pieces.length - 1;
    let at = 0;
    for (let i = 0; i < last; i++) {
        if (!block.startsWith(pieces[i], at)) return null;
        const from = at + pieces[i].length;
        at = block.indexOf('\r', from);
        values.push(block.slice(from, at));
    }
    return block.length === at + pieces[last].length && block.endsWith(pieces[last]) ? values : null;
}

/** @param {Kept} known @param {string[]} values */
function renew(known, values) {
    for (let i = 0; i < values.length; i++)
        if (known.values[i] !== values[i]) known.headers.set(known.names[i], values[i]);
    known.values = values;
    return known.headers;
}

/** @param {string} name */
const varies = (name) => WHOLE.has(name) || FAMILIES.some((family) => name.startsWith(family));

/** Cuts the varying values out of a block. False if one of the headers comes twice: set() would leave
 * only one of them. @param {string} block @param {Kept} one */
function cut(block, { pieces, names, values }) {
    let from = 0;
    for (let line = 0, end = 0; line < block.length; line = end + 2) {
        end = block.indexOf('\r', line);
        const at = block.indexOf(': ', line) + 2;
        const name = block.slice(line, at - 2);
        if (!varies(name)) continue;
        if (names.includes(name)) return false;
        names.push(name);
        values.push(block.slice(at, end));
        pieces.push(block.slice(from, at));
        from = end;
    }
    pieces.push(block.slice(from));
    return true;
}

/** @param {string} key @param {Kept} one @param {string} block */
function keep(key, one, block) {
    if (kept.size >= KEPT_MAX) kept.clear();
    one.headers = parse(block);
    kept.set(key, one);
    return one;
}

/** @param {string} block @returns {Headers} */
function parse(block) {
    const headers = new Headers();
    for (const line of block.split('\r\n')) {
        const colon = line.indexOf(': ');
        if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 2));
    }
    return headers;
}

/**
 * The lines of headers, and the two that the host looks at itself: what the body's length is said
 * to be (-1: nothing is said), and the host.
 * @param {Headers} headers @returns {{ lines: string, length: number, host: string }}
 */
export function linesOf(headers) {
    let lines = '';
    let length = -1;
    let host = '';
    headers.forEach((value, name) => { // for...of costs three times as much
        lines += `${name}:${value}\n`;
        if (name === 'content-length') length = Number(value);
        else if (name === 'host') host = value;
    });
    return { lines, length, host };
}
