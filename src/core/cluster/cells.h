/*
 * What the loops of a process share (struct gw_cells), cell by cell. This is the one place that says
 * what lies where: the compiler does the sums, and gw_cells_n says how many cells they come to.
 *
 *     backend   requests in flight, requests still coming in, the breaker of each slot,
 *               and until when each of its keys rests                                         pool.h
 *     budget    retries saved up, a word for each class and one for all else                  pool.h
 *     room      request bytes held by all clients together                                    room.h
 *     client    what is counted for each key, or other client: request bytes held             room.h
 *     node      the newest timestamp, and until when it is being challenged               registry.h
 *
 * All of it is touched with C11 atomics, and zero is how it begins. A backend has a line of the cache
 * to itself: loops that use different ones do not disturb each other.
 *
 * A key has a cell for each thing that is counted, and no more: at the edge every isolate pays 8 KiB
 * for one. Another count is another member of struct cells_client. A key's place is its index in the
 * configuration, which a reload may change: whoever counts gives back by the place that it took by.
 */
#ifndef GW_CORE_CLUSTER_CELLS_H
#define GW_CORE_CLUSTER_CELLS_H

#include "core/cluster/breaker.h"

enum {
    CELLS_LINE = 8, /* cells in a line of the cache */
    CELLS_KEYS = 4, /* keys of one backend: what is left of its line */
    CELLS_BUDGETS = GW_CLASSES + 1,
    /* Clients: whoever has not said who he is, the keys, and certificates without a key, whose names
     * share a few counts. */
    CELLS_NOBODY = 0,
    CELLS_KEY = 1,
    CELLS_NAME = CELLS_KEY + GW_KEYS,
    CELLS_NAMES = 63,
    CELLS_CLIENTS = CELLS_NAME + CELLS_NAMES,
};

struct cells_backend {
    _Atomic uint64_t in_flight;
    uint64_t breaker[BREAKER_CELLS]; /* breaker.c's own */
    _Atomic uint64_t uploads;
    _Atomic uint32_t key_rests_until[CELLS_KEYS]; /* monotonic seconds */
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
