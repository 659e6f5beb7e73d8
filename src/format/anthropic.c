/*
 * Anthropic's messages: events that name themselves in "type". A block's start and end are counted
 * (event.mark), so that those that a client has had are known again.
 */
#include "format/event.h"

enum { BLOCKS_MAX = 0xffff };

static bool is(struct gw_str name, const char *literal) {
    return gw_str_eq(name, gw_str(literal, strlen(literal)));
}

/* What the members said that count, whatever their order. */
struct said {
    struct gw_str type;
    uint32_t index;
    struct gw_str part_type; /* of the block, or of its delta */
    struct gw_str stop_reason;
};

/* A block as it begins: a tool has its name in it. */
static void read_block(struct gw_walk *w, struct event *e, struct said *said) {
    struct gw_str name, raw;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        bool type = is(name, "type"), tool = is(name, "name");
        bool text = is(name, "text"), thinking = is(name, "thinking");
        if (!type && !tool && !text && !thinking) {
            gw_walk_skip(w);
        } else if (gw_walk_string(w, &raw)) {
            event_add(e,
                      (uint32_t)(type       ? PART_TYPE
                                 : tool     ? PART_TOOL_NAME
                                 : thinking ? PART_REASONING
                                            : PART_TEXT),
                      raw);
            if (type)
                said->part_type = raw;
        }
    }
}

static void read_delta(struct gw_walk *w, struct event *e, struct said *said) {
    static const struct {
        struct gw_str name;
        enum event_part part;
    } parts[] = {{GW_STR_INIT("text"), PART_TEXT},
                 {GW_STR_INIT("thinking"), PART_REASONING},
                 {GW_STR_INIT("partial_json"), PART_TOOL_ARGUMENTS},
                 {GW_STR_INIT("signature"), PART_ID}};
    struct gw_str name, raw;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        enum event_part part = 0;
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
            if (gw_str_eq(parts[i].name, name))
                part = parts[i].part;
        bool type = is(name, "type"), reason = is(name, "stop_reason");
        if (part == 0 && !type && !reason) {
            e->opaque |= gw_walk_kind(w) == '{' || gw_walk_kind(w) == '[';
            gw_walk_skip(w);
        } else if (gw_walk_string(w, &raw)) {
            if (part != 0)
                event_add(e, (uint32_t)part, raw);
            else
                *(type ? &said->part_type : &said->stop_reason) = raw;
        }
    }
}

static void judge(struct event *e, const struct said *said) {
    uint32_t index = said->index;
    if (is(said->type, "content_block_start")) {
        e->mark = 2 * index + 1;
        e->is = is(said->part_type, "text") || is(said->part_type, "thinking") ? EVENT_PREAMBLE
                                                                               : EVENT_CONTENT;
    } else if (is(said->type, "content_block_delta")) {
        e->is = e->pieces_n > 0 || e->opaque ? EVENT_CONTENT : EVENT_PREAMBLE;
    } else if (is(said->type, "content_block_stop")) {
        e->mark = 2 * index + 2;
        e->is = EVENT_PREAMBLE;
    } else if (is(said->type, "message_delta")) {
        e->opaque = false;
        e->finish = said->stop_reason.n > 0;
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
            read_block(w, e, &said);
        else if (is(name, "delta") && gw_walk_kind(w) == '{')
            read_delta(w, e, &said);
        else
            gw_walk_skip(w);
    }
    e->opaque |= said.index > BLOCKS_MAX;
    judge(e, &said);
    for (uint32_t i = 0; said.index <= BLOCKS_MAX && i < e->pieces_n; i++)
        e->piece[i].channel |= said.index << 16;
    return e->is != EVENT_STRANGE;
}

/* Anthropic has a type for each of these; what has none is a fault of one side or the other. */
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
    .read = read_event,
    .keep_alive = DIALECT_COMMENT,
    .end = GW_STR_INIT("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"),
    .error_head = GW_STR_INIT("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
                              "\"api_error\",\"message\":\""),
    .error_tail = GW_STR_INIT("\"}}\n\n"),
    .put_error = put_error,
};
