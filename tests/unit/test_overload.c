#include "core/cluster/overload.h"

#include "unit.h"

static const struct breaker_conf conf = {.threshold = 3, .recovery_ms = 60000};
enum { SLOT = 41, OTHER_SLOT = 42 };

static void test_names(void) {
    uint64_t a = overload_of(SLOT, GW_STR("big")), b = overload_of(SLOT, GW_STR("small"));
    CHECK(a != b && a != overload_of(OTHER_SLOT, GW_STR("big")) && a != 0);
    CHECK(a == overload_of(SLOT, GW_STR("big")));
}

static void test_busy(void) {
    struct overload o = {.n = 0};
    uint64_t a = overload_of(SLOT, GW_STR("a")), b = overload_of(SLOT, GW_STR("b"));
    overload_busy(&o, a, 1, 5000, 1000);
    CHECK(overload_until(&o, a, 1, 1000) == 6000 && overload_until(&o, a, 1, 6000) == 0);
    CHECK(overload_until(&o, a, 2, 1000) == 0 && overload_until(&o, b, 1, 1000) == 0);
    overload_busy(&o, b, 0, -1, 1000); /* 1 s, and twice as long each time */
    CHECK(overload_until(&o, b, 0, 1000) == 2000);
    overload_busy(&o, b, 0, -1, 1500); /* it was under way */
    CHECK(overload_until(&o, b, 0, 1500) == 2000);
    overload_busy(&o, b, 0, -1, 2000);
    CHECK(overload_until(&o, b, 0, 2000) == 4000);
    overload_busy(&o, b, 3, 0, 2000); /* somebody else first */
    CHECK(overload_until(&o, b, 3, 2000) == 2100);
    overload_served(&o, b, 0);
    CHECK(overload_until(&o, b, 0, 2000) == 0 && overload_until(&o, a, 1, 2000) == 6000);
}

static void test_opens(void) {
    struct overload o = {.n = 0};
    uint64_t a = overload_of(SLOT, GW_STR("a"));
    for (int i = 0; i < 2; i++)
        overload_failed(&o, a, &conf, 1000);
    CHECK(overload_until(&o, a, 1, 1000) == 0);
    overload_failed(&o, a, &conf, 1000);
    CHECK(overload_until(&o, a, 1, 1000) == 6000 && overload_until(&o, a, 0, 1000) == 6000);
    /* One tries it, and the others wait for what comes of that. */
    CHECK(overload_until(&o, a, 1, 6000) == 0);
    overload_take(&o, a, 6000);
    CHECK(overload_until(&o, a, 1, 6001) == 6000 + OVERLOAD_TRIAL_MS);
    overload_failed(&o, a, &conf, 7000);
    CHECK(overload_until(&o, a, 1, 7000) == 17000);
    for (int i = 0; i < 9; i++) /* they were under way when it opened */
        overload_failed(&o, a, &conf, 7000);
    CHECK(overload_until(&o, a, 1, 7000) == 17000 && overload_is_open(&o, a, 7000));
    for (int i = 0; i < 9; i++) { /* each of them its trial */
        overload_take(&o, a, 20000);
        overload_failed(&o, a, &conf, 20000);
    }
    CHECK(overload_until(&o, a, 1, 20000) == 40000); /* 20 s at most */
    overload_busy(&o, a, 1, 1000, 20000);            /* it is alive */
    CHECK(overload_until(&o, a, 1, 20000) == 21000);
    overload_served(&o, a, 1);
    overload_failed(&o, a, &conf, 30000);
    CHECK(overload_until(&o, a, 1, 30000) == 0);
}

/* A client that makes names up pushes out what has long not been touched, and no more. */
static void test_full(void) {
    struct overload o = {.n = 0};
    uint64_t mine = overload_of(SLOT, GW_STR("mine"));
    for (uint32_t i = 0; i < 3 * OVERLOAD_MODELS; i++) {
        overload_busy(&o, overload_of(i, GW_STR("x")), 0, 1e6, 1000 + i);
        overload_busy(&o, mine, 0, 1e6, 1000 + i);
    }
    CHECK_EQ_U64(o.n, OVERLOAD_MODELS);
    CHECK(overload_until(&o, mine, 0, 2000) > 0);
    CHECK(overload_until(&o, overload_of(0, GW_STR("x")), 0, 2000) == 0);
    CHECK(overload_until(&o, overload_of(3 * OVERLOAD_MODELS - 1, GW_STR("x")), 0, 2000) > 0);
    CHECK(overload_until(&o, 0, 0, 2000) == 0);
}

int main(void) {
    RUN(test_names);
    RUN(test_busy);
    RUN(test_opens);
    RUN(test_full);
    return unit_end();
}
