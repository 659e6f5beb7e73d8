/*
 * A conversation that was translated, and goes on with a server that speaks the client's own dialect: what was sealed
 * into it (seal.h) is none of that server's. This finds the seals in a request's body, and what is to be changed so that
 * it can be sent as it stands but for them:
 *
 *     the id of a call             what stands before the seal
 *     this server's signature      as it was
 *     the signature of another     the word that this dialect has for that; where it has none, the item of a list that
 *                                  it is in is left out, which is the thought itself
 *     a summary that another       a message of the user's with that text
 *     model made (Responses)
 */
#ifndef GW_FORMAT_UNSEAL_H
#define GW_FORMAT_UNSEAL_H

#include "format/speech.h"

enum { UNSEAL_CHANGES = 256 };

struct unseal_change {
    size_t at, skip;    /* so many bytes are left out there ... */
    struct gw_str text; /* ... and this stands in their place */
};

struct unseal {
    uint32_t n; /* in the order of their places, without overlap */
    struct unseal_change change[UNSEAL_CHANGES];
    bool full; /* there are more of them, or no memory */
};

/* `own`: the dialect of the body and of whoever gets it. The body must stay for as long as the changes are used. */
void unseal_find(struct gw_str body, const struct seal *seal, const struct dialect *own,
                 struct gw_arena *arena, struct unseal *out);

#endif
