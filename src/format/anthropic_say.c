/*
 * Writes Anthropic's answers, whole and event by event.
 *
 * Of a stream one block is open at a time, and blocks come in their order; a call ends where something else begins.
 * Should a target go on with the arguments of a call that is over, they are sent with that block's index all the
 * same: clients that gather blocks by their index have them whole, and nothing else would give them to anybody
 * without holding the stream back.
 */
#include "format/anthropic_speech.h"

/* ------------------------------------------------------------------ what both have */

static const char *reason_of(enum event_why why) {
    switch (why) {
    case WHY_LENGTH:
        return "max_tokens";
    case WHY_TOOL:
        return "tool_use";
    case WHY_FILTER:
        return "refusal";
    case WHY_PAUSE:
        return "pause_turn";
    default:
        return "end_turn";
    }
}

static void put_usage(struct gw_out *o, const struct usage *u) {
    gw_out_name(o, "usage");
    gw_out_open(o, '{');
    gw_out_put_u64(o, "input_tokens", mean_input_rest(u));
    gw_out_put_u64(o, "cache_creation_input_tokens", u->n[USAGE_WRITTEN]);
    gw_out_put_u64(o, "cache_read_input_tokens", u->n[USAGE_CACHED]);
    gw_out_put_u64(o, "output_tokens", u->n[USAGE_OUTPUT]);
    gw_out_close(o, '}');
}

static void put_stop(struct gw_out *o, enum event_why why, struct gw_str stop) {
    bool known = stop.n > 0 && why == WHY_STOP;
    gw_out_put_word(o, "stop_reason", known ? "stop_sequence" : reason_of(why));
    if (known)
        gw_out_put_raw(o, "stop_sequence", stop);
    else
        gw_out_put_value(o, "stop_sequence", GW_STR("null"));
}

static void put_head(struct gw_out *o, struct gw_str id, struct gw_str model) {
    gw_out_put_raw(o, "id", id);
    gw_out_put_word(o, "type", "message");
    gw_out_put_word(o, "role", "assistant");
    gw_out_put_raw(o, "model", model);
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
    gw_out_put_word(o, "type", p->hidden ? "redacted_thinking" : "thinking");
    if (!p->hidden)
        gw_out_put_raw(o, "thinking", p->text);
    gw_out_put_raw(o, p->hidden ? "data" : "signature", p->signature);
}

static void put_call(struct gw_out *o, const struct mean_part *p) {
    gw_out_put_word(o, "type", "tool_use");
    gw_out_put_raw(o, "id", p->id);
    gw_out_put_raw(o, "name", p->name);
    gw_out_name(o, "input");
    if (p->args.n == 0 && !p->custom)
        gw_out_value(o, GW_STR("{}"));
    else
        mean_put_args(p, o->b->arena, o);
}

static void put_block(struct gw_out *o, const struct mean_part *p) {
    gw_out_open(o, '{');
    if (p->kind == MEAN_CALL) {
        put_call(o, p);
    } else if (p->kind == MEAN_REASONING) {
        put_thought(o, p);
    } else {
        gw_out_put_word(o, "type", "text");
        gw_out_put_raw(o, "text", p->text);
    }
    gw_out_close(o, '}');
}

/* Of several answers the first one: there is room for no more. */
void anthropic_say_answer(const struct mean_answer *a, const struct mean *asked, struct gw_buf *b) {
    static const struct mean_choice none = {.index = 0};
    const struct mean_choice *c = a->choices != NULL ? a->choices : &none;
    struct gw_out out, *o = &out;
    (void)asked;
    gw_out_init(o, b);
    gw_out_open(o, '{');
    put_head(o, mean_make_id(b->arena, "msg_", a->seed, 0), a->model);
    gw_out_name(o, "content");
    gw_out_open(o, '[');
    for (const struct mean_part *p = c->turn.parts; p != NULL; p = p->next)
        if (is_shown(p))
            put_block(o, p);
    gw_out_close(o, ']');
    bool calls = mean_has(c->turn.parts, MEAN_CALL);
    bool stopped = c->why == WHY_STOP || c->why == WHY_UNTOLD;
    put_stop(o,
             calls && stopped ? WHY_TOOL : mean_why(c->why, mean_has(c->turn.parts, MEAN_REFUSAL)),
             c->stop);
    put_usage(o, &a->usage);
    gw_out_close(o, '}');
}

/* ------------------------------------------------------------------ streams: blocks */

/* What a stream has said so far: the block of each call, and whether the model refuses. */
struct said {
    uint32_t block[MEAN_CALLS];
    bool refused;
};

static void open_event(struct gw_out *o, struct gw_buf *b, const char *type) {
    gw_buf_put(b, GW_STR("event: "));
    gw_buf_put(b, gw_str(type, strlen(type)));
    gw_buf_put(b, GW_STR("\ndata: "));
    gw_out_init(o, b);
    gw_out_open(o, '{');
    gw_out_put_word(o, "type", type);
}

static void close_event(struct gw_out *o) {
    gw_out_close(o, '}');
    gw_buf_put(o->b, GW_STR("\n\n"));
}

static void close_block(struct mean_stream *s, struct gw_buf *b) {
    struct gw_out o;
    if (s->open == 0)
        return;
    s->open = 0;
    open_event(&o, b, "content_block_stop");
    gw_out_put_u64(&o, "index", s->blocks - 1);
    close_event(&o);
}

/* Begins a block; its members follow, and close_start. */
static void open_start(struct mean_stream *s, struct gw_out *o, struct gw_buf *b,
                       enum mean_step_kind kind, const char *type) {
    close_block(s, b);
    s->open = kind;
    open_event(o, b, "content_block_start");
    gw_out_put_u64(o, "index", s->blocks++);
    gw_out_name(o, "content_block");
    gw_out_open(o, '{');
    gw_out_put_word(o, "type", type);
}

static void close_start(struct gw_out *o) {
    gw_out_close(o, '}');
    close_event(o);
}

static void open_delta(struct gw_out *o, struct gw_buf *b, uint32_t block, const char *type) {
    open_event(o, b, "content_block_delta");
    gw_out_put_u64(o, "index", block);
    gw_out_name(o, "delta");
    gw_out_open(o, '{');
    gw_out_put_word(o, "type", type);
}

static void put_delta(struct gw_buf *b, uint32_t block, const char *type, const char *name,
                      struct gw_str raw) {
    struct gw_out o;
    open_delta(&o, b, block, type);
    gw_out_put_raw(&o, name, raw);
    close_start(&o);
}

/* ------------------------------------------------------------------ streams: steps */

static void put_text(struct mean_stream *s, struct gw_str raw, struct gw_buf *b) {
    struct gw_out o;
    if (s->open != MEAN_STEP_TEXT) {
        open_start(s, &o, b, MEAN_STEP_TEXT, "text");
        gw_out_put_raw(&o, "text", GW_STR(""));
        close_start(&o);
    }
    put_delta(b, s->blocks - 1, "text_delta", "text", raw);
}

static void begin_thought(struct mean_stream *s, struct gw_buf *b) {
    struct gw_out o;
    if (s->open == MEAN_STEP_REASONING)
        return;
    open_start(s, &o, b, MEAN_STEP_REASONING, "thinking");
    gw_out_put_raw(&o, "thinking", GW_STR(""));
    gw_out_put_raw(&o, "signature", GW_STR(""));
    close_start(&o);
}

static void put_thinking(struct mean_stream *s, struct gw_str raw, struct gw_buf *b) {
    begin_thought(s, b);
    put_delta(b, s->blocks - 1, "thinking_delta", "thinking", raw);
}

/* It ends the thought that it is of. What is no thought has no place for one: that gets a thought without words,
 * as models send that do not show theirs. */
static void put_signature(struct mean_stream *s, struct gw_str raw, struct gw_buf *b) {
    begin_thought(s, b);
    put_delta(b, s->blocks - 1, "signature_delta", "signature", raw);
    close_block(s, b);
}

static void put_hidden(struct mean_stream *s, struct gw_str raw, struct gw_buf *b) {
    struct gw_out o;
    open_start(s, &o, b, MEAN_STEP_HIDDEN, "redacted_thinking");
    gw_out_put_raw(&o, "data", raw);
    close_start(&o);
    close_block(s, b);
}

static void begin_call(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b) {
    struct said *said = s->own;
    struct gw_out o;
    open_start(s, &o, b, MEAN_STEP_CALL, "tool_use");
    gw_out_put_raw(&o, "id", step->id);
    gw_out_put_raw(&o, "name", step->name);
    gw_out_put_value(&o, "input", GW_STR("{}"));
    close_start(&o);
    if (said != NULL && step->tool < MEAN_CALLS)
        said->block[step->tool] = s->blocks - 1;
}

static void put_args(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b) {
    const struct said *said = s->own;
    struct gw_out o;
    if (said == NULL || step->tool >= MEAN_CALLS)
        return;
    open_delta(&o, b, said->block[step->tool], "input_json_delta");
    gw_out_name(&o, "partial_json");
    if (step->value)
        gw_out_text(&o, step->raw);
    else
        gw_out_raw(&o, step->raw);
    close_start(&o);
}

static void put_refusal(struct mean_stream *s, struct gw_str raw, struct gw_buf *b) {
    struct said *said = s->own;
    if (said != NULL)
        said->refused = true;
    put_text(s, raw, b);
}

/* Of several answers the first one: there is room for no more. */
void anthropic_say_step(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b) {
    if (step->choice != 0)
        return;
    switch (step->kind) {
    case MEAN_STEP_TEXT:
        put_text(s, step->raw, b);
        break;
    case MEAN_STEP_REASONING:
        put_thinking(s, step->raw, b);
        break;
    case MEAN_STEP_REFUSAL:
        put_refusal(s, step->raw, b);
        break;
    case MEAN_STEP_SIGNATURE:
        put_signature(s, step->raw, b);
        break;
    case MEAN_STEP_HIDDEN:
        put_hidden(s, step->raw, b);
        break;
    case MEAN_STEP_CALL:
        begin_call(s, step, b);
        break;
    case MEAN_STEP_ARGS:
        put_args(s, step, b);
        break;
    }
}

/* ------------------------------------------------------------------ streams: both ends */

void anthropic_say_begin(struct mean_stream *s, struct gw_buf *b) {
    struct gw_out o;
    s->own = gw_arena_get(s->arena, sizeof(struct said));
    s->full |= s->own == NULL;
    s->id = mean_make_id(s->arena, "msg_", s->seed, 0);
    open_event(&o, b, "message_start");
    gw_out_name(&o, "message");
    gw_out_open(&o, '{');
    put_head(&o, s->id, s->model);
    gw_out_put_value(&o, "content", GW_STR("[]"));
    gw_out_put_value(&o, "stop_reason", GW_STR("null"));
    gw_out_put_value(&o, "stop_sequence", GW_STR("null"));
    put_usage(&o, &s->usage);
    close_start(&o);
}

void anthropic_say_end(struct mean_stream *s, struct gw_buf *b) {
    const struct said *said = s->own;
    struct gw_out o;
    close_block(s, b);
    open_event(&o, b, "message_delta");
    gw_out_name(&o, "delta");
    gw_out_open(&o, '{');
    put_stop(&o, mean_why((enum event_why)s->why[0], said != NULL && said->refused), s->stop);
    gw_out_close(&o, '}');
    put_usage(&o, &s->usage);
    close_event(&o);
    open_event(&o, b, "message_stop");
    close_event(&o);
}
