/*
 * Translation: whatever comes as a request, a whole answer or a stream of any dialect is read without a fault, and
 * what is made of it is JSON in every dialect, which that dialect reads again: as a request with as many turns'
 * worth of meaning, as an answer that is none the worse.
 *
 * The first byte says what it is and of which dialect; the rest is the text.
 */
#include <stdlib.h>

#include "../unit/frames.h"
#include "base/check.h"
#include "base/json_scan.h"
#include "format/speech.h"
#include "heap.h"

enum { TEXT_MAX = 1 << 16, OUT_MAX = 1 << 22, ARENA_MAX = 1 << 25 };

static const struct seal seal = {GW_STR_INIT("secret"), GW_STR_INIT("who")};

static bool is_json(struct gw_str text) {
    struct gw_json_scan scan;
    gw_json_scan_init(&scan, NULL);
    return gw_json_scan_feed(&scan, text) == 0 && gw_json_scan_end(&scan) == 0;
}

/* Dialect i of those that are translated; NULL behind the last. */
static const struct dialect *spoken(uint32_t i) {
    const struct dialect *d;
    for (uint32_t k = 0; (d = dialects_at(k)) != NULL; k++)
        if (d->speech != NULL && i-- == 0)
            return d;
    return NULL;
}

static bool read_request(const struct dialect *d, struct gw_str text, struct mean *m) {
    struct gw_walk w;
    gw_walk_init(&w, text);
    d->speech->read_request(&w, m);
    return gw_walk_end(&w) && !m->bad && !m->full;
}

static void try_request(const struct dialect *in, struct gw_str text, struct gw_arena *arena) {
    const struct dialect *out;
    struct mean m = {.arena = arena};
    if (!read_request(in, text, &m))
        return;
    seal_open_request(&seal, &m, in);
    for (uint32_t i = 0; (out = spoken(i)) != NULL; i++) {
        struct gw_buf b;
        struct gw_out o;
        struct mean again = {.arena = arena};
        gw_buf_init(&b, arena, OUT_MAX);
        gw_out_init(&o, &b);
        (void)seal_choose(&m, out);
        out->speech->put_request(&m, GW_STR("a \"model\""), &o);
        if (b.full || m.full)
            return;
        GW_ASSERT(is_json(gw_buf_str(&b)));
        struct gw_walk w;
        gw_walk_init(&w, gw_buf_str(&b));
        out->speech->read_request(&w, &again);
        GW_ASSERT(gw_walk_end(&w) || again.full);
    }
}

/* The data of each event is JSON, but for OpenAI's end mark. */
static void check_events(const struct dialect *out, struct gw_str text) {
    struct event_source source = {.dialect = out};
    struct event e;
    size_t n;
    while ((n = frame_length(text, 0, out->framing)) > 0 && n != FRAME_BAD) {
        event_read(gw_str_sub(text, 0, n), out->framing, &source, &e);
        GW_ASSERT(e.is != EVENT_MALFORMED && e.is != EVENT_ERROR);
        text = gw_str_sub(text, n, text.n);
    }
    GW_ASSERT(text.n == 0 || text.n > FRAME_MAX);
}

/* As a stream. */
static void tell_answer(const struct dialect *in, const struct dialect *out,
                        const struct mean_answer *a, const struct mean *asked) {
    struct mean_stream s = {
        .arena = asked->arena, .in = in, .out = out, .asked = asked, .wants_usage = true};
    struct gw_buf b;
    gw_buf_init(&b, asked->arena, OUT_MAX);
    steps_answer(&s, a, &b);
    if (!b.full && !s.full)
        check_events(out, gw_buf_str(&b));
}

static void try_answer(const struct dialect *in, struct gw_str text, struct gw_arena *arena) {
    const struct dialect *out;
    struct mean asked = {.arena = arena};
    struct mean_answer a = {.mean = {.arena = arena}, .created = 1, .seed = 1};
    struct gw_walk w;
    gw_walk_init(&w, text);
    in->speech->read_answer(&w, &a);
    if (!gw_walk_end(&w) || a.mean.bad || a.mean.full)
        return;
    seal_answer(&seal, &a, in);
    for (uint32_t i = 0; (out = spoken(i)) != NULL; i++) {
        struct gw_buf b;
        gw_buf_init(&b, arena, OUT_MAX);
        out->speech->put_answer(&a, &asked, &b);
        GW_ASSERT(b.full || a.mean.full || is_json(gw_buf_str(&b)));
        tell_answer(in, out, &a, &asked);
    }
}

static void try_stream(const struct dialect *in, const struct dialect *out, struct gw_str text,
                       struct gw_arena *arena) {
    struct mean asked = {.arena = arena};
    struct mean_stream s = {.arena = arena,
                            .in = in,
                            .out = out,
                            .asked = &asked,
                            .seal = &seal,
                            .created = 1,
                            .seed = 1,
                            .model = GW_STR("m"),
                            .wants_usage = true};
    struct event_source source = {.dialect = in};
    struct gw_buf b;
    size_t n;
    gw_buf_init(&b, arena, OUT_MAX);
    while ((n = frame_length(text, 0, in->framing)) > 0 && n != FRAME_BAD) {
        struct event e;
        event_read(gw_str_sub(text, 0, n), in->framing, &source, &e);
        if (e.is >= EVENT_PREAMBLE && e.is <= EVENT_END)
            steps_put(&s, &e, gw_str_sub(text, 0, n), &b);
        text = gw_str_sub(text, n, text.n);
    }
    steps_end(&s, &b);
    if (!b.full && !s.full)
        check_events(out, gw_buf_str(&b));
}

static void mend(char *p, size_t n) {
    for (size_t length = frames_mend(p, n); length > 0; length = frames_mend(p, n)) {
        p += length;
        n -= length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1 || size > TEXT_MAX)
        return 0;
    uint32_t n = 0;
    while (spoken(n) != NULL)
        n++;
    const struct dialect *in = spoken(data[0] / 3 % n), *out;
    char *copy = malloc(size);
    GW_ASSERT(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    struct gw_str text = gw_str(copy, size - 1);
    bool stream = data[0] % 3 == 2;
    if (stream && in->framing == FRAMING_AWS)
        mend(copy, size - 1);
    /* The gateway translates what has passed its scanner: valid UTF-8, no lone surrogates. */
    for (uint32_t i = 0; (out = spoken(i)) != NULL && (stream || is_json(text)); i++) {
        struct gw_arena arena;
        gw_arena_init(&arena, &heap, 65536, ARENA_MAX);
        if (stream)
            try_stream(in, out, text, &arena);
        else if (i == 0 && data[0] % 3 == 0)
            try_request(in, text, &arena);
        else if (i == 0)
            try_answer(in, text, &arena);
        gw_arena_del(&arena);
    }
    free(copy);
    return 0;
}
