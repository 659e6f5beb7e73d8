/*
 * AWS Signature Version 4: a request is signed with a key that never leaves its owner. What is signed is the
 * canonical request: the method, the path, the query, some of the head lines, and the hash of the body.
 *
 * The path is encoded once more than it goes out, as all of AWS's services but S3 have it: "%3A" counts as
 * "%253A". It is taken as it is otherwise, and so must have no dot segments and no empty ones.
 */
#ifndef GW_FORMAT_SIGV4_H
#define GW_FORMAT_SIGV4_H

#include "base/digest.h"

enum { SIGV4_TIME = 16, SIGV4_SECRET_MAX = 256 /* a longer secret signs nothing */ };

/* A head line that is signed; the name in lower case. */
struct sigv4_line {
    struct gw_str name, value;
};

struct sigv4 {
    struct gw_str method, path, query; /* of the request's target; the query without its "?" */
    const struct sigv4_line *lines;    /* by name, those of one name in their order */
    uint32_t lines_n;
    uint8_t body[GW_SHA256];
    struct gw_str time; /* as x-amz-date has it, which must be among the lines */
    struct gw_str key_id, secret, region, service;
};

/* "20150830T123600Z" */
void sigv4_time(double wall_ms, char out[SIGV4_TIME]);
/* Appends the value of the authorization header. */
void sigv4_put(const struct sigv4 *s, struct gw_buf *out);

#endif
