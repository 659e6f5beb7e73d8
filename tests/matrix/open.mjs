/**
 * Cells that are known to fail, and why: a client's dialect, a provider, a feature, and "stream" or "whole" if only one of
 * both does. "*" is any. One that passes is an error: its line has to go.
 *
 * @type {[client: string, provider: string, feature: string, how: string, why: string][]}
 */
export const OPEN = [];
