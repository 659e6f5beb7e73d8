/*
 * Attempts: choosing a target, sending, failing over.
 */
#include "core/call/call.h"
#include "core/cluster/capacity.h"
#include "core/policy/access.h"

enum {
    ATTEMPTS_MAX = 6,      /* of one call, whatever the plan says */
    PAUSE_LEAST_MS = 25,   /* before the same target is asked again: this, and ... */
    PAUSE_RANDOM_MS = 225, /* ... up to this, at random */
    STAY_MOST_MS = 3500,   /* before the same model is asked once more */
    PATIENT_MS = 60000, /* a target with this long for its first content is hardly dropped before */
    URL_MAX = 65536 + 512,
};

/* ------------------------------------------------------------------ sending */

void try_end_upload(struct gw_call *c) {
    if (c->attempt.uploads)
        pool_upload(&c->gw->cluster.pool, c->attempt.to->slot, false);
    c->attempt.uploads = false;
}

/* How long the attempt may take to its first content. A stream that another target could serve has little
 * time. */
static double first_limit_ms(const struct gw_call *c, double now) {
    double limit = call_first_byte_ms(c);
    if (!c->streamed || call_pays_once(c))
        return limit;
    double stream = late_silent_ms(c);
    if (stream < limit && (c->chain == NULL || chain_own_first_byte_ms(c) <= 0) &&
        plan_has_other(&c->plan, &c->gw->cluster.pool, c->attempt.at, now))
        limit = stream;
    return limit;
}

uint32_t gw_may_drop(const struct gw_call *call) {
    return call->state == CALL_TRY && !call->head.fast &&
           (hedge_is_open(call) || (call->streamed && call->plan.n > 1) ||
            first_limit_ms(call, call->attempt.sent_at) < PATIENT_MS);
}

static void set_limit(struct gw_call *c, struct gw_time now) {
    double from = late_from(c);
    late_set_limit(c, from + first_limit_ms(c, from), now);
}

void try_set_limit(struct gw_call *c, struct gw_time now) {
    if (c->state == CALL_TRY)
        set_limit(c, now);
}

void try_put_lines_for(const struct backend_conf *to, struct gw_buf *out) {
    if (to->ngrok)
        gw_buf_put(out, GW_STR("ngrok-skip-browser-warning: 1\r\n"));
    if (to->bearer.n > 0)
        head_put(out, GW_STR("authorization"), to->bearer);
}

/* A head that begins anew: what the client says to a target of its own dialect is not for others. */
static struct gw_buf *own_head(struct gw_call *c) {
    struct gw_buf *b = gw_arena_get(&c->arena, sizeof *b);
    if (b == NULL) {
        c->arena_full = true;
        return &c->up_head;
    }
    gw_buf_init(b, &c->arena, CALL_HEAD_MAX);
    translate_put_head(gw_str(c->up_head.p, c->up_head_n), b);
    return b;
}

/* The lines for this target, after those that all attempts have. */
static struct gw_str head_for(struct gw_call *c, const struct backend_conf *to, struct gw_str path,
                              struct gw_time now) {
    struct gw_buf *b = &c->up_head;
    b->n = c->up_head_n;
    if (call_translates(c))
        b = own_head(c);
    try_put_lines_for(to, b);
    provider_put_head(c, to, path, now, b);
    if (c->client_limited && !to->paid) {
        double left = c->deadline_ms - now.mono_ms;
        gw_buf_put(b, GW_STR("x-heady-timeout-ms: "));
        gw_buf_put_u64(b, left > 1 ? (uint64_t)left : 1);
        gw_buf_put(b, GW_STR("\r\n"));
    }
    if (to == &c->conf->twin) {
        access_sign_hop(c->conf, c->key_name, c->id, c->method, path, now, b);
        if (to->target.tls != 0 && c->conf->access_id.n > 0 && c->conf->access_secret.n > 0) {
            head_put(b, GW_STR("cf-access-client-id"), c->conf->access_id);
            head_put(b, GW_STR("cf-access-client-secret"), c->conf->access_secret);
        }
    }
    return gw_buf_str(b);
}

static void put_query_of(const struct chain_link *link, struct gw_buf *b) {
    if (link->query.n > 0)
        gw_buf_putc(b, '?');
    gw_buf_put(b, link->query);
}

static struct gw_str url_for(struct gw_call *c, const struct backend_conf *to) {
    struct gw_buf b;
    gw_buf_init(&b, &c->arena, URL_MAX);
    gw_buf_put(&b, to->target.origin);
    gw_buf_put(&b, to->base);
    gw_buf_put(&b, c->chain != NULL ? chain_link(c)->path : c->route.rest);
    if (call_translates(c))
        put_query_of(chain_link(c), &b);
    else if (config_is_provider(to))
        provider_put_query(c->query, &b);
    else
        gw_buf_put(&b, c->query);
    c->arena_full |= b.full;
    return gw_buf_str(&b);
}

void try_await_no_more(struct gw_call *c, bool content, struct gw_time now) {
    if (c->attempt.awaited)
        pool_awaits_no_more(&c->gw->cluster.pool, c->attempt.to->slot, content,
                            c->attempt.reads_until, now.mono_ms);
    c->attempt.awaited = false;
}

/* Neither is its content awaited any more, nor is it served. */
static void stop_counting(struct gw_call *c, struct gw_time now) {
    struct pool *pool = &c->gw->cluster.pool;
    try_await_no_more(c, false, now);
    if (c->attempt.serving)
        capacity_ended(pool, c->attempt.to->slot, c->attempt.seen, c->attempt.served_from,
                       now.mono_ms);
    c->attempt.serving = false;
}

static void start_counting(struct gw_call *c, struct gw_time now) {
    struct pool *pool = &c->gw->cluster.pool;
    uint32_t slot = c->attempt.to->slot;
    if (!c->attempt.awaited)
        pool_awaits(pool, slot, now.mono_ms);
    c->attempt.awaited = true;
    if (c->streamed || c->attempt.serving || c->attempt.to->paid)
        return;
    c->attempt.serving = true;
    c->attempt.seen = false;
    c->attempt.served_from = now.mono_ms;
    capacity_sent(pool, slot);
}

/* What differs from the body that came. */
static void put_edits(struct gw_call *c, struct gw_action *a) {
    struct edits e = {.n = 0};
    unseal_put(c, &e);
    if (c->prefix != NULL)
        prefix_put(c, &e);
    if (c->seed != NULL)
        edits_add(&e, c->seed->edit.at, c->seed->edit.skip, c->seed->edit.text);
    if (c->chain != NULL)
        chain_put(c, &e);
    if (e.n + e.more_n > 0)
        c->arena_full |= !edits_put(&e, c->body.received, &c->arena, a);
}

static void put_body(struct gw_call *c, struct gw_action *a) {
    if (call_translates(c)) {
        translate_put(c, a);
        return;
    }
    c->send_slice = (struct gw_slice){.kind = GW_REQUEST, .off = 0, .len = GW_REST};
    a->send.slices = &c->send_slice;
    a->send.slices_n = 1;
    if (c->seed != NULL || c->prefix != NULL || c->chain != NULL)
        put_edits(c, a);
    if (c->asked == NULL)
        return;
    a->send.slices = c->asked->slice;
    a->send.slices_n = c->asked->n;
    a->send.body_len = c->asked->len;
}

struct next try_send(struct gw_call *c, struct gw_time now) {
    const struct backend_conf *to = c->attempt.to;
    body_follow(c, now);
    struct gw_action *a = call_push(c, GW_SEND);
    a->attempt = c->attempt.number = ++c->attempts;
    a->send.target = to->target;
    a->send.method = c->method;
    a->send.url = url_for(c, to);
    a->send.path = gw_str_sub(a->send.url, to->target.origin.n, URL_MAX);
    a->send.connect_ms = (uint32_t)c->conf->limits.connect_ms;
    a->send.body_len = c->body.declared;
    if (c->body.declared != 0)
        put_body(c, a);
    a->send.head = head_for(c, to, a->send.path, now); /* behind the body, which it may sign */
    c->arena_full |= c->up_head.full;
    c->attempt.open = true;
    c->attempt.first_content = c->attempt.junk = c->attempt.late = false;
    c->attempt.asked = 0;
    c->attempt.stays_ms = STAYS_NOT;
    c->attempt.first_ms = 0;
    c->attempt.sent_at = c->attempt.counted_at = c->attempt.asks_from = now.mono_ms;
    c->attempt.reads_from =
        pool_reads_from(&c->gw->cluster.pool, to->slot, plan_unread(&c->plan, c->attempt.at),
                        now.mono_ms, &c->attempt.reads_until);
    set_limit(c, now);
    start_counting(c, now);
    return next_wait(CALL_TRY);
}

/* The target's slot and its breaker's grant are taken already: all that is left is to send. */
static struct next take(struct gw_call *c, uint32_t at, struct breaker_grant grant) {
    c->attempt.at = at;
    c->attempt.to = c->plan.candidates[at].backend;
    c->attempt.has_slot = true;
    c->attempt.grant = grant;
    c->attempt.repeated = false;
    c->attempt.uploads = !c->body.fin;
    if (c->attempt.uploads)
        pool_upload(&c->gw->cluster.pool, c->attempt.to->slot, true);
    return next_phase(PHASE_RESERVE);
}

struct next try_take(struct gw_call *c, struct plan_choice choice) {
    return take(c, choice.at, choice.grant);
}

void try_give_slot(struct gw_call *c, struct gw_time now) {
    if (!c->attempt.has_slot)
        return;
    c->attempt.has_slot = false;
    stop_counting(c, now);
    try_end_upload(c);
    pool_let_go(&c->gw->cluster.pool, c->attempt.to->slot, &c->attempt.grant, now.mono_ms);
    pool_give(&c->gw->cluster.pool, c->attempt.to->slot);
    queue_wake(c->gw, c->attempt.to->slot, now);
}

void try_count_time(struct gw_call *c, struct gw_time now) {
    c->upstream_ms += now.mono_ms - c->attempt.counted_at;
    c->attempt.counted_at = now.mono_ms;
}

void try_close(struct gw_call *c, bool drop, struct gw_time now) {
    if (!c->attempt.open)
        return;
    c->attempt.open = false;
    if (!c->has_head)
        try_count_time(c, now);
    if (drop && c->stream != NULL)
        stream_flush(c);
    if (drop)
        call_push(c, GW_DROP)->attempt = c->attempt.number;
    try_give_slot(c, now);
}

/* ------------------------------------------------------------------ choosing */

struct next try_refuse_none(struct gw_call *c, struct gw_time now) {
    double retry = plan_retry_ms(&c->plan, &c->gw->cluster.pool, now.mono_ms);
    struct call_error e = {.status = 503,
                           .type = GW_STR("server_error"),
                           .code = GW_STR("no_target_available"),
                           .message = GW_STR("no target could serve this request; see "
                                             "x-heady-reason, and try again later"),
                           .retry_after_s = (uint32_t)((retry + 999) / 1000)};
    if (c->plan.n == 0) {
        e.code = GW_STR("no_endpoint");
        e.message = GW_STR("no node of this class has an endpoint; set COLAB_ENDPOINT_n");
        e.retry_after_s = 60;
    }
    if (c->attempt.junk) {
        e.status = 502;
        e.code = GW_STR("upstream_failed");
        e.message = GW_STR("what the target answered is not HTTP; see x-heady-reason, and try "
                           "again later");
    }
    if (provider_refuses_all(c)) {
        provider_tell_refused(c, now);
        e.status = 502;
        e.code = GW_STR("provider_key_refused");
        e.message =
            GW_STR("the provider refuses this gateway's key; its operator has to mend that");
        e.is_final = true;
    }
    if (c->expected_ms > 1000)
        e.retry_after_s = (uint32_t)((c->expected_ms + 999) / 1000);
    if (e.retry_after_s == 0)
        e.retry_after_s = 1;
    queue_leave(c);
    return c->kept.whole ? next_kept() : end_refuse(c, &e);
}

struct next try_refuse_late(struct gw_call *c) {
    bool paid = c->attempts > 0 && c->attempt.to->paid;
    return end_refuse(c,
                      &(struct call_error){.status = 504,
                                           .type = GW_STR("server_error"),
                                           .code = GW_STR("timeout"),
                                           .message = GW_STR("no target answered in the time "
                                                             "that this request has; allow more"),
                                           .is_final = paid}); /* it would be paid for again */
}

/* A later turn of a conversation prefers the node that has served the earlier ones. */
static void go_home(struct gw_call *c) {
    const struct affinity_home *home = affinity_find(&c->gw->talks, c->talk);
    c->plan.bytes = c->plan.unread = (double)c->body.received;
    if (c->talk == 0 || !c->later_turn)
        return;
    if (home != NULL)
        plan_set_home(&c->plan, home->slot);
    else
        plan_find_home(&c->plan, c->talk);
    if (home != NULL && home->bytes < c->plan.bytes)
        c->plan.unread -= home->bytes;
}

struct next try_plan(struct gw_call *c, struct gw_time now) {
    registry_tend(&c->gw->cluster, now);
    if (c->route.kind == GW_ROUTE_HEAVY)
        c->arena_full |= !plan_class(&c->plan, c->conf, c->route.class, &c->arena);
    else if (c->route.kind == GW_ROUTE_AI)
        c->arena_full |= !chain_plan(c);
    else if (c->route.kind == GW_ROUTE_LOCAL)
        plan_one(&c->plan, &c->conf->services[c->route.service]);
    else
        plan_one(&c->plan, &c->conf->twin);
    if (c->chain != NULL)
        chain_leave_out(c);
    go_home(c);
    c->plan.careful = c->body.forgotten;
    pool_budget_pay(&c->gw->cluster.pool, c->plan.budget, now.mono_ms);
    return lookup_is_due(c, now) ? lookup_begin(c, false, now) : next_on();
}

struct next try_choose(struct gw_call *c, struct gw_time now) {
    struct pool *pool = &c->gw->cluster.pool;
    if (!c->in_queue)
        c->plan.partial = !c->body.fin;
    bool in_line = c->in_queue && !c->plan.partial;
    struct plan_choice choice = plan_pick(&c->plan, pool, in_line, now.mono_ms);
    bool stuck =
        choice.what == PLAN_NONE || (choice.what == PLAN_WAIT && !queue_may_wait(c, choice, now));
    if (stuck && !c->panicked) {
        choice = plan_pick_open(&c->plan, pool, in_line, choice, now.mono_ms);
        c->panicked = choice.what == PLAN_GO;
    }
    if (choice.what == PLAN_WAIT)
        return queue_wait(c, choice, now);
    if (choice.what == PLAN_NONE)
        return try_refuse_none(c, now);
    queue_served(c, now);
    return take(c, choice.at, choice.grant);
}

static struct next refuse_unrepeatable(struct gw_call *c) {
    struct call_error e = {.status = 502,
                           .type = GW_STR("server_error"),
                           .code = GW_STR("upstream_failed"),
                           .message = GW_STR("the target failed after the request had reached it, "
                                             "and this method is not repeated; look whether it was "
                                             "done before you send it again")};
    if (c->body.forgotten)
        e.message = GW_STR("the target failed, and the request body was too large to be held for "
                           "another; send it again");
    end_because(c, c->body.forgotten ? GW_STR("body") : c->method,
                c->body.forgotten ? GW_STR("not held, so not repeated") : GW_STR("not repeated"));
    return end_refuse(c, &e);
}

static bool is_repeatable(const struct gw_call *c) {
    return !c->bound && (route_rules[c->route.kind].repeats & route_method(c->method)) != 0;
}

bool try_may_again(const struct gw_call *c) {
    return !c->body.forgotten && c->attempts < ATTEMPTS_MAX && is_repeatable(c);
}

/* The target that may be asked once more when all have been asked: the first that is well and was not
 * late. -1: none; so it is when two have answered 500, which is enough. */
static int worth_another(const struct gw_call *c, struct gw_time now) {
    int at = -1;
    uint32_t errored = 0;
    bool provider = call_at_provider(c); /* once more, whatever has been repeated */
    for (uint32_t i = 0; i < c->plan.n && !(provider && c->attempts > c->plan.n); i++) {
        const struct candidate *tried = &c->plan.candidates[i];
        enum pool_state state = plan_state_of(tried, &c->gw->cluster.pool, now.mono_ms);
        errored += tried->blame == POOL_ERRORED;
        if (at < 0 && state == POOL_READY && tried->blame != POOL_LATE && tried->refused == 0 &&
            !tried->over)
            at = (int)i;
    }
    return errored > 1 ? -1 : at;
}

static double pause_ms(struct gw_call *c) {
    return PAUSE_LEAST_MS + PAUSE_RANDOM_MS * gw_rng_unit(&c->gw->rng);
}

/* The same target again, after a pause, when no other is left. */
static bool rest(struct gw_call *c, struct gw_time now) {
    int at = worth_another(c, now);
    double ms = pause_ms(c);
    if (c->again || c->panicked || at < 0 || now.mono_ms + ms >= c->deadline_ms ||
        !pool_budget_take(&c->gw->cluster.pool, c->plan.budget, now.mono_ms))
        return false;
    c->again = true;
    c->plan.candidates[at].spent = false;
    c->pause_until_ms = c->wait_at = now.mono_ms + ms;
    return true;
}

/* Another model is a lesser answer: before it the same one is asked once more, unless somebody else has it. */
static bool stay(struct gw_call *c, struct gw_time now) {
    struct pool *pool = &c->gw->cluster.pool;
    double told_ms = c->attempt.stays_ms;
    bool stays = told_ms < STAYS_NOT || told_ms > STAYS_NOT;
    if (!stays)
        return false;
    struct candidate *at = call_candidate(c);
    if (at->again || plan_has_twin(&c->plan, pool, c->attempt.at, now.mono_ms))
        return false;
    double rests = plan_until(at, pool, now.mono_ms);
    double until = told_ms > 0 ? now.mono_ms + told_ms : now.mono_ms;
    until = rests > until ? rests : until;
    if (told_ms < 0)
        until += pause_ms(c);
    if (until >= c->deadline_ms || until - now.mono_ms > STAY_MOST_MS ||
        !pool_budget_take(pool, c->plan.budget, now.mono_ms))
        return false;
    at->again = true;
    at->spent = false;
    c->pause_until_ms = c->wait_at = until;
    return true;
}

static struct next refuse_over_budget(struct gw_call *c, struct gw_time now) {
    end_because(c, GW_STR("retries"), GW_STR("over budget"));
    return try_refuse_none(c, now);
}

struct next try_next(struct gw_call *c, bool may_repeat, bool reached, struct gw_time now) {
    struct pool *pool = &c->gw->cluster.pool;
    bool other = plan_has_other(&c->plan, pool, PLAN_NOWHERE, now.mono_ms);
    may_repeat &= !reached || is_repeatable(c);
    if (now.mono_ms >= c->deadline_ms)
        return try_refuse_late(c);
    if (!may_repeat && provider_refuses_all(c))
        return try_refuse_none(c, now);
    if (!may_repeat)
        return c->kept.whole ? next_kept() : refuse_unrepeatable(c);
    if (c->attempts >= ATTEMPTS_MAX)
        return try_refuse_none(c, now);
    if (other ? stay(c, now) : rest(c, now))
        return next_wait(CALL_QUEUE);
    if (reached && plan_is_left(&c->plan, pool, c->panicked, now.mono_ms) &&
        !pool_budget_take(pool, c->plan.budget, now.mono_ms))
        return refuse_over_budget(c, now);
    return next_phase(PHASE_CHOOSE);
}

/* ------------------------------------------------------------------ failing */

uint32_t try_trouble_of(uint32_t fail) {
    switch (fail) {
    case GW_FAIL_REFUSED:
        return POOL_REFUSED;
    case GW_FAIL_DNS:
        return POOL_DNS;
    case GW_FAIL_TLS:
        return POOL_TLS;
    case GW_FAIL_CONNECT_TIME:
        return POOL_CONNECT_TIME;
    case GW_FAIL_JUNK:
        return POOL_JUNK;
    default:
        return POOL_RESET;
    }
}

static struct gw_str name_of(uint32_t fail) {
    switch (fail) {
    case GW_FAIL_LOCAL:
        return GW_STR("was not tried: this host is short of resources");
    case GW_FAIL_UNTAKEN:
        return GW_STR("did not take it");
    default:
        return pool_trouble_name(try_trouble_of(fail));
    }
}

/* Of the streams that a lost connection takes along, only the first is counted. */
static bool says_nothing(uint32_t fail) {
    return fail == GW_FAIL_LOCAL || fail == GW_FAIL_ALONG;
}

/* The server had closed a kept connection, most likely before it saw the request; or it says that it has
 * not begun with the request. Then it may be asked once more, unless it kept the request waiting. */
static bool is_fresh(const struct gw_call *c, uint32_t fail, uint32_t sent, double waited_ms) {
    if (fail == GW_FAIL_UNTAKEN)
        return waited_ms < (double)c->conf->limits.connect_ms / 2; /* clocks are coarse */
    if (c->attempt.to->paid && c->attempts > 1)
        return false;
    return fail == GW_FAIL_STALE && (sent == GW_SENT_NONE || is_repeatable(c));
}

/* It did not begin with the request, nor when it was asked again: it has no room, like a target that
 * answers 503. */
static struct next move_on_untaken(struct gw_call *c, bool may_repeat, struct gw_time now) {
    pool_busy(&c->gw->cluster.pool, c->attempt.to->slot, &c->attempt.grant, -1, now);
    end_because(c, c->attempt.to->target.name, name_of(GW_FAIL_UNTAKEN));
    try_close(c, false, now);
    return next_target(may_repeat, false);
}

struct next try_on_fail(struct gw_call *c, uint32_t fail, uint32_t sent, struct gw_time now) {
    bool may_repeat = !c->body.forgotten || sent == GW_SENT_NONE;
    double waited_ms = now.mono_ms - c->attempt.sent_at;
    uint32_t slot = c->attempt.to->slot;
    if (fail == GW_FAIL_UNTAKEN)
        pool_kept_waiting(&c->gw->cluster.pool, slot, waited_ms, now.mono_ms);
    /* But not if the target has been found bad since, or waits for its one trial. */
    bool left_alone = pool_state_of(&c->gw->cluster.pool, slot, now.mono_ms) != POOL_READY &&
                      !c->attempt.grant.trial;
    if (is_fresh(c, fail, sent, waited_ms) && !c->attempt.repeated && may_repeat && !left_alone) {
        c->attempt.repeated = true;
        return next_phase(PHASE_SEND);
    }
    if (fail == GW_FAIL_UNTAKEN) {
        return move_on_untaken(c, may_repeat, now);
    }
    if (!says_nothing(fail) && sent == GW_SENT_NONE)
        blame_now(c, try_trouble_of(fail), now);
    else if (!says_nothing(fail))
        blame_later(c, try_trouble_of(fail));
    c->attempt.junk = fail == GW_FAIL_JUNK;
    if (fail == GW_FAIL_RESET && sent != GW_SENT_NONE)
        c->attempt.stays_ms = STAYS_JITTERED;
    call_candidate(c)->spent = true;
    end_because(c, c->attempt.to->target.name, name_of(fail));
    try_close(c, false, now);
    return next_ask(may_repeat, sent != GW_SENT_NONE);
}

struct next try_on_limit(struct gw_call *c, struct gw_time now) {
    /* The target is not at fault if the client is in a hurry, or does not finish its request. */
    bool hurried = late_is_hurried(c, now) || !c->body.fin;
    struct next next = c->state != CALL_KEEP ? late_on_limit(c, now) : next_on();
    if (!next_is(next, NEXT_ON))
        return next;
    if (c->state != CALL_KEEP && !hurried && late_is_to_blame(c, now)) {
        blame_later(c, POOL_LATE);
        answer_is_late(c, now); /* it would have taken longer still */
    }
    call_candidate(c)->spent = true;
    end_because(c, c->attempt.to->target.name, GW_STR("timed out"));
    try_close(c, true, now);
    if (c->state != CALL_KEEP && call_pays_once(c))
        return try_refuse_late(c); /* it may have been done, and would be paid for twice */
    if (c->attempt.to->paid && c->state != CALL_KEEP)
        plan_spend_link(&c->plan, c->attempt.at);
    return next_ask(!c->body.forgotten, true);
}
