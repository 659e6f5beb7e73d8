/**
 * The dialects in which a chain of two providers is asked. Both providers speak the same one: the first is
 * built in, the second is of the configuration alone.
 */

/**
 * @typedef {object} Dialect
 * @property {string} fake       of tests/providers
 * @property {string} first      the built-in provider
 * @property {string} prefix     how the names of its models begin
 * @property {boolean} paid      it wants a key
 * @property {boolean} inPath    the model is named there
 * @property {boolean} marked    a stream has an end mark behind its finish
 * @property {boolean} [framed]  it comes in frames, which have no comments and no pings, and do not name the model
 * @property {boolean} [sealed]  what is signed goes out as it came: the body holds no names
 * @property {[string, string]} keys   the first one's, the second one's, as the fakes take them
 * @property {Record<string, string>} second   what the file says of the second one's key
 * @property {(url: string) => Record<string, string>} env
 * @property {(model: string, stream: boolean) => string} path
 * @property {(heard: string, stream: boolean) => Record<string, any>} body   without the model
 * @property {(error: any) => unknown} message   of an error, whole or in band; a string if it is well formed
 */

/** @type {[string, string]} */
const KEYS = ['sk-first', 'sk-second'];
const second = { key_env: 'SECOND_API_KEY' };
const user = (/** @type {string} */ content) => [{ role: 'user', content }];

/** @type {Record<string, Dialect>} */
export const DIALECTS = {
    openai: {
        fake: 'openai', first: 'openai', prefix: 'gpt-', paid: true, inPath: false, marked: true, keys: KEYS, second,
        env: (url) => ({ CODEX_ENDPOINT: url, OPENAI_API_KEY: 'sk-first' }),
        path: () => '/v1/chat/completions',
        body: (heard, stream) => ({ messages: user(heard), max_tokens: 200, stream }),
        message: ({ error }) => error?.type && error.message,
    },
    anthropic: {
        fake: 'anthropic', first: 'claude', prefix: 'claude-', paid: true, inPath: false, marked: true, keys: KEYS, second,
        env: (url) => ({ CLAUDE_ENDPOINT: url, ANTHROPIC_API_KEY: 'sk-first' }),
        path: () => '/v1/messages',
        body: (heard, stream) => ({ max_tokens: 200, stream, messages: user(heard) }),
        message: ({ type, error }) => type === 'error' && error?.type && error.message,
    },
    gemini: {
        fake: 'gemini', first: 'gemini', prefix: 'gemini-', paid: true, inPath: true, marked: false, keys: KEYS, second,
        env: (url) => ({ GEMINI_ENDPOINT: url, GEMINI_API_KEY: 'sk-first' }),
        path: (model, stream) => `/v1beta/models/${model}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
        body: (heard) => ({ contents: [{ role: 'user', parts: [{ text: heard }] }], generationConfig: { maxOutputTokens: 200 } }),
        message: ({ error }) => error?.status && typeof error.code === 'number' && error.message,
    },
    ollama: {
        fake: 'ollama', first: 'ollama', prefix: '', paid: false, inPath: false, marked: false, keys: KEYS, second: {},
        env: (url) => ({ OLLAMA_HOST: url }),
        path: () => '/api/chat',
        body: (heard, stream) => ({ stream, messages: user(heard), options: { num_predict: 200 } }),
        message: ({ error }) => error,
    },
    bedrock: { // both sign with the one key that there is
        fake: 'bedrock', first: 'bedrock', prefix: 'meta.', paid: true, inPath: true, marked: true, framed: true,
        sealed: true,
        keys: ['AKIAFIRST:secret', 'AKIAFIRST:secret'], second: {},
        env: (url) => ({
            BEDROCK_ENDPOINT: url, AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'AKIAFIRST', AWS_SECRET_ACCESS_KEY: 'secret',
        }),
        path: (model, stream) => `/model/${model}/converse${stream ? '-stream' : ''}`,
        body: (heard) => ({ messages: [{ role: 'user', content: [{ text: heard }] }], inferenceConfig: { maxTokens: 200 } }),
        message: ({ message }) => message,
    },
};
