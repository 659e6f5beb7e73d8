/*
 * kept.js: connections that fetch() may have kept alive. It does not say whether it used one, and a server
 * may have closed it meanwhile: llama.cpp closes after each stream, and says that it would not. So a reset
 * before any answer is told as stale (GW_FAIL_STALE) as often as answers came from there: then the core
 * repeats the request once and blames nobody.
 */
const ORIGINS_MAX = 64;
const KEPT_MAX = 8;

/** Of each origin: answers, less what has proved stale. @type {Map<string, number>} */
const kept = new Map();

/** @param {string} url @returns {string} */
const originOf = (url) => url.slice(0, url.indexOf('/', 'https://'.length));

/** An answer came. @param {string} url */
export function keptAdd(url) {
    const origin = originOf(url);
    const n = kept.get(origin) ?? 0;
    if (n === 0 && kept.size >= ORIGINS_MAX) kept.clear();
    kept.set(origin, Math.min(n + 1, KEPT_MAX));
}

/** An attempt was reset before its head. Whether one that is kept may be why. @param {string} url */
export function keptTake(url) {
    const origin = originOf(url);
    const n = kept.get(origin) ?? 0;
    if (n > 0) kept.set(origin, n - 1);
    return n > 0;
}
