/*
 * OpenAI's Responses, translated: requests as they are written. What is particular to it:
 *
 *     state        nothing is to be stored, so that what was thought has to come back encrypted. Older models, which do
 *                  not think, refuse to be asked for that
 *     defaults     functions are strict if nothing is said, and temperature and top_p are refused by models that
 *                  think, even if they are as they always are
 *     custom tools are functions, as in every other dialect: what their grammar is is told in words
 */
#include "format/responses_speech.h"

enum { TOKENS_LEAST = 16, USER_MAX = 64 };

static bool is(struct gw_str name, const char *literal) {
    return gw_str_eq(name, gw_str(literal, strlen(literal)));
}

/* ------------------------------------------------------------------ parts */

/* A place, or bytes as "data:image/png;base64,...". */
static void put_url(struct gw_out *o, const char *name, const struct mean_part *p,
                    const char *media) {
    gw_out_name(o, name);
    if (p->data.n == 0) {
        gw_out_raw(o, p->url);
        return;
    }
    gw_out_raw(o, GW_STR("data:"));
    o->b->n -= !o->b->full; /* the closing quote */
    gw_buf_put(o->b, p->media.n > 0 ? p->media : gw_str(media, strlen(media)));
    gw_buf_put(o->b, GW_STR(";base64,"));
    gw_buf_put(o->b, p->data);
    gw_buf_putc(o->b, '"');
}

static void put_image(struct gw_out *o, const struct mean_part *p) {
    gw_out_put_word(o, "type", "input_image");
    if (p->file.n > 0)
        gw_out_put_raw(o, "file_id", p->file);
    else
        put_url(o, "image_url", p, "image/png");
    gw_out_put_raw(o, "detail", p->detail.n > 0 ? p->detail : GW_STR("auto"));
}

static void put_audio(struct gw_out *o, const struct mean_part *p) {
    ptrdiff_t slash = gw_str_chr(p->media, '/');
    gw_out_put_word(o, "type", "input_audio");
    gw_out_name(o, "input_audio");
    gw_out_open(o, '{');
    gw_out_put_raw(o, "data", p->data);
    gw_out_put_raw(o, "format", gw_str_sub(p->media, (size_t)(slash + 1), p->media.n));
    gw_out_close(o, '}');
}

static void put_file(struct gw_out *o, const struct mean_part *p) {
    gw_out_put_word(o, "type", "input_file");
    if (p->file.n > 0) {
        gw_out_put_raw(o, "file_id", p->file);
    } else if (p->data.n > 0) {
        gw_out_put_raw(o, "filename", p->name.n > 0 ? p->name : GW_STR("document.pdf"));
        put_url(o, "file_data", p, "application/pdf");
    } else {
        gw_out_put_raw(o, "file_url", p->url);
    }
}

/* A document of text alone is text. */
static bool is_text(const struct mean_part *p) {
    return p->kind == MEAN_TEXT || (p->kind == MEAN_FILE && p->text.n > 0);
}

static bool is_content(const struct mean_part *p) {
    return is_text(p) || p->kind == MEAN_IMAGE || p->kind == MEAN_AUDIO || p->kind == MEAN_FILE;
}

static void put_part(struct gw_out *o, const struct mean_part *p) {
    gw_out_open(o, '{');
    if (is_text(p)) {
        gw_out_put_word(o, "type", "input_text");
        gw_out_put_raw(o, "text", p->text);
    } else if (p->kind == MEAN_IMAGE) {
        put_image(o, p);
    } else if (p->kind == MEAN_AUDIO) {
        put_audio(o, p);
    } else {
        put_file(o, p);
    }
    gw_out_close(o, '}');
}

static const struct mean_part *first_content(const struct mean_part *p) {
    while (p != NULL && !is_content(p))
        p = p->next;
    return p;
}

/* A single text is a string; several things are parts. */
static void put_content(struct gw_out *o, const char *name, const struct mean_part *parts) {
    const struct mean_part *p = first_content(parts);
    gw_out_name(o, name);
    if (p == NULL || (is_text(p) && first_content(p->next) == NULL)) {
        gw_out_raw(o, p != NULL ? p->text : GW_STR(""));
        return;
    }
    gw_out_open(o, '[');
    for (; p != NULL; p = first_content(p->next))
        put_part(o, p);
    gw_out_close(o, ']');
}

/* ------------------------------------------------------------------ items */

static void open_item(struct gw_out *o, const char *type) {
    gw_out_open(o, '{');
    gw_out_put_word(o, "type", type);
}

static void put_call_id(struct gw_out *o, struct gw_str id) {
    gw_out_put_raw(o, "call_id", responses_name_fit(o->b->arena, id));
}

static void put_name(struct gw_out *o, struct gw_str space, struct gw_str bare,
                     struct gw_str name) {
    gw_out_may_raw(o, "namespace", space);
    gw_out_put_raw(o, "name", space.n > 0 ? bare : name);
}

static bool searches(const struct mean *m, struct gw_str name) {
    const struct mean_tool *t = mean_tool(m, name);
    return t != NULL && t->searches;
}

static void put_call(struct gw_out *o, const struct mean *m, const struct mean_part *p) {
    bool search = searches(m, p->name);
    open_item(o, search ? "tool_search_call" : "function_call");
    put_call_id(o, p->id);
    if (search) {
        gw_out_put_word(o, "execution", "client");
        gw_out_name(o, "arguments");
        mean_put_args(p, o->b->arena, o);
    } else {
        put_name(o, p->space, p->bare, p->name);
        gw_out_name(o, "arguments");
        if (p->args.n == 0 && !p->custom)
            gw_out_raw(o, GW_STR("{}"));
        else
            mean_put_args_text(p, o);
    }
    gw_out_close(o, '}');
}

static void put_result(struct gw_out *o, const struct mean *m, const struct mean_part *p) {
    bool search = searches(m, mean_name_of_call(m, p->id));
    open_item(o, search ? "tool_search_output" : "function_call_output");
    put_call_id(o, p->id);
    if (search) {
        gw_out_put_word(o, "execution", "client");
        gw_out_put_value(o, "tools", p->raw.n > 0 ? p->raw : GW_STR("[]"));
    } else if (p->failed && first_content(p->parts) == NULL) {
        gw_out_put_raw(o, "output", GW_STR("failed"));
    } else {
        put_content(o, "output", p->parts);
    }
    gw_out_close(o, '}');
}

/* What no server of this dialect has signed is of no use to one. */
static void put_thought(struct gw_out *o, const struct mean_part *p) {
    if (p->signature.n == 0)
        return;
    open_item(o, "reasoning");
    gw_out_name(o, "summary");
    gw_out_open(o, '[');
    if (p->text.n > 0) {
        open_item(o, "summary_text");
        gw_out_put_raw(o, "text", p->text);
        gw_out_close(o, '}');
    }
    gw_out_close(o, ']');
    gw_out_put_raw(o, "encrypted_content", p->signature);
    gw_out_close(o, '}');
}

static bool is_said(const struct mean_part *p) {
    return p != NULL && p->text.n > 0 && (p->kind == MEAN_TEXT || p->kind == MEAN_REFUSAL);
}

/* What was said in a row is one message. Returns what comes behind it. */
static const struct mean_part *put_said(struct gw_out *o, const struct mean_part *p) {
    open_item(o, "message");
    gw_out_put_word(o, "role", "assistant");
    gw_out_name(o, "content");
    gw_out_open(o, '[');
    for (; is_said(p); p = p->next) {
        bool refusal = p->kind == MEAN_REFUSAL;
        open_item(o, refusal ? "refusal" : "output_text");
        gw_out_put_raw(o, refusal ? "refusal" : "text", p->text);
        gw_out_close(o, '}');
    }
    gw_out_close(o, ']');
    gw_out_close(o, '}');
    return p;
}

static void put_assistant(struct gw_out *o, const struct mean *m, const struct mean_turn *t) {
    const struct mean_part *p = t->parts;
    while (p != NULL) {
        if (is_said(p)) {
            p = put_said(o, p);
            continue;
        }
        if (p->kind == MEAN_CALL)
            put_call(o, m, p);
        else if (p->kind == MEAN_REASONING)
            put_thought(o, p);
        p = p->next;
    }
}

/* Results first, each an item of its own; then what the user says. */
static void put_user(struct gw_out *o, const struct mean *m, const struct mean_turn *t) {
    for (const struct mean_part *p = t->parts; p != NULL; p = p->next)
        if (p->kind == MEAN_RESULT)
            put_result(o, m, p);
    if (first_content(t->parts) == NULL)
        return;
    open_item(o, "message");
    gw_out_put_word(o, "role", t->role == MEAN_SYSTEM ? "system" : "user");
    put_content(o, "content", t->parts);
    gw_out_close(o, '}');
}

/* ------------------------------------------------------------------ the input */

static bool all_text(const struct mean_turn *t) {
    for (const struct mean_part *p = t->parts; p != NULL; p = p->next)
        if (p->kind != MEAN_TEXT)
            return false;
    return true;
}

/* The first turn that is no instruction. There must be one: else the last instruction is the input. */
static const struct mean_turn *first_of(const struct mean *m) {
    const struct mean_turn *t = m->turns;
    while (t != NULL && t->role == MEAN_SYSTEM && all_text(t))
        t = t->next;
    return t != NULL ? t : m->last;
}

static void put_instructions(struct gw_out *o, const struct mean *m) {
    const struct mean_turn *end = first_of(m);
    bool more = false;
    if (end == m->turns)
        return;
    gw_out_put_raw(o, "instructions", GW_STR(""));
    o->b->n -= !o->b->full; /* the closing quote */
    for (const struct mean_turn *t = m->turns; t != end; t = t->next)
        for (const struct mean_part *p = t->parts; p != NULL; p = p->next) {
            gw_buf_put(o->b, more && p->text.n > 0 ? GW_STR("\\n\\n") : GW_STR(""));
            gw_buf_put(o->b, p->text);
            more |= p->text.n > 0;
        }
    gw_buf_putc(o->b, '"');
}

static void put_input(struct gw_out *o, const struct mean *m) {
    gw_out_name(o, "input");
    gw_out_open(o, '[');
    for (const struct mean_turn *t = first_of(m); t != NULL; t = t->next) {
        if (t->role == MEAN_ASSISTANT)
            put_assistant(o, m, t);
        else
            put_user(o, m, t);
    }
    gw_out_close(o, ']');
}

/* ------------------------------------------------------------------ tools */

static const struct gw_str text_schema =
    GW_STR_INIT("{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},"
                "\"required\":[\"input\"],\"additionalProperties\":false}");
static const struct gw_str no_schema = GW_STR_INIT("{\"type\":\"object\",\"properties\":{}}");

/* A schema must say that it is an object's. */
static void put_schema(struct gw_out *o, struct gw_str schema) {
    struct gw_walk w;
    struct gw_str name;
    bool typed = false, any = false;
    gw_walk_init(&w, schema);
    gw_out_name(o, "parameters");
    if (schema.n > 0 && gw_walk_enter(&w, '{'))
        while (gw_walk_member(&w, &name)) {
            any = true;
            typed |= is(name, "type");
            gw_walk_skip(&w);
        }
    if (typed || !any) {
        gw_out_value(o, typed ? schema : no_schema);
        return;
    }
    gw_out_value(o, GW_STR("{\"type\":\"object\","));
    gw_buf_put(o->b, gw_str_sub(schema, 1, schema.n));
}

/* What cannot be followed to the letter is refused as such. */
static struct gw_str strict_of(struct gw_str asked, struct gw_str schema) {
    bool strict = mean_is_true(asked) && mean_is_strict(schema);
    return strict ? GW_STR("true") : GW_STR("false");
}

static void put_tool(struct gw_out *o, const struct mean_tool *t) {
    bool custom = t->kind == MEAN_CUSTOM;
    open_item(o, t->searches ? "tool_search" : "function");
    if (t->searches)
        gw_out_put_word(o, "execution", "client");
    else
        gw_out_put_raw(o, "name", t->space.n > 0 ? t->bare : t->name);
    mean_put_about(t, o);
    put_schema(o, custom ? text_schema : t->schema);
    if (!t->searches)
        gw_out_put_value(o, "strict", strict_of(t->strict, t->schema));
    gw_out_close(o, '}');
}

/* The tools of one name space stand in a row. Returns the one behind them. */
static const struct mean_tool *put_space(struct gw_out *o, const struct mean_tool *t) {
    struct gw_str space = t->space;
    open_item(o, "namespace");
    gw_out_put_raw(o, "name", space);
    gw_out_put_raw(o, "description", t->space_about);
    gw_out_name(o, "tools");
    gw_out_open(o, '[');
    for (; t != NULL && gw_str_eq(t->space, space); t = t->next)
        if (t->kind != MEAN_SERVED)
            put_tool(o, t);
    gw_out_close(o, ']');
    gw_out_close(o, '}');
    return t;
}

static void put_tools(struct gw_out *o, const struct mean *m) {
    const struct mean_tool *t = m->tools;
    gw_out_name(o, "tools");
    gw_out_open(o, '[');
    while (t != NULL) {
        if (t->space.n > 0) {
            t = put_space(o, t);
            continue;
        }
        if (t->kind != MEAN_SERVED)
            put_tool(o, t);
        t = t->next;
    }
    gw_out_close(o, ']');
    gw_out_may_value(o, "parallel_tool_calls", m->parallel);
}

static void put_pick(struct gw_out *o, const struct mean *m) {
    static const char *const words[] = {
        [MEAN_PICK_AUTO] = "auto", [MEAN_PICK_NONE] = "none", [MEAN_PICK_ANY] = "required"};
    if (m->pick == MEAN_PICK_UNSAID)
        return;
    if (m->pick != MEAN_PICK_ONE) {
        gw_out_put_word(o, "tool_choice", words[m->pick]);
        return;
    }
    const struct mean_tool *t = mean_tool(m, m->pick_name);
    gw_out_name(o, "tool_choice");
    open_item(o, "function");
    if (t != NULL)
        put_name(o, t->space, t->bare, t->name);
    else
        gw_out_put_raw(o, "name", m->pick_name);
    gw_out_close(o, '}');
}

/* ------------------------------------------------------------------ the rest */

static void put_format(struct gw_out *o, const struct mean *m) {
    gw_out_name(o, "format");
    open_item(o, m->form == MEAN_FORM_JSON ? "json_object" : "json_schema");
    if (m->form == MEAN_FORM_SCHEMA) {
        gw_out_put_raw(o, "name", m->form_name.n > 0 ? m->form_name : GW_STR("answer"));
        gw_out_may_raw(o, "description", m->form_about);
        gw_out_put_value(o, "schema", m->form_schema.n > 0 ? m->form_schema : no_schema);
        gw_out_put_value(o, "strict", strict_of(m->form_strict, m->form_schema));
    }
    gw_out_close(o, '}');
}

static void put_text(struct gw_out *o, const struct mean *m) {
    struct gw_str verbosity = mean_can(m, FEATURE_VERBOSITY) ? m->verbosity : GW_STR("");
    if (m->form == MEAN_FORM_TEXT && verbosity.n == 0)
        return;
    gw_out_name(o, "text");
    gw_out_open(o, '{');
    if (m->form != MEAN_FORM_TEXT)
        put_format(o, m);
    gw_out_may_raw(o, "verbosity", verbosity);
    gw_out_close(o, '}');
}

static void put_reasoning(struct gw_out *o, const struct mean *m) {
    enum mean_effort effort = m->effort;
    if (effort == MEAN_EFFORT_UNSAID && m->budget.n > 0)
        effort = mean_effort_of_budget(mean_u64(m->budget));
    if ((effort == MEAN_EFFORT_UNSAID && !m->shows_thoughts) || !mean_can(m, FEATURE_EFFORT))
        return;
    gw_out_name(o, "reasoning");
    gw_out_open(o, '{');
    if (effort != MEAN_EFFORT_UNSAID)
        gw_out_put_word(o, "effort", mean_effort_word(effort));
    if (m->shows_thoughts && effort != MEAN_EFFORT_NONE)
        gw_out_put_word(o, "summary", "auto");
    gw_out_close(o, '}');
}

static void put_include(struct gw_out *o, const struct mean *m) {
    bool probs = mean_is_true(m->logprobs) && mean_can(m, FEATURE_LOGPROBS);
    bool thinks = mean_can(m, FEATURE_EFFORT);
    gw_out_put_value(o, "store", GW_STR("false"));
    if (!probs && !thinks)
        return;
    gw_out_name(o, "include");
    gw_out_open(o, '[');
    if (thinks)
        gw_out_raw(o, GW_STR("reasoning.encrypted_content"));
    if (probs)
        gw_out_raw(o, GW_STR("message.output_text.logprobs"));
    gw_out_close(o, ']');
    gw_out_may_value(o, "top_logprobs", m->top_logprobs);
}

static void put_sampling(struct gw_out *o, const char *name, struct gw_str value) {
    if (!is(value, "1") && !is(value, "1.0"))
        gw_out_may_value(o, name, value);
}

static void put_limit(struct gw_out *o, struct gw_str value) {
    if (value.n > 0 && mean_u64(value) < TOKENS_LEAST)
        gw_out_put_u64(o, "max_output_tokens", TOKENS_LEAST);
    else
        gw_out_may_value(o, "max_output_tokens", value);
}

static void put_tier(struct gw_out *o, struct gw_str tier) {
    static const char *const known[] = {"auto", "default", "flex", "scale", "priority", "fast"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (is(tier, known[i]))
            gw_out_put_raw(o, "service_tier", tier);
}

/* What a model reads of it. */
static void put_read(const struct mean *m, struct gw_str model, struct gw_out *o) {
    gw_out_name(o, "model");
    gw_out_text(o, model);
    put_instructions(o, m);
    put_input(o, m);
    if (mean_has_tools(m)) {
        put_tools(o, m);
        put_pick(o, m);
    }
}

void responses_put_count(const struct mean *m, struct gw_str model, struct gw_out *o) {
    gw_out_open(o, '{');
    put_read(m, model, o);
    put_text(o, m);
    gw_out_close(o, '}');
}

void responses_put_request(const struct mean *m, struct gw_str model, struct gw_out *o) {
    gw_out_open(o, '{');
    put_read(m, model, o);
    put_limit(o, m->max_tokens);
    if (mean_can(m, FEATURE_TEMPERATURE))
        put_sampling(o, "temperature", m->temperature);
    if (mean_can(m, FEATURE_TOP_P))
        put_sampling(o, "top_p", m->top_p);
    put_text(o, m);
    put_reasoning(o, m);
    put_include(o, m);
    if (m->metadata.n > 0 && m->metadata.p[0] == '{')
        gw_out_put_value(o, "metadata", m->metadata);
    if (m->user.n <= USER_MAX)
        gw_out_may_raw(o, "safety_identifier", m->user);
    put_tier(o, m->tier);
    if (m->stream)
        gw_out_put_value(o, "stream", GW_STR("true"));
    gw_out_close(o, '}');
}
