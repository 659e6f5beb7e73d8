/* Ollama's own dialect, translated: requests as they are written. */
#include "format/ollama_speech.h"
#include "format/openai_speech.h"

/* ------------------------------------------------------------------ messages */

/* What a model has said is one text, in however many parts it came; what others say are several. */
static void put_text(struct gw_out *o, const char *name, const struct mean_part *p,
                     struct gw_str between) {
    bool more = false;
    gw_out_put_raw(o, name, GW_STR(""));
    o->b->n -= !o->b->full; /* the closing quote */
    for (; p != NULL; p = p->next) {
        if (!mean_is_text(p))
            continue;
        gw_buf_put_json(o->b, more ? between : GW_STR(""));
        gw_buf_put(o->b, p->text);
        more = true;
    }
    gw_buf_putc(o->b, '"');
}

/* Opens the list with the first one. Returns how many are in it. */
static uint32_t put_pictures(struct gw_out *o, const struct mean_part *p, uint32_t n) {
    for (; p != NULL; p = p->next) {
        if (p->kind != MEAN_IMAGE || p->data.n == 0)
            continue;
        if (n++ == 0) {
            gw_out_name(o, "images");
            gw_out_open(o, '[');
        }
        gw_out_raw(o, p->data);
    }
    return n;
}

static void put_images(struct gw_out *o, const struct mean_part *parts) {
    uint32_t n = put_pictures(o, parts, 0);
    for (const struct mean_part *p = parts; p != NULL; p = p->next)
        n = put_pictures(o, p->parts, n);
    if (n > 0)
        gw_out_close(o, ']');
}

static void put_call(struct gw_out *o, const struct mean_part *call, uint64_t index,
                     struct gw_arena *arena) {
    gw_out_open(o, '{');
    gw_out_may_raw(o, "id", call->id);
    gw_out_name(o, "function");
    gw_out_open(o, '{');
    gw_out_put_u64(o, "index", index);
    gw_out_put_raw(o, "name", call->name);
    gw_out_name(o, "arguments");
    mean_put_args(call, arena, o);
    gw_out_close(o, '}');
    gw_out_close(o, '}');
}

void ollama_put_calls(struct gw_out *o, const struct mean_part *p, uint64_t first,
                      struct gw_arena *arena) {
    gw_out_name(o, "tool_calls");
    gw_out_open(o, '[');
    for (; p != NULL; p = p->next)
        if (p->kind == MEAN_CALL)
            put_call(o, p, first++, arena);
    gw_out_close(o, ']');
}

void ollama_put_said(struct gw_out *o, const char *text, const struct mean_part *parts,
                     struct gw_arena *arena) {
    put_text(o, text, parts, GW_STR(""));
    if (openai_says(parts, MEAN_REASONING))
        openai_put_joined(o, "thinking", parts, MEAN_REASONING);
    put_images(o, parts);
    if (mean_has(parts, MEAN_CALL))
        ollama_put_calls(o, parts, 0, arena);
}

static void put_assistant(struct gw_out *o, const struct mean *m, const struct mean_turn *t) {
    gw_out_open(o, '{');
    gw_out_put_word(o, "role", "assistant");
    ollama_put_said(o, "content", t->parts, m->arena);
    gw_out_close(o, '}');
}

static void put_spoken(struct gw_out *o, const char *role, const struct mean_turn *t) {
    gw_out_open(o, '{');
    gw_out_put_word(o, "role", role);
    put_text(o, "content", t->parts, GW_STR("\n\n"));
    put_images(o, t->parts);
    gw_out_close(o, '}');
}

/* A result is of the tool of this name; servers of today know it by the id of its call, too. */
static void put_result(struct gw_out *o, const struct mean *m, const struct mean_part *result) {
    struct gw_str name = mean_name_of_call(m, result->id);
    gw_out_open(o, '{');
    gw_out_put_word(o, "role", "tool");
    put_text(o, "content", result->parts, GW_STR("\n"));
    gw_out_may_raw(o, "tool_name", name.n > 0 ? name : result->name);
    gw_out_may_raw(o, "tool_call_id", result->id);
    gw_out_close(o, '}');
}

/* Whether more is to be told of a user's turn than texts of results. */
static bool says_more(const struct mean_part *p) {
    for (; p != NULL; p = p->next)
        if (p->kind != MEAN_RESULT || mean_has(p->parts, MEAN_IMAGE))
            return true;
    return false;
}

/* Results first, each a message of its own; then what the user says, with the pictures of the results. */
static void put_user(struct gw_out *o, const struct mean *m, const struct mean_turn *t) {
    for (const struct mean_part *p = t->parts; p != NULL; p = p->next)
        if (p->kind == MEAN_RESULT)
            put_result(o, m, p);
    if (says_more(t->parts))
        put_spoken(o, "user", t);
}

static void put_messages(struct gw_out *o, const struct mean *m) {
    gw_out_name(o, "messages");
    gw_out_open(o, '[');
    for (const struct mean_turn *t = m->turns; t != NULL; t = t->next) {
        if (t->role == MEAN_SYSTEM)
            put_spoken(o, "system", t);
        else if (t->role == MEAN_ASSISTANT)
            put_assistant(o, m, t);
        else
            put_user(o, m, t);
    }
    gw_out_close(o, ']');
}

/* ------------------------------------------------------------------ tools */

/* It has OpenAI's form, but that something must be said of its arguments, and nobody is strict. */
static void put_tool(struct gw_out *o, const struct mean_tool *tool) {
    struct mean_tool t = *tool;
    t.strict = GW_STR("");
    if (t.schema.n == 0)
        t.schema = GW_STR("{\"type\":\"object\",\"properties\":{}}");
    openai_put_tool(o, &t);
}

/* Those that must not be called are not shown. */
static void put_tools(struct gw_out *o, const struct mean *m) {
    bool any = false;
    for (const struct mean_tool *t = m->tools; t != NULL && m->pick != MEAN_PICK_NONE;
         t = t->next) {
        if (t->kind == MEAN_SERVED)
            continue;
        if (!any) {
            gw_out_name(o, "tools");
            gw_out_open(o, '[');
        }
        any = true;
        put_tool(o, t);
    }
    if (any)
        gw_out_close(o, ']');
}

/* ------------------------------------------------------------------ the rest */

static void put_form(struct gw_out *o, const struct mean *m) {
    bool schema = m->form == MEAN_FORM_SCHEMA && m->form_schema.n > 0;
    if (m->form != MEAN_FORM_TEXT)
        gw_out_put_value(o, "format", schema ? m->form_schema : GW_STR("\"json\""));
}

static void put_options(struct gw_out *o, const struct mean *m) {
    const struct mean_given given[] = {
        {"num_predict", m->max_tokens, FEATURE_MAX_TOKENS},
        {"temperature", m->temperature, FEATURE_TEMPERATURE},
        {"top_p", m->top_p, FEATURE_TOP_P},
        {"top_k", m->top_k, FEATURE_TOP_K},
        {"seed", m->seed, FEATURE_SEED},
        {"frequency_penalty", m->frequency, FEATURE_PENALTIES},
        {"presence_penalty", m->presence, FEATURE_PENALTIES},
    };
    struct gw_out before = *o;
    size_t from = o->b->n;
    gw_out_name(o, "options");
    gw_out_open(o, '{');
    size_t empty = o->b->n;
    mean_put_given(m, given, sizeof given / sizeof *given, o);
    mean_put_stops(m, "stop", true, o);
    if (o->b->n > empty) {
        gw_out_close(o, '}');
        return;
    }
    o->b->n = from;
    *o = before;
}

/* A model that can think does so unless it is told not to, and one that cannot refuses to be told to. How much is
 * a matter of gpt-oss alone. */
static void put_think(struct gw_out *o, const struct mean *m, struct gw_str model) {
    enum mean_effort effort = m->effort;
    if (effort == MEAN_EFFORT_UNSAID && m->budget.n > 0)
        effort = mean_effort_of_budget(mean_u64(m->budget));
    if (effort == MEAN_EFFORT_UNSAID || !mean_can(m, FEATURE_EFFORT))
        return;
    bool graded = effort > MEAN_EFFORT_NONE && gw_str_find(model, GW_STR("gpt-oss")) >= 0;
    if (!graded) {
        gw_out_put_value(o, "think", effort > MEAN_EFFORT_NONE ? GW_STR("true") : GW_STR("false"));
        return;
    }
    effort = effort < MEAN_EFFORT_LOW ? MEAN_EFFORT_LOW : effort;
    gw_out_put_word(o, "think",
                    mean_effort_word(effort > MEAN_EFFORT_HIGH ? MEAN_EFFORT_HIGH : effort));
}

static void put_logprobs(struct gw_out *o, const struct mean *m) {
    if (!mean_is_true(m->logprobs))
        return;
    gw_out_put_value(o, "logprobs", m->logprobs);
    gw_out_may_value(o, "top_logprobs", m->top_logprobs);
}

void ollama_put_request(const struct mean *m, struct gw_str model, struct gw_out *o) {
    gw_out_open(o, '{');
    gw_out_name(o, "model");
    gw_out_text(o, model);
    put_messages(o, m);
    put_tools(o, m);
    put_form(o, m);
    put_options(o, m);
    put_think(o, m, model);
    put_logprobs(o, m);
    gw_out_put_value(o, "stream", m->stream ? GW_STR("true") : GW_STR("false"));
    gw_out_close(o, '}');
}
