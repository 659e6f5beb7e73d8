/*
 * For an operator: asks each target for GET /health once, and makes a table of what came of it. Apart from
 * call/task.c, so that the Worker's module does not carry it.
 */
#include "core/call/call.h"

enum { NAME_WIDTH = 22, RESULT_WIDTH = 26 };

/* The target as it is reached now; NULL: there is no such target, or it has no endpoint. */
static const struct backend_conf *reached(const struct gw *gw, uint32_t i, struct gw_arena *arena) {
    const struct backend_conf *t = i < GW_NODES
                                       ? registry_node(&gw->cluster, gw->cluster.conf, i, arena)
                                       : config_target(gw->cluster.conf, i);
    bool asked = t != NULL && t->set && t->slot < GW_SLOT_PROVIDER; /* those have no /health */
    return asked ? t : NULL;
}

struct gw_call *gw_probe(struct gw *gw, uint32_t *at, struct gw_time now) {
    struct gw_call *c = gw_open(gw, now);
    while (c != NULL && config_target(gw->cluster.conf, *at) != NULL) {
        struct breaker_grant grant;
        const struct backend_conf *t = reached(gw, (*at)++, &c->arena);
        if (t == NULL)
            continue;
        plan_one(&c->plan, t);
        if (pool_take(&gw->cluster.pool, t->slot, 0, true, now.mono_ms, &grant)) {
            task_probe(c, grant, now);
            return c;
        }
    }
    if (c != NULL)
        gw_close(c, now);
    return NULL;
}

static void put_cell(struct gw_buf *b, struct gw_str text, size_t width) {
    gw_buf_put(b, text);
    for (size_t n = text.n; n < width; n++)
        gw_buf_putc(b, ' ');
}

static void put_number(struct gw_buf *b, uint64_t n, size_t width) {
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    for (size_t k = sizeof digits - at; k < width; k++)
        gw_buf_putc(b, ' ');
    gw_buf_put(b, gw_str(digits + at, sizeof digits - at));
}

static void put_row(const struct gw *gw, const struct backend_conf *t, bool set, struct gw_buf *b) {
    const struct pool_backend *p = &gw->cluster.pool.backend[t->slot];
    put_cell(b, t->target.name, NAME_WIDTH);
    if (!set || p->probe_ms <= 0) {
        gw_buf_put(b, set ? GW_STR("not asked\n") : GW_STR("no endpoint\n"));
        return;
    }
    put_cell(b,
             p->probe_trouble == POOL_FINE ? GW_STR("alive") : pool_trouble_name(p->probe_trouble),
             RESULT_WIDTH);
    if (p->probe_status > 0)
        put_number(b, p->probe_status, 6);
    else
        gw_buf_put(b, GW_STR("     -"));
    put_number(b, (uint64_t)(p->probe_ms + 0.5), 8);
    gw_buf_put(b, GW_STR(" ms\n"));
}

void probe_show(const struct gw *gw, struct gw_buf *b) {
    const struct backend_conf *t;
    put_cell(b, GW_STR("TARGET"), NAME_WIDTH);
    put_cell(b, GW_STR("RESULT"), RESULT_WIDTH);
    gw_buf_put(b, GW_STR("STATUS    TIME\n"));
    for (uint32_t i = 0; (t = config_target(gw->cluster.conf, i)) != NULL; i++) {
        bool twin = t->slot >= GW_SLOT_TWIN; /* or a provider */
        bool set = t->set || (i < GW_NODES && gw->cluster.registry.entry[i].in_force);
        if (set || !twin)
            put_row(gw, t, set, b);
    }
}

uint32_t gw_probes_failed(const struct gw *gw) {
    uint32_t failed = 0;
    for (uint32_t i = 0; i < GW_BACKENDS; i++)
        failed += gw->cluster.pool.backend[i].probe_trouble != POOL_FINE;
    return failed;
}
