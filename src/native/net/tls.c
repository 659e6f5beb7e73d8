#include "native/net/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

enum { TLS_RECORD = 16384 };

/* ------------------------------------------------------------------ contexts and sessions */

/* The peer gave a session (with TLS 1.3 after the handshake): keep the newest, as a copy: OpenSSL
 * spoils that of a connection which ends without a goodbye, as idle ones do. */
static int session_new(SSL *ssl, SSL_SESSION *session) {
    SSL_SESSION **place = SSL_get_app_data(ssl);
    if (place == NULL)
        return 0;
    SSL_SESSION_free(*place);
    *place = SSL_SESSION_dup(session);
    return 0; /* the reference stays OpenSSL's */
}

/* Offers a copy, for the same reason. */
static void offer_session(SSL *ssl, SSL_SESSION *session) {
    SSL_SESSION *copy = session != NULL ? SSL_SESSION_dup(session) : NULL;
    if (copy == NULL)
        return;
    (void)SSL_set_session(ssl, copy);
    SSL_SESSION_free(copy);
}

SSL_CTX *tls_client_new(void) {
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL)
        return NULL;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, session_new);
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

/* Whom the peer must prove to be. An address has no SNI, and is compared with the certificate's addresses. */
static int expect_host(SSL *ssl, const char *host) {
    unsigned char address[16];
    if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
    }
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

int tls_start(struct conn *conn, SSL_CTX *ctx, const char *host, bool h2,
              struct ssl_session_st **session) {
    static const unsigned char protocols[] = "\x02h2\x08http/1.1";
    SSL *ssl = SSL_new(ctx);
    if (ssl == NULL)
        return -1;
    if (SSL_set_fd(ssl, conn->fd) != 1 || expect_host(ssl, host) != 1 ||
        (h2 && SSL_set_alpn_protos(ssl, protocols, sizeof protocols - 1) != 0)) {
        SSL_free(ssl);
        return -1;
    }
    SSL_set_app_data(ssl, session);
    offer_session(ssl, *session);
    SSL_set_connect_state(ssl);
    conn->tls = ssl;
    return 0;
}

bool tls_is_h2(const struct conn *conn) {
    const unsigned char *name;
    unsigned n;
    SSL_get0_alpn_selected(conn->tls, &name, &n);
    return n == 2 && memcmp(name, "h2", 2) == 0;
}

int tls_shake(struct conn *conn) {
    ERR_clear_error();
    int result = SSL_do_handshake(conn->tls);
    if (result == 1)
        return 0;
    int why = SSL_get_error(conn->tls, result);
    conn_want_write(conn, why == SSL_ERROR_WANT_WRITE);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? CONN_AGAIN : CONN_ERROR;
}

/* ------------------------------------------------------------------ bytes */

/* Reads until `n` bytes are there or the socket is empty: what stays inside OpenSSL no event would
 * announce. */
ssize_t tls_read(struct conn *conn, void *p, size_t n) {
    size_t got = 0;
    while (got < n) {
        size_t k;
        ERR_clear_error();
        int result = SSL_read_ex(conn->tls, (char *)p + got, n - got, &k);
        if (result == 1) {
            got += k;
            continue;
        }
        int why = SSL_get_error(conn->tls, result);
        conn->tls_write = why == SSL_ERROR_WANT_WRITE;
        if (got > 0)
            break; /* the next call says it again */
        if (why == SSL_ERROR_ZERO_RETURN)
            return 0;
        return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? CONN_AGAIN : CONN_ERROR;
    }
    return (ssize_t)got;
}

/* One record: the pieces copied together, so that a head and its body do not make two. */
static ssize_t send_record(struct conn *conn, const struct iovec *iov, int n, size_t skip) {
    char record[TLS_RECORD];
    size_t len = 0;
    for (int i = 0; i < n && len < sizeof record; i++) {
        size_t k = iov[i].iov_len;
        if (skip >= k) {
            skip -= k;
            continue;
        }
        const char *from = (const char *)iov[i].iov_base + skip;
        k -= skip;
        skip = 0;
        if (k > sizeof record - len)
            k = sizeof record - len;
        memcpy(record + len, from, k);
        len += k;
    }
    if (len == 0)
        return 0;
    size_t sent;
    ERR_clear_error();
    int result = SSL_write_ex(conn->tls, record, len, &sent);
    if (result == 1)
        return (ssize_t)sent;
    int why = SSL_get_error(conn->tls, result);
    return why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ ? 0 : CONN_ERROR;
}

ssize_t tls_send(struct conn *conn, const struct iovec *iov, int n) {
    size_t sent = 0;
    for (;;) {
        ssize_t k = send_record(conn, iov, n, sent);
        if (k < 0)
            return CONN_ERROR;
        if (k == 0)
            return (ssize_t)sent;
        sent += (size_t)k;
    }
}

bool tls_pending(const struct conn *conn) {
    return SSL_pending(conn->tls) > 0;
}

void tls_shut(struct conn *conn) {
    ERR_clear_error();
    (void)SSL_shutdown(conn->tls);
}

void tls_del(struct conn *conn) {
    SSL_set_app_data(conn->tls, NULL);
    /* OpenSSL would not resume a session whose connection ended without a goodbye; a gateway closes
     * connections at will, and each answer's own framing tells whether it is whole */
    SSL_set_shutdown(conn->tls, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(conn->tls);
    conn->tls = NULL;
}
