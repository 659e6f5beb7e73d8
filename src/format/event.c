#include "format/event.h"

#include "base/word.h"
#include "format/aws.h"

static bool is_break(char c) {
    return c == '\n' || c == '\r';
}

static size_t line_end(struct gw_str s) {
    size_t i = 0;
    while (i < s.n && !is_break(s.p[i]))
        i += s.n - i >= 8 && gw_word_controls(gw_word_at(s.p + i)) == 0 ? 8 : 1;
    return i;
}

/* Returns the number of data lines, and the value of the first one. */
static uint32_t data_of(struct gw_str event, struct gw_str *data) {
    uint32_t n = 0;
    while (event.n > 0) {
        size_t end = line_end(event);
        struct gw_str line = gw_str_sub(event, 0, end);
        event = gw_str_sub(event, end + 1, event.n);
        if (!gw_str_starts(line, GW_STR("data")) || (line.n > 4 && line.p[4] != ':'))
            continue;
        if (n++ == 0)
            *data = gw_str_sub(line, line.n > 5 && line.p[5] == ' ' ? 6 : 5, line.n);
    }
    return n;
}

static bool is_blank(struct gw_str line) {
    while (line.n > 0 && (is_break(line.p[0]) || line.p[0] == ' ' || line.p[0] == '\t'))
        line = gw_str_sub(line, 1, line.n);
    return line.n == 0;
}

void event_add(struct event *e, uint32_t channel, struct gw_str raw) {
    if (raw.n == 0)
        return;
    if (e->pieces_n == EVENT_PIECES) {
        e->opaque = true;
        return;
    }
    e->piece[e->pieces_n++] = (struct event_piece){.channel = channel, .raw = raw};
}

void event_add_id(struct event *e, uint32_t kind, struct gw_str raw) {
    if (raw.n == 0)
        return;
    if (e->ids_n == EVENT_IDS) {
        e->opaque = true;
        return;
    }
    e->ids[e->ids_n++] = (struct event_id){kind, raw};
}

/* The number of the tool whose block has this index: the number of tools before it. */
static uint32_t tool_of(struct event *e, uint32_t index) {
    uint64_t bit = 1ULL << index;
    uint32_t n = 0;
    e->tools |= bit;
    for (uint64_t before = e->tools & (bit - 1); before != 0; before &= before - 1)
        n++;
    return n;
}

void event_place(struct event *e, uint32_t index) {
    for (uint32_t i = 0; i < e->pieces_n && index < EVENT_BLOCKS; i++) {
        uint32_t part = e->piece[i].channel;
        if (part >= PART_ID)
            e->piece[i].channel |= tool_of(e, index) << 8;
        else if (part >= PART_TYPE)
            e->piece[i].channel |= index << 8;
    }
}

struct gw_str event_value(struct gw_walk *w) {
    bool null = gw_walk_kind(w) == 'n';
    const char *from = w->p;
    return gw_walk_skip(w) && !null ? gw_str(from, (size_t)(w->p - from)) : GW_STR("");
}

struct gw_str event_list(struct gw_walk *w) {
    struct gw_str list = event_value(w);
    return list.n > 2 ? list : GW_STR("");
}

void event_settle(struct event *e, bool failed) {
    e->is = failed                         ? EVENT_ERROR
            : e->pieces_n > 0 || e->opaque ? EVENT_CONTENT
            : e->finish                    ? EVENT_FINISH
                                           : EVENT_PREAMBLE;
}

/* The pieces are left as they are: pieces_n says how many count. */
static void clear(struct event *e, enum event_is is) {
    memset(e, 0, offsetof(struct event, piece));
    e->is = is;
}

/* False if the event is of another dialect. What is not JSON is malformed in all of them. */
static bool read_as(const struct dialect *d, struct gw_str data, uint64_t *tools, struct event *e) {
    struct gw_walk w;
    clear(e, EVENT_PING);
    e->tools = *tools;
    gw_walk_init(&w, data);
    bool own = gw_walk_kind(&w) == '{' ? d->read(&w, e) : gw_walk_skip(&w) && false;
    if (!gw_walk_end(&w)) {
        clear(e, EVENT_MALFORMED);
        return true;
    }
    if (own)
        *tools = e->tools;
    return own;
}

/* The dialect that has this end mark outside of JSON, or NULL. */
static const struct dialect *ended_by(struct gw_str data, enum framing framing) {
    const struct dialect *d;
    for (uint32_t i = 0; (d = dialects_at(i)) != NULL; i++)
        if (d->framing == framing && d->bare_end.n > 0 && gw_str_eq(d->bare_end, data))
            return d;
    return NULL;
}

static void read_json(struct gw_str data, enum framing framing, struct event_source *source,
                      struct event *e) {
    const struct dialect *d;
    if (source->dialect != NULL) {
        if (!read_as(source->dialect, data, &source->tools, e))
            clear(e, EVENT_STRANGE);
        return;
    }
    for (uint32_t i = 0; (d = dialects_at(i)) != NULL; i++) {
        if (d->framing != framing || !read_as(d, data, &source->tools, e))
            continue;
        /* Errors of the general shape come in other dialects, too. */
        if (e->is != EVENT_MALFORMED && !(e->is == EVENT_ERROR && d->usual))
            source->dialect = d;
        return;
    }
    clear(e, EVENT_STRANGE);
}

/* What is no event is an error: an exception, or what AWS's clients raise as one. */
static void read_frame(struct gw_str event, struct event_source *source, struct event *e) {
    struct aws_frame frame;
    if (aws_read(event, &frame) && gw_str_eq(frame.message_type, GW_STR("event")))
        read_json(frame.payload, FRAMING_AWS, source, e);
    else
        clear(e, EVENT_ERROR);
}

void event_read(struct gw_str event, enum framing framing, struct event_source *source,
                struct event *e) {
    if (framing == FRAMING_AWS) {
        read_frame(event, source, e);
        return;
    }
    struct gw_str data = event;
    uint32_t n = framing == FRAMING_LINES ? !is_blank(event) : data_of(event, &data);
    const struct dialect *d = NULL;
    clear(e, EVENT_PING);
    if (n == 0)
        return;
    if (n > 1) {
        e->is = EVENT_STRANGE; /* JSON over several lines is not supported: nobody sends it */
    } else if (data.n > 0 && data.p[0] != '{' && (d = ended_by(data, framing)) != NULL) {
        e->is = EVENT_END;
        e->end = true;
        if (source->dialect == NULL)
            source->dialect = d;
    } else {
        read_json(data, framing, source, e);
    }
}

/* ------------------------------------------------------------------ values on demand */

static bool has_word(const char *words, struct gw_str word) {
    struct gw_str rest = gw_str(words, words != NULL ? strlen(words) : 0);
    while (rest.n > 0) {
        ptrdiff_t space = gw_str_chr(rest, ' ');
        size_t n = space < 0 ? rest.n : (size_t)space;
        if (gw_str_eq(gw_str_sub(rest, 0, n), word))
            return true;
        rest = gw_str_sub(rest, n + 1, rest.n);
    }
    return false;
}

enum event_why event_why_of(const struct dialect *d, struct gw_str word) {
    if (word.n == 0)
        return WHY_UNTOLD;
    for (uint32_t i = WHY_STOP; i < DIALECT_WHYS; i++)
        if (has_word(d->why[i], word))
            return (enum event_why)i;
    return WHY_OTHER;
}

enum event_why event_why(const struct dialect *d, const struct event *e) {
    return event_why_of(d, e->why);
}

struct gw_str event_model(const struct dialect *d, struct gw_str event) {
    struct gw_walk w;
    struct gw_str name, model = GW_STR("");
    ptrdiff_t json = gw_str_chr(event, '{');
    gw_walk_init(&w, gw_str_sub(event, json < 0 ? event.n : (size_t)json, event.n));
    gw_walk_enter(&w, '{');
    while (gw_walk_member(&w, &name)) {
        bool inner = gw_str_eq(name, GW_STR("message")) || gw_str_eq(name, GW_STR("response"));
        if (gw_walk_kind(&w) == '"' && gw_str_eq(name, d->model)) {
            gw_walk_string(&w, &model);
            return model;
        }
        if (!inner || !gw_walk_enter(&w, '{'))
            gw_walk_skip(&w);
    }
    return model;
}

uint64_t event_bytes(const struct event *e) {
    uint64_t n = 0;
    for (uint32_t i = 0; i < e->pieces_n; i++)
        n += e->piece[i].raw.n;
    return n;
}

void event_usage(const struct dialect *d, const struct event *e, struct usage *u) {
    struct usage_reader r;
    if (e->usage.n == 0)
        return;
    usage_begin_inside(&r, d);
    usage_feed(&r, e->usage);
    usage_merge(&r, u);
}
