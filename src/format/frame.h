/*
 * Where one event of a stream ends: of server-sent events at its blank line, of JSON lines at its
 * newline. Whatever the chunks, the bytes of a stream are gone through once, forward: of what lies
 * behind the event that is looked for, no more than a word is touched (tests/looks).
 */
#ifndef GW_FORMAT_FRAME_H
#define GW_FORMAT_FRAME_H

#include "base/str.h"

/* The length of the first event of `s`, or 0 if its end has not come. No end lies within the first
 * `seen` bytes: what an earlier look at less of the same event has shown. */
size_t frame_length(struct gw_str s, size_t seen, bool lines);

#endif
