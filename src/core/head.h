/*
 * Header hygiene, both ways (SPEC section 11): what a client sent and what an upstream answered are
 * read once, into the few facts that the core decides by and a block of the lines that may go on.
 * Everything that is not on an allow-list stays here.
 */
#ifndef GW_CORE_HEAD_H
#define GW_CORE_HEAD_H

#include "core/config.h"

/* A client's request head. Slices borrow from the event unless said otherwise. */
struct gw_client_head {
    struct gw_str credential; /* the bearer, x-api-key or x-goog-api-key; p NULL: none */
    struct gw_str origin, hop, request_id, content_type;
    struct gw_str timestamp, signature; /* of a node's registration */
    double timeout_ms;                  /* what the client allows; 0: it did not say */
    bool forwarded;                     /* came through a proxy or a tunnel */
    bool upgrade;                       /* wants to leave HTTP */
    bool fast;                          /* x-heady-stream: fast */
    bool wants_stream;                  /* accept names text/event-stream */
};

/* Reads the head and appends the lines for the upstream to `out`. */
void gw_head_from_client(const struct gw_conf *conf, const struct gw_req_head *req,
                         struct gw_client_head *head, struct gw_buf *out);

/* An upstream's answer head. */
struct gw_answer_head {
    double retry_after_ms; /* -1: it did not say */
    bool event_stream;     /* text/event-stream */
    bool ndjson;           /* application/x-ndjson */
    bool html, json, cloudflare, ngrok_error;
    struct gw_str proof; /* a node's answer to a challenge; borrows from the event */
};

/* Reads the facts only. */
void gw_head_facts(const struct gw_res_head *res, double wall_ms, struct gw_answer_head *head);
/* Appends the lines for the client to `out`. */
void gw_head_to_client(const struct gw_res_head *res, struct gw_buf *out);
/* Appends "name: value\r\n"; a value that holds a control character is left out altogether. */
void gw_head_put(struct gw_buf *out, struct gw_str name, struct gw_str value);

#endif
