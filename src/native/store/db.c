#include "native/store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "native/loop/log.h"

/* What makes version N + 1 of version N. A release only ever adds steps. */
static const char *const steps[] = {
    "CREATE TABLE frames (key TEXT PRIMARY KEY, at INTEGER NOT NULL, line TEXT NOT NULL) "
    "WITHOUT ROWID",
    "CREATE TABLE kept (owner TEXT NOT NULL, name TEXT NOT NULL, until INTEGER NOT NULL, "
    "size INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (owner, name)); "
    "CREATE INDEX kept_of_owner ON kept (owner, until, size, name); "
    "CREATE INDEX kept_until ON kept (until)",
};

enum { VERSION = sizeof steps / sizeof *steps, PATH_MAX_BYTES = 4096, SQL_MAX = 64 };

/* ------------------------------------------------------------------ failures */

/* What only this transaction is to blame for: the connection stays. */
static bool is_mild(int primary) {
    return primary == SQLITE_FULL || primary == SQLITE_BUSY || primary == SQLITE_ERROR ||
           primary == SQLITE_CONSTRAINT || primary == SQLITE_TOOBIG;
}

static bool failed(struct db *db, int rc) {
    int primary = rc & 0xff, err = db->sql == NULL ? 0 : sqlite3_system_errno(db->sql);
    const char *what = db->sql == NULL ? sqlite3_errstr(rc) : sqlite3_errmsg(db->sql);
    bool told = err != 0 && primary != SQLITE_BUSY && primary != SQLITE_ERROR;
    (void)snprintf(db->why, sizeof db->why, "%s%s%s", what, told ? ": " : "",
                   told ? strerror(err) : "");
    db->broken |= primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
    db->bad |= !is_mild(primary);
    return false;
}

static bool exec(struct db *db, const char *sql) {
    int rc = sqlite3_exec(db->sql, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK || failed(db, rc);
}

/* ------------------------------------------------------------------ statements */

sqlite3_stmt *db_prepare(struct db *db, const char *sql) {
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db->sql, sql, -1, &stmt, NULL);
    if (rc != SQLITE_OK)
        (void)failed(db, rc);
    return stmt;
}

bool db_row(struct db *db, sqlite3_stmt *stmt, bool *row) {
    int rc = sqlite3_step(stmt);
    *row = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE || failed(db, rc);
}

bool db_run(struct db *db, sqlite3_stmt *stmt) {
    bool row = true, good = true;
    while (good && row)
        good = db_row(db, stmt, &row);
    (void)sqlite3_reset(stmt);
    return good;
}

/* ------------------------------------------------------------------ the version */

static bool read_version(struct db *db, int *version) {
    sqlite3_stmt *stmt = db_prepare(db, "PRAGMA user_version");
    bool row, good = stmt != NULL && db_row(db, stmt, &row);
    *version = good && row ? sqlite3_column_int(stmt, 0) : 0;
    (void)sqlite3_finalize(stmt);
    if (good && *version > VERSION) {
        db->newer = true;
        (void)snprintf(db->why, sizeof db->why,
                       "a newer release has written it (format %d; this one knows %d)", *version,
                       (int)VERSION);
        return false;
    }
    return good;
}

static bool take_steps(struct db *db) {
    char sql[SQL_MAX];
    int version;
    if (!exec(db, "BEGIN IMMEDIATE") || !read_version(db, &version))
        return false;
    for (; version < VERSION; version++)
        if (!exec(db, steps[version]))
            return false;
    (void)snprintf(sql, sizeof sql, "PRAGMA user_version = %d", (int)VERSION);
    return exec(db, sql) && exec(db, "COMMIT");
}

/* ------------------------------------------------------------------ opening */

void db_close(struct db *db) {
    (void)sqlite3_close(db->sql);
    db->sql = NULL;
    db->bad = db->alone = false;
}

/* SQLite would make it as the umask says. A file that is there is left as it is. */
static void make_file(const struct db *db) {
    int fd = open(db->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0)
        (void)close(fd);
}

static bool open_sql(struct db *db, const char *name, int flags) {
    struct stat st = {0};
    int rc = sqlite3_open_v2(name, &db->sql, flags | SQLITE_OPEN_NOMUTEX, NULL);
    (void)stat(db->path, &st);
    db->device = st.st_dev;
    db->file = st.st_ino;
    if (rc != SQLITE_OK)
        return failed(db, rc);
    (void)sqlite3_busy_timeout(db->sql, DB_BUSY_MS);
    return exec(db, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
}

static bool open_to_write(struct db *db) {
    int version;
    make_file(db);
    return open_sql(db, db->path, SQLITE_OPEN_READWRITE) && read_version(db, &version) &&
           exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
                    "PRAGMA journal_size_limit = 4194304; PRAGMA secure_delete = ON") &&
           (version == VERSION || take_steps(db));
}

/* "file:PATH?immutable=1", for a directory in which nobody can write. False: the path is too long. */
static bool immutable_name(const struct db *db, char name[PATH_MAX_BYTES]) {
    size_t n = (size_t)snprintf(name, PATH_MAX_BYTES, "file:");
    for (const char *p = db->path; *p != '\0' && n < PATH_MAX_BYTES - 32; p++) {
        bool plain = strchr("?#%", *p) == NULL;
        n += (size_t)snprintf(name + n, PATH_MAX_BYTES - n, plain ? "%c" : "%%%02X", *p);
    }
    return snprintf(name + n, PATH_MAX_BYTES - n, "?immutable=1") > 0 && n < PATH_MAX_BYTES - 32;
}

static bool has_wal(const struct db *db) {
    char wal[PATH_MAX_BYTES];
    int n = snprintf(wal, sizeof wal, "%s-wal", db->path);
    return n >= (int)sizeof wal || access(wal, F_OK) == 0;
}

/* A file without our tables is one whose making was cut off. */
static bool is_made(struct db *db) {
    int version;
    if (!read_version(db, &version))
        return false;
    db->unmade = version == 0;
    return version > 0;
}

static bool open_shared(struct db *db) {
    return open_sql(db, db->path, SQLITE_OPEN_READONLY) && is_made(db);
}

/* A full disk has no room for the -shm, and without it a -wal is read by one process at a time: so it is let go
 * of after the transaction. */
static bool open_alone(struct db *db) {
    db->alone = true;
    return open_sql(db, db->path, SQLITE_OPEN_READWRITE) &&
           exec(db, "PRAGMA locking_mode = EXCLUSIVE") && is_made(db);
}

/* Nobody can write, and nothing is in a -wal. */
static bool open_immutable(struct db *db) {
    char name[PATH_MAX_BYTES];
    return immutable_name(db, name) && open_sql(db, name, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI) &&
           is_made(db);
}

static bool open_to_read(struct db *db) {
    if (open_shared(db))
        return true;
    db_close(db);
    if (db->newer || db->broken || db->unmade)
        return false;
    return has_wal(db) ? open_alone(db) : open_immutable(db);
}

/* There is nothing to read: so there is nothing to be said about it either. */
static bool open_nothing(struct db *db) {
    if (!db->unmade && access(db->path, F_OK) == 0)
        return false;
    db_close(db);
    return open_sql(db, ":memory:", SQLITE_OPEN_READWRITE) && take_steps(db);
}

/* ------------------------------------------------------------------ a damaged file */

/* Whether another file is at the path than what we have opened: another process has set that aside, or
 * somebody has removed it. */
static bool has_moved(const struct db *db) {
    struct stat st;
    return stat(db->path, &st) != 0 || st.st_dev != db->device || st.st_ino != db->file;
}

static bool rename_with(const char *from, const char *to, const char *end) {
    char a[PATH_MAX_BYTES], b[PATH_MAX_BYTES];
    return snprintf(a, sizeof a, "%s%s", from, end) < (int)sizeof a &&
           snprintf(b, sizeof b, "%s%s", to, end) < (int)sizeof b && rename(a, b) == 0;
}

/* The -wal goes first: without it, the file is still found damaged. */
static bool set_aside(struct db *db) {
    char aside[PATH_MAX_BYTES], shm[PATH_MAX_BYTES];
    db->broken = false;
    if (has_moved(db))
        return true;
    (void)snprintf(shm, sizeof shm, "%s-shm", db->path);
    for (int i = 1; i <= DB_ASIDE_MAX; i++) {
        if (snprintf(aside, sizeof aside, "%s.broken-%d", db->path, i) >= (int)sizeof aside ||
            access(aside, F_OK) == 0)
            continue;
        (void)rename_with(db->path, aside, "-wal");
        (void)unlink(shm);
        if (!rename_with(db->path, aside, ""))
            break;
        log_note(db->log, "error", "%s is damaged (%s): it is now %s, and a new one is begun",
                 db->path, db->why, aside);
        return true;
    }
    return false;
}

/* ------------------------------------------------------------------ transactions */

/* Opens it for writing if that can be, else for reading: why it cannot be written is then in `why`. */
static bool open_any(struct db *db) {
    char why[DB_WHY];
    db->newer = db->broken = db->unmade = false;
    db->readonly = db->reads;
    if (!db->reads) {
        if (open_to_write(db))
            return true;
        memcpy(why, db->why, sizeof why);
        db_close(db);
        if (db->newer || db->broken)
            return false;
        db->readonly = true;
    }
    bool good = open_to_read(db) || (!db->newer && !db->broken && open_nothing(db));
    if (!good)
        db_close(db);
    if (!db->reads && !db->newer && !db->broken)
        memcpy(db->why, why, sizeof why);
    return good;
}

static bool make_ready(struct db *db, bool writes) {
    bool again = db->bad || has_moved(db) || (writes && db->readonly && !db->reads);
    if (db->sql != NULL && again)
        db_close(db);
    if (db->broken && !db->reads && !set_aside(db))
        return false;
    if (db->sql != NULL || open_any(db))
        return true;
    return db->broken && !db->reads && set_aside(db) && open_any(db);
}

bool db_begin(struct db *db, bool writes) {
    int version;
    return make_ready(db, writes) && !(writes && db->readonly) &&
           exec(db, writes ? "BEGIN IMMEDIATE" : "BEGIN") && read_version(db, &version);
}

bool db_commit(struct db *db) {
    bool good = exec(db, "COMMIT");
    if (good && db->alone)
        db_close(db);
    return good;
}

void db_undo(struct db *db) {
    if (db->sql != NULL && sqlite3_get_autocommit(db->sql) == 0)
        (void)sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
    if (db->sql != NULL && db->alone)
        db_close(db);
}

/* ------------------------------------------------------------------ life */

int64_t db_wall_ms(void) {
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    return (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000;
}

bool db_init(struct db *db, const char *dir, bool reads, struct log *log) {
    size_t n = strlen(dir) + sizeof "/heady.db";
    *db = (struct db){.reads = reads, .log = log, .dir = strdup(dir), .path = malloc(n)};
    if (db->dir == NULL || db->path == NULL)
        return false;
    (void)snprintf(db->path, n, "%s/heady.db", dir);
    return true;
}

void db_del(struct db *db) {
    free(db->dir);
    free(db->path);
}
