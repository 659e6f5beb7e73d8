/*
 * exports.c: the core in a box, for a host in JavaScript (worker-shim/core.js).
 *
 * A reactor without imports. Everything that crosses is a number; text and bytes cross in the input
 * area, a block that the host asks for (gw_box_input), writes, and names the length of in the next
 * call. An answer is read where it lies: an action at the address gw_box_action gives, by offsets
 * that the compiler generates (offsets.c), other text where gw_box_text says. Lengths are doubles:
 * any negative one stands for GW_UNKNOWN and GW_REST.
 *
 * A request's head is the text "METHOD\nTARGET\nAUTHORITY\nname:value\nname:value\n", a response's
 * only its "name:value\n" lines: one copy in instead of one for each header.
 *
 * One instance has one gateway. Whoever traps leaves it in an unknown state: the host throws the
 * whole instance away.
 */
#include <stdlib.h>
#include <string.h>

#include "core/gw.h"
#include "trap.h"

#define EXPORT(name) __attribute__((export_name(name)))

enum { INPUT_MAX = 4 << 20, INPUT_MIN = 4 << 10, WHY_MAX = 512, REFUSAL_MAX = 1024 };

static struct gw *gateway;
static struct gw_cells shared = {NULL, 1};
static char *input;
static size_t input_cap;
static struct gw_action action;
static struct gw_str text;
static double next_ms;
static struct gw_header headers[GW_ANSWER_HEADERS_MAX];

static void *mem_get(void *user, size_t n) {
    (void)user;
    return malloc(n);
}

static void mem_put(void *user, void *p, size_t n) {
    (void)user;
    (void)n;
    free(p);
}

static const struct gw_mem mem = {mem_get, mem_put, NULL};

static struct gw_time time_of(double mono, double wall) {
    return (struct gw_time){mono, wall};
}

static uint64_t length_of(double n) {
    return n < 0 ? UINT64_MAX : (uint64_t)n;
}

EXPORT("abi") uint32_t gw_box_abi(void) {
    return GW_ABI;
}

/* The input area, with room for n bytes; 0 if that is more than it may hold. What was in it may be
 * gone, and memory may have grown: the host renews its views. */
EXPORT("input") char *gw_box_input(uint32_t n) {
    if (n <= input_cap) {
        return input;
    }
    size_t cap = input_cap ? input_cap : INPUT_MIN;
    while (cap < n && cap < INPUT_MAX) {
        cap *= 2;
    }
    if (cap < n) {
        return NULL;
    }
    free(input);
    input = malloc(cap);
    input_cap = input ? cap : 0;
    return input;
}

EXPORT("action") struct gw_action *gw_box_action(void) {
    return &action;
}

/* Where the text of the last start, show or refuse lies: a struct gw_str. */
EXPORT("text") struct gw_str *gw_box_text(void) {
    return &text;
}

/* Where task leaves how long to wait: a double. */
EXPORT("next") double *gw_box_next(void) {
    return &next_ms;
}

/* The cells, which are kept if the configuration has to be given again. */
static bool cells_get(void) {
    const size_t n = gw_cells_n() * sizeof *shared.cell;
    if (shared.cell) {
        return true;
    }
    shared.cell = malloc(n);
    if (shared.cell) {
        memset(shared.cell, 0, n);
    }
    return shared.cell;
}

/* Makes the gateway from the input area: the environment, then the file. 0, or -1 and text says
 * why. `host` is GW_EDGE but in a replay of a trace of the other host. */
EXPORT("start")
int32_t gw_box_start(uint32_t host, uint32_t env_n, uint32_t file_n, uint32_t seed_low,
                     uint32_t seed_high) {
    static char why[WHY_MAX];
    const struct gw_source source = {host, {input, env_n}, {input ? input + env_n : NULL, file_n}};
    const uint64_t seed = (uint64_t)seed_high << 32 | seed_low;
    text = gw_str(why, 0);
    gateway = NULL;
    if (cells_get()) {
        gateway = gw_new(&mem, &shared, &source, seed, why, sizeof why, &text.n);
    }
    return gateway ? 0 : -1;
}

/* Cuts the input's "name:value\n" lines from `rest` on. How many there may be is the platform's to
 * say; more than this nobody needs. */
static uint32_t cut_headers(struct gw_str rest) {
    uint32_t n = 0;
    while (rest.n && n < GW_ANSWER_HEADERS_MAX) {
        struct gw_str value = gw_str_cut(&rest, '\n');
        const struct gw_str name = gw_str_cut(&value, ':');
        headers[n++] = (struct gw_header){name, value};
    }
    return n;
}

EXPORT("open") struct gw_call *gw_box_open(double mono, double wall) {
    return gw_open(gateway, time_of(mono, wall));
}

EXPORT("req_head")
int32_t gw_box_req_head(struct gw_call *call, uint32_t n, double body_len, uint32_t peer,
                        double mono, double wall) {
    struct gw_str rest = {input, n};
    struct gw_event event = {.kind = GW_REQ_HEAD};
    event.req_head.method = gw_str_cut(&rest, '\n');
    event.req_head.target = gw_str_cut(&rest, '\n');
    event.req_head.authority = gw_str_cut(&rest, '\n');
    event.req_head.headers_n = cut_headers(rest);
    event.req_head.headers = headers;
    event.req_head.peer = peer;
    event.req_head.body_len = length_of(body_len);
    trap_arm(call, headers, event.req_head.headers_n);
    trap_at(call, TRAP_HEAD);
    return gw_feed(call, &event, time_of(mono, wall));
}

/* `shown`: the len bytes are in the input area. */
EXPORT("req_body")
int32_t gw_box_req_body(struct gw_call *call, double off, double len, uint32_t fin, uint32_t shown,
                        double mono, double wall) {
    trap_at(call, TRAP_BODY);
    struct gw_event event = {.kind = GW_REQ_BODY};
    event.req_body.off = length_of(off);
    event.req_body.len = length_of(len);
    event.req_body.fin = fin != 0;
    event.req_body.bytes = gw_str(input, shown ? (size_t)len : 0);
    return gw_feed(call, &event, time_of(mono, wall));
}

EXPORT("res_head")
int32_t gw_box_res_head(struct gw_call *call, uint32_t attempt, uint32_t n, uint32_t status,
                        double body_len, double mono, double wall) {
    trap_at(call, TRAP_RESPONSE);
    struct gw_event event = {.kind = GW_RES_HEAD, .attempt = attempt};
    event.res_head.status = status;
    event.res_head.headers_n = cut_headers(gw_str(input, n));
    event.res_head.headers = headers;
    event.res_head.body_len = length_of(body_len);
    return gw_feed(call, &event, time_of(mono, wall));
}

EXPORT("res_body")
int32_t gw_box_res_body(struct gw_call *call, uint32_t attempt, uint32_t n, double mono,
                        double wall) {
    trap_at(call, TRAP_CHUNK);
    struct gw_event event = {.kind = GW_RES_BODY, .attempt = attempt};
    event.res_body = gw_str(input, n);
    return gw_feed(call, &event, time_of(mono, wall));
}

EXPORT("res_end")
int32_t gw_box_res_end(struct gw_call *call, uint32_t attempt, uint32_t how, double mono,
                       double wall) {
    struct gw_event event = {.kind = GW_RES_END, .attempt = attempt};
    event.res_end.how = how;
    return gw_feed(call, &event, time_of(mono, wall));
}

EXPORT("res_fail")
int32_t gw_box_res_fail(struct gw_call *call, uint32_t attempt, uint32_t fail, uint32_t sent,
                        double mono, double wall) {
    struct gw_event event = {.kind = GW_RES_FAIL, .attempt = attempt};
    event.res_fail.fail = fail;
    event.res_fail.sent = sent;
    return gw_feed(call, &event, time_of(mono, wall));
}

EXPORT("tick")
int32_t gw_box_tick(struct gw_call *call, uint32_t body, double mono, double wall) {
    const struct gw_event event = {.kind = GW_TICK, .tick = {body}};
    return gw_feed(call, &event, time_of(mono, wall));
}

/* The first n bytes of the input are what was answered. */
EXPORT("answer")
int32_t gw_box_answer(struct gw_call *call, uint32_t id, uint32_t status, uint32_t n, double mono,
                      double wall) {
    const struct gw_event event = {.kind = GW_ANSWER, .answer = {id, status, gw_str(input, n)}};
    return gw_feed(call, &event, time_of(mono, wall));
}

EXPORT("gone") int32_t gw_box_gone(struct gw_call *call, double mono, double wall) {
    const struct gw_event event = {.kind = GW_GONE};
    return gw_feed(call, &event, time_of(mono, wall));
}

EXPORT("poll") uint32_t gw_box_poll(struct gw_call *call) {
    return gw_poll(call, &action);
}

EXPORT("close") void gw_box_close(struct gw_call *call, double mono, double wall) {
    trap_disarm(call);
    gw_close(call, time_of(mono, wall));
}

EXPORT("may_drop") uint32_t gw_box_may_drop(const struct gw_call *call) {
    return gw_may_drop(call);
}

EXPORT("ready") struct gw_call *gw_box_ready(void) {
    return gw_ready(gateway);
}

EXPORT("task") struct gw_call *gw_box_task(double mono, double wall) {
    return gw_task(gateway, time_of(mono, wall), &next_ms);
}

EXPORT("show") struct gw_str *gw_box_show(uint32_t what, double mono, double wall) {
    text = gw_show(gateway, what, time_of(mono, wall));
    return &text;
}

/* The first n bytes of the input are frames of other shards. What has changed here is the answer. */
EXPORT("sync")
struct gw_str *gw_box_sync(uint32_t kinds, uint32_t n, double mono, double wall) {
    gw_sync(gateway, kinds, gw_str(input, n), time_of(mono, wall), &text);
    return &text;
}

/* The first n bytes of the input are "TARGET\nCODE\nMESSAGE": see gw_refuse. */
EXPORT("refuse") struct gw_str *gw_box_refuse(uint32_t status, uint32_t n) {
    static char out[REFUSAL_MAX];
    struct gw_refusal refusal = {.status = status};
    struct gw_str rest = {input, n};
    refusal.target = gw_str_cut(&rest, '\n');
    refusal.code = gw_str_cut(&rest, '\n');
    refusal.message = rest;
    text = gw_str(out, gw_refuse(&refusal, out, sizeof out));
    return &text;
}

EXPORT("has_news") uint32_t gw_box_has_news(void) {
    return gw_has_news(gateway);
}
