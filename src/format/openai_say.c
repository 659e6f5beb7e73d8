/* OpenAI's chat completions, translated: answers and streams as clients get them. */
#include "format/openai_speech.h"

#include "format/custom_input.h"

/* ------------------------------------------------------------------ answers */

static const char *finish_of(enum event_why why) {
    switch (why) {
    case WHY_LENGTH:
        return "length";
    case WHY_TOOL:
        return "tool_calls";
    case WHY_FILTER:
        return "content_filter";
    default:
        return "stop";
    }
}

static void put_usage(struct gw_out *o, const struct usage *u) {
    gw_out_name(o, "usage");
    gw_out_open(o, '{');
    gw_out_put_u64(o, "prompt_tokens", u->n[USAGE_INPUT]);
    gw_out_put_u64(o, "completion_tokens", u->n[USAGE_OUTPUT]);
    gw_out_put_u64(o, "total_tokens", u->n[USAGE_INPUT] + u->n[USAGE_OUTPUT]);
    gw_out_name(o, "prompt_tokens_details");
    gw_out_open(o, '{');
    gw_out_put_u64(o, "cached_tokens", u->n[USAGE_CACHED]);
    gw_out_close(o, '}');
    gw_out_name(o, "completion_tokens_details");
    gw_out_open(o, '{');
    gw_out_put_u64(o, "reasoning_tokens", u->n[USAGE_REASONING]);
    gw_out_close(o, '}');
    gw_out_close(o, '}');
}

/* A refusal has a member of its own, beside the content. */
static void put_message(struct gw_out *o, const struct mean_turn *t, const struct mean *asked) {
    bool said = openai_says(t->parts, MEAN_TEXT), refused = openai_says(t->parts, MEAN_REFUSAL);
    gw_out_open(o, '{');
    gw_out_put_word(o, "role", "assistant");
    if (said)
        openai_put_joined(o, "content", t->parts, MEAN_TEXT);
    else
        gw_out_put_value(o, "content", GW_STR("null"));
    if (openai_says(t->parts, MEAN_REASONING))
        openai_put_joined(o, "reasoning_content", t->parts, MEAN_REASONING);
    if (refused)
        openai_put_joined(o, "refusal", t->parts, MEAN_REFUSAL);
    else
        gw_out_put_value(o, "refusal", GW_STR("null"));
    if (mean_has(t->parts, MEAN_CALL))
        openai_put_calls(o, t->parts, asked);
    gw_out_close(o, '}');
}

static void put_head(struct gw_out *o, struct gw_str id, const char *object, uint64_t created,
                     struct gw_str model) {
    gw_out_put_raw(o, "id", id);
    gw_out_put_word(o, "object", object);
    gw_out_put_u64(o, "created", created);
    gw_out_put_raw(o, "model", model);
}

void openai_say_answer(const struct mean_answer *a, const struct mean *asked, struct gw_buf *b) {
    struct gw_out out, *o = &out;
    gw_out_init(o, b);
    gw_out_open(o, '{');
    put_head(o, a->id, asked->bare ? "text_completion" : "chat.completion", a->created, a->model);
    gw_out_name(o, "choices");
    gw_out_open(o, '[');
    for (const struct mean_choice *c = a->choices; c != NULL; c = c->next) {
        if (asked->bare) {
            openai_bare_put(o, c->index, c->turn.parts, finish_of(c->why));
            continue;
        }
        gw_out_open(o, '{');
        gw_out_put_u64(o, "index", c->index);
        gw_out_name(o, "message");
        put_message(o, &c->turn, asked);
        gw_out_put_value(o, "logprobs", c->logprobs.n > 0 ? c->logprobs : GW_STR("null"));
        gw_out_put_word(o, "finish_reason", finish_of(c->why));
        gw_out_close(o, '}');
    }
    gw_out_close(o, ']');
    put_usage(o, &a->usage);
    gw_out_close(o, '}');
}

/* ------------------------------------------------------------------ streams */

/* What has been told of calls of tools that take a text; only where the client has such. */
struct openai_said {
    struct custom_input input[MEAN_CALLS];
    bool custom[MEAN_CALLS];
    struct gw_buf json, text; /* of one piece of arguments */
};

enum { PIECE_MAX = 1 << 20 };

void openai_say_begin(struct mean_stream *s, struct gw_buf *b) {
    (void)b;
    s->id = mean_make_id(s->arena, s->asked->bare ? "cmpl-" : "chatcmpl-", s->seed, 0);
    if ((s->asked->uses >> FEATURE_CUSTOM & 1) == 0)
        return;
    struct openai_said *said = s->own = gw_arena_get(s->arena, sizeof *said);
    s->full |= said == NULL;
    if (said == NULL)
        return;
    gw_buf_init(&said->json, s->arena, PIECE_MAX);
    gw_buf_init(&said->text, s->arena, PIECE_MAX);
}

static bool is_custom(const struct mean_stream *s, uint32_t tool) {
    const struct openai_said *said = s->own;
    return said != NULL && said->custom[tool];
}

/* What a piece of the arguments brings of the text. */
static struct gw_str text_of(struct mean_stream *s, const struct mean_step *step) {
    struct openai_said *said = s->own;
    said->json.n = said->text.n = 0;
    if (!step->value)
        gw_json_decode(&said->json, step->raw);
    custom_input_feed(&said->input[step->tool], step->value ? step->raw : gw_buf_str(&said->json),
                      &said->text);
    s->full |= said->json.full || said->text.full;
    return gw_buf_str(&said->text);
}

static void open_chunk(struct mean_stream *s, struct gw_out *o, struct gw_buf *b) {
    gw_buf_put(b, GW_STR("data: "));
    gw_out_init(o, b);
    gw_out_open(o, '{');
    put_head(o, s->id, s->asked->bare ? "text_completion" : "chat.completion.chunk", s->created,
             s->model);
    gw_out_name(o, "choices");
    gw_out_open(o, '[');
}

static void close_chunk(struct gw_out *o) {
    gw_out_close(o, '}');
    gw_buf_put(o->b, GW_STR("\n\n"));
}

static void open_delta(struct mean_stream *s, uint32_t choice, struct gw_out *o, struct gw_buf *b) {
    open_chunk(s, o, b);
    gw_out_open(o, '{');
    gw_out_put_u64(o, "index", choice);
    gw_out_name(o, "delta");
    gw_out_open(o, '{');
    if ((s->told >> choice & 1) == 0)
        gw_out_put_word(o, "role", "assistant");
    s->told |= 1U << choice;
}

/* Servers tell the list of them alone, or in an object as this one does. */
static void put_logprobs(struct mean_stream *s, struct gw_out *o) {
    bool list = s->logprobs.p[0] == '[';
    gw_out_name(o, "logprobs");
    if (list) {
        gw_out_open(o, '{');
        gw_out_put_value(o, "content", s->logprobs);
        gw_out_put_value(o, "refusal", GW_STR("null"));
        gw_out_close(o, '}');
    } else {
        gw_out_value(o, s->logprobs);
    }
    s->logprobs = GW_STR("");
}

/* Log probabilities go with the first thing that their event said. */
static void close_delta(struct mean_stream *s, struct gw_out *o, const char *finish) {
    gw_out_close(o, '}');
    if (s->logprobs.n > 0)
        put_logprobs(s, o);
    if (finish != NULL)
        gw_out_put_word(o, "finish_reason", finish);
    else
        gw_out_put_value(o, "finish_reason", GW_STR("null"));
    gw_out_close(o, '}');
    gw_out_close(o, ']');
    close_chunk(o);
}

static void put_call_delta(struct gw_out *o, const struct mean_step *step, bool custom) {
    bool begins = step->kind == MEAN_STEP_CALL;
    gw_out_name(o, "tool_calls");
    gw_out_open(o, '[');
    gw_out_open(o, '{');
    gw_out_put_u64(o, "index", step->tool);
    if (begins) {
        gw_out_put_raw(o, "id", step->id);
        gw_out_put_word(o, "type", custom ? "custom" : "function");
    }
    gw_out_name(o, custom ? "custom" : "function");
    gw_out_open(o, '{');
    if (begins)
        gw_out_put_raw(o, "name", step->name);
    gw_out_name(o, custom ? "input" : "arguments");
    if (step->value)
        gw_out_text(o, step->raw);
    else
        gw_out_raw(o, step->raw);
    gw_out_close(o, '}');
    gw_out_close(o, '}');
    gw_out_close(o, ']');
}

/* A piece of a call; nothing if it brings nothing of its text. */
static void say_call(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b) {
    struct openai_said *said = s->own;
    struct mean_step one = *step;
    struct gw_out o;
    if (said != NULL && step->kind == MEAN_STEP_CALL)
        said->custom[step->tool] = openai_is_custom(s->asked, step->name);
    bool custom = is_custom(s, step->tool);
    if (custom && step->kind == MEAN_STEP_ARGS) {
        one.raw = text_of(s, step);
        one.value = false;
        if (one.raw.n == 0)
            return;
    }
    open_delta(s, step->choice, &o, b);
    put_call_delta(&o, &one, custom);
    close_delta(s, &o, NULL);
}

/* Of a text nothing is told but that. */
static void say_bare(struct mean_stream *s, uint32_t choice, struct gw_str text, const char *finish,
                     struct gw_buf *b) {
    const struct mean_part part = {.kind = MEAN_TEXT, .text = text};
    struct gw_out o;
    open_chunk(s, &o, b);
    openai_bare_put(&o, choice, &part, finish);
    gw_out_close(&o, ']');
    close_chunk(&o);
}

/* Signatures, and thoughts that nobody can read, have no place here. */
void openai_say_step(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b) {
    struct gw_out o;
    if (step->kind == MEAN_STEP_SIGNATURE || step->kind == MEAN_STEP_HIDDEN)
        return;
    if (s->asked->bare) {
        if (step->kind == MEAN_STEP_TEXT)
            say_bare(s, step->choice, step->raw, NULL, b);
        return;
    }
    if (step->kind == MEAN_STEP_CALL || step->kind == MEAN_STEP_ARGS) {
        say_call(s, step, b);
        return;
    }
    open_delta(s, step->choice, &o, b);
    gw_out_put_raw(&o,
                   step->kind == MEAN_STEP_TEXT        ? "content"
                   : step->kind == MEAN_STEP_REASONING ? "reasoning_content"
                                                       : "refusal",
                   step->raw);
    close_delta(s, &o, NULL);
}

/* Clients read the arguments as JSON, even if there are none. */
static void put_no_args(struct mean_stream *s, struct gw_buf *b) {
    for (uint32_t i = 0; i < s->calls; i++)
        if (s->call[i].told && !s->call[i].args && !is_custom(s, i))
            openai_say_step(s,
                            &(struct mean_step){.kind = MEAN_STEP_ARGS,
                                                .choice = s->call[i].choice,
                                                .tool = i,
                                                .raw = GW_STR("{}")},
                            b);
}

void openai_say_end(struct mean_stream *s, struct gw_buf *b) {
    struct gw_out o;
    put_no_args(s, b);
    for (uint32_t i = 0; i < EVENT_CHOICES; i++) {
        if ((s->choices >> i & 1) == 0)
            continue;
        const char *finish = finish_of((enum event_why)s->why[i]);
        if (s->asked->bare) {
            say_bare(s, i, GW_STR(""), finish, b);
            continue;
        }
        open_delta(s, i, &o, b);
        close_delta(s, &o, finish);
    }
    if (s->wants_usage) {
        open_chunk(s, &o, b);
        gw_out_close(&o, ']');
        put_usage(&o, &s->usage);
        close_chunk(&o);
    }
    gw_buf_put(b, GW_STR("data: [DONE]\n\n"));
}
