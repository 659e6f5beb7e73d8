/*
 * The usual event: what a stream's content events have in common, so that they need not be parsed.
 *
 * Most events of a stream differ in nothing but one string. An event that begins with the same bytes
 * as one that was read, up to that string, and ends with the same bytes behind it, says the same.
 */
#ifndef GW_FORMAT_SHAPE_H
#define GW_FORMAT_SHAPE_H

#include "format/event.h"

enum { SHAPE_MAX = 512 }; /* bytes before and after the string */

struct shape {
    uint32_t channel;
    uint32_t before, after; /* how many; 0: no shape is known */
    char bytes[SHAPE_MAX];
};

/* Remembers an event that was read, if it is a usual one. */
void shape_learn(struct shape *shape, struct gw_str event, const struct event *e);
/* The length of the event that `s` begins with, if it has this shape and is whole; else 0. */
size_t shape_match(const struct shape *shape, struct gw_str s, struct event_piece *piece);

#endif
