/*
 * What we take from mbedTLS: SHA-256 alone, in portable C, without its platform layer.
 */
#ifndef GW_BASE_MBEDTLS_CONFIG_H
#define GW_BASE_MBEDTLS_CONFIG_H

#define MBEDTLS_SHA256_C

#endif
