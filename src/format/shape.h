/*
 * The shape of a stream's usual event, which spares the parser.
 *
 * Most events of a stream differ in a single string. If an event begins with the same bytes as an earlier
 * one up to that string, and ends with the same bytes behind it, it differs from that one in the string
 * alone, and need not be parsed.
 */
#ifndef GW_FORMAT_SHAPE_H
#define GW_FORMAT_SHAPE_H

#include "format/event.h"

enum { SHAPE_MAX = 512 }; /* bytes before and after the string */

struct shape {
    uint32_t channel;
    uint32_t before, after; /* how many of each; 0: no shape is known */
    char bytes[SHAPE_MAX];
};

/* Remembers the shape of an event, if it holds one piece of content and nothing else. */
void shape_learn(struct shape *shape, struct gw_str event, const struct event *e);
/* The length of the event at the start of `s`, if it is complete and has this shape; else 0. */
size_t shape_match(const struct shape *shape, struct gw_str s, struct event_piece *piece);

#endif
