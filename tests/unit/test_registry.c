/* Leases of nodes: rules of URLs, newest wins, lines, and what calls see of them. */
#include "core/call/call.h"

#include "unit.h"

enum { WALL = 1000000 };

static struct unit_mem mem;
static const struct gw_time at = {1000, WALL};
static char why[512];
static size_t why_n;

#define SECRET "NODE_SECRET=a-node-secret-for-units\0"
#define ENV(text) ((struct gw_source){GW_RACK, GW_STR(text), GW_STR("")})

static struct gw *make(struct gw_source source) {
    struct gw_cells shared = {unit_cells(), 1};
    unit_mem_init(&mem, 0);
    return gw_new(&mem.mem, &shared, &source, 1, why, sizeof why, &why_n);
}

static void finish(struct gw *gw) {
    gw_del(gw);
    CHECK_EQ_U64(mem.blocks, 0);
}

static bool take(struct gw *gw, const char *fields, struct gw_time now) {
    return registry_take_line(&gw->cluster, gw_str(fields, strlen(fields)), now);
}

/* By openssl dgst -sha256 -hmac. */
static void test_keys(void) {
    struct gw *gw = make(ENV(SECRET));
    CHECK_STR(gw->cluster.conf->node_keys[2],
              "788cb2ad56eb7ecfac68b79becd663f14f290f7bf50d52f4b63fa6057c451e4e");
    CHECK_STR(gw->cluster.conf->nodes[2].bearer,
              "Bearer 4b586b7444b52fa7575ee62f2b44ff47415e3881d9037259bfbf04a8319fdbbf");
    CHECK(!gw_str_eq(gw->cluster.conf->node_keys[0], gw->cluster.conf->node_keys[2]));
    finish(gw);
}

static void refused(struct gw_source source, struct gw_str says) {
    CHECK(make(source) == NULL);
    if (!CHECK(gw_str_starts(gw_str(why, why_n), says)))
        printf("  %.*s\n", (int)why_n, why);
    CHECK_EQ_U64(mem.blocks, 0);
}

static void test_bad_configuration(void) {
    refused(ENV("NODE_SECRET=short\0"), GW_STR("NODE_SECRET: is shorter"));
    refused(ENV("NODE_HOSTS=.ngrok.app\0"), GW_STR("NODE_HOSTS: is not a list"));
    refused(ENV("NODE_HOSTS=10.0.0.1\0"), GW_STR("NODE_HOSTS: is not a list"));
    refused(ENV("NODE_HOSTS=a b\0"), GW_STR("NODE_HOSTS: is not a list"));
    refused(ENV("REGISTRY_URL=https://a.example\0"), GW_STR("REGISTRY_URL: needs TWIN_SECRET"));
    refused(ENV("REGISTRY_URL=http://a.example\0"), GW_STR("REGISTRY_URL: is http beyond"));
    refused(ENV("REGISTRY_URL=a.example\0"), GW_STR("REGISTRY_URL: does not begin"));
}

static bool may_be(const struct gw *gw, const char *url) {
    struct gw_arena arena;
    struct url out;
    gw_arena_init(&arena, &mem.mem, 1024, 8192);
    bool good =
        registry_check_url(gw->cluster.conf, gw_str(url, strlen(url)), &arena, &out) == NULL;
    gw_arena_del(&arena);
    return good;
}

static void test_hosts(void) {
    static const char *const good[] = {"https://a.ngrok-free.app", "https://A.NGROK.APP/base",
                                       "https://a.b.ngrok.io",     "https://x-y.trycloudflare.com",
                                       "https://a.ngrok.dev:8443", "https://ngrok-free.dev"};
    static const char *const bad[] = {
        "http://a.ngrok.app",       "https://evilngrok.app",     "https://ngrok.app.evil.example",
        "https://a.ngrok.app.",     "https://127.0.0.1",         "https://[::1]",
        "https://localhost",        "http://localhost:4000",     "https://2130706433",
        "https://0x7f000001",       "https://1.2.3.4.ngrok.0x1", "https://a@a.ngrok.app",
        "https://a.ngrok.app?x=1",  "ftp://a.ngrok.app",         "",
        "https://a.ngrok.app/a//b", "https://a.ngrok.app/../b",  "https://a.ngrok.app\n",
        "https://10.0.0.1.nip.io",  "https://a.ngrok.app:0",     "https://.ngrok.app"};
    struct gw *gw = make(ENV(SECRET));
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!CHECK(may_be(gw, good[i])))
            printf("  refused: %s\n", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!CHECK(!may_be(gw, bad[i])))
            printf("  accepted: %s\n", bad[i]);
    finish(gw);
}

static void test_loopback_only_if_named(void) {
    struct gw *gw = make(ENV(SECRET "NODE_HOSTS=heady.example, 127.0.0.1\0"));
    CHECK(may_be(gw, "http://127.0.0.1:4000"));
    CHECK(may_be(gw, "https://a.heady.example"));
    CHECK(!may_be(gw, "http://a.heady.example"));
    CHECK(!may_be(gw, "http://127.0.0.2:4000"));
    CHECK(!may_be(gw, "http://localhost:4000"));
    CHECK(!may_be(gw, "https://a.ngrok.app"));
    finish(gw);
}

static void test_claims(void) {
    struct gw *gw = make(ENV(SECRET));
    CHECK(registry_claim(&gw->cluster, 2, 10));
    CHECK(!registry_claim(&gw->cluster, 2, 10));
    CHECK(!registry_claim(&gw->cluster, 2, 9));
    CHECK(registry_claim(&gw->cluster, 1, 9));
    CHECK(registry_claim(&gw->cluster, 2, 11));
    CHECK(take(gw, "node-3 20 1 0 -", at));
    CHECK(!registry_claim(&gw->cluster, 2, 20));
    finish(gw);
}

static const struct backend_conf *node_3(struct gw *gw, struct gw_arena *arena) {
    return registry_node(&gw->cluster, gw->cluster.conf, 2, arena);
}

static void test_newest_wins(void) {
    struct gw *gw = make(ENV(SECRET "COLAB_ENDPOINT_3=http://127.0.0.1:9\0"));
    struct gw_arena arena;
    gw_arena_init(&arena, &mem.mem, 1024, 16384);
    CHECK(node_3(gw, &arena) == &gw->cluster.conf->nodes[2]);
    CHECK(take(gw, "node-3 5 1100000 3 https://a.ngrok.app/x", at));
    const struct backend_conf *first = node_3(gw, &arena);
    CHECK_STR(first->target.origin, "https://a.ngrok.app:443");
    CHECK_STR(first->target.name, "node-3");
    CHECK_STR(first->base, "/x");
    CHECK(first->ngrok && first->set && first->in_flight_max == 3 && first->slot == 2);
    CHECK(take(gw, "node-3 4 1100000 0 https://b.ngrok.app", at));
    CHECK(take(gw, "node-3 5 1100000 0 https://b.ngrok.app", at));
    CHECK_STR(node_3(gw, &arena)->target.origin, "https://a.ngrok.app:443");
    CHECK(take(gw, "node-3 6 1100000 0 https://b.ngrok.app", at));
    CHECK_STR(node_3(gw, &arena)->target.origin, "https://b.ngrok.app:443");
    CHECK_EQ_U64(node_3(gw, &arena)->in_flight_max, 8);
    CHECK_STR(first->target.origin, "https://a.ngrok.app:443"); /* a call's own */
    CHECK(take(gw, "node-3 7 1000000 0 https://b.ngrok.app", at));
    CHECK(node_3(gw, &arena) == &gw->cluster.conf->nodes[2]);
    gw_arena_del(&arena);
    finish(gw);
}

static void test_other_url_is_another_backend(void) {
    struct gw *gw = make(ENV(SECRET));
    CHECK(take(gw, "node-3 1 1100000 0 https://a.ngrok.app", at));
    pool_first_content(&gw->cluster.pool, 2, 500, false, 0, 1000);
    CHECK(take(gw, "node-3 2 1100000 0 https://a.ngrok.app", at));
    CHECK(gw->cluster.pool.backend[2].ewma_at > 0);
    CHECK(take(gw, "node-3 3 1100000 0 https://b.ngrok.app", at));
    CHECK(gw->cluster.pool.backend[2].ewma_at <= 0);
    finish(gw);
}

static void test_end(void) {
    struct gw *gw = make(ENV(SECRET));
    CHECK(take(gw, "node-3 1 1010000 0 https://a.ngrok.app", at));
    registry_tend(&gw->cluster, (struct gw_time){1000, WALL + 4999});
    CHECK(gw->cluster.registry.entry[2].in_force);
    registry_tend(&gw->cluster, (struct gw_time){1000, WALL + 5000});
    CHECK(!gw->cluster.registry.entry[2].in_force);
    finish(gw);
}

static void test_quick_tunnels(void) {
    struct gw *gw = make(ENV(SECRET));
    struct gw_arena arena;
    gw_arena_init(&arena, &mem.mem, 1024, 16384);
    CHECK(take(gw, "node-3 1 1100000 1000 https://a.trycloudflare.com", at));
    CHECK_EQ_U64(node_3(gw, &arena)->in_flight_max, 200);
    CHECK(take(gw, "node-3 2 1100000 1000 https://a.ngrok.app", at));
    CHECK_EQ_U64(node_3(gw, &arena)->in_flight_max, 1000);
    gw_arena_del(&arena);
    finish(gw);
}

static void test_lines(void) {
    static const char *const bad[] = {"",
                                      "node-3",
                                      "node-9 1 1100000 0 https://a.ngrok.app",
                                      "node-3 x 1100000 0 -",
                                      "node-3 1 1100000 0",
                                      "node-3 1 1100000 0 ",
                                      "node-3 1 1100000 99999999999 -",
                                      "node-3 1 9000000 0 https://a.ngrok.app",
                                      "node-3 1 1100000 0 https://evil.example",
                                      "node-33 1 1100000 0 -",
                                      "3 1 1100000 0 -"};
    struct gw *gw = make(ENV(SECRET));
    struct gw_arena arena;
    struct gw_buf b;
    gw_arena_init(&arena, &mem.mem, 1024, 16384);
    gw_buf_init(&b, &arena, 4096);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!CHECK(!take(gw, bad[i], at)))
            printf("  accepted: %s\n", bad[i]);
    CHECK(take(gw, "node-3 1 1100000 2 https://a.ngrok.app", at));
    registry_put_changed(&gw->cluster, &b);
    CHECK_EQ_U64(b.n, 0); /* told, not found out here */
    registry_take_answer(&gw->cluster,
                         GW_STR("lease node-8 7 1100000 0 https://b.ngrok.app\nother\nlease x\n"
                                "lease node-1 7 8 0 -"),
                         at);
    registry_put_changed(&gw->cluster, &b);
    CHECK_STR(gw_buf_str(&b),
              "lease node-1 7 8 0 -\nlease node-8 7 1100000 0 https://b.ngrok.app\n");
    registry_put_changed(&gw->cluster, &b);
    b.n = 0;
    registry_put_lines(&gw->cluster, &b);
    CHECK_STR(gw_buf_str(&b), "lease node-1 7 8 0 -\n"
                              "lease node-3 1 1100000 2 https://a.ngrok.app\n"
                              "lease node-8 7 1100000 0 https://b.ngrok.app\n");
    gw_arena_del(&arena);
    finish(gw);
}

/* What the registry says of the future counts as of now, once. */
static void test_answer_from_the_future(void) {
    struct gw *gw = make(ENV(SECRET));
    const struct gw_str far =
        GW_STR("lease node-3 999999999999999999 1100000 0 https://a.ngrok.app");
    const struct lease *lease = &gw->cluster.registry.entry[2].lease;
    registry_take_answer(&gw->cluster, far, at);
    CHECK(lease->stamp == WALL && gw->cluster.registry.entry[2].in_force);
    CHECK(registry_claim(&gw->cluster, 2, WALL + 1));
    CHECK(take(gw, "node-3 1000001 1100000 0 https://b.ngrok.app", at));
    registry_take_answer(&gw->cluster, far, (struct gw_time){3000, WALL + 2000});
    CHECK_STR(lease->url, "https://b.ngrok.app");
    /* a node's clock may be ahead by three minutes */
    CHECK(take(gw, "node-3 1180000 1100000 0 https://c.ngrok.app", at));
    CHECK(lease->stamp == WALL + 180000);
    finish(gw);
}

static void test_no_memory(void) {
    struct gw *gw = make(ENV(SECRET));
    mem.fail_at = mem.gets + 1;
    (void)take(gw, "node-3 1 1100000 0 https://a.ngrok.app", at);
    mem.fail_at = 0;
    CHECK(!gw->cluster.registry.entry[2].in_force);
    CHECK(take(gw, "node-3 2 1100000 0 https://a.ngrok.app", at));
    CHECK(gw->cluster.registry.entry[2].in_force);
    finish(gw);
}

int main(void) {
    RUN(test_keys);
    RUN(test_bad_configuration);
    RUN(test_hosts);
    RUN(test_loopback_only_if_named);
    RUN(test_claims);
    RUN(test_newest_wins);
    RUN(test_other_url_is_another_backend);
    RUN(test_end);
    RUN(test_quick_tunnels);
    RUN(test_lines);
    RUN(test_answer_from_the_future);
    RUN(test_no_memory);
    return unit_end();
}
