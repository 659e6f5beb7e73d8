/*
 * The front of a call: where its answer goes and its request comes from. client.c implements it for
 * a connection that speaks HTTP/1; drive.c uses it and knows nothing else of clients.
 */
#ifndef NATIVE_DRIVE_FRONT_H
#define NATIVE_DRIVE_FRONT_H

#include "core/gw.h"

struct front;
struct drive;

struct front_piece {
    struct gw_str bytes;
    bool copy; /* they do not outlive the call; else they stay until conn_flush */
};

struct front_ops {
    /* The head of the answer; once. */
    void (*head)(struct front *, uint32_t status, struct gw_str head, uint64_t body_len);
    /* An interim answer before the head; a client that may not know of such does not get it. */
    void (*hint)(struct front *, uint32_t status, struct gw_str head);
    /* Bytes of its body. */
    void (*data)(struct front *, const struct front_piece *pieces, uint32_t n);
    /* The answer is over: whole if `code` is 0, else it must not look whole. front->drive is NULL
     * already. */
    void (*end)(struct front *, uint32_t code);
    /* The drive wants request bytes, or no more for now: see drive_wants. */
    void (*wanted)(struct front *);
    /* No more data for now: the drive stops its source until drive_drained. */
    bool (*full)(struct front *);
};

struct front {
    const struct front_ops *ops;
    struct drive *drive; /* NULL between calls */
    const void *near;    /* what it looks at first: a hint (base/fetch.h) */
};

#endif
