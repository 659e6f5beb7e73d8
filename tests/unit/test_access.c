#include "core/policy/access.h"

#include "unit.h"

static struct config conf;
static struct gw_time now = {1000, 1.8e12};
static struct unit_mem mem;
static struct gw_arena arena;

static struct gw_req_head request(struct gw_str target) {
    return (struct gw_req_head){
        .method = GW_STR("POST"), .target = target, .authority = GW_STR("localhost")};
}

static struct gw_str sign(struct gw_str name, struct gw_str target) {
    struct gw_buf b;
    gw_buf_init(&b, &arena, 1024);
    access_sign_hop(&conf, name, GW_STR("id.with.dots"), GW_STR("POST"), target, now, &b);
    return gw_str_trim(gw_str_sub(gw_buf_str(&b), 13, b.n - 15));
}

static enum access_answer check(struct gw_str hop, struct gw_str target, double at,
                                struct identity *who) {
    struct client_head head = {.hop = hop};
    struct gw_req_head req = request(target);
    return access_check(&conf, &req, &head, (struct gw_time){0, at}, who);
}

static void test_hop(void) {
    static struct key_conf keys[1];
    struct identity who;
    memset(&conf, 0, sizeof conf);
    keys[0].name = GW_STR("ann");
    conf.keys = keys;
    conf.keys_n = 1;
    conf.auth = GW_AUTH_KEYS;
    conf.twin_secret = GW_STR("0123456789abcdef");
    struct gw_str hop = sign(GW_STR("ann"), GW_STR("/api/x?y"));
    CHECK(check(hop, GW_STR("/api/x?y"), 1.8e12 + 119000, &who) == GW_ACCESS_OK && who.hop);
    CHECK_STR(who.name, "ann");
    CHECK_STR(who.id, "id.with.dots");
    CHECK(check(hop, GW_STR("/api/x?z"), 1.8e12, &who) == GW_ACCESS_NO_KEY && !who.hop);
    CHECK(check(hop, GW_STR("/api/x?y"), 1.8e12 + 121000, &who) == GW_ACCESS_NO_KEY);
    CHECK(check(hop, GW_STR("/api/x?y"), 1.8e12 - 121000, &who) == GW_ACCESS_NO_KEY);
    CHECK(check(sign(GW_STR("eve"), GW_STR("/a")), GW_STR("/a"), 1.8e12, &who) == GW_ACCESS_NO_KEY);
    for (size_t i = 0; i < hop.n; i++) { /* whichever byte is changed */
        char copy[256];
        memcpy(copy, hop.p, hop.n);
        copy[i] = copy[i] == '1' ? '2' : '1';
        CHECK(check(gw_str(copy, hop.n), GW_STR("/api/x?y"), 1.8e12, &who) != GW_ACCESS_OK);
        CHECK(check(gw_str(hop.p, i), GW_STR("/api/x?y"), 1.8e12, &who) != GW_ACCESS_OK);
    }
    conf.twin_secret = GW_STR("");
    CHECK(check(hop, GW_STR("/api/x?y"), 1.8e12, &who) == GW_ACCESS_NO_KEY);
}

static void test_certificate(void) {
    static struct key_conf keys[1];
    struct identity who;
    struct client_head head = {.forwarded = true};
    struct gw_req_head req = request(GW_STR("/api/x"));
    memset(&conf, 0, sizeof conf);
    CHECK(access_check(&conf, &req, &head, now, &who) == GW_ACCESS_FOREIGN);
    req.certificate = GW_STR("ann");
    CHECK(access_check(&conf, &req, &head, now, &who) == GW_ACCESS_OK && who.key == NULL);
    CHECK_STR(who.name, "ann");
    head.fetch_site = GW_STR("cross-site");
    CHECK(access_check(&conf, &req, &head, now, &who) == GW_ACCESS_PAGE);
    head.fetch_site = GW_STR("none");
    keys[0].name = GW_STR("ann");
    conf.keys = keys;
    conf.keys_n = 1;
    conf.auth = GW_AUTH_KEYS;
    CHECK(access_check(&conf, &req, &head, now, &who) == GW_ACCESS_OK && who.key == keys);
    head.credential = GW_STR("not a key");
    CHECK(access_check(&conf, &req, &head, now, &who) == GW_ACCESS_BAD_KEY);
}

static void test_edge_fails_closed(void) {
    struct identity who;
    memset(&conf, 0, sizeof conf);
    conf.host = GW_EDGE;
    CHECK(check(GW_STR(""), GW_STR("/a"), 0, &who) == GW_ACCESS_NO_KEYS);
    conf.auth = GW_AUTH_OFF;
    CHECK(check(GW_STR(""), GW_STR("/a"), 0, &who) == GW_ACCESS_OK);
    conf.auth = GW_AUTH_KEYS;
    CHECK(check(GW_STR(""), GW_STR("/a"), 0, &who) == GW_ACCESS_NO_KEY);
}

static enum access_answer keyless(struct gw_str authority, struct gw_str origin, bool forwarded,
                                  uint32_t peer) {
    struct identity who;
    struct client_head head = {.origin = origin, .forwarded = forwarded};
    struct gw_req_head req = request(GW_STR("/a"));
    req.authority = authority;
    req.peer = peer;
    memset(&conf, 0, sizeof conf);
    return access_check(&conf, &req, &head, now, &who);
}

static void test_keyless(void) {
    const struct gw_str none = {NULL, 0}, host = GW_STR("localhost:4700");
    CHECK(keyless(host, none, false, GW_PEER_LOOPBACK) == GW_ACCESS_OK);
    CHECK(keyless(host, none, false, 0) == GW_ACCESS_FOREIGN);
    CHECK(keyless(host, none, true, GW_PEER_LOOPBACK) == GW_ACCESS_FOREIGN);
    CHECK(keyless(GW_STR("evil.example"), none, false, GW_PEER_LOOPBACK) == GW_ACCESS_FOREIGN);
    CHECK(keyless(none, none, false, GW_PEER_LOOPBACK) == GW_ACCESS_FOREIGN);
    CHECK(keyless(host, GW_STR("http://localhost:3000"), false, GW_PEER_LOOPBACK) == GW_ACCESS_OK);
    CHECK(keyless(host, GW_STR("https://evil.example"), false, GW_PEER_LOOPBACK) ==
          GW_ACCESS_FOREIGN);
    CHECK(keyless(host, GW_STR("null"), false, GW_PEER_LOOPBACK) == GW_ACCESS_FOREIGN);
}

int main(void) {
    unit_mem_init(&mem, 0);
    gw_arena_init(&arena, &mem.mem, 4096, 1 << 20);
    RUN(test_hop);
    RUN(test_certificate);
    RUN(test_edge_fails_closed);
    RUN(test_keyless);
    gw_arena_del(&arena);
    return unit_end();
}
