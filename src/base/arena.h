/*
 * An arena: memory that is freed in one step, with a cap.
 *
 * The host's allocator stands behind it (gw_mem). The first block may be kept over gw_arena_reset,
 * so that an arena that is used again and again costs no allocation. Past the cap, or when the
 * host has no memory, gw_arena_get returns NULL. Under ASan unused space is poisoned.
 */
#ifndef GW_BASE_ARENA_H
#define GW_BASE_ARENA_H

#include "base/str.h"

struct gw_mem {
    void *(*get)(void *user, size_t n);         /* NULL when there is none */
    void (*put)(void *user, void *p, size_t n); /* p as got, n as asked */
    void *user;
};

struct gw_arena_block;

struct gw_arena {
    const struct gw_mem *mem;
    struct gw_arena_block *first, *last;
    size_t used, cap, block;
};

/* Takes nothing yet; blocks of `block` bytes, `cap` bytes in all. */
void gw_arena_init(struct gw_arena *a, const struct gw_mem *mem, size_t block, size_t cap);
/* `n` bytes, zeroed, aligned to 8; NULL if they cannot be had. n == 0 gives a valid pointer. */
void *gw_arena_get(struct gw_arena *a, size_t n);
/* The last piece got grows in place from `old` to `n` bytes if it can; else NULL and no change. */
void *gw_arena_grow(struct gw_arena *a, void *p, size_t old, size_t n);
/* A copy of `s` that lives as long as the arena; {NULL, 0} if there is no memory. */
struct gw_str gw_arena_dup(struct gw_arena *a, struct gw_str s);
/* Frees all but the first block, which is used again. */
void gw_arena_reset(struct gw_arena *a);
void gw_arena_del(struct gw_arena *a);

#endif
