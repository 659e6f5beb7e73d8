/*
 * location_put with whatever a target may say: a client is told a path below its route's, one that
 * the gateway would take, or a query or a fragment alone, or nothing.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "core/config/url.h"
#include "core/policy/location.h"
#include "heap.h"

#define MUST(cond) ((cond) ? (void)0 : abort())

static const struct gw_target target = {.origin = GW_STR_INIT("http://a:80"),
                                        .authority = GW_STR_INIT("a")};
static const struct place places[] = {
    {.target = &target, .path = GW_STR_INIT("/p/q"), .route = GW_STR_INIT("r/s")},
    {.target = &target,
     .base = GW_STR_INIT("/b"),
     .path = GW_STR_INIT("/"),
     .route = GW_STR_INIT("r/s")},
    {.target = &target, .path = GW_STR_INIT("/api/r/s")},
};

static void check(struct gw_str line, const struct place *place) {
    struct gw_str name = GW_STR("location: "), prefix = GW_STR("/api/r/s");
    MUST(gw_str_starts(line, name) && gw_str_ends(line, GW_STR("\r\n")));
    struct gw_str value = gw_str_sub(line, name.n, line.n - name.n - 2);
    MUST(value.n > 0);
    size_t n = 0;
    while (n < value.n && value.p[n] != '?' && value.p[n] != '#')
        n++;
    struct gw_str path = gw_str_sub(value, 0, n);
    MUST(path.n == 0 || url_check_path(path) == NULL);
    MUST(path.n == 0 || place->route.n == 0 ||
         (gw_str_starts(path, prefix) && (path.n == prefix.n || path.p[prefix.n] == '/')));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct gw_arena arena;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct gw_buf out;
        gw_arena_init(&arena, &heap, 4096, 1 << 20);
        gw_buf_init(&out, &arena, 65536);
        location_put(&out, GW_STR("location"), gw_str(data, n), &places[i]);
        if (out.n > 0 && !out.full)
            check(gw_buf_str(&out), &places[i]);
        gw_arena_del(&arena);
    }
    return 0;
}
