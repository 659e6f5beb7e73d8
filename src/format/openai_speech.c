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
#include "format/openai_speech.h"

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
    if (p->file.n == 0 && p->data.n > 0)
        mean_use_file(m, p);
    else if (p->file.n > 0 || p->url.n > 0)
        mean_use(m, p->file.n > 0 ? FEATURE_FILE_ID : FEATURE_FILE_URL);
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
    if (system && mean_has_talk(m))
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

void openai_speech_tools(struct gw_walk *w, struct mean *m) {
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

/* That they may be called at once is usual. */
static void read_parallel(struct gw_walk *w, struct mean *m) {
    m->parallel = mean_value(w);
    if (gw_str_eq(m->parallel, GW_STR("false")))
        mean_use(m, FEATURE_PARALLEL);
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
        openai_speech_tools(w, m);
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
    } else if (is(name, "parallel_tool_calls")) {
        read_parallel(w, m);
    } else if (is_idle(name)) {
        gw_walk_skip(w);
    } else if (!mean_take(m, w, name, members, sizeof members / sizeof *members)) {
        mean_unknown(m, w, name);
    }
}

static void read_request(struct gw_walk *w, struct mean *m) {
    struct gw_str name;
    struct openai_bare bare = {.prompt = GW_STR("")};
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name))
        if (!openai_bare_member(w, name, &bare))
            read_member(w, name, m);
    openai_bare_settle(&bare, m);
    if (m->turns == NULL)
        mean_wrong(m, "there are no messages");
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
            [FEATURE_FILE_OFFICE] = "messages",
            [FEATURE_FILE_OTHER] = "messages",
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
    .put_request = openai_put_request,
    .read_answer = read_answer,
    .put_answer = openai_say_answer,
    .begin = openai_say_begin,
    .step = openai_say_step,
    .end = openai_say_end,
};
