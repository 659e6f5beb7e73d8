#include "native/process/reload.h"

#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "native/drive/drive.h"
#include "native/loop/log.h"
#include "native/loop/loop.h"
#include "native/net/upstream_tls.h"
#include "native/process/hub.h"
#include "native/process/notify.h"

void reload_init(struct hub *hub, const struct source *source, const struct addresses *listen) {
    hub->reload.file = source->file;
    hub->reload.listen = *listen;
}

/* ------------------------------------------------------------------ reading and checking */

static void compare_addresses(struct hub *hub, const struct addresses *wanted) {
    struct reload *r = &hub->reload;
    if (addresses_equal(&r->listen, wanted))
        return;
    log_note(hub->log, "warn",
             "%s: listen: other addresses than before; they are not taken by a reload: restart",
             source_name(&r->source));
    r->listen = *wanted;
}

/* What a start would refuse, a reload refuses too. */
static bool check_gateway(struct hub *hub, struct gw *gw, char why[ADDRESSES_WHY]) {
    struct addresses wanted;
    if (!addresses_read(&wanted, gw, why) ||
        !addresses_safe(&hub->options->listen, gw, hub->tls->client_ca != NULL, why))
        return false;
    compare_addresses(hub, &wanted);
    return true;
}

/* Reads the files for TLS to upstreams again. */
static bool read_upstream_tls(struct hub *hub, struct gw *gw, char why[TLS_WHY]) {
    struct reload *r = &hub->reload;
    r->upstream_tls = upstream_tls_new(gw_report(gw, GW_SHOW_TLS), r->source.file, why);
    return r->upstream_tls != NULL;
}

/* Makes a gateway of the new configuration, to see whether that can be done. */
static bool check(struct hub *hub, char why[SOURCE_WHY]) {
    const struct source *source = &hub->reload.source;
    uint64_t *cells = hub_cells();
    struct gw_cells shared = {cells, 1};
    char text[SOURCE_WHY / 2];
    size_t n = 0;
    struct gw *gw = NULL;
    if (cells != NULL)
        gw = gw_new(&hub->loops[0]->mem, &shared, &source->gw, 1, text, sizeof text - 1, &n);
    text[n] = '\0';
    bool good = gw != NULL && check_gateway(hub, gw, text) && read_upstream_tls(hub, gw, text);
    if (gw != NULL)
        gw_del(gw);
    free(cells);
    if (!good)
        (void)snprintf(why, SOURCE_WHY, "%.500s: %s", source_name(source), text);
    return good;
}

/* Reads the certificates again, if there are any. */
static bool read_tls(struct hub *hub, char why[SOURCE_WHY]) {
    _Static_assert((int)SOURCE_WHY >= (int)TLS_WHY, "room for what TLS says");
    if (hub->tls->cert == NULL)
        return true;
    hub->reload.tls = tls_server_new(hub->tls, why);
    return hub->reload.tls != NULL;
}

/* ------------------------------------------------------------------ taking */

static void let_go(struct reload *r) {
    source_del(&r->source);
    SSL_CTX_free(r->tls);
    r->tls = NULL;
    upstream_tls_release(r->upstream_tls);
    r->upstream_tls = NULL;
}

void reload_begin(struct hub *hub) {
    struct reload *r = &hub->reload;
    char why[SOURCE_WHY];
    if (hub->loops[0]->draining)
        return;
    r->again = r->taking;
    if (r->taking)
        return;
    notify_reloading();
    if (!source_read(&r->source, r->file, why) || !check(hub, why) || !read_tls(hub, why)) {
        log_note(hub->log, "error", "reload refused, the old configuration stays: %s", why);
        let_go(r);
        notify_ready();
        return;
    }
    r->taking = true;
    atomic_store(&r->left, hub->peers.n);
    hub_order(hub, HUB_RELOAD);
}

void reload_take(struct loop *loop) {
    struct hub *hub = loop->hub;
    struct reload *r = &hub->reload;
    char why[SOURCE_WHY];
    size_t n;
    if (r->tls != NULL)
        tls_server_take(loop, r->tls);
    if (!upstream_tls_plain(r->upstream_tls) || !upstream_tls_plain(loop->upstream_tls))
        origins_take_tls(loop, r->upstream_tls);
    if (gw_load(loop->gw, &r->source.gw, why, sizeof why, &n) == 0) {
        loop_limits(loop);
        if (!loop->draining)
            drive_tasks(loop);
    } else {
        /* it was checked before: only memory can be missing */
        log_note(hub->log, "error", "a thread keeps the old configuration: %.*s", (int)n, why);
    }
    if (atomic_fetch_sub(&r->left, 1) == 1)
        hub_tell(hub->loops[0], HUB_RELOADED);
}

void reload_done(struct hub *hub) {
    struct reload *r = &hub->reload;
    hub_limits(hub);
    log_note(hub->log, "info", "the configuration has been reloaded from %s",
             source_name(&r->source));
    let_go(r);
    r->taking = false;
    notify_ready();
    if (r->again)
        reload_begin(hub);
}

void reload_del(struct hub *hub) {
    let_go(&hub->reload);
}
