#include "http/h1.h"
#include "unit.h"

static struct gw_header headers[GW_ANSWER_HEADERS_MAX];
static struct gw_h1_req req;
static struct gw_h1_res res;

/* ---------------------------------------------------------------------- how a case is run */

enum kind { REQUEST, RESPONSE, RESPONSE_TO_HEAD };

struct verdict {
    int got;
    uint32_t status;
    struct gw_str why;
};

static struct verdict read_head(enum kind kind, const char *p, size_t n, size_t last_n) {
    struct verdict v = {0, 0, {NULL, 0}};
    if (kind == REQUEST) {
        v.got = gw_h1_req_read(p, n, last_n, headers, &req);
        v.status = v.got == GW_H1_BAD ? req.status : 0;
        v.why = req.why;
    } else {
        v.got = gw_h1_res_read(p, n, last_n, kind == RESPONSE_TO_HEAD, headers, &res);
        v.why = res.why;
    }
    return v;
}

/* The same from a heap block of exactly this size, so that a read past the end is found. */
static struct verdict read_exact(enum kind kind, struct gw_str s, size_t n, size_t last_n) {
    char *copy = malloc(n > 0 ? n : 1);
    if (copy == NULL)
        abort();
    if (n > 0)
        memcpy(copy, s.p, n);
    struct verdict v = read_head(kind, copy, n, last_n);
    free(copy);
    return v;
}

/* Reads `s` byte by byte until something is decided. */
static struct verdict read_slowly(enum kind kind, struct gw_str s) {
    struct verdict v = {GW_H1_MORE, 0, {NULL, 0}};
    for (size_t n = 0; n <= s.n && v.got == GW_H1_MORE; n++)
        v = s.n < 4096 ? read_exact(kind, s, n, n > 0 ? n - 1 : 0)
                       : read_head(kind, s.p, n, n > 0 ? n - 1 : 0);
    return v;
}

static bool same(struct verdict a, struct verdict b) {
    return a.got == b.got && a.status == b.status && gw_str_eq(a.why, b.why);
}

/* Reads `s` whole and slowly, with the same result; `req` or `res` then point into s. */
static struct verdict read_both(enum kind kind, struct gw_str s) {
    struct verdict slow = read_slowly(kind, s), exact = read_exact(kind, s, s.n, 0);
    struct verdict whole = read_head(kind, s.p, s.n, 0);
    CHECK(same(whole, exact));
    CHECK(same(whole, slow));
    return whole;
}

static bool refused(struct gw_str s, uint32_t status, const char *why) {
    struct verdict v = read_both(REQUEST, s);
    return v.got == GW_H1_BAD && v.status == status && gw_str_eq(v.why, gw_str(why, strlen(why)));
}

static bool junk(struct gw_str s, const char *why) {
    struct verdict v = read_both(RESPONSE, s);
    return v.got == GW_H1_BAD && gw_str_eq(v.why, gw_str(why, strlen(why)));
}

#define H "Host: a\r\n"
#define BAD(status, why, text) CHECK(refused(GW_STR(text), status, why))
/* A header beside a good request line and a good Host. */
#define BAD_H(status, why, text) BAD(status, why, "POST / HTTP/1.1\r\n" H text "\r\n")
#define GOOD(text) CHECK(read_both(REQUEST, GW_STR(text)).got == (int)sizeof(text) - 1)
#define GOOD_H(text) GOOD("POST / HTTP/1.1\r\n" H text "\r\n")

#define JUNK(why, text) CHECK(junk(GW_STR(text), why))
#define FINE(text) CHECK(read_both(RESPONSE, GW_STR(text)).got == (int)sizeof(text) - 1)

/* ---------------------------------------------------------------------- requests: what is read */

static void reads_a_request(void) {
    GOOD("POST /v1/chat?x=1 HTTP/1.1\r\nHost: Example.com:8080\r\nX-A:  b c\t \r\nempty:\r\n"
         "content-LENGTH: 12\r\n\r\n");
    CHECK_STR(req.method, "POST");
    CHECK_STR(req.target, "/v1/chat?x=1");
    CHECK_STR(req.authority, "Example.com:8080");
    CHECK_EQ_U64(req.minor, 1);
    CHECK_EQ_U64(req.headers_n, 4);
    CHECK_STR(headers[1].name, "X-A");
    CHECK_STR(headers[1].value, "b c");
    CHECK_STR(headers[2].name, "empty");
    CHECK_STR(headers[2].value, "");
    CHECK_EQ_U64(req.framing, GW_H1_LENGTH);
    CHECK_EQ_U64(req.body_len, 12);
    CHECK(req.keep_alive && !req.expect_continue && !req.upgrade);
}

static void stops_at_the_body(void) {
    struct gw_str s = GW_STR("GET / HTTP/1.1\r\n" H "\r\nGET /2 HTTP/1.1\r\n");
    CHECK(read_both(REQUEST, s).got == 27);
    CHECK_EQ_U64(req.framing, GW_H1_NONE);
    CHECK_EQ_U64(req.body_len, 0);
}

static void wants_more(void) {
    struct gw_str s = GW_STR("GET / HTTP/1.1\r\n" H "\r\n");
    for (size_t n = 0; n < s.n; n++)
        CHECK(read_exact(REQUEST, s, n, 0).got == GW_H1_MORE);
    /* Any step: what was seen before is not looked at again, and nothing is missed. */
    for (size_t n = 0; n < s.n; n++)
        CHECK(read_exact(REQUEST, s, s.n, n).got == (int)s.n);
}

static void values(void) {
    GOOD_H("X: \xc3\xa9\xff \t~!\"#\r\n");
    GOOD_H("X:\t\t\r\n");
    CHECK_STR(headers[1].value, "");
    GOOD_H("X: a\tb\tcdefghijklmn\topqrstuvw\txyz\r\n");
    CHECK_STR(headers[1].value, "a\tb\tcdefghijklmn\topqrstuvw\txyz");
    /* A control at each place of a longer value, so that every lane of the wide look is tried. */
    for (int c = 0; c < 256; c++) {
        for (size_t at = 0; at < 24; at++) {
            char text[] = "GET / HTTP/1.1\r\nHost: a\r\nX: 012345678901234567890123\r\n\r\n";
            text[28 + at] = (char)c;
            bool good = c == '\t' || (c >= ' ' && c != 0x7f);
            int got = gw_h1_req_read(text, sizeof(text) - 1, 0, headers, &req);
            CHECK(got == (good ? (int)sizeof(text) - 1 : GW_H1_BAD));
        }
    }
}

static void connection(void) {
    GOOD_H("Connection: close\r\n");
    CHECK(!req.keep_alive);
    GOOD_H("Connection: x , CLOSE,\r\nConnection: keep-alive\r\n");
    CHECK(!req.keep_alive);
    GOOD_H("Connection: closed\r\n");
    CHECK(req.keep_alive);
    GOOD("GET / HTTP/1.0\r\n\r\n");
    CHECK(!req.keep_alive && req.minor == 0 && req.authority.n == 0);
    GOOD("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n" H "\r\n");
    CHECK(req.keep_alive);
    CHECK_STR(req.authority, "a");
    GOOD_H("Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: x\r\n");
    CHECK(req.upgrade);
    GOOD_H("Upgrade: websocket\r\n");
    CHECK(req.upgrade);
}

static void expect(void) {
    GOOD_H("Expect: 100-Continue\r\nContent-Length: 1\r\n");
    CHECK(req.expect_continue);
    BAD_H(417, "unknown Expect", "Expect: 200-ok\r\n");
    BAD_H(417, "unknown Expect", "Expect: 100-continue\r\nExpect: x\r\n");
    GOOD("POST / HTTP/1.0\r\nExpect: 100-continue\r\nExpect: x\r\n\r\n");
    CHECK(!req.expect_continue);
}

/* --------------------------------------------------------------------- requests: the first line */

static void methods(void) {
    GOOD("M-SEARCH / HTTP/1.1\r\n" H "\r\n");
    GOOD("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF / HTTP/1.1\r\n" H "\r\n");
    BAD(501, "method too long", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\n" H "\r\n");
    BAD(501, "CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n");
    BAD(400, "not HTTP/1", "get / HTTP/1.1\r\n" H "\r\n");
    BAD(400, "bad method", "GeT / HTTP/1.1\r\n" H "\r\n");
    BAD(400, "bad method", "GET\t/ HTTP/1.1\r\n" H "\r\n");
    BAD(400, "bad method", "GET\r\n\r\n");
    BAD(400, "not HTTP/1", " GET / HTTP/1.1\r\n" H "\r\n");
    BAD(400, "not HTTP/1", "\nGET / HTTP/1.1\r\n" H "\r\n");
    BAD(400, "not HTTP/1", "\x16\x03\x01\x02");
    BAD(400, "not HTTP/1", "\0");
}

/* RFC 9112 2.2: some clients write one line end too many behind a body. */
static void an_empty_line_before(void) {
    GOOD("\r\nPOST /x HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\n");
    CHECK_STR(req.method, "POST");
    CHECK_STR(req.target, "/x");
    CHECK_EQ_U64(req.body_len, 3);
    CHECK(read_both(REQUEST, GW_STR("\r")).got == GW_H1_MORE);
    CHECK(read_both(REQUEST, GW_STR("\r\n")).got == GW_H1_MORE);
    CHECK(read_both(REQUEST, GW_STR("\r\nG")).got == GW_H1_MORE);
    BAD(400, "not HTTP/1", "\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n");
    BAD(400, "not HTTP/1", "\r\n\r");
    BAD(400, "not HTTP/1", "\r\n\n");
    BAD(400, "not HTTP/1", "\r\n GET / HTTP/1.1\r\n" H "\r\n");
    BAD(400, "not HTTP/1", "\r\rGET / HTTP/1.1\r\n" H "\r\n");
    BAD(400, "not HTTP/1", "\rGET / HTTP/1.1\r\n" H "\r\n");
    BAD(400, "not HTTP/1", "\r\n\0");
    BAD(505, "not HTTP/1.0 or 1.1", "\r\nPRI * HTTP/2.0\r\n\r\n");
}

static void targets(void) {
    GOOD("GET /%zz?{|}[]\\^`\"<>~ HTTP/1.1\r\n" H "\r\n");
    BAD(400, "bad target", "GET  / HTTP/1.1\r\n" H "\r\n");
    BAD(400, "bad target", "GET /a#b HTTP/1.1\r\n" H "\r\n");
    BAD(400, "bad target", "GET /a\tb HTTP/1.1\r\n" H "\r\n");
    BAD(400, "bad target", "GET /a\x7f HTTP/1.1\r\n" H "\r\n");
    BAD(400, "bad target", "GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n");
    BAD(400, "bad target", "GET /a\0b HTTP/1.1\r\n" H "\r\n");
    BAD(400, "bad target", "GET /a\rb HTTP/1.1\r\n" H "\r\n");
    BAD(400, "bad version", "GET /a b HTTP/1.1\r\n" H "\r\n");
    BAD(400, "target is not a path", "GET * HTTP/1.1\r\n" H "\r\n");
    BAD(400, "target is not a path", "OPTION * HTTP/1.1\r\n" H "\r\n");
    BAD(400, "target is not a path", "OPTIONS ** HTTP/1.1\r\n" H "\r\n");
    BAD(400, "target is not a path", "OPTIONS *?x HTTP/1.1\r\n" H "\r\n");
    GOOD("OPTIONS * HTTP/1.1\r\n" H "\r\n");
    CHECK_STR(req.target, "*");
    CHECK_STR(req.authority, "a");
    BAD(400, "target is not a path", "GET a HTTP/1.1\r\n" H "\r\n");
    BAD(400, "target is not a path", "GET ftp://a/ HTTP/1.1\r\n" H "\r\n");
    BAD(400, "target is not a path", "GET a:80 HTTP/1.1\r\n" H "\r\n");
}

static void absolute_targets(void) {
    GOOD("GET http://A:80/x?y HTTP/1.1\r\nHost: a:80\r\n\r\n");
    CHECK_STR(req.target, "/x?y");
    CHECK_STR(req.authority, "a:80");
    GOOD("GET HTTPS://a/ HTTP/1.1\r\n" H "\r\n");
    CHECK_STR(req.target, "/");
    GOOD("GET http://b/ HTTP/1.0\r\n\r\n");
    CHECK_STR(req.authority, "b");
    BAD(400, "Host is not the target's", "GET http://b/ HTTP/1.1\r\n" H "\r\n");
    BAD(400, "Host is not the target's", "GET http://a:80/ HTTP/1.1\r\n" H "\r\n");
    BAD(400, "no Host", "GET http://a/ HTTP/1.1\r\n\r\n");
    BAD(400, "target without a path", "GET http://a HTTP/1.1\r\n" H "\r\n");
    BAD(400, "target without a path", "GET http://a?x HTTP/1.1\r\n" H "\r\n");
    BAD(400, "bad host in the target", "GET http://a?x/ HTTP/1.1\r\n" H "\r\n");
    BAD(400, "bad host in the target", "GET http:/// HTTP/1.1\r\n" H "\r\n");
    BAD(400, "bad host in the target", "GET http://u@a/ HTTP/1.1\r\n" H "\r\n");
}

static void versions(void) {
    BAD(505, "not HTTP/1.0 or 1.1", "GET / HTTP/2.0\r\n" H "\r\n");
    BAD(505, "not HTTP/1.0 or 1.1", "GET / HTTP/1.2\r\n" H "\r\n");
    BAD(505, "not HTTP/1.0 or 1.1", "GET / HTTP/0.9\r\n" H "\r\n");
    BAD(400, "bad target", "GET /\r\n\r\n");
    BAD(400, "bad version", "GET / \r\n\r\n");
    BAD(400, "bad version", "GET / http/1.1\r\n" H "\r\n");
    BAD(400, "bad version", "GET / HTTP/1\r\n" H "\r\n");
    BAD(400, "bad version", "GET / HTTP/1,1\r\n" H "\r\n");
    BAD(400, "bad version", "GET / ICE/1.0\r\n" H "\r\n");
    BAD(400, "bad version", "GET /  HTTP/1.1\r\n" H "\r\n");
    BAD(400, "bad request line", "GET / HTTP/1.10\r\n" H "\r\n");
    BAD(400, "bad request line", "GET / HTTP/1.1 \r\n" H "\r\n");
    BAD(400, "bad request line", "GET / HTTP/1.1\rX\r\n" H "\r\n");
    BAD(400, "bad version", "GET / HTTP/1.\r\n\r\n");
    BAD(505, "not HTTP/1.0 or 1.1", "PRI * HTTP/2.0\r\n\r\n");
}

/* ---------------------------------------------------------------------- requests: headers */

static void line_ends(void) {
    BAD(400, "LF without CR", "GET / HTTP/1.1\n" H "\r\n");
    BAD(400, "LF without CR", "GET / HTTP/1.1\r\nHost: a\n\r\n");
    BAD(400, "LF without CR", "GET / HTTP/1.1\r\n" H "\n");
    BAD(400, "LF without CR", "GET / HTTP/1.1\r\n" H "X: a\nTransfer-Encoding: chunked\r\n\r\n");
    BAD_H(400, "CR without LF", "X-Abc:\rxTransfer-Encoding: chunked\r\n");
    BAD_H(400, "CR without LF", "X: a\rb\r\n");
    BAD_H(400, "CR without LF", "X: a\r\r\n");
    BAD_H(400, "CR without LF", "\rX\r\n");
    BAD_H(400, "CR without LF", "\r\r\n");
    BAD_H(400, "header without a colon", "X\rY: a\r\n");
}

static void names(void) {
    BAD_H(400, "folded header", " Content-Length: 3\r\n");
    BAD_H(400, "folded header", "\tContent-Length: 3\r\n");
    BAD_H(400, "folded header", "X: a\r\n b\r\n");
    BAD_H(400, "folded header", "Transfer-Encoding:\r\n chunked\r\n");
    BAD_H(400, "space in a header's name", "Content-Length : 3\r\n");
    BAD_H(400, "space in a header's name", "X\t: 3\r\n");
    BAD_H(400, "space in a header's name", "X Y: 3\r\n");
    BAD(400, "folded header", "GET / HTTP/1.1\r\n " H "\r\n");
    BAD_H(400, "bad byte in a header's name", ": a\r\n");
    BAD_H(400, "bad byte in a header's name", "X\0: a\r\n");
    BAD_H(400, "bad byte in a header's name", "\0Content-Length: 3\r\n");
    BAD_H(400, "bad byte in a header's name", "Content(Length: 3\r\n");
    BAD_H(400, "bad byte in a header's name", "\xc3\xa9: 3\r\n");
    BAD_H(400, "header without a colon", "X\r\n");
    BAD_H(400, "control in a header's value", "X: a\0b\r\n");
    BAD_H(400, "control in a header's value", "X: a\x0b\r\n");
    BAD_H(400, "control in a header's value",
          "Transfer-Encoding: \x0b"
          "chunked\r\n");
}

static void hosts(void) {
    static const char *const good[] = {
        "a.b-c_d.example.:443", "127.0.0.1", "[::1]", "[::1]:80", "x:65535", "A"};
    static const char *const bad[] = {"",     "a b", "u@a",    "a,b",   "a:",       "a:65536",
                                      "a:1x", "a/b", "a%41",   ".a",    "a..b",     "[]",
                                      "[::1", "::1", "[::1]a", "[g::]", "a:123456", "[::1]]",
                                      "a\\b", "a;b", "\xff",   ":80",   "a:-1"};
    char text[64];
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        int n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", good[i]);
        CHECK(read_both(REQUEST, gw_str(text, (size_t)n)).got == n);
        CHECK(gw_str_eq(req.authority, gw_str(good[i], strlen(good[i]))));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", bad[i]);
        CHECK(refused(gw_str(text, (size_t)n), 400, "bad Host"));
    }
    BAD(400, "no Host", "GET / HTTP/1.1\r\n\r\n");
    BAD(400, "second Host", "GET / HTTP/1.1\r\n" H H "\r\n");
    BAD(400, "second Host", "GET / HTTP/1.1\r\n" H "host: b\r\n\r\n");
    BAD(400, "second Host", "GET / HTTP/1.0\r\n" H H "\r\n");
    BAD(400, "bad Host", "GET / HTTP/1.0\r\nHost:\r\n\r\n");
}

/* ---------------------------------------------------------------------- requests: framing */

static void lengths(void) {
    GOOD_H("Content-Length:  0  \r\n");
    CHECK(req.framing == GW_H1_NONE && req.body_len == 0);
    GOOD_H("Content-Length: 007\r\n");
    CHECK(req.framing == GW_H1_LENGTH && req.body_len == 7);
    GOOD_H("Content-Length: 999999999999999999\r\n");
    CHECK_EQ_U64(req.body_len, 999999999999999999u);
    GOOD_H("Content_Length: 5\r\nX-Content-Length: 5\r\n");
    CHECK(req.framing == GW_H1_NONE);
    BAD_H(400, "bad Content-Length", "Content-Length: 1000000000000000000\r\n");
    BAD_H(400, "bad Content-Length", "Content-Length:\r\n");
    BAD_H(400, "bad Content-Length", "Content-Length: +5\r\n");
    BAD_H(400, "bad Content-Length", "Content-Length: -5\r\n");
    BAD_H(400, "bad Content-Length", "Content-Length: 0x5\r\n");
    BAD_H(400, "bad Content-Length", "Content-Length: 1_0\r\n");
    BAD_H(400, "bad Content-Length", "Content-Length: 5, 5\r\n");
    BAD_H(400, "bad Content-Length", "Content-Length: 5 5\r\n");
    BAD_H(400, "bad Content-Length", "Content-Length: 5;\r\n");
    BAD_H(400, "bad Content-Length", "Content-Length: \"5\"\r\n");
    BAD_H(400, "second Content-Length", "Content-Length: 5\r\nContent-Length: 5\r\n");
    BAD_H(400, "second Content-Length", "Content-Length: 5\r\ncontent-length: 6\r\n");
}

static void codings(void) {
    GOOD_H("Transfer-Encoding: Chunked\r\n");
    CHECK(req.framing == GW_H1_CHUNKED && req.body_len == GW_UNKNOWN);
    GOOD_H("X-Transfer-Encoding: x\r\nTransfer-Encodin: x\r\n");
    CHECK(req.framing == GW_H1_NONE);
#define TE "Transfer-Encoding: "
    BAD_H(400, "Content-Length and Transfer-Encoding", "Content-Length: 5\r\n" TE "chunked\r\n");
    BAD_H(400, "Content-Length and Transfer-Encoding", TE "chunked\r\nContent-Length: 5\r\n");
    BAD_H(400, "Content-Length and Transfer-Encoding", TE "identity\r\nContent-Length: 5\r\n");
    BAD_H(400, "second Transfer-Encoding", TE "chunked\r\n" TE "chunked\r\n");
    BAD_H(400, "second Transfer-Encoding", TE "chunked\r\ntransfer-encoding: identity\r\n");
    /* RFC 9112 6.3: without chunked at the end nobody knows where the body ends. */
    static const char last[] = "Transfer-Encoding does not end in chunked";
    BAD_H(400, last, TE "identity\r\n");
    BAD_H(400, last, TE "gzip\r\n");
    BAD_H(400, last, TE "chunked, gzip\r\n");
    BAD_H(400, last, TE "chunked, identity\r\n");
    BAD_H(400, last, TE "xchunked\r\n");
    BAD_H(400, last, TE "chunked;q=1\r\n");
    BAD_H(400, last, TE "\"chunked\"\r\n");
    BAD_H(400, last, TE "chunked,\r\n");
    BAD_H(400, last, TE "gzip chunked\r\n");
    BAD_H(400, last,
          TE "\xa0"
             "chunked\r\n");
    BAD_H(400, last, TE "\r\n");
    BAD_H(400, last, TE "\t\r\n");
    BAD_H(400, "bad Transfer-Encoding", TE "chunked, chunked\r\n");
    BAD_H(400, "bad Transfer-Encoding", TE "chunked,gzip,\tchunked\r\n");
    BAD_H(400, "bad Transfer-Encoding", TE ",chunked\r\n");
    BAD_H(400, "bad Transfer-Encoding", TE "gzip,,chunked\r\n");
    BAD_H(400, "bad Transfer-Encoding", TE "gzip;q=1, chunked\r\n");
    BAD_H(400, "bad Transfer-Encoding", TE "\"chunked\", chunked\r\n");
    /* RFC 9112 6.1: the body would end, but we do not know what it means. */
    BAD_H(501, "unknown Transfer-Encoding", TE "gzip, chunked\r\n");
    BAD_H(501, "unknown Transfer-Encoding", TE "identity\t,\tCHUNKED\r\n");
    BAD_H(501, "unknown Transfer-Encoding", TE "a,b , chunked\r\n");
    BAD(400, "Transfer-Encoding in HTTP/1.0", "POST / HTTP/1.0\r\n" TE "chunked\r\n\r\n");
}

/* White space around a value is SP or HTAB (RFC 9110 5.6.3), of those that decide where a message ends
 * and to whom it goes as well. */
static void tabs(void) {
    static const char *const white[] = {"\t", " \t", "\t ", " \t \t"};
    char text[128];
    for (size_t i = 0; i < sizeof white / sizeof *white; i++) {
        int n = snprintf(text, sizeof text, "POST / HTTP/1.1\r\nHost:%sa%s\r\nX:%sy%s\r\n",
                         white[i], white[i], white[i], white[i]);
        int length = snprintf(text + n, sizeof text - (size_t)n, "Content-Length:%s5%s\r\n\r\n",
                              white[i], white[i]);
        CHECK(read_both(REQUEST, gw_str(text, (size_t)(n + length))).got == n + length);
        CHECK(req.framing == GW_H1_LENGTH && req.body_len == 5);
        CHECK_STR(req.authority, "a");
        CHECK_STR(headers[1].value, "y");
        int coding = snprintf(text + n, sizeof text - (size_t)n, TE "%schunked%s\r\n\r\n", white[i],
                              white[i]);
        CHECK(read_both(REQUEST, gw_str(text, (size_t)(n + coding))).got == n + coding);
        CHECK(req.framing == GW_H1_CHUNKED);
    }
    BAD_H(400, "bad Content-Length", "Content-Length: 5\t5\r\n");
    BAD_H(400, "bad Content-Length", "Content-Length:\t\r\n");
    BAD_H(400, "second Content-Length", "Content-Length:\t5\r\nContent-Length: 5\t\r\n");
    BAD_H(400, "Content-Length and Transfer-Encoding", "Content-Length:\t5\r\n" TE "\tchunked\r\n");
    BAD_H(400, "second Host", "Host:\ta\r\n");
    BAD(400, "bad Host", "GET / HTTP/1.1\r\nHost: a\tb\r\n\r\n");
    BAD(400, "bad Host", "GET / HTTP/1.1\r\nHost:\t\r\n\r\n");
}

/* ---------------------------------------------------------------------- requests: limits */

static char big[GW_HEAD_MAX + 64];

static void put_at(char *to, struct gw_str s) {
    memcpy(to, s.p, s.n);
}

/* A head of exactly n bytes with one long value; without its end, if it is not `whole`. */
static struct gw_str head_of(size_t n, bool whole) {
    memset(big, 'x', sizeof(big));
    put_at(big, GW_STR("GET / HTTP/1.1\r\n" H "X: "));
    if (whole)
        put_at(big + n - 4, GW_STR("\r\n\r\n"));
    return gw_str(big, n);
}

static void head_limit(void) {
    CHECK(read_both(REQUEST, head_of(GW_HEAD_MAX, true)).got == GW_HEAD_MAX);
    CHECK(refused(head_of(GW_HEAD_MAX + 1, true), 431, "head too large"));
    CHECK(refused(head_of(GW_HEAD_MAX, false), 431, "head too large"));
    CHECK(read_both(REQUEST, head_of(GW_HEAD_MAX - 1, false)).got == GW_H1_MORE);
    put_at(big, GW_STR("\r\nGET / HTTP/1.1\r\n" H "X: "));
    CHECK(read_both(REQUEST, gw_str(big, GW_HEAD_MAX - 1)).got == GW_H1_MORE);
    CHECK(refused(gw_str(big, GW_HEAD_MAX), 431, "head too large"));
    memset(big, 'A', sizeof(big));
    CHECK(refused(gw_str(big, sizeof(big)), 414, "first line too long"));
    put_at(big, GW_STR("HTTP/1.1 200 "));
    CHECK(junk(gw_str(big, sizeof(big)), "first line too long"));
}

static struct gw_str target_of(size_t n) {
    static const char end[] = " HTTP/1.1\r\n" H "\r\n";
    memset(big, 'x', sizeof(big));
    put_at(big, GW_STR("GET /"));
    memcpy(big + 4 + n, end, sizeof(end) - 1);
    return gw_str(big, 4 + n + sizeof(end) - 1);
}

static void target_limit(void) {
    struct gw_str s = target_of(GW_H1_TARGET_MAX);
    CHECK(read_both(REQUEST, s).got == (int)s.n);
    CHECK(refused(target_of(GW_H1_TARGET_MAX + 1), 414, "target too long"));
}

static struct gw_str headers_of(uint32_t count, const char *line) {
    int n = snprintf(big, sizeof(big), "%s\r\n" H, line);
    for (uint32_t i = 1; i < count; i++)
        n += snprintf(big + n, sizeof(big) - (size_t)n, "x-%u: y\r\n", i);
    n += snprintf(big + n, sizeof(big) - (size_t)n, "\r\n");
    return gw_str(big, (size_t)n);
}

static void headers_limit(void) {
    struct gw_str s = headers_of(GW_HEADERS_MAX, "GET / HTTP/1.1");
    CHECK(read_both(REQUEST, s).got == (int)s.n);
    CHECK_EQ_U64(req.headers_n, GW_HEADERS_MAX);
    CHECK(refused(headers_of(GW_HEADERS_MAX + 1, "GET / HTTP/1.1"), 431, "too many headers"));
    s = headers_of(GW_ANSWER_HEADERS_MAX, "HTTP/1.1 200 OK");
    CHECK(read_both(RESPONSE, s).got == (int)s.n);
    CHECK_EQ_U64(res.headers_n, GW_ANSWER_HEADERS_MAX);
    s = headers_of(GW_ANSWER_HEADERS_MAX + 1, "HTTP/1.1 200 OK");
    CHECK(read_both(RESPONSE, s).got == GW_H1_BAD);
}

/* ---------------------------------------------------------------------- responses */

static void reads_a_response(void) {
    FINE("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\n");
    CHECK(res.status == 200 && res.minor == 1 && res.headers_n == 2 && res.keep_alive);
    CHECK(res.framing == GW_H1_LENGTH && res.body_len == 5);
    FINE("HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n");
    CHECK(res.status == 404 && res.framing == GW_H1_NONE && res.body_len == 0 && res.keep_alive);
    FINE("HTTP/1.1 599 \r\nTransfer-Encoding: chunked\r\n\r\n");
    CHECK(res.framing == GW_H1_CHUNKED && res.body_len == GW_UNKNOWN && res.keep_alive);
    FINE("HTTP/1.1 200 a\tb \xff\r\n\r\n");
    CHECK(res.framing == GW_H1_CLOSE && res.body_len == GW_UNKNOWN && !res.keep_alive);
    FINE("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n");
    CHECK(!res.keep_alive);
    FINE("HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n");
    CHECK(res.keep_alive);
    FINE("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n");
    CHECK(!res.keep_alive);
}

static void responses_without_body(void) {
    FINE("HTTP/1.1 204 No Content\r\n\r\n");
    CHECK(res.framing == GW_H1_NONE && res.keep_alive);
    FINE("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n");
    CHECK(res.framing == GW_H1_NONE && res.body_len == 0 && !res.keep_alive);
    FINE("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n");
    CHECK(res.framing == GW_H1_NONE && !res.keep_alive);
    FINE("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n");
    CHECK(res.keep_alive);
    FINE("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n");
    CHECK(res.framing == GW_H1_NONE && res.keep_alive);
    FINE("HTTP/1.1 100 Continue\r\n\r\n");
    CHECK(res.status == 100 && res.framing == GW_H1_NONE && res.keep_alive);
    struct gw_str s = GW_STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    CHECK(read_both(RESPONSE_TO_HEAD, s).got == (int)s.n);
    CHECK(res.framing == GW_H1_NONE && res.body_len == 0 && res.keep_alive);
}

static void junk_status_lines(void) {
    JUNK("not HTTP/1", "ICY 200 OK\r\n\r\n");
    JUNK("not HTTP/1", "\r\nHTTP/1.1 200 OK\r\n\r\n");
    JUNK("bad version", "HTTP 200 OK\r\n\r\n");
    JUNK("bad version", "HTTP/x.1 200 OK\r\n\r\n");
    JUNK("bad version", "H\r\n\r\n");
    JUNK("not HTTP/1.0 or 1.1", "HTTP/2.0 200 OK\r\n\r\n");
    JUNK("bad status line", "HTTP/1.1\r\n\r\n");
    JUNK("bad status line", "HTTP/1.1 20\r\n\r\n");
    JUNK("bad status line", "HTTP/1.1\t200 OK\r\n\r\n");
    JUNK("bad status line", "HTTP/1.1 2000 OK\r\n\r\n");
    JUNK("bad status line", "HTTP/1.1 200OK\r\n\r\n");
    JUNK("bad status line", "HTTP/1.1 200 O\0K\r\n\r\n");
    JUNK("bad status line", "HTTP/1.1 200 O\rK\r\n\r\n");
    JUNK("bad status", "HTTP/1.1  200 OK\r\n\r\n");
    JUNK("bad status", "HTTP/1.1 099 OK\r\n\r\n");
    JUNK("bad status", "HTTP/1.1 600 OK\r\n\r\n");
    JUNK("bad status", "HTTP/1.1 -20 OK\r\n\r\n");
    JUNK("bad status", "HTTP/1.1 2x0 OK\r\n\r\n");
    JUNK("101 that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\n\r\n");
}

#define OK_LINE "HTTP/1.1 200 OK\r\n"

static void junk_framing(void) {
    JUNK("second Content-Length", OK_LINE "Content-Length: 5\r\nContent-Length: 5\r\n\r\n");
    JUNK("bad Content-Length", OK_LINE "Content-Length: 5, 5\r\n\r\n");
    JUNK("bad Content-Length", "HTTP/1.1 204 x\r\nContent-Length: -1\r\n\r\n");
    JUNK("Content-Length and Transfer-Encoding",
         OK_LINE "Content-Length: 5\r\n" TE "chunked\r\n\r\n");
    JUNK("second Transfer-Encoding", OK_LINE TE "chunked\r\n" TE "chunked\r\n\r\n");
    JUNK("Transfer-Encoding does not end in chunked", OK_LINE TE "gzip\r\n\r\n");
    JUNK("unknown Transfer-Encoding", OK_LINE TE "gzip, chunked\r\n\r\n");
    JUNK("Transfer-Encoding in HTTP/1.0", "HTTP/1.0 200 OK\r\n" TE "chunked\r\n\r\n");
    JUNK("folded header", OK_LINE "X: y\r\n z\r\n\r\n");
    JUNK("LF without CR", OK_LINE "X: y\n\r\n");
    JUNK("CR without LF", OK_LINE "X: y\rz\r\n\r\n");
}

int main(void) {
    RUN(reads_a_request);
    RUN(stops_at_the_body);
    RUN(wants_more);
    RUN(values);
    RUN(connection);
    RUN(expect);
    RUN(methods);
    RUN(an_empty_line_before);
    RUN(targets);
    RUN(absolute_targets);
    RUN(versions);
    RUN(line_ends);
    RUN(names);
    RUN(hosts);
    RUN(lengths);
    RUN(codings);
    RUN(tabs);
    RUN(head_limit);
    RUN(target_limit);
    RUN(headers_limit);
    RUN(reads_a_response);
    RUN(responses_without_body);
    RUN(junk_status_lines);
    RUN(junk_framing);
    return unit_end();
}
