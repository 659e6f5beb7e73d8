#include "base/real32.h"

#include "base/real.h"

/* A middle between two floats has at most 113 digits behind its zeros, so of more it counts only whether there are any
 * that are none. */
enum { DIGITS = 120, LIMBS = 24, NEAR = 32 };

/* ------------------------------------------------------------------ whole numbers */

struct whole {
    uint32_t limb[LIMBS]; /* the lowest first */
};

static void multiply(struct whole *a, uint32_t by, uint32_t plus) {
    uint64_t carry = plus;
    for (uint32_t i = 0; i < LIMBS; i++) {
        carry += (uint64_t)a->limb[i] * by;
        a->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static void multiply_by_power(struct whole *a, uint32_t of, int n) {
    for (; n > 0; n--)
        multiply(a, of, 0);
}

static int compare(const struct whole *a, const struct whole *b) {
    for (uint32_t i = LIMBS; i-- > 0;)
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

/* ------------------------------------------------------------------ the text once more */

struct digits {
    struct whole value;
    int exponent; /* of ten */
    int n;
    bool more; /* it is a little more than that */
};

static void take_digit(struct digits *d, char c, bool fraction) {
    if (d->n == DIGITS) {
        d->more |= c != '0';
        d->exponent += !fraction;
        return;
    }
    multiply(&d->value, 10, (uint32_t)(c - '0'));
    d->n += d->n > 0 || c != '0';
    d->exponent -= fraction;
}

/* It is a number near a middle, so its exponent is small. */
static void read_digits(struct gw_str text, struct digits *d) {
    bool fraction = false;
    size_t i = 0;
    while (i < text.n &&
           ((text.p[i] >= '0' && text.p[i] <= '9') || gw_str_chr(GW_STR("+-."), text.p[i]) >= 0)) {
        fraction |= text.p[i] == '.';
        if (text.p[i] >= '0')
            take_digit(d, text.p[i], fraction);
        i++;
    }
    if (i < text.n && (text.p[i] | 0x20) == 'e')
        d->exponent += (int)gw_real(gw_str_sub(text, i + 1, text.n));
}

/* How the number, without its sign, compares with `middle` * 2^`power`. */
static int compare_with(struct gw_str text, uint64_t middle, int power) {
    struct digits d = {.n = 0};
    struct whole b = {{(uint32_t)middle, (uint32_t)(middle >> 32)}};
    read_digits(text, &d);
    multiply_by_power(&d.value, 10, d.exponent);
    multiply_by_power(&b, 10, -d.exponent);
    multiply_by_power(&d.value, 2, -power);
    multiply_by_power(&b, 2, power);
    int order = compare(&d.value, &b);
    return order == 0 && d.more ? 1 : order;
}

/* ------------------------------------------------------------------ rounding */

enum {
    BITS = 52,     /* of a double's fraction */
    LESS = 29,     /* that a float has less */
    LOWEST = 896,  /* the exponent of a double that is a float's 0 */
    HIGHEST = 255, /* a float's exponent that is none */
    FRACTION = 23,
};

uint32_t gw_real32(struct gw_str text) {
    double value = gw_real(text);
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = (uint32_t)(bits >> 63) << 31;
    int exponent = (int)(bits >> BITS & 0x7ff) - LOWEST;
    uint64_t fraction = (bits & ((1ULL << BITS) - 1)) | 1ULL << BITS;
    if (exponent >= HIGHEST)
        return sign | (uint32_t)HIGHEST << FRACTION;
    int shift = exponent > 0 ? LESS : LESS + 1 - exponent;
    if (shift > BITS + 1)
        return sign;
    uint64_t whole = fraction >> shift, rest = fraction & ((1ULL << shift) - 1);
    uint64_t middle = 1ULL << (shift - 1), apart = rest > middle ? rest - middle : middle - rest;
    int order = rest > middle ? 1 : -1;
    if (apart <= NEAR)
        order = compare_with(text, 2 * whole + 1, exponent + LOWEST - 1075 + shift - 1);
    whole += order > 0 || (order == 0 && (whole & 1) != 0);
    /* A carry goes into the exponent, where it belongs. */
    uint32_t base = exponent > 0 ? (uint32_t)(exponent - 1) << FRACTION : 0;
    return sign | (base + (uint32_t)whole);
}
