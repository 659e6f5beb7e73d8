/*
 * Which conversation a request belongs to: a hash of its first messages (facts_talk of
 * format/facts.h). Later turns begin with the same bytes.
 *
 * A first turn has a warm cache nowhere, so it is balanced like any other request. A small table, keyed
 * by the hash, remembers where it was served, and later turns prefer that node. If the table of this
 * shard does not have it, they prefer the node that every shard computes from the hash (plan_find_home).
 */
#ifndef GW_CORE_CLUSTER_AFFINITY_H
#define GW_CORE_CLUSTER_AFFINITY_H

#include "base/str.h"
#include "base/tally.h"

enum { AFFINITY_TALKS = 256 };

/* Where a conversation was served last, and how much of it that node has read: its prompt's bytes. */
struct affinity_home {
    uint64_t talk;
    uint32_t slot;
    float bytes;
};

struct affinity_table {
    struct affinity_home home[AFFINITY_TALKS];
};

/* The conversation of this client that begins with what was tallied; 0: nothing was tallied. */
uint64_t affinity_of(const struct tally *first, struct gw_str client);
void affinity_note(struct affinity_table *t, uint64_t talk, uint32_t slot, uint64_t bytes);
/* NULL if it is not known. */
const struct affinity_home *affinity_find(const struct affinity_table *t, uint64_t talk);

#endif
