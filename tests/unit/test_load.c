/* gw_load: a new configuration under a running gateway. */
#include "core/call/call.h"

#include "unit.h"

static struct unit_mem mem;
static const struct gw_time at = {1000, 1e12};
static char why[512];
static size_t why_n;

static struct gw_source file(const char *text) {
    return (struct gw_source){GW_RACK, GW_STR(""), gw_str(text, strlen(text))};
}

static struct gw *make(const char *text) {
    struct gw_cells shared = {unit_cells(), 1};
    struct gw_source source = file(text);
    unit_mem_init(&mem, 0);
    return gw_new(&mem.mem, &shared, &source, 1, why, sizeof why, &why_n);
}

static int load(struct gw *gw, const char *text) {
    struct gw_source source = file(text);
    return gw_load(gw, &source, why, sizeof why, &why_n);
}

#define SERVICES(list) "{\"local\": {\"services\": {" list "}}}"
#define A "\"a\": \"http://a\""
#define B "\"b\": \"http://b\""
#define C "\"c\": \"http://c\""

static void finish(struct gw *gw) {
    gw_del(gw);
    CHECK_EQ_U64(mem.blocks, 0);
}

static void test_bad_one_changes_nothing(void) {
    struct gw *gw = make(SERVICES(A));
    const struct config *before = gw->cluster.conf;
    CHECK(load(gw, "{\n\"heavy\": {\"queue\": 1}}") == -1);
    CHECK(gw->cluster.conf == before && before->refs == 1);
    CHECK(gw_str_find(gw_str(why, why_n), GW_STR("line 2")) >= 0);
    finish(gw);
}

static void test_no_memory_changes_nothing(void) {
    struct gw *gw = make(SERVICES(A));
    const struct config *before = gw->cluster.conf;
    mem.fail_at = mem.gets + 1;
    CHECK(load(gw, SERVICES(A "," B)) == -1);
    mem.fail_at = 0;
    CHECK(gw->cluster.conf == before);
    finish(gw);
}

static void test_running_call_keeps_its_own(void) {
    struct gw *gw = make("{\"limits\": {\"request_ms\": 5000}}");
    struct gw_call *old = gw_open(gw, at);
    CHECK(load(gw, "{\"limits\": {\"request_ms\": 7000}}") == 0);
    struct gw_call *new = gw_open(gw, at);
    CHECK_EQ_U64(old->conf->limits.request_ms, 5000);
    CHECK_EQ_U64(new->conf->limits.request_ms, 7000);
    gw_close(old, at);
    gw_close(new, at);
    finish(gw);
}

static void break_it(struct gw *gw, uint32_t slot) {
    struct breaker_grant grant;
    for (int i = 0; i < 3; i++) {
        CHECK(pool_take(&gw->cluster.pool, slot, 0, false, at.mono_ms, &grant));
        pool_failed(&gw->cluster.pool, slot, &grant, POOL_REFUSED, false, at);
        pool_give(&gw->cluster.pool, slot);
    }
}

static void test_health_goes_by_name(void) {
    struct gw *gw = make(SERVICES(A "," B));
    uint32_t b = gw->cluster.conf->services[1].slot;
    break_it(gw, b);
    break_it(gw, 3);
    CHECK(load(gw, SERVICES(B "," C)) == 0);
    CHECK_EQ_U64(gw->cluster.conf->services[0].slot, b);
    CHECK(gw->cluster.conf->services[1].slot != b);
    CHECK(pool_state_of(&gw->cluster.pool, b, at.mono_ms) == POOL_DOWN);
    CHECK(pool_state_of(&gw->cluster.pool, 3, at.mono_ms) == POOL_DOWN);
    CHECK(pool_state_of(&gw->cluster.pool, gw->cluster.conf->services[1].slot, at.mono_ms) ==
          POOL_READY);
    CHECK(load(gw, SERVICES(A)) == 0);
    CHECK(load(gw, SERVICES(A "," B)) == 0);
    CHECK(pool_state_of(&gw->cluster.pool, gw->cluster.conf->services[1].slot, at.mono_ms) ==
          POOL_READY);
    finish(gw);
}

static void test_new_service_leaves_running_calls_their_slot(void) {
    struct gw *gw = make(SERVICES(A));
    uint32_t a = gw->cluster.conf->services[0].slot;
    struct breaker_grant grant;
    CHECK(pool_take(&gw->cluster.pool, a, 0, false, at.mono_ms, &grant));
    gw->cluster.pool.backend[a].waiting = 1;
    CHECK(load(gw, SERVICES(B)) == 0);
    CHECK(gw->cluster.conf->services[0].slot != a);
    pool_forget(&gw->cluster.pool, a);
    CHECK_EQ_U64(gw->cluster.pool.backend[a].waiting, 1);
    pool_give(&gw->cluster.pool, a);
    CHECK_EQ_U64(pool_in_flight(&gw->cluster.pool, a), 0);
    finish(gw);
}

/* All 32 places change hands at once. */
static void test_every_service_is_new(void) {
    char text[2][2048];
    for (int k = 0; k < 2; k++) {
        size_t n = (size_t)snprintf(text[k], sizeof text[k], "{\"local\": {\"services\": {");
        for (int i = 0; i < GW_SERVICES; i++)
            n += (size_t)snprintf(text[k] + n, sizeof text[k] - n, "%s\"%c%d\": \"http://h\"",
                                  i > 0 ? "," : "", "xy"[k], i);
        (void)snprintf(text[k] + n, sizeof text[k] - n, "}}}");
    }
    struct gw *gw = make(text[0]);
    CHECK(gw != NULL && load(gw, text[1]) == 0);
    uint64_t seen = 0;
    for (uint32_t i = 0; i < GW_SERVICES; i++)
        seen |= 1ull << gw->cluster.conf->services[i].slot;
    CHECK_EQ_U64(seen, 0xffffffffull << GW_NODES);
    finish(gw);
}

int main(void) {
    RUN(test_bad_one_changes_nothing);
    RUN(test_no_memory_changes_nothing);
    RUN(test_running_call_keeps_its_own);
    RUN(test_health_goes_by_name);
    RUN(test_new_service_leaves_running_calls_their_slot);
    RUN(test_every_service_is_new);
    return unit_end();
}
