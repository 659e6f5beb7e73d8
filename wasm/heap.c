/*
 * The wasm's heap: malloc and free for exports.c, which has the input area of it and gives the core
 * the rest.
 *
 * wasi-libc's costs 12 KiB of code, a fifth of the module. This one is size classes (powers of two
 * and the three steps between them) with a free list each; a block is preceded by its class. What is
 * freed serves its class again; nothing is returned, as wasm memory never shrinks. The bound is the
 * linker's --max-memory: past it malloc gives NULL, and for what is beyond the last class at once.
 */
#include <stddef.h>
#include <stdint.h>

enum {
    PAGE = 65536,
    CLASSES = 85,
    HEADER = 8,
    FIRST = 16,
    BLOCK_MAX = FIRST << (CLASSES - 1) / 4, /* the last class: all memory there may be */
};

extern unsigned char __heap_base;

static unsigned char *top, *limit;
static struct block {
    struct block *next;
} *classes[CLASSES];

/* Sizes 16, 20, 24, 28, 32, 40, 48, 56, 64, ...: at most a quarter is lost. */
static size_t size_of(unsigned class) {
    size_t base = (size_t)FIRST << (class / 4);
    return (base + base / 4 * (class % 4) + 7) & ~(size_t)7;
}

static unsigned class_of(size_t n) {
    unsigned class = 0;
    if (n > FIRST) {
        unsigned log = 31 - (unsigned)__builtin_clz((unsigned)(n - 1) / FIRST | 1);
        class = log * 4;
    }
    while (size_of(class) < n)
        class ++;
    return class;
}

static int grow(size_t n) {
    size_t pages = (n - (size_t)(limit - top) + PAGE - 1) / PAGE;
    size_t was = __builtin_wasm_memory_grow(0, pages);
    if (was == SIZE_MAX)
        return -1;
    limit = (unsigned char *)((was + pages) * PAGE);
    return 0;
}

static void *fresh(size_t n) {
    if (top == NULL) {
        top = (unsigned char *)(((uintptr_t)&__heap_base + 7) & ~(uintptr_t)7);
        limit = (unsigned char *)(__builtin_wasm_memory_size(0) * PAGE);
    }
    if (n > (size_t)(limit - top) && grow(n) != 0)
        return NULL;
    void *p = top;
    top += n;
    return p;
}

void *malloc(size_t n) {
    if (n > BLOCK_MAX)
        return NULL;
    unsigned class = class_of(n);
    struct block *b = classes[class];
    if (b != NULL) {
        classes[class] = b->next;
        return b;
    }
    unsigned char *p = fresh(HEADER + size_of(class));
    if (p == NULL)
        return NULL;
    *(uint32_t *)p = class;
    return p + HEADER;
}

void free(void *p) {
    if (p == NULL)
        return;
    struct block *b = p;
    unsigned class = *(const uint32_t *)((const unsigned char *)p - HEADER);
    b->next = classes[class];
    classes[class] = b;
}
