/*
 * How much nuisance an HTTP/2 client may be: a bucket that fills with time and with use, and that
 * each frame which is of no use empties. Pure.
 *
 *     frame                                   | costs
 *     ----------------------------------------+------------------------------------------------
 *     RST_STREAM received; one that the       | H2_COST_RESET: 200 at once, 20 a second
 *     client's mistakes made us send          |
 *     HEADERS for a stream that is over       | the same
 *     DATA with payload, other HEADERS        | nothing: flow control and the streams bound them
 *     any other                               | 1, and 1 for each KiB: 1000 at once, 100 a second
 *
 * Each DATA frame, either way, is worth H2_WORTH: a client that takes much says so often.
 */
#ifndef NATIVE_H2_CALM_H
#define NATIVE_H2_CALM_H

#include <stdbool.h>

enum {
    H2_CALM_MAX = 1000,
    H2_CALM_PER_S = 100,
    H2_CALM_BYTES = 1024,
    H2_COST_RESET = 5,
    H2_WORTH = 2
};

struct h2_calm {
    double left, at_ms;
};

static inline void h2_calm_init(struct h2_calm *c, double now_ms) {
    *c = (struct h2_calm){H2_CALM_MAX, now_ms};
}

static inline void h2_calm_gain(struct h2_calm *c, double n) {
    c->left = c->left + n < H2_CALM_MAX ? c->left + n : H2_CALM_MAX;
}

/* False when nothing is left. */
static inline bool h2_calm_spend(struct h2_calm *c, double n, double now_ms) {
    h2_calm_gain(c, (now_ms - c->at_ms) * H2_CALM_PER_S / 1000);
    c->at_ms = now_ms;
    c->left -= n;
    return c->left >= 0;
}

#endif
