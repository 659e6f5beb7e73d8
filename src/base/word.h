/*
 * Text by eight bytes at a time: whether one of them is special in the inside of a JSON string. Each
 * test is non-zero if one of the eight is; which one is left to whoever then looks at them singly.
 */
#ifndef GW_BASE_WORD_H
#define GW_BASE_WORD_H

#include <stdint.h>
#include <string.h>

#define GW_WORD_ONES UINT64_C(0x0101010101010101)
#define GW_WORD_TOPS (GW_WORD_ONES << 7)

static inline uint64_t gw_word_at(const char *p) {
    uint64_t w;
    memcpy(&w, p, sizeof w);
    return w;
}

/* A control character: a tab, a CR, a LF. */
static inline uint64_t gw_word_controls(uint64_t w) {
    return (w - GW_WORD_ONES * 0x20) & ~w & GW_WORD_TOPS;
}

/* A quote, a backslash or a control character. */
static inline uint64_t gw_word_marks(uint64_t w) {
    uint64_t quote = w ^ GW_WORD_ONES * '"', slash = w ^ GW_WORD_ONES * '\\';
    uint64_t either = ((quote - GW_WORD_ONES) & ~quote) | ((slash - GW_WORD_ONES) & ~slash);
    return gw_word_controls(w) | (either & GW_WORD_TOPS);
}

/* A byte that begins a character beyond the basic multilingual plane: 0xf0 and above. */
static inline uint64_t gw_word_far(uint64_t w) {
    return w & w << 1 & w << 2 & w << 3 & GW_WORD_TOPS;
}

#endif
