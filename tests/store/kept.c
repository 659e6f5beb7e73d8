/*
 * What is kept by owner and name, in a database alone:
 *
 *     store-kept DIR       checks, as a unit test
 */
#define _GNU_SOURCE
#include <time.h>

#include "../unit/unit.h"
#include "native/loop/log.h"
#include "native/store/db.h"
#include "native/store/kept.h"

enum { TEXT_MAX = 4096 };
static const uint64_t FAR_MS = 4102444800000ULL;

static struct db db;
static bool batch; /* a transaction goes on: each that is kept waits for the disk */
static struct log *log_of_all;

static enum store_status
run(enum store_status (*what)(struct db *, struct gw_str, struct gw_str, struct store_out *),
    bool writes, struct gw_str key, struct gw_str bytes, struct store_out *out) {
    CHECK(batch || db_begin(&db, writes));
    enum store_status status = what(&db, key, bytes, out);
    if (status == STORE_FAILED)
        db_undo(&db);
    else
        CHECK(batch || db_commit(&db));
    return status;
}

/* Keeps `n` bytes until then. */
static enum store_status put(struct gw_str key, uint64_t until_ms, size_t n) {
    size_t all = n + 32;
    char *text = malloc(all);
    struct gw_buf b = {.p = text, .cap = all, .max = all};
    gw_buf_put_u64(&b, until_ms);
    gw_buf_putc(&b, '\n');
    for (size_t i = 0; i < n; i++)
        gw_buf_putc(&b, (char)('a' + i % 26));
    enum store_status status = run(kept_put, true, key, gw_buf_str(&b), NULL);
    free(text);
    return status;
}

/* How many bytes are kept there; -1: nothing. */
static long got(struct gw_str key) {
    struct store_out out = {.p = NULL};
    enum store_status status = run(kept_get, false, key, GW_STR(""), &out);
    long n = status == STORE_DONE ? (long)out.n : -1;
    for (long i = 0; i < n; i++)
        CHECK(out.p[i] == 'a' + i % 26);
    free(out.p);
    CHECK(status == STORE_DONE || status == STORE_NONE);
    return n;
}

static enum store_status drop(struct gw_str key) {
    return run(kept_drop, true, key, GW_STR(""), NULL);
}

static void test_put_get_drop(void) {
    CHECK(got(GW_STR("ann/one")) == -1);
    CHECK(put(GW_STR("ann/one"), FAR_MS, 100) == STORE_DONE);
    CHECK(put(GW_STR("bob/one"), FAR_MS, 7) == STORE_DONE);
    CHECK(put(GW_STR("CN=a/b/one"), FAR_MS, 8) == STORE_DONE);
    CHECK(got(GW_STR("ann/one")) == 100 && got(GW_STR("bob/one")) == 7);
    CHECK(got(GW_STR("CN=a/b/one")) == 8 && got(GW_STR("b/one")) == -1);
    CHECK(put(GW_STR("ann/one"), FAR_MS, 2 << 20) == STORE_DONE);
    CHECK(got(GW_STR("ann/one")) == 2 << 20);
    CHECK(drop(GW_STR("ann/one")) == STORE_DONE && drop(GW_STR("ann/one")) == STORE_NONE);
    CHECK(got(GW_STR("ann/one")) == -1 && got(GW_STR("bob/one")) == 7);
}

static void test_what_is_none(void) {
    CHECK(put(GW_STR("ann"), FAR_MS, 1) == STORE_FAILED);
    CHECK(put(GW_STR("/one"), FAR_MS, 1) == STORE_FAILED);
    CHECK(put(GW_STR("ann/"), FAR_MS, 1) == STORE_FAILED);
    CHECK(run(kept_put, true, GW_STR("ann/x"), GW_STR("no time"), NULL) == STORE_FAILED);
    CHECK(run(kept_put, true, GW_STR("ann/x"), GW_STR("x\ny"), NULL) == STORE_FAILED);
    CHECK(got(GW_STR("ann")) == -1 && got(GW_STR("ann/x")) == -1);
    CHECK(drop(GW_STR("ann")) == STORE_NONE);
}

static void test_what_is_over(void) {
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    uint64_t now_ms = (uint64_t)wall.tv_sec * 1000;
    CHECK(put(GW_STR("eve/old"), now_ms - 1000, 5) == STORE_DONE);
    CHECK(put(GW_STR("eve/new"), now_ms + 60000, 5) == STORE_DONE);
    CHECK(got(GW_STR("eve/old")) == -1 && got(GW_STR("eve/new")) == 5);
    CHECK(drop(GW_STR("eve/old")) == STORE_NONE); /* the put of the other has deleted it */
}

static void put_numbered(uint32_t i, size_t n) {
    char text[32];
    int length = snprintf(text, sizeof text, "dan/%u", i);
    CHECK(put(gw_str(text, (size_t)length), FAR_MS + i, n) == STORE_DONE);
}

/* What ends soonest gives place. */
static void test_bytes_of_an_owner(void) {
    uint32_t n = GW_STORED_OWNER_MAX / GW_STORED_MAX;
    for (uint32_t i = 0; i < n + 2; i++)
        put_numbered(i, GW_STORED_MAX);
    CHECK(got(GW_STR("dan/0")) == -1 && got(GW_STR("dan/1")) == -1);
    CHECK(got(GW_STR("dan/2")) == GW_STORED_MAX && got(GW_STR("bob/one")) == 7);
    put_numbered(2, GW_STORED_MAX); /* its own place is free by then */
    CHECK(got(GW_STR("dan/3")) == GW_STORED_MAX);
}

static void test_number_of_an_owner(void) {
    CHECK(db_begin(&db, true));
    batch = true;
    for (uint32_t i = 0; i < GW_STORED_OF_OWNER + 3; i++)
        put_numbered(100 + i, 10);
    batch = false;
    CHECK(db_commit(&db));
    CHECK(got(GW_STR("dan/33")) == -1 && got(GW_STR("dan/102")) == -1);
    CHECK(got(GW_STR("dan/103")) == 10 && got(GW_STR("bob/one")) == 7);
}

int main(int argc, char **argv) {
    if (argc < 2 || !db_init(&db, argv[1], false, log_of_all))
        return 2;
    RUN(test_put_get_drop);
    RUN(test_what_is_none);
    RUN(test_what_is_over);
    RUN(test_bytes_of_an_owner);
    RUN(test_number_of_an_owner);
    db_close(&db);
    db_del(&db);
    return unit_end();
}
