/* AWS's frames (format/aws.h), made by hand. */
#ifndef TESTS_UNIT_FRAMES_H
#define TESTS_UNIT_FRAMES_H

#include "format/aws.h"

static inline void frames_set(char *p, uint32_t value) {
    for (int i = 0; i < 4; i++)
        p[i] = (char)(value >> (24 - 8 * i));
}

/* Both CRCs, whatever the lengths say. */
static inline void frames_seal(char *frame, size_t n) {
    frames_set(frame + 8, aws_crc(0, gw_str(frame, 8)));
    frames_set(frame + n - 4, aws_crc(0, gw_str(frame, n - 4)));
}

/* The CRCs of the frame that `p` begins with, as far as they are there. Its length; 0: it is not whole. */
static inline size_t frames_mend(char *p, size_t n) {
    const unsigned char *u = (const unsigned char *)p;
    if (n < AWS_FRAME_MIN)
        return 0;
    size_t length = (size_t)u[0] << 24 | (size_t)u[1] << 16 | (size_t)u[2] << 8 | u[3];
    bool whole = length >= AWS_FRAME_MIN && length <= n;
    frames_set(p + 8, aws_crc(0, gw_str(p, 8)));
    if (whole)
        frames_seal(p, length);
    return whole ? length : 0;
}

/* Appends a frame, for which there must be room. */
static inline void frames_put(struct gw_buf *b, struct gw_str headers, struct gw_str payload) {
    static const char room[AWS_PRELUDE];
    size_t at = b->n, n = AWS_FRAME_MIN + headers.n + payload.n;
    gw_buf_put(b, gw_str(room, AWS_PRELUDE));
    gw_buf_put(b, headers);
    gw_buf_put(b, payload);
    gw_buf_put(b, gw_str(room, AWS_FRAME_MIN - AWS_PRELUDE));
    frames_set(b->p + at, (uint32_t)n);
    frames_set(b->p + at + 4, (uint32_t)headers.n);
    frames_seal(b->p + at, n);
}

#endif
