#include "unit.h"

#include "format/capability.h"

static struct unit_mem mem;
static struct gw_arena arena;

static bool lacks(struct capability c, enum feature feature) {
    return (c.lacks >> feature & 1) != 0;
}

static void test_longest(void) {
    static const char text[] =
        "{\"\":{\"lacks\":[\"effort\"]},// what is not known\n"
        "\"gpt-5\":{\"context\":400000,\"output\":128000},\"gpt\":{\"context\":1},"
        "\"gpt-5-mini\":{\"context\":2,\"lacks\":[\"image\",\"tools\"]}}";
    struct capabilities all;
    CHECK(capability_read(gw_str(text, sizeof text - 1), &arena, &all) && all.n == 4);
    CHECK(capability_of(&all, GW_STR("gpt-5")).context == 400000);
    CHECK(capability_of(&all, GW_STR("gpt-5.5")).output == 128000);
    CHECK(capability_of(&all, GW_STR("gpt-5-mini-2026")).context == 2);
    CHECK(capability_of(&all, GW_STR("gpt-4o")).context == 1);
    CHECK(lacks(capability_of(&all, GW_STR("gpt-5-mini")), FEATURE_TOOLS));
    CHECK(!lacks(capability_of(&all, GW_STR("gpt-5")), FEATURE_EFFORT));
    CHECK(lacks(capability_of(&all, GW_STR("llama")), FEATURE_EFFORT));
    CHECK(lacks(capability_of(&all, GW_STR("")), FEATURE_EFFORT));
}

/* Behind a provider's own words, and not in the middle of another name. */
static void test_places(void) {
    static const char text[] = "{\"opus\":{\"context\":7}}";
    struct capabilities all;
    CHECK(capability_read(gw_str(text, sizeof text - 1), &arena, &all));
    CHECK(capability_of(&all, GW_STR("us.some.opus-5-v1:0")).context == 7);
    CHECK(capability_of(&all, GW_STR("some/opus-5")).context == 7);
    CHECK(capability_of(&all, GW_STR("ft:opus-5:own")).context == 7);
    CHECK(capability_of(&all, GW_STR("my-opus")).context == 0);
    CHECK(capability_of(&all, GW_STR("magnum.opu")).context == 0);
}

static void test_bad(void) {
    static const char *const bad[] = {
        "",
        "[]",
        "{\"a\":1}",
        "{\"a\":{\"context\":\"1\"}}",
        "{\"a\":{\"context\":-1}}",
        "{\"a\":{\"lacks\":\"image\"}}",
        "{\"a\":{\"lacks\":[\"sight\"]}}",
        "{\"a\":{\"knows\":1}}",
    };
    struct capabilities all;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!capability_read(gw_str(bad[i], strlen(bad[i])), &arena, &all));
}

/* What the build put in: models of three providers, by the facts of their documents. */
static void test_own(void) {
    struct capabilities all;
    CHECK(capability_read(capability_file(), &arena, &all));
    CHECK(lacks(capability_of(&all, GW_STR("gpt-4o-mini")), FEATURE_EFFORT));
    CHECK(!lacks(capability_of(&all, GW_STR("gpt-5.5")), FEATURE_EFFORT));
    CHECK(!lacks(capability_of(&all, GW_STR("openai/gpt-oss-120b")), FEATURE_EFFORT));
    CHECK(lacks(capability_of(&all, GW_STR("us.anthropic.claude-sonnet-5-v1:0")), FEATURE_TOP_K));
    CHECK(!lacks(capability_of(&all, GW_STR("claude-opus-4-6")), FEATURE_TOP_K));
    CHECK(lacks(capability_of(&all, GW_STR("qwen2.5-coder:7b")), FEATURE_EFFORT));
}

int main(void) {
    unit_mem_init(&mem, 0);
    gw_arena_init(&arena, &mem.mem, 1 << 12, 1 << 20);
    RUN(test_longest);
    RUN(test_places);
    RUN(test_bad);
    RUN(test_own);
    gw_arena_del(&arena);
    return unit_end();
}
