/* The cases of tests/vectors/complexity.json decide what the score is. */
#include "unit.h"

#include "base/json.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "core/policy/score.h"

static const struct gw_json *get(const struct gw_json *object, const char *name) {
    const struct gw_json *item = gw_json_member(object, gw_str(name, strlen(name)));
    if (!item)
        printf("no member %s\n", name);
    CHECK(item != NULL);
    return item;
}

static bool is_str(const struct gw_json *item, struct gw_str s) {
    return gw_json_is(item, GW_JSON_STRING) && gw_str_eq(item->text, s);
}

/* What the two are is the same, all the way down. */
static bool same(const struct gw_json *a, const struct gw_json *b) {
    if (a->kind != b->kind || !gw_str_eq(a->name, b->name))
        return false;
    if (a->kind == GW_JSON_NUMERAL)
        return a->number == b->number;
    if (a->kind == GW_JSON_STRING)
        return gw_str_eq(a->text, b->text);
    for (a = a->child, b = b->child; a && b; a = a->next, b = b->next)
        if (!same(a, b))
            return false;
    return a == b;
}

/* ------------------------------------------------------------------ the vectors */

static struct gw_str read_file(const char *path, struct gw_arena *a) {
    enum { MOST = 1 << 20 };
    char *text = gw_arena_get(a, MOST);
    FILE *f = text ? fopen(path, "rb") : NULL;
    size_t n = f ? fread(text, 1, MOST, f) : 0;
    CHECK(n > 0 && n < MOST);
    if (f)
        fclose(f);
    return gw_str(text, n);
}

/* A list of pieces as one text. */
static struct gw_str expand(const struct gw_json *pieces, struct gw_arena *a) {
    struct gw_buf b;
    gw_buf_init(&b, a, 1 << 20);
    for (const struct gw_json *piece = pieces->child; piece; piece = piece->next) {
        bool plain = gw_json_is(piece, GW_JSON_STRING);
        struct gw_str turn = plain ? piece->text : get(piece, "repeat")->text;
        uint64_t chars = plain ? gw_utf8_count(turn) : (uint64_t)get(piece, "chars")->number;
        for (size_t at = 0; chars > 0; chars--) {
            size_t n = gw_utf8_char(turn.p + at, turn.n - at);
            gw_buf_put(&b, gw_str_sub(turn, at, n));
            at = at + n < turn.n ? at + n : 0;
        }
    }
    CHECK(!b.full);
    return gw_buf_str(&b);
}

/* The score of two texts that are cut into pieces of `step` bytes, also inside characters. */
static struct score score_cut(struct gw_str prompt, struct gw_str context, size_t step) {
    struct scoring s;
    score_init(&s);
    for (size_t i = 0; i < prompt.n; i += step)
        score_prompt(&s, gw_str_sub(prompt, i, step));
    for (size_t i = 0; i < context.n; i += step)
        score_context(&s, gw_str_sub(context, i, step));
    return score_end(&s);
}

static void check_case(const struct gw_json *want, struct gw_arena *a) {
    const struct tiers *tiers = tiers_default(GW_STR("balanced"));
    struct gw_str prompt = expand(get(want, "prompt"), a);
    struct gw_str context = expand(get(want, "context"), a);
    const struct gw_json *route = get(want, "route");
    int64_t left = (int64_t)(get(want, "budget_remaining_usd")->number * 1e9 + 0.5);
    for (int i = 0; i < 3; i++) {
        struct score s =
            i == 0 ? score_of(&prompt, 1, &context, 1) : score_cut(prompt, context, i == 1 ? 1 : 7);
        struct route_choice choice = score_pick_tier(tiers, s, left);
        CHECK_EQ_U64(s.tenths, get(want, "score_tenths")->number);
        CHECK(s.large_context == gw_json_is(get(want, "requires_large_context"), GW_JSON_TRUE));
        CHECK(s.complex_reasoning == gw_json_is(get(want, "is_complex_reasoning"), GW_JSON_TRUE));
        CHECK(is_str(route->child, choice.place));
        CHECK(is_str(route->child->next, choice.model));
    }
}

static void test_vectors(void) {
    struct unit_mem m;
    struct gw_arena file, text;
    struct gw_json_error error;
    unsigned n = 0;
    unit_mem_init(&m, 0);
    gw_arena_init(&file, &m.mem, 65536, 1 << 22);
    gw_arena_init(&text, &m.mem, 65536, 1 << 22);
    const struct gw_json *cases =
        gw_json_parse(read_file("tests/vectors/complexity.json", &file), 0, &file, &error);
    for (const struct gw_json *item = cases ? cases->child : NULL; item; item = item->next) {
        unsigned before = unit_bad;
        check_case(item, &text);
        gw_arena_reset(&text);
        if (unit_bad > before)
            printf("in case %u of tests/vectors/complexity.json\n", n);
        n++;
    }
    CHECK(n >= 80);
    gw_arena_del(&text);
    gw_arena_del(&file);
}

/* ------------------------------------------------------------------ texts by chance */

static bool has(struct gw_str text, const char *word) {
    return gw_str_find(text, gw_str(word, strlen(word))) >= 0;
}

/* Words, parts of words and other things in a row, against a search for one word at a time. */
static void test_words(void) {
    static const char *const parts[] = {
        "refactor", "redesign", "architect", "debug",      "fix", "error", "bug",
        "explain",  "re",       "fa",        "F\xC4\xB0X", "b",   "ug",    "\xE6\xBC\xA2",
        " ",        "EX",       "Plain",     "Debu",       "g",   "erro"};
    struct gw_rng r;
    gw_rng_init(&r, 7);
    for (int round = 0; round < 3000; round++) {
        char text[256], lower[256];
        size_t n = 0;
        for (uint64_t k = gw_rng_next(&r) % 8; k > 0; k--) {
            const char *part = parts[gw_rng_next(&r) % (sizeof parts / sizeof parts[0])];
            while (*part)
                text[n++] = *part++;
        }
        for (size_t i = 0; i < n; i++)
            lower[i] = gw_lower(text[i]);
        struct score s = score_cut(gw_str(text, n), gw_str(NULL, 0), 1 + gw_rng_next(&r) % 5);
        for (unsigned i = 0; i < 8; i++)
            CHECK((s.words >> i & 1) == has(gw_str(lower, n), parts[i]));
    }
    CHECK_STR(score_word(2), "architect");
    CHECK(score_word(8).n == 0);
}

static void test_bounds(void) {
    static char text[32001];
    memset(text, 'x', sizeof text);
    struct gw_str none = gw_str(NULL, 0);
    static const struct {
        size_t prompt, context;
        uint32_t tenths;
    } cases[] = {{0, 0, 0},        {1000, 0, 0},     {1001, 0, 2},  {0, 10000, 0}, {0, 10001, 3},
                 {1000, 31000, 3}, {1000, 31001, 7}, {32000, 0, 2}, {32001, 0, 6}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gw_str prompt = gw_str(text, cases[i].prompt);
        struct gw_str context = gw_str(text, cases[i].context);
        CHECK_EQ_U64(score_of(&prompt, 1, &context, 1).tenths, cases[i].tenths);
    }
    CHECK_EQ_U64(score_of(NULL, 0, NULL, 0).tenths, 0);
    CHECK_EQ_U64(score_of(&none, 1, &none, 1).tenths, 0);
}

/* ------------------------------------------------------------------ tiers */

static bool goes(const char *profile, uint32_t tenths, int64_t nano, const char *place,
                 const char *model) {
    const struct tiers *t = tiers_default(gw_str(profile, strlen(profile)));
    struct route_choice c = score_pick_tier(t, (struct score){.tenths = tenths}, nano);
    return gw_str_eq(c.place, gw_str(place, strlen(place))) &&
           gw_str_eq(c.model, gw_str(model, strlen(model))) && c.tier < t->n;
}

static void test_tiers(void) {
    CHECK(goes("balanced", 2, 0, "local", "codellama:13b"));
    CHECK(goes("balanced", 3, 0, "local", "deepseek-coder:33b"));
    CHECK(goes("balanced", 6, GW_DOLLAR, "local", "mixtral:8x7b"));
    CHECK(goes("balanced", 7, GW_DOLLAR + 1, "cloud", "gemini-pro"));
    CHECK(goes("balanced", 8, 5 * GW_DOLLAR, "local-cot", "mixtral:8x7b"));
    CHECK(goes("balanced", 10, 5 * GW_DOLLAR + 1, "cloud", "gpt-4-turbo"));
    CHECK(goes("balanced", 10, -GW_DOLLAR, "local-cot", "mixtral:8x7b"));
    CHECK(goes("conservative", 8, 9 * GW_DOLLAR, "local", "mixtral:8x7b"));
    CHECK(goes("conservative", 9, 9 * GW_DOLLAR, "cloud", "gemini-pro"));
    CHECK(goes("conservative", 9, GW_DOLLAR, "local-cot", "mixtral:8x7b"));
    CHECK(goes("performance", 3, 9 * GW_DOLLAR, "local", "deepseek-coder:33b"));
    CHECK(goes("performance", 4, 9 * GW_DOLLAR, "cloud", "gemini-pro"));
    CHECK(goes("performance", 7, 9 * GW_DOLLAR, "cloud", "gpt-4-turbo"));
    CHECK(goes("performance", 10, 9 * GW_DOLLAR, "cloud", "claude-3-opus"));
    CHECK(goes("performance", 10, 0, "local", "mixtral:8x7b"));
    CHECK(tiers_default(GW_STR("Balanced")) == NULL);
    CHECK(tiers_default(gw_str(NULL, 0)) == NULL);
}

/* ------------------------------------------------------------------ explaining */

static struct unit_mem memory;

/* The answer to `request` as a tree in `a`, or NULL where it was refused with a sentence that has
 * `says` in it. The answer is exactly `says` if that begins with {. */
static const struct gw_json *explain(struct gw_arena *a, struct gw_str request, const char *says) {
    struct gw_buf out;
    struct gw_json_error error;
    struct unit_mem tree;
    unit_mem_init(&tree, 0);
    gw_buf_init(&out, a, 4096);
    int got =
        score_explain(tiers_default(GW_STR("balanced")), 50 * GW_DOLLAR, request, &tree.mem, &out);
    struct gw_str text = gw_buf_str(&out);
    const struct gw_json *root = got == 0 ? gw_json_parse(text, 0, a, &error) : NULL;
    CHECK(tree.blocks == 0);
    bool whole = says && says[0] == '{';
    if (says && !(whole ? gw_str_eq(text, gw_str(says, strlen(says))) : has(text, says))) {
        printf("%.*s\n", (int)text.n, text.p);
        CHECK(false);
    }
    CHECK((got == 0) == (root != NULL) && !out.full && (got == 0 || says));
    return root;
}

/* Each case is one line of the file, and a request as it is. */
static void test_explain_vectors(void) {
    struct gw_arena file_arena, a;
    unsigned n = 0;
    gw_arena_init(&file_arena, &memory.mem, 65536, 1 << 22);
    gw_arena_init(&a, &memory.mem, 65536, 1 << 22);
    struct gw_str file = read_file("tests/vectors/complexity.json", &file_arena);
    while (file.p) {
        struct gw_str line = gw_str_cut(&file, '\n');
        struct gw_json_error error;
        if (!gw_str_starts(line, GW_STR("{")))
            continue;
        if (gw_str_ends(line, GW_STR(",")))
            line.n--;
        const struct gw_json *want = gw_json_parse(line, 0, &a, &error);
        const struct gw_json *got = explain(&a, line, NULL);
        static const char *const names[] = {"score_tenths", "requires_large_context",
                                            "is_complex_reasoning", "route",
                                            "budget_remaining_usd"};
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
            CHECK(same(get(want, names[i]), get(got, names[i])));
        CHECK(get(got, "score")->number * 10 == get(want, "score_tenths")->number);
        CHECK(get(got, "reasons")->child != NULL);
        gw_arena_reset(&a);
        n++;
    }
    CHECK(n >= 80);
    gw_arena_del(&a);
    gw_arena_del(&file_arena);
}

/* Just that. */
static bool says(struct gw_str request, const char *what) {
    struct gw_arena a;
    gw_arena_init(&a, &memory.mem, 8192, 16384);
    bool answered = explain(&a, request, what) != NULL;
    gw_arena_del(&a);
    return answered;
}

static void test_explain_text(void) {
    CHECK(
        says(GW_STR("{\"prompt\": \"Fix \\u00e9\", \"budget_remaining_usd\": 1.000001}"),
             "{\"score\": 0.2, \"score_tenths\": 2, \"requires_large_context\": false, "
             "\"is_complex_reasoning\": false, \"route\": [\"local\", \"codellama:13b\"], "
             "\"profile\": \"balanced\", \"budget_remaining_usd\": 1.000001, \"prompt_chars\": 5, "
             "\"context_chars\": 0, \"reasons\": [\"prompt contains 'fix': +0.2\", "
             "\"tier of scores from 0.0 to below 0.3: local codellama:13b\"]}"));
    CHECK(says(GW_STR("{\"prompt\": [\"expl\", \"ain the refac\", \"tor of this bug\"], "
                      "\"context\": [{\"repeat\": \"ab\", \"chars\": 32001}], "
                      "\"budget_remaining_usd\": -0.5}"),
               "{\"score\": 1.0, \"score_tenths\": 10, \"requires_large_context\": true, "
               "\"is_complex_reasoning\": true, \"route\": [\"local-cot\", \"mixtral:8x7b\"], "
               "\"profile\": \"balanced\", \"budget_remaining_usd\": -0.5, \"prompt_chars\": 32, "
               "\"context_chars\": 32001, \"reasons\": [\"context over 10000 characters: +0.3\", "
               "\"prompt contains 'refactor': +0.3\", \"prompt contains 'bug': +0.2\", "
               "\"prompt contains 'explain' and context over 5000 characters: +0.3\", "
               "\"prompt and context over 32000 characters, about 8000 tokens: +0.4\", "
               "\"a score is at most 1.0\", \"tier of scores from 0.8: local-cot mixtral:8x7b, "
               "since $-0.50 is left, not more than $5.00\"]}"));
}

/* The prompt's and the context's characters and the words tell which text went where. */
static bool counts(struct gw_str request, double prompt, double context, double tenths) {
    struct gw_arena a;
    gw_arena_init(&a, &memory.mem, 8192, 16384);
    const struct gw_json *got = explain(&a, request, NULL);
    bool right = got && get(got, "prompt_chars")->number == prompt &&
                 get(got, "context_chars")->number == context &&
                 get(got, "score_tenths")->number == tenths &&
                 get(got, "budget_remaining_usd")->number == 50;
    gw_arena_del(&a);
    return right;
}

static void test_explain_chat(void) {
    CHECK(counts(GW_STR("{\"model\":\"auto\",\"messages\":["
                        "{\"role\":\"system\",\"content\":\"error\"},"
                        "{\"role\":\"user\",\"content\":\"redesign\"},"
                        "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[]},"
                        "{\"role\":\"tool\",\"content\":\"1234\"},"
                        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"b\"},"
                        "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:\"}},"
                        "{\"type\":\"text\",\"text\":\"ug\"}]},"
                        "{\"role\":\"assistant\",\"content\":\"I\"}]}"),
                 3, 18, 2));
    CHECK(counts(GW_STR("{\"system\":[{\"type\":\"text\",\"text\":\"123\"}],\"messages\":["
                        "{\"role\":\"user\",\"content\":\"fix\"}],\"max_tokens\":5}"),
                 3, 3, 2));
    CHECK(counts(GW_STR("{\"system\":\"1234\",\"messages\":[]}"), 0, 4, 0));
    CHECK(counts(GW_STR("{\"body\":{\"messages\":[{\"role\":\"user\",\"content\":\"fix\"}]}}"), 3,
                 0, 2));
    CHECK(counts(GW_STR("{\"body\":{\"prompt\":\"x\",\"context\":\"y\"},"
                        "\"budget_remaining_usd\":50}"),
                 1, 1, 0));
    CHECK(counts(GW_STR("{\"prompt\":\"\"}"), 0, 0, 0));
    struct gw_arena a;
    gw_arena_init(&a, &memory.mem, 8192, 16384);
    const struct gw_json *got =
        explain(&a,
                GW_STR("{\"body\":{\"prompt\":\"x\",\"budget_remaining_usd\":1e300},"
                       "\"budget_remaining_usd\":3}"),
                NULL);
    CHECK(get(got, "budget_remaining_usd")->number == 9e9);
    gw_arena_del(&a);
}

static void test_explain_refuses(void) {
    static const struct {
        const char *request, *says;
    } cases[] = {
        {"", "not JSON: line 1, column 1: the text ends too early; send {"},
        {"{\n\"prompt\": x}", "line 2, column 11: a value is expected"},
        {"{\"prompt\":\"a\",\"prompt\":\"b\"}", "line 1, column 15: duplicate member name"},
        {"[]", "must be a JSON object; send {"},
        {"{}", "no text to score; send {"},
        {"{\"context\":\"x\"}", "no text to score"},
        {"{\"body\":\"x\"}", "no text to score"},
        {"{\"prompt\":1}", "\"prompt\" must be"},
        {"{\"prompt\":[1]}", "a piece of text must be"},
        {"{\"prompt\":[{\"repeat\":\"\",\"chars\":1}]}", "a piece of text must be"},
        {"{\"prompt\":[{\"repeat\":\"a\",\"chars\":-1}]}", "a piece of text must be"},
        {"{\"prompt\":[{\"repeat\":\"a\",\"chars\":1e8}]}", "up to 10000000"},
        {"{\"prompt\":\"x\",\"context\":null}", "\"context\" must be"},
        {"{\"prompt\":\"x\",\"messages\":[]}", "both"},
        {"{\"prompt\":\"x\",\"budget_remaining_usd\":\"1\"}", "must be a number of dollars"},
        {"{\"messages\":\"x\"}", "\"messages\" must be a list"},
        {"{\"messages\":[\"x\"]}", "each message must be"},
        {"{\"messages\":[{\"content\":\"x\"}]}", "each message must be"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":5}]}", "content of a message"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK(!says(gw_str(cases[i].request, strlen(cases[i].request)), cases[i].says));
}

int main(void) {
    unit_mem_init(&memory, 0);
    RUN(test_vectors);
    RUN(test_words);
    RUN(test_bounds);
    RUN(test_tiers);
    RUN(test_explain_vectors);
    RUN(test_explain_text);
    RUN(test_explain_chat);
    RUN(test_explain_refuses);
    return unit_end();
}
