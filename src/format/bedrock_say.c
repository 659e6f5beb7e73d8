/*
 * Writes Bedrock's answers, whole and in frames (aws.h).
 *
 * Of a stream one block is open at a time, as in Anthropic's (anthropic_say.c): arguments of a call that is over go
 * out with its index all the same. A text has no start. How long an answer has taken is not known here: its latency
 * is 0.
 */
#include "base/base64.h"
#include "format/aws.h"
#include "format/bedrock_speech.h"

/* ------------------------------------------------------------------ what both have */

static const char *reason_of(enum event_why why) {
    switch (why) {
    case WHY_LENGTH:
        return "max_tokens";
    case WHY_TOOL:
        return "tool_use";
    case WHY_FILTER:
        return "content_filtered";
    default:
        return "end_turn";
    }
}

static void put_usage(struct gw_out *o, const struct usage *u) {
    gw_out_name(o, "usage");
    gw_out_open(o, '{');
    gw_out_put_u64(o, "inputTokens", mean_input_rest(u));
    gw_out_put_u64(o, "outputTokens", u->n[USAGE_OUTPUT]);
    gw_out_put_u64(o, "totalTokens", u->n[USAGE_INPUT] + u->n[USAGE_OUTPUT]);
    gw_out_put_u64(o, "cacheReadInputTokens", u->n[USAGE_CACHED]);
    gw_out_put_u64(o, "cacheWriteInputTokens", u->n[USAGE_WRITTEN]);
    gw_out_close(o, '}');
    gw_out_put_value(o, "metrics", GW_STR("{\"latencyMs\":0}"));
}

/* The bytes of a thought that nobody may read: a seal is no base64, and is put into it. */
static void put_redacted(struct gw_out *o, struct gw_str raw) {
    if (!gw_str_starts(raw, GW_STR("hg1"))) {
        gw_out_put_raw(o, "redactedContent", raw);
        return;
    }
    gw_out_put_raw(o, "redactedContent", GW_STR(""));
    o->b->n -= !o->b->full; /* the closing quote */
    gw_base64_put(o->b, raw, false);
    gw_buf_putc(o->b, '"');
}

/* ------------------------------------------------------------------ whole answers */

static bool is_words(const struct mean_part *p) {
    return p->kind == MEAN_TEXT || p->kind == MEAN_REFUSAL;
}

static bool is_shown(const struct mean_part *p) {
    return p->kind == MEAN_CALL || (is_words(p) && p->text.n > 0) ||
           (p->kind == MEAN_REASONING && (p->text.n > 0 || p->signature.n > 0));
}

static void put_thought(struct gw_out *o, const struct mean_part *p) {
    bedrock_open(o, "reasoningContent");
    if (p->hidden) {
        put_redacted(o, p->signature);
    } else {
        gw_out_name(o, "reasoningText");
        gw_out_open(o, '{');
        gw_out_put_raw(o, "text", p->text);
        gw_out_may_raw(o, "signature", p->signature);
        gw_out_close(o, '}');
    }
    bedrock_close(o);
}

static void put_call(struct gw_out *o, const struct mean_part *p) {
    bedrock_open(o, "toolUse");
    gw_out_put_raw(o, "toolUseId", p->id);
    gw_out_put_raw(o, "name", p->name);
    gw_out_name(o, "input");
    if (p->args.n == 0 && !p->custom)
        gw_out_value(o, GW_STR("{}"));
    else
        mean_put_args(p, o->b->arena, o);
    bedrock_close(o);
}

static void put_block(struct gw_out *o, const struct mean_part *p) {
    if (p->kind == MEAN_CALL) {
        put_call(o, p);
    } else if (p->kind == MEAN_REASONING) {
        put_thought(o, p);
    } else {
        gw_out_open(o, '{');
        gw_out_put_raw(o, "text", p->text);
        gw_out_close(o, '}');
    }
}

/* The word for a stop sequence goes with one that is told. */
static const char *reason_with(enum event_why why, struct gw_str stop) {
    return why == WHY_STOP && stop.n > 0 ? "stop_sequence" : reason_of(why);
}

static void put_reason(struct gw_out *o, const struct mean_choice *c) {
    bool calls = mean_has(c->turn.parts, MEAN_CALL);
    bool stopped = c->why == WHY_STOP || c->why == WHY_UNTOLD;
    enum event_why why =
        calls && stopped ? WHY_TOOL : mean_why(c->why, mean_has(c->turn.parts, MEAN_REFUSAL));
    gw_out_put_word(o, "stopReason", reason_with(why, c->stop));
}

/* Of several answers the first one: there is room for no more. */
void bedrock_say_answer(const struct mean_answer *a, const struct mean *asked, struct gw_buf *b) {
    static const struct mean_choice none = {.index = 0};
    const struct mean_choice *c = a->choices != NULL ? a->choices : &none;
    struct gw_out out, *o = &out;
    (void)asked;
    gw_out_init(o, b);
    gw_out_open(o, '{');
    gw_out_name(o, "output");
    gw_out_open(o, '{');
    gw_out_name(o, "message");
    gw_out_open(o, '{');
    gw_out_put_word(o, "role", "assistant");
    gw_out_name(o, "content");
    gw_out_open(o, '[');
    for (const struct mean_part *p = c->turn.parts; p != NULL; p = p->next)
        if (is_shown(p))
            put_block(o, p);
    gw_out_close(o, ']');
    gw_out_close(o, '}');
    gw_out_close(o, '}');
    put_reason(o, c);
    put_usage(o, &a->usage);
    gw_out_close(o, '}');
}

/* ------------------------------------------------------------------ streams: blocks */

/* What a stream has said so far: the block of each call, the last of them, and whether the model refuses. */
struct said {
    uint32_t block[MEAN_CALLS];
    uint32_t last;
    bool refused;
};

struct frame {
    struct gw_out o;
    size_t at, payload;
};

static struct frame open_frame(struct gw_buf *b, struct gw_str type) {
    struct frame f = {.at = aws_open_event(b, type), .payload = b->n};
    gw_out_init(&f.o, b);
    gw_out_open(&f.o, '{');
    return f;
}

static void close_frame(struct frame *f) {
    gw_out_close(&f->o, '}');
    aws_close(f->o.b, f->at, f->payload);
}

/* A frame of a block: `inner` is an object in it. */
static struct frame open_block(struct gw_buf *b, struct gw_str type, uint32_t block,
                               const char *inner) {
    struct frame f = open_frame(b, type);
    gw_out_put_u64(&f.o, "contentBlockIndex", block);
    gw_out_name(&f.o, inner);
    gw_out_open(&f.o, '{');
    return f;
}

static void close_block(struct frame *f) {
    gw_out_close(&f->o, '}');
    close_frame(f);
}

static struct frame open_delta(struct gw_buf *b, uint32_t block) {
    return open_block(b, GW_STR("contentBlockDelta"), block, "delta");
}

static void put_args(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b) {
    const struct said *said = s->own;
    if (said == NULL || step->tool >= MEAN_CALLS)
        return;
    struct frame f = open_delta(b, said->block[step->tool]);
    gw_out_name(&f.o, "toolUse");
    gw_out_open(&f.o, '{');
    gw_out_name(&f.o, "input");
    if (step->value)
        gw_out_text(&f.o, step->raw);
    else
        gw_out_raw(&f.o, step->raw);
    gw_out_close(&f.o, '}');
    close_block(&f);
}

/* Clients read them as JSON: those of a call that has none are an object without members. */
static void put_no_args(struct mean_stream *s, uint32_t call, struct gw_buf *b) {
    if (s->call[call].args || s->call[call].choice != 0)
        return;
    s->call[call].args = true;
    put_args(s, &(struct mean_step){.tool = call, .raw = GW_STR("{}"), .value = true}, b);
}

/* OpenAI's servers may go on with the arguments of an earlier call: only at the end none are to come. */
static void end_block(struct mean_stream *s, struct gw_buf *b) {
    const struct said *said = s->own;
    if (s->open == 0)
        return;
    if (s->open == MEAN_STEP_CALL && said != NULL && s->in != &dialect_openai)
        put_no_args(s, said->last, b);
    s->open = 0;
    struct frame f = open_frame(b, GW_STR("contentBlockStop"));
    gw_out_put_u64(&f.o, "contentBlockIndex", s->blocks - 1);
    close_frame(&f);
}

/* Goes on with a block of this kind, or begins one. */
static void begin_block(struct mean_stream *s, enum mean_step_kind kind, struct gw_buf *b) {
    if (s->open == kind)
        return;
    end_block(s, b);
    s->open = kind;
    s->blocks++;
}

/* ------------------------------------------------------------------ streams: steps */

static void put_text(struct mean_stream *s, struct gw_str raw, struct gw_buf *b) {
    begin_block(s, MEAN_STEP_TEXT, b);
    struct frame f = open_delta(b, s->blocks - 1);
    gw_out_put_raw(&f.o, "text", raw);
    close_block(&f);
}

/* Thoughts and their signatures are in one block, which a signature ends. */
static void put_reasoning(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b) {
    begin_block(s, step->kind == MEAN_STEP_HIDDEN ? MEAN_STEP_HIDDEN : MEAN_STEP_REASONING, b);
    struct frame f = open_delta(b, s->blocks - 1);
    gw_out_name(&f.o, "reasoningContent");
    gw_out_open(&f.o, '{');
    if (step->kind == MEAN_STEP_HIDDEN)
        put_redacted(&f.o, step->raw);
    else
        gw_out_put_raw(&f.o, step->kind == MEAN_STEP_SIGNATURE ? "signature" : "text", step->raw);
    gw_out_close(&f.o, '}');
    close_block(&f);
    if (step->kind != MEAN_STEP_REASONING)
        end_block(s, b);
}

static void begin_call(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b) {
    struct said *said = s->own;
    end_block(s, b);
    begin_block(s, MEAN_STEP_CALL, b);
    struct frame f = open_block(b, GW_STR("contentBlockStart"), s->blocks - 1, "start");
    gw_out_name(&f.o, "toolUse");
    gw_out_open(&f.o, '{');
    gw_out_put_raw(&f.o, "toolUseId", step->id);
    gw_out_put_raw(&f.o, "name", step->name);
    gw_out_close(&f.o, '}');
    close_block(&f);
    if (said == NULL || step->tool >= MEAN_CALLS)
        return;
    said->block[step->tool] = s->blocks - 1;
    said->last = step->tool;
}

/* Of several answers the first one: there is room for no more. */
void bedrock_say_step(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b) {
    struct said *said = s->own;
    if (step->choice != 0)
        return;
    if (step->kind == MEAN_STEP_REFUSAL && said != NULL)
        said->refused = true;
    if (step->kind == MEAN_STEP_TEXT || step->kind == MEAN_STEP_REFUSAL)
        put_text(s, step->raw, b);
    else if (step->kind == MEAN_STEP_CALL)
        begin_call(s, step, b);
    else if (step->kind == MEAN_STEP_ARGS)
        put_args(s, step, b);
    else
        put_reasoning(s, step, b);
}

/* ------------------------------------------------------------------ streams: both ends */

void bedrock_say_begin(struct mean_stream *s, struct gw_buf *b) {
    s->own = gw_arena_get(s->arena, sizeof(struct said));
    s->full |= s->own == NULL;
    struct frame f = open_frame(b, GW_STR("messageStart"));
    gw_out_put_word(&f.o, "role", "assistant");
    close_frame(&f);
}

void bedrock_say_end(struct mean_stream *s, struct gw_buf *b) {
    const struct said *said = s->own;
    for (uint32_t i = 0; i < s->calls; i++)
        if (s->call[i].told)
            put_no_args(s, i, b);
    end_block(s, b);
    struct frame f = open_frame(b, GW_STR("messageStop"));
    enum event_why why = mean_why((enum event_why)s->why[0], said != NULL && said->refused);
    gw_out_put_word(&f.o, "stopReason", reason_with(why, s->stop));
    close_frame(&f);
    f = open_frame(b, GW_STR("metadata"));
    put_usage(&f.o, &s->usage);
    close_frame(&f);
}
