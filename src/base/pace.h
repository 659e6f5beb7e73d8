/*
 * How a transfer that a peer decides the pace of gets on: a request body that comes in, an answer
 * that waits to be taken. Only the time counts in which it was waited for.
 *
 * It must move within `stall_ms`, and as a whole it must be there by `stall_ms` and the time that its
 * bytes take at `rate_min` a second: so that nobody holds a connection by a byte now and then.
 */
#ifndef GW_BASE_PACE_H
#define GW_BASE_PACE_H

#include <stdint.h>

struct pace {
    double since_ms;  /* the wait began, or something moved */
    double waited_ms; /* before that */
    double moved;     /* bytes */
};

/* A transfer begins. */
static inline void pace_begin(struct pace *p, double now_ms) {
    *p = (struct pace){.since_ms = now_ms};
}

/* After a time in which we did not wait. */
static inline void pace_wait(struct pace *p, double now_ms) {
    p->since_ms = now_ms;
}

static inline void pace_moved(struct pace *p, double now_ms, uint64_t n) {
    p->waited_ms += now_ms - p->since_ms;
    p->since_ms = now_ms;
    p->moved += (double)n;
}

/* When it is too slow, unless it moves before. rate_min 0: no rate is asked for. */
static inline double pace_deadline(const struct pace *p, double stall_ms, double rate_min) {
    double spare_ms = rate_min > 0 ? p->moved * 1000 / rate_min - p->waited_ms : 0;
    return p->since_ms + stall_ms + (spare_ms < 0 ? spare_ms : 0);
}

#endif
