#include "native/loop/loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

/* ------------------------------------------------------------------ later */

static void run_laters(uv_idle_t *idle) {
    struct loop *loop = idle->data;
    /* only what is there now: what these put off comes in the next turn */
    struct later *end = loop->later_last;
    while (loop->later_first != NULL) {
        struct later *later = loop->later_first;
        loop->later_first = later->next;
        if (loop->later_first == NULL)
            loop->later_last = NULL;
        later->queued = false;
        if (later->run != NULL)
            later->run(later);
        loop->ops->flush(loop);
        if (later == end)
            break;
    }
    if (loop->later_first == NULL)
        uv_idle_stop(idle);
}

void loop_later(struct loop *loop, struct later *later) {
    if (later->queued)
        return;
    later->queued = true;
    later->next = NULL;
    if (loop->later_last == NULL) {
        loop->later_first = later;
        uv_idle_start(&loop->later_idle, run_laters);
    } else {
        loop->later_last->next = later;
    }
    loop->later_last = later;
}

void loop_later_off(struct loop *loop, struct later *later) {
    if (!later->queued)
        return;
    struct later **p = &loop->later_first, *before = NULL;
    while (*p != later) {
        before = *p;
        p = &before->next;
    }
    *p = later->next;
    if (loop->later_last == later)
        loop->later_last = before;
    later->queued = false;
}

/* ------------------------------------------------------------------ clocks */

struct gw_time loop_time(struct loop *loop) {
    double mono_ms = loop_mono_ms();
    if (mono_ms >= loop->wall_until) {
        struct timespec wall;
        clock_gettime(CLOCK_REALTIME, &wall);
        double wall_ms = (double)wall.tv_sec * 1e3 + (double)wall.tv_nsec / 1e6;
        loop->wall_offset = wall_ms - mono_ms;
        loop->wall_until = mono_ms + 1000;
        block_trim(&loop->blocks);
    }
    return (struct gw_time){mono_ms, mono_ms + loop->wall_offset};
}

struct gw_str loop_date(struct loop *loop) {
    static const char *const day[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const month[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    enum { DATE_LINE = 37 };
    double now_ms = (double)uv_now(&loop->uv);
    if (now_ms >= loop->date_until) {
        struct timespec wall;
        struct tm t;
        clock_gettime(CLOCK_REALTIME, &wall);
        gmtime_r(&wall.tv_sec, &t);
        (void)snprintf(loop->date, sizeof loop->date,
                       "date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", day[t.tm_wday], t.tm_mday,
                       month[t.tm_mon], (t.tm_year + 1900) % 10000, t.tm_hour, t.tm_min, t.tm_sec);
        loop->date_until = now_ms + 1000 - (double)wall.tv_nsec / 1e6;
    }
    return gw_str(loop->date, DATE_LINE);
}

/* ------------------------------------------------------------------ limits */

static bool take_ms(struct gw_str name, uint64_t value, struct gw_str want, double *out) {
    if (!gw_str_eq(name, want))
        return false;
    *out = (double)value;
    return true;
}

static bool take_n(struct gw_str name, uint64_t value, struct gw_str want, uint64_t *out) {
    if (!gw_str_eq(name, want))
        return false;
    *out = value;
    return true;
}

static void take_limit(struct limits *l, struct gw_str name, uint64_t v) {
    (void)(take_ms(name, v, GW_STR("client_head_ms"), &l->client_head_ms) ||
           take_ms(name, v, GW_STR("client_body_ms"), &l->client_body_ms) ||
           take_ms(name, v, GW_STR("client_idle_ms"), &l->client_idle_ms) ||
           take_ms(name, v, GW_STR("client_write_ms"), &l->client_write_ms) ||
           take_ms(name, v, GW_STR("linger_ms"), &l->linger_ms) ||
           take_ms(name, v, GW_STR("drain_ms"), &l->drain_ms) ||
           take_ms(name, v, GW_STR("upstream_idle_ms"), &l->upstream_idle_ms) ||
           take_n(name, v, GW_STR("upstream_idle_max"), &l->upstream_idle_max) ||
           take_n(name, v, GW_STR("upstream_http2"), &l->upstream_http2) ||
           take_n(name, v, GW_STR("connections_max"), &l->connections_max) ||
           take_n(name, v, GW_STR("connections_per_address"), &l->connections_per_address) ||
           take_n(name, v, GW_STR("streams_max"), &l->streams_max) ||
           take_n(name, v, GW_STR("client_rate_min"), &l->client_rate_min));
}

void loop_limits(struct loop *loop) {
    loop->limits = (struct limits){
        .client_head_ms = 10000,
        .client_body_ms = 30000,
        .client_idle_ms = 75000,
        .client_write_ms = 60000,
        .linger_ms = 2000,
        .drain_ms = 30000,
        .upstream_idle_ms = 60000,
        .upstream_idle_max = 64,
        .upstream_http2 = 1,
        .connections_max = 10000,
        .streams_max = 128,
        .client_rate_min = 256,
    };
    struct gw_str rest = gw_show(loop->gw, GW_SHOW_LIMITS, loop_time(loop));
    while (rest.p != NULL) {
        struct gw_str value = gw_str_cut(&rest, '\n');
        struct gw_str name = gw_str_cut(&value, ' ');
        uint64_t v;
        if (value.p != NULL && gw_str_u64(value, &v))
            take_limit(&loop->limits, name, v);
    }
}

/* ------------------------------------------------------------------ life */

/* The core's allocator: a call's arena comes and goes with each request and always asks for the same
 * sizes, which malloc's own lists serve well. */
static void *mem_get(void *user, size_t n) {
    (void)user;
    return malloc(n);
}

static void mem_put(void *user, void *p, size_t n) {
    (void)user;
    (void)n;
    free(p);
}

void loop_id(struct loop *loop, char id[LOOP_ID]) {
    (void)snprintf(id, LOOP_ID, "%016" PRIx64 "%016" PRIx64, gw_rng_next(&loop->rng),
                   gw_rng_next(&loop->rng));
}

int loop_init(struct loop *loop, const struct loop_ops *ops, const struct loop_peers *peers) {
    loop->ops = ops;
    loop->peers = peers;
    uint64_t seed[2];
    if (getrandom(seed, sizeof seed, 0) != sizeof seed)
        return UV_EIO;
    gw_rng_init(&loop->rng, seed[0]);
    loop->crowd.seed = seed[1];
    loop->mem = (struct gw_mem){mem_get, mem_put, NULL};
    int err = uv_loop_init(&loop->uv);
    if (err != 0)
        return err;
    loop->uv.data = loop;
    loop->later_idle.data = loop;
    loop->scratch = block_get(&loop->blocks, BLOCK_LARGE);
    if (loop->scratch == NULL)
        return UV_ENOMEM;
    return uv_idle_init(&loop->uv, &loop->later_idle);
}

static void close_handle(uv_handle_t *handle, void *arg) {
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void loop_del(struct loop *loop) {
    uv_walk(&loop->uv, close_handle, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop->uv);
    block_put(&loop->blocks, loop->scratch);
    block_del_all(&loop->blocks);
}
