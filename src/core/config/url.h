/*
 * Base URLs of targets, and the paths that clients ask for.
 */
#ifndef GW_CORE_CONFIG_URL_H
#define GW_CORE_CONFIG_URL_H

#include "core/gw.h"

struct url {
    struct gw_target target; /* without a name */
    struct gw_str base;      /* the path without a trailing slash: "" or "/x/y" */
    bool loopback;           /* the host is localhost or a loopback address */
};

/* Reads "http[s]://host[:port][/path]" into pieces that live in `arena`. NULL, or what is wrong with
 * it as a sentence fragment. User info, query, fragment and white space are refused. */
const char *url_read(struct gw_str text, struct gw_arena *arena, struct url *out);

/* Whether a host is written as an address: in brackets, with colons, or with a number as its last label,
 * which URL parsers take for one of the spellings of IPv4. */
bool url_is_address(struct gw_str host);

/* Whether a host (without brackets or port) is on a private network: an address of RFC 1918, ULA,
 * link-local or loopback; a name of one label, or under .local or .internal. */
bool url_is_private(struct gw_str host);

/* "localhost", 127.0.0.0/8 or ::1, with or without a port behind it. */
bool url_is_loopback(struct gw_str authority);

/* Checks the path of a request target: NULL if it may be matched and forwarded, else what is wrong with
 * it. Refused: dot segments (also with parameters: "..;x"), "//", "\"; encoded slashes, backslashes, dots
 * and NULs; bytes outside printable ASCII; a lone "%". A model in a path of Bedrock's, such as an ARN, may
 * have encoded slashes. */
const char *url_check_path(struct gw_str path);

#endif
