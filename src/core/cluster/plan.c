#include "core/cluster/plan.h"

enum { TIER_PAIR = 0, TIER_NODE_1 = 1, TIER_OVERFLOW = 2 };

/* Farther than any deadline, and still a number. */
#define NEVER 1e15

static void add(struct plan *p, const struct backend_conf *target, uint32_t tier) {
    if (!target->set || p->n == p->max)
        return;
    for (uint32_t i = 0; i < p->n; i++)
        if (p->target[i]->slot == target->slot)
            return;
    p->target[p->n] = target;
    p->tier[p->n] = (uint8_t)tier;
    p->spent[p->n] = p->later[p->n] = false;
    p->blame[p->n] = 0;
    p->n++;
}

static void point_to_few(struct plan *p) {
    p->grant = p->few.grant;
    p->target = p->few.target;
    p->limit_ms = p->few.limit_ms;
    p->tier = p->few.tier;
    p->blame = p->few.blame;
    p->spent = p->few.spent;
    p->later = p->few.later;
}

/* One piece of memory, cut into the arrays: those of the largest members come first. */
static bool point_to_arena(struct plan *p, uint32_t max, struct gw_arena *arena) {
    enum { EACH = sizeof *p->grant + sizeof *p->target + sizeof *p->limit_ms + 4 };
    p->grant = gw_arena_get(arena, (size_t)max * EACH);
    if (p->grant == NULL)
        return false;
    p->target = (void *)(p->grant + max);
    p->limit_ms = (void *)(p->target + max);
    p->tier = (void *)(p->limit_ms + max);
    p->blame = p->tier + max;
    p->spent = (void *)(p->blame + max);
    p->later = p->spent + max;
    return true;
}

static void start(struct plan *p, uint32_t budget) {
    p->n = 0;
    p->max = PLAN_FEW;
    p->home = PLAN_NOWHERE;
    p->budget = budget;
    p->careful = p->partial = false;
    p->bytes = p->unread = 0;
    point_to_few(p);
}

bool plan_class(struct plan *p, const struct config *conf, uint32_t class, struct gw_arena *arena) {
    const struct class_conf *own = &conf->classes[class];
    uint32_t max = own->nodes_n + 1 + conf->overflow_n;
    start(p, class);
    if (max > PLAN_FEW && !point_to_arena(p, max, arena)) {
        p->max = 0;
        return false;
    }
    p->max = max;
    for (uint32_t i = 0; i < own->nodes_n; i++)
        add(p, &conf->nodes[own->nodes[i]], TIER_PAIR);
    add(p, &conf->nodes[0], TIER_NODE_1);
    for (uint32_t i = 0; i < conf->overflow_n; i++)
        add(p, &conf->services[conf->overflow[i]], TIER_OVERFLOW + i);
    return true;
}

void plan_one(struct plan *p, const struct backend_conf *target) {
    start(p, GW_CLASSES);
    add(p, target, TIER_PAIR);
}

void plan_set_home(struct plan *p, uint32_t slot) {
    for (uint32_t i = 0; i < p->n; i++)
        if (p->target[i]->slot == slot && p->tier[i] == TIER_PAIR)
            p->home = i;
}

/* Rendezvous hashing: without a table it gives the same node in every shard and after every restart, and
 * when a node leaves only its own conversations move. */
void plan_find_home(struct plan *p, uint64_t conversation) {
    uint64_t best = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        uint64_t h = (conversation ^ (p->target[i]->slot + 1)) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 32;
        if (p->tier[i] == TIER_PAIR && (p->home == PLAN_NOWHERE || h > best)) {
            p->home = i;
            best = h;
        }
    }
}

bool plan_has_slot(const struct plan *p, uint32_t slot) {
    for (uint32_t i = 0; i < p->n; i++)
        if (p->target[i]->slot == slot)
            return true;
    return false;
}

bool plan_renew(struct plan *p, const struct backend_conf *node, bool last) {
    uint32_t n = p->n;
    for (uint32_t i = 0; i < p->n; i++) {
        const struct backend_conf *was = p->target[i];
        if (was->slot != node->slot)
            continue;
        if (was == node || !node->set ||
            (gw_str_eq(was->target.origin, node->target.origin) &&
             gw_str_eq(was->base, node->base)))
            return false;
        p->target[i] = node;
        p->spent[i] = p->later[i] = false;
        p->blame[i] = POOL_FINE;
        return true;
    }
    add(p, node, last ? TIER_NODE_1 : TIER_PAIR);
    return p->n > n;
}

static bool has_room(const struct plan *p, uint32_t i, const struct pool *pool,
                     bool first_in_line) {
    const struct backend_conf *t = p->target[i];
    if (!first_in_line && pool->backend[t->slot].waiting > 0)
        return false;
    if (p->partial && !pool_takes_uploads(pool, t->slot, t->in_flight_max))
        return false;
    return t->in_flight_max == 0 || pool_in_flight(pool, t->slot) < t->in_flight_max;
}

double plan_unread(const struct plan *p, uint32_t at) {
    return at == p->home ? p->unread : p->bytes;
}

/* A conversation stays with its node, unless that carries more than 1.25 times its share, or would take
 * more than twice as long as the other, which has to read all of it. */
static bool may_stay(const struct plan *p, const struct pool *pool, uint32_t other) {
    uint32_t x = p->target[p->home]->slot, y = p->target[other]->slot;
    uint64_t own = pool_in_flight(pool, x), all = own + pool_in_flight(pool, y) + 1;
    if (own >= (all * 5 + 7) / 8)
        return false;
    double own_ms = pool->backend[x].read_ms * p->unread, ms = pool->backend[y].read_ms * p->bytes;
    return own_ms <= 0 || ms <= 0 || own_ms <= 2 * ms;
}

/* Costs within a tenth of each other tie, and the one picked longest ago goes first. Otherwise a tiny
 * difference would send every lone request to the same node. */
static bool is_cheaper(const struct pool *pool, uint32_t x, uint32_t y, double now) {
    double cost_x = pool_cost(pool, x, now), cost_y = pool_cost(pool, y, now);
    if (cost_x < cost_y * 0.9)
        return true;
    return cost_x * 0.9 <= cost_y && pool->backend[x].picked < pool->backend[y].picked;
}

/* Its breaker waits for a trial, and this request may be it. */
static bool wants_trial(const struct plan *p, const struct pool *pool, uint32_t slot, double now) {
    struct breaker_view v;
    pool_look(pool, slot, now, &v);
    return v.state == BREAKER_HALF_OPEN && (!p->careful || now - v.until > PLAN_CAREFUL_MS);
}

static bool is_ready(const struct pool *pool, uint32_t slot, double now) {
    return pool_state_of(pool, slot, now) == POOL_READY;
}

/* It has long been passed over, and is idle: what is known of it may be old. */
static bool is_due(const struct plan *p, const struct pool *pool, uint32_t slot) {
    return p->home == PLAN_NOWHERE && pool->backend[slot].passed >= PLAN_PASSED_MAX &&
           pool_in_flight(pool, slot) == 0;
}

static bool is_better(const struct plan *p, const struct pool *pool, uint32_t a, uint32_t b,
                      double now) {
    uint32_t x = p->target[a]->slot, y = p->target[b]->slot;
    bool trial_x = wants_trial(p, pool, x, now), trial_y = wants_trial(p, pool, y, now);
    if (p->later[a] != p->later[b])
        return p->later[b];
    if (p->tier[a] != p->tier[b])
        return p->tier[a] < p->tier[b];
    if (trial_x != trial_y)
        return trial_x;
    if (is_ready(pool, x, now) != is_ready(pool, y, now))
        return is_ready(pool, x, now);
    if (a == p->home)
        return may_stay(p, pool, b);
    if (b == p->home)
        return !may_stay(p, pool, a);
    if (is_due(p, pool, x) != is_due(p, pool, y))
        return is_due(p, pool, x);
    return is_cheaper(pool, x, y, now);
}

static bool is_usable(const struct plan *p, const struct pool *pool, uint32_t i, double now) {
    enum pool_state state = pool_state_of(pool, p->target[i]->slot, now);
    return !p->spent[i] && (state == POOL_READY || state == POOL_HALF_OPEN);
}

static int best_ready(const struct plan *p, const struct pool *pool, bool first_in_line,
                      double now) {
    int best = -1;
    for (uint32_t i = 0; i < p->n; i++) {
        if (!is_usable(p, pool, i, now) || !has_room(p, i, pool, first_in_line))
            continue;
        if (best < 0 || is_better(p, pool, i, (uint32_t)best, now))
            best = (int)i;
    }
    return best;
}

/* If more than half of what is left to this call is open: the one that would be tried first anyway, in the
 * order of tiers. */
static int best_open(const struct plan *p, const struct pool *pool, double now) {
    int best = -1;
    uint32_t open = 0, left = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        uint32_t slot = p->target[i]->slot;
        left += !p->spent[i];
        if (p->spent[i] || pool_state_of(pool, slot, now) != POOL_DOWN)
            continue;
        open++;
        if (has_room(p, i, pool, false) &&
            (best < 0 || p->tier[i] < p->tier[best] ||
             (p->tier[i] == p->tier[best] &&
              pool_until(pool, slot, now) < pool_until(pool, p->target[best]->slot, now))))
            best = (int)i;
    }
    return open * 2 > left ? best : -1;
}

static struct plan_choice go(const struct plan *p, struct pool *pool, int at,
                             struct breaker_grant grant) {
    const struct backend_conf *t = p->target[at];
    for (uint32_t i = 0; i < p->n; i++)
        if (p->tier[i] == p->tier[at])
            pool->backend[p->target[i]->slot].passed++;
    pool->backend[t->slot].picked = ++pool->sequence;
    pool->backend[t->slot].passed = 0;
    return (struct plan_choice){.what = PLAN_GO, .at = (uint32_t)at, .grant = grant};
}

/* What there is to wait for when nothing is ready. */
static struct plan_choice worth_waiting(const struct plan *p, const struct pool *pool, double now) {
    struct plan_choice c = {.what = PLAN_NONE, .until_ms = NEVER};
    for (uint32_t i = 0; i < p->n; i++) {
        enum pool_state state = pool_state_of(pool, p->target[i]->slot, now);
        if (p->spent[i])
            continue;
        if (state == POOL_READY || state == POOL_HALF_OPEN)
            c.slot_may_free = true;
        double until = pool_until(pool, p->target[i]->slot, now);
        if (until > now && until < c.until_ms)
            c.until_ms = until;
        if (state != POOL_DOWN)
            c.what = PLAN_WAIT;
    }
    return c;
}

struct plan_choice plan_pick(const struct plan *p, struct pool *pool, bool first_in_line,
                             double now) {
    for (;;) {
        struct breaker_grant grant;
        int at = best_ready(p, pool, first_in_line, now);
        if (at < 0)
            return worth_waiting(p, pool, now);
        /* Another loop may have taken the last slot, or the permit, since: then it is not seen again. */
        if (pool_take(pool, p->target[at]->slot, p->target[at]->in_flight_max, false, now, &grant))
            return go(p, pool, at, grant);
    }
}

struct plan_choice plan_pick_open(const struct plan *p, struct pool *pool,
                                  struct plan_choice otherwise, double now) {
    struct breaker_grant grant;
    int at = best_open(p, pool, now);
    if (at >= 0 &&
        pool_take(pool, p->target[at]->slot, p->target[at]->in_flight_max, true, now, &grant))
        return go(p, pool, at, grant);
    return otherwise;
}

int plan_find(const struct plan *p, const struct pool *pool, uint32_t slot, double now) {
    for (uint32_t i = 0; i < p->n; i++)
        if (p->target[i]->slot == slot && is_usable(p, pool, i, now))
            return (int)i;
    return -1;
}

bool plan_is_left(const struct plan *p, const struct pool *pool, bool panicked, double now) {
    for (uint32_t i = 0; i < p->n; i++)
        if (!p->spent[i] && pool_state_of(pool, p->target[i]->slot, now) != POOL_DOWN)
            return true;
    return !panicked && best_open(p, pool, now) >= 0;
}

bool plan_has_other(const struct plan *p, const struct pool *pool, uint32_t at, double now) {
    for (uint32_t i = 0; i < p->n; i++)
        if (i != at && is_usable(p, pool, i, now))
            return true;
    return false;
}

bool plan_is_lone(const struct plan *p, const struct pool *pool, uint32_t at, double now) {
    for (uint32_t i = 0; i < p->n; i++)
        if (i != at && p->tier[i] == p->tier[at] &&
            pool_state_of(pool, p->target[i]->slot, now) == POOL_READY)
            return false;
    return true;
}

void plan_put_last(struct plan *p, uint32_t at) {
    for (uint32_t i = 0; i < p->n; i++)
        p->later[i] = p->later[i] || p->tier[i] == p->tier[at];
}

double plan_retry_ms(const struct plan *p, const struct pool *pool, double now) {
    double least = NEVER;
    for (uint32_t i = 0; i < p->n; i++) {
        double at = pool_until(pool, p->target[i]->slot, now);
        if (at > now && at - now < least)
            least = at - now;
    }
    return least < NEVER ? least : 1000;
}
