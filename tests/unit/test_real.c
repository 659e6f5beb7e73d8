#include "base/real.h"

#include "unit.h"

/* Against the C library's. */
static void same(const char *text) {
    double v = gw_real(gw_str(text, strlen(text))), right = strtod(text, NULL);
    if (!CHECK(v == right))
        printf("  %s: %.17g and not %.17g\n", text, v, right);
}

static void test_exact(void) {
    static const char *const texts[] = {"0",
                                        "-0",
                                        "1",
                                        "0.1",
                                        "5.000001",
                                        "1.000001",
                                        "123456789012345",
                                        "1e22",
                                        "1e-22",
                                        "2.5e3",
                                        "1E+2",
                                        "-17.25",
                                        "9007199254740993",
                                        "0.0000001",
                                        "1e",
                                        "1e+",
                                        "12abc",
                                        "3.",
                                        "007",
                                        "1000000000000000e5",
                                        "4.35",
                                        "0.5e-3",
                                        "",
                                        "-",
                                        "1.5.2",
                                        ".5",
                                        "600000"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        same(texts[i]);
}

static void test_far(void) {
    static const char *const texts[] = {"1e300", "1.7976931348623157e308",
                                        "123456789012345678901234", "1e-300",
                                        "3.14159265358979323846264338327950288"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        double v = gw_real(gw_str(texts[i], strlen(texts[i]))), right = strtod(texts[i], NULL);
        CHECK(v > right * (1 - 1e-14) && v < right * (1 + 1e-14));
    }
    CHECK(gw_real(GW_STR("1e99999")) > 1e308);
    CHECK(gw_real(GW_STR("1e-99999")) == 0);
}

/* Nothing is read behind the text. */
static void test_end(void) {
    static const char text[] = "-12.5e12";
    static const double values[] = {0, 0, -1, -12, -12, -12.5, -12.5, -125, -12.5e12};
    for (size_t n = 0; n < sizeof text; n++)
        CHECK(gw_real(gw_str(text, n)) == values[n]);
    CHECK(gw_real(gw_str(NULL, 0)) == 0);
}

int main(void) {
    RUN(test_exact);
    RUN(test_far);
    RUN(test_end);
    return unit_end();
}
