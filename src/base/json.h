/*
 * JSON: cJSON with its limits guarded, and a scanner that needs no memory.
 *
 * gw_json_parse accepts strict RFC 8259 text (plus comments on request): depth at most
 * GW_JSON_DEPTH, no duplicate member names, no \u0000, valid UTF-8, numbers of at most
 * GW_JSON_NUMBER characters and within a double's range, nothing after the document. What it
 * refuses it names with line and column. Trees are freed with cJSON_Delete.
 *
 * gw_json_scan takes bytes as they come, in any cut, and keeps one string member of the outermost
 * object. It validates the whole document by the same rules in constant memory, but for the range
 * of numbers, and for duplicates other than of that one member. States: see json_scan.c.
 */
#ifndef GW_BASE_JSON_H
#define GW_BASE_JSON_H

#include <cJSON.h>

#include "base/str.h"

enum { GW_JSON_DEPTH = 128, GW_JSON_KEEP = 64 };
enum { GW_JSON_NUMBER = 1000 }; /* characters of a number */
enum { GW_JSON_COMMENTS = 1 };  /* allow // and slash-star comments, as white space */

struct gw_json_error {
    unsigned line, column; /* from 1; columns count bytes */
    const char *what;      /* a sentence fragment: "duplicate member name" */
};

/* NULL if the text is refused or there is no memory; `error` (may be NULL) then says why. */
cJSON *gw_json_parse(struct gw_str text, unsigned flags, struct gw_json_error *error);
/* The line (from 1) on which `item` begins (a member: its name) in the text that `root` came from.
 * 0 if `item` is not in the tree. */
unsigned gw_json_line(struct gw_str text, const cJSON *root, const cJSON *item);

struct gw_json_scan {
    struct gw_str key;        /* the member looked for; borrowed */
    char value[GW_JSON_KEEP]; /* its value, decoded, cut at GW_JSON_KEEP bytes */
    uint32_t value_n;
    bool found;       /* the member was there and is a string */
    bool cut;         /* it was longer than GW_JSON_KEEP */
    uint64_t at;      /* how many bytes were taken: on failure, where the fault is */
    const char *what; /* on failure: which fault, a sentence fragment */

    /* What follows is json_scan.c's own. */
    bool seen, wanted; /* the member's name came; the next value is the member's */
    uint8_t state, role, depth;
    uint8_t left, low, high;          /* of a character: bytes to come, range of the next one */
    uint8_t stack[GW_JSON_DEPTH / 8]; /* a bit per level: 1 object, 0 array */
    uint32_t number;                  /* progress inside literals, numbers and escapes */
    uint32_t code, surrogate;         /* of an escape, and the one before it if that awaits it */
    size_t match;                     /* how much of `key` the name has matched; SIZE_MAX: none */
};

void gw_json_scan_init(struct gw_json_scan *s, struct gw_str key);
/* 0, or -1 as soon as no continuation could make the document valid. The member looked for must
 * not come twice: which of the two counts would be open to doubt. */
int gw_json_scan_feed(struct gw_json_scan *s, struct gw_str bytes);
/* 0 if what was fed is one whole document, else -1. */
int gw_json_scan_end(struct gw_json_scan *s);

#endif
