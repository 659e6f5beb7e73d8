#include "core/cluster/plan.h"

#include "pools.h"
#include "unit.h"

static struct config conf;
static struct unit_mem mem;
static struct gw_arena arena;

static void make_plan(struct plan *p, uint32_t class) {
    CHECK(plan_class(p, &conf, class, &arena));
}

static bool take(struct pool *p, uint32_t slot, uint32_t max, double now) {
    struct breaker_grant grant;
    return pool_take(p, slot, max, false, now, &grant);
}

static void busy(struct pool *p, uint32_t slot, double retry_after_ms, double now) {
    struct breaker_grant grant = {.generation = 0};
    pool_busy(p, slot, &grant, retry_after_ms, (struct gw_time){now, 0});
}

static void succeed(struct pool *p, uint32_t slot, double sent_at, double now) {
    struct breaker_grant grant = {.generation = 0};
    pool_succeeded(p, slot, &grant, sent_at, true, (struct gw_time){now, 0});
}

static void make_conf(void) {
    memset(&conf, 0, sizeof conf);
    for (uint32_t i = 0; i < GW_NODES; i++) {
        conf.nodes[i].slot = i;
        conf.nodes[i].set = true;
        conf.nodes[i].in_flight_max = 2;
    }
    for (uint32_t i = 0; i < GW_CLASSES; i++)
        conf.classes[i] = (struct class_conf){.nodes = {2 * i, 2 * i + 1}, .nodes_n = 2};
}

static uint32_t pick(struct plan *p, struct pool *pool, double now) {
    struct plan_choice c = plan_pick(p, pool, false, now);
    return c.what == PLAN_GO ? p->candidates[c.at].backend->slot : 100 + (uint32_t)c.what;
}

static void test_slots(void) {
    struct pool p;
    pools_make(&p);
    CHECK(take(&p, 3, 2, 0) && take(&p, 3, 2, 0) && !take(&p, 3, 2, 0));
    CHECK_EQ_U64(pool_in_flight(&p, 3), 2);
    pool_give(&p, 3);
    CHECK(take(&p, 3, 2, 0));
    for (int i = 0; i < 100; i++)
        CHECK(take(&p, 4, 0, 0));
}

static void test_busy_doubles(void) {
    struct pool p;
    pools_make(&p);
    double at = 1000, expected = 1000;
    for (int i = 0; i < 8; i++) {
        busy(&p, 0, -1, at);
        CHECK(p.backend[0].cool_until - at == expected);
        at = p.backend[0].cool_until;
        expected = expected * 2 < 30000 ? expected * 2 : 30000;
    }
    /* What was under way together is one sign of load. */
    busy(&p, 1, -1, 1000);
    busy(&p, 1, -1, 1001);
    CHECK(p.backend[1].cool_until == 2000);
    busy(&p, 1, 7000, 1002);
    CHECK(p.backend[1].cool_until == 8002);
    succeed(&p, 1, 1001, 1003);
    CHECK(pool_state_of(&p, 1, 1003) == POOL_COOLING);
    succeed(&p, 1, 1002, 1003);
    CHECK(pool_state_of(&p, 1, 1003) == POOL_READY);
}

static double cost(const struct pool *p, uint32_t slot, double now) {
    return pool_cost(p, slot, 0, pool_latency(p, slot, now), now);
}

static void test_cost(void) {
    struct pool p;
    pools_make(&p);
    CHECK(pool_latency(&p, 0, 1000) == 0);
    pool_first_content(&p, 0, 100, false, 0, 1000);
    CHECK(cost(&p, 0, 1000) == 100);
    take(&p, 0, 0, 1000);
    CHECK(cost(&p, 0, 1000) == 200);
    pool_give(&p, 0);
    pool_first_content(&p, 0, 900, false, 0, 1001); /* a peak counts at once */
    CHECK(cost(&p, 0, 1001) == 900);
    pool_first_content(&p, 0, 100, false, 0, 1002); /* and fades by and by */
    CHECK(cost(&p, 0, 1002) > 800);
    CHECK(cost(&p, 0, 11002) < 450 && cost(&p, 0, 11002) > 200);
}

static void test_order(void) {
    struct pool pool;
    pools_make(&pool);
    struct plan p = {.n = 0};
    make_conf();
    make_plan(&p, GW_CODE);
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

/* Nothing is known of the pair, and it is silent for a few milliseconds: a burst goes to both alike. */
static void test_burst(void) {
    struct pool pool;
    pools_make(&pool);
    struct plan p = {.n = 0};
    make_conf();
    make_plan(&p, GW_CODE);
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t slot = pick(&p, &pool, 1000 + 50.0 * i);
        CHECK_EQ_U64(slot, 2 + i % 2);
        pool_awaits(&pool, slot, 1000 + 50.0 * i);
    }
}

static void test_open(void) {
    struct pool pool;
    pools_make(&pool);
    struct plan p = {.n = 0};
    make_conf();
    make_plan(&p, GW_CODE);
    pools_break(&pool, 2, 1000);
    CHECK(pool_state_of(&pool, 2, 1000) == POOL_DOWN);
    CHECK_EQ_U64(pick(&p, &pool, 1001), 3);
    CHECK(plan_is_lone(&p, &pool, 1, 1001) && !plan_is_lone(&p, &pool, 0, 1001));
    pools_break(&pool, 3, 1002);
    CHECK_EQ_U64(pick(&p, &pool, 1003), 0);
    CHECK(plan_has_other(&p, &pool, 0, 1003) && !plan_has_other(&p, &pool, 2, 1003));
    p.candidates[2].spent = true;
    CHECK_EQ_U64(pick(&p, &pool, 1004), 100 + PLAN_NONE);
    /* Two of three are open: the pair's least bad is tried all the same. */
    struct plan_choice none = {.what = PLAN_NONE};
    CHECK_EQ_U64(plan_pick_open(&p, &pool, false, none, 1004).what, PLAN_GO);
    p.candidates[0].spent = p.candidates[1].spent = true;
    CHECK_EQ_U64(plan_pick_open(&p, &pool, false, none, 1004).what, PLAN_NONE);
    CHECK(plan_retry_ms(&p, &pool, 1004) > 3900 && plan_retry_ms(&p, &pool, 1004) < 4999);
    pools_make(&pool);
    make_plan(&p, GW_CODE);
    pools_break(&pool, 2, 1000);
    CHECK_EQ_U64(plan_pick_open(&p, &pool, false, none, 1004).what, PLAN_NONE); /* one of three */
    p.candidates[1].spent = p.candidates[2].spent = true;
    CHECK_EQ_U64(plan_pick_open(&p, &pool, false, none, 1004).what, PLAN_GO); /* all that is left */
}

static void test_trial_comes_first(void) {
    struct pool pool;
    pools_make(&pool);
    struct plan p = {.n = 0};
    make_conf();
    make_plan(&p, GW_CODE);
    pools_break(&pool, 2, 1000);
    p.careful = true;
    CHECK_EQ_U64(pick(&p, &pool, 7000), 3);
    pool_give(&pool, 3);
    CHECK_EQ_U64(pick(&p, &pool, 40000), 2); /* but not for ever */
    pools_make(&pool);
    pools_break(&pool, 2, 1000);
    p.careful = false;
    CHECK_EQ_U64(pick(&p, &pool, 7000), 2);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ_U64(pick(&p, &pool, 7001), i < 2 ? 3 : 0); /* one trial, and no more */
    }
}

static void test_slow_start(void) {
    struct pool pool;
    pools_make(&pool);
    struct breaker_grant grant;
    pools_break(&pool, 2, 1000);
    CHECK(pool_take(&pool, 2, 0, false, 7000, &grant));
    pool_succeeded(&pool, 2, &grant, 7000, true, (struct gw_time){7000, 0});
    pool_give(&pool, 2);
    pool_first_content(&pool, 2, 100, false, 0, 7000);
    CHECK(cost(&pool, 2, 7000) == 1000);
    CHECK(cost(&pool, 2, 12000) < 200 && cost(&pool, 2, 12000) > 100);
    CHECK(cost(&pool, 2, 17000) < 100);
}

static void test_home(void) {
    struct pool pool;
    pools_make(&pool);
    struct plan p = {.n = 0};
    uint32_t homes[2] = {0};
    make_conf();
    for (uint64_t talk = 1; talk <= 1000; talk++) {
        make_plan(&p, GW_CODE);
        plan_find_home(&p, talk * UINT64_C(0x123456789abcdef));
        homes[p.home]++;
    }
    CHECK(homes[0] > 400 && homes[1] > 400);
    make_plan(&p, GW_CODE);
    CHECK(p.home == PLAN_NOWHERE);
    plan_find_home(&p, 99);
    uint32_t home = p.candidates[p.home].backend->slot, other = home == 2 ? 3 : 2;
    for (int i = 0; i < 20; i++) {
        CHECK_EQ_U64(pick(&p, &pool, 1000 + i), home);
        pool_first_content(&pool, home, 40, false, 0, 1000 + i);
        pool_give(&pool, home);
    }
    /* It carries no more than 1.25 times its share. */
    CHECK_EQ_U64(pick(&p, &pool, 1100), home);
    CHECK_EQ_U64(pick(&p, &pool, 1100), home);
    CHECK_EQ_U64(pick(&p, &pool, 1100), other);
    pool_give(&pool, home), pool_give(&pool, home), pool_give(&pool, other);
    /* Like with like: it has read nine tenths of the prompt. The other would have to read all of it, though it
     * was quicker, with something short; and the home's average is of a prompt that was new to it. */
    p.bytes = 1000, p.unread = 100;
    pool_first_content(&pool, home, 4000, true, 1000, 1200);
    pool_first_content(&pool, other, 60, true, 40, 1200);
    CHECK_EQ_U64(pick(&p, &pool, 1201), home);
    pool_give(&pool, home);
    /* Nor does it keep who would wait more than twice as long. */
    for (int i = 0; i < 4; i++)
        pool_first_content(&pool, other, 20, true, 1000, 1202);
    pool_first_content(&pool, home, 4000, true, 100, 1202);
    CHECK_EQ_U64(pick(&p, &pool, 1203), other);
}

static void test_passed_over(void) {
    struct pool pool;
    pools_make(&pool);
    struct plan p = {.n = 0};
    uint32_t counts[GW_NODES] = {0};
    make_conf();
    for (int i = 0; i < 330; i++) {
        make_plan(&p, GW_CODE);
        uint32_t slot = pick(&p, &pool, 1000 + i);
        counts[slot]++;
        pool_first_content(&pool, slot, slot == 2 ? 1000 : 50, false, 0, 1000 + i);
        pool_give(&pool, slot);
    }
    CHECK(counts[2] >= 10 && counts[2] <= 12 && counts[2] + counts[3] == 330);
}

static void test_budget(void) {
    struct pool p;
    pools_make(&p);
    uint32_t taken = 0;
    while (pool_budget_take(&p, 0, 101000))
        taken++;
    CHECK_EQ_U64(taken, 20);
    CHECK(pool_budget_take(&p, 1, 101000)); /* each pool has its own */
    CHECK(!pool_budget_take(&p, 0, 101050) && pool_budget_take(&p, 0, 101100));
    for (int i = 0; i < 5; i++)
        pool_budget_pay(&p, 0, 101100);
    CHECK(pool_budget_take(&p, 0, 101100) && !pool_budget_take(&p, 0, 101100));
    taken = 0;
    for (int i = 0; i < 3000; i++) { /* 300 a second for 10 s, and every one would retry */
        double now = 101100 + i * 10000.0 / 3000;
        pool_budget_pay(&p, 0, now);
        taken += pool_budget_take(&p, 0, now);
    }
    CHECK(taken >= 690 && taken <= 700);
}

static void test_alternate(void) {
    struct pool pool;
    pools_make(&pool);
    struct plan p = {.n = 0};
    uint32_t counts[GW_NODES] = {0};
    make_conf();
    make_plan(&p, GW_BATCH);
    for (int i = 0; i < 100; i++) {
        uint32_t slot = pick(&p, &pool, 1000 + i);
        counts[slot]++;
        pool_first_content(&pool, slot, slot == 6 ? 3 : 9, false, 0, 1000 + i);
        pool_give(&pool, slot);
    }
    CHECK(counts[6] == 50 && counts[7] == 50);
    pool_first_content(&pool, 7, 500, false, 0, 1100);
    for (int i = 0; i < 10; i++) {
        uint32_t slot = pick(&p, &pool, 1101);
        CHECK_EQ_U64(slot, 6);
        pool_give(&pool, slot);
    }
}

/* Every node, and every service behind them: nothing is left out, and nothing twice. */
static void test_largest_plan(void) {
    struct pool pool;
    pools_make(&pool);
    struct plan p = {.n = 0};
    make_conf();
    for (uint32_t i = 0; i < GW_NODES; i++)
        conf.classes[GW_CODE].nodes[i] = i;
    conf.classes[GW_CODE].nodes_n = GW_NODES;
    for (uint32_t i = 0; i < GW_SERVICES; i++) {
        conf.services[i] = (struct backend_conf){.slot = GW_SLOT_SERVICE + i, .set = true};
        conf.overflow[i] = i;
    }
    conf.overflow_n = GW_SERVICES;
    make_plan(&p, GW_CODE);
    CHECK_EQ_U64(p.n, GW_NODES + GW_SERVICES);
    for (uint32_t i = 0; i < p.n; i++) {
        CHECK_EQ_U64(p.candidates[i].backend->slot, i);
        p.candidates[i].spent = true;
    }
    CHECK(!plan_is_left(&p, &pool, true, 1000));
}

/* A class without an endpoint has room for the nodes that register while a call waits. */
static void test_plan_grows(void) {
    struct plan p = {.n = 0};
    make_conf();
    for (uint32_t i = 0; i < GW_NODES; i++)
        conf.nodes[i].set = false;
    make_plan(&p, GW_CODE);
    CHECK_EQ_U64(p.n, 0);
    static const uint32_t nodes[] = {2, 3, 0};
    for (uint32_t i = 0; i < 3; i++) {
        conf.nodes[nodes[i]].set = true;
        CHECK(plan_renew(&p, &conf.nodes[nodes[i]], i == 2) && p.n == i + 1);
    }
    conf.nodes[5].set = true;
    CHECK(!plan_renew(&p, &conf.nodes[5], false) && p.n == 3); /* it is of another class */
}

static void test_plan_without_memory(void) {
    struct plan p = {.n = 7};
    struct gw_arena small;
    make_conf();
    conf.overflow_n = PLAN_FEW;
    gw_arena_init(&small, &mem.mem, 16, 16);
    CHECK(!plan_class(&p, &conf, GW_CODE, &small) && p.n == 0);
    CHECK(!plan_renew(&p, &conf.nodes[2], false));
    gw_arena_del(&small);
}

int main(void) {
    unit_mem_init(&mem, 0);
    gw_arena_init(&arena, &mem.mem, 4096, 1 << 20);
    RUN(test_slots);
    RUN(test_busy_doubles);
    RUN(test_cost);
    RUN(test_order);
    RUN(test_burst);
    RUN(test_open);
    RUN(test_trial_comes_first);
    RUN(test_slow_start);
    RUN(test_home);
    RUN(test_passed_over);
    RUN(test_budget);
    RUN(test_alternate);
    RUN(test_largest_plan);
    RUN(test_plan_grows);
    RUN(test_plan_without_memory);
    gw_arena_del(&arena);
    return unit_end();
}
