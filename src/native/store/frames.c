#include "native/store/frames.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "native/loop/log.h"
#include "native/store/db.h"

enum { PATH_MAX_BYTES = 4096 };
static const int64_t FRAMES_KEEP_MS = 7 * 86400000LL;

bool frames_parse(struct gw_str line, struct gw_str *key, uint64_t *at) {
    struct gw_str rest = line, kind = gw_str_cut(&rest, ' '), name = gw_str_cut(&rest, ' ');
    if (rest.p == NULL || line.n + 1 > FRAMES_LINE_MAX || !gw_str_u64(gw_str_cut(&rest, ' '), at))
        return false;
    *key = gw_str(line.p, kind.n + 1 + name.n);
    return true;
}

/* ------------------------------------------------------------------ the old file */

static bool state_path(const struct db *db, char path[PATH_MAX_BYTES]) {
    return snprintf(path, PATH_MAX_BYTES, "%s/state", db->dir) < PATH_MAX_BYTES;
}

/* What cannot be read of it is left out: it would be no reason not to start. */
static void put_old(struct db *db, struct store_out *out) {
    char path[PATH_MAX_BYTES], text[4096];
    ssize_t n = 0;
    size_t all = 0;
    int fd = state_path(db, path) ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    if (fd < 0 && errno == ENOENT)
        return;
    while (fd >= 0 && all < FRAMES_MAX && (n = read(fd, text, sizeof text)) > 0) {
        (void)store_put(out, gw_str(text, (size_t)n));
        all += (size_t)n;
    }
    if (fd < 0 || n < 0)
        log_note(db->log, "warn", "%s cannot be read: %s; it is left out", path, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
}

enum store_status frames_drop(struct db *db, struct gw_str key, struct gw_str bytes,
                              struct store_out *out) {
    char path[PATH_MAX_BYTES];
    (void)key;
    (void)bytes;
    (void)out;
    if (state_path(db, path) && unlink(path) == 0)
        log_note(db->log, "info", "%s has been taken over by %s and removed", path, db->path);
    return STORE_DONE;
}

/* ------------------------------------------------------------------ rows */

static bool put_row(struct db *db, sqlite3_stmt *stmt, struct gw_str line, int64_t now) {
    struct gw_str key;
    uint64_t at;
    if (!frames_parse(line, &key, &at))
        return true;
    (void)sqlite3_bind_text(stmt, 1, key.p, (int)key.n, SQLITE_STATIC);
    (void)sqlite3_bind_int64(stmt, 2, (int64_t)at);
    (void)sqlite3_bind_text(stmt, 3, line.p, (int)line.n, SQLITE_STATIC);
    (void)sqlite3_bind_int64(stmt, 4, now);
    return db_run(db, stmt);
}

static bool delete_old(struct db *db, int64_t now) {
    sqlite3_stmt *stmt = db_prepare(db, "DELETE FROM frames WHERE at < ?1");
    bool good = stmt != NULL && sqlite3_bind_int64(stmt, 1, now - FRAMES_KEEP_MS) == SQLITE_OK &&
                db_run(db, stmt);
    (void)sqlite3_finalize(stmt);
    return good;
}

enum store_status frames_put(struct db *db, struct gw_str key, struct gw_str bytes,
                             struct store_out *out) {
    sqlite3_stmt *stmt = db_prepare(
        db, "INSERT INTO frames VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE SET at = ?2, "
            "line = ?3 WHERE frames.at <= ?2 OR frames.at > ?4");
    int64_t now = db_wall_ms();
    bool good = stmt != NULL;
    (void)key;
    (void)out;
    while (good && bytes.n > 0)
        good = put_row(db, stmt, gw_str_cut(&bytes, '\n'), now);
    (void)sqlite3_finalize(stmt);
    return good && delete_old(db, now) ? STORE_DONE : STORE_FAILED;
}

enum store_status frames_keep(struct db *db, struct gw_str key, struct gw_str bytes,
                              struct store_out *out) {
    sqlite3_stmt *stmt = db_prepare(
        db, "INSERT INTO frames VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE SET at = ?2, "
            "line = ?3 WHERE frames.at < ?2 OR frames.at > ?4");
    int before = sqlite3_total_changes(db->sql);
    bool good = stmt != NULL && put_row(db, stmt, gw_str_cut(&bytes, '\n'), db_wall_ms());
    (void)key;
    (void)out;
    (void)sqlite3_finalize(stmt);
    if (!good)
        return STORE_FAILED;
    return sqlite3_total_changes(db->sql) > before ? STORE_DONE : STORE_OLDER;
}

static bool get_rows(struct db *db, sqlite3_stmt *stmt, struct store_out *out) {
    bool row;
    (void)sqlite3_bind_int(stmt, 1, FRAMES_LINES);
    while (db_row(db, stmt, &row)) {
        if (!row)
            return true;
        (void)store_put(
            out, gw_str(sqlite3_column_text(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0)));
        (void)store_put(out, GW_STR("\n"));
    }
    return false;
}

enum store_status frames_get(struct db *db, struct gw_str key, struct gw_str bytes,
                             struct store_out *out) {
    sqlite3_stmt *stmt = db_prepare(db, "SELECT line FROM frames ORDER BY at DESC LIMIT ?1");
    bool good = stmt != NULL && get_rows(db, stmt, out);
    (void)key;
    (void)bytes;
    (void)sqlite3_finalize(stmt);
    if (!good)
        return STORE_FAILED;
    put_old(db, out);
    return STORE_DONE;
}
