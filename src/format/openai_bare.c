/*
 * OpenAI's older completions, translated for their clients: /v1/completions with a prompt, one turn of the user's, whose
 * answer is a text (`bare` of its meaning). "context" is what stands before it. What other servers cannot do for such
 * a request (a suffix, the prompt again, the best of several, log probabilities) is refused, unless it asks for nothing.
 */
#include "format/openai_speech.h"

bool openai_bare_member(struct gw_walk *w, struct gw_str name, struct openai_bare *bare) {
    const struct {
        struct gw_str name;
        struct gw_str *to;
    } members[] = {{GW_STR("prompt"), &bare->prompt},
                   {GW_STR("context"), &bare->context},
                   {GW_STR("suffix"), &bare->suffix},
                   {GW_STR("echo"), &bare->echo},
                   {GW_STR("best_of"), &bare->best_of}};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (gw_str_eq(name, members[i].name)) {
            *members[i].to = mean_value(w);
            return true;
        }
    return false;
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

static bool is_idle(const struct openai_bare *bare) {
    bool suffix = bare->suffix.n > 2;
    bool several = mean_u64(bare->best_of) > 1;
    return !suffix && !several && !mean_is_true(bare->echo);
}

static void tell_unknown(struct mean *m, struct gw_str value, struct gw_str name) {
    if (value.n == 0)
        return;
    mean_use(m, FEATURE_UNKNOWN);
    if (m->unknown.n == 0)
        m->unknown = name;
}

void openai_bare_settle(const struct openai_bare *bare, struct mean *m) {
    if (m->turns != NULL || bare->prompt.n == 0) {
        tell_unknown(m, bare->prompt, GW_STR("prompt"));
        tell_unknown(m, bare->context, GW_STR("context"));
        return;
    }
    m->bare = true;
    if (bare->context.n > 0)
        add_text(m, mean_add_turn(m, MEAN_SYSTEM), bare->context);
    add_text(m, mean_add_turn(m, MEAN_USER), bare->prompt);
    bool probs = m->logprobs.n > 0; /* a number here, and in a form of their own in the answer */
    m->logprobs = GW_STR("");
    m->uses &= ~(1ULL << FEATURE_LOGPROBS);
    if (probs || !is_idle(bare))
        mean_use(m, FEATURE_OTHER);
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
