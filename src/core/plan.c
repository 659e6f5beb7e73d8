#include "core/plan.h"

enum { TIER_PAIR = 0, TIER_NODE_1 = 1, TIER_OVERFLOW = 2 };

/* Farther than any deadline, and still a number. */
#define NEVER 1e15

static void add(struct plan *p, const struct gw_backend_conf *target, uint32_t tier) {
    if (!target->set || p->n == PLAN_MAX)
        return;
    for (uint32_t i = 0; i < p->n; i++)
        if (p->target[i]->slot == target->slot)
            return;
    p->target[p->n] = target;
    p->tier[p->n] = (uint8_t)tier;
    p->spent[p->n] = p->errored[p->n] = false;
    p->n++;
}

void plan_class(struct plan *p, const struct gw_conf *conf, uint32_t class) {
    p->n = 0;
    for (uint32_t i = 0; i < conf->classes[class].nodes_n; i++)
        add(p, &conf->nodes[conf->classes[class].nodes[i]], TIER_PAIR);
    add(p, &conf->nodes[0], TIER_NODE_1);
    for (uint32_t i = 0; i < conf->overflow_n; i++)
        add(p, &conf->services[conf->overflow[i]], TIER_OVERFLOW + i);
}

void plan_one(struct plan *p, const struct gw_backend_conf *target) {
    p->n = 0;
    add(p, target, TIER_PAIR);
}

static bool has_room(const struct gw_backend_conf *t, const struct pool *pool, bool first_in_line) {
    if (!first_in_line && pool->backend[t->slot].waiting > 0)
        return false;
    return t->in_flight_max == 0 || pool_in_flight(pool, t->slot) < t->in_flight_max;
}

/* Costs within a tenth of each other tie, and of those the one picked longest ago goes first: else
 * a hair's breadth would send every lone request to the same node. */
static bool is_better(const struct plan *p, const struct pool *pool, uint32_t a, uint32_t b,
                      double now) {
    uint32_t x = p->target[a]->slot, y = p->target[b]->slot;
    double cost_x = pool_cost(pool, x, now), cost_y = pool_cost(pool, y, now);
    if (p->tier[a] != p->tier[b])
        return p->tier[a] < p->tier[b];
    if (cost_x < cost_y * 0.9)
        return true;
    return cost_x * 0.9 <= cost_y && pool->backend[x].picked < pool->backend[y].picked;
}

static int best_ready(const struct plan *p, const struct pool *pool, bool first_in_line,
                      double now) {
    int best = -1;
    for (uint32_t i = 0; i < p->n; i++) {
        const struct gw_backend_conf *t = p->target[i];
        if (p->spent[i] || pool_state_of(pool, t->slot, now) != POOL_READY ||
            !has_room(t, pool, first_in_line))
            continue;
        if (best < 0 || is_better(p, pool, i, (uint32_t)best, now))
            best = (int)i;
    }
    return best;
}

/* The offline one that has been left alone longest, in the order of tiers. */
static int best_down(const struct plan *p, const struct pool *pool, double now) {
    int best = -1;
    for (uint32_t i = 0; i < p->n; i++) {
        uint32_t slot = p->target[i]->slot;
        if (p->spent[i] || pool_state_of(pool, slot, now) != POOL_DOWN ||
            !has_room(p->target[i], pool, false))
            continue;
        if (best < 0 || p->tier[i] < p->tier[best] ||
            (p->tier[i] == p->tier[best] &&
             pool->backend[slot].down_until < pool->backend[p->target[best]->slot].down_until))
            best = (int)i;
    }
    return best;
}

static struct plan_choice go(const struct plan *p, struct pool *pool, int at) {
    const struct gw_backend_conf *t = p->target[at];
    pool->backend[t->slot].picked = ++pool->sequence;
    return (struct plan_choice){.what = PLAN_GO, .at = (uint32_t)at};
}

/* What there is to wait for when nothing is ready. */
static struct plan_choice wait(const struct plan *p, const struct pool *pool, double now) {
    struct plan_choice c = {.what = PLAN_NONE, .until_ms = NEVER};
    for (uint32_t i = 0; i < p->n; i++) {
        const struct pool_backend *b = &pool->backend[p->target[i]->slot];
        enum pool_state state = pool_state_of(pool, p->target[i]->slot, now);
        if (p->spent[i])
            continue;
        if (state == POOL_READY)
            c.slot_may_free = true;
        if (state == POOL_COOLING && b->cool_until < c.until_ms)
            c.until_ms = b->cool_until;
        if (state == POOL_READY || state == POOL_COOLING)
            c.what = PLAN_WAIT;
    }
    return c;
}

struct plan_choice plan_pick(const struct plan *p, struct pool *pool, bool first_in_line,
                             double now) {
    for (;;) {
        int at = best_ready(p, pool, first_in_line, now);
        if (at < 0)
            break;
        /* Another loop may have taken the last slot since: then it is full, and not seen again. */
        if (pool_take(pool, p->target[at]->slot, p->target[at]->in_flight_max))
            return go(p, pool, at);
    }
    struct plan_choice c = wait(p, pool, now);
    if (c.what == PLAN_WAIT)
        return c;
    return plan_pick_down(p, pool, c, now);
}

struct plan_choice plan_pick_down(const struct plan *p, struct pool *pool,
                                  struct plan_choice otherwise, double now) {
    int down = best_down(p, pool, now);
    if (down >= 0 && pool_take(pool, p->target[down]->slot, p->target[down]->in_flight_max))
        return go(p, pool, down);
    return otherwise;
}

int plan_find(const struct plan *p, const struct pool *pool, uint32_t slot, double now) {
    for (uint32_t i = 0; i < p->n; i++)
        if (p->target[i]->slot == slot && !p->spent[i] &&
            pool_state_of(pool, slot, now) == POOL_READY)
            return (int)i;
    return -1;
}

bool plan_has_other(const struct plan *p, uint32_t at) {
    for (uint32_t i = 0; i < p->n; i++)
        if (i != at && !p->spent[i])
            return true;
    return false;
}

double plan_retry_ms(const struct plan *p, const struct pool *pool, double now) {
    double least = NEVER;
    for (uint32_t i = 0; i < p->n; i++) {
        const struct pool_backend *b = &pool->backend[p->target[i]->slot];
        double at = b->cool_until > b->down_until ? b->cool_until : b->down_until;
        if (at > now && at - now < least)
            least = at - now;
    }
    return least < NEVER ? least : 1000;
}
