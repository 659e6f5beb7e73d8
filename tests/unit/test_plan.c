/* Plans whose candidates share backends: chains of models, keys that rest. test_pool.c has the order of
 * attempts at backends of one candidate each. */
#include "core/cluster/plan.h"

#include "pools.h"
#include "unit.h"

enum { A = 8, B = 9 }; /* slots */

static const struct backend_conf openai = {.slot = A, .in_flight_max = 2, .set = true};
static const struct backend_conf groq = {.slot = B, .set = true};
enum { BIG = 1, SMALL = 2 }; /* links of a chain, each with a model of its own */

static void add(struct plan *p, const struct backend_conf *to, uint8_t link, uint8_t key,
                uint8_t tier) {
    plan_add(p, (struct plan_new){.backend = to, .link = link, .key = key, .tier = tier});
}

static void begin(struct plan *p) {
    CHECK(plan_begin(p, GW_CLASSES, PLAN_FEW, NULL) && p->n == 0);
}

/* openai/big, then openai/small, then groq/small. */
static void make_chain(struct plan *p) {
    begin(p);
    add(p, &openai, BIG, 1, 0);
    add(p, &openai, SMALL, 1, 1);
    add(p, &groq, SMALL, 1, 2);
    CHECK_EQ_U64(p->n, 3);
}

/* The index that is picked, and given back at once; or 100 and why there is none. */
static uint32_t pick(const struct plan *p, struct pool *pool, double now) {
    struct plan_choice c = plan_pick(p, pool, false, now);
    if (c.what != PLAN_GO)
        return 100 + (uint32_t)c.what;
    pool_let_go(pool, p->candidates[c.at].backend->slot, &c.grant, now);
    pool_give(pool, p->candidates[c.at].backend->slot);
    return c.at;
}

/* Two candidates are the same if backend, link and key are. */
static void test_same(void) {
    struct plan p;
    make_chain(&p);
    add(&p, &openai, SMALL, 1, 3);
    CHECK_EQ_U64(p.n, 3);
    add(&p, &openai, SMALL, 2, 3);
    add(&p, &openai, 0, 1, 3);
    CHECK_EQ_U64(p.n, 5);
    add(&p, &(struct backend_conf){.slot = 10}, BIG, 1, 3); /* not set */
    CHECK_EQ_U64(p.n, 5);
    CHECK(plan_has_slot(&p, A) && plan_has_slot(&p, B) && !plan_has_slot(&p, 10));
    for (uint8_t key = 2; key < 20; key++)
        add(&p, &groq, SMALL, key, 4);
    CHECK_EQ_U64(p.n, PLAN_FEW);
}

/* What is spent is the candidate, not its backend. */
static void test_chain(void) {
    struct pool pool;
    struct plan p;
    pools_make(&pool);
    make_chain(&p);
    for (uint32_t i = 0; i < 3; i++) {
        CHECK_EQ_U64(pick(&p, &pool, 1000), i);
        CHECK(plan_has_other(&p, &pool, i, 1000) == (i < 2));
        p.candidates[i].spent = true;
    }
    CHECK_EQ_U64(pick(&p, &pool, 1000), 100 + PLAN_NONE);
    CHECK(!plan_is_left(&p, &pool, true, 1000));
}

/* What is full or down is the backend, with all its candidates. */
static void test_backend(void) {
    struct pool pool;
    struct plan p;
    struct breaker_grant grant;
    pools_make(&pool);
    make_chain(&p);
    for (uint32_t i = 0; i < openai.in_flight_max; i++)
        CHECK(pool_take(&pool, A, openai.in_flight_max, false, 1000, &grant));
    CHECK_EQ_U64(pick(&p, &pool, 1000), 2);
    /* Its freed slot is for the first of them that is not put last. */
    CHECK(plan_find(&p, &pool, A, 1000) == 0 && plan_find(&p, &pool, B, 1000) == 2);
    p.candidates[0].later = true;
    CHECK(plan_find(&p, &pool, A, 1000) == 1);
    p.candidates[1].spent = true;
    CHECK(plan_find(&p, &pool, A, 1000) == 0);
    p.candidates[0].later = p.candidates[1].spent = false;
    pool_give(&pool, A);
    pools_break(&pool, A, 1000);
    CHECK_EQ_U64(pick(&p, &pool, 1001), 2);
    CHECK(plan_find(&p, &pool, A, 1001) == -1);
}

/* Of two keys one rests: its candidates alone are unusable, in all loops. */
static void test_key_rests(void) {
    struct pool pool, other;
    struct plan p;
    pools_make(&pool);
    other = pool;
    make_chain(&p);
    add(&p, &openai, SMALL, 2, 1);
    pool_rest(&pool, A, 1, 60000);
    CHECK(pool_rests_until(&pool, A, 1, 1000) == 60000 &&
          pool_rests_until(&pool, A, 2, 1000) == 0 && pool_rests_until(&pool, B, 1, 1000) == 0);
    CHECK(plan_state_of(&p.candidates[0], &pool, 1000) == POOL_COOLING &&
          plan_state_of(&p.candidates[3], &pool, 1000) == POOL_READY);
    CHECK(pool_state_of(&pool, A, 1000) == POOL_READY);
    CHECK_EQ_U64(pick(&p, &pool, 1000), 3);
    CHECK_EQ_U64(pick(&p, &other, 1000), 3);
    CHECK_EQ_U64(pick(&p, &pool, 60000), 0);
    pool_forget(&pool, A);
    CHECK_EQ_U64(pick(&p, &pool, 1000), 0);
}

/* All of them: that is worth a wait until the first is back, and no reason to try what is refused. */
static void test_keys_rest(void) {
    struct pool pool;
    struct plan p;
    pools_make(&pool);
    begin(&p);
    add(&p, &openai, BIG, 1, 0);
    add(&p, &openai, BIG, 2, 0);
    pool_rest(&pool, A, 1, 9000);
    pool_rest(&pool, A, 2, 4490); /* to the sixteenth of a second */
    struct plan_choice c = plan_pick(&p, &pool, false, 1000);
    CHECK(c.what == PLAN_WAIT && !c.slot_may_free && c.until_ms == 4500);
    CHECK(plan_retry_ms(&p, &pool, 1000) == 3500);
    pools_break(&pool, A, 1000);
    CHECK(plan_pick_open(&p, &pool, false, c, 1001).what == PLAN_WAIT);
    pool_rest(&pool, A, 2, 0);
    CHECK(plan_pick_open(&p, &pool, false, c, 1001).what == PLAN_WAIT); /* one of two is open */
    pool_rest(&pool, A, 1, 0);
    c = plan_pick_open(&p, &pool, false, c, 1001);
    CHECK(c.what == PLAN_GO && c.at == 0);
}

/* Another model of the same backend does not stand in for it; nor does a backend whose key rests. */
static void test_lone(void) {
    struct pool pool;
    struct plan p;
    pools_make(&pool);
    begin(&p);
    add(&p, &openai, SMALL, 1, 0);
    add(&p, &openai, SMALL, 2, 0);
    CHECK(plan_is_lone(&p, &pool, 0, 1000));
    add(&p, &groq, SMALL, 1, 0);
    CHECK(!plan_is_lone(&p, &pool, 0, 1000) && !plan_is_lone(&p, &pool, 2, 1000));
    pool_rest(&pool, B, 1, 2000);
    CHECK(plan_is_lone(&p, &pool, 0, 1000) && !plan_is_lone(&p, &pool, 2, 1000));
}

/* A tier is what is alike: what one refuses, all will. */
static void test_put_last(void) {
    struct pool pool;
    struct plan p;
    pools_make(&pool);
    make_chain(&p);
    add(&p, &groq, BIG, 1, 0);
    plan_put_last(&p, 0);
    CHECK_EQ_U64(pick(&p, &pool, 1000), 1);
    p.candidates[1].spent = p.candidates[2].spent = true;
    CHECK_EQ_U64(pick(&p, &pool, 1000), 3); /* the two of them are in turn */
    CHECK_EQ_U64(pick(&p, &pool, 1000), 0);
}

/* A node that is found at another URL is so with all its models; its home is the first of them. */
static void test_node(void) {
    struct plan p;
    struct backend_conf node = {.slot = 1, .set = true}, moved = node;
    moved.target.origin = GW_STR("http://127.0.0.1:2");
    begin(&p);
    add(&p, &node, BIG, POOL_NO_KEY, 0);
    add(&p, &node, SMALL, POOL_NO_KEY, 0);
    plan_set_home(&p, 1);
    CHECK_EQ_U64(p.home, 0);
    p.candidates[1].spent = true;
    CHECK(!plan_renew(&p, &node, false) && p.candidates[1].spent);
    CHECK(plan_renew(&p, &moved, false) && p.n == 2 && !p.candidates[1].spent);
    CHECK(p.candidates[0].backend == &moved && p.candidates[1].backend == &moved);
    CHECK_EQ_U64(p.candidates[1].link, SMALL);
}

int main(void) {
    RUN(test_same);
    RUN(test_chain);
    RUN(test_backend);
    RUN(test_key_rests);
    RUN(test_keys_rest);
    RUN(test_lone);
    RUN(test_put_last);
    RUN(test_node);
    return unit_end();
}
