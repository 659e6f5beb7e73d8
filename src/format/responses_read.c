/* OpenAI's Responses, translated: requests as they are read. */
#include "format/responses_speech.h"

static bool is(struct gw_str name, const char *literal) {
    return gw_str_eq(name, gw_str(literal, strlen(literal)));
}

/* ------------------------------------------------------------------ what it says in words */

/* They come first, wherever they stand. */
static void read_instructions(struct gw_walk *w, struct mean *m) {
    m->said.instructions = mean_value(w);
    if (responses_items_inside(m->said.instructions).n == 0)
        return;
    struct mean_turn *first = m->turns, *last = m->last;
    m->turns = m->last = NULL;
    struct mean_turn *t = mean_add_turn(m, MEAN_SYSTEM);
    mean_add_part(m, t, MEAN_TEXT)->text = responses_items_inside(m->said.instructions);
    t->next = first;
    m->turns = t;
    m->last = last != NULL ? last : t;
}

/* ------------------------------------------------------------------ the rest */

static void pick(struct mean *m, enum mean_pick pick) {
    static const enum feature features[] = {[MEAN_PICK_NONE] = FEATURE_PICK_NONE,
                                            [MEAN_PICK_ANY] = FEATURE_PICK_ANY,
                                            [MEAN_PICK_ONE] = FEATURE_PICK_ONE};
    m->pick = pick;
    if (pick >= MEAN_PICK_NONE)
        mean_use(m, features[pick]);
}

static enum mean_pick pick_of(struct gw_str word) {
    return is(word, "none")       ? MEAN_PICK_NONE
           : is(word, "required") ? MEAN_PICK_ANY
           : is(word, "auto")     ? MEAN_PICK_AUTO
                                  : MEAN_PICK_UNSAID;
}

/* {"type": "function", "name": "x"}, or {"type": "allowed_tools", "mode": "required", "tools": [...]} */
struct picked {
    struct gw_str type, mode, space, name; /* raw */
    struct gw_str tools;                   /* value */
};

static void read_picked(struct gw_walk *w, struct picked *picked) {
    struct gw_str name;
    *picked = (struct picked){.type = GW_STR("")};
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        struct gw_str said = mean_value(w), raw = responses_items_inside(said);
        if (is(name, "type"))
            picked->type = raw;
        else if (is(name, "mode"))
            picked->mode = raw;
        else if (is(name, "namespace"))
            picked->space = raw;
        else if (is(name, "name"))
            picked->name = raw;
        else if (is(name, "tools"))
            picked->tools = said;
    }
}

static bool pick_one(struct mean *m, const struct picked *picked) {
    bool named = is(picked->type, "function") || is(picked->type, "custom");
    if (!named || picked->name.n == 0)
        return false;
    m->pick_name = responses_name_flat(m->arena, picked->space, picked->name);
    pick(m, MEAN_PICK_ONE);
    return true;
}

/* That it is these tools alone others have words for only if it is one, and must be. */
static void pick_allowed(struct mean *m, const struct picked *picked) {
    struct picked one = {.type = GW_STR("")};
    struct gw_walk w;
    uint32_t n = 0;
    gw_walk_init(&w, picked->tools);
    if (picked->tools.n > 0 && gw_walk_enter(&w, '['))
        for (; gw_walk_item(&w); n++)
            read_picked(&w, &one);
    enum mean_pick how = pick_of(picked->mode);
    if (n == 1 && how == MEAN_PICK_ANY && pick_one(m, &one))
        return;
    pick(m, how);
    mean_use(m, FEATURE_UNKNOWN);
    if (m->unknown.n == 0)
        m->unknown = GW_STR("tool_choice");
}

/* One of the provider's own tools cannot be had. */
static void read_pick_object(struct gw_str value, struct mean *m) {
    struct picked picked;
    struct gw_walk w;
    gw_walk_init(&w, value);
    read_picked(&w, &picked);
    if (is(picked.type, "allowed_tools"))
        pick_allowed(m, &picked);
    else if (!pick_one(m, &picked))
        pick(m, MEAN_PICK_AUTO);
}

static void read_pick(struct gw_walk *w, struct mean *m) {
    m->said.choice = mean_value(w);
    if (m->said.choice.n > 0 && m->said.choice.p[0] == '{')
        read_pick_object(m->said.choice, m);
    else
        pick(m, pick_of(responses_items_inside(m->said.choice)));
}

static void read_format(struct gw_str value, struct mean *m) {
    struct gw_str name, type = GW_STR("");
    struct gw_walk w;
    gw_walk_init(&w, value);
    if (value.n == 0 || !gw_walk_enter(&w, '{'))
        return;
    while (gw_walk_member(&w, &name)) {
        if (is(name, "type"))
            type = mean_raw(&w);
        else if (is(name, "name"))
            m->form_name = mean_raw(&w);
        else if (is(name, "description"))
            m->form_about = mean_raw(&w);
        else if (is(name, "schema"))
            m->form_schema = mean_value(&w);
        else if (is(name, "strict"))
            m->form_strict = mean_value(&w);
        else
            gw_walk_skip(&w);
    }
    m->said.format = value;
    m->form = is(type, "json_schema")   ? MEAN_FORM_SCHEMA
              : is(type, "json_object") ? MEAN_FORM_JSON
                                        : MEAN_FORM_TEXT;
    if (m->form != MEAN_FORM_TEXT)
        mean_use(m, m->form == MEAN_FORM_JSON ? FEATURE_JSON : FEATURE_SCHEMA);
}

static void read_text(struct gw_walk *w, struct mean *m) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        if (is(name, "format"))
            read_format(mean_value(w), m);
        else if (is(name, "verbosity"))
            m->verbosity = mean_raw(w);
        else
            gw_walk_skip(w);
    }
    if (m->verbosity.n > 0)
        mean_use(m, FEATURE_VERBOSITY);
}

/* Which turns are thought of again ("context"), and in which "mode", is the model's own. */
static void read_reasoning(struct gw_walk *w, struct mean *m) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name)) {
        struct gw_str said = mean_value(w);
        if (is(name, "effort"))
            m->effort = mean_effort_of(responses_items_inside(said));
        else if ((is(name, "summary") || is(name, "generate_summary")) && said.n > 0)
            m->said.summary = said;
    }
    m->shows_thoughts = m->said.summary.n > 0;
    if (m->effort != MEAN_EFFORT_UNSAID)
        mean_use(m, FEATURE_EFFORT);
}

static void read_include(struct gw_walk *w, struct mean *m) {
    if (!gw_walk_enter(w, '['))
        return;
    while (gw_walk_item(w)) {
        if (!is(mean_raw(w), "message.output_text.logprobs"))
            continue;
        m->logprobs = GW_STR("true");
        mean_use(m, FEATURE_LOGPROBS);
    }
}

static void read_top_logprobs(struct gw_walk *w, struct mean *m) {
    m->top_logprobs = mean_value(w);
    if (mean_u64(m->top_logprobs) == 0)
        return;
    m->logprobs = GW_STR("true");
    mean_use(m, FEATURE_LOGPROBS);
}

/* That they may is what every server does unasked. */
static void read_parallel(struct gw_walk *w, struct mean *m) {
    m->parallel = mean_value(w);
    if (is(m->parallel, "false"))
        mean_use(m, FEATURE_PARALLEL);
}

/* To be asked for it and then to be asked about it again and again. */
static void read_background(struct gw_walk *w, struct gw_str name, struct mean *m) {
    if (gw_walk_kind(w) == 't')
        mean_unknown(m, w, name);
    else
        gw_walk_skip(w);
}

static const struct mean_member members[] = {
    MEAN_VALUE("max_output_tokens", max_tokens, MAX_TOKENS),
    MEAN_VALUE("temperature", temperature, TEMPERATURE),
    MEAN_VALUE("top_p", top_p, TOP_P),
    MEAN_VALUE("frequency_penalty", frequency, PENALTIES),
    MEAN_VALUE("presence_penalty", presence, PENALTIES),
    MEAN_VALUE("metadata", metadata, METADATA),
    MEAN_RAW("user", user, USER),
    MEAN_RAW("service_tier", tier, TIER),
    MEAN_RAW("previous_response_id", previous, PREVIOUS),
};

/* What is told again, and means nothing to another server. */
static const struct {
    const char *name;
    size_t at; /* of the struct gw_str in struct mean */
} kept[] = {
    {"prompt_cache_key", offsetof(struct mean, said.cache_key)},
    {"truncation", offsetof(struct mean, said.truncation)},
    {"max_tool_calls", offsetof(struct mean, said.calls)},
    {"store", offsetof(struct mean, store)},
};

static bool keep(struct gw_walk *w, struct gw_str name, struct mean *m) {
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (is(name, kept[i].name)) {
            struct gw_str value = mean_value(w);
            memcpy((char *)m + kept[i].at, &value, sizeof value);
            return true;
        }
    return false;
}

/* What says nothing that another server could want to know. */
static bool is_idle(struct gw_str name) {
    return is(name, "model") || is(name, "models") || is(name, "client_metadata") ||
           is(name, "prompt_cache_retention") || is(name, "prompt_cache_options") ||
           is(name, "stream_options");
}

static void read_safety(struct gw_walk *w, struct mean *m) {
    m->said.safety = mean_value(w);
    m->user = responses_items_inside(m->said.safety);
    if (m->user.n > 0)
        mean_use(m, FEATURE_USER);
}

/* Both are lists of things that the client does not send. */
static void read_kept(struct gw_walk *w, struct gw_str name, struct mean *m) {
    if (mean_value(w).n == 0)
        return;
    mean_wrong(m, is(name, "prompt") ? "\"prompt\" names a template that its provider keeps"
                                     : "\"conversation\" names what its provider keeps");
}

static void read_member(struct gw_walk *w, struct gw_str name, struct mean *m) {
    if (is(name, "input")) {
        responses_items_input(w, m);
    } else if (is(name, "instructions")) {
        read_instructions(w, m);
    } else if (is(name, "tools")) {
        m->said.tools = mean_value(w);
        responses_items_tools(m->said.tools, m);
    } else if (is(name, "tool_choice")) {
        read_pick(w, m);
    } else if (is(name, "text")) {
        read_text(w, m);
    } else if (is(name, "reasoning")) {
        read_reasoning(w, m);
    } else if (is(name, "include")) {
        read_include(w, m);
    } else if (is(name, "top_logprobs")) {
        read_top_logprobs(w, m);
    } else if (is(name, "stream")) {
        m->stream = mean_true(w);
    } else if (is(name, "parallel_tool_calls")) {
        read_parallel(w, m);
    } else if (is(name, "background")) {
        read_background(w, name, m);
    } else if (is(name, "safety_identifier")) {
        read_safety(w, m);
    } else if (is(name, "conversation") || is(name, "prompt")) {
        read_kept(w, name, m);
    } else if (is_idle(name)) {
        gw_walk_skip(w);
    } else if (!keep(w, name, m) &&
               !mean_take(m, w, name, members, sizeof members / sizeof *members)) {
        mean_unknown(m, w, name);
    }
}

void responses_read_request(struct gw_walk *w, struct mean *m) {
    struct gw_str name;
    if (!gw_walk_enter(w, '{'))
        return;
    while (gw_walk_member(w, &name))
        read_member(w, name, m);
    if (m->turns == NULL && m->previous.n == 0)
        mean_wrong(m, "there is no \"input\"");
    if (m->compacts_alone && !m->compacts)
        responses_items_compact(m);
    if (m->compacts_alone && m->stream)
        mean_wrong(m, "a summary does not come as a stream");
    if (m->compacts && m->tools != NULL)
        pick(m, MEAN_PICK_NONE);
}
