/*
 * The parts of which a configuration is made, private to config*.c: defaults (config.c), then the
 * file (config_file.c), then the environment over it (config_env.c, config_keys.c).
 */
#ifndef GW_CORE_CONFIG_CONFIG_PARTS_H
#define GW_CORE_CONFIG_CONFIG_PARTS_H

#include "core/config/config.h"

/* Reads file and environment into `conf`; false and a line in `why` on failure. */
bool config_file_read(struct config *conf, const struct gw_source *source, struct gw_buf *why);
bool config_env(struct config *conf, const struct gw_source *source, struct gw_buf *why);
bool config_keys(struct config *conf, struct gw_str lines, struct gw_buf *why);

/* Puts in the built-in providers. */
void config_add_providers(struct config *conf);
/* The environment's part of the providers: addresses and keys. */
bool config_env_providers(struct config *conf, const struct gw_source *source, struct gw_buf *why);

/* FAILOVER_CHAIN: names of models, or of providers that have a model of their own. */
bool config_failover(struct config *conf, const struct gw_source *source, struct gw_buf *why);

/* Points a backend at a URL and marks it as set. */
void config_set_backend(struct backend_conf *backend, const struct url *url);
/* The service of that name, made if it is not there; NULL for a bad name or one too many. */
struct backend_conf *config_service(struct config *conf, struct gw_str name);
/* Takes over the tiers and the budget of a profile that ships; false if there is none of the name. */
bool config_profile(struct config *conf, struct gw_str name);

#endif
