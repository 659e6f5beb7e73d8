#include "http/h1_class.h"
#include "http/h1_fields.h"
#include "http/h2.h"

/* What has been seen so far of the head that is being read. */
struct reading {
    struct gw_h2_req *out;
    struct h1_refusal bad;
    struct gw_str scheme, host;
    bool has_authority, has_length;
};

/* ---------------------------------------------------------------------- fields */

static bool is_space(char c) {
    return c == ' ' || c == '\t';
}

static bool value_ok(struct gw_str v) {
    return v.n == 0 || (h1_all(v, H1_VALUE) && !is_space(v.p[0]) && !is_space(v.p[v.n - 1]));
}

static bool name_ok(struct gw_str name) {
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] != gw_lower(name.p[i]))
            return false;
    return h1_all(name, H1_TOKEN);
}

static int take_pseudo(struct reading *r, const struct gw_header *f) {
    struct gw_str *place = NULL;
    if (gw_str_eq(f->name, GW_STR(":method")))
        place = &r->out->method;
    else if (gw_str_eq(f->name, GW_STR(":path")))
        place = &r->out->target;
    else if (gw_str_eq(f->name, GW_STR(":scheme")))
        place = &r->scheme;
    else if (gw_str_eq(f->name, GW_STR(":authority")))
        place = &r->out->authority;
    if (place == NULL)
        return h1_refuse(&r->bad, 400, GW_STR("unknown pseudo-header"));
    if (place->p != NULL)
        return h1_refuse(&r->bad, 400, GW_STR("second pseudo-header of a name"));
    if (f->value.n == 0)
        return h1_refuse(&r->bad, 400, GW_STR("empty pseudo-header"));
    *place = f->value;
    return 0;
}

/* What belongs to one connection, and so has no place where frames say the same. */
static bool is_of_connection(const struct gw_header *h) {
    switch (h->name.n) {
    case 2:
        return gw_str_eq(h->name, GW_STR("te")) && !gw_str_eq(h->value, GW_STR("trailers"));
    case 7:
        return gw_str_eq(h->name, GW_STR("upgrade"));
    case 10:
        return gw_str_eq(h->name, GW_STR("connection")) || gw_str_eq(h->name, GW_STR("keep-alive"));
    case 16:
        return gw_str_eq(h->name, GW_STR("proxy-connection"));
    case 17:
        return gw_str_eq(h->name, GW_STR("transfer-encoding"));
    default:
        return false;
    }
}

static int take_length(struct reading *r, struct gw_str value) {
    if (r->has_length)
        return h1_refuse(&r->bad, 400, GW_STR("second Content-Length"));
    r->has_length = true;
    if (!gw_str_u64(value, &r->out->body_len))
        return h1_refuse(&r->bad, 400, GW_STR("bad Content-Length"));
    return 0;
}

static int take_header(struct reading *r, const struct gw_header *h) {
    if (is_of_connection(h))
        return h1_refuse(&r->bad, 400, GW_STR("header of an HTTP/1 connection"));
    if (gw_str_eq(h->name, GW_STR("content-length")))
        return take_length(r, h->value);
    if (gw_str_eq(h->name, GW_STR("host"))) {
        if (r->host.p != NULL)
            return h1_refuse(&r->bad, 400, GW_STR("second Host"));
        r->host = h->value;
    } else if (gw_str_eq(h->name, GW_STR("expect"))) {
        if (!gw_str_ieq(h->value, GW_STR("100-continue")))
            return h1_refuse(&r->bad, 417, GW_STR("unknown Expect"));
        r->out->expect_continue = true;
    }
    return 0;
}

/* Pseudo-headers come first; the headers behind them move to the front. */
static int take_fields(struct reading *r, struct gw_header *fields, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        struct gw_header f = fields[i];
        bool pseudo = f.name.n > 0 && f.name.p[0] == ':';
        if (!value_ok(f.value))
            return h1_refuse(&r->bad, 400, GW_STR("bad byte in a header's value"));
        if (!pseudo && !name_ok(f.name))
            return h1_refuse(&r->bad, 400, GW_STR("bad byte in a header's name"));
        if (pseudo && r->out->headers_n > 0)
            return h1_refuse(&r->bad, 400, GW_STR("pseudo-header behind a header"));
        if ((pseudo ? take_pseudo(r, &f) : take_header(r, &f)) != 0)
            return GW_H1_BAD;
        if (!pseudo)
            fields[r->out->headers_n++] = f;
    }
    return r->out->headers_n <= GW_HEADERS_MAX
               ? 0
               : h1_refuse(&r->bad, 431, GW_STR("too many headers"));
}

/* ---------------------------------------------------------------------- the whole */

static int check_method(struct reading *r) {
    struct gw_str method = r->out->method;
    if (gw_str_eq(method, GW_STR("CONNECT")))
        return h1_refuse(&r->bad, 501, GW_STR("CONNECT"));
    if (method.n > GW_H1_METHOD_MAX)
        return h1_refuse(&r->bad, 501, GW_STR("method too long"));
    return h1_all(method, H1_METHOD) ? 0 : h1_refuse(&r->bad, 400, GW_STR("bad method"));
}

static int check_target(struct reading *r) {
    struct gw_str target = r->out->target;
    bool whole_server =
        gw_str_eq(target, GW_STR("*")) && gw_str_eq(r->out->method, GW_STR("OPTIONS"));
    if (!gw_str_eq(r->scheme, GW_STR("http")) && !gw_str_eq(r->scheme, GW_STR("https")))
        return h1_refuse(&r->bad, 400, GW_STR("bad :scheme"));
    if (target.n > GW_H1_TARGET_MAX)
        return h1_refuse(&r->bad, 414, GW_STR("target too long"));
    if (!whole_server && (!h1_all(target, H1_TARGET) || target.p[0] != '/'))
        return h1_refuse(&r->bad, 400, GW_STR("target is not a path"));
    return 0;
}

static int check_host(struct reading *r) {
    if (r->out->authority.p == NULL)
        r->out->authority = r->host;
    if (!h1_fields_host_ok(r->out->authority))
        return h1_refuse(&r->bad, 400, GW_STR("bad or missing :authority"));
    if (r->host.p != NULL && !gw_str_ieq(r->out->authority, r->host))
        return h1_refuse(&r->bad, 400, GW_STR("Host is not :authority"));
    return 0;
}

int gw_h2_req_read(struct gw_header *fields, uint32_t n, struct gw_h2_req *out) {
    struct reading r = {.out = out};
    *out = (struct gw_h2_req){.body_len = GW_UNKNOWN};
    int result = take_fields(&r, fields, n);
    if (result == 0)
        result = check_method(&r);
    if (result == 0)
        result = check_target(&r);
    if (result == 0)
        result = check_host(&r);
    out->status = r.bad.status;
    out->why = r.bad.why;
    return result;
}

/* ---------------------------------------------------------------------- answers */

static int refuse_res(struct gw_h1_res *out, struct gw_str why) {
    out->why = why;
    return GW_H1_BAD;
}

static int take_status(struct gw_h1_res *out, const struct gw_header *f) {
    uint64_t status;
    if (!gw_str_eq(f->name, GW_STR(":status")) || out->status != 0 || out->headers_n > 0)
        return refuse_res(out, GW_STR("unknown, second or late pseudo-header"));
    if (f->value.n != 3 || !gw_str_u64(f->value, &status) || status < 100 || status > 599 ||
        status == 101)
        return refuse_res(out, GW_STR("bad :status"));
    out->status = (uint32_t)status;
    return 0;
}

static int take_res_header(struct gw_h1_res *out, const struct gw_header *h) {
    if (!name_ok(h->name) || is_of_connection(h))
        return refuse_res(out, GW_STR("bad name, or header of an HTTP/1 connection"));
    if (!gw_str_eq(h->name, GW_STR("content-length")))
        return 0;
    if (out->body_len != GW_UNKNOWN || !gw_str_u64(h->value, &out->body_len) ||
        out->body_len == GW_UNKNOWN)
        return refuse_res(out, GW_STR("bad or second Content-Length"));
    return 0;
}

int gw_h2_res_read(struct gw_header *fields, uint32_t n, bool to_head, struct gw_h1_res *out) {
    *out = (struct gw_h1_res){.body_len = GW_UNKNOWN, .framing = GW_H1_CLOSE};
    for (uint32_t i = 0; i < n; i++) {
        struct gw_header f = fields[i];
        bool pseudo = f.name.n > 0 && f.name.p[0] == ':';
        if (!value_ok(f.value))
            return refuse_res(out, GW_STR("bad byte in a header's value"));
        if ((pseudo ? take_status(out, &f) : take_res_header(out, &f)) != 0)
            return GW_H1_BAD;
        if (!pseudo && out->headers_n == GW_ANSWER_HEADERS_MAX)
            return refuse_res(out, GW_STR("too many headers"));
        if (!pseudo)
            fields[out->headers_n++] = f;
    }
    if (out->status == 0)
        return refuse_res(out, GW_STR("no :status"));
    if (to_head || out->status < 200 || out->status == 204 || out->status == 304) {
        out->framing = GW_H1_NONE;
        out->body_len = 0;
    } else if (out->body_len != GW_UNKNOWN) {
        out->framing = GW_H1_LENGTH;
    }
    return 0;
}

int gw_h2_block_read(struct gw_str block, struct gw_header *headers, uint32_t max) {
    return h1_fields_block_read(block, headers, max);
}
