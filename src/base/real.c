#include "base/real.h"

#include <stdbool.h>
#include <stdint.h>

enum { DIGITS_MAX = 19, EXPONENT_MAX = 100000 };

struct decimal {
    uint64_t mantissa;
    int exponent; /* of ten */
    bool any;     /* there was a digit */
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Digits past the nineteenth only move the point. */
static const char *read_digits(const char *p, struct decimal *d, bool fraction) {
    for (; is_digit(*p); p++) {
        d->any = true;
        if (d->mantissa < UINT64_C(1000000000000000000)) {
            d->mantissa = d->mantissa * 10 + (uint64_t)(*p - '0');
            d->exponent -= fraction;
        } else if (!fraction && d->exponent < EXPONENT_MAX) {
            d->exponent++;
        }
    }
    return p;
}

static const char *read_exponent(const char *p, struct decimal *d) {
    const char *start = p;
    int sign = 1, value = 0;
    if (*p != 'e' && *p != 'E')
        return start;
    p++;
    if (*p == '-' || *p == '+')
        sign = *p++ == '-' ? -1 : 1;
    if (!is_digit(*p))
        return start;
    for (; is_digit(*p); p++)
        if (value < EXPONENT_MAX)
            value = value * 10 + (*p - '0');
    d->exponent += sign * value;
    return p;
}

/* Powers of ten up to 22 are exact, so one multiplication or division rounds once. */
static double scale(double v, int exponent) {
    static const double exact[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    for (; exponent > 22 && v < 1e308; exponent -= 22)
        v *= 1e22;
    for (; exponent < -22 && v > 0; exponent += 22)
        v /= 1e22;
    if (exponent > 22)
        return v > 0 ? v * 1e300 : 0;
    if (exponent < -22)
        return 0;
    return exponent < 0 ? v / exact[-exponent] : v * exact[exponent];
}

double gw_strtod(const char *text, char **end) {
    struct decimal d = {.mantissa = 0};
    const char *p = text;
    bool minus = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    p = read_digits(p, &d, false);
    if (*p == '.')
        p = read_digits(p + 1, &d, true);
    if (!d.any) {
        *end = (char *)(uintptr_t)text;
        return 0;
    }
    p = read_exponent(p, &d);
    *end = (char *)(uintptr_t)p;
    double v = scale((double)d.mantissa, d.exponent);
    return minus ? -v : v;
}
