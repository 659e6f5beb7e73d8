/*
 * How much nuisance an HTTP/2 peer may be: frames that cost us work and move nothing. Pure.
 *
 *     frame                                   | costs                     | at once | a second
 *     ----------------------------------------+---------------------------+---------+---------
 *     RST_STREAM received; one that the       | 1 reset                   | 200     | 20
 *     client's mistakes made us send; HEADERS |                           |         |
 *     for a stream that is over               |                           |         |
 *     DATA with payload, other HEADERS        | nothing: flow control and |         |
 *                                             | the streams bound them    |         |
 *     WINDOW_UPDATE, as long as what we have  | nothing: whoever takes    |         |
 *     sent explains it                        | much must say so often    |         |
 *     any other                               | 1 frame, and 1 a KiB      | 1000    | 100
 *
 * A DATA frame that we send explains one WINDOW_UPDATE for each H2_WORTH_BYTES (HAProxy gives its windows
 * back read by read, not frame by frame), and H2_WORTH more if it carries all that there was. A frame that
 * the peer's own windows have kept small explains none of these H2_WORTH: otherwise windows that open byte
 * by byte would pay for themselves. It also earns as many frames of any kind, H2_WORTH at most.
 */
#ifndef NATIVE_NET_H2_CALM_H
#define NATIVE_NET_H2_CALM_H

#include <stdbool.h>
#include <stddef.h>

enum { H2_RESETS_MAX = 200, H2_RESETS_PER_S = 20 };
enum { H2_FRAMES_MAX = 1000, H2_FRAMES_PER_S = 100, H2_FRAME_BYTES = 1024 };
enum { H2_WINDOWS_MAX = 1 << 15, H2_WORTH = 2, H2_WORTH_BYTES = 512 };

enum { H2_HEAD_FLOOD = 4 * 65536 }; /* bytes of one head, counted as in h2_fields.h */

struct h2_calm {
    double resets, frames; /* left */
    double windows;        /* updates that are explained and have not come */
    double at_ms;
};

static inline void h2_calm_init(struct h2_calm *c, double now_ms) {
    *c = (struct h2_calm){H2_RESETS_MAX, H2_FRAMES_MAX, 0, now_ms};
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

/* DATA of `n` bytes is sent; `all`: nothing waits behind it. */
static inline void h2_calm_sent(struct h2_calm *c, size_t n, bool all) {
    double worth = (all ? H2_WORTH : 0) + (double)n / H2_WORTH_BYTES;
    c->windows = c->windows + worth < H2_WINDOWS_MAX ? c->windows + worth : H2_WINDOWS_MAX;
    h2_calm_earn(c, worth < H2_WORTH ? worth : H2_WORTH);
}

/* A WINDOW_UPDATE has come: whether it is explained. */
static inline bool h2_calm_window(struct h2_calm *c) {
    if (c->windows < 1)
        return false;
    c->windows--;
    return true;
}

#endif
