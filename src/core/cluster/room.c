#include "core/cluster/room.h"

#include <stdatomic.h>

#include "base/tally.h"
#include "core/cluster/cells.h"

static _Atomic uint64_t *sum_of(const struct gw_cells *cells) {
    return &cells_of(cells)->room;
}

static _Atomic uint64_t *count_of(const struct gw_cells *cells, uint32_t client) {
    return &cells_of(cells)->client[client].held;
}

static uint64_t load(const _Atomic uint64_t *cell) {
    return atomic_load_explicit(cell, memory_order_relaxed);
}

uint32_t room_client(const struct config *conf, const struct key_conf *key, struct gw_str name) {
    struct tally tally = {0};
    if (key != NULL)
        return CELLS_KEY + (uint32_t)(key - conf->keys);
    if (gw_str_eq(name, GW_STR("-")))
        return CELLS_NOBODY;
    tally_add(&tally, name.p, name.n);
    return CELLS_NAME + (uint32_t)(tally_hash(&tally) % CELLS_NAMES);
}

/* The sum is exact at every moment. A client that takes room in two loops at the same time may get one
 * piece too many. */
bool room_take(const struct gw_cells *cells, uint32_t client, uint64_t n, uint64_t total) {
    uint64_t all = load(sum_of(cells)), own = load(count_of(cells, client));
    do {
        if (n > total || all > total - n || own + n > total - n - all)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(sum_of(cells), &all, all + n,
                                                    memory_order_relaxed, memory_order_relaxed));
    atomic_fetch_add_explicit(count_of(cells, client), n, memory_order_relaxed);
    return true;
}

void room_give(const struct gw_cells *cells, uint32_t client, uint64_t n) {
    if (n == 0)
        return;
    atomic_fetch_sub_explicit(sum_of(cells), n, memory_order_relaxed);
    atomic_fetch_sub_explicit(count_of(cells, client), n, memory_order_relaxed);
}

bool room_is_ample(const struct gw_cells *cells, uint32_t client, uint64_t total) {
    uint64_t all = load(sum_of(cells)), own = load(count_of(cells, client));
    return all <= total && 3 * own <= total - all;
}

uint64_t room_taken(const struct gw_cells *cells) {
    return load(sum_of(cells));
}
