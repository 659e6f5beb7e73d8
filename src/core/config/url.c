#include "core/config/url.h"

#include "base/digest.h"

static bool host_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

static bool is_host(struct gw_str s) {
    if (s.n == 0 || s.n > 253 || s.p[0] == '.' || s.p[0] == '-')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!host_char(s.p[i]) || (s.p[i] == '.' && i + 1 < s.n && s.p[i + 1] == '.'))
            return false;
    return true;
}

static bool is_ip6(struct gw_str s) {
    if (s.n < 2 || s.n > 45 || gw_str_chr(s, ':') < 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t digit;
        char pair[2] = {'0', s.p[i]};
        if (s.p[i] != ':' && s.p[i] != '.' && !gw_unhex(gw_str(pair, 2), &digit, 1))
            return false;
    }
    return true;
}

/* Splits "host", "host:port", "[ip6]" or "[ip6]:port"; the host comes without brackets. */
static bool split_authority(struct gw_str a, struct gw_str *host, struct gw_str *port, bool *ip6) {
    *port = (struct gw_str){NULL, 0};
    *ip6 = a.n > 0 && a.p[0] == '[';
    if (*ip6) {
        ptrdiff_t close = gw_str_chr(a, ']');
        if (close < 0)
            return false;
        *host = gw_str_sub(a, 1, (size_t)close - 1);
        a = gw_str_sub(a, (size_t)close + 1, a.n);
        if (a.n > 0 && a.p[0] != ':')
            return false;
        if (a.n > 0)
            *port = gw_str_sub(a, 1, a.n);
        return is_ip6(*host);
    }
    ptrdiff_t colon = gw_str_chr(a, ':');
    *host = colon < 0 ? a : gw_str_sub(a, 0, (size_t)colon);
    if (colon >= 0)
        *port = gw_str_sub(a, (size_t)colon + 1, a.n);
    return is_host(*host);
}

/* Four numbers, as everybody reads them: without leading zeros, which some take for octal. */
static bool read_ip4(struct gw_str host, uint8_t ip[4]) {
    unsigned parts = 0;
    for (struct gw_str rest = host; rest.p != NULL; parts++) {
        uint64_t v;
        struct gw_str part = gw_str_cut(&rest, '.');
        if (parts == 4 || !gw_str_u64(part, &v) || v > 255 || (part.n > 1 && part.p[0] == '0'))
            return false;
        ip[parts] = (uint8_t)v;
    }
    return parts == 4;
}

bool url_is_loopback(struct gw_str authority) {
    struct gw_str host, port;
    uint8_t ip4[4];
    bool ip6;
    if (!split_authority(authority, &host, &port, &ip6))
        return false;
    if (ip6)
        return gw_str_eq(host, GW_STR("::1"));
    if (gw_str_ieq(host, GW_STR("localhost")))
        return true;
    return read_ip4(host, ip4) && ip4[0] == 127;
}

bool url_is_address(struct gw_str host) {
    while (host.n > 0 && host.p[host.n - 1] == '.')
        host.n--;
    struct gw_str last = host;
    for (ptrdiff_t dot = gw_str_chr(last, '.'); dot >= 0; dot = gw_str_chr(last, '.'))
        last = gw_str_sub(last, (size_t)dot + 1, last.n);
    if (last.n > 1 && last.p[0] == '0' && gw_lower(last.p[1]) == 'x')
        return true;
    bool number = last.n > 0;
    for (size_t i = 0; i < last.n; i++)
        number &= last.p[i] >= '0' && last.p[i] <= '9';
    return number || gw_str_chr(host, ':') >= 0;
}

static bool is_private_ip4(const uint8_t ip[4]) {
    return ip[0] == 10 || ip[0] == 127 || (ip[0] == 172 && ip[1] >> 4 == 1) ||
           (ip[0] == 192 && ip[1] == 168) || (ip[0] == 169 && ip[1] == 254);
}

/* ::1, fc00::/7, fe80::/10 */
static bool is_private_ip6(struct gw_str ip) {
    uint8_t first[2];
    if (gw_str_eq(ip, GW_STR("::1")))
        return true;
    return gw_str_chr(ip, ':') == 4 && gw_unhex(gw_str_sub(ip, 0, 4), first, 2) &&
           (first[0] >> 1 == 0xfc >> 1 || (first[0] == 0xfe && first[1] >> 6 == 2));
}

static bool ends_in(struct gw_str s, struct gw_str end) {
    return s.n > end.n && gw_str_ieq(gw_str_sub(s, s.n - end.n, end.n), end);
}

bool url_is_private(struct gw_str host) {
    uint8_t ip4[4];
    if (gw_str_chr(host, ':') >= 0)
        return is_private_ip6(host);
    if (read_ip4(host, ip4))
        return is_private_ip4(ip4);
    if (host.n == 0 || url_is_address(host))
        return false;
    return gw_str_chr(host, '.') < 0 || ends_in(host, GW_STR(".local")) ||
           ends_in(host, GW_STR(".internal"));
}

static const char *read_scheme(struct gw_str *text, struct gw_target *t) {
    if (gw_str_starts(*text, GW_STR("https://"))) {
        t->tls = 1;
        *text = gw_str_sub(*text, 8, text->n);
        return NULL;
    }
    if (gw_str_starts(*text, GW_STR("http://"))) {
        *text = gw_str_sub(*text, 7, text->n);
        return NULL;
    }
    return "does not begin with http:// or https://";
}

static struct gw_str join_authority(struct gw_arena *arena, const struct gw_target *t, bool ip6,
                                    bool with_port) {
    struct gw_buf b;
    gw_buf_init(&b, arena, 300);
    if (ip6)
        gw_buf_putc(&b, '[');
    gw_buf_put(&b, t->host);
    if (ip6)
        gw_buf_putc(&b, ']');
    if (with_port) {
        gw_buf_putc(&b, ':');
        gw_buf_put_u64(&b, t->port);
    }
    return gw_buf_str(&b);
}

static struct gw_str join_origin(struct gw_arena *arena, const struct gw_target *t, bool ip6) {
    struct gw_buf b;
    struct gw_str authority = join_authority(arena, t, ip6, true);
    gw_buf_init(&b, arena, 320);
    gw_buf_put(&b, t->tls ? GW_STR("https://") : GW_STR("http://"));
    gw_buf_put(&b, authority);
    return gw_buf_str(&b);
}

const char *url_read(struct gw_str text, struct gw_arena *arena, struct url *out) {
    struct gw_str host, port;
    bool ip6;
    memset(out, 0, sizeof *out);
    const char *why = read_scheme(&text, &out->target);
    if (why != NULL)
        return why;
    ptrdiff_t slash = gw_str_chr(text, '/');
    struct gw_str authority = slash < 0 ? text : gw_str_sub(text, 0, (size_t)slash);
    struct gw_str path = slash < 0 ? GW_STR("") : gw_str_sub(text, (size_t)slash, text.n);
    if (gw_str_chr(text, '?') >= 0 || gw_str_chr(text, '#') >= 0)
        return "has a query or a fragment";
    if (gw_str_chr(authority, '@') >= 0)
        return "has user information";
    if (!split_authority(authority, &host, &port, &ip6))
        return "has no valid host";
    uint64_t number = out->target.tls ? 443 : 80;
    if (port.p != NULL && (!gw_str_u64(port, &number) || number == 0 || number > 65535))
        return "has a port that is not between 1 and 65535";
    while (path.n > 0 && path.p[path.n - 1] == '/')
        path.n--;
    if (path.n > 0 && url_check_path(path) != NULL)
        return "has a path that cannot be forwarded to";
    out->loopback = url_is_loopback(authority);
    out->target.port = (uint32_t)number;
    out->target.host = gw_arena_dup(arena, host);
    out->base = gw_arena_dup(arena, path);
    out->target.origin = join_origin(arena, &out->target, ip6);
    out->target.authority =
        join_authority(arena, &out->target, ip6, number != (out->target.tls ? 443 : 80));
    return out->target.authority.p == NULL ? "does not fit into memory" : NULL;
}

/* What follows a "%": the encodings that another parser would read as structure are refused. */
static const char *check_escape(struct gw_str rest) {
    uint8_t byte;
    if (rest.n < 2 || !gw_unhex(gw_str_sub(rest, 0, 2), &byte, 1))
        return "a \"%\" that is not followed by two hexadecimal digits";
    if (byte == '/' || byte == '\\' || byte == '.')
        return "an encoded slash, backslash or dot";
    if (byte == 0)
        return "an encoded NUL";
    return NULL;
}

/* Some servers cut parameters off a segment before they look at it: "..;x" is "..". */
static bool dot_segment(struct gw_str path, size_t slash) {
    struct gw_str rest = gw_str_sub(path, slash + 1, path.n);
    ptrdiff_t end = gw_str_chr(rest, '/');
    struct gw_str segment = end < 0 ? rest : gw_str_sub(rest, 0, (size_t)end);
    size_t dots = 0;
    while (dots < segment.n && segment.p[dots] == '.')
        dots++;
    struct gw_str behind = gw_str_sub(segment, dots, segment.n);
    return (dots == 1 || dots == 2) && (behind.n == 0 || behind.p[0] == ';' ||
                                        gw_str_ieq(gw_str_sub(behind, 0, 3), GW_STR("%3b")));
}

static bool is_plain(struct gw_str name) {
    char c = name.n > 0 ? gw_lower(name.p[0]) : '/';
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Whether what stands from `from` on may have encoded slashes: an ARN, which AWS takes as a model, or a model of any
 * provider, which the gateway does: "provider%2Fmodel/converse". */
static bool takes_slashes(struct gw_str path, size_t from) {
    struct gw_str before = gw_str_sub(path, 0, from), name = gw_str_sub(path, from, path.n);
    bool own = gw_str_eq(before, GW_STR("/model/"));
    bool place =
        own || (gw_str_starts(path, GW_STR("/api/ai/")) && gw_str_ends(before, GW_STR("/model/")));
    bool arn = gw_str_starts(name, GW_STR("arn%")) || gw_str_starts(name, GW_STR("arn:"));
    (void)gw_str_cut(&name, '/');
    bool asked = name.p != NULL &&
                 (gw_str_starts(name, GW_STR("converse")) || gw_str_starts(name, GW_STR("invoke")));
    return place && (arn || (own && asked && is_plain(gw_str_sub(path, from, 1))));
}

/* Whether the encoded slash at `at` is one of a model's name. */
static bool is_of_model(struct gw_str path, size_t at) {
    size_t from = at;
    while (path.p[from - 1] != '/')
        from--;
    return gw_str_ieq(gw_str_sub(path, at, 3), GW_STR("%2f")) &&
           is_plain(gw_str_sub(path, at + 3, 1)) && takes_slashes(path, from);
}

/* Apart, so that the usual path does not pay for it. */
__attribute__((noinline)) static const char *escape_at(struct gw_str path, size_t i) {
    const char *why = check_escape(gw_str_sub(path, i + 1, 2));
    return why != NULL && !is_of_model(path, i) ? why : NULL;
}

const char *url_check_path(struct gw_str path) {
    if (path.n == 0 || path.p[0] != '/')
        return "no leading slash";
    for (size_t i = 0; i < path.n; i++) {
        char c = path.p[i];
        if (c <= ' ' || c >= 0x7f)
            return "a byte outside printable ASCII";
        if (c == '\\' || c == '#')
            return c == '#' ? "a fragment" : "a backslash";
        if (c == '%') {
            const char *why = escape_at(path, i);
            if (why != NULL)
                return why;
        }
        if (c == '/' && i + 1 < path.n && path.p[i + 1] == '/')
            return "an empty segment (\"//\")";
        if (c == '/' && dot_segment(path, i))
            return "a dot segment";
    }
    return NULL;
}
