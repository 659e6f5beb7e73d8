/*
 * Request heads. The first byte of the input says whether the rest is the whole head or its header
 * lines, so that the fuzzer need not find the request line first. Holds: what is returned lies in
 * the input; a cut anywhere changes nothing; what is accepted and written again means the same.
 */
#include "http/h1.h"

#include <stdlib.h>

#define MUST(cond) ((cond) ? (void)0 : abort())

static struct gw_header headers[GW_HEADERS_MAX], again_headers[GW_HEADERS_MAX];

static bool inside(struct gw_str s, struct gw_str in) {
    return s.n == 0 || (s.p >= in.p && s.p + s.n <= in.p + in.n);
}

/* "OPTIONS *": nobody writes it again. */
static bool is_whole_server(const struct gw_h1_req *req) {
    return gw_str_eq(req->target, GW_STR("*")) && gw_str_eq(req->method, GW_STR("OPTIONS"));
}

static void check_slices(struct gw_str in, int got, const struct gw_h1_req *req) {
    struct gw_str head = gw_str(in.p, (size_t)got);
    MUST(head.n <= in.n && head.n <= GW_HEAD_MAX && req->headers_n <= GW_HEADERS_MAX);
    MUST(inside(req->method, head) && inside(req->target, head) && inside(req->authority, head));
    MUST(req->target.n > 0 && (req->target.p[0] == '/' || is_whole_server(req)));
    for (uint32_t i = 0; i < req->headers_n; i++)
        MUST(inside(headers[i].name, head) && inside(headers[i].value, head));
}

/* Reads p[0..cut), then all of it: the same must come out as at once. */
static void check_cut(struct gw_str in, size_t cut, int got, const struct gw_h1_req *whole) {
    struct gw_h1_req part;
    char *copy = malloc(cut + 1);
    MUST(copy != NULL);
    memcpy(copy, in.p, cut);
    int early = gw_h1_req_read(copy, cut, 0, again_headers, &part);
    free(copy);
    if (early == GW_H1_MORE)
        early = gw_h1_req_read(in.p, in.n, cut, again_headers, &part);
    MUST(early == got);
    MUST(got != GW_H1_BAD || (part.status == whole->status && gw_str_eq(part.why, whole->why)));
    MUST(got < 0 || (part.framing == whole->framing && part.body_len == whole->body_len));
}

static bool is_own(struct gw_str name) {
    static const char *const own[] = {"host", "connection", "content-length", "transfer-encoding"};
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (gw_str_ieq(name, gw_str(own[i], strlen(own[i]))))
            return true;
    return false;
}

static size_t put(char *to, struct gw_str s) {
    if (s.n > 0)
        memcpy(to, s.p, s.n);
    return s.n;
}

static size_t make_block(char *block, uint32_t headers_n) {
    size_t n = 0;
    for (uint32_t i = 0; i < headers_n; i++) {
        if (is_own(headers[i].name))
            continue;
        n += put(block + n, headers[i].name);
        n += put(block + n, GW_STR(": "));
        n += put(block + n, headers[i].value);
        n += put(block + n, GW_H1_CRLF);
    }
    return n;
}

static void check_again(const struct gw_h1_req *req) {
    static char block[2 * GW_HEAD_MAX], out[4 * GW_HEAD_MAX];
    struct gw_h1_req_out w = {.method = req->method,
                              .path = req->target,
                              .authority = req->authority.n > 0 ? req->authority : GW_STR("x"),
                              .head = gw_str(block, make_block(block, req->headers_n)),
                              .body_len = req->body_len,
                              .keep_alive = req->keep_alive};
    ptrdiff_t n = gw_h1_req_write(out, sizeof(out), &w);
    MUST(n > 0);
    struct gw_h1_req again;
    int got = gw_h1_req_read(out, (size_t)n, 0, again_headers, &again);
    /* Our own lines may lead over a limit, or an Expect that HTTP/1.0 may ignore may be unknown. */
    if (got == GW_H1_BAD && (again.status == 431 || (req->minor == 0 && again.status == 417)))
        return;
    MUST(got == n && again.framing == req->framing && again.body_len == req->body_len);
    MUST(gw_str_eq(again.method, req->method) && gw_str_eq(again.target, req->target));
    MUST(again.keep_alive == req->keep_alive);
}

static void check(struct gw_str in) {
    struct gw_h1_req req;
    int got = gw_h1_req_read(in.p, in.n, 0, headers, &req);
    MUST(got > 0 || got == GW_H1_BAD || got == GW_H1_MORE);
    MUST(got != GW_H1_MORE || in.n < GW_HEAD_MAX);
    MUST(got != GW_H1_BAD || (req.status >= 400 && req.status <= 505 && req.why.n > 0));
    for (size_t cut = 0, step = in.n / 16 + 1; cut < in.n; cut += step)
        check_cut(in, cut, got, &req);
    if (got <= 0)
        return;
    check_slices(in, got, &req);
    if (!is_whole_server(&req))
        check_again(&req);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (n == 0)
        return 0;
    struct gw_str begin = data[0] & 1 ? GW_STR("POST /x HTTP/1.1\r\nHost: a\r\n") : gw_str(NULL, 0);
    char *in = malloc(begin.n + n - 1 + 1);
    MUST(in != NULL);
    size_t in_n = put(in, begin);
    in_n += put(in + in_n, gw_str(data + 1, n - 1));
    check(gw_str(in, in_n));
    free(in);
    return 0;
}
