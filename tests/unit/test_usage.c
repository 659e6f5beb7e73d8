/*
 * Usage and model of whole answers, of each dialect, in every cut.
 */
#include "format/usage.h"

#include "unit.h"

struct known {
    const char *answer, *model;
    uint32_t present;
    uint64_t n[USAGE_N];
};

#define HAS(which) (1U << USAGE_##which)
#define BASIC (HAS(INPUT) | HAS(OUTPUT))

static const struct known table[] = {
    /* OpenAI's chat; its audio, by the object that it is in */
    {"{\"id\":\"x\",\"model\":\"gpt-x\",\"choices\":[{\"message\":{\"content\":\"a "
     "\\\"usage\\\":{}\","
     "\"usage\":{\"prompt_tokens\":99}},\"model\":\"no\"}],\"usage\":{\"prompt_tokens\":30,"
     "\"completion_tokens\":9,\"total_tokens\":39,\"prompt_tokens_details\":{\"cached_tokens\":20,"
     "\"audio_tokens\":5},\"completion_tokens_details\":{\"reasoning_tokens\":4,\"audio_tokens\":3,"
     "\"accepted_prediction_tokens\":0}},\"service_tier\":\"default\"}",
     "gpt-x",
     BASIC | HAS(CACHED) | HAS(REASONING) | HAS(AUDIO_INPUT) | HAS(AUDIO_OUTPUT),
     {30, 9, 20, 0, 4, 5, 3}},
    /* embeddings */
    {"{\"object\":\"list\",\"data\":[{\"embedding\":[-0.5,1e-7,3],\"index\":0}],\"model\":\"emb\","
     "\"usage\":{"
     "\"prompt_tokens\":8,\"total_tokens\":8}}",
     "emb",
     HAS(INPUT),
     {8}},
    /* Responses: the input has all in it */
    {"{\"object\":\"response\",\"incomplete_details\":null,\"usage\":{\"input_tokens\":30,"
     "\"input_tokens_details\":{\"cached_tokens\":20},\"output_tokens\":9,\"output_tokens_"
     "details\":"
     "{\"reasoning_tokens\":4}},\"model\":\"gpt-r\"}",
     "gpt-r",
     BASIC | HAS(CACHED) | HAS(REASONING),
     {30, 9, 20, 0, 4}},
    /* images, and a transcription */
    {"{\"created\":1,\"data\":[{\"b64_json\":\"AAAA\"}],\"usage\":{\"total_tokens\":322,\"input_"
     "tokens\":50,"
     "\"output_tokens\":272,\"input_tokens_details\":{\"text_tokens\":10,\"image_tokens\":40}}}",
     "",
     BASIC,
     {50, 272}},
    {"{\"text\":\"hm\",\"usage\":{\"type\":\"tokens\",\"input_tokens\":14,\"input_token_details\":{"
     "\"text_tokens"
     "\":4,\"audio_tokens\":10},\"output_tokens\":101,\"total_tokens\":115}}",
     "",
     BASIC | HAS(AUDIO_INPUT),
     {14, 101, 0, 0, 0, 10, 0}},
    /* Anthropic: the input is the rest, and the usage may stand first */
    {"{\"usage\":{\"input_tokens\":10,\"cache_creation_input_tokens\":3,\"cache_read_input_"
     "tokens\":20,"
     "\"cache_creation\":{\"ephemeral_5m_input_tokens\":3},\"output_tokens\":9},\"model\":"
     "\"cl\\u00e4de\","
     "\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}",
     "cl\xc3\xa4"
     "de",
     BASIC | HAS(CACHED) | HAS(WRITTEN),
     {33, 9, 20, 3}},
    {"{\"model\":\"c\",\"usage\":{\"input_tokens\":10,\"output_tokens\":9}}", "c", BASIC, {10, 9}},
    /* Gemini: what was thought is not in the output; audio by an item's modality, in either order */
    {"{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}]}}],\"usageMetadata\":{"
     "\"promptTokenCount"
     "\":30,\"candidatesTokenCount\":9,\"thoughtsTokenCount\":4,\"cachedContentTokenCount\":20,"
     "\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":23},{\"tokenCount\":7,"
     "\"modality\":"
     "\"AUDIO\"}],\"candidatesTokensDetails\":[{\"modality\":\"AUDIO\"},{\"modality\":\"AUDIO\","
     "\"tokenCount\":"
     "2}]},\"modelVersion\":\"gemini-x\"}",
     "gemini-x",
     BASIC | HAS(CACHED) | HAS(REASONING) | HAS(AUDIO_INPUT) | HAS(AUDIO_OUTPUT),
     {30, 13, 20, 0, 4, 7, 2}},
    /* one that comes as a list: each tells all there was until then */
    {"[{\"usageMetadata\":{\"promptTokenCount\":30,\"thoughtsTokenCount\":4}}\n,\r\n{"
     "\"usageMetadata\":"
     "{\"promptTokenCount\":30,\"candidatesTokenCount\":9,\"thoughtsTokenCount\":4},"
     "\"modelVersion\":\"g\"}]",
     "g",
     BASIC | HAS(REASONING),
     {30, 13, 0, 0, 4}},
    {"{\"usage\":{\"total_tokens\":9,\"total_input_tokens\":7,\"total_output_tokens\":2,\"total_"
     "thought_tokens\":"
     "1},\"model\":\"g\"}",
     "g",
     BASIC | HAS(REASONING),
     {7, 3, 0, 0, 1}},
    /* Ollama: in the answer itself */
    {" {\"model\":\"llama3:70b\",\"message\":{\"content\":\"x\",\"eval_count\":1},\"done\":true,"
     "\"total_duration\":1e9,\"prompt_eval_count\":26,\"eval_count\":298}\n",
     "llama3:70b",
     BASIC,
     {26, 298}},
    /* Bedrock's Converse: the input is the rest, and what is told of the cache in parts is in its sum */
    {"{\"metrics\":{\"latencyMs\":9},\"output\":{\"message\":{\"content\":[{\"text\":\"x\"}],"
     "\"role\":"
     "\"assistant\"}},\"stopReason\":\"end_turn\",\"usage\":{\"inputTokens\":5,\"outputTokens\":7,"
     "\"totalTokens\":112,\"cacheReadInputTokens\":90,\"cacheWriteInputTokens\":10,"
     "\"cacheDetails\":[{\"ttl\":\"5m\",\"inputTokens\":10}]}}",
     "",
     BASIC | HAS(CACHED) | HAS(WRITTEN),
     {105, 7, 90, 10}},
    /* events that hold an answer */
    {"{\"type\":\"message_start\",\"message\":{\"model\":\"c\",\"usage\":{\"input_tokens\":5}}}",
     "c",
     HAS(INPUT),
     {5}},
    {"{\"type\":\"response.created\",\"response\":{\"model\":\"r\",\"usage\":null}}", "r", 0, {0}},
    /* the last of two counts; what is no number of tokens does not */
    {"{\"usage\":{\"prompt_tokens\":1,\"prompt_tokens\":2,\"completion_tokens\":-5}}",
     "",
     HAS(INPUT),
     {2}},
    {"{\"usage\":{\"prompt_tokens\":1e3,\"completion_tokens\":1234567890123456789012345}}",
     "",
     0,
     {0}},
    {"{\"usage\":{\"prompt_tokens\":\"7\",\"completion_tokens\":[1],\"x\":{\"prompt_tokens\":1}}}",
     "",
     0,
     {0}},
    {"{\"usage\":[{\"prompt_tokens\":1}],\"model\":7,\"eval_count\":null}", "", 0, {0}},
    {"{\"model\":\"\\u0000\",\"usage\":{\"prompt_tokens\":1}}", "", 0, {0}},
    {"{\"\":1,\"usage\":{\"\":2}}", "", 0, {0}},
    {"\"usage\"", "", 0, {0}},
    {"[[{\"eval_count\":1}]]", "", 0, {0}},
    {"", "", 0, {0}},
};

enum { TABLE_N = sizeof table / sizeof *table };

static void check(const struct usage_reader *r, const struct known *k) {
    struct usage u = {.present = 0};
    struct gw_str model = usage_model(r);
    usage_merge(r, &u);
    bool same = u.present == k->present && gw_str_eq(model, gw_str(k->model, strlen(k->model)));
    for (uint32_t i = 0; i < USAGE_N; i++)
        same = same && u.n[i] == k->n[i];
    if (!CHECK(same))
        printf("  %s: %" PRIx32 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %.*s\n", k->answer, u.present,
               u.n[0], u.n[1], u.n[2], (int)model.n, model.p);
}

static void test_whole(void) {
    for (uint32_t i = 0; i < TABLE_N; i++) {
        struct usage_reader r;
        usage_begin(&r, NULL);
        usage_feed(&r, gw_str(table[i].answer, strlen(table[i].answer)));
        check(&r, &table[i]);
    }
}

/* In two pieces, cut at every place; and byte by byte. Each piece lies in memory of its own, which ends
 * with it. */
static void feed_copy(struct usage_reader *r, const char *p, size_t n) {
    char *copy = malloc(n > 0 ? n : 1);
    if (!CHECK(copy != NULL))
        return;
    memcpy(copy, p, n);
    usage_feed(r, gw_str(copy, n));
    free(copy);
}

static void test_every_cut(void) {
    for (uint32_t i = 0; i < TABLE_N; i++) {
        const char *p = table[i].answer;
        size_t n = strlen(p);
        struct usage_reader r;
        for (size_t cut = 0; cut <= n; cut++) {
            usage_begin(&r, NULL);
            feed_copy(&r, p, cut);
            feed_copy(&r, p + cut, n - cut);
            check(&r, &table[i]);
        }
        usage_begin(&r, NULL);
        for (size_t at = 0; at < n; at++)
            feed_copy(&r, p + at, 1);
        check(&r, &table[i]);
    }
}

/* What was said before an answer was cut. */
static void test_torn(void) {
    static const struct known torn[] = {
        {"{\"model\":\"c\",\"usage\":{\"input_tokens\":10,\"cache_read_input_tokens\":2,\"output",
         "c",
         HAS(INPUT) | HAS(CACHED),
         {12, 0, 2}},
        {"{\"eval_count\":12", "", 0, {0}}, /* more digits might have come */
        {"{\"eval_count\":12,]", "", HAS(OUTPUT), {0, 12}},
    };
    for (size_t i = 0; i < sizeof torn / sizeof *torn; i++) {
        struct usage_reader r;
        usage_begin(&r, NULL);
        usage_feed(&r, gw_str(torn[i].answer, strlen(torn[i].answer)));
        usage_feed(&r, GW_STR(""));
        check(&r, &torn[i]);
    }
}

static void test_limits(void) {
    struct usage_reader r;
    char deep[400];
    usage_begin(&r, NULL);
    usage_feed(&r, GW_STR("{\"model\":\""));
    for (int i = 0; i < 100; i++)
        usage_feed(&r, GW_STR("\xe2\x82\xac"));
    usage_feed(&r, GW_STR("\",\"eval_count\":3,\"deep\":"));
    CHECK(usage_model(&r).n == 126); /* whole characters only */
    memset(deep, '[', sizeof deep);
    usage_feed(&r, gw_str(deep, sizeof deep));
    usage_feed(&r, GW_STR(",\"eval_count\":4}"));
    struct usage u = {.present = 0};
    usage_merge(&r, &u);
    CHECK(u.present == HAS(OUTPUT) && u.n[USAGE_OUTPUT] == 3);
}

/* The usage of an event, whose dialect is known. */
static void test_of_dialect(void) {
    struct usage_reader r;
    struct usage u = {.present = 0};
    usage_begin_inside(&r, &dialect_anthropic);
    usage_feed(&r,
               GW_STR("{\"input_tokens\":10,\"cache_read_input_tokens\":20,\"output_tokens\":1}"));
    usage_merge(&r, &u);
    usage_begin_inside(&r, &dialect_anthropic);
    usage_feed(&r, GW_STR("{\"output_tokens\":9,\"prompt_tokens\":77}"));
    usage_merge(&r, &u);
    CHECK(u.present == (BASIC | HAS(CACHED)));
    CHECK(u.n[USAGE_INPUT] == 30 && u.n[USAGE_OUTPUT] == 9 && u.n[USAGE_CACHED] == 20);
    usage_begin_inside(&r, &dialect_anthropic);
    usage_feed(&r, GW_STR("{\"input_tokens\":11,\"output_tokens\":9}"));
    usage_merge(&r, &u);
    CHECK(u.n[USAGE_INPUT] == 31);
}

int main(void) {
    RUN(test_whole);
    RUN(test_every_cut);
    RUN(test_torn);
    RUN(test_limits);
    RUN(test_of_dialect);
    return unit_end();
}
