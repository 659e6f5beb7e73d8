/*
 * Providers: places that run models, each speaking a dialect (dialect.h). Several speak the same one: groq,
 * azure and lmstudio are providers of OpenAI's.
 *
 * The table says where a provider is, in which form it wants its key, and what a client may ask it for: the
 * method and path pairs that run a model. Everything else (files, batches, fine-tunes, organisations, stored
 * state) belongs to the account and is refused.
 *
 * A pattern of a path is segments; one "*" in a segment stands for one character or more of that segment.
 */
#ifndef GW_FORMAT_PROVIDERS_H
#define GW_FORMAT_PROVIDERS_H

#include "format/dialect.h"

enum provider_key {
    PROVIDER_NO_KEY,
    PROVIDER_BEARER,     /* authorization: Bearer KEY */
    PROVIDER_X_API_KEY,  /* x-api-key: KEY */
    PROVIDER_X_GOOG_KEY, /* x-goog-api-key: KEY */
    PROVIDER_API_KEY,    /* api-key: KEY */
    PROVIDER_SIGV4, /* every request is signed; or authorization: Bearer, for keys without a secret */
};

struct provider_path {
    struct gw_str method, pattern;
};

struct provider {
    struct gw_str name;
    struct gw_str base;              /* its public URL; empty: each account has its own */
    struct gw_str base_env, key_env; /* names in the environment; key_env empty: it needs none */
    const struct dialect *dialect;   /* NULL: none of ours yet, so its bytes pass unread */
    enum provider_key key;
    /* A head line that every request must have, where the client has none: name and value. */
    struct gw_str line_name, line_value;
    struct gw_str bad_key; /* in the body of a 400: the key is refused. Empty: a 401 says so */
    struct gw_str version; /* what a path begins with that a client has left out: "/v1" */
    struct gw_str also;    /* another name for it, in front of a model's */
    const char *models; /* how names of its models begin, with spaces between; NULL: nobody knows */
    bool tagged;        /* its models are named "name:tag" */
    bool open;          /* whatever it is asked for may be a model of its */
    const struct provider_path *paths;
    uint32_t paths_n;
};

/* The entry `i`; NULL behind the last one. And by its name; NULL if nobody has it. */
const struct provider *providers_at(uint32_t i);
const struct provider *providers_named(struct gw_str name);
/* Whether a word of this list, in which spaces stand between them, is what the name begins with. */
bool providers_begins(struct gw_str words, struct gw_str name);
/* Whether a client may ask for this. `path` begins with "/", and has neither query nor dot segments. */
bool providers_allow(const struct provider *p, struct gw_str method, struct gw_str path);

#endif
