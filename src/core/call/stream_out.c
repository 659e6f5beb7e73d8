/*
 * What the client gets of a stream in one turn: pieces of the chunk and of what is held, as the slices of
 * one DATA.
 */
#include "core/call/call.h"

static bool is_held(const struct gw_slice *slice) {
    return slice->kind == GW_LITERAL && slice->p == NULL;
}

static const char *where(const struct stream *s, const struct gw_slice *slice) {
    if (slice->kind == GW_CHUNK)
        return s->chunk.p + slice->off;
    return is_held(slice) ? s->held.p + slice->off : slice->p;
}

static bool joins(const struct gw_slice *last, const struct gw_slice *slice) {
    return last->kind == slice->kind && (last->kind == GW_CHUNK || is_held(last)) &&
           is_held(last) == is_held(slice) && last->off + last->len == slice->off;
}

struct gw_buf *stream_spill(struct gw_call *c) {
    struct stream_out *out = &c->stream->turn;
    if (out->spill.max == 0)
        gw_buf_init(&out->spill, &c->arena,
                    c->stream->speech != NULL ? STREAM_SPEECH_MAX : STREAM_SPILL_MAX);
    out->spilled = true;
    return &out->spill;
}

/* No slice is left: what comes now is copied. */
static void spill(struct gw_call *c, const struct gw_slice *slice) {
    struct gw_buf *b = stream_spill(c);
    gw_buf_put(b, gw_str(where(c->stream, slice), (size_t)slice->len));
    c->arena_full |= b->full;
}

void stream_put(struct gw_call *c, struct gw_slice slice) {
    struct stream_out *out = &c->stream->turn;
    if (slice.len == 0)
        return;
    if (!out->spilled && out->n > out->given && joins(&out->slice[out->n - 1], &slice))
        out->slice[out->n - 1].len += slice.len;
    else if (!out->spilled && out->n < STREAM_SLICES)
        out->slice[out->n++] = slice;
    else
        spill(c, &slice);
}

void stream_put_text(struct gw_call *c, struct gw_str text) {
    stream_put(c, (struct gw_slice){.kind = GW_LITERAL, .p = text.p, .len = text.n});
}

void stream_put_number(struct gw_call *c, uint32_t n) {
    struct stream_out *out = &c->stream->turn;
    bool copied = out->spilled || out->n >= STREAM_SLICES;
    char *at = out->number[copied ? STREAM_SLICES : out->n];
    struct gw_buf b = {.p = at, .cap = STREAM_NUMBER_MAX, .max = STREAM_NUMBER_MAX};
    gw_buf_put_u64(&b, n);
    stream_put_text(c, gw_buf_str(&b));
}

void stream_flush(struct gw_call *c) {
    struct stream *s = c->stream;
    struct stream_out *out = &s->turn;
    size_t spilled = out->spill.n - out->spill_given;
    if (spilled > 0)
        out->slice[out->n++] = (struct gw_slice){
            .kind = GW_LITERAL, .p = out->spill.p + out->spill_given, .len = spilled};
    if (out->n == out->given)
        return;
    for (uint32_t i = out->given; i < out->n; i++)
        if (out->slice[i].kind == GW_LITERAL)
            out->slice[i].p = where(s, &out->slice[i]);
    struct gw_action *a = call_push(c, GW_DATA);
    a->attempt = c->attempt.number;
    a->data.slices = out->slice + out->given;
    a->data.slices_n = out->n - out->given;
    out->given = out->n;
    out->spill_given = out->spill.n;
}

void stream_end_copies(struct gw_call *c) {
    struct stream_out *out = &c->stream->turn;
    stream_flush(c);
    out->spilled = out->n >= STREAM_SLICES;
}

void stream_begin_turn(struct gw_call *c) {
    struct stream_out *out = &c->stream->turn;
    out->n = out->given = 0;
    out->spill.n = out->spill_given = 0;
    out->spilled = false;
}
