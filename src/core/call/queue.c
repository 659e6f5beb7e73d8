/*
 * The queue: requests whose targets are all busy. A slot that is freed goes to the one whose turn is next
 * among those that can use it.
 *
 * Keys take turns, so that one with many requests does not hold up the others. Turns are numbers. A request
 * gets the one behind the last of its key; if that has been passed already, the one behind the turn that was
 * served last. Requests of one key are served in the order in which they came.
 *
 * How long it waits is decided once, when it comes:
 *
 *     how long it will be                                     it waits
 *     known: far beyond queue_longest_ms, or what it has      not at all: 503, and when to come again
 *     known, and not that long                                for queue_longest_ms
 *     not known, but one of its targets brings content now    likewise
 *     not known                                               for queue_ms
 *
 * Each loop has a queue of its own. Where several share a target, whoever looks first takes what another has
 * freed.
 *
 * A stream's client that has waited for HEAD_MS hears how long it will be, in a comment: from then on
 * whatever goes wrong is an error within the stream.
 */
#include "core/call/call.h"
#include "core/cluster/capacity.h"

enum {
    LOOK_AGAIN_MS = 20, /* when another loop may free the slot, or others come first */
    MOVED_MS = 10000,
    HEAD_MS = 10000,
    COMMENT_MAX = 64,
    HOPELESS_TIMES = 3, /* what is expected may be wrong by as much */
};

/* Only complete requests stand in line. One that is still arriving takes what they leave: it looks again
 * every LOOK_AGAIN_MS. */
static void count_in(struct gw_call *c, struct gw_time now) {
    struct pool *pool = &c->gw->cluster.pool;
    for (uint32_t i = 0; i < c->plan.n && !c->plan.partial; i++) {
        struct candidate *one = &c->plan.candidates[i];
        if (one->waits || one->spent || plan_rests(one, pool, now.mono_ms))
            continue;
        one->waits = true;
        pool->backend[one->backend->slot].waiting++;
    }
}

static void count_out(struct gw_call *c) {
    for (uint32_t i = 0; i < c->plan.n; i++) {
        struct candidate *one = &c->plan.candidates[i];
        if (one->waits)
            c->gw->cluster.pool.backend[one->backend->slot].waiting--;
        one->waits = false;
    }
}

static uint64_t next_turn(struct gw *gw, uint32_t client) {
    uint64_t *last = &gw->queue_turns[client % QUEUE_KEYS];
    *last = (*last > gw->queue_turn ? *last : gw->queue_turn) + 1;
    return *last;
}

static void enter(struct gw_call *c, struct gw_time now) {
    struct gw *gw = c->gw;
    if (c->in_queue)
        return;
    c->in_queue = true;
    c->queue_turn = next_turn(gw, c->body.client);
    c->queued_at = now.mono_ms;
    c->queue_next = NULL;
    c->queue_prev = gw->queue_last;
    if (gw->queue_last != NULL)
        gw->queue_last->queue_next = c;
    else
        gw->queue = c;
    gw->queue_last = c;
    gw->queue_n++;
    count_in(c, now);
}

static void leave(struct gw_call *c) {
    struct gw *gw = c->gw;
    c->in_queue = false;
    if (c->queue_prev != NULL)
        c->queue_prev->queue_next = c->queue_next;
    else
        gw->queue = c->queue_next;
    if (c->queue_next != NULL)
        c->queue_next->queue_prev = c->queue_prev;
    else
        gw->queue_last = c->queue_prev;
    gw->queue_n--;
    count_out(c);
}

/* A turn that was not used is given back: those behind it of the same key move up. */
void queue_leave(struct gw_call *c) {
    uint32_t key = c->body.client % QUEUE_KEYS;
    if (!c->in_queue)
        return;
    leave(c);
    for (struct gw_call *w = c->queue_next; w != NULL; w = w->queue_next)
        if (w->body.client % QUEUE_KEYS == key)
            w->queue_turn--;
    c->gw->queue_turns[key]--;
}

void queue_served(struct gw_call *c, struct gw_time now) {
    if (!c->in_queue)
        return;
    leave(c);
    c->queued_ms += now.mono_ms - c->queued_at;
    c->queue_until_ms = c->expected_ms = 0; /* if it has to wait once more, it is a new wait */
    if (c->queue_turn > c->gw->queue_turn)
        c->gw->queue_turn = c->queue_turn;
}

void queue_is_whole(struct gw_call *c, struct gw_time now) {
    bool waited = c->in_queue && c->plan.partial;
    c->awaited = c->plan.partial = false;
    if (waited)
        count_in(c, now);
    try_end_upload(c);
}

/* The one whose turn is next among those that can use the slot; `*at`: its candidate. */
static struct gw_call *next_for(struct gw *gw, uint32_t slot, int *at, double now) {
    struct gw_call *next = NULL;
    for (struct gw_call *w = gw->queue; w != NULL; w = w->queue_next) {
        if (w->plan.partial || (next != NULL && w->queue_turn >= next->queue_turn))
            continue;
        int found = plan_find(&w->plan, &gw->cluster.pool, slot, now);
        if (found < 0)
            continue;
        next = w;
        *at = found;
    }
    return next;
}

static bool wake_one(struct gw *gw, uint32_t slot, struct gw_time now) {
    int at = -1;
    if (gw->cluster.pool.backend[slot].waiting == 0)
        return false;
    struct gw_call *w = next_for(gw, slot, &at, now.mono_ms);
    if (w == NULL)
        return false;
    struct plan_choice choice = {.what = PLAN_GO, .at = (uint32_t)at};
    if (!plan_take(&w->plan, &gw->cluster.pool, choice.at, now.mono_ms, &choice.grant))
        return false;
    queue_served(w, now);
    call_wake(w, try_take(w, choice), now);
    return true;
}

/* Its capacity may be greater by one than before, to look. */
void queue_wake(struct gw *gw, uint32_t slot, struct gw_time now) {
    while (wake_one(gw, slot, now))
        ;
}

/* ------------------------------------------------------------------ how long */

static bool brings_content(const struct gw_call *c, struct gw_time now) {
    const struct pool_backend *b = c->gw->cluster.pool.backend;
    for (uint32_t i = 0; i < c->plan.n; i++) {
        double at = b[c->plan.candidates[i].backend->slot].moved_at;
        if (at > 0 && now.mono_ms - at < MOVED_MS)
            return true;
    }
    return false;
}

static double until(struct gw_call *c, bool slot_may_free, struct gw_time now) {
    double longest = (double)c->conf->queue_longest_ms, usual = (double)c->conf->queue_ms;
    if (!slot_may_free || usual <= 0 || longest <= usual)
        return now.mono_ms + usual;
    c->expected_ms = plan_wait_ms(&c->plan, &c->gw->cluster.pool, now.mono_ms);
    double left = c->deadline_ms - now.mono_ms;
    if (c->expected_ms > HOPELESS_TIMES * (longest < left ? longest : left))
        return now.mono_ms;
    return now.mono_ms + (c->expected_ms > 0 || brings_content(c, now) ? longest : usual);
}

bool queue_may_wait(struct gw_call *c, struct plan_choice choice, struct gw_time now) {
    if (c->queue_until_ms <= 0) {
        double at = until(c, choice.slot_may_free, now);
        c->queue_until_ms = at < c->deadline_ms ? at : c->deadline_ms;
    }
    c->in_time = choice.slot_may_free || choice.until_ms <= c->queue_until_ms;
    return c->in_time && now.mono_ms < c->queue_until_ms &&
           (c->in_queue || c->gw->queue_n < c->conf->queue_max);
}

static struct gw_str why_not(const struct gw_call *c, struct gw_time now) {
    if (!c->in_time)
        return GW_STR("shorter than every cool-down");
    if (now.mono_ms < c->queue_until_ms)
        return GW_STR("full");
    return c->in_queue || c->expected_ms <= 0 ? GW_STR("timed out") : GW_STR("too long");
}

static struct next refuse(struct gw_call *c, struct gw_time now) {
    end_because(c, GW_STR("queue"), why_not(c, now));
    if (c->in_queue)
        c->queued_ms += now.mono_ms - c->queued_at;
    queue_leave(c);
    return now.mono_ms >= c->deadline_ms && !c->kept.whole ? try_refuse_late(c)
                                                           : try_refuse_none(c, now);
}

static bool wants_head(const struct gw_call *c) {
    bool talks;
    return c->says_stream && !c->has_head && c->stream == NULL && answer_observes(c) &&
           dialects_of_path(c->route.rest, &talks) != NULL;
}

struct next queue_wait(struct gw_call *c, struct plan_choice choice, struct gw_time now) {
    if (!queue_may_wait(c, choice, now))
        return refuse(c, now);
    enter(c, now);
    c->attempt.junk = false; /* from here on it waits because others are busy */
    c->wait_at = choice.until_ms < c->queue_until_ms ? choice.until_ms : c->queue_until_ms;
    bool unseen = c->gw->cluster.pool.cells.loops > 1 || c->plan.partial;
    if (unseen && c->wait_at > now.mono_ms + LOOK_AGAIN_MS)
        c->wait_at = now.mono_ms + LOOK_AGAIN_MS;
    if (wants_head(c) && c->wait_at > c->queued_at + HEAD_MS &&
        now.mono_ms < c->queued_at + HEAD_MS)
        c->wait_at = c->queued_at + HEAD_MS;
    return next_wait(CALL_QUEUE);
}

/* ": heady: queued, about 12 s more" */
static struct gw_str comment_of(struct gw_call *c, struct gw_time now) {
    double left = c->queued_at + c->expected_ms - now.mono_ms;
    struct gw_buf b;
    gw_buf_init(&b, &c->arena, COMMENT_MAX);
    gw_buf_put(&b, GW_STR(": heady: queued"));
    if (left > 0) {
        gw_buf_put(&b, GW_STR(", about "));
        gw_buf_put_u64(&b, (uint64_t)(left / 1000) + 1);
        gw_buf_put(&b, GW_STR(" s more"));
    }
    gw_buf_put(&b, GW_STR("\n\n"));
    c->arena_full |= b.full;
    return gw_buf_str(&b);
}

struct next queue_on_tick(struct gw_call *c, struct gw_time now) {
    if (c->in_queue && wants_head(c) && now.mono_ms >= c->queued_at + HEAD_MS)
        stream_begin_queued(c, comment_of(c, now), now);
    return now.mono_ms >= c->pause_until_ms ? next_phase(PHASE_CHOOSE) : next_stay();
}
