/*
 * A conversation that was translated holds seals (format/seal.h), and may go on with a server that speaks the client's
 * own dialect: another model was asked for, or a chain's first place is well again. Such a server gets the client's
 * bytes as they are, and may refuse them: a signature that is not its own, an id that is too long. Bodies are not
 * looked through before: it would cost every request, and few have seals.
 *
 *     400 of a provider, kept     if it speaks of signatures or of what is too long, the body is told once more and
 *                                 looked through (format/unseal.h)
 *     it has seals                it is sent again without them; once
 *     it has none                 the 400 is the client's
 *
 * Memory: the body's size is taken from the room for bodies, until the call ends.
 */
#include "format/unseal.h"
#include "core/call/call.h"

enum { ARENA_MORE = 1 << 16 };

struct call_unsealed {
    struct gw_str came;
    size_t taken;  /* of it, until now */
    uint64_t room; /* taken for it */
    struct edit *edit;
    uint32_t n;
};

bool unseal_may(const struct gw_call *c) {
    return c->chain != NULL && c->unsealed == NULL && !call_translates(c) && call_at_provider(c) &&
           !sign_is_due(c) && !hedge_is_open(c) && c->body.fin && !c->body.forgotten &&
           !c->has_head && translate_dialect(c) != NULL;
}

bool unseal_is_meant(struct gw_str refusal) {
    static const struct gw_str said[] = {GW_STR_INIT("ignature"), GW_STR_INIT("ncrypted"),
                                         GW_STR_INIT("string_above_max"), GW_STR_INIT("too long")};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (gw_str_find(refusal, said[i]) >= 0)
            return true;
    return false;
}

/* The changes as edits; false: there are none, or they cannot be made. */
static bool look_through(struct gw_call *c) {
    struct call_unsealed *u = c->unsealed;
    struct seal seal = {.key = c->conf->seal_key, .who = c->key_name};
    struct unseal *found = gw_arena_get(&c->arena, sizeof *found);
    if (found == NULL)
        return false;
    unseal_find(u->came, &seal, translate_dialect(c), &c->arena, found);
    u->edit = gw_arena_get(&c->arena, (found->n + 1) * sizeof *u->edit);
    if (u->edit == NULL || found->full)
        return false;
    for (uint32_t i = 0; i < found->n; i++)
        u->edit[i] =
            (struct edit){found->change[i].at, found->change[i].skip, found->change[i].text};
    u->n = found->n;
    return u->n > 0;
}

static struct next take(struct gw_call *c, struct gw_str bytes, bool last, struct gw_time now) {
    struct call_unsealed *u = c->unsealed;
    (void)now;
    memcpy((char *)u->came.p + u->taken, bytes.p, bytes.n);
    u->taken += bytes.n;
    if (!last)
        return next_stay();
    if (!look_through(c))
        return next_kept();
    end_because(c, c->attempt.to->target.name, GW_STR("is asked without another's signatures"));
    call_candidate(c)->spent = false;
    c->kept.whole = false;
    return next_target(true, false);
}

struct next unseal_read(struct gw_call *c) {
    size_t n = (size_t)c->body.received;
    struct call_unsealed *u = gw_arena_get(&c->arena, sizeof *u);
    if (u == NULL)
        return next_kept();
    c->unsealed = u;
    if (n == 0 ||
        !room_take(&c->gw->cluster.pool.cells, c->body.client, n, c->conf->limits.replay_total_max))
        return next_kept();
    u->room = n;
    c->arena.cap += 2 * n + ARENA_MORE; /* a seal is smaller than what it is opened from */
    char *came = gw_arena_get(&c->arena, n);
    if (came == NULL)
        return next_kept();
    u->came = gw_str(came, n);
    return body_read_again(c, 0, take);
}

void unseal_put(const struct gw_call *c, struct edits *edits) {
    if (c->unsealed == NULL)
        return;
    edits->more = c->unsealed->edit;
    edits->more_n = c->unsealed->n;
}

void unseal_release(struct gw_call *c) {
    if (c->unsealed == NULL || c->unsealed->room == 0)
        return;
    room_give(&c->gw->cluster.pool.cells, c->body.client, c->unsealed->room);
    c->unsealed->room = 0;
}
