/*
 * The order of attempts (SPEC section 3): best of the pair, the other of the pair, node 1, then the
 * configured overflow. Within a tier the cheapest (peak-EWMA x in flight) goes first, ties alternate.
 * A target that is offline is tried only when no other can serve and none is merely busy.
 */
#ifndef GW_CORE_PLAN_H
#define GW_CORE_PLAN_H

#include "core/pool.h"

enum { PLAN_MAX = GW_NODES + GW_SERVICES };

/* The targets that may serve one call. */
struct plan {
    const struct gw_backend_conf *target[PLAN_MAX];
    uint8_t tier[PLAN_MAX];
    bool spent[PLAN_MAX];   /* failed in this call: not again */
    bool errored[PLAN_MAX]; /* answered 500: its failure if another target then serves */
    uint32_t n;
};

enum plan_what {
    PLAN_GO,   /* `at` is the index of the target to try; its slot is taken */
    PLAN_WAIT, /* all are busy: one may be free at once, or at `until_ms` */
    PLAN_NONE, /* nothing is left */
};

struct plan_choice {
    enum plan_what what;
    uint32_t at;
    double
        until_ms; /* PLAN_WAIT: the earliest end of a cool-down; INFINITY if only slots free it */
    bool slot_may_free; /* PLAN_WAIT: some target is only full */
};

void plan_class(struct plan *p, const struct gw_conf *conf, uint32_t class);
void plan_one(struct plan *p, const struct gw_backend_conf *target);
/* `first_in_line`: calls that wait already do not come before this one. */
struct plan_choice plan_pick(const struct plan *p, struct pool *pool, bool first_in_line,
                             double now);
/* The offline target that is most worth a try, or `otherwise`. */
struct plan_choice plan_pick_down(const struct plan *p, struct pool *pool,
                                  struct plan_choice otherwise, double now);
/* The index of the target in slot `slot` if the plan could use it now, else -1. */
int plan_find(const struct plan *p, const struct pool *pool, uint32_t slot, double now);
/* Whether any target but `at` is not spent yet. */
bool plan_has_other(const struct plan *p, uint32_t at);
/* When the first of the targets is worth asking again: milliseconds from now, for Retry-After. */
double plan_retry_ms(const struct plan *p, const struct pool *pool, double now);

#endif
