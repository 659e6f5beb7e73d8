/*
 * The table of dialects (dialect.h), one line each.
 *
 * An event belongs to the first dialect that recognises it, so the specific ones stand above the general
 * ones, and the frequent ones above the others. Where nothing shows the dialect, the last one of a framing
 * that is `usual` is assumed.
 */
DIALECT(anthropic)
DIALECT(openai)
DIALECT(responses)
DIALECT(ollama)
DIALECT(gemini)
DIALECT(bedrock)
