/*
 * Observed streams until they fail: holding, the commit, passing on. The states are in stream.h.
 */
#include "core/call/call.h"

#define NEVER 1e300

enum {
    HEAD_HELD_MS = 10000,
    COMMENT_MS = 10000,
    LINGER_MS = 1000, /* how long a stream may stay open after its end mark */
};

/* ------------------------------------------------------------------ time */

/* Whether a comment may go out now: never within an event. */
static bool may_comment(const struct gw_call *c) {
    const struct stream *s = c->stream;
    return c->has_head && c->state != CALL_DONE && (!s->raw || frame_between(&s->tail));
}

/* When the client is to hear something: the head, or a comment. */
static double comment_at(const struct gw_call *c) {
    if (!c->has_head)
        return c->stream->head.n > 0 ? c->stream->head_at : NEVER;
    return may_comment(c) ? c->stream->comment_at : NEVER;
}

double stream_tick_at(const struct gw_call *c) {
    double at = comment_at(c);
    return c->stream->doubt_at < at ? c->stream->doubt_at : at;
}

static void put_head(struct gw_call *c, struct gw_str target, struct gw_time now) {
    struct gw_buf b;
    if (c->has_head)
        return;
    if (c->attempt.open)
        try_count_time(c, now);
    gw_buf_init(&b, &c->arena, CALL_HEAD_MAX);
    gw_buf_put(&b, c->stream->head);
    end_put_why(c, &b, target, now);
    struct gw_action *a = call_push(c, GW_HEAD);
    a->head.status = c->stream->status;
    a->head.head = gw_buf_str(&b);
    a->head.body_len = GW_UNKNOWN; /* events may be added or left out */
    c->status = c->stream->status;
    c->has_head = true;
    c->stream->comment_at = now.mono_ms + COMMENT_MS;
    c->arena_full |= b.full;
}

void stream_on_tick(struct gw_call *c, struct gw_time now) {
    struct stream *s = c->stream;
    bool over = c->state == CALL_HOLD && now.mono_ms >= c->attempt.limit_at;
    if (over || now.mono_ms < comment_at(c))
        return;
    if (!c->has_head)
        put_head(c, c->attempt.to->target.name, now);
    s->comment_at = now.mono_ms + COMMENT_MS;
    stream_put_text(c, s->out->keep_alive);
}

static void limit_silence(struct gw_call *c, struct gw_time now) {
    doubt_heard(c->stream, now);
    double limit = c->stream->ended ? LINGER_MS : c->stream->silence_ms;
    limit += now.mono_ms;
    c->attempt.limit_at = limit < c->deadline_ms ? limit : c->deadline_ms;
}

/* ------------------------------------------------------------------ the commit */

void stream_let_go(struct gw_call *c) {
    c->stream->resumable = false;
    answer_let_body_go(c);
}

/* Requests held for streams leave half of their client's room to those that have no answer yet. */
static bool may_hold(const struct gw_call *c) {
    return c->body.held == 0 || room_is_ample(&c->gw->cluster.pool.cells, c->body.client,
                                              c->conf->limits.replay_total_max);
}

/* The client gets what is held, and from now on what comes. `resumable`: another target could go on. */
static void commit(struct gw_call *c, bool resumable, struct gw_time now) {
    struct stream *s = c->stream;
    answer_served(c, false, now);
    answer_first_content(c, now);
    put_head(c, c->attempt.to->target.name, now);
    s->begun = true;
    if (s->speech != NULL)
        speak_commit(c);
    else
        stream_put(c, (struct gw_slice){.kind = GW_LITERAL, .off = 0, .len = s->partial});
    if (!resumable || c->bound || !may_hold(c))
        stream_let_go(c);
}

/* Before the commit: the target did not serve, and the next one may. */
static struct next fail_over(struct gw_call *c, uint32_t trouble, struct gw_str why, bool drop,
                             struct gw_time now) {
    struct stream *s = c->stream;
    if (trouble != POOL_FINE)
        blame_later(c, trouble);
    call_candidate(c)->spent = true;
    if (trouble == POOL_CUT)
        c->attempt.stays_ms = STAYS_JITTERED;
    if (trouble == POOL_LATE && c->attempt.to->paid)
        plan_spend_link(&c->plan, c->attempt.at);
    end_because(c, c->attempt.to->target.name, why);
    s->held.n = s->partial = s->choices_told = s->numbered = 0;
    s->head.n = 0;
    s->id = GW_STR("");
    delivered_reset(&s->delivered);
    try_close(c, drop, now);
    return next_target(!c->body.forgotten, true);
}

/* Whether another attempt could be made instead. */
static bool has_other(const struct gw_call *c, struct gw_time now) {
    if (hedge_is_open(c))
        return true;
    /* A provider is asked twice; then its own words are better than ours. */
    bool once_more = !c->again && (!call_at_provider(c) || c->attempts == 1);
    return !c->body.forgotten && !c->bound &&
           (once_more ||
            plan_has_other(&c->plan, &c->gw->cluster.pool, c->attempt.at, now.mono_ms));
}

/* ------------------------------------------------------------------ events */

void stream_note_end(struct stream *s, const struct event *e) {
    s->choices |= e->choices;
    s->choices_told |= e->choices;
    s->choices_over |= e->finished;
    s->finished = s->choices_over != 0 && (s->choices & ~s->choices_over) == 0;
    s->ended |= e->end;
}

static void note_number(struct stream *s, const struct event *e) {
    uint64_t number;
    if (e->sequence.n > 0 && gw_str_u64(e->sequence, &number) && number < UINT32_MAX)
        s->numbered = (uint32_t)number + 1;
}

static void note_content(struct gw_call *c, const struct event *e) {
    struct stream *s = c->stream;
    bool noted = !e->opaque;
    if (!s->resumable) {
        s->said += event_bytes(e);
        return;
    }
    if (s->id.n == 0 && e->id.n > 0 && e->id.n <= STREAM_ID_MAX)
        s->id = gw_arena_dup(&c->arena, e->id);
    if (e->mark > s->delivered.mark)
        s->delivered.mark = e->mark;
    for (uint32_t i = 0; i < e->pieces_n; i++)
        noted &= delivered_add(&s->delivered, &e->piece[i]);
    for (uint32_t i = 0; i < e->ids_n; i++)
        noted &= delivered_id(&s->delivered, &e->ids[i]) != NULL;
    if (!noted)
        stream_let_go(c);
}

static void pass(struct gw_call *c, struct gw_slice at, struct gw_str event, const struct event *e,
                 struct gw_time now) {
    stream_note_end(c->stream, e);
    note_content(c, e);
    if (c->stream->speech != NULL) {
        speak_event(c, e, event, now);
        return;
    }
    note_number(c->stream, e);
    stream_put(c, at);
}

/* What cannot be read cannot be translated. */
static struct next give_up_speech(struct gw_call *c, struct gw_time now) {
    struct gw_str why = GW_STR("sent what nobody here can read");
    return c->stream->begun ? resume_or_break(c, POOL_CUT, why, true, now)
                            : fail_over(c, POOL_CUT, why, true, now);
}

/* Everything from here on goes to the client as it comes. */
static struct next go_raw(struct gw_call *c, struct gw_slice at, struct gw_str bytes,
                          struct gw_time now) {
    struct stream *s = c->stream;
    if (s->speech != NULL)
        return give_up_speech(c, now);
    if (s->resuming)
        return resume_differs(c, now);
    if (!s->begun)
        commit(c, false, now);
    stream_let_go(c);
    s->raw = true;
    frame_tail_init(&s->tail, s->out->framing);
    frame_tail_add(&s->tail, bytes);
    stream_put(c, at);
    return next_stay();
}

/* Removes an event that shall not go out from what is held, if it came in pieces. */
static void leave_out(struct gw_call *c, struct gw_slice at) {
    if (at.kind == GW_LITERAL && !c->stream->begun)
        c->stream->held.n = c->stream->partial = (size_t)at.off;
}

/* Keeps an event until the commit; one that came in pieces is there already. */
static void keep(struct gw_call *c, struct gw_slice at, struct gw_str event, const struct event *e,
                 struct gw_time now) {
    struct stream *s = c->stream;
    note_content(c, e);
    stream_note_end(s, e);
    if (s->speech != NULL) {
        speak_event(c, e, event, now);
        leave_out(c, at);
        late_on_sign(c, now);
        return;
    }
    note_number(s, e);
    if (at.kind == GW_CHUNK) {
        gw_buf_put(&s->held, event);
        c->arena_full |= s->held.full;
        s->partial = s->held.n;
    }
    late_on_sign(c, now);
    if (s->partial > STREAM_PREAMBLE_MAX)
        commit(c, e->mark > 0, now); /* what is marked is recognised when it comes again */
}

/* The error's words, in the client's dialect. */
static struct next break_speech(struct gw_call *c, struct gw_str event, struct gw_time now) {
    struct gw_str said = speak_error(c, event);
    try_close(c, true, now);
    return stream_refuse(c, said);
}

/* No other target can be asked: then this one's own words are better than ours. A provider may have more of
 * them: "response.failed" follows OpenAI's "error". */
static struct next pass_error(struct gw_call *c, struct gw_slice at, struct gw_str event,
                              struct gw_time now) {
    blame_later(c, POOL_ERRORED);
    end_because(c, c->attempt.to->target.name, GW_STR("sent an error"));
    if (c->stream->speech != NULL)
        return break_speech(c, event, now);
    stream_put(c, at);
    if (call_at_provider(c)) {
        c->stream->ended = c->stream->errored = true;
        return next_stay();
    }
    try_close(c, true, now);
    return next_done(0);
}

/* Half an object, not plain text: an event of a known dialect looks like this when it was torn. */
static bool is_torn_json(struct gw_str event, enum framing framing) {
    bool lines = framing == FRAMING_LINES;
    ptrdiff_t data = lines ? 0 : gw_str_find(event, GW_STR("data:"));
    struct gw_str rest =
        gw_str_sub(event, data < 0 ? event.n : (size_t)data + (lines ? 0 : 5), event.n);
    rest = gw_str_trim(rest);
    return rest.n > 0 && rest.p[0] == '{';
}

static struct next hold_event(struct gw_call *c, struct gw_slice at, struct gw_str event,
                              const struct event *e, struct gw_time now) {
    struct stream *s = c->stream;
    bool known = s->in.dialect != NULL || (s->likely != NULL && is_torn_json(event, s->framing));
    bool empty = e->is == EVENT_ERROR || (e->is == EVENT_END && !s->finished);
    if (c->meter != NULL)
        meter_name(c, event);
    if (e->is == EVENT_ERROR && has_other(c, now))
        return fail_over(c, POOL_ERRORED, GW_STR("sent an error"), true, now);
    if (empty && has_other(c, now))
        return fail_over(c, POOL_CUT, GW_STR("sent no content"), true, now);
    if (empty || e->is == EVENT_CONTENT || e->is == EVENT_FINISH || e->is == EVENT_END) {
        if (at.kind == GW_LITERAL)
            s->partial = (size_t)at.off;
        commit(c, e->is == EVENT_CONTENT, now);
        s->partial = s->held.n;
        if (e->is == EVENT_ERROR)
            return pass_error(c, at, event, now);
        pass(c, at, event, e, now);
    } else if (e->is == EVENT_MALFORMED && (known || s->closing)) {
        leave_out(c, at);
    } else if (e->is == EVENT_MALFORMED || (e->is == EVENT_STRANGE && s->in.dialect == NULL)) {
        if (at.kind == GW_LITERAL)
            s->partial = (size_t)at.off;
        struct next next = go_raw(c, at, event, now);
        s->partial = s->held.n;
        return next;
    } else {
        keep(c, at, event, e, now);
    }
    return next_stay();
}

static struct next observe_event(struct gw_call *c, struct gw_slice at, struct gw_str event,
                                 const struct event *e, struct gw_time now) {
    struct stream *s = c->stream;
    if (e->is == EVENT_MALFORMED)
        return next_stay();
    if (e->is == EVENT_ERROR && !s->ended) {
        if (s->resuming && prefix_fails(c, false, now))
            return next_target(true, true);
        if (s->resuming || (s->resumable && has_other(c, now)))
            return resume_or_break(c, POOL_ERRORED, GW_STR("sent an error"), true, now);
        return pass_error(c, at, event, now);
    }
    if (s->resuming)
        return resume_on_event(c, at, event, e, now);
    pass(c, at, event, e, now);
    if (s->framing != FRAMING_AWS) /* no two frames are alike: each has its checksum */
        shape_learn(&s->shape, event, e);
    return next_stay();
}

static struct next take_event(struct gw_call *c, struct gw_slice at, struct gw_str event,
                              struct gw_time now) {
    struct stream *s = c->stream;
    struct event e;
    event_read(event, s->framing, &s->in, &e);
    if (s->in.dialect != NULL && s->speech == NULL)
        s->out = s->in.dialect;
    if (e.usage.n > 0)
        meter_note(c, &e);
    if (e.usage.n > 0 && s->speech == NULL && chain_hides(c, &e)) {
        leave_out(c, at);
        return next_stay();
    }
    return s->begun ? observe_event(c, at, event, &e, now) : hold_event(c, at, event, &e, now);
}

/* ------------------------------------------------------------------ chunks */

/* The model's own events, in frames: nobody here reads where they end. */
static bool is_unread(const struct stream *s) {
    return s->framing == FRAMING_AWS && s->choices == 0;
}

/* Whether what has come so far is a whole answer, however it ended. */
static bool is_good(const struct stream *s, uint32_t how) {
    return s->ended || s->finished || ((s->raw || is_unread(s)) && how == GW_CLEAN);
}

/* What comes is no frame, and where the next one begins nobody knows: the rest is lost. */
static struct next break_frame(struct gw_call *c, struct gw_time now) {
    struct gw_str why = GW_STR("sent a broken frame");
    if (!c->stream->begun)
        return fail_over(c, POOL_CUT, why, true, now);
    if (is_good(c->stream, GW_CUT))
        return stream_complete(c, true, now);
    return resume_or_break(c, POOL_CUT, why, true, now);
}

/* What went out in the last turn is no longer held. */
static void forget_sent(struct gw_call *c) {
    struct stream *s = c->stream;
    if (!s->begun || s->partial == 0)
        return;
    s->held.n -= s->partial;
    memmove(s->held.p, s->held.p + s->partial, s->held.n);
    s->partial = 0;
}

/* The beginning of an event waits for the rest of it. */
static struct next keep_partial(struct gw_call *c, struct gw_str bytes, struct gw_time now) {
    struct stream *s = c->stream;
    if (bytes.n > STREAM_EVENT_MAX)
        return go_raw(
            c, (struct gw_slice){.kind = GW_CHUNK, .off = s->chunk.n - bytes.n, .len = bytes.n},
            bytes, now);
    gw_buf_put(&s->held, bytes);
    c->arena_full |= s->held.full;
    return next_stay();
}

/* Adds to the event that has begun; returns how much of the chunk went into it. */
static size_t go_on_partial(struct gw_call *c, struct next *next, struct gw_time now) {
    struct stream *s = c->stream;
    size_t had = s->held.n - s->partial, from = s->partial;
    if (had == 0)
        return 0;
    struct gw_str more = gw_str_sub(s->chunk, 0, STREAM_EVENT_MAX - had);
    gw_buf_put(&s->held, more);
    c->arena_full |= s->held.full;
    if (s->held.full)
        return s->chunk.n;
    struct gw_str all = gw_str_sub(gw_buf_str(&s->held), from, s->held.n);
    size_t n = frame_length(all, had, s->framing);
    if (n == FRAME_BAD)
        *next = break_frame(c, now);
    if (n == FRAME_BAD || (n == 0 && more.n == s->chunk.n))
        return more.n;
    size_t used = n > 0 ? n - had : more.n;
    s->held.n = from + had + used;
    all.n = had + used;
    struct gw_slice at = {.kind = GW_LITERAL, .off = from, .len = all.n};
    if (n == 0) {
        *next = go_raw(c, at, all, now);
        s->partial = s->held.n;
        return used;
    }
    s->partial = s->held.n;
    *next = take_event(c, at, all, now);
    return used;
}

/* One event of the chunk from `off` on: its length, 0 if it is not whole. */
static size_t take_next(struct gw_call *c, size_t off, struct next *next, struct gw_time now) {
    struct stream *s = c->stream;
    struct gw_str rest = gw_str_sub(s->chunk, off, s->chunk.n);
    struct gw_slice at = {.kind = GW_CHUNK, .off = off};
    struct event_piece piece;
    if (s->begun && !s->resuming) {
        at.len = shape_match(&s->shape, rest, &piece);
        if (at.len > 0) {
            if (!s->resumable)
                s->said += piece.raw.n;
            else if (!delivered_add(&s->delivered, &piece))
                stream_let_go(c);
            if (s->speech != NULL)
                speak_piece(c, &piece);
            else
                stream_put(c, at);
            return (size_t)at.len;
        }
    }
    size_t n = frame_length(rest, 0, s->framing);
    at.len = n;
    if (n == FRAME_BAD)
        *next = break_frame(c, now);
    else if (n > 0)
        *next = take_event(c, at, gw_str_sub(rest, 0, n), now);
    return n != FRAME_BAD ? n : 0;
}

static struct next take_rest(struct gw_call *c, size_t off, struct gw_time now) {
    struct stream *s = c->stream;
    struct gw_str rest = gw_str_sub(s->chunk, off, s->chunk.n);
    if (rest.n == 0)
        return next_stay();
    if (!s->raw)
        return keep_partial(c, rest, now);
    frame_tail_add(&s->tail, rest);
    stream_put(c, (struct gw_slice){.kind = GW_CHUNK, .off = off, .len = rest.n});
    return next_stay();
}

struct next stream_on_chunk(struct gw_call *c, struct gw_str bytes, struct gw_time now) {
    struct stream *s = c->stream;
    struct next next = next_stay();
    size_t off = 0, n = 1;
    s->chunk = bytes;
    gw_prefetch(s->delivered.first, GW_LINE);
    forget_sent(c);
    if (!s->raw)
        off = go_on_partial(c, &next, now);
    while (n > 0 && off < bytes.n && !s->raw && next_is(next, NEXT_STAY)) {
        n = take_next(c, off, &next, now);
        off += n;
    }
    if (next_is(next, NEXT_STAY))
        next = take_rest(c, off, now);
    if (!next_is(next, NEXT_STAY))
        return next;
    if (s->begun && (!s->resuming || c->attempt.first_content))
        limit_silence(c, now);
    if (s->turn.n > 0 || s->turn.spill.n > s->turn.spill_given)
        s->comment_at = now.mono_ms + COMMENT_MS;
    return next_wait(s->begun ? CALL_OBSERVE : CALL_HOLD);
}

/* ------------------------------------------------------------------ ends */

/* Whether it agrees with the target before it where the answer ends. */
static bool agrees(const struct gw_call *c) {
    const struct stream *s = c->stream;
    return s->ended_early && c->attempt.at != s->ended_at && s->resuming && !s->further &&
           s->delivered.behind == 0;
}

/* When two targets end cleanly at the same place, the answer is all there, though neither sent a finish
 * reason. Of a target that is known to send none, one clean end is enough. A target that has ever sent a
 * finish reason must send one; a clean end without it counts as a cut. */
static bool is_all(const struct gw_call *c, uint32_t how) {
    const struct pool_backend *b = &c->gw->cluster.pool.backend[c->attempt.to->slot];
    return how == GW_CLEAN && !b->finishes && (agrees(c) || b->unfinished);
}

static struct next end_unfinished(struct gw_call *c, struct gw_time now) {
    struct pool_backend *backend = c->gw->cluster.pool.backend;
    uint32_t before = c->stream->ended_at;
    if (agrees(c)) {
        backend[c->plan.candidates[before].backend->slot].unfinished = true;
        blame_clear(c, before, now);
    }
    backend[c->attempt.to->slot].unfinished = true;
    return stream_complete(c, false, now);
}

/* The last event may lack its blank line (or newline). */
static struct next end_partial(struct gw_call *c, struct gw_time now) {
    struct stream *s = c->stream;
    struct next next = next_stay();
    if (s->held.n == s->partial || s->raw)
        return next;
    s->chunk = frame_end(s->framing);
    s->closing = true;
    go_on_partial(c, &next, now);
    return next;
}

struct next stream_on_end(struct gw_call *c, uint32_t how, struct gw_time now) {
    struct stream *s = c->stream;
    s->chunk = GW_STR("");
    forget_sent(c);
    struct next next = how == GW_CLEAN ? end_partial(c, now) : next_stay();
    if (!next_is(next, NEXT_STAY))
        return next;
    if (s->begun && is_good(s, how))
        return stream_complete(c, false, now);
    if (s->begun && is_all(c, how))
        return end_unfinished(c, now);
    uint32_t trouble = how == GW_CUT_ALONG ? POOL_FINE : POOL_CUT;
    s->ended_early = how == GW_CLEAN;
    s->ended_at = c->attempt.at;
    if (s->begun)
        return resume_or_break(c, trouble, GW_STR("cut it"), false, now);
    return fail_over(c, trouble, how == GW_CLEAN ? GW_STR("sent no content") : GW_STR("cut it"),
                     false, now);
}

struct next stream_on_dead(struct gw_call *c, struct gw_time now) {
    c->stream->chunk = GW_STR("");
    forget_sent(c);
    if (is_good(c->stream, GW_CUT))
        return stream_complete(c, true, now);
    return resume_or_break(c, POOL_SILENT, GW_STR("fell silent"), true, now);
}

struct next stream_on_limit(struct gw_call *c, struct gw_time now) {
    struct stream *s = c->stream;
    bool late = now.mono_ms >= c->deadline_ms;
    s->chunk = GW_STR("");
    forget_sent(c);
    if (!s->begun || (s->resuming && !c->attempt.first_content)) {
        struct next next = late_on_limit(c, now);
        if (!next_is(next, NEXT_ON))
            return next;
    }
    if (!s->begun) {
        if (!late && c->body.fin)
            answer_is_late(c, now); /* it would have taken longer still */
        /* The target is not at fault if the client is in a hurry, or does not finish its request. */
        bool hurried = late_is_hurried(c, now) || !c->body.fin || !late_is_to_blame(c, now);
        return fail_over(c, hurried ? POOL_FINE : POOL_LATE, GW_STR("sent no content in time"),
                         true, now);
    }
    if (!late || is_good(s, GW_CUT))
        return stream_on_dead(c, now);
    try_close(c, true, now);
    return stream_break(c, GW_STR("took longer than the request may"));
}

/* ------------------------------------------------------------------ heads */

/* The dialect that an answer of this framing is expected to speak, until it shows which it does. */
static void expect(struct gw_call *c, enum framing framing) {
    struct stream *s = c->stream;
    bool talks;
    s->framing = framing;
    s->in = (struct event_source){.dialect = NULL};
    s->likely = dialects_of_path(c->route.rest, &talks);
    if (s->likely != NULL && s->likely->framing != framing)
        s->likely = NULL;
    s->out = s->likely != NULL ? s->likely : dialects_default(framing);
    s->resumable &= framing != FRAMING_AWS; /* nothing can be cut out of a frame */
}

static bool make_stream(struct gw_call *c, struct gw_time now) {
    struct stream *s = gw_arena_get(&c->arena, sizeof *s);
    if (s == NULL)
        return false;
    s->head_at = now.mono_ms + HEAD_HELD_MS;
    s->resumable = c->conf->limits.resume != 0; /* until it is known who answers */
    doubt_begin(s);
    gw_buf_init(&s->held, &c->arena, STREAM_PREAMBLE_MAX + 2 * STREAM_EVENT_MAX);
    delivered_init(&s->delivered, &c->arena);
    c->stream = s;
    if (s->resumable && c->prefix != NULL)
        prefix_keep(c);
    return true;
}

void stream_begin_queued(struct gw_call *c, struct gw_str comment, struct gw_time now) {
    struct gw_buf b;
    bool talks;
    const struct dialect *d = dialects_of_path(c->route.rest, &talks);
    if (d == NULL || !make_stream(c, now))
        return;
    expect(c, d->framing);
    gw_buf_init(&b, &c->arena, CALL_HEAD_MAX);
    head_put(&b, GW_STR("content-type"), frame_type(d->framing));
    answer_put_stream_lines(&b);
    c->stream->head = gw_buf_str(&b);
    c->stream->status = 200;
    c->arena_full |= b.full;
    end_because(c, GW_STR("request"), GW_STR("queued"));
    put_head(c, (struct gw_str){NULL, 0}, now);
    stream_put_text(c, d->framing == FRAMING_SSE ? comment : d->keep_alive);
}

struct stream *stream_beside(struct gw_call *c, const struct stream *s, struct gw_time now) {
    c->stream = NULL;
    if (s == NULL)
        return NULL;
    if (!make_stream(c, now)) {
        c->arena_full = true;
        return NULL;
    }
    struct stream *beside = c->stream;
    beside->framing = s->framing;
    beside->likely = s->likely;
    beside->out = s->out;
    beside->status = s->status;
    beside->head = s->head;
    beside->head_at = s->head_at;
    beside->comment_at = s->comment_at;
    return beside;
}

struct next stream_on_head(struct gw_call *c, const struct gw_res_head *res,
                           const struct answer_head *h, struct gw_time now) {
    struct gw_buf b;
    if (c->stream == NULL && !make_stream(c, now)) {
        c->arena_full = true;
        return next_stay();
    }
    struct stream *s = c->stream;
    s->silence_ms = chain_silence_ms(c);
    if (!s->begun)
        s->resumable = c->conf->limits.resume != 0 && chain_may_resume(c);
    meter_begin(c);
    s->choices = s->choices_over = 0;
    doubt_begin(s);
    s->finished = s->ended = s->closing = s->further = false;
    s->in.tools = 0;
    if (s->begun) {
        s->resuming = true;
        delivered_again(&s->delivered);
        late_on_head(c, now);
        if (c->prefix != NULL)
            prefix_begin(c);
        return next_wait(CALL_OBSERVE);
    }
    late_on_head(c, now);
    expect(c, h->ndjson ? FRAMING_LINES : h->frames ? FRAMING_AWS : FRAMING_SSE);
    c->arena_full |= !speak_begin(c, now);
    if (c->has_head)
        return next_wait(CALL_HOLD);
    gw_buf_init(&b, &c->arena, CALL_HEAD_MAX);
    if (s->speech != NULL)
        speak_put_head(c, &b);
    else
        answer_put_head(c, res, &b);
    answer_put_stream_lines(&b);
    s->head = gw_buf_str(&b);
    s->status = res->status;
    c->arena_full |= b.full;
    return next_wait(CALL_HOLD);
}
