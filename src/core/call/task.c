/*
 * Work that no client asked for: with limits.probe_ms, a node whose breaker waits for its trial is
 * asked for GET /health, so that not a client's request is the one to find out.
 */
#include "core/call/call.h"

enum { PROBE_LIMIT_MS = 5000, NOTHING_DUE_MS = 600000 };

static bool wants_probe(const struct gw *gw, uint32_t node, double now) {
    return gw->cluster.conf->nodes[node].set && gw->cluster.pool.backend[node].probe_at <= now &&
           pool_state_of(&gw->cluster.pool, node, now) == POOL_HALF_OPEN;
}

void task_probe(struct gw_call *c, struct breaker_grant grant, struct gw_time now) {
    c->attempt.to = c->plan.candidates[0].backend;
    c->attempt.grant = grant;
    c->attempt.has_slot = true;
    struct gw_action *a = call_push(c, GW_SEND);
    a->attempt = c->attempt.number = ++c->attempts;
    a->send.target = c->attempt.to->target;
    a->send.method = GW_STR("GET");
    a->send.url = ask_url(c, c->attempt.to, GW_STR("/health"));
    a->send.path = gw_str_sub(a->send.url, a->send.target.origin.n, a->send.url.n);
    a->send.head = ask_health_head(c, c->attempt.to, GW_STR(""));
    a->send.connect_ms = (uint32_t)c->conf->limits.connect_ms;
    c->attempt.open = true;
    c->attempt.sent_at = c->attempt.counted_at = now.mono_ms;
    c->attempt.limit_at = now.mono_ms + PROBE_LIMIT_MS;
    call_advance(c, next_wait(CALL_PROBE), now);
}

struct gw_call *gw_task(struct gw *gw, struct gw_time now, double *next_ms) {
    double every = (double)gw->cluster.conf->limits.probe_ms;
    *next_ms = every > 0 ? every : NOTHING_DUE_MS;
    registry_tend(&gw->cluster, now);
    struct gw_call *due = lookup_task(gw, now, next_ms);
    if (due == NULL)
        due = prefix_task(gw, now, next_ms);
    if (due != NULL || every <= 0)
        return due;
    for (uint32_t i = 0; i < GW_NODES; i++) {
        struct breaker_grant grant;
        if (!wants_probe(gw, i, now.mono_ms))
            continue;
        struct gw_call *c = gw_open(gw, now);
        if (c == NULL)
            return NULL;
        gw->cluster.pool.backend[i].probe_at = now.mono_ms + every;
        plan_one(&c->plan, registry_node(&gw->cluster, c->conf, i, &c->arena));
        if (pool_take(&gw->cluster.pool, i, 0, false, now.mono_ms, &grant)) {
            task_probe(c, grant, now);
            return c;
        }
        gw_close(c, now);
    }
    return NULL;
}

/* What came of it, for gw_report. */
static void note(struct gw_call *c, const struct gw_event *e, bool alive, struct gw_time now) {
    struct pool_backend *b = &c->gw->cluster.pool.backend[c->attempt.to->slot];
    double took = now.mono_ms - c->attempt.sent_at;
    b->probe_ms = took > 0.001 ? took : 0.001;
    b->probe_status = e->kind == GW_RES_HEAD ? e->res_head.status : 0;
    b->probe_trouble = alive                    ? POOL_FINE
                       : e->kind == GW_RES_FAIL ? try_trouble_of(e->res_fail.fail)
                       : e->kind == GW_RES_HEAD ? POOL_OFFLINE
                                                : POOL_LATE;
}

struct next task_on_event(struct gw_call *c, const struct gw_event *e, struct gw_time now) {
    if (c->check != NULL)
        return prefix_on_event(c, e, now);
    if (e->kind == GW_TICK && now.mono_ms < c->attempt.limit_at)
        return next_stay();
    struct answer_head h = {.retry_after_ms = -1};
    bool alive = false;
    if (e->kind == GW_RES_HEAD) {
        head_facts(&e->res_head, now.wall_ms, &h);
        alive = e->res_head.status < 500 && !h.ngrok_error;
    }
    note(c, e, alive, now);
    if (alive)
        pool_succeeded(&c->gw->cluster.pool, c->attempt.to->slot, &c->attempt.grant,
                       c->attempt.sent_at, true, now);
    else
        blame_now(c, POOL_PROBED, now);
    try_close(c, e->kind != GW_RES_FAIL, now);
    return next_done(0);
}
