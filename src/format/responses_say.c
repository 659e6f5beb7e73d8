/*
 * OpenAI's Responses, translated: whole answers as clients get them. An answer tells its client again how it was asked;
 * all that the API tells is there, since clients check it.
 */
#include "format/responses_speech.h"

enum { ANSWER_MAX = 1 << 30, BRIEF = 1024 };

/* ------------------------------------------------------------------ what was asked */

static struct gw_str or_else(struct gw_str value, const char *other) {
    return value.n > 0 ? value : gw_str(other, strlen(other));
}

/* What the client has said, or what goes without saying. */
static void put_or(struct gw_out *o, const char *name, struct gw_str value, const char *other) {
    gw_out_name(o, name);
    responses_said_put_value(o, or_else(value, other));
}

static void put_raw_or_null(struct gw_out *o, const char *name, struct gw_str raw) {
    if (raw.n > 0)
        gw_out_put_raw(o, name, raw);
    else
        gw_out_put_value(o, name, GW_STR("null"));
}

/* One tool: those that are functions are told with all their members. */
static void put_tool(struct gw_out *o, struct gw_str raw) {
    static const char *const names[] = {"description", "parameters", "strict"};
    struct gw_walk w;
    struct gw_str name;
    bool has[3] = {false}, function = false;
    gw_walk_init(&w, raw);
    gw_out_open(o, '{');
    gw_walk_enter(&w, '{');
    while (gw_walk_member(&w, &name)) {
        for (int i = 0; i < 3; i++)
            has[i] |= gw_str_eq(name, gw_str(names[i], strlen(names[i])));
        struct gw_str value = or_else(mean_value(&w), "null");
        function |= gw_str_eq(name, GW_STR("type")) && gw_str_eq(value, GW_STR("\"function\""));
        gw_out_raw_name(o, name);
        responses_said_put_value(o, value);
    }
    for (int i = 0; i < 3 && function; i++)
        if (!has[i])
            gw_out_put_value(o, names[i], i == 2 ? GW_STR("true") : GW_STR("null"));
    gw_out_close(o, '}');
}

static void put_tools(struct gw_out *o, struct gw_str list) {
    struct gw_walk w;
    gw_walk_init(&w, list);
    gw_out_name(o, "tools");
    gw_out_open(o, '[');
    if (list.n > 0 && gw_walk_enter(&w, '['))
        while (gw_walk_item(&w)) {
            struct gw_str tool = mean_value(&w);
            if (tool.n > 0 && tool.p[0] == '{')
                put_tool(o, tool);
        }
    gw_out_close(o, ']');
}

static struct gw_str short_of(struct gw_str value, bool brief) {
    return brief && value.n > BRIEF ? GW_STR("") : value;
}

static void put_text(struct gw_out *o, const struct mean *asked, bool brief) {
    gw_out_name(o, "text");
    gw_out_open(o, '{');
    put_or(o, "format", short_of(asked->said.format, brief), "{\"type\":\"text\"}");
    gw_out_put_raw(o, "verbosity", or_else(asked->verbosity, "medium"));
    gw_out_close(o, '}');
}

static void put_reasoning(struct gw_out *o, const struct mean *asked) {
    const char *word = mean_effort_word(asked->effort);
    gw_out_name(o, "reasoning");
    gw_out_open(o, '{');
    put_raw_or_null(o, "effort", gw_str(word, strlen(word)));
    put_or(o, "summary", asked->said.summary, "null");
    gw_out_close(o, '}');
}

/* "auto" is what it becomes. */
static struct gw_str tier_of(struct gw_str asked) {
    bool unsaid = asked.n == 0 || gw_str_eq(asked, GW_STR("auto"));
    return unsaid ? GW_STR("default") : asked;
}

static void put_numbers(struct gw_out *o, const struct mean *asked) {
    put_or(o, "temperature", asked->temperature, "1");
    put_or(o, "top_p", asked->top_p, "1");
    put_or(o, "presence_penalty", asked->presence, "0");
    put_or(o, "frequency_penalty", asked->frequency, "0");
    put_or(o, "top_logprobs", asked->top_logprobs, "0");
    put_or(o, "max_output_tokens", asked->max_tokens, "null");
    put_or(o, "max_tool_calls", asked->said.calls, "null");
}

/* What may be long is told at the end. */
static void put_asked(struct gw_out *o, const struct mean *asked, bool brief) {
    put_or(o, "instructions", short_of(asked->said.instructions, brief), "null");
    put_tools(o, short_of(asked->said.tools, brief));
    put_or(o, "tool_choice", asked->said.choice, "\"auto\"");
    put_or(o, "parallel_tool_calls", asked->parallel, "true");
    put_or(o, "truncation", asked->said.truncation, "\"disabled\"");
    put_raw_or_null(o, "previous_response_id", asked->previous);
    put_text(o, asked, brief);
    put_reasoning(o, asked);
    put_numbers(o, asked);
    put_or(o, "store", asked->store, "true");
    gw_out_put_value(o, "background", GW_STR("false"));
    gw_out_put_raw(o, "service_tier", tier_of(asked->tier));
    put_or(o, "metadata", short_of(asked->metadata, brief), "{}");
    put_or(o, "safety_identifier", asked->said.safety, "null");
    put_or(o, "prompt_cache_key", asked->said.cache_key, "null");
}

/* ------------------------------------------------------------------ the answer */

static void put_usage(struct gw_out *o, const struct usage *u) {
    gw_out_name(o, "usage");
    gw_out_open(o, '{');
    gw_out_put_u64(o, "input_tokens", u->n[USAGE_INPUT]);
    gw_out_name(o, "input_tokens_details");
    gw_out_open(o, '{');
    gw_out_put_u64(o, "cached_tokens", u->n[USAGE_CACHED]);
    gw_out_put_u64(o, "cache_write_tokens", u->n[USAGE_WRITTEN]);
    gw_out_close(o, '}');
    gw_out_put_u64(o, "output_tokens", u->n[USAGE_OUTPUT]);
    gw_out_name(o, "output_tokens_details");
    gw_out_open(o, '{');
    gw_out_put_u64(o, "reasoning_tokens", u->n[USAGE_REASONING]);
    gw_out_close(o, '}');
    gw_out_put_u64(o, "total_tokens", u->n[USAGE_INPUT] + u->n[USAGE_OUTPUT]);
    gw_out_close(o, '}');
}

static void put_reason(struct gw_out *o, const char *reason) {
    gw_out_name(o, "incomplete_details");
    if (reason == NULL) {
        gw_out_value(o, GW_STR("null"));
        return;
    }
    gw_out_open(o, '{');
    gw_out_put_word(o, "reason", reason);
    gw_out_close(o, '}');
}

static bool has_refused(const struct responses_said *said) {
    for (const struct responses_said_item *i = said->first; i != NULL; i = i->next)
        for (const struct responses_part *p = i->part; p != NULL; p = p->next)
            if (p->refusal)
                return true;
    return false;
}

/* What keeps it from being complete; NULL: nothing. A refusal is complete. */
const char *responses_say_reason(const struct responses_state *state) {
    if (!state->over)
        return NULL;
    if (state->why == WHY_LENGTH)
        return "max_output_tokens";
    bool filtered = state->why == WHY_FILTER && !has_refused(state->said);
    return filtered ? "content_filter" : NULL;
}

static void put_output(struct gw_out *o, const struct responses_state *state) {
    gw_out_name(o, "output");
    gw_out_open(o, '[');
    for (const struct responses_said_item *i = state->said->first; i != NULL && state->over;
         i = i->next)
        responses_said_put_item(o, i, false);
    gw_out_close(o, ']');
}

/* A summary that was asked for at a path of its own: nothing of what was asked is told again. */
static void put_compaction(struct gw_out *o, const struct responses_state *state) {
    gw_out_open(o, '{');
    gw_out_put_raw(o, "id", state->id);
    gw_out_put_word(o, "object", "response.compaction");
    gw_out_put_u64(o, "created_at", state->created);
    put_output(o, state);
    put_usage(o, state->usage);
    gw_out_close(o, '}');
}

void responses_say_put(struct gw_out *o, const struct responses_state *state) {
    const char *reason = responses_say_reason(state);
    gw_out_open(o, '{');
    gw_out_put_raw(o, "id", state->id);
    gw_out_put_word(o, "object", "response");
    gw_out_put_u64(o, "created_at", state->created);
    gw_out_put_word(o, "status",
                    !state->over     ? "in_progress"
                    : reason != NULL ? "incomplete"
                                     : "completed");
    gw_out_name(o, "completed_at");
    if (state->over && reason == NULL)
        gw_out_u64(o, state->created);
    else
        gw_out_value(o, GW_STR("null"));
    gw_out_put_value(o, "error", GW_STR("null"));
    put_reason(o, reason);
    gw_out_put_raw(o, "model", state->model);
    put_output(o, state);
    if (state->over)
        put_usage(o, state->usage);
    else
        gw_out_put_value(o, "usage", GW_STR("null"));
    put_asked(o, state->asked, !state->over);
    gw_out_close(o, '}');
}

/* ------------------------------------------------------------------ whole answers */

static void add_thought(struct responses_said *said, const struct mean_part *p) {
    struct responses_said_item *item = responses_said_add(said, RESPONSES_REASONING);
    item->signature = p->signature;
    if (!p->hidden)
        responses_said_borrow(said, &responses_said_part(said, item, false)->text, p->text);
}

/* What was said in a row is one message. */
static void add_words(struct responses_said *said, const struct mean_part *p,
                      struct gw_str logprobs) {
    struct responses_said_item *item = said->last;
    bool first = item == NULL || item->kind != RESPONSES_MESSAGE;
    if (first)
        item = responses_said_add(said, RESPONSES_MESSAGE);
    struct responses_part *part = responses_said_part(said, item, p->kind == MEAN_REFUSAL);
    responses_said_borrow(said, &part->text, p->text);
    if (first && !part->refusal)
        responses_said_borrow(said, &part->logprobs, mean_logprobs_items(logprobs));
}

static void add_call(struct responses_said *said, const struct mean *asked,
                     const struct mean_part *p) {
    struct gw_str id =
        p->id.n > 0 ? p->id : mean_make_id(said->arena, "call_", said->seed, said->items + 1);
    struct responses_said_item *item = responses_said_call(said, asked, id, p->name);
    if (p->custom && item->kind == RESPONSES_CUSTOM)
        responses_said_borrow(said, &item->args, p->args);
    else if (p->args.n > 0)
        responses_said_args(said, item, p->args, !p->args_is_text);
    else if (item->kind == RESPONSES_FUNCTION)
        responses_said_borrow(said, &item->args, GW_STR("{}"));
}

static void add_part(struct responses_said *said, const struct mean *asked,
                     const struct mean_choice *c, const struct mean_part *p) {
    if (asked->compacts) {
        responses_said_summary(said, p->kind == MEAN_TEXT ? p->text : GW_STR(""));
    } else if (p->kind == MEAN_REASONING && (p->text.n > 0 || p->signature.n > 0)) {
        add_thought(said, p);
    } else if ((p->kind == MEAN_TEXT || p->kind == MEAN_REFUSAL) && p->text.n > 0) {
        add_words(said, p, c->logprobs);
    } else if (p->kind == MEAN_CALL) {
        add_call(said, asked, p);
    } else if (p->kind == MEAN_IMAGE && p->data.n > 0) {
        responses_said_borrow(said, &responses_said_add(said, RESPONSES_IMAGE)->args, p->data);
    }
}

/* It is the last item that was cut short. */
static void cut(struct responses_said *said, const struct responses_state *state) {
    if (said->last != NULL)
        said->last->cut = responses_say_reason(state) != NULL;
}

void responses_say_answer(const struct mean_answer *a, const struct mean *asked, struct gw_buf *b) {
    struct responses_said said;
    struct gw_out o;
    const struct mean_choice *c = a->choices;
    struct responses_state state = {
        .id = mean_make_id(a->mean.arena, RESPONSES_KEPT_PREFIX, a->seed, 0),
        .model = a->model,
        .created = a->created,
        .over = true,
        .why = c != NULL ? c->why : WHY_UNTOLD,
        .asked = asked,
        .usage = &a->usage,
        .said = &said,
    };
    responses_said_init(&said, a->mean.arena, a->seed, ANSWER_MAX);
    for (const struct mean_part *p = c != NULL ? c->turn.parts : NULL; p != NULL; p = p->next)
        add_part(&said, asked, c, p);
    if (asked->compacts) /* there is one, even if nothing was said */
        responses_said_summary(&said, GW_STR(""));
    cut(&said, &state);
    gw_out_init(&o, b);
    if (asked->compacts_alone)
        put_compaction(&o, &state);
    else
        responses_say_put(&o, &state);
    b->full |= said.full;
}
