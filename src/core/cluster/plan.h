/*
 * The order of attempts. Tiers come one after the other: the pair, node 1, the configured overflow.
 * Within a tier comes first
 *
 *     1. a target whose breaker waits for its one trial,
 *     2. the node that is home to the conversation,
 *     3. an idle one that was passed over PLAN_PASSED_MAX times, if there is no such home: what is known
 *        of it may be old,
 *     4. the cheapest, by peak-EWMA x (in flight + 1); ties alternate.
 *
 * A target with an open breaker is not tried. But if nothing else is left, and more than half of the
 * targets that this call has not spent are open, the least bad one is (panic).
 */
#ifndef GW_CORE_CLUSTER_PLAN_H
#define GW_CORE_CLUSTER_PLAN_H

#include "core/cluster/pool.h"

enum {
    PLAN_FEW = 8,
    PLAN_PASSED_MAX = 32,
    PLAN_CAREFUL_MS = 30000, /* a trial is not left to others for longer than this */
};

#define PLAN_NOWHERE UINT32_MAX

/* The targets that may serve one call. The arrays are as long as this plan can become, whatever the
 * number of backends: those of a few targets are here, longer ones in the call's arena. */
struct plan {
    const struct backend_conf **target;
    uint8_t *tier;
    bool *spent; /* tried in this call, and in vain: not again before all others */
    bool *later; /* only when no other tier can serve: it has what the refusing one has */
    /* What it did, which may be the request's own fault, and the leave it did it with: 0 or enum
     * pool_trouble. It counts if another target then serves. */
    uint8_t *blame;
    float *limit_ms; /* what it had for its first content, if it was late with it */
    struct breaker_grant *grant;
    uint32_t n, max;
    uint32_t home; /* the index of the conversation's own node; PLAN_NOWHERE: none */
    double bytes,
        unread;      /* of the prompt: what a target reads, and what the home has not read yet */
    uint32_t budget; /* whose retry budget (pool_budget_take) */
    bool careful;    /* a failure could not be made good: trials are for others */
    bool partial;    /* its request is still coming in: whole ones go first */
    struct {
        struct breaker_grant grant[PLAN_FEW];
        const struct backend_conf *target[PLAN_FEW];
        float limit_ms[PLAN_FEW];
        uint8_t tier[PLAN_FEW], blame[PLAN_FEW];
        bool spent[PLAN_FEW], later[PLAN_FEW];
    } few; /* they begin when they are added: what is here is not cleared before */
};

enum plan_what {
    PLAN_GO,   /* `at` is the index of the target to try; its slot is taken */
    PLAN_WAIT, /* all are busy: one may be free at once, or at `until_ms` */
    PLAN_NONE, /* nothing is left */
};

struct plan_choice {
    enum plan_what what;
    uint32_t at;
    double until_ms;    /* PLAN_WAIT: the earliest end of a cool-down or an open time; or far */
    bool slot_may_free; /* PLAN_WAIT: some target is only full */
    struct breaker_grant grant; /* PLAN_GO */
};

/* The plan of a class; false: no memory, and it is empty. And one of a single target. */
bool plan_class(struct plan *p, const struct config *conf, uint32_t class, struct gw_arena *arena);
void plan_one(struct plan *p, const struct backend_conf *target);
bool plan_has_slot(const struct plan *p, uint32_t slot);
/* Takes in a node as it is reached now. True if the plan had it at another URL or did not have it: it
 * may then be tried afresh. `last`: it is node 1, behind the pair. */
bool plan_renew(struct plan *p, const struct backend_conf *node, bool last);
/* Makes the node in this slot the conversation's home; or the node of the pair that the conversation's
 * hash names. */
void plan_set_home(struct plan *p, uint32_t slot);
/* What the target `at` has to read before it can answer. */
double plan_unread(const struct plan *p, uint32_t at);
void plan_find_home(struct plan *p, uint64_t conversation);
/* The target to try next. `first_in_line`: no waiting call comes before this one. */
struct plan_choice plan_pick(const struct plan *p, struct pool *pool, bool first_in_line,
                             double now);
/* If most targets are open, the least bad one of them; else `otherwise`. */
struct plan_choice plan_pick_open(const struct plan *p, struct pool *pool,
                                  struct plan_choice otherwise, double now);
/* The index of the target in slot `slot` if the plan could use it now, else -1. */
int plan_find(const struct plan *p, const struct pool *pool, uint32_t slot, double now);
/* Whether anything could be sent yet, now or after a wait. `panicked`: no open target, then. */
bool plan_is_left(const struct plan *p, const struct pool *pool, bool panicked, double now);
/* Whether any target but `at` could be tried now. */
bool plan_has_other(const struct plan *p, const struct pool *pool, uint32_t at, double now);
/* Whether no other target in `at`'s tier is well. */
bool plan_is_lone(const struct plan *p, const struct pool *pool, uint32_t at, double now);
/* Puts the targets of `at`'s tier behind all others: they are likely to refuse for the same reason. */
void plan_put_last(struct plan *p, uint32_t at);
/* When the first of the targets is worth asking again: milliseconds from now, for Retry-After. */
double plan_retry_ms(const struct plan *p, const struct pool *pool, double now);

#endif
