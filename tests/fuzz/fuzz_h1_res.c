/*
 * Response heads. The first byte of the input says whether the rest is the whole head or its header
 * lines, and whether it answers a HEAD. Holds: what is returned lies in the input; a cut anywhere
 * changes nothing; where a body may be, it has the framing that the headers say.
 */
#include "http/h1.h"

#include <stdlib.h>

#define MUST(cond) ((cond) ? (void)0 : abort())

static struct gw_header headers[GW_ANSWER_HEADERS_MAX], again_headers[GW_ANSWER_HEADERS_MAX];

static bool inside(struct gw_str s, struct gw_str in) {
    return s.n == 0 || (s.p >= in.p && s.p + s.n <= in.p + in.n);
}

static void check_framing(const struct gw_h1_res *res, bool to_head) {
    MUST(res->status >= 100 && res->status <= 599 && res->status != 101 && res->minor <= 1);
    bool empty = to_head || res->status < 200 || res->status == 204 || res->status == 304;
    MUST(!empty || (res->framing == GW_H1_NONE && res->body_len == 0));
    MUST(res->framing != GW_H1_CLOSE || !res->keep_alive);
    MUST((res->framing == GW_H1_CHUNKED || res->framing == GW_H1_CLOSE) ==
         (res->body_len == GW_UNKNOWN));
    MUST(res->framing != GW_H1_CHUNKED || res->minor == 1);
}

/* At most one header that frames the body may have been let through. */
static void check_headers(struct gw_str head, const struct gw_h1_res *res) {
    uint32_t framing = 0;
    for (uint32_t i = 0; i < res->headers_n; i++) {
        MUST(inside(headers[i].name, head) && inside(headers[i].value, head));
        framing += gw_str_ieq(headers[i].name, GW_STR("content-length")) ||
                   gw_str_ieq(headers[i].name, GW_STR("transfer-encoding"));
    }
    MUST(framing <= 1);
}

static void check_cut(struct gw_str in, size_t cut, bool to_head, int got,
                      const struct gw_h1_res *whole) {
    struct gw_h1_res part;
    char *copy = malloc(cut + 1);
    MUST(copy != NULL);
    memcpy(copy, in.p, cut);
    int early = gw_h1_res_read(copy, cut, 0, to_head, again_headers, &part);
    free(copy);
    if (early == GW_H1_MORE)
        early = gw_h1_res_read(in.p, in.n, cut, to_head, again_headers, &part);
    MUST(early == got);
    MUST(got != GW_H1_BAD || gw_str_eq(part.why, whole->why));
    MUST(got < 0 || (part.framing == whole->framing && part.body_len == whole->body_len &&
                     part.keep_alive == whole->keep_alive));
}

static void check(struct gw_str in, bool to_head) {
    struct gw_h1_res res;
    int got = gw_h1_res_read(in.p, in.n, 0, to_head, headers, &res);
    MUST(got > 0 || got == GW_H1_BAD || got == GW_H1_MORE);
    MUST(got != GW_H1_MORE || in.n < GW_HEAD_MAX);
    for (size_t cut = 0, step = in.n / 16 + 1; cut < in.n; cut += step)
        check_cut(in, cut, to_head, got, &res);
    if (got <= 0)
        return;
    MUST((size_t)got <= in.n && got <= GW_HEAD_MAX && res.headers_n <= GW_ANSWER_HEADERS_MAX);
    check_headers(gw_str(in.p, (size_t)got), &res);
    check_framing(&res, to_head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (n == 0)
        return 0;
    static const char line[] = "HTTP/1.1 200 OK\r\n";
    size_t begin = data[0] & 1 ? sizeof(line) - 1 : 0;
    char *in = malloc(begin + n - 1 + 1);
    MUST(in != NULL);
    memcpy(in, line, begin);
    memcpy(in + begin, data + 1, n - 1);
    check(gw_str(in, begin + n - 1), (data[0] & 2) != 0);
    free(in);
    return 0;
}
