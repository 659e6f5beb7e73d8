/*
 * What the daemon's operator asks for: check, missing endpoints, explain. Not in the Worker's module.
 */
#include "core/call/call.h"
#include "core/policy/score.h"

static void put_backend(const struct backend_conf *t, struct gw_buf *b) {
    gw_buf_put(b, t->target.name);
    if (!t->set) {
        gw_buf_put(b, GW_STR(" (no endpoint)"));
        return;
    }
    gw_buf_putc(b, ' ');
    gw_buf_put(b, t->target.origin);
    gw_buf_put(b, t->base);
}

static void put_class(const struct config *conf, uint32_t class, struct gw_buf *b) {
    const struct class_conf *c = &conf->classes[class];
    gw_buf_put(b, GW_STR("/api/heavy/"));
    gw_buf_put(b, config_class_names[class]);
    gw_buf_put(b, GW_STR("[/rest] ->"));
    bool node_1 = false;
    for (uint32_t i = 0; i < c->nodes_n; i++) {
        node_1 |= c->nodes[i] == 0;
        gw_buf_putc(b, ' ');
        gw_buf_put(b, conf->nodes[c->nodes[i]].target.name);
    }
    if (!node_1)
        gw_buf_put(b, GW_STR(", then node-1"));
    for (uint32_t i = 0; i < conf->overflow_n; i++) {
        gw_buf_put(b, GW_STR(", then "));
        gw_buf_put(b, conf->services[conf->overflow[i]].target.name);
    }
    gw_buf_putc(b, '\n');
}

static void put_provider_routes(const struct config *conf, struct gw_buf *b) {
    for (uint32_t i = 0; i < conf->providers_n; i++) {
        const struct provider_conf *p = &conf->providers[i];
        gw_buf_put(b, GW_STR("/api/"));
        gw_buf_put(b, p->route);
        if (p->backend.set) {
            gw_buf_put(b, GW_STR("/rest, keys: "));
            gw_buf_put_u64(b, p->keys_n);
        } else {
            gw_buf_put(b, GW_STR(" is not there: set "));
            gw_buf_put(b, config_provider_lacks(p));
        }
        gw_buf_putc(b, '\n');
    }
}

static void put_place(const struct config *conf, const struct model_place *at, struct gw_buf *b) {
    gw_buf_putc(b, ' ');
    gw_buf_put(b, at->heavy ? GW_STR("heavy") : conf->providers[at->index].backend.target.name);
    gw_buf_putc(b, '/');
    gw_buf_put(b, at->heavy ? config_class_names[at->index] : at->model);
    if (!at->heavy && !conf->providers[at->index].backend.set)
        gw_buf_put(b, GW_STR(" (not there)"));
}

/* The names that stand for models, and what follows every chain. */
static void put_models(const struct config *conf, struct gw_buf *b) {
    gw_buf_put(b, GW_STR("models\n"));
    for (uint32_t i = 0; i < conf->models_n; i++) {
        const struct model_conf *m = &conf->models[i];
        if (!m->alias && m->places_n == 1)
            continue;
        gw_buf_put(b, GW_STR("  "));
        gw_buf_put(b, m->name);
        gw_buf_put(b, GW_STR(" ->"));
        for (uint32_t k = 0; k < m->places_n; k++)
            put_place(conf, &m->places[k], b);
        gw_buf_putc(b, '\n');
    }
    gw_buf_put(b, GW_STR("  then, for all:"));
    for (uint32_t i = 0; i < conf->failover_n; i++)
        put_place(conf, &conf->failover[i], b);
    gw_buf_put(b, conf->failover_n > 0 ? GW_STR("\n") : GW_STR(" nobody (FAILOVER_CHAIN)\n"));
}

static void put_other_routes(const struct config *conf, struct gw_buf *b) {
    gw_buf_put(b, GW_STR("/api/heavy/process -> the class of the body's \"type\"\n"));
    for (uint32_t i = 0; i < conf->services_n; i++) {
        gw_buf_put(b, GW_STR("/api/"));
        gw_buf_put(b, conf->services[i].target.name);
        gw_buf_put(b, GW_STR("[/rest]\n"));
    }
    put_provider_routes(conf, b);
    gw_buf_put(b, GW_STR("other /api/* -> "));
    if (conf->host == GW_EDGE && conf->twin.set)
        gw_buf_put(b, GW_STR("the daemon at LOCAL_ENDPOINT"));
    else if (conf->service_default < conf->services_n)
        gw_buf_put(b, conf->services[conf->service_default].target.name);
    else
        gw_buf_put(b, GW_STR("404"));
    gw_buf_putc(b, '\n');
}

static void put_addresses(const struct config *conf, struct gw_buf *b) {
    for (uint32_t i = 0; i < GW_NODES; i++) {
        gw_buf_put(b, GW_STR("  "));
        put_backend(&conf->nodes[i], b);
        gw_buf_putc(b, '\n');
    }
    for (uint32_t i = 0; i < conf->services_n; i++) {
        gw_buf_put(b, GW_STR("  "));
        put_backend(&conf->services[i], b);
        gw_buf_putc(b, '\n');
    }
    for (uint32_t i = 0; i < conf->providers_n; i++) {
        if (!conf->providers[i].backend.set)
            continue;
        gw_buf_put(b, GW_STR("  "));
        put_backend(&conf->providers[i].backend, b);
        gw_buf_putc(b, '\n');
    }
    if (conf->twin.set && conf->host == GW_EDGE) {
        gw_buf_put(b, GW_STR("  twin "));
        gw_buf_put(b, conf->twin.target.origin);
        gw_buf_putc(b, '\n');
    }
    if (conf->registry.set) {
        gw_buf_put(b, GW_STR("  registry "));
        gw_buf_put(b, conf->registry.target.origin);
        gw_buf_put(b, conf->registry.base);
        gw_buf_putc(b, '\n');
    }
    if (conf->node_keys[0].n == 0)
        return;
    gw_buf_put(b, GW_STR("  nodes that register, at hosts under"));
    for (uint32_t i = 0; i < conf->node_hosts_n; i++) {
        gw_buf_putc(b, ' ');
        gw_buf_put(b, conf->node_hosts[i]);
    }
    gw_buf_putc(b, '\n');
}

static void show_check(const struct config *conf, struct gw_buf *b) {
    gw_buf_put(b, GW_STR("routes\n"));
    for (uint32_t i = 0; i < GW_CLASSES; i++) {
        gw_buf_put(b, GW_STR("  "));
        put_class(conf, i, b);
    }
    put_other_routes(conf, b);
    put_models(conf, b);
    gw_buf_put(b, GW_STR("addresses that may be called\n"));
    put_addresses(conf, b);
    gw_buf_put(b, conf->auth == GW_AUTH_KEYS  ? GW_STR("access: keys, ")
                  : conf->auth == GW_AUTH_OFF ? GW_STR("access: off, ")
                                              : GW_STR("access: no keys, "));
    gw_buf_put_u64(b, conf->keys_n);
    gw_buf_put(b, GW_STR(" configured\n"));
    if (conf->twin.set && conf->twin.target.tls == 0 &&
        !url_is_loopback(conf->twin.target.authority))
        gw_buf_put(b,
                   GW_STR("warning: LOCAL_ENDPOINT is plain http: whoever is on that network reads "
                          "what the edge hands over, and no Access secrets are sent; give an https "
                          "URL\n"));
}

static void show_missing(const struct config *conf, struct gw_buf *b) {
    if (conf->node_keys[0].n > 0)
        return; /* they may register */
    for (uint32_t class = 0; class < GW_CLASSES; class ++)
        for (uint32_t i = 0; i < conf->classes[class].nodes_n; i++) {
            uint32_t node = conf->classes[class].nodes[i];
            if (conf->nodes[node].set)
                continue;
            gw_buf_put(b, GW_STR("heavy.classes."));
            gw_buf_put(b, config_class_names[class]);
            gw_buf_put(b, GW_STR(".nodes: node "));
            gw_buf_put_u64(b, node + 1);
            gw_buf_put(b, GW_STR(" has no endpoint; set COLAB_ENDPOINT_"));
            gw_buf_put_u64(b, node + 1);
            gw_buf_put(b, GW_STR(" or take the node out of the list\n"));
        }
}

static void show_tls(const struct config *conf, struct gw_buf *b) {
    for (uint32_t i = 0; i < conf->tls_n; i++) {
        const struct tls_conf *t = &conf->tls[i];
        const struct gw_str fields[] = {t->host, t->ca_file, t->cert_file, t->key_file,
                                        t->server_name};
        for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) {
            gw_buf_put(b, fields[k]);
            gw_buf_putc(b, '\t');
        }
        gw_buf_putc(b, '\n');
    }
}

struct gw_str gw_report(struct gw *gw, uint32_t what) {
    struct gw_buf b;
    gw_arena_reset(&gw->shown);
    gw_buf_init(&b, &gw->shown, 256 << 10);
    switch (what) {
    case GW_SHOW_CHECK:
        show_check(gw->cluster.conf, &b);
        break;
    case GW_SHOW_MISSING:
        show_missing(gw->cluster.conf, &b);
        break;
    case GW_SHOW_LISTEN:
        gw_buf_put(&b, gw->cluster.conf->listen);
        break;
    case GW_SHOW_PROBES:
        probe_show(gw, &b);
        break;
    case GW_SHOW_TLS:
        show_tls(gw->cluster.conf, &b);
        break;
    default:
        break;
    }
    return gw_buf_str(&b);
}

int gw_explain(struct gw *gw, struct gw_str request, struct gw_time now, struct gw_str *out) {
    struct gw_buf b;
    (void)now;
    gw_arena_reset(&gw->shown);
    gw_buf_init(&b, &gw->shown, 64 << 10);
    int error = score_explain(&gw->cluster.conf->tiers, gw->cluster.conf->monthly_budget, request,
                              gw->cluster.mem, &b);
    *out = gw_buf_str(&b);
    return error;
}
