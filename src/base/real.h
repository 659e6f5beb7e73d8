/*
 * Decimal text to a double, the same on every host.
 *
 * The C library's strtod pulls 128-bit arithmetic into the wasm, and two libraries could differ in
 * the last bit of exotic numbers. Exact for up to 19 digits and exponents within 22 (any amount of
 * money, size or time); beyond that within a few units in the last place, and infinite past a
 * double's range.
 */
#ifndef GW_BASE_REAL_H
#define GW_BASE_REAL_H

#include "base/str.h"

/* The number at the beginning of `text`, [-+]digits[.digits][e[-+]digits]; 0 if there is none. */
double gw_real(struct gw_str text);

#endif
