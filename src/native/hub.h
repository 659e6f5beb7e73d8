/*
 * The hub: what the loops of one process share, and their common beginning and end. The twin of
 * worker-shim/hub.js.
 *
 *     shared        | how
 *     --------------+----------------------------------------------------------------------------
 *     cells         | counts that must be exact; the core touches them with atomics
 *     tls_client    | OpenSSL's context for upstreams; immutable
 *     log           | has a lock of its own
 *     stopping      | set by a signal in the first loop, told to the others by a wake-up each
 *
 *     running  --SIGTERM, SIGINT-->  draining  --all calls over, or drain_ms-->  ended
 *                                        `------another signal-->  the process exits at once
 *
 * Draining: nothing new is accepted, idle connections are closed, answers say "connection: close",
 * running calls go on.
 */
#ifndef NATIVE_HUB_H
#define NATIVE_HUB_H

#include <openssl/types.h>

#include "core/gw.h"
#include "native/options.h"

enum { HUB_LOOPS_MAX = 64 };

struct loop;
struct log;
struct source;

struct hub {
    uint64_t *cells;
    SSL_CTX *tls_client;
    struct log *log;
    struct loop *loops[HUB_LOOPS_MAX];
    uint32_t loops_n;
    uint64_t connections_max; /* of each loop */
};

/* Runs the daemon until it is told to stop. The exit code. */
int hub_run(struct options *options, const struct source *source);

#endif
