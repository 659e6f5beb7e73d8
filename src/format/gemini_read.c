/*
 * Google's contents, read: parts, calls and results, and whose is what. See gemini_speech.c.
 */
#include "format/gemini_speech.h"

bool gemini_read_is(struct gw_str name, const char *camel) {
    size_t i = 0;
    for (; *camel != '\0'; camel++) {
        bool upper = *camel >= 'A' && *camel <= 'Z';
        i += upper && i + 1 < name.n && name.p[i] == '_';
        bool same = i < name.n && (name.p[i] == *camel || (upper && i > 0 && name.p[i - 1] == '_' &&
                                                           name.p[i] == gw_lower(*camel)));
        if (!same)
            return false;
        i++;
    }
    return i == name.n;
}

static bool is(struct gw_str name, const char *camel) {
    return gemini_read_is(name, camel);
}

struct gemini_items gemini_read_items(struct gw_walk *w) {
    struct gemini_items items = {false, false};
    char kind = gw_walk_kind(w);
    if (kind == '[')
        items.list = gw_walk_enter(w, '[');
    else if (kind == 'n')
        items.over = gw_walk_skip(w);
    return items;
}

bool gemini_read_item(struct gw_walk *w, struct gemini_items *items) {
    if (items->list)
        return gw_walk_item(w);
    bool more = !items->over && !w->bad;
    items->over = true;
    return more;
}

/* ------------------------------------------------------------------ media */

/* A slash may stand escaped. */
struct gw_str gemini_read_media(struct gw_walk *w, struct mean *m) {
    struct gw_buf b;
    struct gw_str raw = mean_raw(w);
    if (gw_str_chr(raw, '\\') < 0)
        return raw;
    gw_buf_init(&b, m->arena, 6 * raw.n);
    for (size_t i = 0; i < raw.n; i++)
        if (raw.p[i] != '\\' || i + 1 == raw.n || raw.p[i + 1] != '/')
            gw_buf_putc(&b, raw.p[i]);
    return gw_buf_str(&b);
}

static enum mean_kind kind_of(struct gw_str media) {
    return gw_str_starts(media, GW_STR("image/"))   ? MEAN_IMAGE
           : gw_str_starts(media, GW_STR("audio/")) ? MEAN_AUDIO
           : gw_str_starts(media, GW_STR("video/")) ? MEAN_OTHER
                                                    : MEAN_FILE;
}

/* {"mimeType", "data"} or {"mimeType", "fileUri"}. */
static void read_blob(struct gw_walk *w, struct mean *m, struct mean_part *p) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "mimeType"))
            p->media = gemini_read_media(w, m);
        else if (is(name, "data"))
            p->data = mean_raw(w);
        else if (is(name, "fileUri"))
            p->url = mean_raw(w);
        else if (is(name, "displayName"))
            p->name = mean_raw(w);
        else
            gw_walk_skip(w);
    }
    p->kind = kind_of(p->media);
}

/* Files that only Google can reach: uploaded ones, those of its cloud, and videos that it shows. */
static bool is_kept(struct gw_str url) {
    static const struct gw_str of[] = {
        GW_STR_INIT("gs://"),
        GW_STR_INIT("https://generativelanguage.googleapis.com/"),
        GW_STR_INIT("https://www.youtube.com/"),
        GW_STR_INIT("https://youtu.be/"),
    };
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        if (gw_str_starts(url, of[i]))
            return true;
    return false;
}

static void use_place(struct mean *m, struct mean_part *p) {
    if (is_kept(p->url)) {
        p->file = p->url;
        p->url = GW_STR("");
        mean_use(m, FEATURE_FILE_ID);
    } else {
        mean_use(m, p->kind == MEAN_IMAGE ? FEATURE_IMAGE_URL : FEATURE_FILE_URL);
    }
    if (p->kind == MEAN_AUDIO)
        mean_use(m, FEATURE_AUDIO);
}

static void use_media(struct mean *m, struct mean_part *p) {
    if (p->kind == MEAN_OTHER)
        mean_use(m, FEATURE_OTHER);
    else if (p->data.n == 0)
        use_place(m, p);
    else if (p->kind == MEAN_FILE)
        mean_use_file(m, p);
    else
        mean_use(m, p->kind == MEAN_IMAGE ? FEATURE_IMAGE : FEATURE_AUDIO);
}

/* ------------------------------------------------------------------ calls */

static void read_call(struct gw_walk *w, struct mean_part *p) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    p->kind = MEAN_CALL;
    while (gw_walk_member(w, &name)) {
        if (is(name, "id"))
            p->id = mean_raw(w);
        else if (is(name, "name"))
            p->name = mean_raw(w);
        else if (is(name, "args") && gw_walk_kind(w) == '{')
            p->args = mean_value(w);
        else
            gw_walk_skip(w);
    }
}

/* What the tool has said: what the only member holds, if that has one of these names, or all of it. */
static struct gw_str said_in(struct gw_str response, struct mean_part *result) {
    struct gw_str name, value = GW_STR(""), first = GW_STR("");
    struct gw_walk w;
    uint32_t n = 0;
    gw_walk_init(&w, response);
    if (!gw_walk_enter(&w, '{'))
        return response;
    while (gw_walk_member(&w, &name)) {
        first = name;
        value = mean_value(&w);
        n++;
    }
    bool error = is(first, "error");
    if (n != 1 || value.n == 0 || !(error || is(first, "output") || is(first, "result")))
        return response;
    result->failed = error;
    return value;
}

/* A value as a text. */
static struct gw_str text_of(struct mean *m, struct gw_str value) {
    struct gw_buf b;
    if (value.p[0] == '"')
        return gw_str_sub(value, 1, value.n - 2);
    gw_buf_init(&b, m->arena, 6 * value.n);
    gw_buf_put_json(&b, value);
    m->full |= b.full;
    return gw_buf_str(&b);
}

static void add_inner(struct gw_walk *w, struct mean *m, struct mean_part *result) {
    struct gw_str name;
    struct mean_part *p = mean_add_inner(m, result, MEAN_OTHER);
    bool object = gw_walk_enter(w, '{');
    while (object && gw_walk_member(w, &name)) {
        if (is(name, "inlineData") || is(name, "fileData"))
            read_blob(w, m, p);
        else
            gw_walk_skip(w);
    }
    mean_use(m, FEATURE_RESULT_IMAGE);
    use_media(m, p);
}

/* What was said comes first, wherever it stands. */
static void add_response(struct mean *m, struct mean_part *result, struct gw_str response,
                         struct gw_str parts) {
    struct gw_walk w;
    if (response.n > 0) {
        struct gw_str said = said_in(response, result);
        mean_add_inner(m, result, MEAN_TEXT)->text = text_of(m, said);
    }
    if (result->failed)
        mean_use(m, FEATURE_RESULT_FAILED);
    gw_walk_init(&w, parts);
    if (parts.n == 0)
        return;
    for (struct gemini_items all = gemini_read_items(&w); gemini_read_item(&w, &all);)
        add_inner(&w, m, result);
}

static void read_result(struct gw_walk *w, struct mean *m, struct mean_part *p) {
    struct gw_str name, response = GW_STR(""), parts = GW_STR("");
    if (!gw_walk_enter(w, '{'))
        return;
    p->kind = MEAN_RESULT;
    while (gw_walk_member(w, &name)) {
        if (is(name, "id"))
            p->id = mean_raw(w);
        else if (is(name, "name"))
            p->name = mean_raw(w);
        else if (is(name, "response"))
            response = mean_value(w);
        else if (is(name, "parts"))
            parts = mean_value(w);
        else
            gw_walk_skip(w);
    }
    add_response(m, p, response, parts);
}

/* ------------------------------------------------------------------ parts */

static void add(struct mean *m, struct mean_turn *t, const struct mean_part *p) {
    struct mean_part *to = mean_add_part(m, t, p->kind);
    *to = *p;
}

static void add_signature(struct mean *m, struct mean_turn *t, struct gw_str signature) {
    struct mean_part *last = t->last;
    mean_use(m, FEATURE_SIGNATURE);
    if (last != NULL && last->kind == MEAN_REASONING && last->signature.n == 0)
        last->signature = signature;
    else
        mean_add_part(m, t, MEAN_REASONING)->signature = signature;
}

static void add_thought(struct mean *m, struct mean_turn *t, struct mean_part *p) {
    p->kind = MEAN_REASONING;
    p->hidden = p->text.n == 0;
    if (p->signature.n > 0)
        mean_use(m, FEATURE_SIGNATURE);
    if (p->text.n > 0 || p->signature.n > 0)
        add(m, t, p);
}

static void add_text(struct mean *m, struct mean_turn *t, struct mean_part *p) {
    struct gw_str signature = p->signature;
    p->signature = GW_STR("");
    if (p->text.n > 0)
        add(m, t, p);
    if (signature.n > 0 && p->text.n > 0) {
        mean_use(m, FEATURE_SIGNATURE);
        mean_add_part(m, t, MEAN_REASONING)->signature = signature;
    } else if (signature.n > 0) {
        add_signature(m, t, signature);
    }
}

/* A part is what it has a member for; its members may come in any order. */
static void read_piece(struct gw_walk *w, struct gw_str name, struct mean *m, struct mean_part *p,
                       bool *told) {
    char kind = gw_walk_kind(w);
    *told |= kind == '{';
    if (is(name, "thoughtSignature")) {
        p->signature = mean_raw(w);
    } else if (kind == '"' && is(name, "text")) {
        p->kind = MEAN_TEXT;
        p->text = mean_raw(w);
    } else if (is(name, "inlineData") || is(name, "fileData")) {
        read_blob(w, m, p);
        if (kind == '{')
            use_media(m, p);
    } else if (is(name, "functionCall")) {
        read_call(w, p);
    } else if (is(name, "functionResponse")) {
        read_result(w, m, p);
    } else {
        *told = *told && !is(name, "videoMetadata") && !is(name, "mediaResolution") &&
                !is(name, "partMetadata");
        gw_walk_skip(w);
    }
}

static void read_part(struct gw_walk *w, struct mean *m, struct mean_turn *t) {
    struct gw_str name;
    struct mean_part p = {.kind = MEAN_OTHER};
    bool thought = false, told = false;
    gw_walk_kind(w);
    const char *from = w->p;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "thought"))
            thought = mean_true(w);
        else
            read_piece(w, name, m, &p, &told);
    }
    p.raw = gw_str(from, (size_t)(w->p - from));
    if (p.kind == MEAN_TEXT || (p.kind == MEAN_OTHER && !told)) {
        if (thought)
            add_thought(m, t, &p);
        else
            add_text(m, t, &p);
        return;
    }
    if (p.kind == MEAN_OTHER)
        mean_use(m, FEATURE_OTHER);
    add(m, t, &p);
}

static void read_parts(struct gw_walk *w, struct mean *m, struct mean_turn *t) {
    for (struct gemini_items all = gemini_read_items(w); gemini_read_item(w, &all);)
        read_part(w, m, t);
}

/* ------------------------------------------------------------------ contents */

/* Its role; empty: none is said. */
struct gw_str gemini_read_content(struct gw_walk *w, struct mean *m, struct mean_turn *t) {
    struct gw_str name, role = GW_STR("");
    if (!gw_walk_enter(w, '{'))
        return role;
    while (gw_walk_member(w, &name)) {
        if (is(name, "role"))
            role = mean_raw(w);
        else if (is(name, "parts"))
            read_parts(w, m, t);
        else
            gw_walk_skip(w);
    }
    return role;
}

/* One that says nothing is none. */
static void drop_last(struct mean *m, struct mean_turn *before) {
    m->last = before;
    if (before != NULL)
        before->next = NULL;
    else
        m->turns = NULL;
}

static void read_turn(struct gw_walk *w, struct mean *m) {
    struct mean_turn *before = m->last, *t = mean_add_turn(m, MEAN_USER);
    struct gw_str role = gemini_read_content(w, m, t);
    bool model = is(role, "model");
    if (model)
        t->role = MEAN_ASSISTANT;
    else if (role.n > 0 && !is(role, "user") && !is(role, "function"))
        mean_wrong(m, "a role is neither user nor model");
    if (t->parts == NULL && m->last == t)
        drop_last(m, before);
}

/* Text alone, or a content. */
void gemini_read_system(struct gw_walk *w, struct mean *m) {
    struct mean_turn *t = mean_add_turn(m, MEAN_SYSTEM);
    if (gw_walk_kind(w) == '"')
        mean_add_part(m, t, MEAN_TEXT)->text = mean_raw(w);
    else
        gemini_read_content(w, m, t);
    if (t->parts == NULL && m->last == t)
        drop_last(m, NULL);
}

/* ------------------------------------------------------------------ joining */

/* Whether both are pieces of one text, or of one thought, that a signature ends. */
static bool is_one(const struct mean_part *a, const struct mean_part *b) {
    if (b == NULL || a->kind != b->kind)
        return false;
    return a->kind == MEAN_TEXT ||
           (a->kind == MEAN_REASONING && !a->hidden && !b->hidden && a->signature.n == 0);
}

/* Joins a part with those behind it, up to `end`. */
static void join(struct mean *m, struct mean_part *p, const struct mean_part *end) {
    struct gw_buf b;
    size_t n = 0;
    for (const struct mean_part *q = p; q != end; q = q->next)
        n += q->text.n;
    gw_buf_init(&b, m->arena, n);
    for (const struct mean_part *q = p; q != end; q = q->next) {
        gw_buf_put(&b, q->text);
        p->signature = q->signature;
    }
    m->full |= b.full;
    p->text = gw_buf_str(&b);
}

void gemini_read_joined(struct mean *m, struct mean_turn *t) {
    for (struct mean_part *p = t->parts; p != NULL; p = p->next) {
        struct mean_part *last = p;
        while (is_one(last, last->next))
            last = last->next;
        if (last == p)
            continue;
        join(m, p, last->next);
        p->next = last->next;
        t->last = t->last == last ? p : t->last;
    }
}

/* Google's SDKs keep each piece of a stream as a content of its own. */
static void join_turns(struct mean *m) {
    for (struct mean_turn *t = m->turns; t != NULL; t = t->next) {
        if (t->role != MEAN_ASSISTANT)
            continue;
        while (t->next != NULL && t->next->role == MEAN_ASSISTANT) {
            t->last->next = t->next->parts;
            t->last = t->next->last;
            t->next = t->next->next;
        }
        m->last = t->next == NULL ? t : m->last;
        gemini_read_joined(m, t);
    }
}

void gemini_read_contents(struct gw_walk *w, struct mean *m) {
    for (struct gemini_items all = gemini_read_items(w); gemini_read_item(w, &all);)
        read_turn(w, m);
    join_turns(m);
}
