/*
 * Questions of the gateway's own, to a node, a registry or a store, and what comes of them. A question is
 * no attempt: it has no slot and no breaker's leave, and attempts and streams go on beside it.
 *
 *     asked     | DONE, NONE, OLDER, FAILED | whoever asked goes on with that
 *               | its time is over          | the same, with LATE
 *               | the call is over          | nobody waits for it
 *     answered  | another answer            | ignored
 *
 * To add a question: a name in gw.h, a line in the table below and in each host's.
 */
#include "base/date.h"
#include "core/call/call.h"

/* What is done with an answer. It may come in any state of the call: a handler that has nothing to do with
 * what the call waits for returns next_stay. */
static struct next (*const handlers[GW_ASKS])(struct gw_call *c, const struct gw_answer *answer,
                                              struct gw_time now) = {
    [GW_ASK_PROOF] = nodes_on_proof,         [GW_ASK_LEASES] = lookup_on_leases,
    [GW_ASK_KEEP] = nodes_on_kept,           [GW_ASK_ALIVE] = doubt_on_answer,
    [GW_ASK_STORE] = remember_on_kept,       [GW_ASK_RECALL] = remember_on_recalled,
    [GW_ASK_FORGET] = remember_on_forgotten,
};

struct gw_action *ask_put(struct gw_call *c, enum gw_ask_what what, double limit_ms,
                          struct gw_time now) {
    struct call_asks *asks = &c->asks;
    GW_ASSERT(c->asks_n < CALL_ASKS);
    struct gw_action *a = call_push(c, GW_ASK);
    a->at = now.mono_ms + limit_ms;
    a->ask.id = ++asks->last;
    a->ask.what = what;
    asks->ask[c->asks_n++] = (struct call_ask){what, asks->last, now.mono_ms, a->at};
    return a;
}

struct gw_str ask_url(struct gw_call *c, const struct backend_conf *to, struct gw_str path) {
    enum { URL_MAX = 4096 };
    struct gw_buf b;
    gw_buf_init(&b, &c->arena, URL_MAX);
    gw_buf_put(&b, to->target.origin);
    gw_buf_put(&b, to->base);
    gw_buf_put(&b, path);
    c->arena_full |= b.full;
    return gw_buf_str(&b);
}

struct gw_str ask_health_head(struct gw_call *c, const struct backend_conf *to,
                              struct gw_str challenge) {
    struct gw_buf b;
    gw_buf_init(&b, &c->arena, 512);
    gw_buf_put(&b, GW_STR("accept: */*\r\n"));
    try_put_lines_for(to, &b);
    if (challenge.n > 0)
        head_put(&b, GW_STR("x-heady-challenge"), challenge);
    c->arena_full |= b.full;
    return gw_buf_str(&b);
}

void ask_note(struct gw_call *c, const struct ask_words *words, const struct gw_answer *answer,
              bool *away, struct gw_time now) {
    enum { WHY_SHOWN = 128, LINE = 512 };
    bool good = answer->status == GW_ANSWER_DONE;
    struct gw_str why = answer->bytes.n > 0 ? answer->bytes : GW_STR("no answer");
    struct gw_buf b;
    if (*away != good)
        return;
    *away = !good;
    gw_buf_init(&b, &c->arena, LINE);
    gw_buf_put(&b, GW_STR("{\"time\":\""));
    gw_date_put_iso(&b, now.wall_ms);
    gw_buf_put(&b, GW_STR("\",\"event\":\""));
    gw_buf_put(&b, words->event);
    gw_buf_put(&b, GW_STR("\",\"reason\":\""));
    gw_buf_put(&b, good ? words->back : words->gone);
    if (!good) {
        gw_buf_put_json(&b, gw_str_sub(why, 0, WHY_SHOWN));
        gw_buf_put(&b, words->remedy);
    }
    gw_buf_put(&b, GW_STR("\"}"));
    if (!b.full)
        call_push(c, GW_RECORD)->record.line = gw_buf_str(&b);
}

double ask_until(const struct gw_call *c) {
    double until = c->asks.ask[0].until;
    for (uint32_t i = 1; i < c->asks_n; i++)
        if (c->asks.ask[i].until < until)
            until = c->asks.ask[i].until;
    return until;
}

/* Others make the client wait, too. Where questions overlap, the time counts once. */
static void count_wait(struct gw_call *c, double from, struct gw_time now) {
    if (from < c->asks.counted_ms)
        from = c->asks.counted_ms;
    c->asks.counted_ms = now.mono_ms;
    c->upstream_ms += now.mono_ms - from;
}

/* The question at this place is over. */
static struct next take(struct gw_call *c, uint32_t at, const struct gw_answer *answer,
                        struct gw_time now) {
    struct call_asks *asks = &c->asks;
    struct call_ask ask = asks->ask[at];
    asks->ask[at] = asks->ask[--c->asks_n];
    if (c->state == CALL_ASK && !c->has_head)
        count_wait(c, ask.asked_at, now);
    return handlers[ask.what](c, answer, now);
}

struct next ask_on_answer(struct gw_call *c, const struct gw_answer *answer, struct gw_time now) {
    for (uint32_t i = 0; i < c->asks_n; i++)
        if (c->asks.ask[i].id == answer->id)
            return take(c, i, answer, now);
    return next_stay();
}

/* One at a time: the host comes back at once for the next. */
struct next ask_on_tick(struct gw_call *c, struct gw_time now) {
    for (uint32_t i = 0; i < c->asks_n; i++) {
        const struct gw_answer late = {.id = c->asks.ask[i].id, .status = GW_ANSWER_LATE};
        if (now.mono_ms >= c->asks.ask[i].until)
            return take(c, i, &late, now);
    }
    return next_stay();
}
