/*
 * Text by eight bytes at a time: whether one of them is special in the inside of a JSON string. Each
 * test is non-zero if one of the eight is; which one is left to whoever then looks at them singly.
 */
#ifndef GW_BASE_WORD_H
#define GW_BASE_WORD_H

#include <stdbool.h>
#include <stddef.h>
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

/* A quote, a backslash, a control character or anything beyond ASCII: what does not stand for itself
 * alone. The lowest mark is the first such byte's on the machines that we are built for. */
static inline uint64_t gw_word_not_plain(uint64_t w) {
    return gw_word_marks(w) | (w & GW_WORD_TOPS);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the lowest byte is the first");

#if defined(__SSE2__) || defined(__ARM_NEON)
enum { GW_WORD_BLOCK = 64 };
typedef signed char gw_word_lanes __attribute__((vector_size(16)));

static inline gw_word_lanes gw_word_lanes_at(const char *p) {
    gw_word_lanes at;
    memcpy(&at, p, sizeof at);
    return at;
}
/* Beyond ASCII is negative here; with 2 flipped a quote is a space, and what is more than a space or
 * is one still is more, but for the quote. */
static inline bool gw_word_block_is_plain(const char *p) {
    gw_word_lanes a = gw_word_lanes_at(p), b = gw_word_lanes_at(p + 16);
    gw_word_lanes c = gw_word_lanes_at(p + 32), d = gw_word_lanes_at(p + 48);
    gw_word_lanes plain = ((a ^ 2) > ' ') & ((b ^ 2) > ' ') & ((c ^ 2) > ' ') & ((d ^ 2) > ' ');
    gw_word_lanes slash = (a == '\\') | (b == '\\') | (c == '\\') | (d == '\\');
    uint64_t half[2];
    plain &= ~slash;
    memcpy(half, &plain, sizeof half);
    return (half[0] & half[1]) == UINT64_MAX;
}
#else
enum { GW_WORD_BLOCK = 8 };
static inline bool gw_word_block_is_plain(const char *p) {
    return gw_word_not_plain(gw_word_at(p)) == 0;
}
#endif

/* How many of `n` bytes are plain. Many runs are short, and few are long but not very long. */
static inline size_t gw_word_plain_run(const char *p, size_t n) {
    size_t i = 0;
    for (; n - i >= 8; i += 8) {
        uint64_t marks = gw_word_not_plain(gw_word_at(p + i));
        if (marks != 0)
            return i + (size_t)__builtin_ctzll(marks) / 8;
        if (i == 8)
            while (n - i >= 8 + GW_WORD_BLOCK && gw_word_block_is_plain(p + i + 8))
                i += GW_WORD_BLOCK;
    }
    while (i < n && (unsigned char)p[i] >= 0x20 && (unsigned char)p[i] < 0x80 && p[i] != '"' &&
           p[i] != '\\')
        i++;
    return i;
}

/* A byte that begins a character beyond the basic multilingual plane: 0xf0 and above. */
static inline uint64_t gw_word_far(uint64_t w) {
    return w & w << 1 & w << 2 & w << 3 & GW_WORD_TOPS;
}

#endif
