/*
 * SHA-256 and HMAC-SHA-256 (mbedTLS's), hexadecimal, and comparison in constant time.
 */
#ifndef GW_BASE_DIGEST_H
#define GW_BASE_DIGEST_H

#include "base/str.h"

enum { GW_SHA256 = 32 };

void gw_sha256(struct gw_str s, uint8_t out[GW_SHA256]);
/* The same of what comes piece by piece. A sum may be dropped at any time. */
struct gw_sha256_sum {
    uint64_t state[14];
};
void gw_sha256_begin(struct gw_sha256_sum *sum);
void gw_sha256_add(struct gw_sha256_sum *sum, struct gw_str piece);
void gw_sha256_end(struct gw_sha256_sum *sum, uint8_t out[GW_SHA256]);
/* HMAC over the concatenation of `n` parts. */
void gw_hmac_sha256(struct gw_str key, const struct gw_str *parts, size_t n,
                    uint8_t out[GW_SHA256]);
/* Equality whose time does not depend on the content. */
bool gw_digest_eq(const uint8_t a[GW_SHA256], const uint8_t b[GW_SHA256]);
/* Reads exactly 2n hexadecimal digits (either case). */
bool gw_unhex(struct gw_str hex, uint8_t *out, size_t n);

#endif
