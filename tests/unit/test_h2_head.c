#include "http/h2.h"
#include "unit.h"

enum { MAX = GW_ANSWER_HEADERS_MAX + GW_H2_PSEUDO_MAX + 8 };
static struct gw_header fields[MAX];
static struct gw_h2_req req;

static void put(uint32_t *n, const char *name, struct gw_str value) {
    fields[(*n)++] = (struct gw_header){gw_str(name, strlen(name)), value};
}

static uint32_t plain(void) {
    uint32_t n = 0;
    put(&n, ":method", GW_STR("POST"));
    put(&n, ":scheme", GW_STR("https"));
    put(&n, ":authority", GW_STR("gw.example:8443"));
    put(&n, ":path", GW_STR("/a/b?c=d"));
    return n;
}

/* A good head with one header more, or with a pseudo-header replaced. */
static int with(const char *name, struct gw_str value) {
    uint32_t n = plain(), i = 0;
    while (i < n && !gw_str_eq(fields[i].name, gw_str(name, strlen(name))))
        i++;
    if (i < n) {
        fields[i].value = value;
    } else {
        put(&n, name, value);
    }
    return gw_h2_req_read(fields, n, &req);
}

static void refused(const char *name, struct gw_str value, uint32_t status) {
    if (!CHECK(with(name, value) == GW_H1_BAD))
        printf("  %s: %.*s\n", name, (int)value.n, value.p);
    CHECK_EQ_U64(req.status, status);
    CHECK(req.why.n > 0);
}

static void good_heads(void) {
    uint32_t n = plain();
    put(&n, "x-a", GW_STR("b c\td\x80"));
    put(&n, "host", GW_STR("GW.example:8443"));
    put(&n, "content-length", GW_STR("12"));
    put(&n, "expect", GW_STR("100-Continue"));
    put(&n, "te", GW_STR("trailers"));
    put(&n, "x-empty", GW_STR(""));
    CHECK(gw_h2_req_read(fields, n, &req) == 0);
    CHECK_STR(req.method, "POST");
    CHECK_STR(req.target, "/a/b?c=d");
    CHECK_STR(req.authority, "gw.example:8443");
    CHECK(req.body_len == 12 && req.expect_continue);
    CHECK_EQ_U64(req.headers_n, 6);
    CHECK_STR(fields[0].name, "x-a");
    CHECK_STR(fields[5].name, "x-empty");
}

static void host_for_authority(void) {
    uint32_t n = plain();
    fields[2] = fields[3];
    n = 3;
    put(&n, "host", GW_STR("h"));
    CHECK(gw_h2_req_read(fields, n, &req) == 0);
    CHECK_STR(req.authority, "h");
    CHECK(req.body_len == GW_UNKNOWN && !req.expect_continue);
    n = plain();
    fields[2] = fields[3];
    CHECK(gw_h2_req_read(fields, 3, &req) == GW_H1_BAD);
    CHECK_EQ_U64(req.status, 400);
}

static void pseudo_headers(void) {
    refused(":protocol", GW_STR("websocket"), 400);
    refused(":method", GW_STR(""), 400);
    refused(":method", GW_STR("GET /x"), 400);
    refused(":method", GW_STR("get"), 400);
    refused(":method", GW_STR("CONNECT"), 501);
    refused(":method", GW_STR("ABCDEFGHIJABCDEFGHIJABCDEFGHIJABC"), 501);
    refused(":scheme", GW_STR("ftp"), 400);
    refused(":path", GW_STR("*"), 400);
    refused(":path", GW_STR("a/b"), 400);
    refused(":path", GW_STR("http://x/y"), 400);
    refused(":path", GW_STR("/a b"), 400);
    refused(":path", GW_STR("/a#b"), 400);
    refused(":path", GW_STR("/a HTTP/1.1\r\nx: y"), 400);
    refused(":authority", GW_STR("user@host"), 400);
    refused(":authority", GW_STR("a/b"), 400);
    refused(":authority", GW_STR("a\r\nb: c"), 400);
    refused("host", GW_STR("other"), 400);
    uint32_t options = plain();
    fields[0].value = GW_STR("OPTIONS");
    fields[3].value = GW_STR("*");
    CHECK(gw_h2_req_read(fields, options, &req) == 0);
    CHECK_STR(req.target, "*");
    for (uint32_t i = 0; i < 4; i++) { /* each but :authority must be there, and once */
        uint32_t n = plain();
        struct gw_header kept = fields[i];
        fields[i] = fields[--n];
        CHECK((gw_h2_req_read(fields, n, &req) == 0) == false);
        n = plain();
        fields[n++] = kept;
        CHECK(gw_h2_req_read(fields, n, &req) == GW_H1_BAD);
    }
    uint32_t n = plain();
    put(&n, "x-a", GW_STR("b"));
    struct gw_header path = fields[3];
    fields[3] = fields[4];
    fields[4] = path;
    CHECK(gw_h2_req_read(fields, n, &req) == GW_H1_BAD);
}

static void headers(void) {
    static const char *const names[] = {"", "X-a", "x a", "x:a", "x\r\na", "x\xe9", "x\t"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        refused(names[i], GW_STR("b"), 400);
    refused("x-a", GW_STR("b\r\nc: d"), 400);
    refused("x-a", GW_STR("b\nc"), 400);
    refused("x-a", gw_str("b\0c", 3), 400);
    refused("x-a", GW_STR(" b"), 400);
    refused("x-a", GW_STR("b\t"), 400);
    refused("connection", GW_STR("close"), 400);
    refused("keep-alive", GW_STR("x"), 400);
    refused("proxy-connection", GW_STR("close"), 400);
    refused("transfer-encoding", GW_STR("chunked"), 400);
    refused("upgrade", GW_STR("h2c"), 400);
    refused("te", GW_STR("gzip"), 400);
    refused("expect", GW_STR("more"), 417);
    refused("content-length", GW_STR("+1"), 400);
    refused("content-length", GW_STR("1, 1"), 400);
    refused("content-length", GW_STR("1234567890123456789"), 400);
}

static void twice(void) {
    uint32_t n = plain();
    put(&n, "content-length", GW_STR("1"));
    put(&n, "content-length", GW_STR("1"));
    CHECK(gw_h2_req_read(fields, n, &req) == GW_H1_BAD);
    n = plain();
    put(&n, "host", GW_STR("gw.example:8443"));
    put(&n, "host", GW_STR("gw.example:8443"));
    CHECK(gw_h2_req_read(fields, n, &req) == GW_H1_BAD);
}

static void limits(void) {
    static char path[GW_H1_TARGET_MAX + 1];
    memset(path, '/', sizeof path);
    CHECK(with(":path", gw_str(path, GW_H1_TARGET_MAX)) == 0);
    refused(":path", gw_str(path, sizeof path), 414);
    uint32_t n = plain();
    for (uint32_t i = 0; i < GW_HEADERS_MAX; i++)
        put(&n, "x-a", GW_STR("b"));
    CHECK(gw_h2_req_read(fields, n, &req) == 0);
    n = plain();
    for (uint32_t i = 0; i <= GW_HEADERS_MAX; i++)
        put(&n, "x-a", GW_STR("b"));
    CHECK(gw_h2_req_read(fields, n, &req) == GW_H1_BAD);
    CHECK_EQ_U64(req.status, 431);
}

static void answer_limits(void) {
    struct gw_h1_res res;
    uint32_t n = 0;
    put(&n, ":status", GW_STR("200"));
    for (uint32_t i = 0; i < GW_ANSWER_HEADERS_MAX; i++)
        put(&n, "x-a", GW_STR("b"));
    CHECK(gw_h2_res_read(fields, n, false, &res) == 0);
    n = 0;
    put(&n, ":status", GW_STR("200"));
    for (uint32_t i = 0; i <= GW_ANSWER_HEADERS_MAX; i++)
        put(&n, "x-a", GW_STR("b"));
    CHECK(gw_h2_res_read(fields, n, false, &res) == GW_H1_BAD);
}

static void blocks(void) {
    struct gw_header lines[2];
    CHECK(gw_h2_block_read(GW_STR(""), lines, 2) == 0);
    CHECK(gw_h2_block_read(GW_STR("a: b\r\nc:\r\n"), lines, 2) == 2);
    CHECK_STR(lines[0].name, "a");
    CHECK_STR(lines[0].value, "b");
    CHECK_STR(lines[1].name, "c");
    CHECK(lines[1].value.n == 0);
    CHECK(gw_h2_block_read(GW_STR("a: b\r\nc: d\r\ne: f\r\n"), lines, 2) == GW_H1_BAD);
    CHECK(gw_h2_block_read(GW_STR("a: b"), lines, 2) == GW_H1_BAD);
    CHECK(gw_h2_block_read(GW_STR("a: b\r\n\r\n"), lines, 2) == GW_H1_BAD);
    CHECK(gw_h2_block_read(GW_STR("connection: close\r\n"), lines, 2) == GW_H1_BAD);
}

int main(void) {
    RUN(good_heads);
    RUN(host_for_authority);
    RUN(pseudo_headers);
    RUN(headers);
    RUN(twice);
    RUN(limits);
    RUN(answer_limits);
    RUN(blocks);
    return unit_end();
}
