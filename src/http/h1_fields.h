/*
 * The part that request and response heads have in common: where the head ends, its header lines,
 * and what those say about the connection and the body. Only for src/http; h1.h is the contract.
 */
#ifndef GW_HTTP_H1_FIELDS_H
#define GW_HTTP_H1_FIELDS_H

#include "http/h1.h"

/* Why a head is refused. */
struct h1_refusal {
    uint32_t status;
    struct gw_str why;
};

enum h1_fields_bit {
    H1_HAS_HOST = 1,
    H1_HAS_LENGTH = 2,
    H1_HAS_CODING = 4,        /* Transfer-Encoding */
    H1_HAS_OTHER_CODING = 8,  /* and it is not "chunked" */
    H1_HAS_CLOSE = 16,        /* Connection: close */
    H1_HAS_KEEP_ALIVE = 32,   /* Connection: keep-alive */
    H1_HAS_UPGRADE = 64,      /* Upgrade, or Connection: upgrade */
    H1_HAS_CONTINUE = 128,    /* Expect: 100-continue */
    H1_HAS_OTHER_EXPECT = 256 /* any other Expect */
};

struct h1_fields {
    struct gw_header *headers; /* room for `max` */
    uint32_t n, max;
    uint32_t has;               /* enum h1_fields_bit, or-ed */
    struct gw_str host, coding; /* coding: the value of Transfer-Encoding */
    uint64_t length;
};

/* Sets `*bad` and returns GW_H1_BAD, for callers to return in turn. */
int h1_refuse(struct h1_refusal *bad, uint32_t status, struct gw_str why);

/* The length of the head at p[0..n) with its empty line, GW_H1_MORE or GW_H1_BAD; of its lines only
 * the ends are checked. `last_n` as in gw_h1_req_read. */
int h1_fields_end(const char *p, size_t n, size_t last_n, struct h1_refusal *bad);

/* Reads the header lines p..end, where `end` is what h1_fields_end found. 0 or GW_H1_BAD. */
int h1_fields_read(const char *p, const char *end, struct h1_fields *f, struct h1_refusal *bad);

/* Refuses a Transfer-Encoding that is not just "chunked": 400 where it does not say how the body
 * ends (RFC 9112 6.3), 501 where it does but the codings before are none of ours (6.1). */
int h1_fields_refuse_coding(struct gw_str list, struct h1_refusal *bad);

/* Whether `block` is whole header lines ("name: value\r\n") and nothing else, and none of them is
 * one that the codec writes itself. `*dated`: one of them is a date. */
bool h1_fields_block_ok(struct gw_str block, bool *dated);
/* The same, and puts the lines into `headers`: how many, or GW_H1_BAD, also when there are more than
 * `max`. */
int h1_fields_block_read(struct gw_str block, struct gw_header *headers, uint32_t max);

/* Whether `line` is exactly one header line and its name is `name`. */
bool h1_fields_line_ok(struct gw_str line, struct gw_str name);

/* Whether `host` may stand in a Host header: a name or an IPv6 address in brackets, and perhaps a
 * port. Stricter than RFC 3986: no percent-encoding, no sub-delims, no empty labels. */
bool h1_fields_host_ok(struct gw_str host);

#endif
