#include "format/sigv4.h"

#include "base/date.h"

#define SCHEME "AWS4-HMAC-SHA256"
#define SCOPE_END "aws4_request"

enum { DAY = 8, HEX = 2 * GW_SHA256 };

void sigv4_time(double wall_ms, char out[SIGV4_TIME]) {
    char iso[32];
    struct gw_buf b = {.p = iso, .cap = sizeof iso, .max = sizeof iso};
    gw_date_put_iso(&b, wall_ms);
    size_t n = 0;
    for (size_t i = 0; i < b.n && n < SIGV4_TIME - 1; i++)
        if (iso[i] != '-' && iso[i] != ':')
            out[n++] = iso[i];
    out[n] = 'Z';
}

/* ------------------------------------------------------------------ the canonical request */

static void add_char(struct gw_sha256_sum *sum, char c) {
    gw_sha256_add(sum, gw_str(&c, 1));
}

static bool is_unreserved(char c) {
    char low = gw_lower(c);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

/* `kept` stays as it is, too. */
static void add_encoded(struct gw_sha256_sum *sum, struct gw_str s, char kept) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        const char escape[] = {'%', digits[c >> 4], digits[c & 15]};
        bool plain = is_unreserved(s.p[i]) || s.p[i] == kept;
        gw_sha256_add(sum, plain ? gw_str(s.p + i, 1) : gw_str(escape, sizeof escape));
    }
}

/* What is escaped begins with a "%". */
static int rank_of(char c) {
    return is_unreserved(c) ? c : '%';
}

/* As the encoded texts compare. */
static int compare(struct gw_str a, struct gw_str b) {
    for (size_t i = 0; i < a.n && i < b.n; i++) {
        int by_rank = rank_of(a.p[i]) - rank_of(b.p[i]);
        if (a.p[i] != b.p[i])
            return by_rank != 0 ? by_rank : (unsigned char)a.p[i] - (unsigned char)b.p[i];
    }
    return (a.n > b.n) - (a.n < b.n);
}

static int compare_parts(struct gw_str a, struct gw_str b) {
    struct gw_str name_a = gw_str_cut(&a, '='), name_b = gw_str_cut(&b, '=');
    int by_name = compare(name_a, name_b);
    return by_name != 0 ? by_name : compare(a, b);
}

/* The next one behind `last` in their order, p NULL: there is none. `*times`: how often it stands there. */
static struct gw_str next_part(struct gw_str query, struct gw_str last, uint32_t *times) {
    struct gw_str next = {NULL, 0};
    *times = 0;
    while (query.p != NULL && query.n > 0) {
        struct gw_str part = gw_str_cut(&query, '&');
        if (last.p != NULL && compare_parts(part, last) <= 0)
            continue;
        int order = next.p != NULL ? compare_parts(part, next) : -1;
        if (order < 0)
            next = part;
        *times = order < 0 ? 1 : *times + (order == 0);
    }
    return next;
}

static void add_query(struct gw_sha256_sum *sum, struct gw_str query) {
    uint32_t times;
    struct gw_str part = {NULL, 0};
    bool first = true;
    while ((part = next_part(query, part, &times)).p != NULL) {
        for (; times > 0; times--, first = false) {
            struct gw_str value = part, name = gw_str_cut(&value, '=');
            if (!first)
                add_char(sum, '&');
            add_encoded(sum, name, '%'); /* it is encoded already */
            add_char(sum, '=');
            add_encoded(sum, value, '%');
        }
    }
}

/* Without white space around it, and with one space for many. */
static void add_value(struct gw_sha256_sum *sum, struct gw_str value) {
    value = gw_str_trim(value);
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] != ' ' || value.p[i - 1] != ' ')
            add_char(sum, value.p[i]);
}

static bool is_first(const struct sigv4 *s, uint32_t i) {
    return i == 0 || !gw_str_eq(s->lines[i].name, s->lines[i - 1].name);
}

static void add_lines(struct gw_sha256_sum *sum, const struct sigv4 *s) {
    for (uint32_t i = 0; i < s->lines_n; i++) {
        bool first = is_first(s, i);
        if (first && i > 0)
            add_char(sum, '\n');
        gw_sha256_add(sum, first ? s->lines[i].name : GW_STR(""));
        add_char(sum, first ? ':' : ',');
        add_value(sum, s->lines[i].value);
    }
}

static void put_names(const struct sigv4 *s, struct gw_buf *out) {
    for (uint32_t i = 0; i < s->lines_n; i++) {
        if (!is_first(s, i))
            continue;
        if (i > 0)
            gw_buf_putc(out, ';');
        gw_buf_put(out, s->lines[i].name);
    }
}

static struct gw_str hex_of(const uint8_t digest[GW_SHA256], char out[HEX]) {
    struct gw_buf b = {.p = out, .cap = HEX, .max = HEX};
    gw_buf_put_hex(&b, digest, GW_SHA256);
    return gw_buf_str(&b);
}

static void hash_request(const struct sigv4 *s, struct gw_str names, uint8_t out[GW_SHA256]) {
    struct gw_sha256_sum sum;
    char hex[HEX];
    gw_sha256_begin(&sum);
    gw_sha256_add(&sum, s->method);
    add_char(&sum, '\n');
    add_encoded(&sum, s->path, '/');
    add_char(&sum, '\n');
    add_query(&sum, s->query);
    add_char(&sum, '\n');
    add_lines(&sum, s);
    gw_sha256_add(&sum, GW_STR("\n\n"));
    gw_sha256_add(&sum, names);
    add_char(&sum, '\n');
    gw_sha256_add(&sum, hex_of(s->body, hex));
    gw_sha256_end(&sum, out);
}

/* ------------------------------------------------------------------ the signature */

/* The key of a day, a region and a service. */
static void derive(const struct sigv4 *s, uint8_t key[GW_SHA256]) {
    char first[SIGV4_SECRET_MAX + 4];
    struct gw_buf b = {.p = first, .cap = sizeof first, .max = sizeof first};
    const struct gw_str steps[] = {gw_str_sub(s->time, 0, DAY), s->region, s->service,
                                   GW_STR(SCOPE_END)};
    gw_buf_put(&b, GW_STR("AWS4"));
    gw_buf_put(&b, s->secret);
    struct gw_str with = gw_buf_str(&b);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        gw_hmac_sha256(with, &steps[i], 1, key);
        with = gw_str(key, GW_SHA256);
    }
}

static void put_scope(const struct sigv4 *s, struct gw_buf *out) {
    gw_buf_put(out, gw_str_sub(s->time, 0, DAY));
    gw_buf_putc(out, '/');
    gw_buf_put(out, s->region);
    gw_buf_putc(out, '/');
    gw_buf_put(out, s->service);
    gw_buf_put(out, GW_STR("/" SCOPE_END));
}

void sigv4_put(const struct sigv4 *s, struct gw_buf *out) {
    uint8_t digest[GW_SHA256], key[GW_SHA256];
    char hex[HEX];
    gw_buf_put(out, GW_STR(SCHEME " Credential="));
    gw_buf_put(out, s->key_id);
    gw_buf_putc(out, '/');
    size_t scope = out->n;
    put_scope(s, out);
    size_t scope_n = out->n - scope;
    gw_buf_put(out, GW_STR(", SignedHeaders="));
    size_t names = out->n;
    put_names(s, out);
    if (out->full)
        return;
    hash_request(s, gw_str(out->p + names, out->n - names), digest);
    derive(s, key);
    const struct gw_str parts[] = {GW_STR(SCHEME "\n"), s->time,
                                   GW_STR("\n"),        gw_str(out->p + scope, scope_n),
                                   GW_STR("\n"),        hex_of(digest, hex)};
    gw_hmac_sha256(gw_str(key, GW_SHA256), parts, sizeof parts / sizeof *parts, digest);
    gw_buf_put(out, GW_STR(", Signature="));
    gw_buf_put_hex(out, digest, GW_SHA256);
}
