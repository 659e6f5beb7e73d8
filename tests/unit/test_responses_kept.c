#include "unit.h"

#include "base/json_walk.h"
#include "format/responses_kept.h"

static struct unit_mem mem;
static struct gw_arena arena;

#define OWN "resp_hg0123456789abcdefABCDEF01"
#define KEPT                                                                                       \
    "{\"input\":[{\"role\":\"user\",\"content\":\"one\"}],\"response\":{\"id\":\"" OWN             \
    "\",\"output\":[{\"type\":\"message\"},{\"type\":\"function_call\"}]}}"

static struct gw_str joined(struct gw_str request, struct gw_str kept) {
    struct gw_buf b;
    gw_buf_init(&b, &arena, 4096);
    return responses_kept_join(request, kept, &b) ? gw_buf_str(&b) : GW_STR("");
}

static void test_ids(void) {
    CHECK(responses_kept_is_own(GW_STR(OWN)));
    CHECK(!responses_kept_is_own(GW_STR(OWN "0")));
    CHECK(!responses_kept_is_own(GW_STR("resp_hg")));
    CHECK(!responses_kept_is_own(GW_STR("resp_hg0123456789abcdefABCDEF0/")));
    CHECK(!responses_kept_is_own(GW_STR("resp_0123456789abcdefABCDEF012345")));
    CHECK_STR(responses_kept_previous(GW_STR("{\"a\":1,\"previous_response_id\":\"x\"}")), "x");
    CHECK_STR(responses_kept_previous(GW_STR("{\"previous_response_id\":null}")), "");
    CHECK_STR(responses_kept_previous(GW_STR("{\"previous_response_id\":7}")), "");
    CHECK_STR(responses_kept_previous(GW_STR("{\"input\":{\"previous_response_id\":\"x\"}}")), "");
    CHECK_STR(responses_kept_previous(GW_STR("[]")), "");
    CHECK_STR(responses_kept_previous(GW_STR("")), "");
}

static void test_joins(void) {
    CHECK_STR(
        joined(GW_STR("{\"model\":\"m\",\"input\":\"t\\\"wo\",\"store\":false}"), GW_STR(KEPT)),
        "{\"model\":\"m\",\"store\":false,\"input\":[{\"role\":\"user\",\"content\":\"one\"},"
        "{\"type\":\"message\"},{\"type\":\"function_call\"},"
        "{\"type\":\"message\",\"role\":\"user\",\"content\":\"t\\\"wo\"}]}");
    CHECK_STR(joined(GW_STR(" { \"input\" : [ {\"a\" : 1} ,\n{\"b\":[]} ] } "), GW_STR(KEPT)),
              "{\"input\":[{\"role\":\"user\",\"content\":\"one\"},{\"type\":\"message\"},"
              "{\"type\":\"function_call\"},{\"a\" : 1},{\"b\":[]}]}");
    CHECK_STR(joined(GW_STR("{}"), GW_STR(KEPT)),
              "{\"input\":[{\"role\":\"user\",\"content\":\"one\"},{\"type\":\"message\"},"
              "{\"type\":\"function_call\"}]}");
}

/* A store may hold anything. */
static void test_what_was_not_kept(void) {
    static const struct gw_str kept[] = {GW_STR_INIT(""),
                                         GW_STR_INIT("{}"),
                                         GW_STR_INIT("x"),
                                         GW_STR_INIT("{\"input\":[]}"),
                                         GW_STR_INIT("{\"input\":{},\"response\":{}}"),
                                         GW_STR_INIT("{\"input\":[],\"response\":[]}"),
                                         GW_STR_INIT("{\"input\":[],\"response\":{}"),
                                         GW_STR_INIT("{\"input\":[1],\"response\":{}}x")};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        CHECK_STR(joined(GW_STR("{\"input\":\"a\"}"), kept[i]), "");
    for (size_t n = 0; n < sizeof KEPT - 1; n++)
        CHECK_STR(joined(GW_STR("{\"input\":\"a\"}"), gw_str(KEPT, n)), "");
}

static void test_limits(void) {
    struct gw_buf b;
    for (size_t n = 0; n < 100; n++) {
        gw_buf_init(&b, &arena, n);
        CHECK(!responses_kept_join(GW_STR("{\"input\":\"a\"}"), GW_STR(KEPT), &b));
    }
}

static void test_what_is_kept(void) {
    struct gw_buf b;
    gw_buf_init(&b, &arena, 4096);
    responses_kept_put(GW_STR("{\"model\":\"m\",\"input\":\"one\"}"),
                       GW_STR("{\"id\":\"" OWN "\",\"output\":[{}]}"), &b);
    CHECK_STR(gw_buf_str(&b),
              "{\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":\"one\"}],"
              "\"response\":{\"id\":\"" OWN "\",\"output\":[{}]}}");
    CHECK_STR(responses_kept_answer(gw_buf_str(&b)), "{\"id\":\"" OWN "\",\"output\":[{}]}");
    CHECK_STR(joined(GW_STR("{\"input\":[]}"), gw_buf_str(&b)),
              "{\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":\"one\"},{}]}");
}

int main(void) {
    unit_mem_init(&mem, 0);
    gw_arena_init(&arena, &mem.mem, 65536, 1 << 24);
    RUN(test_ids);
    RUN(test_joins);
    RUN(test_what_was_not_kept);
    RUN(test_limits);
    RUN(test_what_is_kept);
    gw_arena_del(&arena);
    return unit_end();
}
