/*
 * Questions of the gateway's own: is it you, node, at your new URL? and: which leases are there,
 * registry? Each has a deadline, and a registry that does not answer changes nothing: requests go on
 * with what is known here.
 *
 * The registry is asked every PULL_MS, every PULL_SOON_MS while a node is in trouble, and by a request
 * whose node has failed, before it fails over: the node may have come back at another URL.
 */
#include "base/date.h"
#include "core/call/call.h"
#include "core/policy/access.h"

enum {
    PROOF_MS = 5000,
    KEEP_MS = 3000,
    PULL_MS = 10000,
    PULL_SOON_MS = 1000,
    PULL_LIMIT_MS = 3000, /* in the background */
    LOOK_UP_MS = 500,     /* on a request's path */
    NEWS_MS = 250,        /* so often at most for a class without any node */
    MUTE_MS = 2000,       /* whoever did not answer is not waited for again so soon */
    ANSWER_MAX = 16384,
    URL_MAX = 1024,
};

/* ------------------------------------------------------------------ asking */

static struct gw_str url_of(struct gw_call *c, const struct backend_conf *to, struct gw_str path) {
    struct gw_buf b;
    gw_buf_init(&b, &c->arena, URL_MAX);
    gw_buf_put(&b, to->target.origin);
    gw_buf_put(&b, to->base);
    gw_buf_put(&b, path);
    c->arena_full |= b.full;
    return gw_buf_str(&b);
}

/* The SEND of a question; its head and body are the caller's to fill in. */
static struct gw_action *ask(struct gw_call *c, enum call_ask_for what,
                             const struct backend_conf *to, struct gw_str path, double limit_ms,
                             struct gw_time now) {
    struct gw_action *a = call_push(c, GW_SEND);
    a->attempt = ++c->attempt.number;
    a->send.target = to->target;
    a->send.method = GW_STR("GET");
    a->send.url = url_of(c, to, path);
    a->send.path = gw_str_sub(a->send.url, to->target.origin.n, URL_MAX);
    a->send.connect_ms = (uint32_t)c->conf->limits.connect_ms;
    c->ask.what = what;
    c->ask.status = 0;
    c->ask.asked++;
    c->ask.before = c->attempt.to;
    c->attempt.to = to;
    c->attempt.open = true;
    c->attempt.has_slot = false;
    c->attempt.sent_at = now.mono_ms;
    c->attempt.limit_at = now.mono_ms + limit_ms;
    return a;
}

struct next ask_proof(struct gw_call *c, struct gw_str nonce, struct gw_time now) {
    struct gw_buf head;
    const struct backend_conf *to = &c->node->to;
    struct gw_action *a = ask(c, ASK_PROOF, to, GW_STR("/health"), PROOF_MS, now);
    gw_buf_init(&head, &c->arena, 512);
    gw_buf_put(&head, GW_STR("accept: */*\r\n"));
    try_put_lines_for(to, &head);
    head_put(&head, GW_STR("x-heady-challenge"), nonce);
    c->arena_full |= head.full;
    a->send.head = gw_buf_str(&head);
    return next_wait(CALL_ASK);
}

struct next ask_keep(struct gw_call *c, struct gw_time now) {
    struct gw_buf line;
    struct gw_action *a = ask(c, ASK_KEEP, &c->conf->registry, GW_STR(""), KEEP_MS, now);
    gw_buf_init(&line, &c->arena, URL_MAX);
    registry_put_line(&c->node->lease, &line);
    c->arena_full |= line.full;
    c->ask.slice = (struct gw_slice){.kind = GW_LITERAL, .p = line.p, .len = line.n};
    a->send.method = GW_STR("POST");
    a->send.head = GW_STR("content-type: text/plain\r\n");
    a->send.slices = &c->ask.slice;
    a->send.slices_n = 1;
    a->send.body_len = line.n;
    return next_wait(CALL_ASK);
}

struct next ask_pull(struct gw_call *c, double limit_ms, struct gw_time now) {
    struct gw_buf head;
    struct gw_action *a = ask(c, ASK_PULL, &c->conf->registry, GW_STR(""), limit_ms, now);
    gw_buf_init(&head, &c->arena, 1024);
    gw_buf_put(&head, GW_STR("accept: text/plain\r\n"));
    if (c->conf->host == GW_RACK)
        access_sign_hop(c->conf, GW_STR("-"), c->id.n > 0 ? c->id : GW_STR("pull"), a->send.method,
                        a->send.path, now, &head);
    gw_buf_init(&c->ask.answer, &c->arena, ANSWER_MAX);
    c->arena_full |= head.full;
    a->send.head = gw_buf_str(&head);
    c->gw->cluster.registry.asked_at = now.mono_ms > 0 ? now.mono_ms : 1;
    return next_wait(CALL_ASK);
}

/* ------------------------------------------------------------------ in the background */

static bool any_in_trouble(const struct gw *gw, struct gw_time now) {
    for (uint32_t i = 0; i < GW_NODES; i++)
        if (pool_state_of(&gw->cluster.pool, i, now.mono_ms) == POOL_DOWN)
            return true;
    return false;
}

struct gw_call *ask_task(struct gw *gw, struct gw_time now, double *next_ms) {
    struct registry *r = &gw->cluster.registry;
    if (!gw->cluster.conf->registry.set)
        return NULL;
    if (*next_ms > PULL_SOON_MS)
        *next_ms = PULL_SOON_MS;
    double every = any_in_trouble(gw, now) ? PULL_SOON_MS : PULL_MS;
    if (r->asked_at > 0 && now.mono_ms < r->asked_at + every)
        return NULL;
    struct gw_call *c = gw_open(gw, now);
    if (c != NULL)
        call_advance(c, ask_pull(c, PULL_LIMIT_MS, now), now);
    return c;
}

/* ------------------------------------------------------------------ for a request */

/* Takes what is known of the nodes by now into the plan: whether it holds a target that it did not. */
static bool renew_plan(struct gw_call *c) {
    bool news = false;
    const struct class_conf *class = &c->conf->classes[c->route.class];
    for (uint32_t i = 0; i < class->nodes_n; i++)
        news |= plan_renew(
            &c->plan, registry_node(&c->gw->cluster, c->conf, class->nodes[i], &c->arena), false);
    return plan_renew(&c->plan, registry_node(&c->gw->cluster, c->conf, 0, &c->arena), true) ||
           news;
}

static bool lacks_node(const struct gw_call *c) {
    const struct class_conf *class = &c->conf->classes[c->route.class];
    bool found = true;
    for (uint32_t i = 0; i < class->nodes_n; i++)
        found &= plan_has_slot(&c->plan, c->conf->nodes[class->nodes[i]].slot);
    return !found;
}

/* Whether what is known is as good as an answer would be. After a failure: if it was told since that
 * attempt began. A node that nobody has heard of is not asked for by every request. */
static bool is_fresh(const struct gw_call *c, struct gw_time now) {
    double heard_at = c->gw->cluster.registry.heard_at;
    if (heard_at <= 0)
        return false;
    if (c->attempt.number > 0)
        return heard_at > c->attempt.sent_at;
    return now.mono_ms - heard_at < (c->plan.n == 0 ? NEWS_MS : PULL_MS);
}

static bool may_look_up(const struct gw_call *c, struct gw_time now) {
    const struct registry *r = &c->gw->cluster.registry;
    bool mute = r->failed_at > r->heard_at && now.mono_ms - r->failed_at < MUTE_MS;
    return c->conf->registry.set && !c->ask.looked_up && !c->body.forgotten && !is_fresh(c, now) &&
           !mute && now.mono_ms + LOOK_UP_MS < c->deadline_ms;
}

bool ask_is_due(struct gw_call *c, struct gw_time now) {
    bool failed = c->attempt.number > 0;
    if (c->route.kind != GW_ROUTE_HEAVY ||
        (failed && (c->state != CALL_TRY || c->attempt.to->slot >= GW_NODES)))
        return false;
    bool news = renew_plan(c);
    return (failed ? !news : lacks_node(c)) && may_look_up(c, now);
}

struct next ask_look_up(struct gw_call *c, bool reached, struct gw_time now) {
    c->ask.looked_up = true;
    c->ask.reached = reached;
    return ask_pull(c, LOOK_UP_MS, now);
}

/* ------------------------------------------------------------------ answers */

/* A line for the log when the registry goes away, and when it is back. */
static void note(struct gw_call *c, struct gw_time now) {
    struct gw_buf b;
    gw_buf_init(&b, &c->arena, 256);
    gw_buf_put(&b, GW_STR("{\"time\":\""));
    gw_date_put_iso(&b, now.wall_ms);
    gw_buf_put(&b, GW_STR("\",\"event\":\"registry\",\"reason\":\""));
    if (!c->gw->cluster.registry.away) {
        gw_buf_put(&b, GW_STR("it answers again"));
    } else {
        gw_buf_put(&b, GW_STR("no leases came: "));
        gw_buf_put(&b, c->ask.status == 0 ? GW_STR("no answer") : GW_STR("status "));
        if (c->ask.status > 0)
            gw_buf_put_u64(&b, c->ask.status);
        gw_buf_put(&b, GW_STR("; nodes stay where they are known to be. Check REGISTRY_URL and "
                              "TWIN_SECRET"));
    }
    gw_buf_put(&b, GW_STR("\"}"));
    if (!b.full)
        call_push(c, GW_RECORD)->record.line = gw_buf_str(&b);
}

/* The registry has answered, or has not: whoever asked goes on. */
static struct next pulled(struct gw_call *c, bool good, struct gw_time now) {
    struct registry *r = &c->gw->cluster.registry;
    if (good)
        registry_take_answer(&c->gw->cluster, gw_buf_str(&c->ask.answer), now);
    else
        r->failed_at = now.mono_ms;
    if (r->away == good) {
        r->away = !good;
        note(c, now);
    }
    if (!c->has_request)
        return next_done(0);
    if (c->route.kind == GW_ROUTE_NODES)
        return nodes_tell(c, now);
    c->attempt.to = c->ask.before;
    (void)renew_plan(c);
    return next_target(true, c->ask.reached);
}

static struct next over(struct gw_call *c, const struct gw_event *e, struct gw_time now) {
    bool whole = e->kind == GW_RES_END && e->res_end.how == GW_CLEAN && !c->ask.answer.full;
    try_close(c, e->kind == GW_TICK || e->kind == GW_RES_HEAD || e->kind == GW_RES_BODY, now);
    if (c->ask.what == ASK_PULL)
        return pulled(c, whole && c->ask.status == 200, now);
    if (c->ask.what == ASK_KEEP)
        return nodes_on_kept(c, now);
    return nodes_on_proof(c, (struct gw_str){NULL, 0}, now);
}

static struct next on_head(struct gw_call *c, const struct gw_event *e, struct gw_time now) {
    struct answer_head h;
    c->ask.status = e->res_head.status;
    if (c->ask.what == ASK_PROOF && e->res_head.status == 200) {
        head_facts(&e->res_head, now.wall_ms, &h);
        try_close(c, true, now);
        return nodes_on_proof(c, h.proof, now);
    }
    return c->ask.what == ASK_PULL && e->res_head.status == 200 ? next_stay() : over(c, e, now);
}

struct next ask_on_event(struct gw_call *c, const struct gw_event *e, struct gw_time now) {
    switch (e->kind) {
    case GW_RES_HEAD:
        return on_head(c, e, now);
    case GW_RES_BODY:
        gw_buf_put(&c->ask.answer, e->res_body);
        return c->ask.answer.full ? over(c, e, now) : next_stay();
    case GW_TICK:
        return now.mono_ms >= c->attempt.limit_at ? over(c, e, now) : next_stay();
    default:
        return over(c, e, now);
    }
}
