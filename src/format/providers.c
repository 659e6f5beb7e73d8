#include "format/providers.h"

#define PATH(m, p) {GW_STR_INIT(m), GW_STR_INIT(p)}
#define PATHS(table) .paths = (table), .paths_n = sizeof(table) / sizeof *(table)
/* What only OpenAI itself has stands behind the rest. */
enum { OPENAI_ALONE = 2 };
#define LIKE_OPENAI .paths = openai, .paths_n = sizeof openai / sizeof *openai - OPENAI_ALONE

static const struct provider_path anthropic[] = {
    PATH("POST", "/v1/messages"),
    PATH("POST", "/v1/messages/count_tokens"),
    PATH("GET", "/v1/models"),
    PATH("GET", "/v1/models/*"),
};
static const struct provider_path gemini[] = {
    PATH("POST", "/v1/models/*:generateContent"),
    PATH("POST", "/v1/models/*:streamGenerateContent"),
    PATH("POST", "/v1/models/*:countTokens"),
    PATH("POST", "/v1/models/*:embedContent"),
    PATH("POST", "/v1/models/*:batchEmbedContents"),
    PATH("POST", "/v1/interactions"),
    PATH("GET", "/v1/models"),
    PATH("GET", "/v1/models/*"),
    PATH("POST", "/v1beta/models/*:generateContent"),
    PATH("POST", "/v1beta/models/*:streamGenerateContent"),
    PATH("POST", "/v1beta/models/*:countTokens"),
    PATH("POST", "/v1beta/models/*:embedContent"),
    PATH("POST", "/v1beta/models/*:batchEmbedContents"),
    PATH("POST", "/v1beta/interactions"),
    PATH("GET", "/v1beta/models"),
    PATH("GET", "/v1beta/models/*"),
};
static const struct provider_path openai[] = {
    PATH("POST", "/v1/chat/completions"),
    PATH("POST", "/v1/completions"),
    PATH("POST", "/v1/responses"),
    PATH("POST", "/v1/embeddings"),
    PATH("POST", "/v1/moderations"),
    PATH("POST", "/v1/images/generations"),
    PATH("POST", "/v1/images/edits"),
    PATH("POST", "/v1/images/variations"),
    PATH("POST", "/v1/audio/speech"),
    PATH("POST", "/v1/audio/transcriptions"),
    PATH("POST", "/v1/audio/translations"),
    PATH("GET", "/v1/models"),
    PATH("GET", "/v1/models/*"),
    PATH("POST", "/v1/responses/compact"), /* OPENAI_ALONE, as is the next one */
    PATH("POST", "/v1/responses/input_tokens"),
};
static const struct provider_path azure[] = {
    PATH("POST", "/openai/deployments/*/chat/completions"),
    PATH("POST", "/openai/deployments/*/completions"),
    PATH("POST", "/openai/deployments/*/embeddings"),
    PATH("POST", "/openai/deployments/*/images/generations"),
    PATH("POST", "/openai/deployments/*/audio/*"),
    PATH("POST", "/openai/responses"),
    PATH("POST", "/openai/v1/chat/completions"),
    PATH("POST", "/openai/v1/responses"),
    PATH("POST", "/openai/v1/embeddings"),
    PATH("GET", "/openai/v1/models"),
};
static const struct provider_path bedrock[] = {
    PATH("POST", "/model/*/converse"),
    PATH("POST", "/model/*/converse-stream"),
    PATH("POST", "/model/*/invoke"),
    PATH("POST", "/model/*/invoke-with-response-stream"),
};
static const struct provider_path ollama[] = {
    PATH("POST", "/api/chat"),
    PATH("POST", "/api/generate"),
    PATH("POST", "/api/embed"),
    PATH("POST", "/api/embeddings"),
    PATH("GET", "/api/tags"),
    PATH("GET", "/api/version"),
    PATH("POST", "/v1/chat/completions"),
    PATH("POST", "/v1/completions"),
    PATH("POST", "/v1/embeddings"),
    PATH("GET", "/v1/models"),
};

static const struct provider table[] = {
    {.name = GW_STR_INIT("claude"),
     .base = GW_STR_INIT("https://api.anthropic.com"),
     .base_env = GW_STR_INIT("CLAUDE_ENDPOINT"),
     .key_env = GW_STR_INIT("ANTHROPIC_API_KEY"),
     .dialect = &dialect_anthropic,
     .key = PROVIDER_X_API_KEY,
     .line_name = GW_STR_INIT("anthropic-version"),
     .line_value = GW_STR_INIT("2023-06-01"),
     .version = GW_STR_INIT("/v1"),
     .also = GW_STR_INIT("anthropic"),
     .models = "claude-",
     PATHS(anthropic)},
    {.name = GW_STR_INIT("gemini"),
     .base = GW_STR_INIT("https://generativelanguage.googleapis.com"),
     .base_env = GW_STR_INIT("GEMINI_ENDPOINT"),
     .key_env = GW_STR_INIT("GEMINI_API_KEY"),
     .dialect = &dialect_gemini,
     .key = PROVIDER_X_GOOG_KEY,
     .bad_key = GW_STR_INIT("\"API_KEY_INVALID\""),
     .version = GW_STR_INIT("/v1beta"),
     .also = GW_STR_INIT("google"),
     .models = "gemini- gemma- learnlm- text-embedding-00 embedding- imagen- veo-",
     PATHS(gemini)},
    {.name = GW_STR_INIT("openai"),
     .base = GW_STR_INIT("https://api.openai.com"),
     .base_env = GW_STR_INIT("CODEX_ENDPOINT"),
     .key_env = GW_STR_INIT("OPENAI_API_KEY"),
     .dialect = &dialect_openai,
     .key = PROVIDER_BEARER,
     .version = GW_STR_INIT("/v1"),
     .also = GW_STR_INIT("codex"),
     .models = "gpt- chatgpt- o1 o3 o4 ft: text-embedding-3 text-embedding-ada text-moderation- "
               "omni-moderation- dall-e- whisper-1 tts- codex- computer-use davinci- babbage-",
     PATHS(openai)},
    {.name = GW_STR_INIT("groq"),
     .base = GW_STR_INIT("https://api.groq.com/openai"),
     .base_env = GW_STR_INIT("GROQ_ENDPOINT"),
     .key_env = GW_STR_INIT("GROQ_API_KEY"),
     .dialect = &dialect_openai,
     .key = PROVIDER_BEARER,
     .version = GW_STR_INIT("/v1"),
     .models = "llama- llama3- mixtral-8x7b-32768 gemma2- whisper-large- compound-",
     LIKE_OPENAI},
    {.name = GW_STR_INIT("azure"),
     .base_env = GW_STR_INIT("AZURE_OPENAI_ENDPOINT"),
     .key_env = GW_STR_INIT("AZURE_OPENAI_API_KEY"),
     .dialect = &dialect_openai,
     .key = PROVIDER_API_KEY,
     .version = GW_STR_INIT("/openai"),
     PATHS(azure)},
    {.name = GW_STR_INIT("bedrock"),
     .base_env = GW_STR_INIT("BEDROCK_ENDPOINT"),
     .key_env = GW_STR_INIT("AWS_ACCESS_KEY_ID"),
     .dialect = &dialect_bedrock,
     .key = PROVIDER_SIGV4,
     .open = true,
     .models = "anthropic. amazon. meta. mistral. cohere. ai21. us. eu. apac. global. arn:aws:",
     PATHS(bedrock)},
    {.name = GW_STR_INIT("ollama"),
     .base = GW_STR_INIT("http://127.0.0.1:11434"),
     .base_env = GW_STR_INIT("OLLAMA_HOST"),
     .dialect = &dialect_ollama,
     .version = GW_STR_INIT("/v1"),
     .tagged = true,
     .open = true,
     PATHS(ollama)},
    {.name = GW_STR_INIT("lmstudio"),
     .base = GW_STR_INIT("http://127.0.0.1:1234"),
     .base_env = GW_STR_INIT("LMSTUDIO_HOST"),
     .dialect = &dialect_openai,
     .version = GW_STR_INIT("/v1"),
     .open = true,
     LIKE_OPENAI},
};

const struct provider *providers_at(uint32_t i) {
    return i < sizeof table / sizeof *table ? &table[i] : NULL;
}

const struct provider *providers_named(struct gw_str name) {
    const struct provider *p;
    for (uint32_t i = 0; (p = providers_at(i)) != NULL; i++)
        if (gw_str_eq(p->name, name))
            return p;
    return NULL;
}

bool providers_begins(struct gw_str words, struct gw_str name) {
    while (words.p != NULL) {
        struct gw_str word = gw_str_cut(&words, ' ');
        if (word.n > 0 && gw_str_starts(name, word))
            return true;
    }
    return false;
}

/* The star takes the shortest beginning of the segment, which is right as long as a segment has one. */
static bool matches_segment(struct gw_str pattern, struct gw_str segment) {
    ptrdiff_t star = gw_str_chr(pattern, '*');
    if (star < 0)
        return gw_str_eq(pattern, segment);
    struct gw_str head = gw_str_sub(pattern, 0, (size_t)star);
    struct gw_str tail = gw_str_sub(pattern, (size_t)star + 1, pattern.n);
    return segment.n > head.n + tail.n && gw_str_starts(segment, head) &&
           gw_str_ends(segment, tail);
}

static bool matches(struct gw_str pattern, struct gw_str path) {
    while (pattern.p != NULL && path.p != NULL)
        if (!matches_segment(gw_str_cut(&pattern, '/'), gw_str_cut(&path, '/')))
            return false;
    return pattern.p == NULL && path.p == NULL;
}

bool providers_allow(const struct provider *p, struct gw_str method, struct gw_str path) {
    for (uint32_t i = 0; i < p->paths_n; i++)
        if (gw_str_eq(p->paths[i].method, method) && matches(p->paths[i].pattern, path))
            return true;
    return false;
}
