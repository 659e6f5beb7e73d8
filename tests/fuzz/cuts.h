/* What readers are fuzzed with: what must hold, and a text that comes in pieces. */
#ifndef TESTS_FUZZ_CUTS_H
#define TESTS_FUZZ_CUTS_H

#include <stdlib.h>

#include "base/str.h"

static inline void must(bool ok) {
    if (!ok)
        abort();
}

/* A reader takes a piece: 0, or what ends the reading. */
typedef int cuts_take(void *reader, struct gw_str piece);

/* Pieces of 1 to 20 bytes, each in memory of its own, so that reading past it is seen. */
static inline int cuts_feed(cuts_take *take, void *reader, struct gw_str text, unsigned seed) {
    for (size_t i = 0; i < text.n;) {
        seed = seed * 1103515245u + 12345u;
        struct gw_str part = gw_str_sub(text, i, 1 + (seed >> 16) % 20);
        char *copy = malloc(part.n);
        must(copy != NULL);
        memcpy(copy, part.p, part.n);
        int got = take(reader, gw_str(copy, part.n));
        free(copy);
        if (got != 0)
            return got;
        i += part.n;
    }
    return 0;
}

#endif
