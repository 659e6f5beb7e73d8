/*
 * A small generator (xoshiro256**) for ids and jitter: not for keys. Seeded by the host.
 */
#ifndef GW_BASE_RNG_H
#define GW_BASE_RNG_H

#include <stdint.h>

struct gw_rng {
    uint64_t s[4];
};

void gw_rng_init(struct gw_rng *r, uint64_t seed);
uint64_t gw_rng_next(struct gw_rng *r);
/* Uniform in [0, 1). */
double gw_rng_unit(struct gw_rng *r);

#endif
