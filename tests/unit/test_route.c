/* The rules of routes: what stands in the table fits together. */
#include "core/policy/route.h"

#include "unit.h"

static void test_methods(void) {
    CHECK_EQ_U64(route_method(GW_STR("GET")), ROUTE_GET);
    CHECK_EQ_U64(route_method(GW_STR("DELETE")), ROUTE_DELETE);
    CHECK_EQ_U64(route_method(GW_STR("OPTIONS")), ROUTE_OPTIONS);
    CHECK_EQ_U64(
        route_method(GW_STR("get")) + route_method(GW_STR("TRACE")) + route_method(GW_STR("")), 0);
}

static void test_allow(void) {
    static const char *const texts[] = {"GET, HEAD", "POST", "POST, DELETE",
                                        "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"};
    static const uint32_t kinds[] = {GW_ROUTE_NODES, GW_ROUTE_PROCESS, GW_ROUTE_NODE,
                                     GW_ROUTE_LOCAL};
    struct unit_mem mem;
    struct gw_arena arena;
    unit_mem_init(&mem, 0);
    gw_arena_init(&arena, &mem.mem, 1024, 4096);
    for (uint32_t i = 0; i < 4; i++) {
        struct gw_buf b;
        gw_buf_init(&b, &arena, 64);
        route_put_methods(route_rules[kinds[i]].methods, &b);
        CHECK(gw_str_eq(gw_buf_str(&b), gw_str(texts[i], strlen(texts[i]))));
    }
    gw_arena_del(&arena);
}

/* Only what goes to a target has a body that is sent on, an answer to judge, and a second attempt. */
static void test_rows(void) {
    for (uint32_t i = 0; i < GW_ROUTE_KINDS; i++) {
        const struct route_rule *r = &route_rules[i];
        bool sent = r->repeats != 0;
        CHECK(r->methods != 0 && (r->repeats & ~ROUTE_ALL) == 0);
        CHECK(!(r->repeats & ROUTE_PATCH));
        CHECK(!r->judged || sent);
        CHECK(!sent || r->body != ROUTE_NO_BODY);
        CHECK(!(r->repeats & ROUTE_POST) || r->judged);
        CHECK(r->who == ROUTE_KEY || !sent);
    }
}

int main(void) {
    RUN(test_methods);
    RUN(test_allow);
    RUN(test_rows);
    return unit_end();
}
