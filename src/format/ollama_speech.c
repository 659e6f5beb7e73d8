/*
 * Ollama's own dialect, translated: /api/chat, and as a client's /api/generate. What is particular to it:
 *
 *     content      is one text; images stand beside it, and nobody says of what type they are
 *     calls        have their arguments as a value, and from older servers no id; results then know the tool's name
 *                  alone (calls.h)
 *     streams      are what is given to whoever says nothing; each line has a whole call
 *     thoughts     stand in "thinking", unsigned
 *     generate     has a prompt in the place of messages: one turn of the user. Its answer is a text: `bare` of its meaning
 */
#include "format/ollama_speech.h"

#include "format/calls.h"
#include "format/openai_speech.h"

#define BIT(f) (1ULL << FEATURE_##f)

static bool is(struct gw_str name, const char *literal) {
    return gw_str_eq(name, gw_str(literal, strlen(literal)));
}

/* ------------------------------------------------------------------ reading: messages */

/* A message of a request or of an answer. Its members may come in any order, so they are looked at when all are known. */
struct message {
    struct gw_str role, content, thinking, tool, call_id; /* raw */
    struct gw_str images, calls;                          /* values */
};

/* An image's first bytes show what it is; a slash may stand escaped. */
static struct gw_str media_of(struct gw_str data) {
    static const struct gw_str known[][2] = {
        {GW_STR_INIT("/9j/"), GW_STR_INIT("image/jpeg")},
        {GW_STR_INIT("\\/9j\\/"), GW_STR_INIT("image/jpeg")},
        {GW_STR_INIT("R0lGOD"), GW_STR_INIT("image/gif")},
        {GW_STR_INIT("UklGR"), GW_STR_INIT("image/webp")},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (gw_str_starts(data, known[i][0]))
            return known[i][1];
    return GW_STR("image/png");
}

/* Into the turn, or into a tool's result. */
static struct mean_part *add(struct mean *m, struct mean_turn *t, struct mean_part *result,
                             enum mean_kind kind) {
    return result != NULL ? mean_add_inner(m, result, kind) : mean_add_part(m, t, kind);
}

static void read_images(struct gw_str value, struct mean *m, struct mean_turn *t,
                        struct mean_part *result) {
    struct gw_walk w;
    gw_walk_init(&w, value);
    if (value.n == 0 || !gw_walk_enter(&w, '['))
        return;
    while (gw_walk_item(&w)) {
        struct mean_part *p = add(m, t, result, MEAN_IMAGE);
        p->data = mean_raw(&w);
        p->media = media_of(p->data);
        mean_use(m, FEATURE_IMAGE);
        if (result != NULL)
            mean_use(m, FEATURE_RESULT_IMAGE);
    }
}

static void read_function(struct gw_walk *w, struct mean_part *call) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        call->args_is_text |= is(name, "arguments") && gw_walk_kind(w) == '"';
        if (is(name, "name"))
            call->name = mean_raw(w);
        else if (is(name, "arguments"))
            call->args = call->args_is_text ? mean_raw(w) : mean_value(w);
        else
            gw_walk_skip(w);
    }
}

static void read_call(struct gw_walk *w, struct mean_part *call) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "id"))
            call->id = mean_raw(w);
        else if (is(name, "function"))
            read_function(w, call);
        else
            gw_walk_skip(w);
    }
}

static void read_calls(struct gw_str value, struct mean *m, struct mean_turn *t) {
    struct gw_walk w;
    gw_walk_init(&w, value);
    if (value.n == 0 || !gw_walk_enter(&w, '['))
        return;
    while (gw_walk_item(&w))
        read_call(&w, mean_add_part(m, t, MEAN_CALL));
}

static const struct mean_field message_fields[] = {
    {"role", offsetof(struct message, role), true},
    {"content", offsetof(struct message, content), true},
    {"thinking", offsetof(struct message, thinking), true},
    {"images", offsetof(struct message, images), false},
    {"tool_calls", offsetof(struct message, calls), false},
    {"tool_name", offsetof(struct message, tool), true},
    {"tool_call_id", offsetof(struct message, call_id), true},
};

/* A model thinks, then speaks, then calls. Who else says nothing says an empty text. */
static void add_said(const struct message *said, struct mean *m, struct mean_turn *t,
                     struct mean_part *result) {
    bool model = t->role == MEAN_ASSISTANT;
    if (model && said->thinking.n > 0)
        mean_add_part(m, t, MEAN_REASONING)->text = said->thinking;
    read_images(said->images, m, t, result);
    if (said->content.n > 0 || (!model && said->images.n == 0))
        add(m, t, result, MEAN_TEXT)->text = said->content;
    if (model)
        read_calls(said->calls, m, t);
}

/* Ollama takes roles in capitals, too. */
static void read_message(struct gw_walk *w, struct mean *m) {
    struct message said = {.role = GW_STR("")};
    struct mean_turn *t = mean_add_turn(m, MEAN_USER);
    struct mean_part *result = NULL;
    MEAN_READ(w, message_fields, &said);
    if (gw_str_ieq(said.role, GW_STR("system"))) {
        t->role = MEAN_SYSTEM;
        if (mean_has_talk(m))
            mean_use(m, FEATURE_SYSTEM_LATER);
    } else if (gw_str_ieq(said.role, GW_STR("assistant"))) {
        t->role = MEAN_ASSISTANT;
    } else if (gw_str_ieq(said.role, GW_STR("tool"))) {
        result = mean_add_part(m, t, MEAN_RESULT);
        result->id = said.call_id;
        result->name = said.tool;
    } else if (!gw_str_ieq(said.role, GW_STR("user"))) {
        mean_wrong(m, "a message has no role that is known");
    }
    add_said(&said, m, t, result);
}

static void read_messages(struct gw_walk *w, struct mean *m) {
    if (!gw_walk_enter(w, '['))
        return;
    while (gw_walk_item(w))
        read_message(w, m);
}

/* ------------------------------------------------------------------ reading: the rest */

static const struct mean_member options[] = {
    MEAN_VALUE("temperature", temperature, TEMPERATURE),
    MEAN_VALUE("top_p", top_p, TOP_P),
    MEAN_VALUE("top_k", top_k, TOP_K),
    MEAN_VALUE("seed", seed, SEED),
    MEAN_VALUE("frequency_penalty", frequency, PENALTIES),
    MEAN_VALUE("presence_penalty", presence, PENALTIES),
};

static bool is_among(struct gw_str name, const char *const *words, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (is(name, words[i]))
            return true;
    return false;
}

/* How a model is loaded is a matter of its machine. */
static bool is_of_machine(struct gw_str name) {
    static const char *const words[] = {"num_ctx",  "num_batch", "num_gpu",    "main_gpu",
                                        "low_vram", "use_mmap",  "num_thread", "num_keep",
                                        "numa",     "use_mlock", "f16_kv",     "draft_num_predict"};
    return is_among(name, words, sizeof words / sizeof *words);
}

/* No number of tokens is no limit; nor is one below. */
static void read_limit(struct gw_walk *w, struct mean *m) {
    m->max_tokens = mean_value(w);
    if (mean_u64(m->max_tokens) > 0)
        mean_use(m, FEATURE_MAX_TOKENS);
    else
        m->max_tokens = GW_STR("");
}

static void read_options(struct gw_walk *w, struct mean *m) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "num_predict"))
            read_limit(w, m);
        else if (is(name, "stop"))
            mean_read_stops(m, w);
        else if (is_of_machine(name))
            gw_walk_skip(w);
        else if (!mean_take(m, w, name, options, sizeof options / sizeof *options))
            mean_unknown(m, w, name);
    }
}

/* "json", or a schema. */
static void read_form(struct gw_walk *w, struct mean *m) {
    bool schema = gw_walk_kind(w) == '{';
    struct gw_str value = mean_value(w);
    if (!schema && !is(value, "\"json\""))
        return;
    m->form = schema ? MEAN_FORM_SCHEMA : MEAN_FORM_JSON;
    m->form_schema = schema ? value : GW_STR("");
    mean_use(m, schema ? FEATURE_SCHEMA : FEATURE_JSON);
}

/* Yes, no, or how much. */
static void read_think(struct gw_walk *w, struct mean *m) {
    char kind = gw_walk_kind(w);
    enum mean_effort word = mean_effort_of(mean_raw(w));
    m->effort = kind == 't' ? MEAN_EFFORT_MEDIUM : kind == 'f' ? MEAN_EFFORT_NONE : word;
    m->shows_thoughts = m->effort > MEAN_EFFORT_NONE;
    if (m->effort != MEAN_EFFORT_UNSAID)
        mean_use(m, FEATURE_EFFORT);
}

static void read_logprobs(struct gw_walk *w, struct mean *m) {
    m->logprobs = mean_value(w);
    if (mean_is_true(m->logprobs))
        mean_use(m, FEATURE_LOGPROBS);
}

/* What is asked of /api/generate. */
struct prompt {
    struct gw_str text, system; /* raw */
    struct gw_str images;       /* value */
    bool said;
};

/* What follows the answer, and what an earlier one was made of, mean nothing to another model. */
static bool read_of_prompt(struct gw_walk *w, struct gw_str name, struct mean *m,
                           struct prompt *p) {
    if (is(name, "prompt")) {
        p->text = mean_raw(w);
        p->said = true;
    } else if (is(name, "system")) {
        p->system = mean_raw(w);
    } else if (is(name, "images")) {
        p->images = mean_value(w);
    } else if (is(name, "suffix")) {
        if (mean_raw(w).n > 0)
            mean_use(m, FEATURE_OTHER);
    } else if (is(name, "context")) {
        if (mean_value(w).n > 2)
            mean_use(m, FEATURE_KEPT);
    } else {
        return false;
    }
    return true;
}

static void put_prompt(const struct prompt *p, struct mean *m) {
    struct message said = {.content = p->text, .images = p->images};
    if (p->system.n > 0)
        mean_add_part(m, mean_add_turn(m, MEAN_SYSTEM), MEAN_TEXT)->text = p->system;
    add_said(&said, m, mean_add_turn(m, MEAN_USER), NULL);
    m->bare = true;
}

/* Ollama's own client in Go says of much that there is none. */
static void read_unknown(struct gw_walk *w, struct gw_str name, struct mean *m) {
    struct gw_walk ahead = *w;
    struct gw_str value = mean_value(&ahead);
    if (is(value, "\"\"") || is(value, "false"))
        *w = ahead;
    else
        mean_unknown(m, w, name);
}

/* What says nothing that another server could want to know. */
static bool is_idle(struct gw_str name) {
    static const char *const words[] = {"model", "models", "keep_alive", "truncate", "shift"};
    return is_among(name, words, sizeof words / sizeof *words);
}

static void read_member(struct gw_walk *w, struct gw_str name, struct mean *m, struct prompt *p) {
    static const struct mean_member members[] = {
        MEAN_VALUE("top_logprobs", top_logprobs, LOGPROBS)};
    if (is(name, "messages")) {
        read_messages(w, m);
    } else if (is(name, "tools")) {
        openai_speech_tools(w, m);
    } else if (is(name, "options")) {
        read_options(w, m);
    } else if (is(name, "format")) {
        read_form(w, m);
    } else if (is(name, "stream")) {
        m->stream = gw_walk_kind(w) != 'f';
        gw_walk_skip(w);
    } else if (is(name, "think")) {
        read_think(w, m);
    } else if (is(name, "logprobs")) {
        read_logprobs(w, m);
    } else if (is_idle(name)) {
        gw_walk_skip(w);
    } else if (!read_of_prompt(w, name, m, p) && !mean_take(m, w, name, members, 1)) {
        read_unknown(w, name, m);
    }
}

static void read_request(struct gw_walk *w, struct mean *m) {
    struct gw_str name;
    struct prompt p = {.said = false};
    m->stream = true;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name))
        read_member(w, name, m, &p);
    if (p.said && m->turns == NULL)
        put_prompt(&p, m);
    if (m->turns == NULL)
        mean_wrong(m, "there are no messages");
    calls_pair(m);
}

/* ------------------------------------------------------------------ answers */

static void read_answer_member(struct gw_walk *w, struct gw_str name, struct mean_answer *a,
                               struct mean_choice *c) {
    struct message said = {.role = GW_STR("")};
    if (is(name, "message") && gw_walk_kind(w) == '{') {
        MEAN_READ(w, message_fields, &said);
        add_said(&said, &a->mean, &c->turn, NULL);
    } else if (is(name, "model")) {
        a->model = mean_raw(w);
    } else if (is(name, "done_reason")) {
        c->why = event_why_of(&dialect_ollama, mean_raw(w));
    } else if (is(name, "logprobs") && gw_walk_kind(w) == '[') {
        c->logprobs = mean_logprobs(mean_value(w), a->mean.arena);
    } else {
        gw_walk_skip(w);
    }
}

static void read_answer(struct gw_walk *w, struct mean_answer *a) {
    struct gw_str name;
    uint64_t calls = 0;
    const char *from = w->p;
    struct mean_choice *c = mean_add_choice(a, 0);
    bool any = false;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        any |= is(name, "message") && gw_walk_kind(w) == '{';
        read_answer_member(w, name, a, c);
    }
    if (!any)
        mean_wrong(&a->mean, "it has no message");
    mean_read_usage(a, &dialect_ollama, gw_str(from, (size_t)(w->p - from)));
    calls_settle(a, c, &calls);
}

const struct speech speech_ollama = {
    .path = GW_STR_INIT("/api/chat"),
    .stream_path = GW_STR_INIT("/api/chat"),
    .says = BIT(SYSTEM_LATER) | BIT(IMAGE) | BIT(TOOLS) | BIT(PICK_NONE) | BIT(CUSTOM) |
            BIT(RESULT_IMAGE) | BIT(JSON) | BIT(SCHEMA) | BIT(MAX_TOKENS) | BIT(TEMPERATURE) |
            BIT(TOP_P) | BIT(TOP_K) | BIT(STOP) | BIT(SEED) | BIT(PENALTIES) | BIT(LOGPROBS) |
            BIT(EFFORT) | BIT(BUDGET),
    .names =
        {
            [FEATURE_SYSTEM_LATER] = "messages",
            [FEATURE_IMAGE] = "messages",
            [FEATURE_TOOLS] = "tools",
            [FEATURE_SERVED] = "tools",
            [FEATURE_STRICT] = "tools",
            [FEATURE_CUSTOM] = "tools",
            [FEATURE_RESULT_IMAGE] = "messages",
            [FEATURE_JSON] = "format",
            [FEATURE_SCHEMA] = "format",
            [FEATURE_MAX_TOKENS] = "options.num_predict",
            [FEATURE_TEMPERATURE] = "options.temperature",
            [FEATURE_TOP_P] = "options.top_p",
            [FEATURE_TOP_K] = "options.top_k",
            [FEATURE_STOP] = "options.stop",
            [FEATURE_SEED] = "options.seed",
            [FEATURE_PENALTIES] = "options.frequency_penalty",
            [FEATURE_LOGPROBS] = "logprobs",
            [FEATURE_EFFORT] = "think",
            [FEATURE_KEPT] = "context",
            [FEATURE_OTHER] = "suffix",
        },
    .read_request = read_request,
    .put_request = ollama_put_request,
    .read_answer = read_answer,
    .put_answer = ollama_say_answer,
    .begin = ollama_say_begin,
    .step = ollama_say_step,
    .end = ollama_say_end,
};
