/*
 * Single models of providers: which are overloaded, or fail. A model that is does not close its provider, whose
 * other models go on: breakers and cool-downs of a backend (pool.h) are for what concerns all of it.
 *
 *     READY    RESTS    429, 503, 529: for Retry-After, else 1 s doubling to 30 s; that key alone
 *     READY    OPEN     `threshold` failures in a row: 5 s, doubling up to 20 s or the recovery time
 *     RESTS    READY    by time, or it has served
 *     OPEN     TRIAL    by time: one request tries it, and has OVERLOAD_TRIAL_MS for that
 *     TRIAL    READY    it has served
 *     TRIAL    OPEN     it has failed: for twice as long
 *
 * This is each loop's own view. A model is known from its first trouble on; if more are in trouble than there
 * are places, those longest untouched are forgotten.
 */
#ifndef GW_CORE_CLUSTER_OVERLOAD_H
#define GW_CORE_CLUSTER_OVERLOAD_H

#include "base/str.h"
#include "core/config/config.h"

enum { OVERLOAD_MODELS = 64, OVERLOAD_TRIAL_MS = 10000 };

struct overload_model {
    uint64_t of; /* overload_of; 0: a free place */
    double touched_at;
    double rests_until[GW_PROVIDER_KEYS + 1]; /* by key; the first: without one */
    double open_until;
    bool trial;                          /* one request tries it */
    uint32_t busy_runs, failures, opens; /* in a row */
};

struct overload {
    struct overload_model model[OVERLOAD_MODELS];
    uint32_t n; /* places that were ever used */
};

/* Which model of which backend that is; never 0. */
uint64_t overload_of(uint32_t slot, struct gw_str model);
/* Until when it must not be asked with this key; 0: it may be. */
double overload_until(const struct overload *o, uint64_t of, uint32_t key, double now);
/* It is asked now: whoever asks while it is open has the trial. */
void overload_take(struct overload *o, uint64_t of, double now);
/* `retry_after_ms` < 0: it did not say. */
void overload_busy(struct overload *o, uint64_t of, uint32_t key, double retry_after_ms,
                   double now);
void overload_failed(struct overload *o, uint64_t of, const struct breaker_conf *conf, double now);
/* It has answered a request with this key. */
void overload_served(struct overload *o, uint64_t of, uint32_t key);
/* Whether it has failed so often that it is left alone. */
bool overload_is_open(const struct overload *o, uint64_t of, double now);

#endif
