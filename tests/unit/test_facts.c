#include "format/facts.h"

#include "base/rng.h"
#include "unit.h"

static struct facts f;

/* ------------------------------------------------------------------ in any cut */

/* The next piece of `step` bytes, or of 1 to 40 if `step` is 0. */
static size_t next_step(size_t step, struct gw_rng *rng) {
    return step > 0 ? step : 1 + (size_t)(gw_rng_next(rng) % 40);
}

/* From memory of its own, so that reading past a piece is seen. */
static int read_in_pieces(struct facts *to, struct gw_str text, size_t step, struct gw_rng *rng) {
    facts_init(to, true, FACTS_ALL);
    for (size_t i = 0; i < text.n;) {
        struct gw_str part = gw_str_sub(text, i, next_step(step, rng));
        char *copy = malloc(part.n);
        if (!copy)
            return -2;
        memcpy(copy, part.p, part.n);
        int got = facts_feed(to, gw_str(copy, part.n));
        free(copy);
        if (got != 0)
            return got;
        i += part.n;
    }
    return facts_end(to);
}

static bool same_members(const struct facts *a, const struct facts *b) {
    for (enum facts_member m = 0; m < FACTS_MEMBERS; m++) {
        const struct facts_at *x = &a->at[m], *y = &b->at[m];
        if (x->off != y->off || x->len != y->len || x->kind != y->kind || x->cut != y->cut ||
            (facts_is_number(m) && facts_number(a, m) != facts_number(b, m)))
            return false;
    }
    return a->twice == b->twice && gw_str_eq(facts_model(a), facts_model(b)) &&
           gw_str_eq(facts_type(a), facts_type(b));
}

static bool same_commas(const struct facts *a, const struct facts *b) {
    return gw_str_eq(facts_chain(a), facts_chain(b)) && a->model_before == b->model_before &&
           a->models_before == b->models_before && a->models_behind == b->models_behind;
}

static bool same_objects(const struct facts *a, const struct facts *b) {
    return a->has_members == b->has_members && a->has_others == b->has_others &&
           a->has_options == b->has_options && a->has_stream_options == b->has_stream_options;
}

static bool same_talk(const struct facts_talk *a, const struct facts_talk *b) {
    return a->tally.n == b->tally.n && tally_hash(&a->tally) == tally_hash(&b->tally) &&
           a->later_turn == b->later_turn && a->done == b->done && a->from == b->from &&
           a->to == b->to;
}

static bool same(const struct facts *a, const struct facts *b) {
    return same_members(a, b) && same_commas(a, b) && same_objects(a, b) &&
           same_talk(&a->talk, &b->talk) && a->needs == b->needs &&
           a->prompt_chars == b->prompt_chars && a->context_chars == b->context_chars &&
           a->scan.at == b->scan.at && a->scan.what == b->scan.what;
}

/* The facts of `text` are in f: whole, and the same byte by byte and in random cuts. */
static bool of_str(struct gw_str text) {
    static struct facts cut;
    struct gw_rng rng;
    gw_rng_init(&rng, 7);
    int got = read_in_pieces(&f, text, text.n + 1, &rng);
    for (size_t step = 0; step < 4; step++) {
        CHECK(read_in_pieces(&cut, text, step, &rng) == got);
        CHECK(same(&cut, &f));
    }
    return got == 0;
}

static struct gw_str body;

static bool of(const char *text) {
    body = gw_str(text, strlen(text));
    return of_str(body);
}

/* The member's value as it stands in the body. */
static struct gw_str at(enum facts_member m) {
    return gw_str_sub(body, f.at[m].off, f.at[m].len);
}

static bool no(enum facts_member m) {
    return facts_is(&f, m, GW_JSON_NONE) && f.at[m].len == 0;
}

/* ------------------------------------------------------------------ members */

static void test_members_of_a_chat(void) {
    CHECK(of(" {\"model\" : \"llama3\\u003a70b\",\"stream\":true, \"stream_options\":"
             "{\"x\":[1],\"include_usage\":true},\"max_tokens\":100,\"max_completion_tokens\":2e2,"
             "\"n\":2,\"temperature\":0.0,\"seed\":-7,\"messages\":[] }\n"));
    CHECK_STR(facts_model(&f), "llama3:70b");
    CHECK_STR(at(FACTS_MODEL), "\"llama3\\u003a70b\"");
    CHECK_STR(at(FACTS_STREAM), "true");
    CHECK(facts_is(&f, FACTS_STREAM, GW_JSON_TRUE));
    CHECK_STR(at(FACTS_STREAM_OPTIONS), "{\"x\":[1],\"include_usage\":true}");
    CHECK_STR(at(FACTS_INCLUDE_USAGE), "true");
    CHECK_STR(at(FACTS_MAX_TOKENS), "100");
    CHECK(facts_number(&f, FACTS_MAX_TOKENS) == 100);
    CHECK_STR(at(FACTS_MAX_COMPLETION_TOKENS), "2e2");
    CHECK(facts_number(&f, FACTS_MAX_COMPLETION_TOKENS) == 200);
    CHECK(facts_number(&f, FACTS_N) == 2 && facts_number(&f, FACTS_SEED) == -7);
    CHECK_STR(at(FACTS_TEMPERATURE), "0.0");
    CHECK(facts_is(&f, FACTS_TEMPERATURE, GW_JSON_NUMERAL) &&
          facts_number(&f, FACTS_TEMPERATURE) == 0);
    CHECK_STR(at(FACTS_MESSAGES), "[]");
    CHECK(no(FACTS_OPTIONS) && no(FACTS_TYPE) && no(FACTS_ASKED) && f.twice == 0);
    CHECK_EQ_U64(f.at[FACTS_BODY].off, 1);
    CHECK(f.has_members);
}

static void test_members_within_options(void) {
    CHECK(of("{\"options\":{\"num_predict\":-1,\"seed\":3,\"temperature\":1}}"));
    CHECK_STR(at(FACTS_OPTIONS), "{\"num_predict\":-1,\"seed\":3,\"temperature\":1}");
    CHECK(facts_number(&f, FACTS_OPTIONS_LIMIT) == -1 && facts_number(&f, FACTS_OPTIONS_SEED) == 3);
    CHECK(facts_number(&f, FACTS_OPTIONS_TEMPERATURE) == 1);
    CHECK(no(FACTS_SEED) && no(FACTS_TEMPERATURE) && no(FACTS_MAX_TOKENS));
    CHECK(of("{\"generationConfig\":{\"maxOutputTokens\":64,\"candidateCount\":2}}"));
    CHECK(facts_number(&f, FACTS_OPTIONS_LIMIT) == 64 && facts_number(&f, FACTS_OPTIONS_N) == 2);
    CHECK(of("{\"inferenceConfig\":{\"maxTokens\":65}}"));
    CHECK_STR(at(FACTS_OPTIONS_LIMIT), "65");
    CHECK(of("{\"max_output_tokens\":66,\"input\":\"x\"}"));
    CHECK_STR(at(FACTS_MAX_OUTPUT_TOKENS), "66");
}

/* Only where they belong: not deeper, not in strings, not as elements, not as other words. */
static void test_no_members(void) {
    CHECK(
        of("{\"a\":{\"stream\":true,\"model\":\"x\"},\"Stream\":true,\"streams\":true,\"\":true}"));
    CHECK(no(FACTS_STREAM) && no(FACTS_MODEL));
    CHECK(of("{\"a\":\"\\\"stream\\\":true\",\"b\":[\"stream\",true],\"c\":[{\"stream\":true}]}"));
    CHECK(no(FACTS_STREAM));
    CHECK(of("{\"messages\":[{\"stream\":true,\"seed\":1,\"content\":{\"model\":\"x\"}}]}"));
    CHECK(no(FACTS_STREAM) && no(FACTS_SEED) && no(FACTS_MODEL));
    CHECK(of("[{\"stream\":true},\"stream\",true]"));
    CHECK(no(FACTS_STREAM) && facts_is(&f, FACTS_BODY, GW_JSON_ARRAY) && !f.has_members);
    CHECK(of("{\"options\":[{\"seed\":1}],\"seed\":null,\"stream\":{\"stream\":true}}"));
    CHECK(no(FACTS_OPTIONS_SEED) && facts_is(&f, FACTS_SEED, GW_JSON_NULL));
    CHECK(facts_is(&f, FACTS_STREAM, GW_JSON_OBJECT));
}

static void test_names_with_escapes(void) {
    CHECK(of("{\"\\u006dodel\":\"a\",\"s\\u0074ream\":true,\"t\\u0079p\\u0065\":\"\\u0062\\n\"}"));
    CHECK_STR(facts_model(&f), "a");
    CHECK_STR(at(FACTS_STREAM), "true");
    CHECK_STR(facts_type(&f), "b\n");
    CHECK(of("{\"model\\u0020\":\"a\",\"\\\"model\":\"b\"}"));
    CHECK(no(FACTS_MODEL));
}

static void test_another_kind(void) {
    CHECK(
        of("{\"model\":5,\"type\":[\"a\"],\"stream\":\"true\",\"max_tokens\":\"100\",\"n\":null}"));
    CHECK(facts_model(&f).n == 0 && facts_type(&f).n == 0);
    CHECK(facts_is(&f, FACTS_MODEL, GW_JSON_NUMERAL) && facts_is(&f, FACTS_TYPE, GW_JSON_ARRAY));
    CHECK(facts_is(&f, FACTS_STREAM, GW_JSON_STRING));
    CHECK(facts_is(&f, FACTS_MAX_TOKENS, GW_JSON_STRING) &&
          facts_number(&f, FACTS_MAX_TOKENS) == 0);
    CHECK_STR(at(FACTS_MAX_TOKENS), "\"100\"");
}

/* The last one counts, and that there were two is told. */
static void test_twice(void) {
    CHECK(of("{\"model\":\"first\",\"n\":1,\"mode\\u006c\":\"b\",\"x\":1,\"x\":2}"));
    CHECK(facts_is_twice(&f, FACTS_MODEL) && !facts_is_twice(&f, FACTS_N));
    CHECK(f.twice == 1u << FACTS_MODEL);
    CHECK_STR(facts_model(&f), "b");
    CHECK_STR(at(FACTS_MODEL), "\"b\"");
    CHECK(of("{\"model\":\"first\",\"model\":null}"));
    CHECK(facts_is_twice(&f, FACTS_MODEL) && facts_model(&f).n == 0);
    CHECK(of("{\"options\":{\"seed\":1,\"seed\":2},\"messages\":[],\"messages\":[]}"));
    CHECK(f.twice == (1u << FACTS_OPTIONS_SEED | 1u << FACTS_MESSAGES));
}

/* A string of `n` letters as the member `name`. */
static bool of_long(const char *name, size_t n) {
    static char text[1000];
    int head = snprintf(text, sizeof text, "{\"%s\":\"", name);
    memset(text + head, 'v', n);
    memcpy(text + head + n, "\"}", 3);
    return of(text);
}

static void test_long_values(void) {
    CHECK(of_long("model", FACTS_MODEL_MAX) && !f.at[FACTS_MODEL].cut);
    CHECK(facts_model(&f).n == FACTS_MODEL_MAX);
    CHECK(of_long("model", FACTS_MODEL_MAX + 1) && f.at[FACTS_MODEL].cut);
    CHECK(facts_model(&f).n == FACTS_MODEL_MAX && at(FACTS_MODEL).n == FACTS_MODEL_MAX + 3);
    CHECK(of_long("type", FACTS_TYPE_MAX) && !f.at[FACTS_TYPE].cut);
    CHECK(of_long("type", FACTS_TYPE_MAX + 1) && f.at[FACTS_TYPE].cut);
    CHECK(facts_type(&f).n == FACTS_TYPE_MAX);
}

static void test_huge_numbers(void) {
    static char text[GW_JSON_NUMBER + 40];
    CHECK(of("{\"max_tokens\":1e400,\"n\":123456789012345678901234567890,\"seed\":1e-400}"));
    CHECK(facts_number(&f, FACTS_MAX_TOKENS) > 1e300 && facts_number(&f, FACTS_N) > 1e29);
    CHECK(facts_number(&f, FACTS_SEED) == 0 && !f.at[FACTS_SEED].cut);
    snprintf(text, sizeof text, "{\"n\":%0*d}", FACTS_WORD_MAX, 0);
    CHECK(!of(text)); /* leading zeros */
    snprintf(text, sizeof text, "{\"n\":1%0*d}", FACTS_WORD_MAX - 1, 0);
    CHECK(of(text) && !f.at[FACTS_N].cut && facts_number(&f, FACTS_N) > 1e38);
    snprintf(text, sizeof text, "{\"n\":1%0*d}", FACTS_WORD_MAX, 0);
    CHECK(of(text) && f.at[FACTS_N].cut && facts_number(&f, FACTS_N) == 0);
    CHECK_EQ_U64(f.at[FACTS_N].len, FACTS_WORD_MAX + 1);
    snprintf(text, sizeof text, "{\"n\":1%0*d}", GW_JSON_NUMBER, 0);
    CHECK(!of(text));
}

/* ------------------------------------------------------------------ a chain */

/* That is what stands there, brace or comma first. */
static bool stands(uint32_t at, const char *what) {
    return gw_str_starts(gw_str_sub(body, at, body.n), gw_str(what, strlen(what)));
}

static void test_chain_last(void) {
    CHECK(of(" {\"stream\":true, \"model\" : \"a\" ,\"m\\u006fdels\":[\"b\", \"c\\/d\" , \"\"] }"));
    CHECK_STR(facts_chain(&f), "b\nc/d\n\n");
    CHECK_STR(at(FACTS_MODELS), "[\"b\", \"c\\/d\" , \"\"]");
    CHECK(stands(f.model_before, ", \"model\"") && stands(f.models_before, ",\"m\\u006fdels\""));
    CHECK(f.models_behind == 0);
}

static void test_chain_first(void) {
    CHECK(of(" { \"models\":[\"b\"] , \"x\":{\"models\":[\"y\"]},\"model\":\"a\"}"));
    CHECK_STR(facts_chain(&f), "b\n");
    CHECK(stands(f.models_before, "{ \"models\"") && stands(f.models_behind, ", \"x\""));
    CHECK(stands(f.model_before, ",\"model\""));
    CHECK(of("{\"model\":\"a\",\"models\":[],\"n\":[1,2]}") && facts_chain(&f).n == 0);
    CHECK(f.model_before == 0 && stands(f.models_behind, ",\"n\""));
}

/* What is no name is left out; what is no list is no chain. */
static void test_no_chain(void) {
    CHECK(of("{\"models\":[1,[\"x\"],{\"y\":\"z\"},null,\"b\"]}"));
    CHECK_STR(facts_chain(&f), "b\n");
    CHECK(of("{\"models\":\"b\"}") && facts_chain(&f).n == 0);
    CHECK(facts_is(&f, FACTS_MODELS, GW_JSON_STRING));
    CHECK(of("{\"models\":[\"b\"],\"models\":[\"c\"]}") && facts_is_twice(&f, FACTS_MODELS));
}

/* A chain of one name of `n` letters. */
static bool of_long_chain(size_t n) {
    static char text[FACTS_CHAIN_MAX + 100];
    int head = snprintf(text, sizeof text, "{\"models\":[\"");
    memset(text + head, 'v', n);
    memcpy(text + head + n, "\"],\"n\":1}", 10);
    return of(text);
}

static void test_long_chain(void) {
    CHECK(of_long_chain(FACTS_CHAIN_MAX - 1) && !f.at[FACTS_MODELS].cut);
    CHECK(facts_chain(&f).n == FACTS_CHAIN_MAX && stands(f.models_behind, ",\"n\""));
    CHECK(of_long_chain(FACTS_CHAIN_MAX) && f.at[FACTS_MODELS].cut);
    CHECK(facts_chain(&f).n == FACTS_CHAIN_MAX);
    CHECK(of("{\"models\":[\"a\\nb\"]}") && f.at[FACTS_MODELS].cut);
}

static void test_objects_with_members(void) {
    CHECK(of("{\"model\":\"a\",\"stream_options\":{\"x\":1},\"options\":{\"y\":2}}"));
    CHECK(f.has_stream_options && f.has_options && !f.has_others);
    CHECK(of("{\"stream_options\":{ },\"options\":{},\"z\":{\"x\":1}}"));
    CHECK(!f.has_stream_options && !f.has_options && f.has_others);
    CHECK(facts_is(&f, FACTS_STREAM_OPTIONS, GW_JSON_OBJECT));
}

/* ------------------------------------------------------------------ what is no JSON */

static void test_not_json(void) {
    CHECK(!of("") && !of(" ") && !of("{\"model\":\"a\""));
    CHECK_STR(facts_model(&f), "a"); /* what was found is left */
    CHECK(!of("\xEF\xBB\xBF{}") && f.scan.at == 0);
    CHECK(!of("{\"stream\":true} x") && f.scan.at == 16);
    CHECK(facts_is(&f, FACTS_STREAM, GW_JSON_TRUE));
    CHECK(!of("{\"model\":\"\\u0000\"}") && !of("{\"model\":\"\\ud800\"}"));
    CHECK(!of("{\"model\":\"\\udc00\\ud800\"}") && !of("{\"model\":\"\xC0\x80\"}"));
    CHECK(!of("{\"model\":\"a\nb\"}") && !of("{'model':1}") && !of("{\"stream\":truE}"));
    CHECK(!of("--boundary\r\ncontent-disposition: form-data"));
    CHECK(!of_str(GW_STR("{\"a\":1}\0")));
    CHECK(facts_feed(&f, GW_STR("{}")) == -1 && facts_end(&f) == -1);
}

static void test_other_documents(void) {
    CHECK(of("[]") && facts_is(&f, FACTS_BODY, GW_JSON_ARRAY) && !f.has_members);
    CHECK(of("\"model\"") && facts_is(&f, FACTS_BODY, GW_JSON_STRING));
    CHECK(of("17") && facts_is(&f, FACTS_BODY, GW_JSON_NUMERAL) && f.at[FACTS_BODY].len == 2);
    CHECK(of("null") && facts_is(&f, FACTS_BODY, GW_JSON_NULL));
    CHECK(of(" { } ") && facts_is(&f, FACTS_BODY, GW_JSON_OBJECT) && !f.has_members);
    CHECK(f.at[FACTS_BODY].off == 1 && f.at[FACTS_BODY].len == 3);
    CHECK(of("{\"a\":1}") && f.has_members);
}

/* Of what lies too deep nothing is told, and what follows is told as ever. */
static void test_depth(void) {
    static char text[3 * GW_JSON_DEPTH + 100];
    for (size_t depth = 1; depth <= GW_JSON_DEPTH; depth++) {
        size_t n = (size_t)snprintf(text, sizeof text, "{\"prompt\":");
        memset(text + n, '[', depth - 1);
        n += depth - 1;
        n += (size_t)snprintf(text + n, sizeof text - n, "\"x\"");
        memset(text + n, ']', depth - 1);
        n += depth - 1;
        snprintf(text + n, sizeof text - n, ",\"model\":\"m\"}");
        CHECK(of(text) && f.prompt_chars == (depth + 1 <= FACTS_LEVELS));
        CHECK_STR(facts_model(&f), "m");
    }
    memset(text, '[', GW_JSON_DEPTH + 1);
    CHECK(!of_str(gw_str(text, GW_JSON_DEPTH + 1)) && f.scan.at == GW_JSON_DEPTH);
}

/* ------------------------------------------------------------------ how much text */

static bool says(const char *text, uint64_t prompt, uint64_t context) {
    if (of(text) && f.prompt_chars == prompt && f.context_chars == context)
        return true;
    printf("%d and %d in %s\n", (int)f.prompt_chars, (int)f.context_chars, text);
    return false;
}

static void test_texts_of_messages(void) {
    CHECK(says("{\"messages\":[{\"role\":\"user\",\"content\":\"12345\"}]}", 5, 0));
    CHECK(says("{\"messages\":[{\"role\":\"system\",\"content\":\"123\"},{\"content\":\"1234567\","
               "\"role\":\"user\"},{\"role\":\"assistant\",\"content\":\"12\"},{\"role\":\"user\","
               "\"content\":\"1\"},{\"role\":\"tool\",\"content\":\"1234\"}]}",
               1, 16));
    CHECK_STR(at(FACTS_ASKED), "{\"role\":\"user\",\"content\":\"1\"}");
    CHECK(says("{\"messages\":[{\"role\":\"user\",\"content\":\"123\"},{\"role\":\"user\","
               "\"content\":\"\"}]}",
               0, 3));
    CHECK(
        says("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"12\"},"
             "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x\"}},{\"text\":\"3\"}]}]}",
             3, 0));
    CHECK(says("{\"messages\":[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":"
               "\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"12\",7,[]]}",
               0, 2));
    CHECK(says("{\"messages\":\"none\",\"name\":\"x\"}", 0, 0));
    CHECK(says("{\"messages\":[{\"role\":\"user\",\"content\":12}]}", 0, 0));
}

static void test_texts_of_other_dialects(void) {
    CHECK(says("{\"system\":\"123\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
               "\"tool_result\",\"content\":[{\"type\":\"text\",\"text\":\"12\"}]},{\"type\":"
               "\"text\",\"text\":\"1\"}]}]}",
               3, 3));
    CHECK(says("{\"messages\":[{\"role\":\"user\",\"content\":\"1\"}],\"system\":[{\"type\":"
               "\"text\",\"text\":\"12345\"}]}",
               1, 5));
    CHECK(says("{\"systemInstruction\":{\"parts\":[{\"text\":\"12\"}]},\"contents\":[{\"role\":"
               "\"user\",\"parts\":[{\"text\":\"123\"},{\"inlineData\":{\"mimeType\":\"image/png\","
               "\"data\":\"AAAA\"}}]},{\"role\":\"model\",\"parts\":[{\"text\":\"1\"}]}]}",
               3, 3));
    CHECK(says("{\"instructions\":\"12\",\"input\":\"1234\"}", 4, 2));
    CHECK(says("{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":"
               "\"123\"}]},{\"type\":\"function_call_output\",\"output\":\"12\"}]}",
               3, 2));
    CHECK(says("{\"prompt\":\"1\",\"context\":\"12\",\"system_prompt\":\"123\"}", 1, 5));
    CHECK(says("{\"context\":\"12\",\"prompt\":[\"12\",\"3\"]}", 3, 2));
    CHECK(says("{\"prompt\":null,\"context\":[1,2,3]}", 0, 0));
}

static void test_texts_are_characters(void) {
    CHECK(says("{\"prompt\":\"na\xC3\xAFve \xF0\x9F\x9A\x80\\n\\u00e9\\ud83d\\ude80\"}", 10, 0));
}

/* ------------------------------------------------------------------ what is needed */

static bool needs(const char *text, unsigned what) {
    if (of(text) && f.needs == what)
        return true;
    printf("needs %u: %s\n", f.needs, text);
    return false;
}
#define PART(part) "{\"messages\":[{\"role\":\"user\",\"content\":[" part "]}]}"

static void test_needs(void) {
    CHECK(needs("{\"tools\":[],\"images\":[],\"tool_choice\":\"none\"}", 0));
    CHECK(needs("{\"tools\":null,\"messages\":[{\"images\":null,\"role\":\"user\"}]}", 0));
    CHECK(needs("{\"audio\":null,\"tools\":[false],\"generationConfig\":{\"responseSchema\":null}}",
                0));
    CHECK(needs(PART("{\"type\":\"text\",\"image_url\":null,\"document\":false}"), 0));
    CHECK(needs("{\"tools\":[{\"type\":\"function\"}]}", FACTS_NEED_TOOLS));
    CHECK(needs("{\"functions\":[{\"name\":\"f\"}]}", FACTS_NEED_TOOLS));
    CHECK(needs("{\"toolConfig\":{\"tools\":[{\"toolSpec\":{}}]}}", FACTS_NEED_TOOLS));
    CHECK(needs("{\"messages\":[{\"role\":\"user\",\"images\":[\"AA\"]}]}", FACTS_NEED_IMAGES));
    CHECK(needs("{\"prompt\":\"x\",\"images\":[\"AA\"]}", FACTS_NEED_IMAGES));
    CHECK(needs(PART("{\"type\":\"text\",\"text\":\"image_url\"}"), 0));
    CHECK(needs(PART("{\"type\":\"image_url\"}"), FACTS_NEED_IMAGES));
    CHECK(needs(PART("{\"image_url\":{\"url\":\"x\"}}"), FACTS_NEED_IMAGES));
    CHECK(needs(PART("{\"type\":\"image\",\"source\":{\"data\":\"A\"}}"), FACTS_NEED_IMAGES));
    CHECK(needs(PART("{\"image\":{\"format\":\"png\"}},{\"document\":{}}"),
                FACTS_NEED_IMAGES | FACTS_NEED_FILES));
    CHECK(needs(PART("{\"type\":\"tool_result\",\"content\":[{\"type\":\"image\"}]}"),
                FACTS_NEED_IMAGES));
    CHECK(needs(PART("{\"type\":\"input_audio\",\"input_audio\":{}}"), FACTS_NEED_AUDIO));
    CHECK(needs(PART("{\"type\":\"file\",\"file\":{}}"), FACTS_NEED_FILES));
    CHECK(needs("{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\"},"
                "{\"type\":\"input_file\"}]}]}",
                FACTS_NEED_IMAGES | FACTS_NEED_FILES));
    CHECK(needs("{\"contents\":[{\"parts\":[{\"inlineData\":{\"data\":\"A\",\"mimeType\":"
                "\"image/png\"}},{\"file_data\":{\"mime_type\":\"application/pdf\"}}]}]}",
                FACTS_NEED_IMAGES | FACTS_NEED_FILES));
    CHECK(needs("{\"contents\":{\"parts\":[{\"inline_data\":{\"mime_type\":\"audio/wav\"}}]}}", 0));
}

static void test_needs_json(void) {
    CHECK(needs("{\"response_format\":{\"type\":\"text\"}}", 0));
    CHECK_STR(at(FACTS_FORMAT), "{\"type\":\"text\"}");
    CHECK(needs("{\"response_format\":{\"type\":\"json_object\"}}", FACTS_NEED_JSON));
    CHECK(needs("{\"response_format\":{\"json_schema\":{\"type\":\"x\"},\"type\":\"json_schema\"}}",
                FACTS_NEED_JSON));
    CHECK(needs("{\"format\":\"json\"}", FACTS_NEED_JSON));
    CHECK(needs("{\"format\":{\"type\":\"object\"}}", FACTS_NEED_JSON));
    CHECK(needs("{\"text\":{\"format\":{\"type\":\"json_schema\"}}}", FACTS_NEED_JSON));
    CHECK(needs("{\"generationConfig\":{\"responseMimeType\":\"application/json\"}}",
                FACTS_NEED_JSON));
    CHECK(needs("{\"generationConfig\":{\"responseMimeType\":\"text/plain\"}}", 0));
    CHECK(needs("{\"generationConfig\":{\"responseSchema\":{}}}", FACTS_NEED_JSON));
}

/* ------------------------------------------------------------------ the conversation */

/* The first messages are `first`, as they stand. */
static bool talks_of(const char *text, const char *first, bool later) {
    struct tally t = {0};
    tally_add(&t, first, strlen(first));
    if (of(text) && f.talk.tally.n == t.n && tally_hash(&f.talk.tally) == tally_hash(&t) &&
        f.talk.later_turn == later && f.talk.done == (t.n > 0))
        return true;
    printf("%d bytes, later %d: %s\n", (int)f.talk.tally.n, f.talk.later_turn, text);
    return false;
}

#define SYSTEM "{\"role\":\"system\",\"content\":\"be brief\"}"
#define FIRST "{\"role\":\"user\",\"content\":\"why, \\\"blue\\\"]}?\"}"
#define REPLY "{\"role\":\"assistant\",\"content\":\"because\"}"
#define OTHER "{\"content\":\"who\",\"role\":\"user\"}"
#define PARTS "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"role\":\"user\"}]}"

static void test_conversations(void) {
    CHECK(
        talks_of("{\"model\":\"m\",\"messages\":[" SYSTEM "," FIRST "]}", SYSTEM "," FIRST, false));
    CHECK(talks_of("{\"messages\":[ " SYSTEM " ,\n" FIRST " , " REPLY "," OTHER "]}",
                   " " SYSTEM " ,\n" FIRST, true));
    CHECK(talks_of("{\"messages\":[" OTHER "," REPLY "]}", OTHER, true));
    CHECK(talks_of("{\"messages\":[" PARTS "," REPLY "]}", PARTS, true));
    CHECK(talks_of("{\"messages\":[" SYSTEM "," REPLY "]}", SYSTEM "," REPLY "]", false));
    CHECK(talks_of("{\"messages\":[]}", "]", false));
    CHECK(talks_of("{\"contents\":[{\"role\":\"user\",\"parts\":[]},1]}",
                   "{\"role\":\"user\",\"parts\":[]}", true));
    CHECK(talks_of("{\"input\":[" FIRST "," REPLY "]}", FIRST, true));
    CHECK(talks_of("{\"messages\":[" FIRST "],\"messages\":[" OTHER "," OTHER "]}", FIRST, false));
    CHECK(
        talks_of("{\"messages\":[{\"role\":\"\\u0075ser\"}]}", "{\"role\":\"\\u0075ser\"}", false));
}

static void test_no_conversation(void) {
    CHECK(talks_of("[]", "", false) && talks_of("{\"prompt\":\"messages\"}", "", false));
    CHECK(talks_of("{\"a\":{\"messages\":[" FIRST "]}}", "", false));
    CHECK(talks_of("{\"messages\":\"none\",\"input\":\"x\",\"contents\":{}}", "", false));
    CHECK(!of("{\"messages\":[" SYSTEM ",{\"role\":\"user\" x"));
    CHECK(f.talk.done && f.talk.tally.n == 0); /* no JSON before they are whole */
    CHECK(!of("{\"messages\":[" FIRST "," REPLY " x"));
    CHECK(f.talk.done && f.talk.tally.n == strlen(FIRST) && f.talk.later_turn);
    facts_init(&f, false, FACTS_ALL);
    CHECK(facts_feed(&f, GW_STR("{\"messages\":[" FIRST "," REPLY "]}")) == 0);
    CHECK(f.talk.done && f.talk.tally.n == 0 && !f.talk.later_turn); /* it was not asked for */
}

/* A brief reading of `text` in pieces of `step` bytes: what a whole one knows of conversation and
 * stream; and it ends behind the first `end` bytes. */
static bool is_brief(const char *text, size_t end, size_t step) {
    static struct facts brief;
    struct gw_str all = gw_str(text, strlen(text));
    facts_init(&brief, true, FACTS_BRIEF);
    for (size_t i = 0; i < all.n && brief.scan.at == i; i += step)
        if (facts_feed(&brief, gw_str_sub(all, i, step)) != 0)
            return false;
    return of(text) && brief.scan.at == end && brief.talk.later_turn == f.talk.later_turn &&
           tally_hash(&brief.talk.tally) == tally_hash(&f.talk.tally) &&
           facts_is(&brief, FACTS_STREAM, GW_JSON_TRUE) == facts_is(&f, FACTS_STREAM, GW_JSON_TRUE);
}

static void test_brief(void) {
    static const char early[] = "{\"stream\":true,\"messages\":[" FIRST "," REPLY "],\"n\":1}";
    static const char late[] = "{\"messages\":[" FIRST "," REPLY "],\"stream\":true,\"n\":1}";
    static const char never[] = "{\"messages\":[" FIRST "," REPLY "],\"n\":1}";
    for (size_t step = 1; step < 64; step++) {
        CHECK(is_brief(early, strlen("{\"stream\":true,\"messages\":[" FIRST ",{"), step));
        CHECK(is_brief(late, strlen(late) - strlen(",\"n\":1}"), step));
        CHECK(is_brief(never, strlen(never), step));
    }
}

/* A body whose first message of the user's ends after `end` bytes; what follows is `rest`. */
static bool of_first_message(size_t end, const char *rest) {
    static char text[FACTS_TALK_MAX + 200];
    int n = snprintf(text, sizeof text, "{\"messages\":[{\"role\":\"user\",\"content\":\"");
    memset(text + n, 'x', end - (size_t)n - 2);
    snprintf(text + end - 2, sizeof text - end + 2, "\"}%s", rest);
    return of(text);
}

static void test_only_so_much_is_hashed(void) {
    size_t head = strlen("{\"messages\":[");
    for (size_t end = FACTS_TALK_MAX - 2; end < FACTS_TALK_MAX + 3; end++) {
        bool whole = end + 1 <= FACTS_TALK_MAX; /* and what follows it was seen */
        size_t n = end < FACTS_TALK_MAX ? end : FACTS_TALK_MAX;
        CHECK(of_first_message(end, "]}") && f.talk.tally.n == n - head && f.talk.done);
        CHECK(f.talk.later_turn == !whole);
        CHECK(of_first_message(end, "," REPLY "]}") && f.talk.tally.n == n - head);
        CHECK(f.talk.later_turn && f.talk.done);
        CHECK(!of_first_message(end, "x") && f.talk.done);
    }
}

int main(void) {
    RUN(test_members_of_a_chat);
    RUN(test_members_within_options);
    RUN(test_no_members);
    RUN(test_names_with_escapes);
    RUN(test_another_kind);
    RUN(test_twice);
    RUN(test_long_values);
    RUN(test_huge_numbers);
    RUN(test_chain_last);
    RUN(test_chain_first);
    RUN(test_no_chain);
    RUN(test_long_chain);
    RUN(test_objects_with_members);
    RUN(test_not_json);
    RUN(test_other_documents);
    RUN(test_depth);
    RUN(test_texts_of_messages);
    RUN(test_texts_of_other_dialects);
    RUN(test_texts_are_characters);
    RUN(test_needs);
    RUN(test_needs_json);
    RUN(test_conversations);
    RUN(test_no_conversation);
    RUN(test_brief);
    RUN(test_only_so_much_is_hashed);
    return unit_end();
}
