/*
 * A request's facts in any cut are those of the whole, positions point at what they say, and members
 * are those that the tree (json.h) has. The first byte of the input is the seed of the cuts.
 */
#include "base/json.h"
#include "cuts.h"
#include "format/facts.h"
#include "heap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int take(void *facts, struct gw_str piece) {
    return facts_feed(facts, piece);
}

static int feed_cut(struct facts *f, struct gw_str text, unsigned seed) {
    int got = cuts_feed(take, f, text, seed);
    return got == 0 ? facts_end(f) : got;
}

static void must_be_same(const struct facts *a, const struct facts *b) {
    for (enum facts_member m = 0; m < FACTS_MEMBERS; m++) {
        const struct facts_at *x = &a->at[m], *y = &b->at[m];
        must(x->off == y->off && x->len == y->len && x->kind == y->kind);
        must(x->cut == y->cut);
        must(!facts_is_number(m) || facts_number(a, m) == facts_number(b, m));
    }
    must(gw_str_eq(facts_model(a), facts_model(b)) && gw_str_eq(facts_type(a), facts_type(b)));
    must(gw_str_eq(facts_chain(a), facts_chain(b)));
    must(a->model_before == b->model_before && a->models_before == b->models_before);
    must(a->models_behind == b->models_behind);
    must(a->twice == b->twice && a->needs == b->needs && a->has_members == b->has_members);
    must(a->has_options == b->has_options && a->has_others == b->has_others);
    must(a->has_stream_options == b->has_stream_options);
    must(a->prompt_chars == b->prompt_chars && a->context_chars == b->context_chars);
    must(a->talk.from == b->talk.from && a->talk.to == b->talk.to);
    must(a->talk.done == b->talk.done && a->talk.later_turn == b->talk.later_turn);
    must(a->talk.tally.n == b->talk.tally.n &&
         tally_hash(&a->talk.tally) == tally_hash(&b->talk.tally));
    must(a->scan.at == b->scan.at && a->scan.what == b->scan.what);
}

/* ------------------------------------------------------------------ against the tree */

/* Facts are taken of what is no tree, too: for a name twice and numbers out of range it is NULL. */
static const struct gw_json *tree_of(struct gw_arena *a, struct gw_str text,
                                     const struct facts_at *at) {
    struct gw_json_error error = {.what = ""};
    struct gw_str part = gw_str_sub(text, at->off, at->len);
    gw_arena_init(a, &heap, 4096, gw_json_most(part.n));
    const struct gw_json *root = gw_json_parse(part, 0, a, &error);
    must(root || strcmp(error.what, "duplicate member name") == 0 ||
         strcmp(error.what, "number too large") == 0);
    return root;
}

/* Whatever has a position has a value there, of the kind that is said. */
static void check_positions(const struct facts *f, struct gw_str text) {
    for (enum facts_member m = FACTS_BODY; m < FACTS_MEMBERS; m++) {
        const struct facts_at *at = &f->at[m];
        must((at->kind == GW_JSON_NONE) == (at->len == 0));
        if (at->len == 0)
            continue;
        struct gw_arena a;
        must(at->off + (uint64_t)at->len <= text.n);
        const struct gw_json *value = tree_of(&a, text, at);
        must(!value || value->kind == at->kind);
        gw_arena_del(&a);
    }
}

/* An edit takes a member out along with the brace or comma before it, or the comma behind it. */
static void check_commas(const struct facts *f, struct gw_str text) {
    const uint32_t before[] = {f->model_before, f->models_before};
    const enum facts_member of[] = {FACTS_MODEL, FACTS_MODELS};
    for (size_t i = 0; i < 2; i++)
        must(f->at[of[i]].len == 0 || text.p[before[i]] == '{' || text.p[before[i]] == ',');
    must(f->models_behind == 0 || text.p[f->models_behind] == ',');
    must(facts_chain(f).n == 0 || facts_chain(f).p[facts_chain(f).n - 1] == '\n');
}

/* The member of that name, if there is one, is the one that was found. */
static void check_member(const struct facts *f, enum facts_member m, const struct gw_json *root,
                         struct gw_str name) {
    const struct gw_json *item = gw_json_member(root, name);
    if (facts_is_twice(f, m) || !gw_json_is(root, GW_JSON_OBJECT))
        return;
    must((item ? item->kind : (uint32_t)GW_JSON_NONE) == f->at[m].kind);
    struct gw_str text = m == FACTS_MODEL ? facts_model(f) : facts_type(f);
    if (gw_json_is(item, GW_JSON_NUMERAL) && facts_is_number(m))
        must(facts_number(f, m) == (f->at[m].cut ? 0 : item->number));
    if (gw_json_is(item, GW_JSON_STRING) && (m == FACTS_MODEL || m == FACTS_TYPE)) {
        must(f->at[m].cut == (item->text.n > text.n));
        must(gw_str_starts(item->text, text));
    }
}

static const struct {
    enum facts_member in, member;
    struct gw_str name;
} members[] = {
    {FACTS_BODY, FACTS_MODEL, GW_STR_INIT("model")},
    {FACTS_BODY, FACTS_STREAM, GW_STR_INIT("stream")},
    {FACTS_BODY, FACTS_STREAM_OPTIONS, GW_STR_INIT("stream_options")},
    {FACTS_STREAM_OPTIONS, FACTS_INCLUDE_USAGE, GW_STR_INIT("include_usage")},
    {FACTS_BODY, FACTS_MAX_TOKENS, GW_STR_INIT("max_tokens")},
    {FACTS_BODY, FACTS_MAX_COMPLETION_TOKENS, GW_STR_INIT("max_completion_tokens")},
    {FACTS_BODY, FACTS_MAX_OUTPUT_TOKENS, GW_STR_INIT("max_output_tokens")},
    {FACTS_BODY, FACTS_N, GW_STR_INIT("n")},
    {FACTS_BODY, FACTS_TEMPERATURE, GW_STR_INIT("temperature")},
    {FACTS_BODY, FACTS_SEED, GW_STR_INIT("seed")},
    {FACTS_BODY, FACTS_TYPE, GW_STR_INIT("type")},
    {FACTS_BODY, FACTS_MESSAGES, GW_STR_INIT("messages")},
    {FACTS_BODY, FACTS_CONTENTS, GW_STR_INIT("contents")},
    {FACTS_BODY, FACTS_INPUT, GW_STR_INIT("input")},
    {FACTS_BODY, FACTS_PROMPT, GW_STR_INIT("prompt")},
    {FACTS_OPTIONS, FACTS_OPTIONS_SEED, GW_STR_INIT("seed")},
    {FACTS_OPTIONS, FACTS_OPTIONS_TEMPERATURE, GW_STR_INIT("temperature")},
};

static void check_members(const struct facts *f, struct gw_str text) {
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const struct facts_at *in = &f->at[members[i].in];
        if (in->kind != GW_JSON_OBJECT || facts_is_twice(f, members[i].in))
            continue;
        struct gw_arena a;
        check_member(f, members[i].member, tree_of(&a, text, in), members[i].name);
        gw_arena_del(&a);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    struct gw_str text = gw_str(data + 1, size - 1);
    static struct facts whole, cut;
    facts_init(&whole, true, FACTS_ALL);
    facts_init(&cut, true, FACTS_ALL);
    int got = facts_feed(&whole, text) == 0 ? facts_end(&whole) : -1;
    must(feed_cut(&cut, text, data[0]) == got);
    must_be_same(&whole, &cut);
    must(whole.prompt_chars + whole.context_chars <= text.n);
    must(whole.talk.tally.n <= FACTS_TALK_MAX && whole.talk.from <= text.n);
    if (got == 0) {
        check_positions(&whole, text);
        check_commas(&whole, text);
        check_members(&whole, text);
        must(!whole.has_members || text.p[whole.at[FACTS_BODY].off] == '{');
    }
    return 0;
}
