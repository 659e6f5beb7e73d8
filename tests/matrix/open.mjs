/**
 * Cells that are known to fail, and why: a client's dialect, a provider, a feature, and "stream" or "whole" if only one of
 * both does. "*" is any, as far as it is translated there and has words for it. A line whose cells pass is an error: it has
 * to go.
 *
 * @type {[client: string, provider: string, feature: string, how: string, why: string][]}
 */
export const OPEN = [
];
