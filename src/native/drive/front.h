/*
 * The front of a call: where its request comes from and its answer goes. front/client_answer.c implements
 * it for HTTP/1, front/h2_answer.c for HTTP/2; the drive uses it, and knows nothing else of clients.
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
    /* An interim answer before the head; not sent to a client that may not expect one. */
    void (*hint)(struct front *, uint32_t status, struct gw_str head);
    /* Bytes of its body. */
    void (*data)(struct front *, const struct front_piece *pieces, uint32_t n);
    /* The answer is over: whole if `code` is 0, else it must not look whole. front->drive is already
     * NULL. */
    void (*end)(struct front *, uint32_t code);
    /* The drive wants request bytes, or no more for now: see drive_wants. */
    void (*wanted)(struct front *);
    /* No more data for now: the drive stops its source until drive_drained. */
    bool (*full)(struct front *);
};

struct front {
    const struct front_ops *ops;
    struct drive *drive; /* NULL between calls */
    const void *near;    /* what it looks at first: a hint (base/prefetch.h) */
};

#endif
