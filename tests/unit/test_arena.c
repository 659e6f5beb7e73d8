#include "unit.h"

static bool is_zero(const char *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0)
            return false;
    return true;
}

static void test_get(void) {
    struct unit_mem m;
    struct gw_arena a;
    unit_mem_init(&m, 0);
    gw_arena_init(&a, &m.mem, 1024, 65536);
    CHECK_EQ_U64(m.gets, 0);
    for (size_t n = 0; n < 300; n++) {
        char *p = gw_arena_get(&a, n);
        CHECK(p != NULL && (uintptr_t)p % 8 == 0);
        CHECK(is_zero(p, n));
        memset(p, 0xAA, n);
    }
    CHECK(m.blocks > 1 && m.bytes <= 65536 + m.blocks * 64);
    gw_arena_del(&a);
    CHECK_EQ_U64(m.blocks, 0);
    CHECK_EQ_U64(m.bytes, 0);
    CHECK_EQ_U64(a.used, 0);
    CHECK(gw_arena_get(&a, 8) != NULL); /* it can be used again */
    gw_arena_del(&a);
}

static void test_cap(void) {
    struct unit_mem m;
    struct gw_arena a;
    unit_mem_init(&m, 0);
    gw_arena_init(&a, &m.mem, 1024, 4096);
    CHECK(gw_arena_get(&a, 4097) == NULL);
    CHECK(gw_arena_get(&a, SIZE_MAX) == NULL);
    CHECK(gw_arena_get(&a, SIZE_MAX - 4) == NULL);
    CHECK_EQ_U64(m.gets, 0);
    size_t total = 0;
    while (gw_arena_get(&a, 200))
        total += 200;
    CHECK(total >= 3000 && total <= 4096);
    CHECK(a.used <= 4096);
    gw_arena_del(&a);

    gw_arena_init(&a, &m.mem, 1024, 0);
    CHECK(gw_arena_get(&a, 1) == NULL);
    gw_arena_del(&a);
}

/* The kept block is as good as new. */
static void test_reset(void) {
    struct unit_mem m;
    struct gw_arena a;
    unit_mem_init(&m, 0);
    gw_arena_init(&a, &m.mem, 512, 65536);
    gw_arena_reset(&a);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 10; i++) {
            char *p = gw_arena_get(&a, 100);
            CHECK(p && is_zero(p, 100));
            memset(p, 0xAA, 100);
        }
        gw_arena_reset(&a);
        CHECK_EQ_U64(m.blocks, 1);
        CHECK_EQ_U64(a.used, 512);
    }
    size_t gets = m.gets;
    for (int i = 0; i < 100; i++) {
        CHECK(gw_arena_get(&a, 200) != NULL);
        gw_arena_reset(&a);
    }
    CHECK_EQ_U64(m.gets, gets);
    gw_arena_del(&a);

    CHECK(gw_arena_get(&a, 5000) != NULL); /* a large first block is not kept */
    gw_arena_reset(&a);
    CHECK_EQ_U64(m.blocks, 0);
    gw_arena_del(&a);
}

static void test_grow(void) {
    struct unit_mem m;
    struct gw_arena a;
    unit_mem_init(&m, 0);
    gw_arena_init(&a, &m.mem, 1024, 65536);
    char *first = gw_arena_get(&a, 10);
    CHECK(gw_arena_grow(&a, first, 10, 10) == first);
    CHECK(gw_arena_grow(&a, first, 10, 100) == first);
    CHECK(is_zero(first, 100));
    memset(first, 0xAA, 100);
    char *second = gw_arena_get(&a, 10);
    CHECK(second >= first + 100);
    CHECK(gw_arena_grow(&a, first, 100, 101) == NULL);  /* not the last */
    CHECK(gw_arena_grow(&a, second, 10, 2000) == NULL); /* over the block's end */
    CHECK(gw_arena_grow(&a, second, 10, SIZE_MAX) == NULL);
    CHECK(gw_arena_grow(&a, second, 10, 500) == second);
    memset(second, 0xBB, 500);
    CHECK((unsigned char)first[99] == 0xAA);
    CHECK(gw_arena_get(&a, 1000) != NULL); /* in a new block */
    CHECK(gw_arena_grow(&a, second, 500, 501) == NULL);
    gw_arena_del(&a);
}

static void test_dup(void) {
    struct unit_mem m;
    struct gw_arena a;
    unit_mem_init(&m, 0);
    gw_arena_init(&a, &m.mem, 64, 4096);
    char text[] = "some text";
    struct gw_str copy = gw_arena_dup(&a, gw_str(text, 9));
    text[0] = 'X';
    CHECK_STR(copy, "some text");
    CHECK(gw_arena_dup(&a, gw_str(NULL, 0)).p != NULL);
    gw_arena_del(&a);
    unit_mem_init(&m, 1);
    gw_arena_init(&a, &m.mem, 64, 4096);
    copy = gw_arena_dup(&a, GW_STR("x"));
    CHECK(copy.p == NULL && copy.n == 0);
    gw_arena_del(&a);
}

/* Whichever get of the host's fails, nothing is lost and what was got before stays good. */
static void test_no_memory(void) {
    for (size_t fail = 1; fail < 8; fail++) {
        struct unit_mem m;
        struct gw_arena a;
        char *kept[20];
        size_t n = 0;
        unit_mem_init(&m, fail);
        gw_arena_init(&a, &m.mem, 256, 65536);
        while (n < 20 && (kept[n] = gw_arena_get(&a, 100)) != NULL)
            memset(kept[n], (int)n, 100), n++;
        CHECK(n < 20 && m.blocks == fail - 1);
        CHECK(gw_arena_get(&a, 300) == NULL);
        for (size_t i = 0; i < n; i++)
            CHECK(kept[i][0] == (char)i && kept[i][99] == (char)i);
        gw_arena_del(&a);
        CHECK_EQ_U64(m.blocks, 0);
    }
}

int main(void) {
    RUN(test_get);
    RUN(test_cap);
    RUN(test_reset);
    RUN(test_grow);
    RUN(test_dup);
    RUN(test_no_memory);
    return unit_end();
}
