/*
 * Classes of bytes for the HTTP/1.1 codec: one table, one look-up for a byte. Only for src/http.
 */
#ifndef GW_HTTP_H1_CLASS_H
#define GW_HTTP_H1_CLASS_H

#include "base/str.h"

enum h1_class_bit {
    H1_TOKEN = 1,   /* RFC 9110 tchar: header names */
    H1_VALUE = 2,   /* in a header's value: HTAB, SP, visible ASCII and 0x80 to 0xff */
    H1_METHOD = 4,  /* 'A' to 'Z', '-' and '_': nginx refuses other methods, so do we */
    H1_TARGET = 8,  /* visible ASCII but '#': a fragment never goes over the wire */
    H1_NAME = 16,   /* of a host: letters, digits, '-', '_', '.' */
    H1_LITERAL = 32 /* inside the brackets of an IPv6 address */
};

extern const uint8_t h1_class[256];

static inline bool h1_is(char c, uint32_t bits) {
    return (h1_class[(uint8_t)c] & bits) != 0;
}

/* Whether `s` has bytes, and all of them are of such a class. */
static inline bool h1_all(struct gw_str s, uint32_t bits) {
    for (size_t i = 0; i < s.n; i++)
        if (!h1_is(s.p[i], bits))
            return false;
    return s.n > 0;
}

#endif
