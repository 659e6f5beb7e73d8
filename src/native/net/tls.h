/*
 * TLS on a connection's socket: OpenSSL reads and writes the descriptor itself, no copy in between.
 *
 * Contexts are shared by all loops, and never changed once they are made. Verification is always on: the
 * certificate chain against the authorities, and its name against the host that was asked for (addresses
 * too). TLS 1.2 and later, no renegotiation.
 *
 * A session that the peer offers is kept where tls_start was told, for the next handshake.
 */
#ifndef NATIVE_NET_TLS_H
#define NATIVE_NET_TLS_H

#include <openssl/types.h>

#include "native/net/conn.h"

struct ssl_session_st;

/* A context for connections to upstreams, as yet without authorities and certificate (see
 * upstream_tls.h); NULL if there is no memory. */
SSL_CTX *tls_client_new(void);

/* Begins TLS as a client of `host`; `h2`: HTTP/2 is offered beside HTTP/1.1. `*session` is the session to
 * be resumed, or NULL, and new ones are put there; it must live as long as the connection. 0 or -1. */
int tls_start(struct conn *conn, SSL_CTX *ctx, const char *host, bool h2,
              struct ssl_session_st **session);
/* Goes on with the handshake: 0 when done, CONN_AGAIN (conn_want_write is set as needed), or
 * CONN_ERROR. */
int tls_shake(struct conn *conn);

/* After the handshake: whether HTTP/2 was chosen. */
bool tls_is_h2(const struct conn *conn);

/* As conn_read and conn_send. An end without the peer's goodbye is an error: a body may be cut. */
ssize_t tls_read(struct conn *conn, void *p, size_t n);
ssize_t tls_send(struct conn *conn, const struct iovec *iov, int n);
bool tls_pending(const struct conn *conn);
/* Says goodbye, if that can be done without waiting. */
void tls_shut(struct conn *conn);
void tls_del(struct conn *conn);

#endif
