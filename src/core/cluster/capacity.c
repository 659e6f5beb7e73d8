#include "core/cluster/capacity.h"

#include <stdatomic.h>

#include "core/cluster/cells.h"

enum {
    CAPACITY_SURE = 3,
    CAPACITY_MAX = 16, /* servers that take more batch what they have: they do not queue */
    WAITED_LEAST_MS = 500,
    LOOK_MS = 30000,
};

static struct cells_backend *cells_at(const struct pool *p, uint32_t slot) {
    return &cells_of(&p->cells)->backend[slot];
}

/* How many are served now, this one among them. */
static uint32_t begin(struct pool *p, uint32_t slot) {
    return atomic_fetch_add_explicit(&cells_at(p, slot)->serving, 1, memory_order_relaxed) + 1U;
}

static void learn(struct pool *p, uint32_t slot, uint32_t capacity) {
    atomic_store_explicit(&cells_at(p, slot)->capacity, capacity, memory_order_relaxed);
}

uint32_t capacity_known(const struct pool *p, uint32_t slot) {
    return atomic_load_explicit(&cells_at(p, slot)->capacity, memory_order_relaxed);
}

void capacity_sent(struct pool *p, uint32_t slot) {
    begin(p, slot);
    atomic_fetch_add_explicit(&cells_at(p, slot)->unseen, 1, memory_order_relaxed);
}

static bool has_unseen(const struct pool *p, uint32_t slot) {
    return atomic_load_explicit(&cells_at(p, slot)->unseen, memory_order_relaxed) > 0;
}

/* Reading a prompt may take longer than the other one took to end. */
static bool has_waited(const struct pool_backend *b, double sent_at, double unread, double now) {
    double read_ms = b->read_long_ms * unread;
    double waited_ms = b->ended_at - sent_at - read_ms, since_ms = now - b->ended_at - read_ms;
    return waited_ms > WAITED_LEAST_MS && since_ms * 2 < waited_ms;
}

double capacity_content(struct pool *p, uint32_t slot, double sent_at, double unread, double now) {
    struct pool_backend *b = &p->backend[slot];
    uint32_t known = capacity_known(p, slot), n = begin(p, slot);
    bool waited = has_waited(b, sent_at, unread, now);
    if (known > 0 && n > known && !has_unseen(p, slot))
        learn(p, slot, n);
    if (n > b->served_most || (n > 1 && n == b->served_most && !waited))
        b->waited_runs = 0;
    if (n > b->served_most)
        b->served_most = n;
    else if (waited && b->served_then == b->served_most && b->served_most <= CAPACITY_MAX &&
             ++b->waited_runs >= CAPACITY_SURE && known == 0)
        learn(p, slot, b->served_most);
    return waited ? b->ended_at : sent_at;
}

void capacity_ended(struct pool *p, uint32_t slot, bool seen, double from, double now) {
    const double weight = 0.25; /* of the last one */
    struct pool_backend *b = &p->backend[slot];
    double took = now - from;
    b->served_then =
        atomic_fetch_sub_explicit(&cells_at(p, slot)->serving, 1, memory_order_relaxed);
    b->ended_at = now;
    if (!seen)
        atomic_fetch_sub_explicit(&cells_at(p, slot)->unseen, 1, memory_order_relaxed);
    b->serve_ms = b->serve_ms > 0 ? b->serve_ms * (1 - weight) + took * weight : took;
}

void capacity_forget(struct pool *p, uint32_t slot) {
    struct pool_backend *b = &p->backend[slot];
    learn(p, slot, 0);
    b->served_most = b->waited_runs = 0;
}

uint32_t capacity_max(const struct pool *p, uint32_t slot, uint32_t max, double now) {
    uint32_t known = capacity_known(p, slot);
    if (known == 0)
        return max;
    if (now - p->backend[slot].looked_at > LOOK_MS)
        known++;
    return max > 0 && max < known ? max : known;
}

void capacity_took(struct pool *p, uint32_t slot, double now) {
    uint32_t known = capacity_known(p, slot);
    if (known > 0 && pool_in_flight(p, slot) > known)
        p->backend[slot].looked_at = now;
}

double capacity_rate(const struct pool *p, uint32_t slot, uint32_t max) {
    uint32_t known = capacity_known(p, slot);
    uint32_t n = known > 0 && (max == 0 || known < max) ? known : max;
    double ms = p->backend[slot].serve_ms;
    return ms > 0 ? n / ms : 0;
}
