/*
 * HTTP/2 heads: what comes out of HPACK, read by the same rules as an HTTP/1 head, because it may be
 * written as one on the next hop; and head blocks (gw.h), cut into the lines that HPACK takes.
 *
 * Frames, flow control and HPACK itself are nghttp2's (src/native). It checks heads too; what is here
 * does not rely on it.
 *
 * Pure: no I/O, no allocation; slices point into the caller's bytes. Limits as in h1.h.
 */
#ifndef GW_HTTP_H2_H
#define GW_HTTP_H2_H

#include "http/h1.h"

enum { GW_H2_PSEUDO_MAX = 4 }; /* :method, :scheme, :authority, :path */

struct gw_h2_req {
    struct gw_str method;    /* upper-case letters, '-' and '_'; never CONNECT */
    struct gw_str target;    /* :path; begins with '/', or is "*", of OPTIONS */
    struct gw_str authority; /* :authority, or Host where that is missing; checked, never empty */
    uint32_t headers_n;
    uint64_t body_len;    /* content-length, GW_UNKNOWN if there is none */
    bool expect_continue; /* the client waits for "100 Continue" */
    uint32_t status;      /* after GW_H1_BAD: what to answer; 400, 414, 417, 431 or 501 */
    struct gw_str why;    /* after GW_H1_BAD: the reason; static */
};

/*
 * Reads the fields of a request head, in the order in which they came. `fields` is worked on in
 * place: afterwards its first `headers_n` are the headers without the pseudo-headers. Refused: what
 * RFC 9113 calls malformed (unknown, repeated, late or missing pseudo-headers, headers that belong
 * to a connection, names that are no lower-case tokens, values with controls or with white space
 * around them), a Host that is not :authority, and what gw_h1_req_read refuses in the same places.
 *
 * 0, or GW_H1_BAD.
 */
int gw_h2_req_read(struct gw_header *fields, uint32_t n, struct gw_h2_req *out);

/* The same for a response head: no pseudo-header but one :status. `out` as gw_h1_res_read leaves it;
 * CLOSE means: until END_STREAM. */
int gw_h2_res_read(struct gw_header *fields, uint32_t n, bool to_head, struct gw_h1_res *out);

/* The lines of a head block, into `headers` with room for `max`: how many, or GW_H1_BAD: too many,
 * or something that may not stand on the wire, or a header that is the host's to write. */
int gw_h2_block_read(struct gw_str block, struct gw_header *headers, uint32_t max);

#endif
