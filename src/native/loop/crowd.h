/*
 * How many connections each address has at one loop, so that no one address takes them all.
 *
 * There are CROWD_PLACES counters. An address (in IPv6 its /64) has one, by a hash that nobody outside
 * can guess, and shares it with few others. So nothing is allocated for an address.
 */
#ifndef NATIVE_LOOP_CROWD_H
#define NATIVE_LOOP_CROWD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { CROWD_PLACES = 4096 };

struct crowd {
    uint64_t seed;
    uint32_t count[CROWD_PLACES];
};

/* The counter of an address. */
uint32_t *crowd_of(struct crowd *crowd, const struct sockaddr_storage *address);

#endif
