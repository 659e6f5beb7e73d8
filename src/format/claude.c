#include "format/claude.h"

#include "base/real.h"

enum { TOKENS_THINKING = 32000, BUDGET_LEAST = 1024 };

static bool contains(struct gw_str s, const char *literal) {
    return gw_str_find(s, gw_str(literal, strlen(literal))) >= 0;
}

void claude_put_id(struct gw_out *o, const char *name, struct gw_str id, size_t most) {
    gw_out_put_raw(o, name, id.n > 0 ? mean_fit(o->b->arena, id, most) : GW_STR("_"));
}

struct gw_str claude_degrees(struct gw_str value) {
    bool number = value.n > 0 && value.p[0] >= '0' && value.p[0] <= '9';
    return number && gw_real(value) > 1 ? GW_STR("1") : value;
}

/* ------------------------------------------------------------------ turns */

struct claude_run claude_run_of(const struct mean_turn *t) {
    struct claude_run run = {.from = t, .assistants = t->role == MEAN_ASSISTANT};
    while (t != NULL && (t->role == MEAN_ASSISTANT) == run.assistants)
        t = t->next;
    run.to = t;
    return run;
}

const struct mean_turn *claude_first(const struct mean *m) {
    const struct mean_turn *t = m->turns;
    while (t != NULL && t->role == MEAN_SYSTEM)
        t = t->next;
    return t;
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
        gw_out_raw_name(o, name);
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

void claude_put_strict(struct gw_out *o, struct gw_str schema) {
    put_strict(o, schema, false);
}

void claude_put_schema(struct gw_out *o, const char *member, struct gw_str schema, bool strict) {
    struct gw_walk w;
    struct gw_str name;
    bool typed = false, any = false;
    gw_walk_init(&w, schema);
    gw_out_name(o, member);
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

/* The words are fewer than those that clients have, and fewer still in 4.6. */
static const char *word_of(enum mean_effort effort, struct gw_str model) {
    if (effort == MEAN_EFFORT_XHIGH && contains(model, "-4-6"))
        effort = MEAN_EFFORT_HIGH;
    return mean_effort_word(effort < MEAN_EFFORT_LOW ? MEAN_EFFORT_LOW : effort);
}

/* Whether a tool must be called: nothing may be thought then. */
static bool is_forced(const struct mean *m) {
    return mean_has_tools(m) && (m->pick == MEAN_PICK_ANY || m->pick == MEAN_PICK_ONE);
}

/* The last turn of the assistant, which may be of several. */
static struct claude_run last_answer(const struct mean *m) {
    struct claude_run last = {.from = NULL}, run;
    for (const struct mean_turn *t = m->turns; t != NULL; t = run.to) {
        run = claude_run_of(t);
        if (run.assistants)
            last = run;
    }
    return last;
}

/* Whether it calls tools without a thought before them: then a budget is refused. */
static bool is_thoughtless(const struct mean *m) {
    struct claude_run last = last_answer(m);
    for (const struct mean_turn *t = last.from; t != last.to; t = t->next)
        for (const struct mean_part *p = t->parts; p != NULL; p = p->next) {
            if (p->kind == MEAN_REASONING && p->signature.n > 0)
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
        return TOKENS_THINKING - CLAUDE_TOKENS;
    return has_budget(m) ? limit - 1 : limit - limit / 4;
}

static void think_in_budget(const struct mean *m, struct claude_thought *t) {
    uint64_t most = most_of(m);
    uint64_t budget = has_budget(m) ? mean_u64(m->budget) : mean_budget_of(effort_of(m));
    if (budget == 0 || most < BUDGET_LEAST || is_forced(m) || is_thoughtless(m))
        return;
    t->type = "enabled";
    t->budget = budget > most ? most : budget < BUDGET_LEAST ? BUDGET_LEAST : budget;
    t->tokens = t->budget + CLAUDE_TOKENS;
}

static void think_nothing(enum thinks thinks, struct claude_thought *t) {
    if (thinks == THINKS_ALWAYS)
        t->word = mean_effort_word(MEAN_EFFORT_LOW);
    else
        t->type = thinks == THINKS_BETWEEN ? "between_tools" : "disabled";
}

/* Where it can be told: an effort is about words, too, but a high one wants thoughts. */
static void think_no_more(enum thinks thinks, enum mean_effort effort, struct gw_str model,
                          struct claude_thought *t) {
    if (thinks == THINKS_EFFORT)
        t->type = "disabled";
    if (effort > MEAN_EFFORT_NONE)
        t->word = word_of(effort > MEAN_EFFORT_HIGH ? MEAN_EFFORT_HIGH : effort, model);
}

static void think_in_effort(const struct mean *m, struct gw_str model, enum thinks thinks,
                            struct claude_thought *t) {
    enum mean_effort effort = effort_of(m);
    if (is_forced(m)) {
        think_no_more(thinks, effort, model, t);
    } else if (effort == MEAN_EFFORT_NONE) {
        think_nothing(thinks, t);
    } else if (effort != MEAN_EFFORT_UNSAID || m->shows_thoughts) {
        t->type = "adaptive";
        t->adapts = true;
        t->word = effort != MEAN_EFFORT_UNSAID ? word_of(effort, model) : NULL;
        t->tokens = effort >= MEAN_EFFORT_HIGH ? TOKENS_THINKING : CLAUDE_TOKENS;
    }
}

struct claude_thought claude_thought_of(const struct mean *m, struct gw_str model) {
    struct claude_thought t = {.tokens = CLAUDE_TOKENS};
    enum thinks thinks = thinks_of(model);
    bool either = thinks == THINKS_EITHER;
    if (thinks == THINKS_BUDGET || (either && has_budget(m)))
        think_in_budget(m, &t);
    else if (thinks != THINKS_NOT)
        think_in_effort(m, model, thinks, &t);
    return t;
}

bool claude_takes_sampling(struct gw_str model) {
    enum thinks thinks = thinks_of(model);
    return thinks == THINKS_NOT || thinks == THINKS_BUDGET || contains(model, "-4-6");
}

/* Those that choose for themselves show what they have thought only to clients that ask. */
void claude_put_thinking(struct gw_out *o, const struct mean *m, const struct claude_thought *t) {
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
