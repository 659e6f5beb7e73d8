/*
 * Ollama's JSON lines: /api/chat has {"message":{"content","thinking","tool_calls"},"done"},
 * /api/generate {"response","thinking","done"}. Tool calls come whole, as JSON values.
 */
#include "format/event.h"

static bool is(struct gw_str name, const char *literal) {
    return gw_str_eq(name, gw_str(literal, strlen(literal)));
}

static void read_string(struct gw_walk *w, struct event *e, enum event_part part) {
    struct gw_str raw;
    if (gw_walk_string(w, &raw))
        event_add(e, (uint32_t)part, raw);
}

static void read_tools(struct gw_walk *w, struct event *e) {
    bool list = gw_walk_kind(w) == '[';
    const char *from = w->p;
    uint32_t n = e->pieces_n;
    if (!gw_walk_skip(w) || !list || w->p - from == 2)
        return;
    event_add(e, PART_TOOL_ARGUMENTS, gw_str(from, (size_t)(w->p - from)));
    if (e->pieces_n > n)
        e->piece[n].whole = true;
}

static void read_message(struct gw_walk *w, struct event *e) {
    struct gw_str name;
    while (gw_walk_member(w, &name)) {
        if (is(name, "content"))
            read_string(w, e, PART_TEXT);
        else if (is(name, "thinking"))
            read_string(w, e, PART_REASONING);
        else if (is(name, "tool_calls"))
            read_tools(w, e);
        else
            gw_walk_skip(w);
    }
}

static bool read_event(struct gw_walk *w, struct event *e) {
    struct gw_str name;
    bool own = false, told = false, failed = false;
    gw_walk_enter(w, '{');
    while (gw_walk_member(w, &name)) {
        char kind = gw_walk_kind(w);
        if (is(name, "message") && kind == '{') {
            own = gw_walk_enter(w, '{');
            read_message(w, e);
        } else if (is(name, "response") && kind == '"') {
            own = true;
            read_string(w, e, PART_TEXT);
        } else if (is(name, "thinking")) {
            read_string(w, e, PART_REASONING);
        } else if (is(name, "error") && kind == '"') {
            failed = gw_walk_skip(w);
        } else if (is(name, "done") && (kind == 't' || kind == 'f')) {
            told = gw_walk_skip(w);
            e->finish = e->end = kind == 't';
        } else {
            gw_walk_skip(w);
        }
    }
    e->choices = 1;
    e->finished = e->finish;
    e->is = failed            ? EVENT_ERROR
            : e->pieces_n > 0 ? EVENT_CONTENT
            : e->finish       ? EVENT_FINISH
                              : EVENT_PREAMBLE;
    return failed || (told && (own || e->finish));
}

static void put_error(struct gw_buf *b, const struct dialect_error *e) {
    gw_buf_put(b, GW_STR("{\"error\":\""));
    gw_buf_put_json(b, e->message);
    gw_buf_put(b, GW_STR("\"}\n"));
}

const struct dialect dialect_ollama = {
    .name = GW_STR_INIT("ollama"),
    .framing = FRAMING_LINES,
    .paths = {{GW_STR_INIT("/api/chat"), true}, {GW_STR_INIT("/api/generate"), false}},
    .seed = FACTS_OPTIONS_SEED,
    .streams = true,
    .read = read_event,
    .keep_alive = DIALECT_SPACE,
    .end = GW_STR_INIT(""),
    .error_head = GW_STR_INIT("{\"error\":\""),
    .error_tail = GW_STR_INIT("\"}\n"),
    .put_error = put_error,
};
