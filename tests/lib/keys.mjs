/** Keys for tests: GATEWAY_KEYS holds digests only. */
import { createHash } from 'node:crypto';

/** @param {string | Uint8Array} text @returns {string} */
export function sha256(text) {
    return createHash('sha256').update(text).digest('hex');
}

/**
 * @param {Record<string, string>} keys  name to key; a name may carry options after the digest, as
 *                                       in "ann:classes=code"
 * @returns {string} the value of GATEWAY_KEYS
 */
export function keyLines(keys) {
    return Object.entries(keys)
        .map(([name, key]) => {
            const [plain, ...options] = name.split(':');
            return [plain, sha256(key), ...options].join(':');
        })
        .join('\n');
}
