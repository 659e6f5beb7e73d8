/** Whatever a host was asked, no secret of its environment is in its log: looked for when it stops. */
import assert from 'node:assert/strict';

const SECRET = /(_API_KEY|_SECRET|_TOKEN|ACCESS_KEY|_BEDROCK)$/;
const SECRET_LEAST = 6;

/** @param {string} log @param {Record<string, string>} [env] */
export function tellsNoSecret(log, env = {}) {
    for (const [name, value] of Object.entries(env)) {
        if (!SECRET.test(name)) continue;
        const secrets = value.split(',').map((one) => one.trim()).filter((one) => one.length >= SECRET_LEAST);
        for (const secret of secrets) assert.ok(!log.includes(secret), `${name} is in the log`);
    }
}
