/*
 * Bedrock's Converse, translated. What is particular to it:
 *
 *     unions       what a block is, its only member tells: {"text": ...}, {"toolUse": {...}}
 *     cache marks  are blocks of their own, behind what they mark
 *     bytes        say what they are by a format and not by a type of media
 *     the rest     that only some models take goes through "additionalModelRequestFields", in their makers' words
 *     thoughts     that nobody may read are bytes: AWS's SDKs decode them, and encode them anew. A seal (seal.h) is
 *                  no base64, and so it goes out encoded
 *
 * This file and bedrock_read.c read; bedrock_put.c and bedrock_talk.c write requests, bedrock_say.c answers.
 */
#include "format/bedrock_speech.h"

#include "format/anthropic_speech.h"

#define BIT(f) (1ULL << FEATURE_##f)

static bool is(struct gw_str name, const char *literal) {
    return gw_str_eq(name, gw_str(literal, strlen(literal)));
}

/* ------------------------------------------------------------------ tools */

static void add_function(struct mean *m, struct gw_str value) {
    struct bedrock_thing t;
    bedrock_read_thing(value, &t);
    struct mean_tool *tool = mean_add_tool(m, MEAN_FUNCTION);
    tool->name = t.name;
    tool->description = t.description;
    tool->schema = bedrock_member(t.schema, "json");
    tool->strict = t.strict;
    mean_use(m, FEATURE_TOOLS);
    if (mean_is_true(t.strict))
        mean_use(m, FEATURE_STRICT);
}

static void add_tool(struct mean *m, struct gw_str value) {
    struct bedrock_thing t;
    bedrock_read_thing(value, &t);
    if (t.mark.n > 0 && m->tools_last != NULL) {
        m->tools_last->cache = t.mark;
        mean_use(m, FEATURE_CACHE);
    } else if (t.spec.n > 0) {
        add_function(m, t.spec);
    } else if (t.mark.n == 0) {
        mean_add_tool(m, MEAN_SERVED)->raw = value;
        mean_use(m, FEATURE_SERVED);
    }
}

static void read_tools(struct gw_walk *w, struct mean *m) {
    if (!gw_walk_enter(w, '['))
        return;
    while (gw_walk_item(w))
        add_tool(m, mean_value(w));
}

static void read_pick(struct gw_walk *w, struct mean *m) {
    struct gw_str value = mean_value(w), one = bedrock_member(value, "tool");
    bool any = bedrock_member(value, "any").n > 0;
    m->pick = any ? MEAN_PICK_ANY : one.n > 0 ? MEAN_PICK_ONE : MEAN_PICK_AUTO;
    m->pick_name = bedrock_raw(one, "name");
    if (m->pick == MEAN_PICK_ANY)
        mean_use(m, FEATURE_PICK_ANY);
    if (m->pick == MEAN_PICK_ONE)
        mean_use(m, FEATURE_PICK_ONE);
}

static void read_tool_config(struct gw_walk *w, struct gw_str name, struct mean *m) {
    if (is(name, "tools"))
        read_tools(w, m);
    else if (is(name, "toolChoice"))
        read_pick(w, m);
    else
        mean_unknown(m, w, name);
}

/* ------------------------------------------------------------------ members of members */

typedef void reader(struct gw_walk *w, struct gw_str name, struct mean *m);

static void read_each(struct gw_walk *w, struct mean *m, reader *read) {
    struct gw_str name;
    if (gw_walk_kind(w) == 'n')
        gw_walk_skip(w);
    else if (gw_walk_enter(w, '{'))
        while (gw_walk_member(w, &name))
            read(w, name, m);
}

static void read_inference(struct gw_walk *w, struct gw_str name, struct mean *m) {
    static const struct mean_member members[] = {
        MEAN_VALUE("maxTokens", max_tokens, MAX_TOKENS),
        MEAN_VALUE("temperature", temperature, TEMPERATURE), MEAN_VALUE("topP", top_p, TOP_P),
        MEAN_VALUE("topK", top_k, TOP_K), /* Nova's, among the additional ones */
    };
    if (is(name, "stopSequences"))
        mean_read_stops(m, w);
    else if (!mean_take(m, w, name, members, sizeof members / sizeof *members))
        mean_unknown(m, w, name);
}

static void read_effort(struct gw_walk *w, struct mean *m) {
    m->effort = mean_effort_of(mean_raw(w));
    if (m->effort != MEAN_EFFORT_UNSAID)
        mean_use(m, FEATURE_EFFORT);
}

/* Nova's: {"type": "enabled", "maxReasoningEffort": "low"}. */
static void read_reasoning(struct gw_walk *w, struct gw_str name, struct mean *m) {
    if (is(name, "maxReasoningEffort"))
        read_effort(w, m);
    else
        gw_walk_skip(w);
}

/* In the words of the models' makers. */
static void read_additional(struct gw_walk *w, struct gw_str name, struct mean *m) {
    static const struct mean_member members[] = {MEAN_VALUE("top_k", top_k, TOP_K)};
    if (is(name, "output_config"))
        anthropic_read_config(mean_value(w), m);
    else if (is(name, "reasoning_effort"))
        read_effort(w, m);
    else if (is(name, "reasoningConfig"))
        read_each(w, m, read_reasoning);
    else if (is(name, "inferenceConfig"))
        read_each(w, m, read_inference);
    else if (is(name, "anthropic_beta"))
        gw_walk_skip(w);
    else if (!mean_take(m, w, name, members, 1))
        mean_unknown(m, w, name);
}

/* What is said of thinking counts more than what is said of effort, wherever it stands. */
static void read_all_additional(struct gw_walk *w, struct mean *m) {
    struct gw_str name, thinking = GW_STR("");
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "thinking") || is(name, "reasoning_config"))
            thinking = mean_value(w);
        else
            read_additional(w, name, m);
    }
    anthropic_read_thinking(thinking, m);
}

/* The schema stands in a string. */
static void set_schema(struct mean *m, const struct bedrock_thing *t) {
    struct gw_buf b;
    gw_buf_init(&b, m->arena, t->schema_text.n);
    gw_json_decode(&b, t->schema_text);
    m->form = MEAN_FORM_SCHEMA;
    m->form_name = t->name;
    m->form_about = t->description;
    m->form_schema = mean_made(m, &b);
    m->form_strict = GW_STR("true");
    mean_use(m, FEATURE_SCHEMA);
    if (!mean_is_object(m->form_schema))
        mean_wrong(m, "the schema of \"outputConfig\" is no object in JSON");
}

static void read_form(struct gw_walk *w, struct mean *m) {
    struct gw_str structure = bedrock_member(mean_value(w), "structure");
    struct gw_str schema = bedrock_member(structure, "jsonSchema");
    struct bedrock_thing t;
    bedrock_read_thing(schema, &t);
    if (schema.n > 0)
        set_schema(m, &t);
}

static void read_output(struct gw_walk *w, struct gw_str name, struct mean *m) {
    if (is(name, "textFormat"))
        read_form(w, m);
    else if (is(name, "effort"))
        read_effort(w, m);
    else
        mean_unknown(m, w, name);
}

/* "default" is what any server does that is not told. */
static void read_tier(struct gw_walk *w, struct gw_str name, struct mean *m) {
    if (!is(name, "type")) {
        gw_walk_skip(w);
        return;
    }
    m->tier = mean_raw(w);
    if (m->tier.n > 0 && !is(m->tier, "default"))
        mean_use(m, FEATURE_TIER);
}

/* ------------------------------------------------------------------ requests */

static void read_member(struct gw_walk *w, struct gw_str name, struct mean *m) {
    static const struct mean_member members[] = {MEAN_VALUE("requestMetadata", metadata, METADATA)};
    if (is(name, "guardrailConfig"))
        m->uses |= (uint64_t)(mean_value(w).n > 0) << FEATURE_SAFEGUARDS;
    else if (is(name, "toolConfig"))
        read_each(w, m, read_tool_config);
    else if (is(name, "inferenceConfig"))
        read_each(w, m, read_inference);
    else if (is(name, "additionalModelRequestFields") && gw_walk_kind(w) == '{')
        read_all_additional(w, m);
    else if (is(name, "outputConfig"))
        read_each(w, m, read_output);
    else if (is(name, "serviceTier"))
        read_each(w, m, read_tier);
    else if (!mean_take(m, w, name, members, 1))
        mean_unknown(m, w, name);
}

static void read_twice(struct gw_walk *w, struct mean *m) {
    mean_wrong(m, "\"messages\" is there twice");
    gw_walk_skip(w);
}

/* What comes first in a conversation may stand last in its text. */
static void read_request(struct gw_walk *w, struct mean *m) {
    struct gw_str name, system = GW_STR("");
    bool talked = false;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "system"))
            system = mean_value(w);
        else if (!is(name, "messages"))
            read_member(w, name, m);
        else if (talked)
            read_twice(w, m);
        else
            bedrock_read_messages(w, m);
        talked |= is(name, "messages");
    }
    m->wants_usage = true;
    bedrock_read_system(system, m);
    if (!talked)
        mean_wrong(m, "\"messages\" is no list");
}

/* ------------------------------------------------------------------ answers */

/* Claude tells which stop sequence it was, if it is asked. */
static void read_answer(struct gw_walk *w, struct mean_answer *a) {
    struct gw_str value = mean_value(w), usage = bedrock_member(value, "usage");
    struct gw_str message = bedrock_member(bedrock_member(value, "output"), "message");
    struct gw_str content = bedrock_member(message, "content");
    struct mean_choice *c = mean_add_choice(a, 0);
    c->why = event_why_of(&dialect_bedrock, bedrock_raw(value, "stopReason"));
    c->stop = bedrock_raw(bedrock_member(value, "additionalModelResponseFields"), "stop_sequence");
    bedrock_read_content(content, &a->mean, &c->turn);
    if (usage.n > 0)
        mean_read_usage(a, &dialect_bedrock, usage);
    if (content.n == 0)
        mean_wrong(&a->mean, "it has no content");
}

const struct speech speech_bedrock = {
    .path = GW_STR_INIT("/model/%m/converse"),
    .stream_path = GW_STR_INIT("/model/%m/converse-stream"),
    .id_line = GW_STR_INIT("x-amzn-requestid"),
    .says = BIT(SYSTEM_LATER) | BIT(IMAGE) | BIT(AUDIO) | BIT(FILE) | BIT(FILE_OFFICE) |
            BIT(TOOLS) | BIT(PICK_NONE) | BIT(PICK_ANY) | BIT(PICK_ONE) | BIT(STRICT) |
            BIT(CUSTOM) | BIT(RESULT_IMAGE) | BIT(RESULT_FAILED) | BIT(SCHEMA) | BIT(MAX_TOKENS) |
            BIT(TEMPERATURE) | BIT(TOP_P) | BIT(TOP_K) | BIT(STOP) | BIT(EFFORT) | BIT(BUDGET) |
            BIT(SIGNATURE) | BIT(CACHE) | BIT(TIER) | BIT(METADATA),
    .names =
        {
            [FEATURE_IMAGE] = "messages",
            [FEATURE_AUDIO] = "messages",
            [FEATURE_FILE] = "messages",
            [FEATURE_FILE_OFFICE] = "messages",
            [FEATURE_FILE_OTHER] = "messages",
            [FEATURE_FILE_ID] = "messages",
            [FEATURE_TOOLS] = "toolConfig",
            [FEATURE_PICK_ANY] = "toolConfig.toolChoice",
            [FEATURE_PICK_ONE] = "toolConfig.toolChoice",
            [FEATURE_STRICT] = "toolConfig",
            [FEATURE_SERVED] = "toolConfig",
            [FEATURE_RESULT_IMAGE] = "messages",
            [FEATURE_RESULT_FAILED] = "messages",
            [FEATURE_SCHEMA] = "outputConfig.textFormat",
            [FEATURE_MAX_TOKENS] = "inferenceConfig.maxTokens",
            [FEATURE_TEMPERATURE] = "inferenceConfig.temperature",
            [FEATURE_TOP_P] = "inferenceConfig.topP",
            [FEATURE_TOP_K] = "additionalModelRequestFields.top_k",
            [FEATURE_STOP] = "inferenceConfig.stopSequences",
            [FEATURE_EFFORT] = "additionalModelRequestFields.output_config",
            [FEATURE_BUDGET] = "additionalModelRequestFields.thinking",
            [FEATURE_SIGNATURE] = "messages",
            [FEATURE_CACHE] = "cachePoint",
            [FEATURE_TIER] = "serviceTier",
            [FEATURE_METADATA] = "requestMetadata",
            [FEATURE_SAFEGUARDS] = "guardrailConfig",
            [FEATURE_OTHER] = "messages",
        },
    .read_request = read_request,
    .put_request = bedrock_put_request,
    .read_answer = read_answer,
    .put_answer = bedrock_say_answer,
    .begin = bedrock_say_begin,
    .step = bedrock_say_step,
    .end = bedrock_say_end,
};
