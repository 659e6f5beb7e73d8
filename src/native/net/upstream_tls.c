#include "native/net/upstream_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "native/net/tls.h"

enum { HOSTS_MAX = 64, FILE_MAX = 1024, HOST_MAX = 256 };

/* The fields of a line, in its order. */
enum { HOST = 0, CA, CERT, KEY, SERVER_NAME, FIELDS };

struct entry {
    char host[HOST_MAX], name[HOST_MAX];
    SSL_CTX *ctx;
};

struct upstream_tls {
    _Atomic uint32_t users;
    bool plain;
    uint32_t n;
    struct entry entry[]; /* the first is for all hosts */
};

/* ------------------------------------------------------------------ one context */

static bool complain(char why[TLS_WHY], const char *field, const char *file, const char *remedy) {
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    (void)snprintf(why, TLS_WHY, "upstream_tls: %s %.200s: %s; %s", field, file,
                   reason != NULL ? reason : "it cannot be used", remedy);
    return false;
}

/* The path of a file that is named in the configuration `file`. */
static void path_of(char path[FILE_MAX], struct gw_str name, const char *file) {
    const char *slash = file != NULL && name.p[0] != '/' ? strrchr(file, '/') : NULL;
    int dir = slash != NULL ? (int)(slash - file) + 1 : 0;
    (void)snprintf(path, FILE_MAX, "%.*s%.*s", dir, file != NULL ? file : "", (int)name.n, name.p);
}

static bool load(SSL_CTX *ctx, const struct gw_str field[FIELDS], const char *file,
                 char why[TLS_WHY]) {
    char path[FILE_MAX];
    ERR_clear_error();
    if (field[CA].n > 0) {
        path_of(path, field[CA], file);
        if (SSL_CTX_load_verify_locations(ctx, path, NULL) != 1)
            return complain(why, "ca_file", path, "it must be a readable PEM file of authorities");
    } else if (SSL_CTX_set_default_verify_paths(ctx) != 1) {
        return complain(why, "the system's authorities", "", "name a ca_file");
    }
    if (field[CERT].n == 0)
        return true;
    path_of(path, field[CERT], file);
    if (SSL_CTX_use_certificate_chain_file(ctx, path) != 1)
        return complain(why, "cert_file", path, "it must be a readable PEM file, our own first");
    path_of(path, field[KEY], file);
    if (SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) != 1)
        return complain(why, "key_file", path, "it must be the certificate's own key, in PEM");
    return true;
}

/* ------------------------------------------------------------------ all of them */

/* Cuts the next line into fields; what a host does not say is what `all` says. */
static void cut_line(struct gw_str *rest, struct gw_str field[FIELDS], const struct gw_str *all) {
    struct gw_str line = gw_str_cut(rest, '\n');
    for (int i = 0; i < FIELDS; i++)
        field[i] = gw_str_cut(&line, '\t');
    if (field[CA].n == 0)
        field[CA] = all[CA];
    if (field[CERT].n == 0) {
        field[CERT] = all[CERT];
        field[KEY] = all[KEY];
    }
}

static bool add(struct upstream_tls *tls, const struct gw_str field[FIELDS], const char *file,
                char why[TLS_WHY]) {
    struct entry *e = &tls->entry[tls->n];
    if (field[HOST].n >= HOST_MAX || field[SERVER_NAME].n >= HOST_MAX) {
        (void)snprintf(why, TLS_WHY, "upstream_tls: a host's name is too long; shorten it");
        return false;
    }
    (void)snprintf(e->host, HOST_MAX, "%.*s", (int)field[HOST].n, field[HOST].p);
    (void)snprintf(e->name, HOST_MAX, "%.*s", (int)field[SERVER_NAME].n, field[SERVER_NAME].p);
    e->ctx = tls_client_new();
    (void)snprintf(why, TLS_WHY, "not enough memory for TLS");
    if (e->ctx == NULL)
        return false;
    tls->n++;
    tls->plain = tls->n == 1 && field[CA].n == 0 && field[CERT].n == 0;
    return load(e->ctx, field, file, why);
}

struct upstream_tls *upstream_tls_new(struct gw_str settings, const char *file, char why[TLS_WHY]) {
    struct upstream_tls *tls = calloc(1, sizeof *tls + HOSTS_MAX * sizeof tls->entry[0]);
    struct gw_str all[FIELDS] = {{NULL, 0}}, field[FIELDS];
    (void)snprintf(why, TLS_WHY, "not enough memory for TLS");
    if (tls == NULL)
        return NULL;
    tls->users = 1;
    while (settings.n > 0 && tls->n < HOSTS_MAX) {
        cut_line(&settings, field, all);
        if (!add(tls, field, file, why)) {
            upstream_tls_release(tls);
            return NULL;
        }
        if (tls->n == 1)
            memcpy(all, field, sizeof all);
    }
    return tls;
}

struct upstream_tls *upstream_tls_hold(struct upstream_tls *tls) {
    atomic_fetch_add(&tls->users, 1);
    return tls;
}

void upstream_tls_release(struct upstream_tls *tls) {
    if (tls == NULL || atomic_fetch_sub(&tls->users, 1) > 1)
        return;
    for (uint32_t i = 0; i < tls->n; i++)
        SSL_CTX_free(tls->entry[i].ctx);
    free(tls);
}

bool upstream_tls_plain(const struct upstream_tls *tls) {
    return tls->plain;
}

SSL_CTX *upstream_tls_for(const struct upstream_tls *tls, const char *host, const char **name) {
    const struct entry *found = &tls->entry[0];
    for (uint32_t i = 1; i < tls->n; i++) {
        if (strcmp(tls->entry[i].host, host) == 0)
            found = &tls->entry[i];
    }
    *name = found->name[0] != '\0' ? found->name : host;
    return found->ctx;
}
