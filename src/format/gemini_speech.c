/*
 * Google's generateContent, translated: its requests and answers are read here and in gemini_read.c, gemini_put.c
 * writes requests, gemini_say.c answers and streams.
 * What is particular to it:
 *
 *     names        stand in camelCase or in snake_case; a list of one may be its only value
 *     roles        are user and model; the system's words stand beside the contents
 *     calls        may have no ids: then they are numbered, and a result is that of the oldest call of its name that
 *                  has none yet
 *     results      are objects: one whose only member is output, result or error holds what the tool has said
 *     signatures   stand at any part. That of a text becomes a thought behind it which says nothing, and so does one
 *                  of a part without text, unless a thought without a signature stands right before it: that is
 *                  what it belongs to, if we have written it (gemini_say.c)
 *     a stream     comes back from Google's SDKs piece by piece, each in a content: those of a model are joined
 *     schemas      are of two kinds: gemini_schema.c
 *     stream       is what the path says, and not the body
 */
#include "format/gemini_speech.h"
#include "format/calls.h"

#define BIT(f) (1ULL << FEATURE_##f)

static bool is(struct gw_str name, const char *camel) {
    return gemini_read_is(name, camel);
}

/* ------------------------------------------------------------------ reading: tools */

static void read_function(struct gw_walk *w, struct mean *m) {
    struct gw_str name, schema = GW_STR("");
    struct mean_tool *t = mean_add_tool(m, MEAN_FUNCTION);
    mean_use(m, FEATURE_TOOLS);
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "name"))
            t->name = mean_raw(w);
        else if (is(name, "description"))
            t->description = mean_raw(w);
        else if (is(name, "parameters"))
            schema = gemini_schema_read(w, m);
        else if (is(name, "parametersJsonSchema"))
            t->schema = gemini_schema_read(w, m);
        else
            gw_walk_skip(w);
    }
    if (t->schema.n == 0)
        t->schema = schema;
}

/* Functions, or tools of Google's own, each by its name. */
static void read_tool(struct gw_walk *w, struct mean *m) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "functionDeclarations")) {
            for (struct gemini_items all = gemini_read_items(w); gemini_read_item(w, &all);)
                read_function(w, m);
            continue;
        }
        struct gw_str raw = mean_value(w);
        if (raw.n == 0)
            continue;
        mean_add_tool(m, MEAN_SERVED)->raw = raw;
        mean_use(m, FEATURE_SERVED);
    }
}

static void read_tools(struct gw_walk *w, struct mean *m) {
    for (struct gemini_items all = gemini_read_items(w); gemini_read_item(w, &all);)
        read_tool(w, m);
}

/* What is read before what it is about. */
struct request {
    struct gw_str system, contents;             /* values */
    struct gw_str mode, allowed;                /* of tools: raw; a value */
    struct gw_str media, google_schema, schema; /* of the answer: raw; values */
};

static void read_calling(struct gw_walk *w, struct request *r) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "mode"))
            r->mode = mean_raw(w);
        else if (is(name, "allowedFunctionNames"))
            r->allowed = mean_value(w);
        else
            gw_walk_skip(w);
    }
}

static void read_tool_config(struct gw_walk *w, struct mean *m, struct request *r) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "functionCallingConfig"))
            read_calling(w, r);
        else
            mean_unknown(m, w, name);
    }
}

/* How many names the list has, and whether this is one of them. */
static uint32_t count_allowed(struct gw_str allowed, struct gw_str name, bool *has) {
    struct gw_walk w;
    uint32_t n = 0;
    gw_walk_init(&w, allowed);
    if (allowed.n == 0)
        return 0;
    for (struct gemini_items all = gemini_read_items(&w); gemini_read_item(&w, &all); n++)
        *has |= gw_str_eq(mean_raw(&w), name);
    return n;
}

static struct gw_str first_allowed(struct gw_str allowed) {
    struct gw_walk w;
    gw_walk_init(&w, allowed);
    struct gemini_items all = gemini_read_items(&w);
    return gemini_read_item(&w, &all) ? mean_raw(&w) : GW_STR("");
}

/* Of names times tools. */
enum { ALLOWED_MAX = 1 << 17 };

static uint32_t count_tools(const struct mean *m) {
    uint32_t n = 0;
    for (const struct mean_tool *t = m->tools; t != NULL; t = t->next)
        n++;
    return n;
}

/* Others have no words for some of them: so those are all that there are. */
static void keep_allowed(struct mean *m, struct gw_str allowed, uint32_t n) {
    struct mean_tool **at = &m->tools;
    if ((uint64_t)n * count_tools(m) > ALLOWED_MAX) {
        mean_wrong(m, "there are too many tools or allowedFunctionNames");
        return;
    }
    m->tools_last = NULL;
    while (*at != NULL) {
        bool has = (*at)->kind != MEAN_FUNCTION;
        count_allowed(allowed, (*at)->name, &has);
        if (has)
            m->tools_last = *at;
        if (has)
            at = &(*at)->next;
        else
            *at = (*at)->next;
    }
}

/* Arguments are checked against the schema of their tool. */
static void make_strict(struct mean *m) {
    for (struct mean_tool *t = m->tools; t != NULL; t = t->next)
        if (t->kind == MEAN_FUNCTION && t->schema.n > 0)
            t->strict = GW_STR("true");
    mean_use(m, FEATURE_STRICT);
}

static void settle_pick(struct mean *m, const struct request *r) {
    bool any = gw_str_ieq(r->mode, GW_STR("ANY")), has = false;
    bool checked = gw_str_ieq(r->mode, GW_STR("VALIDATED"));
    uint32_t n = count_allowed(r->allowed, GW_STR(""), &has);
    if (any && n == 1) {
        m->pick = MEAN_PICK_ONE;
        m->pick_name = first_allowed(r->allowed);
        mean_use(m, FEATURE_PICK_ONE);
    } else if (any) {
        m->pick = MEAN_PICK_ANY;
        mean_use(m, FEATURE_PICK_ANY);
    } else if (gw_str_ieq(r->mode, GW_STR("NONE"))) {
        m->pick = MEAN_PICK_NONE;
        mean_use(m, FEATURE_PICK_NONE);
    } else if (checked || gw_str_ieq(r->mode, GW_STR("AUTO"))) {
        m->pick = MEAN_PICK_AUTO;
    }
    if ((any && n > 1) || (checked && n > 0))
        keep_allowed(m, r->allowed, n);
    if (checked)
        make_strict(m);
}

/* ------------------------------------------------------------------ reading: how to answer */

static const struct mean_member members[] = {
    MEAN_VALUE("maxOutputTokens", max_tokens, MAX_TOKENS),
    MEAN_VALUE("temperature", temperature, TEMPERATURE),
    MEAN_VALUE("topP", top_p, TOP_P),
    MEAN_VALUE("topK", top_k, TOP_K),
    MEAN_VALUE("seed", seed, SEED),
    MEAN_VALUE("frequencyPenalty", frequency, PENALTIES),
    MEAN_VALUE("presencePenalty", presence, PENALTIES),
    MEAN_VALUE("logprobs", top_logprobs, LOGPROBS),
};

/* mean_take knows names to the letter. */
static bool take(struct mean *m, struct gw_walk *w, struct gw_str name) {
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (is(name, members[i].name)) {
            struct gw_str known = gw_str(members[i].name, strlen(members[i].name));
            return mean_take(m, w, known, &members[i], 1);
        }
    return false;
}

static enum mean_effort effort_of(struct gw_str word) {
    for (int i = MEAN_EFFORT_NONE; i <= MEAN_EFFORT_MAX; i++) {
        const char *of = mean_effort_word((enum mean_effort)i);
        if (gw_str_ieq(word, gw_str(of, strlen(of))))
            return (enum mean_effort)i;
    }
    return MEAN_EFFORT_UNSAID;
}

/* 0 is none at all; -1 leaves it to the model. */
static void read_budget(struct gw_walk *w, struct mean *m) {
    struct gw_str budget = mean_value(w);
    if (gw_str_eq(budget, GW_STR("0"))) {
        m->effort = MEAN_EFFORT_NONE;
        mean_use(m, FEATURE_EFFORT);
    } else if (mean_u64(budget) > 0) {
        m->budget = budget;
        mean_use(m, FEATURE_BUDGET);
    }
}

static void read_level(struct gw_walk *w, struct mean *m) {
    enum mean_effort effort = effort_of(mean_raw(w));
    if (effort == MEAN_EFFORT_UNSAID)
        return;
    m->effort = effort;
    mean_use(m, FEATURE_EFFORT);
}

static void read_thinking(struct gw_walk *w, struct mean *m) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "thinkingBudget"))
            read_budget(w, m);
        else if (is(name, "thinkingLevel"))
            read_level(w, m);
        else if (is(name, "includeThoughts"))
            m->shows_thoughts = mean_true(w);
        else
            mean_unknown(m, w, name);
    }
}

/* "responseFormat": {"text": {"mimeType", "schema"}}; some leave "text" out. */
static void read_format(struct gw_walk *w, struct mean *m, struct request *r) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "text"))
            read_format(w, m, r);
        else if (is(name, "mimeType"))
            r->media = gemini_read_media(w, m);
        else if (is(name, "schema"))
            r->schema = gemini_schema_read(w, m);
        else if (is(name, "type"))
            gw_walk_skip(w);
        else
            mean_unknown(m, w, name);
    }
}

/* Text is what all models answer with. */
static void read_modalities(struct gw_walk *w, struct mean *m, struct gw_str name) {
    bool other = false;
    for (struct gemini_items all = gemini_read_items(w); gemini_read_item(w, &all);)
        other |= !gw_str_ieq(mean_raw(w), GW_STR("TEXT"));
    if (!other)
        return;
    mean_use(m, FEATURE_UNKNOWN);
    if (m->unknown.n == 0)
        m->unknown = name;
}

static void read_n(struct gw_walk *w, struct mean *m) {
    m->n = mean_value(w);
    if (m->n.n > 0 && !gw_str_eq(m->n, GW_STR("1")))
        mean_use(m, FEATURE_N);
}

static void read_logprobs(struct gw_walk *w, struct mean *m) {
    m->logprobs = mean_value(w);
    if (mean_is_true(m->logprobs))
        mean_use(m, FEATURE_LOGPROBS);
}

static bool read_form_member(struct gw_walk *w, struct gw_str name, struct mean *m,
                             struct request *r) {
    if (is(name, "responseMimeType"))
        r->media = gemini_read_media(w, m);
    else if (is(name, "responseSchema"))
        r->google_schema = gemini_schema_read(w, m);
    else if (is(name, "responseJsonSchema") || is(name, "_responseJsonSchema"))
        r->schema = gemini_schema_read(w, m);
    else
        return false;
    return true;
}

static void read_config(struct gw_walk *w, struct mean *m, struct request *r) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "stopSequences"))
            mean_read_stops(m, w);
        else if (is(name, "candidateCount"))
            read_n(w, m);
        else if (is(name, "responseLogprobs"))
            read_logprobs(w, m);
        else if (is(name, "thinkingConfig"))
            read_thinking(w, m);
        else if (is(name, "responseModalities"))
            read_modalities(w, m, name);
        else if (is(name, "responseFormat"))
            for (struct gemini_items all = gemini_read_items(w); gemini_read_item(w, &all);)
                read_format(w, m, r);
        else if (!read_form_member(w, name, m, r) && !take(m, w, name))
            mean_unknown(m, w, name);
    }
}

/* A schema wants JSON; "text/x.enum" is one of its words, bare. */
static void settle_form(struct mean *m, const struct request *r) {
    bool json =
        is(r->media, "application/json") || gw_str_ieq(r->media, GW_STR("APPLICATION_JSON"));
    m->form_schema = r->schema.n > 0 ? r->schema : r->google_schema;
    if (is(r->media, "text/x.enum")) {
        mean_use(m, FEATURE_UNKNOWN);
        m->unknown = m->unknown.n > 0 ? m->unknown : GW_STR("responseMimeType");
        m->form_schema = GW_STR("");
    }
    m->form = m->form_schema.n > 0 ? MEAN_FORM_SCHEMA : json ? MEAN_FORM_JSON : MEAN_FORM_TEXT;
    if (m->form != MEAN_FORM_TEXT)
        mean_use(m, m->form == MEAN_FORM_JSON ? FEATURE_JSON : FEATURE_SCHEMA);
}

/* ------------------------------------------------------------------ reading: the request */

/* OpenAI's words are everybody's. */
static void read_tier(struct gw_walk *w, struct mean *m) {
    struct gw_str tier = mean_raw(w);
    if (tier.n == 0 || is(tier, "unspecified"))
        return;
    m->tier = is(tier, "standard") ? GW_STR("default") : tier;
    mean_use(m, FEATURE_TIER);
}

/* What says nothing that another server could want to know. */
static bool is_idle(struct gw_str name) {
    return is(name, "model") || is(name, "safetySettings");
}

static void read_members(struct gw_walk *w, struct mean *m, struct request *r);

static void read_member(struct gw_walk *w, struct gw_str name, struct mean *m, struct request *r) {
    if (is(name, "contents")) {
        r->contents = mean_value(w);
    } else if (is(name, "systemInstruction")) {
        r->system = mean_value(w);
    } else if (is(name, "tools")) {
        read_tools(w, m);
    } else if (is(name, "toolConfig")) {
        read_tool_config(w, m, r);
    } else if (is(name, "generationConfig")) {
        read_config(w, m, r);
    } else if (is(name, "serviceTier")) {
        read_tier(w, m);
    } else if (is(name, "labels")) {
        mean_take(m, w, GW_STR("labels"),
                  &(struct mean_member)MEAN_VALUE("labels", metadata, METADATA), 1);
    } else if (is(name, "generateContentRequest")) { /* of which the tokens are to be counted */
        read_members(w, m, r);
    } else if (is(name, "store")) {
        m->store = mean_value(w);
    } else if (is(name, "cachedContent")) {
        if (mean_value(w).n > 0)
            mean_use(m, FEATURE_KEPT);
    } else if (is_idle(name)) {
        gw_walk_skip(w);
    } else {
        mean_unknown(m, w, name);
    }
}

static void read_members(struct gw_walk *w, struct mean *m, struct request *r) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name))
        read_member(w, name, m, r);
}

/* The system's words come first, wherever they stand. */
static void read_words(struct mean *m, const struct request *r) {
    struct gw_walk w;
    gw_walk_init(&w, r->system);
    if (r->system.n > 0)
        gemini_read_system(&w, m);
    gw_walk_init(&w, r->contents);
    if (r->contents.n > 0)
        gemini_read_contents(&w, m);
    if (m->last == NULL || m->last->role == MEAN_SYSTEM)
        mean_wrong(m, "there are no contents");
    calls_pair(m);
}

static void read_request(struct gw_walk *w, struct mean *m) {
    struct request r = {.mode = GW_STR("")};
    read_members(w, m, &r);
    read_words(m, &r);
    settle_pick(m, &r);
    settle_form(m, &r);
}

/* ------------------------------------------------------------------ reading: answers */

static struct gw_str logprobs_of(struct gw_str ours, struct mean *m) {
    struct gw_buf b;
    struct gw_out o;
    gw_buf_init(&b, m->arena, 4 * ours.n + 64);
    gw_out_init(&o, &b);
    gemini_logprobs_read(ours, &o);
    m->full |= b.full;
    return b.full ? GW_STR("") : gw_buf_str(&b);
}

static void read_candidate(struct gw_walk *w, struct mean_answer *a) {
    struct gw_str name;
    struct mean_choice *c = mean_add_choice(a, 0);
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "content"))
            gemini_read_content(w, &a->mean, &c->turn);
        else if (is(name, "index"))
            c->index = (uint32_t)mean_number(w);
        else if (is(name, "finishReason"))
            c->why = event_why_of(&dialect_gemini, mean_raw(w));
        else if (is(name, "logprobsResult"))
            c->logprobs = logprobs_of(mean_value(w), &a->mean);
        else
            gw_walk_skip(w);
    }
}

/* A prompt that was refused has no candidates: that it was is all of the answer. */
static void read_feedback(struct gw_walk *w, struct mean_answer *a) {
    struct gw_str name, reason = GW_STR("");
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "blockReason"))
            reason = mean_raw(w);
        else
            gw_walk_skip(w);
    }
    if (reason.n > 0 && !is(reason, "BLOCK_REASON_UNSPECIFIED"))
        mean_add_choice(a, 0)->why = WHY_FILTER;
}

static void read_answer_member(struct gw_walk *w, struct gw_str name, struct mean_answer *a) {
    if (is(name, "candidates"))
        for (struct gemini_items all = gemini_read_items(w); gemini_read_item(w, &all);)
            read_candidate(w, a);
    else if (is(name, "promptFeedback"))
        read_feedback(w, a);
    else if (is(name, "usageMetadata"))
        mean_read_usage(a, &dialect_gemini, mean_value(w));
    else if (is(name, "modelVersion"))
        a->model = mean_raw(w);
    else if (is(name, "responseId"))
        a->id = mean_raw(w);
    else
        gw_walk_skip(w);
}

static void read_answer(struct gw_walk *w, struct mean_answer *a) {
    struct gw_str name;
    uint64_t calls = 0;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name))
        read_answer_member(w, name, a);
    for (struct mean_choice *c = a->choices; c != NULL; c = c->next) {
        gemini_read_joined(&a->mean, &c->turn);
        calls_settle(a, c, &calls);
    }
    if (a->choices == NULL)
        mean_wrong(&a->mean, "it has no candidates");
}

const struct speech speech_gemini = {
    .path = GW_STR_INIT("/v1beta/models/%m:generateContent"),
    .stream_path = GW_STR_INIT("/v1beta/models/%m:streamGenerateContent?alt=sse"),
    .no_signature = GW_STR_INIT("skip_thought_signature_validator"),
    .counts_at = GW_STR_INIT(":countTokens"),
    .count = GW_STR_INIT("{\"totalTokens\":"),
    .counted = GW_STR_INIT("totalTokens"),
    .count_path = GW_STR_INIT("/v1beta/models/%m:countTokens"),
    .put_count = gemini_put_count,
    .thinks_unseen = true,
    .says = BIT(SYSTEM_LATER) | BIT(IMAGE) | BIT(IMAGE_URL) | BIT(AUDIO) | BIT(FILE) |
            BIT(FILE_URL) | BIT(TOOLS) | BIT(PICK_NONE) | BIT(PICK_ANY) | BIT(PICK_ONE) |
            BIT(STRICT) | BIT(CUSTOM) | BIT(RESULT_IMAGE) | BIT(RESULT_FAILED) | BIT(JSON) |
            BIT(SCHEMA) | BIT(MAX_TOKENS) | BIT(TEMPERATURE) | BIT(TOP_P) | BIT(TOP_K) | BIT(STOP) |
            BIT(SEED) | BIT(N) | BIT(PENALTIES) | BIT(LOGPROBS) | BIT(EFFORT) | BIT(BUDGET) |
            BIT(SIGNATURE) | BIT(TIER),
    .names =
        {
            [FEATURE_SYSTEM_LATER] = "contents",
            [FEATURE_IMAGE] = "contents",
            [FEATURE_IMAGE_URL] = "contents",
            [FEATURE_AUDIO] = "contents",
            [FEATURE_FILE] = "contents",
            [FEATURE_FILE_OFFICE] = "contents",
            [FEATURE_FILE_OTHER] = "contents",
            [FEATURE_FILE_URL] = "contents",
            [FEATURE_FILE_ID] = "contents",
            [FEATURE_TOOLS] = "tools",
            [FEATURE_PICK_NONE] = "toolConfig",
            [FEATURE_PICK_ANY] = "toolConfig",
            [FEATURE_PICK_ONE] = "toolConfig",
            [FEATURE_STRICT] = "toolConfig",
            [FEATURE_CUSTOM] = "tools",
            [FEATURE_SERVED] = "tools",
            [FEATURE_RESULT_IMAGE] = "contents",
            [FEATURE_RESULT_FAILED] = "contents",
            [FEATURE_JSON] = "generationConfig.responseMimeType",
            [FEATURE_SCHEMA] = "generationConfig.responseJsonSchema",
            [FEATURE_MAX_TOKENS] = "generationConfig.maxOutputTokens",
            [FEATURE_TEMPERATURE] = "generationConfig.temperature",
            [FEATURE_TOP_P] = "generationConfig.topP",
            [FEATURE_TOP_K] = "generationConfig.topK",
            [FEATURE_STOP] = "generationConfig.stopSequences",
            [FEATURE_SEED] = "generationConfig.seed",
            [FEATURE_N] = "generationConfig.candidateCount",
            [FEATURE_PENALTIES] = "generationConfig.frequencyPenalty",
            [FEATURE_LOGPROBS] = "generationConfig.responseLogprobs",
            [FEATURE_EFFORT] = "generationConfig.thinkingConfig",
            [FEATURE_BUDGET] = "generationConfig.thinkingConfig",
            [FEATURE_SIGNATURE] = "contents",
            [FEATURE_TIER] = "serviceTier",
            [FEATURE_METADATA] = "labels",
            [FEATURE_KEPT] = "cachedContent",
            [FEATURE_OTHER] = "contents",
        },
    .read_request = read_request,
    .put_request = gemini_put_request,
    .read_answer = read_answer,
    .put_answer = gemini_say_answer,
    .put_logprobs = gemini_logprobs_read,
    .begin = gemini_say_begin,
    .step = gemini_say_step,
    .end = gemini_say_end,
};
