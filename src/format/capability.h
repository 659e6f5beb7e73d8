/*
 * What models can, and how much they take: config/models.json, which the build puts into both hosts. It is read once
 * for each configuration; what that says of a model itself comes before it (core/config/config_models.c).
 */
#ifndef GW_FORMAT_CAPABILITY_H
#define GW_FORMAT_CAPABILITY_H

#include "base/arena.h"
#include "base/json.h"
#include "format/feature.h"

struct capability {
    struct gw_str begins;     /* how the names of its models begin */
    uint64_t context, output; /* tokens; 0: not known */
    uint64_t lacks; /* a bit per enum feature that it cannot, whatever its dialect has words for */
};

struct capabilities {
    struct capability *of;
    uint32_t n;
};

/* The file that this was built with. */
struct gw_str capability_file(void);
/* Reads such a file into the arena; the text must stay. False: it is none, or there is no room. */
bool capability_read(struct gw_str text, struct gw_arena *arena, struct capabilities *all);
/* A list of features' words. False: it is none; `*lacks` is then what came before. */
bool capability_lacks(const struct gw_json *list, uint64_t *lacks);
/* What is known of a model by its name: the entry that is longest. Nothing is known if there is none. */
struct capability capability_of(const struct capabilities *all, struct gw_str model);

#endif
