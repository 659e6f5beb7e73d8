/*
 * The addresses that a gateway's configuration wants to be served, and whether that is safe.
 */
#ifndef NATIVE_PROCESS_ADDRESSES_H
#define NATIVE_PROCESS_ADDRESSES_H

#include "core/gw.h"
#include "native/front/listen.h"

enum { ADDRESSES_MAX = 16, ADDRESSES_WHY = 256 };

struct addresses {
    struct listen_address at[ADDRESSES_MAX];
    uint32_t n;
};

/* "listen" of the configuration. False: `why` says what is wrong and what to do. */
bool addresses_read(struct addresses *a, struct gw *gw, char why[ADDRESSES_WHY]);
/* Without keys, and without clients that are known by their certificates (`certified`), a gateway serves its
 * own machine only. False, and `why`, if these addresses would open it to others. */
bool addresses_safe(const struct addresses *a, struct gw *gw, bool certified,
                    char why[ADDRESSES_WHY]);
bool addresses_equal(const struct addresses *a, const struct addresses *b);

#endif
