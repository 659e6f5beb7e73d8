/**
 * What AWS does with a signature: it makes the canonical request of what has come, signs it itself, and
 * compares. Written from the published description, and not from the gateway's own.
 */
import { createHash, createHmac } from 'node:crypto';

/**
 * @typedef {{secret: string, token?: string}} Secret
 * @typedef {{type: string, message: string, status?: number}} Refused
 */

const SKEW_MS = 15 * 60_000;
const FORM = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;

/** @param {string | Buffer} data */
const sha256 = (data) => createHash('sha256').update(data).digest('hex');
/** @param {string | Buffer} key @param {string} data */
const hmac = (key, data) => createHmac('sha256', key).update(data).digest();
/** @param {string} text */
const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** @param {string} query */
function canonicalQuery(query) {
    const pairs = query.split('&').filter((part) => part !== '').map((part) => {
        const [name, value = ''] = part.split('=');
        return [encode(decodeURIComponent(name)), encode(decodeURIComponent(value))];
    });
    return pairs.sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : 1)).map((pair) => pair.join('=')).join('&');
}

/** @param {import('./reply.mjs').Ask & {url: string}} ask @param {string[]} signed */
function canonical({ method, url, headers, body }, signed) {
    const [path, query = ''] = url.split('?');
    const lines = signed.map((name) => `${name}:${String(headers[name]).trim().replace(/ +/g, ' ')}\n`).join('');
    const twice = path.split('/').map(encode).join('/'); // each segment as it came, encoded again
    return [method, twice, canonicalQuery(query), lines, signed.join(';'), sha256(body)].join('\n');
}

/** When it was signed. @param {string} time 20150830T123600Z */
function momentOf(time) {
    return Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

/** What must be signed: the host (of HTTP/2 by the name that it has there), the type of the body, and all that begins with x-amz-. @param {string[]} signed
 *  @param {import('node:http').IncomingHttpHeaders} headers */
function unsigned(signed, headers) {
    const must = [headers[':authority'] !== undefined ? ':authority' : 'host', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-') || name === 'content-type')];
    return must.find((name) => !signed.includes(name)) ?? signed.find((name) => headers[name] === undefined);
}

/** The id that a request is signed with. @param {import('node:http').IncomingHttpHeaders} headers */
export function signerOf(headers) {
    return FORM.exec(headers.authorization ?? '')?.[1] ?? null;
}

/** Why the signature is refused; null: it is good. @param {import('./reply.mjs').Ask & {url: string}} ask
 *  @param {Map<string, Secret>} secrets @param {string} region @param {string} service @returns {Refused | null} */
export function whyNotSigned(ask, secrets, region, service) {
    const { headers } = ask;
    const [, id, day, where, what, names, signature] = FORM.exec(headers.authorization ?? '') ?? [];
    if (id === undefined) return { type: 'IncompleteSignatureException', message: 'Authorization header requires \'Credential\' parameter.', status: 400 };
    const secret = secrets.get(id);
    const time = String(headers['x-amz-date']);
    if (secret === undefined || headers['x-amz-security-token'] !== secret.token) {
        return { type: 'UnrecognizedClientException', message: 'The security token included in the request is invalid.' };
    }
    if (where !== region || what !== service || day !== time.slice(0, 8)) {
        return { type: 'InvalidSignatureException', message: `Credential should be scoped to a valid region and service: ${region}/${service}.` };
    }
    if (!(Math.abs(Date.now() - momentOf(time)) < SKEW_MS)) {
        return { type: 'InvalidSignatureException', message: `Signature expired: ${time} is now earlier than the oldest allowed` };
    }
    const signed = names.split(';'), lacks = unsigned(signed, headers);
    if (lacks !== undefined || [...signed].sort().join(';') !== names) {
        return { type: 'InvalidSignatureException', message: `'${lacks ?? names}' must be a signed header in order` };
    }
    const request = canonical(ask, signed);
    const text = ['AWS4-HMAC-SHA256', time, `${day}/${where}/${what}/aws4_request`, sha256(request)].join('\n');
    const key = [where, what, 'aws4_request'].reduce(hmac, hmac(`AWS4${secret.secret}`, day));
    if (hmac(key, text).toString('hex') === signature) return null;
    return {
        type: 'InvalidSignatureException',
        message: 'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key '
            + `and signing method.\n\nThe Canonical String for this request should have been\n'${request}'`,
    };
}
