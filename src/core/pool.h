/*
 * The backends as the gateway sees them: who is in flight, busy or offline, and how quick each is.
 *
 * Slots in flight are exact across loops (gw_cells); the rest is this gateway's own view.
 *
 * States, and the steps between them (every one of them is in a trace of tests/traces):
 *
 *   READY    COOLING   429, 503, 529: for Retry-After, else 1 s doubling to 30 s
 *   READY    DOWN      refused, DNS, TLS, reset, timeout, 502, 504, error pages: for 1 s doubling to
 *                      8 s; until then it is tried only when nothing else is left
 *   COOLING  READY     the time is over, or an answer came
 *   DOWN     READY     the time is over, or an answer came
 *   DOWN     COOLING   tried all the same, and busy
 *   COOLING  DOWN      the cool-down ends before the time that a failure has set
 *
 * A simple view of health: breakers take its place when they come.
 */
#ifndef GW_CORE_POOL_H
#define GW_CORE_POOL_H

#include "core/config.h"

enum { POOL_NAME_MAX = 48 };

struct pool_backend {
    double ewma_ms, ewma_at;       /* peak-EWMA of the time to first content; at 0: no history */
    double cool_until, down_until; /* monotonic; 0: neither */
    double cooled_at;              /* when it last said that it is busy */
    double seen_at;                /* last answer of any kind, wall clock; 0: never */
    uint32_t cool_runs, down_runs; /* in a row */
    double probe_at;               /* when it may be probed next */
    uint32_t picked;               /* sequence number of the last pick: ties alternate */
    uint32_t waiting;              /* calls in the queue that could use it */
    const char *trouble;           /* of the last failure; NULL after a success */
};

struct pool {
    struct pool_backend backend[GW_BACKENDS];
    struct gw_cells cells;
    uint32_t sequence;
};

enum pool_state { POOL_READY, POOL_COOLING, POOL_DOWN };

enum pool_state pool_state_of(const struct pool *p, uint32_t slot, double now);
uint64_t pool_in_flight(const struct pool *p, uint32_t slot);
/* Takes a slot; false if `max` (0: no limit) are in flight. */
bool pool_take(struct pool *p, uint32_t slot, uint32_t max);
void pool_give(struct pool *p, uint32_t slot);
/* What another request there would cost: peak-EWMA x (in flight + 1). */
double pool_cost(const struct pool *p, uint32_t slot, double now);

/* Another backend has this slot now. Calls that wait for the slot go on waiting. */
void pool_forget(struct pool *p, uint32_t slot);

/* Outcomes of attempts. */
void pool_first_content(struct pool *p, uint32_t slot, double took_ms, double now);
/* `sent_at`: when the attempt began (0: a probe, which says nothing of how busy a node is). */
void pool_succeeded(struct pool *p, uint32_t slot, double sent_at, struct gw_time now);
/* `retry_after_ms` < 0: it did not say. */
void pool_busy(struct pool *p, uint32_t slot, double retry_after_ms, struct gw_time now);
void pool_failed(struct pool *p, uint32_t slot, const char *trouble, double now);

#endif
