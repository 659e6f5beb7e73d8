/*
 * Memory that will be needed in a moment is fetched into the cache meanwhile. A hint: it reads nothing
 * and changes nothing; NULL is nothing to fetch, and an address not valid any more does no harm.
 */
#ifndef GW_BASE_PREFETCH_H
#define GW_BASE_PREFETCH_H

#include <stddef.h>

enum { GW_LINE = 64 };

static inline void gw_prefetch(const void *p, size_t n) {
    for (size_t at = 0; p != NULL && at < n; at += GW_LINE)
        __builtin_prefetch((const char *)p + at, 1);
}

#endif
