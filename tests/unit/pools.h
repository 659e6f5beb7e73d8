/*
 * A pool to test with: two loops share its cells, and a breaker opens after three failures.
 */
#ifndef TESTS_UNIT_POOLS_H
#define TESTS_UNIT_POOLS_H

#include "core/cluster/pool.h"
#include "unit.h"

static inline void pools_make(struct pool *p) {
    static struct gw_rng rng;
    gw_rng_init(&rng, 1);
    *p = (struct pool){
        .cells = {unit_cells(), 2}, .rng = &rng, .breaker = {.threshold = 3, .recovery_ms = 60000}};
}

/* Three failures in a row. */
static inline void pools_break(struct pool *p, uint32_t slot, double now) {
    for (int i = 0; i < 3; i++) {
        struct breaker_grant grant;
        CHECK(pool_take(p, slot, 0, false, now, &grant));
        pool_failed(p, slot, &grant, POOL_REFUSED, false, (struct gw_time){now, 0});
        pool_give(p, slot);
    }
}

#endif
