#include "unit.h"

static void test_compare(void) {
    CHECK(gw_str_eq(GW_STR("abc"), GW_STR("abc")));
    CHECK(!gw_str_eq(GW_STR("abc"), GW_STR("abd")));
    CHECK(gw_str_eq(gw_str(NULL, 0), GW_STR("")));
    CHECK(gw_str_ieq(GW_STR("Content-Type"), GW_STR("cONTENT-tYPE")));
    CHECK(!gw_str_ieq(GW_STR("a"), GW_STR("ab")));
    CHECK(!gw_str_ieq(GW_STR("@"), GW_STR("`")));
    CHECK(!gw_str_ieq(GW_STR("["), GW_STR("{")));
    CHECK(gw_str_starts(GW_STR("/api/x"), GW_STR("/api")));
    CHECK(gw_str_starts(GW_STR("x"), GW_STR("")));
    CHECK(!gw_str_starts(GW_STR("/ap"), GW_STR("/api")));
    CHECK(gw_str_ends(GW_STR("evil.github.com"), GW_STR(".github.com")));
    CHECK(!gw_str_ends(GW_STR("com"), GW_STR(".com")));
    CHECK(gw_str_ends(gw_str(NULL, 0), GW_STR("")));
}

static void test_find(void) {
    CHECK(gw_str_chr(GW_STR("a=b=c"), '=') == 1);
    CHECK(gw_str_chr(GW_STR("abc"), '=') == -1);
    CHECK(gw_str_chr(gw_str(NULL, 0), '=') == -1);
    CHECK(gw_str_chr(GW_STR("a\xFFz"), (char)0xFF) == 1);
    CHECK(gw_str_find(GW_STR("ababac"), GW_STR("abac")) == 2);
    CHECK(gw_str_find(GW_STR("ababac"), GW_STR("abacx")) == -1);
    CHECK(gw_str_find(GW_STR("abc"), GW_STR("c")) == 2);
    CHECK(gw_str_find(GW_STR("abc"), GW_STR("")) == 0);
    CHECK(gw_str_find(GW_STR(""), GW_STR("a")) == -1);
    CHECK(gw_str_find(gw_str(NULL, 0), GW_STR("a")) == -1);
    CHECK(gw_str_find(GW_STR("aaaa"), GW_STR("aaaaa")) == -1);
    CHECK(gw_str_find(GW_STR("abc"), GW_STR("abc")) == 0);
}

static void test_cut(void) {
    CHECK_STR(gw_str_sub(GW_STR("abcdef"), 2, 3), "cde");
    CHECK_STR(gw_str_sub(GW_STR("abcdef"), 4, SIZE_MAX), "ef");
    CHECK_STR(gw_str_sub(GW_STR("abc"), 9, 1), "");
    CHECK_STR(gw_str_sub(gw_str(NULL, 0), 9, 1), "");
    CHECK_STR(gw_str_trim(GW_STR(" \t a b\t ")), "a b");
    CHECK_STR(gw_str_trim(GW_STR(" \t ")), "");
    CHECK_STR(gw_str_trim(GW_STR("")), "");
    struct gw_str rest = GW_STR("a,,b");
    CHECK_STR(gw_str_cut(&rest, ','), "a");
    CHECK_STR(gw_str_cut(&rest, ','), "");
    CHECK(rest.p != NULL);
    CHECK_STR(gw_str_cut(&rest, ','), "b");
    CHECK(rest.p == NULL && rest.n == 0);
    rest = GW_STR("a,");
    CHECK_STR(gw_str_cut(&rest, ','), "a");
    CHECK(rest.p != NULL && rest.n == 0); /* an empty last part is still to come */
    CHECK_STR(gw_str_cut(&rest, ','), "");
    CHECK(rest.p == NULL);
}

static void test_u64(void) {
    uint64_t v = 7;
    CHECK(gw_str_u64(GW_STR("0"), &v) && v == 0);
    CHECK(gw_str_u64(GW_STR("000120"), &v) && v == 120);
    CHECK(gw_str_u64(GW_STR("999999999999999999"), &v) && v == UINT64_C(999999999999999999));
    v = 7;
    CHECK(!gw_str_u64(GW_STR("1000000000000000000"), &v));
    CHECK(!gw_str_u64(GW_STR(""), &v));
    CHECK(!gw_str_u64(GW_STR("+1"), &v));
    CHECK(!gw_str_u64(GW_STR("-1"), &v));
    CHECK(!gw_str_u64(GW_STR(" 1"), &v));
    CHECK(!gw_str_u64(GW_STR("1a"), &v));
    CHECK(!gw_str_u64(GW_STR("0x1"), &v));
    CHECK_EQ_U64(v, 7);
}

/* What gw_buf_put_json makes of `s`; the arena is the caller's. */
static struct gw_str json(struct gw_arena *a, struct gw_str s) {
    struct gw_buf b;
    gw_buf_init(&b, a, 1000);
    gw_buf_put_json(&b, s);
    return gw_buf_str(&b);
}

static void test_put_json(void) {
    struct unit_mem m;
    struct gw_arena a;
    unit_mem_init(&m, 0);
    gw_arena_init(&a, &m.mem, 1024, 65536);
    CHECK_STR(json(&a, GW_STR("plain \x7F/'")), "plain \x7F/'");
    CHECK_STR(json(&a, GW_STR("\"\\\n\r\t\b\f")), "\\\"\\\\\\n\\r\\t\\b\\f");
    CHECK_STR(json(&a, GW_STR("a\0b\x1F")), "a\\u0000b\\u001f");
    CHECK_STR(json(&a, GW_STR("\xC3\xA9\xF0\x9F\x9A\x80")), "\xC3\xA9\xF0\x9F\x9A\x80");
    CHECK_STR(json(&a, GW_STR("x\xC3(\xFFz\xE2\x82")), "x\\ufffd(\\ufffdz\\ufffd\\ufffd");
    CHECK_STR(json(&a, gw_str(NULL, 0)), "");
    gw_arena_del(&a);
}

static void test_put(void) {
    struct unit_mem m;
    struct gw_arena a;
    struct gw_buf b;
    unit_mem_init(&m, 0);
    gw_arena_init(&a, &m.mem, 1024, 65536);
    gw_buf_init(&b, &a, 1000);
    CHECK(gw_buf_str(&b).n == 0);
    gw_buf_put(&b, GW_STR("n="));
    gw_buf_put_u64(&b, 0);
    gw_buf_putc(&b, ' ');
    gw_buf_put_u64(&b, UINT64_MAX);
    gw_buf_putc(&b, ' ');
    gw_buf_put_hex(&b, (const uint8_t *)"\x00\x9A\xFF", 3);
    gw_buf_put(&b, gw_str(NULL, 0));
    CHECK_STR(gw_buf_str(&b), "n=0 18446744073709551615 009aff");
    CHECK(!b.full);
    gw_arena_del(&a);
}

/* Two buffers in turns in one arena, so that neither can always grow in place. */
static void test_grow(void) {
    struct unit_mem m;
    struct gw_arena a;
    struct gw_buf b[2];
    unit_mem_init(&m, 0);
    gw_arena_init(&a, &m.mem, 4096, 1 << 20);
    gw_buf_init(&b[0], &a, 20000);
    gw_buf_init(&b[1], &a, 20000);
    for (unsigned i = 0; i < 20000; i++)
        gw_buf_putc(&b[i % 2], (char)('a' + i / 2 % 26));
    for (unsigned k = 0; k < 2; k++) {
        CHECK(!b[k].full && b[k].n == 10000);
        for (unsigned i = 0; i < 10000; i++)
            CHECK(b[k].p[i] == (char)('a' + i % 26));
    }
    gw_arena_del(&a);

    /* Alone it grows in place: no copy, so no more memory than its size. */
    gw_arena_init(&a, &m.mem, 65536, 1 << 20);
    gw_buf_init(&b[0], &a, 60000);
    for (unsigned i = 0; i < 60000; i++)
        gw_buf_putc(&b[0], 'x');
    CHECK(!b[0].full && b[0].n == 60000);
    CHECK_EQ_U64(a.used, 65536);
    gw_arena_del(&a);
}

static void test_full(void) {
    struct unit_mem m;
    struct gw_arena a;
    struct gw_buf b;
    unit_mem_init(&m, 0);
    gw_arena_init(&a, &m.mem, 1024, 65536);
    gw_buf_init(&b, &a, 10);
    gw_buf_put(&b, GW_STR("0123456789"));
    CHECK(!b.full && b.n == 10);
    gw_buf_put(&b, gw_str(NULL, 0));
    CHECK(!b.full);
    gw_buf_putc(&b, 'x');
    CHECK(b.full);
    CHECK_STR(gw_buf_str(&b), "0123456789");

    gw_buf_init(&b, &a, 10);
    gw_buf_put(&b, GW_STR("01234567"));
    gw_buf_put_json(&b, GW_STR("a\nb")); /* its beginning would fit */
    CHECK(b.full);
    CHECK_STR(gw_buf_str(&b), "01234567");
    gw_buf_putc(&b, 'x');
    CHECK_STR(gw_buf_str(&b), "01234567"); /* full stays full */

    gw_buf_init(&b, &a, 5);
    gw_buf_put_hex(&b, (const uint8_t *)"abc", 3);
    CHECK(b.full && b.n == 0);
    gw_buf_init(&b, &a, 0);
    gw_buf_putc(&b, 'x');
    CHECK(b.full && b.n == 0);
    gw_arena_del(&a);
}

/* Memory that ends sets full and leaves what was there. */
static void test_no_memory(void) {
    for (size_t fail = 1; fail < 6; fail++) {
        struct unit_mem m;
        struct gw_arena a;
        struct gw_buf b;
        unit_mem_init(&m, fail);
        gw_arena_init(&a, &m.mem, 128, 65536);
        gw_buf_init(&b, &a, 60000);
        for (int i = 0; i < 60000 && !b.full; i++)
            gw_buf_putc(&b, 'x');
        CHECK(b.full && b.n < 60000);
        for (size_t i = 0; i < b.n; i++)
            CHECK(b.p[i] == 'x');
        gw_arena_del(&a);
        CHECK_EQ_U64(m.blocks, 0);
    }
}

int main(void) {
    RUN(test_compare);
    RUN(test_find);
    RUN(test_cut);
    RUN(test_u64);
    RUN(test_put_json);
    RUN(test_put);
    RUN(test_grow);
    RUN(test_full);
    RUN(test_no_memory);
    return unit_end();
}
