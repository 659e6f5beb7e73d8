#include "http/h1_class.h"
#include "http/h1_fields.h"

/*
 * What is written here may come from an HTTP/2 client or from a configuration, so that nothing has
 * yet looked at it with the eyes of HTTP/1. Hence all of it is checked again.
 */

/* Bytes into a caller's buffer; past its end nothing is written and `full` says so. */
struct out {
    char *p;
    size_t n, cap;
    bool full;
};

static void put(struct out *o, struct gw_str s) {
    if (o->full || s.n > o->cap - o->n) {
        o->full = true;
        return;
    }
    if (s.n > 0)
        memcpy(o->p + o->n, s.p, s.n);
    o->n += s.n;
}

static void put_u64(struct out *o, uint64_t v) {
    char digits[20];
    size_t i = sizeof(digits);
    do {
        digits[--i] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    put(o, gw_str(digits + i, sizeof(digits) - i));
}

static void put_framing(struct out *o, uint32_t framing, uint64_t body_len) {
    if (framing == GW_H1_CHUNKED) {
        put(o, GW_STR("transfer-encoding: chunked\r\n"));
    } else if (framing == GW_H1_LENGTH) {
        put(o, GW_STR("content-length: "));
        put_u64(o, body_len);
        put(o, GW_H1_CRLF);
    }
}

static ptrdiff_t done(const struct out *o) {
    return o->full ? GW_H1_MORE : (ptrdiff_t)o->n;
}

/* ---------------------------------------------------------------------- responses */

/* The table is above gw_h1_res_out. */
static uint32_t response_framing(const struct gw_h1_res_out *res) {
    if (res->status == 204 || res->status == 304 || res->to_head)
        return GW_H1_NONE;
    if (res->body_len != GW_UNKNOWN)
        return GW_H1_LENGTH;
    return res->minor == 0 ? GW_H1_CLOSE : GW_H1_CHUNKED;
}

static void put_response_framing(struct out *o, const struct gw_h1_res_out *res) {
    bool told = res->framing == GW_H1_NONE && res->status != 204 && res->body_len > 0 &&
                res->body_len != GW_UNKNOWN;
    put_framing(o, told ? GW_H1_LENGTH : res->framing, res->body_len);
    if (!res->keep_alive)
        put(o, GW_STR("connection: close\r\n"));
    else if (res->minor == 0)
        put(o, GW_STR("connection: keep-alive\r\n"));
}

ptrdiff_t gw_h1_res_write(char *buf, size_t cap, struct gw_h1_res_out *res) {
    bool dated, interim = res->status < 200;
    if (res->status < 102 || res->status > 599 || (interim && res->minor == 0) ||
        !h1_fields_block_ok(res->head, &dated) ||
        (res->date.n > 0 && !h1_fields_line_ok(res->date, GW_STR("date"))))
        return GW_H1_BAD;
    res->framing = interim ? GW_H1_NONE : response_framing(res);
    if (res->framing == GW_H1_CLOSE)
        res->keep_alive = false;
    struct out o = {.p = buf, .cap = cap};
    put(&o, GW_STR("HTTP/1.1 "));
    put_u64(&o, res->status);
    put(&o, GW_STR(" "));
    put(&o, gw_h1_reason(res->status));
    put(&o, GW_H1_CRLF);
    if (!interim && !dated)
        put(&o, res->date);
    put(&o, res->head);
    if (!interim)
        put_response_framing(&o, res);
    put(&o, GW_H1_CRLF);
    return done(&o);
}

/* ---------------------------------------------------------------------- requests */

static bool request_ok(const struct gw_h1_req_out *req) {
    bool dated;
    return req->method.n <= GW_H1_METHOD_MAX && h1_all(req->method, H1_METHOD) &&
           !gw_str_eq(req->method, GW_STR("CONNECT")) && req->path.n <= GW_H1_TARGET_MAX &&
           h1_all(req->path, H1_TARGET) && req->path.p[0] == '/' &&
           h1_fields_host_ok(req->authority) && h1_fields_block_ok(req->head, &dated);
}

/* RFC 9110 8.6: with these a server may take a missing length for an error. */
static bool expects_body(struct gw_str method) {
    return gw_str_eq(method, GW_STR("POST")) || gw_str_eq(method, GW_STR("PUT")) ||
           gw_str_eq(method, GW_STR("PATCH"));
}

static uint32_t request_framing(const struct gw_h1_req_out *req) {
    if (req->body_len == GW_UNKNOWN)
        return GW_H1_CHUNKED;
    return req->body_len > 0 || expects_body(req->method) ? GW_H1_LENGTH : GW_H1_NONE;
}

ptrdiff_t gw_h1_req_write(char *buf, size_t cap, struct gw_h1_req_out *req) {
    if (!request_ok(req))
        return GW_H1_BAD;
    req->framing = request_framing(req);
    struct out o = {.p = buf, .cap = cap};
    put(&o, req->method);
    put(&o, GW_STR(" "));
    put(&o, req->path);
    put(&o, GW_STR(" HTTP/1.1\r\nhost: "));
    put(&o, req->authority);
    put(&o, GW_H1_CRLF);
    put(&o, req->head);
    put_framing(&o, req->framing, req->body_len);
    if (!req->keep_alive)
        put(&o, GW_STR("connection: close\r\n"));
    put(&o, GW_H1_CRLF);
    return done(&o);
}

/* ---------------------------------------------------------------------- chunks, phrases */

size_t gw_h1_chunk_write(char buf[GW_H1_SIZE_LINE], uint64_t n) {
    size_t digits = 1;
    while (digits < 16 && n >> (4 * digits) != 0)
        digits++;
    for (size_t i = 0; i < digits; i++)
        buf[i] = "0123456789abcdef"[(n >> (4 * (digits - 1 - i))) & 15];
    buf[digits] = '\r';
    buf[digits + 1] = '\n';
    return digits + 2;
}

/* Arrays, not pointers: a table of pointers would need relocation, and so be writable at first. */
static const struct {
    uint32_t status;
    char phrase[32];
} reasons[] = {
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
    {529, "Overloaded"},
};

struct gw_str gw_h1_reason(uint32_t status) {
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return gw_str(reasons[i].phrase, strlen(reasons[i].phrase));
    switch (status / 100) {
    case 1:
        return GW_STR("Informational");
    case 2:
        return GW_STR("Success");
    case 3:
        return GW_STR("Redirection");
    case 4:
        return GW_STR("Client Error");
    default:
        return GW_STR("Server Error");
    }
}
