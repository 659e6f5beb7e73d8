/*
 * What models can, and how much they take: config/models.json, of which the build makes a table (tools/models.sh). What
 * the configuration says of a model itself comes before it (core/config/config_models.c).
 */
#ifndef GW_FORMAT_CAPABILITY_H
#define GW_FORMAT_CAPABILITY_H

#include "base/json.h"
#include "format/feature.h"

struct capability {
    uint64_t context, output; /* tokens; 0: not known */
    uint64_t lacks; /* a bit per enum feature that it cannot, whatever its dialect has words for */
};

/* The same, for all models whose names begin so. */
struct capability_row {
    const char *begins;
    uint32_t context, output;
    uint64_t lacks;
};

struct capabilities {
    const struct capability_row *of;
    uint32_t n;
};

extern const struct capabilities capability_table;

/* A list of features' words. False: it is none; `*lacks` is then what came before. */
bool capability_lacks(const struct gw_json *list, uint64_t *lacks);
/* What is known of a model by its name: the entry that is longest. Nothing is known if there is none. */
struct capability capability_of(const struct capabilities *all, struct gw_str model);

#endif
