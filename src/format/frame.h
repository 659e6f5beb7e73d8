/*
 * How the events of a stream are told apart: server-sent events end at a blank line, JSON lines at
 * their newline. Whatever the chunks, the bytes of a stream are gone through once, forward: of what lies
 * behind the event that is looked for, no more than a word is touched (tests/looks).
 */
#ifndef GW_FORMAT_FRAME_H
#define GW_FORMAT_FRAME_H

#include "base/str.h"

enum framing { FRAMING_SSE = 0, FRAMING_LINES };

/* The length of the first event of `s`, or 0 if its end has not come. No end lies within the first
 * `seen` bytes: what an earlier look at less of the same event has shown. */
size_t frame_length(struct gw_str s, size_t seen, enum framing framing);
/* What ends an event that has begun. */
struct gw_str frame_end(enum framing framing);

/* Whether the bytes so far end between two events, so that one of ours may follow. Constant memory,
 * any cut of the input. */
struct frame_tail {
    char bytes[4]; /* the last ones, oldest first */
    uint32_t n;    /* how many of them */
    enum framing framing;
};

void frame_tail_init(struct frame_tail *t, enum framing framing);
void frame_tail_add(struct frame_tail *t, struct gw_str bytes);
/* Nothing yet, or just behind the end of an event. */
bool frame_between(const struct frame_tail *t);

#endif
