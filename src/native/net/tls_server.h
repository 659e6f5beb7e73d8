/*
 * TLS as a server: what clients' connections begin with.
 *
 * A context is made from files and never changed: a reload makes another one, and open connections keep
 * theirs. TLS 1.2 and later; HTTP/2 and HTTP/1.1 by ALPN. Sessions are resumed by tickets that all loops
 * can read. The tickets' keys outlive a reload, unless tickets stand for clients' certificates: a client
 * that is no longer trusted must not come back by a ticket.
 *
 * With `client_ca` a client must show a certificate that is signed by one of its authorities.
 */
#ifndef NATIVE_NET_TLS_SERVER_H
#define NATIVE_NET_TLS_SERVER_H

#include <openssl/types.h>

#include "native/net/conn.h"

enum { TLS_WHY = 512, TLS_NAME = 65, TLS_TICKET_KEYS = 80 };

struct tls_server {
    const char *cert, *key, *client_ca; /* file names; all NULL: no TLS */
    unsigned char tickets[TLS_TICKET_KEYS];
    bool has_tickets;
};

/* A context made from the files as they are now. NULL: `why` says which is wrong and what to do. */
SSL_CTX *tls_server_new(struct tls_server *server, char why[TLS_WHY]);

/* Begins TLS as a server; then tls_shake. 0 or -1. */
int tls_accept(struct conn *conn, SSL_CTX *ctx);
/* After a handshake that failed: the client spoke HTTP without TLS. */
bool tls_met_http(void);

/* ---- after the handshake */

bool tls_chose_h2(const struct conn *conn);
/* The name in the client's certificate: its first DNS name, else its common name, with "_" for each
 * character that the name of a key cannot have. "certificate" if it has no name; "" without one. */
void tls_client_name(const struct conn *conn, char name[TLS_NAME]);

/* From now on new connections use `ctx` (NULL: no TLS); open ones keep theirs. */
void tls_server_take(struct loop *loop, SSL_CTX *ctx);

#endif
