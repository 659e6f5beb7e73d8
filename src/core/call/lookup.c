/*
 * Where are the nodes? The registry is asked every PULL_MS, every PULL_SOON_MS while a node is in trouble,
 * and by a request whose node has failed, before it fails over: the node may have come back at another
 * URL. A registry that does not answer changes nothing: requests go on with what is known here.
 */
#include "core/call/call.h"
#include "core/policy/access.h"

enum {
    PULL_MS = 10000,
    PULL_SOON_MS = 1000,
    PULL_LIMIT_MS = 3000, /* in the background */
    LOOK_UP_MS = 500,     /* on a request's path */
    NEWS_MS = 250,        /* so often at most for a class without any node */
    MUTE_MS = 2000,       /* whoever did not answer is not waited for again so soon */
};

/* ------------------------------------------------------------------ asking */

/* The edge's own registry needs no words; the daemon asks the edge for it. */
static void put_words(struct gw_call *c, struct gw_action *a, struct gw_time now) {
    struct gw_buf head;
    gw_buf_init(&head, &c->arena, 1024);
    a->ask.target = c->conf->registry.target;
    a->ask.key = ask_url(c, &c->conf->registry, GW_STR(""));
    gw_buf_put(&head, GW_STR("accept: text/plain\r\n"));
    access_sign_hop(c->conf, GW_STR("-"), c->id.n > 0 ? c->id : GW_STR("pull"), GW_STR("GET"),
                    gw_str_sub(a->ask.key, a->ask.target.origin.n, a->ask.key.n), now, &head);
    c->arena_full |= head.full;
    a->ask.bytes = gw_buf_str(&head);
}

struct next lookup_leases(struct gw_call *c, double limit_ms, struct gw_time now) {
    struct gw_action *a = ask_put(c, GW_ASK_LEASES, limit_ms, now);
    if (c->conf->host == GW_RACK)
        put_words(c, a, now);
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

struct gw_call *lookup_task(struct gw *gw, struct gw_time now, double *next_ms) {
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
        call_advance(c, lookup_leases(c, PULL_LIMIT_MS, now), now);
    return c;
}

/* ------------------------------------------------------------------ for a request */

static bool renew_node(struct gw_call *c, uint32_t node, bool last) {
    return (c->chain == NULL || chain_has(c, node)) &&
           plan_renew(&c->plan, registry_node(&c->gw->cluster, c->conf, node, &c->arena), last);
}

/* Takes what is known of the nodes by now into the plan: whether it holds a target that it did not. */
static bool renew_plan(struct gw_call *c) {
    bool news = false;
    const struct class_conf *class = &c->conf->classes[c->route.class];
    for (uint32_t i = 0; i < class->nodes_n; i++)
        news |= renew_node(c, class->nodes[i], false);
    return renew_node(c, 0, true) || news;
}

static bool lacks_node(const struct gw_call *c) {
    const struct class_conf *class = &c->conf->classes[c->route.class];
    bool found = true;
    for (uint32_t i = 0; i < class->nodes_n; i++)
        found &= (c->chain != NULL && !chain_has(c, class->nodes[i])) ||
                 plan_has_slot(&c->plan, c->conf->nodes[class->nodes[i]].slot);
    return !found;
}

/* Whether what is known is as good as an answer would be. After a failure: if it was told since that
 * attempt began. A node that nobody has heard of is not asked for by every request. */
static bool is_fresh(const struct gw_call *c, struct gw_time now) {
    double heard_at = c->gw->cluster.registry.heard_at;
    if (heard_at <= 0)
        return false;
    if (c->attempts > 0)
        return heard_at > c->attempt.sent_at;
    return now.mono_ms - heard_at < (c->plan.n == 0 ? NEWS_MS : PULL_MS);
}

static bool may_look_up(const struct gw_call *c, struct gw_time now) {
    const struct registry *r = &c->gw->cluster.registry;
    bool mute = r->failed_at > r->heard_at && now.mono_ms - r->failed_at < MUTE_MS;
    return c->conf->registry.set && !c->asks.looked_up && !c->body.forgotten && !is_fresh(c, now) &&
           !mute && now.mono_ms + LOOK_UP_MS < c->deadline_ms;
}

bool lookup_is_due(struct gw_call *c, struct gw_time now) {
    bool failed = c->attempts > 0;
    if ((c->route.kind != GW_ROUTE_HEAVY && !chain_has_class(c)) ||
        (failed && (c->state != CALL_TRY || c->attempt.to->slot >= GW_NODES)))
        return false;
    bool news = renew_plan(c);
    return (failed ? !news : lacks_node(c)) && may_look_up(c, now);
}

struct next lookup_begin(struct gw_call *c, bool reached, struct gw_time now) {
    c->asks.looked_up = true;
    c->asks.reached = reached;
    return lookup_leases(c, LOOK_UP_MS, now);
}

/* ------------------------------------------------------------------ answers */

/* The registry has answered, or has not: whoever asked goes on. */
struct next lookup_on_leases(struct gw_call *c, const struct gw_answer *answer,
                             struct gw_time now) {
    static const struct ask_words words = {
        GW_STR_INIT("registry"), GW_STR_INIT("it answers again"), GW_STR_INIT("no leases came: "),
        GW_STR_INIT("; nodes stay where they are known to be. Check REGISTRY_URL and TWIN_SECRET")};
    struct registry *r = &c->gw->cluster.registry;
    bool good = answer->status == GW_ANSWER_DONE;
    if (good)
        registry_take_answer(&c->gw->cluster, answer->bytes, now);
    else
        r->failed_at = now.mono_ms;
    ask_note(c, &words, answer, &r->away, now);
    if (!c->has_request)
        return next_done(0);
    if (c->route.kind == GW_ROUTE_NODES)
        return nodes_tell(c, now);
    (void)renew_plan(c);
    return next_target(true, c->asks.reached);
}
