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

/** Headers whose values differ from one head to the next; a name that ends in "-" stands for all that
 * begin so. A head with another one that varies is never found again, and drives out those that are. */
const VARYING = [
    'date', 'retry-after', 'x-heady-cost-usd', 'x-heady-hop', 'x-heady-timeout-ms', 'x-ratelimit-',
    'x-request-id',
];
const NAMES = VARYING.map((name) => (name.endsWith('-') ? `${name}[a-z-]+` : name));
const LINE = new RegExp(`^(?:${NAMES.join('|')}): `, 'gm');

/** Blocks without their varying values, and the headers they stand for with the values that they have.
 * @type {Map<string, { headers: Headers, values: string[] }>} */
const kept = new Map();

/** The headers of a block, good until the next call. @param {string} block @returns {Headers} */
export function headersOf(block) {
    if (block.length > KEPT_BYTES) return parse(block);
    /** @type {string[]} */
    const names = [];
    /** @type {string[]} */
    const values = [];
    const key = cut(block, names, values);
    if (key === '') return parse(block);
    const known = kept.get(key);
    if (known === undefined) return keep(key, parse(block), values);
    for (let i = 0; i < names.length; i++)
        if (known.values[i] !== values[i]) known.headers.set(names[i], values[i]);
    known.values = values;
    return known.headers;
}

/** Cuts the varying values out of a block. '' if one of the headers comes twice: set() would leave only
 * one of them. @param {string} block @param {string[]} names @param {string[]} values */
function cut(block, names, values) {
    let key = '';
    let from = 0;
    LINE.lastIndex = 0;
    for (let found = LINE.exec(block); found !== null; found = LINE.exec(block)) {
        const at = LINE.lastIndex;
        const end = block.indexOf('\r', at);
        const name = found[0].slice(0, -2);
        if (names.includes(name)) return '';
        names.push(name);
        values.push(block.slice(at, end));
        key += block.slice(from, at);
        from = LINE.lastIndex = end;
    }
    return key + block.slice(from);
}

/** @param {string} key @param {Headers} headers @param {string[]} values */
function keep(key, headers, values) {
    if (kept.size >= KEPT_MAX) kept.clear();
    kept.set(key, { headers, values });
    return headers;
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
