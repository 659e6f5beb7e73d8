#include "native/process/command.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/digest.h"
#include "native/net/upstream_tls.h"
#include "native/process/addresses.h"
#include "native/process/hub.h"
#include "native/process/options.h"

enum { REQUEST_MAX = 32 << 20, WHY_MAX = 1024, KEY_BYTES = 32 };

static void *get(void *user, size_t n) {
    (void)user;
    return malloc(n);
}

static void put(void *user, void *p, size_t n) {
    (void)user;
    (void)n;
    free(p);
}

static const struct gw_mem memory = {get, put, NULL};

static struct gw_time now(void) {
    struct timespec mono, wall;
    clock_gettime(CLOCK_MONOTONIC, &mono);
    clock_gettime(CLOCK_REALTIME, &wall);
    return (struct gw_time){(double)mono.tv_sec * 1e3 + (double)mono.tv_nsec / 1e6,
                            (double)wall.tv_sec * 1e3 + (double)wall.tv_nsec / 1e6};
}

/* A gateway that calls nobody, and the cells that it uses, to be freed behind it; NULL: why has been
 * printed. */
static struct gw *gateway(const struct source *source, uint64_t **cells) {
    char why[WHY_MAX];
    size_t n = 0;
    *cells = hub_cells();
    struct gw_cells shared = {*cells, 1};
    if (*cells == NULL) {
        source_complain(source, "out of memory", strlen("out of memory"));
        return NULL;
    }
    struct gw *gw = gw_new(&memory, &shared, &source->gw, 1, why, sizeof why, &n);
    if (gw == NULL) {
        source_complain(source, why, n);
        free(*cells);
    }
    return gw;
}

static int print(struct gw_str s) {
    bool good = fwrite(s.p, 1, s.n, stdout) == s.n && fflush(stdout) == 0;
    return good ? EXIT_GOOD : EXIT_RUNTIME;
}

/* Whether the daemon would start on the addresses of the configuration. */
static int check_listen(struct gw *gw, const struct source *source, bool certified) {
    struct addresses wanted;
    char why[ADDRESSES_WHY];
    if (addresses_read(&wanted, gw, why) && addresses_safe(&wanted, gw, certified, why))
        return EXIT_GOOD;
    source_complain(source, why, strlen(why));
    return EXIT_USAGE;
}

/* Whether the daemon would start with these certificates. */
static int check_tls(struct tls_server *tls) {
    char why[TLS_WHY];
    SSL_CTX *ctx = tls->cert != NULL ? tls_server_new(tls, why) : NULL;
    if (tls->cert != NULL && ctx == NULL)
        (void)fprintf(stderr, "heady-gateway: %s\n", why);
    SSL_CTX_free(ctx);
    return tls->cert != NULL && ctx == NULL ? EXIT_USAGE : EXIT_GOOD;
}

static int check_upstream_tls(struct gw *gw, const struct source *source) {
    char why[TLS_WHY];
    struct upstream_tls *tls = upstream_tls_new(gw_report(gw, GW_SHOW_TLS), source->file, why);
    if (tls == NULL)
        source_complain(source, why, strlen(why));
    int code = tls != NULL ? EXIT_GOOD : EXIT_USAGE;
    upstream_tls_release(tls);
    return code;
}

int command_check(struct options *options, const struct source *source) {
    uint64_t *cells;
    struct gw *gw = gateway(source, &cells);
    if (gw == NULL)
        return EXIT_USAGE;
    int code = print(gw_report(gw, GW_SHOW_CHECK));
    struct gw_str missing = gw_report(gw, GW_SHOW_MISSING);
    while (missing.n > 0) {
        struct gw_str line = gw_str_cut(&missing, '\n');
        if (line.n > 0)
            source_complain(source, line.p, line.n);
        code = EXIT_USAGE;
    }
    if (code == EXIT_GOOD)
        code = check_listen(gw, source, options->tls.client_ca != NULL);
    if (code == EXIT_GOOD)
        code = check_tls(&options->tls);
    if (code == EXIT_GOOD)
        code = check_upstream_tls(gw, source);
    gw_del(gw);
    free(cells);
    return code;
}

static int explain(struct gw *gw) {
    size_t n;
    struct gw_str out;
    char *text = source_slurp(STDIN_FILENO, REQUEST_MAX, &n);
    if (text == NULL) {
        (void)fprintf(stderr, "heady-gateway: standard input: %s\n", strerror(errno));
        return EXIT_RUNTIME;
    }
    int code = gw_explain(gw, gw_str(text, n), now(), &out);
    if (code != 0) {
        (void)fprintf(stderr, "heady-gateway: standard input: %.*s\n", (int)out.n, out.p);
    }
    code = code != 0 ? EXIT_USAGE : print(out);
    free(text);
    return code;
}

int command_explain(const struct source *source) {
    uint64_t *cells;
    struct gw *gw = gateway(source, &cells);
    if (gw == NULL)
        return EXIT_USAGE;
    int code = explain(gw);
    gw_del(gw);
    free(cells);
    return code;
}

static void hex(const uint8_t *bytes, size_t n, char *out) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * n] = '\0';
}

int command_keys_new(const char *name) {
    uint8_t secret[KEY_BYTES], digest[GW_SHA256];
    char key[sizeof "hg-" + 2 * KEY_BYTES] = "hg-", sum[2 * GW_SHA256 + 1];
    if (getrandom(secret, sizeof secret, 0) != sizeof secret) {
        (void)fprintf(stderr, "heady-gateway: no random bytes: %s\n", strerror(errno));
        return EXIT_RUNTIME;
    }
    hex(secret, sizeof secret, key + 3);
    gw_sha256(gw_str(key, strlen(key)), digest);
    hex(digest, sizeof digest, sum);
    int n = printf("key (shown once, give it to the client):\n  %s\n"
                   "line for GATEWAY_KEYS (holds no secret):\n  %s:%s\n",
                   key, name, sum);
    return n > 0 && fflush(stdout) == 0 ? EXIT_GOOD : EXIT_RUNTIME;
}
