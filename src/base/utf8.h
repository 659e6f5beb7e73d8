/*
 * UTF-8, strictly as in RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef GW_BASE_UTF8_H
#define GW_BASE_UTF8_H

#include "base/str.h"

/* How many bytes (1 to 4) the valid character at `p` has, of `n` > 0 bytes left; 0 if there is no
 * whole valid one. */
size_t gw_utf8_char(const char *p, size_t n);
/* The position of the first byte that is not part of a valid character, or s.n. */
size_t gw_utf8_valid(struct gw_str s);
/* Writes `code` (a valid code point) and returns how many bytes it took. */
size_t gw_utf8_put(uint32_t code, char out[4]);
/* How many characters valid text has. Invalid text gives some number, not a fault. */
uint64_t gw_utf8_count(struct gw_str s);

#endif
