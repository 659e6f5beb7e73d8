#include "core/cluster/affinity.h"

uint64_t affinity_of(const struct tally *first, struct gw_str client) {
    struct tally tally = *first;
    if (tally.n == 0)
        return 0;
    tally_add(&tally, client.p, client.n);
    return tally_hash(&tally);
}

void affinity_note(struct affinity_table *t, uint64_t talk, uint32_t slot, uint64_t bytes) {
    if (talk != 0)
        t->home[talk % AFFINITY_TALKS] = (struct affinity_home){talk, slot, (float)bytes};
}

const struct affinity_home *affinity_find(const struct affinity_table *t, uint64_t talk) {
    const struct affinity_home *home = &t->home[talk % AFFINITY_TALKS];
    return talk != 0 && home->talk == talk ? home : NULL;
}
