#include "base/sse.h"

void gw_sse_init(struct gw_sse *s, bool lines) {
    memset(s, 0, sizeof *s);
    s->lines = lines;
}

void gw_sse_feed(struct gw_sse *s, struct gw_str bytes) {
    size_t add = bytes.n < sizeof s->tail ? bytes.n : sizeof s->tail;
    size_t keep = s->n < sizeof s->tail - add ? s->n : sizeof s->tail - add;
    if (add == 0)
        return;
    memmove(s->tail, s->tail + s->n - keep, keep);
    memcpy(s->tail + keep, bytes.p + bytes.n - add, add);
    s->n = (uint32_t)(keep + add);
}

bool gw_sse_between(const struct gw_sse *s) {
    struct gw_str tail = gw_str(s->tail, s->n);
    if (s->n == 0)
        return true;
    if (s->lines)
        return gw_str_ends(tail, GW_STR("\n"));
    return gw_str_ends(tail, GW_STR("\n\n")) || gw_str_ends(tail, GW_STR("\r\r")) ||
           gw_str_ends(tail, GW_STR("\r\n\r\n"));
}
