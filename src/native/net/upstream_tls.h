/*
 * TLS to upstreams as the configuration wants it: a context for all hosts, and one for each host that has
 * settings of its own. What such a host does not set is as for all hosts.
 *
 * Contexts are made from files at the start and at each reload, never changed, shared by all loops and
 * counted. An origin holds the context that it began with. After a reload that changes anything, a loop
 * begins new origins, so that no connection or session made under old settings serves a new request.
 */
#ifndef NATIVE_NET_UPSTREAM_TLS_H
#define NATIVE_NET_UPSTREAM_TLS_H

#include <openssl/types.h>
#include <stdbool.h>

#include "base/str.h"
#include "native/net/tls_server.h"

struct upstream_tls;

/* From gw_report(GW_SHOW_TLS); file names are relative to the directory of `file`, the configuration
 * (NULL: to the present one). NULL: `why` says which file is wrong and what to do. */
struct upstream_tls *upstream_tls_new(struct gw_str settings, const char *file, char why[TLS_WHY]);
struct upstream_tls *upstream_tls_hold(struct upstream_tls *tls);
void upstream_tls_release(struct upstream_tls *tls);

/* Nothing is set: the system's authorities, no certificate. */
bool upstream_tls_plain(const struct upstream_tls *tls);
/* The context for `host`; `*name`: whom it must prove to be. Both live as long as `tls`. */
SSL_CTX *upstream_tls_for(const struct upstream_tls *tls, const char *host, const char **name);

#endif
