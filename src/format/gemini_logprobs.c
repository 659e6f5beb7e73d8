/*
 * Log probabilities, of which a meaning has OpenAI's form:
 *
 *     OpenAI     {"content": [{"token", "logprob", "bytes", "top_logprobs": [{"token", "logprob", "bytes"}]}]}
 *     Gemini     {"chosenCandidates": [{"token", "logProbability"}],
 *                 "topCandidates": [{"candidates": [{"token", "logProbability"}]}]}: two lists of the same length
 */
#include "format/gemini_speech.h"

/* A token in either form. */
struct token {
    struct gw_str text, value, top; /* raw; a number; the others that it could have been: a list */
};

static struct gw_str number(struct gw_walk *w) {
    char kind = gw_walk_kind(w);
    struct gw_str value = mean_value(w);
    return kind == '-' || (kind >= '0' && kind <= '9') ? value : GW_STR("0");
}

static struct token read_token(struct gw_walk *w) {
    struct gw_str name;
    struct token t = {.value = GW_STR("0")};
    if (!gw_walk_enter(w, '{'))
        return t;
    while (gw_walk_member(w, &name)) {
        if (gemini_read_is(name, "token"))
            t.text = mean_raw(w);
        else if (gemini_read_is(name, "logProbability") || gemini_read_is(name, "logprob"))
            t.value = number(w);
        else if (gemini_read_is(name, "candidates") || gemini_read_is(name, "topLogprobs"))
            t.top = mean_value(w);
        else
            gw_walk_skip(w);
    }
    return t;
}

/* Goes into the list that is a member of the object, or that stands there alone; false: there is none. */
static bool enter_list(struct gw_walk *w, struct gw_str object, const char *member) {
    struct gw_str name, list = GW_STR("");
    gw_walk_init(w, object);
    if (gw_walk_kind(w) == '[')
        return gw_walk_enter(w, '[');
    if (object.n == 0 || !gw_walk_enter(w, '{'))
        return false;
    while (gw_walk_member(w, &name)) {
        bool its = gemini_read_is(name, member);
        struct gw_str value = mean_value(w);
        list = its ? value : list;
    }
    gw_walk_init(w, list);
    return list.n > 0 && gw_walk_enter(w, '[');
}

/* ------------------------------------------------------------------ to OpenAI's form */

static void open_theirs(struct gw_out *o, const struct token *t) {
    gw_out_open(o, '{');
    gw_out_put_raw(o, "token", t->text);
    gw_out_put_value(o, "logprob", t->value);
    gw_out_put_value(o, "bytes", GW_STR("null"));
}

static void put_theirs(struct gw_out *o, struct gw_str top) {
    struct gw_walk w;
    gw_walk_init(&w, top);
    gw_out_name(o, "top_logprobs");
    gw_out_open(o, '[');
    bool list = top.n > 0 && gw_walk_enter(&w, '[');
    while (list && gw_walk_item(&w)) {
        struct token t = read_token(&w);
        open_theirs(o, &t);
        gw_out_close(o, '}');
    }
    gw_out_close(o, ']');
}

void gemini_logprobs_read(struct gw_str ours, struct gw_out *o) {
    struct gw_walk chosen, top;
    bool more = enter_list(&top, ours, "topCandidates");
    if (!enter_list(&chosen, ours, "chosenCandidates"))
        return;
    gw_out_open(o, '{');
    gw_out_name(o, "content");
    gw_out_open(o, '[');
    while (gw_walk_item(&chosen)) {
        struct token t = read_token(&chosen), others = {.top = GW_STR("")};
        more = more && gw_walk_item(&top);
        if (more)
            others = read_token(&top);
        open_theirs(o, &t);
        put_theirs(o, others.top);
        gw_out_close(o, '}');
    }
    gw_out_close(o, ']');
    gw_out_put_value(o, "refusal", GW_STR("null"));
    gw_out_close(o, '}');
}

/* ------------------------------------------------------------------ to Gemini's */

static void put_ours(struct gw_out *o, const struct token *t) {
    gw_out_open(o, '{');
    gw_out_put_raw(o, "token", t->text);
    gw_out_put_value(o, "logProbability", t->value);
    gw_out_close(o, '}');
}

static void put_candidates(struct gw_out *o, struct gw_str top) {
    struct gw_walk w;
    gw_walk_init(&w, top);
    gw_out_open(o, '{');
    gw_out_name(o, "candidates");
    gw_out_open(o, '[');
    bool list = top.n > 0 && gw_walk_enter(&w, '[');
    while (list && gw_walk_item(&w)) {
        struct token t = read_token(&w);
        put_ours(o, &t);
    }
    gw_out_close(o, ']');
    gw_out_close(o, '}');
}

static void put_list(struct gw_out *o, const char *name, struct gw_str theirs, bool chosen) {
    struct gw_walk w;
    bool list = enter_list(&w, theirs, "content");
    gw_out_name(o, name);
    gw_out_open(o, '[');
    while (list && gw_walk_item(&w)) {
        struct token t = read_token(&w);
        if (chosen)
            put_ours(o, &t);
        else
            put_candidates(o, t.top);
    }
    gw_out_close(o, ']');
}

void gemini_logprobs_put(struct gw_out *o, struct gw_str theirs) {
    struct gw_walk w;
    if (theirs.n == 0 || !enter_list(&w, theirs, "content"))
        return;
    gw_out_name(o, "logprobsResult");
    gw_out_open(o, '{');
    put_list(o, "topCandidates", theirs, false);
    put_list(o, "chosenCandidates", theirs, true);
    gw_out_close(o, '}');
}
