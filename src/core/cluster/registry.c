#include "core/cluster/registry.h"

#include <stdatomic.h>

#include "core/cluster/cells.h"
#include "core/cluster/cluster.h"
#include "core/config/config_parts.h"

enum {
    ENTRY_MAX = 4096,
    QUICK_TUNNEL_MAX = 200, /* requests at a time; beyond, Cloudflare's quick tunnels answer 429 */
};

void registry_init(struct registry *r, const struct gw_mem *mem) {
    for (uint32_t i = 0; i < GW_NODES; i++) {
        r->entry[i].lease.node = i;
        gw_arena_init(&r->entry[i].arena, mem, ENTRY_MAX / 2, ENTRY_MAX);
    }
}

void registry_del(struct registry *r) {
    for (uint32_t i = 0; i < GW_NODES; i++)
        gw_arena_del(&r->entry[i].arena);
}

/* ------------------------------------------------------------------ rules */

static bool is_under_any(const struct config *conf, struct gw_str host) {
    for (uint32_t i = 0; i < conf->node_hosts_n; i++)
        if (url_host_is_under(host, conf->node_hosts[i]))
            return true;
    return false;
}

const char *registry_check_url(const struct config *conf, struct gw_str text,
                               struct gw_arena *arena, struct url *out) {
    if (text.n > REGISTRY_URL_MAX)
        return "is longer than 512 characters";
    const char *why = url_read(text, arena, out);
    if (why != NULL)
        return why;
    /* A loopback host only if NODE_HOSTS names it: that is for development. */
    bool own = out->loopback && is_under_any(conf, out->target.host);
    if (!own && !out->target.tls)
        return "is not https";
    if (!own && url_is_address(out->target.host))
        return "names an address instead of a host";
    return own || is_under_any(conf, out->target.host) ? NULL
                                                       : "has a host that is not under NODE_HOSTS";
}

/* ------------------------------------------------------------------ leases */

static struct cells_node *cells_at(const struct cluster *cluster, uint32_t node) {
    return &cells_of(&cluster->pool.cells)->node[node];
}

bool registry_claim(struct cluster *cluster, uint32_t node, double stamp) {
    _Atomic uint64_t *newest = &cells_at(cluster, node)->stamp;
    uint64_t mine = (uint64_t)stamp;
    uint64_t seen = atomic_load_explicit(newest, memory_order_relaxed);
    do {
        if (seen >= mine)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(newest, &seen, mine, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

bool registry_may_repeat(const struct cluster *cluster, uint32_t node, double stamp,
                         struct gw_time now) {
    double began = cluster->registry.began;
    /* if the clock has gone back since, this would keep all nodes out */
    return !cluster->conf->remembers && stamp < began && began <= now.wall_ms &&
           atomic_load_explicit(&cells_at(cluster, node)->stamp, memory_order_relaxed) == 0;
}

bool registry_ask(struct cluster *cluster, uint32_t node, double until, struct gw_time now) {
    _Atomic uint64_t *asking = &cells_at(cluster, node)->challenged_until;
    uint64_t was = atomic_load_explicit(asking, memory_order_relaxed);
    return (double)was <= now.mono_ms &&
           atomic_compare_exchange_strong_explicit(asking, &was, (uint64_t)until,
                                                   memory_order_relaxed, memory_order_relaxed);
}

void registry_asked(struct cluster *cluster, uint32_t node, double until) {
    uint64_t mine = (uint64_t)until;
    (void)atomic_compare_exchange_strong_explicit(&cells_at(cluster, node)->challenged_until, &mine,
                                                  0, memory_order_relaxed, memory_order_relaxed);
}

static bool is_in_force(const struct lease *lease, struct gw_time now) {
    return lease->url.n > 0 && now.wall_ms < lease->ends - REGISTRY_DRAIN_MS;
}

static void point(struct registry_entry *e, const struct url *url) {
    memset(&e->to, 0, sizeof e->to);
    config_set_backend(&e->to, url);
}

/* From now on the node's slot holds another backend: what other shards say about the one before must not
 * be believed of it. */
static void forget(struct cluster *cluster, uint32_t node, struct gw_time now) {
    pool_forget(&cluster->pool, node);
    cluster->pool.backend[node].told_at = now.wall_ms;
}

/* False if there is no memory for it. */
static bool store(struct registry_entry *e, const struct lease *lease) {
    struct url url;
    gw_arena_reset(&e->arena);
    e->lease = *lease;
    e->lease.url = gw_arena_dup(&e->arena, lease->url);
    if (lease->url.n > 0 && url_read(e->lease.url, &e->arena, &url) == NULL) {
        point(e, &url);
        return true;
    }
    e->lease.url = GW_STR("");
    return lease->url.n == 0;
}

/* Heartbeats come with them again and again: they have a place of their own. */
static void keep_models(struct registry_entry *e, struct gw_str models) {
    models = gw_str_sub(models, 0, REGISTRY_MODELS_MAX);
    if (models.n > 0)
        memmove(e->models, models.p, models.n);
    e->lease.models = gw_str(e->models, models.n);
}

bool registry_take(struct cluster *cluster, const struct lease *lease, struct gw_time now) {
    struct registry_entry *e = &cluster->registry.entry[lease->node];
    if (lease->stamp <= e->lease.stamp)
        return false;
    (void)registry_claim(cluster, lease->node, lease->stamp);
    bool same = e->in_force && is_in_force(lease, now) && gw_str_eq(e->lease.url, lease->url);
    if (same) {
        struct gw_str url = e->lease.url;
        e->lease = *lease;
        e->lease.url = url;
    } else {
        bool was = e->in_force;
        e->in_force = store(e, lease) && is_in_force(lease, now);
        if (was || e->in_force)
            forget(cluster, lease->node, now);
    }
    keep_models(e, lease->models);
    e->changed = true;
    cluster->registry.news = true;
    return true;
}

void registry_tend(struct cluster *cluster, struct gw_time now) {
    if (cluster->registry.began <= 0)
        cluster->registry.began = now.wall_ms;
    for (uint32_t i = 0; i < GW_NODES; i++) {
        struct registry_entry *e = &cluster->registry.entry[i];
        if (!e->in_force || is_in_force(&e->lease, now))
            continue;
        e->in_force = false;
        forget(cluster, i, now);
    }
}

static uint32_t in_flight_max(const struct registry_entry *e, const struct backend_conf *plain) {
    uint32_t max = e->lease.in_flight_max > 0 ? e->lease.in_flight_max : plain->in_flight_max;
    bool quick = url_host_is_under(e->to.target.host, GW_STR("trycloudflare.com"));
    return quick && (max == 0 || max > QUICK_TUNNEL_MAX) ? QUICK_TUNNEL_MAX : max;
}

uint32_t registry_prefill(const struct cluster *cluster, uint32_t node) {
    const struct registry_entry *e = &cluster->registry.entry[node];
    return e->in_force && e->lease.prefill != PREFILL_NONE ? e->lease.prefill
                                                           : cluster->conf->nodes[node].prefill;
}

const struct backend_conf *registry_node(const struct cluster *cluster, const struct config *conf,
                                         uint32_t node, struct gw_arena *arena) {
    const struct backend_conf *plain = &conf->nodes[node];
    const struct registry_entry *e = &cluster->registry.entry[node];
    struct backend_conf *copy = e->in_force ? gw_arena_get(arena, sizeof *copy) : NULL;
    if (copy == NULL)
        return plain;
    *copy = *plain;
    copy->set = true;
    copy->ngrok = e->to.ngrok;
    copy->in_flight_max = in_flight_max(e, plain);
    copy->prefill = (uint8_t)registry_prefill(cluster, node);
    copy->base = gw_arena_dup(arena, e->to.base);
    copy->target = e->to.target;
    copy->target.name = plain->target.name;
    copy->target.origin = gw_arena_dup(arena, e->to.target.origin);
    copy->target.host = gw_arena_dup(arena, e->to.target.host);
    copy->target.authority = gw_arena_dup(arena, e->to.target.authority);
    return copy->target.authority.p != NULL ? copy : plain;
}

bool registry_is_reached(const struct cluster *cluster, const struct config *conf, uint32_t node) {
    return conf->nodes[node].set || cluster->registry.entry[node].in_force;
}

struct gw_str registry_models(const struct cluster *cluster, uint32_t node) {
    const struct registry_entry *e = &cluster->registry.entry[node];
    return e->in_force ? e->lease.models : GW_STR("");
}

bool registry_has_model(const struct cluster *cluster, uint32_t node, struct gw_str model) {
    struct gw_str rest = registry_models(cluster, node);
    while (rest.p != NULL && rest.n > 0)
        if (gw_str_eq(gw_str_cut(&rest, ','), model))
            return true;
    return false;
}

bool registry_is_model(struct gw_str name) {
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] >= 0x7f || name.p[i] == ',' || name.p[i] == '"' ||
            name.p[i] == '\\')
            return false;
    return name.n > 0 && name.n <= REGISTRY_MODELS_MAX / 4;
}

/* ------------------------------------------------------------------ lines */

void registry_put_line(const struct lease *lease, struct gw_buf *out) {
    gw_buf_put(out, GW_STR("lease node-"));
    gw_buf_put_u64(out, lease->node + 1);
    gw_buf_putc(out, ' ');
    gw_buf_put_u64(out, (uint64_t)lease->stamp);
    gw_buf_putc(out, ' ');
    gw_buf_put_u64(out, (uint64_t)lease->ends);
    gw_buf_putc(out, ' ');
    gw_buf_put_u64(out, lease->in_flight_max);
    gw_buf_putc(out, ' ');
    gw_buf_put(out, lease->url.n > 0 ? lease->url : GW_STR("-"));
    if (lease->prefill != PREFILL_NONE) {
        gw_buf_putc(out, ' ');
        gw_buf_put(out, config_prefill_name(lease->prefill));
    }
    if (lease->models.n > 0) {
        gw_buf_put(out, GW_STR(" models="));
        gw_buf_put(out, lease->models);
    }
    gw_buf_putc(out, '\n');
}

void registry_put_lines(const struct cluster *cluster, struct gw_buf *out) {
    for (uint32_t i = 0; i < GW_NODES; i++)
        if (cluster->registry.entry[i].lease.stamp > 0)
            registry_put_line(&cluster->registry.entry[i].lease, out);
}

bool registry_has_changed(const struct registry *r) {
    return r->news;
}

void registry_put_changed(struct cluster *cluster, struct gw_buf *out) {
    cluster->registry.news = false;
    for (uint32_t i = 0; i < GW_NODES; i++) {
        struct registry_entry *e = &cluster->registry.entry[i];
        if (!e->changed)
            continue;
        registry_put_line(&e->lease, out);
        e->changed = false;
    }
}

/* "node-3": its index, or GW_NODES. */
static uint32_t node_of(struct gw_str name) {
    if (name.n != 6 || !gw_str_starts(name, GW_STR("node-")))
        return GW_NODES;
    return name.p[5] >= '1' && name.p[5] < '1' + GW_NODES ? (uint32_t)(name.p[5] - '1') : GW_NODES;
}

/* What may stand behind the URL: how it goes on, and its models. */
static bool read_rest(struct gw_str fields, struct lease *lease) {
    struct gw_str models = GW_STR("models=");
    while (fields.p != NULL && fields.n > 0) {
        struct gw_str word = gw_str_cut(&fields, ' ');
        if (gw_str_starts(word, models))
            lease->models = gw_str_sub(word, models.n, word.n);
        else
            lease->prefill = config_prefill(word);
    }
    struct gw_str rest = lease->models;
    while (rest.p != NULL && rest.n > 0)
        if (!registry_is_model(gw_str_cut(&rest, ',')))
            return false;
    return lease->prefill < PREFILLS && lease->models.n <= REGISTRY_MODELS_MAX;
}

static bool read_fields(struct cluster *cluster, struct gw_str fields, struct gw_time now,
                        struct lease *lease) {
    uint64_t stamp, ends, max;
    struct gw_arena arena;
    struct url url;
    *lease = (struct lease){.node = node_of(gw_str_cut(&fields, ' '))};
    if (lease->node == GW_NODES || cluster->conf->node_keys[lease->node].n == 0 ||
        !gw_str_u64(gw_str_cut(&fields, ' '), &stamp) ||
        !gw_str_u64(gw_str_cut(&fields, ' '), &ends) ||
        !gw_str_u64(gw_str_cut(&fields, ' '), &max) || max > UINT32_MAX || fields.n == 0)
        return false;
    lease->stamp = (double)stamp;
    lease->ends = (double)ends;
    lease->in_flight_max = (uint32_t)max;
    if (lease->ends > now.wall_ms + 2.0 * REGISTRY_LEASE_MS)
        return false;
    struct gw_str text = gw_str_cut(&fields, ' ');
    if (!read_rest(fields, lease))
        return false;
    if (gw_str_eq(text, GW_STR("-")) || lease->ends <= now.wall_ms)
        return true;
    lease->url = text;
    gw_arena_init(&arena, cluster->mem, ENTRY_MAX / 2, ENTRY_MAX);
    bool good = registry_check_url(cluster->conf, text, &arena, &url) == NULL;
    gw_arena_del(&arena);
    return good;
}

/* Reads what follows "lease "; the URL is borrowed from it. False if it is no lease, or not an
 * allowed one. */
static bool read_line(struct cluster *cluster, struct gw_str fields, struct gw_time now,
                      struct lease *lease) {
    return read_fields(cluster, fields, now, lease) &&
           sync_time(&lease->stamp, REGISTRY_WINDOW_MS, &cluster->registry.entry[lease->node].ahead,
                     now);
}

bool registry_take_line(struct cluster *cluster, struct gw_str fields, struct gw_time now) {
    struct lease lease;
    if (!read_line(cluster, fields, now, &lease))
        return false;
    if (registry_take(cluster, &lease, now))
        cluster->registry.entry[lease.node].changed = false; /* whoever told it tells the others */
    return true;
}

void registry_take_answer(struct cluster *cluster, struct gw_str text, struct gw_time now) {
    while (text.p != NULL) {
        struct gw_str line = gw_str_cut(&text, '\n');
        struct lease lease;
        if (gw_str_starts(line, GW_STR("lease ")) &&
            read_line(cluster, gw_str_sub(line, 6, line.n), now, &lease))
            (void)registry_take(cluster, &lease, now);
    }
    cluster->registry.heard_at = now.mono_ms;
}
