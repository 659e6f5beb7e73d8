#include "native/store/kept.h"

#include <sqlite3.h>

#include "core/gw.h"
#include "native/store/db.h"

enum { DROPPED_AT_ONCE = 64 };
_Static_assert((int)STORE_ANSWER_MAX >= (int)GW_STORED_MAX, "what is kept can be told");

/* ------------------------------------------------------------------ keys */

struct kept_key {
    struct gw_str owner, name;
};

/* "OWNER/NAME": a name has no slash, an owner may. */
static bool read_key(struct gw_str key, struct kept_key *k) {
    size_t n = key.n;
    while (n > 0 && key.p[n - 1] != '/')
        n--;
    k->owner = gw_str_sub(key, 0, n > 0 ? n - 1 : 0);
    k->name = gw_str_sub(key, n, key.n);
    return n > 1 && k->name.n > 0;
}

static void bind_text(sqlite3_stmt *stmt, int at, struct gw_str text) {
    (void)sqlite3_bind_text(stmt, at, text.p, (int)text.n, SQLITE_STATIC);
}

/* One of ours, with the key as ?1 and ?2; NULL: `why` says it. */
static sqlite3_stmt *prepare(struct db *db, const char *sql, const struct kept_key *k) {
    sqlite3_stmt *stmt = db_prepare(db, sql);
    if (stmt == NULL)
        return NULL;
    bind_text(stmt, 1, k->owner);
    bind_text(stmt, 2, k->name);
    return stmt;
}

static bool run(struct db *db, sqlite3_stmt *stmt) {
    bool good = stmt != NULL && db_run(db, stmt);
    (void)sqlite3_finalize(stmt);
    return good;
}

/* ------------------------------------------------------------------ making place */

/* A number that one of ours gives, in its first two columns. */
static bool read_sums(struct db *db, sqlite3_stmt *stmt, int64_t sums[2]) {
    bool row, good = stmt != NULL && db_row(db, stmt, &row) && row;
    for (int i = 0; i < 2 && good; i++)
        sums[i] = sqlite3_column_int64(stmt, i);
    (void)sqlite3_finalize(stmt);
    return good;
}

static bool drop_over(struct db *db) {
    sqlite3_stmt *stmt = db_prepare(
        db, "DELETE FROM kept WHERE rowid IN (SELECT rowid FROM kept WHERE until <= ?1 LIMIT ?2)");
    if (stmt != NULL) {
        (void)sqlite3_bind_int64(stmt, 1, db_wall_ms());
        (void)sqlite3_bind_int(stmt, 2, DROPPED_AT_ONCE);
    }
    return run(db, stmt);
}

static bool drop_first_of(struct db *db, const struct kept_key *k) {
    return run(db,
               prepare(db,
                       "DELETE FROM kept WHERE rowid = (SELECT rowid FROM kept WHERE owner = ?1 "
                       "ORDER BY until LIMIT 1)",
                       k));
}

static bool fit_owner(struct db *db, const struct kept_key *k, size_t more) {
    int64_t sums[2] = {0, 0};
    for (;;) {
        sqlite3_stmt *stmt = prepare(
            db, "SELECT count(*), total(size) FROM kept WHERE owner = ?1 AND name <> ?2", k);
        if (!read_sums(db, stmt, sums))
            return false;
        bool fits = sums[0] < GW_STORED_OF_OWNER && sums[1] + (int64_t)more <= GW_STORED_OWNER_MAX;
        if (fits || sums[0] == 0)
            return true;
        if (!drop_first_of(db, k))
            return false;
    }
}

/* Pages that are in use; freed ones are used again. */
static bool fit_all(struct db *db) {
    int64_t sums[2] = {0, 0};
    sqlite3_stmt *stmt =
        db_prepare(db, "SELECT (SELECT page_count FROM pragma_page_count) - (SELECT freelist_count "
                       "FROM pragma_freelist_count), (SELECT page_size FROM pragma_page_size)");
    if (!read_sums(db, stmt, sums))
        return false;
    if (sums[0] * sums[1] <= GW_STORED_ALL_MAX)
        return true;
    stmt = db_prepare(db, "DELETE FROM kept WHERE rowid IN (SELECT rowid FROM kept ORDER BY until "
                          "LIMIT ?1)");
    if (stmt != NULL)
        (void)sqlite3_bind_int(stmt, 1, DROPPED_AT_ONCE);
    return run(db, stmt);
}

/* ------------------------------------------------------------------ the questions */

static bool put_row(struct db *db, const struct kept_key *k, uint64_t until, struct gw_str bytes) {
    sqlite3_stmt *stmt =
        prepare(db,
                "INSERT INTO kept (owner, name, until, size, bytes) VALUES (?1, ?2, ?3, ?4, ?5) ON "
                "CONFLICT (owner, name) DO UPDATE SET until = ?3, size = ?4, bytes = ?5",
                k);
    if (stmt == NULL)
        return false;
    (void)sqlite3_bind_int64(stmt, 3, (int64_t)until);
    (void)sqlite3_bind_int64(stmt, 4, (int64_t)bytes.n);
    (void)sqlite3_bind_blob(stmt, 5, bytes.p, (int)bytes.n, SQLITE_STATIC);
    return run(db, stmt);
}

enum store_status kept_put(struct db *db, struct gw_str key, struct gw_str bytes,
                           struct store_out *out) {
    struct kept_key k;
    uint64_t until;
    (void)out;
    if (!read_key(key, &k) || !gw_str_u64(gw_str_cut(&bytes, '\n'), &until) || bytes.p == NULL)
        return STORE_FAILED;
    bool good =
        drop_over(db) && fit_all(db) && fit_owner(db, &k, bytes.n) && put_row(db, &k, until, bytes);
    return good ? STORE_DONE : STORE_FAILED;
}

enum store_status kept_get(struct db *db, struct gw_str key, struct gw_str bytes,
                           struct store_out *out) {
    struct kept_key k;
    bool row = false;
    (void)bytes;
    if (!read_key(key, &k))
        return STORE_NONE;
    sqlite3_stmt *stmt =
        prepare(db, "SELECT bytes FROM kept WHERE owner = ?1 AND name = ?2 AND until > ?3", &k);
    bool good = stmt != NULL && sqlite3_bind_int64(stmt, 3, db_wall_ms()) == SQLITE_OK &&
                db_row(db, stmt, &row);
    if (good && row)
        good = store_put(
            out, gw_str(sqlite3_column_blob(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0)));
    (void)sqlite3_finalize(stmt);
    return !good ? STORE_FAILED : row ? STORE_DONE : STORE_NONE;
}

enum store_status kept_drop(struct db *db, struct gw_str key, struct gw_str bytes,
                            struct store_out *out) {
    struct kept_key k;
    (void)bytes;
    (void)out;
    if (!read_key(key, &k))
        return STORE_NONE;
    int before = sqlite3_total_changes(db->sql);
    if (!run(db, prepare(db, "DELETE FROM kept WHERE owner = ?1 AND name = ?2", &k)))
        return STORE_FAILED;
    return sqlite3_total_changes(db->sql) > before ? STORE_DONE : STORE_NONE;
}
