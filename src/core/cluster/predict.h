/*
 * The predictive breaker of one target: whether it has become slow to begin, before it fails.
 *
 *     quick   the mean of the last PREDICT_TIMES times to first content (of at least PREDICT_LEAST) is
 *             above the limit                                                                  -> slow
 *     slow    the mean is below four fifths of it                                              -> quick
 *
 * While it is slow, requests that may as well be served by a fallback are, but for one in
 * PREDICT_PROBE, which shows whether it still is. Requests that name their model never are.
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

/* A streamed answer began after so long; `limit_ms` 0: nothing is ever slow. */
void predict_note(struct predict *p, double ms, double limit_ms);
/* 0 as long as there are too few. */
double predict_mean(const struct predict *p);
/* Whether this request is to go to the fallback: asked once for each. */
bool predict_avoids(struct predict *p);

#endif
