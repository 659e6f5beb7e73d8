#include "base/date.h"

enum { RETRY_AFTER_MAX_MS = 300000 };

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar (months from 1). */
static int64_t days_of(int64_t year, unsigned month, unsigned day) {
    year -= month <= 2;
    int64_t era = year / 400;
    unsigned of_era = (unsigned)(year - era * 400);
    unsigned of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return era * 146097 + (int64_t)day_of_era - 719468;
}

static bool two(struct gw_str s, size_t at, unsigned *out) {
    uint64_t v;
    if (!gw_str_u64(gw_str_sub(s, at, 2), &v))
        return false;
    *out = (unsigned)v;
    return true;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool read_fixdate(struct gw_str s, double *wall_ms) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    unsigned day, hour, minute, second, month = 0;
    uint64_t year;
    if (s.n != 29 || !two(s, 5, &day) || !gw_str_u64(gw_str_sub(s, 12, 4), &year) ||
        !two(s, 17, &hour) || !two(s, 20, &minute) || !two(s, 23, &second))
        return false;
    while (month < 12 && memcmp(months + 3 * (size_t)month, s.p + 8, 3) != 0)
        month++;
    if (month == 12 || year < 1970 || year > 9999)
        return false;
    int64_t days = days_of((int64_t)year, month + 1, day);
    *wall_ms = (double)(((days * 24 + hour) * 60 + minute) * 60 + second) * 1000;
    return true;
}

double gw_date_retry_after(struct gw_str value, double wall_ms) {
    uint64_t seconds;
    double ms;
    if (gw_str_u64(value, &seconds))
        ms = (double)seconds * 1000;
    else if (read_fixdate(value, &ms))
        ms -= wall_ms;
    else
        return -1;
    return ms < 0 ? 0 : ms > RETRY_AFTER_MAX_MS ? RETRY_AFTER_MAX_MS : ms;
}

static void put_padded(struct gw_buf *out, uint64_t v, unsigned digits) {
    uint64_t scale = 1;
    for (unsigned i = 1; i < digits; i++)
        scale *= 10;
    for (; scale > 0; scale /= 10)
        gw_buf_putc(out, (char)('0' + v / scale % 10));
}

static void put_day(struct gw_buf *out, int64_t days) {
    days += 719468;
    int64_t era = days / 146097;
    unsigned doe = (unsigned)(days - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    unsigned month = mp < 10 ? mp + 3 : mp - 9;
    put_padded(out, (uint64_t)(era * 400 + yoe + (month <= 2)), 4);
    gw_buf_putc(out, '-');
    put_padded(out, month, 2);
    gw_buf_putc(out, '-');
    put_padded(out, doy - (153 * mp + 2) / 5 + 1, 2);
}

void gw_date_put_iso(struct gw_buf *out, double wall_ms) {
    uint64_t ms = wall_ms > 0 ? (uint64_t)wall_ms : 0;
    put_day(out, (int64_t)(ms / 86400000));
    gw_buf_putc(out, 'T');
    put_padded(out, ms / 3600000 % 24, 2);
    gw_buf_putc(out, ':');
    put_padded(out, ms / 60000 % 60, 2);
    gw_buf_putc(out, ':');
    put_padded(out, ms / 1000 % 60, 2);
    gw_buf_putc(out, '.');
    put_padded(out, ms % 1000, 3);
    gw_buf_putc(out, 'Z');
}
