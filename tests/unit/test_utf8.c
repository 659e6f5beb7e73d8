#include "unit.h"

#include "base/utf8.h"

/* Each code point comes back as one character; surrogates do not. */
static void test_all(void) {
    char utf8[4];
    for (uint32_t code = 0; code < 0x110000; code++) {
        size_t n = gw_utf8_put(code, utf8);
        size_t want = code >= 0xD800 && code < 0xE000 ? 0 : n;
        if (gw_utf8_char(utf8, n) != want && !CHECK_EQ_U64(code, 0))
            return;
        for (size_t cut = 1; cut < n; cut++)
            if (gw_utf8_char(utf8, cut) != 0 && !CHECK_EQ_U64(code, 0))
                return;
    }
}

/* Of all sequences of three bytes exactly those are whole characters that are some code point's:
 * 128 * 256 * 256 of one byte, 1920 * 256 of two, 61440 of three. */
static void test_three_bytes(void) {
    uint64_t of[5] = {0};
    for (uint32_t i = 0; i < 1 << 24; i++) {
        char p[3] = {(char)(i >> 16), (char)(i >> 8), (char)i};
        of[gw_utf8_char(p, 3)]++;
    }
    CHECK_EQ_U64(of[1], 128 * 65536);
    CHECK_EQ_U64(of[2], 1920 * 256);
    CHECK_EQ_U64(of[3], 61440);
    CHECK_EQ_U64(of[4], 0);
}

static void test_four_bytes(void) {
    CHECK(gw_utf8_char("\xF0\x90\x80\x80", 4) == 4);
    CHECK(gw_utf8_char("\xF4\x8F\xBF\xBF", 4) == 4);
    CHECK(gw_utf8_char("\xF0\x8F\xBF\xBF", 4) == 0); /* overlong */
    CHECK(gw_utf8_char("\xF4\x90\x80\x80", 4) == 0); /* above U+10FFFF */
    CHECK(gw_utf8_char("\xF5\x80\x80\x80", 4) == 0);
    CHECK(gw_utf8_char("\xF1\x80\x80\x7F", 4) == 0);
    CHECK(gw_utf8_char("\xF1\x80\xC0\x80", 4) == 0);
    CHECK(gw_utf8_char("\xF1\xC0\x80\x80", 4) == 0);
}

static void test_text(void) {
    CHECK_EQ_U64(gw_utf8_valid(GW_STR("na\xC3\xAFve")), 6);
    CHECK_EQ_U64(gw_utf8_valid(GW_STR("abc\xFF")), 3);
    CHECK_EQ_U64(gw_utf8_valid(GW_STR("abc\xE2\x82")), 3);
    CHECK_EQ_U64(gw_utf8_valid(gw_str(NULL, 0)), 0);
    CHECK_EQ_U64(gw_utf8_count(GW_STR("na\xC3\xAFve \xF0\x9F\x9A\x80")), 7);
    CHECK_EQ_U64(gw_utf8_count(gw_str(NULL, 0)), 0);
}

int main(void) {
    RUN(test_all);
    RUN(test_three_bytes);
    RUN(test_four_bytes);
    RUN(test_text);
    return unit_end();
}
