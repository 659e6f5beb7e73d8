#include "base/base64.h"

void gw_base64_put(struct gw_buf *b, struct gw_str bytes, bool url) {
    static const char usual[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.n; i += 3) {
        uint32_t bits = 0, left = bytes.n - i < 3 ? (uint32_t)(bytes.n - i) : 3;
        for (uint32_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < left ? (unsigned char)bytes.p[i + k] : 0);
        for (uint32_t k = 0; k < (url ? left + 1 : 4); k++) {
            uint32_t value = bits >> (18 - 6 * k) & 63;
            char letter = k > left ? '=' : usual[value];
            gw_buf_putc(b, url && value > 61 ? "-_"[value - 62] : letter);
        }
    }
}

/* -1: it is none. */
static int value_of(char c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

bool gw_base64_decode(struct gw_buf *b, struct gw_str letters) {
    uint32_t bits = 0, n = 0;
    bool all = true;
    for (size_t i = 0; i < letters.n; i++) {
        int value = value_of(letters.p[i]);
        all &= value >= 0;
        if (value < 0)
            continue;
        bits = bits << 6 | (uint32_t)value;
        n += 6;
        if (n < 8)
            continue;
        n -= 8;
        gw_buf_putc(b, (char)(bits >> n & 0xff));
    }
    return all;
}
