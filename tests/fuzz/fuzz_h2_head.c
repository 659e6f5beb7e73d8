/*
 * HTTP/2 heads made of anything: names and values, cut from the input at each byte 0x1e, behind four
 * good pseudo-headers if the first byte is odd. Holds: what the reader accepts can be written as an
 * HTTP/1 head, and is then read as exactly one, with the same parts and the same headers.
 */
#include <stdlib.h>

#include "http/h2.h"

#define MUST(cond) ((cond) ? (void)0 : abort())

enum { FIELDS = GW_ANSWER_HEADERS_MAX + GW_H2_PSEUDO_MAX };

static const struct gw_header good[] = {
    {GW_STR_INIT(":method"), GW_STR_INIT("POST")},
    {GW_STR_INIT(":scheme"), GW_STR_INIT("https")},
    {GW_STR_INIT(":authority"), GW_STR_INIT("a:1")},
    {GW_STR_INIT(":path"), GW_STR_INIT("/")},
};

static uint32_t cut(struct gw_str rest, bool after_good, struct gw_header *fields) {
    uint32_t n = 0;
    for (; after_good && n < 4; n++)
        fields[n] = good[n];
    while (rest.p != NULL && n < FIELDS) {
        fields[n].name = gw_str_cut(&rest, 0x1e);
        fields[n].value = rest.p != NULL ? gw_str_cut(&rest, 0x1e) : gw_str(NULL, 0);
        n++;
    }
    return n;
}

/* What the writer adds itself, and "expect", of which the reader has an opinion. */
static bool left_out(struct gw_str name) {
    return gw_str_eq(name, GW_STR("host")) || gw_str_eq(name, GW_STR("content-length")) ||
           gw_str_eq(name, GW_STR("expect"));
}

static char *append(char *to, struct gw_str s) {
    if (s.n > 0)
        memcpy(to, s.p, s.n);
    return to + s.n;
}

static void check_as_h1(const struct gw_h2_req *req, const struct gw_header *fields, size_t n) {
    static struct gw_header again[GW_HEADERS_MAX];
    char *block = malloc(n + 4 * (size_t)FIELDS), *end = block;
    char *buf = malloc(2 * n + 4 * (size_t)FIELDS + GW_H1_WRITE_EXTRA);
    MUST(block != NULL && buf != NULL);
    uint32_t written = 0;
    for (uint32_t i = 0; i < req->headers_n; i++) {
        if (left_out(fields[i].name))
            continue;
        end = append(append(end, fields[i].name), GW_STR(": "));
        end = append(append(end, fields[i].value), GW_STR("\r\n"));
        written++;
    }
    struct gw_h1_req_out out = {.method = req->method,
                                .path = req->target,
                                .authority = req->authority,
                                .head = gw_str(block, (size_t)(end - block)),
                                .body_len = req->body_len,
                                .keep_alive = true};
    struct gw_h1_req h1;
    ptrdiff_t wrote = gw_h1_req_write(buf, 2 * n + 4 * (size_t)FIELDS + GW_H1_WRITE_EXTRA, &out);
    bool whole_server = gw_str_eq(req->target, GW_STR("*")); /* that goes no further */
    MUST(wrote > 0 || (whole_server && gw_str_eq(req->method, GW_STR("OPTIONS"))));
    if (whole_server) {
        free(buf);
        free(block);
        return;
    }
    int got = gw_h1_req_read(buf, (size_t)wrote, 0, again, &h1);
    MUST(got == wrote || (got == GW_H1_BAD && h1.status == 431));
    if (got == wrote) {
        MUST(gw_str_eq(h1.method, req->method) && gw_str_eq(h1.target, req->target));
        MUST(gw_str_eq(h1.authority, req->authority) && h1.body_len == out.body_len);
        MUST(h1.headers_n == written + 1 + (out.framing != GW_H1_NONE));
    }
    free(buf);
    free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static struct gw_header fields[FIELDS];
    struct gw_h2_req req;
    if (n == 0)
        return 0;
    uint32_t fields_n = cut(gw_str(data + 1, n - 1), (data[0] & 1) != 0, fields);
    if (gw_h2_req_read(fields, fields_n, &req) == 0) {
        check_as_h1(&req, fields, n + 64);
    } else {
        MUST(req.status >= 400 && req.why.n > 0);
    }
    return 0;
}
