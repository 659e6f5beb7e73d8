#include "http/h1.h"
#include "unit.h"

static char buf[1024];

static struct gw_str written_res(struct gw_h1_res_out *res) {
    ptrdiff_t n = gw_h1_res_write(buf, sizeof(buf), res);
    CHECK(n > 0);
    return gw_str(buf, n > 0 ? (size_t)n : 0);
}

static struct gw_str written_req(struct gw_h1_req_out *req) {
    ptrdiff_t n = gw_h1_req_write(buf, sizeof(buf), req);
    CHECK(n > 0);
    return gw_str(buf, n > 0 ? (size_t)n : 0);
}

static struct gw_h1_res_out response(uint32_t status, uint32_t minor, uint64_t body_len) {
    return (struct gw_h1_res_out){
        .status = status, .minor = minor, .body_len = body_len, .keep_alive = true};
}

static struct gw_h1_req_out request(const char *method, uint64_t body_len) {
    return (struct gw_h1_req_out){.method = gw_str(method, strlen(method)),
                                  .path = GW_STR("/v1/x?y"),
                                  .authority = GW_STR("node:8000"),
                                  .body_len = body_len,
                                  .keep_alive = true};
}

/* ---------------------------------------------------------------------- responses */

static void responses(void) {
    struct gw_h1_res_out res = response(200, 1, 12);
    res.head = GW_STR("content-type: text/plain\r\nx-empty:\r\n");
    res.date = GW_STR("date: Sat, 21 Nov 2026 00:00:00 GMT\r\n");
    CHECK_STR(written_res(&res),
              "HTTP/1.1 200 OK\r\ndate: Sat, 21 Nov 2026 00:00:00 GMT\r\n"
              "content-type: text/plain\r\nx-empty:\r\ncontent-length: 12\r\n\r\n");
    CHECK(res.framing == GW_H1_LENGTH && res.keep_alive);
    res = response(404, 1, 0);
    res.keep_alive = false;
    CHECK_STR(written_res(&res),
              "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    res = response(299, 0, 18446744073709551614u);
    CHECK_STR(written_res(&res), "HTTP/1.1 299 Success\r\ncontent-length: 18446744073709551614\r\n"
                                 "connection: keep-alive\r\n\r\n");
}

static void unknown_lengths(void) {
    struct gw_h1_res_out res = response(200, 1, GW_UNKNOWN);
    CHECK_STR(written_res(&res), "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    CHECK(res.framing == GW_H1_CHUNKED && res.keep_alive);
    res = response(200, 0, GW_UNKNOWN);
    CHECK_STR(written_res(&res), "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
    CHECK(res.framing == GW_H1_CLOSE && !res.keep_alive);
}

static void responses_without_body(void) {
    struct gw_h1_res_out res = response(204, 1, 5);
    CHECK_STR(written_res(&res), "HTTP/1.1 204 No Content\r\n\r\n");
    CHECK(res.framing == GW_H1_NONE);
    res = response(304, 1, GW_UNKNOWN);
    CHECK_STR(written_res(&res), "HTTP/1.1 304 Not Modified\r\n\r\n");
    res = response(304, 1, 5);
    CHECK_STR(written_res(&res), "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n");
    CHECK(res.framing == GW_H1_NONE);
    res = response(200, 0, GW_UNKNOWN);
    res.to_head = true;
    CHECK_STR(written_res(&res), "HTTP/1.1 200 OK\r\nconnection: keep-alive\r\n\r\n");
    CHECK(res.framing == GW_H1_NONE && res.keep_alive);
    res = response(200, 1, 0);
    res.to_head = true;
    CHECK_STR(written_res(&res), "HTTP/1.1 200 OK\r\n\r\n");
}

/* An interim answer says nothing of a body, of the connection or of the time. */
static void interim_responses(void) {
    struct gw_h1_res_out res = response(103, 1, 7);
    res.keep_alive = false;
    res.head = GW_STR("link: </a>; rel=preload\r\n");
    res.date = GW_STR("date: Sat, 21 Nov 2026 00:00:00 GMT\r\n");
    CHECK_STR(written_res(&res), "HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n");
    res = response(102, 1, GW_UNKNOWN);
    CHECK_STR(written_res(&res), "HTTP/1.1 102 Informational\r\n\r\n");
    /* HTTP/1.0 knows none, and we change to no other protocol. */
    res = response(103, 0, 0);
    CHECK(gw_h1_res_write(buf, sizeof(buf), &res) == GW_H1_BAD);
    res = response(101, 1, 0);
    CHECK(gw_h1_res_write(buf, sizeof(buf), &res) == GW_H1_BAD);
    res = response(103, 1, 0);
    res.head = GW_STR("link: </a>\n");
    CHECK(gw_h1_res_write(buf, sizeof(buf), &res) == GW_H1_BAD);
}

static bool block_refused(struct gw_str head) {
    struct gw_h1_res_out res = response(200, 1, 0);
    struct gw_h1_req_out req = request("GET", 0);
    res.head = head;
    req.head = head;
    return gw_h1_res_write(buf, sizeof(buf), &res) == GW_H1_BAD &&
           gw_h1_req_write(buf, sizeof(buf), &req) == GW_H1_BAD;
}

#define BAD_BLOCK(text) CHECK(block_refused(GW_STR(text)))

static void bad_blocks(void) {
    BAD_BLOCK("a: b");
    BAD_BLOCK("a: b\r");
    BAD_BLOCK("a: b\n");
    BAD_BLOCK("\r\n");
    BAD_BLOCK("a: b\r\n\r\n");
    BAD_BLOCK("a: b\r\n\r\nc: d\r\n");
    BAD_BLOCK("a: b\nc: d\r\n");
    BAD_BLOCK("a: b\rc: d\r\n");
    BAD_BLOCK("a: b\0\r\n");
    BAD_BLOCK("a: b\r\r\n");
    BAD_BLOCK("a\0: b\r\n");
    BAD_BLOCK("a : b\r\n");
    BAD_BLOCK(" a: b\r\n");
    BAD_BLOCK("a: b\r\n c\r\n");
    BAD_BLOCK(": b\r\n");
    BAD_BLOCK("a\r\n");
    BAD_BLOCK("x: y\r\ncontent-length: 5\r\n");
    BAD_BLOCK("Transfer-Encoding: chunked\r\n");
    BAD_BLOCK("host: a\r\n");
    BAD_BLOCK("Connection: close\r\n");
}

static void own_date(void) {
    struct gw_h1_res_out res = response(200, 1, 0);
    res.date = GW_STR("date: Sat, 21 Nov 2026 00:00:00 GMT\r\n");
    res.head = GW_STR("a: b\r\ndate: x\r\n");
    ptrdiff_t n = gw_h1_res_write(buf, sizeof(buf), &res);
    CHECK_STR(gw_str(buf, (size_t)n),
              "HTTP/1.1 200 OK\r\na: b\r\ndate: x\r\ncontent-length: 0\r\n\r\n");
}

static void bad_responses(void) {
    struct gw_h1_res_out res = response(99, 1, 0);
    CHECK(gw_h1_res_write(buf, sizeof(buf), &res) == GW_H1_BAD);
    res = response(600, 1, 0);
    CHECK(gw_h1_res_write(buf, sizeof(buf), &res) == GW_H1_BAD);
    static const char *const dates[] = {"date: x", "dat: x\r\n", "date: x\r\na: b\r\n", "x\r\n",
                                        "date: x\n\r\n"};
    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
        res = response(200, 1, 0);
        res.date = gw_str(dates[i], strlen(dates[i]));
        CHECK(gw_h1_res_write(buf, sizeof(buf), &res) == GW_H1_BAD);
    }
}

/* ---------------------------------------------------------------------- requests */

static void requests(void) {
    struct gw_h1_req_out req = request("POST", 7);
    req.head = GW_STR("accept: */*\r\n");
    CHECK_STR(written_req(&req), "POST /v1/x?y HTTP/1.1\r\nhost: node:8000\r\naccept: */*\r\n"
                                 "content-length: 7\r\n\r\n");
    CHECK(req.framing == GW_H1_LENGTH);
    req = request("POST", GW_UNKNOWN);
    req.keep_alive = false;
    CHECK_STR(written_req(&req), "POST /v1/x?y HTTP/1.1\r\nhost: node:8000\r\n"
                                 "transfer-encoding: chunked\r\nconnection: close\r\n\r\n");
    CHECK(req.framing == GW_H1_CHUNKED);
    req = request("POST", 0);
    CHECK_STR(written_req(&req),
              "POST /v1/x?y HTTP/1.1\r\nhost: node:8000\r\ncontent-length: 0\r\n\r\n");
    req = request("GET", 0);
    CHECK_STR(written_req(&req), "GET /v1/x?y HTTP/1.1\r\nhost: node:8000\r\n\r\n");
    CHECK(req.framing == GW_H1_NONE);
}

static bool request_refused(struct gw_str method, struct gw_str path, struct gw_str authority) {
    struct gw_h1_req_out req = {.method = method, .path = path, .authority = authority};
    return gw_h1_req_write(buf, sizeof(buf), &req) == GW_H1_BAD;
}

static void bad_requests(void) {
    struct gw_str get = GW_STR("GET"), path = GW_STR("/"), a = GW_STR("a");
    CHECK(!request_refused(get, path, a));
    CHECK(request_refused(GW_STR(""), path, a));
    CHECK(request_refused(GW_STR("GET / HTTP/1.1\r\n"), path, a));
    CHECK(request_refused(GW_STR("CONNECT"), path, a));
    CHECK(request_refused(GW_STR("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG"), path, a));
    CHECK(request_refused(get, GW_STR(""), a));
    CHECK(request_refused(get, GW_STR("x"), a));
    CHECK(request_refused(get, GW_STR("/ HTTP/1.1\r\nx: y\r\n"), a));
    CHECK(request_refused(get, GW_STR("/\0"), a));
    CHECK(request_refused(get, GW_STR("/#"), a));
    CHECK(request_refused(get, path, GW_STR("")));
    CHECK(request_refused(get, path, GW_STR("a\r\nx: y")));
    CHECK(request_refused(get, path, GW_STR("a, b")));
    CHECK(request_refused(get, path, GW_STR("a\0")));
}

/* ---------------------------------------------------------------------- room, chunks, phrases */

static void room(void) {
    struct gw_h1_res_out res = response(431, 0, UINT64_MAX - 1);
    struct gw_h1_req_out req = request("PATCH", UINT64_MAX - 1);
    ptrdiff_t res_n = gw_h1_res_write(buf, sizeof(buf), &res);
    req.keep_alive = false;
    ptrdiff_t req_n = gw_h1_req_write(buf, sizeof(buf), &req);
    CHECK(res_n > 0 && res_n <= GW_H1_WRITE_EXTRA);
    CHECK(req_n > 0 &&
          (size_t)req_n <= req.method.n + req.path.n + req.authority.n + GW_H1_WRITE_EXTRA);
    for (size_t cap = 0; cap < (size_t)res_n; cap++) {
        buf[cap] = '~';
        CHECK(gw_h1_res_write(buf, cap, &res) == GW_H1_MORE && buf[cap] == '~');
    }
    for (size_t cap = 0; cap < (size_t)req_n; cap++) {
        buf[cap] = '~';
        CHECK(gw_h1_req_write(buf, cap, &req) == GW_H1_MORE && buf[cap] == '~');
    }
}

static void chunks(void) {
    char line[GW_H1_SIZE_LINE];
    CHECK_STR(gw_str(line, gw_h1_chunk_write(line, 1)), "1\r\n");
    CHECK_STR(gw_str(line, gw_h1_chunk_write(line, 15)), "f\r\n");
    CHECK_STR(gw_str(line, gw_h1_chunk_write(line, 16)), "10\r\n");
    CHECK_STR(gw_str(line, gw_h1_chunk_write(line, 0x1a2b3c)), "1a2b3c\r\n");
    CHECK_STR(gw_str(line, gw_h1_chunk_write(line, UINT64_MAX)), "ffffffffffffffff\r\n");
}

static void reasons(void) {
    CHECK_STR(gw_h1_reason(200), "OK");
    CHECK_STR(gw_h1_reason(431), "Request Header Fields Too Large");
    CHECK_STR(gw_h1_reason(529), "Overloaded");
    CHECK_STR(gw_h1_reason(103), "Early Hints");
    CHECK_STR(gw_h1_reason(102), "Informational");
    CHECK_STR(gw_h1_reason(399), "Redirection");
    CHECK_STR(gw_h1_reason(499), "Client Error");
    CHECK_STR(gw_h1_reason(599), "Server Error");
}

int main(void) {
    RUN(responses);
    RUN(unknown_lengths);
    RUN(responses_without_body);
    RUN(interim_responses);
    RUN(bad_blocks);
    RUN(own_date);
    RUN(bad_responses);
    RUN(requests);
    RUN(bad_requests);
    RUN(room);
    RUN(chunks);
    RUN(reasons);
    return unit_end();
}
