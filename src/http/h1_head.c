#include "http/h1.h"
#include "http/h1_class.h"
#include "http/h1_fields.h"

/* "HTTP/1.x" and the byte after it at p; there are `n` bytes. Returns x, or GW_H1_BAD. */
static int read_version(const char *p, size_t n, struct h1_refusal *bad) {
    if (n < 8 || memcmp(p, "HTTP/", 5) != 0 || p[6] != '.' || p[5] < '0' || p[5] > '9' ||
        p[7] < '0' || p[7] > '9')
        return h1_refuse(bad, 400, GW_STR("bad version"));
    if (p[5] != '1' || p[7] > '1')
        return h1_refuse(bad, 505, GW_STR("not HTTP/1.0 or 1.1"));
    return p[7] - '0';
}

/* ---------------------------------------------------------------------- requests */

static int check_method(struct gw_str method, char after, struct h1_refusal *bad) {
    if (method.n > GW_H1_METHOD_MAX)
        return h1_refuse(bad, 501, GW_STR("method too long"));
    if (method.n == 0 || after != ' ')
        return h1_refuse(bad, 400, GW_STR("bad method"));
    if (gw_str_eq(method, GW_STR("CONNECT")))
        return h1_refuse(bad, 501, GW_STR("CONNECT"));
    return 0;
}

/* Splits an absolute-form target into authority and the rest from '/' on; "*" is the whole server. */
static int split_target(struct gw_h1_req *out, struct h1_refusal *bad) {
    struct gw_str t = out->target;
    if (gw_str_eq(t, GW_STR("*")) && gw_str_eq(out->method, GW_STR("OPTIONS")))
        return 0;
    size_t scheme = gw_str_ieq(gw_str_sub(t, 0, 7), GW_STR("http://"))    ? 7
                    : gw_str_ieq(gw_str_sub(t, 0, 8), GW_STR("https://")) ? 8
                                                                          : 0;
    if (scheme == 0)
        return h1_refuse(bad, 400, GW_STR("target is not a path"));
    struct gw_str rest = gw_str_sub(t, scheme, t.n);
    ptrdiff_t slash = gw_str_chr(rest, '/');
    if (slash < 0)
        return h1_refuse(bad, 400, GW_STR("target without a path"));
    out->authority = gw_str_sub(rest, 0, (size_t)slash);
    out->target = gw_str_sub(rest, (size_t)slash, rest.n);
    if (!h1_fields_host_ok(out->authority))
        return h1_refuse(bad, 400, GW_STR("bad host in the target"));
    return 0;
}

/* The line "METHOD target HTTP/1.x": sets those fields of `out` and `*next`. */
static int read_request_line(const char *p, const char *end, const char **next,
                             struct gw_h1_req *out, struct h1_refusal *bad) {
    const char *q = p;
    while (h1_is(*q, H1_METHOD))
        q++;
    out->method = gw_str(p, (size_t)(q - p));
    if (check_method(out->method, *q, bad) != 0)
        return GW_H1_BAD;
    const char *target = ++q;
    while (h1_is(*q, H1_TARGET))
        q++;
    out->target = gw_str(target, (size_t)(q - target));
    if (out->target.n > GW_H1_TARGET_MAX)
        return h1_refuse(bad, 414, GW_STR("target too long"));
    if (out->target.n == 0 || *q != ' ')
        return h1_refuse(bad, 400, GW_STR("bad target"));
    q++;
    int minor = read_version(q, (size_t)(end - q), bad);
    if (minor < 0)
        return GW_H1_BAD;
    q += 8;
    if (q[0] != '\r' || q[1] != '\n')
        return h1_refuse(bad, 400, GW_STR("bad request line"));
    out->minor = (uint32_t)minor;
    out->authority = gw_str(NULL, 0);
    *next = q + 2;
    return out->target.p[0] == '/' ? 0 : split_target(out, bad);
}

static int check_host(const struct h1_fields *f, struct gw_h1_req *out, struct h1_refusal *bad) {
    if (!(f->has & H1_HAS_HOST))
        return out->minor == 0 ? 0 : h1_refuse(bad, 400, GW_STR("no Host"));
    if (!h1_fields_host_ok(f->host))
        return h1_refuse(bad, 400, GW_STR("bad Host"));
    if (out->authority.n > 0 && !gw_str_ieq(out->authority, f->host))
        return h1_refuse(bad, 400, GW_STR("Host is not the target's"));
    out->authority = f->host;
    return 0;
}

/* What the codec itself has to refuse about Transfer-Encoding, in requests and in responses. */
static int check_coding(const struct h1_fields *f, uint32_t minor, struct h1_refusal *bad) {
    if (!(f->has & H1_HAS_CODING))
        return 0;
    if (f->has & H1_HAS_LENGTH)
        return h1_refuse(bad, 400, GW_STR("Content-Length and Transfer-Encoding"));
    if (minor == 0)
        return h1_refuse(bad, 400, GW_STR("Transfer-Encoding in HTTP/1.0"));
    return f->has & H1_HAS_OTHER_CODING ? h1_fields_refuse_coding(f->coding, bad) : 0;
}

static bool keeps_alive(const struct h1_fields *f, uint32_t minor) {
    if (f->has & H1_HAS_CLOSE)
        return false;
    return minor == 1 || (f->has & H1_HAS_KEEP_ALIVE) != 0;
}

static int conclude_request(const struct h1_fields *f, struct gw_h1_req *out,
                            struct h1_refusal *bad) {
    if (check_host(f, out, bad) != 0 || check_coding(f, out->minor, bad) != 0)
        return GW_H1_BAD;
    /* An HTTP/1.0 client cannot know of 100 Continue; what it expects is to be ignored. */
    if (out->minor == 1 && (f->has & H1_HAS_OTHER_EXPECT))
        return h1_refuse(bad, 417, GW_STR("unknown Expect"));
    out->headers_n = f->n;
    out->expect_continue = out->minor == 1 && (f->has & H1_HAS_CONTINUE) != 0;
    out->upgrade = (f->has & H1_HAS_UPGRADE) != 0;
    out->keep_alive = keeps_alive(f, out->minor);
    if (f->has & H1_HAS_CODING) {
        out->framing = GW_H1_CHUNKED;
        out->body_len = GW_UNKNOWN;
    } else {
        out->body_len = f->has & H1_HAS_LENGTH ? f->length : 0;
        out->framing = out->body_len > 0 ? GW_H1_LENGTH : GW_H1_NONE;
    }
    return 0;
}

/* Where the request line begins: RFC 9112 2.2 has a server skip at least one empty line, which some
 * clients write behind a body. A second one is refused, lest they be a way to keep us busy. */
static size_t skip_empty_line(const char *p, size_t n) {
    return n >= 2 && p[0] == '\r' && p[1] == '\n' ? 2 : 0;
}

static int read_request(const char *p, size_t n, size_t last_n, struct gw_header *headers,
                        struct gw_h1_req *out, struct h1_refusal *bad) {
    size_t skip = skip_empty_line(p, n);
    if (n == 1 && p[0] == '\r')
        return GW_H1_MORE;
    /* At once, so that a TLS hello to a plain port does not wait for a line end. */
    if (n > skip && !h1_is(p[skip], H1_METHOD))
        return h1_refuse(bad, 400, GW_STR("not HTTP/1"));
    int head_n = h1_fields_end(p, n, last_n, bad);
    if (head_n < 0)
        return head_n;
    const char *end = p + head_n, *next = end;
    struct h1_fields f = {.headers = headers, .max = GW_HEADERS_MAX};
    if (read_request_line(p + skip, end, &next, out, bad) != 0 ||
        h1_fields_read(next, end, &f, bad) != 0 || conclude_request(&f, out, bad) != 0)
        return GW_H1_BAD;
    return head_n;
}

int gw_h1_req_read(const char *p, size_t n, size_t last_n, struct gw_header *headers,
                   struct gw_h1_req *out) {
    struct h1_refusal bad = {0, {NULL, 0}};
    int got = read_request(p, n, last_n, headers, out, &bad);
    out->status = bad.status;
    out->why = bad.why;
    return got;
}

/* ---------------------------------------------------------------------- responses */

/* The three digits of a status, or GW_H1_BAD. */
static int read_status(const char *p, struct h1_refusal *bad) {
    int status = 0;
    for (int i = 0; i < 3; i++) {
        if (p[i] < '0' || p[i] > '9')
            return h1_refuse(bad, 400, GW_STR("bad status"));
        status = status * 10 + (p[i] - '0');
    }
    if (status < 100 || status > 599)
        return h1_refuse(bad, 400, GW_STR("bad status"));
    /* We never ask for another protocol; what follows would not be HTTP. */
    if (status == 101)
        return h1_refuse(bad, 400, GW_STR("101 that nobody asked for"));
    return status;
}

/* The line "HTTP/1.x 200 reason"; the reason, and the space before it, may be missing. */
static int read_status_line(const char *p, const char *end, const char **next,
                            struct gw_h1_res *out, struct h1_refusal *bad) {
    int minor = read_version(p, (size_t)(end - p), bad);
    if (minor < 0)
        return GW_H1_BAD;
    /* "HTTP/1.x" is 8 bytes, and CR LF CR LF 4: a head with a status in it has at least 16. */
    if (end - p < 16 || p[8] != ' ')
        return h1_refuse(bad, 400, GW_STR("bad status line"));
    int status = read_status(p + 9, bad);
    if (status < 0)
        return GW_H1_BAD;
    const char *q = p + 12;
    if (*q == ' ')
        while (h1_is(*q, H1_VALUE))
            q++;
    if (q[0] != '\r' || q[1] != '\n')
        return h1_refuse(bad, 400, GW_STR("bad status line"));
    out->minor = (uint32_t)minor;
    out->status = (uint32_t)status;
    *next = q + 2;
    return 0;
}

static int conclude_response(const struct h1_fields *f, bool to_head, struct gw_h1_res *out,
                             struct h1_refusal *bad) {
    if (check_coding(f, out->minor, bad) != 0)
        return GW_H1_BAD;
    out->headers_n = f->n;
    out->keep_alive = keeps_alive(f, out->minor);
    bool empty = out->status < 200 || out->status == 204;
    if (empty || to_head || out->status == 304) {
        out->framing = GW_H1_NONE;
        out->body_len = 0;
        /* These may not declare a body. Who does may send one: do not read it as an answer. */
        if (empty && ((f->has & H1_HAS_CODING) || ((f->has & H1_HAS_LENGTH) && f->length > 0)))
            out->keep_alive = false;
    } else if (f->has & H1_HAS_CODING) {
        out->framing = GW_H1_CHUNKED;
        out->body_len = GW_UNKNOWN;
    } else if (f->has & H1_HAS_LENGTH) {
        out->framing = f->length > 0 ? GW_H1_LENGTH : GW_H1_NONE;
        out->body_len = f->length;
    } else {
        out->framing = GW_H1_CLOSE;
        out->body_len = GW_UNKNOWN;
        out->keep_alive = false;
    }
    return 0;
}

static int read_response(const char *p, size_t n, size_t last_n, bool to_head,
                         struct gw_header *headers, struct gw_h1_res *out, struct h1_refusal *bad) {
    if (n > 0 && p[0] != 'H')
        return h1_refuse(bad, 400, GW_STR("not HTTP/1"));
    int head_n = h1_fields_end(p, n, last_n, bad);
    if (head_n < 0)
        return head_n;
    const char *end = p + head_n, *next = end;
    struct h1_fields f = {.headers = headers, .max = GW_ANSWER_HEADERS_MAX};
    if (read_status_line(p, end, &next, out, bad) != 0 || h1_fields_read(next, end, &f, bad) != 0 ||
        conclude_response(&f, to_head, out, bad) != 0)
        return GW_H1_BAD;
    return head_n;
}

int gw_h1_res_read(const char *p, size_t n, size_t last_n, bool to_head, struct gw_header *headers,
                   struct gw_h1_res *out) {
    struct h1_refusal bad = {0, {NULL, 0}};
    int got = read_response(p, n, last_n, to_head, headers, out, &bad);
    out->why = bad.why;
    return got;
}
