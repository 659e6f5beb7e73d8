/*
 * A stream of a target that speaks another dialect than the client: its events are read as always (stream.c), and
 * what they say is written anew. Nothing of them goes out as it came. What is written before the commit waits
 * (`ahead`); behind it, everything of a turn goes out in one piece.
 */
#include "core/call/call.h"
#include "core/call/translate.h"

struct stream_speech {
    struct mean_stream to; /* what the client has been told */
    struct gw_buf ahead;   /* before the commit */
    struct gw_buf last;    /* its end, until the answer is kept */
    bool waits;            /* for that */
};

enum { AHEAD_MAX = 65536 };

static struct gw_buf *text(struct gw_call *c) {
    struct stream *s = c->stream;
    return s->begun ? stream_spill(c) : &s->speech->ahead;
}

bool speak_begin(struct gw_call *c, struct gw_time now) {
    struct stream *s = c->stream;
    const struct dialect *in = chain_link(c) != NULL ? chain_link(c)->speaks : NULL;
    if (s->begun)
        return true; /* another attempt goes on with it */
    s->speech = NULL;
    if (in == NULL)
        return true;
    struct stream_speech *speech = gw_arena_get(&c->arena, sizeof *speech);
    if (speech == NULL)
        return false;
    struct call_translation *t = c->translation;
    gw_buf_init(&speech->ahead, &c->arena, AHEAD_MAX);
    /* A buffer that grows leaves smaller ones behind, as large as itself in all; and writers keep some of an event. */
    c->arena.cap += 2 * (STREAM_SPEECH_MAX + STREAM_TOLD_HELD) + 6 * STREAM_TOLD_MAX;
    s->held.max = STREAM_TOLD_HELD;
    speech->to = (struct mean_stream){.arena = &c->arena,
                                      .in = in,
                                      .out = t->from,
                                      .asked = &t->mean,
                                      .seal = &t->seal,
                                      .model = chain_model(c),
                                      .created = (uint64_t)(now.wall_ms / 1000),
                                      .seed = t->seed + c->attempt.number,
                                      .wants_usage = t->mean.wants_usage};
    s->speech = speech;
    s->in.dialect = in;
    s->likely = in;
    s->out = t->from;
    return true;
}

void speak_put_head(const struct gw_call *c, struct gw_buf *out) {
    const struct call_translation *t = c->translation;
    head_put(out, GW_STR("content-type"),
             t->mean.list ? GW_STR("application/json") : frame_type(t->from->framing));
    translate_put_id(c, out);
}

/* The stream has begun: what has been written until now goes out. */
void speak_commit(struct gw_call *c) {
    struct stream *s = c->stream;
    gw_buf_put(stream_spill(c), gw_buf_str(&s->speech->ahead));
    s->speech->ahead.n = 0;
}

static void look(struct gw_call *c, const struct gw_buf *b) {
    c->arena_full |= b->full || c->stream->speech->to.full;
}

/* It goes out at once, or when the answer is kept. */
void speak_end(struct gw_call *c, struct gw_time now) {
    struct stream_speech *s = c->stream->speech;
    if (s->to.over)
        return;
    gw_buf_init(&s->last, &c->arena, STREAM_SPEECH_MAX);
    struct gw_buf *b = remember_is_due(c) ? &s->last : text(c);
    steps_end(&s->to, b);
    look(c, b);
    if (b != &s->last)
        return;
    s->waits = true;
    if (c->arena_full || !remember_stream(c, &s->to, s->last.n, now))
        speak_last(c);
}

bool speak_waits(const struct gw_call *c) {
    return c->stream->speech->waits;
}

void speak_last(struct gw_call *c) {
    struct stream_speech *s = c->stream->speech;
    s->waits = false;
    stream_end_copies(c);
    stream_put_text(c, gw_buf_str(&s->last));
}

void speak_event(struct gw_call *c, const struct event *e, struct gw_str event,
                 struct gw_time now) {
    struct gw_buf *b = text(c);
    struct mean_stream *to = &c->stream->speech->to;
    if (to->over || e->is == EVENT_PING || e->is == EVENT_STRANGE)
        return;
    steps_put(to, e, event, b);
    look(c, b);
    if (e->end)
        speak_end(c, now);
}

void speak_piece(struct gw_call *c, const struct event_piece *piece) {
    struct gw_buf *b = text(c);
    steps_piece(&c->stream->speech->to, piece, b);
    look(c, b);
}

/* The message in an event that tells an error, plain; what holds it is JSON somewhere in it. */
struct gw_str speak_error(struct gw_call *c, struct gw_str event) {
    struct mean_error said = {.message = GW_STR("")};
    struct gw_walk w;
    struct gw_buf b;
    gw_walk_init(&w, event_json(c->stream->speech->to.in, event));
    mean_read_error(&w, &said);
    gw_buf_init(&b, &c->arena, said.message.n + 1);
    gw_json_decode(&b, said.message);
    return b.n > 0 ? gw_buf_str(&b) : GW_STR("the target sent an error");
}

bool speak_lists(const struct gw_call *c) {
    return c->translation != NULL && c->translation->mean.list;
}

struct gw_str speak_lead_item(const struct gw_call *c) {
    const struct stream_speech *speech = c->stream->speech;
    return speech != NULL ? mean_lead_item(&speech->to) : GW_STR("[");
}

uint32_t speak_sequence(const struct gw_call *c) {
    return c->stream->speech->to.sequence;
}
