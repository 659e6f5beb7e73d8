/*
 * Base64 (RFC 4648), in its usual letters and in those that may stand in URLs and names.
 */
#ifndef GW_BASE_BASE64_H
#define GW_BASE_BASE64_H

#include "base/str.h"

/* Appends the letters of these bytes. `url`: with - and _, and without = at the end. */
void gw_base64_put(struct gw_buf *b, struct gw_str bytes, bool url);
/* Appends the bytes of letters of either kind. Others are passed over, such as the escape of a slash in JSON; false:
 * there were some. */
bool gw_base64_decode(struct gw_buf *b, struct gw_str letters);

#endif
