#include "native/net/body.h"

void body_init(struct body *b) {
    *b = (struct body){0};
}

void body_del(struct body *b, struct blocks *blocks) {
    block_put_all(blocks, b->first);
    body_init(b);
}

char *body_room(struct body *b, struct blocks *blocks, uint64_t want, size_t *n) {
    struct block *last = b->last;
    if (last == NULL || last->to == last->cap) {
        struct block *block = block_get(blocks, want > BLOCK_LARGE ? BLOCK_LARGE : (size_t)want);
        if (block == NULL)
            return NULL;
        block->off = b->arrived;
        if (last == NULL) {
            b->first = block;
        } else {
            last->next = block;
        }
        b->last = last = block;
    }
    *n = last->cap - last->to;
    return last->data + last->to;
}

void body_got(struct body *b, size_t n) {
    b->last->to += (uint32_t)n;
    b->arrived += n;
}

bool body_put(struct body *b, struct blocks *blocks, struct gw_str s, uint64_t left) {
    while (s.n > 0) {
        size_t room;
        char *p = body_room(b, blocks, left, &room);
        if (p == NULL)
            return false;
        if (room > s.n)
            room = s.n;
        memcpy(p, s.p, room);
        body_got(b, room);
        s = gw_str(s.p + room, s.n - room);
        left = left > room ? left - room : 0;
    }
    return true;
}

void body_adopt(struct body *b, struct block *block) {
    block->off = b->arrived;
    block->next = NULL;
    if (b->last == NULL) {
        b->first = block;
    } else {
        b->last->next = block;
    }
    b->last = block;
    b->arrived += block->to - block->from;
}

void body_tighten(struct body *b, struct blocks *blocks) {
    struct block *last = b->last, **link = &b->first;
    if (last == NULL || !b->fin || last->to - last->from > last->cap / 2)
        return;
    struct block *tight = block_exact(last->to - last->from);
    if (tight == NULL)
        return;
    memcpy(tight->data, last->data + last->from, tight->cap);
    tight->to = tight->cap;
    tight->off = last->off;
    while (*link != last)
        link = &(*link)->next;
    *link = b->last = tight;
    block_put(blocks, last);
}

/* The offset behind a block's last byte. */
static uint64_t end_of(const struct block *block) {
    return block->off + (block->to - block->from);
}

struct gw_str body_at(const struct body *b, uint64_t off, uint64_t max) {
    struct block *block = b->first;
    while (block != NULL && end_of(block) <= off)
        block = block->next;
    if (block == NULL || off < block->off)
        return gw_str(NULL, 0);
    uint64_t n = end_of(block) - off;
    const char *p = block->data + block->from + (off - block->off);
    return gw_str(p, n < max ? (size_t)n : (size_t)max);
}

void body_free(struct body *b, struct blocks *blocks, uint64_t off) {
    while (b->first != NULL && b->first->to > b->first->from && end_of(b->first) <= off) {
        struct block *block = b->first;
        /* the last block goes on receiving as long as it has room */
        if (block == b->last && block->to < block->cap && !b->fin)
            return;
        b->first = block->next;
        if (b->first == NULL)
            b->last = NULL;
        block_put(blocks, block);
    }
}
