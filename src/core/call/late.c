/*
 * An attempt that is late with its first content. Moving on throws away what the target has read by then,
 * and a healthy target may be late: the prompt is long, or it works for others. How long it has at first:
 *
 *     silent     it has sent nothing, not even a head: little
 *     begun      it has sent a head: reading takes its time
 *     either     what its history says that so long a prompt takes, several times over; and it begins when
 *                what was sent there before has been read
 *
 * What happens when that is over:
 *
 *     it is known now to need longer             it goes on
 *     another node is idle, or is expected to    a hedge: hedge.c
 *     be quicker than this one was silent
 *     its other requests have got content since  it goes on, and is looked at again
 *     not known whether it lives                 it is asked for GET /health (GW_ASK_ALIVE); it goes on
 *                                                while it answers
 *     it does not, and there is another          it is given up: the next target
 *     it is to go on with a stream               likewise
 *     first_byte_ms are over, or the deadline    likewise
 *
 * The client's deadline and a request that is still arriving are no fault of the target's. Nor is it if
 * others of ours are there as well and it lives: which of them it works for cannot be seen.
 */
#include "core/call/call.h"

enum {
    SILENT_MS = 10000,       /* for the first content, while silent: this, ... */
    SILENT_BYTES_PER_MS = 8, /* ... plus 1 s per 2,000 tokens of 4 bytes; */
    BEGUN_MS_PER_BYTE = 4,   /* ... once it has begun, 1 s per 62 tokens; */
    HISTORY_TIMES = 3,       /* ... and at least so often what its history says */
    MOVES_MS = 10000,        /* one that has not moved for so long does not move */
    LOOK_MS = 2000,
    ASK_AGAIN_MS = 10000,
    ALIVE_MS = 2500, /* for the answer of /health */
};

static struct pool_backend *backend_of(const struct gw_call *c) {
    return &c->gw->cluster.pool.backend[c->attempt.to->slot];
}

static double bytes_of(const struct gw_call *c) {
    return (double)(c->body.declared != GW_UNKNOWN ? c->body.declared : c->body.received);
}

/* All of the prompt, because what the target had read before it may have forgotten. */
static double at_least_history(const struct gw_call *c, double ms) {
    double history = HISTORY_TIMES * backend_of(c)->read_long_ms * c->plan.bytes;
    return history > ms ? history : ms;
}

double late_silent_ms(const struct gw_call *c) {
    return at_least_history(c, SILENT_MS + bytes_of(c) / SILENT_BYTES_PER_MS);
}

static double begun_ms(const struct gw_call *c) {
    if (backend_of(c)->read_long_ms > 0)
        return late_silent_ms(c);
    return SILENT_MS + bytes_of(c) * BEGUN_MS_PER_BYTE;
}

/* When it will begin to read this prompt, as far as we know. */
double late_from(const struct gw_call *c) {
    double began_at = call_began_at(c);
    return c->attempt.reads_from > began_at ? c->attempt.reads_from : began_at;
}

/* The longest that it may take, whatever it does. */
static double last_at(const struct gw_call *c) {
    double at = call_began_at(c) + c->attempt.to->first_byte_ms;
    return at < c->deadline_ms ? at : c->deadline_ms;
}

/* ------------------------------------------------------------------ what it does */

static bool is_crowded(const struct gw_call *c) {
    return pool_in_flight(&c->gw->cluster.pool, c->attempt.to->slot) > 1;
}

bool late_moves(const struct gw_call *c, struct gw_time now) {
    const struct pool_backend *b = backend_of(c);
    double moved_at = b->moved_at > b->heard_at ? b->moved_at : b->heard_at;
    return moved_at > c->attempt.sent_at && now.mono_ms - moved_at < MOVES_MS;
}

bool late_is_hurried(const struct gw_call *c, struct gw_time now) {
    double had_ms = now.mono_ms - call_began_at(c);
    return now.mono_ms >= c->deadline_ms && (c->client_limited || had_ms < SILENT_MS);
}

bool late_is_to_blame(const struct gw_call *c, struct gw_time now) {
    bool works = late_moves(c, now) || c->attempt.lives;
    return !works && (!is_crowded(c) || c->attempt.dead);
}

static void ask(struct gw_call *c, struct gw_time now) {
    const struct backend_conf *to = c->attempt.to;
    if (c->asks_n == CALL_ASKS)
        return;
    struct gw_action *a = ask_put(c, GW_ASK_ALIVE, ALIVE_MS, now);
    a->ask.target = to->target;
    a->ask.key = ask_url(c, to, GW_STR("/health"));
    a->ask.bytes = ask_health_head(c, to, GW_STR(""));
    c->attempt.asked = a->ask.id;
    c->attempt.asked_at = now.mono_ms;
}

static bool may_ask(const struct gw_call *c, struct gw_time now) {
    return c->attempt.asked_at <= 0 || now.mono_ms - c->attempt.asked_at >= ASK_AGAIN_MS;
}

void late_ask_among_others(struct gw_call *c, struct gw_time now) {
    if (is_crowded(c) && may_ask(c, now))
        ask(c, now);
}

struct next late_on_alive(struct gw_call *c, const struct gw_answer *answer) {
    struct call_attempt *a = &c->attempt;
    if (a->asked != answer->id && c->hedge != NULL)
        a = &c->hedge->attempt;
    if (a->asked == answer->id) {
        a->lives = answer->status == GW_ANSWER_DONE;
        a->dead = !a->lives && answer->status != GW_ANSWER_UNASKED;
    }
    bool awaits = c->state == CALL_TRY || c->state == CALL_HOLD;
    if (a == &c->attempt && a->asked == answer->id && a->dead && awaits)
        a->limit_at = a->asked_at; /* it is over */
    return next_stay();
}

/* ------------------------------------------------------------------ the limit */

/* Among others it is asked before the end whether it lives: that decides whether it is to blame. */
void late_set_limit(struct gw_call *c, double at, struct gw_time now) {
    double last = last_at(c), ask_at = last - ALIVE_MS;
    bool asks = at >= last && last < c->deadline_ms && is_crowded(c) && ask_at > now.mono_ms;
    c->attempt.limit_at = asks ? ask_at : at < last ? at : last;
}

static struct next go_on_until(struct gw_call *c, double at, struct gw_time now) {
    late_set_limit(c, at, now);
    return next_stay();
}

void late_on_head(struct gw_call *c, struct gw_time now) {
    double at = late_from(c) + begun_ms(c);
    c->attempt.asked = 0; /* it lives: what it is asked does not matter any more */
    c->attempt.dead = false;
    if (at > c->attempt.limit_at)
        late_set_limit(c, at, now);
}

/* It has not moved, and nobody could be asked beside it. A stream that is to go on does not wait for more;
 * and if nobody else is left it has all of its time. */
static struct next ask_or_wait(struct gw_call *c, struct gw_time now) {
    bool resumes = c->stream != NULL && c->stream->begun;
    bool other = plan_has_other(&c->plan, &c->gw->cluster.pool, c->attempt.at, now.mono_ms);
    if (resumes || (c->attempt.dead && other))
        return next_on();
    if (!other)
        return go_on_until(c, now.mono_ms + ASK_AGAIN_MS, now);
    if (!may_ask(c, now))
        return go_on_until(c, now.mono_ms + LOOK_MS, now);
    ask(c, now);
    return go_on_until(c, now.mono_ms + ALIVE_MS, now);
}

struct next late_on_limit(struct gw_call *c, struct gw_time now) {
    double last = last_at(c);
    double until = late_from(c) + (c->state == CALL_HOLD ? begun_ms(c) : late_silent_ms(c));
    if (now.mono_ms >= last || !c->body.fin)
        return next_on();
    if (now.mono_ms >= last - ALIVE_MS) {
        late_ask_among_others(c, now);
        return go_on_until(c, last, now);
    }
    if (now.mono_ms < until)
        return go_on_until(c, until, now);
    struct next hedge = hedge_begin(c, now);
    if (!next_is(hedge, NEXT_STAY))
        return hedge;
    if (late_moves(c, now))
        return go_on_until(c, now.mono_ms + LOOK_MS, now);
    return ask_or_wait(c, now);
}
