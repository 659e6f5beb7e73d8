#include "base/arena.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#endif

/* Under ASan a piece is open for exactly the bytes that were asked for, and a closed gap follows
 * it, so that running over its end is seen even if another piece follows. */
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
enum { ARENA_GAP = 8 };
static void shut(const void *p, size_t n) {
    __asan_poison_memory_region(p, n);
}
static void open_up(const void *p, size_t n) {
    __asan_unpoison_memory_region(p, n);
}
#else
enum { ARENA_GAP = 0 };
static inline void shut(const void *p, size_t n) {
    (void)p, (void)n;
}
static inline void open_up(const void *p, size_t n) {
    (void)p, (void)n;
}
#endif

struct gw_arena_block {
    struct gw_arena_block *next;
    size_t size, used; /* of data */
    _Alignas(8) char data[];
};

static size_t room_for(size_t n) {
    return ((n + 7) & ~(size_t)7) + ARENA_GAP;
}

void gw_arena_init(struct gw_arena *a, const struct gw_mem *mem, size_t block, size_t cap) {
    *a = (struct gw_arena){.mem = mem, .block = block & ~(size_t)7, .cap = cap};
}

/* A new last block with room for at least `n` bytes. What the arena takes from the host counts
 * against the cap, used or not, so the last block before the cap is as small as it must be. */
static struct gw_arena_block *add_block(struct gw_arena *a, size_t n) {
    size_t left = (a->cap - a->used) & ~(size_t)7;
    if (n > left)
        return NULL;
    size_t size = n > a->block ? n : a->block;
    if (size > left)
        size = left;
    struct gw_arena_block *b = a->mem->get(a->mem->user, sizeof *b + size);
    if (!b)
        return NULL;
    *b = (struct gw_arena_block){.size = size};
    shut(b->data, size);
    if (a->last)
        a->last->next = b;
    else
        a->first = b;
    a->last = b;
    a->used += size;
    return b;
}

void *gw_arena_get(struct gw_arena *a, size_t n) {
    if (n > SIZE_MAX / 2)
        return NULL;
    size_t room = room_for(n);
    struct gw_arena_block *b = a->last;
    if (!b || b->size - b->used < room) {
        b = add_block(a, room);
        if (!b)
            return NULL;
    }
    char *p = b->data + b->used;
    b->used += room;
    open_up(p, n);
    memset(p, 0, n);
    return p;
}

void *gw_arena_grow(struct gw_arena *a, void *p, size_t old, size_t n) {
    struct gw_arena_block *b = a->last;
    if (n <= old)
        return p;
    if (!b || n > SIZE_MAX / 2 || (char *)p + room_for(old) != b->data + b->used)
        return NULL;
    size_t start = (size_t)((char *)p - b->data), room = room_for(n);
    if (room > b->size - start)
        return NULL;
    b->used = start + room;
    open_up(p, n);
    memset((char *)p + old, 0, n - old);
    return p;
}

struct gw_str gw_arena_dup(struct gw_arena *a, struct gw_str s) {
    char *p = gw_arena_get(a, s.n);
    if (!p)
        return (struct gw_str){NULL, 0};
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    return gw_str(p, s.n);
}

static void free_blocks(struct gw_arena *a, struct gw_arena_block *b) {
    while (b) {
        struct gw_arena_block *next = b->next;
        size_t size = b->size;
        open_up(b->data, size);
        a->mem->put(a->mem->user, b, sizeof *b + size);
        a->used -= size;
        b = next;
    }
}

/* A first block that is larger than usual, for one large piece, is not worth keeping. */
void gw_arena_reset(struct gw_arena *a) {
    struct gw_arena_block *b = a->first;
    if (!b)
        return;
    if (b->size > a->block) {
        gw_arena_del(a);
        return;
    }
    free_blocks(a, b->next);
    b->next = NULL;
    b->used = 0;
    a->last = b;
    shut(b->data, b->size);
}

void gw_arena_del(struct gw_arena *a) {
    free_blocks(a, a->first);
    a->first = a->last = NULL;
}
