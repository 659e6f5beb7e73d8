/*
 * The calendar that HTTP needs.
 */
#ifndef GW_BASE_DATE_H
#define GW_BASE_DATE_H

#include "base/str.h"

/* The value of a Retry-After (seconds, or an IMF-fixdate) in milliseconds from `wall_ms`, at most
 * 300 s; -1 if it is neither. */
double gw_date_retry_after(struct gw_str value, double wall_ms);
/* Appends "2026-11-21T00:00:00.123Z". */
void gw_date_put_iso(struct gw_buf *out, double wall_ms);

#endif
