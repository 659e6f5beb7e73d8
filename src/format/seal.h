/*
 * What a model's server wants back that a client of another dialect has no place for: signatures of thoughts and of
 * calls. It is sealed into what such a client does send back as it came: the signature of a thought in its own dialect,
 * or the id of a call. The seal names the dialect that it is of. It is bound to the client's key by a
 * secret of the gateway, so that nobody can make one up or use another's.
 *
 *     hg1 and, in base64url, 12 bytes of HMAC-SHA-256, the dialect's name, ".", what is sealed
 *     of a call: its id, "_", and that
 *
 * A seal that was made by nobody here is taken for what it looks like: a signature of the client's own dialect.
 */
#ifndef GW_FORMAT_SEAL_H
#define GW_FORMAT_SEAL_H

#include "base/arena.h"
#include "format/dialect.h"

struct seal {
    struct gw_str key, who; /* the gateway's secret; the name of the client's key */
};

struct mean;
struct mean_answer;

/* The sealed form of a raw string, behind `id` if there is one; in the arena. If that is full, `id`. */
struct gw_str seal_make(const struct seal *seal, struct gw_arena *arena, const struct dialect *of,
                        struct gw_str id, struct gw_str raw);
/* Opens one: `*of` and the result are what was sealed, `*id` what stands before it. {NULL, 0}: it is none. */
struct gw_str seal_open(const struct seal *seal, struct gw_arena *arena, struct gw_str *id,
                        const struct dialect **of);

/* Opens all that a request of this dialect brings back. */
void seal_open_request(const struct seal *seal, struct mean *m, const struct dialect *from);
/* Leaves those signatures alone in it that belong to this dialect. Returns how many were left out. */
uint32_t seal_choose(struct mean *m, const struct dialect *target);
/* Seals all of an answer of this dialect. */
void seal_answer(const struct seal *seal, struct mean_answer *a, const struct dialect *from);

#endif
