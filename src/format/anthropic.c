/*
 * Anthropic's messages: events that name themselves in "type". The starts and ends of blocks are counted
 * (event.mark), so that the ones that a client has had are recognised.
 */
#include "format/event.h"
#include "format/speech.h"

static bool is(struct gw_str name, const char *literal) {
    return gw_str_eq(name, gw_str(literal, strlen(literal)));
}

/* The members that decide what an event is; they may come in any order. */
struct said {
    struct gw_str type;
    uint32_t index;
    struct gw_str part_type; /* of the block, or of its delta */
};

/* The strings in a block, or in its delta, and what they are. */
static const struct {
    struct gw_str name;
    enum event_part part;
} parts[] = {{GW_STR_INIT("text"), PART_TEXT},
             {GW_STR_INIT("thinking"), PART_REASONING},
             {GW_STR_INIT("partial_json"), PART_TOOL_ARGUMENTS},
             {GW_STR_INIT("signature"), PART_SIGNATURE},
             {GW_STR_INIT("type"), PART_TYPE},
             {GW_STR_INIT("data"), PART_REDACTED},
             {GW_STR_INIT("id"), PART_ID},
             {GW_STR_INIT("name"), PART_TOOL_NAME}};

static enum event_part part_of(struct gw_str name) {
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (gw_str_eq(parts[i].name, name))
            return parts[i].part;
    return 0;
}

/* A block as it begins (a tool has its name in it), or a delta. */
static void read_parts(struct gw_walk *w, struct event *e, struct said *said, bool delta) {
    struct gw_str name, raw;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        enum event_part part = part_of(name);
        bool reason = is(name, "stop_reason");
        if (part == 0 && is(name, "stop_sequence") && gw_walk_kind(w) == '"') {
            gw_walk_string(w, &e->stop);
        } else if (part == 0 && !reason) {
            e->opaque |= delta && (gw_walk_kind(w) == '{' || gw_walk_kind(w) == '[');
            gw_walk_skip(w);
        } else if (gw_walk_string(w, &raw)) {
            if (reason)
                e->why = raw;
            else if (part == PART_TYPE)
                said->part_type = raw;
            if (part != 0 && !(delta && part == PART_TYPE))
                event_add(e, (uint32_t)part, raw);
        }
    }
}

static void read_message(struct gw_walk *w, struct event *e) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "role"))
            gw_walk_string(w, &e->role);
        else if (is(name, "usage"))
            e->usage = event_value(w);
        else
            gw_walk_skip(w);
    }
}

static void judge(struct event *e, const struct said *said) {
    uint32_t index = said->index;
    if (is(said->type, "content_block_start")) {
        e->mark = 2 * index + 1;
        e->is = is(said->part_type, "text") || is(said->part_type, "thinking") ? EVENT_PREAMBLE
                                                                               : EVENT_CONTENT;
    } else if (is(said->type, "content_block_delta")) {
        e->within = 2 * index + 1;
        e->is = e->pieces_n > 0 || e->opaque ? EVENT_CONTENT : EVENT_PREAMBLE;
    } else if (is(said->type, "content_block_stop")) {
        e->mark = 2 * index + 2;
        e->is = EVENT_PREAMBLE;
    } else if (is(said->type, "message_delta")) {
        e->opaque = false;
        e->finish = e->why.n > 0;
        e->choices = 1;
        e->finished = e->finish;
        e->is = e->finish ? EVENT_FINISH : EVENT_PREAMBLE;
    } else if (is(said->type, "message_stop")) {
        e->is = EVENT_END;
        e->end = true;
    } else {
        e->is = is(said->type, "error")           ? EVENT_ERROR
                : is(said->type, "message_start") ? EVENT_PREAMBLE
                : is(said->type, "ping")          ? EVENT_PING
                                                  : EVENT_STRANGE;
    }
}

static bool read_event(struct gw_walk *w, struct event *e) {
    struct gw_str name;
    struct said said = {.index = 0};
    gw_walk_enter(w, '{');
    while (gw_walk_member(w, &name)) {
        if (is(name, "type"))
            gw_walk_string(w, &said.type);
        else if (is(name, "index"))
            gw_walk_number(w, &said.index);
        else if (is(name, "content_block"))
            read_parts(w, e, &said, false);
        else if (is(name, "delta") && gw_walk_kind(w) == '{')
            read_parts(w, e, &said, true);
        else if (is(name, "message"))
            read_message(w, e);
        else if (is(name, "usage"))
            e->usage = event_value(w);
        else
            gw_walk_skip(w);
    }
    e->opaque |= said.index >= EVENT_BLOCKS;
    judge(e, &said);
    event_place(e, said.index);
    return e->is != EVENT_STRANGE;
}

/* Anthropic's types for these; all others are a fault of the client or of the server. */
static struct gw_str type_of(uint32_t status) {
    switch (status) {
    case 401:
        return GW_STR("authentication_error");
    case 403:
        return GW_STR("permission_error");
    case 404:
        return GW_STR("not_found_error");
    case 413:
        return GW_STR("request_too_large");
    case 429:
        return GW_STR("rate_limit_error");
    default:
        return status < 500 ? GW_STR("invalid_request_error") : GW_STR("api_error");
    }
}

static void put_error(struct gw_buf *b, const struct dialect_error *e) {
    gw_buf_put(b, GW_STR("{\"type\":\"error\",\"error\":{\"type\":\""));
    gw_buf_put(b, type_of(e->status));
    gw_buf_put(b, GW_STR("\",\"message\":\""));
    gw_buf_put_json(b, e->message);
    gw_buf_put(b, GW_STR("\"}}\n"));
}

const struct dialect dialect_anthropic = {
    .name = GW_STR_INIT("anthropic"),
    .framing = FRAMING_SSE,
    .paths = {{GW_STR_INIT("/messages"), true}},
    .ask = {.path = GW_STR_INIT("/v1/messages"),
            .body = GW_STR_INIT("{\"model\":\"%m\"%s%l,\"messages\":[{\"role\":\"user\","
                                "\"content\":%p}]}"),
            .system = GW_STR_INIT(",\"system\":%v"),
            .limit = GW_STR_INIT(",\"max_tokens\":%v"),
            .no_limit = GW_STR_INIT(",\"max_tokens\":4096")}, /* it wants one */
    .read = read_event,
    .model = GW_STR_INIT("model"),
    .usage_of = GW_STR_INIT("usage"),
    .usage = {[USAGE_INPUT] = GW_STR_INIT("input_tokens"),
              [USAGE_OUTPUT] = GW_STR_INIT("output_tokens"),
              [USAGE_CACHED] = GW_STR_INIT("cache_read_input_tokens"),
              [USAGE_WRITTEN] = GW_STR_INIT("cache_creation_input_tokens")},
    .input_is_rest = true,
    .why = {[WHY_STOP] = "end_turn stop_sequence",
            [WHY_LENGTH] = "max_tokens model_context_window_exceeded",
            [WHY_TOOL] = "tool_use",
            [WHY_FILTER] = "refusal",
            [WHY_PAUSE] = "pause_turn"},
    .keep_alive = DIALECT_COMMENT,
    .end = GW_STR_INIT("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"),
    .error_head = GW_STR_INIT("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
                              "\"api_error\",\"message\":\""),
    .error_tail = GW_STR_INIT("\"}}\n\n"),
    .put_error = put_error,
    .speech = &speech_anthropic,
};
