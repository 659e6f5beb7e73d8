#include "native/process/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_MAX = 4 << 20 };

char *source_slurp(int fd, size_t max, size_t *n) {
    size_t cap = 65536 < max ? 65536 : max, got = 0;
    char *p = malloc(cap + 1);
    while (p != NULL) {
        ssize_t k = read(fd, p + got, cap + 1 - got);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            break;
        got += (size_t)k;
        if (k == 0) {
            *n = got;
            return p;
        }
        if (got <= cap)
            continue;
        if (cap == max) {
            errno = EFBIG;
            break;
        }
        cap = cap * 2 < max ? cap * 2 : max;
        char *more = realloc(p, cap + 1);
        if (more == NULL)
            break;
        p = more;
    }
    int err = errno;
    free(p);
    errno = err;
    return NULL;
}

/* "NAME=value" records, each ended by a NUL byte. */
static bool read_env(struct source *s) {
    size_t n = 0;
    for (char **e = environ; *e != NULL; e++)
        n += strlen(*e) + 1;
    char *p = s->env_text = malloc(n + 1);
    if (p == NULL)
        return false;
    for (char **e = environ; *e != NULL; e++) {
        size_t k = strlen(*e) + 1;
        memcpy(p, *e, k);
        p += k;
    }
    s->gw.env = gw_str(s->env_text, n);
    return true;
}

static const char *default_file(void) {
    static const char *const places[] = {"config/gateway.json", "/etc/heady/gateway.json"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (access(places[i], F_OK) == 0)
            return places[i];
    }
    return NULL;
}

static bool read_file(struct source *s, char why[SOURCE_WHY]) {
    size_t n = 0;
    int fd = open(s->file, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        s->file_text = source_slurp(fd, FILE_MAX, &n);
    int err = errno;
    if (fd >= 0)
        close(fd);
    if (s->file_text == NULL) {
        (void)snprintf(why, SOURCE_WHY, "%s: %s; name a readable file with --config", s->file,
                       strerror(err));
        return false;
    }
    s->gw.file = gw_str(s->file_text, n);
    return true;
}

bool source_read(struct source *source, const char *config, char why[SOURCE_WHY]) {
    *source = (struct source){.gw.host = GW_RACK};
    if (!read_env(source)) {
        (void)snprintf(why, SOURCE_WHY, "no memory for the environment; give the gateway more");
        return false;
    }
    source->file = config != NULL ? config : default_file();
    return source->file == NULL || read_file(source, why);
}

void source_del(struct source *source) {
    free(source->env_text);
    free(source->file_text);
    *source = (struct source){0};
}

const char *source_name(const struct source *source) {
    return source->file != NULL ? source->file : "configuration";
}

void source_complain(const struct source *source, const char *why, size_t n) {
    (void)fprintf(stderr, "heady-gateway: %s: %.*s\n", source_name(source), (int)n, why);
}
