/*
 * Names of models: as they stand in paths, and those that are like a name which nobody knows.
 */
#ifndef GW_CORE_POLICY_MODELS_H
#define GW_CORE_POLICY_MODELS_H

#include "core/config/config.h"

/* Up to `max` names of the configuration that differ from this one in few letters, or hold it; the nearest
 * first. Returns how many. */
uint32_t models_near(const struct config *conf, struct gw_str name, struct gw_str *out,
                     uint32_t max);
/* A name that stands escaped in a path or a query; in the arena. What is no whole escape stays as it is. */
struct gw_str models_unescape(struct gw_str raw, struct gw_arena *arena);

#endif
