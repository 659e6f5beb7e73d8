#include "core/pool.h"

#include <stdatomic.h>

enum {
    COOL_LEAST_MS = 100, /* "Retry-After: 0": a different target first */
    COOL_FIRST_MS = 1000,
    COOL_LAST_MS = 30000,
    DOWN_FIRST_MS = 1000,
    DOWN_LAST_MS = 8000,
    EWMA_DECAY_MS = 10000,
    /* Differences below this are the network's noise, not a node's load: such nodes tie. */
    EWMA_FLOOR_MS = 20,
};

static _Atomic uint64_t *cell(const struct pool *p, uint32_t slot) {
    return (_Atomic uint64_t *)&p->cells.cell[slot];
}

enum pool_state pool_state_of(const struct pool *p, uint32_t slot, double now) {
    const struct pool_backend *b = &p->backend[slot];
    if (b->cool_until > now)
        return POOL_COOLING;
    return b->down_until > now ? POOL_DOWN : POOL_READY;
}

uint64_t pool_in_flight(const struct pool *p, uint32_t slot) {
    return atomic_load_explicit(cell(p, slot), memory_order_relaxed);
}

bool pool_take(struct pool *p, uint32_t slot, uint32_t max) {
    uint64_t now = pool_in_flight(p, slot);
    do {
        if (max > 0 && now >= max)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(cell(p, slot), &now, now + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

void pool_give(struct pool *p, uint32_t slot) {
    atomic_fetch_sub_explicit(cell(p, slot), 1, memory_order_relaxed);
}

void pool_forget(struct pool *p, uint32_t slot) {
    uint32_t waiting = p->backend[slot].waiting;
    p->backend[slot] = (struct pool_backend){.waiting = waiting};
}

/* e^-x for x >= 0 to a few per cent: enough for a moving average, and the same on every host. */
static double decay(double x) {
    double y = 1 + x / 8;
    y *= y;
    y *= y;
    y *= y;
    return 1 / y;
}

double pool_cost(const struct pool *p, uint32_t slot, double now) {
    const struct pool_backend *b = &p->backend[slot];
    /* Without history it is tried; the in-flight count keeps a crowd from all trying it at once. */
    double ewma = b->ewma_at > 0 ? b->ewma_ms * decay((now - b->ewma_at) / EWMA_DECAY_MS) : 0;
    if (b->ewma_at > 0 && ewma < EWMA_FLOOR_MS)
        ewma = EWMA_FLOOR_MS;
    return (ewma > 0 ? ewma : 1) * (double)(pool_in_flight(p, slot) + 1);
}

void pool_first_content(struct pool *p, uint32_t slot, double took_ms, double now) {
    struct pool_backend *b = &p->backend[slot];
    double w = b->ewma_at > 0 ? decay((now - b->ewma_at) / EWMA_DECAY_MS) : 0;
    /* Peak: a slower answer counts at once and in full, a quicker one by and by. */
    b->ewma_ms = took_ms > b->ewma_ms * w ? took_ms : b->ewma_ms * w + took_ms * (1 - w);
    b->ewma_at = now > 0 ? now : 1;
}

void pool_succeeded(struct pool *p, uint32_t slot, double sent_at, struct gw_time now) {
    struct pool_backend *b = &p->backend[slot];
    b->down_until = 0;
    b->down_runs = 0;
    /* What was sent before the node said that it is busy says nothing of how busy it is. */
    if (sent_at >= b->cooled_at) {
        b->cool_until = 0;
        b->cool_runs = 0;
    }
    b->trouble = NULL;
    b->seen_at = now.wall_ms;
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

void pool_busy(struct pool *p, uint32_t slot, double retry_after_ms, struct gw_time now) {
    struct pool_backend *b = &p->backend[slot];
    /* Requests that were under way together are one sign of load, not many. */
    if (retry_after_ms < 0 && b->cool_until > now.mono_ms)
        return;
    if (retry_after_ms >= 0 && retry_after_ms < COOL_LEAST_MS)
        retry_after_ms = COOL_LEAST_MS;
    double ms =
        retry_after_ms >= 0 ? retry_after_ms : doubling(&b->cool_runs, COOL_FIRST_MS, COOL_LAST_MS);
    b->cool_until = now.mono_ms + ms;
    b->cooled_at = now.mono_ms;
    b->trouble = "busy";
    b->seen_at = now.wall_ms;
}

void pool_failed(struct pool *p, uint32_t slot, const char *trouble, double now) {
    struct pool_backend *b = &p->backend[slot];
    b->trouble = trouble;
    if (b->down_until <= now)
        b->down_until = now + doubling(&b->down_runs, DOWN_FIRST_MS, DOWN_LAST_MS);
}
