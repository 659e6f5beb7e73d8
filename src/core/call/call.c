/*
 * A call's life: dispatch of events to the state they meet, and the queue of actions.
 *
 * Each row: a state, an event it may meet, the states that may follow. tests/traces holds a trace for
 * every one of these steps, and fails on a step that is not here.
 *
 *   NEW      REQ_HEAD  SNIFF QUEUE TRY DONE     the body is to come; all are busy; sent; refused
 *   NEW      REQ_HEAD  SIGNED ASK               a node registers; the registry is asked for a node
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
 *   TRY      GONE      DONE
 *   KEEP     RES_BODY  KEEP TRY QUEUE DONE      kept aside; too much of it: next target
 *   KEEP     RES_END   TRY QUEUE DONE           next target, or none left
 *   KEEP     TICK      KEEP TRY QUEUE DONE      it takes too long
 *   KEEP     GONE      DONE
 *   RELAY    RES_END   DONE                     END 0, or a reset
 *   RELAY    TICK      RELAY DONE               the request's time is over: reset
 *   RELAY    REQ_BODY  RELAY DONE
 *   RELAY    GONE      DONE
 *   HOLD     RES_BODY  HOLD OBSERVE             preamble; content: HEAD and DATA
 *   HOLD     RES_BODY  TRY QUEUE DONE           an error: next target, or nobody else is left
 *   HOLD     RES_END   TRY QUEUE DONE           no content: next target, or none left
 *   HOLD     TICK      HOLD TRY QUEUE DONE      the head, a comment; no content in time
 *   HOLD     REQ_BODY  HOLD DONE
 *   HOLD     GONE      DONE
 *   OBSERVE  RES_BODY  OBSERVE TRY QUEUE DONE   DATA; an error: resumed, or an in-band error
 *   OBSERVE  RES_END   TRY QUEUE DONE           cut: resumed, or an in-band error; END 0
 *   OBSERVE  TICK      OBSERVE TRY QUEUE DONE   silence: resumed, or an in-band error
 *   OBSERVE  REQ_BODY  OBSERVE DONE
 *   OBSERVE  GONE      DONE
 *   PROBE    RES_HEAD  DONE
 *   PROBE    RES_FAIL  DONE
 *   PROBE    TICK      PROBE DONE
 *   PROBE    GONE      DONE
 *   SIGNED   REQ_BODY  SIGNED ASK DONE          more to come; a challenge is sent; refused, or it left
 *   SIGNED   TICK      SIGNED DONE              408
 *   SIGNED   GONE      DONE
 *   ASK      RES_HEAD  ASK TRY DONE             the proof, then the registry is to keep it; not told; told
 *   ASK      RES_BODY  ASK TRY                  more to come; more than can be
 *   ASK      RES_END   TRY QUEUE DONE           the request goes on; the twin is told; a task is over
 *   ASK      RES_FAIL  TRY QUEUE DONE           goes on without
 *   ASK      TICK      ASK TRY QUEUE DONE       goes on without
 *   ASK      GONE      DONE
 *   DONE     RES_HEAD  DONE                     whatever comes late is no error
 */
#include "core/call/call.h"

struct gw_action *call_push(struct gw_call *c, uint32_t kind) {
    GW_ASSERT(c->actions_n < CALL_ACTIONS);
    struct gw_action *a = &c->actions[c->actions_n++];
    memset(a, 0, sizeof *a);
    a->kind = kind;
    return a;
}

void call_wake(struct gw_call *c) {
    struct gw *gw = c->gw;
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

static void on_tick(struct gw_call *c, struct gw_time now) {
    switch (c->state) {
    case CALL_SIGNED:
        if (now.mono_ms >= c->deadline_ms)
            nodes_on_late(c, now);
        break;
    case CALL_SNIFF:
        if (now.mono_ms >= c->deadline_ms)
            end_refuse(c,
                       &(struct call_error){.status = 408,
                                            .type = GW_STR("invalid_request_error"),
                                            .code = GW_STR("request_timeout"),
                                            .message = GW_STR("the request body did not arrive "
                                                              "in time; send it again")},
                       now);
        break;
    case CALL_QUEUE:
        try_on_queue_tick(c, now);
        break;
    case CALL_TRY:
    case CALL_KEEP:
        if (now.mono_ms >= c->attempt.limit_at)
            try_on_limit(c, now);
        break;
    case CALL_RELAY:
        if (now.mono_ms >= c->attempt.limit_at)
            answer_on_silence(c, now);
        break;
    case CALL_HOLD:
    case CALL_OBSERVE:
        if (now.mono_ms >= c->attempt.limit_at)
            stream_on_limit(c, now);
        break;
    default:
        break;
    }
}

static void on_response(struct gw_call *c, const struct gw_event *e, struct gw_time now) {
    if (!c->attempt.open || e->attempt != c->attempt.number)
        return; /* of an attempt that was dropped */
    if (e->kind == GW_RES_HEAD && e->res_head.status < 200) {
        call_on_hint(c, &e->res_head);
        return;
    }
    if (c->state == CALL_PROBE) {
        task_on_event(c, e, now);
        return;
    }
    if (c->state == CALL_ASK) {
        ask_on_event(c, e, now);
        return;
    }
    switch (e->kind) {
    case GW_RES_HEAD:
        if (c->state == CALL_TRY)
            answer_on_head(c, &e->res_head, now);
        break;
    case GW_RES_BODY:
        answer_on_chunk(c, e->res_body, now);
        break;
    case GW_RES_END:
        answer_on_end(c, e->res_end.how, now);
        break;
    default:
        try_on_fail(c, e->res_fail.fail, e->res_fail.sent, now);
        break;
    }
}

static double state_until(const struct gw_call *c) {
    switch (c->state) {
    case CALL_QUEUE:
        return c->wait_at;
    case CALL_TRY:
    case CALL_KEEP:
    case CALL_RELAY:
    case CALL_HOLD:
    case CALL_OBSERVE:
    case CALL_PROBE:
    case CALL_ASK:
        return c->attempt.limit_at;
    default:
        return c->deadline_ms;
    }
}

/* When the host must come back at the latest. */
static double wait_until(const struct gw_call *c) {
    double until = state_until(c);
    double stream = c->stream != NULL ? stream_tick_at(c) : until;
    if (c->awaited && body_late_at(c) < until)
        until = body_late_at(c);
    return stream < until ? stream : until;
}

static int dispatch(struct gw_call *c, const struct gw_event *e, struct gw_time now) {
    if (c->state == CALL_DONE)
        return 0;
    switch (e->kind) {
    case GW_REQ_HEAD:
        return request_on_head(c, &e->req_head, now);
    case GW_REQ_BODY:
        return body_on_bytes(c, &e->req_body, now);
    case GW_RES_HEAD:
    case GW_RES_BODY:
    case GW_RES_END:
    case GW_RES_FAIL:
        on_response(c, e, now);
        return 0;
    case GW_TICK:
        if (c->stream != NULL)
            stream_on_tick(c, now);
        if (body_on_tick(c, e->tick.body, now))
            return 0;
        if (c->state == CALL_PROBE)
            task_on_event(c, e, now);
        else if (c->state == CALL_ASK)
            ask_on_event(c, e, now);
        else
            on_tick(c, now);
        return 0;
    case GW_GONE:
        end_gone(c, now);
        return 0;
    default:
        return GW_EUSE;
    }
}

void gw_expect(const struct gw_call *c) {
    enum { AN_EVENT = 192 }; /* of the shape: what a usual event has around its string */
    const struct stream *s = c->stream;
    gw_prefetch(c, offsetof(struct gw_call, actions) + sizeof *c->actions);
    if (s != NULL) {
        gw_prefetch(s, offsetof(struct stream, out.slice[1]));
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
    int error = dispatch(c, e, now);
    if (c->stream != NULL && c->state != CALL_DONE)
        stream_flush(c);
    if (error == 0 && c->arena_full)
        error = GW_EMEM;
    return error;
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
