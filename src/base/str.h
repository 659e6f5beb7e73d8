/*
 * Byte strings by pointer and length, and buffers with a limit.
 *
 * A gw_str borrows: it owns nothing and is never NUL-terminated. A gw_buf grows inside an arena (so
 * it is freed with it) and never past `max`: an append that does not fit sets `full`, leaves the
 * buffer as it was, and every later append is refused too, so that a caller checks once at the end.
 */
#ifndef GW_BASE_STR_H
#define GW_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct gw_arena;

struct gw_str {
    const char *p;
    size_t n;
};

/* A literal as a gw_str: GW_STR("abc"). */
#define GW_STR(lit) ((struct gw_str){(lit), sizeof(lit) - 1})
/* The same in a constant initialiser. */
#define GW_STR_INIT(lit) {(lit), sizeof(lit) - 1}

static inline struct gw_str gw_str(const void *p, size_t n) {
    return (struct gw_str){(const char *)p, n};
}

static inline bool gw_str_eq(struct gw_str a, struct gw_str b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline char gw_lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* ASCII case-insensitive equality. */
bool gw_str_ieq(struct gw_str a, struct gw_str b);
bool gw_str_starts(struct gw_str s, struct gw_str prefix);
bool gw_str_ends(struct gw_str s, struct gw_str suffix);
/* The position of `c` or of `needle` in `s`, or -1. */
ptrdiff_t gw_str_chr(struct gw_str s, char c);
ptrdiff_t gw_str_find(struct gw_str s, struct gw_str needle);
/* `s` from byte `from` on, and at most `n` bytes of it; both are clamped. */
struct gw_str gw_str_sub(struct gw_str s, size_t from, size_t n);
/* `s` without the spaces and tabs around it. */
struct gw_str gw_str_trim(struct gw_str s);
/* Cuts the part of `*rest` before the next `sep` off and returns it; `*rest` goes on after `sep`,
 * and its p is NULL when nothing is left. */
struct gw_str gw_str_cut(struct gw_str *rest, char sep);
/* Reads the whole of `s` as a decimal number of at most 18 digits; false if it is anything else. */
bool gw_str_u64(struct gw_str s, uint64_t *out);

struct gw_buf {
    char *p;
    size_t n, cap, max;
    struct gw_arena *arena;
    bool full;
};

/* An empty buffer in `arena` that holds at most `max` bytes. */
void gw_buf_init(struct gw_buf *b, struct gw_arena *arena, size_t max);
/* gw_buf_put when it does not simply fit. */
void gw_buf_put_slow(struct gw_buf *b, struct gw_str s);
static inline void gw_buf_put(struct gw_buf *b, struct gw_str s) {
    if (s.n == 0 || s.n > b->cap - b->n || b->full) {
        gw_buf_put_slow(b, s);
        return;
    }
    memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
}
static inline void gw_buf_putc(struct gw_buf *b, char c) {
    gw_buf_put(b, gw_str(&c, 1));
}
/* Room for `n` bytes more, which the caller writes; NULL: they do not fit, and the buffer is full. */
char *gw_buf_room(struct gw_buf *b, size_t n);
void gw_buf_put_u64(struct gw_buf *b, uint64_t v);
/* `s` as the inside of a JSON string: quotes, controls and invalid UTF-8 escaped (U+FFFD). */
void gw_buf_put_json(struct gw_buf *b, struct gw_str s);
void gw_buf_put_hex(struct gw_buf *b, const uint8_t *bytes, size_t n);
static inline struct gw_str gw_buf_str(const struct gw_buf *b) {
    return (struct gw_str){b->p, b->n};
}

#endif
