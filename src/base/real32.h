/*
 * Decimal text to a float of 32 bits, rightly rounded: the nearest one, of two the even one.
 *
 * It goes by the double that gw_real gives, which is near enough unless the text is next to the middle between two
 * floats. Then whole numbers decide. Past the largest float it is infinite; below the smallest, 0.
 */
#ifndef GW_BASE_REAL32_H
#define GW_BASE_REAL32_H

#include "base/str.h"

/* The bits of the number at the beginning of `text`, as gw_real reads it. */
uint32_t gw_real32(struct gw_str text);

#endif
