#include "core/policy/location.h"

#include "core/config/url.h"

/* What is before the first of `ends`. */
static struct gw_str until_any(struct gw_str s, struct gw_str ends) {
    size_t n = 0;
    while (n < s.n && gw_str_chr(ends, s.p[n]) < 0)
        n++;
    return gw_str_sub(s, 0, n);
}

/* An application behind a proxy that speaks TLS for it says http:// of itself: that is its origin
 * too. One that says https:// while we speak http to it sends its clients elsewhere. */
static bool is_own(const struct gw_target *t, struct gw_str authority, bool tls) {
    struct gw_str with_port = gw_str_sub(t->origin, t->tls ? 8 : 7, t->origin.n);
    if (tls && !t->tls)
        return false;
    return gw_str_ieq(authority, t->authority) ||
           (tls == (t->tls != 0) && gw_str_ieq(authority, with_port));
}

/* Takes the target's own origin off an absolute URL: false if it is another's. */
static bool cut_origin(struct gw_str *url, const struct gw_target *t) {
    bool tls = gw_str_ieq(gw_str_sub(*url, 0, 8), GW_STR("https://"));
    if (!tls && !gw_str_ieq(gw_str_sub(*url, 0, 7), GW_STR("http://")))
        return false;
    struct gw_str rest = gw_str_sub(*url, tls ? 8 : 7, url->n);
    struct gw_str authority = until_any(rest, GW_STR("/?#"));
    *url = gw_str_sub(rest, authority.n, rest.n);
    return is_own(t, authority, tls);
}

/* Where the last slash in p[0..n) is; 0 if there is none. */
static size_t last_slash(const char *p, size_t n) {
    while (n > 0 && p[n - 1] != '/')
        n--;
    return n > 0 ? n - 1 : 0;
}

/* Takes dot segments out of a path in place, as RFC 3986 5.2.4 does: the length that is left. */
static size_t undot(char *p, size_t n) {
    size_t to = 0;
    for (size_t at = 0; at < n;) {
        struct gw_str tail = gw_str(p + at + 1, n - at - 1);
        struct gw_str segment = until_any(tail, GW_STR("/"));
        bool up = gw_str_eq(segment, GW_STR("..")), here = gw_str_eq(segment, GW_STR("."));
        size_t end = at + 1 + segment.n;
        if (up)
            to = last_slash(p, to);
        if (!up && !here) {
            memmove(p + to, p + at, end - at);
            to += end - at;
        } else if (end == n) {
            p[to++] = '/';
        }
        at = end;
    }
    return to;
}

/* Resolves `path` as the target means it, and makes of what lies below its base, from `at` on in `out`,
 * what a client finds there. */
static bool put_path(struct gw_buf *out, struct gw_str path, const struct place *place) {
    struct gw_str base = place->base;
    size_t at = out->n;
    if (path.n == 0 || path.p[0] != '/') {
        gw_buf_put(out, base);
        gw_buf_put(out, gw_str_sub(place->path, 0, last_slash(place->path.p, place->path.n) + 1));
    }
    gw_buf_put(out, path);
    if (out->full)
        return true;
    char *p = out->p + at;
    size_t n = undot(p, out->n - at);
    if (!gw_str_starts(gw_str(p, n), base) || url_check_path(gw_str(p, n)) != NULL ||
        (n > base.n && p[base.n] != '/'))
        return false;
    memmove(p, p + base.n, n - base.n);
    out->n = at + n - base.n;
    return true;
}

/* Whether a relative reference begins with a scheme. */
static bool has_scheme(struct gw_str path) {
    return gw_str_chr(until_any(path, GW_STR("/")), ':') >= 0;
}

static bool put_value(struct gw_buf *out, struct gw_str value, const struct place *place) {
    struct gw_str path = until_any(value, GW_STR("?#"));
    struct gw_str tail = gw_str_sub(value, path.n, value.n);
    if (value.n == 0)
        return false;
    if (path.n > 0) {
        if (has_scheme(path)) {
            if (!cut_origin(&path, place->target))
                return false;
            path = path.n == 0 ? GW_STR("/") : path;
        }
        if (place->route.n > 0)
            gw_buf_put(out, GW_STR("/api/"));
        gw_buf_put(out, place->route);
        if (!put_path(out, path, place))
            return false;
    }
    gw_buf_put(out, tail);
    return true;
}

void location_put(struct gw_buf *out, struct gw_str name, struct gw_str value,
                  const struct place *place) {
    size_t start = out->n;
    gw_buf_put(out, name);
    gw_buf_put(out, GW_STR(": "));
    if (put_value(out, value, place))
        gw_buf_put(out, GW_STR("\r\n"));
    else
        out->n = start;
}
