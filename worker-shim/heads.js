/*
 * heads.js: heads as text: what goes into the core, and what comes out of it.
 *
 * In: "name:value\n" lines (wasm/exports.c). Out: a block of "name: value\r\n" lines, made into a
 * Headers object. Each header that is set costs workerd about a microsecond, so the objects are
 * kept: heads differ by little more than their x-request-id, and once a second their date, which are
 * set anew in the kept object. That is sound because fetch() and Response copy what they are given
 * at once.
 */

const KEPT_MAX = 256;
const KEPT_BYTES = 2048;
const ID = '\r\nx-request-id: ';
const DATE = '\r\ndate: ';

/** Blocks without their id and date, and the headers they stand for.
 * @type {Map<string, { headers: Headers, date: string }>} */
const kept = new Map();

/** The headers of a block, good until the next call. @param {string} block @returns {Headers} */
export function headersOf(block) {
    const id = valueOf(block, ID);
    if (id === '' || block.length > KEPT_BYTES) return parse(block);
    const date = valueOf(block, DATE);
    const key = block.replace(ID + id, '').replace(DATE + date, DATE);
    const known = kept.get(key);
    if (known === undefined) return keep(key, parse(block), date);
    known.headers.set('x-request-id', id);
    if (known.date !== date) known.headers.set('date', date);
    known.date = date;
    return known.headers;
}

/** The value of the line that begins so, which is not the first; '' if there is none.
 * @param {string} block @param {string} line */
function valueOf(block, line) {
    const at = block.indexOf(line);
    return at < 0 ? '' : block.slice(at + line.length, block.indexOf('\r\n', at + line.length));
}

/** @param {string} key @param {Headers} headers @param {string} date */
function keep(key, headers, date) {
    if (kept.size >= KEPT_MAX) kept.clear();
    kept.set(key, { headers, date });
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
