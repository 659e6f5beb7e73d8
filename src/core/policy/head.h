/*
 * Headers, both ways. What a client sent and what an upstream answered is read once, into the few facts
 * that the core decides by and a block of the lines that may go on. A line that is on no allow-list is
 * dropped here.
 */
#ifndef GW_CORE_POLICY_HEAD_H
#define GW_CORE_POLICY_HEAD_H

#include "core/config/config.h"
#include "core/policy/location.h"

/* A client's request head. Slices borrow from the event unless said otherwise. */
struct client_head {
    struct gw_str credential; /* the bearer, x-api-key or x-goog-api-key; p NULL: none */
    struct gw_str origin, hop, request_id, content_type;
    struct gw_str timestamp, signature; /* of a node's registration */
    struct gw_str provider_key;         /* the client's own, at the provider; p NULL: none */
    struct gw_str accept_encoding;      /* p NULL: it did not say */
    struct gw_str fetch_site,
        fetch_dest;       /* what a browser says of where it comes from; p NULL: none */
    double timeout_ms;    /* what the client allows; 0: it did not say */
    bool forwarded;       /* came through a proxy or a tunnel */
    bool upgrade;         /* wants to leave HTTP */
    bool fast;            /* x-heady-stream: fast */
    bool google;          /* its key came as x-goog-api-key */
    bool wants_stream;    /* accept names text/event-stream */
    bool two_credentials; /* of one kind, so that it is not known which is meant */
    uint32_t credentials; /* kinds that came: bits */
};

/* Reads the head and appends the lines for the upstream to `out`. */
void head_from_client(const struct config *conf, const struct gw_req_head *req,
                      struct client_head *head, struct gw_buf *out);

/* An upstream's answer head. */
struct answer_head {
    double retry_after_ms; /* -1: it did not say */
    bool event_stream;     /* text/event-stream */
    bool ndjson;           /* application/x-ndjson */
    bool frames;           /* application/vnd.amazon.eventstream */
    bool coded;            /* its body has a content-encoding: nobody here can read it */
    bool html, json, cloudflare, ngrok_error;
    struct gw_str proof; /* a node's answer to a challenge; borrows from the event */
};

/* Reads the facts only. */
void head_facts(const struct gw_res_head *res, double wall_ms, struct answer_head *head);
/* Appends the lines for the client to `out`: those on the allow-list, redirects in the gateway's paths
 * (`place`), and the lines that keep a browser from taking the answer for a page of the gateway. */
void head_to_client(const struct gw_res_head *res, const struct place *place, struct gw_buf *out);
/* The same for a hint (1xx): links that may be fetched ahead, unless they name a host. */
void head_hint_to_client(const struct gw_res_head *res, struct gw_buf *out);
/* Appends "name: value\r\n"; a value that holds a control character is left out altogether. */
void head_put(struct gw_buf *out, struct gw_str name, struct gw_str value);

#endif
