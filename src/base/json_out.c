#include "base/json_out.h"

#include "base/utf8.h"

static void begin_value(struct gw_out *o) {
    if (o->more)
        gw_buf_putc(o->b, ',');
    o->more = true;
}

void gw_out_open(struct gw_out *o, char bracket) {
    begin_value(o);
    gw_buf_putc(o->b, bracket);
    o->more = false;
}

void gw_out_close(struct gw_out *o, char bracket) {
    gw_buf_putc(o->b, bracket);
    o->more = true;
}

/* One without bytes may have no place either, from which memcpy must not be asked to copy. */
static void copy(char *to, struct gw_str from) {
    if (from.n > 0)
        memcpy(to, from.p, from.n);
}

void gw_out_name(struct gw_out *o, const char *name) {
    struct gw_str said = gw_str(name, strlen(name)), end = GW_STR("\":");
    size_t comma = o->more;
    char *p = gw_buf_room(o->b, comma + 1 + said.n + end.n);
    o->more = false;
    if (p == NULL)
        return;
    *p = ',';
    p[comma] = '"';
    p += comma + 1;
    copy(p, said);
    copy(p + said.n, end);
}

void gw_out_joined(struct gw_out *o, struct gw_str raw, struct gw_str more) {
    size_t comma = o->more;
    char *p = gw_buf_room(o->b, comma + raw.n + more.n + 2);
    o->more = true;
    if (p == NULL)
        return;
    *p = ',';
    p[comma] = '"';
    p += comma + 1;
    copy(p, raw);
    copy(p + raw.n, more);
    p[raw.n + more.n] = '"';
}

void gw_out_raw(struct gw_out *o, struct gw_str raw) {
    gw_out_joined(o, raw, GW_STR(""));
}

void gw_out_raw_name(struct gw_out *o, struct gw_str raw) {
    gw_out_raw(o, raw);
    gw_buf_putc(o->b, ':');
    o->more = false;
}

void gw_out_quoted(struct gw_out *o, struct gw_str before, struct gw_str text,
                   struct gw_str after) {
    begin_value(o);
    gw_buf_putc(o->b, '"');
    gw_buf_put_json(o->b, before);
    gw_buf_put_json(o->b, text);
    gw_buf_put_json(o->b, after);
    gw_buf_putc(o->b, '"');
}

void gw_out_text(struct gw_out *o, struct gw_str text) {
    gw_out_quoted(o, GW_STR(""), text, GW_STR(""));
}

void gw_out_value(struct gw_out *o, struct gw_str json) {
    begin_value(o);
    gw_buf_put(o->b, json);
}

void gw_out_u64(struct gw_out *o, uint64_t n) {
    begin_value(o);
    gw_buf_put_u64(o->b, n);
}

void gw_out_put_raw(struct gw_out *o, const char *name, struct gw_str raw) {
    gw_out_name(o, name);
    gw_out_raw(o, raw);
}

void gw_out_put_word(struct gw_out *o, const char *name, const char *word) {
    gw_out_put_raw(o, name, gw_str(word, strlen(word)));
}

void gw_out_put_value(struct gw_out *o, const char *name, struct gw_str json) {
    gw_out_name(o, name);
    gw_out_value(o, json);
}

void gw_out_put_u64(struct gw_out *o, const char *name, uint64_t n) {
    gw_out_name(o, name);
    gw_out_u64(o, n);
}

void gw_out_may_raw(struct gw_out *o, const char *name, struct gw_str raw) {
    if (raw.n > 0)
        gw_out_put_raw(o, name, raw);
}

void gw_out_may_value(struct gw_out *o, const char *name, struct gw_str json) {
    if (json.n > 0)
        gw_out_put_value(o, name, json);
}

/* ------------------------------------------------------------------ decoding */

static uint32_t hex4(const char *p) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = gw_lower(p[i]);
        value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return value;
}

static bool is_escape_u(struct gw_str s, size_t at) {
    return at + 6 <= s.n && s.p[at] == '\\' && s.p[at + 1] == 'u';
}

/* Puts the character of the escape at `at`, and returns how many bytes of it have been read. */
static size_t put_code(struct gw_buf *b, struct gw_str raw, size_t at) {
    char out[4];
    size_t n = 6;
    uint32_t code = hex4(raw.p + at + 2);
    bool high = code >= 0xd800 && code < 0xdc00;
    if (high && is_escape_u(raw, at + 6)) {
        uint32_t low = hex4(raw.p + at + 8);
        if (low >= 0xdc00 && low < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            n = 12;
        }
    }
    if (code >= 0xd800 && code < 0xe000)
        code = 0xfffd;
    gw_buf_put(b, gw_str(out, gw_utf8_put(code, out)));
    return n;
}

static size_t put_escape(struct gw_buf *b, struct gw_str raw, size_t at) {
    static const struct gw_str from = GW_STR_INIT("bfnrt"), to = GW_STR_INIT("\b\f\n\r\t");
    if (is_escape_u(raw, at))
        return put_code(b, raw, at);
    char c = at + 1 < raw.n ? raw.p[at + 1] : '\\';
    ptrdiff_t i = gw_str_chr(from, c);
    gw_buf_putc(b, i >= 0 ? to.p[i] : c);
    return 2;
}

void gw_json_decode(struct gw_buf *b, struct gw_str raw) {
    for (size_t at = 0; at < raw.n;) {
        ptrdiff_t next = gw_str_chr(gw_str_sub(raw, at, raw.n), '\\');
        size_t n = next < 0 ? raw.n - at : (size_t)next;
        gw_buf_put(b, gw_str_sub(raw, at, n));
        at += n;
        if (at < raw.n)
            at += put_escape(b, raw, at);
    }
}
