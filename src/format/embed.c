#include "format/embed.h"

#include "format/gemini_speech.h"

/* What a member is that requests have, in any dialect. */
enum what {
    VALUE, /* kept as it stands */
    RAW,
    TEXTS,
    ONE_TEXT, /* whose answer is one vector */
    CONTENT,  /* likewise; of a batch it is one of several */
    BATCH,
    WISHES, /* an object of others */
    OTHER,  /* no text */
    IDLE,   /* of the machine, or known already */
};

#define VALUE(name, member, feature) {name, VALUE, feature, offsetof(struct mean_embeds, member)}
#define RAW(name, member, feature) {name, RAW, feature, offsetof(struct mean_embeds, member)}

/* Google takes its own in snake_case, too. */
static const struct member {
    const char *name;
    uint8_t what, feature; /* FEATURES: none, by itself */
    uint16_t at;
} members[] = {
    {"input", TEXTS, 0, 0},
    {"texts", TEXTS, 0, 0},
    {"prompt", ONE_TEXT, 0, 0},
    {"inputText", ONE_TEXT, 0, 0},
    {"content", CONTENT, 0, 0},
    {"requests", BATCH, 0, 0},
    {"embedContentConfig", WISHES, 0, 0},
    VALUE("dimensions", dimensions, FEATURE_DIMENSIONS),
    VALUE("outputDimensionality", dimensions, FEATURE_DIMENSIONS),
    VALUE("outputDimension", dimensions, FEATURE_DIMENSIONS),
    RAW("taskType", task, FEATURE_TASK),
    RAW("inputType", purpose, FEATURE_TASK),
    RAW("title", title, FEATURE_TITLE),
    VALUE("truncate", truncate, FEATURE_TRUNCATE),
    VALUE("autoTruncate", truncate, FEATURE_TRUNCATE),
    RAW("encodingFormat", format, FEATURES),
    VALUE("embeddingTypes", types, FEATURES),
    VALUE("normalize", normalize, FEATURES),
    {"user", IDLE, FEATURE_USER, 0},
    {"images", OTHER, FEATURE_OTHER, 0},
    {"inputs", OTHER, FEATURE_OTHER, 0},
    {"model", IDLE, FEATURES, 0},
    {"models", IDLE, FEATURES, 0},
    {"options", IDLE, FEATURES, 0},
    {"keepAlive", IDLE, FEATURES, 0},
    {"stream", IDLE, FEATURES, 0},
};

enum { MEMBERS = sizeof members / sizeof *members };

static bool is(struct gw_str name, const char *literal) {
    return gw_str_eq(name, gw_str(literal, strlen(literal)));
}

static void use_other(struct mean *m, const char *name) {
    m->other = name;
    mean_use(m, FEATURE_OTHER);
}

const char *embed_name(const struct embeds *e, enum feature feature) {
    if (feature_is_of_embeddings(feature))
        return e->names[feature - FEATURE_TEXTS];
    return feature == FEATURE_USER ? "user" : NULL;
}

/* ------------------------------------------------------------------ texts */

static void add_text(struct mean *m, struct gw_str raw) {
    mean_add_item(m, &m->embeds.texts, raw, m->embeds.texts.n);
}

/* Lists of tokens are told by their first number, or list. */
static void read_text(struct gw_walk *w, struct mean *m) {
    char kind = gw_walk_kind(w);
    if (kind == '"') {
        add_text(m, mean_raw(w));
        return;
    }
    if (kind == '[' || (kind >= '0' && kind <= '9'))
        mean_use(m, FEATURE_TOKENS);
    else
        mean_wrong(m, "a text is no string");
    gw_walk_skip(w);
}

static void read_texts(struct gw_walk *w, struct mean *m) {
    if (gw_walk_kind(w) != '[') {
        read_text(w, m);
        return;
    }
    gw_walk_enter(w, '[');
    while (gw_walk_item(w))
        read_text(w, m);
}

/* The texts of Google's parts, which are one. A single one stays where it is. */
struct text {
    struct gw_str one;
    struct gw_buf all;
};

static void add_part(struct text *t, struct gw_str more) {
    if (t->one.n > 0 && t->all.n == 0)
        gw_buf_put(&t->all, t->one);
    if (t->one.n > 0)
        gw_buf_put(&t->all, more);
    else
        t->one = more;
}

/* Anything else than text has no counterpart. */
static void read_part(struct gw_walk *w, struct mean *m, struct text *text) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        bool told = is(name, "text");
        struct gw_str more = told ? mean_raw(w) : mean_value(w);
        if (told)
            add_part(text, more);
        else if (more.n > 0)
            use_other(m, "content");
    }
}

static void read_content(struct gw_walk *w, struct mean *m) {
    struct gw_str name;
    struct text text = {.one = GW_STR("")};
    gw_buf_init(&text.all, m->arena, (size_t)(w->end - w->p));
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (!is(name, "parts")) {
            gw_walk_skip(w);
            continue;
        }
        for (struct gemini_items all = gemini_read_items(w); gemini_read_item(w, &all);)
            read_part(w, m, &text);
    }
    add_text(m, text.all.n > 0 ? mean_made(m, &text.all) : text.one);
}

/* ------------------------------------------------------------------ wishes */

/* What the vectors are for, in Google's words and in Cohere's; the first of those that mean the same counts. */
static const char *const purposes[][2] = {
    {"RETRIEVAL_DOCUMENT", "search_document"}, {"RETRIEVAL_QUERY", "search_query"},
    {"CLASSIFICATION", "classification"},      {"CLUSTERING", "clustering"},
    {"QUESTION_ANSWERING", "search_query"},    {"FACT_VERIFICATION", "search_query"},
    {"CODE_RETRIEVAL_QUERY", "search_query"},
};

/* The row in which the word stands; of another word none. */
static const char *const *purpose_of(struct gw_str word, uint32_t column) {
    for (size_t i = 0; i < sizeof purposes / sizeof *purposes; i++)
        if (is(word, purposes[i][column]))
            return purposes[i];
    return NULL;
}

const char *embed_purpose(struct gw_str task) {
    const char *const *row = purpose_of(task, 0);
    return row != NULL ? row[1] : purposes[0][1];
}

static void settle_task(struct mean *m) {
    struct mean_embeds *e = &m->embeds;
    const char *const *row = purpose_of(e->purpose, 1);
    if (row != NULL)
        e->task = gw_str(row[0], strlen(row[0]));
    if (e->task.n > 0 && !is(e->task, "TASK_TYPE_UNSPECIFIED"))
        return;
    e->task = GW_STR("");
    m->uses &= ~(1ULL << FEATURE_TASK);
}

/* Cohere says which end is cut; that is a matter of its server. */
static void settle_truncate(struct mean_embeds *e) {
    if (e->truncate.n > 0 && e->truncate.p[0] == '"')
        e->truncate = is(e->truncate, "\"NONE\"") ? GW_STR("false") : GW_STR("true");
}

/* Vectors of other numbers than floats have no counterpart. They are of length 1 nearly everywhere, and nobody else can
 * be told otherwise. */
static void settle_numbers(struct mean *m) {
    struct mean_embeds *e = &m->embeds;
    struct gw_walk w = mean_walk(e->types);
    e->base64 = is(e->format, "base64");
    e->typed = e->types.n > 0;
    if (!e->base64 && e->format.n > 0 && !is(e->format, "float"))
        mean_wrong(m, "\"encoding_format\" is neither float nor base64");
    if (e->typed && gw_walk_enter(&w, '['))
        while (gw_walk_item(&w))
            if (!is(mean_raw(&w), "float"))
                use_other(m, "embeddingTypes");
    if (!is(e->normalize, "false"))
        return;
    mean_use(m, FEATURE_UNKNOWN);
    m->unknown = GW_STR("normalize");
}

/* ------------------------------------------------------------------ all of it */

static void read_members(struct gw_walk *w, struct mean *m);

/* Each of a batch is whole by itself. All must want the same. */
static void read_batch(struct gw_walk *w, struct mean *m) {
    uint32_t wishes = 0;
    for (struct gemini_items all = gemini_read_items(w); gemini_read_item(w, &all);) {
        m->embeds.wishes = 0;
        read_members(w, m);
        m->embeds.differ |= m->embeds.texts.n > 1 && m->embeds.wishes != wishes;
        wishes = m->embeds.wishes;
    }
    m->embeds.one = false;
    if (m->embeds.differ)
        mean_wrong(m, "the requests of the batch differ in more than their texts");
}

static void keep(struct mean *m, const struct member *member, struct gw_str said) {
    struct gw_str before;
    memcpy(&before, (char *)&m->embeds + member->at, sizeof before);
    m->embeds.differ |= before.n > 0 && !gw_str_eq(before, said);
    m->embeds.wishes |= 1U << member->feature % 32;
    memcpy((char *)&m->embeds + member->at, &said, sizeof said);
}

static void read_slice(struct gw_walk *w, const struct member *member, struct mean *m) {
    struct gw_str said = member->what == RAW ? mean_raw(w) : mean_value(w);
    if (said.n > 0 && member->what <= RAW)
        keep(m, member, said);
    if (said.n > 0 && member->feature < FEATURES)
        mean_use(m, (enum feature)member->feature);
    if (member->what == OTHER)
        m->other = member->name;
}

static void read_member(struct gw_walk *w, const struct member *member, struct mean *m) {
    switch ((enum what)member->what) {
    case ONE_TEXT:
    case TEXTS:
        m->embeds.one = member->what == ONE_TEXT;
        read_texts(w, m);
        return;
    case CONTENT:
        m->embeds.one = true;
        read_content(w, m);
        return;
    case BATCH:
        read_batch(w, m);
        return;
    case WISHES:
        read_members(w, m);
        return;
    default:
        read_slice(w, member, m);
    }
}

static void read_members(struct gw_walk *w, struct mean *m) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        uint32_t i = 0;
        while (i < MEMBERS && !gemini_read_is(name, members[i].name))
            i++;
        if (i < MEMBERS)
            read_member(w, &members[i], m);
        else
            mean_unknown(m, w, name);
    }
}

void embed_read_request(struct gw_walk *w, struct mean *m) {
    read_members(w, m);
    settle_task(m);
    settle_truncate(&m->embeds);
    settle_numbers(m);
    if (m->embeds.texts.n > 1)
        mean_use(m, FEATURE_TEXTS);
    if (m->embeds.texts.n == 0 && (m->uses >> FEATURE_TOKENS & 1) == 0)
        mean_wrong(m, "there is no text whose vector is asked for");
}

/* ------------------------------------------------------------------ writing */

void embed_put_texts(struct gw_out *o, const char *name, const struct mean *m) {
    gw_out_name(o, name);
    gw_out_open(o, '[');
    for (const struct mean_item *t = m->embeds.texts.first; t != NULL; t = t->next)
        gw_out_raw(o, t->said);
    gw_out_close(o, ']');
}

void embed_put_dimensions(struct gw_out *o, const char *name, const struct mean *m) {
    if (mean_can(m, FEATURE_DIMENSIONS))
        gw_out_may_value(o, name, m->embeds.dimensions);
}

void embed_open_request(struct gw_out *o, const struct mean *m, struct gw_str model) {
    gw_out_open(o, '{');
    gw_out_name(o, "model");
    gw_out_text(o, model);
    embed_put_texts(o, "input", m);
    embed_put_dimensions(o, "dimensions", m);
}
