#include "native/block.h"

#include <stdlib.h>

struct block *block_get(struct blocks *b, size_t want) {
    struct block **list = want <= BLOCK_SMALL ? &b->small : &b->large;
    uint32_t *n = want <= BLOCK_SMALL ? &b->small_n : &b->large_n;
    uint32_t cap = want <= BLOCK_SMALL ? BLOCK_SMALL : BLOCK_LARGE;
    struct block *block = *list;
    if (block != NULL) {
        *list = block->next;
        --*n;
    } else {
        block = malloc(sizeof *block + cap);
        if (block == NULL)
            return NULL;
        block->cap = cap;
    }
    block->next = NULL;
    block->off = 0;
    block->from = block->to = 0;
    return block;
}

void block_put(struct blocks *b, struct block *block) {
    bool small = block->cap == BLOCK_SMALL;
    struct block **list = small ? &b->small : &b->large;
    uint32_t *n = small ? &b->small_n : &b->large_n;
    if (*n >= (small ? BLOCK_SMALL_KEPT : BLOCK_LARGE_KEPT)) {
        free(block);
        return;
    }
    block->next = *list;
    *list = block;
    ++*n;
}

void block_put_all(struct blocks *b, struct block *first) {
    while (first != NULL) {
        struct block *next = first->next;
        block_put(b, first);
        first = next;
    }
}

static void free_list(struct block *block) {
    while (block != NULL) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
}

void block_del_all(struct blocks *b) {
    free_list(b->small);
    free_list(b->large);
    *b = (struct blocks){0};
}
