/*
 * OpenAI's chat completions, translated. What is particular to it:
 *
 *     roles        system and developer stand anywhere among the messages; results of tools are messages of "tool"
 *     arguments    of a call are a string that holds JSON
 *     thoughts     have no place in the API; servers like vLLM, llama.cpp and DeepSeek answer with
 *                  "reasoning_content", and so does this. In a request they are left out
 *     results      of tools are text: an image in one follows as the user's
 *     custom tools are functions with one argument, "input", where a target has no others
 */
#include "format/speech.h"

#define BIT(f) (1ULL << FEATURE_##f)

static bool is(struct gw_str name, const char *literal) {
    return gw_str_eq(name, gw_str(literal, strlen(literal)));
}

/* ------------------------------------------------------------------ reading: parts */

static void read_image(struct gw_walk *w, struct mean *m, struct mean_part *p) {
    struct gw_str name;
    if (gw_walk_kind(w) == '"') {
        mean_set_url(p, mean_raw(w));
    } else if (gw_walk_enter(w, '{')) {
        while (gw_walk_member(w, &name)) {
            if (is(name, "url"))
                mean_set_url(p, mean_raw(w));
            else if (is(name, "detail"))
                p->detail = mean_raw(w);
            else
                gw_walk_skip(w);
        }
    }
    p->kind = MEAN_IMAGE;
    mean_use(m, p->data.n > 0 ? FEATURE_IMAGE : FEATURE_IMAGE_URL);
}

/* "wav" is "audio/wav". */
static struct gw_str audio_media(struct mean *m, struct gw_str format) {
    struct gw_buf b;
    gw_buf_init(&b, m->arena, format.n + 6);
    gw_buf_put(&b, GW_STR("audio/"));
    gw_buf_put(&b, format);
    return gw_buf_str(&b);
}

static void read_audio(struct gw_walk *w, struct mean *m, struct mean_part *p) {
    struct gw_str name;
    p->kind = MEAN_AUDIO;
    mean_use(m, FEATURE_AUDIO);
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "data"))
            p->data = mean_raw(w);
        else if (is(name, "format"))
            p->media = audio_media(m, mean_raw(w));
        else
            gw_walk_skip(w);
    }
}

static void read_file(struct gw_walk *w, struct mean *m, struct mean_part *p) {
    struct gw_str name;
    p->kind = MEAN_FILE;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "file_data"))
            mean_set_url(p, mean_raw(w));
        else if (is(name, "file_id"))
            p->file = mean_raw(w);
        else if (is(name, "filename"))
            p->name = mean_raw(w);
        else
            gw_walk_skip(w);
    }
    mean_use(m, p->file.n > 0 ? FEATURE_FILE_ID : p->data.n > 0 ? FEATURE_FILE : FEATURE_FILE_URL);
}

/* Its members may come in any order, so what it is is known last. */
static void read_part(struct gw_walk *w, struct mean *m, struct mean_part *p) {
    struct gw_str name, type = GW_STR("");
    const char *from = w->p;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "type"))
            type = mean_raw(w);
        else if (is(name, "text") || is(name, "refusal"))
            p->text = mean_raw(w);
        else if (is(name, "image_url"))
            read_image(w, m, p);
        else if (is(name, "input_audio"))
            read_audio(w, m, p);
        else if (is(name, "file"))
            read_file(w, m, p);
        else if (is(name, "cache_control"))
            p->cache = mean_value(w);
        else
            gw_walk_skip(w);
    }
    p->raw = gw_str(from, (size_t)(w->p - from));
    if (is(type, "text") || is(type, "refusal"))
        p->kind = is(type, "text") ? MEAN_TEXT : MEAN_REFUSAL;
    if (p->kind == MEAN_OTHER)
        mean_use(m, FEATURE_OTHER);
    if (p->cache.n > 0)
        mean_use(m, FEATURE_CACHE);
}

/* "content": a string, or parts. `result`: they are a tool's. */
static void read_content(struct gw_walk *w, struct mean *m, struct mean_turn *t,
                         struct mean_part *result) {
    char kind = gw_walk_kind(w);
    if (kind != '[') {
        struct gw_str text = mean_raw(w);
        if (kind != '"')
            return;
        struct mean_part *p =
            result != NULL ? mean_add_inner(m, result, MEAN_TEXT) : mean_add_part(m, t, MEAN_TEXT);
        p->text = text;
        return;
    }
    gw_walk_enter(w, '[');
    while (gw_walk_item(w)) {
        struct mean_part *p = result != NULL ? mean_add_inner(m, result, MEAN_OTHER)
                                             : mean_add_part(m, t, MEAN_OTHER);
        read_part(w, m, p);
        if (result != NULL && p->kind != MEAN_TEXT)
            mean_use(m, FEATURE_RESULT_IMAGE);
    }
}

/* ------------------------------------------------------------------ reading: calls */

static void read_function(struct gw_walk *w, struct mean_part *call, bool custom) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    call->custom = custom;
    call->args_is_text = true;
    while (gw_walk_member(w, &name)) {
        if (is(name, "name"))
            call->name = mean_raw(w);
        else if (is(name, custom ? "input" : "arguments"))
            call->args = mean_raw(w);
        else
            gw_walk_skip(w);
    }
}

static void read_call(struct gw_walk *w, struct mean *m, struct mean_turn *t) {
    struct gw_str name;
    struct mean_part *call = mean_add_part(m, t, MEAN_CALL);
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "id"))
            call->id = mean_raw(w);
        else if (is(name, "function") || is(name, "custom"))
            read_function(w, call, is(name, "custom"));
        else
            gw_walk_skip(w);
    }
    if (call->custom)
        mean_use(m, FEATURE_CUSTOM);
}

static void read_calls(struct gw_walk *w, struct mean *m, struct mean_turn *t) {
    if (!gw_walk_enter(w, '['))
        return;
    while (gw_walk_item(w))
        read_call(w, m, t);
}

/* ------------------------------------------------------------------ reading: messages */

/* A message of a request, or of an answer. Its role may stand behind its content: a tool's answer is told by its
 * id. */
struct message {
    struct gw_str role, call_id, content, name;
};

static void read_words(struct gw_walk *w, struct mean *m, struct mean_turn *t,
                       enum mean_kind kind) {
    struct gw_str raw = mean_raw(w);
    if (raw.n > 0)
        mean_add_part(m, t, kind)->text = raw;
}

/* What stands beside the content. */
static void read_beside(struct gw_walk *w, struct gw_str name, struct mean *m,
                        struct mean_turn *t) {
    if (is(name, "tool_calls")) {
        read_calls(w, m, t);
    } else if (is(name, "function_call") && gw_walk_kind(w) == '{') {
        read_function(w, mean_add_part(m, t, MEAN_CALL), false);
    } else if (is(name, "refusal")) {
        read_words(w, m, t, MEAN_REFUSAL);
    } else if (is(name, "reasoning_content") || is(name, "reasoning")) {
        read_words(w, m, t, MEAN_REASONING);
    } else {
        gw_walk_skip(w);
    }
}

static void read_content_again(struct gw_str content, struct mean *m, struct mean_turn *t,
                               struct mean_part *result) {
    struct gw_walk w;
    gw_walk_init(&w, content);
    if (content.n > 0)
        read_content(&w, m, t, result);
}

/* The content is read when the role is known. What was thought comes before what was said, and that before calls. */
static void put_content_first(struct mean_turn *t, struct mean_part *last_before) {
    struct mean_part *said = last_before != NULL ? last_before->next : NULL;
    if (said == NULL)
        return;
    struct mean_part **at = &t->parts;
    while (*at != said && (*at)->kind == MEAN_REASONING)
        at = &(*at)->next;
    if (*at == said)
        return;
    struct mean_part *end = t->last;
    last_before->next = NULL;
    end->next = *at;
    *at = said;
    t->last = last_before;
}

static void read_message(struct gw_walk *w, struct mean *m, struct mean_turn *t) {
    struct gw_str name;
    struct message said = {.role = GW_STR("")};
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "role"))
            said.role = mean_raw(w);
        else if (is(name, "content"))
            said.content = mean_value(w);
        else if (is(name, "tool_call_id"))
            said.call_id = mean_raw(w);
        else if (is(name, "name"))
            said.name = mean_raw(w);
        else
            read_beside(w, name, m, t);
    }
    bool system = is(said.role, "system") || is(said.role, "developer");
    bool tool = is(said.role, "tool") || is(said.role, "function");
    t->role = system ? MEAN_SYSTEM : is(said.role, "assistant") ? MEAN_ASSISTANT : MEAN_USER;
    if (system && m->turns != t && m->turns != NULL && m->turns->role != MEAN_SYSTEM)
        mean_use(m, FEATURE_SYSTEM_LATER);
    if (!system && !tool && t->role == MEAN_USER && !is(said.role, "user"))
        mean_wrong(m, "a message has no role that is known");
    if (tool) {
        struct mean_part *result = mean_add_part(m, t, MEAN_RESULT);
        result->id = said.call_id;
        result->name = said.name;
        read_content_again(said.content, m, t, result);
        return;
    }
    t->name = said.name;
    struct mean_part *before = t->last;
    read_content_again(said.content, m, t, NULL);
    put_content_first(t, before);
}

static void read_messages(struct gw_walk *w, struct mean *m) {
    if (!gw_walk_enter(w, '[')) {
        mean_wrong(m, "\"messages\" is no list");
        return;
    }
    while (gw_walk_item(w))
        read_message(w, m, mean_add_turn(m, MEAN_USER));
}

/* ------------------------------------------------------------------ reading: tools */

static void read_tool_body(struct gw_walk *w, struct mean *m, struct mean_tool *t) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "name"))
            t->name = mean_raw(w);
        else if (is(name, "description"))
            t->description = mean_raw(w);
        else if (is(name, "parameters"))
            t->schema = mean_value(w);
        else if (is(name, "strict"))
            t->strict = mean_value(w);
        else if (is(name, "format"))
            t->format = mean_value(w);
        else
            gw_walk_skip(w);
    }
    if (mean_is_true(t->strict))
        mean_use(m, FEATURE_STRICT);
}

static void read_tool(struct gw_walk *w, struct mean *m) {
    struct gw_str name;
    struct mean_tool *t = mean_add_tool(m, MEAN_SERVED);
    const char *from = w->p;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        bool custom = is(name, "custom");
        if (custom || is(name, "function")) {
            t->kind = custom ? MEAN_CUSTOM : MEAN_FUNCTION;
            read_tool_body(w, m, t);
        } else if (is(name, "cache_control")) {
            t->cache = mean_value(w);
        } else {
            gw_walk_skip(w);
        }
    }
    t->raw = gw_str(from, (size_t)(w->p - from));
    mean_use(m, t->kind == MEAN_FUNCTION ? FEATURE_TOOLS
                : t->kind == MEAN_CUSTOM ? FEATURE_CUSTOM
                                         : FEATURE_SERVED);
}

static void read_tools(struct gw_walk *w, struct mean *m) {
    if (!gw_walk_enter(w, '['))
        return;
    while (gw_walk_item(w))
        read_tool(w, m);
}

static void pick(struct mean *m, enum mean_pick pick) {
    m->pick = pick;
    if (pick == MEAN_PICK_NONE)
        mean_use(m, FEATURE_PICK_NONE);
    if (pick == MEAN_PICK_ANY)
        mean_use(m, FEATURE_PICK_ANY);
    if (pick == MEAN_PICK_ONE)
        mean_use(m, FEATURE_PICK_ONE);
}

static void read_picked_name(struct gw_walk *w, struct mean *m) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "name"))
            m->pick_name = mean_raw(w);
        else
            gw_walk_skip(w);
    }
}

/* {"type": "function", "function": {"name": "x"}} */
static void read_picked(struct gw_walk *w, struct mean *m) {
    struct gw_str name;
    gw_walk_enter(w, '{');
    while (gw_walk_member(w, &name)) {
        if (is(name, "function") || is(name, "custom"))
            read_picked_name(w, m);
        else
            gw_walk_skip(w);
    }
    pick(m, m->pick_name.n > 0 ? MEAN_PICK_ONE : MEAN_PICK_AUTO);
}

static void read_pick(struct gw_walk *w, struct mean *m) {
    if (gw_walk_kind(w) == '{') {
        read_picked(w, m);
        return;
    }
    struct gw_str word = mean_raw(w);
    pick(m, is(word, "none")       ? MEAN_PICK_NONE
            : is(word, "required") ? MEAN_PICK_ANY
            : is(word, "auto")     ? MEAN_PICK_AUTO
                                   : MEAN_PICK_UNSAID);
}

/* ------------------------------------------------------------------ reading: the rest */

static void read_schema(struct gw_walk *w, struct mean *m) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "name"))
            m->form_name = mean_raw(w);
        else if (is(name, "description"))
            m->form_about = mean_raw(w);
        else if (is(name, "schema"))
            m->form_schema = mean_value(w);
        else if (is(name, "strict"))
            m->form_strict = mean_value(w);
        else
            gw_walk_skip(w);
    }
}

static void read_form(struct gw_walk *w, struct mean *m) {
    struct gw_str name, type = GW_STR("");
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "type"))
            type = mean_raw(w);
        else if (is(name, "json_schema"))
            read_schema(w, m);
        else
            gw_walk_skip(w);
    }
    m->form = is(type, "json_schema")   ? MEAN_FORM_SCHEMA
              : is(type, "json_object") ? MEAN_FORM_JSON
                                        : MEAN_FORM_TEXT;
    if (m->form != MEAN_FORM_TEXT)
        mean_use(m, m->form == MEAN_FORM_JSON ? FEATURE_JSON : FEATURE_SCHEMA);
}

static void read_stream_options(struct gw_walk *w, struct mean *m) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "include_usage"))
            m->wants_usage = mean_true(w);
        else
            gw_walk_skip(w);
    }
}

/* A number of answers other than one. */
static void read_n(struct gw_walk *w, struct mean *m) {
    m->n = mean_value(w);
    if (m->n.n > 0 && !gw_str_eq(m->n, GW_STR("1")))
        mean_use(m, FEATURE_N);
}

static void read_logprobs(struct gw_walk *w, struct mean *m) {
    m->logprobs = mean_value(w);
    if (m->logprobs.n > 0 && !gw_str_eq(m->logprobs, GW_STR("false")))
        mean_use(m, FEATURE_LOGPROBS);
}

static void read_effort(struct gw_walk *w, struct mean *m) {
    m->effort = mean_effort_of(mean_raw(w));
    if (m->effort != MEAN_EFFORT_UNSAID)
        mean_use(m, FEATURE_EFFORT);
}

static const struct mean_member members[] = {
    MEAN_VALUE("max_tokens", max_tokens, MAX_TOKENS),
    MEAN_VALUE("max_completion_tokens", max_tokens, MAX_TOKENS),
    MEAN_VALUE("temperature", temperature, TEMPERATURE),
    MEAN_VALUE("top_p", top_p, TOP_P),
    MEAN_VALUE("top_k", top_k, TOP_K),
    MEAN_VALUE("seed", seed, SEED),
    MEAN_VALUE("frequency_penalty", frequency, PENALTIES),
    MEAN_VALUE("presence_penalty", presence, PENALTIES),
    MEAN_VALUE("logit_bias", logit_bias, LOGIT_BIAS),
    MEAN_VALUE("top_logprobs", top_logprobs, LOGPROBS),
    MEAN_VALUE("parallel_tool_calls", parallel, PARALLEL),
    MEAN_VALUE("metadata", metadata, METADATA),
    MEAN_RAW("user", user, USER),
    MEAN_RAW("safety_identifier", user, USER),
    MEAN_RAW("service_tier", tier, TIER),
    MEAN_RAW("verbosity", verbosity, VERBOSITY),
};

/* What says nothing that another server could want to know. */
static bool is_idle(struct gw_str name) {
    return is(name, "model") || is(name, "models") || is(name, "store") ||
           is(name, "prompt_cache_key") || is(name, "prompt_cache_retention") ||
           is(name, "prompt_cache_options");
}

static void read_member(struct gw_walk *w, struct gw_str name, struct mean *m) {
    if (is(name, "messages")) {
        read_messages(w, m);
    } else if (is(name, "tools")) {
        read_tools(w, m);
    } else if (is(name, "tool_choice")) {
        read_pick(w, m);
    } else if (is(name, "response_format")) {
        read_form(w, m);
    } else if (is(name, "stop")) {
        mean_read_stops(m, w);
    } else if (is(name, "stream")) {
        m->stream = mean_true(w);
    } else if (is(name, "stream_options")) {
        read_stream_options(w, m);
    } else if (is(name, "n")) {
        read_n(w, m);
    } else if (is(name, "logprobs")) {
        read_logprobs(w, m);
    } else if (is(name, "reasoning_effort")) {
        read_effort(w, m);
    } else if (is_idle(name)) {
        gw_walk_skip(w);
    } else if (!mean_take(m, w, name, members, sizeof members / sizeof *members)) {
        mean_unknown(m, w, name);
    }
}

static void read_request(struct gw_walk *w, struct mean *m) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name))
        read_member(w, name, m);
    if (m->turns == NULL)
        mean_wrong(m, "there are no messages");
}

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
    gw_out_may_raw(o, "file_id", p->file);
    if (p->file.n == 0) {
        gw_out_put_raw(o, "filename", p->name.n > 0 ? p->name : GW_STR("document.pdf"));
        put_url(o, "file_data", p);
    }
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

static bool is_content(const struct mean_part *p) {
    return is_text(p) || p->kind == MEAN_IMAGE || p->kind == MEAN_AUDIO || p->kind == MEAN_FILE ||
           p->kind == MEAN_REFUSAL;
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

static void put_call(struct gw_out *o, const struct mean_part *call) {
    gw_out_open(o, '{');
    gw_out_put_raw(o, "id", call->id);
    gw_out_put_word(o, "type", "function");
    gw_out_name(o, "function");
    gw_out_open(o, '{');
    gw_out_put_raw(o, "name", call->name);
    gw_out_name(o, "arguments");
    mean_put_args_text(call, o);
    gw_out_close(o, '}');
    gw_out_close(o, '}');
}

static void put_calls(struct gw_out *o, const struct mean_part *p) {
    gw_out_name(o, "tool_calls");
    gw_out_open(o, '[');
    for (; p != NULL; p = p->next)
        if (p->kind == MEAN_CALL)
            put_call(o, p);
    gw_out_close(o, ']');
}

/* All texts of one kind, as one string. */
static void put_joined(struct gw_out *o, const char *name, const struct mean_part *p,
                       enum mean_kind kind) {
    gw_out_put_raw(o, name, GW_STR(""));
    o->b->n -= !o->b->full; /* the closing quote */
    for (; p != NULL; p = p->next)
        if (p->kind == kind)
            gw_buf_put(o->b, p->text);
    gw_buf_putc(o->b, '"');
}

static bool says(const struct mean_part *p, enum mean_kind kind) {
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
    else
        gw_out_put_value(o, "content", GW_STR("null"));
    if (mean_has(t->parts, MEAN_CALL))
        put_calls(o, t->parts);
    gw_out_close(o, '}');
}

/* Text alone: what else is in it follows as the user's. */
static void put_result(struct gw_out *o, const struct mean_part *result) {
    gw_out_open(o, '{');
    gw_out_put_word(o, "role", "tool");
    gw_out_put_raw(o, "tool_call_id", result->id);
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

static void put_tool(struct gw_out *o, const struct mean_tool *t) {
    gw_out_open(o, '{');
    gw_out_put_word(o, "type", "function");
    gw_out_name(o, "function");
    gw_out_open(o, '{');
    gw_out_put_raw(o, "name", t->name);
    gw_out_may_raw(o, "description", t->description);
    if (t->kind == MEAN_CUSTOM)
        gw_out_put_value(o, "parameters", text_schema);
    else
        gw_out_may_value(o, "parameters", t->schema);
    gw_out_may_value(o, "strict", t->strict);
    gw_out_close(o, '}');
    gw_out_close(o, '}');
}

static bool has_tools(const struct mean *m) {
    for (const struct mean_tool *t = m->tools; t != NULL; t = t->next)
        if (t->kind != MEAN_SERVED)
            return true;
    return false;
}

static void put_tools(struct gw_out *o, const struct mean *m) {
    if (!has_tools(m))
        return;
    gw_out_name(o, "tools");
    gw_out_open(o, '[');
    for (const struct mean_tool *t = m->tools; t != NULL; t = t->next)
        if (t->kind != MEAN_SERVED)
            put_tool(o, t);
    gw_out_close(o, ']');
    gw_out_may_value(o, "parallel_tool_calls", m->parallel);
}

static void put_pick(struct gw_out *o, const struct mean *m) {
    static const char *const words[] = {
        [MEAN_PICK_AUTO] = "auto", [MEAN_PICK_NONE] = "none", [MEAN_PICK_ANY] = "required"};
    if (m->pick == MEAN_PICK_UNSAID || !has_tools(m))
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
    gw_out_put_raw(o, "name", m->pick_name);
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

static void put_stops(struct gw_out *o, const struct mean *m) {
    if (m->stops == 0)
        return;
    gw_out_name(o, "stop");
    gw_out_open(o, '[');
    for (uint32_t i = 0; i < m->stops; i++)
        gw_out_raw(o, m->stop[i]);
    gw_out_close(o, ']');
}

static void put_effort(struct gw_out *o, const struct mean *m) {
    enum mean_effort effort = m->effort;
    if (effort == MEAN_EFFORT_UNSAID && m->budget.n > 0)
        effort = mean_effort_of_budget(mean_u64(m->budget));
    if (effort != MEAN_EFFORT_UNSAID)
        gw_out_put_word(o, "reasoning_effort", mean_effort_word(effort));
}

static void put_stream(struct gw_out *o, const struct mean *m) {
    if (!m->stream)
        return;
    gw_out_put_value(o, "stream", GW_STR("true"));
    gw_out_put_value(o, "stream_options", GW_STR("{\"include_usage\":true}"));
}

static void put_request(const struct mean *m, struct gw_str model, struct gw_out *o) {
    gw_out_open(o, '{');
    gw_out_name(o, "model");
    gw_out_text(o, model);
    put_messages(o, m);
    put_tools(o, m);
    put_pick(o, m);
    gw_out_may_value(o, "max_completion_tokens", m->max_tokens);
    gw_out_may_value(o, "temperature", m->temperature);
    gw_out_may_value(o, "top_p", m->top_p);
    put_stops(o, m);
    gw_out_may_value(o, "seed", m->seed);
    gw_out_may_value(o, "n", m->n);
    gw_out_may_value(o, "frequency_penalty", m->frequency);
    gw_out_may_value(o, "presence_penalty", m->presence);
    gw_out_may_value(o, "logit_bias", m->logit_bias);
    gw_out_may_value(o, "logprobs", m->logprobs);
    gw_out_may_value(o, "top_logprobs", m->top_logprobs);
    put_form(o, m);
    put_effort(o, m);
    gw_out_may_raw(o, "verbosity", m->verbosity);
    gw_out_may_raw(o, "user", m->user);
    put_stream(o, m);
    gw_out_close(o, '}');
}

/* ------------------------------------------------------------------ answers */

static void read_choice(struct gw_walk *w, struct mean_answer *a) {
    struct gw_str name;
    struct mean_choice *c = mean_add_choice(a, 0);
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "index"))
            c->index = (uint32_t)mean_number(w);
        else if (is(name, "message"))
            read_message(w, &a->mean, &c->turn);
        else if (is(name, "logprobs"))
            c->logprobs = mean_value(w);
        else if (is(name, "finish_reason"))
            c->why = event_why_of(&dialect_openai, mean_raw(w));
        else
            gw_walk_skip(w);
    }
    c->turn.role = MEAN_ASSISTANT;
}

static void read_choices(struct gw_walk *w, struct mean_answer *a) {
    if (!gw_walk_enter(w, '['))
        return;
    while (gw_walk_item(w))
        read_choice(w, a);
}

static void read_answer(struct gw_walk *w, struct mean_answer *a) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "id"))
            a->id = mean_raw(w);
        else if (is(name, "model"))
            a->model = mean_raw(w);
        else if (is(name, "created"))
            a->created = mean_number(w);
        else if (is(name, "choices"))
            read_choices(w, a);
        else if (is(name, "usage"))
            mean_read_usage(a, &dialect_openai, mean_value(w));
        else
            gw_walk_skip(w);
    }
    if (a->choices == NULL)
        mean_wrong(&a->mean, "it has no choices");
}

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
static void put_message(struct gw_out *o, const struct mean_turn *t) {
    bool said = says(t->parts, MEAN_TEXT), refused = says(t->parts, MEAN_REFUSAL);
    gw_out_open(o, '{');
    gw_out_put_word(o, "role", "assistant");
    if (said)
        put_joined(o, "content", t->parts, MEAN_TEXT);
    else
        gw_out_put_value(o, "content", GW_STR("null"));
    if (says(t->parts, MEAN_REASONING))
        put_joined(o, "reasoning_content", t->parts, MEAN_REASONING);
    if (refused)
        put_joined(o, "refusal", t->parts, MEAN_REFUSAL);
    else
        gw_out_put_value(o, "refusal", GW_STR("null"));
    if (mean_has(t->parts, MEAN_CALL))
        put_calls(o, t->parts);
    gw_out_close(o, '}');
}

static void put_head(struct gw_out *o, struct gw_str id, const char *object, uint64_t created,
                     struct gw_str model) {
    gw_out_put_raw(o, "id", id);
    gw_out_put_word(o, "object", object);
    gw_out_put_u64(o, "created", created);
    gw_out_put_raw(o, "model", model);
}

static void put_answer(const struct mean_answer *a, const struct mean *asked, struct gw_buf *b) {
    struct gw_out out, *o = &out;
    (void)asked;
    gw_out_init(o, b);
    gw_out_open(o, '{');
    put_head(o, a->id, "chat.completion", a->created, a->model);
    gw_out_name(o, "choices");
    gw_out_open(o, '[');
    for (const struct mean_choice *c = a->choices; c != NULL; c = c->next) {
        gw_out_open(o, '{');
        gw_out_put_u64(o, "index", c->index);
        gw_out_name(o, "message");
        put_message(o, &c->turn);
        gw_out_put_value(o, "logprobs", c->logprobs.n > 0 ? c->logprobs : GW_STR("null"));
        gw_out_put_word(o, "finish_reason", finish_of(c->why));
        gw_out_close(o, '}');
    }
    gw_out_close(o, ']');
    put_usage(o, &a->usage);
    gw_out_close(o, '}');
}

/* ------------------------------------------------------------------ streams */

static void begin(struct mean_stream *s, struct gw_buf *b) {
    (void)b;
    s->id = mean_make_id(s->arena, "chatcmpl-", s->seed, 0);
}

static void open_chunk(struct mean_stream *s, struct gw_out *o, struct gw_buf *b) {
    gw_buf_put(b, GW_STR("data: "));
    gw_out_init(o, b);
    gw_out_open(o, '{');
    put_head(o, s->id, "chat.completion.chunk", s->created, s->model);
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

static void close_delta(struct gw_out *o, const char *finish) {
    gw_out_close(o, '}');
    if (finish != NULL)
        gw_out_put_word(o, "finish_reason", finish);
    else
        gw_out_put_value(o, "finish_reason", GW_STR("null"));
    gw_out_close(o, '}');
    gw_out_close(o, ']');
    close_chunk(o);
}

static void put_call_delta(struct gw_out *o, const struct mean_step *step) {
    bool begins = step->kind == MEAN_STEP_CALL;
    gw_out_name(o, "tool_calls");
    gw_out_open(o, '[');
    gw_out_open(o, '{');
    gw_out_put_u64(o, "index", step->tool);
    if (begins) {
        gw_out_put_raw(o, "id", step->id);
        gw_out_put_word(o, "type", "function");
    }
    gw_out_name(o, "function");
    gw_out_open(o, '{');
    if (begins)
        gw_out_put_raw(o, "name", step->name);
    gw_out_name(o, "arguments");
    if (step->value)
        gw_out_text(o, step->raw);
    else
        gw_out_raw(o, step->raw);
    gw_out_close(o, '}');
    gw_out_close(o, '}');
    gw_out_close(o, ']');
}

/* Signatures, and thoughts that nobody can read, have no place here. */
static void put_step(struct mean_stream *s, const struct mean_step *step, struct gw_buf *b) {
    struct gw_out o;
    if (step->kind == MEAN_STEP_SIGNATURE || step->kind == MEAN_STEP_HIDDEN)
        return;
    open_delta(s, step->choice, &o, b);
    if (step->kind == MEAN_STEP_CALL || step->kind == MEAN_STEP_ARGS)
        put_call_delta(&o, step);
    else
        gw_out_put_raw(&o,
                       step->kind == MEAN_STEP_TEXT        ? "content"
                       : step->kind == MEAN_STEP_REASONING ? "reasoning_content"
                                                           : "refusal",
                       step->raw);
    close_delta(&o, NULL);
}

static void put_end(struct mean_stream *s, struct gw_buf *b) {
    struct gw_out o;
    for (uint32_t i = 0; i < EVENT_CHOICES; i++) {
        if ((s->choices >> i & 1) == 0)
            continue;
        open_delta(s, i, &o, b);
        close_delta(&o, finish_of((enum event_why)s->why[i]));
    }
    if (s->wants_usage) {
        open_chunk(s, &o, b);
        gw_out_close(&o, ']');
        put_usage(&o, &s->usage);
        close_chunk(&o);
    }
    gw_buf_put(b, GW_STR("data: [DONE]\n\n"));
}

const struct speech speech_openai = {
    .path = GW_STR_INIT("/v1/chat/completions"),
    .stream_path = GW_STR_INIT("/v1/chat/completions"),
    .says = BIT(SYSTEM_LATER) | BIT(IMAGE) | BIT(IMAGE_URL) | BIT(AUDIO) | BIT(FILE) | BIT(TOOLS) |
            BIT(PICK_NONE) | BIT(PICK_ANY) | BIT(PICK_ONE) | BIT(PARALLEL) | BIT(STRICT) |
            BIT(CUSTOM) | BIT(RESULT_IMAGE) | BIT(JSON) | BIT(SCHEMA) | BIT(MAX_TOKENS) |
            BIT(TEMPERATURE) | BIT(TOP_P) | BIT(STOP) | BIT(SEED) | BIT(N) | BIT(PENALTIES) |
            BIT(LOGIT_BIAS) | BIT(LOGPROBS) | BIT(EFFORT) | BIT(BUDGET) | BIT(VERBOSITY) |
            BIT(USER),
    .names =
        {
            [FEATURE_SYSTEM_LATER] = "messages",
            [FEATURE_IMAGE] = "messages",
            [FEATURE_IMAGE_URL] = "messages",
            [FEATURE_AUDIO] = "messages",
            [FEATURE_FILE] = "messages",
            [FEATURE_FILE_URL] = "messages",
            [FEATURE_FILE_ID] = "messages",
            [FEATURE_TOOLS] = "tools",
            [FEATURE_PICK_NONE] = "tool_choice",
            [FEATURE_PICK_ANY] = "tool_choice",
            [FEATURE_PICK_ONE] = "tool_choice",
            [FEATURE_PARALLEL] = "parallel_tool_calls",
            [FEATURE_STRICT] = "tools",
            [FEATURE_CUSTOM] = "tools",
            [FEATURE_SERVED] = "tools",
            [FEATURE_RESULT_IMAGE] = "messages",
            [FEATURE_JSON] = "response_format",
            [FEATURE_SCHEMA] = "response_format",
            [FEATURE_MAX_TOKENS] = "max_completion_tokens",
            [FEATURE_TEMPERATURE] = "temperature",
            [FEATURE_TOP_P] = "top_p",
            [FEATURE_TOP_K] = "top_k",
            [FEATURE_STOP] = "stop",
            [FEATURE_SEED] = "seed",
            [FEATURE_N] = "n",
            [FEATURE_PENALTIES] = "frequency_penalty",
            [FEATURE_LOGIT_BIAS] = "logit_bias",
            [FEATURE_LOGPROBS] = "logprobs",
            [FEATURE_EFFORT] = "reasoning_effort",
            [FEATURE_CACHE] = "messages",
            [FEATURE_TIER] = "service_tier",
            [FEATURE_VERBOSITY] = "verbosity",
            [FEATURE_USER] = "user",
            [FEATURE_METADATA] = "metadata",
            [FEATURE_OTHER] = "messages",
        },
    .read_request = read_request,
    .put_request = put_request,
    .read_answer = read_answer,
    .put_answer = put_answer,
    .begin = begin,
    .step = put_step,
    .end = put_end,
};
