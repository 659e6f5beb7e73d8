#include "format/capability.h"

#define BIT(feature) (1ULL << FEATURE_##feature)

static const struct capability_row rows[] = {
#include "models.inc"
};

const struct capabilities capability_table = {rows, sizeof rows / sizeof *rows};

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

/* ------------------------------------------------------------------ looking up */

static bool begins(struct gw_str name, const char *with) {
    size_t n = 0;
    while (with[n] != '\0' && n < name.n && with[n] == name.p[n])
        n++;
    return with[n] == '\0';
}

/* The longest row that this begins with, if it is not shorter than the best until now. */
static const struct capability_row *look(const struct capabilities *all, struct gw_str name,
                                         const struct capability_row *best) {
    for (uint32_t i = 0; i < all->n; i++) {
        const struct capability_row *row = &all->of[i];
        if (begins(name, row->begins) &&
            (best == NULL || strlen(row->begins) >= strlen(best->begins)))
            best = row;
    }
    return best;
}

static bool is_border(char c) {
    return c == '.' || c == '/' || c == ':';
}

struct capability capability_of(const struct capabilities *all, struct gw_str model) {
    const struct capability_row *best = look(all, model, NULL);
    for (size_t i = 0; i < model.n; i++)
        if (is_border(model.p[i]))
            best = look(all, gw_str_sub(model, i + 1, model.n), best);
    if (best == NULL)
        return (struct capability){.context = 0};
    return (struct capability){best->context, best->output, best->lacks};
}
