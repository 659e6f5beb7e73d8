#include "unit.h"

#include "format/unseal.h"

static struct unit_mem mem;
static const struct seal seal = {GW_STR_INIT("a secret"), GW_STR_INIT("ann")};
static struct gw_arena arena;

/* "@G" and "@A" are seals of Gemini's and of Anthropic's, "#" is an id with one of Gemini's. */
static struct gw_str filled(const char *text) {
    struct gw_buf b;
    gw_buf_init(&b, &arena, 1 << 16);
    for (; *text != '\0'; text++) {
        const struct dialect *of = text[1] == 'A' ? &dialect_anthropic : &dialect_gemini;
        struct gw_str id = *text == '#' ? GW_STR("call_1") : GW_STR("");
        if (*text == '@' || *text == '#')
            gw_buf_put(&b, seal_make(&seal, &arena, of, id, GW_STR("sig\\/n")));
        else
            gw_buf_putc(&b, *text);
        text += *text == '@';
    }
    return gw_buf_str(&b);
}

static struct gw_str changed(struct gw_str body, const struct dialect *own, bool *full) {
    static struct unseal found;
    struct gw_buf b;
    size_t done = 0;
    unseal_find(body, &seal, own, &arena, &found);
    *full = found.full;
    gw_buf_init(&b, &arena, 1 << 20);
    for (uint32_t i = 0; i < found.n; i++) {
        const struct unseal_change *c = &found.change[i];
        CHECK(c->at >= done && c->at + c->skip <= body.n);
        gw_buf_put(&b, gw_str_sub(body, done, c->at - done));
        gw_buf_put(&b, c->text);
        done = c->at + c->skip;
    }
    gw_buf_put(&b, gw_str_sub(body, done, body.n));
    return gw_buf_str(&b);
}

static void check(const struct dialect *own, const char *text, const char *expected) {
    bool full;
    struct gw_str got = changed(filled(text), own, &full);
    CHECK(!full);
    if (!gw_str_eq(got, gw_str(expected, strlen(expected))))
        printf("%.*s and not %s\n", (int)got.n, got.p, expected);
    CHECK(gw_str_eq(got, gw_str(expected, strlen(expected))));
}

static void test_ids(void) {
    check(&dialect_openai, "{\"a\":[{\"id\":\"#\"},{\"x\":{\"id\":\"#\"}}],\"b\":\"c\"}",
          "{\"a\":[{\"id\":\"call_1\"},{\"x\":{\"id\":\"call_1\"}}],\"b\":\"c\"}");
    check(&dialect_gemini, "[\"#\"]", "[\"call_1\"]");
}

/* A thought of another's goes with its comma, wherever it stands. */
static void test_thoughts(void) {
    const struct dialect *own = &dialect_anthropic;
    check(own, "[{\"s\":\"@G\"},{\"t\":1}]", "[{\"t\":1}]");
    check(own, "[{\"t\":1}, {\"s\":\"@G\"} ,{\"t\":2}]", "[{\"t\":1} ,{\"t\":2}]");
    check(own, "[{\"t\":1},{\"s\":\"@G\"}]", "[{\"t\":1}]");
    check(own, "[{\"s\":\"@G\"}]", "[]");
    check(own, "[{\"s\":\"@G\"},{\"s\":\"@G\"},{\"t\":1},{\"s\":\"@G\"},{\"s\":\"@G\"}]",
          "[{\"t\":1}]");
    check(own, "[{\"c\":[{\"s\":\"@G\"},{\"id\":\"#\"}]}]", "[{\"c\":[{\"id\":\"call_1\"}]}]");
    check(own, "[{\"r\":{\"s\":\"@G\"}},{\"id\":\"#\"}]", "[{\"id\":\"call_1\"}]");
    check(own, "[{\"id\":\"#\",\"s\":\"@G\"},3]", "[3]");
}

static void test_own(void) {
    check(&dialect_anthropic, "[{\"s\":\"@A\"}]", "[{\"s\":\"sig\\/n\"}]");
    check(&dialect_gemini, "[{\"s\":\"@G\"}]", "[{\"s\":\"sig\\/n\"}]");
    check(&dialect_gemini, "[{\"s\":\"@A\"}]", "[{\"s\":\"skip_thought_signature_validator\"}]");
}

/* What only looks like one is left alone. */
static void test_others(void) {
    const char *const same[] = {"{\"text\":\"hg1 and call_1_hg1 and more\"}",
                                "{\"id\":\"x_hg1AAAA\"}", "\"hg1\"", "[1,true,null,{}]"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        check(&dialect_anthropic, same[i], same[i]);
}

/* OpenAI's clients keep it as an item that only its server could read. */
static void test_summaries(void) {
    const struct dialect *own = &dialect_responses;
    check(own,
          "{\"input\":[{\"type\":\"compaction\",\"encrypted_content\":\"heady-summary:so "
          "\\\"far\"}, 1]}",
          "{\"input\":[{\"role\":\"user\",\"content\":\"so \\\"far\"}, 1]}");
    check(own,
          "[{\"encrypted_content\":\"@G\"},{\"encrypted_content\":\"heady-summary:a\"},"
          "{\"encrypted_content\":\"@G\"}]",
          "[{\"role\":\"user\",\"content\":\"a\"}]");
    check(own, "[{\"encrypted_content\":\"gAAA\"},{\"text\":\"heady-summary:a\"}]",
          "[{\"encrypted_content\":\"gAAA\"},{\"text\":\"heady-summary:a\"}]");
}

static void test_bad(void) {
    bool full;
    changed(GW_STR("{\"a\":"), &dialect_openai, &full);
    CHECK(full);
    struct gw_buf b;
    gw_buf_init(&b, &arena, 1 << 20);
    gw_buf_putc(&b, '[');
    for (int i = 0; i <= UNSEAL_CHANGES; i++) {
        gw_buf_put(&b, filled("\"#\""));
        gw_buf_putc(&b, i < UNSEAL_CHANGES ? ',' : ']');
    }
    changed(gw_buf_str(&b), &dialect_openai, &full);
    CHECK(full);
}

int main(void) {
    unit_mem_init(&mem, 0);
    gw_arena_init(&arena, &mem.mem, 1 << 16, 1 << 26);
    RUN(test_ids);
    RUN(test_thoughts);
    RUN(test_own);
    RUN(test_others);
    RUN(test_summaries);
    RUN(test_bad);
    gw_arena_del(&arena);
    return unit_end();
}
