/*
 * Streams of events: in every cut the same events are found, what they name lies within them, and a
 * shape that was learned says what reading says. Then the first half of what was found is delivered
 * and met again: nothing differs from itself.
 */
#include <stdlib.h>

#include "../unit/frames.h"
#include "base/check.h"
#include "core/call/delivered.h"
#include "format/frame.h"
#include "format/shape.h"
#include "heap.h"

struct count {
    uint32_t events, pieces;
    uint64_t bytes; /* of content, as it stands */
};

static void look(struct gw_str event, const struct event *e, struct count *count) {
    const char *end = event.p + event.n;
    GW_ASSERT(e->pieces_n <= EVENT_PIECES && e->is <= EVENT_STRANGE);
    for (uint32_t i = 0; i < e->pieces_n; i++) {
        struct gw_str raw = e->piece[i].raw;
        GW_ASSERT(raw.n > 0 && raw.p >= event.p && raw.p + raw.n <= end);
        count->bytes += raw.n;
    }
    GW_ASSERT(e->id.n == 0 || (e->id.p >= event.p && e->id.p + e->id.n <= end));
    count->events++;
    count->pieces += e->pieces_n;
}

static void check_shape(struct shape *shape, struct gw_str event, const struct event *e) {
    struct event_piece piece;
    size_t n = shape_match(shape, event, &piece);
    if (n > 0) {
        GW_ASSERT(n <= event.n);
        GW_ASSERT(n < event.n || e->is == EVENT_CONTENT || piece.raw.n == 0);
        GW_ASSERT(n < event.n || e->pieces_n != 1 || gw_str_eq(piece.raw, e->piece[0].raw));
    }
    shape_learn(shape, event, e);
}

/* The CRCs of frames, one after the other, or hardly any would pass. */
static void mend(char *p, size_t n) {
    for (size_t length = frames_mend(p, n); length > 0; length = frames_mend(p, n)) {
        p += length;
        n -= length;
    }
}

/* Reads the stream, each event looked for after `step` more bytes. */
static struct count walk(struct gw_str all, enum framing framing, size_t step, struct delivered *d,
                         bool again) {
    struct event_source source = {.dialect = NULL};
    struct shape shape = {.before = 0};
    struct count count = {0, 0, 0};
    size_t from = 0, have = 0, seen = 0;
    while (have < all.n) {
        have = all.n - have < step ? all.n : have + step;
        for (size_t n = 1; n > 0;) {
            struct gw_str rest = gw_str(all.p + from, have - from);
            struct event e;
            n = frame_length(rest, seen, framing);
            seen = n > 0 ? 0 : rest.n;
            if (n == FRAME_BAD)
                return count;
            if (n == 0)
                break;
            struct gw_str event = gw_str_sub(rest, 0, n);
            event_read(event, framing, &source, &e);
            look(event, &e, &count);
            if (d == NULL)
                check_shape(&shape, event, &e);
            for (uint32_t i = 0; d != NULL && i < e.pieces_n; i++) {
                size_t cut;
                if (!again && !delivered_add(d, &e.piece[i]))
                    return count; /* too many channels */
                GW_ASSERT(!again ||
                          (delivered_meet(d, &e.piece[i], &cut) && cut == e.piece[i].raw.n));
            }
            from += n;
        }
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    enum framing framing = data[0] % 3;
    size_t step = data[1] % 16 + 1u;
    char *copy = malloc(size - 2 + 1);
    GW_ASSERT(copy != NULL);
    memcpy(copy, data + 2, size - 2);
    if (framing == FRAMING_AWS)
        mend(copy, size - 2);
    struct gw_str all = gw_str(copy, size - 2);
    struct count whole = walk(all, framing, all.n + 1, NULL, false);
    struct count cut = walk(all, framing, step, NULL, false);
    GW_ASSERT(whole.events == cut.events && whole.pieces == cut.pieces && whole.bytes == cut.bytes);
    struct gw_arena arena;
    struct delivered d;
    gw_arena_init(&arena, &heap, 4096, 1 << 20);
    delivered_init(&d, &arena);
    (void)walk(all, framing, all.n + 1, &d, false);
    if (d.channels_n < DELIVERED_CHANNELS) {
        delivered_again(&d);
        (void)walk(all, framing, step, &d, true);
        GW_ASSERT(d.behind == 0);
    }
    gw_arena_del(&arena);
    free(copy);
    return 0;
}
