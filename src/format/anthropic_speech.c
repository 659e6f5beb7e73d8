/*
 * Anthropic's messages, translated. What is particular to it:
 *
 *     system       stands before the messages; since 2026 also among them
 *     blocks       of every kind are in one list, in the order in which they were said
 *     results      of tools are the user's blocks, and may hold images and documents
 *     thoughts     are signed; those that nobody may read are "redacted_thinking", whose data is its signature
 *     usage        counts as input what no cache had
 *
 * This file reads; anthropic_put.c writes requests, anthropic_say.c answers.
 */
#include "format/anthropic_speech.h"

#define BIT(f) (1ULL << FEATURE_##f)

static bool is(struct gw_str name, const char *literal) {
    return gw_str_eq(name, gw_str(literal, strlen(literal)));
}

/* ------------------------------------------------------------------ blocks */

/* The members of a block of any kind: they come in any order, and the kind may be the last of them. */
struct block {
    struct gw_str type, text, thinking, signature, data, id, call_id, name, tool, title, context;
    struct gw_str input, content, source, failed, cache, citations; /* values */
    struct gw_str raw;
};

#define BLOCK_RAW(name, member) {name, offsetof(struct block, member), true}
#define BLOCK_VALUE(name, member) {name, offsetof(struct block, member), false}

static const struct mean_field block_members[] = {
    BLOCK_RAW("type", type),
    BLOCK_RAW("text", text),
    BLOCK_RAW("thinking", thinking),
    BLOCK_RAW("signature", signature),
    BLOCK_RAW("data", data),
    BLOCK_RAW("id", id),
    BLOCK_RAW("tool_use_id", call_id),
    BLOCK_RAW("name", name),
    BLOCK_RAW("tool_name", tool),
    BLOCK_RAW("title", title),
    BLOCK_RAW("context", context),
    BLOCK_VALUE("input", input),
    BLOCK_VALUE("content", content),
    BLOCK_VALUE("source", source),
    BLOCK_VALUE("is_error", failed),
    BLOCK_VALUE("cache_control", cache),
    BLOCK_VALUE("citations", citations),
};

/* Where a block goes: into a turn, or into a tool's result. */
struct place {
    struct mean_turn *turn;
    struct mean_part *result; /* NULL: into the turn */
};

static struct mean_part *add(struct mean *m, const struct place *at, enum mean_kind kind) {
    return at->result != NULL ? mean_add_inner(m, at->result, kind)
                              : mean_add_part(m, at->turn, kind);
}

struct source {
    struct gw_str type, media, data, url, file, content;
};

static const struct mean_field source_members[] = {
    {"type", offsetof(struct source, type), true},
    {"media_type", offsetof(struct source, media), true},
    {"data", offsetof(struct source, data), true},
    {"url", offsetof(struct source, url), true},
    {"file_id", offsetof(struct source, file), true},
    {"content", offsetof(struct source, content), false},
};

/* Where an image or a document comes from. The kind of its source is told by what it has, but that of plain text,
 * which stands where base64 would. */
static void read_source(struct mean *m, struct mean_part *p, struct gw_str value) {
    struct source s = {.type = GW_STR("")};
    struct gw_walk w = mean_walk(value);
    MEAN_READ(&w, source_members, &s);
    bool text = is(s.type, "text");
    p->text = text ? s.data : mean_joined(m, s.content);
    if (!text && s.data.n > 0) {
        p->data = s.data;
        p->media = s.media;
    } else if (!text && p->text.n == 0) {
        p->url = s.url;
        p->file = s.file;
    }
    bool image = p->kind == MEAN_IMAGE;
    if (p->file.n > 0)
        mean_use(m, FEATURE_FILE_ID);
    else if (p->data.n > 0 && !image)
        mean_use_file(m, p);
    else if (p->data.n > 0)
        mean_use(m, FEATURE_IMAGE);
    else if (p->url.n > 0)
        mean_use(m, image ? FEATURE_IMAGE_URL : FEATURE_FILE_URL);
    else if (p->text.n == 0)
        mean_wrong(m, "an image or a document has no source that is known");
}

/* A wish that answers quote the document. In what a model has said it is a list, and no wish. */
static void note_citations(struct mean *m, struct gw_str value) {
    static const struct mean_field members[] = {{"enabled", 0, false}};
    struct gw_str enabled = GW_STR("");
    struct gw_walk w = mean_walk(value);
    MEAN_READ(&w, members, &enabled);
    if (!mean_is_true(enabled))
        return;
    mean_use(m, FEATURE_UNKNOWN);
    if (m->unknown.n == 0)
        m->unknown = GW_STR("citations");
}

/* What is told of a document beside it has no other place than a text behind it. In a result only texts are sure
 * to reach a model. */
static void read_document(struct mean *m, const struct place *at, const struct block *b,
                          struct mean_part *p) {
    p->kind = MEAN_FILE;
    p->name = b->title;
    read_source(m, p, b->source);
    if (at->result != NULL && p->text.n > 0)
        p->kind = MEAN_TEXT;
    if (b->context.n > 0)
        add(m, at, MEAN_TEXT)->text = b->context;
}

/* What a search has found, as a text: title, source, and what stands there. */
static void read_found(struct mean *m, const struct block *b, struct mean_part *p) {
    struct gw_walk w = mean_walk(b->source);
    struct gw_buf buf;
    gw_buf_init(&buf, m->arena, b->title.n + b->source.n + b->content.n + 4);
    mean_put_line(&buf, b->title);
    mean_put_line(&buf, mean_raw(&w));
    mean_put_lines(&buf, b->content);
    p->kind = MEAN_TEXT;
    p->text = mean_made(m, &buf);
}

/* A tool that a search of the client's has found: where tools are all shown from the start, it is but a word. */
static void read_reference(struct mean *m, const struct block *b, struct mean_part *p) {
    static const struct gw_str found = GW_STR_INIT("Found the tool ");
    struct gw_buf buf;
    gw_buf_init(&buf, m->arena, found.n + b->tool.n);
    gw_buf_put(&buf, found);
    gw_buf_put(&buf, b->tool);
    p->kind = MEAN_TEXT;
    p->text = mean_made(m, &buf);
}

static void read_call(const struct block *b, struct mean_part *p) {
    p->kind = MEAN_CALL;
    p->id = b->id;
    p->name = b->name;
    p->args = b->input;
}

static void read_thought(struct mean *m, const struct block *b, struct mean_part *p) {
    p->hidden = is(b->type, "redacted_thinking");
    p->kind = MEAN_REASONING;
    p->text = b->thinking;
    p->signature = p->hidden ? b->data : b->signature;
    if (p->signature.n > 0)
        mean_use(m, FEATURE_SIGNATURE);
}

static void read_content_of(struct gw_str value, struct mean *m, const struct place *at);

static void read_result(struct mean *m, const struct block *b, struct mean_part *p) {
    p->kind = MEAN_RESULT;
    p->id = b->call_id;
    p->failed = mean_is_true(b->failed);
    if (p->failed)
        mean_use(m, FEATURE_RESULT_FAILED);
    read_content_of(b->content, m, &(struct place){.result = p});
}

static void settle_block(struct mean *m, const struct place *at, const struct block *b,
                         struct mean_part *p) {
    bool inner = at->result != NULL;
    if (is(b->type, "text")) {
        p->kind = MEAN_TEXT;
        p->text = b->text;
    } else if (is(b->type, "image")) {
        p->kind = MEAN_IMAGE;
        read_source(m, p, b->source);
    } else if (is(b->type, "document")) {
        read_document(m, at, b, p);
    } else if (is(b->type, "search_result")) {
        read_found(m, b, p);
    } else if (is(b->type, "tool_reference")) {
        read_reference(m, b, p);
    } else if (is(b->type, "tool_use") && !inner) {
        read_call(b, p);
    } else if (is(b->type, "tool_result") && !inner) {
        read_result(m, b, p);
    } else if ((is(b->type, "thinking") || is(b->type, "redacted_thinking")) && !inner) {
        read_thought(m, b, p);
    } else {
        mean_use(m, FEATURE_OTHER);
    }
}

static struct block read_block(struct gw_walk *w) {
    struct block b = {.type = GW_STR("")};
    const char *from = w->p;
    MEAN_READ(w, block_members, &b);
    b.raw = gw_str(from, (size_t)(w->p - from));
    return b;
}

static void add_block(struct mean *m, const struct place *at, const struct block *b) {
    struct mean_part *p = add(m, at, MEAN_OTHER);
    p->raw = b->raw;
    p->cache = b->cache;
    settle_block(m, at, b, p);
    note_citations(m, b->citations);
    if (p->cache.n > 0)
        mean_use(m, FEATURE_CACHE);
    if (at->result != NULL && p->kind != MEAN_TEXT)
        mean_use(m, FEATURE_RESULT_IMAGE);
}

/* Claude Code begins its system with a line that differs from session to session: with it no cache would ever hit. */
static bool is_billing(const struct place *at, const struct block *b) {
    return at->result == NULL && at->turn->role == MEAN_SYSTEM &&
           gw_str_starts(b->text, GW_STR("x-anthropic-billing-header"));
}

/* A string, or blocks. */
static void read_content(struct gw_walk *w, struct mean *m, const struct place *at) {
    if (gw_walk_kind(w) == '"') {
        add(m, at, MEAN_TEXT)->text = mean_raw(w);
        return;
    }
    if (!gw_walk_enter(w, '['))
        return;
    while (gw_walk_item(w)) {
        struct block b = read_block(w);
        if (!is_billing(at, &b))
            add_block(m, at, &b);
    }
}

static void read_content_of(struct gw_str value, struct mean *m, const struct place *at) {
    struct gw_walk w = mean_walk(value);
    if (value.n > 0)
        read_content(&w, m, at);
}

/* ------------------------------------------------------------------ messages */

static enum mean_role role_of(struct mean *m, struct gw_str word) {
    if (is(word, "system"))
        return MEAN_SYSTEM;
    if (is(word, "assistant"))
        return MEAN_ASSISTANT;
    if (!is(word, "user"))
        mean_wrong(m, "a message has no role that is known");
    return MEAN_USER;
}

static struct mean_turn *add_turn(struct mean *m, struct gw_str word, bool *begun) {
    enum mean_role role = role_of(m, word);
    if (role == MEAN_SYSTEM && *begun)
        mean_use(m, FEATURE_SYSTEM_LATER);
    *begun |= role != MEAN_SYSTEM;
    return mean_add_turn(m, role);
}

/* Its content is read as it comes, unless its role comes behind it. */
static void read_message(struct gw_walk *w, struct mean *m, bool *begun, struct gw_str *config) {
    struct gw_str name, content = GW_STR("");
    struct mean_turn *t = NULL;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "role"))
            t = add_turn(m, mean_raw(w), begun);
        else if (is(name, "content") && t != NULL)
            read_content(w, m, &(struct place){.turn = t});
        else if (is(name, "content"))
            content = mean_value(w);
        else if (is(name, "output_config"))
            *config = mean_value(w);
        else
            gw_walk_skip(w);
    }
    if (t == NULL)
        t = add_turn(m, GW_STR(""), begun);
    read_content_of(content, m, &(struct place){.turn = t});
}

/* What is wanted of one answer stands in the message that it answers: the last one. */
static void read_messages(struct gw_walk *w, struct mean *m, struct gw_str *config) {
    bool begun = false;
    if (!gw_walk_enter(w, '[')) {
        mean_wrong(m, "\"messages\" is no list");
        return;
    }
    while (gw_walk_item(w)) {
        *config = GW_STR("");
        read_message(w, m, &begun, config);
    }
    if (m->turns == NULL)
        mean_wrong(m, "there are no messages");
}

/* It comes first, wherever it stands. */
static void read_system(struct gw_str value, struct mean *m) {
    struct mean_turn *last = m->last;
    if (value.n == 0)
        return;
    read_content_of(value, m, &(struct place){.turn = mean_add_turn(m, MEAN_SYSTEM)});
    mean_lead(m, last);
}

/* ------------------------------------------------------------------ tools */

struct tool {
    struct gw_str type, name, description, schema, strict, deferred, cache;
};

static const struct mean_field tool_members[] = {
    {"type", offsetof(struct tool, type), true},
    {"name", offsetof(struct tool, name), true},
    {"description", offsetof(struct tool, description), true},
    {"input_schema", offsetof(struct tool, schema), false},
    {"strict", offsetof(struct tool, strict), false},
    {"defer_loading", offsetof(struct tool, deferred), false},
    {"cache_control", offsetof(struct tool, cache), false},
};

static void note_tool(struct mean *m, const struct mean_tool *t) {
    mean_use(m, t->kind == MEAN_FUNCTION ? FEATURE_TOOLS : FEATURE_SERVED);
    if (mean_is_true(t->strict))
        mean_use(m, FEATURE_STRICT);
    if (t->deferred)
        mean_use(m, FEATURE_DEFERRED);
    if (t->cache.n > 0)
        mean_use(m, FEATURE_CACHE);
}

/* A deferred tool without a schema holds a place for others, and cannot be called. */
static void add_tool(struct mean *m, const struct tool *said, struct gw_str raw) {
    bool own = said->type.n == 0 || is(said->type, "custom") || is(said->type, "function");
    bool deferred = mean_is_true(said->deferred);
    if (own && deferred && said->schema.n == 0)
        return;
    struct mean_tool *t = mean_add_tool(m, own ? MEAN_FUNCTION : MEAN_SERVED);
    t->name = said->name;
    t->description = said->description;
    t->schema = said->schema;
    t->strict = said->strict;
    t->cache = said->cache;
    t->deferred = deferred;
    t->raw = raw;
    note_tool(m, t);
}

static void read_tools(struct gw_walk *w, struct mean *m) {
    if (!gw_walk_enter(w, '['))
        return;
    while (gw_walk_item(w)) {
        struct tool said = {.type = GW_STR("")};
        const char *from = w->p;
        MEAN_READ(w, tool_members, &said);
        add_tool(m, &said, gw_str(from, (size_t)(w->p - from)));
    }
}

static void pick(struct mean *m, struct gw_str type) {
    m->pick = is(type, "none")   ? MEAN_PICK_NONE
              : is(type, "any")  ? MEAN_PICK_ANY
              : is(type, "tool") ? MEAN_PICK_ONE
              : is(type, "auto") ? MEAN_PICK_AUTO
                                 : MEAN_PICK_UNSAID;
    if (m->pick == MEAN_PICK_NONE)
        mean_use(m, FEATURE_PICK_NONE);
    if (m->pick == MEAN_PICK_ANY)
        mean_use(m, FEATURE_PICK_ANY);
    if (m->pick == MEAN_PICK_ONE)
        mean_use(m, FEATURE_PICK_ONE);
}

struct choice {
    struct gw_str type, name, single;
};

static const struct mean_field choice_members[] = {
    {"type", offsetof(struct choice, type), true},
    {"name", offsetof(struct choice, name), true},
    {"disable_parallel_tool_use", offsetof(struct choice, single), false},
};

static void read_pick(struct gw_walk *w, struct mean *m) {
    struct choice said = {.type = GW_STR("")};
    MEAN_READ(w, choice_members, &said);
    pick(m, said.type);
    m->pick_name = said.name;
    if (!mean_is_true(said.single))
        return;
    m->parallel = GW_STR("false");
    mean_use(m, FEATURE_PARALLEL);
}

/* ------------------------------------------------------------------ thinking, form, and the rest */

struct thinking {
    struct gw_str type, budget, display;
};

static const struct mean_field thinking_members[] = {
    {"type", offsetof(struct thinking, type), true},
    {"budget_tokens", offsetof(struct thinking, budget), false},
    {"display", offsetof(struct thinking, display), true},
};

/* "adaptive" and "between_tools" leave it to the model how much it thinks, within the effort. */
void anthropic_read_thinking(struct gw_str value, struct mean *m) {
    struct thinking said = {.type = GW_STR("")};
    struct gw_walk w = mean_walk(value);
    MEAN_READ(&w, thinking_members, &said);
    if (said.type.n == 0)
        return;
    if (is(said.type, "disabled")) {
        m->effort = MEAN_EFFORT_NONE;
        mean_use(m, FEATURE_EFFORT);
        return;
    }
    m->shows_thoughts = !is(said.display, "omitted");
    m->budget = is(said.type, "enabled") ? said.budget : GW_STR("");
    if (m->budget.n > 0)
        mean_use(m, FEATURE_BUDGET);
}

static void read_effort(struct gw_walk *w, struct mean *m) {
    m->effort = mean_effort_of(mean_raw(w));
    if (m->effort != MEAN_EFFORT_UNSAID)
        mean_use(m, FEATURE_EFFORT);
}

struct form {
    struct gw_str type, name, schema;
};

static const struct mean_field form_members[] = {
    {"type", offsetof(struct form, type), true},
    {"name", offsetof(struct form, name), true},
    {"schema", offsetof(struct form, schema), false},
};

/* Answers follow the schema to the letter: there is no word for less. */
static void read_form(struct gw_walk *w, struct mean *m) {
    struct form said = {.type = GW_STR("")};
    MEAN_READ(w, form_members, &said);
    if (!is(said.type, "json_schema") || said.schema.n == 0)
        return;
    m->form = MEAN_FORM_SCHEMA;
    m->form_name = said.name;
    m->form_schema = said.schema;
    m->form_strict = GW_STR("true");
    mean_use(m, FEATURE_SCHEMA);
}

void anthropic_read_config(struct gw_str value, struct mean *m) {
    struct gw_str name;
    struct gw_walk w = mean_walk(value);
    if (value.n == 0 || !gw_walk_enter(&w, '{'))
        return;
    while (gw_walk_member(&w, &name)) {
        if (is(name, "effort"))
            read_effort(&w, m);
        else if (is(name, "format"))
            read_form(&w, m);
        else
            mean_unknown(m, &w, name);
    }
}

static void read_metadata(struct gw_walk *w, struct mean *m) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "user_id"))
            m->user = mean_raw(w);
        else
            mean_unknown(m, w, name);
    }
    if (m->user.n > 0)
        mean_use(m, FEATURE_USER);
}

/* "auto" is what any server does that is not told. */
/* OpenAI's words are everybody's. */
static void read_tier(struct gw_walk *w, struct mean *m) {
    m->tier = mean_raw(w);
    if (is(m->tier, "standard_only"))
        m->tier = GW_STR("default");
    if (m->tier.n > 0 && !is(m->tier, "auto"))
        mean_use(m, FEATURE_TIER);
}

/* A member that cannot be left out without a word, whatever it says. */
static void read_binding(struct gw_walk *w, struct mean *m, enum feature feature) {
    if (mean_value(w).n > 0)
        mean_use(m, feature);
}

static const struct mean_member members[] = {
    MEAN_VALUE("max_tokens", max_tokens, MAX_TOKENS),
    MEAN_VALUE("temperature", temperature, TEMPERATURE),
    MEAN_VALUE("top_p", top_p, TOP_P),
    MEAN_VALUE("top_k", top_k, TOP_K),
    MEAN_VALUE("cache_control", cache, CACHE),
};

/* What is read once all of it is known. */
struct request {
    struct gw_str system, thinking, config;
    struct gw_str last; /* the configuration of the last message */
    bool talked;        /* there were messages */
};

static struct gw_str *later_of(struct request *r, struct gw_str name) {
    return is(name, "system")          ? &r->system
           : is(name, "thinking")      ? &r->thinking
           : is(name, "output_config") ? &r->config
                                       : NULL;
}

static void read_talk(struct gw_walk *w, struct mean *m, struct request *r) {
    if (r->talked)
        mean_wrong(m, "\"messages\" is there twice");
    r->talked = true;
    read_messages(w, m, &r->last);
}

static void read_member(struct gw_walk *w, struct gw_str name, struct mean *m) {
    if (is(name, "tools")) {
        read_tools(w, m);
    } else if (is(name, "tool_choice")) {
        read_pick(w, m);
    } else if (is(name, "stop_sequences")) {
        mean_read_stops(m, w);
    } else if (is(name, "output_format")) {
        read_form(w, m);
    } else if (is(name, "metadata")) {
        read_metadata(w, m);
    } else if (is(name, "service_tier")) {
        read_tier(w, m);
    } else if (is(name, "stream")) {
        m->stream_said = gw_walk_kind(w) == 't' || gw_walk_kind(w) == 'f';
        m->stream = mean_true(w);
    } else if (is(name, "thread")) {
        read_binding(w, m, FEATURE_PREVIOUS);
    } else if (is(name, "safeguards")) {
        read_binding(w, m, FEATURE_SAFEGUARDS);
    } else if (is(name, "model") || is(name, "betas")) {
        gw_walk_skip(w);
    } else if (!mean_take(m, w, name, members, sizeof members / sizeof *members)) {
        mean_unknown(m, w, name);
    }
}

static void read_request(struct gw_walk *w, struct mean *m) {
    struct gw_str name;
    struct request r = {.system = GW_STR("")};
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        struct gw_str *later = later_of(&r, name);
        if (later != NULL)
            *later = mean_value(w);
        else if (is(name, "messages"))
            read_talk(w, m, &r);
        else
            read_member(w, name, m);
    }
    m->wants_usage = true;
    anthropic_read_config(r.config, m);
    anthropic_read_config(r.last, m);
    read_system(r.system, m);
    if (!r.talked)
        mean_wrong(m, "\"messages\" is no list");
    anthropic_read_thinking(r.thinking, m);
}

/* ------------------------------------------------------------------ answers */

struct answer {
    struct gw_str id, model, why, stop, content, usage;
};

static const struct mean_field answer_members[] = {
    {"id", offsetof(struct answer, id), true},
    {"model", offsetof(struct answer, model), true},
    {"stop_reason", offsetof(struct answer, why), true},
    {"stop_sequence", offsetof(struct answer, stop), true},
    {"content", offsetof(struct answer, content), false},
    {"usage", offsetof(struct answer, usage), false},
};

static void read_answer(struct gw_walk *w, struct mean_answer *a) {
    struct answer said = {.id = GW_STR("")};
    MEAN_READ(w, answer_members, &said);
    a->id = said.id;
    a->model = said.model;
    struct mean_choice *c = mean_add_choice(a, 0);
    c->why = event_why_of(&dialect_anthropic, said.why);
    c->stop = said.stop;
    read_content_of(said.content, &a->mean, &(struct place){.turn = &c->turn});
    if (said.usage.n > 0)
        mean_read_usage(a, &dialect_anthropic, said.usage);
    if (said.content.n == 0)
        mean_wrong(&a->mean, "it has no content");
}

const struct speech speech_anthropic = {
    .id_line = GW_STR_INIT("request-id"),
    .path = GW_STR_INIT("/v1/messages"),
    .stream_path = GW_STR_INIT("/v1/messages"),
    .counts_at = GW_STR_INIT("/messages/count_tokens"),
    .count = GW_STR_INIT("{\"input_tokens\":"),
    .counted = GW_STR_INIT("input_tokens"),
    .count_path = GW_STR_INIT("/v1/messages/count_tokens"),
    .put_count = anthropic_put_count,
    .thinks_unseen = true,
    .says = BIT(SYSTEM_LATER) | BIT(IMAGE) | BIT(IMAGE_URL) | BIT(FILE) | BIT(FILE_URL) |
            BIT(TOOLS) | BIT(PICK_NONE) | BIT(PICK_ANY) | BIT(PICK_ONE) | BIT(PARALLEL) |
            BIT(STRICT) | BIT(CUSTOM) | BIT(RESULT_IMAGE) | BIT(RESULT_FAILED) | BIT(SCHEMA) |
            BIT(MAX_TOKENS) | BIT(TEMPERATURE) | BIT(TOP_P) | BIT(TOP_K) | BIT(STOP) | BIT(EFFORT) |
            BIT(BUDGET) | BIT(SIGNATURE) | BIT(CACHE) | BIT(USER),
    .names =
        {
            [FEATURE_SYSTEM_LATER] = "messages",
            [FEATURE_IMAGE] = "messages",
            [FEATURE_IMAGE_URL] = "messages",
            [FEATURE_FILE] = "messages",
            [FEATURE_FILE_OFFICE] = "messages",
            [FEATURE_FILE_OTHER] = "messages",
            [FEATURE_FILE_URL] = "messages",
            [FEATURE_FILE_ID] = "messages",
            [FEATURE_TOOLS] = "tools",
            [FEATURE_PICK_NONE] = "tool_choice",
            [FEATURE_PICK_ANY] = "tool_choice",
            [FEATURE_PICK_ONE] = "tool_choice",
            [FEATURE_PARALLEL] = "tool_choice",
            [FEATURE_STRICT] = "tools",
            [FEATURE_SERVED] = "tools",
            [FEATURE_DEFERRED] = "tools",
            [FEATURE_RESULT_IMAGE] = "messages",
            [FEATURE_RESULT_FAILED] = "messages",
            [FEATURE_SCHEMA] = "output_config",
            [FEATURE_MAX_TOKENS] = "max_tokens",
            [FEATURE_TEMPERATURE] = "temperature",
            [FEATURE_TOP_P] = "top_p",
            [FEATURE_TOP_K] = "top_k",
            [FEATURE_STOP] = "stop_sequences",
            [FEATURE_EFFORT] = "output_config",
            [FEATURE_BUDGET] = "thinking",
            [FEATURE_SIGNATURE] = "messages",
            [FEATURE_CACHE] = "cache_control",
            [FEATURE_TIER] = "service_tier",
            [FEATURE_USER] = "metadata",
            [FEATURE_PREVIOUS] = "thread",
            [FEATURE_SAFEGUARDS] = "safeguards",
            [FEATURE_OTHER] = "messages",
        },
    .read_request = read_request,
    .put_request = anthropic_put_request,
    .read_answer = read_answer,
    .put_answer = anthropic_say_answer,
    .begin = anthropic_say_begin,
    .step = anthropic_say_step,
    .end = anthropic_say_end,
};
