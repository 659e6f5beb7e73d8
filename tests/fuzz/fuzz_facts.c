/*
 * A request's facts in any cut are those of the whole, positions point at what they say, and members
 * are those that cJSON finds. The first byte of the input is the seed of the cuts.
 */
#include <cJSON.h>
#include <stdlib.h>

#include "format/facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok) {
    if (!ok)
        abort();
}

static int feed_cut(struct facts *f, struct gw_str text, unsigned seed) {
    for (size_t i = 0; i < text.n;) {
        seed = seed * 1103515245u + 12345u;
        struct gw_str part = gw_str_sub(text, i, 1 + (seed >> 16) % 20);
        char *copy = malloc(part.n);
        must(copy != NULL);
        memcpy(copy, part.p, part.n);
        int got = facts_feed(f, gw_str(copy, part.n));
        free(copy);
        if (got != 0)
            return got;
        i += part.n;
    }
    return facts_end(f);
}

static void must_be_same(const struct facts *a, const struct facts *b) {
    for (enum facts_member m = 0; m < FACTS_MEMBERS; m++) {
        const struct facts_at *x = &a->at[m], *y = &b->at[m];
        must(x->off == y->off && x->len == y->len && x->kind == y->kind);
        must(x->cut == y->cut);
        must(!facts_is_number(m) || facts_number(a, m) == facts_number(b, m));
    }
    must(gw_str_eq(facts_model(a), facts_model(b)) && gw_str_eq(facts_type(a), facts_type(b)));
    must(a->twice == b->twice && a->needs == b->needs && a->has_members == b->has_members);
    must(a->prompt_chars == b->prompt_chars && a->context_chars == b->context_chars);
    must(a->talk.from == b->talk.from && a->talk.to == b->talk.to);
    must(a->talk.done == b->talk.done && a->talk.later_turn == b->talk.later_turn);
    must(a->talk.tally.n == b->talk.tally.n &&
         tally_hash(&a->talk.tally) == tally_hash(&b->talk.tally));
    must(a->scan.at == b->scan.at && a->scan.what == b->scan.what);
}

static enum gw_json_kind kind_of(const cJSON *item) {
    return cJSON_IsNull(item)     ? GW_JSON_NULL
           : cJSON_IsFalse(item)  ? GW_JSON_FALSE
           : cJSON_IsTrue(item)   ? GW_JSON_TRUE
           : cJSON_IsNumber(item) ? GW_JSON_NUMERAL
           : cJSON_IsString(item) ? GW_JSON_STRING
           : cJSON_IsArray(item)  ? GW_JSON_ARRAY
           : cJSON_IsObject(item) ? GW_JSON_OBJECT
                                  : GW_JSON_NONE;
}

/* Whatever has a position has a value there, of the kind that is said. */
static void check_positions(const struct facts *f, struct gw_str text) {
    for (enum facts_member m = FACTS_BODY; m < FACTS_MEMBERS; m++) {
        const struct facts_at *at = &f->at[m];
        must((at->kind == GW_JSON_NONE) == (at->len == 0));
        if (at->len == 0)
            continue;
        must(at->off + (uint64_t)at->len <= text.n);
        cJSON *value = cJSON_ParseWithLengthOpts(text.p + at->off, at->len, NULL, 0);
        must(value && kind_of(value) == (enum gw_json_kind)at->kind);
        cJSON_Delete(value);
    }
}

/* The member of that name, if there is one, is the one that was found. */
static void check_member(const struct facts *f, enum facts_member m, const cJSON *root,
                         const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, name);
    if (facts_is_twice(f, m) || !cJSON_IsObject(root))
        return;
    must(kind_of(item) == (enum gw_json_kind)f->at[m].kind);
    struct gw_str text = m == FACTS_MODEL ? facts_model(f) : facts_type(f);
    if (cJSON_IsNumber(item) && facts_is_number(m))
        must(facts_number(f, m) == (f->at[m].cut ? 0 : item->valuedouble));
    if (cJSON_IsString(item) && (m == FACTS_MODEL || m == FACTS_TYPE)) {
        must(f->at[m].cut == (strlen(item->valuestring) > text.n));
        must(memcmp(item->valuestring, text.p, text.n) == 0);
    }
}

static const struct {
    enum facts_member in, member;
    const char *name;
} members[] = {
    {FACTS_BODY, FACTS_MODEL, "model"},
    {FACTS_BODY, FACTS_STREAM, "stream"},
    {FACTS_BODY, FACTS_STREAM_OPTIONS, "stream_options"},
    {FACTS_STREAM_OPTIONS, FACTS_INCLUDE_USAGE, "include_usage"},
    {FACTS_BODY, FACTS_MAX_TOKENS, "max_tokens"},
    {FACTS_BODY, FACTS_MAX_COMPLETION_TOKENS, "max_completion_tokens"},
    {FACTS_BODY, FACTS_MAX_OUTPUT_TOKENS, "max_output_tokens"},
    {FACTS_BODY, FACTS_N, "n"},
    {FACTS_BODY, FACTS_TEMPERATURE, "temperature"},
    {FACTS_BODY, FACTS_SEED, "seed"},
    {FACTS_BODY, FACTS_TYPE, "type"},
    {FACTS_BODY, FACTS_MESSAGES, "messages"},
    {FACTS_BODY, FACTS_CONTENTS, "contents"},
    {FACTS_BODY, FACTS_INPUT, "input"},
    {FACTS_BODY, FACTS_PROMPT, "prompt"},
    {FACTS_OPTIONS, FACTS_OPTIONS_SEED, "seed"},
    {FACTS_OPTIONS, FACTS_OPTIONS_TEMPERATURE, "temperature"},
};

static void check_members(const struct facts *f, struct gw_str text) {
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const struct facts_at *in = &f->at[members[i].in];
        if (in->kind != GW_JSON_OBJECT || facts_is_twice(f, members[i].in))
            continue;
        cJSON *root = cJSON_ParseWithLengthOpts(text.p + in->off, in->len, NULL, 0);
        check_member(f, members[i].member, root, members[i].name);
        cJSON_Delete(root);
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
        check_members(&whole, text);
        must(!whole.has_members || text.p[whole.at[FACTS_BODY].off] == '{');
    }
    return 0;
}
