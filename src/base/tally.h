/*
 * A hash over bytes that come in pieces: the same however they are cut. It tells apart what differs by
 * accident; it is no defence against somebody who chooses the bytes.
 */
#ifndef GW_BASE_TALLY_H
#define GW_BASE_TALLY_H

#include <stddef.h>
#include <stdint.h>

struct tally {
    uint64_t hash, n;
    char rest[8]; /* n % 8 bytes that are not in the hash yet */
};

/* All zero is an empty one. */
void tally_add(struct tally *t, const char *p, size_t n);
uint64_t tally_hash(const struct tally *t);

#endif
