/*
 * The hub: what the loops of one process share, and their common beginning and end. The twin of
 * worker-shim/hub.js.
 *
 *     shared        | how
 *     --------------+----------------------------------------------------------------------------
 *     cells         | counts that must be exact; the core touches them with atomics
 *     upstream_tls  | contexts for upstreams: counted, and immutable
 *     tls           | the first loop's: what the others' contexts for clients are made from
 *     log           | has a lock of its own
 *     orders        | the first loop, which gets the signals, tells the others by a wake-up each
 *     reload        | see reload.h: one source, read by every loop
 *     state         | see state.h: a table with a lock of its own
 *     store         | see store.h: one thread for the disk; each loop has a box for its answers
 *
 *     signal            | does
 *     ------------------+------------------------------------------------------------------------
 *     SIGTERM, SIGINT   | drains (drain.h); another one: the process exits at once
 *     SIGHUP            | reloads (reload.h)
 *     SIGUSR2           | hands over to a new process (handover.h)
 *
 *     running  --SIGTERM, SIGINT-->  draining  --all calls over, or drain_ms-->  ended
 */
#ifndef NATIVE_PROCESS_HUB_H
#define NATIVE_PROCESS_HUB_H

#include <openssl/types.h>

#include "core/gw.h"
#include "native/loop/loop.h"
#include "native/loop/timer.h"
#include "native/process/handover.h"
#include "native/process/inherit.h"
#include "native/process/options.h"
#include "native/process/reload.h"
#include "native/process/state.h"

enum { HUB_LOOPS_MAX = 64 };

struct log;
struct source;
struct store;

enum hub_order {
    HUB_DRAIN = 1,
    HUB_LEAVE = 2, /* drain: another process has the sockets */
    HUB_RELOAD = 4,
    HUB_RELOADED = 8, /* to the first loop: all others have */
    HUB_BEAT = 16,    /* say that you turn */
    HUB_STATE = 32,   /* the state has news (state.h) */
};

struct hub {
    uint64_t *cells;
    struct tls_server *tls;
    struct log *log;
    struct options *options; /* listen: what is listened on */
    struct loop *loops[HUB_LOOPS_MAX];
    struct loop_peers peers; /* n: of loops */
    struct reload reload;
    struct state state;
    struct store *store;       /* NULL: nothing is kept */
    struct handover *handover; /* NULL: none is under way */
    struct inherit *inherit;   /* while starting */
    bool stopping;             /* a signal has said so */
    struct timer alive;        /* the service manager is to be told that all loops turn */
    _Atomic uint32_t still;    /* loops that have not answered the last HUB_BEAT */
};

/* To one loop, and to all. */
void hub_tell(struct loop *loop, uint32_t orders);
void hub_order(struct hub *hub, uint32_t orders);
/* Takes over what the limits of the first loop say about all. */
void hub_limits(struct hub *hub);

/* Cells for the loops of a process, or of one (struct gw_cells), to be freed; NULL: no memory. */
uint64_t *hub_cells(void);
/* Asks each target how it is, and prints a table. The exit code: 1 if one does not answer well. */
int hub_probe(struct options *options, const struct source *source);
/* Runs the daemon until it is told to stop. The exit code. */
int hub_run(struct options *options, const struct source *source);

#endif
