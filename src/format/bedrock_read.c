/* Bedrock's messages, of requests and of answers: see bedrock_speech.c. */
#include "format/bedrock_speech.h"

#include "base/base64.h"
static bool is(struct gw_str name, const char *literal) {
    return gw_str_eq(name, gw_str(literal, strlen(literal)));
}

/* ------------------------------------------------------------------ formats */

/* The first one of a format, and of a type, is what it becomes. */
static const struct {
    struct gw_str format, media;
} formats[] = {
    {GW_STR_INIT("png"), GW_STR_INIT("image/png")},
    {GW_STR_INIT("jpeg"), GW_STR_INIT("image/jpeg")},
    {GW_STR_INIT("jpeg"), GW_STR_INIT("image/jpg")},
    {GW_STR_INIT("gif"), GW_STR_INIT("image/gif")},
    {GW_STR_INIT("webp"), GW_STR_INIT("image/webp")},
    {GW_STR_INIT("pdf"), GW_STR_INIT("application/pdf")},
    {GW_STR_INIT("txt"), GW_STR_INIT("text/plain")},
    {GW_STR_INIT("txt"), GW_STR_INIT("application/json")},
    {GW_STR_INIT("md"), GW_STR_INIT("text/markdown")},
    {GW_STR_INIT("csv"), GW_STR_INIT("text/csv")},
    {GW_STR_INIT("html"), GW_STR_INIT("text/html")},
    {GW_STR_INIT("doc"), GW_STR_INIT("application/msword")},
    {GW_STR_INIT("docx"),
     GW_STR_INIT("application/vnd.openxmlformats-officedocument.wordprocessingml.document")},
    {GW_STR_INIT("xls"), GW_STR_INIT("application/vnd.ms-excel")},
    {GW_STR_INIT("xlsx"),
     GW_STR_INIT("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")},
    {GW_STR_INIT("mp3"), GW_STR_INIT("audio/mp3")},
    {GW_STR_INIT("mp3"), GW_STR_INIT("audio/mpeg")},
    {GW_STR_INIT("wav"), GW_STR_INIT("audio/wav")},
    {GW_STR_INIT("wav"), GW_STR_INIT("audio/x-wav")},
    {GW_STR_INIT("flac"), GW_STR_INIT("audio/flac")},
    {GW_STR_INIT("ogg"), GW_STR_INIT("audio/ogg")},
    {GW_STR_INIT("opus"), GW_STR_INIT("audio/opus")},
    {GW_STR_INIT("aac"), GW_STR_INIT("audio/aac")},
    {GW_STR_INIT("m4a"), GW_STR_INIT("audio/m4a")},
};

enum { FORMATS = sizeof formats / sizeof *formats };

struct gw_str bedrock_media(struct gw_str format) {
    for (size_t i = 0; i < FORMATS; i++)
        if (gw_str_eq(format, formats[i].format))
            return formats[i].media;
    return GW_STR("");
}

struct gw_str bedrock_format(struct gw_str media) {
    struct gw_str bare = gw_str_cut(&media, ';');
    for (size_t i = 0; i < FORMATS; i++)
        if (gw_str_eq(bare, formats[i].media))
            return formats[i].format;
    return GW_STR("");
}

/* ------------------------------------------------------------------ objects */

#define RAW(name, member) {name, offsetof(struct bedrock_thing, member), true}
#define VALUE(name, member) {name, offsetof(struct bedrock_thing, member), false}

static const struct mean_field thing_fields[] = {
    VALUE("text", text),
    VALUE("image", image),
    VALUE("document", document),
    VALUE("audio", audio),
    VALUE("toolUse", call),
    VALUE("toolResult", result),
    VALUE("reasoningContent", thought),
    VALUE("cachePoint", mark),
    VALUE("guardContent", guard),
    VALUE("searchResult", found),
    VALUE("citationsContent", cited),
    VALUE("json", json),
    VALUE("toolSpec", spec),
    RAW("format", format),
    RAW("name", name),
    RAW("title", title),
    RAW("context", context),
    RAW("toolUseId", id),
    RAW("status", status),
    RAW("redactedContent", redacted),
    RAW("bytes", bytes),
    RAW("description", description),
    RAW("schema", schema_text),
    VALUE("source", source),
    VALUE("content", content),
    VALUE("input", input),
    VALUE("reasoningText", reasoning),
    VALUE("citations", citations),
    VALUE("s3Location", kept),
    VALUE("inputSchema", schema),
    VALUE("strict", strict),
};

void bedrock_read_thing(struct gw_str value, struct bedrock_thing *t) {
    struct gw_walk w = mean_walk(value);
    mean_clear_fields(thing_fields, sizeof thing_fields / sizeof *thing_fields, t);
    if (gw_walk_kind(&w) == '{')
        MEAN_READ(&w, thing_fields, t);
}

struct gw_str bedrock_member(struct gw_str value, const char *name) {
    struct mean_field field = {name, 0, false};
    struct gw_str said = GW_STR("");
    struct gw_walk w = mean_walk(value);
    if (gw_walk_kind(&w) == '{')
        mean_read_fields(&w, &field, 1, &said);
    return said;
}

/* A value that is a string, raw. */
static struct gw_str raw_of(struct gw_str value) {
    bool text = value.n >= 2 && value.p[0] == '"';
    return text ? gw_str_sub(value, 1, value.n - 2) : GW_STR("");
}

struct gw_str bedrock_raw(struct gw_str value, const char *name) {
    return raw_of(bedrock_member(value, name));
}

/* ------------------------------------------------------------------ blocks */

/* Where a block goes: into a turn, or into a tool's result. */
struct place {
    struct mean_turn *turn;
    struct mean_part *result; /* NULL: into the turn */
};

static struct mean_part *add(struct mean *m, const struct place *at, enum mean_kind kind) {
    return at->result != NULL ? mean_add_inner(m, at->result, kind)
                              : mean_add_part(m, at->turn, kind);
}

/* It marks what stands before it. */
static void mark(struct mean *m, const struct place *at, struct gw_str value) {
    struct mean_part *last = at->result != NULL ? at->result->parts_last : at->turn->last;
    if (last == NULL)
        return;
    last->cache = value;
    mean_use(m, FEATURE_CACHE);
}

static void read_source(struct mean *m, struct mean_part *p, const struct bedrock_thing *t) {
    struct bedrock_thing s;
    bedrock_read_thing(t->source, &s);
    p->data = s.bytes;
    p->media = bedrock_media(t->format);
    p->file = bedrock_raw(s.kept, "uri");
    p->text = s.text.n > 0 ? raw_of(s.text) : mean_joined(m, s.content);
    if (p->file.n > 0)
        mean_use(m, FEATURE_FILE_ID);
    else if (p->data.n > 0 && p->kind == MEAN_FILE)
        mean_use_file(m, p);
    else if (p->data.n > 0)
        mean_use(m, p->kind == MEAN_IMAGE ? FEATURE_IMAGE : FEATURE_AUDIO);
    else if (p->text.n == 0)
        mean_wrong(m, "an image or a document has no source that is known");
}

/* A wish that answers quote the document. */
static void note_citations(struct mean *m, struct gw_str value) {
    if (!mean_is_true(bedrock_member(value, "enabled")))
        return;
    mean_use(m, FEATURE_UNKNOWN);
    if (m->unknown.n == 0)
        m->unknown = GW_STR("citations");
}

/* In a result only texts are sure to reach a model; and what is told of a document has no place but behind it. */
static void read_document(struct mean *m, const struct place *at, struct mean_part *p,
                          struct gw_str value) {
    struct bedrock_thing t;
    bedrock_read_thing(value, &t);
    p->kind = MEAN_FILE;
    p->name = t.name;
    read_source(m, p, &t);
    note_citations(m, t.citations);
    if (at->result != NULL && p->text.n > 0)
        p->kind = MEAN_TEXT;
    if (t.context.n > 0)
        add(m, at, MEAN_TEXT)->text = t.context;
}

static void read_bytes(struct mean *m, struct mean_part *p, enum mean_kind kind,
                       struct gw_str value) {
    struct bedrock_thing t;
    bedrock_read_thing(value, &t);
    p->kind = kind;
    read_source(m, p, &t);
}

static void read_call(struct mean_part *p, struct gw_str value) {
    struct bedrock_thing t;
    bedrock_read_thing(value, &t);
    p->kind = MEAN_CALL;
    p->id = t.id;
    p->name = t.name;
    p->args = t.input;
}

/* One of ours begins with this, in base64: see above. */
static struct gw_str unwrapped(struct mean *m, struct gw_str base64) {
    struct gw_buf b;
    if (!gw_str_starts(base64, GW_STR("aGcx")))
        return base64;
    gw_buf_init(&b, m->arena, base64.n);
    gw_base64_decode(&b, base64);
    return mean_made(m, &b);
}

static void read_thought(struct mean *m, struct mean_part *p, struct gw_str value) {
    struct bedrock_thing t;
    bedrock_read_thing(value, &t);
    p->kind = MEAN_REASONING;
    p->hidden = t.redacted.n > 0;
    p->text = bedrock_raw(t.reasoning, "text");
    p->signature = p->hidden ? unwrapped(m, t.redacted) : bedrock_raw(t.reasoning, "signature");
    if (p->signature.n > 0)
        mean_use(m, FEATURE_SIGNATURE);
}

static void read_content(struct gw_str value, struct mean *m, const struct place *at);

static void read_result(struct mean *m, struct mean_part *p, struct gw_str value) {
    struct bedrock_thing t;
    bedrock_read_thing(value, &t);
    p->kind = MEAN_RESULT;
    p->id = t.id;
    p->failed = is(t.status, "error");
    if (p->failed)
        mean_use(m, FEATURE_RESULT_FAILED);
    read_content(t.content, m, &(struct place){.result = p});
}

/* An answer that quotes is cut where its quotes begin and end. */
static struct gw_str pieces_of(struct mean *m, struct gw_str value) {
    struct gw_walk w = mean_walk(value);
    struct gw_buf b;
    gw_buf_init(&b, m->arena, value.n);
    if (value.n > 0 && gw_walk_enter(&w, '['))
        while (gw_walk_item(&w))
            gw_buf_put(&b, bedrock_raw(mean_value(&w), "text"));
    return mean_made(m, &b);
}

static void set_text(struct mean_part *p, struct gw_str raw) {
    p->kind = MEAN_TEXT;
    p->text = raw;
}

/* A tool's result in JSON is a text. */
static void read_json(struct mean *m, struct mean_part *p, struct gw_str value) {
    struct gw_buf b;
    gw_buf_init(&b, m->arena, 2 * value.n);
    gw_buf_put_json(&b, value);
    set_text(p, mean_made(m, &b));
}

/* What a search has found, as a text: title, source, and what stands there. */
static void read_found(struct mean *m, struct mean_part *p, struct gw_str value) {
    struct bedrock_thing t;
    bedrock_read_thing(value, &t);
    struct gw_buf b;
    gw_buf_init(&b, m->arena, value.n);
    mean_put_line(&b, t.title);
    mean_put_line(&b, raw_of(t.source));
    mean_put_lines(&b, t.content);
    set_text(p, mean_made(m, &b));
}

/* What stands in a result, too. */
static bool settle_inner(struct mean *m, const struct place *at, const struct bedrock_thing *t,
                         struct mean_part *p) {
    if (t->text.n > 0)
        set_text(p, raw_of(t->text));
    else if (t->json.n > 0)
        read_json(m, p, t->json);
    else if (t->image.n > 0)
        read_bytes(m, p, MEAN_IMAGE, t->image);
    else if (t->document.n > 0)
        read_document(m, at, p, t->document);
    else if (t->found.n > 0)
        read_found(m, p, t->found);
    else
        return false;
    return true;
}

static void settle(struct mean *m, const struct bedrock_thing *t, struct mean_part *p) {
    struct gw_str text = bedrock_member(t->guard, "text");
    struct gw_str image = bedrock_member(t->guard, "image");
    if (t->call.n > 0)
        read_call(p, t->call);
    else if (t->result.n > 0)
        read_result(m, p, t->result);
    else if (t->thought.n > 0)
        read_thought(m, p, t->thought);
    else if (t->audio.n > 0)
        read_bytes(m, p, MEAN_AUDIO, t->audio);
    else if (t->cited.n > 0)
        set_text(p, pieces_of(m, bedrock_member(t->cited, "content")));
    else if (text.n > 0)
        set_text(p, bedrock_raw(text, "text"));
    else if (image.n > 0)
        read_bytes(m, p, MEAN_IMAGE, image);
    else
        mean_use(m, FEATURE_OTHER);
}

static void add_block(struct gw_walk *w, struct mean *m, const struct place *at) {
    struct bedrock_thing t;
    const char *from = w->p;
    mean_clear_fields(thing_fields, sizeof thing_fields / sizeof *thing_fields, &t);
    MEAN_READ(w, thing_fields, &t);
    if (t.mark.n > 0) {
        mark(m, at, t.mark);
        return;
    }
    struct mean_part *p = add(m, at, MEAN_OTHER);
    bool inner = at->result != NULL;
    p->raw = gw_str(from, (size_t)(w->p - from));
    if (!settle_inner(m, at, &t, p)) {
        if (inner)
            mean_use(m, FEATURE_OTHER);
        else
            settle(m, &t, p);
    }
    if (inner && p->kind != MEAN_TEXT)
        mean_use(m, FEATURE_RESULT_IMAGE);
}

static void read_list(struct gw_walk *w, struct mean *m, const struct place *at) {
    if (!gw_walk_enter(w, '['))
        return;
    while (gw_walk_item(w))
        add_block(w, m, at);
}

static void read_content(struct gw_str value, struct mean *m, const struct place *at) {
    struct gw_walk w = mean_walk(value);
    if (value.n > 0)
        read_list(&w, m, at);
}

/* ------------------------------------------------------------------ messages */

static enum mean_role role_of(struct mean *m, struct gw_str word) {
    if (is(word, "assistant"))
        return MEAN_ASSISTANT;
    if (!is(word, "user"))
        mean_wrong(m, "a message has no role that is known");
    return MEAN_USER;
}

/* Its content is read as it comes, unless its role comes behind it. */
static void read_message(struct gw_walk *w, struct mean *m) {
    struct gw_str name, content = GW_STR("");
    struct mean_turn *t = NULL;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "role"))
            t = mean_add_turn(m, role_of(m, mean_raw(w)));
        else if (is(name, "content") && t != NULL)
            read_list(w, m, &(struct place){.turn = t});
        else if (is(name, "content"))
            content = mean_value(w);
        else
            gw_walk_skip(w);
    }
    if (t == NULL)
        t = mean_add_turn(m, role_of(m, GW_STR("")));
    read_content(content, m, &(struct place){.turn = t});
}

void bedrock_read_messages(struct gw_walk *w, struct mean *m) {
    bool any = false;
    if (!gw_walk_enter(w, '[')) {
        mean_wrong(m, "\"messages\" is no list");
        return;
    }
    for (; gw_walk_item(w); any = true)
        read_message(w, m);
    if (!any)
        mean_wrong(m, "there are no messages");
}

void bedrock_read_system(struct gw_str value, struct mean *m) {
    struct mean_turn *last = m->last;
    if (value.n == 0)
        return;
    read_content(value, m, &(struct place){.turn = mean_add_turn(m, MEAN_SYSTEM)});
    mean_lead(m, last);
}

void bedrock_read_content(struct gw_str value, struct mean *m, struct mean_turn *t) {
    read_content(value, m, &(struct place){.turn = t});
}
