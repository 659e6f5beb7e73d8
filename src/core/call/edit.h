/*
 * Changes of a request's body on its way to a target, as slices: every byte that no edit names goes out as it
 * came. Edits are put in any order, and must not overlap; of those at the same place the first that was put
 * stands first.
 */
#ifndef GW_CORE_CALL_EDIT_H
#define GW_CORE_CALL_EDIT_H

#include "base/arena.h"
#include "core/gw.h"

enum { EDITS_MAX = 10 };

struct edit {
    uint64_t at, skip;  /* so many bytes are left out there ... */
    struct gw_str text; /* ... and this stands in their place */
};

struct edits {
    uint32_t n;
    struct edit edit[EDITS_MAX];
    const struct edit *more; /* any number of others, in their order */
    uint32_t more_n;
};

/* At most EDITS_MAX. */
void edits_add(struct edits *e, uint64_t at, uint64_t skip, struct gw_str text);
/* Makes the body of an attempt: the request's, which has `n` bytes, with the edits. Its slices are in the arena;
 * false: there is no memory for them. */
bool edits_put(const struct edits *e, uint64_t n, struct gw_arena *arena, struct gw_action *send);

#endif
