/*
 * An attempt at a stream that is late with its first content. Moving on throws away what the target has
 * read by then, and a healthy one may be late: the prompt is long, or it works for others. So a second
 * attempt begins beside it (a hedge). The first content of either is the answer, and the other one is
 * dropped.
 *
 *     silent     it has sent nothing, not even a head: its time is short
 *     alive      it has sent a head: reading takes its time
 *     working    its other streams have moved since, or one of them goes on now: it will come to ours
 *
 * What happens at the limit:
 *
 *     alive, and as slow as it may be            it goes on
 *     another node is idle                       a hedge, paid from the retry budget; of two that are
 *                                                late the older one is given up for a third
 *     working, or nobody else is left            it goes on, and is looked at again
 *     else                                       it is given up: the next target
 *     first_byte_ms are over, or the deadline    likewise
 *
 * The attempt beside is kept in struct call_hedge. When something happens to it the two change places,
 * so that no handler needs to know of the other one; afterwards they change back, unless the other has
 * failed meanwhile, or this one serves.
 */
#include "core/call/call.h"

enum {
    SILENT_MS = 10000,       /* for the first content, while silent: this, ... */
    SILENT_BYTES_PER_MS = 8, /* ... plus 1 s per 2,000 tokens of 4 bytes; */
    ALIVE_MS_PER_BYTE = 4,   /* ... while alive, 1 s per 62 tokens; */
    HISTORY_TIMES = 3,       /* ... and at least so often what its history says */
    WORKING_MS = 10000,      /* one that has not moved for so long works no more */
    LOOK_MS = 2000,
};

static double bytes_of(const struct gw_call *c) {
    return (double)(c->body.declared != GW_UNKNOWN ? c->body.declared : c->body.received);
}

static struct pool_backend *backend_of(const struct gw_call *c) {
    return &c->gw->cluster.pool.backend[c->attempt.to->slot];
}

static double at_least_history(const struct gw_call *c, double ms) {
    double history =
        HISTORY_TIMES * backend_of(c)->read_long_ms * plan_unread(&c->plan, c->attempt.at);
    return history > ms ? history : ms;
}

double hedge_silent_ms(const struct gw_call *c) {
    return at_least_history(c, SILENT_MS + bytes_of(c) / SILENT_BYTES_PER_MS);
}

static double alive_ms(const struct gw_call *c) {
    bool known = backend_of(c)->read_long_ms > 0;
    return known ? hedge_silent_ms(c) : SILENT_MS + bytes_of(c) * ALIVE_MS_PER_BYTE;
}

/* The longest that it may take, whatever it does. */
static double last_at(const struct gw_call *c) {
    double at = call_began_at(c) + c->attempt.to->first_byte_ms;
    return at < c->deadline_ms ? at : c->deadline_ms;
}

bool hedge_is_working(const struct gw_call *c, struct gw_time now) {
    const struct pool_backend *b = backend_of(c);
    double moved_at = b->moved_at > b->heard_at ? b->moved_at : b->heard_at;
    return moved_at > c->attempt.sent_at && now.mono_ms - moved_at < WORKING_MS;
}

static struct next go_on_until(struct gw_call *c, double at) {
    double last = last_at(c);
    c->attempt.limit_at = at < last ? at : last;
    return next_stay();
}

void hedge_on_head(struct gw_call *c) {
    double at = call_began_at(c) + alive_ms(c);
    if (at > c->attempt.limit_at)
        (void)go_on_until(c, at);
}

/* ------------------------------------------------------------------ two attempts */

/* The other one has lost. It is to blame only if it had its time and did nothing with it. */
static void drop_other(struct gw_call *c, struct gw_time now) {
    call_swap(c, now);
    if (c->attempt.late && !hedge_is_working(c, now))
        blame_later(c, POOL_LATE);
    if (c->attempt.late)
        answer_first_content(c, now); /* it would have taken longer still */
    try_close(c, true, now);
    call_swap(c, now);
}

static bool park(struct gw_call *c, struct gw_time now) {
    if (c->hedge == NULL)
        c->hedge = gw_arena_get(&c->arena, sizeof *c->hedge);
    if (c->hedge == NULL)
        return false;
    if (hedge_is_open(c))
        drop_other(c, now);
    if (!c->attempt.late)
        end_because(c, c->attempt.to->target.name, GW_STR("late"));
    call_candidate(c)->spent = c->attempt.late = true;
    c->hedge->swapped = false;
    call_swap(c, now);
    c->attempt = (struct call_attempt){.open = false};
    c->stream = stream_beside(c, c->hedge->stream, now);
    return true;
}

/* Whether there may be one attempt more. Of two, neither must be of use any more. */
static bool may_begin(struct gw_call *c, struct gw_time now) {
    if (c->stream != NULL && c->stream->begun)
        return false;
    if (!hedge_is_open(c))
        return try_may_again(c);
    call_swap(c, now);
    bool works = hedge_is_working(c, now);
    call_swap(c, now);
    return !works && !hedge_is_working(c, now) && try_may_again(c);
}

/* PLAN_GO if there is one; its slot is then taken. */
static struct plan_choice pick(struct gw_call *c, struct gw_time now) {
    struct pool *pool = &c->gw->cluster.pool;
    struct plan_choice choice = {.what = PLAN_NONE};
    if (!may_begin(c, now))
        return choice;
    choice = plan_pick_beside(&c->plan, pool, c->attempt.at, now.mono_ms);
    if (choice.what == PLAN_GO && !pool_budget_take(pool, c->plan.budget, now.mono_ms)) {
        uint32_t slot = c->plan.candidates[choice.at].backend->slot;
        pool_let_go(pool, slot, &choice.grant, now.mono_ms);
        pool_give(pool, slot);
        choice.what = PLAN_NONE;
    }
    return choice;
}

struct next hedge_on_limit(struct gw_call *c, struct gw_time now) {
    bool begun = c->stream != NULL && c->stream->begun;
    double alive_until = call_began_at(c) + alive_ms(c);
    if (now.mono_ms >= last_at(c) || !c->body.fin)
        return next_on();
    if (c->state == CALL_HOLD && now.mono_ms < alive_until)
        return go_on_until(c, alive_until);
    struct plan_choice other = pick(c, now);
    if (other.what == PLAN_GO && park(c, now))
        return try_take(c, other);
    if (hedge_is_working(c, now))
        return go_on_until(c, now.mono_ms + LOOK_MS);
    if (!begun && !plan_has_other(&c->plan, &c->gw->cluster.pool, c->attempt.at, now.mono_ms))
        return go_on_until(c, last_at(c));
    return next_on();
}

bool hedge_swap_for(struct gw_call *c, uint32_t attempt, struct gw_time now) {
    if (!hedge_is_open(c) || c->hedge->attempt.number != attempt)
        return false;
    call_swap(c, now);
    c->hedge->swapped = true;
    if (c->stream != NULL)
        stream_begin_turn(c);
    return true;
}

struct next hedge_turn(struct gw_call *c, struct next next, struct gw_time now) {
    if (!hedge_is_open(c))
        return next;
    switch (next_what(next)) {
    case NEXT_ASK:
    case NEXT_TARGET: /* this one has failed; the other one goes on */
        call_swap(c, now);
        c->hedge->swapped = false;
        return next_stay();
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

void hedge_release(struct gw_call *c, struct gw_time now) {
    if (!hedge_is_open(c))
        return;
    call_swap(c, now);
    c->attempt.open = false;
    try_give_slot(c, now);
}
