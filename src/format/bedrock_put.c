/*
 * Writes requests to Bedrock; what has been said, bedrock_talk.c. What Converse is particular about:
 *
 *     tools        must be told where earlier turns have called some; that none is to be called has no word, but they
 *                  need not be told
 *     the rest     that only some models take goes to those that are known to take it: a member too many is refused
 */
#include "format/bedrock_speech.h"
#include "format/claude.h"

static bool contains(struct gw_str s, const char *literal) {
    return gw_str_find(s, gw_str(literal, strlen(literal))) >= 0;
}

static struct bedrock_to to_of(const struct mean *m, struct gw_str model, struct gw_out *o) {
    struct bedrock_to to = {.o = o, .m = m, .model = model};
    to.claude = contains(model, "claude");
    to.nova = contains(model, "nova-");
    if (to.claude)
        to.thought = claude_thought_of(m, model);
    bool thinks = to.thought.adapts || to.thought.budget > 0;
    to.samples = !to.claude || !thinks;
    return to;
}

/* ------------------------------------------------------------------ tools */

/* Schemas to the letter, and the limits of those: older ones know nothing of it, nor do some makers'. */
static bool is_strict(struct bedrock_to *to) {
    static const char *const able[] = {"gpt-oss", "qwen",    "deepseek", "mistral",
                                       "gemma",   "minimax", "nemotron", "kimi"};
    bool old = claude_takes_sampling(to->model) && !contains(to->model, "-4-5") &&
               !contains(to->model, "-4-6");
    bool is = to->claude && !old;
    for (size_t i = 0; i < sizeof able / sizeof *able; i++)
        is |= contains(to->model, able[i]);
    return is;
}

static void put_tool(struct bedrock_to *to, const struct mean_tool *t) {
    static const struct gw_str text =
        GW_STR_INIT("{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},"
                    "\"required\":[\"input\"],\"additionalProperties\":false}");
    struct gw_out *o = to->o;
    bool strict = mean_is_true(t->strict) && is_strict(to);
    bedrock_open(o, "toolSpec");
    gw_out_put_raw(o, "name", mean_fit(o->b->arena, t->name, MEAN_NAME));
    mean_put_about(t, o);
    gw_out_name(o, "inputSchema");
    gw_out_open(o, '{');
    claude_put_schema(o, "json", t->kind == MEAN_CUSTOM ? text : t->schema, strict);
    gw_out_close(o, '}');
    if (strict)
        gw_out_put_value(o, "strict", GW_STR("true"));
    bedrock_close(o);
    if (to->claude)
        bedrock_put_mark(to, t->cache);
}

static bool has_calls(const struct mean *m) {
    for (const struct mean_turn *t = m->turns; t != NULL; t = t->next)
        if (mean_has(t->parts, MEAN_CALL) || mean_has(t->parts, MEAN_RESULT))
            return true;
    return false;
}

/* Some models refuse to be told what they do by themselves. */
static void put_pick(struct gw_out *o, const struct mean *m) {
    if (m->pick != MEAN_PICK_ANY && m->pick != MEAN_PICK_ONE)
        return;
    gw_out_name(o, "toolChoice");
    bedrock_open(o, m->pick == MEAN_PICK_ANY ? "any" : "tool");
    if (m->pick == MEAN_PICK_ONE)
        gw_out_put_raw(o, "name", mean_fit(o->b->arena, m->pick_name, MEAN_NAME));
    bedrock_close(o);
}

/* Earlier calls want tools, though none is to be called. */
static void put_no_tools(struct gw_out *o) {
    gw_out_value(o, GW_STR("{\"toolSpec\":{\"name\":\"none\",\"description\":"
                           "\"There are no tools. Do not call this.\",\"inputSchema\":{\"json\":"
                           "{\"type\":\"object\",\"properties\":{}}}}}"));
}

static void put_tools(struct bedrock_to *to) {
    const struct mean *m = to->m;
    bool tools = mean_has_tools(m) && m->pick != MEAN_PICK_NONE;
    if (!tools && !has_calls(m))
        return;
    gw_out_name(to->o, "toolConfig");
    gw_out_open(to->o, '{');
    gw_out_name(to->o, "tools");
    gw_out_open(to->o, '[');
    for (const struct mean_tool *t = m->tools; tools && t != NULL; t = t->next)
        if (t->kind != MEAN_SERVED)
            put_tool(to, t);
    if (!tools)
        put_no_tools(to->o);
    gw_out_close(to->o, ']');
    if (tools)
        put_pick(to->o, m);
    gw_out_close(to->o, '}');
}

/* ------------------------------------------------------------------ how it is to be answered */

/* Claude takes one of temperature and top_p. */
static void put_inference(struct bedrock_to *to) {
    const struct mean *m = to->m;
    struct gw_out *o = to->o;
    size_t at = bedrock_open_member(o, "inferenceConfig", '{');
    if (m->max_tokens.n > 0)
        gw_out_put_value(o, "maxTokens", m->max_tokens);
    else if (to->thought.budget > 0)
        gw_out_put_u64(o, "maxTokens", to->thought.tokens);
    bool told = to->samples && m->temperature.n > 0 && mean_can(m, FEATURE_TEMPERATURE);
    if (told)
        gw_out_put_value(o, "temperature", claude_degrees(m->temperature));
    if (to->samples && mean_can(m, FEATURE_TOP_P) && !(to->claude && told))
        gw_out_may_value(o, "topP", m->top_p);
    mean_put_stops(m, "stopSequences", false, o);
    bedrock_close_member(o, at, '}');
}

/* Other makers have three words for an effort. */
static const char *effort_word(const struct mean *m) {
    enum mean_effort effort = m->effort == MEAN_EFFORT_UNSAID && m->budget.n > 0
                                  ? mean_effort_of_budget(mean_u64(m->budget))
                                  : m->effort;
    if (effort <= MEAN_EFFORT_NONE)
        return NULL;
    return mean_effort_word(effort < MEAN_EFFORT_LOW    ? MEAN_EFFORT_LOW
                            : effort > MEAN_EFFORT_HIGH ? MEAN_EFFORT_HIGH
                                                        : effort);
}

static void put_effort(struct bedrock_to *to) {
    const char *word = effort_word(to->m);
    if (word == NULL)
        return;
    if (contains(to->model, "gpt-oss"))
        gw_out_put_word(to->o, "reasoning_effort", word);
    if (!contains(to->model, "nova-2"))
        return;
    gw_out_name(to->o, "reasoningConfig");
    gw_out_open(to->o, '{');
    gw_out_put_word(to->o, "type", "enabled");
    gw_out_put_word(to->o, "maxReasoningEffort", word);
    gw_out_close(to->o, '}');
}

static void put_claudes(struct bedrock_to *to) {
    claude_put_thinking(to->o, to->m, &to->thought);
    if (to->thought.word == NULL)
        return;
    gw_out_name(to->o, "output_config");
    gw_out_open(to->o, '{');
    gw_out_put_word(to->o, "effort", to->thought.word);
    gw_out_close(to->o, '}');
}

static void put_top_k(struct bedrock_to *to) {
    if (to->m->top_k.n == 0 || !to->samples || !mean_can(to->m, FEATURE_TOP_K))
        return;
    if (to->claude)
        gw_out_put_value(to->o, "top_k", to->m->top_k);
    if (!to->nova)
        return;
    gw_out_name(to->o, "inferenceConfig");
    gw_out_open(to->o, '{');
    gw_out_put_value(to->o, "topK", to->m->top_k);
    gw_out_close(to->o, '}');
}

static void put_additional(struct bedrock_to *to) {
    size_t at = bedrock_open_member(to->o, "additionalModelRequestFields", '{');
    if (to->claude)
        put_claudes(to);
    else
        put_effort(to);
    put_top_k(to);
    bedrock_close_member(to->o, at, '}');
    if (to->claude && to->m->stops > 0) /* which of them it was is not told by itself */
        gw_out_put_value(to->o, "additionalModelResponseFieldPaths",
                         GW_STR("[\"/stop_sequence\"]"));
}

/* The schema is a string. */
static void put_form(struct gw_out *o, const struct mean *m) {
    struct gw_buf json;
    struct gw_out inner;
    if (m->form != MEAN_FORM_SCHEMA || m->form_schema.n == 0)
        return;
    gw_buf_init(&json, o->b->arena, 4 * m->form_schema.n + 64);
    gw_out_init(&inner, &json);
    claude_put_strict(&inner, m->form_schema);
    o->b->full |= json.full;
    gw_out_name(o, "outputConfig");
    bedrock_open(o, "textFormat");
    gw_out_put_word(o, "type", "json_schema");
    gw_out_name(o, "structure");
    bedrock_open(o, "jsonSchema");
    gw_out_name(o, "schema");
    gw_out_text(o, gw_buf_str(&json));
    gw_out_may_raw(o, "name", m->form_name);
    gw_out_may_raw(o, "description", m->form_about);
    bedrock_close(o);
    bedrock_close(o);
}

/* ------------------------------------------------------------------ the rest */

static void put_tier(struct gw_out *o, struct gw_str tier) {
    if (!gw_str_eq(tier, GW_STR("flex")) && !gw_str_eq(tier, GW_STR("priority")) &&
        !gw_str_eq(tier, GW_STR("default")) && !gw_str_eq(tier, GW_STR("reserved")))
        return;
    gw_out_name(o, "serviceTier");
    gw_out_open(o, '{');
    gw_out_put_raw(o, "type", tier);
    gw_out_close(o, '}');
}

static bool is_plain(struct gw_str raw) {
    static const struct gw_str signs = GW_STR_INIT(" :_@$#=/+,-.");
    bool plain = raw.n <= 256;
    for (size_t i = 0; i < raw.n && plain; i++)
        plain = (gw_lower(raw.p[i]) >= 'a' && gw_lower(raw.p[i]) <= 'z') ||
                (raw.p[i] >= '0' && raw.p[i] <= '9') || gw_str_chr(signs, raw.p[i]) >= 0;
    return plain;
}

/* Texts of some letters are taken, sixteen of them. */
static void put_metadata(struct gw_out *o, struct gw_str value) {
    enum { METADATA_MAX = 16 };
    struct gw_str name, said;
    struct gw_walk w = mean_walk(value);
    if (value.n == 0 || !gw_walk_enter(&w, '{'))
        return;
    size_t at = bedrock_open_member(o, "requestMetadata", '{');
    for (uint32_t n = 0; gw_walk_member(&w, &name);) {
        said = mean_raw(&w);
        if (said.n == 0 || name.n == 0 || !is_plain(name) || !is_plain(said) || n == METADATA_MAX)
            continue;
        gw_out_raw_name(o, name);
        gw_out_raw(o, said);
        n++;
    }
    bedrock_close_member(o, at, '}');
}

void bedrock_put_request(const struct mean *m, struct gw_str model, struct gw_out *o) {
    struct bedrock_to to = to_of(m, model, o);
    gw_out_open(o, '{');
    bedrock_put_messages(&to);
    bedrock_put_system(&to);
    put_tools(&to);
    put_inference(&to);
    put_additional(&to);
    put_form(o, m);
    put_tier(o, m->tier);
    put_metadata(o, m->metadata);
    gw_out_close(o, '}');
}
