/*
 * Ollama's JSON lines: /api/chat has {"message":{"content","thinking","tool_calls"},"done"},
 * /api/generate {"response","thinking","done"}. A tool call is never split
 * between lines; its arguments are a JSON value, not a string.
 */
#include "format/embed.h"
#include "format/event.h"
#include "format/speech.h"

enum { TOOLS_MAX = 255 }; /* event.tools counts them */

static bool is(struct gw_str name, const char *literal) {
    return gw_str_eq(name, gw_str(literal, strlen(literal)));
}

static void read_string(struct gw_walk *w, struct event *e, enum event_part part) {
    struct gw_str raw;
    if (gw_walk_string(w, &raw))
        event_add(e, (uint32_t)part, raw);
}

/* No part of a call can be cut out of its line, nor continued in the next. */
static void add_whole(struct event *e, enum event_part part, struct gw_str value) {
    bool quoted = value.n > 0 && value.p[0] == '"';
    uint32_t n = e->pieces_n;
    event_add(e, event_channel(0, (uint32_t)e->tools, part),
              quoted ? gw_str_sub(value, 1, value.n - 2) : value);
    if (e->pieces_n > n)
        e->piece[n].whole = true;
}

/* {"id", "function": {"name", "arguments"}} */
static void read_tool(struct gw_walk *w, struct event *e) {
    struct gw_str name;
    for (uint32_t levels = 1; levels > 0;) {
        if (!gw_walk_member(w, &name)) {
            levels = w->bad ? 0 : levels - 1;
            continue;
        }
        if (is(name, "function")) {
            levels += gw_walk_enter(w, '{');
            continue;
        }
        enum event_part part = is(name, "name")        ? PART_TOOL_NAME
                               : is(name, "arguments") ? PART_TOOL_ARGUMENTS
                               : is(name, "id")        ? PART_ID
                                                       : 0;
        struct gw_str value = event_value(w);
        if (part != 0)
            add_whole(e, part, value);
    }
    e->opaque |= e->tools >= TOOLS_MAX;
    e->tools += e->tools < TOOLS_MAX;
}

static void read_tools(struct gw_walk *w, struct event *e) {
    if (!gw_walk_enter(w, '['))
        return;
    while (gw_walk_item(w))
        if (gw_walk_enter(w, '{'))
            read_tool(w, e);
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
        else if (is(name, "role"))
            gw_walk_string(w, &e->role);
        else
            gw_walk_skip(w);
    }
}

static bool read_event(struct gw_walk *w, struct event *e) {
    struct gw_str name;
    const char *from = w->p;
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
        } else if (is(name, "done_reason")) {
            gw_walk_string(w, &e->why);
        } else if (is(name, "logprobs")) {
            e->logprobs = event_list(w);
        } else {
            gw_walk_skip(w);
        }
    }
    if (e->finish)
        e->usage = gw_str(from, (size_t)(w->p - from));
    e->choices = 1;
    e->finished = e->finish;
    event_settle(e, failed);
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
    .usual = true,
    .streams = true,
    .ask = {.path = GW_STR_INIT("/api/chat"),
            .body = GW_STR_INIT("{\"model\":\"%m\",\"stream\":false,\"messages\":[%s{\"role\":"
                                "\"user\",\"content\":%p}]%l}"),
            .system = GW_STR_INIT("{\"role\":\"system\",\"content\":%v},"),
            .limit = GW_STR_INIT(",\"options\":{\"num_predict\":%v}")},
    .read = read_event,
    .model = GW_STR_INIT("model"),
    .usage = {[USAGE_INPUT] = GW_STR_INIT("prompt_eval_count"),
              [USAGE_OUTPUT] = GW_STR_INIT("eval_count")},
    .why = {[WHY_STOP] = "stop", [WHY_LENGTH] = "length"},
    .keep_alive = DIALECT_SPACE,
    .end = GW_STR_INIT(""),
    .error_head = GW_STR_INIT("{\"error\":\""),
    .error_tail = GW_STR_INIT("\"}\n"),
    .put_error = put_error,
    .speech = &speech_ollama,
    .embeds = &embeds_ollama,
    .embeds_at = {GW_STR_INIT("/api/embed"), GW_STR_INIT("/api/embeddings")},
    .speaks_all = true,
};
