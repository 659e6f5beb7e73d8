/*
 * A second attempt beside one that is late with its first content (a hedge). The first content of either
 * is the answer, and the other one is dropped. It is paid from the retry budget. There are two attempts at
 * most. When both are late, and neither target has brought content to anybody, the older one is given up for
 * a third.
 *
 * The attempt beside is kept in struct call_hedge. When something happens to it the two change places
 * (call_swap), so that a handler sees one attempt as ever. Afterwards they change back, unless one of the two
 * is over: then the other one stays.
 *
 *     what comes of the attempt at hand          the other one
 *     it waits                                   goes on
 *     it fails                                   is the attempt at hand
 *     it brings content, or a whole answer       is dropped
 *     the call ends                              is dropped
 */
#include "core/call/call.h"

enum { SOON_MS = 2000 };

/* The other one has lost. It is to blame only if it had its time and did nothing with it. */
static void drop_other(struct gw_call *c, struct gw_time now) {
    call_swap(c, now);
    if (c->attempt.late && late_is_to_blame(c, now))
        blame_later(c, POOL_LATE);
    if (c->attempt.late)
        answer_is_late(c, now); /* it would have taken longer still */
    try_close(c, true, now);
    call_swap(c, now);
}

/* ------------------------------------------------------------------ its beginning */

/* Whether there may be one attempt more. */
static bool may_begin(struct gw_call *c, struct gw_time now) {
    bool works = late_moves(c, now);
    if (c->stream != NULL && c->stream->begun)
        return false;
    if (!hedge_is_open(c))
        return try_may_again(c);
    call_swap(c, now);
    works |= late_moves(c, now);
    call_swap(c, now);
    return !works && try_may_again(c);
}

/* Elsewhere it must not take longer than it has taken here in vain. */
static double soon_ms(const struct gw_call *c, struct gw_time now) {
    double silent_ms = pool_silence(&c->gw->cluster.pool, c->attempt.to->slot, now.mono_ms);
    return silent_ms > SOON_MS ? silent_ms : SOON_MS;
}

/* PLAN_GO if there is one; its slot is then taken. */
static struct plan_choice pick(struct gw_call *c, struct gw_time now) {
    struct pool *pool = &c->gw->cluster.pool;
    struct plan_choice choice = {.what = PLAN_NONE};
    if (!may_begin(c, now))
        return choice;
    choice = plan_pick_beside(&c->plan, pool, c->attempt.at, soon_ms(c, now), now.mono_ms);
    if (choice.what == PLAN_GO && !pool_budget_take(pool, c->plan.budget, now.mono_ms)) {
        uint32_t slot = c->plan.candidates[choice.at].backend->slot;
        pool_let_go(pool, slot, &choice.grant, now.mono_ms);
        pool_give(pool, slot);
        choice.what = PLAN_NONE;
    }
    return choice;
}

static void park(struct gw_call *c, struct gw_time now) {
    if (hedge_is_open(c))
        drop_other(c, now);
    if (!c->attempt.late)
        end_because(c, c->attempt.to->target.name, GW_STR("late"));
    late_ask_if_busy(c, now);
    call_candidate(c)->spent = c->attempt.late = true;
    c->hedge->swapped = false;
    if (c->stream != NULL)
        stream_flush(c);
    call_swap(c, now);
    c->attempt = (struct call_attempt){.open = false};
    c->stream = stream_beside(c, c->hedge->stream, now);
}

struct next hedge_begin(struct gw_call *c, struct gw_time now) {
    if (c->hedge == NULL)
        c->hedge = gw_arena_get(&c->arena, sizeof *c->hedge);
    struct plan_choice other = {.what = PLAN_NONE};
    if (c->hedge != NULL)
        other = pick(c, now);
    if (other.what != PLAN_GO)
        return next_stay();
    park(c, now);
    return try_take(c, other);
}

/* ------------------------------------------------------------------ two attempts */

/* The other one comes in the place of the one at hand. If the client has a head, it goes on with that,
 * and what the client has heard counts for both. */
static void bring_in(struct gw_call *c, struct gw_time now) {
    call_swap(c, now);
    const struct stream *other = c->hedge->stream;
    if (c->has_head && c->stream == NULL)
        c->stream = stream_beside(c, other, now);
    else if (c->has_head && other != NULL && c->stream->comment_at < other->comment_at)
        c->stream->comment_at = other->comment_at;
}

bool hedge_swap_for(struct gw_call *c, uint32_t attempt, struct gw_time now) {
    if (!hedge_is_open(c) || c->hedge->attempt.number != attempt)
        return false;
    bring_in(c, now);
    c->hedge->swapped = true;
    if (c->stream != NULL)
        stream_begin_turn(c);
    return true;
}

/* The other one goes on; unless this one has brought content, and then failed in the same turn. */
static struct next one_has_failed(struct gw_call *c, struct next next, struct gw_time now) {
    if (c->stream != NULL && c->stream->begun) {
        drop_other(c, now);
        return next;
    }
    bring_in(c, now);
    c->hedge->swapped = false;
    return next_stay();
}

struct next hedge_turn(struct gw_call *c, struct next next, struct gw_time now) {
    if (!hedge_is_open(c))
        return next;
    switch (next_what(next)) {
    case NEXT_ASK:
    case NEXT_TARGET:
        return one_has_failed(c, next, now);
    case NEXT_REFUSE:
    case NEXT_KEPT:
    case NEXT_DONE:
        drop_other(c, now);
        return next;
    default:
        return next;
    }
}

void hedge_wait(struct gw_call *c, struct gw_time now) {
    if (!hedge_is_open(c))
        return;
    if (c->state == CALL_OBSERVE || c->state == CALL_RELAY)
        drop_other(c, now);
    else if (c->hedge->swapped)
        call_swap(c, now);
    c->hedge->swapped = false;
}

double hedge_until(const struct gw_call *c) {
    const struct call_attempt *a = &c->hedge->attempt;
    if (!hedge_is_open(c))
        return HEDGE_NEVER;
    return c->hedge->state == CALL_KEEP ? a->limit_at : a->sent_at + a->to->first_byte_ms;
}

void hedge_on_tick(struct gw_call *c, struct gw_time now) {
    if (now.mono_ms >= hedge_until(c))
        drop_other(c, now);
}

void hedge_release(struct gw_call *c, struct gw_time now) {
    if (!hedge_is_open(c))
        return;
    call_swap(c, now);
    c->attempt.open = false;
    try_give_slot(c, now);
}
