/*
 * From a path to where it goes. Segments match whole, and case matters.
 */
#ifndef GW_CORE_POLICY_ROUTE_H
#define GW_CORE_POLICY_ROUTE_H

#include "core/config/config.h"

enum route_kind {
    GW_ROUTE_NONE = 0,      /* nothing is there: 404 */
    GW_ROUTE_HEALTH,        /* GET /health: public */
    GW_ROUTE_API_HEALTH,    /* GET /api/health */
    GW_ROUTE_HEAVY,         /* /api/heavy/<class>[/rest] */
    GW_ROUTE_PROCESS,       /* POST /api/heavy/process: the class is in the body */
    GW_ROUTE_HEAVY_UNKNOWN, /* /api/heavy/<something else>: 404 that names the classes */
    GW_ROUTE_LOCAL,         /* /api/local/<service>[/rest] */
    GW_ROUTE_LOCAL_UNKNOWN, /* a service that nobody knows: 404 that names the services */
    GW_ROUTE_NODES,         /* GET /api/nodes: the leases, for the twin */
    GW_ROUTE_NODE,          /* /api/nodes/<1-8>: a node registers */
    GW_ROUTE_TWIN,          /* forwarded to LOCAL_ENDPOINT as it is */
};

struct route {
    uint32_t kind;
    uint32_t class;     /* GW_ROUTE_HEAVY */
    uint32_t service;   /* GW_ROUTE_LOCAL: index */
    uint32_t node;      /* GW_ROUTE_NODE: index */
    struct gw_str name; /* "heavy/code", "local/brain", ...: for headers and logs */
    struct gw_str rest; /* upstream path: "/rest", or the default of the route */
};

struct route route_of(const struct config *conf, struct gw_str path);
/* The class that the `type` of a request to /api/heavy/process names. */
uint32_t route_class_of_type(struct gw_str type);
/* The route's name once the class is known: "heavy/code". */
struct gw_str route_class_name(uint32_t class);

#endif
