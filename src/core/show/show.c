/*
 * What the gateway tells about itself at both hosts: health, limits, targets, whether there are keys.
 */
#include "base/date.h"
#include "core/call/call.h"

static void put_line(struct gw_buf *b, struct gw_str name, uint64_t value) {
    gw_buf_put(b, name);
    gw_buf_putc(b, ' ');
    gw_buf_put_u64(b, value);
    gw_buf_putc(b, '\n');
}

static void show_limits(const struct config *conf, struct gw_buf *b) {
    const struct limits_conf *l = &conf->limits;
    put_line(b, GW_STR("replay_bytes_max"), l->replay_bytes_max);
    put_line(b, GW_STR("body_bytes_max"), l->body_bytes_max);
    put_line(b, GW_STR("client_head_ms"), l->client_head_ms);
    put_line(b, GW_STR("client_body_ms"), l->client_body_ms);
    put_line(b, GW_STR("client_idle_ms"), l->client_idle_ms);
    put_line(b, GW_STR("client_write_ms"), l->client_write_ms);
    put_line(b, GW_STR("linger_ms"), l->linger_ms);
    put_line(b, GW_STR("drain_ms"), l->drain_ms);
    put_line(b, GW_STR("upstream_idle_ms"), l->upstream_idle_ms);
    put_line(b, GW_STR("upstream_idle_max"), l->upstream_idle_max);
    put_line(b, GW_STR("upstream_http2"), l->upstream_http2);
    put_line(b, GW_STR("connections_max"), l->connections_max);
    put_line(b, GW_STR("connections_per_address"), l->connections_per_address);
    put_line(b, GW_STR("streams_max"), l->streams_max);
    put_line(b, GW_STR("client_rate_min"), l->client_rate_min);
    put_line(b, GW_STR("log_requests"), l->log_requests);
}

static void put_time(struct gw_buf *b, struct gw_str name, double wall_ms) {
    gw_buf_put(b, name);
    if (wall_ms > 0) {
        gw_buf_putc(b, '"');
        gw_date_put_iso(b, wall_ms);
        gw_buf_putc(b, '"');
    } else {
        gw_buf_put(b, GW_STR("null"));
    }
}

static void put_trouble(struct gw_buf *b, struct gw_str name, uint32_t trouble) {
    gw_buf_put(b, name);
    if (trouble != POOL_FINE) {
        gw_buf_putc(b, '"');
        gw_buf_put(b, pool_trouble_name(trouble));
        gw_buf_putc(b, '"');
    } else {
        gw_buf_put(b, GW_STR("null"));
    }
}

static void put_breaker(struct gw_buf *b, const struct breaker_view *v, struct gw_time now) {
    static const struct gw_str states[] = {GW_STR_INIT("closed"), GW_STR_INIT("open"),
                                           GW_STR_INIT("half_open"), GW_STR_INIT("half_open")};
    gw_buf_put(b, GW_STR(",\"breaker\":\""));
    gw_buf_put(b, states[v->state]);
    put_time(b, GW_STR("\",\"since\":"), v->since > 0 ? now.wall_ms - now.mono_ms + v->since : 0);
    gw_buf_put(b, GW_STR(",\"failures\":"));
    gw_buf_put_u64(b, v->failures);
}

/* Why it is in the state that it is in; nothing while all is well. */
static uint32_t reason_of(enum pool_state state, const struct breaker_view *v) {
    if (state == POOL_COOLING)
        return POOL_BUSY;
    return v->state != BREAKER_CLOSED || v->failures > 0 ? v->trouble : POOL_FINE;
}

static void put_keys(const struct gw *gw, const struct provider_conf *p, struct gw_time now,
                     struct gw_buf *b) {
    uint32_t resting = 0;
    for (uint32_t key = 1; key <= p->keys_n; key++)
        resting += pool_rests_until(&gw->cluster.pool, p->backend.slot, key, now.mono_ms) > 0;
    gw_buf_put(b, GW_STR(",\"keys\":"));
    gw_buf_put_u64(b, p->keys_n);
    gw_buf_put(b, GW_STR(",\"keys_resting\":"));
    gw_buf_put_u64(b, resting);
}

static void put_health(const struct gw *gw, const struct backend_conf *t, bool first,
                       struct gw_time now, struct gw_buf *b) {
    static const struct gw_str states[] = {GW_STR_INIT("ready"), GW_STR_INIT("ready"),
                                           GW_STR_INIT("cooling"), GW_STR_INIT("down")};
    const struct pool_backend *p = &gw->cluster.pool.backend[t->slot];
    enum pool_state state = pool_state_of(&gw->cluster.pool, t->slot, now.mono_ms);
    double until = pool_until(&gw->cluster.pool, t->slot, now.mono_ms);
    struct breaker_view v;
    pool_look(&gw->cluster.pool, t->slot, now.mono_ms, &v);
    gw_buf_put(b, first ? GW_STR("\"") : GW_STR(",\""));
    gw_buf_put_json(b, t->target.name);
    gw_buf_put(b, GW_STR("\":{\"state\":\""));
    const struct registry_entry *e =
        t->slot < GW_NODES ? &gw->cluster.registry.entry[t->slot] : NULL;
    bool leased = e != NULL && e->in_force;
    gw_buf_put(b, t->set || leased ? states[state] : GW_STR("no endpoint"));
    gw_buf_putc(b, '"');
    put_breaker(b, &v, now);
    put_time(b, GW_STR(",\"until\":"), until > 0 ? now.wall_ms - now.mono_ms + until : 0);
    put_trouble(b, GW_STR(",\"reason\":"), reason_of(state, &v));
    put_trouble(b, GW_STR(",\"last_error\":"), v.trouble);
    gw_buf_put(b, GW_STR(",\"in_flight\":"));
    gw_buf_put_u64(b, pool_in_flight(&gw->cluster.pool, t->slot));
    gw_buf_put(b, GW_STR(",\"latency_ms\":"));
    if (p->ewma_at > 0)
        gw_buf_put_u64(b, (uint64_t)(p->ewma_ms + 0.5));
    else
        gw_buf_put(b, GW_STR("null"));
    gw_buf_put(b, p->predict.slow ? GW_STR(",\"slow\":true") : GW_STR(",\"slow\":false"));
    put_time(b, GW_STR(",\"last_seen\":"), p->seen_at);
    if (p->prefill >= POOL_PREFILL_PROVEN)
        gw_buf_put(b, p->prefill == POOL_PREFILL_PROVEN ? GW_STR(",\"prefill\":true")
                                                        : GW_STR(",\"prefill\":false"));
    if (leased)
        put_time(b, GW_STR(",\"lease_ends\":"), e->lease.ends);
    if (config_provider_of(gw->cluster.conf, t) != NULL)
        put_keys(gw, config_provider_of(gw->cluster.conf, t), now, b);
    gw_buf_putc(b, '}');
}

/* The providers that are not there, and what to set. */
static void put_absent(const struct config *conf, struct gw_buf *b) {
    bool first = true;
    gw_buf_put(b, GW_STR("},\"not_configured\":{"));
    for (uint32_t i = 0; i < conf->providers_n; i++) {
        const struct provider_conf *p = &conf->providers[i];
        if (p->backend.set)
            continue;
        gw_buf_put(b, first ? GW_STR("\"") : GW_STR(",\""));
        gw_buf_put(b, p->backend.target.name);
        gw_buf_put(b, GW_STR("\":\""));
        gw_buf_put_json(b, config_provider_lacks(p));
        gw_buf_putc(b, '"');
        first = false;
    }
    gw_buf_putc(b, '}');
}

static void show_health(const struct gw *gw, struct gw_time now, struct gw_buf *b) {
    const struct config *conf = gw->cluster.conf;
    gw_buf_put(b, GW_STR("{\"version\":\"" GW_VERSION "\",\"backends\":{"));
    for (uint32_t i = 0; i < GW_NODES; i++)
        put_health(gw, &conf->nodes[i], i == 0, now, b);
    for (uint32_t i = 0; i < conf->services_n; i++)
        put_health(gw, &conf->services[i], false, now, b);
    if (conf->twin.set && conf->host == GW_EDGE)
        put_health(gw, &conf->twin, false, now, b);
    for (uint32_t i = 0; i < conf->providers_n; i++)
        if (conf->providers[i].backend.set)
            put_health(gw, &conf->providers[i].backend, false, now, b);
    put_absent(conf, b);
    gw_buf_put(b, GW_STR("}\n"));
}

static void show_targets(const struct config *conf, struct gw_buf *b) {
    for (uint32_t i = 0; i < GW_NODES + conf->services_n; i++) {
        const bool node = i < GW_NODES;
        gw_buf_put(b, node ? conf->nodes[i].target.name : conf->services[i - GW_NODES].target.name);
        gw_buf_putc(b, '\n');
    }
    for (uint32_t i = 0; i < conf->providers_n; i++) {
        if (!conf->providers[i].backend.set)
            continue;
        gw_buf_put(b, conf->providers[i].backend.target.name);
        gw_buf_putc(b, '\n');
    }
}

static struct gw_str keyed(const struct config *conf) {
    if (conf->auth == GW_AUTH_KEYS)
        return GW_STR("1");
    return conf->auth == GW_AUTH_OFF ? GW_STR("off") : GW_STR("0");
}

struct gw_str gw_show(struct gw *gw, uint32_t what, struct gw_time now) {
    struct gw_buf b;
    gw_arena_reset(&gw->shown);
    gw_buf_init(&b, &gw->shown, 256 << 10);
    switch (what) {
    case GW_SHOW_HEALTH:
        show_health(gw, now, &b);
        break;
    case GW_SHOW_LIMITS:
        show_limits(gw->cluster.conf, &b);
        break;
    case GW_SHOW_STATE:
        sync_put(&gw->cluster, false, now, &b);
        break;
    case GW_SHOW_TARGETS:
        show_targets(gw->cluster.conf, &b);
        break;
    case GW_SHOW_KEYED:
        gw_buf_put(&b, keyed(gw->cluster.conf));
        break;
    default:
        break;
    }
    return gw_buf_str(&b);
}
