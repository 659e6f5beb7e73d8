/*
 * How much work a stream's bytes make, counted: by the blocks of code that run for them and the bytes
 * that memchr and its like go through. Nothing here depends on the clock. The core is compiled so that
 * each block of it counts itself (variant `counted`), and is driven as by a host.
 *
 * Four times the bytes may make four times the work, whatever the bytes are, whatever their chunks and
 * whatever the stream's state. And where an event ends is found by a few looks at each byte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/gw.h"
#include "format/frame.h"

enum {
    LITTLE = 15 << 10,
    MUCH = 4 * LITTLE, /* no more than may be held of one event */
    LOOKS_MAX =
        50, /* at a byte, to find where an event ends; a word that is read counts as eight */
};
static const double growth_max =
    5; /* four, and what it costs when the head goes out; squared it would be 16 */

static uint64_t work, *cells;
static unsigned failed;

/* ------------------------------------------------------------------ counting */

void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void) {
    work++;
}

/* The linker puts these in the places of the functions without __wrap_ (see Makefile). */
#define COUNTED(result, name, first, second)                                                       \
    result __real_##name(first, second, size_t n);                                                 \
    result __wrap_##name(first, second, size_t n);                                                 \
    result __wrap_##name(first p, second q, size_t n) {                                            \
        work += n;                                                                                 \
        return __real_##name(p, q, n);                                                             \
    }
COUNTED(void *, memcpy, void *, const void *)
COUNTED(void *, memmove, void *, const void *)
COUNTED(void *, memset, void *, int)
COUNTED(int, memcmp, const void *, const void *)

void *__real_memchr(const void *p, int c, size_t n);
void *__wrap_memchr(const void *p, int c, size_t n);
void *__wrap_memchr(const void *p, int c, size_t n) {
    const char *at = __real_memchr(p, c, n);
    work += at != NULL ? (size_t)(at - (const char *)p) + 1 : n;
    return (void *)at;
}

/* ------------------------------------------------------------------ streams */

#define CONTENT(text) "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"}}]}\n\n"
#define LINE(text) "{\"message\":{\"content\":\"" text "\"},\"done\":false}\n"

struct kind {
    const char *name, *unit; /* repeated over and over */
    bool lines;
};

static const struct kind kinds[] = {
    {"text", CONTENT(" word"), false},
    {"text of all shapes",
     CONTENT(" word") "data:  {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n", false},
    {"text in escapes", CONTENT("\\n\\u00e9\\\"\\n\\n\\n\\n"), false},
    {"many choices", "data: {\"choices\":[{},{},{},{},{},{},{},{},{},{},{},{}]}\n\n", false},
    {"comments", ":\n\n", false},
    {"comments and CRs", ":\r\r", false},
    {"LFs", "\n", false},
    {"CRs", "\r", false},
    {"CRLFs", "\r\n", false},
    {"lines of no event", ":\n", false},
    {"lines of no event, CRs", ":\r", false},
    {"lines of no event, CRLFs", ":\r\n", false},
    {"empty data", "data:\n\n", false},
    {"empty objects", "data:{}\n\n", false},
    {"torn objects", "data:{\"\n\n", false},
    {"tabs", "\t", false},
    {"quotes", CONTENT("\",\"a\":\""), false},
    {"a string without end", "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"", false},
    {"lines", LINE(" word"), true},
    {"empty lines", "\n", true},
    {"empty objects in lines", "{}\n", true},
    {"a line without end", " ", true},
};

/* What the stream has come to when the bytes come. */
enum state { HELD, OBSERVED, RESUMED, STATES };
static const char *const states[STATES] = {"held", "observed", "resumed"};

/* ------------------------------------------------------------------ a host */

static void *mem_get(void *user, size_t n) {
    (void)user;
    return malloc(n);
}

static void mem_put(void *user, void *p, size_t n) {
    (void)user, (void)n;
    free(p);
}

static struct gw_time now(void) {
    return (struct gw_time){1000, 1.8e12};
}

static void feed(struct gw_call *c, const struct gw_event *e) {
    struct gw_action a;
    if (gw_feed(c, e, now()) != 0) {
        printf("an event was not taken\n");
        exit(1);
    }
    while (gw_poll(c, &a) != GW_WAIT && a.kind != GW_END)
        ;
}

static void feed_head(struct gw_call *c, uint32_t attempt, bool lines) {
    struct gw_header type = {GW_STR("content-type"),
                             lines ? GW_STR("application/x-ndjson") : GW_STR("text/event-stream")};
    struct gw_event e = {.kind = GW_RES_HEAD, .attempt = attempt};
    e.res_head = (struct gw_res_head){200, &type, 1, GW_UNKNOWN};
    feed(c, &e);
}

static void feed_bytes(struct gw_call *c, uint32_t attempt, struct gw_str bytes) {
    struct gw_event e = {.kind = GW_RES_BODY, .attempt = attempt, .res_body = bytes};
    feed(c, &e);
}

static void feed_first(struct gw_call *c, uint32_t attempt, bool lines) {
    feed_head(c, attempt, lines);
    feed_bytes(c, attempt, lines ? GW_STR(LINE("first")) : GW_STR(CONTENT("first")));
}

static struct gw *make_gateway(void) {
    static const struct gw_mem mem = {mem_get, mem_put, NULL};
    static const char env[] = "GATEWAY_AUTH=off\0COLAB_ENDPOINT_3=http://127.0.0.1:9003\0"
                              "COLAB_ENDPOINT_4=http://127.0.0.1:9004\0";
    if (cells == NULL)
        cells = malloc(gw_cells_n() * sizeof *cells);
    if (cells == NULL)
        abort();
    memset(cells, 0, gw_cells_n() * sizeof *cells);
    struct gw_cells all = {cells, 1};
    struct gw_source source = {GW_EDGE, {env, sizeof env - 1}, {NULL, 0}};
    char why[256];
    size_t n;
    struct gw *gw = gw_new(&mem, &all, &source, 7, why, sizeof why, &n);
    if (gw == NULL) {
        printf("%.*s\n", (int)n, why);
        exit(1);
    }
    return gw;
}

/* A stream in this state; `*attempt` goes on. */
static struct gw_call *make_stream(struct gw *gw, bool lines, enum state state, uint32_t *attempt) {
    struct gw_call *c = gw_open(gw, now());
    struct gw_event e = {.kind = GW_REQ_HEAD};
    e.req_head = (struct gw_req_head){.method = GW_STR("POST"),
                                      .target = lines ? GW_STR("/api/heavy/code/api/chat")
                                                      : GW_STR("/api/heavy/code/v1/messages"),
                                      .authority = GW_STR("gw")};
    feed(c, &e);
    *attempt = 1;
    if (state == HELD)
        feed_head(c, 1, lines);
    else
        feed_first(c, 1, lines);
    if (state == RESUMED) {
        e = (struct gw_event){.kind = GW_RES_END, .attempt = 1, .res_end = {GW_CUT}};
        feed(c, &e);
        *attempt = 2;
        feed_first(c, 2, lines);
    }
    return c;
}

/* ------------------------------------------------------------------ measuring */

/* The work that these bytes make, in chunks of `step`. */
static uint64_t measure(const struct kind *kind, enum state state, struct gw_str bytes,
                        size_t step) {
    uint32_t attempt;
    struct gw *gw = make_gateway();
    struct gw_call *c = make_stream(gw, kind->lines, state, &attempt);
    uint64_t before = work;
    for (size_t at = 0; at < bytes.n; at += step)
        feed_bytes(c, attempt, gw_str_sub(bytes, at, step));
    uint64_t done = work - before;
    gw_close(c, now());
    gw_del(gw);
    return done;
}

static void check(bool good, const char *name, const char *how, double is, double most) {
    if (good)
        return;
    printf("%s, %s: %.1f, and not %.1f at most\n", name, how, is, most);
    failed++;
}

static void check_growth(const struct kind *kind, enum state state, struct gw_str bytes,
                         size_t step) {
    char how[64];
    uint64_t little = measure(kind, state, gw_str_sub(bytes, 0, LITTLE), step);
    uint64_t much = measure(kind, state, bytes, step);
    double growth = (double)much / (double)little;
    (void)snprintf(how, sizeof how, "%s, by %zu bytes: work for four times as many", states[state],
                   step);
    check(growth <= growth_max, kind->name, how, growth, growth_max);
}

static void check_frames(const struct kind *kind, struct gw_str bytes, size_t step) {
    char how[64];
    size_t from = 0, seen = 0;
    uint64_t before = work;
    for (size_t have = 0; have < bytes.n;) {
        have = have + step < bytes.n ? have + step : bytes.n;
        for (size_t n = 1; n > 0; from += n) {
            struct gw_str rest = gw_str(bytes.p + from, have - from);
            n = frame_length(rest, seen, kind->lines);
            seen = n > 0 ? 0 : rest.n;
        }
    }
    double looks = (double)(work - before) / (double)bytes.n;
    (void)snprintf(how, sizeof how, "by %zu bytes: looks at each", step);
    check(looks <= LOOKS_MAX, kind->name, how, looks, LOOKS_MAX);
}

int main(void) {
    static const size_t steps[] = {1, 100, MUCH};
    static char text[MUCH];
    unsigned measured = 0;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        for (size_t i = 0, n = strlen(kinds[k].unit); i < MUCH; i++)
            text[i] = kinds[k].unit[i % n];
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            check_frames(&kinds[k], gw_str(text, MUCH), steps[i]);
            for (enum state s = 0; s < STATES; s++, measured++)
                check_growth(&kinds[k], s, gw_str(text, MUCH), steps[i]);
        }
    }
    printf("%u streams measured, %u beyond\n", measured, failed);
    return failed > 0;
}
