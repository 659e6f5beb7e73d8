#include "unit.h"

#include "base/base64.h"

static struct unit_mem mem;
static struct gw_arena arena;

static struct gw_str coded(struct gw_str bytes, bool url) {
    struct gw_buf b;
    gw_buf_init(&b, &arena, 4096);
    gw_base64_put(&b, bytes, url);
    return gw_buf_str(&b);
}

static struct gw_str decoded(struct gw_str letters, bool *all) {
    struct gw_buf b;
    gw_buf_init(&b, &arena, 4096);
    *all = gw_base64_decode(&b, letters);
    return gw_buf_str(&b);
}

/* The vectors of RFC 4648, section 10. */
static void test_vectors(void) {
    static const struct gw_str pairs[][2] = {
        {GW_STR_INIT("f"), GW_STR_INIT("Zg==")},
        {GW_STR_INIT("fo"), GW_STR_INIT("Zm8=")},
        {GW_STR_INIT("foo"), GW_STR_INIT("Zm9v")},
        {GW_STR_INIT("foob"), GW_STR_INIT("Zm9vYg==")},
        {GW_STR_INIT("fooba"), GW_STR_INIT("Zm9vYmE=")},
        {GW_STR_INIT("foobar"), GW_STR_INIT("Zm9vYmFy")},
    };
    bool all;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        CHECK(gw_str_eq(coded(pairs[i][0], false), pairs[i][1]));
        CHECK(gw_str_eq(decoded(pairs[i][1], &all), pairs[i][0]));
    }
    CHECK(coded(GW_STR(""), false).n == 0 && coded(GW_STR(""), true).n == 0);
    CHECK_STR(coded(GW_STR("f"), true), "Zg");
    CHECK_STR(coded(GW_STR("\xfb\xff\xfe"), true), "-__-");
    CHECK_STR(coded(GW_STR("\xfb\xff\xfe"), false), "+//+");
}

static void test_there_and_back(void) {
    char bytes[64];
    bool all;
    for (size_t n = 0; n <= sizeof bytes; n++) {
        for (size_t i = 0; i < n; i++)
            bytes[i] = (char)(i * 89 + n);
        CHECK(gw_str_eq(decoded(coded(gw_str(bytes, n), true), &all), gw_str(bytes, n)) && all);
        CHECK(gw_str_eq(decoded(coded(gw_str(bytes, n), false), &all), gw_str(bytes, n)));
    }
}

static void test_others(void) {
    bool all;
    CHECK_STR(decoded(GW_STR("Zm\\9v"), &all), "foo");
    CHECK(!all);
    CHECK_STR(decoded(GW_STR("Zg=="), &all), "f");
    CHECK(!all);
}

int main(void) {
    unit_mem_init(&mem, 0);
    gw_arena_init(&arena, &mem.mem, 4096, 1 << 20);
    RUN(test_vectors);
    RUN(test_there_and_back);
    RUN(test_others);
    gw_arena_del(&arena);
    return unit_end();
}
