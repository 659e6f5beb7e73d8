/*
 * JSON documents that are read whole: cJSON with its limits guarded.
 *
 * gw_json_parse accepts strict RFC 8259 text (plus comments on request): depth at most
 * GW_JSON_DEPTH, no duplicate member names, no \u0000, valid UTF-8, numbers of at most
 * GW_JSON_NUMBER characters and within a double's range, nothing after the document. What it
 * refuses it names with line and column. Trees are freed with cJSON_Delete.
 */
#ifndef GW_BASE_JSON_H
#define GW_BASE_JSON_H

#include <cJSON.h>

#include "base/json_scan.h"

enum { GW_JSON_COMMENTS = 1 }; /* allow // and slash-star comments, as white space */

struct gw_json_error {
    unsigned line, column; /* from 1; columns count bytes */
    const char *what;      /* a sentence fragment: "duplicate member name" */
};

/* NULL if the text is refused or there is no memory; `error` (may be NULL) then says why. */
cJSON *gw_json_parse(struct gw_str text, unsigned flags, struct gw_json_error *error);
/* The line (from 1) on which `item` begins (a member: its name) in the text that `root` came from.
 * 0 if `item` is not in the tree. */
unsigned gw_json_line(struct gw_str text, const cJSON *root, const cJSON *item);

#endif
