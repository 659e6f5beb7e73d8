/*
 * The order of attempts. Tiers come one after the other: the pair, node 1, the configured overflow.
 * Within a tier the order is:
 *
 *     1. a target whose breaker waits for its one trial,
 *     2. the node that is home to the conversation,
 *     3. if there is no such home, an idle target that was passed over PLAN_PASSED_MAX times, because
 *        what is known of it may be stale,
 *     4. the cheapest (pool_cost): by peak-EWMA x (in flight + 1), what reading takes, and how long it has
 *        been silent; ties alternate.
 *
 * A target whose breaker is open is not tried, unless nothing else is left and more than half of the
 * targets that this call has not spent are open: then the least bad of them is (panic).
 */
#ifndef GW_CORE_CLUSTER_PLAN_H
#define GW_CORE_CLUSTER_PLAN_H

#include "core/cluster/pool.h"

enum {
    PLAN_FEW = 8,
    PLAN_PASSED_MAX = 32,
    PLAN_UNKNOWN_MS = 1000,  /* the latency of targets without history */
    PLAN_CAREFUL_MS = 30000, /* a trial is not left to others for longer than this */
};

#define PLAN_NOWHERE UINT32_MAX

/* What a candidate is to its class. */
enum plan_is {
    PLAN_OF_PAIR,
    PLAN_NODE_1,
    PLAN_OTHER, /* overflow, a service, a provider */
};

/* Where a call may go, and what the call knows of it. A backend may stand in a plan several times, each
 * time with another model or key: each is spent and blamed by itself, while slots and breakers are the
 * backend's. */
struct candidate {
    const struct backend_conf *backend;
    uint64_t model;   /* which of the backend's (overload_of); 0: it does not matter */
    uint16_t refused; /* the status that its key was refused with; 0: it was not */
    uint8_t key;      /* which of the backend's keys, from 1; POOL_NO_KEY */
    uint8_t link;     /* which link of the call's chain: those of one link have the same model */
    uint8_t tier;
    uint8_t is; /* enum plan_is */
    bool spent; /* tried in this call without success: not again before all others */
    bool over;  /* not again at all */
    bool waits; /* it is counted among those that wait for its backend (queue.c) */
    bool again; /* it was asked once more before another model is */
    bool later; /* only when no other tier can serve: one like it has refused */
    /* How it failed (enum pool_trouble), and the grant that it had. The request itself may be at fault:
     * the failure counts if another candidate then serves. */
    uint8_t blame;
    float limit_ms; /* how long it had for its first content, if it was late */
    struct breaker_grant grant;
};

/* The candidates of one call. The array is as long as this plan can become, whatever the number of
 * backends: a few are here, more of them in the call's arena. */
struct plan {
    struct candidate *candidates;
    uint32_t n, max;
    uint8_t class_tier, class_link; /* of the class's pair, if there is a class in it */
    uint32_t home;   /* the index of the conversation's own node; PLAN_NOWHERE: none */
    double bytes;    /* of the prompt, which a target must read, ... */
    double unread;   /* ... and of it what the home has not read yet */
    uint32_t budget; /* whose retry budget (pool_budget_take) */
    bool careful;    /* a failure could not be made good: trials are left to other calls */
    bool partial;    /* its request is still arriving: complete ones go first */
    struct candidate few[PLAN_FEW]; /* each begins when it is added, cleared or not */
};

enum plan_what {
    PLAN_GO,   /* `at` is the index of the candidate to try; its slot is taken */
    PLAN_WAIT, /* all are busy: one may be free at once, or at `until_ms` */
    PLAN_NONE, /* nothing is left */
};

struct plan_choice {
    enum plan_what what;
    uint32_t at;
    double until_ms;    /* PLAN_WAIT: when the first cool-down or open time ends; far away: none */
    bool slot_may_free; /* PLAN_WAIT: some target is merely full */
    struct breaker_grant grant; /* PLAN_GO */
};

/* An empty plan with room for `max` candidates; false: no memory, and it takes none. */
bool plan_begin(struct plan *p, uint32_t budget, uint32_t max, struct gw_arena *arena);
/* What a candidate is made of. */
struct plan_new {
    const struct backend_conf *backend;
    uint64_t model;
    uint8_t key, link, tier, is;
};

/* Adds a candidate; not if its backend is not set, if there is no room, or if one with the same slot, link and
 * key is there. */
void plan_add(struct plan *p, struct plan_new new);
/* The plan of a class; false: no memory, and it is empty. And one of a single target. */
bool plan_class(struct plan *p, const struct config *conf, uint32_t class, struct gw_arena *arena);
void plan_one(struct plan *p, const struct backend_conf *backend);
/* Links of a chain, the first one first. A class: its nodes and node 1 are two tiers. A provider: a candidate
 * for each of its keys, from the one of index `first` on. And how many candidates each may add. */
void plan_add_class(struct plan *p, const struct config *conf, uint32_t class, uint8_t link);
void plan_add_provider(struct plan *p, const struct config *conf, uint32_t index, uint32_t first,
                       uint64_t model, uint8_t link);
/* The same with a key that the client brings. */
void plan_add_with_own_key(struct plan *p, const struct config *conf, uint32_t index,
                           uint64_t model, uint8_t link);
uint32_t plan_class_most(const struct config *conf, uint32_t class);
uint32_t plan_provider_most(const struct config *conf, uint32_t index);
/* Whether any candidate is at the backend in this slot, with whatever model and key. */
bool plan_has_slot(const struct plan *p, uint32_t slot);
/* Takes in a node as it is reached now, for all candidates that are at it. True if the plan had it at
 * another URL or did not have it: they may then be tried afresh. `last`: it is node 1, behind the pair. */
bool plan_renew(struct plan *p, const struct backend_conf *node, bool last);
/* Makes the first candidate of the pair at the backend in this slot the conversation's home; or the
 * first at the node that the conversation's hash names. */
void plan_set_home(struct plan *p, uint32_t slot);
void plan_find_home(struct plan *p, uint64_t conversation);
/* What the candidate `at` has to read before it can answer. */
double plan_unread(const struct plan *p, uint32_t at);
/* The state of a candidate's backend; COOLING while its key rests. */
enum pool_state plan_state_of(const struct candidate *c, const struct pool *pool, double now);
/* The candidate to try next. `first_in_line`: no waiting call comes before this one. */
struct plan_choice plan_pick(const struct plan *p, struct pool *pool, bool first_in_line,
                             double now);
/* One to be asked beside the candidate `at`, which is late: a node that is well, at another place, and
 * idle, or that can be expected to serve it within `soon_ms`. */
struct plan_choice plan_pick_beside(const struct plan *p, struct pool *pool, uint32_t at,
                                    double soon_ms, double now);
/* If most targets are open, the least bad one of them; else `otherwise`. */
struct plan_choice plan_pick_open(const struct plan *p, struct pool *pool, bool first_in_line,
                                  struct plan_choice otherwise, double now);
/* Takes a slot and the breaker's grant for the candidate `at`. */
bool plan_take(const struct plan *p, struct pool *pool, uint32_t at, double now,
               struct breaker_grant *grant);
/* How long the next one in the queue waits until a slot is free for it; 0: not known. */
double plan_wait_ms(const struct plan *p, const struct pool *pool, double now);
/* The first candidate at the backend in this slot that the plan could use now: its index, or -1. */
int plan_find(const struct plan *p, const struct pool *pool, uint32_t slot, double now);
/* Whether the request could still be sent, now or after a wait. `panicked`: not to an open target. */
bool plan_is_left(const struct plan *p, const struct pool *pool, bool panicked, double now);
/* Whether any candidate but `at` could be tried now, be it at the same backend. */
bool plan_has_other(const struct plan *p, const struct pool *pool, uint32_t at, double now);
/* Likewise, one with the same model. */
bool plan_has_twin(const struct plan *p, const struct pool *pool, uint32_t at, double now);
/* All that have its model are spent, and not to be asked again. */
void plan_spend_link(struct plan *p, uint32_t at);
/* All that have another model are. */
void plan_stay_in_link(struct plan *p, uint32_t at);
/* Whether its own key or model rests, or is left alone. */
bool plan_rests(const struct candidate *c, const struct pool *pool, double now);
/* Until when the candidate is DOWN or COOLING; 0: it is neither. */
double plan_until(const struct candidate *c, const struct pool *pool, double now);
/* Whether no other backend in `at`'s tier is well. */
bool plan_is_lone(const struct plan *p, const struct pool *pool, uint32_t at, double now);
/* Puts the candidates of `at`'s tier behind all others: they are likely to refuse for the same reason. */
void plan_put_last(struct plan *p, uint32_t at);
/* When the first of the candidates is worth asking again: milliseconds from now, for Retry-After. */
double plan_retry_ms(const struct plan *p, const struct pool *pool, double now);

#endif
