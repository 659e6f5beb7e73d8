/*
 * A test program in a few lines: checks that go on after a failure, tests that are counted.
 *
 *     static void test_sum(void) { CHECK(1 + 1 == 2); }
 *     int main(void) { RUN(test_sum); return unit_end(); }
 *
 * It ends with one line, "N passed, N failed", and exits 1 if any failed. Test programs run with
 * the repository's root as working directory, natively and as wasm32-wasi.
 */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "core/gw.h"

static unsigned unit_passed, unit_failed, unit_bad; /* unit_bad: checks of the test at hand */

#define CHECK(cond) unit_check((cond), __FILE__, __LINE__, #cond)
#define CHECK_EQ_U64(a, b) unit_check_u64((uint64_t)(a), (uint64_t)(b), __FILE__, __LINE__, #a)
/* A gw_str against a literal. */
#define CHECK_STR(s, lit) unit_check_str((s), GW_STR(lit), __FILE__, __LINE__, #s)
#define RUN(test) unit_run(test, #test)

static inline bool unit_check(bool ok, const char *file, int line, const char *what) {
    if (!ok) {
        printf("%s:%d: not so: %s\n", file, line, what);
        unit_bad++;
    }
    return ok;
}

static inline bool unit_check_u64(uint64_t a, uint64_t b, const char *file, int line,
                                  const char *what) {
    if (a != b)
        printf("%s:%d: %" PRIu64 " and not %" PRIu64 "\n", file, line, a, b);
    return unit_check(a == b, file, line, what);
}

static inline bool unit_check_str(struct gw_str a, struct gw_str b, const char *file, int line,
                                  const char *what) {
    if (!gw_str_eq(a, b))
        printf("%s:%d: '%.*s' and not '%.*s'\n", file, line, (int)a.n, a.n ? a.p : "", (int)b.n,
               b.p);
    return unit_check(gw_str_eq(a, b), file, line, what);
}

static inline void unit_run(void (*test)(void), const char *name) {
    unit_bad = 0;
    test();
    if (unit_bad > 0)
        printf("FAILED %s\n", name);
    unit_failed += unit_bad > 0;
    unit_passed += unit_bad == 0;
}

static inline int unit_end(void) {
    printf("%u passed, %u failed\n", unit_passed, unit_failed);
    return unit_failed > 0;
}

/* A gw_mem that counts what is out, and fails from the `fail_at`th get on (from 1; 0: never). */
struct unit_mem {
    struct gw_mem mem;
    size_t gets, fail_at, blocks, bytes;
};

static inline void *unit_get(void *user, size_t n) {
    struct unit_mem *m = user;
    m->gets++;
    if (m->fail_at > 0 && m->gets >= m->fail_at)
        return NULL;
    m->blocks++;
    m->bytes += n;
    return malloc(n);
}

static inline void unit_put(void *user, void *p, size_t n) {
    struct unit_mem *m = user;
    m->blocks--;
    m->bytes -= n;
    free(p);
}

static inline void unit_mem_init(struct unit_mem *m, size_t fail_at) {
    *m = (struct unit_mem){.mem = {unit_get, unit_put, m}, .fail_at = fail_at};
}

/* The cells of a gateway (struct gw_cells): always the same, as they are at first. */
static inline uint64_t *unit_cells(void) {
    static uint64_t *cells;
    if (cells == NULL)
        cells = malloc(gw_cells_n() * sizeof *cells);
    if (cells == NULL)
        abort();
    return memset(cells, 0, gw_cells_n() * sizeof *cells);
}

#endif
