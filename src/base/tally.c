#include "base/tally.h"

#include <string.h>

static uint64_t mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15U;
    return hash ^ hash >> 29;
}

static void take_word(struct tally *t, const char *p) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
    t->hash = mix(t->hash, word);
}

void tally_add(struct tally *t, const char *p, size_t n) {
    size_t have = t->n % 8;
    t->n += n;
    if (have > 0) {
        size_t take = 8 - have < n ? 8 - have : n;
        memcpy(t->rest + have, p, take);
        if (have + take < 8)
            return;
        take_word(t, t->rest);
        p += take;
        n -= take;
    }
    for (; n >= 8; p += 8, n -= 8)
        take_word(t, p);
    memcpy(t->rest, p, n);
}

uint64_t tally_hash(const struct tally *t) {
    uint64_t word = 0;
    memcpy(&word, t->rest, t->n % 8);
    return mix(mix(t->hash, word), t->n);
}
