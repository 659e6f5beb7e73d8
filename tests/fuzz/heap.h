/* The C library's heap, for what is fuzzed. */
#ifndef TESTS_FUZZ_HEAP_H
#define TESTS_FUZZ_HEAP_H

#include <stdlib.h>

#include "base/arena.h"

static inline void *heap_get(void *user, size_t n) {
    (void)user;
    return malloc(n);
}

static inline void heap_put(void *user, void *p, size_t n) {
    (void)user, (void)n;
    free(p);
}

static const struct gw_mem heap = {heap_get, heap_put, NULL};

#endif
