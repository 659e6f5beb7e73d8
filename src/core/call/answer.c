/*
 * What upstreams answer: which answers move the request to another target, and how the others reach
 * the client.
 */
#include "base/real.h"
#include "core/call/call.h"
#include "core/cluster/capacity.h"
#include "format/meaning.h"

enum {
    TORN_MAX = 1024,          /* of the message of a refusal that is not whole */
    WAIT_DIGITS = 16,         /* of a wait that is said in words */
    KEEP_MS = 2000,           /* how long the body of a first 500 may take to come */
    PROVIDER_KEEP_MS = 10000, /* likewise, of a provider's refusal */
    STAYS_MOST_MS = 3000,     /* a Retry-After that is waited for before another model is asked */
    HINTS_MAX = 8,            /* before one answer, ... */
    HINT_MAX = 4096           /* ... and the bytes of each */
};

enum verdict {
    DELIVER,
    BUSY,    /* 429, 503, 529: another target, and this one cools down */
    OFFLINE, /* no node is behind that address now */
    GATEWAY, /* 502, 504 by the node itself: the request may be at fault */
    ERRORED, /* a 500: likewise */
    KEYLESS, /* a provider does not take the gateway's key */
    DOUBTED, /* a 403: the key may be at fault, or the request. Another key tells */
    REFUSED, /* a 400: its body tells whether another target might take the request */
};

static bool is_offline_page(uint32_t status, const struct answer_head *h) {
    return (status >= 520 && status <= 527) || status == 530 || (status == 404 && h->ngrok_error) ||
           (status >= 500 && h->cloudflare && h->html);
}

static void because_status(struct gw_call *c, struct gw_str word, uint32_t status) {
    struct gw_buf b;
    gw_buf_init(&b, &c->arena, 64);
    gw_buf_put(&b, word);
    gw_buf_put(&b, GW_STR(" ("));
    gw_buf_put_u64(&b, status);
    gw_buf_putc(&b, ')');
    end_because(c, c->attempt.to->target.name, gw_buf_str(&b));
}

/* The time of a gateway before the target is over: a request that is paid for may have been done. */
static bool is_slow_paid(const struct gw_call *c, uint32_t status) {
    return c->attempt.to->paid && (status == 504 || status == 520 || status == 524);
}

static struct next give_up_slow(struct gw_call *c, uint32_t status, struct gw_time now) {
    blame_later(c, POOL_OFFLINE);
    because_status(c, GW_STR("timed out"), status);
    try_close(c, true, now);
    return try_refuse_late(c);
}

/* Whether somebody else might take what is too long for this one. */
static bool may_fit_elsewhere(const struct gw_call *c, struct gw_time now) {
    if (call_at_provider(c))
        return chain_fits_elsewhere(c, now);
    return plan_has_other(&c->plan, &c->gw->cluster.pool, c->attempt.at, now.mono_ms);
}

static enum verdict judge(struct gw_call *c, uint32_t status, const struct answer_head *h,
                          struct gw_time now) {
    if (provider_refuses_key(c, status))
        return KEYLESS;
    if (status == 403 && call_at_provider(c) &&
        plan_has_twin(&c->plan, &c->gw->cluster.pool, c->attempt.at, now.mono_ms))
        return DOUBTED;
    if (is_offline_page(status, h))
        return OFFLINE;
    if (!route_rules[c->route.kind].judged)
        return DELIVER; /* services and the twin speak for themselves */
    if (status == 429 || status == 503 || status == 529)
        return BUSY;
    if (status == 502 || status == 504)
        return GATEWAY;
    if (status == 400 && h->json && !h->coded && provider_says_bad_key(c))
        return REFUSED;
    if (status == 400 && h->json && !h->coded && (may_fit_elsewhere(c, now) || unseal_may(c)))
        return REFUSED;
    return status == 500 ? ERRORED : DELIVER;
}

static struct next move_on_busy(struct gw_call *c, uint32_t status, double retry_after_ms,
                                bool drop, struct gw_time now) {
    if (status == 429 && retry_after_ms <= STAYS_MOST_MS)
        c->attempt.stays_ms = retry_after_ms < 0 ? STAYS_JITTERED : retry_after_ms + 1;
    if (!provider_rests_key(c, retry_after_ms, now))
        pool_busy(&c->gw->cluster.pool, c->attempt.to->slot, &c->attempt.grant, retry_after_ms,
                  now);
    if (call_candidate(c)->again)
        call_candidate(c)->spent = true;
    because_status(c, GW_STR("busy"), status);
    try_close(c, drop, now);
    return next_target(!c->body.forgotten, false);
}

static struct next move_on_keyless(struct gw_call *c, uint32_t status, bool drop,
                                   struct gw_time now) {
    c->kept.whole = false; /* its words may show the key */
    provider_on_refused_key(c, status);
    because_status(c, GW_STR("refused the key"), status);
    try_close(c, drop, now);
    return next_target(!c->body.forgotten, false);
}

/* A tunnel's pages for a request that reached no node. Other pages are for a node that was lost on the
 * way (520), took too long (524) or is not there (502): the request may have caused that. */
static bool is_never_reached(uint32_t status) {
    return status == 404 || status == 530 || (status >= 521 && status <= 526 && status != 524);
}

static struct next move_on_offline(struct gw_call *c, uint32_t status, bool page,
                                   struct gw_time now) {
    /* A tunnel also gives up on a request that does not end. */
    if (page && is_never_reached(status) && c->body.fin)
        blame_now(c, POOL_OFFLINE, now);
    else
        blame_later(c, POOL_OFFLINE);
    call_candidate(c)->spent = true;
    because_status(c, GW_STR("offline"), status);
    try_close(c, true, now);
    return next_ask(!c->body.forgotten, !page);
}

/* Whether a 400 says that the request is too long for this model: another may take it. */
bool answer_is_too_long(struct gw_str body) {
    static const struct gw_str said[] = {GW_STR_INIT("context_length_exceeded"),
                                         GW_STR_INIT("prompt is too long"),
                                         GW_STR_INIT("maximum context length"),
                                         GW_STR_INIT("exceed context limit"),
                                         GW_STR_INIT("exceeds the maximum number of tokens"),
                                         GW_STR_INIT("Input is too long"),
                                         GW_STR_INIT("exceeds the available context size")};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (gw_str_find(body, said[i]) >= 0)
            return true;
    return false;
}

struct gw_str answer_torn(struct gw_call *c) {
    struct gw_buf b;
    struct gw_str raw = mean_torn_error(gw_buf_str(&c->kept.body), TORN_MAX);
    gw_buf_init(&b, &c->arena, 2 * TORN_MAX);
    gw_buf_put(&b, GW_STR("the provider refused the request, and not all of its words came"));
    gw_buf_put(&b, raw.n > 0 ? GW_STR(": ") : GW_STR(""));
    gw_json_decode(&b, raw);
    gw_buf_put(&b, raw.n > 0 ? GW_STR(" ...") : GW_STR(""));
    return gw_buf_str(&b);
}

static struct next refuse_torn(struct gw_call *c) {
    return end_refuse(c, &(struct call_error){.status = c->kept.status,
                                              .type = GW_STR("invalid_request_error"),
                                              .code = GW_STR("refused_by_provider"),
                                              .message = answer_torn(c),
                                              .is_final = true});
}

double answer_wait_within(struct gw_str body, struct gw_str name) {
    ptrdiff_t at = gw_str_find(body, name);
    size_t n = 0;
    if (at < 0)
        return -1;
    struct gw_str rest = gw_str_sub(body, (size_t)at + name.n, body.n);
    while (rest.n > 0 && (rest.p[0] == ' ' || rest.p[0] == ':' || rest.p[0] == '"'))
        rest = gw_str_sub(rest, 1, rest.n);
    while (n < rest.n && n < WAIT_DIGITS &&
           ((rest.p[n] >= '0' && rest.p[n] <= '9') || rest.p[n] == '.'))
        n++;
    return n > 0 && n < rest.n && rest.p[n] == 's' ? 1000 * gw_real(gw_str(rest.p, n)) : -1;
}

/* A provider that is busy, and says in its answer for how long. Its words are not the client's: others do not keep
 * theirs either. */
static struct next kept_busy(struct gw_call *c, bool drop, struct gw_time now) {
    const struct dialect *d = config_provider_of(c->conf, c->attempt.to)->like->dialect;
    c->kept.whole = false;
    return move_on_busy(c, c->kept.status, answer_wait_within(gw_buf_str(&c->kept.body), d->waits),
                        drop, now);
}

/* The kept answer has ended, or no more of it will be kept: on to the next target, unless it is the
 * client's answer. `drop`: the host has not reported the attempt's end yet. */
static struct next kept_one(struct gw_call *c, uint32_t how, bool drop, struct gw_time now) {
    if (c->kept.translates)
        return translate_on_kept(c, how, drop, now);
    bool errored = c->kept.status == 500 || c->kept.status == 403;
    if (!errored && c->kept.status != 400)
        return kept_busy(c, drop, now);
    c->kept.whole = how == GW_CLEAN && !c->kept.cut && !c->kept.body.full;
    bool provider = call_at_provider(c);
    if (c->kept.whole && provider_is_bad_key(c, gw_buf_str(&c->kept.body)))
        return move_on_keyless(c, c->kept.status, drop, now);
    try_close(c, drop, now);
    bool moves = !errored && c->kept.whole && may_fit_elsewhere(c, now) &&
                 answer_is_too_long(gw_buf_str(&c->kept.body));
    if (!errored && !moves && c->kept.whole && unseal_may(c) &&
        unseal_is_meant(gw_buf_str(&c->kept.body)))
        return unseal_read(c);
    if (!errored && !moves && (c->kept.whole || provider))
        return c->kept.whole ? next_kept() : refuse_torn(c);
    if (!errored && c->chain != NULL)
        chain_skip_small(c);
    else if (!errored)
        plan_put_last(&c->plan, c->attempt.at);
    if (!errored && c->kept.whole &&
        !plan_has_other(&c->plan, &c->gw->cluster.pool, PLAN_NOWHERE, now.mono_ms))
        return next_kept();
    because_status(c, errored ? GW_STR("failed") : GW_STR("refused"), c->kept.status);
    return next_target(!c->body.forgotten, true);
}

void answer_put_head(const struct gw_call *c, const struct gw_res_head *res, struct gw_buf *out) {
    const struct backend_conf *from = c->attempt.to;
    bool twin = c->route.kind == GW_ROUTE_TWIN; /* it uses the gateway's own paths */
    const struct place place = {.target = &from->target,
                                .base = twin ? GW_STR("") : from->base,
                                .path = c->route.rest,
                                .route = twin ? GW_STR("") : c->route.name,
                                .may_challenge = !route_rules[c->route.kind].judged};
    head_to_client(res, &place, out);
}

/* The first 500 (or 400) is kept while other targets are asked: the client gets it if none does better. So is a
 * provider's last 400, and what it says when it is busy, since its words decide. */
static struct next keep(struct gw_call *c, const struct gw_res_head *res, struct gw_time now) {
    struct gw_buf head;
    gw_buf_init(&head, &c->arena, CALL_HEAD_MAX);
    answer_put_head(c, res, &head);
    c->kept.status = res->status;
    c->kept.head = gw_buf_str(&head);
    c->kept.at = c->attempt.at;
    c->kept.cut = head.full;
    c->kept.translates = c->kept.translated = false;
    bool provider = call_at_provider(c);
    if (c->kept.body.arena == NULL)
        gw_buf_init(&c->kept.body, &c->arena, provider ? CALL_KEPT_REFUSAL : CALL_KEPT_ANSWER);
    c->kept.body.n = 0;
    c->kept.body.full = false;
    double limit = now.mono_ms + (provider ? PROVIDER_KEEP_MS : KEEP_MS);
    c->attempt.limit_at = limit < c->deadline_ms ? limit : c->deadline_ms;
    return res->body_len == 0 ? kept_one(c, GW_CLEAN, true, now) : next_wait(CALL_KEEP);
}

static struct next move_on_errored(struct gw_call *c, const struct gw_res_head *res,
                                   struct gw_time now) {
    call_candidate(c)->spent = true;
    if (res->status == 403)
        call_candidate(c)->refused = 403;
    if (res->status == 500) {
        c->attempt.stays_ms = STAYS_JITTERED;
        blame_later(c, POOL_ERRORED);
    } else {
        pool_succeeded(&c->gw->cluster.pool, c->attempt.to->slot, &c->attempt.grant,
                       c->attempt.sent_at, true, now);
    }
    bool other_keeps = hedge_is_open(c) && c->hedge->state == CALL_KEEP;
    bool decides = res->status == 400 && call_at_provider(c);
    if ((decides || !c->kept.whole) && !other_keeps && !c->has_head)
        return keep(c, res, now);
    because_status(c, GW_STR("failed"), res->status);
    try_close(c, true, now);
    return next_target(!c->body.forgotten, true);
}

/* ------------------------------------------------------------------ delivering */

/* `unread`: of the prompt, if this shows how long reading it took. */
static void note_first(struct gw_call *c, double unread, struct gw_time now) {
    c->attempt.first_content = true;
    try_await_no_more(c, true, now);
    /* The time that the client took to send is not the target's. */
    c->attempt.first_ms = now.mono_ms - call_began_at(c);
    pool_first_content(&c->gw->cluster.pool, c->attempt.to->slot, c->attempt.first_ms, c->streamed,
                       unread, now.mono_ms);
}

void answer_first_content(struct gw_call *c, struct gw_time now) {
    if (c->attempt.first_content)
        return;
    double unread = plan_unread(&c->plan, c->attempt.at);
    if (c->streamed && !c->attempt.serving && !c->attempt.to->paid) {
        c->attempt.serving = c->attempt.seen = true;
        c->attempt.served_from = capacity_content(&c->gw->cluster.pool, c->attempt.to->slot,
                                                  call_began_at(c), unread, now.mono_ms);
    }
    note_first(c, unread, now);
}

void answer_is_late(struct gw_call *c, struct gw_time now) {
    bool alone = pool_in_flight(&c->gw->cluster.pool, c->attempt.to->slot) <= 1;
    try_await_no_more(c, false, now);
    if (!c->attempt.first_content)
        note_first(c, alone ? plan_unread(&c->plan, c->attempt.at) : 0, now);
}

/* Of a stream that is relayed: when its content begins is not seen. */
static void note_head(struct gw_call *c, struct gw_time now) {
    if (c->attempt.first_content)
        return;
    if (!c->attempt.serving && !c->attempt.to->paid) {
        c->attempt.serving = true;
        c->attempt.seen = false;
        c->attempt.served_from = now.mono_ms;
        capacity_sent(&c->gw->cluster.pool, c->attempt.to->slot);
    }
    note_first(c, 0, now);
}

void answer_put_stream_lines(struct gw_buf *head) {
    if (gw_str_find(gw_buf_str(head), GW_STR("cache-control: ")) < 0)
        gw_buf_put(head, GW_STR("cache-control: no-store, no-transform\r\n"));
    gw_buf_put(head, GW_STR("x-accel-buffering: no\r\n"));
}

static void push_head(struct gw_call *c, const struct gw_res_head *res, bool stream,
                      struct gw_time now) {
    struct gw_buf b;
    gw_buf_init(&b, &c->arena, CALL_HEAD_MAX);
    answer_put_head(c, res, &b);
    if (stream)
        answer_put_stream_lines(&b);
    end_put_why(c, &b, c->attempt.to->target.name, now);
    struct gw_action *a = call_push(c, GW_HEAD);
    a->head.status = res->status;
    a->head.head = gw_buf_str(&b);
    a->head.body_len = res->body_len;
    c->status = res->status;
    c->has_head = true;
    c->arena_full |= b.full;
}

/* The host finishes on its own: nothing of the answer is needed here any more, nor is the slot. */
static struct next relay_and_end(struct gw_call *c, struct gw_time now) {
    struct gw_action *a = call_push(c, GW_RELAY);
    a->attempt = c->attempt.number;
    a->at = c->deadline_ms;
    try_close(c, false, now);
    return next_done(0);
}

/* A stream may live for an hour: it does not hold its request all the while, unless it may have to be
 * resumed. */
void answer_let_body_go(struct gw_call *c) {
    if (!c->body.fin || c->body.held == 0)
        return;
    body_give_room(c);
    call_push(c, GW_FORGET)->forget.below = GW_REST;
}

/* `shown`: its bytes are to be told, too. */
static struct next relay_to_end(struct gw_call *c, bool shown) {
    answer_let_body_go(c);
    struct gw_action *a = call_push(c, GW_RELAY);
    a->attempt = c->attempt.number;
    a->at = c->deadline_ms;
    a->relay.report = 1;
    a->relay.show = shown ? GW_SHOW_ANSWER : 0;
    c->attempt.limit_at = c->deadline_ms;
    return next_wait(CALL_RELAY);
}

void answer_served(struct gw_call *c, bool whole, struct gw_time now) {
    pool_succeeded(&c->gw->cluster.pool, c->attempt.to->slot, &c->attempt.grant, c->attempt.sent_at,
                   whole, now);
    if (whole && c->chain != NULL)
        overload_served(&c->gw->cluster.pool.models, call_candidate(c)->model,
                        call_candidate(c)->key);
    if (whole && c->status < 400) {
        blame_resolve(c, true, now);
        provider_settle(c, now);
    }
    affinity_note(&c->gw->talks, c->talk, c->attempt.to->slot, c->body.received);
}

bool answer_is_inspected(const struct gw_call *c) {
    if (call_at_provider(c))
        return config_provider_of(c->conf, c->attempt.to)->like->dialect != NULL;
    return c->conf->classes[c->route.class].inspect;
}

bool answer_observes(const struct gw_call *c) {
    if (call_translates(c))
        return true;
    return route_rules[c->route.kind].judged && !c->head.fast && answer_is_inspected(c) &&
           !gw_str_eq(c->method, GW_STR("HEAD"));
}

/* Whether the answer is a stream whose events are to be observed. */
static bool is_observed(const struct gw_call *c, const struct gw_res_head *res, bool stream) {
    return stream && res->status == 200 && answer_observes(c);
}

/* Whether the end of a relayed stream says how the target did. Services end theirs as they like. */
static bool is_judged_by_its_end(const struct gw_call *c) {
    return route_rules[c->route.kind].judged;
}

/* A provider's last word: it says nothing of whether the provider is well. */
static bool is_failure(const struct gw_call *c, uint32_t status) {
    return call_at_provider(c) && (status == 429 || status >= 500);
}

void answer_judge(struct gw_call *c, uint32_t status, struct gw_time now) {
    if (is_failure(c, status))
        pool_let_go(&c->gw->cluster.pool, c->attempt.to->slot, &c->attempt.grant, now.mono_ms);
    else
        answer_served(c, true, now);
}

static struct next deliver(struct gw_call *c, const struct gw_res_head *res,
                           const struct answer_head *h, struct gw_time now) {
    bool stream = (h->event_stream || h->ndjson || h->frames) && res->body_len != 0;
    if (stream && call_translates(c) && !translate_wants(c, res))
        return h->ndjson || res->status != 200 ? translate_keep(c, res, now)
                                               : translate_refuse_stream(c, now);
    if (is_observed(c, res, stream))
        return stream_on_head(c, res, h, now);
    if (call_translates(c))
        return translate_keep(c, res, now);
    bool shown = !stream && meter_is_wanted(c) && meter_reads(c, res, h);
    try_count_time(c, now);
    c->stream = NULL; /* it was of an earlier attempt: this answer is not observed */
    push_head(c, res, stream, now);
    if (stream)
        note_head(c, now);
    else
        answer_first_content(c, now);
    if (is_failure(c, res->status))
        pool_let_go(&c->gw->cluster.pool, c->attempt.to->slot, &c->attempt.grant, now.mono_ms);
    else
        answer_served(c, !(stream || shown) || !is_judged_by_its_end(c), now);
    return stream || shown ? relay_to_end(c, shown) : relay_and_end(c, now);
}

/* The client has been told that a stream is coming, and nothing of it. */
static bool waits_for_stream(const struct gw_call *c) {
    return c->has_head && c->stream != NULL && !c->stream->begun;
}

/* The client has the head of a stream already: only the same kind of stream will do. */
static bool fits_stream(const struct gw_call *c, const struct gw_res_head *res,
                        const struct answer_head *h) {
    if (c->stream == NULL)
        return false;
    if (waits_for_stream(c) && translate_wants(c, res))
        return true; /* one is made of any answer */
    bool stream = c->stream->framing == FRAMING_LINES ? h->ndjson
                  : c->stream->framing == FRAMING_AWS ? h->frames
                                                      : h->event_stream;
    return is_observed(c, res, stream && res->body_len != 0);
}

/* No other target can be asked: then this one's own words are better than ours. */
static bool is_last_word(const struct gw_call *c, enum verdict verdict, struct gw_time now) {
    bool last = call_at_provider(c) && verdict == BUSY &&
                !plan_has_other(&c->plan, &c->gw->cluster.pool, c->attempt.at, now.mono_ms);
    return (c->body.forgotten || c->bound || last) &&
           (verdict == BUSY || verdict == ERRORED || verdict == REFUSED);
}

/* A hint by an attempt that then fails does no harm (RFC 8297 3): a client may fetch something in vain. */
void answer_on_hint(struct gw_call *c, const struct gw_res_head *res) {
    struct gw_buf head;
    if (c->state != CALL_TRY || c->has_head || c->hints == HINTS_MAX)
        return;
    gw_buf_init(&head, &c->arena, HINT_MAX);
    head_hint_to_client(res, &head);
    if (head.full || (res->status == 103 && head.n == 0))
        return;
    c->hints++;
    struct gw_action *a = call_push(c, GW_HEAD);
    a->head.status = res->status;
    a->head.head = gw_buf_str(&head);
}

/* The client has been told that a stream is coming, and this target answers it with something else: with a
 * refusal, or not as a stream. That is no fault of the target's. */
static bool is_answer_behind_head(const struct gw_call *c, const struct gw_res_head *res,
                                  const struct answer_head *h, enum verdict verdict) {
    return waits_for_stream(c) && (verdict == DELIVER || verdict == REFUSED) &&
           !fits_stream(c, res, h);
}

static struct next tell_status(struct gw_call *c, uint32_t status, struct gw_time now) {
    struct gw_buf b;
    gw_buf_init(&b, &c->arena, 64);
    gw_buf_put(&b, GW_STR("the target answered with status "));
    gw_buf_put_u64(&b, status);
    gw_buf_put(&b, GW_STR(", and not as a stream"));
    c->arena_full |= b.full;
    because_status(c, GW_STR("answered"), status);
    answer_served(c, true, now);
    try_close(c, true, now);
    return stream_refuse(c, gw_buf_str(&b));
}

/* Whether a busy answer is to be read. */
static bool says_within(const struct gw_call *c) {
    if (!call_at_provider(c) || c->kept.whole || c->has_head)
        return false;
    const struct dialect *d = config_provider_of(c->conf, c->attempt.to)->like->dialect;
    return d != NULL && d->waits.n > 0;
}

struct next answer_begin(struct gw_call *c, struct gw_time now) {
    const struct gw_res_head *res = c->res;
    struct answer_head h;
    head_facts(res, now.wall_ms, &h);
    bool slow = is_slow_paid(c, res->status);
    if (slow && call_pays_once(c))
        return give_up_slow(c, res->status, now);
    if (slow)
        plan_spend_link(&c->plan, c->attempt.at);
    enum verdict verdict = judge(c, res->status, &h, now);
    if (is_last_word(c, verdict, now)) {
        if (verdict == BUSY && !call_at_provider(c)) /* a provider's limits are many */
            pool_busy(&c->gw->cluster.pool, c->attempt.to->slot, &c->attempt.grant,
                      h.retry_after_ms, now);
        verdict = DELIVER;
    }
    if (is_answer_behind_head(c, res, &h, verdict))
        return tell_status(c, res->status, now);
    if (c->has_head && verdict != BUSY && verdict != OFFLINE && verdict != ERRORED &&
        verdict != KEYLESS && verdict != DOUBTED)
        verdict = fits_stream(c, res, &h) ? DELIVER : GATEWAY;
    bool refused = res->status == 400 || res->status == 422;
    if (verdict == GATEWAY && prefix_fails(c, refused, now))
        return next_target(true, true);
    switch (verdict) {
    case DELIVER:
        return deliver(c, res, &h, now);
    case KEYLESS:
        return move_on_keyless(c, res->status, true, now);
    case BUSY:
        if (h.retry_after_ms < 0 && h.json && !h.coded && says_within(c))
            return keep(c, res, now);
        return move_on_busy(c, res->status, h.retry_after_ms, true, now);
    case OFFLINE:
    case GATEWAY:
        return move_on_offline(c, res->status, verdict == OFFLINE, now);
    default:
        return move_on_errored(c, res, now);
    }
}

/* ------------------------------------------------------------------ bodies */

struct next answer_on_kept(struct gw_call *c, const struct gw_event *e, struct gw_time now) {
    if (e->kind == GW_RES_END)
        return kept_one(c, e->res_end.how, false, now);
    if (e->kind == GW_RES_BODY && c->kept.translates)
        c->kept.body.full |= !translate_takes(c, e->res_body.n);
    if (e->kind == GW_RES_BODY)
        gw_buf_put(&c->kept.body, e->res_body);
    return c->kept.body.full ? kept_one(c, GW_CUT, true, now) : next_stay();
}

struct next answer_on_relayed(struct gw_call *c, uint32_t how, struct gw_time now) {
    bool judged = is_judged_by_its_end(c);
    if (judged && how == GW_CLEAN)
        answer_served(c, true, now);
    else if (judged && how == GW_CUT)
        blame_later(c, POOL_CUT);
    try_close(c, false, now);
    if (how != GW_CLEAN)
        end_because(c, c->attempt.to->target.name, GW_STR("cut the answer"));
    return next_done(how != GW_CLEAN);
}

struct next answer_on_silence(struct gw_call *c, struct gw_time now) {
    try_close(c, true, now);
    end_because(c, c->attempt.to->target.name, GW_STR("took too long"));
    return next_done(1);
}
