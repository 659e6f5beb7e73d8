/*
 * Bedrock's ConverseStream and InvokeModelWithResponseStream: frames (aws.h) around JSON.
 *
 *     messageStart        {"role"}
 *     contentBlockStart   {"contentBlockIndex", "start": {"toolUse": {"toolUseId", "name"}}}
 *     contentBlockDelta   {"contentBlockIndex", "delta": {"text"}, {"toolUse": {"input"}} or
 *                         {"reasoningContent": {"text"}, {"signature"} or {"redactedContent"}}}
 *     contentBlockStop    {"contentBlockIndex"}
 *     messageStop         {"stopReason"}
 *     metadata            {"usage", "metrics"}
 *     chunk               {"bytes"}: an event of the model's own, in base64, which is not read
 *
 * Each has a member that the others have not, and so the JSON alone tells which it is. What is none of these
 * is content that is not read. Errors are told by the frame (event.c).
 *
 * Blocks are numbered as Anthropic's are. A text has no start.
 */
#include "format/embed.h"
#include "format/event.h"
#include "format/speech.h"

static bool is(struct gw_str name, const char *literal) {
    return gw_str_eq(name, gw_str(literal, strlen(literal)));
}

/* The strings in a block's start or delta, and what they are. */
static const struct {
    struct gw_str name;
    enum event_part part;
} parts[] = {
    {GW_STR_INIT("text"), PART_TEXT},           {GW_STR_INIT("input"), PART_TOOL_ARGUMENTS},
    {GW_STR_INIT("signature"), PART_SIGNATURE}, {GW_STR_INIT("redactedContent"), PART_REDACTED},
    {GW_STR_INIT("toolUseId"), PART_ID},        {GW_STR_INIT("name"), PART_TOOL_NAME}};

static enum event_part part_of(struct gw_str name) {
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (gw_str_eq(parts[i].name, name))
            return parts[i].part;
    return 0;
}

static void read_block(struct gw_walk *w, struct event *e) {
    struct gw_str name, raw;
    bool reasons = false;
    for (uint32_t levels = gw_walk_enter(w, '{'); levels > 0;) {
        if (!gw_walk_member(w, &name)) {
            levels = w->bad ? 0 : levels - 1;
            reasons = false;
            continue;
        }
        char kind = gw_walk_kind(w);
        enum event_part part = part_of(name);
        if (kind == '{' && (is(name, "toolUse") || is(name, "reasoningContent"))) {
            reasons = is(name, "reasoningContent");
            levels += gw_walk_enter(w, '{');
        } else if (part == 0 || kind != '"') {
            e->opaque |= kind == '{' || kind == '[';
            gw_walk_skip(w);
        } else if (gw_walk_string(w, &raw)) {
            event_add(e, (uint32_t)(reasons && part == PART_TEXT ? PART_REASONING : part), raw);
        }
    }
}

/* What was asked for of the model's own answer: which stop sequence it was. */
static void read_more(struct gw_walk *w, struct event *e) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name))
        if (is(name, "stop_sequence") && gw_walk_kind(w) == '"')
            gw_walk_string(w, &e->stop);
        else
            gw_walk_skip(w);
}

struct block {
    uint32_t index;
    bool told, starts, goes_on; /* told: the event is of one */
};

static void place(struct event *e, const struct block *block) {
    if (!block->told)
        return;
    e->opaque |= block->index >= EVENT_BLOCKS;
    if (block->goes_on)
        e->within = 2 * block->index + 1;
    else
        e->mark = 2 * block->index + (block->starts ? 1 : 2);
    event_place(e, block->index);
}

static bool read_event(struct gw_walk *w, struct event *e) {
    struct gw_str name;
    struct block block = {.index = 0};
    bool known = false;
    gw_walk_enter(w, '{');
    while (gw_walk_member(w, &name)) {
        bool own = true;
        if (is(name, "contentBlockIndex")) {
            block.told = gw_walk_number(w, &block.index);
        } else if (is(name, "delta")) {
            block.goes_on = true;
            read_block(w, e);
        } else if (is(name, "start")) {
            block.starts = true;
            read_block(w, e);
        } else if (is(name, "role")) {
            gw_walk_string(w, &e->role);
        } else if (is(name, "stopReason")) {
            e->finish = gw_walk_string(w, &e->why);
        } else if (is(name, "additionalModelResponseFields")) {
            read_more(w, e);
        } else if (is(name, "usage")) {
            e->usage = event_value(w);
            e->end = true;
        } else {
            own = false;
            gw_walk_skip(w);
        }
        known |= own;
    }
    e->opaque |= !known;
    e->choices = known;
    e->finished = e->finish;
    place(e, &block);
    event_settle(e, false);
    return true;
}

/* The exception for a status; the statuses between them are the client's fault, or ours. */
static struct gw_str exception_of(uint32_t status) {
    switch (status) {
    case 401:
    case 403:
        return GW_STR("AccessDeniedException");
    case 404:
        return GW_STR("ResourceNotFoundException");
    case 408:
    case 504:
        return GW_STR("ModelTimeoutException");
    case 429:
        return GW_STR("ThrottlingException");
    case 502:
    case 503:
        return GW_STR("ServiceUnavailableException");
    default:
        return status < 500 ? GW_STR("ValidationException") : GW_STR("InternalServerException");
    }
}

static void put_error_head(struct gw_buf *head, const struct dialect_error *e) {
    gw_buf_put(head, GW_STR("x-amzn-errortype: "));
    gw_buf_put(head, exception_of(e->status));
    gw_buf_put(head, GW_STR("\r\n"));
}

static void put_error(struct gw_buf *b, const struct dialect_error *e) {
    gw_buf_put(b, GW_STR("{\"message\":\""));
    gw_buf_put_json(b, e->message);
    gw_buf_put(b, GW_STR("\"}"));
}

const struct dialect dialect_bedrock = {
    .name = GW_STR_INIT("bedrock"),
    .framing = FRAMING_AWS,
    .streams_at = GW_STR_INIT("/converse-stream"),
    .paths = {{GW_STR_INIT("/converse"), true}, {GW_STR_INIT("/converse-stream"), true}},
    .usual = true,
    .ask = {.path = GW_STR_INIT("/model/%m/converse"),
            .body =
                GW_STR_INIT("{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":%p}]}]%s%l}"),
            .system = GW_STR_INIT(",\"system\":[{\"text\":%v}]"),
            .limit = GW_STR_INIT(",\"inferenceConfig\":{\"maxTokens\":%v}")},
    .read = read_event,
    .usage_of = GW_STR_INIT("usage"),
    .usage = {[USAGE_INPUT] = GW_STR_INIT("inputTokens"),
              [USAGE_OUTPUT] = GW_STR_INIT("outputTokens"),
              [USAGE_CACHED] = GW_STR_INIT("cacheReadInputTokens"),
              [USAGE_WRITTEN] = GW_STR_INIT("cacheWriteInputTokens")},
    .input_is_rest = true,
    .why = {[WHY_STOP] = "end_turn stop_sequence",
            [WHY_LENGTH] = "max_tokens model_context_window_exceeded",
            [WHY_TOOL] = "tool_use",
            [WHY_FILTER] = "guardrail_intervened content_filtered"},
    .error_head = GW_STR_INIT("{\"message\":\""),
    .error_tail = GW_STR_INIT("\"}"),
    .put_error_head = put_error_head,
    .put_error = put_error,
    .speech = &speech_bedrock,
    .embeds = &embeds_bedrock,
    .embeds_at = {GW_STR_INIT("/invoke")},
};
