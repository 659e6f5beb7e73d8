/*
 * The gateway: making, reloading, deleting; opening and closing calls.
 */
#include "core/call/call.h"
#include "core/cluster/cells.h"

enum { SHOWN_MAX = 1 << 20, NEWS_MAX = 256 << 10, LEASE_SLACK_MS = 60000, QUEUE_SLACK_MS = 2000 };

/* `why` is built in an arena of its own, and copied to the caller's buffer. */
static struct config *read_conf(const struct gw_mem *mem, const struct gw_source *source,
                                char *why_buf, size_t why_cap, size_t *why_n) {
    struct gw_arena arena;
    struct gw_buf why;
    gw_arena_init(&arena, mem, 1024, 8192);
    gw_buf_init(&why, &arena, 4096);
    struct config *conf = config_new(mem, source, &why);
    *why_n = conf != NULL ? 0 : why.n < why_cap ? why.n : why_cap;
    if (*why_n > 0)
        memcpy(why_buf, why.p, *why_n);
    gw_arena_del(&arena);
    return conf;
}

uint32_t gw_cells_n(void) {
    return sizeof(struct cells) / sizeof(uint64_t);
}

struct gw *gw_new(const struct gw_mem *mem, const struct gw_cells *cells,
                  const struct gw_source *source, uint64_t seed, char *why_buf, size_t why_cap,
                  size_t *why_n) {
    struct config *conf = read_conf(mem, source, why_buf, why_cap, why_n);
    if (conf == NULL)
        return NULL;
    struct gw *gw = mem->get(mem->user, sizeof *gw);
    if (gw == NULL) {
        config_unref(conf);
        return NULL;
    }
    memset(gw, 0, sizeof *gw);
    gw->cluster.mem = mem;
    gw->cluster.conf = conf;
    gw->cluster.pool.cells = *cells;
    if (gw->cluster.pool.cells.loops == 0)
        gw->cluster.pool.cells.loops = 1;
    gw_rng_init(&gw->rng, seed);
    gw->cluster.pool.rng = &gw->rng;
    gw->cluster.pool.breaker = conf->breaker;
    gw_arena_init(&gw->shown, mem, 8192, SHOWN_MAX);
    registry_init(&gw->cluster.registry, mem);
    return gw;
}

/* Where the service of that name stands in the table of backends, or GW_BACKENDS. */
static uint32_t slot_of(const struct config *conf, struct gw_str name) {
    for (uint32_t i = 0; i < conf->services_n; i++)
        if (gw_str_eq(conf->services[i].target.name, name))
            return conf->services[i].slot;
    return GW_BACKENDS;
}

/* A slot for a new service: one that running calls do not use, if there is one. */
static uint32_t free_slot(const struct config *from, const bool taken[GW_BACKENDS]) {
    bool used[GW_BACKENDS] = {false};
    uint32_t any = GW_BACKENDS;
    for (uint32_t i = 0; i < from->services_n; i++)
        used[from->services[i].slot] = true;
    for (uint32_t slot = GW_SLOT_SERVICE; slot < GW_SLOT_TWIN; slot++) {
        if (!taken[slot] && !used[slot])
            return slot;
        if (!taken[slot] && any == GW_BACKENDS)
            any = slot;
    }
    GW_ASSERT(any != GW_BACKENDS);
    return any;
}

/* A service that stays keeps its slot, wherever it now stands in the file: its health and its requests in
 * flight are found by it. What was known of a service that is gone is not held against a new one. */
static void keep_slots(struct gw *gw, const struct config *from, struct config *to) {
    bool taken[GW_BACKENDS] = {false};
    for (uint32_t i = 0; i < to->services_n; i++) {
        uint32_t slot = to->services[i].slot = slot_of(from, to->services[i].target.name);
        if (slot != GW_BACKENDS)
            taken[slot] = true;
    }
    for (uint32_t i = 0; i < to->services_n; i++) {
        struct backend_conf *service = &to->services[i];
        if (service->slot != GW_BACKENDS)
            continue;
        service->slot = free_slot(from, taken);
        taken[service->slot] = true;
        pool_forget(&gw->cluster.pool, service->slot);
    }
}

/* The built-in ones keep their places; those of the file may change them. */
static void forget_changed_providers(struct gw *gw, const struct config *from,
                                     const struct config *to) {
    for (uint32_t i = 0; i < GW_PROVIDERS; i++)
        if (!gw_str_eq(from->providers[i].backend.target.name,
                       to->providers[i].backend.target.name))
            pool_forget(&gw->cluster.pool, GW_SLOT_PROVIDER + i);
}

int gw_load(struct gw *gw, const struct gw_source *source, char *why_buf, size_t why_cap,
            size_t *why_n) {
    struct config *conf = read_conf(gw->cluster.mem, source, why_buf, why_cap, why_n);
    if (conf == NULL)
        return -1;
    keep_slots(gw, gw->cluster.conf, conf);
    forget_changed_providers(gw, gw->cluster.conf, conf);
    config_unref(gw->cluster.conf);
    gw->cluster.conf = conf;
    gw->cluster.pool.breaker = conf->breaker;
    return 0;
}

void gw_del(struct gw *gw) {
    const struct gw_mem *mem = gw->cluster.mem;
    GW_ASSERT(gw->calls == NULL);
    while (gw->free != NULL) {
        struct gw_call *c = gw->free;
        gw->free = c->next;
        gw_arena_del(&c->arena);
        mem->put(mem->user, c, sizeof *c);
    }
    while (gw->facts_free != NULL) {
        union facts_box *box = gw->facts_free;
        gw->facts_free = box->next;
        mem->put(mem->user, box, sizeof *box);
    }
    gw_arena_del(&gw->shown);
    registry_del(&gw->cluster.registry);
    config_unref(gw->cluster.conf);
    mem->put(mem->user, gw, sizeof *gw);
}

/* Calls and their arenas' first blocks are used again, so opening one costs no allocation. */
static struct gw_call *take_call(struct gw *gw) {
    struct gw_call *c = gw->free;
    struct gw_arena arena;
    if (c != NULL) {
        gw->free = c->next;
        gw->free_n--;
        arena = c->arena;
    } else {
        c = gw->cluster.mem->get(gw->cluster.mem->user, sizeof *c);
        if (c == NULL)
            return NULL;
        gw_arena_init(&arena, gw->cluster.mem, CALL_ARENA_BLOCK, CALL_ARENA_MAX);
    }
    memset(c, 0, offsetof(struct gw_call, error));
    c->arena = arena;
    return c;
}

static void link_call(struct gw *gw, struct gw_call *c) {
    c->prev = gw->calls_last;
    if (gw->calls_last != NULL)
        gw->calls_last->next = c;
    else
        gw->calls = c;
    gw->calls_last = c;
}

static void unlink_call(struct gw *gw, struct gw_call *c) {
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        gw->calls = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    else
        gw->calls_last = c->prev;
}

/* What a call holds, it holds on a lease. A call that its host has lost gives it back when it must be
 * over, and its place in the queue soon after its time there. The call itself stays: its host may still
 * close it. */
static void reap(struct gw *gw, struct gw_time now) {
    while (gw->queue != NULL && gw->queue->queue_until_ms + QUEUE_SLACK_MS < now.mono_ms)
        queue_leave(gw->queue);
    for (struct gw_call *c = gw->calls; c != NULL; c = c->next) {
        if (c->opened_ms + (double)c->conf->limits.request_ms + LEASE_SLACK_MS > now.mono_ms)
            return;
        if (c->state != CALL_DONE)
            call_lose(c, now);
    }
}

struct gw_call *gw_open(struct gw *gw, struct gw_time now) {
    reap(gw, now);
    struct gw_call *c = take_call(gw);
    if (c == NULL)
        return NULL;
    c->gw = gw;
    c->conf = gw->cluster.conf;
    config_ref(c->conf);
    c->opened_ms = now.mono_ms;
    c->deadline_ms = now.mono_ms + (double)c->conf->limits.request_ms;
    c->key_name = GW_STR("-");
    link_call(gw, c);
    return c;
}

static void leave_ready(struct gw *gw, struct gw_call *c) {
    struct gw_call *before = NULL;
    if (!c->in_ready)
        return;
    for (struct gw_call *r = gw->ready; r != c; r = r->ready_next)
        before = r;
    if (before != NULL)
        before->ready_next = c->ready_next;
    else
        gw->ready = c->ready_next;
    if (gw->ready_last == c)
        gw->ready_last = before;
    c->in_ready = false;
}

void gw_close(struct gw_call *c, struct gw_time now) {
    struct gw *gw = c->gw;
    end_release(c, now);
    leave_ready(gw, c);
    unlink_call(gw, c);
    config_unref(c->conf);
    if (gw->free_n >= CALL_FREE_MAX) {
        gw_arena_del(&c->arena);
        gw->cluster.mem->put(gw->cluster.mem->user, c, sizeof *c);
        return;
    }
    gw_arena_reset(&c->arena);
    c->arena.cap = CALL_ARENA_MAX; /* a translation may have raised it */
    c->next = gw->free;
    gw->free = c;
    gw->free_n++;
}

struct gw_call *gw_ready(struct gw *gw) {
    struct gw_call *c = gw->ready;
    if (c == NULL)
        return NULL;
    gw->ready = c->ready_next;
    if (gw->ready == NULL)
        gw->ready_last = NULL;
    c->in_ready = false;
    return c;
}

void gw_set_user(struct gw_call *call, void *user) {
    call->user = user;
}

void *gw_user(const struct gw_call *call) {
    return call->user;
}

bool gw_has_news(const struct gw *gw) {
    return sync_has_news(&gw->cluster);
}

void gw_sync(struct gw *gw, uint32_t kinds, struct gw_str in, struct gw_time now,
             struct gw_str *news) {
    struct gw_buf out;
    sync_take(&gw->cluster, kinds, in, now);
    gw_arena_reset(&gw->shown);
    gw_buf_init(&out, &gw->shown, NEWS_MAX);
    if (gw_has_news(gw))
        sync_put(&gw->cluster, true, now, &out);
    *news = gw_buf_str(&out);
}
