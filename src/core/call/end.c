/*
 * Answers of the gateway's own, what every answer says about itself, and the end of a call.
 */
#include "base/date.h"
#include "core/call/call.h"

#define BROKE_OFF GW_STR("stopped, and no other could go on with it")

enum { REASON_MAX = 256, RECORD_MAX = 4096, BODY_MAX = 8192 };

/* "node-3 refused, node-4 busy (429)": the reason grows as the call goes on. */
void end_because(struct gw_call *c, struct gw_str who, struct gw_str what) {
    struct gw_buf *b = &c->reason;
    if (b->max == 0)
        gw_buf_init(b, &c->arena, REASON_MAX);
    if (b->n + who.n + what.n + 3 > REASON_MAX)
        return;
    if (b->n > 0)
        gw_buf_put(b, GW_STR(", "));
    gw_buf_put(b, who);
    gw_buf_putc(b, ' ');
    gw_buf_put(b, what);
}

/* Why the first one that was asked was that one. */
static void put_why_first(const struct gw_call *c, struct gw_buf *out) {
    const struct chain_link *first = c->chain != NULL ? c->chain->link : NULL;
    if (first != NULL && chain_link(c) != first) {
        bool heavy = first->at.heavy;
        gw_buf_put(out, heavy ? route_class_name(first->at.index)
                              : c->conf->providers[first->at.index].backend.target.name);
        gw_buf_put(out, GW_STR(" could not be asked now"));
        return;
    }
    if (c->plan.n > 1 && c->route.kind == GW_ROUTE_HEAVY)
        gw_buf_put(out, GW_STR("best of its class"));
    else
        gw_buf_put(out, first != NULL && c->chain->n > 1 ? GW_STR("first of its chain")
                                                         : GW_STR("only target"));
}

static void put_reason(const struct gw_call *c, struct gw_buf *out) {
    if (c->reason.n > 0)
        gw_buf_put(out, gw_buf_str(&c->reason));
    else if (c->attempts == 0)
        gw_buf_put(out, GW_STR("answered here"));
    else
        put_why_first(c, out);
    if (c->body.forgotten && c->attempts > 0)
        gw_buf_put(out, GW_STR("; body not held for a replay"));
}

static void put_number(struct gw_buf *out, struct gw_str name, double value) {
    gw_buf_put(out, name);
    gw_buf_put_u64(out, value > 0 ? (uint64_t)value : 0);
    gw_buf_put(out, GW_STR("\r\n"));
}

/* The model that serves, as its place knows it. */
static void put_model(const struct gw_call *c, struct gw_buf *out) {
    struct gw_str model = chain_link(c)->at.model;
    bool plain = model.n > 0; /* a header's value; some names are none */
    for (size_t i = 0; i < model.n; i++)
        plain &= model.p[i] > ' ' && model.p[i] < 0x7f;
    if (plain)
        head_put(out, GW_STR("x-heady-model"), model);
}

void end_put_why(struct gw_call *c, struct gw_buf *out, struct gw_str target, struct gw_time now) {
    if (target.n > 0) {
        gw_buf_put(out, GW_STR("x-heady-target: "));
        gw_buf_put(out, target);
        gw_buf_put(out, GW_STR("\r\n"));
    }
    if (target.n > 0 && c->chain != NULL) {
        put_model(c, out);
        translate_put_warnings(c, out);
    }
    gw_buf_put(out, GW_STR("x-heady-route: "));
    gw_buf_put(out, c->route.name);
    gw_buf_put(out, GW_STR("\r\nx-heady-reason: "));
    put_reason(c, out);
    gw_buf_put(out, GW_STR("\r\n"));
    put_number(out, GW_STR("x-heady-attempts: "), c->attempts);
    double waited_ms = c->queued_ms + (c->in_queue ? now.mono_ms - c->queued_at : 0);
    /* The edge's clock stands still while it computes: there the figure would be a lie. */
    if (c->conf->host == GW_RACK)
        put_number(out, GW_STR("x-heady-overhead-us: "),
                   (now.mono_ms - c->opened_ms - c->upstream_ms - waited_ms) * 1000);
    double queued = c->queued_ms > 0 ? c->queued_ms : c->expected_ms;
    if (queued > 0)
        put_number(out, GW_STR("x-heady-queued-ms: "), queued);
    if (c->estimated)
        gw_buf_put(out, GW_STR("x-heady-estimated: true\r\n"));
    if (c->seed != NULL && target.n > 0)
        put_number(out, GW_STR("x-heady-seed: "), c->seed->value);
    gw_buf_put(out, GW_STR("x-request-id: "));
    gw_buf_put(out, c->id);
    gw_buf_put(out, GW_STR("\r\n"));
}

/* `value` is one of ours or has been checked: it needs no escapes. */
static void put_member(struct gw_buf *b, struct gw_str name, struct gw_str value) {
    gw_buf_put(b, GW_STR(",\""));
    gw_buf_put(b, name);
    gw_buf_put(b, GW_STR("\":\""));
    gw_buf_put(b, value);
    gw_buf_putc(b, '"');
}

static void put_count(struct gw_buf *b, struct gw_str name, uint64_t value) {
    gw_buf_put(b, GW_STR(",\""));
    gw_buf_put(b, name);
    gw_buf_put(b, GW_STR("\":"));
    gw_buf_put_u64(b, value);
}

/* One line for the log: never a prompt, a key or a URL. */
static void put_record(struct gw_call *c, struct gw_time now) {
    struct gw_buf b;
    uint32_t left_out = 0;
    /* A registration is always worth a line, but not every one that is refused. */
    bool wanted = c->route.kind == GW_ROUTE_NODE ? nodes_may_log(c, &left_out, now)
                                                 : c->conf->limits.log_requests != 0;
    if (!wanted || !c->has_request)
        return;
    gw_buf_init(&b, &c->arena, RECORD_MAX);
    gw_buf_put(&b, GW_STR("{\"time\":\""));
    gw_date_put_iso(&b, now.wall_ms);
    gw_buf_put(&b, GW_STR("\",\"event\":\"request\""));
    put_member(&b, GW_STR("id"), c->id);
    put_member(&b, GW_STR("key"), c->key_name);
    gw_buf_put(&b, GW_STR(",\"method\":\""));
    gw_buf_put_json(&b, gw_str_sub(c->method, 0, 16));
    gw_buf_putc(&b, '"');
    put_member(&b, GW_STR("route"), c->route.name);
    if (c->has_head && c->attempt.to != NULL)
        put_member(&b, GW_STR("target"), c->attempt.to->target.name);
    put_count(&b, GW_STR("status"), c->status);
    put_count(&b, GW_STR("attempts"), c->attempts);
    double took = now.mono_ms - c->opened_ms;
    put_count(&b, GW_STR("took_us"), took > 0 ? (uint64_t)(took * 1000) : 0);
    put_count(&b, GW_STR("request_bytes"), c->body.received);
    if (left_out > 0)
        put_count(&b, GW_STR("left_out"), left_out);
    if (c->meter != NULL)
        meter_put(c, &b);
    gw_buf_put(&b, GW_STR(",\"reason\":\""));
    struct gw_str reason = gw_buf_str(&c->reason);
    gw_buf_put_json(&b, reason);
    gw_buf_put(&b, c->code != 0 ? GW_STR("\",\"cut\":true}") : GW_STR("\",\"cut\":false}"));
    if (!b.full)
        call_push(c, GW_RECORD)->record.line = gw_buf_str(&b);
}

void end_release(struct gw_call *c, struct gw_time now) {
    queue_leave(c);
    blame_resolve(c, false, now);
    try_give_slot(c, now);
    if (c->hedge != NULL)
        hedge_release(c, now);
    nodes_asked(c);
    body_drop_facts(c);
    translate_release(c);
    unseal_release(c);
    body_give_room(c);
}

struct next end_record(struct gw_call *c, struct gw_time now) {
    queue_leave(c);
    if (c->stream != NULL)
        stream_flush(c);
    put_record(c, now);
    call_push(c, GW_END)->end.code = c->code;
    end_release(c, now);
    return next_wait(CALL_DONE);
}

/* An answer of our own: HEAD, DATA, END. */
static struct next answer(struct gw_call *c, uint32_t status, struct gw_str head,
                          struct gw_str body) {
    struct gw_action *a = call_push(c, GW_HEAD);
    a->head.status = status;
    a->head.head = head;
    a->head.body_len = body.n;
    c->status = status;
    c->has_head = true;
    if (body.n > 0 && !gw_str_eq(c->method, GW_STR("HEAD"))) {
        c->slice = (struct gw_slice){.kind = GW_LITERAL, .p = body.p, .len = body.n};
        a = call_push(c, GW_DATA);
        a->data.slices = &c->slice;
        a->data.slices_n = 1;
    }
    return next_done(0);
}

struct next end_reply(struct gw_call *c, uint32_t status, struct gw_str type, struct gw_str body,
                      struct gw_time now) {
    struct gw_buf head;
    gw_buf_init(&head, &c->arena, 2048);
    head_put(&head, GW_STR("content-type"), type);
    head_put(&head, GW_STR("cache-control"), GW_STR("no-store"));
    end_put_why(c, &head, (struct gw_str){NULL, 0}, now);
    struct gw_str copy = gw_arena_dup(&c->arena, body);
    c->arena_full |= head.full || copy.p == NULL;
    return answer(c, status, gw_buf_str(&head), copy);
}

struct next end_reply_allow(struct gw_call *c, struct gw_str allow, struct gw_time now) {
    struct gw_buf head;
    gw_buf_init(&head, &c->arena, 2048);
    head_put(&head, GW_STR("allow"), allow);
    end_put_why(c, &head, (struct gw_str){NULL, 0}, now);
    c->arena_full |= head.full;
    return answer(c, 204, gw_buf_str(&head), GW_STR(""));
}

/* In the shape that clients of this path expect. */
static void put_error(const struct gw_call *c, const struct call_error *e, struct gw_buf *head,
                      struct gw_buf *body) {
    const struct dialect_error error = {e->status, e->type, e->code, e->param, e->message};
    const struct dialect *d = NULL;
    bool talks;
    if (route_rules[c->route.kind].judged)
        d = dialects_of_path(c->route.rest, &talks);
    if (d == NULL && route_rules[c->route.kind].judged)
        d = translate_dialect(c);
    if (d == NULL)
        d = provider_dialect(c);
    if (d == NULL && gw_str_starts(c->path, GW_STR("/model/"))) /* it has no route */
        d = dialects_of_path(c->path, &talks);
    if (d == NULL)
        d = dialects_default(FRAMING_SSE);
    head_put(head, GW_STR("content-type"), GW_STR("application/json"));
    if (d->put_error_head != NULL)
        d->put_error_head(head, &error);
    d->put_error(body, &error);
}

struct next end_refuse(struct gw_call *c, const struct call_error *e) {
    c->error = *e;
    return next_refuse();
}

struct next end_tell_error(struct gw_call *c, struct gw_time now) {
    const struct call_error *e = &c->error;
    struct gw_buf head, body;
    try_close(c, true, now);
    if (c->has_head && c->stream == NULL)
        return next_done(1);
    if (c->has_head)
        return c->stream->begun ? stream_break(c, BROKE_OFF) : stream_refuse(c, e->message);
    if (count_is_asked(c))
        return count_tell(c, now);
    gw_buf_init(&head, &c->arena, 2048);
    gw_buf_init(&body, &c->arena, BODY_MAX);
    put_error(c, e, &head, &body);
    head_put(&head, GW_STR("cache-control"), GW_STR("no-store"));
    if (e->status == 401)
        head_put(&head, GW_STR("www-authenticate"), GW_STR("Bearer realm=\"heady-gateway\""));
    if (e->allow.n > 0)
        head_put(&head, GW_STR("allow"), e->allow);
    if (e->is_final)
        gw_buf_put(&head, GW_STR("x-should-retry: false\r\n"));
    if (e->retry_after_s > 0)
        put_number(&head, GW_STR("retry-after: "), e->retry_after_s);
    end_put_why(c, &head, (struct gw_str){NULL, 0}, now);
    c->arena_full |= head.full || body.full;
    return answer(c, e->status, gw_buf_str(&head), gw_buf_str(&body));
}

/* The client has the head of a stream, and this is one, all of it. */
static struct next give_behind_head(struct gw_call *c) {
    stream_put_text(c, gw_buf_str(&c->kept.body));
    return next_done(0);
}

struct next end_give_kept(struct gw_call *c, struct gw_time now) {
    struct gw_buf head;
    if (c->has_head && (!c->kept.translated || c->stream->begun))
        return stream_break(c, BROKE_OFF);
    c->attempt.at = c->kept.at; /* that one's model is named, too */
    if (c->kept.status < 300 && c->kept.translated && remember_is_due(c))
        return remember_answer(c, now);
    if (c->has_head)
        return give_behind_head(c);
    if (count_is_asked(c) && !c->kept.translated)
        return count_tell(c, now);
    if (call_translates(c) && !c->kept.translated)
        translate_error(c);
    gw_buf_init(&head, &c->arena, CALL_HEAD_MAX);
    gw_buf_put(&head, c->kept.head);
    end_put_why(c, &head, call_candidate(c)->backend->target.name, now);
    c->arena_full |= head.full;
    return answer(c, c->kept.status, gw_buf_str(&head), gw_buf_str(&c->kept.body));
}

struct next end_on_gone(struct gw_call *c, struct gw_time now) {
    end_because(c, GW_STR("client"), GW_STR("left"));
    try_close(c, true, now);
    return next_done(1);
}
