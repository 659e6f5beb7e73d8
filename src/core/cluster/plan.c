#include "core/cluster/plan.h"

#include "core/cluster/capacity.h"

enum { TIER_OVERFLOW = 2 }; /* behind the pair and node 1 */

/* Later than any deadline, and still a number. */
#define NEVER 1e15

bool plan_begin(struct plan *p, uint32_t budget, uint32_t max, struct gw_arena *arena) {
    p->n = 0;
    p->max = max;
    p->home = PLAN_NOWHERE;
    p->budget = budget;
    p->careful = p->partial = false;
    p->class_tier = p->class_link = 0;
    p->bytes = p->unread = 0;
    p->candidates = max <= PLAN_FEW ? p->few : gw_arena_get(arena, max * sizeof *p->candidates);
    if (p->candidates == NULL)
        p->max = 0;
    return p->candidates != NULL;
}

void plan_add(struct plan *p, struct plan_new new) {
    struct candidate *added = p->candidates + p->n;
    if (!new.backend->set || p->n == p->max)
        return;
    for (const struct candidate *c = p->candidates; c < added; c++)
        if (c->backend->slot == new.backend->slot && c->key == new.key && c->link == new.link)
            return;
    p->n++;
    added->backend = new.backend;
    added->model = new.model;
    added->key = new.key;
    added->link = new.link;
    added->tier = new.tier;
    added->is = new.is;
    added->spent = added->later = added->again = added->over = added->waits = false;
    added->refused = 0;
    added->blame = POOL_FINE;
}

static void add_node(struct plan *p, const struct backend_conf *node, enum plan_is is) {
    uint8_t tier = (uint8_t)(p->class_tier + (is == PLAN_NODE_1 ? 1 : 0));
    plan_add(p, (struct plan_new){
                    .backend = node, .link = p->class_link, .tier = tier, .is = (uint8_t)is});
}

/* The tier behind all that are there. */
static uint8_t next_tier(const struct plan *p) {
    uint8_t tier = 0;
    for (uint32_t i = 0; i < p->n; i++)
        if (p->candidates[i].tier >= tier)
            tier = (uint8_t)(p->candidates[i].tier + 1);
    return tier;
}

void plan_add_class(struct plan *p, const struct config *conf, uint32_t class, uint8_t link) {
    const struct class_conf *own = &conf->classes[class];
    p->class_tier = next_tier(p);
    p->class_link = link;
    for (uint32_t i = 0; i < own->nodes_n; i++)
        add_node(p, &conf->nodes[own->nodes[i]], PLAN_OF_PAIR);
    add_node(p, &conf->nodes[0], PLAN_NODE_1);
}

uint32_t plan_class_most(const struct config *conf, uint32_t class) {
    return conf->classes[class].nodes_n + 1;
}

bool plan_class(struct plan *p, const struct config *conf, uint32_t class, struct gw_arena *arena) {
    if (!plan_begin(p, class, plan_class_most(conf, class) + conf->overflow_n, arena))
        return false;
    plan_add_class(p, conf, class, 0);
    for (uint32_t i = 0; i < conf->overflow_n; i++)
        plan_add(p, (struct plan_new){.backend = &conf->services[conf->overflow[i]],
                                      .tier = (uint8_t)(TIER_OVERFLOW + i),
                                      .is = PLAN_OTHER});
    return true;
}

void plan_one(struct plan *p, const struct backend_conf *backend) {
    (void)plan_begin(p, GW_CLASSES, 1, NULL);
    plan_add(p, (struct plan_new){.backend = backend, .is = PLAN_OTHER});
}

uint32_t plan_provider_most(const struct config *conf, uint32_t index) {
    uint32_t n = conf->providers[index].keys_n;
    return n > 0 ? n : 1;
}

void plan_add_provider(struct plan *p, const struct config *conf, uint32_t index, uint32_t first,
                       uint64_t model, uint8_t link) {
    const struct provider_conf *from = &conf->providers[index];
    struct plan_new new = {.backend = &from->backend,
                           .model = model,
                           .key = POOL_NO_KEY,
                           .link = link,
                           .tier = next_tier(p),
                           .is = PLAN_OTHER};
    if (from->keys_n == 0)
        plan_add(p, new);
    for (uint32_t i = 0; i < from->keys_n; i++) {
        new.key = (uint8_t)(1 + (first + i) % from->keys_n);
        plan_add(p, new);
    }
}

void plan_add_with_own_key(struct plan *p, const struct config *conf, uint32_t index,
                           uint64_t model, uint8_t link) {
    plan_add(p, (struct plan_new){.backend = &conf->providers[index].backend,
                                  .model = model,
                                  .key = POOL_NO_KEY,
                                  .link = link,
                                  .tier = next_tier(p),
                                  .is = PLAN_OTHER});
}

void plan_set_home(struct plan *p, uint32_t slot) {
    for (uint32_t i = 0; i < p->n && p->home == PLAN_NOWHERE; i++)
        if (p->candidates[i].backend->slot == slot && p->candidates[i].is == PLAN_OF_PAIR)
            p->home = i;
}

/* Rendezvous hashing: without a table it gives the same node in every shard and after every restart, and
 * when a node leaves only its own conversations move. */
void plan_find_home(struct plan *p, uint64_t conversation) {
    uint64_t best = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        const struct candidate *c = &p->candidates[i];
        uint64_t h = (conversation ^ (c->backend->slot + 1)) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 32;
        if (c->is == PLAN_OF_PAIR && (p->home == PLAN_NOWHERE || h > best)) {
            p->home = i;
            best = h;
        }
    }
}

bool plan_has_slot(const struct plan *p, uint32_t slot) {
    for (uint32_t i = 0; i < p->n; i++)
        if (p->candidates[i].backend->slot == slot)
            return true;
    return false;
}

static bool is_same_place(const struct backend_conf *a, const struct backend_conf *b) {
    return a == b || (gw_str_eq(a->target.origin, b->target.origin) && gw_str_eq(a->base, b->base));
}

bool plan_renew(struct plan *p, const struct backend_conf *node, bool last) {
    uint32_t n = p->n;
    bool moved = false;
    for (struct candidate *c = p->candidates; c < p->candidates + n; c++) {
        if (c->backend->slot != node->slot)
            continue;
        if (!node->set || is_same_place(c->backend, node))
            return false;
        c->backend = node;
        c->spent = c->later = false;
        c->blame = POOL_FINE;
        moved = true;
    }
    if (!moved)
        add_node(p, node, last ? PLAN_NODE_1 : PLAN_OF_PAIR);
    return moved || p->n > n;
}

/* ------------------------------------------------------------------ what a candidate is worth */

/* Until when its own key or model rests. */
static double rests_until(const struct candidate *c, const struct pool *pool, double now) {
    double key = c->key == POOL_NO_KEY ? 0 : pool_rests_until(pool, c->backend->slot, c->key, now);
    double model = c->model == 0 ? 0 : overload_until(&pool->models, c->model, c->key, now);
    return key > model ? key : model;
}

/* A node has neither. */
static inline bool has_own(const struct candidate *c) {
    return (c->model | c->key) != 0;
}

bool plan_rests(const struct candidate *c, const struct pool *pool, double now) {
    return has_own(c) && rests_until(c, pool, now) > 0;
}

static enum pool_state own_state_of(const struct candidate *c, const struct pool *pool,
                                    double now) {
    if (c->model != 0 && overload_is_open(&pool->models, c->model, now))
        return POOL_DOWN;
    if (rests_until(c, pool, now) > 0)
        return POOL_COOLING;
    return pool_state_of(pool, c->backend->slot, now);
}

static inline enum pool_state state_of(const struct candidate *c, const struct pool *pool,
                                       double now) {
    return has_own(c) ? own_state_of(c, pool, now) : pool_state_of(pool, c->backend->slot, now);
}

enum pool_state plan_state_of(const struct candidate *c, const struct pool *pool, double now) {
    return state_of(c, pool, now);
}

double plan_until(const struct candidate *c, const struct pool *pool, double now) {
    double rests = has_own(c) ? rests_until(c, pool, now) : 0;
    double until = pool_until(pool, c->backend->slot, now);
    return rests > until ? rests : until;
}

static bool has_room(const struct plan *p, uint32_t i, const struct pool *pool, bool first_in_line,
                     double now) {
    const struct backend_conf *b = p->candidates[i].backend;
    uint32_t max = capacity_max(pool, b->slot, b->in_flight_max, now);
    if (max == 0)
        return true; /* what waits there waits for something else */
    if (!first_in_line && pool->backend[b->slot].waiting > 0)
        return false;
    if (p->partial && !pool_takes_uploads(pool, b->slot, b->in_flight_max))
        return false;
    return pool_in_flight(pool, b->slot) < max;
}

double plan_unread(const struct plan *p, uint32_t at) {
    return at == p->home ? p->unread : p->bytes;
}

/* A conversation stays with its node, unless that carries more than 1.25 times its share, or would take
 * more than twice as long as the other, which has to read all of it. */
static bool may_stay(const struct plan *p, const struct pool *pool, uint32_t other) {
    uint32_t x = p->candidates[p->home].backend->slot, y = p->candidates[other].backend->slot;
    uint32_t own = pool_in_flight(pool, x), all = own + pool_in_flight(pool, y) + 1;
    if (own >= (all * 5 + 7) / 8)
        return false;
    double own_ms = pool_read_ms(pool, x, p->unread), ms = pool_read_ms(pool, y, p->bytes);
    return own_ms <= 0 || ms <= 0 || own_ms <= 2 * ms;
}

/* Costs within a tenth of each other tie, and the one picked longest ago goes first. Otherwise a tiny
 * difference would send every lone request to the same node. */
static bool is_cheaper(const struct plan *p, const struct pool *pool, uint32_t a, uint32_t b,
                       double now) {
    uint32_t x = p->candidates[a].backend->slot, y = p->candidates[b].backend->slot;
    double ms_x = pool_latency(pool, x, now), ms_y = pool_latency(pool, y, now);
    /* One without history is held to be as quick as the other. If it were held to be quicker, the whole of
     * a burst would go there before its first content came. */
    if (ms_x <= 0)
        ms_x = ms_y > 0 ? ms_y : PLAN_UNKNOWN_MS;
    if (ms_y <= 0)
        ms_y = ms_x;
    double cost_x = pool_cost(pool, x, plan_unread(p, a), ms_x, now);
    double cost_y = pool_cost(pool, y, plan_unread(p, b), ms_y, now);
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

/* It has long been passed over, and is idle: what is known of it may be stale. */
static bool is_due(const struct plan *p, const struct pool *pool, uint32_t slot) {
    return p->home == PLAN_NOWHERE && pool->backend[slot].passed >= PLAN_PASSED_MAX &&
           pool_in_flight(pool, slot) == 0;
}

static bool is_better(const struct plan *p, const struct pool *pool, uint32_t a, uint32_t b,
                      double now) {
    const struct candidate *one = &p->candidates[a], *other = &p->candidates[b];
    uint32_t x = one->backend->slot, y = other->backend->slot;
    bool trial_x = wants_trial(p, pool, x, now), trial_y = wants_trial(p, pool, y, now);
    if (one->later != other->later)
        return other->later;
    if (one->tier != other->tier)
        return one->tier < other->tier;
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
    return is_cheaper(p, pool, a, b, now);
}

static bool is_usable(const struct candidate *c, const struct pool *pool, double now) {
    enum pool_state state = state_of(c, pool, now);
    return !c->spent && (state == POOL_READY || state == POOL_HALF_OPEN);
}

/* Beside which candidate another one is looked for, and how soon it is to serve. */
struct beside {
    uint32_t at;
    double soon_ms;
};

static bool is_beside(const struct plan *p, uint32_t i, const struct pool *pool,
                      const struct beside *b, double now) {
    const struct candidate *c = &p->candidates[i];
    uint32_t slot = c->backend->slot;
    if (c->is == PLAN_OTHER || c->link != p->candidates[b->at].link || !is_ready(pool, slot, now) ||
        slot == p->candidates[b->at].backend->slot)
        return false;
    double latency = pool_latency(pool, slot, now);
    return pool_in_flight(pool, slot) == 0 ||
           (latency > 0 && pool_cost(pool, slot, plan_unread(p, i), latency, now) < b->soon_ms);
}

/* `beside`: NULL, or what else it must be. */
static int best_ready(const struct plan *p, const struct pool *pool, bool first_in_line,
                      const struct beside *beside, double now) {
    int best = -1;
    for (uint32_t i = 0; i < p->n; i++) {
        if (!is_usable(&p->candidates[i], pool, now) || !has_room(p, i, pool, first_in_line, now))
            continue;
        if (beside != NULL && !is_beside(p, i, pool, beside, now))
            continue;
        if (best < 0 || is_better(p, pool, i, (uint32_t)best, now))
            best = (int)i;
    }
    return best;
}

/* Of two that are open. */
static bool is_less_bad(const struct candidate *a, const struct candidate *b,
                        const struct pool *pool, double now) {
    if (a->tier != b->tier)
        return a->tier < b->tier;
    return pool_until(pool, a->backend->slot, now) < pool_until(pool, b->backend->slot, now);
}

/* If more than half of what is left to this call is open: the one that would be tried first anyway, in the
 * order of tiers. */
static int best_open(const struct plan *p, const struct pool *pool, bool first_in_line,
                     double now) {
    int best = -1;
    uint32_t open = 0, left = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        const struct candidate *c = &p->candidates[i];
        left += !c->spent;
        if (c->spent || state_of(c, pool, now) != POOL_DOWN)
            continue;
        open++;
        if (has_room(p, i, pool, first_in_line, now) &&
            (best < 0 || is_less_bad(c, &p->candidates[best], pool, now)))
            best = (int)i;
    }
    return open * 2 > left ? best : -1;
}

static struct plan_choice go(const struct plan *p, struct pool *pool, int at,
                             struct breaker_grant grant) {
    const struct candidate *picked = &p->candidates[at];
    for (uint32_t i = 0; i < p->n; i++)
        if (p->candidates[i].tier == picked->tier)
            pool->backend[p->candidates[i].backend->slot].passed++;
    pool->backend[picked->backend->slot].picked = ++pool->sequence;
    pool->backend[picked->backend->slot].passed = 0;
    return (struct plan_choice){.what = PLAN_GO, .at = (uint32_t)at, .grant = grant};
}

/* What there is to wait for when nothing is ready. */
static struct plan_choice worth_waiting(const struct plan *p, const struct pool *pool, double now) {
    struct plan_choice choice = {.what = PLAN_NONE, .until_ms = NEVER};
    for (uint32_t i = 0; i < p->n; i++) {
        const struct candidate *c = &p->candidates[i];
        enum pool_state state = state_of(&p->candidates[i], pool, now);
        if (c->spent)
            continue;
        if (state == POOL_READY || state == POOL_HALF_OPEN)
            choice.slot_may_free = true;
        double until = plan_until(c, pool, now);
        if (until > now && until < choice.until_ms)
            choice.until_ms = until;
        if (state != POOL_DOWN)
            choice.what = PLAN_WAIT;
    }
    return choice;
}

static bool take(const struct plan *p, struct pool *pool, int at, bool forced, double now,
                 struct breaker_grant *grant) {
    const struct backend_conf *b = p->candidates[at].backend;
    uint32_t max = capacity_max(pool, b->slot, b->in_flight_max, now);
    if (!pool_take(pool, b->slot, max, forced, now, grant))
        return false;
    capacity_took(pool, b->slot, now);
    if (p->candidates[at].model != 0)
        overload_take(&pool->models, p->candidates[at].model, now);
    return true;
}

bool plan_take(const struct plan *p, struct pool *pool, uint32_t at, double now,
               struct breaker_grant *grant) {
    return take(p, pool, (int)at, false, now, grant);
}

double plan_wait_ms(const struct plan *p, const struct pool *pool, double now) {
    double rate = 0;
    uint32_t ahead = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        const struct backend_conf *b = p->candidates[i].backend;
        if (!is_usable(&p->candidates[i], pool, now))
            continue;
        rate += capacity_rate(pool, b->slot, b->in_flight_max);
        if (pool->backend[b->slot].waiting > ahead)
            ahead = pool->backend[b->slot].waiting;
    }
    return rate > 0 ? (ahead + 1) / rate : 0;
}

struct plan_choice plan_pick(const struct plan *p, struct pool *pool, bool first_in_line,
                             double now) {
    for (;;) {
        struct breaker_grant grant;
        int at = best_ready(p, pool, first_in_line, NULL, now);
        if (at < 0)
            return worth_waiting(p, pool, now);
        /* Another loop may have taken the last slot or the permit since: the next look will tell. */
        if (take(p, pool, at, false, now, &grant))
            return go(p, pool, at, grant);
    }
}

struct plan_choice plan_pick_beside(const struct plan *p, struct pool *pool, uint32_t at,
                                    double soon_ms, double now) {
    const struct beside beside = {at, soon_ms};
    struct breaker_grant grant;
    int best = best_ready(p, pool, false, &beside, now);
    if (best >= 0 && take(p, pool, best, false, now, &grant))
        return go(p, pool, best, grant);
    return (struct plan_choice){.what = PLAN_NONE};
}

struct plan_choice plan_pick_open(const struct plan *p, struct pool *pool, bool first_in_line,
                                  struct plan_choice otherwise, double now) {
    struct breaker_grant grant;
    int at = best_open(p, pool, first_in_line, now);
    if (at >= 0 && take(p, pool, at, true, now, &grant))
        return go(p, pool, at, grant);
    return otherwise;
}

int plan_find(const struct plan *p, const struct pool *pool, uint32_t slot, double now) {
    int best = -1;
    for (uint32_t i = 0; i < p->n; i++)
        if (p->candidates[i].backend->slot == slot && is_usable(&p->candidates[i], pool, now) &&
            (best < 0 || (p->candidates[best].later && !p->candidates[i].later)))
            best = (int)i;
    return best;
}

bool plan_is_left(const struct plan *p, const struct pool *pool, bool panicked, double now) {
    for (uint32_t i = 0; i < p->n; i++)
        if (!p->candidates[i].spent && state_of(&p->candidates[i], pool, now) != POOL_DOWN)
            return true;
    return !panicked && best_open(p, pool, false, now) >= 0;
}

bool plan_has_other(const struct plan *p, const struct pool *pool, uint32_t at, double now) {
    for (uint32_t i = 0; i < p->n; i++)
        if (i != at && is_usable(&p->candidates[i], pool, now))
            return true;
    return false;
}

bool plan_has_twin(const struct plan *p, const struct pool *pool, uint32_t at, double now) {
    for (uint32_t i = 0; i < p->n; i++)
        if (i != at && p->candidates[i].link == p->candidates[at].link &&
            is_usable(&p->candidates[i], pool, now))
            return true;
    return false;
}

void plan_spend_link(struct plan *p, uint32_t at) {
    for (uint32_t i = 0; i < p->n; i++)
        if (p->candidates[i].link == p->candidates[at].link)
            p->candidates[i].spent = p->candidates[i].over = true;
}

void plan_stay_in_link(struct plan *p, uint32_t at) {
    for (uint32_t i = 0; i < p->n; i++)
        if (p->candidates[i].link != p->candidates[at].link)
            p->candidates[i].spent = p->candidates[i].over = true;
}

bool plan_is_lone(const struct plan *p, const struct pool *pool, uint32_t at, double now) {
    const struct candidate *own = &p->candidates[at];
    for (uint32_t i = 0; i < p->n; i++) {
        const struct candidate *c = &p->candidates[i];
        if (c->backend->slot != own->backend->slot && c->tier == own->tier &&
            state_of(&p->candidates[i], pool, now) == POOL_READY)
            return false;
    }
    return true;
}

void plan_put_last(struct plan *p, uint32_t at) {
    for (uint32_t i = 0; i < p->n; i++)
        if (p->candidates[i].tier == p->candidates[at].tier)
            p->candidates[i].later = true;
}

double plan_retry_ms(const struct plan *p, const struct pool *pool, double now) {
    double least = NEVER;
    for (uint32_t i = 0; i < p->n; i++) {
        double at = plan_until(&p->candidates[i], pool, now);
        if (at > now && at - now < least)
            least = at - now;
    }
    return least < NEVER ? least : 1000;
}
