/*
 * OpenAI's Responses, translated: streams as clients get them. Each item begins and ends, and so does each part of it; what
 * ends is told whole, and at the end the answer is, so all of it is kept: up to a limit, beyond which the stream fails.
 *
 * Of messages and thoughts one at most is open. Calls stay open until the end, since several may be told at once; one
 * whose arguments came as one value is complete.
 */
#include "format/responses_speech.h"

enum { KEPT_MAX = 1 << 20 };

/* ------------------------------------------------------------------ events */

static void open_event(struct mean_stream *s, const char *type, struct gw_out *o,
                       struct gw_buf *b) {
    gw_buf_put(b, GW_STR("event: response."));
    gw_buf_put(b, gw_str(type, strlen(type)));
    gw_buf_put(b, GW_STR("\ndata: "));
    gw_out_init(o, b);
    gw_out_open(o, '{');
    gw_out_name(o, "type");
    gw_out_joined(o, GW_STR("response."), gw_str(type, strlen(type)));
    gw_out_put_u64(o, "sequence_number", s->sequence++);
}

static void close_event(struct gw_out *o) {
    gw_out_close(o, '}');
    gw_buf_put(o->b, GW_STR("\n\n"));
}

static struct responses_state state_of(const struct mean_stream *s, bool over) {
    return (struct responses_state){.id = s->id,
                                    .model = s->model,
                                    .created = s->created,
                                    .over = over,
                                    .why = (enum event_why)s->why[0],
                                    .asked = s->asked,
                                    .usage = &s->usage,
                                    .said = s->own};
}

static void put_whole(struct mean_stream *s, const char *type, bool over, struct gw_buf *b) {
    struct gw_out o;
    struct responses_state state = state_of(s, over);
    const char *reason = responses_say_reason(&state);
    open_event(s, reason != NULL ? "incomplete" : type, &o, b);
    gw_out_name(&o, "response");
    responses_say_put(&o, &state);
    close_event(&o);
}

static void put_item(struct mean_stream *s, const char *type,
                     const struct responses_said_item *item, bool begins, struct gw_buf *b) {
    struct gw_out o;
    open_event(s, type, &o, b);
    gw_out_put_u64(&o, "output_index", item->index);
    gw_out_name(&o, "item");
    responses_said_put_item(&o, item, begins);
    close_event(&o);
}

/* An event of an item's part, or of a call. */
static void open_inner(struct mean_stream *s, const char *type,
                       const struct responses_said_item *item, struct gw_out *o, struct gw_buf *b) {
    bool summary = item->kind == RESPONSES_REASONING;
    open_event(s, type, o, b);
    gw_out_put_raw(o, "item_id", item->id);
    gw_out_put_u64(o, "output_index", item->index);
    if (item->parts_n > 0)
        gw_out_put_u64(o, summary ? "summary_index" : "content_index", item->parts_n - 1);
}

/* The last part of an item begins, or ends. */
static void put_part(struct mean_stream *s, const struct responses_said_item *item, bool begins,
                     struct gw_buf *b) {
    struct gw_out o;
    bool summary = item->kind == RESPONSES_REASONING;
    open_inner(s,
               summary  ? (begins ? "reasoning_summary_part.added" : "reasoning_summary_part.done")
               : begins ? "content_part.added"
                        : "content_part.done",
               item, &o, b);
    gw_out_name(&o, "part");
    responses_said_put_part(&o, begins ? NULL : item->last, responses_said_type(item, item->last));
    close_event(&o);
}

/* ------------------------------------------------------------------ messages and thoughts */

static void put_text_done(struct mean_stream *s, const struct responses_said_item *item,
                          struct gw_buf *b) {
    struct gw_out o;
    const struct responses_part *part = item->last;
    bool summary = item->kind == RESPONSES_REASONING;
    open_inner(s,
               summary         ? "reasoning_summary_text.done"
               : part->refusal ? "refusal.done"
                               : "output_text.done",
               item, &o, b);
    gw_out_name(&o, part->refusal ? "refusal" : "text");
    responses_said_put_text(&o, &part->text);
    if (!summary && !part->refusal) {
        gw_out_name(&o, "logprobs");
        responses_said_put_list(&o, &part->logprobs);
    }
    close_event(&o);
}

static void end_part(struct mean_stream *s, const struct responses_said_item *item,
                     struct gw_buf *b) {
    if (item->last == NULL)
        return;
    put_text_done(s, item, b);
    put_part(s, item, false, b);
}

static void end_item(struct mean_stream *s, struct responses_said_item *item, struct gw_buf *b) {
    if (item == NULL || !item->open)
        return;
    item->open = false;
    end_part(s, item, b);
    put_item(s, "output_item.done", item, false, b);
}

static bool is_call(const struct responses_said_item *item) {
    return item->kind == RESPONSES_FUNCTION || item->kind == RESPONSES_CUSTOM ||
           item->kind == RESPONSES_SEARCH;
}

/* The message, or the thought, that is open. */
static struct responses_said_item *open_one(const struct responses_said *said) {
    struct responses_said_item *item = said->first, *found = NULL;
    for (; item != NULL; item = item->next)
        if (item->open && !is_call(item))
            found = item;
    return found;
}

static struct responses_said_item *begin_item(struct mean_stream *s, enum responses_kind kind,
                                              struct gw_buf *b) {
    struct responses_said *said = s->own;
    end_item(s, open_one(said), b);
    struct responses_said_item *item = responses_said_add(said, kind);
    put_item(s, "output_item.added", item, true, b);
    return item;
}

/* The open item of this kind, with a part of this kind that is open. */
static struct responses_said_item *reach(struct mean_stream *s, enum responses_kind kind,
                                         bool refusal, struct gw_buf *b) {
    struct responses_said *said = s->own;
    struct responses_said_item *item = open_one(said);
    if (item == NULL || item->kind != kind)
        item = begin_item(s, kind, b);
    if (item->last != NULL && item->last->refusal == refusal)
        return item;
    end_part(s, item, b);
    responses_said_part(said, item, refusal);
    if (!said->full)
        put_part(s, item, true, b);
    return item;
}

static void put_text(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b) {
    struct responses_said *said = s->own;
    struct gw_out o;
    bool refusal = step->kind == MEAN_STEP_REFUSAL, summary = step->kind == MEAN_STEP_REASONING;
    struct responses_said_item *item =
        reach(s, summary ? RESPONSES_REASONING : RESPONSES_MESSAGE, refusal, b);
    if (said->full)
        return;
    responses_said_text(said, &item->last->text, step->raw);
    open_inner(s,
               summary   ? "reasoning_summary_text.delta"
               : refusal ? "refusal.delta"
                         : "output_text.delta",
               item, &o, b);
    gw_out_put_raw(&o, "delta", step->raw);
    if (step->kind == MEAN_STEP_TEXT) {
        struct responses_piece one = {.text = mean_logprobs_items(s->logprobs)};
        struct responses_text now = {.first = &one};
        responses_said_logprobs(said, item->last, s->logprobs);
        gw_out_name(&o, "logprobs");
        responses_said_put_list(&o, &now);
        s->logprobs = GW_STR("");
    }
    close_event(&o);
}

/* A signature is of the thought that is open; if none is, of one that nobody may read. */
static void put_signature(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b) {
    struct responses_said *said = s->own;
    struct responses_said_item *item = open_one(said);
    bool hidden = step->kind == MEAN_STEP_HIDDEN;
    if (item == NULL || item->kind != RESPONSES_REASONING || hidden)
        item = begin_item(s, RESPONSES_REASONING, b);
    if (!hidden && item->last == NULL && !said->full)
        reach(s, RESPONSES_REASONING, false, b);
    item->signature = gw_arena_dup(s->arena, step->raw);
    said->full |= item->signature.n == 0;
    end_item(s, item, b);
}

/* ------------------------------------------------------------------ calls */

static const char *event_of(const struct responses_said_item *call, bool delta) {
    if (call->kind == RESPONSES_CUSTOM)
        return delta ? "custom_tool_call_input.delta" : "custom_tool_call_input.done";
    return delta ? "function_call_arguments.delta" : "function_call_arguments.done";
}

static void put_call_delta(struct mean_stream *s, const struct responses_said_item *call,
                           const struct responses_text *text, struct gw_buf *b) {
    struct gw_out o;
    open_inner(s, event_of(call, true), call, &o, b);
    gw_out_name(&o, "delta");
    responses_said_put_text(&o, text);
    close_event(&o);
}

static void put_call_done(struct mean_stream *s, const struct responses_said_item *call,
                          struct gw_buf *b) {
    struct gw_out o;
    open_inner(s, event_of(call, false), call, &o, b);
    if (call->kind == RESPONSES_FUNCTION)
        gw_out_put_raw(&o, "name", call->name);
    gw_out_name(&o, call->kind == RESPONSES_CUSTOM ? "input" : "arguments");
    responses_said_put_text(&o, &call->args);
    close_event(&o);
}

static void begin_call(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b) {
    struct responses_said *said = s->own;
    end_item(s, open_one(said), b);
    struct responses_said_item *call = responses_said_call(said, s->asked, step->id, step->name);
    call->tool = step->tool;
    put_item(s, "output_item.added", call, true, b);
}

/* Clients read the arguments as JSON, even if there are none. */
static void put_no_args(struct mean_stream *s, struct responses_said_item *call, struct gw_buf *b) {
    struct responses_piece one = {.text = responses_said_args(s->own, call, GW_STR("{}"), false)};
    struct responses_text now = {.first = &one};
    if (one.text.n > 0)
        put_call_delta(s, call, &now, b);
}

/* A text that never came as such is told now, as it came. */
static void end_call(struct mean_stream *s, struct responses_said_item *call, struct gw_buf *b) {
    call->open = false;
    if (call->kind == RESPONSES_FUNCTION && call->args.first == NULL && !call->cut)
        put_no_args(s, call, b);
    if (call->kind == RESPONSES_CUSTOM && !call->input.found && call->args.first != NULL)
        put_call_delta(s, call, &call->args, b);
    if (call->kind != RESPONSES_SEARCH)
        put_call_done(s, call, b);
    put_item(s, "output_item.done", call, false, b);
}

static struct responses_said_item *call_of(const struct responses_said *said, uint32_t tool) {
    struct responses_said_item *item = said->first;
    while (item != NULL && !(item->open && is_call(item) && item->tool == tool))
        item = item->next;
    return item;
}

static void put_args(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b) {
    struct responses_said *said = s->own;
    struct responses_said_item *call = call_of(said, step->tool);
    if (call == NULL)
        return;
    struct responses_piece one = {.text = responses_said_args(said, call, step->raw, step->value)};
    struct responses_text now = {.first = &one};
    if (one.text.n > 0)
        put_call_delta(s, call, &now, b);
    if (step->value)
        end_call(s, call, b);
}

/* ------------------------------------------------------------------ the stream */

void responses_stream_begin(struct mean_stream *s, struct gw_buf *b) {
    struct responses_said *said = gw_arena_get(s->arena, sizeof *said);
    s->full |= said == NULL;
    if (said == NULL)
        return;
    responses_said_init(said, s->arena, s->seed, KEPT_MAX);
    s->own = said;
    s->id = mean_make_id(s->arena, RESPONSES_KEPT_PREFIX, s->seed, 0);
    put_whole(s, "created", false, b);
    put_whole(s, "in_progress", false, b);
}

/* There is one answer: others were not asked for. */
void responses_stream_step(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b) {
    struct responses_said *said = s->own;
    if (said == NULL || said->full || step->choice != 0)
        return;
    if (s->asked->compacts) {
        responses_said_summary(said, step->kind == MEAN_STEP_TEXT ? step->raw : GW_STR(""));
        s->full |= said->full;
        return;
    }
    switch (step->kind) {
    case MEAN_STEP_TEXT:
    case MEAN_STEP_REASONING:
    case MEAN_STEP_REFUSAL:
        put_text(s, step, b);
        break;
    case MEAN_STEP_SIGNATURE:
    case MEAN_STEP_HIDDEN:
        put_signature(s, step, b);
        break;
    case MEAN_STEP_CALL:
        begin_call(s, step, b);
        break;
    case MEAN_STEP_ARGS:
        put_args(s, step, b);
        break;
    }
    s->full |= said->full;
}

void responses_stream_end(struct mean_stream *s, struct gw_buf *b) {
    struct responses_said *said = s->own;
    if (said == NULL || said->full)
        return;
    bool cut = s->why[0] == WHY_LENGTH;
    if (s->asked->compacts) {
        responses_said_summary(said, GW_STR(""));
        put_item(s, "output_item.added", said->first, false, b);
    }
    for (struct responses_said_item *item = said->first; item != NULL; item = item->next) {
        item->cut = item->open && cut;
        if (item->open && is_call(item))
            end_call(s, item, b);
        else
            end_item(s, item, b);
    }
    put_whole(s, "completed", true, b);
    s->full |= said->full;
}

void responses_stream_put(const struct mean_stream *s, struct gw_out *o) {
    struct responses_state state = state_of(s, true);
    responses_say_put(o, &state);
}
