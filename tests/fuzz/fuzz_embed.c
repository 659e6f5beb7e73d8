/*
 * Embeddings, translated: whatever comes as a request or as an answer is read without a fault. What is made of it is
 * JSON in every dialect, fits the room that was foreseen for it, and says as many texts or vectors when it is read
 * again. Numbers become the floats that the C library makes of them.
 *
 * The first byte says what it is, and what a client of an answer wants; the rest is the text.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/json_scan.h"
#include "base/real32.h"
#include "format/embed.h"
#include "heap.h"

enum { TEXT_MAX = 1 << 16, OUT_MAX = 1 << 22, ARENA_MAX = 1 << 25, NUMBER_MAX = 512 };

static bool is_json(struct gw_str text) {
    struct gw_json_scan scan;
    gw_json_scan_init(&scan, NULL);
    return gw_json_scan_feed(&scan, text) == 0 && gw_json_scan_end(&scan) == 0;
}

static const struct embeds *spoken(uint32_t i) {
    const struct dialect *d;
    for (uint32_t k = 0; (d = dialects_at(k)) != NULL; k++)
        if (d->embeds != NULL && i-- == 0)
            return d->embeds;
    return NULL;
}

static bool read_request(struct gw_str text, struct mean *m) {
    struct gw_walk w;
    gw_walk_init(&w, text);
    embed_read_request(&w, m);
    return gw_walk_end(&w) && !m->bad && !m->full;
}

static void try_request(struct gw_str text, struct gw_arena *arena) {
    static const struct gw_str models[] = {GW_STR_INIT("cohere.\"v4\""), GW_STR_INIT("a model")};
    const struct embeds *out;
    struct mean m = {.arena = arena};
    if (!read_request(text, &m))
        return;
    for (uint32_t i = 0; (out = spoken(i / 2)) != NULL; i++) {
        struct gw_buf b;
        struct gw_out o;
        struct mean again = {.arena = arena};
        gw_buf_init(&b, arena, OUT_MAX);
        gw_out_init(&o, &b);
        out->put_request(&m, models[i % 2], &o);
        if (b.full)
            return;
        GW_ASSERT(is_json(gw_buf_str(&b)));
        bool good = read_request(gw_buf_str(&b), &again);
        bool several = out != &embeds_bedrock || i % 2 == 0;
        uint32_t n = several ? m.embeds.texts.n : 1;
        GW_ASSERT(again.full || again.embeds.texts.n == n);
        GW_ASSERT(again.full || good || n == 0);
    }
}

/* Each number is what the C library makes of it. */
static void check_numbers(struct gw_str vector) {
    struct gw_walk w = mean_walk(vector);
    gw_walk_enter(&w, '[');
    while (gw_walk_item(&w)) {
        char text[NUMBER_MAX];
        struct gw_str number = mean_value(&w);
        if (number.n >= sizeof text)
            continue;
        memcpy(text, number.p, number.n);
        text[number.n] = '\0';
        float f = strtof(text, NULL);
        uint32_t bits;
        memcpy(&bits, &f, sizeof bits);
        GW_ASSERT(gw_real32(number) == bits);
    }
}

static void try_answer(struct gw_str text, uint8_t wants, struct gw_arena *arena) {
    const struct embeds *out;
    struct mean asked = {.arena = arena};
    struct mean_answer a = {.mean = {.arena = arena}};
    struct gw_walk w;
    gw_walk_init(&w, text);
    embed_read_answer(&w, &a);
    if (!gw_walk_end(&w) || a.mean.bad || a.mean.full)
        return;
    for (const struct mean_item *v = a.vectors.first; v != NULL; v = v->next) {
        check_numbers(v->said);
        mean_add_item(&asked, &asked.embeds.texts, GW_STR("a text"), asked.embeds.texts.n);
    }
    asked.embeds.base64 = (wants & 2) != 0;
    asked.embeds.one = (wants & 4) != 0;
    asked.embeds.typed = (wants & 8) != 0;
    for (uint32_t i = 0; (out = spoken(i)) != NULL; i++) {
        struct gw_buf b;
        struct mean_answer again = {.mean = {.arena = arena}};
        gw_buf_init(&b, arena, embed_room(&asked, text.n));
        out->put_answer(&a, &asked, &b);
        GW_ASSERT(!b.full || arena->used > ARENA_MAX / 4);
        if (b.full)
            return;
        GW_ASSERT(is_json(gw_buf_str(&b)));
        gw_walk_init(&w, gw_buf_str(&b));
        embed_read_answer(&w, &again);
        bool packed = out == &embeds_openai && asked.embeds.base64;
        bool one = out != &embeds_openai && asked.embeds.one;
        GW_ASSERT(again.mean.full || packed || again.vectors.n == (one ? 1 : a.vectors.n));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1 || size > TEXT_MAX)
        return 0;
    char *copy = malloc(size);
    GW_ASSERT(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    struct gw_str text = gw_str(copy, size - 1);
    struct gw_arena arena;
    gw_arena_init(&arena, &heap, 65536, ARENA_MAX);
    if (is_json(text) && (data[0] & 1) == 0)
        try_request(text, &arena);
    else if (is_json(text))
        try_answer(text, data[0], &arena);
    gw_arena_del(&arena);
    free(copy);
    return 0;
}
