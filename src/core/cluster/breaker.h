/*
 * A breaker for one target: closed, open, half-open, or on trial.
 *
 * What it knows lies in BREAKER_CELLS cells that all loops of a process share and change by
 * compare-and-swap, so that three failures are three wherever they were seen, and the trial is one for
 * all of them. Half-open is computed when asked: an open time that has passed. There are no timers.
 *
 *   CLOSED     OPEN       `threshold` failures in a row; or half of at least 20 within 10 s
 *   OPEN       HALF_OPEN  by time
 *   OPEN       CLOSED     a target that was tried all the same (panic) serves
 *   HALF_OPEN  TRIAL      one asks and gets the permit, a lease of BREAKER_LEASE_MS
 *   TRIAL      CLOSED     it serves
 *   TRIAL      OPEN       it fails: for longer
 *   TRIAL      HALF_OPEN  the lease ends, or the trial says nothing of the target (breaker_let_go)
 *
 * An attempt carries a grant. Its generation changes whenever the breaker opens or closes, and what an
 * attempt of an older generation has to say is not heard any more.
 *
 * It stays open for 5 s, doubling, each time less by up to a fifth at random. While an outage is
 * younger than about five minutes no more than 25 s, so that what was away for a minute is back within
 * 30 s; then up to the recovery timeout.
 */
#ifndef GW_CORE_CLUSTER_BREAKER_H
#define GW_CORE_CLUSTER_BREAKER_H

#include "core/config/config.h"

enum {
    BREAKER_CELLS = 4,
    BREAKER_LEASE_MS = 10000,
};

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN, BREAKER_TRIAL };

/* An attempt's leave to go ahead. */
struct breaker_grant {
    uint32_t generation;
    bool trial;
    double until; /* of a trial: when its lease ends, which also says whose it is */
};

/* All of it in one word; times are monotonic milliseconds. */
struct breaker_view {
    enum breaker_state state;
    uint32_t generation, failures, opens; /* in a row */
    double until;                         /* of OPEN and TRIAL */
    double since;                         /* of the last change; 0: none yet */
    uint32_t trouble;                     /* of the last failure, whatever the caller counts by */
};

void breaker_look(const uint64_t *cells, double now, struct breaker_view *out);
/* Leave to try the target; false while it is open or on trial. */
bool breaker_ask(uint64_t *cells, double now, struct breaker_grant *out);
/* Leave all the same, when nothing else is left. */
void breaker_force(const uint64_t *cells, struct breaker_grant *out);
/* Each returns whether the breaker has changed its state. `grant` is renewed: an attempt may yet fail
 * after it has served. `served`: an answer is whole, not only begun. */
bool breaker_succeeded(uint64_t *cells, struct breaker_grant *grant, bool served, double now);
/* `random` is any 32 bits. */
bool breaker_failed(uint64_t *cells, const struct breaker_conf *conf, struct breaker_grant *grant,
                    uint32_t trouble, uint32_t random, double now);
/* The attempt said nothing of the target: a trial's permit is free again. */
void breaker_let_go(uint64_t *cells, struct breaker_grant *grant, double now);
/* What another shard has seen, to be believed: open until then (at most the recovery timeout from
 * now), or closed. Returns whether that is a change. */
bool breaker_tell(uint64_t *cells, const struct breaker_conf *conf, bool open, double until,
                  uint32_t opens, uint32_t trouble, double now);
/* As if nothing had ever been heard of the target. */
void breaker_forget(uint64_t *cells);

#endif
