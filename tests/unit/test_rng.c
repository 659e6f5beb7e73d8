#include "unit.h"

#include "base/rng.h"

/* The state for seed 0 as SplitMix64 gives it, and the first outputs of xoshiro256** from it, by
 * an independent calculation from the published definitions. */
static void test_known(void) {
    struct gw_rng r;
    gw_rng_init(&r, 0);
    CHECK_EQ_U64(r.s[0], UINT64_C(0xE220A8397B1DCDAF));
    CHECK_EQ_U64(r.s[1], UINT64_C(0x6E789E6AA1B965F4));
    CHECK_EQ_U64(gw_rng_next(&r), UINT64_C(0x99EC5F36CB75F2B4));
    CHECK_EQ_U64(gw_rng_next(&r), UINT64_C(0xBF6E1F784956452A));
}

static void test_seeds_differ(void) {
    struct gw_rng a, b, c;
    gw_rng_init(&a, 1);
    gw_rng_init(&b, 2);
    gw_rng_init(&c, 1);
    uint64_t first = gw_rng_next(&a);
    CHECK(first != gw_rng_next(&b));
    CHECK_EQ_U64(first, gw_rng_next(&c));
}

static void test_unit(void) {
    struct gw_rng r;
    double sum = 0;
    unsigned low = 0;
    gw_rng_init(&r, 42);
    for (int i = 0; i < 10000; i++) {
        double v = gw_rng_unit(&r);
        CHECK(v >= 0 && v < 1);
        sum += v;
        low += v < 0.1;
    }
    CHECK(sum > 4800 && sum < 5200);
    CHECK(low > 850 && low < 1150);
}

int main(void) {
    RUN(test_known);
    RUN(test_seeds_differ);
    RUN(test_unit);
    return unit_end();
}
