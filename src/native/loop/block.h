/*
 * Blocks: memory in two sizes, kept in free lists of one loop.
 *
 * Request bodies, partial heads and what a socket does not take yet live in blocks; an idle
 * connection has none. A free list holds at most BLOCK_SMALL_KEPT or BLOCK_LARGE_KEPT blocks. block_trim,
 * called about once a second, returns to the system what was not used since the last time, so that memory
 * falls again after a burst.
 */
#ifndef NATIVE_LOOP_BLOCK_H
#define NATIVE_LOOP_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BLOCK_SMALL = 4064, BLOCK_LARGE = 65536 };
enum { BLOCK_SMALL_KEPT = 1024, BLOCK_LARGE_KEPT = 256 };

struct block {
    struct block *next;
    uint64_t off;           /* body.c: where in the body data[from] belongs */
    uint32_t cap, from, to; /* the bytes in use are data[from..to) */
    char data[];
};

struct block_list {
    struct block *first;
    uint32_t n, low; /* blocks now, and the fewest since the last trim */
};

struct blocks {
    struct block_list small, large;
};

/* An empty block of BLOCK_SMALL bytes if `want` fits, else of BLOCK_LARGE; NULL if there is no
 * memory. */
struct block *block_get(struct blocks *b, size_t want);
/* A block of just `n` bytes, for what is held for long; NULL if there is no memory. */
struct block *block_exact(size_t n);
void block_put(struct blocks *b, struct block *block);
/* Puts a whole chain. */
void block_put_all(struct blocks *b, struct block *first);
void block_trim(struct blocks *b);
void block_del_all(struct blocks *b);

#endif
