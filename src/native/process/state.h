/*
 * What outlives a loop: the frames of gw_sync. The twin of worker-shim/state.js.
 *
 * The newest frame of each target is kept in a table under a lock, as a line. A loop that has news puts
 * them there; leases go on to the other loops (breakers lie in the cells that all loops share). With
 * HEADY_DATA_DIR the table is also the file "state" in it, mode 0600, for it holds the addresses of
 * nodes: written anew and renamed by the first loop at every change, so that after a kill -9, a restart
 * or an upgrade the process knows what is broken. A file that cannot be written is said once in the log
 * and costs nothing else; what cannot be read in one is skipped.
 *
 * Limits: STATE_LINES lines of STATE_LINE_MAX bytes; what does not fit is not kept.
 */
#ifndef NATIVE_PROCESS_STATE_H
#define NATIVE_PROCESS_STATE_H

#include <pthread.h>
#include <stdbool.h>

#include "base/str.h"

enum { STATE_LINES = 64, STATE_LINE_MAX = 768 };

struct hub;
struct loop;

struct state_line {
    char text[STATE_LINE_MAX]; /* ends with a line feed */
    size_t n, key_n;           /* key: "breaker node-3" */
    uint64_t at, sequence;     /* the frame's time; counts changes of the table */
};

struct state {
    pthread_mutex_t lock;
    struct state_line line[STATE_LINES];
    uint32_t lines_n;
    uint64_t sequence;
    char *path; /* NULL: no file */
    bool complained;
};

/* Reads the file, if there is one, and tells all loops. False: not enough memory. `keep`: from now on
 * it is written. */
bool state_init(struct hub *hub, bool keep);
void state_del(struct hub *hub);
/* In any loop: the gateway has news. */
void state_news(struct loop *loop);
/* In every loop: HUB_STATE. The first one writes the file. */
void state_take(struct loop *loop);

#endif
