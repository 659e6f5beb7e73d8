/*
 * What the loops of a process share (struct gw_cells), cell by cell. This is the only place that
 * says what lies where: the compiler adds it up, and gw_cells_n returns the total.
 *
 *     backend   requests in flight, requests still coming in, the breaker of each slot,
 *               and until when each of its keys rests                                         pool.h
 *               its capacity, and how many requests it serves now                         capacity.h
 *     budget    retries saved up, a word for each class and one for all else                  pool.h
 *     room      request bytes held by all clients together                                    room.h
 *     client    what is counted for each key, or other client: request bytes held             room.h
 *     node      the newest timestamp, and until when it is being challenged               registry.h
 *
 * All of it is accessed with C11 atomics, and starts as zero. Each backend has a cache line to itself,
 * so loops that use different backends do not disturb each other.
 *
 * A key has one cell for each thing that is counted, and no more: at the edge every isolate pays 8 KiB
 * for it. A further count is a further member of struct cells_client. A key's place is its index in the
 * configuration, which a reload may change: what was taken at one place is given back at that place.
 */
#ifndef GW_CORE_CLUSTER_CELLS_H
#define GW_CORE_CLUSTER_CELLS_H

#include "core/cluster/breaker.h"

enum {
    CELLS_LINE = 8,                /* cells in a cache line */
    CELLS_KEYS = GW_PROVIDER_KEYS, /* of one backend: what is left of its line */
    /* Retry budgets: of each class, of all that is not retried, of each provider. */
    CELLS_BUDGETS = GW_CLASSES + 1 + GW_PROVIDERS,
    /* Places of clients: one for all that are not identified, one for each key, and a few that the
     * names of certificates without a key share. */
    CELLS_NOBODY = 0,
    CELLS_KEY = 1,
    CELLS_NAME = CELLS_KEY + GW_KEYS,
    CELLS_NAMES = 63,
    CELLS_CLIENTS = CELLS_NAME + CELLS_NAMES,
};

struct cells_backend {
    _Atomic uint32_t in_flight, uploads;
    uint64_t breaker[BREAKER_CELLS]; /* breaker.c's own */
    _Atomic uint32_t capacity;
    _Atomic uint16_t serving, unseen;
    _Atomic uint32_t key_rests_until[CELLS_KEYS]; /* monotonic, in sixteenths of a second */
};

struct cells_client {
    _Atomic uint64_t held;
};

struct cells_node {
    _Atomic uint64_t stamp, challenged_until;
};

struct cells {
    struct cells_backend backend[GW_BACKENDS];
    _Atomic uint64_t budget[CELLS_BUDGETS];
    _Atomic uint64_t room;
    struct cells_client client[CELLS_CLIENTS];
    struct cells_node node[GW_NODES];
};
_Static_assert(sizeof(struct cells_backend) == CELLS_LINE * sizeof(uint64_t), "a line each");
_Static_assert(sizeof(struct cells) % sizeof(uint64_t) == 0, "nothing but cells");

static inline struct cells *cells_of(const struct gw_cells *shared) {
    return (struct cells *)shared->cell;
}

#endif
