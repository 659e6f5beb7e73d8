/*
 * How the events of a stream are told apart: server-sent events end at a blank line, JSON lines at their
 * newline, and AWS's frames (aws.h) say how long they are. Whatever the chunks, the bytes of a stream are
 * gone through once, forward: of what lies behind the event that is looked for, at most a word is touched
 * (tests/looks).
 */
#ifndef GW_FORMAT_FRAME_H
#define GW_FORMAT_FRAME_H

#include "base/str.h"

enum framing { FRAMING_SSE = 0, FRAMING_LINES, FRAMING_AWS };

enum { FRAME_MAX = 65536 }; /* the longest event that is looked at */
#define FRAME_BAD SIZE_MAX

/* The length of the first event of `s`, or 0 if its end has not come. An earlier call with the first
 * `seen` bytes of `s` has returned 0; 0 if there was none.
 *
 * AWS: FRAME_BAD if no frame can begin like this: a length out of bounds, a wrong CRC, headers that do
 * not fit. It is said as soon as the bytes that show it are there, and of these bytes or more it is said
 * again. Where the next frame begins is then unknown: the stream counts as cut at the start of `s`. */
size_t frame_length(struct gw_str s, size_t seen, enum framing framing);
/* The same, where the framing is known not to be AWS. That is all that a stream can be today: no dialect
 * comes in frames yet, and what only they need is left out of the Worker's module. */
size_t frame_text_length(struct gw_str s, size_t seen, enum framing framing);
/* What ends an event that has begun; empty for AWS, where nothing can. */
struct gw_str frame_end(enum framing framing);

/* Whether the bytes so far end between two events, so that one of ours may follow. Constant memory,
 * any cut of the input. Of AWS's frames the last bytes do not show it: it is denied. */
struct frame_tail {
    char bytes[4]; /* the last ones, oldest first */
    uint32_t n;    /* how many */
    enum framing framing;
};

void frame_tail_init(struct frame_tail *t, enum framing framing);
void frame_tail_add(struct frame_tail *t, struct gw_str bytes);
/* No bytes yet, or an event has just ended. */
bool frame_between(const struct frame_tail *t);

#endif
