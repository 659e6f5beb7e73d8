#include "format/meaning.h"

#include "base/base64.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "format/speech.h"

static bool is(struct gw_str name, const char *literal) {
    return gw_str_eq(name, gw_str(literal, strlen(literal)));
}

/* ------------------------------------------------------------------ building */

/* Space for one more; NULL if there is none. */
static void *get(struct mean *m, size_t n) {
    void *p = gw_arena_get(m->arena, n);
    m->full |= p == NULL;
    return p;
}

struct mean_turn *mean_add_turn(struct mean *m, enum mean_role role) {
    struct mean_turn *t = get(m, sizeof *t);
    if (t == NULL) {
        m->spare_turn = (struct mean_turn){.role = role};
        return &m->spare_turn;
    }
    t->role = role;
    if (m->last != NULL)
        m->last->next = t;
    else
        m->turns = t;
    m->last = t;
    return t;
}

void mean_lead(struct mean *m, struct mean_turn *last) {
    if (last == NULL || last->next == NULL)
        return;
    struct mean_turn *first = last->next;
    m->last->next = m->turns;
    m->turns = first;
    m->last = last;
    last->next = NULL;
}

/* Space for one more part, of which there may be MEAN_PARTS. */
static struct mean_part *get_part(struct mean *m) {
    m->full |= m->parts_n == MEAN_PARTS;
    if (m->parts_n == MEAN_PARTS)
        return NULL;
    m->parts_n++;
    return get(m, sizeof(struct mean_part));
}

static struct mean_part *spare_part(struct mean *m, enum mean_kind kind) {
    m->spare = (struct mean_part){.kind = kind};
    return &m->spare;
}

struct mean_part *mean_add_part(struct mean *m, struct mean_turn *t, enum mean_kind kind) {
    struct mean_part *p = get_part(m);
    if (p == NULL)
        return spare_part(m, kind);
    p->kind = kind;
    if (t->last != NULL)
        t->last->next = p;
    else
        t->parts = p;
    t->last = p;
    return p;
}

struct mean_part *mean_add_inner(struct mean *m, struct mean_part *result, enum mean_kind kind) {
    struct mean_part *p = get_part(m), *last = result->parts_last;
    if (p == NULL)
        return spare_part(m, kind);
    p->kind = kind;
    if (last != NULL)
        last->next = p;
    else
        result->parts = p;
    result->parts_last = p;
    return p;
}

struct mean_tool *mean_add_tool(struct mean *m, enum mean_tool_kind kind) {
    struct mean_tool *t = get(m, sizeof *t);
    if (t == NULL) {
        m->spare_tool = (struct mean_tool){.kind = kind};
        return &m->spare_tool;
    }
    t->kind = kind;
    if (m->tools_last != NULL)
        m->tools_last->next = t;
    else
        m->tools = t;
    m->tools_last = t;
    return t;
}

struct mean_choice *mean_add_choice(struct mean_answer *a, uint32_t index) {
    struct mean_choice *c = get(&a->mean, sizeof *c);
    if (c == NULL) {
        a->spare = (struct mean_choice){.index = index};
        return &a->spare;
    }
    c->index = index;
    c->turn.role = MEAN_ASSISTANT;
    if (a->last != NULL)
        a->last->next = c;
    else
        a->choices = c;
    a->last = c;
    return c;
}

void mean_add_item(struct mean *m, struct mean_list *list, struct gw_str said, uint64_t at) {
    struct mean_item **p = &list->first;
    struct mean_item *item = list->n < MEAN_TEXTS ? get(m, sizeof *item) : NULL;
    if (list->n == MEAN_TEXTS)
        mean_wrong(m, "there are more than 2048 texts");
    if (item == NULL)
        return;
    if (list->last != NULL && list->last->at <= at)
        p = &list->last->next;
    while (*p != NULL && (*p)->at <= at)
        p = &(*p)->next;
    *item = (struct mean_item){.next = *p, .said = said, .at = at};
    *p = item;
    if (item->next == NULL)
        list->last = item;
    list->n++;
}

void mean_wrong(struct mean *m, const char *wrong) {
    if (!m->bad)
        m->wrong = wrong;
    m->bad = true;
}

/* ------------------------------------------------------------------ reading values */

struct gw_str mean_raw(struct gw_walk *w) {
    struct gw_str raw = GW_STR("");
    gw_walk_string(w, &raw);
    return raw;
}

struct gw_str mean_value(struct gw_walk *w) {
    return event_value(w);
}

struct gw_str mean_member_of(struct gw_str object, struct gw_str member) {
    struct gw_walk w = mean_walk(object);
    struct gw_str name, found = GW_STR("");
    if (object.n == 0 || !gw_walk_enter(&w, '{'))
        return found;
    while (gw_walk_member(&w, &name)) {
        struct gw_str value = mean_value(&w);
        if (gw_str_eq(name, member))
            found = value;
    }
    return gw_walk_end(&w) ? found : GW_STR("");
}

bool mean_true(struct gw_walk *w) {
    bool yes = gw_walk_kind(w) == 't';
    gw_walk_skip(w);
    return yes;
}

uint64_t mean_number(struct gw_walk *w) {
    return mean_u64(mean_value(w));
}

static void read_error_member(struct gw_walk *w, struct gw_str name, struct mean_error *e) {
    bool text = gw_walk_kind(w) == '"';
    if (is(name, "error") && !text)
        mean_read_error(w, e);
    else if (text && (is(name, "message") || is(name, "Message") || is(name, "error")))
        e->message = mean_raw(w);
    else if (text && (is(name, "code") || (is(name, "status") && e->code.n == 0)))
        e->code = mean_raw(w);
    else
        gw_walk_skip(w);
}

/* Google wraps it in a list where a stream was asked for. */
void mean_read_error(struct gw_walk *w, struct mean_error *e) {
    struct gw_str name;
    bool list = gw_walk_kind(w) == '[' && gw_walk_enter(w, '[');
    if (list && !gw_walk_item(w))
        return;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name))
        read_error_member(w, name, e);
}

struct gw_str mean_torn_error(struct gw_str body, size_t most) {
    static const struct gw_str name = GW_STR_INIT("\"message\"");
    ptrdiff_t at = gw_str_find(body, name);
    struct gw_str rest = gw_str_sub(body, at < 0 ? body.n : (size_t)at + name.n, body.n);
    while (rest.n > 0 && (rest.p[0] == ' ' || rest.p[0] == ':' || rest.p[0] == '\n'))
        rest = gw_str_sub(rest, 1, rest.n);
    if (rest.n == 0 || rest.p[0] != '"')
        return GW_STR("");
    size_t n = 1, step = 1;
    for (; n < rest.n && rest.p[n] != '"'; n += step) {
        bool u = rest.p[n] == '\\' && n + 1 < rest.n && rest.p[n + 1] == 'u';
        step = u ? 6 : rest.p[n] == '\\' ? 2 : gw_utf8_char(rest.p + n, rest.n - n);
        if (step == 0 || n + step > rest.n || n + step > most)
            break;
    }
    return gw_str_sub(rest, 1, n - 1);
}

void mean_read_usage(struct mean_answer *a, const struct dialect *d, struct gw_str value) {
    struct usage_reader r;
    usage_begin_inside(&r, d);
    usage_feed(&r, value);
    usage_merge(&r, &a->usage);
}

bool mean_take(struct mean *m, struct gw_walk *w, struct gw_str name,
               const struct mean_member *table, size_t n) {
    size_t i = 0;
    while (i < n && !is(name, table[i].name))
        i++;
    if (i == n)
        return false;
    struct gw_str said = table[i].raw ? mean_raw(w) : mean_value(w);
    if (said.n == 0)
        return true;
    memcpy((char *)m + table[i].at, &said, sizeof said);
    mean_use(m, table[i].feature);
    return true;
}

void mean_clear_fields(const struct mean_field *table, size_t n, void *to) {
    struct gw_str none = GW_STR("");
    for (size_t i = 0; i < n; i++)
        memcpy((char *)to + table[i].at, &none, sizeof none);
}

void mean_read_fields(struct gw_walk *w, const struct mean_field *table, size_t n, void *to) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        size_t i = 0;
        while (i < n && !is(name, table[i].name))
            i++;
        struct gw_str said = i < n && table[i].raw ? mean_raw(w) : mean_value(w);
        if (i < n)
            memcpy((char *)to + table[i].at, &said, sizeof said);
    }
}

void mean_put_line(struct gw_buf *b, struct gw_str raw) {
    if (raw.n == 0)
        return;
    if (b->n > 0)
        gw_buf_put(b, GW_STR("\\n"));
    gw_buf_put(b, raw);
}

void mean_put_lines(struct gw_buf *b, struct gw_str value) {
    static const struct mean_field text[] = {{"text", 0, true}};
    struct gw_walk w = mean_walk(value);
    if (gw_walk_kind(&w) == '"') {
        mean_put_line(b, mean_raw(&w));
        return;
    }
    if (!gw_walk_enter(&w, '['))
        return;
    while (gw_walk_item(&w)) {
        struct gw_str said = GW_STR("");
        MEAN_READ(&w, text, &said);
        mean_put_line(b, said);
    }
}

struct gw_str mean_made(struct mean *m, const struct gw_buf *b) {
    m->full |= b->full;
    return gw_buf_str(b);
}

struct gw_str mean_joined(struct mean *m, struct gw_str value) {
    struct gw_buf b;
    gw_buf_init(&b, m->arena, value.n);
    mean_put_lines(&b, value);
    return mean_made(m, &b);
}

void mean_unknown(struct mean *m, struct gw_walk *w, struct gw_str name) {
    if (mean_value(w).n == 0)
        return;
    mean_use(m, FEATURE_UNKNOWN);
    if (m->unknown.n == 0)
        m->unknown = name;
}

static void add_stop(struct mean *m, struct gw_str raw) {
    if (raw.n == 0)
        return;
    mean_use(m, FEATURE_STOP);
    if (m->stops < MEAN_STOPS)
        m->stop[m->stops++] = raw;
    else
        mean_wrong(m, "there are more than 16 stop sequences");
}

void mean_read_stops(struct mean *m, struct gw_walk *w) {
    if (gw_walk_kind(w) != '[') {
        add_stop(m, mean_raw(w));
        return;
    }
    gw_walk_enter(w, '[');
    while (gw_walk_item(w))
        add_stop(m, mean_raw(w));
}

/* A slash may stand escaped: "image\/png". */
static struct gw_str plain_media(struct gw_str media) {
    static const struct gw_str known[][2] = {
        {GW_STR_INIT("image\\/png"), GW_STR_INIT("image/png")},
        {GW_STR_INIT("image\\/jpeg"), GW_STR_INIT("image/jpeg")},
        {GW_STR_INIT("image\\/gif"), GW_STR_INIT("image/gif")},
        {GW_STR_INIT("image\\/webp"), GW_STR_INIT("image/webp")},
        {GW_STR_INIT("application\\/pdf"), GW_STR_INIT("application/pdf")},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (gw_str_eq(media, known[i][0]))
            return known[i][1];
    return media;
}

void mean_set_url(struct mean_part *p, struct gw_str url) {
    static const struct gw_str scheme = GW_STR_INIT("data:"), base64 = GW_STR_INIT(";base64,");
    ptrdiff_t at = gw_str_starts(url, scheme) ? gw_str_find(gw_str_sub(url, 0, 256), base64) : -1;
    if (at < 0) {
        p->url = url;
        return;
    }
    struct gw_str media = gw_str_sub(url, scheme.n, (size_t)at - scheme.n);
    p->media = plain_media(gw_str_cut(&media, ';'));
    p->data = gw_str_sub(url, (size_t)at + base64.n, url.n);
}

/* ------------------------------------------------------------------ documents */

static struct gw_str bare_media(const struct mean_part *p) {
    struct gw_str media = p->media;
    return gw_str_cut(&media, ';');
}

static bool is_text_media(struct gw_str media) {
    static const struct gw_str of = GW_STR_INIT("application/");
    struct gw_str kinds = GW_STR("json xml javascript x-javascript ecmascript typescript yaml "
                                 "x-yaml toml csv sql x-sh jsonl x-ndjson graphql");
    if (gw_str_starts(media, GW_STR("text/")) || gw_str_ends(media, GW_STR("+json")) ||
        gw_str_ends(media, GW_STR("+xml")))
        return true;
    if (!gw_str_starts(media, of))
        return false;
    bool text = false;
    while (kinds.n > 0 && !text)
        text = gw_str_eq(gw_str_cut(&kinds, ' '), gw_str_sub(media, of.n, media.n));
    return text;
}

static bool is_office(struct gw_str media) {
    return gw_str_eq(media, GW_STR("application/msword")) ||
           gw_str_eq(media, GW_STR("application/vnd.ms-excel")) ||
           gw_str_ends(media, GW_STR(".wordprocessingml.document")) ||
           gw_str_ends(media, GW_STR(".spreadsheetml.sheet"));
}

/* The text that its bytes are; false: there is none. */
static bool take_text(struct mean *m, struct mean_part *p) {
    struct gw_buf bytes, raw;
    gw_buf_init(&bytes, m->arena, p->data.n);
    gw_base64_decode(&bytes, p->data);
    gw_buf_init(&raw, m->arena, 6 * bytes.n);
    gw_buf_put_json(&raw, gw_buf_str(&bytes));
    m->full |= bytes.full || raw.full;
    if (raw.n == 0)
        return false;
    p->text = gw_buf_str(&raw);
    p->data = GW_STR("");
    return true;
}

bool mean_is_pdf(const struct mean_part *p) {
    struct gw_str media = bare_media(p);
    return p->data.n > 0 && (media.n == 0 || gw_str_eq(media, GW_STR("application/pdf")));
}

void mean_use_file(struct mean *m, struct mean_part *p) {
    if (is_text_media(bare_media(p)) && take_text(m, p))
        return;
    mean_use(m, FEATURE_FILE);
    if (!mean_is_pdf(p))
        mean_use(m, is_office(bare_media(p)) ? FEATURE_FILE_OFFICE : FEATURE_FILE_OTHER);
}

/* ------------------------------------------------------------------ effort */

static const struct {
    const char *word;
    uint64_t budget;
} efforts[] = {
    [MEAN_EFFORT_UNSAID] = {"", 0},
    [MEAN_EFFORT_NONE] = {"none", 0},
    [MEAN_EFFORT_MINIMAL] = {"minimal", 1024},
    [MEAN_EFFORT_LOW] = {"low", 2048},
    [MEAN_EFFORT_MEDIUM] = {"medium", 8192},
    [MEAN_EFFORT_HIGH] = {"high", 24576},
    [MEAN_EFFORT_XHIGH] = {"xhigh", 32768},
    [MEAN_EFFORT_MAX] = {"max", 63999},
};

enum mean_effort mean_effort_of(struct gw_str word) {
    for (uint32_t i = MEAN_EFFORT_NONE; i <= MEAN_EFFORT_MAX; i++)
        if (is(word, efforts[i].word))
            return (enum mean_effort)i;
    return MEAN_EFFORT_UNSAID;
}

const char *mean_effort_word(enum mean_effort effort) {
    return efforts[effort].word;
}

enum mean_effort mean_effort_of_budget(uint64_t budget) {
    uint32_t i = MEAN_EFFORT_NONE;
    while (i < MEAN_EFFORT_MAX && efforts[i].budget < budget)
        i++;
    return (enum mean_effort)i;
}

uint64_t mean_budget_of(enum mean_effort effort) {
    return efforts[effort].budget;
}

/* ------------------------------------------------------------------ writing */

bool mean_is_object(struct gw_str json) {
    struct gw_walk w;
    gw_walk_init(&w, json);
    return gw_walk_kind(&w) == '{' && gw_walk_skip(&w) && gw_walk_end(&w);
}

/* What cannot be the arguments of a function, as its one argument. */
static void put_as_input(struct gw_str raw, struct gw_out *o) {
    gw_out_open(o, '{');
    if (raw.n > 0)
        gw_out_put_raw(o, "input", raw);
    gw_out_close(o, '}');
}

void mean_put_args(const struct mean_part *call, struct gw_arena *arena, struct gw_out *o) {
    struct gw_buf json;
    if (!call->args_is_text && call->args.n > 0) {
        gw_out_value(o, call->args);
        return;
    }
    gw_buf_init(&json, arena, call->args.n);
    gw_json_decode(&json, call->args);
    if (!call->custom && mean_is_object(gw_buf_str(&json)))
        gw_out_value(o, gw_buf_str(&json));
    else
        put_as_input(call->args, o);
}

void mean_put_args_text(const struct mean_part *call, struct gw_out *o) {
    static const struct gw_str none = GW_STR_INIT("");
    if (call->custom)
        gw_out_quoted(o, GW_STR("{\"input\":\""), call->args, GW_STR("\"}"));
    else if (call->args_is_text && call->args.n > 0)
        gw_out_raw(o, call->args);
    else
        gw_out_quoted(o, none, call->args.n > 0 ? call->args : GW_STR("{}"), none);
}

/* Both of OpenAI's forms: its members stand in it, or in its "grammar". */
static void read_grammar(struct gw_walk *w, struct gw_str *syntax, struct gw_str *definition) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "syntax"))
            *syntax = mean_raw(w);
        else if (is(name, "definition"))
            *definition = mean_raw(w);
        else if (is(name, "grammar") && gw_walk_kind(w) == '{')
            read_grammar(w, syntax, definition);
        else
            gw_walk_skip(w);
    }
}

void mean_put_about(const struct mean_tool *t, struct gw_out *o) {
    struct gw_str syntax = GW_STR(""), definition = GW_STR("");
    struct gw_walk w;
    gw_walk_init(&w, t->format);
    if (t->kind == MEAN_CUSTOM && t->format.n > 0)
        read_grammar(&w, &syntax, &definition);
    if (definition.n == 0) {
        gw_out_may_raw(o, "description", t->description);
        return;
    }
    gw_out_put_raw(o, "description", t->description);
    o->b->n -= !o->b->full; /* the closing quote */
    if (t->description.n > 0)
        gw_buf_put(o->b, GW_STR("\\n\\n"));
    gw_buf_put(o->b, GW_STR("The input must follow this grammar ("));
    gw_buf_put(o->b, syntax);
    gw_buf_put(o->b, GW_STR("):\\n"));
    gw_buf_put(o->b, definition);
    gw_buf_putc(o->b, '"');
}

static bool is_strict(struct gw_walk *w);

/* All values of a list, or of an object, are strict schemas; `*n` counts them. */
static bool are_strict(struct gw_walk *w, uint32_t *n) {
    struct gw_str name;
    bool good = true, list = gw_walk_kind(w) == '[';
    if (!gw_walk_enter(w, list ? '[' : '{'))
        return true;
    while (list ? gw_walk_item(w) : gw_walk_member(w, &name)) {
        good &= is_strict(w);
        ++*n;
    }
    return good;
}

static bool is_strict(struct gw_walk *w) {
    struct gw_str name;
    uint32_t members = 0, required = 0, others = 0;
    bool good = true, object = false, closed = false;
    if (!gw_walk_enter(w, '{'))
        return true;
    while (gw_walk_member(w, &name)) {
        if (is(name, "properties"))
            good &= are_strict(w, &members);
        else if (is(name, "required"))
            (void)are_strict(w, &required); /* they are strings */
        else if (is(name, "anyOf") || is(name, "$defs") || is(name, "definitions"))
            good &= are_strict(w, &others);
        else if (is(name, "items"))
            good &= is_strict(w);
        else if (is(name, "additionalProperties"))
            closed = is(mean_value(w), "false");
        else
            object |= is(mean_value(w), "\"object\"") && is(name, "type");
    }
    return good && (!(object || members > 0) || (closed && required >= members));
}

bool mean_is_strict(struct gw_str schema) {
    struct gw_walk w;
    gw_walk_init(&w, schema);
    return gw_walk_kind(&w) == '{' && is_strict(&w) && gw_walk_end(&w);
}

void mean_put_given(const struct mean *m, const struct mean_given *given, size_t n,
                    struct gw_out *o) {
    for (size_t i = 0; i < n; i++)
        if (mean_can(m, given[i].feature))
            gw_out_may_value(o, given[i].name, given[i].value);
}

uint64_t mean_u64(struct gw_str value) {
    uint64_t n;
    return gw_str_u64(value, &n) ? n : 0;
}

void mean_put_texts(const struct mean_part *parts, const char *between, struct gw_out *o) {
    bool first = true;
    gw_out_raw(o, GW_STR(""));
    o->b->n -= !o->b->full; /* the closing quote */
    for (const struct mean_part *p = parts; p != NULL; p = p->next) {
        if (p->kind != MEAN_TEXT)
            continue;
        if (!first)
            gw_buf_put_json(o->b, gw_str(between, strlen(between)));
        gw_buf_put(o->b, p->text);
        first = false;
    }
    gw_buf_putc(o->b, '"');
}

void mean_join_lines(struct gw_buf *json, size_t from) {
    for (size_t i = from; i < json->n; i++)
        if (json->p[i] == '\n' || json->p[i] == '\r')
            json->p[i] = ' ';
}

bool mean_is_text(const struct mean_part *p) {
    return (p->kind == MEAN_TEXT || p->kind == MEAN_REFUSAL || p->kind == MEAN_FILE) &&
           p->text.n > 0;
}

bool mean_has(const struct mean_part *parts, enum mean_kind kind) {
    for (; parts != NULL; parts = parts->next)
        if (parts->kind == kind)
            return true;
    return false;
}

bool mean_has_talk(const struct mean *m) {
    for (const struct mean_turn *t = m->turns; t != NULL; t = t->next)
        if (t->role != MEAN_SYSTEM && t->parts != NULL)
            return true;
    return false;
}

const struct mean_tool *mean_tool(const struct mean *m, struct gw_str name) {
    const struct mean_tool *t = m->tools;
    while (t != NULL && !(t->name.n > 0 && gw_str_eq(t->name, name)))
        t = t->next;
    return t;
}

struct gw_str mean_name_of_call(const struct mean *m, struct gw_str id) {
    for (const struct mean_turn *t = m->turns; t != NULL; t = t->next)
        for (const struct mean_part *p = t->parts; p != NULL; p = p->next)
            if (p->kind == MEAN_CALL && gw_str_eq(p->id, id))
                return p->name;
    return GW_STR("");
}

static bool is_space(char c) {
    return c == ' ' || c == 'n' || c == 't' || c == 'r' || c == 'f';
}

bool mean_is_blank(struct gw_str raw) {
    size_t i = 0;
    while (i < raw.n) {
        if (raw.p[i] == '\\' && i + 1 < raw.n && is_space(raw.p[i + 1]))
            i += 2;
        else if (raw.p[i] == ' ')
            i++;
        else
            return false;
    }
    return true;
}

enum event_why mean_why(enum event_why why, bool refused) {
    return refused && (why == WHY_STOP || why == WHY_UNTOLD) ? WHY_FILTER : why;
}

void mean_put_stops(const struct mean *m, const char *name, bool blanks, struct gw_out *o) {
    bool open = false;
    for (uint32_t i = 0; i < m->stops; i++) {
        if (!blanks && mean_is_blank(m->stop[i]))
            continue;
        if (!open) {
            gw_out_name(o, name);
            gw_out_open(o, '[');
        }
        open = true;
        gw_out_raw(o, m->stop[i]);
    }
    if (open)
        gw_out_close(o, ']');
}

bool mean_has_tools(const struct mean *m) {
    for (const struct mean_tool *t = m->tools; t != NULL; t = t->next)
        if (t->kind != MEAN_SERVED)
            return true;
    return false;
}

struct gw_str mean_logprobs(struct gw_str list, struct gw_arena *arena) {
    struct gw_buf b;
    gw_buf_init(&b, arena, list.n + 32);
    gw_buf_put(&b, GW_STR("{\"content\":"));
    gw_buf_put(&b, list);
    gw_buf_put(&b, GW_STR(",\"refusal\":null}"));
    return gw_buf_str(&b);
}

struct gw_str mean_logprobs_items(struct gw_str value) {
    struct gw_walk w;
    struct gw_str name, list = value.n > 0 && value.p[0] == '[' ? value : GW_STR("");
    gw_walk_init(&w, value);
    if (value.n > 0 && value.p[0] == '{' && gw_walk_enter(&w, '{'))
        while (gw_walk_member(&w, &name)) {
            struct gw_str said = mean_value(&w);
            if (is(name, "content"))
                list = said;
        }
    bool good = list.n >= 2 && list.p[0] == '[';
    return good ? gw_str_trim(gw_str_sub(list, 1, list.n - 2)) : GW_STR("");
}

/* ------------------------------------------------------------------ names and ids of others */

enum { SUM = 8 };

static bool is_letter(char c) {
    return (gw_lower(c) >= 'a' && gw_lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

static bool fits(struct gw_str raw, size_t most) {
    size_t i = 0;
    while (i < raw.n && is_letter(raw.p[i]))
        i++;
    return i == raw.n && raw.n <= most;
}

/* FNV-1a: it need not keep anybody out. */
static uint32_t sum_of(struct gw_str raw) {
    uint32_t sum = 2166136261U;
    for (size_t i = 0; i < raw.n; i++)
        sum = (sum ^ (uint8_t)raw.p[i]) * 16777619U;
    return sum;
}

struct gw_str mean_fit(struct gw_arena *arena, struct gw_str raw, size_t most) {
    struct gw_buf b;
    if (fits(raw, most))
        return raw;
    bool too_long = raw.n > most;
    size_t n = too_long ? most - SUM - 1 : raw.n;
    gw_buf_init(&b, arena, n + SUM + 1);
    for (size_t i = 0; i < n; i++)
        gw_buf_putc(&b, is_letter(raw.p[i]) ? raw.p[i] : '_');
    uint32_t sum = sum_of(raw);
    const uint8_t bytes[] = {(uint8_t)(sum >> 24), (uint8_t)(sum >> 16), (uint8_t)(sum >> 8),
                             (uint8_t)sum};
    if (too_long) {
        gw_buf_putc(&b, '_');
        gw_buf_put_hex(&b, bytes, sizeof bytes);
    }
    return gw_buf_str(&b);
}

struct gw_str mean_own_name(const struct mean *asked, struct gw_arena *arena, struct gw_str name) {
    const struct mean_tool *t = asked->tools;
    if (mean_tool(asked, name) != NULL)
        return name;
    for (; t != NULL; t = t->next)
        if (!fits(t->name, MEAN_NAME) &&
            (gw_str_eq(mean_fit(arena, t->name, MEAN_NAME), name) ||
             gw_str_eq(mean_fit(arena, t->name, MEAN_LONG_NAME), name)))
            return t->name;
    return name;
}

void mean_own_names(struct mean_answer *a, const struct mean *asked) {
    for (struct mean_choice *c = a->choices; c != NULL; c = c->next)
        for (struct mean_part *p = c->turn.parts; p != NULL; p = p->next)
            if (p->kind == MEAN_CALL)
                p->name = mean_own_name(asked, a->mean.arena, p->name);
}

bool mean_hides_thoughts(const struct mean *asked, const struct dialect *in,
                         const struct dialect *out) {
    bool signs = (in->speech->says >> FEATURE_SIGNATURE & 1) != 0;
    bool unwanted = out->speech->thinks_unseen && !asked->shows_thoughts;
    return !signs && (unwanted || asked->effort == MEAN_EFFORT_NONE);
}

void mean_hide_thoughts(struct mean_answer *a, const struct mean *asked, const struct dialect *in,
                        const struct dialect *out) {
    bool hides = mean_hides_thoughts(asked, in, out);
    for (struct mean_choice *c = a->choices; c != NULL && hides; c = c->next)
        for (struct mean_part **at = &c->turn.parts; *at != NULL;) {
            if ((*at)->kind != MEAN_REASONING)
                at = &(*at)->next;
            else
                *at = (*at)->next;
        }
}

struct gw_str mean_make_id(struct gw_arena *arena, const char *prefix, uint64_t seed, uint64_t n) {
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    struct gw_rng rng;
    struct gw_buf b;
    gw_rng_init(&rng, seed + n * UINT64_C(0x9e3779b97f4a7c15));
    gw_buf_init(&b, arena, strlen(prefix) + MEAN_ID_LETTERS);
    gw_buf_put(&b, gw_str(prefix, strlen(prefix)));
    for (int i = 0; i < MEAN_ID_LETTERS; i++)
        gw_buf_putc(&b, letters[gw_rng_next(&rng) % (sizeof letters - 1)]);
    return gw_buf_str(&b);
}

uint64_t mean_input_rest(const struct usage *u) {
    uint64_t cached = u->n[USAGE_CACHED] + u->n[USAGE_WRITTEN], all = u->n[USAGE_INPUT];
    return all > cached ? all - cached : 0;
}
