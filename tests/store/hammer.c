/*
 * The store alone, with a toy `what` or two:
 *
 *     store-hammer DIR put FROM   puts FROM, FROM + 1, ... for ever, eight at a time, and prints the number of each
 *                                 that is said to be kept. To be killed.
 *     store-hammer DIR list       prints what is there
 *     store-hammer DIR door       checks of the door's own promises, as a unit test
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <unistd.h>

#include <sqlite3.h>

#include "../unit/unit.h"
#include "native/loop/log.h"
#include "native/loop/loop.h"
#include "native/store/db.h"
#include "native/store/store.h"

enum { AT_ONCE = 8, SOON_MS = 50 };
enum { PUT, LIST, SPOIL, HANG, WHATS };

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

/* ------------------------------------------------------------------ the toys */

static bool make_table(struct db *db) {
    sqlite3_stmt *s = db_prepare(db, "CREATE TABLE IF NOT EXISTS toy (n INTEGER PRIMARY KEY)");
    bool good = s != NULL && db_run(db, s);
    (void)sqlite3_finalize(s);
    return good;
}

static enum store_status put(struct db *db, struct gw_str key, struct gw_str bytes,
                             struct store_out *out) {
    sqlite3_stmt *s =
        make_table(db) ? db_prepare(db, "INSERT OR REPLACE INTO toy VALUES (?)") : NULL;
    uint64_t n = 0;
    bool good = s != NULL && gw_str_u64(key, &n) &&
                sqlite3_bind_int64(s, 1, (int64_t)n) == SQLITE_OK && db_run(db, s);
    (void)sqlite3_finalize(s);
    return good && store_put(out, bytes) ? STORE_DONE : STORE_FAILED;
}

static enum store_status list(struct db *db, struct gw_str key, struct gw_str bytes,
                              struct store_out *out) {
    sqlite3_stmt *s = db_prepare(db, "SELECT n FROM toy ORDER BY n");
    bool row = s != NULL;
    (void)key;
    (void)bytes;
    while (row && db_row(db, s, &row) && row) {
        (void)store_put(out, gw_str(sqlite3_column_text(s, 0), (size_t)sqlite3_column_bytes(s, 0)));
        (void)store_put(out, GW_STR("\n"));
    }
    (void)sqlite3_finalize(s);
    return s == NULL ? STORE_NONE : STORE_DONE;
}

/* Writes, and then fails. */
static enum store_status spoil(struct db *db, struct gw_str key, struct gw_str bytes,
                               struct store_out *out) {
    (void)put(db, key, bytes, out);
    return STORE_FAILED;
}

/* A disk that hangs as long as the test holds the gate. */
static enum store_status hang(struct db *db, struct gw_str key, struct gw_str bytes,
                              struct store_out *out) {
    (void)db;
    (void)key;
    (void)bytes;
    (void)out;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return STORE_DONE;
}

static const struct store_what toys[WHATS] = {
    [PUT] = {"put", true, put},
    [LIST] = {"list", false, list},
    [SPOIL] = {"spoil", true, spoil},
    [HANG] = {"hang", false, hang},
};

/* ------------------------------------------------------------------ a loop to ask in */

static struct loop loop;
static struct store *store;
static struct log *messages;

static void flush(struct loop *l) {
    (void)l;
}

static const struct loop_ops ops = {.flush = flush};
static const struct loop_peers peers = {.n = 1};

static bool begin(const char *dir) {
    messages = log_new();
    store = messages == NULL ? NULL : store_new(dir, false, toys, WHATS, messages);
    return store != NULL && loop_init(&loop, &ops, &peers) == 0 && store_join(store, &loop);
}

static void end(void) {
    store_leave(&loop);
    (void)store_stop(store);
    loop_del(&loop);
    (void)store_del(store);
    log_del(messages);
}

static bool ask(uint32_t what, uint64_t n, double wait_ms, store_answered *answered) {
    char key[24];
    int key_n = snprintf(key, sizeof key, "%" PRIu64, n);
    uv_update_time(&loop.uv);
    return store_ask(&loop, &(struct store_ask){
                                .id = n,
                                .what = what,
                                .key = gw_str(key, (size_t)key_n),
                                .bytes = GW_STR("said back"),
                                .deadline_ms = wait_ms > 0 ? loop_mono_ms() + wait_ms : 0,
                                .answered = answered,
                            });
}

/* ------------------------------------------------------------------ put, list */

static uint64_t next;

static void kept(struct loop *l, uint64_t id, enum store_status status, struct gw_str bytes) {
    char line[32];
    int n = snprintf(line, sizeof line, "%" PRIu64 "\n", id);
    (void)l;
    if (status != STORE_DONE)
        (void)fprintf(stderr, "%" PRIu64 ": %d %.*s\n", id, (int)status, (int)bytes.n, bytes.p);
    else if (write(STDOUT_FILENO, line, (size_t)n) != n)
        _exit(1);
    if (status != STORE_DONE)
        usleep(1000);
    (void)ask(PUT, next++, 0, kept);
}

static void listed(struct loop *l, uint64_t id, enum store_status status, struct gw_str bytes) {
    (void)id;
    (void)status;
    (void)fwrite(bytes.p, 1, bytes.n, stdout);
    uv_stop(&l->uv);
}

/* ------------------------------------------------------------------ the door */

enum { SEEN_MAX = 2048 };
static struct {
    uint64_t id;
    enum store_status status;
} seen[SEEN_MAX];
static size_t seen_n;

static void note(struct loop *l, uint64_t id, enum store_status status, struct gw_str bytes) {
    (void)l;
    if (status == STORE_DONE && id < 100)
        CHECK_STR(bytes, "said back");
    if (seen_n < SEEN_MAX) {
        seen[seen_n].id = id;
        seen[seen_n++].status = status;
    }
}

static void turn_until(size_t n) {
    while (seen_n < n)
        (void)uv_run(&loop.uv, UV_RUN_ONCE);
}

static void test_in_order(void) {
    seen_n = 0;
    for (uint64_t n = 1; n <= 5; n++)
        CHECK(ask(PUT, n, 0, note));
    turn_until(5);
    for (size_t i = 0; i < 5; i++)
        CHECK(seen[i].id == i + 1 && seen[i].status == STORE_DONE);
}

static char numbers[64];
static void note_list(struct loop *l, uint64_t id, enum store_status status, struct gw_str bytes) {
    (void)snprintf(numbers, sizeof numbers, "%.*s", (int)bytes.n, bytes.p);
    note(l, id + 100, status, bytes);
}

/* One that fails takes none of its batch with it, and leaves nothing behind. */
static void test_a_failure_is_alone(void) {
    seen_n = 0;
    pthread_mutex_lock(&gate);
    CHECK(ask(HANG, 200, 0, note));
    CHECK(ask(PUT, 6, 0, note) && ask(SPOIL, 7, 0, note) && ask(PUT, 8, 0, note));
    pthread_mutex_unlock(&gate);
    turn_until(4);
    CHECK(seen[1].status == STORE_DONE && seen[3].status == STORE_DONE);
    CHECK(seen[2].id == 7 && seen[2].status == STORE_FAILED);
    CHECK(ask(LIST, 1, 0, note_list));
    turn_until(5);
    CHECK_STR(gw_str(numbers, strlen(numbers)), "1\n2\n3\n4\n5\n6\n8\n");
}

/* While the disk hangs: by the deadline, once; the answer that comes after it is nobody's. */
static void test_late(void) {
    seen_n = 0;
    pthread_mutex_lock(&gate);
    double began = loop_mono_ms();
    CHECK(ask(HANG, 200, SOON_MS, note) && ask(PUT, 9, SOON_MS, note) && ask(PUT, 10, 0, note));
    turn_until(2);
    double took = loop_mono_ms() - began;
    CHECK(took >= SOON_MS && took < 20 * SOON_MS);
    CHECK(seen[0].status == STORE_LATE && seen[1].status == STORE_LATE);
    pthread_mutex_unlock(&gate);
    turn_until(3);
    CHECK(seen[2].id == 10 && seen[2].status == STORE_DONE);
    (void)uv_run(&loop.uv, UV_RUN_NOWAIT);
    CHECK_EQ_U64(seen_n, 3);
    CHECK(ask(LIST, 1, 0, note_list));
    turn_until(4);
    CHECK(strstr(numbers, "\n9\n") == NULL); /* its time was over before its turn came */
}

static void test_full(void) {
    size_t taken = 0;
    seen_n = 0;
    pthread_mutex_lock(&gate);
    while (taken < SEEN_MAX && ask(HANG, 200 + taken, 0, note))
        taken++;
    CHECK_EQ_U64(taken, STORE_ASKS_MAX);
    CHECK(!ask(LIST, 1, 0, note)); /* and at once */
    pthread_mutex_unlock(&gate);
    turn_until(taken);
    CHECK(ask(PUT, 11, 0, note));
    turn_until(taken + 1);
    CHECK(seen[taken].status == STORE_DONE);
}

static void test_too_long(void) {
    static char much[STORE_BYTES_MAX];
    struct store_ask one = {.what = PUT, .bytes = gw_str(much, sizeof much)};
    CHECK(!store_ask(&loop, &one));
    one = (struct store_ask){.what = WHATS};
    CHECK(!store_ask(&loop, &one));
}

/* The asker's loop ends first; what was asked for is done. */
static void test_leave(void) {
    seen_n = 0;
    pthread_mutex_lock(&gate);
    CHECK(ask(HANG, 200, SOON_MS, note) && ask(PUT, 12, 0, note) && ask(PUT, 13, 0, NULL));
    store_leave(&loop);
    CHECK(!ask(PUT, 14, 0, note));
    pthread_mutex_unlock(&gate);
    CHECK(store_stop(store));
    (void)uv_run(&loop.uv, UV_RUN_NOWAIT);
    CHECK_EQ_U64(seen_n, 0);
}

static int check_door(void) {
    RUN(test_in_order);
    RUN(test_a_failure_is_alone);
    RUN(test_late);
    RUN(test_full);
    RUN(test_too_long);
    RUN(test_leave);
    return unit_end();
}

int main(int argc, char **argv) {
    int code = 0;
    if (argc < 3 || !begin(argv[1]))
        return 2;
    if (strcmp(argv[2], "door") == 0) {
        code = check_door();
    } else if (strcmp(argv[2], "list") == 0) {
        (void)ask(LIST, 0, 0, listed);
        (void)uv_run(&loop.uv, UV_RUN_DEFAULT);
    } else if (argc > 3 && gw_str_u64(gw_str(argv[3], strlen(argv[3])), &next)) {
        for (int i = 0; i < AT_ONCE; i++)
            (void)ask(PUT, next++, 0, kept);
        (void)uv_run(&loop.uv, UV_RUN_DEFAULT);
    }
    end();
    return code;
}
