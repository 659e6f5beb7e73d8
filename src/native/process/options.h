/*
 * What the command line says.
 */
#ifndef NATIVE_PROCESS_OPTIONS_H
#define NATIVE_PROCESS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "native/net/tls_server.h"
#include "native/process/addresses.h"

enum exit_code { EXIT_GOOD = 0, EXIT_RUNTIME = 1, EXIT_USAGE = 2 };

enum command { COMMAND_RUN = 0, COMMAND_CHECK, COMMAND_EXPLAIN, COMMAND_PROBE, COMMAND_KEYS_NEW };

struct options {
    enum command command;
    const char *config; /* the file; NULL: none was named */
    const char *name;   /* of the key that `keys new` makes */
    struct addresses listen;
    uint32_t threads;
    struct tls_server tls;
    char **argv; /* all of it, for a process that takes over */
};

/* Reads the arguments. -1: go on; else the exit code: what was asked has been printed, or what is
 * wrong. */
int options_read(struct options *options, int argc, char **argv);

#endif
