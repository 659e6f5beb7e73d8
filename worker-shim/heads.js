/*
 * heads.js: heads as text: what goes into the core, and what comes out of it.
 *
 * In: "name:value\n" lines (wasm/exports.c). Out: a block of "name: value\r\n" lines, made into a
 * Headers object. Each header that is set costs workerd about a microsecond, so the objects are
 * kept: heads differ by little more than their x-request-id, which is set anew in the kept object.
 * That is sound because fetch() and Response copy what they are given at once.
 */

const KEPT_MAX = 256;
const KEPT_BYTES = 2048;
const ID = '\r\nx-request-id: ';

/** Blocks without their id, and the headers they stand for. @type {Map<string, Headers>} */
const kept = new Map();

/** The headers of a block, good until the next call. @param {string} block @returns {Headers} */
export function headersOf(block) {
    const from = block.indexOf(ID);
    if (from < 0 || block.length > KEPT_BYTES) return parse(block);
    const to = block.indexOf('\r\n', from + ID.length);
    const key = block.slice(0, from) + block.slice(to);
    const headers = kept.get(key);
    if (headers === undefined) return keep(key, parse(block));
    headers.set('x-request-id', block.slice(from + ID.length, to));
    return headers;
}

/** @param {string} key @param {Headers} headers */
function keep(key, headers) {
    if (kept.size >= KEPT_MAX) kept.clear();
    kept.set(key, headers);
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
