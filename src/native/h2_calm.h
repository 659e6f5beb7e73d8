/*
 * How much nuisance an HTTP/2 client may be. Pure.
 *
 *     frame                                   | costs                     | at once | a second
 *     ----------------------------------------+---------------------------+---------+---------
 *     RST_STREAM received; one that the       | 1 reset                   | 200     | 20
 *     client's mistakes made us send; HEADERS |                           |         |
 *     for a stream that is over               |                           |         |
 *     DATA with payload, other HEADERS        | nothing: flow control and |         |
 *                                             | the streams bound them    |         |
 *     any other                               | 1 frame, and 1 a KiB      | 1000    | 100
 *
 * Frames, not resets, are also earned: H2_WORTH by each DATA frame that is sent, for a client that
 * takes much must say so often.
 */
#ifndef NATIVE_H2_CALM_H
#define NATIVE_H2_CALM_H

#include <stdbool.h>

enum { H2_RESETS_MAX = 200, H2_RESETS_PER_S = 20 };
enum { H2_FRAMES_MAX = 1000, H2_FRAMES_PER_S = 100, H2_FRAME_BYTES = 1024, H2_WORTH = 2 };

struct h2_calm {
    double resets, frames; /* left */
    double at_ms;
};

static inline void h2_calm_init(struct h2_calm *c, double now_ms) {
    *c = (struct h2_calm){H2_RESETS_MAX, H2_FRAMES_MAX, now_ms};
}

static inline void h2_calm_earn(struct h2_calm *c, double frames) {
    c->frames = c->frames + frames < H2_FRAMES_MAX ? c->frames + frames : H2_FRAMES_MAX;
}

/* False when too little is left. */
static inline bool h2_calm_spend(struct h2_calm *c, double resets, double frames, double now_ms) {
    double s = (now_ms - c->at_ms) / 1000;
    double filled = c->resets + s * H2_RESETS_PER_S;
    c->resets = (filled < H2_RESETS_MAX ? filled : H2_RESETS_MAX) - resets;
    h2_calm_earn(c, s * H2_FRAMES_PER_S);
    c->frames -= frames;
    c->at_ms = now_ms;
    return c->resets >= 0 && c->frames >= 0;
}

#endif
