/*
 * OpenAI's older completions, translated for their clients: /v1/completions with a prompt, one turn of the user's, whose
 * answer is a text (`bare` of its meaning). "context" is what stands before it. What other servers cannot do for such
 * a request (a suffix, the prompt again, the best of several, log probabilities) is refused, unless it asks for nothing.
 */
#include "format/openai_speech.h"

static const struct mean_field members[] = {
    {"prompt", offsetof(struct openai_bare, prompt), false},
    {"context", offsetof(struct openai_bare, context), false},
    {"suffix", offsetof(struct openai_bare, suffix), false},
    {"echo", offsetof(struct openai_bare, echo), false},
    {"best_of", offsetof(struct openai_bare, best_of), false},
};

enum { MEMBERS = sizeof members / sizeof *members };

static struct gw_str name_of(uint32_t i) {
    return gw_str(members[i].name, strlen(members[i].name));
}

bool openai_bare_member(struct gw_walk *w, struct gw_str name, struct openai_bare *bare) {
    uint32_t i = 0;
    while (i < MEMBERS && !gw_str_eq(name, name_of(i)))
        i++;
    if (i == MEMBERS)
        return false;
    struct gw_str value = mean_value(w);
    memcpy((char *)bare + members[i].at, &value, sizeof value);
    return true;
}

/* A text, or a list with one. */
static void add_text(struct mean *m, struct mean_turn *t, struct gw_str value) {
    struct gw_walk w;
    gw_walk_init(&w, value);
    bool list = gw_walk_kind(&w) == '[' && gw_walk_enter(&w, '[') && gw_walk_item(&w);
    bool text = gw_walk_kind(&w) == '"';
    mean_add_part(m, t, MEAN_TEXT)->text = mean_raw(&w);
    if (!text || (list && gw_walk_item(&w)))
        mean_wrong(m, "\"prompt\" is not one text");
}

/* The member that asks for what other servers cannot do; NULL: none does. Log probabilities are a number here, and of
 * another form in the answer. */
static const char *foreign(const struct openai_bare *bare, const struct mean *m) {
    return bare->suffix.n > 2            ? "suffix"
           : mean_is_true(bare->echo)    ? "echo"
           : mean_u64(bare->best_of) > 1 ? "best_of"
           : m->logprobs.n > 0           ? "logprobs"
                                         : NULL;
}

/* Beside messages nobody knows them. */
static void tell_unknown(const struct openai_bare *bare, struct mean *m) {
    for (uint32_t i = 0; i < MEMBERS; i++) {
        struct gw_str value;
        memcpy(&value, (const char *)bare + members[i].at, sizeof value);
        if (value.n == 0)
            continue;
        mean_use(m, FEATURE_UNKNOWN);
        if (m->unknown.n == 0)
            m->unknown = name_of(i);
    }
}

void openai_bare_settle(const struct openai_bare *bare, struct mean *m) {
    if (m->turns != NULL || bare->prompt.n == 0) {
        tell_unknown(bare, m);
        return;
    }
    m->bare = true;
    if (bare->context.n > 0)
        add_text(m, mean_add_turn(m, MEAN_SYSTEM), bare->context);
    add_text(m, mean_add_turn(m, MEAN_USER), bare->prompt);
    m->other = foreign(bare, m);
    if (m->other != NULL)
        mean_use(m, FEATURE_OTHER);
    m->logprobs = GW_STR("");
    m->uses &= ~(1ULL << FEATURE_LOGPROBS);
}

void openai_bare_put(struct gw_out *o, uint32_t index, const struct mean_part *parts,
                     const char *finish) {
    gw_out_open(o, '{');
    openai_put_joined(o, "text", parts, MEAN_TEXT);
    gw_out_put_u64(o, "index", index);
    gw_out_put_value(o, "logprobs", GW_STR("null"));
    if (finish != NULL)
        gw_out_put_word(o, "finish_reason", finish);
    else
        gw_out_put_value(o, "finish_reason", GW_STR("null"));
    gw_out_close(o, '}');
}
