/*
 * The head of an HTTP/2 request or answer on its way in: fields as they come out of HPACK, kept in one
 * block until the call begins.
 *
 * Limits: GW_HEAD_MAX bytes, counted as in RFC 9113 (32 more for each field), and H2_FIELDS_MAX fields.
 * A field beyond a limit makes the head `over`, and nothing more is kept.
 */
#ifndef NATIVE_NET_H2_FIELDS_H
#define NATIVE_NET_H2_FIELDS_H

#include "http/h2.h"
#include "native/loop/block.h"

enum { H2_FIELDS_MAX = GW_ANSWER_HEADERS_MAX + GW_H2_PSEUDO_MAX };

struct h2_fields {
    struct block *block;
    uint32_t n;
    uint32_t crumbs;   /* cookie fields */
    size_t crumbs_n;   /* bytes of their values joined */
    size_t size;       /* as RFC 9113 counts */
    uint64_t body_len; /* content-length, GW_UNKNOWN without a valid one */
    bool to_head;      /* the method is HEAD */
    bool over;
};

void h2_fields_init(struct h2_fields *head);
/* Adds a field. False if there is no memory. */
bool h2_fields_add(struct h2_fields *head, struct blocks *blocks, struct gw_str name,
                   struct gw_str value);
/* The fields, in order; how many. They live as long as the head. A cookie that came in crumbs is one
 * field. To be called once. */
uint32_t h2_fields_list(struct h2_fields *head, struct gw_header fields[H2_FIELDS_MAX]);
void h2_fields_del(struct h2_fields *head, struct blocks *blocks);

#endif
