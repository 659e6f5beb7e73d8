#include "format/dialect.h"

#define DIALECT(name) &dialect_##name,
static const struct dialect *const table[] = {
#include "format/dialects.h"
};
#undef DIALECT

enum { TABLE_N = sizeof table / sizeof *table };
_Static_assert((int)TABLE_N <= (int)DIALECTS_MAX, "usage.h has room for each");

const struct dialect *dialects_at(uint32_t i) {
    return i < TABLE_N ? table[i] : NULL;
}

const struct dialect *dialects_of_path(struct gw_str path, bool *talks) {
    *talks = false;
    if (path.n == 0)
        return NULL;
    char last = path.p[path.n - 1];
    for (uint32_t i = 0; i < TABLE_N; i++) {
        const struct dialect_path *p = table[i]->paths;
        for (uint32_t k = 0; k < DIALECT_PATHS && p[k].suffix.n > 0; k++) {
            struct gw_str suffix = p[k].suffix;
            if (suffix.p[suffix.n - 1] != last || !gw_str_ends(path, suffix))
                continue;
            *talks = p[k].talks;
            return table[i];
        }
    }
    return NULL;
}

const struct dialect *dialects_of_embeds(struct gw_str path) {
    for (uint32_t i = 0; i < TABLE_N && path.n > 0; i++)
        for (uint32_t k = 0; k < DIALECT_PATHS && table[i]->embeds_at[k].n > 0; k++) {
            struct gw_str suffix = table[i]->embeds_at[k];
            if (suffix.p[suffix.n - 1] == path.p[path.n - 1] && gw_str_ends(path, suffix))
                return table[i];
        }
    return NULL;
}

const struct dialect *dialects_default(enum framing framing) {
    uint32_t i = TABLE_N - 1;
    while (i > 0 && (table[i]->framing != framing || !table[i]->usual))
        i--;
    return table[i];
}
