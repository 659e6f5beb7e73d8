#include "base/real.h"

enum { DIGITS_MAX = 19, EXPONENT_MAX = 100000 };

struct decimal {
    uint64_t mantissa;
    int exponent; /* of ten */
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Takes the next character if it is `a` or `b`. */
static bool take(struct gw_str *s, char a, char b) {
    if (s->n == 0 || (*s->p != a && *s->p != b))
        return false;
    *s = gw_str(s->p + 1, s->n - 1);
    return true;
}

/* Digits past the nineteenth only move the point. */
static void take_digits(struct gw_str *s, struct decimal *d, bool fraction) {
    for (; s->n > 0 && is_digit(*s->p); *s = gw_str(s->p + 1, s->n - 1)) {
        if (d->mantissa < UINT64_C(1000000000000000000)) {
            d->mantissa = d->mantissa * 10 + (uint64_t)(*s->p - '0');
            d->exponent -= fraction;
        } else if (!fraction && d->exponent < EXPONENT_MAX) {
            d->exponent++;
        }
    }
}

static void take_exponent(struct gw_str *s, struct decimal *d) {
    int value = 0;
    if (!take(s, 'e', 'E'))
        return;
    bool minus = take(s, '-', '-');
    if (!minus)
        (void)take(s, '+', '+');
    for (; s->n > 0 && is_digit(*s->p); *s = gw_str(s->p + 1, s->n - 1))
        if (value < EXPONENT_MAX)
            value = value * 10 + (*s->p - '0');
    d->exponent += minus ? -value : value;
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

double gw_real(struct gw_str text) {
    struct decimal d = {0, 0};
    bool minus = take(&text, '-', '-');
    if (!minus)
        (void)take(&text, '+', '+');
    take_digits(&text, &d, false);
    if (take(&text, '.', '.'))
        take_digits(&text, &d, true);
    take_exponent(&text, &d);
    double v = scale((double)d.mantissa, d.exponent);
    return minus ? -v : v;
}
