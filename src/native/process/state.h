/*
 * What outlives a loop: the frames of gw_sync. The twin of worker-shim/state.js.
 *
 * The newest frame of each target is kept in a table under a lock, as a line. A loop that has news puts
 * them there; leases go on to the other loops (breakers lie in the cells that all loops share). With
 * HEADY_DATA_DIR the table is also in the store (store.h), so that after a kill -9, a restart or an
 * upgrade the process knows what is broken and where nodes are. Only the store's thread touches the disk:
 *
 *     the store          | the process
 *     -------------------+----------------------------------------------------------------------------
 *     at the start       | is read before anything is served, for at most STATE_READ_MS; what comes later
 *                        | is taken when it comes
 *     takes its time     | the first loop has one put under way; what comes meanwhile goes into the next
 *     fails              | says so once in the log, goes on, and puts everything again in STATE_AGAIN_MS
 *     is a newer one's   | does not start
 *
 * Limits: FRAMES_LINES lines of FRAMES_LINE_MAX bytes; what does not fit is not kept.
 */
#ifndef NATIVE_PROCESS_STATE_H
#define NATIVE_PROCESS_STATE_H

#include <pthread.h>
#include <stdbool.h>

#include "base/str.h"
#include "native/loop/timer.h"
#include "native/store/frames.h"

enum { STATE_READ_MS = 3000, STATE_PUT_MS = 10000, STATE_AGAIN_MS = 5000 };

struct hub;
struct loop;

struct state_line {
    char text[FRAMES_LINE_MAX]; /* ends with a line feed */
    size_t n, key_n;            /* key: "breaker node-3" */
    uint64_t at, sequence;      /* the frame's time; counts changes of the table */
};

struct state {
    pthread_mutex_t lock;
    struct state_line line[FRAMES_LINES];
    uint32_t lines_n;
    uint64_t sequence;
    /* the first loop's alone */
    const char *dir;     /* NULL: nothing is kept */
    bool puts;           /* what changes is put into the store */
    bool reading, newer; /* at the start */
    bool serving;
    bool putting;
    bool has_put; /* once, at least: so it can be written */
    bool complained;
    uint64_t put, under_way; /* changes up to there are in the store, and will be */
    struct timer again;
};

/* Reads the store, if there is one, and tells all loops. `puts`: from now on it is written. The exit code. */
int state_init(struct hub *hub, bool puts);
/* When the loops have ended: the last news. The loops may then be freed, and state_del called. */
void state_end(struct hub *hub);
/* False: the store's thread could not be ended (store_stop). */
bool state_del(struct hub *hub);
/* In any loop: the gateway has news. */
void state_news(struct loop *loop);
/* In every loop: HUB_STATE. The first one sees to the store. */
void state_take(struct loop *loop);

#endif
