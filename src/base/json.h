/*
 * JSON documents that are read whole, as a tree.
 *
 * gw_json_parse accepts strict RFC 8259 text (plus comments on request): depth at most
 * GW_JSON_DEPTH, no duplicate member names, no \u0000, valid UTF-8, numbers of at most
 * GW_JSON_NUMBER characters and within a double's range, nothing after the document. What it
 * refuses it names with line and column.
 *
 * All of a tree is in the arena that it was made in and goes with it. Names and texts without an
 * escape are not copied: the text must stay where it is for as long as the tree is used.
 */
#ifndef GW_BASE_JSON_H
#define GW_BASE_JSON_H

#include "base/arena.h"
#include "base/json_scan.h"

enum { GW_JSON_COMMENTS = 1 }; /* allow // and slash-star comments, as white space */

struct gw_json {
    struct gw_str name;           /* a member's, decoded; p is NULL in what is not a member */
    struct gw_json *child, *next; /* the first value in it; the one after it in what it is in */
    union {
        struct gw_str text; /* GW_JSON_STRING: decoded */
        double number;      /* GW_JSON_NUMERAL */
    };
    uint32_t kind; /* enum gw_json_kind, never GW_JSON_NONE */
    uint32_t at;   /* where it begins in the text: a member with its name */
};

struct gw_json_error {
    unsigned line, column; /* from 1; columns count bytes */
    const char *what;      /* a sentence fragment: "duplicate member name" */
    bool full;             /* the arena has no room, and nothing is wrong with the text */
};

/* The cap of an arena for this tree alone, in which every text of `n` bytes has room. There is at most one
 * value for every two bytes; names and texts that had to be decoded take less than values do. */
static inline size_t gw_json_most(size_t n) {
    return (n / 2 + 1) * (sizeof(struct gw_json) + 8);
}

/* NULL if the text is refused or the arena has no room; `error` (may be NULL) then says why. */
struct gw_json *gw_json_parse(struct gw_str text, unsigned flags, struct gw_arena *arena,
                              struct gw_json_error *error);
/* The line (from 1) on which `item` begins (a member: its name), in the text that it was read from. */
unsigned gw_json_line(struct gw_str text, const struct gw_json *item);

/* False for what is not there (NULL), too. */
static inline bool gw_json_is(const struct gw_json *item, enum gw_json_kind kind) {
    return item != NULL && item->kind == (uint32_t)kind;
}
/* The member of that name; NULL if there is none or `object` is no object. */
const struct gw_json *gw_json_member(const struct gw_json *object, struct gw_str name);

#endif
