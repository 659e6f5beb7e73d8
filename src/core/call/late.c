/*
 * An attempt that is late with its first content. Moving on throws away what the target has read by then,
 * and a healthy target may be late: the prompt is long, or it works for others. How long it has at first:
 *
 *     silent     it has sent nothing, not even a head: little
 *     headed     it has sent a head: reading takes its time
 *     either     what its history says that so long a prompt takes, several times over. The time begins when
 *                the prompts that were sent there before have been read
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
 * A provider is not asked whether it lives, and nobody is asked beside it. It is left for another model if it
 * is silent, or has sent a head and then no event for SILENT_MS: who thinks for long sends pings.
 *
 * Being late is no fault of the target's if the client's deadline came first, or its request is still
 * arriving; if other requests of ours have got content there; or if it answers /health. Where others of
 * ours wait, too, and it was not asked, it is not blamed: which of them it works for cannot be seen.
 */
#include "core/call/call.h"

enum {
    SILENT_MS = 10000,       /* for the first content, while silent: this, ... */
    SILENT_BYTES_PER_MS = 8, /* ... plus 1 s per 2,000 tokens of 4 bytes; */
    HEADED_MS_PER_BYTE = 4,  /* ... once it has sent a head, 1 s per 62 tokens; */
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

static double headed_ms(const struct gw_call *c) {
    if (backend_of(c)->read_long_ms > 0 || call_at_provider(c))
        return late_silent_ms(c);
    return SILENT_MS + bytes_of(c) * HEADED_MS_PER_BYTE;
}

/* When it will begin to read this prompt, as far as we know. */
double late_from(const struct gw_call *c) {
    double began_at = call_began_at(c);
    return c->attempt.reads_from > began_at ? c->attempt.reads_from : began_at;
}

/* The longest that it may take, whatever it does. */
static double last_at(const struct gw_call *c) {
    double at = call_began_at(c) + call_first_byte_ms(c);
    return at < c->deadline_ms ? at : c->deadline_ms;
}

/* ------------------------------------------------------------------ what it does */

static bool is_crowded(const struct gw_call *c) {
    return pool_in_flight(&c->gw->cluster.pool, c->attempt.to->slot) > 1;
}

/* With others of ours, or with another gateway's: it has sent a head, and no more. */
static bool may_be_busy(const struct gw_call *c) {
    return !call_at_provider(c) && (is_crowded(c) || c->state == CALL_HOLD);
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

/* Whether it has answered /health since it was sent this, or has shown a head; or has not answered. */
static bool is_alive(const struct gw_call *c) {
    const struct pool_backend *b = backend_of(c);
    return b->answered_at >= c->attempt.asks_from && b->lives;
}

static bool is_dead(const struct gw_call *c) {
    const struct pool_backend *b = backend_of(c);
    return b->answered_at >= c->attempt.asks_from && !b->lives;
}

bool late_is_to_blame(const struct gw_call *c, struct gw_time now) {
    bool works = late_moves(c, now) || is_alive(c);
    return !works && (!is_crowded(c) || is_dead(c));
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
    backend_of(c)->asked_at = now.mono_ms;
}

/* Once in a while, however many wait there. */
static bool may_ask(const struct gw_call *c, struct gw_time now) {
    double at = backend_of(c)->asked_at;
    return at <= 0 || now.mono_ms - at >= ASK_AGAIN_MS;
}

void late_ask_if_busy(struct gw_call *c, struct gw_time now) {
    if (may_be_busy(c) && may_ask(c, now))
        ask(c, now);
}

struct next late_on_alive(struct gw_call *c, const struct gw_answer *answer, struct gw_time now) {
    struct call_attempt *a = &c->attempt;
    bool awaits = c->state == CALL_TRY || c->state == CALL_HOLD;
    if (a->asked != answer->id && c->hedge != NULL)
        a = &c->hedge->attempt;
    if (a->asked != answer->id || answer->status == GW_ANSWER_UNASKED)
        return next_stay(); /* its head has come since; or nobody was asked */
    struct pool_backend *b = &c->gw->cluster.pool.backend[a->to->slot];
    b->answered_at = now.mono_ms;
    b->lives = answer->status == GW_ANSWER_DONE;
    if (a == &c->attempt && !b->lives && awaits)
        a->limit_at = a->sent_at; /* its time is over */
    return next_stay();
}

/* ------------------------------------------------------------------ the limit */

/* One that may be busy is asked before the end whether it lives: that decides whether it is to blame. */
void late_set_limit(struct gw_call *c, double at, struct gw_time now) {
    double last = last_at(c), ask_at = last - ALIVE_MS;
    bool asks = at >= last && last < c->deadline_ms && may_be_busy(c) && ask_at > now.mono_ms;
    c->attempt.limit_at = asks ? ask_at : at < last ? at : last;
}

static struct next go_on_until(struct gw_call *c, double at, struct gw_time now) {
    late_set_limit(c, at, now);
    return next_stay();
}

void late_on_head(struct gw_call *c, struct gw_time now) {
    double at = late_from(c) + headed_ms(c);
    c->attempt.asked = 0; /* it lives: what it was asked before does not matter any more */
    c->attempt.asks_from = now.mono_ms;
    if (at > c->attempt.limit_at)
        late_set_limit(c, at, now);
}

/* It has not moved, and nobody could be asked beside it. A stream that is to go on does not wait for more;
 * and if nobody else is left it has all of its time. */
static struct next ask_or_wait(struct gw_call *c, struct gw_time now) {
    bool resumes = c->stream != NULL && c->stream->begun;
    bool other = plan_has_other(&c->plan, &c->gw->cluster.pool, c->attempt.at, now.mono_ms);
    if (resumes || (is_dead(c) && other))
        return next_on();
    if (!other)
        return go_on_until(c, now.mono_ms + ASK_AGAIN_MS, now);
    if (!may_ask(c, now))
        return go_on_until(c, now.mono_ms + LOOK_MS, now);
    ask(c, now);
    return go_on_until(c, now.mono_ms + ALIVE_MS, now);
}

void late_on_sign(struct gw_call *c, struct gw_time now) {
    double at = now.mono_ms + SILENT_MS;
    if (call_at_provider(c) && at > c->attempt.limit_at)
        late_set_limit(c, at, now);
}

struct next late_on_limit(struct gw_call *c, struct gw_time now) {
    double last = last_at(c);
    double until = late_from(c) + (c->state == CALL_HOLD ? headed_ms(c) : late_silent_ms(c));
    if (now.mono_ms >= last || !c->body.fin)
        return next_on();
    if (call_at_provider(c))
        return c->streamed && chain_fits_elsewhere(c, now) ? next_on() : go_on_until(c, last, now);
    if (now.mono_ms >= last - ALIVE_MS) {
        late_ask_if_busy(c, now);
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
