/*
 * The configuration: JSON with comments and the environment, checked into one immutable structure.
 *
 * A config lives in an arena of its own and is never changed once it is made. It is counted: the gateway
 * holds one reference and each call another, so running calls keep theirs through a reload. The
 * environment beats the file. An error is one line: where (line of the file, or variable), what, remedy.
 */
#ifndef GW_CORE_CONFIG_CONFIG_H
#define GW_CORE_CONFIG_CONFIG_H

#include "base/digest.h"
#include "core/config/tiers.h"
#include "core/config/url.h"
#include "core/gw.h"
#include "format/capability.h"
#include "format/providers.h"

enum {
    GW_NODES = 8,
    GW_CLASSES = 4,
    GW_SERVICES = 32,
    GW_KEYS = 1024,
    GW_NODE_HOSTS = 32,
    GW_PROVIDERS = 16,
    GW_PROVIDER_KEYS = 4,
    GW_MODELS = 512,
    GW_MODEL_PLACES = 8, /* of one request's chain */
    /* Slots, places in the gateway's table of backends: nodes, services, the twin, providers. */
    GW_SLOT_SERVICE = GW_NODES,
    GW_SLOT_TWIN = GW_SLOT_SERVICE + GW_SERVICES,
    GW_SLOT_PROVIDER = GW_SLOT_TWIN + 1,
    GW_BACKENDS = 64,
    GW_CONF_MAX = 4 << 20,
};

enum gw_class { GW_REASONING = 0, GW_CODE, GW_VISION, GW_BATCH };
extern const struct gw_str config_class_names[GW_CLASSES];

/* How a target is told to go on with an answer that has begun (call/prefix.c). */
enum prefill { PREFILL_NONE = 0, PREFILL_LLAMA_CPP, PREFILL_VLLM, PREFILLS };
/* Of that name, PREFILL_NONE's is empty; PREFILLS: there is none. */
uint32_t config_prefill(struct gw_str name);
struct gw_str config_prefill_name(uint32_t prefill);

/* Somewhere requests can go. `slot` is its index in the gateway's table of backends. */
struct backend_conf {
    struct gw_target target;
    struct gw_str base;
    uint32_t slot, in_flight_max; /* 0: no limit */
    double first_byte_ms;
    struct gw_str bearer; /* shows a node that it is this gateway that asks; n == 0: none */
    bool set, ngrok;
    bool paid;       /* a provider that wants a key: its queues and its pace are its own affair */
    uint8_t prefill; /* enum prefill */
};

/* What belongs to the keys of a provider whose requests are signed (format/sigv4.h): each key is an id. */
struct signing_conf {
    struct gw_str secret[GW_PROVIDER_KEYS], token[GW_PROVIDER_KEYS]; /* token n == 0: it has none */
    struct gw_str region;
};

/* A provider, built in (format/providers.h) or added by the file. Its backend is `set` if it can be asked:
 * it has an address, and a key if it wants one. */
struct provider_conf {
    struct backend_conf backend;
    const struct provider *like; /* whose paths, dialect and form of the key it has */
    struct gw_str route;         /* "ai/<name>" */
    struct gw_str key_env;       /* where its keys are; empty: it needs none */
    struct gw_str base_env;      /* where its address is; may be empty */
    struct gw_str keys[GW_PROVIDER_KEYS];
    uint32_t keys_n;
    const struct signing_conf *signing; /* NULL: its keys are sent as they are */
    struct gw_str prefixes;             /* how names of its models begin, with spaces between */
    struct gw_str model; /* which it has where only the provider is named; n == 0: none */
    bool named;          /* the file or the environment speaks of it */
};

/* Where requests for a model go: to a provider, or to the nodes of a class. */
struct model_place {
    struct gw_str model; /* its name there; n == 0: nodes have one of their own */
    uint32_t index;      /* of the provider, or the class */
    bool heavy;          /* it is a class */
};

/* What the file says of a model: an alias with the places that stand behind it, the best first; or
 * "provider/model" itself. */
struct model_conf {
    struct gw_str name;
    struct model_place *places;
    uint32_t places_n;
    uint64_t context, output; /* tokens that it takes, and that it answers with; 0: unsaid */
    uint64_t lacks;           /* what it cannot: see struct capability; if `lacks_said` */
    uint64_t silence_ms, first_byte_ms; /* 0: as for others */
    bool alias, lacks_said;
};

/* What becomes of a request that uses what its target's dialect cannot say: enum feature_fate + 1. */
enum config_unsupported {
    CONFIG_AS_USUAL = 0, /* what is usual for each */
    CONFIG_DROP,
    CONFIG_WARN,
    CONFIG_REJECT,
};

struct class_conf {
    uint32_t nodes[GW_NODES], nodes_n; /* indexes from 0 */
    bool inspect;
};

/* What a key may do beyond asking models. */
enum gw_scope {
    GW_SCOPE_ACCOUNT = 1, /* ask a provider for what belongs to the account */
    GW_SCOPE_BYOK = 2,    /* bring a key of its own to a provider */
    GW_SCOPE_ADMIN = 4,
    GW_SCOPE_EXPLAIN = 8,
};

struct key_conf {
    uint8_t digest[GW_SHA256];
    struct gw_str name;
    uint32_t classes; /* a bit per gw_class; all when the key does not say */
    uint32_t
        providers; /* a bit per provider; if the key says nothing: all, or none if it names classes */
    uint32_t rpm;    /* 0: no limit */
    uint32_t scopes; /* enum gw_scope, or-ed */
};

/* Of connections to one host; file names as they stand in the file. Empty: as for all hosts. */
struct tls_conf {
    struct gw_str host, ca_file, cert_file, key_file, server_name;
};

enum { GW_TLS_HOSTS = 33 }; /* the first is for all hosts */

enum gw_auth { GW_AUTH_NONE = 0, GW_AUTH_OFF, GW_AUTH_KEYS };

struct limits_conf {
    uint64_t replay_bytes_max, replay_total_max, body_bytes_max, json_bytes_max;
    uint64_t client_head_ms, client_body_ms, client_idle_ms, client_write_ms, linger_ms, drain_ms;
    uint64_t upstream_idle_ms, upstream_idle_max, connections_max, streams_max, log_requests;
    uint64_t connections_per_address, client_rate_min; /* 0: see config/gateway.json */
    uint64_t resume;                                   /* 1: streams that fail go on elsewhere */
    uint64_t upstream_http2;                           /* 1: HTTP/2 where a target offers it */
    uint64_t connect_ms, request_ms, silence_ms, probe_ms;
    uint64_t
        responses_keep_s; /* how long answers of Responses are kept for who names them; 0: none are */
};

enum { BREAKER_THRESHOLD_MAX = 63 };

/* See cluster/breaker.h. */
struct breaker_conf {
    uint64_t threshold;     /* failures in a row, at most BREAKER_THRESHOLD_MAX */
    uint64_t recovery_ms;   /* it is open for no longer than this */
    uint64_t predictive_ms; /* slower than this to begin is slow (predict.h); 0: nothing is */
};

struct config {
    struct gw_arena arena;
    uint32_t refs, host;
    struct limits_conf limits;
    struct breaker_conf breaker;
    struct backend_conf nodes[GW_NODES], services[GW_SERVICES], twin;
    uint32_t services_n, service_default; /* GW_SERVICES: none */
    struct provider_conf providers[GW_PROVIDERS];
    uint32_t providers_n;
    const struct model_conf *models;
    uint32_t models_n;
    struct model_place failover[GW_MODEL_PLACES]; /* behind every chain: FAILOVER_CHAIN */
    uint32_t failover_n;
    struct class_conf classes[GW_CLASSES];
    uint32_t overflow[GW_SERVICES], overflow_n; /* indexes of services */
    uint64_t queue_ms, queue_longest_ms, queue_max;
    bool resume_seed;        /* streams without a seed get one */
    uint32_t on_unsupported; /* enum config_unsupported */
    uint32_t
        nodes_speak; /* dialects beside OpenAI's chat that nodes offer: a bit per place in the table */
    enum gw_auth auth;
    const struct key_conf *keys; /* sorted by digest */
    uint32_t keys_n;
    struct gw_str twin_secret, access_id, access_secret;
    struct gw_str seal_key;            /* for what clients are to bring back (format/seal.h) */
    struct gw_str node_keys[GW_NODES]; /* in hexadecimal; n == 0: nodes cannot register */
    struct gw_str node_hosts[GW_NODE_HOSTS]; /* under which a node's URL may be */
    uint32_t node_hosts_n;
    struct backend_conf registry; /* where registrations are looked up and kept */
    bool remembers;               /* what has been registered outlives this gateway */
    bool stores;                  /* there is somewhere to keep what clients leave (GW_ASK_STORE) */
    struct gw_str listen;         /* lines */
    const struct gw_str *request_headers; /* allowed upstream beside the built-in ones */
    uint32_t request_headers_n;
    struct tls_conf tls[GW_TLS_HOSTS];
    uint32_t tls_n; /* at least 1 */
    struct tiers tiers;
    int64_t monthly_budget; /* nano-dollars */
};

/* Reads and checks a source. The result has one reference; NULL: `why` holds the error's line. */
struct config *config_new(const struct gw_mem *mem, const struct gw_source *source,
                          struct gw_buf *why);
void config_ref(struct config *conf);
void config_unref(struct config *conf);
/* The key whose digest this is, or NULL. */
const struct key_conf *config_key(const struct config *conf, const uint8_t digest[GW_SHA256]);
const struct key_conf *config_key_named(const struct config *conf, struct gw_str name);
/* The i-th target there is: nodes, services, the twin, providers; NULL: no more. */
const struct backend_conf *config_target(const struct config *conf, uint32_t i);
/* The variable without which a provider is not there. */
struct gw_str config_provider_lacks(const struct provider_conf *p);
/* The index of a provider, or GW_PROVIDERS. */
uint32_t config_provider_index(const struct config *conf, struct gw_str name);
static inline bool config_is_provider(const struct backend_conf *backend) {
    return backend->slot >= GW_SLOT_PROVIDER;
}
/* The provider whose backend this is; NULL: it is of another kind. */
const struct provider_conf *config_provider_of(const struct config *conf,
                                               const struct backend_conf *backend);
/* config_models.c: the entry of that name; NULL: the file does not speak of it. */
const struct model_conf *config_model(const struct config *conf, struct gw_str name);
/* The entry "provider/model" of what is at this place, or NULL. */
const struct model_conf *config_model_at(const struct config *conf, const struct model_place *at);
/* What the model at this place can: as that entry, which may be NULL, says, else as is known. */
struct capability config_capability(const struct model_place *at, const struct model_conf *says);
/* The place that a name speaks of by itself: "provider/model", "heavy/class", or how it begins. False: none.
 * A place may be at a provider that is not there. */
bool config_model_place(const struct config *conf, struct gw_str name, struct model_place *out);
/* The index of a service, or GW_SERVICES. */
uint32_t config_service_index(const struct config *conf, struct gw_str name);
/* Whether `host` is `domain` or ends in it at the boundary of a label. */
bool url_host_is_under(struct gw_str host, struct gw_str domain);
/* The value of an environment variable of the source; {NULL, 0} if it is not there or empty. */
struct gw_str config_source_env(const struct gw_source *source, struct gw_str name);

#endif
