/*
 * OpenAI's Responses, translated: whole answers as they are read, and what there is of the rest.
 *
 *     requests     responses_read.c, responses_put.c
 *     answers      responses_say.c, streams responses_stream.c, and what both are made of responses_said.c
 */
#include "format/responses_speech.h"

#define BIT(f) (1ULL << FEATURE_##f)

static bool is(struct gw_str name, const char *literal) {
    return gw_str_eq(name, gw_str(literal, strlen(literal)));
}

/* ------------------------------------------------------------------ answers */

/* The log probabilities of a message's first text that has some. */
static struct gw_str logprobs_of(struct gw_str content) {
    struct gw_walk w;
    struct gw_str name, found = GW_STR("");
    gw_walk_init(&w, content);
    if (content.n == 0 || !gw_walk_enter(&w, '['))
        return found;
    while (gw_walk_item(&w) && gw_walk_enter(&w, '{'))
        while (gw_walk_member(&w, &name)) {
            struct gw_str value = mean_value(&w);
            if (is(name, "logprobs") && found.n == 0 && value.n > 2)
                found = value;
        }
    return found;
}

static void read_output_item(struct gw_walk *w, struct mean_answer *a, struct mean_choice *c) {
    struct responses_item item;
    responses_items_read(w, &item);
    if (is(item.type, "message") && item.role.n == 0)
        item.role = GW_STR("assistant");
    struct gw_str logprobs = is(item.type, "message") ? logprobs_of(item.content) : GW_STR("");
    if (logprobs.n > 0)
        c->logprobs = mean_logprobs(logprobs, a->mean.arena);
    if (is(item.type, "image_generation_call") && item.result.n > 0) {
        struct mean_part *p = mean_add_part(&a->mean, &c->turn, MEAN_IMAGE);
        p->data = item.result;
        p->media = GW_STR("image/png");
    } else if (responses_items_are_said(&item)) {
        responses_items_said(&item, &a->mean, &c->turn);
    } else {
        mean_add_part(&a->mean, &c->turn, MEAN_OTHER)->raw = item.raw;
    }
}

static void read_output(struct gw_walk *w, struct mean_answer *a) {
    struct mean_choice *c = mean_add_choice(a, 0);
    if (!gw_walk_enter(w, '['))
        return;
    while (gw_walk_item(w))
        read_output_item(w, a, c);
}

static struct gw_str reason_of(struct gw_walk *w) {
    struct gw_str name, reason = GW_STR("");
    if (!gw_walk_enter(w, '{'))
        return reason;
    while (gw_walk_member(w, &name)) {
        if (is(name, "reason"))
            reason = mean_raw(w);
        else
            gw_walk_skip(w);
    }
    return reason;
}

static void read_answer(struct gw_walk *w, struct mean_answer *a) {
    struct gw_str name, reason = GW_STR(""), status = GW_STR("");
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "id"))
            a->id = mean_raw(w);
        else if (is(name, "model"))
            a->model = mean_raw(w);
        else if (is(name, "created_at"))
            a->created = mean_number(w);
        else if (is(name, "status"))
            status = mean_raw(w);
        else if (is(name, "incomplete_details"))
            reason = reason_of(w);
        else if (is(name, "output") && a->choices == NULL)
            read_output(w, a);
        else if (is(name, "usage"))
            mean_read_usage(a, &dialect_responses, mean_value(w));
        else
            gw_walk_skip(w);
    }
    if (a->choices == NULL)
        mean_wrong(&a->mean, "it has no output");
    else if (is(status, "failed") || is(status, "cancelled"))
        mean_wrong(&a->mean, "it has failed");
    else if (reason.n > 0)
        a->choices->why = event_why_of(&dialect_responses, reason);
    else
        a->choices->why = mean_has(a->choices->turn.parts, MEAN_CALL) ? WHY_TOOL : WHY_STOP;
}

const struct speech speech_responses = {
    .path = GW_STR_INIT("/v1/responses"),
    .stream_path = GW_STR_INIT("/v1/responses"),
    .counts_at = GW_STR_INIT("/responses/input_tokens"),
    .count = GW_STR_INIT("{\"object\":\"response.input_tokens\",\"input_tokens\":"),
    .counted = GW_STR_INIT("input_tokens"),
    .count_path = GW_STR_INIT("/v1/responses/input_tokens"),
    .put_count = responses_put_count,
    .compacts_at = GW_STR_INIT("/responses/compact"),
    .says = BIT(SYSTEM_LATER) | BIT(IMAGE) | BIT(IMAGE_URL) | BIT(AUDIO) | BIT(FILE) |
            BIT(FILE_URL) | BIT(TOOLS) | BIT(PICK_NONE) | BIT(PICK_ANY) | BIT(PICK_ONE) |
            BIT(PARALLEL) | BIT(STRICT) | BIT(CUSTOM) | BIT(RESULT_IMAGE) | BIT(JSON) |
            BIT(SCHEMA) | BIT(MAX_TOKENS) | BIT(TEMPERATURE) | BIT(TOP_P) | BIT(LOGPROBS) |
            BIT(EFFORT) | BIT(BUDGET) | BIT(SIGNATURE) | BIT(TIER) | BIT(VERBOSITY) | BIT(USER) |
            BIT(METADATA),
    .names =
        {
            [FEATURE_SYSTEM_LATER] = "input",
            [FEATURE_IMAGE] = "input",
            [FEATURE_IMAGE_URL] = "input",
            [FEATURE_AUDIO] = "input",
            [FEATURE_FILE] = "input",
            [FEATURE_FILE_URL] = "input",
            [FEATURE_FILE_ID] = "input",
            [FEATURE_TOOLS] = "tools",
            [FEATURE_PICK_NONE] = "tool_choice",
            [FEATURE_PICK_ANY] = "tool_choice",
            [FEATURE_PICK_ONE] = "tool_choice",
            [FEATURE_PARALLEL] = "parallel_tool_calls",
            [FEATURE_STRICT] = "tools",
            [FEATURE_CUSTOM] = "tools",
            [FEATURE_SERVED] = "tools",
            [FEATURE_RESULT_IMAGE] = "input",
            [FEATURE_JSON] = "text.format",
            [FEATURE_SCHEMA] = "text.format",
            [FEATURE_MAX_TOKENS] = "max_output_tokens",
            [FEATURE_TEMPERATURE] = "temperature",
            [FEATURE_TOP_P] = "top_p",
            [FEATURE_PENALTIES] = "frequency_penalty",
            [FEATURE_LOGPROBS] = "top_logprobs",
            [FEATURE_EFFORT] = "reasoning.effort",
            [FEATURE_SIGNATURE] = "input",
            [FEATURE_CACHE] = "input",
            [FEATURE_TIER] = "service_tier",
            [FEATURE_VERBOSITY] = "text.verbosity",
            [FEATURE_USER] = "user",
            [FEATURE_METADATA] = "metadata",
            [FEATURE_PREVIOUS] = "previous_response_id",
            [FEATURE_KEPT] = "input",
            [FEATURE_OTHER] = "input",
        },
    .read_request = responses_read_request,
    .put_request = responses_put_request,
    .read_answer = read_answer,
    .put_answer = responses_say_answer,
    .begin = responses_stream_begin,
    .step = responses_stream_step,
    .end = responses_stream_end,
};
