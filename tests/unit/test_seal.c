#include "unit.h"

#include "format/seal.h"

static struct unit_mem mem;
static const struct seal ann = {GW_STR_INIT("a secret"), GW_STR_INIT("ann")};
static const struct seal bob = {GW_STR_INIT("a secret"), GW_STR_INIT("bob")};
static const struct seal other = {GW_STR_INIT("another"), GW_STR_INIT("ann")};
static struct gw_arena arena;

static bool opens(const struct seal *seal, struct gw_str token) {
    const struct dialect *of = NULL;
    return seal_open(seal, &arena, &token, &of).n > 0;
}

static void test_there_and_back(void) {
    char raw[80];
    for (size_t n = 1; n <= sizeof raw; n++) {
        memset(raw, (int)(n * 37), n);
        raw[n / 2] = '\\';
        const struct dialect *of = NULL;
        struct gw_str token =
            seal_make(&ann, &arena, &dialect_gemini, GW_STR("call_1"), gw_str(raw, n));
        for (size_t i = 0; i < token.n; i++)
            CHECK(gw_str_chr(GW_STR("_-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                    "0123456789"),
                             token.p[i]) >= 0);
        struct gw_str back = seal_open(&ann, &arena, &token, &of);
        CHECK(gw_str_eq(back, gw_str(raw, n)) && of == &dialect_gemini);
        CHECK_STR(token, "call_1");
    }
}

static void test_without_an_id(void) {
    const struct dialect *of = NULL;
    struct gw_str token =
        seal_make(&ann, &arena, &dialect_anthropic, GW_STR(""), GW_STR("EqQBCg=="));
    CHECK(gw_str_starts(token, GW_STR("hg1")));
    CHECK_STR(seal_open(&ann, &arena, &token, &of), "EqQBCg==");
    CHECK(of == &dialect_anthropic && token.n == 0);
}

static void test_of_somebody_else(void) {
    struct gw_str token = seal_make(&ann, &arena, &dialect_gemini, GW_STR("c"), GW_STR("signed"));
    CHECK(opens(&ann, token));
    CHECK(!opens(&bob, token));
    CHECK(!opens(&other, token));
}

static void test_changed(void) {
    char bytes[128];
    struct gw_str token = seal_make(&ann, &arena, &dialect_gemini, GW_STR(""), GW_STR("signed"));
    for (size_t i = 3; i + 1 < token.n; i++) {
        memcpy(bytes, token.p, token.n);
        bytes[i] = bytes[i] == 'A' ? 'B' : 'A';
        CHECK(!opens(&ann, gw_str(bytes, token.n)));
        CHECK(!opens(&ann, gw_str(token.p, i)));
    }
}

static void test_what_is_none(void) {
    CHECK(!opens(&ann, GW_STR("")));
    CHECK(!opens(&ann, GW_STR("toolu_01A")));
    CHECK(!opens(&ann, GW_STR("hg1")));
    CHECK(!opens(&ann, GW_STR("hg1 not base64")));
    CHECK(!opens(&ann, GW_STR("call_hg1")));
}

int main(void) {
    unit_mem_init(&mem, 0);
    gw_arena_init(&arena, &mem.mem, 4096, 1 << 20);
    RUN(test_there_and_back);
    RUN(test_without_an_id);
    RUN(test_of_somebody_else);
    RUN(test_changed);
    RUN(test_what_is_none);
    gw_arena_del(&arena);
    return unit_end();
}
