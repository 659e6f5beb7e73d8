/*
 * State between shards: frames, one line each, of what has changed.
 *
 *     breaker NAME AT open|closed UNTIL OPENS TROUBLE    times are wall clocks in milliseconds
 *     lease ...                                          see registry.h
 *
 * The newest wins, by the wall clock of the change: a frame that is lost, repeated or late does no harm.
 * A breaker that has opened elsewhere is a hint, believed for the recovery timeout at most: a stale one
 * sends a request to another target, and never costs an answer. A frame from the future counts as from
 * now, and only once: repeated, it is ignored, so that what happens here afterwards is newer.
 */
#include "core/cluster/cluster.h"

static void put_u64(struct gw_buf *b, double n) {
    gw_buf_putc(b, ' ');
    gw_buf_put_u64(b, n > 0 ? (uint64_t)n : 0);
}

static void put_breaker(const struct cluster *cluster, const struct backend_conf *t,
                        struct gw_time now, struct gw_buf *b) {
    struct breaker_view v;
    pool_look(&cluster->pool, t->slot, now.mono_ms, &v);
    gw_buf_put(b, GW_STR("breaker "));
    gw_buf_put(b, t->target.name);
    put_u64(b, cluster->pool.backend[t->slot].told_at);
    gw_buf_put(b, v.state == BREAKER_CLOSED ? GW_STR(" closed") : GW_STR(" open"));
    /* rounded up, because it is stored rounded down: it is passed on as it was received */
    put_u64(b, v.state == BREAKER_CLOSED ? 0 : now.wall_ms + v.until - now.mono_ms + 0.999);
    put_u64(b, v.opens);
    put_u64(b, v.trouble);
    gw_buf_putc(b, '\n');
}

static const struct backend_conf *target_named(const struct config *conf, struct gw_str name) {
    const struct backend_conf *t;
    for (uint32_t i = 0; (t = config_target(conf, i)) != NULL; i++)
        if (gw_str_eq(t->target.name, name))
            return t;
    return NULL;
}

static bool cut_ms(struct gw_str *rest, double *ms) {
    uint64_t n;
    if (!gw_str_u64(gw_str_cut(rest, ' '), &n))
        return false;
    *ms = (double)n;
    return true;
}

bool sync_time(double *at, double tolerance, double *ahead, struct gw_time now) {
    if (*at <= now.wall_ms + tolerance)
        return true;
    if (*at <= *ahead)
        return false;
    *ahead = *at;
    *at = now.wall_ms;
    return true;
}

/* What follows "breaker " in a line. */
static void take_breaker(struct cluster *cluster, struct gw_str rest, struct gw_time now) {
    const struct backend_conf *t = target_named(cluster->conf, gw_str_cut(&rest, ' '));
    double at, until, opens, trouble;
    if (t == NULL || !cut_ms(&rest, &at))
        return;
    bool open = gw_str_eq(gw_str_cut(&rest, ' '), GW_STR("open"));
    struct pool_backend *b = &cluster->pool.backend[t->slot];
    if (!cut_ms(&rest, &until) || !cut_ms(&rest, &opens) || !cut_ms(&rest, &trouble) ||
        trouble >= POOL_TROUBLES || opens > 64 || !sync_time(&at, 0, &b->told_ahead, now) ||
        at <= b->told_at)
        return;
    b->told_at = at;
    b->changed = false;
    if (!open || until > now.wall_ms)
        pool_tell(&cluster->pool, t->slot, open, until - now.wall_ms + now.mono_ms, (uint32_t)opens,
                  (uint32_t)trouble, now.mono_ms);
}

static void take(struct cluster *cluster, uint32_t kinds, struct gw_str line, struct gw_time now) {
    struct gw_str kind = gw_str_cut(&line, ' ');
    if ((kinds & GW_FRAMES_BREAKERS) != 0 && gw_str_eq(kind, GW_STR("breaker")))
        take_breaker(cluster, line, now);
    else if ((kinds & GW_FRAMES_LEASES) != 0 && gw_str_eq(kind, GW_STR("lease")))
        (void)registry_take_line(cluster, line, now);
}

bool sync_has_news(const struct cluster *cluster) {
    return cluster->pool.news || registry_has_changed(&cluster->registry);
}

void sync_put(struct cluster *cluster, bool changed, struct gw_time now, struct gw_buf *out) {
    const struct backend_conf *t;
    for (uint32_t i = 0; (t = config_target(cluster->conf, i)) != NULL; i++) {
        struct pool_backend *b = &cluster->pool.backend[t->slot];
        if (b->told_at > 0 && (b->changed || !changed))
            put_breaker(cluster, t, now, out);
        b->changed = b->changed && !changed;
    }
    if (changed)
        registry_put_changed(cluster, out);
    else
        registry_put_lines(cluster, out);
    cluster->pool.news = cluster->pool.news && !changed;
}

void sync_take(struct cluster *cluster, uint32_t kinds, struct gw_str lines, struct gw_time now) {
    while (lines.n > 0) {
        struct gw_str line = gw_str_cut(&lines, '\n');
        take(cluster, kinds, line, now);
    }
}
