/** What the benches make of their figures: medians with quartiles, and how they are printed. */

/** @typedef {{ q1: number, median: number, q3: number }} Quartiles */

/** @param {number[]} list @param {number} q */
export function quantile(list, q) {
    const sorted = [...list].sort((a, b) => a - b);
    const at = (sorted.length - 1) * q;
    const low = Math.floor(at);
    const high = Math.min(low + 1, sorted.length - 1);
    return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

/** @param {number[]} list @returns {Quartiles} */
export function quartiles(list) {
    return { q1: quantile(list, 0.25), median: quantile(list, 0.5), q3: quantile(list, 0.75) };
}

/** @param {Quartiles} q @param {number} digits */
export function range({ q1, median, q3 }, digits) {
    return `${median.toFixed(digits)} (${q1.toFixed(digits)}-${q3.toFixed(digits)})`;
}
