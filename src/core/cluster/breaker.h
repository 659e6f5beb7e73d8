/*
 * A breaker for one target: closed, open, half-open, or on trial.
 *
 * Its state is kept in BREAKER_CELLS cells that all loops of a process share and change by
 * compare-and-swap: three failures are three wherever they were seen, and there is one trial for all
 * loops. Half-open is not stored: it is an open time that has passed. There are no timers.
 *
 *   CLOSED     OPEN       `threshold` failures in a row; or half of at least 20 within 10 s
 *   OPEN       HALF_OPEN  by time
 *   OPEN       CLOSED     a target that was tried all the same (panic) serves
 *   HALF_OPEN  TRIAL      one attempt asks and gets the permit, a lease of BREAKER_LEASE_MS
 *   TRIAL      CLOSED     it serves
 *   TRIAL      OPEN       it fails: for longer
 *   TRIAL      HALF_OPEN  the lease ends, or the trial says nothing of the target (breaker_let_go)
 *
 * Every attempt carries a grant. The breaker's generation changes whenever it opens or closes, and the
 * outcome of an attempt whose grant is of an older generation is ignored.
 *
 * It stays open for 5 s, and for twice as long each time after that, less up to a fifth at random. In the
 * first five minutes or so of an outage that is 25 s at most, so that a target that was away for a minute
 * is back within 30 s; later it is the recovery timeout at most.
 */
#ifndef GW_CORE_CLUSTER_BREAKER_H
#define GW_CORE_CLUSTER_BREAKER_H

#include "core/config/config.h"

enum {
    BREAKER_CELLS = 4,
    BREAKER_LEASE_MS = 10000,
};

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN, BREAKER_TRIAL };

/* An attempt's permission to go ahead. */
struct breaker_grant {
    uint32_t generation;
    bool trial;
    double until; /* of a trial: when its lease ends, which also tells one trial from another */
};

/* A breaker as it is at one moment. Times are monotonic milliseconds. */
struct breaker_view {
    enum breaker_state state;
    uint32_t generation, failures, opens; /* in a row */
    double until;                         /* of OPEN and TRIAL */
    double since;                         /* of the last change; 0: none yet */
    uint32_t trouble;                     /* of the last failure, in the caller's numbers */
};

void breaker_look(const uint64_t *cells, double now, struct breaker_view *out);
/* Asks for a grant; false while the breaker is open or on trial. */
bool breaker_ask(uint64_t *cells, double now, struct breaker_grant *out);
/* Gives a grant in any state, for when nothing else is left. */
void breaker_force(const uint64_t *cells, struct breaker_grant *out);
/* Both return whether the breaker has changed its state. `grant` is renewed, because an attempt may
 * still fail after it has succeeded. `served`: the answer is whole, not just begun. */
bool breaker_succeeded(uint64_t *cells, struct breaker_grant *grant, bool served, double now);
/* `random` is any 32 bits. */
bool breaker_failed(uint64_t *cells, const struct breaker_conf *conf, struct breaker_grant *grant,
                    uint32_t trouble, uint32_t random, double now);
/* The attempt ended without a verdict on the target: a trial's permit is free again. */
void breaker_let_go(uint64_t *cells, struct breaker_grant *grant, double now);
/* Takes over what another shard has seen: open until `until` (at most the recovery timeout from now), or
 * closed. Returns whether that is a change. */
bool breaker_tell(uint64_t *cells, const struct breaker_conf *conf, bool open, double until,
                  uint32_t opens, uint32_t trouble, double now);
/* As if nothing had ever been heard of the target. */
void breaker_forget(uint64_t *cells);

#endif
