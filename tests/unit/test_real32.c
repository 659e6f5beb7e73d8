/* Decimal text to a float: against the C library, which rounds rightly, and against middles made by hand. */
#include "base/real32.h"

#include "unit.h"

static uint32_t bits_of(float f) {
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static uint32_t ours(const char *text) {
    return gw_real32(gw_str(text, strlen(text)));
}

static bool same(const char *text) {
    uint32_t a = ours(text), b = bits_of(strtof(text, NULL));
    if (a != b)
        printf("%s: %08" PRIx32 " and not %08" PRIx32 "\n", text, a, b);
    return a == b;
}

/* Half of the smallest float, to the last digit. */
#define MIDDLE                                                                                     \
    "7.006492321624085354618647916449580656401309709382578858785341419448955413429303007433190"    \
    "94181060791015625"

static void test_plain(void) {
    static const char *const texts[] = {
        "0",
        "-0",
        "0.0",
        "1",
        "-1",
        "0.1",
        "-0.1",
        "3.14159265358979",
        "0.0069",
        "-0.006929283495992422",
        "1e-5",
        "1E5",
        "1.5e+2",
        "16777216",
        "16777217",
        "16777219",
        "33554433",
        "0.5",
        "123456789",
        "9007199254740993",
        "0.00000000000000000000000000000000000001",
        "3.4028234663852886e38",
        "3.4028235677973366e38",
        "3.40282356779733661e38",
        "3.4028235677973365e38",
        "1e39",
        "3.4028236e38",
        "342.08235e+36",
        "6.8e38",
        "-1e39",
        "1e999",
        "-1e-999",
        "1.17549435e-38",
        "1.1754942e-38",
        "1.401298464324817e-45",
        "7.006492321624085e-46",
        "7.006492321624086e-46",
        "7.0064923216240853546186479164495806564013097093825788587853e-46",
        "1e-46",
        "1e-45",
        "100000000000000000000000000000000000000",
        "0.000000000000000000000000000000000000000000001",
        "1.00000005960464477539062500",
        "1.00000005960464477539062499999999999999999999999999999999999999",
        "1.000000178813934326171875"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        CHECK(same(texts[i]));
    CHECK(same(
        "1.000000059604644775390625000000000000000000000000000000000000000000000000000000000001"));
    CHECK(same(MIDDLE "e-46"));
    CHECK(same(MIDDLE "000000000000000000001e-46"));
    CHECK_EQ_U64(ours(""), 0);
    CHECK_EQ_U64(ours("]"), 0);
}

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t next(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static float float_of(uint32_t bits) {
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* Any float comes back, from as many digits as servers write. */
static void test_floats(void) {
    char text[64];
    uint32_t bad = 0;
    for (uint32_t i = 0; i < 200000; i++) {
        uint32_t bits = (uint32_t)next();
        if ((bits >> 23 & 0xff) == 0xff)
            continue;
        float f = float_of(bits);
        snprintf(text, sizeof text,
                 i % 3 == 0   ? "%.9g"
                 : i % 3 == 1 ? "%.17g"
                              : "%.12e",
                 (double)f);
        bad += ours(text) != bits;
    }
    CHECK_EQ_U64(bad, 0);
}

/* Numbers as embeddings have them: between -1 and 1, of up to 19 digits. */
static void test_embeddings(void) {
    char text[64];
    uint32_t bad = 0;
    for (uint32_t i = 0; i < 200000; i++) {
        uint64_t n = next() % 1000000000000000000u;
        int digits = (int)(next() % 19) + 1;
        snprintf(text, sizeof text, "%s0.%0*" PRIu64, i % 2 ? "-" : "", digits,
                 n % 1000000000000000000u);
        bad += !same(text);
    }
    CHECK_EQ_U64(bad, 0);
}

/* The middles between two floats, and what is next to them on either side: all three have another nearest one, or
 * the same but by their evenness. */
static void test_middles(void) {
    char text[256];
    uint32_t bad = 0;
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t bits = (uint32_t)next() & 0x7fffffff;
        if (bits >= 0x7f7fffff)
            continue;
        double middle = ((double)float_of(bits) + (double)float_of(bits + 1)) / 2;
        int n = snprintf(text, sizeof text, "%.120e", middle);
        uint32_t even = bits + (bits & 1);
        bad += ours(text) != even;
        char *e = strchr(text, 'e');
        char more[300];
        snprintf(more, sizeof more, "%.*s1%s", (int)(e - text), text, e);
        bad += ours(more) != bits + 1;
        snprintf(more, sizeof more, "%.*s000000000000000000000000000000000000001%s",
                 (int)(e - text), text, e);
        bad += ours(more) != bits + 1;
        for (char *p = e - 1; p > text; p--) { /* a little less */
            if (*p == '.')
                continue;
            if (*p != '0') {
                (*p)--;
                break;
            }
            *p = '9';
        }
        bad += n > 0 && ours(text) != bits;
    }
    CHECK_EQ_U64(bad, 0);
}

int main(void) {
    RUN(test_plain);
    RUN(test_floats);
    RUN(test_embeddings);
    RUN(test_middles);
    return unit_end();
}
