/*
 * What a gateway is made from: this process's environment, and the configuration file.
 */
#ifndef NATIVE_PROCESS_SOURCE_H
#define NATIVE_PROCESS_SOURCE_H

#include "core/gw.h"

struct source {
    struct gw_source gw;
    const char *file; /* where it came from; NULL: there is none, the defaults hold */
    char *env_text, *file_text;
};

enum { SOURCE_WHY = 1024 };

/* `config` is the file that was named, or NULL: then config/gateway.json below the present
 * directory, or /etc/heady/gateway.json, if they exist. False: `why` says what is wrong. */
bool source_read(struct source *source, const char *config, char why[SOURCE_WHY]);
void source_del(struct source *source);
/* Where it came from, for sentences about it. */
const char *source_name(const struct source *source);
/* Prints what gw_new said. */
void source_complain(const struct source *source, const char *why, size_t n);

/* Reads a stream to its end, at most `max` bytes; NULL: errno says why (EFBIG: too long). */
char *source_slurp(int fd, size_t max, size_t *n);

#endif
