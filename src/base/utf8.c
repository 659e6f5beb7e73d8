#include "base/utf8.h"

static bool is_tail(unsigned char c) {
    return (c & 0xC0) == 0x80;
}

/* The lead byte says the length, and for four of them the second byte's range is narrower: that is
 * where overlong forms, surrogates and what is above U+10FFFF are refused. */
size_t gw_utf8_char(const char *s, size_t n) {
    const unsigned char *p = (const unsigned char *)s;
    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xC2 || p[0] > 0xF4 || n < 2 || !is_tail(p[1]))
        return 0;
    if (p[0] < 0xE0)
        return 2;
    if (n < 3 || !is_tail(p[2]))
        return 0;
    if (p[0] < 0xF0)
        return (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ? 0 : 3;
    if (n < 4 || !is_tail(p[3]))
        return 0;
    return (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F) ? 0 : 4;
}

size_t gw_utf8_valid(struct gw_str s) {
    size_t i = 0;
    while (i < s.n) {
        size_t len = gw_utf8_char(s.p + i, s.n - i);
        if (len == 0)
            break;
        i += len;
    }
    return i;
}

size_t gw_utf8_put(uint32_t code, char out[4]) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | (code >> 6));
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | (code >> 12));
        out[1] = (char)(0x80 | ((code >> 6) & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | (code >> 18));
    out[1] = (char)(0x80 | ((code >> 12) & 0x3F));
    out[2] = (char)(0x80 | ((code >> 6) & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

/* Every character has exactly one byte that is not a tail byte. */
uint64_t gw_utf8_count(struct gw_str s) {
    uint64_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += !is_tail((unsigned char)s.p[i]);
    return n;
}
