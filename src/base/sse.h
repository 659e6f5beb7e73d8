/*
 * Where a stream of server-sent events (or of JSON lines) stands: whether the bytes so far end
 * between two events, so that one of ours may follow. Constant memory, any cut of the input.
 */
#ifndef GW_BASE_SSE_H
#define GW_BASE_SSE_H

#include "base/str.h"

struct gw_sse {
    char tail[4]; /* the last bytes, oldest first */
    uint32_t n;   /* how many of them */
    bool lines;   /* JSON lines: an event ends with each newline */
};

void gw_sse_init(struct gw_sse *s, bool lines);
void gw_sse_feed(struct gw_sse *s, struct gw_str bytes);
/* Nothing yet, or just behind the blank line (or newline) that ends an event. */
bool gw_sse_between(const struct gw_sse *s);

#endif
