/*
 * Google's generateContent, written: requests (gemini_speech.c reads them). What is particular to it:
 *
 *     contents     in a row are of different roles: turns of one role are one. Results of tools stand first in it
 *     signatures   Gemini 3 and later refuse a model's first call without one, unless it says that they shall not look
 *     thoughts     go back to their own model alone: those without a signature are left out
 *     pictures     in a result stand in it for Gemini 3 and later, else behind all results
 *     levels       of thought are for Gemini 3 and later, numbers of tokens for those before
 */
#include "format/gemini_speech.h"

static bool is(struct gw_str name, const char *literal) {
    return gw_str_eq(name, gw_str(literal, strlen(literal)));
}

static bool begins(struct gw_str s, const char *literal) {
    return gw_str_starts(s, gw_str(literal, strlen(literal)));
}

/* ------------------------------------------------------------------ models */

/* "models/gemini-3.7-flash", "google/gemini-3.7-flash" */
static struct gw_str bare(struct gw_str model) {
    ptrdiff_t slash;
    while ((slash = gw_str_chr(model, '/')) >= 0)
        model = gw_str_sub(model, (size_t)slash + 1, model.n);
    return model;
}

/* Gemini 3 or later, which "gemini-flash-latest" is, too. */
static bool is_new(struct gw_str model) {
    struct gw_str rest = bare(model);
    uint64_t n;
    if (!begins(rest, "gemini-"))
        return false;
    rest = gw_str_sub(rest, 7, rest.n);
    struct gw_str number = gw_str_cut(&rest, '-');
    return !gw_str_u64(gw_str_cut(&number, '.'), &n) || n >= 3;
}

/* Not all can think as little as that. */
static bool takes_minimal(struct gw_str model) {
    struct gw_str name = bare(model);
    return gw_str_find(name, GW_STR("flash")) >= 0 && !is(name, "gemini-3.7-flash");
}

/* ------------------------------------------------------------------ objects that may be empty */

struct mark {
    size_t at, inside;
    bool more;
};

static struct mark open_object(struct gw_out *o, const char *name) {
    struct mark mark = {.at = o->b->n, .more = o->more};
    gw_out_name(o, name);
    gw_out_open(o, '{');
    mark.inside = o->b->n;
    return mark;
}

/* It leaves nothing if nothing is in it. */
static void close_object(struct gw_out *o, struct mark mark) {
    if (o->b->n > mark.inside || o->b->full) {
        gw_out_close(o, '}');
        return;
    }
    o->b->n = mark.at;
    o->more = mark.more;
}

/* ------------------------------------------------------------------ media */

/* What a place's name says of what is there. */
static struct gw_str media_of_url(struct gw_str url) {
    static const struct gw_str known[][2] = {
        {GW_STR_INIT(".png"), GW_STR_INIT("image/png")},
        {GW_STR_INIT(".webp"), GW_STR_INIT("image/webp")},
        {GW_STR_INIT(".gif"), GW_STR_INIT("image/gif")},
        {GW_STR_INIT(".jpg"), GW_STR_INIT("image/jpeg")},
        {GW_STR_INIT(".jpeg"), GW_STR_INIT("image/jpeg")},
        {GW_STR_INIT(".txt"), GW_STR_INIT("text/plain")},
        {GW_STR_INIT(".md"), GW_STR_INIT("text/markdown")},
        {GW_STR_INIT(".html"), GW_STR_INIT("text/html")},
        {GW_STR_INIT(".csv"), GW_STR_INIT("text/csv")},
        {GW_STR_INIT(".wav"), GW_STR_INIT("audio/wav")},
        {GW_STR_INIT(".mp3"), GW_STR_INIT("audio/mp3")},
    };
    struct gw_str path = gw_str_cut(&url, '?');
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (gw_str_ends(path, known[i][0]))
            return known[i][1];
    return GW_STR("");
}

static struct gw_str media_of(const struct mean_part *p) {
    struct gw_str media = p->media.n > 0 ? p->media : media_of_url(p->url);
    if (media.n > 0)
        return media;
    return p->kind == MEAN_IMAGE   ? GW_STR("image/jpeg")
           : p->kind == MEAN_AUDIO ? GW_STR("audio/mp3")
                                   : GW_STR("application/pdf");
}

/* Bytes, or a place. */
void gemini_put_media(struct gw_out *o, const struct mean_part *p) {
    bool bytes = p->data.n > 0;
    gw_out_open(o, '{');
    gw_out_name(o, bytes ? "inlineData" : "fileData");
    gw_out_open(o, '{');
    gw_out_put_raw(o, "mimeType", media_of(p));
    gw_out_put_raw(o, bytes ? "data" : "fileUri", bytes ? p->data : p->url);
    gw_out_close(o, '}');
    gw_out_close(o, '}');
}

bool gemini_put_is_media(const struct mean_part *p) {
    return (p->kind == MEAN_IMAGE || p->kind == MEAN_AUDIO || p->kind == MEAN_FILE) &&
           (p->data.n > 0 || p->url.n > 0);
}

/* ------------------------------------------------------------------ parts */

void gemini_put_text(struct gw_out *o, struct gw_str text, bool thought, struct gw_str signature) {
    gw_out_open(o, '{');
    gw_out_put_raw(o, "text", text);
    if (thought)
        gw_out_put_value(o, "thought", GW_STR("true"));
    gw_out_may_raw(o, "thoughtSignature", signature);
    gw_out_close(o, '}');
}

void gemini_put_call(struct gw_out *o, const struct mean_part *call, struct gw_arena *arena,
                     struct gw_str signature) {
    gw_out_open(o, '{');
    gw_out_name(o, "functionCall");
    gw_out_open(o, '{');
    gw_out_may_raw(o, "id", call->id);
    gw_out_put_raw(o, "name", call->name);
    gw_out_name(o, "args");
    mean_put_args(call, arena, o);
    gw_out_close(o, '}');
    gw_out_may_raw(o, "thoughtSignature", signature);
    gw_out_close(o, '}');
}

/* A signature that says nothing itself, of the text before it. */
static bool signs_text(const struct mean_part *p) {
    return p != NULL && p->kind == MEAN_REASONING && p->text.n == 0 && !p->hidden &&
           p->signature.n > 0;
}

/* ------------------------------------------------------------------ results */

/* The object that the tool has answered with; empty: it was something else. */
static struct gw_str object_in(const struct mean_part *parts, struct gw_arena *arena) {
    struct gw_buf json;
    struct gw_walk w;
    struct gw_str none = GW_STR("");
    if (parts == NULL || parts->kind != MEAN_TEXT || !begins(gw_str_trim(parts->text), "{"))
        return none;
    for (const struct mean_part *p = parts->next; p != NULL; p = p->next)
        if (p->kind == MEAN_TEXT)
            return none;
    gw_buf_init(&json, arena, parts->text.n);
    gw_json_decode(&json, parts->text);
    gw_walk_init(&w, gw_buf_str(&json));
    return !json.full && gw_walk_skip(&w) && gw_walk_end(&w) ? gw_buf_str(&json) : none;
}

static void put_response(struct gw_out *o, const struct mean_part *r, struct gw_arena *arena) {
    struct gw_str object = r->failed ? GW_STR("") : object_in(r->parts, arena);
    gw_out_name(o, "response");
    if (object.n > 0) {
        gw_out_value(o, object);
        return;
    }
    gw_out_open(o, '{');
    gw_out_name(o, r->failed ? "error" : "result");
    mean_put_texts(r->parts, "\n", o);
    gw_out_close(o, '}');
}

/* Whether it can stand in the result that it is of. */
static bool is_inner(const struct mean_part *p, bool new) {
    return new && gemini_put_is_media(p) && p->data.n > 0 && p->kind != MEAN_AUDIO;
}

static void put_inner(struct gw_out *o, const struct mean_part *result, bool new) {
    bool any = false;
    for (const struct mean_part *p = result->parts; p != NULL; p = p->next) {
        if (!is_inner(p, new))
            continue;
        if (!any) {
            gw_out_name(o, "parts");
            gw_out_open(o, '[');
        }
        any = true;
        gemini_put_media(o, p);
    }
    if (any)
        gw_out_close(o, ']');
}

static void put_result(struct gw_out *o, const struct mean *m, const struct mean_part *r,
                       bool new) {
    struct gw_str name = mean_name_of_call(m, r->id);
    if (name.n == 0)
        name = r->name.n > 0 ? r->name : GW_STR("function");
    gw_out_open(o, '{');
    gw_out_name(o, "functionResponse");
    gw_out_open(o, '{');
    gw_out_may_raw(o, "id", r->id);
    gw_out_put_raw(o, "name", name);
    put_response(o, r, m->arena);
    put_inner(o, r, new);
    gw_out_close(o, '}');
    gw_out_close(o, '}');
}

/* What a result holds that cannot stand in it. */
static bool is_outer(const struct mean_part *p, bool new) {
    return (gemini_put_is_media(p) || (p->kind == MEAN_FILE && mean_is_text(p))) &&
           !is_inner(p, new);
}

/* ------------------------------------------------------------------ contents */

static bool is_model(const struct mean_turn *t) {
    return t->role == MEAN_ASSISTANT;
}

static bool is_said(const struct mean_part *p) {
    return mean_is_text(p) || gemini_put_is_media(p) || p->kind == MEAN_CALL ||
           p->kind == MEAN_RESULT || (p->kind == MEAN_REASONING && p->signature.n > 0);
}

static bool says(const struct mean_turn *t) {
    const struct mean_part *p = t->parts;
    while (p != NULL && !is_said(p))
        p = p->next;
    return p != NULL;
}

/* Behind the turns that are one content with this one; those that say nothing are no border. */
static const struct mean_turn *end_of(const struct mean_turn *from) {
    const struct mean_turn *t = from;
    while (t != NULL && (!says(t) || is_model(t) == is_model(from)))
        t = t->next;
    return t;
}

/* What is being written. */
struct putter {
    const struct mean *m;
    struct gw_out *o;
    bool new;
    bool called; /* the content has a call */
};

static void put_signed_call(struct putter *to, const struct mean_part *call) {
    struct gw_str signature = call->signature;
    if (signature.n == 0 && to->new && !to->called)
        signature = speech_gemini.no_signature;
    to->called = true;
    gemini_put_call(to->o, call, to->m->arena, signature);
}

/* Returns the last part that it has written. */
static const struct mean_part *put_part(struct putter *to, const struct mean_part *p) {
    struct gw_str none = GW_STR("");
    if (mean_is_text(p)) {
        bool more = signs_text(p->next);
        gemini_put_text(to->o, p->text, false, more ? p->next->signature : none);
        return more ? p->next : p;
    }
    if (gemini_put_is_media(p))
        gemini_put_media(to->o, p);
    else if (p->kind == MEAN_CALL)
        put_signed_call(to, p);
    else if (p->kind == MEAN_REASONING && p->signature.n > 0)
        gemini_put_text(to->o, p->text, p->text.n > 0, p->signature);
    return p;
}

static void put_results(struct putter *to, const struct mean_turn *from,
                        const struct mean_turn *end) {
    for (const struct mean_turn *t = from; t != end; t = t->next)
        for (const struct mean_part *p = t->parts; p != NULL; p = p->next)
            if (p->kind == MEAN_RESULT)
                put_result(to->o, to->m, p, to->new);
}

static void put_outer(struct putter *to, const struct mean_turn *t) {
    for (const struct mean_part *r = t->parts; r != NULL; r = r->next)
        for (const struct mean_part *p = r->parts; p != NULL; p = p->next)
            if (is_outer(p, to->new))
                put_part(to, p);
}

static void put_content(struct putter *to, const struct mean_turn *from,
                        const struct mean_turn *end) {
    to->called = false;
    gw_out_open(to->o, '{');
    gw_out_put_word(to->o, "role", is_model(from) ? "model" : "user");
    gw_out_name(to->o, "parts");
    gw_out_open(to->o, '[');
    put_results(to, from, end);
    for (const struct mean_turn *t = from; t != end; t = t->next) {
        put_outer(to, t);
        for (const struct mean_part *p = t->parts; p != NULL; p = p->next)
            p = put_part(to, p);
    }
    gw_out_close(to->o, ']');
    gw_out_close(to->o, '}');
}

/* The first turn that is the user's or the model's: the system's before it stand beside the contents. Those behind it,
 * and all if there is nothing else, are text of the user. */
static const struct mean_turn *first_of(const struct mean *m) {
    const struct mean_turn *t = m->turns;
    while (t != NULL && (t->role == MEAN_SYSTEM || !says(t)))
        t = t->next;
    return t != NULL ? t : m->turns;
}

static void put_contents(struct putter *to, const struct mean_turn *first) {
    gw_out_name(to->o, "contents");
    gw_out_open(to->o, '[');
    while (first != NULL && !says(first))
        first = first->next;
    for (const struct mean_turn *t = first; t != NULL;) {
        const struct mean_turn *end = end_of(t);
        put_content(to, t, end);
        t = end;
    }
    gw_out_close(to->o, ']');
}

static void put_system(struct gw_out *o, const struct mean *m, const struct mean_turn *first) {
    struct mark mark = open_object(o, "systemInstruction");
    bool any = false;
    for (const struct mean_turn *t = m->turns; t != first; t = t->next)
        for (const struct mean_part *p = t->parts; p != NULL; p = p->next) {
            if (t->role != MEAN_SYSTEM || !mean_is_text(p))
                continue;
            if (!any) {
                gw_out_name(o, "parts");
                gw_out_open(o, '[');
            }
            any = true;
            gemini_put_text(o, p->text, false, GW_STR(""));
        }
    if (any)
        gw_out_close(o, ']');
    close_object(o, mark);
}

/* ------------------------------------------------------------------ tools */

static const struct gw_str text_schema =
    GW_STR_INIT("{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},"
                "\"required\":[\"input\"]}");

static void put_tool(struct gw_out *o, const struct mean_tool *t) {
    gw_out_open(o, '{');
    gw_out_put_raw(o, "name", t->name);
    mean_put_about(t, o);
    gw_out_may_value(o, "parametersJsonSchema", t->kind == MEAN_CUSTOM ? text_schema : t->schema);
    gw_out_close(o, '}');
}

static bool has_strict(const struct mean *m) {
    for (const struct mean_tool *t = m->tools; t != NULL; t = t->next)
        if (mean_is_true(t->strict))
            return true;
    return false;
}

static void put_tools(struct gw_out *o, const struct mean *m) {
    gw_out_name(o, "tools");
    gw_out_open(o, '[');
    gw_out_open(o, '{');
    gw_out_name(o, "functionDeclarations");
    gw_out_open(o, '[');
    for (const struct mean_tool *t = m->tools; t != NULL; t = t->next)
        if (t->kind != MEAN_SERVED)
            put_tool(o, t);
    gw_out_close(o, ']');
    gw_out_close(o, '}');
    gw_out_close(o, ']');
}

/* NULL: nothing is to be said. */
static const char *mode_of(const struct mean *m) {
    switch (m->pick) {
    case MEAN_PICK_ANY:
    case MEAN_PICK_ONE:
        return "ANY";
    case MEAN_PICK_NONE:
        return "NONE";
    case MEAN_PICK_AUTO:
        return has_strict(m) ? "VALIDATED" : "AUTO";
    default:
        return has_strict(m) ? "VALIDATED" : NULL;
    }
}

static void put_pick(struct gw_out *o, const struct mean *m) {
    const char *mode = mode_of(m);
    if (mode == NULL)
        return;
    gw_out_name(o, "toolConfig");
    gw_out_open(o, '{');
    gw_out_name(o, "functionCallingConfig");
    gw_out_open(o, '{');
    gw_out_put_word(o, "mode", mode);
    if (m->pick == MEAN_PICK_ONE) {
        gw_out_name(o, "allowedFunctionNames");
        gw_out_open(o, '[');
        gw_out_raw(o, m->pick_name);
        gw_out_close(o, ']');
    }
    gw_out_close(o, '}');
    gw_out_close(o, '}');
}

/* ------------------------------------------------------------------ how to answer */

static void put_form(struct gw_out *o, const struct mean *m) {
    if (m->form == MEAN_FORM_TEXT)
        return;
    gw_out_put_word(o, "responseMimeType", "application/json");
    if (m->form == MEAN_FORM_SCHEMA)
        gw_out_may_value(o, "responseJsonSchema", m->form_schema);
}

static const char *level_of(enum mean_effort effort, struct gw_str model) {
    switch (effort) {
    case MEAN_EFFORT_NONE:
    case MEAN_EFFORT_MINIMAL:
        return takes_minimal(model) ? "MINIMAL" : "LOW";
    case MEAN_EFFORT_LOW:
        return "LOW";
    case MEAN_EFFORT_MEDIUM:
        return "MEDIUM";
    default:
        return "HIGH";
    }
}

static void put_level(struct gw_out *o, const struct mean *m, struct gw_str model) {
    enum mean_effort effort = m->effort;
    if (effort == MEAN_EFFORT_UNSAID && m->budget.n > 0)
        effort = mean_effort_of_budget(mean_u64(m->budget));
    if (effort != MEAN_EFFORT_UNSAID)
        gw_out_put_word(o, "thinkingLevel", level_of(effort, model));
}

/* Gemini 2.5: Pro cannot do without, and none can do with very little, or with more than 24576. */
static uint64_t fitting(uint64_t n, struct gw_str model) {
    bool pro = gw_str_find(bare(model), GW_STR("-pro")) >= 0;
    uint64_t least = pro ? 128 : n > 0 ? 512 : 0;
    return n < least ? least : n > 24576 ? 24576 : n;
}

static void put_budget(struct gw_out *o, const struct mean *m, struct gw_str model) {
    uint64_t n = m->budget.n > 0 ? mean_u64(m->budget) : mean_budget_of(m->effort);
    if (m->budget.n > 0 || m->effort != MEAN_EFFORT_UNSAID)
        gw_out_put_u64(o, "thinkingBudget", fitting(n, model));
}

/* Models before Gemini 2.5 refuse to hear of it, and others to hear it in tokens or in words. */
static void put_thinking(struct gw_out *o, const struct mean *m, struct gw_str model) {
    bool new = is_new(model);
    if (!mean_can(m, FEATURE_EFFORT))
        return;
    struct mark mark = open_object(o, "thinkingConfig");
    if (new)
        put_level(o, m, model);
    else
        put_budget(o, m, model);
    if (m->shows_thoughts)
        gw_out_put_value(o, "includeThoughts", GW_STR("true"));
    close_object(o, mark);
}

static void put_config(struct gw_out *o, const struct mean *m, struct gw_str model) {
    struct mark mark = open_object(o, "generationConfig");
    const struct mean_given given[] = {
        {"maxOutputTokens", m->max_tokens, FEATURE_MAX_TOKENS},
        {"temperature", m->temperature, FEATURE_TEMPERATURE},
        {"topP", m->top_p, FEATURE_TOP_P},
        {"topK", m->top_k, FEATURE_TOP_K},
        {"seed", m->seed, FEATURE_SEED},
        {"candidateCount", m->n, FEATURE_N},
        {"frequencyPenalty", m->frequency, FEATURE_PENALTIES},
        {"presencePenalty", m->presence, FEATURE_PENALTIES},
    };
    mean_put_given(m, given, sizeof given / sizeof *given, o);
    if (mean_can(m, FEATURE_STOP))
        mean_put_stops(m, "stopSequences", true, o);
    if (mean_is_true(m->logprobs) && mean_can(m, FEATURE_LOGPROBS)) {
        gw_out_put_value(o, "responseLogprobs", GW_STR("true"));
        gw_out_may_value(o, "logprobs", m->top_logprobs);
    }
    put_form(o, m);
    put_thinking(o, m, model);
    close_object(o, mark);
}

static void put_tier(struct gw_out *o, const struct mean *m) {
    if (is(m->tier, "flex") || is(m->tier, "priority"))
        gw_out_put_raw(o, "serviceTier", m->tier);
    else if (is(m->tier, "default"))
        gw_out_put_word(o, "serviceTier", "standard");
}

static void put_members(const struct mean *m, struct gw_str model, struct gw_out *o) {
    struct putter to = {.m = m, .o = o, .new = is_new(model)};
    const struct mean_turn *first = first_of(m);
    put_system(o, m, first);
    put_contents(&to, first);
    if (mean_has_tools(m)) {
        put_tools(o, m);
        put_pick(o, m);
    }
    put_config(o, m, model);
    put_tier(o, m);
}

/* The model's name stands in the path. */
void gemini_put_request(const struct mean *m, struct gw_str model, struct gw_out *o) {
    gw_out_open(o, '{');
    put_members(m, model, o);
    gw_out_close(o, '}');
}

/* And here once more. */
void gemini_put_count(const struct mean *m, struct gw_str model, struct gw_out *o) {
    gw_out_open(o, '{');
    gw_out_name(o, "generateContentRequest");
    gw_out_open(o, '{');
    gw_out_name(o, "model");
    gw_out_quoted(o, GW_STR("models/"), model, GW_STR(""));
    put_members(m, model, o);
    gw_out_close(o, '}');
    gw_out_close(o, '}');
}
