/*
 * The predictive breaker of one target: it notices that answers begin late, before they fail.
 *
 *     quick -> slow   the mean of the last PREDICT_TIMES times to first content (at least PREDICT_LEAST
 *                     of them) is above the limit
 *     slow -> quick   the mean is below four fifths of the limit
 *
 * While it is slow, requests that a fallback may serve as well go there. One in PREDICT_PROBE does not:
 * it shows whether the target is still slow. Requests that name their model never go to a fallback.
 */
#ifndef GW_CORE_CLUSTER_PREDICT_H
#define GW_CORE_CLUSTER_PREDICT_H

#include <stdbool.h>
#include <stdint.h>

enum { PREDICT_TIMES = 10, PREDICT_LEAST = 5, PREDICT_PROBE = 10 };

struct predict {
    float ms[PREDICT_TIMES];
    uint32_t n, at, asked;
    bool slow;
};

/* A streamed answer began after `ms`; `limit_ms` 0: nothing is ever slow. */
void predict_note(struct predict *p, double ms, double limit_ms);
/* 0 while there are too few of them. */
double predict_mean(const struct predict *p);
/* Whether this request shall go to the fallback. Call it once for each request. */
bool predict_avoids(struct predict *p);

#endif
