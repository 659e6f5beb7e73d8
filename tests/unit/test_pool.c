#include "core/plan.h"

#include "unit.h"

static uint64_t cells[GW_CELLS];
static struct gw_conf conf;

static struct pool make_pool(void) {
    memset(cells, 0, sizeof cells);
    return (struct pool){.cells = {cells, 1}};
}

static void make_conf(void) {
    memset(&conf, 0, sizeof conf);
    for (uint32_t i = 0; i < GW_NODES; i++) {
        conf.nodes[i].slot = i;
        conf.nodes[i].set = true;
        conf.nodes[i].in_flight_max = 2;
    }
    for (uint32_t i = 0; i < GW_CLASSES; i++)
        conf.classes[i] = (struct gw_class_conf){.nodes = {2 * i, 2 * i + 1}, .nodes_n = 2};
}

static uint32_t pick(struct plan *p, struct pool *pool, double now) {
    struct plan_choice c = plan_pick(p, pool, false, now);
    return c.what == PLAN_GO ? p->target[c.at]->slot : 100 + (uint32_t)c.what;
}

static void test_slots(void) {
    struct pool p = make_pool();
    CHECK(pool_take(&p, 3, 2) && pool_take(&p, 3, 2) && !pool_take(&p, 3, 2));
    CHECK_EQ_U64(pool_in_flight(&p, 3), 2);
    pool_give(&p, 3);
    CHECK(pool_take(&p, 3, 2));
    for (int i = 0; i < 100; i++)
        CHECK(pool_take(&p, 4, 0));
}

static void test_busy_doubles(void) {
    struct pool p = make_pool();
    double at = 1000, expected = 1000;
    for (int i = 0; i < 8; i++) {
        pool_busy(&p, 0, -1, (struct gw_time){at, 0});
        CHECK(p.backend[0].cool_until - at == expected);
        at = p.backend[0].cool_until;
        expected = expected * 2 < 30000 ? expected * 2 : 30000;
    }
    /* What was under way together is one sign of load. */
    pool_busy(&p, 1, -1, (struct gw_time){1000, 0});
    pool_busy(&p, 1, -1, (struct gw_time){1001, 0});
    CHECK(p.backend[1].cool_until == 2000);
    pool_busy(&p, 1, 7000, (struct gw_time){1002, 0});
    CHECK(p.backend[1].cool_until == 8002);
    pool_succeeded(&p, 1, 1001, (struct gw_time){1003, 0});
    CHECK(pool_state_of(&p, 1, 1003) == POOL_COOLING);
    pool_succeeded(&p, 1, 1002, (struct gw_time){1003, 0});
    CHECK(pool_state_of(&p, 1, 1003) == POOL_READY);
}

static void test_cost(void) {
    struct pool p = make_pool();
    double none = pool_cost(&p, 0, 1000);
    pool_first_content(&p, 0, 100, 1000);
    CHECK(pool_cost(&p, 0, 1000) == 100 && none < 100);
    pool_take(&p, 0, 0);
    CHECK(pool_cost(&p, 0, 1000) == 200);
    pool_give(&p, 0);
    pool_first_content(&p, 0, 900, 1001); /* a peak counts at once */
    CHECK(pool_cost(&p, 0, 1001) == 900);
    pool_first_content(&p, 0, 100, 1002); /* and fades by and by */
    CHECK(pool_cost(&p, 0, 1002) > 800);
    CHECK(pool_cost(&p, 0, 11002) < 450 && pool_cost(&p, 0, 11002) > 200);
}

static void test_order(void) {
    struct pool pool = make_pool();
    struct plan p = {.n = 0};
    make_conf();
    plan_class(&p, &conf, GW_CODE);
    CHECK_EQ_U64(p.n, 3);
    /* The pair in turn, until both are full; then node 1; then wait. */
    CHECK_EQ_U64(pick(&p, &pool, 1000), 2);
    CHECK_EQ_U64(pick(&p, &pool, 1000), 3);
    CHECK_EQ_U64(pick(&p, &pool, 1000), 2);
    CHECK_EQ_U64(pick(&p, &pool, 1000), 3);
    CHECK_EQ_U64(pick(&p, &pool, 1000), 0);
    CHECK_EQ_U64(pick(&p, &pool, 1000), 0);
    CHECK_EQ_U64(pick(&p, &pool, 1000), 100 + PLAN_WAIT);
    pool_give(&pool, 3);
    pool.backend[3].waiting = 1; /* someone came first */
    CHECK_EQ_U64(pick(&p, &pool, 1000), 100 + PLAN_WAIT);
    pool.backend[3].waiting = 0;
    CHECK_EQ_U64(pick(&p, &pool, 1000), 3);
}

static void test_down(void) {
    struct pool pool = make_pool();
    struct plan p = {.n = 0};
    make_conf();
    plan_class(&p, &conf, GW_CODE);
    pool_failed(&pool, 2, "refused", 1000);
    CHECK_EQ_U64(pick(&p, &pool, 1001), 3);
    pool_failed(&pool, 3, "refused", 1002);
    CHECK_EQ_U64(pick(&p, &pool, 1003), 0);
    pool_failed(&pool, 0, "refused", 1004);
    /* All are offline: tried all the same, the pair first. */
    CHECK_EQ_U64(pick(&p, &pool, 1005), 2);
    p.spent[0] = true;
    CHECK_EQ_U64(pick(&p, &pool, 1005), 3);
    p.spent[1] = true;
    CHECK(plan_has_other(&p, 0));
    p.spent[2] = true;
    CHECK(!plan_has_other(&p, 0));
    CHECK_EQ_U64(pick(&p, &pool, 1005), 100 + PLAN_NONE);
    CHECK(plan_retry_ms(&p, &pool, 1005) == 995);
}

static void test_alternate(void) {
    struct pool pool = make_pool();
    struct plan p = {.n = 0};
    uint32_t counts[GW_NODES] = {0};
    make_conf();
    plan_class(&p, &conf, GW_BATCH);
    for (int i = 0; i < 100; i++) {
        uint32_t slot = pick(&p, &pool, 1000 + i);
        counts[slot]++;
        pool_first_content(&pool, slot, slot == 6 ? 3 : 9, 1000 + i);
        pool_give(&pool, slot);
    }
    CHECK(counts[6] == 50 && counts[7] == 50);
    pool_first_content(&pool, 7, 500, 1100);
    for (int i = 0; i < 10; i++) {
        uint32_t slot = pick(&p, &pool, 1101);
        CHECK_EQ_U64(slot, 6);
        pool_give(&pool, slot);
    }
}

int main(void) {
    RUN(test_slots);
    RUN(test_busy_doubles);
    RUN(test_cost);
    RUN(test_order);
    RUN(test_down);
    RUN(test_alternate);
    return unit_end();
}
