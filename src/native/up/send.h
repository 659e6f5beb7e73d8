/*
 * What one attempt writes: a request head, then a body made of slices. Some of these are ranges of the
 * request body, which may still be arriving; what the core has been told of may be sent. Pure: it names
 * the bytes that come next (send_iov) and is told how many the socket took (send_took). Only the head and
 * literals are copied, and kept until they are sent.
 *
 *     head | [size line] body bytes of one piece [CR LF] | next piece ... | [last chunk]
 *
 * The parts in brackets are for a chunked body only. A piece is what had arrived when it began.
 * From one call of send_iov to the next, bytes that were named stay the same and more may follow: TLS
 * requires that.
 */
#ifndef NATIVE_UP_SEND_H
#define NATIVE_UP_SEND_H

#include <sys/uio.h>

#include "http/h1.h"
#include "native/net/body.h"

enum { SEND_SLICES = 6, SEND_PIECE_MAX = 1 << 20 };

struct send {
    struct gw_slice slices[SEND_SLICES]; /* literals point into `kept` */
    struct block *kept;                  /* head, then literals; NULL once all is sent */
    struct gw_slice *many;               /* instead of `slices` if there are more */
    uint32_t slices_n;
    bool chunked;
    struct gw_str head; /* what is left of it */
    char frame[GW_H1_SIZE_LINE];
    struct gw_str before, after; /* what is left of this piece's framing */
    uint64_t piece;              /* body bytes of this piece that are left */
    uint32_t slice;              /* the next body byte: in this slice, */
    uint64_t at;                 /* at this offset in it */
    bool last;                   /* nothing follows this piece */
    uint64_t took;               /* bytes that the socket took in all */
};

/* Writes the head and copies the literals of the SEND action `a`. 0, or -1: no memory, or a head
 * that may not stand on the wire. On failure there is nothing to delete. */
int send_init(struct send *s, struct blocks *blocks, const struct gw_action *a);
void send_del(struct send *s, struct blocks *blocks);

/* Only the body's bytes are wanted, without head and framing: for HTTP/2. Before anything is sent. */
void send_bare(struct send *s);

/* The bytes to write next: at most `max` entries, 0 if there is nothing to write now. */
int send_iov(struct send *s, const struct body *body, struct iovec *iov, int max);
void send_took(struct send *s, size_t n);
/* Everything is with the socket. */
bool send_done(const struct send *s);
/* The lowest offset of the request body that is still needed; UINT64_MAX for none. */
uint64_t send_needs(const struct send *s);

#endif
