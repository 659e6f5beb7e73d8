/*
 * OpenAI's chat completions and completions, as chunks: {"id","choices":[{"index","delta":{"role",
 * "content","reasoning_content","refusal","tool_calls":[{"index","id","function":{"name",
 * "arguments"}}]},"text","finish_reason"}],"usage"}, or {"error":{...}}.
 */
#include "format/embed.h"

static bool is(struct gw_str name, const char *literal) {
    return gw_str_eq(name, gw_str(literal, strlen(literal)));
}

static void read_string(struct gw_walk *w, struct event *e, uint32_t channel) {
    struct gw_str raw;
    if (gw_walk_string(w, &raw))
        event_add(e, channel, raw);
}

/* An unknown member of a delta counts as content, unless it is null, an empty string or a plain scalar. */
static void read_unknown(struct gw_walk *w, struct event *e) {
    struct gw_str raw;
    char kind = gw_walk_kind(w);
    if (kind == '"')
        e->opaque |= gw_walk_string(w, &raw) && raw.n > 0;
    else if (gw_walk_skip(w) && (kind == '{' || kind == '['))
        e->opaque = true;
}

static void read_function(struct gw_walk *w, struct event *e, uint32_t tool) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "name"))
            read_string(w, e, event_channel(0, tool, PART_TOOL_NAME));
        else if (is(name, "arguments"))
            read_string(w, e, event_channel(0, tool, PART_TOOL_ARGUMENTS));
        else
            gw_walk_skip(w);
    }
}

/* Adds the number of a choice or tool to its pieces, those from `from` on. Done last, since the number may
 * stand behind them. */
static void number_pieces(struct event *e, uint32_t from, uint32_t number, uint32_t shift,
                          uint32_t max) {
    if (number > max)
        e->opaque = true;
    for (uint32_t i = from; number <= max && i < e->pieces_n; i++)
        e->piece[i].channel |= number << shift;
}

static void read_tool(struct gw_walk *w, struct event *e) {
    struct gw_str name;
    uint32_t from = e->pieces_n, index = 0;
    while (gw_walk_member(w, &name)) {
        if (is(name, "index"))
            gw_walk_number(w, &index);
        else if (is(name, "id"))
            read_string(w, e, event_channel(0, 0, PART_ID));
        else if (is(name, "function"))
            read_function(w, e, 0);
        else
            gw_walk_skip(w);
    }
    number_pieces(e, from, index, 8, 0xff);
}

static void read_tools(struct gw_walk *w, struct event *e) {
    if (!gw_walk_enter(w, '['))
        return;
    while (gw_walk_item(w))
        if (gw_walk_enter(w, '{'))
            read_tool(w, e);
}

static void read_delta(struct gw_walk *w, struct event *e) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "content") && gw_walk_kind(w) == '"')
            read_string(w, e, event_channel(0, 0, PART_TEXT));
        else if ((is(name, "reasoning_content") || is(name, "reasoning")) && gw_walk_kind(w) == '"')
            read_string(w, e, event_channel(0, 0, PART_REASONING));
        else if (is(name, "refusal"))
            read_string(w, e, event_channel(0, 0, PART_REFUSAL));
        else if (is(name, "tool_calls"))
            read_tools(w, e);
        else if (is(name, "function_call"))
            read_function(w, e, 0);
        else if (is(name, "role"))
            gw_walk_string(w, &e->role);
        else
            read_unknown(w, e);
    }
}

static void read_choice(struct gw_walk *w, struct event *e) {
    struct gw_str name;
    uint32_t from = e->pieces_n, index = 0;
    bool finished = false;
    while (gw_walk_member(w, &name)) {
        if (is(name, "index"))
            gw_walk_number(w, &index);
        else if (is(name, "delta"))
            read_delta(w, e);
        else if (is(name, "text"))
            read_string(w, e, event_channel(0, 0, PART_TEXT));
        else if (is(name, "finish_reason"))
            finished = gw_walk_string(w, &e->why);
        else if (is(name, "logprobs") && gw_walk_kind(w) != 'n')
            e->logprobs = event_value(w);
        else
            gw_walk_skip(w);
    }
    number_pieces(e, from, index, 16, EVENT_CHOICES - 1);
    if (index >= EVENT_CHOICES)
        return;
    e->choices |= 1U << index;
    e->finished |= finished ? 1U << index : 0;
}

static void read_choices(struct gw_walk *w, struct event *e) {
    if (!gw_walk_enter(w, '['))
        return;
    while (gw_walk_item(w))
        if (gw_walk_enter(w, '{'))
            read_choice(w, e);
}

static bool read_event(struct gw_walk *w, struct event *e) {
    struct gw_str name;
    bool own = false, failed = false;
    gw_walk_enter(w, '{');
    while (gw_walk_member(w, &name)) {
        char kind = gw_walk_kind(w);
        if (kind == '[' && is(name, "choices")) {
            own = true;
            read_choices(w, e);
        } else if (kind == '"' && is(name, "id")) {
            gw_walk_string(w, &e->id);
        } else if (kind == '{' && is(name, "usage")) {
            e->usage = event_value(w);
        } else {
            failed |= (kind == '{' || kind == '"') && is(name, "error");
            gw_walk_skip(w);
        }
    }
    e->finish = e->finished != 0;
    event_settle(e, failed);
    return own || failed;
}

/* A string, or null if it is empty. */
static void put_or_null(struct gw_buf *b, struct gw_str value) {
    if (value.n == 0) {
        gw_buf_put(b, GW_STR("null"));
        return;
    }
    gw_buf_putc(b, '"');
    gw_buf_put_json(b, value);
    gw_buf_putc(b, '"');
}

static void put_error(struct gw_buf *b, const struct dialect_error *e) {
    gw_buf_put(b, GW_STR("{\"error\":{\"message\":\""));
    gw_buf_put_json(b, e->message);
    gw_buf_put(b, GW_STR("\",\"type\":\""));
    gw_buf_put_json(b, e->type);
    gw_buf_put(b, GW_STR("\",\"param\":"));
    put_or_null(b, e->param);
    gw_buf_put(b, GW_STR(",\"code\":"));
    put_or_null(b, e->code);
    gw_buf_put(b, GW_STR("}}\n"));
}

const struct dialect dialect_openai = {
    .name = GW_STR_INIT("openai"),
    .framing = FRAMING_SSE,
    .paths = {{GW_STR_INIT("/chat/completions"), true}, {GW_STR_INIT("/completions"), false}},
    .seed = FACTS_SEED,
    .usual = true,
    .speaks_all = true,
    .asks_usage = true,
    .ask = {.path = GW_STR_INIT("/v1/chat/completions"),
            .body = GW_STR_INIT("{\"model\":\"%m\",\"messages\":[%s{\"role\":\"user\","
                                "\"content\":%p}]%l}"),
            .system = GW_STR_INIT("{\"role\":\"system\",\"content\":%v},"),
            .limit = GW_STR_INIT(",\"max_completion_tokens\":%v")},
    .turn_head = GW_STR_INIT(",{\"role\":\"assistant\",\"content\":\""),
    .turn_tail = GW_STR_INIT("\"}"),
    .read = read_event,
    .model = GW_STR_INIT("model"),
    .usage_of = GW_STR_INIT("usage"),
    .usage = {[USAGE_INPUT] = GW_STR_INIT("prompt_tokens"),
              [USAGE_OUTPUT] = GW_STR_INIT("completion_tokens"),
              [USAGE_CACHED] = GW_STR_INIT("cached_tokens"),
              [USAGE_REASONING] = GW_STR_INIT("reasoning_tokens"),
              [USAGE_AUDIO_INPUT] = GW_STR_INIT("prompt_tokens_details.audio_tokens"),
              [USAGE_AUDIO_OUTPUT] = GW_STR_INIT("completion_tokens_details.audio_tokens")},
    .usage_too = {[USAGE_CACHED] = GW_STR_INIT("prompt_cache_hit_tokens")}, /* DeepSeek */
    .why = {[WHY_STOP] = "stop",
            [WHY_LENGTH] = "length",
            [WHY_TOOL] = "tool_calls function_call",
            [WHY_FILTER] = "content_filter"},
    .bare_end = GW_STR_INIT("[DONE]"),
    .keep_alive = DIALECT_COMMENT,
    .end = GW_STR_INIT("data: [DONE]\n\n"),
    .error_head = GW_STR_INIT("data: {\"error\":{\"message\":\""),
    .error_tail = GW_STR_INIT("\",\"type\":\"server_error\",\"param\":null,"
                              "\"code\":\"stream_cut\"}}\n\n"),
    .put_error = put_error,
    .speech = &speech_openai,
    .embeds = &embeds_openai,
    .embeds_at = {GW_STR_INIT("/v1/embeddings")},
};
