/*
 * A stream that failed after its commit: either another attempt at the same request goes on where it
 * stopped, or the client is told that it broke off.
 */
#include "core/call/call.h"
#include "format/aws.h"

enum { ERROR_MAX = 512 };

/* ------------------------------------------------------------------ the end */

static struct gw_str in_frame(struct gw_call *c, struct gw_str payload) {
    struct gw_buf b;
    gw_buf_init(&b, &c->arena, 2 * ERROR_MAX);
    aws_put_exception(&b, payload);
    c->arena_full |= b.full;
    return gw_buf_str(&b);
}

static struct next tell(struct gw_call *c, struct gw_str what, struct gw_str why) {
    struct stream *s = c->stream;
    const struct dialect *d = s->out;
    struct gw_buf b;
    if (s->raw && !frame_between(&s->tail))
        return next_done(1); /* in the middle of an event nothing can be said */
    gw_buf_init(&b, &c->arena, ERROR_MAX);
    gw_buf_put(&b, d->error_head);
    gw_buf_put(&b, what);
    gw_buf_put_json(&b, why);
    uint32_t number = s->speech != NULL ? speak_sequence(c) : s->numbered;
    if (number > 0) {
        gw_buf_put(&b, GW_STR("\",\"sequence_number\":"));
        gw_buf_put_u64(&b, number);
    }
    gw_buf_put(&b, gw_str_sub(d->error_tail, number > 0, d->error_tail.n));
    c->arena_full |= b.full;
    stream_put_text(c, d->framing == FRAMING_AWS ? in_frame(c, gw_buf_str(&b)) : gw_buf_str(&b));
    return next_done(0);
}

struct next stream_break(struct gw_call *c, struct gw_str why) {
    return tell(c, GW_STR("the stream broke off: the target "), why);
}

struct next stream_refuse(struct gw_call *c, struct gw_str why) {
    return tell(c, GW_STR(""), why);
}

struct next stream_complete(struct gw_call *c, bool drop, struct gw_time now) {
    struct stream *s = c->stream;
    if (s->finished || s->ended)
        c->gw->cluster.pool.backend[c->attempt.to->slot].finishes = true;
    answer_served(c, !s->errored, now);
    try_close(c, drop, now);
    if (s->speech != NULL)
        speak_end(c, now);
    else if (!s->ended && s->finished)
        stream_put_text(c, s->out->end);
    return s->speech != NULL && speak_waits(c) ? next_wait(CALL_ASK) : next_done(0);
}

struct next resume_or_break(struct gw_call *c, uint32_t trouble, struct gw_str why, bool drop,
                            struct gw_time now) {
    struct stream *s = c->stream;
    doubt_begin(s);
    if (trouble != POOL_FINE)
        blame_later(c, trouble);
    call_candidate(c)->spent = true;
    end_because(c, c->attempt.to->target.name, why);
    try_close(c, drop, now);
    if (!s->resumable || c->body.forgotten)
        return stream_break(c, why);
    s->held.n = s->partial = 0;
    plan_stay_in_link(&c->plan, c->attempt.at);
    return next_target(true, true);
}

/* ------------------------------------------------------------------ going on */

/* Bytes of an event that are cut out, and what goes out in their place. */
struct change {
    size_t at, n;
    struct gw_str instead; /* n == 0, p == NULL: the event's number */
};

struct changes {
    uint32_t n;
    bool torn; /* one of them leaves out what cannot be cut */
    struct change edit[EVENT_PIECES + EVENT_IDS + 3];
};

/* Keeps the order of the event, where the id may stand behind the content. */
static void add_edit(struct changes *edits, struct gw_str event, struct gw_str out,
                     struct gw_str instead) {
    size_t at = (size_t)(out.p - event.p);
    uint32_t i = edits->n++;
    for (; i > 0 && edits->edit[i - 1].at > at; i--)
        edits->edit[i] = edits->edit[i - 1];
    edits->edit[i] = (struct change){at, out.n, instead};
}

static void put_edited(struct gw_call *c, struct gw_slice at, const struct changes *edits) {
    size_t done = 0;
    for (uint32_t i = 0; i < edits->n; i++) {
        const struct change *edit = &edits->edit[i];
        stream_put(
            c, (struct gw_slice){.kind = at.kind, .off = at.off + done, .len = edit->at - done});
        if (edit->instead.p != NULL)
            stream_put_text(c, edit->instead);
        else
            stream_put_number(c, c->stream->numbered++);
        done = edit->at + edit->n;
    }
    stream_put(c, (struct gw_slice){.kind = at.kind, .off = at.off + done, .len = at.len - done});
}

/* Compares an event's content with what was delivered: false if it differs. `*fresh`: some of it is new;
 * the edits cut out the rest. */
static bool meet(struct stream *s, struct gw_str event, const struct event *e,
                 struct changes *edits, bool *fresh) {
    *fresh = false;
    edits->n = 0;
    edits->torn = false;
    for (uint32_t i = 0; i < e->pieces_n; i++) {
        size_t cut;
        struct gw_str raw = e->piece[i].raw;
        if (!delivered_meet(&s->delivered, &e->piece[i], &cut))
            return false;
        *fresh |= cut < raw.n;
        edits->torn |= cut > 0 && e->piece[i].whole;
        if (cut > 0 && (e->ids_n == 0 || !event_is_token(e->piece[i].channel))) /* else: keep_ids */
            add_edit(edits, event, gw_str_sub(raw, 0, cut), GW_STR(""));
    }
    return true;
}

/* Ids stay those that the client knows. Every event's are looked at, so that their order is known. */
static bool keep_ids(struct stream *s, struct gw_str event, const struct event *e,
                     struct changes *edits) {
    for (uint32_t i = 0; i < e->ids_n; i++) {
        const struct gw_str *first = delivered_id(&s->delivered, &e->ids[i]);
        if (first == NULL)
            return false;
        if (!gw_str_eq(*first, e->ids[i].raw))
            add_edit(edits, event, e->ids[i].raw, *first);
    }
    return true;
}

/* Whether what is new cannot be told to this client: it belongs to a block that is over for it, or stands
 * in one value with what it has. */
static bool is_late(const struct stream *s, const struct event *e, const struct changes *edits) {
    return edits->torn || (e->within > 0 && e->within < s->delivered.mark);
}

/* Whether an event goes out although none of its content is new. `*differs`: it came before all that was
 * delivered had come again. */
static bool is_due(struct stream *s, const struct event *e, bool caught_up, bool *differs) {
    bool opens = e->mark > s->delivered.mark;
    *differs = (e->finish || e->end || opens) && s->delivered.behind > 0;
    if (e->finish || e->end)
        return true;
    if (opens)
        s->delivered.mark = e->mark;
    if (e->mark > 0)
        return opens;
    if (e->pieces_n == 0 && e->choices != 0)
        return (e->choices & ~s->choices_told) != 0; /* the role of a choice is told once */
    return e->pieces_n == 0 && caught_up;
}

struct next resume_differs(struct gw_call *c, struct gw_time now) {
    if (prefix_fails(c, false, now))
        return next_target(true, true);
    end_because(c, c->attempt.to->target.name, GW_STR("said something else"));
    try_close(c, true, now);
    return stream_break(c, GW_STR("stopped, and another one goes on differently"));
}

/* What is new of an event, in the client's dialect. */
static void speak_rest(struct gw_call *c, struct gw_str event, const struct event *e,
                       const struct changes *edits, struct gw_time now) {
    struct event rest = *e;
    for (uint32_t i = 0; i < rest.pieces_n; i++)
        for (uint32_t k = 0; k < edits->n; k++)
            if (edits->edit[k].at == (size_t)(rest.piece[i].raw.p - event.p))
                rest.piece[i].raw =
                    gw_str_sub(rest.piece[i].raw, edits->edit[k].n, rest.piece[i].raw.n);
    stream_note_end(c->stream, e);
    speak_event(c, &rest, event, now);
}

struct next resume_on_event(struct gw_call *c, struct gw_slice at, struct gw_str event,
                            const struct event *e, struct gw_time now) {
    struct stream *s = c->stream;
    struct changes edits;
    bool fresh, differs, due, caught_up = s->delivered.behind == 0;
    if (e->opaque || !meet(s, event, e, &edits, &fresh) || !keep_ids(s, event, e, &edits))
        return resume_differs(c, now);
    due = is_due(s, e, caught_up, &differs);
    if (differs || (fresh && e->mark > 0 && !due))
        return resume_differs(c, now);
    if ((fresh || due) && is_late(s, e, &edits))
        return resume_differs(c, now);
    if (e->is == EVENT_CONTENT)
        answer_first_content(c, now);
    if (prefix_miscounts(c, e)) {
        if (e->choices == 0)
            return next_stay();
        add_edit(&edits, event, e->usage, GW_STR("null"));
    }
    if (!fresh && !due)
        return next_stay();
    if (s->speech != NULL) {
        speak_rest(c, event, e, &edits, now);
        return next_stay();
    }
    if (s->id.n > 0 && e->id.n > 0)
        add_edit(&edits, event, e->id, s->id);
    if (s->numbered > 0 && e->sequence.n > 0)
        add_edit(&edits, event, e->sequence, gw_str(NULL, 0));
    s->further |= fresh;
    stream_note_end(s, e);
    put_edited(c, at, &edits);
    return next_stay();
}
