#include "format/event.h"

/* ------------------------------------------------------------------ where an event ends */

static bool is_break(char c) {
    return c == '\n' || c == '\r';
}

/* The length of an event that ends somewhere behind `at`, where a line ends with a CR or a LF: the
 * next line must be empty. A CR may be half of a CRLF: only a second one shows that it is not. */
static size_t end_behind(struct gw_str s, size_t at) {
    size_t next = at + 1;
    if (next < s.n && s.p[next] == '\n' && s.p[at] == '\n')
        return next + 1;
    if (next + 1 < s.n && s.p[at] == '\n' && s.p[next] == '\r' && s.p[next + 1] == '\n')
        return next + 2;
    if (next < s.n && s.p[at] == '\r' && s.p[next] == '\r')
        return next + 1;
    return 0;
}

/* Empty lines that stand alone. */
static size_t blank_length(struct gw_str s) {
    if (s.n > 0 && s.p[0] == '\n')
        return 1;
    return s.n > 1 && s.p[0] == '\r' && is_break(s.p[1]) ? 2 : 0;
}

size_t event_length(struct gw_str s, size_t seen, bool lines) {
    size_t at = seen > 3 ? seen - 3 : 0;
    if (lines) {
        ptrdiff_t found = gw_str_chr(gw_str_sub(s, at, s.n), '\n');
        return found < 0 ? 0 : at + (size_t)found + 1;
    }
    size_t blank = blank_length(s);
    if (blank > 0)
        return blank;
    bool returns = gw_str_chr(gw_str_sub(s, at, s.n), '\r') >= 0;
    while (at < s.n) {
        struct gw_str rest = gw_str_sub(s, at, s.n);
        ptrdiff_t found = gw_str_chr(rest, '\n');
        if (returns) {
            ptrdiff_t other = gw_str_chr(rest, '\r');
            found = found < 0 || (other >= 0 && other < found) ? other : found;
        }
        if (found < 0)
            return 0;
        size_t length = end_behind(s, at + (size_t)found);
        if (length > 0)
            return length;
        at += (size_t)found + 1;
    }
    return 0;
}

/* ------------------------------------------------------------------ what it says */

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

/* Whether the JSON is of this dialect; what is no JSON is malformed in any. */
static bool read_as(const struct dialect *d, struct gw_str data, struct event *e) {
    struct gw_walk w;
    memset(e, 0, sizeof *e);
    gw_walk_init(&w, data);
    bool own = gw_walk_kind(&w) == '{' ? d->read(&w, e) : gw_walk_skip(&w) && false;
    if (gw_walk_end(&w))
        return own;
    memset(e, 0, sizeof *e);
    e->is = EVENT_MALFORMED;
    return true;
}

static void read_json(struct gw_str data, bool lines, const struct dialect **dialect,
                      struct event *e) {
    static const struct dialect *const known[] = {&dialect_anthropic, &dialect_openai,
                                                  &dialect_ollama};
    if (*dialect != NULL) {
        if (!read_as(*dialect, data, e))
            *e = (struct event){.is = EVENT_STRANGE};
        return;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i]->lines != lines || !read_as(known[i], data, e))
            continue;
        if (e->is != EVENT_MALFORMED)
            *dialect = known[i];
        return;
    }
    *e = (struct event){.is = EVENT_STRANGE};
}

void event_read(struct gw_str event, bool lines, const struct dialect **dialect, struct event *e) {
    struct gw_str data = event;
    uint32_t n = lines ? !is_blank(event) : data_of(event, &data);
    memset(e, 0, sizeof *e);
    if (n == 0) {
        e->is = EVENT_PING;
    } else if (n > 1) {
        e->is = EVENT_STRANGE; /* JSON over several lines: nobody sends it, and it is not read */
    } else if (!lines && gw_str_eq(data, GW_STR("[DONE]"))) {
        e->is = EVENT_END;
        e->end = true;
        if (*dialect == NULL)
            *dialect = &dialect_openai;
    } else {
        read_json(data, lines, dialect, e);
    }
}

const struct dialect *event_dialect_of_path(struct gw_str path, bool lines) {
    if (lines)
        return gw_str_ends(path, GW_STR("/api/chat")) || gw_str_ends(path, GW_STR("/api/generate"))
                   ? &dialect_ollama
                   : NULL;
    if (gw_str_ends(path, GW_STR("/messages")))
        return &dialect_anthropic;
    return gw_str_ends(path, GW_STR("/completions")) ? &dialect_openai : NULL;
}
