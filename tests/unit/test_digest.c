#include "unit.h"

#include "base/digest.h"

static bool is(const uint8_t digest[GW_SHA256], const char *hex) {
    uint8_t want[GW_SHA256];
    return gw_unhex(gw_str(hex, strlen(hex)), want, GW_SHA256) && gw_digest_eq(digest, want);
}

/* FIPS 180-2, appendix B. */
static void test_sha256(void) {
    uint8_t out[GW_SHA256];
    gw_sha256(gw_str(NULL, 0), out);
    CHECK(is(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    gw_sha256(GW_STR("abc"), out);
    CHECK(is(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    gw_sha256(GW_STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), out);
    CHECK(is(out, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"));
}

/* Cut anywhere, it is the same. */
static void test_sha256_in_pieces(void) {
    static const struct gw_str all = GW_STR_INIT(
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq, and some more of it");
    uint8_t whole[GW_SHA256], out[GW_SHA256];
    struct gw_sha256_sum sum;
    gw_sha256(all, whole);
    for (size_t at = 0; at <= all.n; at++) {
        gw_sha256_begin(&sum);
        gw_sha256_add(&sum, gw_str_sub(all, 0, at));
        gw_sha256_add(&sum, gw_str_sub(all, at, all.n));
        gw_sha256_end(&sum, out);
        CHECK(gw_digest_eq(whole, out));
    }
}

/* RFC 4231, cases 1, 2, 3 and 6; in one part and in several. */
static void test_hmac(void) {
    uint8_t out[GW_SHA256];
    char key[131], data[50];
    struct gw_str hi = GW_STR("Hi There");
    memset(key, 0x0b, 20);
    gw_hmac_sha256(gw_str(key, 20), &hi, 1, out);
    CHECK(is(out, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"));

    struct gw_str parts[] = {GW_STR("what do ya "), GW_STR(""), GW_STR("want for nothing?")};
    gw_hmac_sha256(GW_STR("Jefe"), parts, 3, out);
    CHECK(is(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));

    memset(key, 0xaa, sizeof key);
    memset(data, 0xdd, sizeof data);
    struct gw_str dd = gw_str(data, sizeof data);
    gw_hmac_sha256(gw_str(key, 20), &dd, 1, out);
    CHECK(is(out, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"));

    struct gw_str longer = GW_STR("Test Using Larger Than Block-Size Key - Hash Key First");
    gw_hmac_sha256(gw_str(key, 131), &longer, 1, out);
    CHECK(is(out, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"));

    /* No key and no parts: HMAC of nothing, as other programs have it. */
    gw_hmac_sha256(gw_str(NULL, 0), NULL, 0, out);
    CHECK(is(out, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"));
}

static void test_eq(void) {
    uint8_t a[GW_SHA256] = {1, 2, 3}, b[GW_SHA256] = {1, 2, 3};
    CHECK(gw_digest_eq(a, b));
    for (size_t i = 0; i < GW_SHA256; i++) {
        b[i] ^= 0x80;
        CHECK(!gw_digest_eq(a, b));
        b[i] ^= 0x80;
    }
}

static void test_unhex(void) {
    uint8_t out[3] = {9, 9, 9};
    CHECK(gw_unhex(GW_STR("00fFa5"), out, 3) && out[0] == 0 && out[1] == 0xFF && out[2] == 0xA5);
    CHECK(gw_unhex(gw_str(NULL, 0), out, 0));
    CHECK(!gw_unhex(GW_STR("00ff"), out, 3));
    CHECK(!gw_unhex(GW_STR("00ffa50"), out, 3));
    CHECK(!gw_unhex(GW_STR("00ffg5"), out, 3));
    CHECK(!gw_unhex(GW_STR("0x00ff"), out, 3));
    CHECK(!gw_unhex(GW_STR(" 0ffa5"), out, 3));
}

int main(void) {
    RUN(test_sha256);
    RUN(test_sha256_in_pieces);
    RUN(test_hmac);
    RUN(test_eq);
    RUN(test_unhex);
    return unit_end();
}
