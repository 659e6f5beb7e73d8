/** OpenAI's errors, which Ollama's face of it and both forms of a chat share. */

/**
 * @typedef {import('./reply.mjs').Refusal} Refusal
 *
 * @typedef {object} Error
 * @property {string} type
 * @property {string | null} code
 * @property {string} message
 */

/** @type {Record<number, Error>} */
const ERRORS = {
    400: { type: 'invalid_request_error', code: null, message: 'Invalid request' },
    401: { type: 'invalid_request_error', code: 'invalid_api_key', message: 'Incorrect API key provided.' },
    402: {
        type: 'insufficient_quota', code: 'billing_not_active',
        message: 'Your account is not active, please check your billing details on our website.',
    },
    403: {
        type: 'invalid_request_error', code: 'unsupported_country_region_territory',
        message: 'Country, region, or territory not supported',
    },
    404: { type: 'invalid_request_error', code: null, message: 'Not found' },
    429: {
        type: 'requests', code: 'rate_limit_exceeded',
        message: 'Rate limit reached for requests per min (RPM): Limit 500, Used 500, Requested 1. Please try again in 120ms.',
    },
    500: { type: 'server_error', code: null, message: 'The server had an error while processing your request. Sorry about that!' },
    503: {
        type: 'service_unavailable_error', code: 'server_is_overloaded',
        message: 'Our servers are currently overloaded. Please try again later.',
    },
    529: { type: 'server_error', code: null, message: 'The server is overloaded' },
};

/** By status and kind. @type {Record<string, Error>} */
const KINDS = {
    '400 context': {
        type: 'invalid_request_error', code: 'context_length_exceeded',
        message: 'This model\'s maximum context length is 128000 tokens. However, your messages resulted in 214390 tokens. ' +
            'Please reduce the length of the messages.',
    },
    '400 policy': {
        type: 'invalid_request_error', code: 'content_policy_violation',
        message: 'Your request was rejected as a result of our safety system.',
    },
    '429 quota': {
        type: 'insufficient_quota', code: 'insufficient_quota',
        message: 'You exceeded your current quota, please check your plan and billing details.',
    },
};

/** @param {Refusal} why @returns {{error: {message: string, type: string, param: string | null, code: string | null}}} */
export function errorOf({ status, kind, message, param, code }) {
    const usual = ERRORS[status] ?? ERRORS[500];
    const { type, ...rest } = KINDS[`${status} ${kind ?? (status === 400 ? 'context' : '')}`] ?? usual;
    const about = param ?? (kind === 'context' ? 'messages' : null);
    return { error: { message: message ?? rest.message, type, param: about, code: code ?? rest.code } };
}
