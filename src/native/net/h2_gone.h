/*
 * The last H2_GONE_MAX streams of a client's connection that are over: what may still come for one of
 * them, and what breaks the rules. Pure.
 *
 *     over because       | what still comes
 *     -------------------+--------------------------------------------------------------------------
 *     OURS: we ended it, | was on its way: DATA up to the window that it had, and END_STREAM, are
 *     the request not    | free. Then it is WHOLE.
 *     being whole        |
 *     THEIRS: the client | breaks the rules: a stream error (RFC 9113 5.1), once. Then it is OURS,
 *     reset it           | with no window.
 *     WHOLE              | breaks the rules: a connection error
 *
 * That holds for DATA and HEADERS; WINDOW_UPDATE, RST_STREAM and PRIORITY may always come. A stream that is
 * not among these, and above the last one that was forgotten, never existed.
 */
#ifndef NATIVE_NET_H2_GONE_H
#define NATIVE_NET_H2_GONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { H2_GONE_MAX = 128 };
enum h2_gone_why { H2_GONE_OURS = 1, H2_GONE_THEIRS, H2_GONE_WHOLE };

struct h2_gone_stream {
    int32_t id;
    uint32_t window; /* bytes that may be on their way */
    uint8_t why;
};

struct h2_gone {
    struct h2_gone_stream streams[H2_GONE_MAX]; /* a ring, */
    uint32_t n;                                 /* into which so many have gone */
    int32_t forgotten;                          /* the greatest id that has left it */
};

static inline void h2_gone_add(struct h2_gone *g, int32_t id, enum h2_gone_why why,
                               uint32_t window) {
    struct h2_gone_stream *s = &g->streams[g->n++ % H2_GONE_MAX];
    if (s->id > g->forgotten)
        g->forgotten = s->id;
    *s = (struct h2_gone_stream){.id = id, .window = window, .why = (uint8_t)why};
}

/* NULL: it is not known. */
static inline struct h2_gone_stream *h2_gone_find(struct h2_gone *g, int32_t id) {
    for (uint32_t i = 0; i < H2_GONE_MAX; i++) {
        if (g->streams[i].id == id && id > 0)
            return &g->streams[i];
    }
    return NULL;
}

static inline bool h2_gone_never_was(const struct h2_gone *g, int32_t id) {
    return id > g->forgotten;
}

/* More comes for a stream that we have ended: whether it can have been sent before the peer knew. */
static inline bool h2_gone_late(struct h2_gone_stream *s, size_t n, bool fin) {
    bool explained = fin || (n > 0 && n <= s->window);
    s->window -= n < s->window ? (uint32_t)n : s->window;
    if (fin)
        s->why = H2_GONE_WHOLE;
    return explained;
}

#endif
