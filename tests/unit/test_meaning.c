#include "unit.h"

#include "format/meaning.h"

static struct unit_mem mem;
static struct gw_arena arena;

static bool fits(struct gw_str s, size_t most) {
    for (size_t i = 0; i < s.n; i++)
        if (gw_str_chr(GW_STR("_-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
                       s.p[i]) < 0)
            return false;
    return s.n <= most;
}

/* A call and its result are changed alike, and two calls stay two. */
static void test_fit(void) {
    char a[100], b[100];
    CHECK_STR(mean_fit(&arena, GW_STR("call_1-x"), 16), "call_1-x");
    CHECK_STR(mean_fit(&arena, GW_STR("functions.f:0"), 16), "functions_f_0");
    for (size_t n = 1; n <= sizeof a; n++) {
        memset(a, 'a', n);
        memcpy(b, a, n);
        b[n - 1] = 'b';
        struct gw_str one = mean_fit(&arena, gw_str(a, n), 40);
        CHECK(fits(one, 40) && gw_str_eq(one, mean_fit(&arena, gw_str(a, n), 40)));
        CHECK(!gw_str_eq(one, mean_fit(&arena, gw_str(b, n), 40)));
    }
}

/* Parts are counted wherever they stand. */
static void test_parts(void) {
    struct mean m = {.arena = &arena};
    struct mean_turn *t = mean_add_turn(&m, MEAN_USER);
    struct mean_part *result = mean_add_part(&m, t, MEAN_RESULT);
    for (uint32_t i = 1; i < MEAN_PARTS; i++)
        mean_add_inner(&m, result, MEAN_TEXT);
    CHECK(!m.full);
    mean_add_inner(&m, result, MEAN_TEXT);
    CHECK(m.full);
}

static void test_can(void) {
    struct mean m = {.lacks = 1ULL << FEATURE_SEED};
    struct gw_buf b;
    struct gw_out o;
    const struct mean_given given[] = {{"seed", GW_STR("7"), FEATURE_SEED},
                                       {"n", GW_STR("2"), FEATURE_N},
                                       {"top_p", GW_STR(""), FEATURE_TOP_P}};
    gw_buf_init(&b, &arena, 100);
    gw_out_init(&o, &b);
    gw_out_open(&o, '{');
    mean_put_given(&m, given, 3, &o);
    gw_out_close(&o, '}');
    CHECK_STR(gw_buf_str(&b), "{\"n\":2}");
}

int main(void) {
    unit_mem_init(&mem, 0);
    gw_arena_init(&arena, &mem.mem, 4096, 1 << 24);
    RUN(test_fit);
    RUN(test_parts);
    RUN(test_can);
    gw_arena_del(&arena);
    return unit_end();
}
