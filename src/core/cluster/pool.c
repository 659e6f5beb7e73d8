#include "core/cluster/pool.h"

#include <stdatomic.h>

#include "core/cluster/capacity.h"
#include "core/cluster/cells.h"

enum {
    COOL_LEAST_MS = 100, /* "Retry-After: 0": a different target first */
    COOL_FIRST_MS = 1000,
    COOL_LAST_MS = 30000,
    LONE_RECOVERY_MS = 20000, /* the longest that a target without a healthy twin is left alone */
    SLOW_START_MS = 10000,
    SLOW_START_LEAST = 10, /* at first it counts as so many times slower */
    EWMA_DECAY_MS = 10000,
    READ_LONG = 2048, /* bytes of a long prompt */
    /* Differences below this are the network's noise, not a node's load: such nodes tie. */
    EWMA_FLOOR_MS = 20,
    /* Units of the budget: a retry costs 100, a request pays in 20, and a millisecond 1. */
    RETRY_UNITS = 100,
    REQUEST_UNITS = 20,
    BUDGET_MAX = 20 * RETRY_UNITS,
    BUDGET_BITS = 16,
};

/* In what the time that a key rests is counted. The edge's monotonic time begins in 1970: of what it is in
 * these, the lower 32 bits are kept, and compared by their distance. */
#define REST_MS 62.5

static uint32_t rest_units(double ms) {
    return (uint32_t)(uint64_t)(ms / REST_MS);
}

static struct cells_backend *cells_at(const struct pool *p, uint32_t slot) {
    return &cells_of(&p->cells)->backend[slot];
}

static uint64_t *breaker_of(const struct pool *p, uint32_t slot) {
    return cells_at(p, slot)->breaker;
}

struct gw_str pool_trouble_name(uint32_t trouble) {
    static const struct gw_str names[POOL_TROUBLES] = {
        [POOL_FINE] = GW_STR_INIT("recovered"),
        [POOL_BUSY] = GW_STR_INIT("busy"),
        [POOL_REFUSED] = GW_STR_INIT("refused"),
        [POOL_DNS] = GW_STR_INIT("does not resolve"),
        [POOL_TLS] = GW_STR_INIT("failed TLS"),
        [POOL_CONNECT_TIME] = GW_STR_INIT("did not connect in time"),
        [POOL_JUNK] = GW_STR_INIT("did not speak HTTP"),
        [POOL_RESET] = GW_STR_INIT("reset"),
        [POOL_LATE] = GW_STR_INIT("timed out"),
        [POOL_OFFLINE] = GW_STR_INIT("offline"),
        [POOL_ERRORED] = GW_STR_INIT("answered 500"),
        [POOL_CUT] = GW_STR_INIT("cut a stream"),
        [POOL_SILENT] = GW_STR_INIT("went silent"),
        [POOL_PROBED] = GW_STR_INIT("failed a probe"),
    };
    return names[trouble < POOL_TROUBLES ? trouble : POOL_OFFLINE];
}

void pool_look(const struct pool *p, uint32_t slot, double now, struct breaker_view *out) {
    breaker_look(breaker_of(p, slot), now, out);
}

enum pool_state pool_state_of(const struct pool *p, uint32_t slot, double now) {
    struct breaker_view v;
    pool_look(p, slot, now, &v);
    if (v.state == BREAKER_OPEN || v.state == BREAKER_TRIAL)
        return POOL_DOWN;
    if (p->backend[slot].cool_until > now)
        return POOL_COOLING;
    return v.state == BREAKER_HALF_OPEN ? POOL_HALF_OPEN : POOL_READY;
}

double pool_until(const struct pool *p, uint32_t slot, double now) {
    struct breaker_view v;
    pool_look(p, slot, now, &v);
    double at = p->backend[slot].cool_until > now ? p->backend[slot].cool_until : 0;
    return v.until > now && v.until > at ? v.until : at;
}

uint32_t pool_in_flight(const struct pool *p, uint32_t slot) {
    return atomic_load_explicit(&cells_at(p, slot)->in_flight, memory_order_relaxed);
}

static bool take_slot(struct pool *p, uint32_t slot, uint32_t max) {
    uint32_t now = pool_in_flight(p, slot);
    do {
        if (max > 0 && now >= max)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&cells_at(p, slot)->in_flight, &now, now + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

bool pool_take(struct pool *p, uint32_t slot, uint32_t max, bool forced, double now,
               struct breaker_grant *grant) {
    if (!take_slot(p, slot, max))
        return false;
    if (forced)
        breaker_force(breaker_of(p, slot), grant);
    else if (!breaker_ask(breaker_of(p, slot), now, grant)) {
        pool_give(p, slot);
        return false;
    }
    return true;
}

void pool_give(struct pool *p, uint32_t slot) {
    atomic_fetch_sub_explicit(&cells_at(p, slot)->in_flight, 1, memory_order_relaxed);
}

bool pool_takes_uploads(const struct pool *p, uint32_t slot, uint32_t max) {
    uint32_t now = atomic_load_explicit(&cells_at(p, slot)->uploads, memory_order_relaxed);
    return max == 0 || now < (max + 1) / 2;
}

void pool_upload(struct pool *p, uint32_t slot, bool begins) {
    atomic_fetch_add_explicit(&cells_at(p, slot)->uploads, begins ? 1 : UINT32_MAX,
                              memory_order_relaxed);
}

void pool_rest(struct pool *p, uint32_t slot, uint32_t key, double until) {
    atomic_store_explicit(&cells_at(p, slot)->key_rests_until[key - 1],
                          rest_units(until + REST_MS - 1), memory_order_relaxed);
}

double pool_rests_until(const struct pool *p, uint32_t slot, uint32_t key, double now) {
    uint32_t until =
        atomic_load_explicit(&cells_at(p, slot)->key_rests_until[key - 1], memory_order_relaxed);
    int32_t ahead = (int32_t)(until - rest_units(now));
    return until != 0 && ahead > 0 ? now + REST_MS * ahead : 0;
}

void pool_forget(struct pool *p, uint32_t slot) {
    uint32_t waiting = p->backend[slot].waiting, awaiting = p->backend[slot].awaiting;
    double silent_from = p->backend[slot].silent_from;
    p->backend[slot] =
        (struct pool_backend){.waiting = waiting, .awaiting = awaiting, .silent_from = silent_from};
    for (uint32_t i = 0; i < CELLS_KEYS; i++)
        atomic_store_explicit(&cells_at(p, slot)->key_rests_until[i], 0, memory_order_relaxed);
    capacity_forget(p, slot);
    breaker_forget(breaker_of(p, slot));
}

/* ------------------------------------------------------------------ the cost of a request */

/* e^-x for x >= 0 to a few per cent: enough for a moving average, and the same on every host. */
static double decay(double x) {
    double y = 1 + x / 8;
    y *= y;
    y *= y;
    y *= y;
    return 1 / y;
}

/* A node that is just back has cold caches and an empty queue: it gets its share gradually. */
static double slow_start(const struct pool_backend *b, double now) {
    double age = now - b->closed_at;
    if (b->closed_at <= 0 || age >= SLOW_START_MS)
        return 1;
    double factor = SLOW_START_MS / (age > 1 ? age : 1);
    return factor < SLOW_START_LEAST ? factor : SLOW_START_LEAST;
}

double pool_latency(const struct pool *p, uint32_t slot, double now) {
    const struct pool_backend *b = &p->backend[slot];
    if (b->ewma_at <= 0)
        return 0;
    double ewma = b->ewma_ms * decay((now - b->ewma_at) / EWMA_DECAY_MS);
    return ewma < EWMA_FLOOR_MS ? EWMA_FLOOR_MS : ewma;
}

double pool_cost(const struct pool *p, uint32_t slot, double unread, double latency, double now) {
    const struct pool_backend *b = &p->backend[slot];
    double read_ms = b->read_long_ms * unread;
    if (b->reads_until > now)
        read_ms += b->reads_until - now;
    return latency * slow_start(b, now) * (double)(pool_in_flight(p, slot) + 1) + read_ms +
           pool_silence(p, slot, now);
}

void pool_awaits(struct pool *p, uint32_t slot, double now) {
    struct pool_backend *b = &p->backend[slot];
    if (b->awaiting++ == 0)
        b->silent_from = now;
}

/* What it did not take of the time until then, those behind it need not wait for. */
static void read_early(struct pool_backend *b, double reads_until, double now) {
    if (reads_until > now)
        b->reads_until -= reads_until - now;
    if (b->reads_until < now || b->awaiting == 0)
        b->reads_until = now;
}

void pool_awaits_no_more(struct pool *p, uint32_t slot, bool content, double reads_until,
                         double now) {
    struct pool_backend *b = &p->backend[slot];
    b->awaiting--;
    read_early(b, reads_until, now);
    if (content)
        b->silent_from = now;
}

double pool_silence(const struct pool *p, uint32_t slot, double now) {
    const struct pool_backend *b = &p->backend[slot];
    return b->awaiting > 0 ? now - b->silent_from : 0;
}

/* By prompts of like length, because each has a part that does not depend on it. */
double pool_read_ms(const struct pool *p, uint32_t slot, double bytes) {
    const struct pool_backend *b = &p->backend[slot];
    bool by_long = bytes >= READ_LONG && b->read_long_ms > 0;
    return bytes * (by_long ? b->read_long_ms : b->read_ms);
}

double pool_reads_from(struct pool *p, uint32_t slot, double unread, double now, double *until) {
    struct pool_backend *b = &p->backend[slot];
    double from = b->reads_until > now ? b->reads_until : now;
    *until = b->reads_until = from + b->read_long_ms * unread;
    return from;
}

static void average(double *mean, double last) {
    const double weight = 0.5; /* of the last one */
    *mean = *mean > 0 ? *mean * (1 - weight) + last * weight : last;
}

/* Only a target that reads for nobody else shows how quick it is; else it shows that it is no slower. With
 * a short prompt it is not reading that takes the time. */
static void note_reading(const struct pool *p, uint32_t slot, struct pool_backend *b,
                         double took_ms, double unread) {
    bool alone = pool_in_flight(p, slot) <= 1, is_long = unread >= READ_LONG;
    if (unread <= 0)
        return;
    double ms = took_ms / unread;
    if (alone)
        average(&b->read_ms, ms);
    if (is_long && alone)
        average(&b->read_long_ms, ms);
    else if (is_long && b->read_long_ms <= 0)
        b->read_long_ms = ms;
}

void pool_first_content(struct pool *p, uint32_t slot, double took_ms, bool streamed, double unread,
                        double now) {
    struct pool_backend *b = &p->backend[slot];
    if (streamed)
        note_reading(p, slot, b, took_ms, unread);
    double all_ms = took_ms, read_ms = b->read_long_ms * unread;
    took_ms = took_ms > read_ms ? took_ms - read_ms : 0;
    double w = b->ewma_at > 0 ? decay((now - b->ewma_at) / EWMA_DECAY_MS) : 0;
    /* Peak: a slower answer counts at once and in full, a quicker one gradually. */
    b->ewma_ms = took_ms > b->ewma_ms * w ? took_ms : b->ewma_ms * w + took_ms * (1 - w);
    b->ewma_at = now > 0 ? now : 1;
    if (streamed)
        predict_note(&b->predict, all_ms, (double)p->breaker.predictive_ms);
}

void pool_kept_waiting(struct pool *p, uint32_t slot, double waited_ms, double now) {
    if (waited_ms > pool_latency(p, slot, now))
        pool_first_content(p, slot, waited_ms, false, 0, now);
}

/* ------------------------------------------------------------------ outcomes */

static void changed(struct pool *p, uint32_t slot, struct gw_time now) {
    p->backend[slot].changed = p->news = true;
    p->backend[slot].told_at = now.wall_ms;
}

void pool_succeeded(struct pool *p, uint32_t slot, struct breaker_grant *grant, double sent_at,
                    bool served, struct gw_time now) {
    struct pool_backend *b = &p->backend[slot];
    /* A request that was sent before the node said it was busy says nothing about its load now. */
    if (sent_at >= b->cooled_at) {
        b->cool_until = 0;
        b->cool_runs = 0;
    }
    b->seen_at = now.wall_ms;
    b->moved_at = now.mono_ms;
    if (breaker_succeeded(breaker_of(p, slot), grant, served, now.mono_ms)) {
        b->closed_at = now.mono_ms;
        capacity_forget(p, slot);
        changed(p, slot, now);
    }
}

/* first, 2 x first, 4 x first, ... at most last. */
static double doubling(uint32_t *runs, double first, double last) {
    double ms = first;
    for (uint32_t i = 0; i < *runs && ms < last; i++)
        ms *= 2;
    if (*runs < 32)
        (*runs)++;
    return ms < last ? ms : last;
}

void pool_busy(struct pool *p, uint32_t slot, struct breaker_grant *grant, double retry_after_ms,
               struct gw_time now) {
    struct pool_backend *b = &p->backend[slot];
    pool_let_go(p, slot, grant, now.mono_ms);
    b->cooled_at = now.mono_ms;
    b->seen_at = now.wall_ms;
    /* Requests that were under way together are one sign of load, not many. */
    if (retry_after_ms < 0 && b->cool_until > now.mono_ms)
        return;
    if (retry_after_ms >= 0 && retry_after_ms < COOL_LEAST_MS)
        retry_after_ms = COOL_LEAST_MS;
    double ms =
        retry_after_ms >= 0 ? retry_after_ms : doubling(&b->cool_runs, COOL_FIRST_MS, COOL_LAST_MS);
    b->cool_until = now.mono_ms + ms;
}

void pool_failed(struct pool *p, uint32_t slot, struct breaker_grant *grant, uint32_t trouble,
                 bool lone, struct gw_time now) {
    struct breaker_conf conf = p->breaker;
    uint32_t random = (uint32_t)gw_rng_next(p->rng);
    if (lone && conf.recovery_ms > LONE_RECOVERY_MS)
        conf.recovery_ms = LONE_RECOVERY_MS;
    if (breaker_failed(breaker_of(p, slot), &conf, grant, trouble, random, now.mono_ms))
        changed(p, slot, now);
}

void pool_let_go(struct pool *p, uint32_t slot, struct breaker_grant *grant, double now) {
    breaker_let_go(breaker_of(p, slot), grant, now);
}

void pool_tell(struct pool *p, uint32_t slot, bool open, double until, uint32_t opens,
               uint32_t trouble, double now) {
    if (breaker_tell(breaker_of(p, slot), &p->breaker, open, until, opens, trouble, now) && !open)
        p->backend[slot].closed_at = now;
}

/* ------------------------------------------------------------------ the retry budget */

/* What is saved up by now: `word` holds how much it was, and when. */
static uint64_t saved(uint64_t word, uint64_t now) {
    uint64_t since = word >> BUDGET_BITS;
    uint64_t units = (word & ((1u << BUDGET_BITS) - 1)) + (now > since ? now - since : 0);
    return units > BUDGET_MAX ? BUDGET_MAX : units;
}

static bool spend(struct pool *p, uint32_t budget, int64_t units, double now_ms) {
    uint64_t now = (uint64_t)now_ms;
    _Atomic uint64_t *cell = &cells_of(&p->cells)->budget[budget];
    uint64_t old = atomic_load_explicit(cell, memory_order_relaxed), new;
    do {
        int64_t left = (int64_t)saved(old, now) - units;
        uint64_t since = now > old >> BUDGET_BITS ? now : old >> BUDGET_BITS;
        if (left < 0)
            return false;
        new = since << BUDGET_BITS | (uint64_t)(left > BUDGET_MAX ? BUDGET_MAX : left);
    } while (!atomic_compare_exchange_weak_explicit(cell, &old, new, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

void pool_budget_pay(struct pool *p, uint32_t budget, double now) {
    spend(p, budget, -REQUEST_UNITS, now);
}

bool pool_budget_take(struct pool *p, uint32_t budget, double now) {
    return spend(p, budget, RETRY_UNITS, now);
}
