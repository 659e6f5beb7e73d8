/*
 * Writes requests to Anthropic. Its API is strict:
 *
 *     turns        texts that are blank, and turns without content, are refused: they are left out. Turns of one role
 *                  become one, so that the results of all calls of a turn stand in one message, and first in it
 *     system       messages behind the first turn are taken by some models alone: they become the user's, where
 *                  they stand
 *     thoughts     without a signature are refused
 *     thinking     how it is asked for differs from model to model, and what is wrong is refused: see `models`
 */
#include "format/anthropic_speech.h"

#include "base/real.h"

/* What an answer may have where nobody has said so: it has to be said. With much thought it has to be more. */
enum { TOKENS = 8192, TOKENS_THINKING = 32000, BUDGET_LEAST = 1024 };

/* ------------------------------------------------------------------ small pieces */

static bool is_space(char c) {
    return c == ' ' || c == 'n' || c == 't' || c == 'r' || c == 'f';
}

/* Whether a raw string is nothing but white space. */
static bool is_blank(struct gw_str raw) {
    size_t i = 0;
    while (i < raw.n) {
        if (raw.p[i] == '\\' && i + 1 < raw.n && is_space(raw.p[i + 1]))
            i += 2;
        else if (raw.p[i] == ' ')
            i++;
        else
            return false;
    }
    return true;
}

static bool contains(struct gw_str s, const char *literal) {
    return gw_str_find(s, gw_str(literal, strlen(literal))) >= 0;
}

/* A mark may have come in another dialect's form; what they have in common is how long it is to last. */
static void put_cache(struct gw_out *o, struct gw_str mark) {
    if (mark.n == 0)
        return;
    if (contains(mark, "\"ephemeral\""))
        gw_out_put_value(o, "cache_control", mark);
    else if (contains(mark, "\"1h\""))
        gw_out_put_value(o, "cache_control", GW_STR("{\"type\":\"ephemeral\",\"ttl\":\"1h\"}"));
    else
        gw_out_put_value(o, "cache_control", GW_STR("{\"type\":\"ephemeral\"}"));
}

/* Ids of other servers may have other letters than this one takes: call and result are changed alike. */
static void put_id(struct gw_out *o, const char *name, struct gw_str id) {
    gw_out_put_raw(o, name, id.n > 0 ? mean_fit(o->b->arena, id, SIZE_MAX) : GW_STR("_"));
}

/* ------------------------------------------------------------------ images and documents */

static void put_source(struct gw_out *o, const char *type, struct gw_str media, const char *name,
                       struct gw_str raw) {
    gw_out_name(o, "source");
    gw_out_open(o, '{');
    gw_out_put_word(o, "type", type);
    gw_out_may_raw(o, "media_type", media);
    gw_out_put_raw(o, name, raw);
    gw_out_close(o, '}');
}

static void put_bytes_or_url(struct gw_out *o, const struct mean_part *p, struct gw_str media) {
    if (p->data.n > 0)
        put_source(o, "base64", p->media.n > 0 ? p->media : media, "data", p->data);
    else
        put_source(o, "url", GW_STR(""), "url", p->url);
}

static void put_image(struct gw_out *o, const struct mean_part *p) {
    gw_out_put_word(o, "type", "image");
    put_bytes_or_url(o, p, GW_STR("image/png"));
}

/* Base64 is for PDF alone: bytes that are text have to come as text. */
static bool is_text_media(const struct mean_part *p) {
    return p->data.n > 0 && (gw_str_starts(p->media, GW_STR("text/")) ||
                             gw_str_eq(p->media, GW_STR("application/json")));
}

static void put_decoded(struct gw_buf *b, struct gw_str base64) {
    static const struct gw_str letters =
        GW_STR_INIT("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    uint32_t bits = 0, n = 0;
    for (size_t i = 0; i < base64.n; i++) {
        ptrdiff_t value = gw_str_chr(letters, base64.p[i]);
        if (value < 0)
            continue; /* the end, or the escape of a slash */
        bits = bits << 6 | (uint32_t)value;
        n += 6;
        if (n < 8)
            continue;
        n -= 8;
        gw_buf_putc(b, (char)(bits >> n & 0xff));
    }
}

static struct gw_str text_of(const struct mean_part *p, struct gw_arena *arena) {
    struct gw_buf bytes, raw;
    if (!is_text_media(p))
        return p->text;
    gw_buf_init(&bytes, arena, p->data.n);
    put_decoded(&bytes, p->data);
    gw_buf_init(&raw, arena, 6 * bytes.n);
    gw_buf_put_json(&raw, gw_buf_str(&bytes));
    return gw_buf_str(&raw);
}

static void put_document(struct gw_out *o, const struct mean_part *p) {
    struct gw_str text = text_of(p, o->b->arena);
    gw_out_put_word(o, "type", "document");
    if (text.n > 0)
        put_source(o, "text", GW_STR("text/plain"), "data", text);
    else
        put_bytes_or_url(o, p, GW_STR("application/pdf"));
    gw_out_may_raw(o, "title", p->name);
}

/* ------------------------------------------------------------------ parts */

static bool is_words(const struct mean_part *p) {
    return p->kind == MEAN_TEXT || p->kind == MEAN_REFUSAL;
}

/* What can stand in a tool's result, too. */
static bool is_content(const struct mean_part *p) {
    if (is_words(p))
        return !is_blank(p->text);
    bool placed = p->data.n > 0 || p->url.n > 0;
    return (p->kind == MEAN_IMAGE && placed) ||
           (p->kind == MEAN_FILE && (placed || !is_blank(p->text)));
}

static bool is_users(const struct mean_part *p) {
    return p->kind == MEAN_RESULT || is_content(p);
}

static bool is_assistants(const struct mean_part *p) {
    if (p->kind == MEAN_REASONING)
        return p->signature.n > 0;
    return p->kind == MEAN_CALL || (is_words(p) && is_content(p));
}

static void put_content_part(struct gw_out *o, const struct mean_part *p) {
    gw_out_open(o, '{');
    if (p->kind == MEAN_IMAGE) {
        put_image(o, p);
    } else if (p->kind == MEAN_FILE) {
        put_document(o, p);
    } else {
        gw_out_put_word(o, "type", "text");
        gw_out_put_raw(o, "text", p->text);
    }
    put_cache(o, p->cache);
    gw_out_close(o, '}');
}

static void put_thought(struct gw_out *o, const struct mean_part *p) {
    gw_out_put_word(o, "type", p->hidden ? "redacted_thinking" : "thinking");
    if (!p->hidden)
        gw_out_put_raw(o, "thinking", p->text);
    gw_out_put_raw(o, p->hidden ? "data" : "signature", p->signature);
}

static void put_call(struct gw_out *o, const struct mean_part *p) {
    gw_out_put_word(o, "type", "tool_use");
    put_id(o, "id", p->id);
    gw_out_put_raw(o, "name", p->name);
    gw_out_name(o, "input");
    if (p->args.n == 0 && !p->custom)
        gw_out_value(o, GW_STR("{}"));
    else
        mean_put_args(p, o->b->arena, o);
    put_cache(o, p->cache);
}

/* Of a tool that has failed something must be said. */
static void put_result_content(struct gw_out *o, const struct mean_part *result) {
    const struct mean_part *p = result->parts;
    while (p != NULL && !is_content(p))
        p = p->next;
    if (p == NULL && !result->failed)
        return;
    gw_out_name(o, "content");
    if (p == NULL) {
        gw_out_raw(o, GW_STR("failed"));
        return;
    }
    if (p->next == NULL && is_words(p) && p->cache.n == 0) {
        gw_out_raw(o, p->text);
        return;
    }
    gw_out_open(o, '[');
    for (; p != NULL; p = p->next)
        if (is_content(p))
            put_content_part(o, p);
    gw_out_close(o, ']');
}

static void put_result(struct gw_out *o, const struct mean_part *p) {
    gw_out_open(o, '{');
    gw_out_put_word(o, "type", "tool_result");
    put_id(o, "tool_use_id", p->id);
    put_result_content(o, p);
    if (p->failed)
        gw_out_put_value(o, "is_error", GW_STR("true"));
    put_cache(o, p->cache);
    gw_out_close(o, '}');
}

static void put_assistants(struct gw_out *o, const struct mean_part *p) {
    if (is_words(p)) {
        put_content_part(o, p);
        return;
    }
    gw_out_open(o, '{');
    if (p->kind == MEAN_CALL)
        put_call(o, p);
    else
        put_thought(o, p);
    gw_out_close(o, '}');
}

/* ------------------------------------------------------------------ messages */

/* Turns that become one message: from `from` up to `to`. */
struct run {
    const struct mean_turn *from, *to;
    bool assistants;
};

static struct run run_of(const struct mean_turn *t) {
    struct run run = {.from = t, .assistants = t->role == MEAN_ASSISTANT};
    while (t != NULL && (t->role == MEAN_ASSISTANT) == run.assistants)
        t = t->next;
    run.to = t;
    return run;
}

/* The parts of a turn that this message shows: `results` of tools, or the rest. Returns whether there are any; `o`
 * may be NULL. */
static bool put_turn(struct gw_out *o, const struct mean_turn *t, bool assistants, bool results) {
    bool any = false;
    for (const struct mean_part *p = t->parts; p != NULL; p = p->next) {
        bool shown = assistants ? is_assistants(p) : is_users(p);
        if (!shown || (p->kind == MEAN_RESULT) != results)
            continue;
        any = true;
        if (o == NULL)
            return true;
        if (assistants)
            put_assistants(o, p);
        else if (results)
            put_result(o, p);
        else
            put_content_part(o, p);
    }
    return any;
}

static bool put_run(struct gw_out *o, const struct run *run, bool results) {
    bool any = false;
    for (const struct mean_turn *t = run->from; t != run->to; t = t->next)
        any |= put_turn(o, t, run->assistants, results);
    return any;
}

static void put_message(struct gw_out *o, const struct run *run) {
    if (!put_run(NULL, run, true) && !put_run(NULL, run, false))
        return;
    gw_out_open(o, '{');
    gw_out_put_word(o, "role", run->assistants ? "assistant" : "user");
    gw_out_name(o, "content");
    gw_out_open(o, '[');
    put_run(o, run, true);
    put_run(o, run, false);
    gw_out_close(o, ']');
    gw_out_close(o, '}');
}

/* The first turn that is no system's. */
static const struct mean_turn *first_of(const struct mean *m) {
    const struct mean_turn *t = m->turns;
    while (t != NULL && t->role == MEAN_SYSTEM)
        t = t->next;
    return t;
}

/* There must be a message: if all that there is is the system's, it is the user's. */
static void put_messages(struct gw_out *o, const struct mean *m) {
    const struct mean_turn *t = first_of(m) != NULL ? first_of(m) : m->turns;
    gw_out_name(o, "messages");
    gw_out_open(o, '[');
    while (t != NULL) {
        struct run run = run_of(t);
        put_message(o, &run);
        t = run.to;
    }
    gw_out_close(o, ']');
}

static void put_system(struct gw_out *o, const struct mean *m) {
    const struct mean_turn *end = first_of(m);
    bool open = false;
    for (const struct mean_turn *t = m->turns; end != NULL && t != end; t = t->next)
        for (const struct mean_part *p = t->parts; p != NULL; p = p->next) {
            if (!is_words(p) || !is_content(p))
                continue;
            if (!open) {
                gw_out_name(o, "system");
                gw_out_open(o, '[');
            }
            open = true;
            put_content_part(o, p);
        }
    if (open)
        gw_out_close(o, ']');
}

/* ------------------------------------------------------------------ schemas */

/* What a schema that is followed to the letter must not say, in the API's words. */
static bool is_refused(struct gw_str name) {
    static const char *const names[] = {
        "minimum",   "maximum",   "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
        "minLength", "maxLength", "minItems",         "maxItems",         "uniqueItems",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (gw_str_eq(name, gw_str(names[i], strlen(names[i]))))
            return true;
    return false;
}

/* Members whose values are named schemas, and not one. */
static bool is_map(struct gw_str name) {
    return gw_str_eq(name, GW_STR("properties")) || gw_str_eq(name, GW_STR("$defs")) ||
           gw_str_eq(name, GW_STR("definitions"));
}

/* Members that are data. */
static bool is_data(struct gw_str name) {
    return gw_str_eq(name, GW_STR("enum")) || gw_str_eq(name, GW_STR("const")) ||
           gw_str_eq(name, GW_STR("default")) || gw_str_eq(name, GW_STR("examples"));
}

static struct gw_str whole_value(struct gw_walk *w) {
    struct gw_str value = mean_value(w);
    return value.n > 0 ? value : GW_STR("null");
}

static void put_strict(struct gw_out *o, struct gw_str schema, bool map);

static void put_strict_object(struct gw_out *o, struct gw_walk *w, bool map) {
    struct gw_str name;
    bool object = false, closed = false;
    gw_walk_enter(w, '{');
    gw_out_open(o, '{');
    while (gw_walk_member(w, &name)) {
        struct gw_str value = whole_value(w);
        if (!map && is_refused(name))
            continue;
        object |= gw_str_eq(name, GW_STR("type")) && gw_str_eq(value, GW_STR("\"object\""));
        closed |= gw_str_eq(name, GW_STR("additionalProperties"));
        gw_out_raw(o, name);
        gw_buf_putc(o->b, ':');
        o->more = false;
        if (!map && is_data(name))
            gw_out_value(o, value);
        else
            put_strict(o, value, !map && is_map(name));
    }
    if (!map && object && !closed)
        gw_out_put_value(o, "additionalProperties", GW_STR("false"));
    gw_out_close(o, '}');
}

/* A schema that is followed to the letter: its objects must say that they have no other members, and limits of
 * numbers and lengths are refused. Other servers want less. */
static void put_strict(struct gw_out *o, struct gw_str schema, bool map) {
    struct gw_walk w;
    gw_walk_init(&w, schema);
    if (gw_walk_kind(&w) == '{') {
        put_strict_object(o, &w, map);
    } else if (gw_walk_kind(&w) == '[') {
        gw_walk_enter(&w, '[');
        gw_out_open(o, '[');
        while (gw_walk_item(&w))
            put_strict(o, whole_value(&w), false);
        gw_out_close(o, ']');
    } else {
        gw_out_value(o, schema);
    }
}

/* ------------------------------------------------------------------ tools */

/* A schema must be an object's, and say so. */
static void put_schema(struct gw_out *o, struct gw_str schema, bool strict) {
    struct gw_walk w;
    struct gw_str name;
    bool typed = false, any = false;
    gw_walk_init(&w, schema);
    gw_out_name(o, "input_schema");
    if (schema.n > 0 && gw_walk_enter(&w, '{'))
        while (gw_walk_member(&w, &name)) {
            any = true;
            typed |= gw_str_eq(name, GW_STR("type"));
            gw_walk_skip(&w);
        }
    if (typed && strict) {
        put_strict(o, schema, false);
    } else if (typed) {
        gw_out_value(o, schema);
    } else if (!any) {
        gw_out_value(o, GW_STR("{\"type\":\"object\",\"properties\":{}}"));
    } else {
        gw_out_value(o, GW_STR("{\"type\":\"object\","));
        gw_buf_put(o->b, gw_str_sub(schema, 1, schema.n));
    }
}

static void put_tool(struct gw_out *o, const struct mean_tool *t) {
    static const struct gw_str text =
        GW_STR_INIT("{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},"
                    "\"required\":[\"input\"],\"additionalProperties\":false}");
    gw_out_open(o, '{');
    gw_out_put_raw(o, "name", t->name);
    mean_put_about(t, o);
    put_schema(o, t->kind == MEAN_CUSTOM ? text : t->schema, mean_is_true(t->strict));
    if (mean_is_true(t->strict))
        gw_out_put_value(o, "strict", GW_STR("true"));
    put_cache(o, t->cache);
    gw_out_close(o, '}');
}

static bool has_tools(const struct mean *m) {
    for (const struct mean_tool *t = m->tools; t != NULL; t = t->next)
        if (t->kind != MEAN_SERVED)
            return true;
    return false;
}

static void put_tools(struct gw_out *o, const struct mean *m) {
    if (!has_tools(m))
        return;
    gw_out_name(o, "tools");
    gw_out_open(o, '[');
    for (const struct mean_tool *t = m->tools; t != NULL; t = t->next)
        if (t->kind != MEAN_SERVED)
            put_tool(o, t);
    gw_out_close(o, ']');
}

static bool is_single(const struct mean *m) {
    return gw_str_eq(m->parallel, GW_STR("false")) && m->pick != MEAN_PICK_NONE;
}

static void put_pick(struct gw_out *o, const struct mean *m) {
    static const char *const words[] = {
        [MEAN_PICK_UNSAID] = "auto", [MEAN_PICK_AUTO] = "auto", [MEAN_PICK_NONE] = "none",
        [MEAN_PICK_ANY] = "any",     [MEAN_PICK_ONE] = "tool",
    };
    if (!has_tools(m) || (m->pick == MEAN_PICK_UNSAID && !is_single(m)))
        return;
    gw_out_name(o, "tool_choice");
    gw_out_open(o, '{');
    gw_out_put_word(o, "type", words[m->pick]);
    if (m->pick == MEAN_PICK_ONE)
        gw_out_put_raw(o, "name", m->pick_name);
    if (is_single(m))
        gw_out_put_value(o, "disable_parallel_tool_use", GW_STR("true"));
    gw_out_close(o, '}');
}

/* ------------------------------------------------------------------ thinking */

enum thinks {
    THINKS_EITHER,  /* who knows: what was said is said again */
    THINKS_NOT,     /* there is no word for it */
    THINKS_BUDGET,  /* so many tokens, or none */
    THINKS_EFFORT,  /* as much as it likes, within an effort; or not at all */
    THINKS_BETWEEN, /* likewise, but the least is between tools */
    THINKS_ALWAYS,  /* likewise, and the least is a low effort */
};

/* By a piece of the model's name; the first one counts. A budget is refused since Opus 4.7. */
static const struct {
    const char *piece;
    enum thinks thinks;
} models[] = {
    {"claude-3-7", THINKS_BUDGET},   {"claude-3", THINKS_NOT},       {"claude-2", THINKS_NOT},
    {"-4-0", THINKS_BUDGET},         {"-4-1", THINKS_BUDGET},        {"-4-2", THINKS_BUDGET},
    {"-4-5", THINKS_BUDGET},         {"sonnet-5-5", THINKS_BETWEEN}, {"opus-5-5", THINKS_ALWAYS},
    {"claude-fable", THINKS_ALWAYS}, {"claude", THINKS_EFFORT},
};

static enum thinks thinks_of(struct gw_str model) {
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        if (contains(model, models[i].piece))
            return models[i].thinks;
    return THINKS_EITHER;
}

/* What is to be asked for. */
struct thought {
    bool adapts;      /* as much as it takes */
    const char *type; /* NULL: nothing is said of thinking */
    const char *word; /* of the effort; NULL: nothing is said of it */
    uint64_t budget;  /* of "enabled" */
    uint64_t tokens;  /* of the whole answer, where the client has not said it */
};

/* The words are fewer than those that clients have, and fewer still in 4.6. */
static const char *word_of(enum mean_effort effort, struct gw_str model) {
    if (effort == MEAN_EFFORT_XHIGH && contains(model, "-4-6"))
        effort = MEAN_EFFORT_HIGH;
    return mean_effort_word(effort < MEAN_EFFORT_LOW ? MEAN_EFFORT_LOW : effort);
}

/* Whether a tool must be called: nothing may be thought then. */
static bool is_forced(const struct mean *m) {
    return has_tools(m) && (m->pick == MEAN_PICK_ANY || m->pick == MEAN_PICK_ONE);
}

/* The last turn of the assistant, which may be of several. */
static struct run last_answer(const struct mean *m) {
    struct run last = {.from = NULL}, run;
    for (const struct mean_turn *t = m->turns; t != NULL; t = run.to) {
        run = run_of(t);
        if (run.assistants)
            last = run;
    }
    return last;
}

/* Whether it calls tools without a thought before them: then a budget is refused. */
static bool is_thoughtless(const struct mean *m) {
    struct run last = last_answer(m);
    for (const struct mean_turn *t = last.from; t != last.to; t = t->next)
        for (const struct mean_part *p = t->parts; p != NULL; p = p->next) {
            if (p->kind == MEAN_REASONING && is_assistants(p))
                return false;
            if (p->kind == MEAN_CALL)
                return true;
        }
    return false;
}

/* A budget below nothing is for the model to choose. */
static bool has_budget(const struct mean *m) {
    return m->budget.n > 0 && m->budget.p[0] != '-';
}

static enum mean_effort effort_of(const struct mean *m) {
    if (m->effort == MEAN_EFFORT_UNSAID && has_budget(m))
        return mean_effort_of_budget(mean_u64(m->budget));
    return m->effort;
}

/* What a budget may be at most: less than the whole answer. One that the client has not named leaves room for the
 * answer itself. */
static uint64_t most_of(const struct mean *m) {
    uint64_t limit = mean_u64(m->max_tokens);
    if (limit == 0)
        return TOKENS_THINKING - TOKENS;
    return has_budget(m) ? limit - 1 : limit - limit / 4;
}

static void think_in_budget(const struct mean *m, struct thought *t) {
    uint64_t most = most_of(m);
    uint64_t budget = has_budget(m) ? mean_u64(m->budget) : mean_budget_of(effort_of(m));
    if (budget == 0 || most < BUDGET_LEAST || is_forced(m) || is_thoughtless(m))
        return;
    t->type = "enabled";
    t->budget = budget > most ? most : budget < BUDGET_LEAST ? BUDGET_LEAST : budget;
    t->tokens = t->budget + TOKENS;
}

static void think_nothing(enum thinks thinks, struct thought *t) {
    if (thinks == THINKS_ALWAYS)
        t->word = mean_effort_word(MEAN_EFFORT_LOW);
    else
        t->type = thinks == THINKS_BETWEEN ? "between_tools" : "disabled";
}

/* Where it can be told: an effort is about words, too, but a high one wants thoughts. */
static void think_no_more(enum thinks thinks, enum mean_effort effort, struct gw_str model,
                          struct thought *t) {
    if (thinks == THINKS_EFFORT)
        t->type = "disabled";
    if (effort > MEAN_EFFORT_NONE)
        t->word = word_of(effort > MEAN_EFFORT_HIGH ? MEAN_EFFORT_HIGH : effort, model);
}

static void think_in_effort(const struct mean *m, struct gw_str model, enum thinks thinks,
                            struct thought *t) {
    enum mean_effort effort = effort_of(m);
    if (is_forced(m)) {
        think_no_more(thinks, effort, model, t);
    } else if (effort == MEAN_EFFORT_NONE) {
        think_nothing(thinks, t);
    } else if (effort != MEAN_EFFORT_UNSAID || m->shows_thoughts) {
        t->type = "adaptive";
        t->adapts = true;
        t->word = effort != MEAN_EFFORT_UNSAID ? word_of(effort, model) : NULL;
        t->tokens = effort >= MEAN_EFFORT_HIGH ? TOKENS_THINKING : TOKENS;
    }
}

static struct thought thought_of(const struct mean *m, struct gw_str model) {
    struct thought t = {.tokens = TOKENS};
    enum thinks thinks = thinks_of(model);
    bool either = thinks == THINKS_EITHER;
    if (thinks == THINKS_BUDGET || (either && has_budget(m)))
        think_in_budget(m, &t);
    else if (thinks != THINKS_NOT)
        think_in_effort(m, model, thinks, &t);
    return t;
}

/* Those that choose for themselves show what they have thought only to clients that ask. */
static void put_thinking(struct gw_out *o, const struct mean *m, const struct thought *t) {
    if (t->type == NULL)
        return;
    gw_out_name(o, "thinking");
    gw_out_open(o, '{');
    gw_out_put_word(o, "type", t->type);
    if (t->budget > 0)
        gw_out_put_u64(o, "budget_tokens", t->budget);
    if (m->shows_thoughts && t->adapts)
        gw_out_put_word(o, "display", "summarized");
    gw_out_close(o, '}');
}

/* ------------------------------------------------------------------ the rest */

static void put_config(struct gw_out *o, const struct mean *m, const struct thought *t) {
    bool schema = m->form == MEAN_FORM_SCHEMA && m->form_schema.n > 0;
    if (t->word == NULL && !schema)
        return;
    gw_out_name(o, "output_config");
    gw_out_open(o, '{');
    if (t->word != NULL)
        gw_out_put_word(o, "effort", t->word);
    if (schema) {
        gw_out_name(o, "format");
        gw_out_open(o, '{');
        gw_out_put_word(o, "type", "json_schema");
        gw_out_name(o, "schema");
        put_strict(o, m->form_schema, false);
        gw_out_close(o, '}');
    }
    gw_out_close(o, '}');
}

/* It goes to 1 here, and to 2 elsewhere. */
static void put_temperature(struct gw_out *o, struct gw_str value) {
    bool number = value.p[0] >= '0' && value.p[0] <= '9';
    gw_out_put_value(o, "temperature", number && gw_real(value) > 1 ? GW_STR("1") : value);
}

/* Who thinks is sampled as it likes; and who may be told takes one of the two. */
static void put_sampling(struct gw_out *o, const struct mean *m, const struct thought *t) {
    bool told = m->temperature.n > 0 && mean_can(m, FEATURE_TEMPERATURE);
    if (t->type != NULL && t->type[0] != 'd')
        return;
    if (told)
        put_temperature(o, m->temperature);
    if (!told && mean_can(m, FEATURE_TOP_P))
        gw_out_may_value(o, "top_p", m->top_p);
    if (mean_can(m, FEATURE_TOP_K))
        gw_out_may_value(o, "top_k", m->top_k);
}

/* Blank ones are refused. */
static void put_stops(struct gw_out *o, const struct mean *m) {
    bool open = false;
    for (uint32_t i = 0; i < m->stops; i++) {
        if (is_blank(m->stop[i]))
            continue;
        if (!open) {
            gw_out_name(o, "stop_sequences");
            gw_out_open(o, '[');
        }
        open = true;
        gw_out_raw(o, m->stop[i]);
    }
    if (open)
        gw_out_close(o, ']');
}

static void put_user_id(struct gw_out *o, const struct mean *m) {
    if (m->user.n == 0)
        return;
    gw_out_name(o, "metadata");
    gw_out_open(o, '{');
    gw_out_put_raw(o, "user_id", m->user);
    gw_out_close(o, '}');
}

void anthropic_put_request(const struct mean *m, struct gw_str model, struct gw_out *o) {
    struct thought t = thought_of(m, model);
    gw_out_open(o, '{');
    gw_out_name(o, "model");
    gw_out_text(o, model);
    gw_out_name(o, "max_tokens");
    if (m->max_tokens.n > 0)
        gw_out_value(o, m->max_tokens);
    else
        gw_out_u64(o, m->output > 0 && m->output < t.tokens ? m->output : t.tokens);
    put_tools(o, m);
    put_system(o, m);
    put_messages(o, m);
    put_pick(o, m);
    put_sampling(o, m, &t);
    put_thinking(o, m, &t);
    put_config(o, m, &t);
    put_stops(o, m);
    put_user_id(o, m);
    put_cache(o, m->cache);
    if (m->stream)
        gw_out_put_value(o, "stream", GW_STR("true"));
    gw_out_close(o, '}');
}
