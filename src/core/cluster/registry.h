/*
 * Nodes that come and go: where the registered ones are (docs/nodes.md).
 *
 * A registration is a lease on a node's place: while it is in force, the node is reached at the
 * lease's URL instead of at the endpoint of the environment. Heartbeats renew it.
 *
 *     state     | until                           | the node is reached at
 *     ----------+---------------------------------+---------------------------------------------
 *     none      | a registration, or a line       | the endpoint of the environment, if any
 *     in force  | REGISTRY_DRAIN_MS before `ends` | the lease's URL
 *     over      | a newer registration, or line   | the endpoint of the environment, if any
 *
 * Every registration carries its node's timestamp, and is replaced only by a newer one. So replays are
 * refused, and the lines in which shards tell each other of leases may be lost, repeated and reordered.
 * A timestamp further ahead than a node's clock may be counts as now (sync.c), so no line can lock a node
 * out. The newest timestamp is remembered after the lease has ended. A call keeps the target that it
 * began with: what registry_node returns lives in the call's arena.
 */
#ifndef GW_CORE_CLUSTER_REGISTRY_H
#define GW_CORE_CLUSTER_REGISTRY_H

#include "core/config/config.h"

struct cluster;

enum {
    REGISTRY_URL_MAX = 512,
    REGISTRY_LEASE_MS = 180000,  /* three heartbeats of 60 s */
    REGISTRY_DRAIN_MS = 5000,    /* no new requests this long before the end */
    REGISTRY_WINDOW_MS = 180000, /* how far a node's clock may be off */
    REGISTRY_MODELS = 16,        /* of a node: more are not remembered, ... */
    REGISTRY_MODELS_MAX = 512,   /* ... nor more bytes of their names */
};

/* What a node asks for. */
struct lease {
    uint32_t node;          /* index from 0 */
    double stamp;           /* wall clock of the node, in whole milliseconds */
    double ends;            /* wall clock; in the past: the node leaves */
    uint32_t in_flight_max; /* 0: as configured */
    uint32_t prefill;       /* enum prefill; PREFILL_NONE: as configured */
    struct gw_str url;      /* n == 0: the node leaves */
    struct gw_str models;   /* their names, with commas between; n == 0: it does not say */
};

struct registry_entry {
    struct gw_arena arena; /* of the URL that the lease points to */
    char models[REGISTRY_MODELS_MAX];
    struct lease lease;
    struct backend_conf to;
    bool in_force, changed; /* changed: since registry_put_changed */
    double ahead;           /* the latest stamp from the future that was told (sync.c) */
    double refused_until;   /* the refusals logged so far use up the time until then, ... */
    uint32_t left_out;      /* ... and this many were not logged (call/nodes.c) */
};

struct registry {
    struct registry_entry entry[GW_NODES];
    /* When leases were last asked for, received, and asked for in vain; monotonic, 0: never. */
    double asked_at, heard_at, failed_at;
    double began; /* wall clock of the first registry_tend */
    bool news;    /* some entry has changed */
    bool away;    /* the last question was not answered */
};

void registry_init(struct registry *r, const struct gw_mem *mem);
void registry_del(struct registry *r);

/* NULL, or a sentence fragment that says why a node may not be at that URL. It must be https, and its
 * host a name (not an address) under one of NODE_HOSTS. A loopback host that is listed there may be
 * http. */
const char *registry_check_url(const struct config *conf, struct gw_str text,
                               struct gw_arena *arena, struct url *out);
/* Claims a registration's timestamp, for all loops. False: that one or a newer one has been seen. */
bool registry_claim(struct cluster *cluster, uint32_t node, double stamp);
/* Whether this registration may be a replay of one that an earlier process saw: nothing outlives this
 * gateway, it is the first one of its node here, and it was signed before the gateway began. */
bool registry_may_repeat(const struct cluster *cluster, uint32_t node, double stamp,
                         struct gw_time now);
/* Begins the one challenge that a node may have under way, in all loops. It ends with registry_asked, or
 * at `until` (monotonic, whole milliseconds). False: another one is under way. */
bool registry_ask(struct cluster *cluster, uint32_t node, double until, struct gw_time now);
void registry_asked(struct cluster *cluster, uint32_t node, double until);
/* Takes over a lease whose URL has been checked; false if the known one is not older. At another URL the
 * node is another backend: what was known of it is forgotten. */
bool registry_take(struct cluster *cluster, const struct lease *lease, struct gw_time now);
/* Ends the leases whose time is over. */
void registry_tend(struct cluster *cluster, struct gw_time now);
/* The node as it is reached now: that of `conf`, or, if a lease is in force, a copy in `arena`. */
const struct backend_conf *registry_node(const struct cluster *cluster, const struct config *conf,
                                         uint32_t node, struct gw_arena *arena);

/* Whether, and how, the node goes on with an answer that has begun (enum prefill). */
uint32_t registry_prefill(const struct cluster *cluster, uint32_t node);

/* Whether the node can be asked: it has a lease, or an endpoint of the environment. */
bool registry_is_reached(const struct cluster *cluster, const struct config *conf, uint32_t node);
/* The models that the node says it has, with commas between; n == 0: it does not say. And whether one of them
 * is that one. */
struct gw_str registry_models(const struct cluster *cluster, uint32_t node);
bool registry_has_model(const struct cluster *cluster, uint32_t node, struct gw_str model);
/* Whether a name can be one of them: printable, short, without commas. */
bool registry_is_model(struct gw_str name);

/* Leases as lines "lease node-3 STAMP ENDS IN_FLIGHT_MAX URL[ PREFILL][ models=A,B]\n", the URL "-" for a node
 * that left, PREFILL a name of enum prefill.
 * The first puts all of them, the second those that have changed since it was last called. */
void registry_put_lines(const struct cluster *cluster, struct gw_buf *out);
void registry_put_changed(struct cluster *cluster, struct gw_buf *out);
bool registry_has_changed(const struct registry *r);
void registry_put_line(const struct lease *lease, struct gw_buf *out);
/* Takes what follows "lease " in a line; false if it is no lease, or not an allowed one. One that
 * is older than what is known changes nothing. */
bool registry_take_line(struct cluster *cluster, struct gw_str fields, struct gw_time now);
/* Takes all lines of the registry's answer. */
void registry_take_answer(struct cluster *cluster, struct gw_str text, struct gw_time now);

#endif
