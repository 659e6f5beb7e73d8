/*
 * Request heads made of anything, as they may come from an HTTP/2 client: method, path, authority
 * and head block, cut from the input at each byte 0x1e. Holds: what the writer lets through is, to
 * the reader, exactly one head with just these parts; nothing in them can begin a second message.
 */
#include "http/h1.h"

#include <stdlib.h>

#define MUST(cond) ((cond) ? (void)0 : abort())

static struct gw_str next_part(struct gw_str *rest) {
    return rest->p != NULL ? gw_str_cut(rest, 0x1e) : gw_str(NULL, 0);
}

/* How many headers say how long the body is. */
static uint32_t framing_n(const struct gw_header *headers, const struct gw_h1_req *req) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < req->headers_n; i++)
        n += gw_str_ieq(headers[i].name, GW_STR("content-length")) ||
             gw_str_ieq(headers[i].name, GW_STR("transfer-encoding"));
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static struct gw_header headers[GW_HEADERS_MAX];
    if (n == 0)
        return 0;
    struct gw_str rest = gw_str(data + 1, n - 1);
    struct gw_h1_req_out out = {.body_len = data[0] == 255 ? GW_UNKNOWN : data[0] / 2,
                                .keep_alive = (data[0] & 1) != 0};
    /* An empty part stands for a plain one: the fuzzer then need not find all four at once. */
    struct gw_str part = next_part(&rest);
    out.method = part.n > 0 ? part : GW_STR("GET");
    part = next_part(&rest);
    out.path = part.n > 0 ? part : GW_STR("/");
    part = next_part(&rest);
    out.authority = part.n > 0 ? part : GW_STR("a");
    out.head = rest;
    size_t cap = n + GW_H1_WRITE_EXTRA;
    char *buf = malloc(cap);
    MUST(buf != NULL);
    ptrdiff_t wrote = gw_h1_req_write(buf, cap, &out);
    MUST(wrote > 0 || wrote == GW_H1_BAD);
    struct gw_h1_req req;
    int got = wrote > 0 ? gw_h1_req_read(buf, (size_t)wrote, 0, headers, &req) : 0;
    /* The reader has limits that the writer has not, and an opinion on Expect. */
    if (got > 0 || (got == GW_H1_BAD && req.status != 431 && req.status != 417)) {
        MUST(got == wrote && req.body_len == out.body_len);
        MUST(framing_n(headers, &req) == (out.framing != GW_H1_NONE));
        MUST(gw_str_eq(req.method, out.method) && gw_str_eq(req.target, out.path));
        MUST(gw_str_eq(req.authority, out.authority));
    }
    free(buf);
    return 0;
}
