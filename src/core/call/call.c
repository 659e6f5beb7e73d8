/*
 * A call's life: the order of its phases, dispatch of events to the state they meet, and the queue of
 * actions. Nobody else advances a call: handlers return what shall happen next (next.h), and only here
 * its state changes.
 *
 * Each row: a state, an event it may meet, the states that may follow. tests/traces holds a trace for
 * every one of these steps, and fails on a step that is not here.
 *
 *   NEW      REQ_HEAD  SNIFF QUEUE TRY DONE     the body is to come; all are busy; sent; refused
 *   NEW      REQ_HEAD  SIGNED ASK               a node registers; the registry, or the store, is asked
 *   NEW      task      PROBE ASK                a call without a client
 *   SNIFF    REQ_BODY  SNIFF QUEUE TRY ASK DONE more to come; whole, or not held; 400, 413, 503
 *   SNIFF    TICK      SNIFF DONE               408
 *   SNIFF    GONE      DONE
 *   QUEUE    woken     TRY                      a slot was freed
 *   QUEUE    TICK      QUEUE TRY DONE           a node has cooled down; 503 after queue_ms
 *   QUEUE    REQ_BODY  QUEUE DONE               413
 *   QUEUE    GONE      DONE
 *   TRY      RES_HEAD  TRY QUEUE KEEP RELAY OBSERVE DONE   next target; a first 500; an answer
 *   TRY      RES_HEAD  HOLD                     a stream that is observed
 *   TRY      RES_HEAD  TRY                      a hint (1xx): passed on, as far as it may be
 *   TRY      RES_HEAD  ASK                      offline: where is that node now?
 *   TRY      RES_FAIL  TRY QUEUE ASK DONE       next target; 502, 503, or the first 500 that came
 *   TRY      TICK      TRY QUEUE ASK DONE       not yet; next target; 504; 408
 *   TRY      REQ_BODY  TRY DONE                 counted, FORGET past what is held; 413
 *   TRY      RES_BODY  OBSERVE                  content of the other attempt, which is late (hedge.c)
 *   TRY      ANSWER    TRY                      late: nobody waits for it
 *   TRY      GONE      DONE
 *   KEEP     RES_BODY  KEEP TRY QUEUE DONE      kept aside; too much of it: next target
 *   KEEP     RES_END   TRY QUEUE SNIFF DONE     next target, or none left; the body is read again (unseal.c)
 *   KEEP     RES_END   ASK                      it is to be kept here (remember.c)
 *   KEEP     TICK      KEEP TRY QUEUE DONE      it takes too long
 *   KEEP     GONE      DONE
 *   RELAY    RES_BODY  RELAY                    shown: what it says of its cost is read (meter.c)
 *   RELAY    RES_END   DONE                     END 0, or a reset
 *   RELAY    TICK      RELAY DONE               the request's time is over: reset
 *   RELAY    REQ_BODY  RELAY DONE
 *   RELAY    GONE      DONE
 *   HOLD     RES_HEAD  DONE                     of the other attempt: the answer, which is no stream
 *   HOLD     RES_BODY  HOLD OBSERVE             preamble; content: HEAD and DATA
 *   HOLD     RES_BODY  TRY QUEUE DONE           an error: next target, or nobody else is left
 *   HOLD     RES_END   TRY QUEUE DONE           no content: next target, or none left
 *   HOLD     TICK      HOLD TRY QUEUE DONE      the head, a comment; no content in time
 *   HOLD     REQ_BODY  HOLD DONE
 *   HOLD     ANSWER    HOLD                     late
 *   HOLD     GONE      DONE
 *   OBSERVE  RES_BODY  OBSERVE TRY QUEUE DONE   DATA; an error: resumed, or an in-band error
 *   OBSERVE  RES_END   TRY QUEUE DONE           cut: resumed, or an in-band error; END 0
 *   OBSERVE  RES_END   ASK                      its end waits until it is kept here
 *   OBSERVE  TICK      OBSERVE TRY QUEUE DONE   silence: resumed, or an in-band error
 *   OBSERVE  TICK      ASK                      likewise, and its target let it linger
 *   OBSERVE  REQ_BODY  OBSERVE DONE
 *   OBSERVE  ANSWER    OBSERVE TRY              it lives, or late; it does not: resumed
 *   OBSERVE  GONE      DONE
 *   PROBE    RES_HEAD  PROBE DONE               its answer to a small question (prefix.c) is to come
 *   PROBE    RES_BODY  PROBE
 *   PROBE    RES_END   PROBE DONE               the next question; it is known
 *   PROBE    RES_FAIL  PROBE DONE               a small question, once more: a kept connection was closed
 *   PROBE    TICK      PROBE DONE
 *   PROBE    GONE      DONE
 *   SIGNED   REQ_BODY  SIGNED ASK DONE          more to come; a challenge is sent; refused, or it left
 *   SIGNED   TICK      SIGNED DONE              408
 *   SIGNED   GONE      DONE
 *   ASK      ANSWER    ASK TRY QUEUE DONE       the registry is to keep it; the request goes on; told
 *   ASK      TICK      ASK TRY QUEUE DONE       not yet; goes on without
 *   ASK      GONE      DONE
 *   DONE     RES_HEAD  DONE                     whatever comes late is no error
 *   DONE     ANSWER    DONE
 */
#include "core/call/call.h"

struct gw_action *call_push(struct gw_call *c, uint32_t kind) {
    GW_ASSERT(c->actions_n < CALL_ACTIONS);
    struct gw_action *a = &c->actions[c->actions_n++];
    memset(a, 0, sizeof *a);
    a->kind = kind;
    return a;
}

/* ------------------------------------------------------------------ the order */

/* What a request comes to, in this order, and the states in which it may wait there. A handler does
 * its phase's part and returns what shall happen next: NEXT_ON is the row below. A row without a handler
 * is passed. The next target begins with CHOOSE; whatever ends a call leads to SETTLE. */
static struct next (*const phases[PHASES])(struct gw_call *c, struct gw_time now) = {
    [PHASE_ADMIT] = request_admit,   /* who asks for what, and may he? By the head (ASK) */
    [PHASE_READ] = request_read,     /* the body, if it must be seen first (SNIFF, SIGNED) */
    [PHASE_DECIDE] = request_decide, /* what its body says: class, conversation, lease (ASK) */
    [PHASE_CACHE] = NULL,            /* is there an answer already? */
    [PHASE_PLAN] = try_plan,         /* who could serve it, in which order (ASK) */
    [PHASE_CHOOSE] = try_choose,     /* who shall: a slot is taken, or waited for (QUEUE) */
    [PHASE_RESERVE] = NULL,          /* what the attempt may cost is set aside */
    [PHASE_SEND] = try_send,         /* the attempt (TRY) */
    [PHASE_ANSWER] = answer_begin,   /* the client's (RELAY, HOLD, OBSERVE), or not (KEEP) */
    [PHASE_SETTLE] = NULL,           /* what it has cost is paid */
    [PHASE_RECORD] = end_record,     /* log, END, and what the call held is given back (DONE) */
};

/* From this phase on, as far as each leads to the one below it. */
static struct next pass_through(struct gw_call *c, uint32_t phase, struct gw_time now) {
    struct next next = next_on();
    for (; phase < PHASES && next_is(next, NEXT_ON); phase++)
        if (phases[phase] != NULL)
            next = phases[phase](c, now);
    return next;
}

static struct next take_step(struct gw_call *c, struct next next, struct gw_time now) {
    bool may_repeat = (next_arg(next) & NEXT_MAY_REPEAT) != 0;
    bool reached = (next_arg(next) & NEXT_REACHED) != 0;
    switch (next_what(next)) {
    case NEXT_PHASE:
        return pass_through(c, next_arg(next), now);
    case NEXT_ASK:
        if (lookup_is_due(c, now))
            return lookup_begin(c, reached, now);
        return next_target(may_repeat, reached);
    case NEXT_TARGET:
        return try_next(c, may_repeat, reached, now);
    case NEXT_KEPT:
        return end_give_kept(c, now);
    case NEXT_REFUSE:
        return end_tell_error(c, now);
    case NEXT_DONE:
        c->code = next_arg(next);
        return pass_through(c, PHASE_SETTLE, now);
    default:
        return next_stay(); /* a misuse */
    }
}

/* Likewise, there being two attempts; or there were. */
static struct next advance_two(struct gw_call *c, struct next next, struct gw_time now) {
    next = hedge_turn(c, next, now);
    while (next_what(next) > NEXT_WAIT)
        next = hedge_turn(c, take_step(c, next, now), now);
    if (next_is(next, NEXT_WAIT))
        c->state = next_arg(next);
    hedge_wait(c, now);
    return next_stay();
}

/* Goes on until the call waits. */
void call_advance(struct gw_call *c, struct next next, struct gw_time now) {
    if (c->hedge != NULL)
        next = advance_two(c, next, now);
    while (next_what(next) > NEXT_WAIT)
        next = take_step(c, next, now);
    if (next_is(next, NEXT_WAIT))
        c->state = next_arg(next);
}

void call_swap(struct gw_call *c, struct gw_time now) {
    struct call_hedge *h = c->hedge, other = *h;
    if (!c->has_head)
        try_count_time(c, now);
    h->attempt = c->attempt;
    h->stream = c->stream;
    h->state = c->state;
    c->attempt = other.attempt;
    c->stream = other.stream;
    c->state = other.state;
    c->attempt.counted_at = now.mono_ms;
}

void call_wake(struct gw_call *c, struct next next, struct gw_time now) {
    struct gw *gw = c->gw;
    call_advance(c, next, now);
    if (c->in_ready)
        return;
    c->in_ready = true;
    c->ready_next = NULL;
    if (gw->ready_last != NULL)
        gw->ready_last->ready_next = c;
    else
        gw->ready = c;
    gw->ready_last = c;
}

void call_lose(struct gw_call *c, struct gw_time now) {
    c->attempt.open = false;
    end_release(c, now);
    c->state = CALL_DONE;
}

/* ------------------------------------------------------------------ what a call meets while it waits */

static struct next on_time(struct gw_call *c, struct gw_time now) {
    switch (c->state) {
    case CALL_SIGNED:
        return nodes_on_late(c);
    case CALL_SNIFF:
        return request_on_late(c);
    case CALL_TRY:
    case CALL_KEEP:
        return try_on_limit(c, now);
    case CALL_RELAY:
        return answer_on_silence(c, now);
    case CALL_HOLD:
    case CALL_OBSERVE:
        return stream_on_limit(c, now);
    default:
        return next_stay();
    }
}

static double attempts_until(const struct gw_call *c) {
    double until = c->attempt.limit_at;
    return c->hedge != NULL && hedge_until(c) < until ? hedge_until(c) : until;
}

static double state_until(const struct gw_call *c) {
    switch (c->state) {
    case CALL_QUEUE:
        return c->wait_at;
    case CALL_TRY:
    case CALL_KEEP:
    case CALL_HOLD:
        return attempts_until(c);
    case CALL_RELAY:
    case CALL_OBSERVE:
    case CALL_PROBE:
        return c->attempt.limit_at;
    case CALL_ASK:
        return ask_until(c);
    default:
        return c->deadline_ms;
    }
}

/* When the host must come back at the latest. */
static double wait_until(const struct gw_call *c) {
    /* Most of them wait for the next event of a stream. */
    double until = c->state == CALL_OBSERVE ? c->attempt.limit_at : state_until(c);
    double stream = c->stream != NULL ? stream_tick_at(c) : until;
    if (c->asks_n > 0 && ask_until(c) < until)
        until = ask_until(c);
    if (c->awaited && body_late_at(c) < until)
        until = body_late_at(c);
    return stream < until ? stream : until;
}

static struct next on_tick(struct gw_call *c, const struct gw_event *e, struct gw_time now) {
    if (c->stream != NULL)
        stream_on_tick(c, now), doubt_on_tick(c, now);
    if (c->hedge != NULL)
        hedge_on_tick(c, now);
    struct next next = body_on_tick(c, e->tick.body, now);
    if (next_is(next, NEXT_STAY) && c->asks_n > 0)
        next = ask_on_tick(c, now);
    if (!next_is(next, NEXT_STAY) || c->state == CALL_ASK)
        return next;
    if (c->state == CALL_QUEUE)
        return queue_on_tick(c, now);
    if (c->state == CALL_PROBE)
        return task_on_event(c, e, now);
    return now.mono_ms >= state_until(c) ? on_time(c, now) : next_stay();
}

/* Before its answer has a head. */
static struct next on_attempt(struct gw_call *c, const struct gw_event *e, struct gw_time now) {
    if (e->kind == GW_RES_FAIL)
        return try_on_fail(c, e->res_fail.fail, e->res_fail.sent, now);
    if (e->kind != GW_RES_HEAD)
        return next_stay();
    c->res = &e->res_head;
    return next_phase(PHASE_ANSWER);
}

static struct next on_relayed(struct gw_call *c, const struct gw_event *e, struct gw_time now) {
    if (e->kind == GW_RES_BODY)
        meter_show(c, e->res_body);
    return e->kind == GW_RES_END ? answer_on_relayed(c, e->res_end.how, now) : next_stay();
}

static struct next on_stream(struct gw_call *c, const struct gw_event *e, struct gw_time now) {
    if (e->kind == GW_RES_BODY && e->res_body.n > 0)
        return stream_on_chunk(c, e->res_body, now);
    return e->kind == GW_RES_END ? stream_on_end(c, e->res_end.how, now) : next_stay();
}

static struct next on_response(struct gw_call *c, const struct gw_event *e, struct gw_time now) {
    if (!c->attempt.open || e->attempt != c->attempt.number)
        if (c->hedge == NULL || !hedge_swap_for(c, e->attempt, now))
            return next_stay(); /* of an attempt that was dropped */
    if (e->kind == GW_RES_HEAD && e->res_head.status < 200) {
        answer_on_hint(c, &e->res_head);
        return next_stay();
    }
    switch (c->state) {
    case CALL_TRY:
        return on_attempt(c, e, now);
    case CALL_KEEP:
        return answer_on_kept(c, e, now);
    case CALL_RELAY:
        return on_relayed(c, e, now);
    case CALL_HOLD:
    case CALL_OBSERVE:
        return on_stream(c, e, now);
    case CALL_PROBE:
        return task_on_event(c, e, now);
    default:
        return next_stay();
    }
}

static struct next on_event(struct gw_call *c, const struct gw_event *e, struct gw_time now) {
    if (c->state == CALL_DONE)
        return next_stay();
    switch (e->kind) {
    case GW_REQ_HEAD:
        c->req = &e->req_head;
        return c->state == CALL_NEW && !c->has_request ? next_phase(PHASE_ADMIT) : next_misuse();
    case GW_REQ_BODY:
        return body_on_bytes(c, &e->req_body, now);
    case GW_RES_HEAD:
    case GW_RES_BODY:
    case GW_RES_END:
    case GW_RES_FAIL:
        return on_response(c, e, now);
    case GW_ANSWER:
        return ask_on_answer(c, &e->answer, now);
    case GW_TICK:
        return on_tick(c, e, now);
    case GW_GONE:
        return end_on_gone(c, now);
    default:
        return next_misuse();
    }
}

void gw_expect(const struct gw_call *c) {
    enum { AN_EVENT = 192 }; /* of the shape: what a usual event has around its string */
    const struct stream *s = c->stream;
    gw_prefetch(c, offsetof(struct gw_call, actions) + sizeof *c->actions);
    if (s != NULL) {
        gw_prefetch(s, offsetof(struct stream, turn.slice[1]));
        gw_prefetch(&s->shape, AN_EVENT);
    }
}

int gw_feed(struct gw_call *c, const struct gw_event *e, struct gw_time now) {
    /* What was polled is spent; what was not stays: a woken call may be fed before it is polled. */
    uint32_t left = c->actions_n - c->actions_at;
    memmove(c->actions, c->actions + c->actions_at, left * sizeof *c->actions);
    c->actions_n = left;
    c->actions_at = 0;
    if (c->stream != NULL)
        stream_begin_turn(c);
    struct next next = on_event(c, e, now);
    call_advance(c, next, now);
    if (c->stream != NULL && c->state != CALL_DONE)
        stream_flush(c);
    if (next_is(next, NEXT_MISUSE))
        return GW_EUSE;
    return c->arena_full ? GW_EMEM : 0;
}

uint32_t gw_poll(struct gw_call *c, struct gw_action *action) {
    if (c->actions_at < c->actions_n) {
        *action = c->actions[c->actions_at++];
        return action->kind;
    }
    memset(action, 0, sizeof *action);
    action->kind = c->state == CALL_DONE ? GW_END : GW_WAIT;
    action->at = wait_until(c);
    return action->kind;
}
