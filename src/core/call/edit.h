/*
 * Changes of a request's body on its way to a target, as slices: every byte that no edit names goes out as it
 * came. Edits are put in any order, and must not overlap; of those at the same place the first that was put
 * stands first.
 */
#ifndef GW_CORE_CALL_EDIT_H
#define GW_CORE_CALL_EDIT_H

#include "core/gw.h"

enum {
    EDITS_MAX = 10,
    EDIT_SLICES = 2 * EDITS_MAX + 1,
};

struct edit {
    uint64_t at, skip;  /* so many bytes are left out there ... */
    struct gw_str text; /* ... and this stands in their place */
};

/* Lives as long as the attempt does, since its slices are the action's. */
struct edits {
    uint32_t n;
    struct edit edit[EDITS_MAX];
    struct gw_slice slice[EDIT_SLICES];
};

/* At most EDITS_MAX. */
void edits_add(struct edits *e, uint64_t at, uint64_t skip, struct gw_str text);
/* Makes the body of an attempt: the request's, which has `n` bytes, with the edits. */
void edits_put(struct edits *e, uint64_t n, struct gw_action *send);

#endif
