/*
 * OpenAI's Responses: events that name themselves in "type". An answer is a list of items: messages, which are
 * lists of parts, reasoning, calls of tools. Deltas bring the content; the starts and ends of items and parts,
 * and what else happens to them, are counted (event.mark), so that the ones that a client has had are recognised.
 * What a "done" says again in full is not read: it is what the deltas before it have said. Only the signature of what
 * was thought comes with the end of its item.
 *
 * An item has a number, its output_index. llama.cpp sends none: then they are counted, one after the other.
 *
 *     event.tools     bits 0 to 15: marks so far; 16 to 21: items so far; from 22 on a bit per item: it is a call
 *     mark            1: the answer's own beginnings; from 2 on in their order
 */
#include "format/event.h"
#include "format/speech.h"

enum { MARKS_MAX = 0xffff, ITEMS_FROM = 16, ITEMS_MAX = 42, CALLS_FROM = 22 };

static bool is(struct gw_str name, const char *literal) {
    return gw_str_eq(name, gw_str(literal, strlen(literal)));
}

/* What decides what an event is; its members may come in any order. */
struct said {
    struct gw_str type, delta, status, reason;
    struct gw_str item_type, item_name, item_arguments, item_call, item_signature;
    uint32_t index;
    bool numbered; /* it says which item */
    bool shown;    /* the item says what it thinks */
    bool failed;   /* it has what only an error has */
    bool error;    /* it has a member of that name */
};

/* The deltas that are read, and what they are. */
static const struct {
    struct gw_str type;
    enum event_part part;
} deltas[] = {{GW_STR_INIT("output_text.delta"), PART_TEXT},
              {GW_STR_INIT("refusal.delta"), PART_REFUSAL},
              {GW_STR_INIT("reasoning_text.delta"), PART_REASONING},
              {GW_STR_INIT("reasoning_summary_text.delta"), PART_REASONING},
              {GW_STR_INIT("function_call_arguments.delta"), PART_TOOL_ARGUMENTS},
              {GW_STR_INIT("custom_tool_call_input.delta"), PART_TOOL_ARGUMENTS},
              {GW_STR_INIT("mcp_call_arguments.delta"), PART_TOOL_ARGUMENTS}};

static void read_item(struct gw_walk *w, struct event *e, struct said *said) {
    struct gw_str name, raw;
    while (gw_walk_member(w, &name)) {
        bool call = is(name, "call_id");
        struct gw_str *to = is(name, "type")                             ? &said->item_type
                            : is(name, "name")                           ? &said->item_name
                            : is(name, "arguments") || is(name, "input") ? &said->item_arguments
                            : is(name, "encrypted_content")              ? &said->item_signature
                            : call                                       ? &said->item_call
                                                                         : NULL;
        if (is(name, "summary") || is(name, "content")) {
            said->shown |= event_value(w).n > 2;
        } else if (to == NULL && !is(name, "id")) {
            gw_walk_skip(w);
        } else if (gw_walk_string(w, &raw)) {
            if (to != NULL)
                *to = raw;
            if (to == NULL || call)
                event_add_id(e, call, raw);
        }
    }
}

static bool is_call(struct gw_str item_type) {
    return is(item_type, "function_call") || is(item_type, "custom_tool_call") ||
           is(item_type, "mcp_call");
}

/* The items of the whole answer: the last call of a tool is why it ended. */
static void read_output(struct gw_walk *w, struct event *e, struct said *said) {
    if (!gw_walk_enter(w, '['))
        return;
    while (gw_walk_item(w)) {
        said->item_type = GW_STR("");
        if (gw_walk_enter(w, '{'))
            read_item(w, e, said);
        if (is_call(said->item_type) && !is(said->item_type, "mcp_call"))
            e->why = said->item_type;
    }
}

static void read_reason(struct gw_walk *w, struct said *said) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "reason"))
            gw_walk_string(w, &said->reason);
        else
            gw_walk_skip(w);
    }
}

static void read_answer(struct gw_walk *w, struct event *e, struct said *said) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "id"))
            gw_walk_string(w, &e->id);
        else if (is(name, "status"))
            gw_walk_string(w, &said->status);
        else if (is(name, "incomplete_details"))
            read_reason(w, said);
        else if (is(name, "output"))
            read_output(w, e, said);
        else if (is(name, "usage") && gw_walk_kind(w) == '{')
            e->usage = event_value(w);
        else
            gw_walk_skip(w);
    }
}

static uint32_t items_of(const struct event *e) {
    return (uint32_t)(e->tools >> ITEMS_FROM) & 63;
}

/* The number of the tool that this item calls: the number of such items before it. */
static uint32_t tool_of(struct event *e, uint32_t index) {
    uint64_t bit = 1ULL << (CALLS_FROM + index);
    uint32_t n = 0;
    e->tools |= bit;
    for (uint64_t before = (e->tools & (bit - 1)) >> CALLS_FROM; before != 0; before &= before - 1)
        n++;
    return n;
}

static void judge_delta(struct event *e, const struct said *said, struct gw_str type) {
    enum event_part part = 0;
    uint32_t items = items_of(e), index = said->numbered || items == 0 ? said->index : items - 1;
    for (size_t i = 0; i < sizeof deltas / sizeof *deltas && part == 0; i++)
        if (gw_str_eq(deltas[i].type, type))
            part = deltas[i].part;
    e->opaque |= part == 0 || index >= ITEMS_MAX;
    if (!e->opaque)
        event_add(e, event_channel(0, part >= PART_ID ? tool_of(e, index) : 0, part), said->delta);
    e->within = 1 + (uint32_t)(e->tools & MARKS_MAX);
    e->is = e->pieces_n > 0 || e->opaque ? EVENT_CONTENT : EVENT_PREAMBLE;
}

/* An item begins: what it is must be the same in every attempt. */
static void judge_item(struct event *e, const struct said *said) {
    uint32_t items = items_of(e), index = said->numbered ? said->index : items;
    e->opaque |= index >= ITEMS_MAX || items >= ITEMS_MAX;
    if (e->opaque)
        return;
    e->tools += 1ULL << ITEMS_FROM;
    event_add(e, event_channel(0, index, PART_TYPE), said->item_type);
    if (!is_call(said->item_type))
        return;
    uint32_t tool = tool_of(e, index);
    event_add(e, event_channel(0, tool, PART_ID), said->item_call);
    event_add(e, event_channel(0, tool, PART_TOOL_NAME), said->item_name);
    event_add(e, event_channel(0, tool, PART_TOOL_ARGUMENTS), said->item_arguments);
    e->is = EVENT_CONTENT;
}

/* An item is over. What was thought is signed by now: an opaque text, which only its server can read. */
static void judge_signature(struct event *e, const struct said *said) {
    uint32_t items = items_of(e), index = said->numbered || items == 0 ? said->index : items - 1;
    enum event_part part = said->shown ? PART_SIGNATURE : PART_REDACTED;
    if (!is(said->item_type, "reasoning") || said->item_signature.n == 0 || index >= ITEMS_MAX)
        return;
    event_add(e, event_channel(0, index, part), said->item_signature);
    e->is = EVENT_CONTENT;
}

static void judge_step(struct event *e, const struct said *said, struct gw_str type) {
    e->is = EVENT_PREAMBLE;
    e->opaque |=
        (e->tools & MARKS_MAX) == MARKS_MAX - 1 || is(type, "image_generation_call.partial_image");
    if (!e->opaque)
        e->mark = 1 + (uint32_t)(++e->tools & MARKS_MAX);
    if (is(type, "output_item.added"))
        judge_item(e, said);
    if (is(type, "output_item.done"))
        judge_signature(e, said);
    if (e->opaque)
        e->is = EVENT_CONTENT;
}

static void judge_end(struct event *e, const struct said *said) {
    if (e->why.n == 0 || said->reason.n > 0)
        e->why = said->reason.n > 0 ? said->reason : said->status;
    e->opaque = false;
    e->finish = e->end = true;
    e->choices = e->finished = 1;
    e->is = EVENT_FINISH;
}

static void judge(struct event *e, const struct said *said) {
    struct gw_str type = gw_str_sub(said->type, strlen("response."), said->type.n);
    if (is(type, "completed") || is(type, "incomplete")) {
        judge_end(e, said);
    } else if (is(type, "failed")) {
        e->is = EVENT_ERROR;
    } else if (is(type, "created") || is(type, "in_progress") || is(type, "queued")) {
        e->mark = 1;
        e->is = EVENT_PREAMBLE;
    } else if (gw_str_ends(type, GW_STR(".delta"))) {
        judge_delta(e, said, type);
    } else {
        judge_step(e, said, type);
    }
}

static bool read_event(struct gw_walk *w, struct event *e) {
    struct gw_str name, raw;
    struct said said = {.index = 0};
    gw_walk_enter(w, '{');
    while (gw_walk_member(w, &name)) {
        char kind = gw_walk_kind(w);
        if (is(name, "type")) {
            gw_walk_string(w, &said.type);
        } else if (is(name, "delta") && kind == '"') {
            gw_walk_string(w, &said.delta);
        } else if (is(name, "item_id")) {
            gw_walk_string(w, &raw);
            event_add_id(e, 0, raw);
        } else if (is(name, "output_index")) {
            said.numbered = true;
            gw_walk_number(w, &said.index);
        } else if (is(name, "sequence_number")) {
            e->sequence = event_value(w);
        } else if (is(name, "logprobs") && kind == '[') {
            e->logprobs = event_list(w);
        } else if (is(name, "response") && kind == '{') {
            read_answer(w, e, &said);
        } else if (is(name, "item") && kind == '{' && gw_walk_enter(w, '{')) {
            read_item(w, e, &said);
        } else {
            said.failed |= is(name, "message") || is(name, "code");
            said.error |= is(name, "error");
            gw_walk_skip(w);
        }
    }
    /* Some servers say what went wrong in the shape of a whole answer, without a type. */
    bool typed = is(said.type, "error") && (said.failed || said.error || e->sequence.n > 0);
    if (typed || (said.type.n == 0 && said.error)) {
        e->is = EVENT_ERROR;
        return true;
    }
    if (!gw_str_starts(said.type, GW_STR("response.")))
        return false;
    judge(e, &said);
    return true;
}

static void put_error(struct gw_buf *b, const struct dialect_error *e) {
    dialect_openai.put_error(b, e);
}

const struct dialect dialect_responses = {
    .name = GW_STR_INIT("responses"),
    .framing = FRAMING_SSE,
    .paths = {{GW_STR_INIT("/responses"), true}, {GW_STR_INIT("/responses/compact"), true}},
    .seed = FACTS_SEED,
    .binds = true,
    .read = read_event,
    .model = GW_STR_INIT("model"),
    .usage_of = GW_STR_INIT("usage"),
    .usage = {[USAGE_INPUT] = GW_STR_INIT("input_tokens"),
              [USAGE_OUTPUT] = GW_STR_INIT("output_tokens"),
              [USAGE_CACHED] = GW_STR_INIT("cached_tokens"),
              [USAGE_REASONING] = GW_STR_INIT("reasoning_tokens"),
              [USAGE_AUDIO_INPUT] = GW_STR_INIT("input_tokens_details.audio_tokens"),
              [USAGE_AUDIO_OUTPUT] = GW_STR_INIT("output_tokens_details.audio_tokens")},
    .usage_too = {[USAGE_AUDIO_INPUT] =
                      GW_STR_INIT("input_token_details.audio_tokens")}, /* transcriptions */
    .why = {[WHY_STOP] = "completed",
            [WHY_LENGTH] = "max_output_tokens",
            [WHY_TOOL] = "function_call custom_tool_call",
            [WHY_FILTER] = "content_filter"},
    .keep_alive = DIALECT_COMMENT,
    .end = GW_STR_INIT(""), /* the finish is the end */
    /* OpenAI says it flat, as is written, or in an "error", which is what its SDKs throw. */
    .error_head = GW_STR_INIT(
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"message\":\"the stream broke "
        "off\",\"type\":\"server_error\",\"param\":null,\"code\":\"stream_cut\"},"
        "\"code\":\"stream_cut\",\"param\":null,\"message\":\""),
    .error_tail = GW_STR_INIT("\"}\n\n"),
    .put_error = put_error,
    .speech = &speech_responses,
};
