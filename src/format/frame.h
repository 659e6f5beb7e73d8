/*
 * Where the events of a stream end: server-sent events at a blank line, JSON lines at a newline; AWS's
 * frames (aws.h) begin with their length. However a stream is cut into chunks, its bytes are scanned once,
 * forward, and at most one word past the end of an event is read (tests/looks).
 */
#ifndef GW_FORMAT_FRAME_H
#define GW_FORMAT_FRAME_H

#include "base/str.h"

enum framing { FRAMING_SSE = 0, FRAMING_LINES, FRAMING_AWS };

/* The longest event that is looked at; and where its bytes do not go out as they came, so that it must be. */
enum { FRAME_MAX = 65536, FRAME_TOLD_MAX = 1 << 20 };
#define FRAME_BAD SIZE_MAX

/* The length of the first event of `s`, or 0 if its end has not come. An earlier call with the first
 * `seen` bytes of `s` has returned 0; 0 if there was none.
 *
 * AWS: FRAME_BAD if `s` does not begin with a frame: a length out of bounds, a wrong CRC, headers that do
 * not fit. A bad prelude is reported with its last byte, other faults with the frame's. Where the next
 * frame begins is unknown then: the stream counts as cut at the start of `s`. A frame may be longer than
 * `max`: its end is not looked for, in whatever pieces it comes. */
size_t frame_length_within(struct gw_str s, size_t seen, enum framing framing, size_t max);
static inline size_t frame_length(struct gw_str s, size_t seen, enum framing framing) {
    return frame_length_within(s, seen, framing, FRAME_MAX);
}
/* The content-type of a stream of them. */
struct gw_str frame_type(enum framing framing);
/* The bytes that complete an event whose end was lost; empty for AWS. */
struct gw_str frame_end(enum framing framing);

/* Whether the bytes so far end between two events, so that one of ours may follow. Constant memory,
 * any cut of the input. For AWS always false: the last bytes
 * of a frame do not show that it has ended. */
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
