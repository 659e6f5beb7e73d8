/*
 * The store's door: questions to one SQLite file, answered by a thread that alone waits for the disk.
 *
 *     loop                        | store's thread
 *     ----------------------------+-----------------------------------------------------------------
 *     store_ask: into the queue;  | takes up to STORE_BATCH questions, runs each by its `what`, all in one
 *     a full one says no at once  | transaction; after its commit the answers go to their loops' boxes
 *     answered(): in a later turn | and wake them
 *
 * A question that was taken is answered exactly once, in the loop that asked, by its deadline at the latest.
 * STORE_DONE for one that writes means that it is kept: it survives kill -9 and a power cut. The asker is
 * named by a number, so an answer after its end finds nobody and does no harm; the store's own after the
 * deadline is dropped here. If something in a batch fails, nothing of it stays, and each question is tried
 * alone.
 *
 * Limits: STORE_ASKS_MAX questions and STORE_BYTES_MAX bytes wait, in all; an answer has at most
 * STORE_ANSWER_MAX bytes.
 */
#ifndef NATIVE_STORE_STORE_H
#define NATIVE_STORE_STORE_H

#include <stdbool.h>

#include "base/str.h"

enum {
    STORE_ASKS_MAX = 1024,
    STORE_BYTES_MAX = 32 << 20,
    STORE_ANSWER_MAX = 2 << 20,
    STORE_BATCH = 64,
    STORE_STOP_MS = 2000,
};

struct db;
struct log;
struct loop;
struct store;

enum store_status {
    STORE_DONE = 0, /* what was to be written is kept; what was read is in `bytes` */
    STORE_NONE,     /* there is nothing under this key */
    STORE_OLDER,    /* not kept: what is there is as new, or newer */
    STORE_LATE,     /* not by the deadline; whether it will be done is not known */
    STORE_FAILED,   /* nothing was done; `bytes` say why, in words */
    STORE_NEWER,    /* the same, because a newer release has written the file */
};

typedef void store_answered(struct loop *loop, uint64_t id, enum store_status status,
                            struct gw_str bytes);

struct store_ask {
    uint64_t id;   /* the asker's */
    uint32_t what; /* place in the table */
    struct gw_str key, bytes;
    double deadline_ms;       /* by loop_mono_ms; 0: none */
    store_answered *answered; /* NULL: nobody waits */
};

/* What a handler puts its answer into. False: it would be too long, or there is no memory. */
struct store_out {
    char *p;
    size_t n, cap;
};
bool store_put(struct store_out *out, struct gw_str bytes);

/* Who answers a `what`: in the store's thread, within a transaction. STORE_FAILED undoes what it did. */
struct store_what {
    const char *name;
    bool writes;
    enum store_status (*run)(struct db *db, struct gw_str key, struct gw_str bytes,
                             struct store_out *out);
};

/* Starts the thread; the file in `dir` is opened by the first question. `reads`: it is never changed. NULL:
 * there is no memory, or no thread. */
struct store *store_new(const char *dir, bool reads, const struct store_what *whats,
                        uint32_t whats_n, struct log *log);
/* The loop may ask from now on. False: no memory. */
bool store_join(struct store *store, struct loop *loop);
/* Before the loop is freed: it gets no more answers. Does nothing for one that has not joined. */
void store_leave(struct loop *loop);
/* Does what was asked for, for at most STORE_STOP_MS: false if that was not enough, and then the thread is
 * left alone with its disk until the process ends. */
bool store_stop(struct store *store);
/* After store_stop, when the loops are freed. False: the thread is still at the disk, and uses the log. */
bool store_del(struct store *store);

/* In a loop. False: it is refused, and not answered: there is no store, or too many wait. */
bool store_ask(struct loop *loop, const struct store_ask *ask);

#endif
