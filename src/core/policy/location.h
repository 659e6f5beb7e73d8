/*
 * Redirects: a target names its own URLs, the client is told the gateway's paths.
 *
 *   the target says                             the client reads
 *   its own origin and a path below its base    /api/<route> and the path behind the base
 *   a path, absolute or relative                the same, of the URL that was asked for there
 *   a query or a fragment only                  the same words
 *   anything else                               nothing: it is left out
 *
 * Anything else is: another host, port or scheme; a path outside the base, also by ".."; whatever a client
 * might read as another host ("//host", "/\host", a tab between them); and every path that the gateway
 * itself would refuse. A target's URL is never told.
 */
#ifndef GW_CORE_POLICY_LOCATION_H
#define GW_CORE_POLICY_LOCATION_H

#include "core/gw.h"

/* Where an answer comes from, and where clients find what is there. */
struct place {
    const struct gw_target *target;
    struct gw_str base; /* of all its paths: "" or "/x/y" */
    struct gw_str path; /* what was asked for, behind base: "/..." */
    struct gw_str
        route; /* clients find it at /api/<route>/...; empty: at the same path (the twin) */
    bool may_challenge; /* it may ask the client for credentials: WWW-Authenticate of a 401 */
};

/* Appends the line `name`, or leaves `out` as it is. */
void location_put(struct gw_buf *out, struct gw_str name, struct gw_str value,
                  const struct place *place);

#endif
