#include "native/loop/block.h"

#include <stdlib.h>

struct block *block_get(struct blocks *b, size_t want) {
    struct block_list *list = want <= BLOCK_SMALL ? &b->small : &b->large;
    uint32_t cap = want <= BLOCK_SMALL ? BLOCK_SMALL : BLOCK_LARGE;
    struct block *block = list->first;
    if (block != NULL) {
        list->first = block->next;
        if (--list->n < list->low)
            list->low = list->n;
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

struct block *block_exact(size_t n) {
    struct block *block = malloc(sizeof *block + n);
    if (block == NULL)
        return NULL;
    block->next = NULL;
    block->off = 0;
    block->cap = (uint32_t)n;
    block->from = block->to = 0;
    return block;
}

void block_put(struct blocks *b, struct block *block) {
    bool small = block->cap == BLOCK_SMALL, exact = !small && block->cap != BLOCK_LARGE;
    struct block_list *list = small ? &b->small : &b->large;
    if (exact || list->n >= (small ? BLOCK_SMALL_KEPT : BLOCK_LARGE_KEPT)) {
        free(block);
        return;
    }
    block->next = list->first;
    list->first = block;
    list->n++;
}

void block_put_all(struct blocks *b, struct block *first) {
    while (first != NULL) {
        struct block *next = first->next;
        block_put(b, first);
        first = next;
    }
}

static void drop(struct block_list *list, uint32_t n) {
    for (; n > 0; n--) {
        struct block *block = list->first;
        list->first = block->next;
        list->n--;
        free(block);
    }
}

static void trim(struct block_list *list) {
    drop(list, list->low);
    list->low = list->n;
}

void block_trim(struct blocks *b) {
    trim(&b->small);
    trim(&b->large);
}

void block_del_all(struct blocks *b) {
    drop(&b->small, b->small.n);
    drop(&b->large, b->large.n);
}
