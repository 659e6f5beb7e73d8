#include "base/str.h"

#include "base/arena.h"
#include "base/utf8.h"

bool gw_str_ieq(struct gw_str a, struct gw_str b) {
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (gw_lower(a.p[i]) != gw_lower(b.p[i]))
            return false;
    return true;
}

bool gw_str_starts(struct gw_str s, struct gw_str prefix) {
    return s.n >= prefix.n && gw_str_eq(gw_str(s.p, prefix.n), prefix);
}

bool gw_str_ends(struct gw_str s, struct gw_str suffix) {
    return s.n >= suffix.n && gw_str_eq(gw_str_sub(s, s.n - suffix.n, suffix.n), suffix);
}

ptrdiff_t gw_str_chr(struct gw_str s, char c) {
    const char *at = s.n > 0 ? memchr(s.p, (unsigned char)c, s.n) : NULL;
    return at ? at - s.p : -1;
}

ptrdiff_t gw_str_find(struct gw_str s, struct gw_str needle) {
    if (needle.n == 0)
        return 0;
    for (size_t i = 0; needle.n <= s.n - i; i++) {
        /* Only the places where the whole needle still fits. */
        ptrdiff_t at = gw_str_chr(gw_str(s.p + i, s.n - i - needle.n + 1), needle.p[0]);
        if (at < 0)
            return -1;
        i += (size_t)at;
        if (memcmp(s.p + i, needle.p, needle.n) == 0)
            return (ptrdiff_t)i;
    }
    return -1;
}

struct gw_str gw_str_sub(struct gw_str s, size_t from, size_t n) {
    if (from > s.n)
        from = s.n;
    if (n > s.n - from)
        n = s.n - from;
    return from > 0 ? gw_str(s.p + from, n) : gw_str(s.p, n);
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

struct gw_str gw_str_trim(struct gw_str s) {
    while (s.n > 0 && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

struct gw_str gw_str_cut(struct gw_str *rest, char sep) {
    struct gw_str whole = *rest;
    ptrdiff_t at = gw_str_chr(whole, sep);
    if (at < 0) {
        *rest = (struct gw_str){NULL, 0};
        return whole;
    }
    *rest = gw_str(whole.p + at + 1, whole.n - (size_t)at - 1);
    return gw_str(whole.p, (size_t)at);
}

bool gw_str_u64(struct gw_str s, uint64_t *out) {
    uint64_t v = 0;
    if (s.n == 0 || s.n > 18)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(s.p[i] - '0');
    }
    *out = v;
    return true;
}

/* ------------------------------------------------------------------ buffers */

enum { BUF_FIRST = 256 };

void gw_buf_init(struct gw_buf *b, struct gw_arena *arena, size_t max) {
    *b = (struct gw_buf){.arena = arena, .max = max};
}

/* In place if nothing was got from the arena since, else by a copy twice as large. */
static bool grow_to(struct gw_buf *b, size_t cap) {
    char *p = b->p ? gw_arena_grow(b->arena, b->p, b->cap, cap) : NULL;
    if (!p) {
        p = gw_arena_get(b->arena, cap);
        if (!p)
            return false;
        if (b->p)
            memcpy(p, b->p, b->n);
    }
    b->p = p;
    b->cap = cap;
    return true;
}

/* Room for `n` more bytes; else the buffer is full from now on. */
static bool reserve(struct gw_buf *b, size_t n) {
    if (b->full)
        return false;
    if (n <= b->cap - b->n)
        return true;
    if (n <= b->max - b->n) {
        size_t need = b->n + n;
        size_t cap = b->cap < BUF_FIRST ? BUF_FIRST : b->cap;
        if (cap <= SIZE_MAX / 2 && b->cap > 0)
            cap *= 2;
        if (cap < need)
            cap = need;
        if (cap > b->max)
            cap = b->max;
        if (grow_to(b, cap) || (cap > need && grow_to(b, need)))
            return true;
    }
    b->full = true;
    return false;
}

void gw_buf_put_slow(struct gw_buf *b, struct gw_str s) {
    if (!s.p || s.n == 0 || !reserve(b, s.n))
        return;
    memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
}

char *gw_buf_room(struct gw_buf *b, size_t n) {
    if (!reserve(b, n))
        return NULL;
    b->n += n;
    return b->p + b->n - n;
}

void gw_buf_put_u64(struct gw_buf *b, uint64_t v) {
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    gw_buf_put(b, gw_str(digits + at, sizeof digits - at));
}

static char hex_digit(unsigned v) {
    return "0123456789abcdef"[v & 15];
}

/* What stands for the character at `p` that cannot stand for itself. */
static void put_escape(struct gw_buf *b, char c) {
    unsigned char u = (unsigned char)c;
    char letter = c == '"' || c == '\\' ? c
                  : c == '\n'           ? 'n'
                  : c == '\r'           ? 'r'
                  : c == '\t'           ? 't'
                  : c == '\b'           ? 'b'
                  : c == '\f'           ? 'f'
                                        : 0;
    if (letter) {
        gw_buf_put(b, gw_str((char[2]){'\\', letter}, 2));
    } else if (u < 0x20) {
        char text[6] = {'\\', 'u', '0', '0', hex_digit(u >> 4), hex_digit(u)};
        gw_buf_put(b, gw_str(text, sizeof text));
    } else {
        gw_buf_put(b, GW_STR("\\ufffd"));
    }
}

void gw_buf_put_json(struct gw_buf *b, struct gw_str s) {
    size_t before = b->n, plain = 0, i = 0;
    while (i < s.n) {
        char c = s.p[i];
        size_t len = gw_utf8_char(s.p + i, s.n - i);
        if (len > 0 && (unsigned char)c >= 0x20 && c != '"' && c != '\\') {
            i += len;
            continue;
        }
        gw_buf_put(b, gw_str(s.p + plain, i - plain));
        put_escape(b, c);
        plain = ++i;
    }
    if (i > plain)
        gw_buf_put(b, gw_str(s.p + plain, i - plain));
    if (b->full)
        b->n = before; /* all of it or nothing */
}

void gw_buf_put_hex(struct gw_buf *b, const uint8_t *bytes, size_t n) {
    if (n > SIZE_MAX / 2 || !reserve(b, 2 * n))
        return;
    for (size_t i = 0; i < n; i++) {
        b->p[b->n++] = hex_digit(bytes[i] >> 4);
        b->p[b->n++] = hex_digit(bytes[i]);
    }
}
