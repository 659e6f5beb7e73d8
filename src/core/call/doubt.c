/*
 * A quick stream that falls silent. The usual limit is for targets that think; one that has stopped is to
 * be noticed sooner.
 *
 *     quick      DOUBT_CHUNKS or more, not further apart than QUICK_MS on the average
 *     in doubt   nothing for DOUBT_MS, neither here nor in another quick stream of its target: it is
 *                asked whether it lives (GW_ASK_ALIVE)
 *     alive      it has answered, or says something after all, or this host could not ask: the usual
 *                limit holds
 *     dead       no answer: as after that limit, another target goes on with the stream
 */
#include "core/call/call.h"

enum {
    QUICK_MS = 100,
    DOUBT_MS = 2500,
    BEAT_MS = 2000, /* so often each quick stream tells when it was heard */
    ALIVE_MS = 2500,
};

void doubt_begin(struct stream *s) {
    s->chunks = 0;
    s->asked_at = 0;
    s->doubt_at = DOUBT_FAR;
}

/* The first chunks. */
void doubt_count(struct stream *s) {
    if (s->chunks == 1)
        s->first_at = s->heard_at;
    if (s->chunks == DOUBT_CHUNKS)
        s->doubt_at = s->heard_at + BEAT_MS;
}

static bool is_quick(const struct stream *s) {
    return !s->ended && !s->resuming && s->resumable && s->asked_at < s->heard_at &&
           s->heard_at - s->first_at < s->chunks * QUICK_MS;
}

/* Named once for each target, so that a stream that pauses again and again does not use up the call's
 * memory. False: there is none left, and so no doubt. */
static bool name(struct gw_call *c, const struct backend_conf *to) {
    struct stream_doubt *d = &c->stream->doubt;
    bool full = c->arena_full;
    if (d->of == to)
        return true;
    d->url = ask_url(c, to, GW_STR("/health"));
    d->head = ask_health_head(c, to, GW_STR(""));
    bool fits = !c->arena_full;
    c->arena_full = full;
    d->of = fits ? to : NULL;
    return fits;
}

static void ask(struct gw_call *c, struct gw_time now) {
    const struct backend_conf *to = c->attempt.to;
    if (c->asks_n == CALL_ASKS || !name(c, to))
        return;
    struct gw_action *a = ask_put(c, GW_ASK_ALIVE, ALIVE_MS, now);
    a->ask.target = to->target;
    a->ask.key = c->stream->doubt.url;
    a->ask.bytes = c->stream->doubt.head;
    c->stream->asked_at = now.mono_ms;
}

/* Quick streams are looked at now and then, and tell their target's other streams when they were heard. So
 * an event costs next to nothing. */
void doubt_on_tick(struct gw_call *c, struct gw_time now) {
    struct stream *s = c->stream;
    if (c->state != CALL_OBSERVE || now.mono_ms < s->doubt_at)
        return;
    struct pool_backend *b = &c->gw->cluster.pool.backend[c->attempt.to->slot];
    if (b->heard_at < s->heard_at)
        b->heard_at = s->heard_at;
    double silent_at = b->heard_at + DOUBT_MS;
    s->doubt_at = now.mono_ms + BEAT_MS;
    if (now.mono_ms < silent_at && silent_at < s->doubt_at)
        s->doubt_at = silent_at;
    if (now.mono_ms >= silent_at && is_quick(s))
        ask(c, now);
}

struct next doubt_on_answer(struct gw_call *c, const struct gw_answer *answer, struct gw_time now) {
    const struct stream *s = c->stream;
    if (s == NULL || !s->begun)
        return late_on_alive(c, answer, now);
    bool said_more = c->state != CALL_OBSERVE || s->heard_at > s->asked_at || s->resuming;
    if (said_more || answer->status == GW_ANSWER_DONE || answer->status == GW_ANSWER_UNASKED)
        return next_stay();
    return stream_on_dead(c, now);
}
