/*
 * Google's generateContent, as events: {"candidates":[{"content":{"parts":[...],"role"},"finishReason","index"}],
 * "promptFeedback","usageMetadata","responseId"}, or {"error":{"code","message","status"}}. A part is {"text"},
 * {"text","thought":true} or {"functionCall":{"name","args","id"}}, and may have a "thoughtSignature". A call comes
 * whole; its arguments are a JSON value, not a string. Calls and signatures have no number: they are counted, a
 * candidate's own ones. A part of any other kind (inlineData, executableCode, ...) is content that is not read.
 *
 * There is no end mark: a stream is whole when each candidate has said its finishReason, or the prompt was blocked.
 * That is not the last event: other candidates may go on, and some servers say it in every event.
 *
 * Without alt=sse in the query the answer is one JSON array, application/json, though it comes bit by bit. That one
 * is relayed untouched: neither observed nor resumed, and a cut is a cut.
 *
 * What Google's SDKs make of a stream (measured: google-genai 3.6.1 for Python, @google/genai 3.3.0):
 *     a comment            Python's takes it for JSON and fails; both pass over empty lines, which we send instead
 *     an error's event     both raise it. Older ones of JavaScript's give it out as an answer without candidates,
 *                          and throw only if something unfinished is left at the end: so half a comment follows ours
 *
 *     event.tools     16 bits for each of the first four candidates: 8 for its calls so far, 8 for its signatures
 */
#include "format/embed.h"
#include "format/event.h"
#include "format/speech.h"

enum { CHOICES_MAX = 4, COUNT_MAX = 0xff };

static bool is(struct gw_str name, const char *literal) {
    return gw_str_eq(name, gw_str(literal, strlen(literal)));
}

/* A candidate; its members may come in any order. */
struct said {
    struct gw_str why;
    uint32_t from; /* its first piece */
    uint32_t index, calls, signatures;
};

/* No part of a call can be cut out of its event, nor continued in the next. */
static void add_whole(struct event *e, uint32_t channel, struct gw_str value) {
    bool quoted = value.n > 0 && value.p[0] == '"';
    uint32_t n = e->pieces_n;
    event_add(e, channel, quoted ? gw_str_sub(value, 1, value.n - 2) : value);
    if (e->pieces_n > n)
        e->piece[n].whole = true;
}

/* What is unknown may be a beginning of arguments that go on in another event. */
static void read_call(struct gw_walk *w, struct event *e, struct said *said) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        enum event_part part = is(name, "name")   ? PART_TOOL_NAME
                               : is(name, "args") ? PART_TOOL_ARGUMENTS
                               : is(name, "id")   ? PART_ID
                                                  : 0;
        struct gw_str value = event_value(w);
        if (part != PART_TOOL_ARGUMENTS && value.n > 0 && value.p[0] != '"')
            part = 0;
        e->opaque |= part == 0 && value.n > 0;
        if (part != 0)
            add_whole(e, event_channel(0, said->calls, part), value);
    }
    said->calls++;
}

/* The signature is added last: it is new only when all before it is. */
static void read_part(struct gw_walk *w, struct event *e, struct said *said) {
    struct gw_str name, text = GW_STR(""), signature = GW_STR("");
    bool thought = false;
    while (gw_walk_member(w, &name)) {
        char kind = gw_walk_kind(w);
        if (is(name, "text")) {
            gw_walk_string(w, &text);
        } else if (is(name, "thoughtSignature")) {
            gw_walk_string(w, &signature);
        } else if (is(name, "functionCall")) {
            read_call(w, e, said);
        } else {
            thought |= kind == 't' && is(name, "thought");
            e->opaque |= kind == '{' || kind == '[';
            gw_walk_skip(w);
        }
    }
    event_add(e, thought ? PART_REASONING : PART_TEXT, text);
    event_add(e, event_channel(0, said->signatures, PART_SIGNATURE), signature);
    said->signatures += signature.n > 0;
}

static void read_parts(struct gw_walk *w, struct event *e, struct said *said) {
    if (!gw_walk_enter(w, '['))
        return;
    while (gw_walk_item(w))
        if (gw_walk_enter(w, '{'))
            read_part(w, e, said);
}

static void read_content(struct gw_walk *w, struct event *e, struct said *said) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "parts"))
            read_parts(w, e, said);
        else if (is(name, "role"))
            gw_walk_string(w, &e->role);
        else
            gw_walk_skip(w);
    }
}

static uint32_t count_of(const struct event *e, uint32_t bit) {
    return (uint32_t)(e->tools >> bit) & COUNT_MAX;
}

/* Done last, since the index may stand behind the pieces. */
static void number_pieces(struct event *e, const struct said *said) {
    uint32_t bit = 16 * said->index;
    if (said->index >= CHOICES_MAX || count_of(e, bit) + said->calls > COUNT_MAX ||
        count_of(e, bit + 8) + said->signatures > COUNT_MAX) {
        e->opaque = true;
        return;
    }
    for (uint32_t i = said->from; i < e->pieces_n; i++) {
        enum event_part part = event_part_of(e->piece[i].channel);
        uint32_t before = part >= PART_ID          ? count_of(e, bit)
                          : part == PART_SIGNATURE ? count_of(e, bit + 8)
                                                   : 0;
        e->piece[i].channel += event_channel(said->index, before, 0);
    }
    e->tools += (uint64_t)(said->calls | said->signatures << 8) << bit;
}

/* A call ends an answer like any other: STOP. */
static void note_finish(struct event *e, const struct said *said) {
    if (said->index >= EVENT_CHOICES)
        return;
    e->choices |= 1U << said->index;
    if (said->why.n == 0 || is(said->why, "FINISH_REASON_UNSPECIFIED"))
        return;
    bool called = said->index < CHOICES_MAX && count_of(e, 16 * said->index) > 0;
    e->finished |= 1U << said->index;
    e->why = called && is(said->why, "STOP") ? GW_STR("functionCall") : said->why;
}

static void read_candidate(struct gw_walk *w, struct event *e) {
    struct gw_str name;
    struct said said = {.from = e->pieces_n};
    while (gw_walk_member(w, &name)) {
        if (is(name, "content"))
            read_content(w, e, &said);
        else if (is(name, "finishReason"))
            gw_walk_string(w, &said.why);
        else if (is(name, "index"))
            gw_walk_number(w, &said.index);
        else if (is(name, "logprobsResult"))
            e->logprobs = event_value(w);
        else
            gw_walk_skip(w);
    }
    number_pieces(e, &said);
    note_finish(e, &said);
}

static void read_candidates(struct gw_walk *w, struct event *e) {
    if (!gw_walk_enter(w, '['))
        return;
    while (gw_walk_item(w))
        if (gw_walk_enter(w, '{'))
            read_candidate(w, e);
}

/* A prompt that was refused has no candidates: that it was is all of the answer. */
static void read_feedback(struct gw_walk *w, struct event *e) {
    struct gw_str name, reason;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (!is(name, "blockReason")) {
            gw_walk_skip(w);
        } else if (gw_walk_string(w, &reason) && !is(reason, "BLOCK_REASON_UNSPECIFIED")) {
            e->choices |= 1;
            e->finished |= 1;
            e->why = name;
        }
    }
}

static bool read_event(struct gw_walk *w, struct event *e) {
    struct gw_str name;
    bool own = false, failed = false;
    gw_walk_enter(w, '{');
    while (gw_walk_member(w, &name)) {
        char kind = gw_walk_kind(w);
        if (kind == '[' && is(name, "candidates")) {
            own = true;
            read_candidates(w, e);
        } else if (kind == '{' && is(name, "usageMetadata")) {
            own = true;
            e->usage = event_value(w);
        } else if (kind == '{' && is(name, "promptFeedback")) {
            own = true;
            read_feedback(w, e);
        } else if (kind == '"' && is(name, "responseId")) {
            gw_walk_string(w, &e->id);
        } else {
            failed |= (kind == '{' || kind == '"') && is(name, "error");
            gw_walk_skip(w);
        }
    }
    e->finish = e->finished != 0;
    event_settle(e, failed);
    return own || failed;
}

/* Google's words for these; all others are a fault of the client or of the server. */
static struct gw_str status_of(uint32_t status) {
    switch (status) {
    case 401:
        return GW_STR("UNAUTHENTICATED");
    case 403:
        return GW_STR("PERMISSION_DENIED");
    case 404:
        return GW_STR("NOT_FOUND");
    case 429:
        return GW_STR("RESOURCE_EXHAUSTED");
    case 502:
    case 503:
        return GW_STR("UNAVAILABLE");
    case 504:
        return GW_STR("DEADLINE_EXCEEDED");
    default:
        return status < 500 ? GW_STR("INVALID_ARGUMENT") : GW_STR("INTERNAL");
    }
}

static void put_error(struct gw_buf *b, const struct dialect_error *e) {
    gw_buf_put(b, GW_STR("{\"error\":{\"code\":"));
    gw_buf_put_u64(b, e->status);
    gw_buf_put(b, GW_STR(",\"message\":\""));
    gw_buf_put_json(b, e->message);
    gw_buf_put(b, GW_STR("\",\"status\":\""));
    gw_buf_put(b, status_of(e->status));
    gw_buf_put(b, GW_STR("\"}}\n"));
}

static const char filtered[] =
    "blockReason SAFETY RECITATION LANGUAGE BLOCKLIST PROHIBITED_CONTENT SPII IMAGE_SAFETY "
    "IMAGE_PROHIBITED_CONTENT IMAGE_RECITATION MODEL_ARMOR";

const struct dialect dialect_gemini = {
    .name = GW_STR_INIT("gemini"),
    .framing = FRAMING_SSE,
    .streams_at = GW_STR_INIT(":streamGenerateContent"),
    .events_if = GW_STR_INIT("alt=sse"),
    .waits = GW_STR_INIT("\"retryDelay\""),
    .paths = {{GW_STR_INIT(":streamGenerateContent"), true},
              {GW_STR_INIT(":generateContent"), true}},
    .ask = {.path = GW_STR_INIT("/v1beta/models/%m:generateContent"),
            .body =
                GW_STR_INIT("{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":%p}]}]%s%l}"),
            .system = GW_STR_INIT(",\"systemInstruction\":{\"parts\":[{\"text\":%v}]}"),
            .limit = GW_STR_INIT(",\"generationConfig\":{\"maxOutputTokens\":%v}")},
    .read = read_event,
    .model = GW_STR_INIT("modelVersion"),
    .usage_of = GW_STR_INIT("usageMetadata"),
    .usage = {[USAGE_INPUT] = GW_STR_INIT("promptTokenCount"),
              [USAGE_OUTPUT] = GW_STR_INIT("candidatesTokenCount"),
              [USAGE_CACHED] = GW_STR_INIT("cachedContentTokenCount"),
              [USAGE_REASONING] = GW_STR_INIT("thoughtsTokenCount"),
              [USAGE_AUDIO_INPUT] = GW_STR_INIT("promptTokensDetails.AUDIO"),
              [USAGE_AUDIO_OUTPUT] = GW_STR_INIT("candidatesTokensDetails.AUDIO")},
    .usage_too = {[USAGE_INPUT] = GW_STR_INIT("total_input_tokens"), /* of /interactions */
                  [USAGE_OUTPUT] = GW_STR_INIT("total_output_tokens"),
                  [USAGE_CACHED] = GW_STR_INIT("total_cached_tokens"),
                  [USAGE_REASONING] = GW_STR_INIT("total_thought_tokens")},
    .output_is_rest = true,
    .why = {[WHY_STOP] = "STOP",
            [WHY_LENGTH] = "MAX_TOKENS",
            [WHY_TOOL] = "functionCall",
            [WHY_FILTER] = filtered},
    .keep_alive = GW_STR_INIT("\n\n"),
    .end = GW_STR_INIT(""),
    .error_head = GW_STR_INIT("data: {\"error\":{\"code\":503,\"message\":\""),
    .error_tail = GW_STR_INIT("\",\"status\":\"UNAVAILABLE\"}}\n\n: broken off"),
    .put_error = put_error,
    .speech = &speech_gemini,
    .embeds = &embeds_gemini,
    .embeds_at = {GW_STR_INIT(":embedContent"), GW_STR_INIT(":batchEmbedContents")},
};
