/*
 * Which conversation a request belongs to: a hash of its first messages, up to and with the first of the
 * user's, as they stand in the body's "messages". Later turns begin with the same bytes.
 *
 * A first turn has no warm cache anywhere and is balanced as any request. Where it was served is
 * remembered (a small table, by hash), and later turns prefer that node; if it is not known here, they
 * prefer the node that every shard reckons from the hash (plan_find_home).
 *
 * At most the first AFFINITY_MAX bytes of the body are looked at, in pieces as they come; a body that is
 * no JSON, or has no messages, has no conversation (0). Nothing is refused for it.
 */
#ifndef GW_CORE_CLUSTER_AFFINITY_H
#define GW_CORE_CLUSTER_AFFINITY_H

#include "base/str.h"
#include "base/tally.h"

enum { AFFINITY_MAX = 16384, AFFINITY_WORD = 10, AFFINITY_TALKS = 256 };

/* Where conversations were served last. */
struct affinity_table {
    struct {
        uint64_t talk;
        uint32_t slot;
    } home[AFFINITY_TALKS];
};

struct affinity {
    struct tally tally; /* of the first messages, as they stand */
    uint32_t seen, depth;
    bool in_string, escaped, is_value, in_messages, by_user;
    bool first_ended, later_turn, done;
    uint8_t key; /* the last key at this depth, if it is one of ours */
    uint8_t word_n;
    char word[AFFINITY_WORD];
};

void affinity_init(struct affinity *a);
/* True when nothing more is needed. */
bool affinity_feed(struct affinity *a, struct gw_str bytes);
/* The conversation of this client; 0: none, or never asked (all zero). */
uint64_t affinity_of(const struct affinity *a, struct gw_str client);
void affinity_note(struct affinity_table *t, uint64_t talk, uint32_t slot);
/* False if it is not known. */
bool affinity_find(const struct affinity_table *t, uint64_t talk, uint32_t *slot);

#endif
