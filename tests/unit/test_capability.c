#include "unit.h"

#include "format/capability.h"

static bool lacks(struct capability c, enum feature feature) {
    return (c.lacks >> feature & 1) != 0;
}

static void test_longest(void) {
    static const struct capability_row rows[] = {
        {"", 0, 0, 1ULL << FEATURE_EFFORT},
        {"gpt-5", 400000, 128000, 0},
        {"gpt", 1, 0, 0},
        {"gpt-5-mini", 2, 0, 1ULL << FEATURE_IMAGE | 1ULL << FEATURE_TOOLS},
    };
    static const struct capabilities all = {rows, 4};
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
    static const struct capability_row rows[] = {{"opus", 7, 0, 0}};
    static const struct capabilities all = {rows, 1};
    CHECK(capability_of(&all, GW_STR("us.some.opus-5-v1:0")).context == 7);
    CHECK(capability_of(&all, GW_STR("some/opus-5")).context == 7);
    CHECK(capability_of(&all, GW_STR("ft:opus-5:own")).context == 7);
    CHECK(capability_of(&all, GW_STR("my-opus")).context == 0);
    CHECK(capability_of(&all, GW_STR("magnum.opu")).context == 0);
}

/* What the build put in: models of three providers, by the facts of their documents. */
static void test_own(void) {
    CHECK(lacks(capability_of(&capability_table, GW_STR("gpt-4o-mini")), FEATURE_EFFORT));
    CHECK(!lacks(capability_of(&capability_table, GW_STR("gpt-5.5")), FEATURE_EFFORT));
    CHECK(!lacks(capability_of(&capability_table, GW_STR("openai/gpt-oss-120b")), FEATURE_EFFORT));
    CHECK(lacks(capability_of(&capability_table, GW_STR("us.anthropic.claude-sonnet-5-v1:0")),
                FEATURE_TOP_K));
    CHECK(!lacks(capability_of(&capability_table, GW_STR("claude-opus-4-6")), FEATURE_TOP_K));
    CHECK(lacks(capability_of(&capability_table, GW_STR("qwen2.5-coder:7b")), FEATURE_EFFORT));
}

int main(void) {
    RUN(test_longest);
    RUN(test_places);
    RUN(test_own);
    return unit_end();
}
