/*
 * The one file of a data directory, heady.db: SQLite, for one thread.
 *
 * It is opened by the first transaction, and again when it is no longer the file at that path. Journal: WAL, so
 * that the process that an upgrade starts reads while the old one writes. Synchronous: FULL. A question that
 * is answered with DONE is said to be kept, and with NORMAL a power cut would lose the last of them; only
 * the store's thread waits for it, once a batch.
 *
 *     what is found                       | what is done
 *     ------------------------------------+-------------------------------------------------------------------
 *     nothing                             | it is made, mode 0600
 *     user_version below ours             | the missing steps, in one transaction
 *     user_version above ours             | nothing: `newer`. At the start the process refuses to run; later (a
 *                                         | newer release has taken over) nothing more is written
 *     no database, or a damaged one       | it and its -wal become heady.db.broken-N, the log says so, and a new
 *                                         | one is begun. What is in it are hints, which are learnt anew in a
 *                                         | minute, and answers that a client may send again; no gateway shall be
 *                                         | away for that, and no byte is deleted. Whoever keeps in it what cannot
 *                                         | be had anew decides here again
 *     it cannot be written                | it is read; every attempt to write tries again
 *     it cannot be read, or the disk      | nothing: the transaction fails, and the next one tries again. That
 *     fails or is full                    | is never taken for damage
 */
#ifndef NATIVE_STORE_DB_H
#define NATIVE_STORE_DB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct log;
struct sqlite3;
struct sqlite3_stmt;

enum { DB_WHY = 512, DB_BUSY_MS = 2000, DB_ASIDE_MAX = 99 };

struct db {
    struct sqlite3 *sql; /* NULL: not open */
    struct log *log;
    char *dir, *path;
    bool reads;    /* it is never to be changed */
    bool readonly; /* it is open so */
    bool alone;    /* and so that no other process can open it */
    bool newer;    /* a newer release's: it is left alone */
    bool broken;   /* what was open is damaged */
    bool unmade;   /* the file has no tables yet */
    bool bad;      /* open, but not to be trusted: opened again */
    dev_t device;  /* what was opened */
    ino_t file;
    char why[DB_WHY]; /* the last failure */
};

/* Opens nothing. False: no memory. db_del does in any case. */
bool db_init(struct db *db, const char *dir, bool reads, struct log *log);
void db_close(struct db *db);
void db_del(struct db *db);

/* Now, in ms since 1970, for what is kept until some time. */
int64_t db_wall_ms(void);

/* All of these: false (NULL) means that `why` says what is wrong, and the transaction is to be undone. */
bool db_begin(struct db *db, bool writes);
bool db_commit(struct db *db);
void db_undo(struct db *db);
struct sqlite3_stmt *db_prepare(struct db *db, const char *sql);
/* Runs it to its end without wanting rows, and resets it. */
bool db_run(struct db *db, struct sqlite3_stmt *stmt);
/* Whether there is another row, into `*row`. */
bool db_row(struct db *db, struct sqlite3_stmt *stmt, bool *row);

#endif
