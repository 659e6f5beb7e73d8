/*
 * Who may call, and the signed hop between the twins.
 *
 * A hop is "<wall ms>.<key name or ->.<HMAC hex>.<request id>". The HMAC under TWIN_SECRET covers time,
 * key name, request id, method and request target. So a hop is good for one request only, and for two
 * minutes.
 */
#ifndef GW_CORE_POLICY_ACCESS_H
#define GW_CORE_POLICY_ACCESS_H

#include "core/config/config.h"
#include "core/policy/head.h"

enum access_answer {
    GW_ACCESS_OK = 0,
    GW_ACCESS_NO_KEYS, /* the edge has none: it fails closed */
    GW_ACCESS_NO_KEY,  /* a key is needed and none came */
    GW_ACCESS_BAD_KEY, /* it is not one of ours */
    GW_ACCESS_FOREIGN, /* keyless on loopback, and the request may not be the owner's */
    GW_ACCESS_PAGE,    /* a web page of another site asks in its visitor's name */
};

struct identity {
    const struct key_conf *key; /* NULL: keyless */
    struct gw_str name;         /* "-" when keyless */
    struct gw_str id;           /* the request id of a hop; n == 0: none */
    bool hop;                   /* came signed from the twin */
};

enum access_answer access_check(const struct config *conf, const struct gw_req_head *req,
                                const struct client_head *head, struct gw_time now,
                                struct identity *who);
/* Whether the request comes signed from the twin, whoever it is for, or for nobody. */
bool access_is_twin(const struct config *conf, const struct gw_req_head *req,
                    const struct client_head *head, struct gw_time now);
/* Appends the x-heady-hop line. */
void access_sign_hop(const struct config *conf, struct gw_str key_name, struct gw_str id,
                     struct gw_str method, struct gw_str target, struct gw_time now,
                     struct gw_buf *out);

#endif
