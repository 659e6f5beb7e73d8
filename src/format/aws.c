#include "format/aws.h"

#include "format/frame.h"

enum { CRC_BYTES = 4, TYPE_STRING = 7, TYPES = 10, SIZED = 0xff };

static uint32_t u16_at(const char *p) {
    const unsigned char *u = (const unsigned char *)p;
    return (uint32_t)u[0] << 8 | u[1];
}

static uint32_t u32_at(const char *p) {
    return u16_at(p) << 16 | u16_at(p + 2);
}

/* By half bytes: a table of 64 bytes, for some speed. */
uint32_t aws_crc(uint32_t crc, struct gw_str bytes) {
    static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
                                       0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                       0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                       0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    crc = ~crc;
    for (size_t i = 0; i < bytes.n; i++) {
        crc ^= (unsigned char)bytes.p[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

static void put_u32(struct gw_buf *out, uint32_t value) {
    for (uint32_t bits = 32; bits > 0; bits -= 8)
        gw_buf_putc(out, (char)(value >> (bits - 8)));
}

static void put_header(struct gw_buf *out, struct gw_str name, struct gw_str value) {
    gw_buf_putc(out, (char)name.n);
    gw_buf_put(out, name);
    gw_buf_putc(out, TYPE_STRING);
    gw_buf_putc(out, (char)(value.n >> 8));
    gw_buf_putc(out, (char)value.n);
    gw_buf_put(out, value);
}

/* The lengths and their CRC have their place, and are put there at the end. */
static size_t open_frame(struct gw_buf *out, struct gw_str name, struct gw_str type,
                         struct gw_str kind) {
    size_t at = out->n;
    gw_buf_put(out, gw_str("\0\0\0\0\0\0\0\0\0\0\0", AWS_PRELUDE));
    put_header(out, name, type);
    put_header(out, GW_STR(":content-type"), GW_STR("application/json"));
    put_header(out, GW_STR(":message-type"), kind);
    return at;
}

size_t aws_open_event(struct gw_buf *out, struct gw_str type) {
    return open_frame(out, GW_STR(":event-type"), type, GW_STR("event"));
}

static void set_u32(char *p, uint32_t value) {
    for (uint32_t i = 0; i < 4; i++)
        p[i] = (char)(value >> (24 - 8 * i));
}

void aws_close(struct gw_buf *out, size_t at, size_t payload) {
    if (out->full)
        return;
    char *p = out->p + at;
    size_t n = out->n - at;
    set_u32(p, (uint32_t)(n + CRC_BYTES));
    set_u32(p + 4, (uint32_t)(payload - at - AWS_PRELUDE));
    set_u32(p + 8, aws_crc(0, gw_str(p, 8)));
    put_u32(out, aws_crc(0, gw_str(p, n)));
}

void aws_put_exception(struct gw_buf *out, struct gw_str payload) {
    size_t at = open_frame(out, GW_STR(":exception-type"), GW_STR("modelStreamErrorException"),
                           GW_STR("exception"));
    size_t begin = out->n;
    gw_buf_put(out, payload);
    aws_close(out, at, begin);
}

/* Cuts the first `n` bytes off; false if there are not as many. */
static bool take(struct gw_str *rest, size_t n, struct gw_str *taken) {
    if (n > rest->n)
        return false;
    *taken = gw_str(rest->p, n);
    *rest = gw_str(rest->p + n, rest->n - n);
    return true;
}

static bool take_value(struct gw_str *rest, uint32_t type, struct gw_str *value) {
    static const uint8_t lengths[TYPES] = {0, 0, 1, 2, 4, 8, SIZED, SIZED, 8, 16};
    struct gw_str size;
    if (type >= TYPES)
        return false;
    if (lengths[type] != SIZED)
        return take(rest, lengths[type], value);
    return take(rest, 2, &size) && take(rest, u16_at(size.p), value);
}

static void note(struct aws_frame *f, struct gw_str name, struct gw_str value) {
    if (gw_str_eq(name, GW_STR(":message-type")))
        f->message_type = value;
    else if (gw_str_eq(name, GW_STR(":event-type")))
        f->event_type = value;
    else if (gw_str_eq(name, GW_STR(":exception-type")))
        f->exception_type = value;
    else if (gw_str_eq(name, GW_STR(":content-type")))
        f->content_type = value;
}

bool aws_read(struct gw_str frame, struct aws_frame *f) {
    size_t headers = u32_at(frame.p + 4);
    struct gw_str rest = gw_str_sub(frame, AWS_PRELUDE, headers), byte, name, value;
    *f = (struct aws_frame){
        .payload = gw_str_sub(frame, AWS_PRELUDE + headers, frame.n - AWS_FRAME_MIN - headers)};
    while (rest.n > 0) {
        if (!take(&rest, 1, &byte) || !take(&rest, (unsigned char)*byte.p, &name) || name.n == 0)
            return false;
        if (!take(&rest, 1, &byte) || !take_value(&rest, (unsigned char)*byte.p, &value))
            return false;
        if (*byte.p == TYPE_STRING)
            note(f, name, value);
    }
    return true;
}

static bool is_prelude(const char *p) {
    uint32_t length = u32_at(p), headers = u32_at(p + 4);
    return length >= AWS_FRAME_MIN && length <= AWS_FRAME_MAX &&
           headers <= length - AWS_FRAME_MIN &&
           aws_crc(0, gw_str(p, AWS_PRELUDE - CRC_BYTES)) == u32_at(p + AWS_PRELUDE - CRC_BYTES);
}

size_t aws_length(struct gw_str s, size_t seen, size_t max) {
    struct aws_frame ignored;
    if (s.n < AWS_PRELUDE)
        return 0;
    if (seen < AWS_PRELUDE && !is_prelude(s.p))
        return FRAME_BAD;
    size_t length = u32_at(s.p);
    if (s.n < length || length > max)
        return 0;
    struct gw_str frame = gw_str_sub(s, 0, length);
    bool whole =
        aws_crc(0, gw_str_sub(s, 0, length - CRC_BYTES)) == u32_at(s.p + length - CRC_BYTES);
    return whole && aws_read(frame, &ignored) ? length : FRAME_BAD;
}
