/*
 * Names of models that are like a name which nobody knows: for the words of a refusal.
 */
#ifndef GW_CORE_POLICY_MODELS_H
#define GW_CORE_POLICY_MODELS_H

#include "core/config/config.h"

/* Up to `max` names of the configuration that differ from this one in few letters, or hold it; the nearest
 * first. Returns how many. */
uint32_t models_near(const struct config *conf, struct gw_str name, struct gw_str *out,
                     uint32_t max);

#endif
