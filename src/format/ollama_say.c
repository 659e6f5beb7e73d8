/* Ollama's own dialect, translated: answers and streams as clients get them. */
#include "base/date.h"
#include "format/calls.h"
#include "format/ollama_speech.h"

static void open_line(struct gw_out *o, struct gw_buf *b, struct gw_str model, uint64_t created) {
    gw_out_init(o, b);
    gw_out_open(o, '{');
    gw_out_put_raw(o, "model", model);
    gw_out_put_raw(o, "created_at", GW_STR(""));
    b->n -= !b->full; /* the closing quote */
    gw_date_put_iso(b, (double)created * 1000);
    gw_buf_putc(b, '"');
}

static void put_logprobs(struct gw_out *o, struct gw_str value) {
    struct gw_str items = mean_logprobs_items(value);
    if (items.n == 0)
        return;
    gw_out_name(o, "logprobs");
    gw_out_open(o, '[');
    gw_out_value(o, items);
    gw_out_close(o, ']');
}

/* A count that is not known is left out, as Ollama does with zeros. */
static void put_count(struct gw_out *o, const char *name, uint64_t n) {
    if (n > 0)
        gw_out_put_u64(o, name, n);
}

/* The end of an answer. A call ends it like any other. */
static void put_done(struct gw_out *o, enum event_why why, const struct usage *u) {
    gw_out_put_value(o, "done", GW_STR("true"));
    gw_out_put_word(o, "done_reason", why == WHY_LENGTH ? "length" : "stop");
    put_count(o, "prompt_eval_count", u->n[USAGE_INPUT]);
    put_count(o, "eval_count", u->n[USAGE_OUTPUT]);
    gw_out_close(o, '}');
}

static void open_message(struct gw_out *o) {
    gw_out_name(o, "message");
    gw_out_open(o, '{');
    gw_out_put_word(o, "role", "assistant");
}

/* ------------------------------------------------------------------ answers */

/* Nobody asks for several. Ollama's own client reads a line. */
void ollama_say_answer(const struct mean_answer *a, const struct mean *asked, struct gw_buf *b) {
    struct gw_out o;
    const struct mean_choice none = {.why = WHY_STOP}, *c = a->choices != NULL ? a->choices : &none;
    size_t from = b->n;
    open_line(&o, b, a->model, a->created);
    if (asked->bare) {
        ollama_put_said(&o, "response", c->turn.parts, a->mean.arena);
    } else {
        open_message(&o);
        ollama_put_said(&o, "content", c->turn.parts, a->mean.arena);
        gw_out_close(&o, '}');
    }
    put_logprobs(&o, c->logprobs);
    put_done(&o, c->why, &a->usage);
    mean_join_lines(b, from);
}

/* ------------------------------------------------------------------ streams */

void ollama_say_begin(struct mean_stream *s, struct gw_buf *b) {
    (void)s, (void)b;
}

/* What is said, or thought, or called. */
static void put_piece(struct mean_stream *s, struct gw_out *o, struct gw_str text,
                      struct gw_str thought, const struct mean_part *call) {
    bool bare = s->asked->bare;
    if (!bare)
        open_message(o);
    gw_out_put_raw(o, bare ? "response" : "content", text);
    gw_out_may_raw(o, "thinking", thought);
    if (call != NULL)
        ollama_put_calls(o, call, s->blocks++, s->arena);
    if (!bare)
        gw_out_close(o, '}');
}

static void put_line(struct mean_stream *s, struct gw_str text, struct gw_str thought,
                     const struct mean_part *call, struct gw_buf *b) {
    struct gw_out o;
    open_line(&o, b, s->model, s->created);
    put_piece(s, &o, text, thought, call);
    gw_out_put_value(&o, "done", GW_STR("false"));
    put_logprobs(&o, s->logprobs);
    gw_out_close(&o, '}');
    gw_buf_putc(b, '\n');
    s->logprobs = GW_STR(""); /* they are of all of the event */
}

static void put_call(struct mean_stream *s, uint32_t choice, const struct mean_part *call,
                     struct gw_buf *b) {
    struct gw_str none = GW_STR("");
    (void)choice;
    put_line(s, none, none, call, b);
}

/* Signatures, and thoughts that nobody can read, have no place here; nor have other choices than the first. */
void ollama_say_step(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b) {
    struct gw_str none = GW_STR("");
    if (step->choice > 0 || calls_gather(s, step, put_call, b) ||
        step->kind == MEAN_STEP_SIGNATURE || step->kind == MEAN_STEP_HIDDEN)
        return;
    bool thought = step->kind == MEAN_STEP_REASONING;
    put_line(s, thought ? none : step->raw, thought ? step->raw : none, NULL, b);
}

void ollama_say_end(struct mean_stream *s, struct gw_buf *b) {
    struct gw_out o;
    struct gw_str none = GW_STR("");
    calls_flush(s, 0, put_call, b);
    open_line(&o, b, s->model, s->created);
    put_piece(s, &o, none, none, NULL);
    put_done(&o, (enum event_why)s->why[0], &s->usage);
    gw_buf_putc(b, '\n');
}
