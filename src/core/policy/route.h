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
    GW_ROUTE_AI,            /* /api/ai/<provider>/rest, /api/claude/rest, ...: in its own dialect */
    GW_ROUTE_MODEL,    /* the unified API: the model that is asked for decides; then HEAVY or AI */
    GW_ROUTE_MODELS,   /* GET /v1/models[/id] */
    GW_ROUTE_RESPONSE, /* /v1/responses/<id>, of an answer that is kept here; rest: the id */
    GW_ROUTE_GENERATE, /* /generate of a provider; then AI */
    GW_ROUTE_AI_UNKNOWN, /* a provider that nobody knows: 404 that names the providers */
    GW_ROUTE_HELLO,      /* /api/hello: Claude Code asks whether somebody is there; public */
    GW_ROUTE_TWIN,       /* forwarded to LOCAL_ENDPOINT as it is */
    GW_ROUTE_KINDS,
};

enum route_method {
    ROUTE_GET = 1,
    ROUTE_HEAD = 2,
    ROUTE_POST = 4,
    ROUTE_PUT = 8,
    ROUTE_PATCH = 16,
    ROUTE_DELETE = 32,
    ROUTE_OPTIONS = 64,
    ROUTE_ALL = 127,
};

/* Who may ask. */
enum route_who {
    ROUTE_KEY = 0, /* whoever access_check lets in */
    ROUTE_PUBLIC,  /* anybody */
    ROUTE_TWIN, /* the twin, by its hop, on behalf of nobody: others are told so if they have a key */
    ROUTE_SIGNED, /* a node, by its signature */
};

/* How the request's body is taken. */
enum route_body {
    ROUTE_NO_BODY = 0, /* not at all */
    ROUTE_STREAMED,    /* it is held as far as it is worth it, and sent on as it comes */
    ROUTE_HELD,        /* likewise, but nothing is sent before it is whole or not worth holding */
    ROUTE_WHOLE,       /* it must be seen whole: what is too large for that is refused */
};

/* What a kind of route allows. */
struct route_rule {
    uint8_t methods; /* enum route_method, or-ed */
    uint8_t who, body;
    /* The answer counts by the rules for nodes: it may move the request to another target, its stream may
     * be observed, and its end is judged. Else it is delivered as it is. */
    bool judged;
    uint8_t
        repeats; /* methods that a target may get twice: those that are idempotent (RFC 9110 9.2.2),
                      * and POST where it asks a model; what a service does with one is its own affair */
};
extern const struct route_rule route_rules[GW_ROUTE_KINDS];
/* enum route_method, or 0: none that is offered anywhere. */
uint32_t route_method(struct gw_str name);
/* Appends the names of methods, as in an allow header. */
void route_put_methods(uint32_t methods, struct gw_buf *out);

struct route {
    uint32_t kind;
    uint32_t class;     /* GW_ROUTE_HEAVY */
    uint32_t service;   /* GW_ROUTE_LOCAL: index */
    uint32_t node;      /* GW_ROUTE_NODE: index */
    uint32_t provider;  /* GW_ROUTE_AI: index; GW_ROUTE_MODEL: whose dialect it is */
    struct gw_str name; /* "heavy/code", "local/brain", ...: for headers and logs */
    struct gw_str rest; /* upstream path: "/rest", or the default of the route */
};

/* Whether the path is /v1/models/<model>, which is answered here. */
bool route_is_listing(struct gw_str path);
/* The model that a path of GW_ROUTE_MODEL names; n == 0: the body does. */
struct gw_str route_model(struct gw_str path);
struct route route_of(const struct config *conf, struct gw_str path);
/* The class that the `type` of a request to /api/heavy/process names. */
uint32_t route_class_of_type(struct gw_str type);
/* The route's name once the class is known: "heavy/code". */
struct gw_str route_class_name(uint32_t class);

#endif
