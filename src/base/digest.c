#include "base/digest.h"

#include <mbedtls/sha256.h>

enum { HMAC_BLOCK = 64 };

/* mbedTLS's own SHA-256 cannot fail; its return values are for hardware that can. */
static void begin(mbedtls_sha256_context *c) {
    mbedtls_sha256_init(c);
    (void)mbedtls_sha256_starts_ret(c, 0);
}

static void add(mbedtls_sha256_context *c, const void *p, size_t n) {
    if (n > 0)
        (void)mbedtls_sha256_update_ret(c, p, n);
}

static void end(mbedtls_sha256_context *c, uint8_t out[GW_SHA256]) {
    (void)mbedtls_sha256_finish_ret(c, out);
    mbedtls_sha256_free(c);
}

void gw_sha256(struct gw_str s, uint8_t out[GW_SHA256]) {
    mbedtls_sha256_context c;
    begin(&c);
    add(&c, s.p, s.n);
    end(&c, out);
}

/* The header does not show whose the state is. */
_Static_assert(sizeof(struct gw_sha256_sum) >= sizeof(mbedtls_sha256_context), "room for it");

static mbedtls_sha256_context *context_of(struct gw_sha256_sum *sum) {
    return (mbedtls_sha256_context *)sum->state;
}

void gw_sha256_begin(struct gw_sha256_sum *sum) {
    begin(context_of(sum));
}

void gw_sha256_add(struct gw_sha256_sum *sum, struct gw_str piece) {
    add(context_of(sum), piece.p, piece.n);
}

void gw_sha256_end(struct gw_sha256_sum *sum, uint8_t out[GW_SHA256]) {
    end(context_of(sum), out);
}

/* RFC 2104. */
void gw_hmac_sha256(struct gw_str key, const struct gw_str *parts, size_t n,
                    uint8_t out[GW_SHA256]) {
    uint8_t pad[HMAC_BLOCK] = {0}, inner[GW_SHA256];
    mbedtls_sha256_context c;
    if (key.n > HMAC_BLOCK)
        gw_sha256(key, pad);
    else if (key.n > 0)
        memcpy(pad, key.p, key.n);

    for (size_t i = 0; i < HMAC_BLOCK; i++)
        pad[i] ^= 0x36;
    begin(&c);
    add(&c, pad, sizeof pad);
    for (size_t i = 0; i < n; i++)
        add(&c, parts[i].p, parts[i].n);
    end(&c, inner);

    for (size_t i = 0; i < HMAC_BLOCK; i++)
        pad[i] ^= 0x36 ^ 0x5C;
    begin(&c);
    add(&c, pad, sizeof pad);
    add(&c, inner, sizeof inner);
    end(&c, out);
}

/* The sum is volatile so that no compiler finds out that it could stop early. */
bool gw_digest_eq(const uint8_t a[GW_SHA256], const uint8_t b[GW_SHA256]) {
    volatile uint8_t differ = 0;
    for (size_t i = 0; i < GW_SHA256; i++)
        differ = (uint8_t)(differ | (a[i] ^ b[i]));
    return differ == 0;
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = gw_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool gw_unhex(struct gw_str hex, uint8_t *out, size_t n) {
    if (hex.n / 2 != n || hex.n % 2 != 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = hex_value(hex.p[2 * i]), low = hex_value(hex.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
