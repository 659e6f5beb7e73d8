#include "core/config/url.h"

#include "unit.h"

static struct unit_mem mem;
static struct gw_arena arena;

static const char *read_url(struct gw_str text, struct url *url) {
    return url_read(text, &arena, url);
}

static void test_good(void) {
    struct url u;
    CHECK(read_url(GW_STR("https://node.example"), &u) == NULL);
    CHECK_STR(u.target.origin, "https://node.example:443");
    CHECK_STR(u.target.authority, "node.example");
    CHECK_STR(u.base, "");
    CHECK(u.target.tls == 1 && u.target.port == 443 && !u.loopback);
    CHECK(read_url(GW_STR("http://127.0.0.1:8080/a/b/"), &u) == NULL);
    CHECK_STR(u.target.origin, "http://127.0.0.1:8080");
    CHECK_STR(u.target.authority, "127.0.0.1:8080");
    CHECK_STR(u.base, "/a/b");
    CHECK(u.loopback);
    CHECK(read_url(GW_STR("http://[::1]:80"), &u) == NULL);
    CHECK_STR(u.target.host, "::1");
    CHECK_STR(u.target.authority, "[::1]");
    CHECK(u.loopback);
}

static void test_bad(void) {
    static const char *const bad[] = {
        "",           "node.example",     "ftp://x",        "http://",       "http:///x",
        "http://a b", "http://u:p@x",     "http://x?y",     "http://x/#y",   "http://x:0",
        "http://x:",  "http://x:70000",   "http://x:8o",    "http://x/../y", "http://x/a//b",
        "http://-x",  "http://x..y",      "http://[::1",    "http://[::1]x", "http://[zz]",
        "HTTP://x",   "http://x/%2e%2e/", "http://exa\nple"};
    struct url u;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!CHECK(read_url(gw_str(bad[i], strlen(bad[i])), &u) != NULL))
            printf("  accepted: %s\n", bad[i]);
}

/* Of AWS's names for things, and of models where Bedrock's clients ask for them, and nowhere else. */
static void test_arns(void) {
    static const char *const good[] = {
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.x/converse",
        "/api/ai/bedrock/model/arn:aws:bedrock:us-east-1:1:prompt-router%2fa%2fb/invoke",
        "/api/ai/tokyo/model/arn%3A%2Fx",
        "/model/openai%2Fgpt-4o/converse",
        "/model/a%2fb%2Fc%3A0/converse-stream",
        "/model/claude%2Fclaude-sonnet-5/invoke"};
    static const char *const bad[] = {"/model/arn%3Aaws%2F",
                                      "/model/arn%3Aaws%2F/x",
                                      "/model/arn%3Aaws%2F%2Fx",
                                      "/model/arn%3Aaws%2F..%2Fx",
                                      "/model/arn%3Aaws%2F.x",
                                      "/model/arn%3Aaws%5Cx",
                                      "/model/arn%3Aaws%2Fx%2F..",
                                      "/model/arn%3Aaws%2E%2Fx",
                                      "/model/arnaws%2Fx",
                                      "/model/x%2Fy",
                                      "/model/x%2Fy/z",
                                      "/model/x%2F..%2Fy/converse",
                                      "/model/..%2Fy/converse",
                                      "/model/.x%2Fy/converse",
                                      "/model/%2Fy/converse",
                                      "/model/x%2F/converse",
                                      "/model/x%2F%2Fy/converse",
                                      "/model/x%2Fy/../converse",
                                      "/model/x/y%2Fz/converse",
                                      "/api/ai/bedrock/model/x%2Fy/converse",
                                      "/v1/model/x%2Fy/converse",
                                      "/x/arn%3Aaws%2Fx",
                                      "/model/x/arn%3Aaws%2Fx",
                                      "/api/local/x/model/arn%3A%2Fx",
                                      "/model/arn%3Aaws%2F%2e%2e"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!CHECK(url_check_path(gw_str(good[i], strlen(good[i]))) == NULL))
            printf("  refused: %s\n", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!CHECK(url_check_path(gw_str(bad[i], strlen(bad[i]))) != NULL))
            printf("  accepted: %s\n", bad[i]);
}

static void test_loopback(void) {
    CHECK(url_is_loopback(GW_STR("localhost")));
    CHECK(url_is_loopback(GW_STR("LocalHost:4700")));
    CHECK(url_is_loopback(GW_STR("127.0.0.1:1")));
    CHECK(url_is_loopback(GW_STR("127.255.0.9")));
    CHECK(url_is_loopback(GW_STR("[::1]:4700")));
    CHECK(!url_is_loopback(GW_STR("")));
    CHECK(!url_is_loopback(GW_STR("localhost.evil.example")));
    CHECK(!url_is_loopback(GW_STR("127.evil.example")));
    CHECK(!url_is_loopback(GW_STR("127.0.0.1.evil.example")));
    CHECK(!url_is_loopback(GW_STR("127.0.0")));
    CHECK(!url_is_loopback(GW_STR("127.0.0.256")));
    CHECK(!url_is_loopback(GW_STR("[::2]")));
    CHECK(!url_is_loopback(GW_STR("10.0.0.1")));
}

static void test_private(void) {
    static const char *const good[] = {
        "localhost",   "127.0.0.1", "10.1.5.65", "172.16.0.1", "172.31.255.255", "192.168.0.1",
        "169.254.9.9", "::1",       "fd00::1",   "FC12:34::5", "fe80::1",        "febf::1",
        "rack.local",  "gateway",   "a.b.Local", "x.internal", "rack_1"};
    static const char *const bad[] = {"",
                                      "rack.example",
                                      "8.8.8.8",
                                      "172.15.0.1",
                                      "172.32.0.1",
                                      "192.169.0.1",
                                      "010.0.0.1",
                                      "10.0.0",
                                      "10.1",
                                      "10.0.0.1.",
                                      "10.0.0.256",
                                      "0x0a.0.0.1",
                                      "167772161",
                                      "0x7f000001",
                                      "::2",
                                      "2001:db8::1",
                                      "fc::1",
                                      "fec0::1",
                                      "internal.de",
                                      "mylocal.com",
                                      "local.com",
                                      "10.0.0.1.nip",
                                      "::ffff:8.8.8.8",
                                      "rack.example.",
                                      "100.64.0.1",
                                      "notlocal.co"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!CHECK(url_is_private(gw_str(good[i], strlen(good[i])))))
            printf("  public: %s\n", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!CHECK(!url_is_private(gw_str(bad[i], strlen(bad[i])))))
            printf("  private: %s\n", bad[i]);
}

static void test_paths(void) {
    CHECK(url_check_path(GW_STR("/")) == NULL);
    CHECK(url_check_path(GW_STR("/a/b%20c/d;e=f/...")) == NULL);
    CHECK(url_check_path(GW_STR("/.a/..b/c.;d/...;/x;..;")) == NULL);
    static const char *const bad[] = {"",          "a",       "/a//b",     "//",    "/.",    "/..",
                                      "/a/./b",    "/a/../b", "/a/..",     "/a\\b", "/%2f",  "/%2F",
                                      "/%5c",      "/%2e",    "/%00",      "/%",    "/%4",   "/%zz",
                                      "/a b",      "/a\x7f",  "/\xc3",     "/a#b",  "/a\tb", "/..;",
                                      "/a/..;x/b", "/..%3b",  "/..%3Bx/b", "/.;/a"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!CHECK(url_check_path(gw_str(bad[i], strlen(bad[i]))) != NULL))
            printf("  accepted: %s\n", bad[i]);
}

int main(void) {
    unit_mem_init(&mem, 0);
    gw_arena_init(&arena, &mem.mem, 4096, 1 << 20);
    RUN(test_good);
    RUN(test_bad);
    RUN(test_loopback);
    RUN(test_private);
    RUN(test_paths);
    RUN(test_arns);
    gw_arena_del(&arena);
    return unit_end();
}
