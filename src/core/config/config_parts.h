/*
 * The parts of which a configuration is made, private to config*.c: defaults (config.c), then the
 * file (config_file.c), then the environment over it (config_env.c, config_keys.c).
 */
#ifndef GW_CORE_CONFIG_CONFIG_PARTS_H
#define GW_CORE_CONFIG_CONFIG_PARTS_H

#include "core/config/config.h"

/* Reads file and environment into `conf`; false and a line in `why` on failure. */
bool gw_conf_read(struct gw_conf *conf, const struct gw_source *source, struct gw_buf *why);
bool gw_conf_env(struct gw_conf *conf, const struct gw_source *source, struct gw_buf *why);
bool gw_conf_keys(struct gw_conf *conf, struct gw_str lines, struct gw_buf *why);

/* Points a backend at a URL and marks it as set. */
void gw_backend_set(struct gw_backend_conf *backend, const struct gw_url *url);
/* The service of that name, made if it is not there; NULL for a bad name or one too many. */
struct gw_backend_conf *gw_conf_service(struct gw_conf *conf, struct gw_str name);
/* Takes over the tiers and the budget of a profile that ships; false if there is none of the name. */
bool gw_conf_profile(struct gw_conf *conf, struct gw_str name);

#endif
