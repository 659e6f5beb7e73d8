/*
 * The table of dialects (dialect.h), one line each.
 *
 * An event belongs to the first dialect that recognises it, so the specific ones stand above the general
 * ones. The last one of each framing is assumed where nothing shows the dialect.
 */
DIALECT(anthropic)
DIALECT(openai)
DIALECT(ollama)
