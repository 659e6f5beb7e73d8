/**
 * Cells that are known to fail, and why: a client's dialect, a provider, a feature, and "stream" or "whole" if only one of
 * both does. "*" is any. One that passes is an error: its line has to go.
 *
 * @type {[client: string, provider: string, feature: string, how: string, why: string][]}
 */
export const OPEN = [
    ['openai', 'claude', 'custom tools', '*', 'a call of a custom tool comes back as one of a function'],
    ['openai', 'gemini', 'custom tools', '*', 'a call of a custom tool comes back as one of a function'],
    ['openai', 'gemini', 'log probabilities', 'stream', 'chunks are written without them'],
    ['responses', 'gemini', 'log probabilities', 'stream', 'those of Gemini’s chunks are not brought into OpenAI’s form'],
    ['openai', 'gemini', 'signed thoughts, in the next turn elsewhere', '*', 'seals go out to OpenAI, in ids that are too long for it'],
    ['responses', 'claude', 'signed thoughts, in the next turn elsewhere', '*', 'seals go out to OpenAI as encrypted_content'],
    ['responses', 'gemini', 'signed thoughts, in the next turn elsewhere', '*', 'seals go out to OpenAI, in ids that are too long for it'],
    ['anthropic', 'openai', "a call's long id", '*', 'OpenAI takes 40 bytes'],
    ['gemini', 'openai', "a call's long id", '*', 'OpenAI takes 40 bytes'],
    ['openai', 'gemini', 'error 429 with retry-after', '*', 'Gemini’s retryDelay becomes no retry-after'],
    ['responses', 'gemini', 'error 429 with retry-after', '*', 'Gemini’s retryDelay becomes no retry-after'],
    ['anthropic', 'gemini', 'error 429 with retry-after', '*', 'Gemini’s retryDelay becomes no retry-after'],
    ['anthropic', 'gemini', 'service tier', '*', '"standard_only" is neither written nor told'],
    ['gemini', 'openai', 'strict tools', '*', 'VALIDATED is not read as strict'],
    ['gemini', 'lmstudio', 'strict tools', '*', 'VALIDATED is not read as strict'],
    ['gemini', 'claude', 'strict tools', '*', 'VALIDATED is not read as strict'],
    ...['anthropic', 'gemini'].flatMap((client) => ['effort', 'effort: none', 'budget of thoughts'].map((feature) =>
        /** @type {[string, string, string, string, string]} */ ([client, 'lmstudio', feature, '*', 'neither written nor told']))),
];
