/* A gateway and one stream through it: what an attempt brings is fed, and what the client gets is kept. */
#ifndef TESTS_UNIT_STREAMS_H
#define TESTS_UNIT_STREAMS_H

#include "core/gw.h"

#include "unit.h"

enum { OUT_MAX = 1 << 18 };

static struct unit_mem mem;
static struct gw *gw;
static struct gw_time now = {1000, 1.8e12};

static struct gw_call *call;
static char out[OUT_MAX];
static size_t out_n;
static uint32_t attempt, sends, status;
static bool ended;
static uint32_t code;

/* `env`: records that each end in a NUL byte. */
static inline void begin_with(struct gw_str env, const char *file) {
    const struct gw_cells shared = {unit_cells(), 1};
    const struct gw_source source = {GW_RACK, env, gw_str(file, strlen(file))};
    char why[256];
    size_t why_n;
    unit_mem_init(&mem, 0);
    gw = gw_new(&mem.mem, &shared, &source, 7, why, sizeof why, &why_n);
    if (!CHECK(gw != NULL)) {
        printf("  %.*s\n", (int)why_n, why);
        exit(1);
    }
}

static inline void end(void) {
    gw_del(gw);
    CHECK(mem.blocks == 0);
}

static inline void put(const struct gw_slice *slice, struct gw_str chunk) {
    const char *p = slice->kind == GW_CHUNK ? chunk.p + slice->off : slice->p;
    CHECK(slice->kind != GW_CHUNK || slice->off + slice->len <= chunk.n);
    CHECK(out_n + slice->len <= OUT_MAX);
    memcpy(out + out_n, p, (size_t)slice->len);
    out_n += (size_t)slice->len;
}

static inline void pump(struct gw_str chunk) {
    struct gw_action a;
    for (;;) {
        switch (gw_poll(call, &a)) {
        case GW_WAIT:
            return;
        case GW_SEND:
            attempt = a.attempt;
            sends++;
            break;
        case GW_HEAD:
            status = a.head.status;
            break;
        case GW_DATA:
            for (uint32_t i = 0; i < a.data.slices_n; i++)
                put(&a.data.slices[i], chunk);
            break;
        case GW_END:
            ended = true;
            code = a.end.code;
            return;
        default:
            break;
        }
    }
}

static inline void feed(const struct gw_event *e, struct gw_str chunk) {
    CHECK(gw_feed(call, e, now) == 0);
    pump(chunk);
}

static inline void ask(const char *path) {
    struct gw_event e = {.kind = GW_REQ_HEAD};
    e.req_head.method = GW_STR("POST");
    e.req_head.target = gw_str(path, strlen(path));
    e.req_head.authority = GW_STR("localhost");
    e.req_head.peer = GW_PEER_LOOPBACK;
    out_n = 0;
    sends = status = 0;
    ended = false;
    now.mono_ms += 60000;
    call = gw_open(gw, now);
    feed(&e, GW_STR(""));
}

static inline void answer_as(struct gw_str media_type) {
    struct gw_header type = {GW_STR("content-type"), media_type};
    struct gw_event e = {.kind = GW_RES_HEAD, .attempt = attempt};
    e.res_head = (struct gw_res_head){200, &type, 1, GW_UNKNOWN};
    feed(&e, GW_STR(""));
}

/* From memory of its own, which is gone when the feed is over. */
static inline void chunk(struct gw_str bytes) {
    char *copy = malloc(bytes.n > 0 ? bytes.n : 1);
    if (copy == NULL || bytes.n == 0)
        return free(copy);
    memcpy(copy, bytes.p, bytes.n);
    struct gw_str fed = gw_str(copy, bytes.n);
    if (!ended)
        feed(&(struct gw_event){.kind = GW_RES_BODY, .attempt = attempt, .res_body = fed}, fed);
    memset(copy, '#', bytes.n);
    free(copy);
}

static inline void over(uint32_t how) {
    if (!ended)
        feed(&(struct gw_event){.kind = GW_RES_END, .attempt = attempt, .res_end = {how}},
             GW_STR(""));
}

#endif
