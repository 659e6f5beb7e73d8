/*
 * OpenAI's Responses, translated: items, parts and tools as they are read. What is particular to it:
 *
 *     input        a string, or items. What is an assistant's (messages, reasoning, calls) and stands in a row is one
 *                  turn, and so are results of tools
 *     name spaces  tools stand in them, and may be of the same name in two; calls say which. See responses_name.c
 *     tools        stand in "tools", in items of the input ("additional_tools"), and in what the client's own search
 *                  for tools has found: all of them can be called. That search is a function like another to others
 *     compaction   is asked for by an item of the input; what it was answered with comes back as another. To others it
 *                  is a summary that they are asked for and told
 */
#include "format/responses_speech.h"

static bool is(struct gw_str name, const char *literal) {
    return gw_str_eq(name, gw_str(literal, strlen(literal)));
}

struct gw_str responses_items_inside(struct gw_str value) {
    bool string = value.n >= 2 && value.p[0] == '"';
    return string ? gw_str_sub(value, 1, value.n - 2) : GW_STR("");
}

/* ------------------------------------------------------------------ parts */

/* A part's members, before it is known what it is. */
static void read_audio(struct gw_walk *w, struct mean *m, struct mean_part *p) {
    struct gw_str name;
    struct gw_buf media;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "data")) {
            p->data = mean_raw(w);
        } else if (is(name, "format")) {
            struct gw_str format = mean_raw(w);
            gw_buf_init(&media, m->arena, format.n + 6);
            gw_buf_put(&media, GW_STR("audio/"));
            gw_buf_put(&media, format);
            p->media = gw_buf_str(&media);
        } else {
            gw_walk_skip(w);
        }
    }
}

/* Chat's form of it is taken, too: {"url": "..."}. */
static void read_image_url(struct gw_walk *w, struct mean_part *p) {
    struct gw_str name;
    if (gw_walk_kind(w) == '"') {
        mean_set_url(p, mean_raw(w));
        return;
    }
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "url"))
            mean_set_url(p, mean_raw(w));
        else
            gw_walk_skip(w);
    }
}

/* "file_data" is base64, with or without what a data URL says before it. */
static void set_file(struct mean_part *p, struct gw_str raw) {
    mean_set_url(p, raw);
    if (p->data.n > 0 || raw.n == 0)
        return;
    p->url = GW_STR("");
    p->data = raw;
    p->media = GW_STR("application/pdf");
}

static void read_part_member(struct gw_walk *w, struct gw_str name, struct mean *m,
                             struct mean_part *p) {
    if (is(name, "text") || is(name, "refusal"))
        p->text = mean_raw(w);
    else if (is(name, "image_url"))
        read_image_url(w, p);
    else if (is(name, "input_audio"))
        read_audio(w, m, p);
    else if (is(name, "file_data"))
        set_file(p, mean_raw(w));
    else if (is(name, "file_url"))
        p->url = mean_raw(w);
    else if (is(name, "file_id"))
        p->file = mean_raw(w);
    else if (is(name, "filename"))
        p->name = mean_raw(w);
    else if (is(name, "detail"))
        p->detail = mean_raw(w);
    else if (is(name, "prompt_cache_breakpoint"))
        p->cache = mean_value(w);
    else
        gw_walk_skip(w);
}

static enum mean_kind kind_of(struct gw_str type) {
    if (is(type, "input_text") || is(type, "output_text") || is(type, "text") ||
        is(type, "summary_text") || is(type, "reasoning_text"))
        return MEAN_TEXT;
    if (is(type, "input_image") || is(type, "computer_screenshot"))
        return MEAN_IMAGE;
    return is(type, "refusal")       ? MEAN_REFUSAL
           : is(type, "input_file")  ? MEAN_FILE
           : is(type, "input_audio") ? MEAN_AUDIO
                                     : MEAN_OTHER;
}

static void use_part(struct mean *m, const struct mean_part *p) {
    bool image = p->kind == MEAN_IMAGE;
    if (p->kind == MEAN_OTHER)
        mean_use(m, FEATURE_OTHER);
    else if (p->kind == MEAN_AUDIO)
        mean_use(m, FEATURE_AUDIO);
    else if (p->file.n > 0)
        mean_use(m, FEATURE_FILE_ID);
    else if (image || p->kind == MEAN_FILE)
        mean_use(m, p->data.n > 0 ? (image ? FEATURE_IMAGE : FEATURE_FILE)
                    : image       ? FEATURE_IMAGE_URL
                                  : FEATURE_FILE_URL);
    if (p->cache.n > 0)
        mean_use(m, FEATURE_CACHE);
}

static void read_part(struct gw_walk *w, struct mean *m, struct mean_part *p) {
    struct gw_str name, type = GW_STR("");
    const char *from = w->p;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "type"))
            type = mean_raw(w);
        else
            read_part_member(w, name, m, p);
    }
    p->raw = gw_str(from, (size_t)(w->p - from));
    p->kind = kind_of(type);
    use_part(m, p);
}

static struct mean_part *add_part(struct mean *m, struct mean_turn *t, struct mean_part *result,
                                  enum mean_kind kind) {
    return result != NULL ? mean_add_inner(m, result, kind) : mean_add_part(m, t, kind);
}

static void read_content(struct gw_str value, struct mean *m, struct mean_turn *t,
                         struct mean_part *result) {
    struct gw_walk w;
    gw_walk_init(&w, value);
    if (value.n > 0 && value.p[0] == '"')
        add_part(m, t, result, MEAN_TEXT)->text = responses_items_inside(value);
    if (value.n == 0 || value.p[0] != '[')
        return;
    gw_walk_enter(&w, '[');
    while (gw_walk_item(&w)) {
        struct mean_part *p = add_part(m, t, result, MEAN_OTHER);
        read_part(&w, m, p);
        if (result != NULL && p->kind != MEAN_TEXT)
            mean_use(m, FEATURE_RESULT_IMAGE);
    }
}

/* ------------------------------------------------------------------ items */

static const struct {
    const char *name;
    size_t at; /* of the struct gw_str in struct responses_item */
    bool raw;
} item_members[] = {
    {"type", offsetof(struct responses_item, type), true},
    {"role", offsetof(struct responses_item, role), true},
    {"call_id", offsetof(struct responses_item, call_id), true},
    {"name", offsetof(struct responses_item, name), true},
    {"namespace", offsetof(struct responses_item, space), true},
    {"encrypted_content", offsetof(struct responses_item, signature), true},
    {"result", offsetof(struct responses_item, result), true},
    {"content", offsetof(struct responses_item, content), false},
    {"summary", offsetof(struct responses_item, summary), false},
    {"arguments", offsetof(struct responses_item, arguments), false},
    {"input", offsetof(struct responses_item, arguments), false},
    {"output", offsetof(struct responses_item, output), false},
    {"tools", offsetof(struct responses_item, tools), false},
};

void responses_items_read(struct gw_walk *w, struct responses_item *item) {
    enum { MEMBERS = sizeof item_members / sizeof *item_members };
    struct gw_str name;
    const char *from = w->p;
    *item = (struct responses_item){.type = GW_STR("")};
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        size_t i = 0;
        while (i < MEMBERS && !is(name, item_members[i].name))
            i++;
        struct gw_str said = i < MEMBERS && item_members[i].raw ? mean_raw(w) : mean_value(w);
        if (i < MEMBERS)
            memcpy((char *)item + item_members[i].at, &said, sizeof said);
    }
    item->raw = gw_str(from, (size_t)(w->p - from));
    if (item->type.n == 0)
        item->type = GW_STR("message");
}

/* The texts of a list of parts as one, a blank line between them; `n` counts them. */
static struct gw_str texts_of(struct gw_str list, struct mean *m, uint32_t *n) {
    struct mean_turn parts = {.role = MEAN_ASSISTANT};
    struct gw_buf b;
    read_content(list, m, &parts, NULL);
    gw_buf_init(&b, m->arena, list.n + 4 * (size_t)*n);
    for (const struct mean_part *p = parts.parts; p != NULL; p = p->next) {
        if (p->next == NULL && p == parts.parts) {
            ++*n;
            return p->text;
        }
        gw_buf_put(&b, *n > 0 && b.n > 0 ? GW_STR("\\n\\n") : GW_STR(""));
        gw_buf_put(&b, p->text);
        ++*n;
    }
    return gw_buf_str(&b);
}

/* What was thought: the summary of it, or itself where that is shown. */
static void read_thought(const struct responses_item *item, struct mean *m, struct mean_turn *t) {
    struct mean_part *p = mean_add_part(m, t, MEAN_REASONING);
    uint32_t n = 0;
    p->signature = item->signature;
    p->text = texts_of(item->summary, m, &n);
    if (p->text.n == 0)
        p->text = texts_of(item->content, m, &n);
    p->hidden = n == 0;
    if (p->signature.n > 0)
        mean_use(m, FEATURE_SIGNATURE);
}

static void read_call(const struct responses_item *item, struct mean *m, struct mean_turn *t) {
    struct mean_part *p = mean_add_part(m, t, MEAN_CALL);
    bool text = item->arguments.n > 0 && item->arguments.p[0] == '"';
    p->id = item->call_id;
    p->space = item->space;
    p->bare = item->name;
    p->name = responses_name_flat(m->arena, item->space, item->name);
    p->args_is_text = text;
    p->args = text ? responses_items_inside(item->arguments) : item->arguments;
    p->custom = is(item->type, "custom_tool_call");
    if (text && !p->custom && p->args.n == 0)
        p->args = GW_STR("{}");
    if (is(item->type, "tool_search_call"))
        p->name = GW_STR("tool_search");
    if (p->custom)
        mean_use(m, FEATURE_CUSTOM);
}

static bool is_call(const struct responses_item *item) {
    return is(item->type, "function_call") || is(item->type, "custom_tool_call") ||
           (is(item->type, "tool_search_call") && item->call_id.n > 0);
}

bool responses_items_are_said(const struct responses_item *item) {
    return is(item->type, "reasoning") || is_call(item) ||
           (is(item->type, "message") && is(item->role, "assistant"));
}

void responses_items_said(const struct responses_item *item, struct mean *m, struct mean_turn *t) {
    if (is(item->type, "reasoning"))
        read_thought(item, m, t);
    else if (is_call(item))
        read_call(item, m, t);
    else
        read_content(item->content, m, t, NULL);
}

/* ------------------------------------------------------------------ tools */

struct tool_space {
    struct gw_str name, about;
};

static void read_tools(struct gw_walk *w, struct mean *m, const struct tool_space *space);

static const struct {
    const char *name;
    size_t at; /* of the struct gw_str in struct mean_tool */
    bool raw;
} tool_members[] = {
    {"name", offsetof(struct mean_tool, bare), true},
    {"description", offsetof(struct mean_tool, description), true},
    {"parameters", offsetof(struct mean_tool, schema), false},
    {"strict", offsetof(struct mean_tool, strict), false},
    {"format", offsetof(struct mean_tool, format), false},
};

static void read_tool_member(struct gw_walk *w, struct gw_str name, struct mean_tool *t) {
    enum { MEMBERS = sizeof tool_members / sizeof *tool_members };
    size_t i = 0;
    while (i < MEMBERS && !is(name, tool_members[i].name))
        i++;
    struct gw_str said = i < MEMBERS && tool_members[i].raw ? mean_raw(w) : mean_value(w);
    if (i < MEMBERS)
        memcpy((char *)t + tool_members[i].at, &said, sizeof said);
}

static void use_tool(struct mean *m, const struct mean_tool *t) {
    mean_use(m, t->kind == MEAN_FUNCTION ? FEATURE_TOOLS
                : t->kind == MEAN_CUSTOM ? FEATURE_CUSTOM
                                         : FEATURE_SERVED);
    if (mean_is_true(t->strict))
        mean_use(m, FEATURE_STRICT);
}

/* A tool that a search has found may have been there already. */
static void add_tool(struct mean *m, struct mean_tool *t, const struct tool_space *space) {
    if (t->kind != MEAN_SERVED) {
        t->space = space->name;
        t->space_about = space->about;
        t->name = responses_name_flat(m->arena, space->name, t->bare);
        if (t->name.n == 0 || mean_tool(m, t->name) != NULL)
            return;
    }
    struct mean_tool *to = mean_add_tool(m, t->kind);
    t->next = to->next;
    *to = *t;
    use_tool(m, t);
}

/* The tools of a name space; they may stand before its name. */
static void read_space(struct gw_str raw, struct mean *m, const struct mean_tool *as) {
    struct tool_space space = {.name = as->bare, .about = as->description};
    struct gw_walk w;
    struct gw_str name;
    gw_walk_init(&w, raw);
    gw_walk_enter(&w, '{');
    while (gw_walk_member(&w, &name)) {
        if (is(name, "tools"))
            read_tools(&w, m, &space);
        else
            gw_walk_skip(&w);
    }
}

static void read_tool(struct gw_walk *w, struct mean *m, const struct tool_space *space) {
    struct mean_tool t = {.kind = MEAN_SERVED};
    struct gw_str name, type = GW_STR(""), execution = GW_STR("");
    const char *from = w->p;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "type"))
            type = mean_raw(w);
        else if (is(name, "execution"))
            execution = mean_raw(w);
        else
            read_tool_member(w, name, &t);
    }
    t.raw = gw_str(from, (size_t)(w->p - from));
    if (is(type, "namespace") && space->name.n == 0) {
        read_space(t.raw, m, &t);
        return;
    }
    t.searches = is(type, "tool_search") && is(execution, "client");
    if (t.searches)
        t.bare = GW_STR("tool_search");
    if (t.searches || is(type, "function"))
        t.kind = MEAN_FUNCTION;
    else if (is(type, "custom"))
        t.kind = MEAN_CUSTOM;
    add_tool(m, &t, space);
}

static void read_tools(struct gw_walk *w, struct mean *m, const struct tool_space *space) {
    if (!gw_walk_enter(w, '['))
        return;
    while (gw_walk_item(w))
        read_tool(w, m, space);
}

void responses_items_tools(struct gw_str value, struct mean *m) {
    struct tool_space none = {.name = GW_STR("")};
    struct gw_walk w;
    gw_walk_init(&w, value);
    if (value.n > 0)
        read_tools(&w, m, &none);
}

/* ------------------------------------------------------------------ the input */

static struct mean_turn *turn_of(struct mean *m, enum mean_role role) {
    bool same = m->last != NULL && m->last->role == role;
    return same ? m->last : mean_add_turn(m, role);
}

/* Results of tools in a row are one turn. */
static struct mean_turn *turn_of_results(struct mean *m) {
    struct mean_turn *t = m->last;
    bool same =
        t != NULL && t->role == MEAN_USER && t->last != NULL && t->last->kind == MEAN_RESULT;
    return same ? t : mean_add_turn(m, MEAN_USER);
}

static struct mean_part *add_result(const struct responses_item *item, struct mean *m) {
    struct mean_part *p = mean_add_part(m, turn_of_results(m), MEAN_RESULT);
    p->id = item->call_id;
    p->raw = item->tools;
    return p;
}

/* What a search has found, by the names that it can be called by. */
static void read_found(const struct responses_item *item, struct mean *m) {
    struct mean_part *result = add_result(item, m);
    const struct mean_tool *last = m->tools_last;
    struct gw_buf b;
    responses_items_tools(item->tools, m);
    const struct mean_tool *t = last != NULL ? last->next : m->tools;
    gw_buf_init(&b, m->arena, item->tools.n + 128);
    gw_buf_put(&b, t != NULL ? GW_STR("These tools can be called from now on:")
                             : GW_STR("No more tools were found."));
    for (; t != NULL; t = t->next) {
        gw_buf_putc(&b, ' ');
        gw_buf_put(&b, t->name);
    }
    mean_add_inner(m, result, MEAN_TEXT)->text = gw_buf_str(&b);
}

static void read_message(const struct responses_item *item, struct mean *m) {
    bool system = is(item->role, "system") || is(item->role, "developer");
    if (!system && !is(item->role, "user")) {
        mean_wrong(m, "a message has no role that is known");
        return;
    }
    if (system && m->last != NULL && m->last->role != MEAN_SYSTEM)
        mean_use(m, FEATURE_SYSTEM_LATER);
    struct mean_turn *t = mean_add_turn(m, system ? MEAN_SYSTEM : MEAN_USER);
    read_content(item->content, m, t, NULL);
}

/* What a provider's own tools have done; what came of it has been said in words. */
static bool is_served(struct gw_str type) {
    static const char *const types[] = {
        "web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call",
        "mcp_call",        "mcp_list_tools",   "tool_search_call",      "tool_search_output"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (is(type, types[i]))
            return true;
    return false;
}

/* An item that its provider keeps, or that it alone understands. */
static void read_strange(const struct responses_item *item, struct mean *m) {
    if (is(item->type, "tool_search_output"))
        responses_items_tools(item->tools, m);
    mean_use(m, is(item->type, "item_reference") ? FEATURE_KEPT
                : is_served(item->type)          ? FEATURE_SERVED
                                                 : FEATURE_OTHER);
}

static const struct gw_str summarize =
    GW_STR_INIT("Write a summary of this whole conversation, for yourself: it will be all that you "
                "know of it. Keep what was "
                "asked, what has been decided and done, where things are, what has been found out, "
                "and what is to be done next. "
                "Answer with the summary alone.");

/* An earlier summary: one that another server made is of no use to others. */
static void read_compaction(const struct responses_item *item, struct mean *m) {
    struct gw_buf b;
    if (!gw_str_starts(item->signature, responses_compact)) {
        read_strange(item, m);
        return;
    }
    gw_buf_init(&b, m->arena, item->signature.n + 64);
    gw_buf_put(&b, GW_STR("A summary of the conversation until here:\\n\\n"));
    gw_buf_put(&b, gw_str_sub(item->signature, responses_compact.n, item->signature.n));
    mean_add_part(m, mean_add_turn(m, MEAN_USER), MEAN_TEXT)->text = gw_buf_str(&b);
}

void responses_items_compact(struct mean *m) {
    m->compacts = true;
    mean_add_part(m, mean_add_turn(m, MEAN_USER), MEAN_TEXT)->text = summarize;
}

static void read_input_item(struct gw_walk *w, struct mean *m) {
    struct responses_item item;
    responses_items_read(w, &item);
    struct gw_str type = item.type;
    if (responses_items_are_said(&item))
        responses_items_said(&item, m, turn_of(m, MEAN_ASSISTANT));
    else if (is(type, "message"))
        read_message(&item, m);
    else if (is(type, "function_call_output") || is(type, "custom_tool_call_output"))
        read_content(item.output, m, NULL, add_result(&item, m));
    else if (is(type, "tool_search_output") && item.call_id.n > 0)
        read_found(&item, m);
    else if (is(type, "compaction") || is(type, "compaction_summary"))
        read_compaction(&item, m);
    else if (is(type, "compaction_trigger"))
        responses_items_compact(m);
    else if (is(type, "additional_tools"))
        responses_items_tools(item.tools, m);
    else
        read_strange(&item, m);
}

void responses_items_input(struct gw_walk *w, struct mean *m) {
    char kind = gw_walk_kind(w);
    if (kind == '"') {
        struct gw_str text = mean_raw(w);
        mean_add_part(m, mean_add_turn(m, MEAN_USER), MEAN_TEXT)->text = text;
        return;
    }
    if (!gw_walk_enter(w, '[')) {
        mean_wrong(m, "\"input\" is neither a string nor a list");
        return;
    }
    while (gw_walk_item(w))
        read_input_item(w, m);
}
