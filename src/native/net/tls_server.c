#include "native/net/tls_server.h"

#include "native/loop/loop.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------ a context from files */

/* Of TLS 1.2: what HTTP/2 allows (RFC 9113, appendix A). Those of 1.3 are all good. */
static const char ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
static const unsigned char protocols[] = "\x02h2\x08http/1.1";

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                           const unsigned char *in, unsigned in_n, void *user) {
    unsigned char *chosen;
    (void)ssl;
    (void)user;
    if (SSL_select_next_proto(&chosen, out_n, protocols, sizeof protocols - 1, in, in_n) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* A key behind a password: there is nobody to be asked for it. */
static int no_password(char *buf, int n, int writing, void *user) {
    (void)buf;
    (void)n;
    (void)writing;
    (void)user;
    return -1;
}

/* Says what OpenSSL found wrong with a file. */
static bool complain(char why[TLS_WHY], const char *option, const char *file, const char *remedy) {
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    (void)snprintf(why, TLS_WHY, "%s %s: %s; %s", option, file,
                   reason != NULL ? reason : "it cannot be used", remedy);
    return false;
}

static bool load_own(SSL_CTX *ctx, const struct tls_server *s, char why[TLS_WHY]) {
    if (SSL_CTX_use_certificate_chain_file(ctx, s->cert) != 1) {
        return complain(why, "--tls-cert", s->cert,
                        "it must be a readable PEM file, the server's certificate first");
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, s->key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1) {
        return complain(why, "--tls-key", s->key,
                        "it must be the certificate's own key, in PEM and without a password");
    }
    return true;
}

static bool load_authorities(SSL_CTX *ctx, const struct tls_server *s, char why[TLS_WHY]) {
    if (s->client_ca == NULL)
        return true;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(s->client_ca);
    if (names == NULL || SSL_CTX_load_verify_locations(ctx, s->client_ca, NULL) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return complain(why, "--client-ca", s->client_ca,
                        "it must be a readable PEM file of the authorities that sign clients");
    }
    SSL_CTX_set_client_CA_list(ctx, names);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return true;
}

/* Ticket keys are the same for all contexts, unless tickets stand for clients' certificates. */
static bool set_tickets(SSL_CTX *ctx, struct tls_server *s) {
    static const unsigned char id[] = "heady";
    if (!s->has_tickets || s->client_ca != NULL)
        s->has_tickets = RAND_bytes(s->tickets, sizeof s->tickets) == 1;
    return s->has_tickets &&
           SSL_CTX_set_tlsext_ticket_keys(ctx, s->tickets, sizeof s->tickets) == 1 &&
           SSL_CTX_set_session_id_context(ctx, id, sizeof id - 1) == 1;
}

static void set_manners(SSL_CTX *ctx) {
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_default_passwd_cb(ctx, no_password);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
}

SSL_CTX *tls_server_new(struct tls_server *server, char why[TLS_WHY]) {
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    (void)snprintf(why, TLS_WHY, "not enough memory for TLS");
    if (ctx == NULL)
        return NULL;
    ERR_clear_error();
    set_manners(ctx);
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
        SSL_CTX_set_cipher_list(ctx, ciphers) == 1 && set_tickets(ctx, server) &&
        load_own(ctx, server, why) && load_authorities(ctx, server, why)) {
        return ctx;
    }
    SSL_CTX_free(ctx);
    return NULL;
}

/* ------------------------------------------------------------------ connections */

int tls_accept(struct conn *conn, SSL_CTX *ctx) {
    SSL *ssl = SSL_new(ctx);
    if (ssl == NULL)
        return -1;
    if (SSL_set_fd(ssl, conn->fd) != 1) {
        SSL_free(ssl);
        return -1;
    }
    SSL_set_accept_state(ssl);
    conn->tls = ssl;
    return 0;
}

bool tls_met_http(void) {
    return ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST;
}

bool tls_chose_h2(const struct conn *conn) {
    const unsigned char *name;
    unsigned n;
    SSL_get0_alpn_selected(conn->tls, &name, &n);
    return n == 2 && memcmp(name, "h2", 2) == 0;
}

/* ------------------------------------------------------------------ the client's name */

static void put_name(char name[TLS_NAME], const ASN1_STRING *from) {
    const unsigned char *p = ASN1_STRING_get0_data(from);
    int n = ASN1_STRING_length(from);
    if (n > TLS_NAME - 1)
        n = TLS_NAME - 1;
    for (int i = 0; i < n; i++) {
        char c = (char)p[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '@' || c == '-';
        name[i] = '_';
        if (good)
            name[i] = c;
    }
    name[n] = '\0';
}

static bool put_dns_name(char name[TLS_NAME], const X509 *cert) {
    GENERAL_NAMES *all = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    bool found = false;
    for (int i = 0; i < sk_GENERAL_NAME_num(all) && !found; i++) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(all, i);
        found = one->type == GEN_DNS && ASN1_STRING_length(one->d.dNSName) > 0;
        if (found)
            put_name(name, one->d.dNSName);
    }
    GENERAL_NAMES_free(all);
    return found;
}

static bool put_common_name(char name[TLS_NAME], const X509 *cert) {
    const X509_NAME *subject = X509_get_subject_name(cert);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0)
        return false;
    put_name(name, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    return name[0] != '\0';
}

void tls_client_name(const struct conn *conn, char name[TLS_NAME]) {
    X509 *cert = SSL_get0_peer_certificate(conn->tls);
    name[0] = '\0';
    if (cert == NULL || SSL_get_verify_result(conn->tls) != X509_V_OK)
        return;
    if (!put_dns_name(name, cert) && !put_common_name(name, cert))
        (void)snprintf(name, TLS_NAME, "certificate");
}

void tls_server_take(struct loop *loop, SSL_CTX *ctx) {
    SSL_CTX_free(loop->tls_server);
    if (ctx != NULL)
        (void)SSL_CTX_up_ref(ctx);
    loop->tls_server = ctx;
}
