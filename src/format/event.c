#include "format/event.h"

static bool is_break(char c) {
    return c == '\n' || c == '\r';
}

/* The event's data lines: how many, and the first one's value. */
static uint32_t data_of(struct gw_str event, struct gw_str *data) {
    uint32_t n = 0;
    while (event.n > 0) {
        size_t end = 0;
        while (end < event.n && !is_break(event.p[end]))
            end++;
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

/* Pieces are not there before they are counted. */
static void clear(struct event *e, enum event_is is) {
    memset(e, 0, offsetof(struct event, piece));
    e->is = is;
}

/* Whether the JSON is of this dialect; what is no JSON is malformed in any. */
static bool read_as(const struct dialect *d, struct gw_str data, struct event *e) {
    struct gw_walk w;
    clear(e, EVENT_PING);
    gw_walk_init(&w, data);
    bool own = gw_walk_kind(&w) == '{' ? d->read(&w, e) : gw_walk_skip(&w) && false;
    if (gw_walk_end(&w))
        return own;
    clear(e, EVENT_MALFORMED);
    return true;
}

/* The dialect whose end mark it is, without being JSON; or NULL. */
static const struct dialect *ended_by(struct gw_str data, enum framing framing) {
    const struct dialect *d;
    for (uint32_t i = 0; (d = dialects_at(i)) != NULL; i++)
        if (d->framing == framing && d->bare_end.n > 0 && gw_str_eq(d->bare_end, data))
            return d;
    return NULL;
}

static void read_json(struct gw_str data, enum framing framing, const struct dialect **dialect,
                      struct event *e) {
    const struct dialect *d;
    if (*dialect != NULL) {
        if (!read_as(*dialect, data, e))
            clear(e, EVENT_STRANGE);
        return;
    }
    for (uint32_t i = 0; (d = dialects_at(i)) != NULL; i++) {
        if (d->framing != framing || !read_as(d, data, e))
            continue;
        if (e->is != EVENT_MALFORMED)
            *dialect = d;
        return;
    }
    clear(e, EVENT_STRANGE);
}

void event_read(struct gw_str event, enum framing framing, const struct dialect **dialect,
                struct event *e) {
    struct gw_str data = event;
    uint32_t n = framing == FRAMING_LINES ? !is_blank(event) : data_of(event, &data);
    const struct dialect *d = NULL;
    clear(e, EVENT_PING);
    if (n == 0)
        return;
    if (n > 1) {
        e->is = EVENT_STRANGE; /* JSON over several lines: nobody sends it, and it is not read */
    } else if (data.n > 0 && data.p[0] != '{' && (d = ended_by(data, framing)) != NULL) {
        e->is = EVENT_END;
        e->end = true;
        if (*dialect == NULL)
            *dialect = d;
    } else {
        read_json(data, framing, dialect, e);
    }
}
