/*
 * How many tokens a request is, when nobody who knows can be asked: by the bytes of its texts. It is for clients that
 * want to know whether their conversation still fits, so it is rather too high than too low.
 */
#ifndef GW_FORMAT_ESTIMATE_H
#define GW_FORMAT_ESTIMATE_H

#include "format/meaning.h"

uint64_t estimate_input(const struct mean *m);

#endif
