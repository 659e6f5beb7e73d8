#include "core/cluster/affinity.h"

uint64_t affinity_of(const struct tally *first, struct gw_str client) {
    struct tally tally = *first;
    if (tally.n == 0)
        return 0;
    tally_add(&tally, client.p, client.n);
    return tally_hash(&tally);
}

void affinity_note(struct affinity_table *t, uint64_t talk, uint32_t slot) {
    if (talk == 0)
        return;
    t->home[talk % AFFINITY_TALKS].talk = talk;
    t->home[talk % AFFINITY_TALKS].slot = slot;
}

bool affinity_find(const struct affinity_table *t, uint64_t talk, uint32_t *slot) {
    *slot = t->home[talk % AFFINITY_TALKS].slot;
    return talk != 0 && t->home[talk % AFFINITY_TALKS].talk == talk;
}
