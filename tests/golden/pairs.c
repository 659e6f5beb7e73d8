/*
 * What translation costs, for each pair of dialects: microseconds for a request of 4 KB and of 100 KB, read in one and
 * written in the other, and for an event of a stream of text (about 200 bytes), read and written as the gateway does it
 * (core/call/stream.c).
 *
 *     pairs [MS]    each figure is the best of five runs of so many ms; 20 if nothing is said
 *
 * Natively this is the daemon's code. As wasm (tools/run-wasi.mjs build/pairs.wasm) it is the Worker's: compiled
 * and optimized as build/core.wasm is, and run in V8. Times are of this thread's CPU.
 */
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "format/frame.h"
#include "format/shape.h"
#include "format/speech.h"

enum { ARENA_MAX = 1 << 26, TEXT = 300, SMALL = 4096, LARGE = 102400, EVENTS = 1000, RUNS = 5 };

static void *mem_get(void *user, size_t n) {
    (void)user;
    return malloc(n);
}
static void mem_put(void *user, void *p, size_t n) {
    (void)user, (void)n;
    free(p);
}
static const struct gw_mem mem = {mem_get, mem_put, NULL};
static double run_ms = 20;

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* ------------------------------------------------------------------ what is translated */

static struct gw_str words(struct gw_arena *arena, size_t n) {
    static const char line[] = "The quick brown fox jumps over the lazy dog; \\\"really\\\".\\n";
    struct gw_buf b;
    gw_buf_init(&b, arena, n + sizeof line);
    while (b.n < n)
        gw_buf_put(&b, gw_str(line, sizeof line - 1));
    return gw_buf_str(&b);
}

/* A conversation of about so many bytes of text, with a tool. */
static void make(struct mean *m, size_t bytes) {
    struct mean_tool *tool = mean_add_tool(m, MEAN_FUNCTION);
    tool->name = GW_STR("weather");
    tool->description = words(m->arena, 60);
    tool->schema =
        GW_STR("{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"},"
               "\"unit\":{\"type\":\"string\",\"enum\":[\"C\",\"F\"]}},\"required\":[\"city\"]}");
    m->max_tokens = GW_STR("1000");
    for (size_t n = 0; n < bytes; n += TEXT) {
        bool user = n / TEXT % 2 == 0;
        struct mean_turn *t = mean_add_turn(m, user ? MEAN_USER : MEAN_ASSISTANT);
        mean_add_part(m, t, MEAN_TEXT)->text = words(m->arena, TEXT - 60);
    }
    mean_add_part(m, mean_add_turn(m, MEAN_USER), MEAN_TEXT)->text = words(m->arena, 20);
}

static struct gw_str put(const struct dialect *d, const struct mean *m, struct gw_arena *arena) {
    struct gw_buf b;
    struct gw_out o;
    gw_buf_init(&b, arena, 1 << 20);
    gw_out_init(&o, &b);
    d->speech->put_request(m, GW_STR("some-model"), &o);
    return gw_buf_str(&b);
}

static struct mean_stream stream_of(const struct dialect *in, const struct dialect *out,
                                    const struct mean *asked, struct gw_arena *arena) {
    return (struct mean_stream){.arena = arena,
                                .in = in,
                                .out = out,
                                .asked = asked,
                                .model = GW_STR("some-model"),
                                .seed = 7};
}

/* A stream of text in this dialect. */
static struct gw_str stream_in(const struct dialect *d, struct gw_arena *arena) {
    struct mean asked = {.arena = arena};
    struct mean_stream s = stream_of(d, d, &asked, arena);
    struct mean_step step = {.kind = MEAN_STEP_TEXT, .raw = GW_STR(" some words of it")};
    struct gw_buf b;
    gw_buf_init(&b, arena, 1 << 20);
    d->speech->begin(&s, &b);
    s.begun = true;
    s.choices = 1;
    for (int i = 0; i < EVENTS; i++)
        d->speech->step(&s, &step, &b);
    return gw_buf_str(&b);
}

/* ------------------------------------------------------------------ translating */

static size_t translate_request(const struct dialect *a, const struct dialect *b,
                                struct gw_str body) {
    struct gw_arena arena;
    struct gw_walk w;
    gw_arena_init(&arena, &mem, 1 << 16, ARENA_MAX);
    struct mean m = {.arena = &arena, .alike = true};
    gw_walk_init(&w, body);
    a->speech->read_request(&w, &m);
    size_t n = m.bad || m.full ? 0 : put(b, &m, &arena).n;
    gw_arena_del(&arena);
    return n;
}

/* The events of a stream, one by one: most have the shape of the one before. */
static size_t translate_stream(const struct dialect *a, const struct dialect *b,
                               struct gw_str text) {
    struct gw_arena arena;
    gw_arena_init(&arena, &mem, 1 << 16, ARENA_MAX);
    struct mean asked = {.arena = &arena};
    struct mean_stream s = stream_of(a, b, &asked, &arena);
    struct event_source source = {.dialect = a};
    struct shape shape = {.before = 0};
    struct event e;
    struct event_piece piece;
    struct gw_buf out;
    size_t n, all = 0;
    gw_buf_init(&out, &arena, 1 << 20);
    while (text.n > 0) {
        n = a->framing == FRAMING_AWS ? 0 : shape_match(&shape, text, &piece);
        if (n > 0) {
            steps_piece(&s, &piece, &out);
        } else if ((n = frame_length(text, 0, a->framing)) == 0 || n == FRAME_BAD) {
            break;
        } else {
            struct gw_str event = gw_str_sub(text, 0, n);
            event_read(event, a->framing, &source, &e);
            shape_learn(&shape, event, &e);
            if (e.is != EVENT_PING)
                steps_put(&s, &e, event, &out);
        }
        text = gw_str_sub(text, n, text.n);
        all += out.n;
        out.n = 0; /* it has been sent */
    }
    gw_arena_del(&arena);
    return all;
}

/* ------------------------------------------------------------------ measuring */

typedef size_t work(const struct dialect *a, const struct dialect *b, struct gw_str text);

/* Microseconds; 0: it cannot be done. */
static double time_of(work *do_it, const struct dialect *a, const struct dialect *b,
                      struct gw_str text) {
    double best = 0;
    if (do_it(a, b, text) == 0)
        return 0;
    for (int run = 0; run < RUNS; run++) {
        uint32_t n = 0;
        double from = now_us(), us = 0;
        for (; us < 1000 * run_ms; n++, us = now_us() - from)
            do_it(a, b, text);
        best = run == 0 || us / n < best ? us / n : best;
    }
    return best;
}

int main(int argc, char **argv) {
    struct gw_arena arena;
    const struct dialect *a, *b;
    double most[3] = {0};
    if (argc > 1)
        run_ms = atof(argv[1]);
    gw_arena_init(&arena, &mem, 1 << 20, ARENA_MAX);
    struct mean small = {.arena = &arena}, large = {.arena = &arena};
    make(&small, SMALL - 1000);
    make(&large, LARGE - 4000);
    printf("| from | to | 4 KB request | 100 KB request | event |\n|---|---|---|---|---|\n");
    for (uint32_t i = 0; (a = dialects_at(i)) != NULL; i++)
        for (uint32_t k = 0; (b = dialects_at(k)) != NULL; k++) {
            if (a->speech == NULL || b->speech == NULL || a == b)
                continue;
            double us[3] = {time_of(translate_request, a, b, put(a, &small, &arena)),
                            time_of(translate_request, a, b, put(a, &large, &arena)),
                            time_of(translate_stream, a, b, stream_in(a, &arena)) / EVENTS};
            printf("| %.*s | %.*s | %.1f | %.1f | %.2f |\n", (int)a->name.n, a->name.p,
                   (int)b->name.n, b->name.p, us[0], us[1], us[2]);
            for (int c = 0; c < 3; c++)
                most[c] = us[c] > most[c] ? us[c] : most[c];
        }
    printf("at most: %.1f us, %.1f us, %.2f us\n", most[0], most[1], most[2]);
    gw_arena_del(&arena);
    return 0;
}
