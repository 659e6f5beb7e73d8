#include "format/capability.h"

static const char file[] =
#include "models.inc"
    ;

struct gw_str capability_file(void) {
    return gw_str(file, sizeof file - 1);
}

/* ------------------------------------------------------------------ reading */

bool capability_lacks(const struct gw_json *list, uint64_t *lacks) {
    if (!gw_json_is(list, GW_JSON_ARRAY))
        return false;
    for (const struct gw_json *word = list->child; word != NULL; word = word->next) {
        enum feature feature =
            gw_json_is(word, GW_JSON_STRING) ? feature_named(word->text) : FEATURES;
        if (feature == FEATURES)
            return false;
        *lacks |= 1ULL << feature;
    }
    return true;
}

static bool read_tokens(const struct gw_json *member, uint64_t *tokens) {
    if (!gw_json_is(member, GW_JSON_NUMERAL) || member->number < 0 || member->number > 1e12)
        return false;
    *tokens = (uint64_t)member->number;
    return true;
}

static bool read_member(const struct gw_json *member, struct capability *c) {
    if (gw_str_eq(member->name, GW_STR("context")))
        return read_tokens(member, &c->context);
    if (gw_str_eq(member->name, GW_STR("output")))
        return read_tokens(member, &c->output);
    return gw_str_eq(member->name, GW_STR("lacks")) && capability_lacks(member, &c->lacks);
}

static bool read_one(const struct gw_json *entry, struct gw_arena *arena, struct capability *c) {
    bool good = gw_json_is(entry, GW_JSON_OBJECT);
    *c = (struct capability){.begins = gw_arena_dup(arena, entry->name)};
    for (const struct gw_json *m = good ? entry->child : NULL; m != NULL; m = m->next)
        good &= read_member(m, c);
    return good;
}

static bool read_all(const struct gw_json *root, struct gw_arena *arena, struct capabilities *all) {
    uint32_t n = 0;
    for (const struct gw_json *m = root->child; m != NULL; m = m->next)
        n++;
    all->of = gw_arena_get(arena, (n + 1) * sizeof *all->of);
    all->n = 0;
    for (const struct gw_json *m = root->child; all->of != NULL && m != NULL; m = m->next)
        if (!read_one(m, arena, &all->of[all->n++]))
            return false;
    return all->of != NULL;
}

bool capability_read(struct gw_str text, struct gw_arena *arena, struct capabilities *all) {
    struct gw_arena tree;
    gw_arena_init(&tree, arena->mem, 4096, gw_json_most(text.n));
    const struct gw_json *root = gw_json_parse(text, GW_JSON_COMMENTS, &tree, NULL);
    bool good = gw_json_is(root, GW_JSON_OBJECT) && read_all(root, arena, all);
    gw_arena_del(&tree);
    return good;
}

/* ------------------------------------------------------------------ looking up */

/* The longest entry that this begins with, if it is longer than the best until now. */
static void look(const struct capabilities *all, struct gw_str name, struct capability *best) {
    for (uint32_t i = 0; i < all->n; i++) {
        const struct capability *c = &all->of[i];
        bool near = c->begins.n == 0 || (name.n > 0 && c->begins.p[0] == name.p[0]);
        if (near && c->begins.n >= best->begins.n && gw_str_starts(name, c->begins))
            *best = *c;
    }
}

static bool is_border(char c) {
    return c == '.' || c == '/' || c == ':';
}

struct capability capability_of(const struct capabilities *all, struct gw_str model) {
    struct capability best = {.context = 0};
    look(all, model, &best);
    for (size_t i = 0; i < model.n; i++)
        if (is_border(model.p[i]))
            look(all, gw_str_sub(model, i + 1, model.n), &best);
    return best;
}
