/*
 * A request body that the host holds: received straight into blocks, sent from them without a copy.
 *
 *      0 ........ base ........ told ........ arrived
 *      freed      held, known   held, the     still with the client
 *                 to the core   core is to
 *                               be told
 *
 * Offsets count from the body's first byte. Blocks are contiguous: each begins where the one
 * before it ends.
 */
#ifndef NATIVE_NET_BODY_H
#define NATIVE_NET_BODY_H

#include "base/str.h"
#include "native/loop/block.h"

struct body {
    struct block *first, *last;
    uint64_t arrived, told;
    bool fin;      /* nothing follows `arrived` */
    bool fin_told; /* and the core knows */
};

void body_init(struct body *b);
void body_del(struct body *b, struct blocks *blocks);
/* Room to receive into, of `*n` bytes; if a new block is needed, it is made for about `want` bytes. NULL if
 * there is no memory. Then call body_got with how many came. */
char *body_room(struct body *b, struct blocks *blocks, uint64_t want, size_t *n);
void body_got(struct body *b, size_t n);
/* Appends a copy of `s`. `left`: how many bytes are expected from here on, `s` included. False if there is
 * no memory. */
bool body_put(struct body *b, struct blocks *blocks, struct gw_str s, uint64_t left);
/* Takes a block over as it is: its bytes [from, to) come behind what is there. */
void body_adopt(struct body *b, struct block *block);
/* The bytes from `off` on that lie in one block, at most `max`; n == 0 if they are not there. */
struct gw_str body_at(const struct body *b, uint64_t off, uint64_t max);
/* Copies the last block of a whole body, which is to be held for long, into no more memory than it needs,
 * if that saves half and there is memory. Nobody may be using the body's bytes. */
void body_tighten(struct body *b, struct blocks *blocks);
/* Frees the blocks that lie wholly below `off`. */
void body_free(struct body *b, struct blocks *blocks, uint64_t off);

#endif
