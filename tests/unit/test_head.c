#include "base/date.h"
#include "core/policy/head.h"

#include "unit.h"

static struct unit_mem mem;
static struct gw_arena arena;
static struct config conf;

static struct gw_str from_client(const struct gw_header *h, uint32_t n, struct client_head *head) {
    struct gw_buf b;
    const struct gw_req_head req = {.headers = h, .headers_n = n};
    gw_buf_init(&b, &arena, 4096);
    head_from_client(&conf, &req, head, &b);
    return gw_buf_str(&b);
}

static void test_request_allow_list(void) {
    static const char *const kept_back[] = {"cookie",
                                            "Authorization",
                                            "X-API-Key",
                                            "x-goog-api-key",
                                            "host",
                                            "connection",
                                            "x-heady-target",
                                            "X-Heady-Hop",
                                            "cf-connecting-ip",
                                            "cf-ray",
                                            "forwarded",
                                            "x-forwarded-for",
                                            "te",
                                            "transfer-encoding",
                                            "content-length",
                                            "accept-encoding",
                                            "expect",
                                            "proxy-authorization",
                                            "x-other",
                                            "origin"};
    struct client_head head;
    for (size_t i = 0; i < sizeof kept_back / sizeof *kept_back; i++) {
        const struct gw_header h = {gw_str(kept_back[i], strlen(kept_back[i])), GW_STR("v")};
        if (!CHECK(from_client(&h, 1, &head).n == 0))
            printf("  passed: %s\n", kept_back[i]);
    }
    const struct gw_header good[] = {{GW_STR("Content-TYPE"), GW_STR("a/b")},
                                     {GW_STR("anthropic-version"), GW_STR("2023-06-01")},
                                     {GW_STR("traceparent"), GW_STR("bad\r\nx: y")}};
    CHECK_STR(from_client(good, 3, &head),
              "content-type: a/b\r\nanthropic-version: 2023-06-01\r\n");
}

static void test_request_facts(void) {
    struct client_head head;
    const struct gw_header h[] = {{GW_STR("x-api-key"), GW_STR("second")},
                                  {GW_STR("authorization"), GW_STR("bearer  first ")},
                                  {GW_STR("x-heady-stream"), GW_STR("FAST")},
                                  {GW_STR("x-stainless-timeout"), GW_STR("600")},
                                  {GW_STR("x-heady-timeout-ms"), GW_STR("1500")},
                                  {GW_STR("accept"), GW_STR("text/html, Text/Event-Stream;q=1")},
                                  {GW_STR("x-request-id"), GW_STR("has space")}};
    from_client(h, 7, &head);
    CHECK_STR(head.credential, "first");
    CHECK(head.fast && head.timeout_ms == 1500 && head.wants_stream && head.request_id.n == 0);
    CHECK(!head.two_credentials);
    const struct gw_header basic = {GW_STR("authorization"), GW_STR("Basic x")};
    from_client(&basic, 1, &head);
    CHECK_STR(head.credential, "Basic x");
}

static void test_answer(void) {
    struct gw_buf b;
    struct answer_head facts;
    const struct gw_header h[] = {
        {GW_STR("Content-Type"), GW_STR("text/event-stream; charset=utf-8")},
        {GW_STR("Set-Cookie"), GW_STR("a=b")},
        {GW_STR("Server"), GW_STR("cloudflare")},
        {GW_STR("x-heady-target"), GW_STR("forged")},
        {GW_STR("cf-ray"), GW_STR("1")},
        {GW_STR("OpenAI-Processing-Ms"), GW_STR("7")},
        {GW_STR("x-ratelimit-limit-requests"), GW_STR("9")},
        {GW_STR("location"), GW_STR("//evil.example/")},
        {GW_STR("retry-after"), GW_STR("999999")},
        {GW_STR("alt-svc"), GW_STR("h3")}};
    const struct gw_res_head res = {.status = 200, .headers = h, .headers_n = 10};
    const struct gw_target target = {.origin = GW_STR("http://a:80"), .authority = GW_STR("a")};
    const struct place place = {.target = &target, .path = GW_STR("/")};
    gw_buf_init(&b, &arena, 4096);
    head_to_client(&res, &place, &b);
    CHECK_STR(gw_buf_str(&b), "x-content-type-options: nosniff\r\n"
                              "content-type: text/event-stream; charset=utf-8\r\n"
                              "openai-processing-ms: 7\r\nx-ratelimit-limit-requests: 9\r\n"
                              "retry-after: 999999\r\n");
    head_facts(&res, 0, &facts);
    CHECK(facts.event_stream && facts.cloudflare && !facts.html && facts.retry_after_ms == 300000);
}

/* A head that does not fit is nobody's to look through. */
static void test_named_when_full(void) {
    struct gw_buf b;
    struct client_head head;
    const struct gw_header h[] = {{GW_STR("connection"), GW_STR("range, x")},
                                  {GW_STR("range"), GW_STR("bytes=0-1")},
                                  {GW_STR("user-agent"), GW_STR("longer than there is room for")}};
    const struct gw_req_head req = {.headers = h, .headers_n = 3};
    gw_buf_init(&b, &arena, 32);
    head_from_client(&conf, &req, &head, &b);
    CHECK(b.full);
    gw_buf_init(&b, &arena, 4096);
    head_from_client(&conf, &req, &head, &b);
    CHECK_STR(gw_buf_str(&b), "user-agent: longer than there is room for\r\n");
}

static void test_dates(void) {
    struct gw_buf b;
    CHECK(gw_date_retry_after(GW_STR("7"), 0) == 7000);
    CHECK(gw_date_retry_after(GW_STR("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777000.0 - 5000) ==
          5000);
    CHECK(gw_date_retry_after(GW_STR("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777000.0 + 1) == 0);
    CHECK(gw_date_retry_after(GW_STR("soon"), 0) == -1);
    CHECK(gw_date_retry_after(GW_STR("-1"), 0) == -1);
    CHECK(gw_date_retry_after(GW_STR("Sun, 06 Nob 1994 08:49:37 GMT"), 0) == -1);
    gw_buf_init(&b, &arena, 64);
    gw_date_put_iso(&b, 1709210096789.0);
    CHECK_STR(gw_buf_str(&b), "2024-02-29T12:34:56.789Z");
    b.n = 0;
    gw_date_put_iso(&b, 0);
    CHECK_STR(gw_buf_str(&b), "1970-01-01T00:00:00.000Z");
}

int main(void) {
    unit_mem_init(&mem, 0);
    gw_arena_init(&arena, &mem.mem, 4096, 1 << 20);
    RUN(test_request_allow_list);
    RUN(test_request_facts);
    RUN(test_answer);
    RUN(test_named_when_full);
    RUN(test_dates);
    gw_arena_del(&arena);
    return unit_end();
}
