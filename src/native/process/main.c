/*
 * The daemon's beginning: arguments, environment and configuration file, then one command.
 */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>

#include "native/process/command.h"
#include "native/process/hub.h"
#include "native/process/options.h"
#include "native/process/source.h"

static int run(struct options *options, const struct source *source) {
    switch (options->command) {
    case COMMAND_CHECK:
        return command_check(options, source);
    case COMMAND_EXPLAIN:
        return command_explain(source);
    case COMMAND_PROBE:
        return hub_probe(options, source);
    default:
        return hub_run(options, source);
    }
}

int main(int argc, char **argv) {
    struct options options;
    struct source source;
    char why[SOURCE_WHY];
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    /* a peer that hangs up while we write is an error like others */
    (void)sigaction(SIGPIPE, &ignore, NULL);
    /* so is a file that would become larger than the service may have it */
    (void)sigaction(SIGXFSZ, &ignore, NULL);
    int code = options_read(&options, argc, argv);
    if (code >= 0)
        return code;
    if (options.command == COMMAND_KEYS_NEW)
        return command_keys_new(options.name);
    if (!source_read(&source, options.config, why)) {
        (void)fprintf(stderr, "heady-gateway: %s\n", why);
        source_del(&source);
        return EXIT_USAGE;
    }
    code = run(&options, &source);
    source_del(&source);
    return code;
}
