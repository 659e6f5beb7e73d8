#include "http/h1_fields.h"

#include "http/h1_class.h"

int h1_refuse(struct h1_refusal *bad, uint32_t status, struct gw_str why) {
    *bad = (struct h1_refusal){status, why};
    return GW_H1_BAD;
}

/* Only line ends are looked at here, each byte once over all tries. All else waits until the head
 * is whole, so that the loops that read it need no bounds: its last bytes, CR LF CR LF, are what
 * stops them. */
int h1_fields_end(const char *p, size_t n, size_t last_n, struct h1_refusal *bad) {
    size_t max = n < GW_HEAD_MAX ? n : GW_HEAD_MAX;
    size_t at = last_n < max ? last_n : max;
    while (at < max) {
        const char *lf = memchr(p + at, '\n', max - at);
        if (lf == NULL)
            break;
        at = (size_t)(lf - p);
        if (at == 0 || p[at - 1] != '\r')
            return h1_refuse(bad, 400, GW_STR("LF without CR"));
        if (at >= 2 && p[at - 2] == '\n')
            return (int)at + 1;
        at++;
    }
    if (n < GW_HEAD_MAX)
        return GW_H1_MORE;
    if (memchr(p, '\n', GW_HEAD_MAX) == NULL)
        return h1_refuse(bad, 414, GW_STR("first line too long"));
    return h1_refuse(bad, 431, GW_STR("head too large"));
}

static uint64_t load8(const char *p) {
    const uint8_t *b = (const uint8_t *)p;
    return (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16 | (uint64_t)b[3] << 24 |
           (uint64_t)b[4] << 32 | (uint64_t)b[5] << 40 | (uint64_t)b[6] << 48 |
           (uint64_t)b[7] << 56;
}

/* Looks at 8 bytes at once. The lowest bit of the result is the high bit of the first byte that is
 * a control (HTAB is one here); 0 if none is. Subtracting sets the high bit of a byte that is too
 * small; a borrow can set those of later bytes too, but never of an earlier one. */
static uint64_t controls8(const char *p) {
    const uint64_t ones = UINT64_MAX / 255, highs = ones * 128;
    uint64_t w = load8(p), del = w ^ (ones * 0x7f);
    return (((w - ones * 0x20) & ~w) | ((del - ones) & ~del)) & highs;
}

/* The first byte at or after p that may not stand in a value. There is one before `end`. */
static const char *value_end(const char *p, const char *end) {
    for (;;) {
        uint64_t found = 0;
        for (; end - p >= 8; p += 8) {
            found = controls8(p);
            if (found != 0)
                break;
        }
        if (found != 0)
            p += __builtin_ctzll(found) / 8;
        if (!h1_is(*p, H1_VALUE))
            return p;
        p++; /* HTAB, or one of the last bytes */
    }
}

static struct gw_str line_fault(const char *name, const char *colon) {
    if (colon == name && (*colon == ' ' || *colon == '\t'))
        return GW_STR("folded header");
    if (*colon == ' ' || *colon == '\t')
        return GW_STR("space in a header's name");
    if (*colon == '\r')
        return GW_STR("header without a colon");
    return GW_STR("bad byte in a header's name");
}

/* Reads the line at p, which is not the empty one, and returns where the next begins; NULL if it is
 * bad, and then `*why` says how. There is a CR LF before `end`. */
static const char *read_line(const char *p, const char *end, struct gw_header *header,
                             struct gw_str *why) {
    const char *colon = p;
    while (h1_is(*colon, H1_TOKEN))
        colon++;
    if (colon == p || *colon != ':') {
        *why = line_fault(p, colon);
        return NULL;
    }
    const char *value = colon + 1;
    while (*value == ' ' || *value == '\t')
        value++;
    const char *cr = value_end(value, end);
    if (*cr != '\r' || cr[1] != '\n') {
        *why = *cr == '\r' ? GW_STR("CR without LF") : GW_STR("control in a header's value");
        return NULL;
    }
    const char *last = cr;
    while (last > value && (last[-1] == ' ' || last[-1] == '\t'))
        last--;
    header->name = gw_str(p, (size_t)(colon - p));
    header->value = gw_str(value, (size_t)(last - value));
    return cr + 2;
}

static void read_connection(struct h1_fields *f, struct gw_str list) {
    while (list.p != NULL) {
        struct gw_str option = gw_str_trim(gw_str_cut(&list, ','));
        if (gw_str_ieq(option, GW_STR("close")))
            f->has |= H1_HAS_CLOSE;
        else if (gw_str_ieq(option, GW_STR("keep-alive")))
            f->has |= H1_HAS_KEEP_ALIVE;
        else if (gw_str_ieq(option, GW_STR("upgrade")))
            f->has |= H1_HAS_UPGRADE;
    }
}

static int read_length(struct h1_fields *f, const struct gw_header *h, struct h1_refusal *bad) {
    if (f->has & H1_HAS_LENGTH)
        return h1_refuse(bad, 400, GW_STR("second Content-Length"));
    if (!gw_str_u64(h->value, &f->length))
        return h1_refuse(bad, 400, GW_STR("bad Content-Length"));
    f->has |= H1_HAS_LENGTH;
    return 0;
}

static int read_coding(struct h1_fields *f, const struct gw_header *h, struct h1_refusal *bad) {
    if (f->has & H1_HAS_CODING)
        return h1_refuse(bad, 400, GW_STR("second Transfer-Encoding"));
    f->has |= H1_HAS_CODING;
    f->coding = h->value;
    if (!gw_str_ieq(h->value, GW_STR("chunked")))
        f->has |= H1_HAS_OTHER_CODING;
    return 0;
}

int h1_fields_refuse_coding(struct gw_str list, struct h1_refusal *bad) {
    size_t last = list.n;
    while (last > 0 && list.p[last - 1] != ',')
        last--;
    if (!gw_str_ieq(gw_str_trim(gw_str_sub(list, last, list.n)), GW_STR("chunked")))
        return h1_refuse(bad, 400, GW_STR("Transfer-Encoding does not end in chunked"));
    struct gw_str before = gw_str_sub(list, 0, last - 1);
    do {
        struct gw_str coding = gw_str_trim(gw_str_cut(&before, ','));
        if (!h1_all(coding, H1_TOKEN) || gw_str_ieq(coding, GW_STR("chunked")))
            return h1_refuse(bad, 400, GW_STR("bad Transfer-Encoding"));
    } while (before.p != NULL);
    return h1_refuse(bad, 501, GW_STR("unknown Transfer-Encoding"));
}

static int read_host(struct h1_fields *f, const struct gw_header *h, struct h1_refusal *bad) {
    if (f->has & H1_HAS_HOST)
        return h1_refuse(bad, 400, GW_STR("second Host"));
    f->has |= H1_HAS_HOST;
    f->host = h->value;
    return 0;
}

/* Notes what a header says about the connection or the body. */
static int note(struct h1_fields *f, const struct gw_header *h, struct h1_refusal *bad) {
    switch (h->name.n) {
    case 4:
        return gw_str_ieq(h->name, GW_STR("host")) ? read_host(f, h, bad) : 0;
    case 6:
        if (gw_str_ieq(h->name, GW_STR("expect")))
            f->has |= gw_str_ieq(h->value, GW_STR("100-continue")) ? H1_HAS_CONTINUE
                                                                   : H1_HAS_OTHER_EXPECT;
        return 0;
    case 7:
        if (gw_str_ieq(h->name, GW_STR("upgrade")))
            f->has |= H1_HAS_UPGRADE;
        return 0;
    case 10:
        if (gw_str_ieq(h->name, GW_STR("connection")))
            read_connection(f, h->value);
        return 0;
    case 14:
        return gw_str_ieq(h->name, GW_STR("content-length")) ? read_length(f, h, bad) : 0;
    case 17:
        return gw_str_ieq(h->name, GW_STR("transfer-encoding")) ? read_coding(f, h, bad) : 0;
    default:
        return 0;
    }
}

int h1_fields_read(const char *p, const char *end, struct h1_fields *f, struct h1_refusal *bad) {
    f->n = 0;
    f->has = 0;
    while (*p != '\r') {
        if (f->n == f->max)
            return h1_refuse(bad, 431, GW_STR("too many headers"));
        struct gw_header *header = &f->headers[f->n++];
        struct gw_str why;
        p = read_line(p, end, header, &why);
        if (p == NULL)
            return h1_refuse(bad, 400, why);
        if (note(f, header, bad) != 0)
            return GW_H1_BAD;
    }
    return end - p == 2 ? 0 : h1_refuse(bad, 400, GW_STR("CR without LF"));
}

/* The headers that the codec writes itself; a second one from elsewhere would be a second truth. */
static bool is_own(struct gw_str name) {
    switch (name.n) {
    case 4:
        return gw_str_ieq(name, GW_STR("host"));
    case 10:
        return gw_str_ieq(name, GW_STR("connection"));
    case 14:
        return gw_str_ieq(name, GW_STR("content-length"));
    case 17:
        return gw_str_ieq(name, GW_STR("transfer-encoding"));
    default:
        return false;
    }
}

/* read_line for a line of a head block. */
static const char *read_block_line(const char *p, const char *end, struct gw_header *header) {
    struct gw_str why;
    p = read_line(p, end, header, &why);
    return p != NULL && is_own(header->name) ? NULL : p;
}

static bool ends_in_line(struct gw_str block) {
    return gw_str_ends(block, GW_STR("\r\n"));
}

bool h1_fields_block_ok(struct gw_str block, bool *dated) {
    struct gw_header header;
    *dated = false;
    if (block.n == 0 || !ends_in_line(block))
        return block.n == 0;
    const char *p = block.p, *end = block.p + block.n;
    while (p != NULL && p < end) {
        p = read_block_line(p, end, &header);
        *dated |= p != NULL && gw_str_ieq(header.name, GW_STR("date"));
    }
    return p != NULL;
}

int h1_fields_block_read(struct gw_str block, struct gw_header *headers, uint32_t max) {
    uint32_t n = 0;
    if (block.n == 0 || !ends_in_line(block))
        return block.n == 0 ? 0 : GW_H1_BAD;
    const char *p = block.p, *end = block.p + block.n;
    while (p != NULL && p < end && n < max)
        p = read_block_line(p, end, &headers[n++]);
    return p == end ? (int)n : GW_H1_BAD;
}

bool h1_fields_line_ok(struct gw_str line, struct gw_str name) {
    struct gw_header header;
    struct gw_str why;
    if (!gw_str_ends(line, GW_STR("\r\n")))
        return false;
    const char *end = line.p + line.n;
    return read_line(line.p, end, &header, &why) == end && gw_str_ieq(header.name, name);
}

static bool port_ok(struct gw_str port) {
    uint64_t v;
    return port.n <= 5 && gw_str_u64(port, &v) && v <= 65535;
}

/* The bytes of an address in brackets at the beginning of `host`; 0 if there is none. */
static size_t literal_n(struct gw_str host) {
    size_t i = 1;
    while (i < host.n && h1_is(host.p[i], H1_LITERAL))
        i++;
    return i >= 3 && i < host.n && host.p[i] == ']' ? i + 1 : 0;
}

static size_t name_n(struct gw_str host) {
    size_t i = 0;
    while (i < host.n && h1_is(host.p[i], H1_NAME)) {
        if (host.p[i] == '.' && (i == 0 || host.p[i - 1] == '.'))
            return 0;
        i++;
    }
    return i;
}

bool h1_fields_host_ok(struct gw_str host) {
    if (host.n == 0)
        return false;
    size_t n = host.p[0] == '[' ? literal_n(host) : name_n(host);
    if (n == 0 || n > 255)
        return false;
    return n == host.n || (host.p[n] == ':' && port_ok(gw_str_sub(host, n + 1, host.n)));
}
