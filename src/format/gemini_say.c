/*
 * Google's generateContent, written: answers and streams. What is particular to it:
 *
 *     answers      a signature follows its thought in a part without text, which is not marked as a thought: Gemini CLI
 *                  sends thoughts back to nobody. What is hidden is marked, so that it can be told from that
 *     streams      a call comes whole: its arguments are gathered (calls.h). Without alt=sse they are a list, which grows
 */
#include "format/calls.h"
#include "format/gemini_speech.h"

/* ------------------------------------------------------------------ answers */

static const char *finish_of(enum event_why why) {
    switch (why) {
    case WHY_LENGTH:
        return "MAX_TOKENS";
    case WHY_FILTER:
        return "SAFETY";
    case WHY_OTHER:
        return "OTHER";
    default:
        return "STOP";
    }
}

/* Thoughts are counted beside the rest of the output. */
static void put_usage(struct gw_out *o, const struct usage *u) {
    uint64_t all = u->n[USAGE_OUTPUT], thought = u->n[USAGE_REASONING];
    gw_out_name(o, "usageMetadata");
    gw_out_open(o, '{');
    gw_out_put_u64(o, "promptTokenCount", u->n[USAGE_INPUT]);
    gw_out_put_u64(o, "candidatesTokenCount", all > thought ? all - thought : 0);
    gw_out_put_u64(o, "totalTokenCount", u->n[USAGE_INPUT] + all);
    if (u->n[USAGE_CACHED] > 0)
        gw_out_put_u64(o, "cachedContentTokenCount", u->n[USAGE_CACHED]);
    if (thought > 0)
        gw_out_put_u64(o, "thoughtsTokenCount", thought);
    gw_out_close(o, '}');
}

static void put_thought(struct gw_out *o, const struct mean_part *p) {
    struct gw_str none = GW_STR("");
    if (p->text.n > 0)
        gemini_put_text(o, p->text, true, none);
    if (p->signature.n > 0)
        gemini_put_text(o, none, p->hidden, p->signature);
}

static void put_answered(struct gw_out *o, const struct mean_part *p, struct gw_arena *arena) {
    if (p->kind == MEAN_REASONING)
        put_thought(o, p);
    else if (p->kind == MEAN_CALL)
        gemini_put_call(o, p, arena, p->signature);
    else if (mean_is_text(p))
        gemini_put_text(o, p->text, false, GW_STR(""));
    else if (gemini_put_is_media(p))
        gemini_put_media(o, p);
}

static void open_candidate(struct gw_out *o) {
    gw_out_open(o, '{');
    gw_out_name(o, "content");
    gw_out_open(o, '{');
    gw_out_name(o, "parts");
    gw_out_open(o, '[');
}

static void close_candidate(struct gw_out *o, const char *finish, struct gw_str logprobs,
                            uint32_t index) {
    gw_out_close(o, ']');
    gw_out_put_word(o, "role", "model");
    gw_out_close(o, '}');
    if (finish != NULL)
        gw_out_put_word(o, "finishReason", finish);
    gemini_logprobs_put(o, logprobs);
    gw_out_put_u64(o, "index", index);
    gw_out_close(o, '}');
}

static void put_candidate(struct gw_out *o, const struct mean_choice *c, struct gw_arena *arena) {
    open_candidate(o);
    size_t at = o->b->n;
    for (const struct mean_part *p = c->turn.parts; p != NULL; p = p->next)
        put_answered(o, p, arena);
    if (o->b->n == at)
        gemini_put_text(o, GW_STR(""), false, GW_STR(""));
    close_candidate(o, finish_of(c->why), c->logprobs, c->index);
}

void gemini_say_answer(const struct mean_answer *a, const struct mean *asked, struct gw_buf *b) {
    struct gw_out out, *o = &out;
    (void)asked;
    gw_out_init(o, b);
    gw_out_open(o, '{');
    gw_out_name(o, "candidates");
    gw_out_open(o, '[');
    for (const struct mean_choice *c = a->choices; c != NULL; c = c->next)
        put_candidate(o, c, a->mean.arena);
    gw_out_close(o, ']');
    put_usage(o, &a->usage);
    gw_out_may_raw(o, "modelVersion", a->model);
    gw_out_put_raw(o, "responseId",
                   a->id.n > 0 ? a->id : mean_make_id(a->mean.arena, "", a->seed, 0));
    gw_out_close(o, '}');
}

/* ------------------------------------------------------------------ streams: chunks */

static void open_chunk(struct mean_stream *s, struct gw_out *o, struct gw_buf *b) {
    if (s->asked->list)
        gw_buf_put(b, mean_lead_item(s));
    else
        gw_buf_put(b, GW_STR("data: "));
    s->blocks = 1;
    gw_out_init(o, b);
    gw_out_open(o, '{');
    gw_out_name(o, "candidates");
    gw_out_open(o, '[');
    open_candidate(o);
}

/* `usage`: NULL, but for the last one. */
static void close_chunk(const struct mean_stream *s, struct gw_out *o, uint32_t choice,
                        const char *finish, const struct usage *usage) {
    close_candidate(o, finish, finish == NULL ? s->logprobs : GW_STR(""), choice);
    gw_out_close(o, ']');
    if (usage != NULL)
        put_usage(o, usage);
    gw_out_may_raw(o, "modelVersion", s->model);
    gw_out_put_raw(o, "responseId", s->id);
    gw_out_close(o, '}');
    if (s->asked->list)
        gw_buf_putc(o->b, '\n');
    else
        gw_buf_put(o->b, GW_STR("\r\n\r\n"));
}

static void put_text_chunk(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b) {
    struct gw_out o;
    struct gw_str none = GW_STR("");
    bool sign = step->kind == MEAN_STEP_SIGNATURE || step->kind == MEAN_STEP_HIDDEN;
    bool thought = step->kind == MEAN_STEP_REASONING || step->kind == MEAN_STEP_HIDDEN;
    open_chunk(s, &o, b);
    gemini_put_text(&o, sign ? none : step->raw, thought, sign ? step->raw : none);
    close_chunk(s, &o, step->choice, NULL, NULL);
    s->logprobs = GW_STR("");
}

/* ------------------------------------------------------------------ streams: calls */

static void put_call_chunk(struct mean_stream *s, uint32_t choice, const struct mean_part *call,
                           struct gw_buf *b) {
    struct gw_out o;
    open_chunk(s, &o, b);
    gemini_put_call(&o, call, s->arena, call->signature);
    close_chunk(s, &o, choice, NULL, NULL);
}

/* ------------------------------------------------------------------ streams */

void gemini_say_begin(struct mean_stream *s, struct gw_buf *b) {
    (void)b;
    s->id = mean_make_id(s->arena, "", s->seed, 0);
}

void gemini_say_step(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b) {
    if (!calls_gather(s, step, put_call_chunk, b))
        put_text_chunk(s, step, b);
}

/* The last chunk has what it cost. */
void gemini_say_end(struct mean_stream *s, struct gw_buf *b) {
    struct gw_out o;
    for (uint32_t i = 0; i < EVENT_CHOICES; i++) {
        if ((s->choices >> i & 1) == 0)
            continue;
        calls_flush(s, i, put_call_chunk, b);
        open_chunk(s, &o, b);
        gemini_put_text(&o, GW_STR(""), false, GW_STR(""));
        bool last = s->choices >> i == 1;
        close_chunk(s, &o, i, finish_of((enum event_why)s->why[i]), last ? &s->usage : NULL);
    }
    if (s->asked->list)
        gw_buf_put(b, GW_STR("]\n"));
}
