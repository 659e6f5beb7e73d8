/*
 * The table of dialects (dialect.h), one line each.
 *
 * The first one that recognises an event has it: what is particular stands above what is general. The
 * last one of each framing is what is spoken where nothing shows it.
 */
DIALECT(anthropic)
DIALECT(openai)
DIALECT(ollama)
