/*
 * The subcommands that serve nobody: they print and end. Each returns the exit code.
 */
#ifndef NATIVE_PROCESS_COMMAND_H
#define NATIVE_PROCESS_COMMAND_H

#include "native/process/options.h"
#include "native/process/source.h"

/* Prints routes and addresses; 2 if the configuration is bad or names what cannot work. */
int command_check(struct options *options, const struct source *source);
/* A request as JSON on standard input, the decision on standard output. */
int command_explain(const struct source *source);
/* A fresh key, and what to put into GATEWAY_KEYS for it. */
int command_keys_new(const char *name);

#endif
