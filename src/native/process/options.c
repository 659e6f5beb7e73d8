#include "native/process/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/gw.h"
#include "native/process/hub.h"

static const char help[] =
    "heady-gateway: one front door for local and cloud models\n"
    "\n"
    "  heady-gateway [--config FILE] [--listen ADDR:PORT]... [--threads N]\n"
    "                [--tls-cert FILE --tls-key FILE [--client-ca FILE]]\n"
    "                            serves; 127.0.0.1:4700 unless told otherwise\n"
    "  heady-gateway check       validates the configuration; prints the effective routes and\n"
    "                            every address that may ever be called\n"
    "  heady-gateway explain     reads a request as JSON on standard input; prints the decision\n"
    "                            and its reasons as JSON, sends nothing\n"
    "  heady-gateway probe       asks each target for /health once; prints a table, and ends with "
    "1\n"
    "                            if one of them is not well\n"
    "  heady-gateway keys new NAME\n"
    "                            prints a fresh key and its line for GATEWAY_KEYS\n"
    "  heady-gateway --version | --help\n"
    "\n"
    "--tls-cert and --tls-key make it speak TLS, HTTP/2 included; with --client-ca clients need a\n"
    "certificate that one of its authorities has signed.\n"
    "The configuration is FILE, else config/gateway.json, else /etc/heady/gateway.json, else the\n"
    "defaults; the environment beats it. [::1]:4700 is an IPv6 address. SIGTERM drains and stops, "
    "SIGHUP\n"
    "reads the configuration again, SIGUSR2 hands over to the program file as it is now.\n"
    "Exit codes: 0 good, 1 runtime, 2 usage or configuration.\n";

static int usage(const char *what, const char *which) {
    (void)fprintf(stderr, "heady-gateway: %s%s%s; see heady-gateway --help\n", what,
                  which != NULL ? " " : "", which != NULL ? which : "");
    return EXIT_USAGE;
}

static int read_listen(struct options *o, const char *text) {
    if (o->listen.n == ADDRESSES_MAX)
        return usage("too many --listen, at", text);
    if (!listen_parse(&o->listen.at[o->listen.n], text, strlen(text))) {
        return usage("--listen takes ADDR:PORT such as 127.0.0.1:4700 or [::1]:4700, not", text);
    }
    o->listen.n++;
    return -1;
}

static int read_threads(struct options *o, const char *text) {
    uint64_t n;
    if (!gw_str_u64(gw_str(text, strlen(text)), &n) || n < 1 || n > HUB_LOOPS_MAX) {
        return usage("--threads takes a number from 1 to 64, not", text);
    }
    o->threads = (uint32_t)n;
    return -1;
}

static int read_config(struct options *o, const char *text) {
    o->config = text;
    return -1;
}

static int read_tls_cert(struct options *o, const char *text) {
    o->tls.cert = text;
    return -1;
}

static int read_tls_key(struct options *o, const char *text) {
    o->tls.key = text;
    return -1;
}

static int read_client_ca(struct options *o, const char *text) {
    o->tls.client_ca = text;
    return -1;
}

static const struct option {
    const char *name;
    int (*read)(struct options *o, const char *text);
} with_value[] = {
    {"--config", read_config},     {"--listen", read_listen},   {"--threads", read_threads},
    {"--tls-cert", read_tls_cert}, {"--tls-key", read_tls_key}, {"--client-ca", read_client_ca},
};

/* An option with a value, at argv[*i]: "--name value" or "--name=value". -1: good. */
static int read_option(struct options *o, int argc, char **argv, int *i) {
    for (size_t k = 0; k < sizeof with_value / sizeof *with_value; k++) {
        const struct option *option = &with_value[k];
        size_t n = strlen(option->name);
        if (strncmp(argv[*i], option->name, n) != 0)
            continue;
        const char *value = NULL;
        if (argv[*i][n] == '=') {
            value = argv[*i] + n + 1;
        } else if (argv[*i][n] != '\0') {
            continue;
        } else if (*i + 1 < argc) {
            value = argv[++*i];
        }
        if (value == NULL || *value == '\0')
            return usage("a value is missing after", option->name);
        return option->read(o, value);
    }
    return usage("unknown option", argv[*i]);
}

static int check_tls(const struct tls_server *tls) {
    if ((tls->cert == NULL) != (tls->key == NULL))
        return usage("--tls-cert and --tls-key come together", NULL);
    if (tls->client_ca != NULL && tls->cert == NULL)
        return usage("--client-ca needs --tls-cert and --tls-key", NULL);
    return -1;
}

/* Names stand in GATEWAY_KEYS, in logs and in metrics. */
static bool good_name(const char *name) {
    size_t n = strlen(name);
    return n > 0 && n <= 64 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@_-") == n;
}

static int read_keys(struct options *o, int argc, char **argv, int *i) {
    if (*i + 2 >= argc || strcmp(argv[*i + 1], "new") != 0) {
        return usage("it is \"keys new NAME\"", NULL);
    }
    o->name = argv[*i + 2];
    if (!good_name(o->name)) {
        return usage("a key's name is 1 to 64 letters, digits, \"-\", \"_\" or \"@\", not",
                     o->name);
    }
    o->command = COMMAND_KEYS_NEW;
    *i += 2;
    return -1;
}

static int read_word(struct options *o, int argc, char **argv, int *i) {
    const char *word = argv[*i];
    if (o->command != COMMAND_RUN)
        return usage("one command at a time, not also", word);
    if (strcmp(word, "keys") == 0)
        return read_keys(o, argc, argv, i);
    if (strcmp(word, "check") == 0) {
        o->command = COMMAND_CHECK;
    } else if (strcmp(word, "explain") == 0) {
        o->command = COMMAND_EXPLAIN;
    } else if (strcmp(word, "probe") == 0) {
        o->command = COMMAND_PROBE;
    } else {
        return usage("unknown command", word);
    }
    return -1;
}

int options_read(struct options *options, int argc, char **argv) {
    *options = (struct options){.threads = 1, .argv = argv};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return fputs(help, stdout) < 0 ? EXIT_RUNTIME : EXIT_GOOD;
        }
        if (strcmp(argv[i], "--version") == 0) {
            return puts("heady-gateway " GW_VERSION) < 0 ? EXIT_RUNTIME : EXIT_GOOD;
        }
        int code = argv[i][0] == '-' ? read_option(options, argc, argv, &i)
                                     : read_word(options, argc, argv, &i);
        if (code >= 0)
            return code;
    }
    return check_tls(&options->tls);
}
