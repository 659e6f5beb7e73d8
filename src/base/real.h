/*
 * Decimal text to a double, the same on every host.
 *
 * cJSON is compiled with strtod replaced by this one: the C library's pulls 128-bit arithmetic into
 * the wasm, and two libraries could differ in the last bit of exotic numbers. Exact for up to 19
 * digits and exponents within 22 (any amount of money, size or time); beyond that within a few units
 * in the last place.
 */
#ifndef GW_BASE_REAL_H
#define GW_BASE_REAL_H

/* Reads [-+]digits[.digits][e[-+]digits] from NUL-terminated text. `*end` is where it stopped: `text`
 * itself if there was no number. */
double gw_strtod(const char *text, char **end);

#endif
