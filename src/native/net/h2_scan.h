/*
 * Where frames begin in the bytes of a connection. For frames that nghttp2 skips silently: DATA for streams
 * that it has forgotten, and types that it does not know. Pure.
 */
#ifndef NATIVE_NET_H2_SCAN_H
#define NATIVE_NET_H2_SCAN_H

#include <stdbool.h>
#include <string.h>

#include "native/net/h2.h"

struct h2_scan {
    uint32_t left; /* bytes of the frame, or the preface, that is on its way */
    uint8_t have;  /* bytes of the next head */
    uint8_t head[H2_FRAME_HEAD];
};

static inline void h2_scan_init(struct h2_scan *s) {
    *s = (struct h2_scan){.left = NGHTTP2_CLIENT_MAGIC_LEN};
}

/* Scans p[0..n) up to the end of the next frame's head. True: `*hd` is that head, `*used` how many bytes
 * were scanned, `*before` how many of them come before the head. False: all n were, and the head is not
 * whole yet. */
static inline bool h2_scan_next(struct h2_scan *s, const char *p, size_t n, size_t *before,
                                size_t *used, nghttp2_frame_hd *hd) {
    size_t body = s->left < n ? s->left : n;
    size_t more = H2_FRAME_HEAD - s->have;
    if (more > n - body)
        more = n - body;
    s->left -= (uint32_t)body;
    memcpy(s->head + s->have, p + body, more);
    s->have += (uint8_t)more;
    *before = body;
    *used = body + more;
    if (s->have < H2_FRAME_HEAD)
        return false;
    const uint8_t *b = s->head;
    s->have = 0;
    s->left = (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2];
    *hd = (nghttp2_frame_hd){
        .length = s->left,
        .type = b[3],
        .flags = b[4],
        .stream_id = (int32_t)((uint32_t)(b[5] & 0x7f) << 24 | (uint32_t)b[6] << 16 |
                               (uint32_t)b[7] << 8 | b[8]),
    };
    return true;
}

#endif
