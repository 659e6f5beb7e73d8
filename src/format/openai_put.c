/* OpenAI's chat completions, translated: requests as they are written. */
#include "format/openai_speech.h"

#include "format/custom_input.h"

enum { ID_MAX = 40, USER_MAX = 64 }; /* OpenAI takes no longer ones; Claude Code's user is */

/* ------------------------------------------------------------------ writing: messages */

/* "audio/wav" is "wav". */
static struct gw_str format_of(struct gw_str media) {
    ptrdiff_t slash = gw_str_chr(media, '/');
    return gw_str_sub(media, (size_t)(slash + 1), media.n);
}

/* A place, or bytes as "data:image/png;base64,...". */
static void put_url(struct gw_out *o, const char *name, const struct mean_part *p) {
    gw_out_name(o, name);
    if (p->data.n == 0) {
        gw_out_raw(o, p->url);
        return;
    }
    gw_out_raw(o, GW_STR("data:"));
    o->b->n -= !o->b->full; /* the closing quote */
    gw_buf_put(o->b, p->media.n > 0 ? p->media : GW_STR("application/octet-stream"));
    gw_buf_put(o->b, GW_STR(";base64,"));
    gw_buf_put(o->b, p->data);
    gw_buf_putc(o->b, '"');
}

static void put_image(struct gw_out *o, const struct mean_part *p) {
    gw_out_put_word(o, "type", "image_url");
    gw_out_name(o, "image_url");
    gw_out_open(o, '{');
    put_url(o, "url", p);
    gw_out_may_raw(o, "detail", p->detail);
    gw_out_close(o, '}');
}

static void put_audio(struct gw_out *o, const struct mean_part *p) {
    gw_out_put_word(o, "type", "input_audio");
    gw_out_name(o, "input_audio");
    gw_out_open(o, '{');
    gw_out_put_raw(o, "data", p->data);
    gw_out_put_raw(o, "format", format_of(p->media));
    gw_out_close(o, '}');
}

static void put_file(struct gw_out *o, const struct mean_part *p) {
    gw_out_put_word(o, "type", "file");
    gw_out_name(o, "file");
    gw_out_open(o, '{');
    gw_out_put_raw(o, "filename", p->name.n > 0 ? p->name : GW_STR("document.pdf"));
    put_url(o, "file_data", p);
    gw_out_close(o, '}');
}

/* A document of text alone is text. */
static bool is_text(const struct mean_part *p) {
    return p->kind == MEAN_TEXT || (p->kind == MEAN_FILE && p->text.n > 0);
}

static void put_part(struct gw_out *o, const struct mean_part *p) {
    gw_out_open(o, '{');
    if (p->kind == MEAN_IMAGE) {
        put_image(o, p);
    } else if (p->kind == MEAN_AUDIO) {
        put_audio(o, p);
    } else if (p->kind == MEAN_FILE && !is_text(p)) {
        put_file(o, p);
    } else {
        bool refusal = p->kind == MEAN_REFUSAL;
        gw_out_put_word(o, "type", refusal ? "refusal" : "text");
        gw_out_put_raw(o, refusal ? "refusal" : "text", p->text);
    }
    gw_out_close(o, '}');
}

/* What is neither fetched here nor known by its name is none. */
static bool is_content(const struct mean_part *p) {
    bool picture = p->kind == MEAN_IMAGE && (p->data.n > 0 || p->url.n > 0);
    bool file = p->kind == MEAN_FILE && mean_is_pdf(p);
    return is_text(p) || picture || file || p->kind == MEAN_AUDIO || p->kind == MEAN_REFUSAL;
}

static uint32_t count_content(const struct mean_part *p) {
    uint32_t n = 0;
    for (; p != NULL; p = p->next)
        n += is_content(p);
    return n;
}

/* A single text is a string, as old servers want it; several things are parts. */
static void put_content(struct gw_out *o, const struct mean_part *parts) {
    const struct mean_part *p = parts;
    while (p != NULL && !is_content(p))
        p = p->next;
    gw_out_name(o, "content");
    if (p != NULL && is_text(p) && count_content(parts) == 1) {
        gw_out_raw(o, p->text);
        return;
    }
    gw_out_open(o, '[');
    for (; p != NULL; p = p->next)
        if (is_content(p))
            put_part(o, p);
    gw_out_close(o, ']');
}

/* Their letters are free: some models make theirs in a form that they want back. */
static struct gw_str id_of(struct gw_out *o, struct gw_str id) {
    return id.n <= ID_MAX ? id : mean_fit(o->b->arena, id, ID_MAX);
}

bool openai_is_custom(const struct mean *asked, struct gw_str name) {
    const struct mean_tool *t = mean_tool(asked, name);
    return t != NULL && t->kind == MEAN_CUSTOM;
}

/* The text out of the arguments, which hold it; all of them if they do not. */
static void put_text_of(struct gw_out *o, const struct mean_part *call) {
    struct custom_input input = {.state = 0};
    struct gw_buf json, text;
    gw_buf_init(&json, o->b->arena, call->args.n);
    gw_buf_init(&text, o->b->arena, call->args.n + 1);
    if (call->args_is_text)
        gw_json_decode(&json, call->args);
    if (!call->custom)
        custom_input_feed(&input, call->args_is_text ? gw_buf_str(&json) : call->args, &text);
    if (input.found)
        gw_out_raw(o, gw_buf_str(&text));
    else if (call->args_is_text)
        gw_out_raw(o, call->args);
    else
        gw_out_text(o, call->args);
}

static void put_call(struct gw_out *o, const struct mean_part *call, const struct mean *asked) {
    bool custom = asked != NULL && openai_is_custom(asked, call->name), fit = asked == NULL;
    gw_out_open(o, '{');
    gw_out_put_raw(o, "id", fit ? id_of(o, call->id) : call->id);
    gw_out_put_word(o, "type", custom ? "custom" : "function");
    gw_out_name(o, custom ? "custom" : "function");
    gw_out_open(o, '{');
    gw_out_put_raw(o, "name", fit ? mean_fit(o->b->arena, call->name, MEAN_NAME) : call->name);
    gw_out_name(o, custom ? "input" : "arguments");
    if (custom)
        put_text_of(o, call);
    else
        mean_put_args_text(call, o);
    gw_out_close(o, '}');
    gw_out_close(o, '}');
}

void openai_put_calls(struct gw_out *o, const struct mean_part *p, const struct mean *asked) {
    gw_out_name(o, "tool_calls");
    gw_out_open(o, '[');
    for (; p != NULL; p = p->next)
        if (p->kind == MEAN_CALL)
            put_call(o, p, asked);
    gw_out_close(o, ']');
}

/* All texts of one kind, as one string. */
void openai_put_joined(struct gw_out *o, const char *name, const struct mean_part *p,
                       enum mean_kind kind) {
    gw_out_put_raw(o, name, GW_STR(""));
    o->b->n -= !o->b->full; /* the closing quote */
    for (; p != NULL; p = p->next)
        if (p->kind == kind)
            gw_buf_put(o->b, p->text);
    gw_buf_putc(o->b, '"');
}

bool openai_says(const struct mean_part *p, enum mean_kind kind) {
    for (; p != NULL; p = p->next)
        if (p->kind == kind && p->text.n > 0)
            return true;
    return false;
}

static void put_assistant(struct gw_out *o, const struct mean_turn *t) {
    gw_out_open(o, '{');
    gw_out_put_word(o, "role", "assistant");
    if (count_content(t->parts) > 0)
        put_content(o, t->parts);
    else if (mean_has(t->parts, MEAN_CALL))
        gw_out_put_value(o, "content", GW_STR("null"));
    else
        gw_out_put_word(o, "content", "");
    if (mean_has(t->parts, MEAN_CALL))
        openai_put_calls(o, t->parts, NULL);
    gw_out_close(o, '}');
}

/* Text alone: what else is in it follows as the user's. */
static void put_result(struct gw_out *o, const struct mean_part *result) {
    gw_out_open(o, '{');
    gw_out_put_word(o, "role", "tool");
    gw_out_put_raw(o, "tool_call_id", id_of(o, result->id));
    gw_out_name(o, "content");
    mean_put_texts(result->parts, "\n", o);
    gw_out_close(o, '}');
}

static bool has_more(const struct mean_part *result) {
    for (const struct mean_part *p = result->parts; p != NULL; p = p->next)
        if (is_content(p) && p->kind != MEAN_TEXT)
            return true;
    return false;
}

static void put_pictures(struct gw_out *o, const struct mean_turn *t) {
    for (const struct mean_part *r = t->parts; r != NULL; r = r->next)
        for (const struct mean_part *p = r->parts; p != NULL; p = p->next)
            if (is_content(p) && p->kind != MEAN_TEXT)
                put_part(o, p);
}

/* Results first, each a message of its own; then what the user says. */
static void put_user(struct gw_out *o, const struct mean_turn *t) {
    bool more = count_content(t->parts) > 0, pictures = false;
    for (const struct mean_part *p = t->parts; p != NULL; p = p->next) {
        if (p->kind != MEAN_RESULT)
            continue;
        put_result(o, p);
        pictures |= has_more(p);
    }
    if (!more && !pictures)
        return;
    gw_out_open(o, '{');
    gw_out_put_word(o, "role", "user");
    gw_out_may_raw(o, "name", t->name);
    if (!pictures) {
        put_content(o, t->parts);
    } else {
        gw_out_name(o, "content");
        gw_out_open(o, '[');
        put_pictures(o, t);
        for (const struct mean_part *p = t->parts; p != NULL; p = p->next)
            if (is_content(p))
                put_part(o, p);
        gw_out_close(o, ']');
    }
    gw_out_close(o, '}');
}

static void put_system(struct gw_out *o, const struct mean_turn *t) {
    gw_out_open(o, '{');
    gw_out_put_word(o, "role", "system");
    put_content(o, t->parts);
    gw_out_close(o, '}');
}

static void put_messages(struct gw_out *o, const struct mean *m) {
    gw_out_name(o, "messages");
    gw_out_open(o, '[');
    for (const struct mean_turn *t = m->turns; t != NULL; t = t->next) {
        if (t->role == MEAN_SYSTEM)
            put_system(o, t);
        else if (t->role == MEAN_ASSISTANT)
            put_assistant(o, t);
        else
            put_user(o, t);
    }
    gw_out_close(o, ']');
}

/* ------------------------------------------------------------------ writing: tools */

static const struct gw_str text_schema =
    GW_STR_INIT("{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},"
                "\"required\":[\"input\"],\"additionalProperties\":false}");

void openai_put_tool(struct gw_out *o, const struct mean_tool *t) {
    gw_out_open(o, '{');
    gw_out_put_word(o, "type", "function");
    gw_out_name(o, "function");
    gw_out_open(o, '{');
    gw_out_put_raw(o, "name", mean_fit(o->b->arena, t->name, MEAN_NAME));
    mean_put_about(t, o);
    if (t->kind == MEAN_CUSTOM)
        gw_out_put_value(o, "parameters", text_schema);
    else
        gw_out_may_value(o, "parameters", t->schema);
    if (!mean_is_true(t->strict) || mean_is_strict(t->schema)) /* others are refused */
        gw_out_may_value(o, "strict", t->strict);
    gw_out_close(o, '}');
    gw_out_close(o, '}');
}

static void put_tools(struct gw_out *o, const struct mean *m) {
    if (!mean_has_tools(m))
        return;
    gw_out_name(o, "tools");
    gw_out_open(o, '[');
    for (const struct mean_tool *t = m->tools; t != NULL; t = t->next)
        if (t->kind != MEAN_SERVED)
            openai_put_tool(o, t);
    gw_out_close(o, ']');
    gw_out_may_value(o, "parallel_tool_calls", m->parallel);
}

static void put_pick(struct gw_out *o, const struct mean *m) {
    static const char *const words[] = {
        [MEAN_PICK_AUTO] = "auto", [MEAN_PICK_NONE] = "none", [MEAN_PICK_ANY] = "required"};
    if (m->pick == MEAN_PICK_UNSAID || !mean_has_tools(m))
        return;
    if (m->pick != MEAN_PICK_ONE) {
        gw_out_put_word(o, "tool_choice", words[m->pick]);
        return;
    }
    gw_out_name(o, "tool_choice");
    gw_out_open(o, '{');
    gw_out_put_word(o, "type", "function");
    gw_out_name(o, "function");
    gw_out_open(o, '{');
    gw_out_put_raw(o, "name", mean_fit(o->b->arena, m->pick_name, MEAN_NAME));
    gw_out_close(o, '}');
    gw_out_close(o, '}');
}

/* ------------------------------------------------------------------ writing: the rest */

static void put_form(struct gw_out *o, const struct mean *m) {
    if (m->form == MEAN_FORM_TEXT)
        return;
    gw_out_name(o, "response_format");
    gw_out_open(o, '{');
    gw_out_put_word(o, "type", m->form == MEAN_FORM_JSON ? "json_object" : "json_schema");
    if (m->form == MEAN_FORM_SCHEMA) {
        gw_out_name(o, "json_schema");
        gw_out_open(o, '{');
        gw_out_put_raw(o, "name", m->form_name.n > 0 ? m->form_name : GW_STR("answer"));
        gw_out_may_raw(o, "description", m->form_about);
        gw_out_may_value(o, "schema", m->form_schema);
        gw_out_may_value(o, "strict", m->form_strict);
        gw_out_close(o, '}');
    }
    gw_out_close(o, '}');
}

static void put_effort(struct gw_out *o, const struct mean *m) {
    enum mean_effort effort = m->effort;
    if (!mean_can(m, FEATURE_EFFORT))
        return;
    if (effort == MEAN_EFFORT_UNSAID && m->budget.n > 0)
        effort = mean_effort_of_budget(mean_u64(m->budget));
    if (m->alike && effort > MEAN_EFFORT_HIGH)
        effort = MEAN_EFFORT_HIGH;
    if (effort != MEAN_EFFORT_UNSAID)
        gw_out_put_word(o, "reasoning_effort", mean_effort_word(effort));
}

static void put_sampling(struct gw_out *o, const struct mean *m) {
    const struct mean_given given[] = {
        {"temperature", m->temperature, FEATURE_TEMPERATURE},
        {"top_p", m->top_p, FEATURE_TOP_P},
        {"seed", m->seed, FEATURE_SEED},
        {"n", m->n, FEATURE_N},
        {"frequency_penalty", m->frequency, FEATURE_PENALTIES},
        {"presence_penalty", m->presence, FEATURE_PENALTIES},
        {"logit_bias", m->logit_bias, FEATURE_LOGIT_BIAS},
        {"logprobs", m->logprobs, FEATURE_LOGPROBS},
        {"top_logprobs", m->top_logprobs, FEATURE_LOGPROBS},
    };
    if (mean_can(m, FEATURE_STOP))
        mean_put_stops(m, "stop", true, o);
    mean_put_given(m, given, sizeof given / sizeof *given, o);
}

static void put_stream(struct gw_out *o, const struct mean *m) {
    if (!m->stream)
        return;
    gw_out_put_value(o, "stream", GW_STR("true"));
    gw_out_put_value(o, "stream_options", GW_STR("{\"include_usage\":true}"));
}

void openai_put_request(const struct mean *m, struct gw_str model, struct gw_out *o) {
    gw_out_open(o, '{');
    gw_out_name(o, "model");
    gw_out_text(o, model);
    put_messages(o, m);
    put_tools(o, m);
    put_pick(o, m);
    gw_out_may_value(o, m->alike ? "max_tokens" : "max_completion_tokens", m->max_tokens);
    put_sampling(o, m);
    put_form(o, m);
    put_effort(o, m);
    if (mean_can(m, FEATURE_VERBOSITY))
        gw_out_may_raw(o, "verbosity", m->verbosity);
    if (m->user.n <= USER_MAX)
        gw_out_may_raw(o, "user", m->user);
    put_stream(o, m);
    gw_out_close(o, '}');
}
