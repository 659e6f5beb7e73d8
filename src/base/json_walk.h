/*
 * A walk over a JSON text that is all there: its values are visited in their order and stay where
 * they are; nothing is copied, nothing is kept. What is visited is validated as RFC 8259 wants it,
 * but for UTF-8, which is passed as it is, and for duplicate names. Levels: at most GW_WALK_DEPTH.
 *
 *     gw_walk_init(&w, text);
 *     if (gw_walk_enter(&w, '{'))
 *         while (gw_walk_member(&w, &name))
 *             ... gw_walk_string, gw_walk_number, enter and its members, or gw_walk_skip ...
 *     good = gw_walk_end(&w);
 *
 * After gw_walk_member or gw_walk_item exactly one value must be taken. At an error `bad` is set, and every
 * function returns false from then on: so a loop may check it once, at its end.
 */
#ifndef GW_BASE_JSON_WALK_H
#define GW_BASE_JSON_WALK_H

#include "base/str.h"

enum { GW_WALK_DEPTH = 64 };

struct gw_walk {
    const char *p, *end;
    uint64_t objects; /* a bit per level: 1 object, 0 array */
    uint32_t depth;
    bool fresh; /* the level has had no value yet */
    bool bad;
};

void gw_walk_init(struct gw_walk *w, struct gw_str text);
/* The first byte of the next value: { [ " t f n - or a digit; 0 at the end or at a fault. */
char gw_walk_kind(struct gw_walk *w);
/* Goes into an object ('{') or an array ('['); if the value is something else it is skipped. */
bool gw_walk_enter(struct gw_walk *w, char open);
/* The next member's name, as it stands between its quotes; or the next item. False behind the last. */
bool gw_walk_member(struct gw_walk *w, struct gw_str *name);
bool gw_walk_item(struct gw_walk *w);
/* The string's bytes as they stand between its quotes; a value of another kind is skipped. */
bool gw_walk_string(struct gw_walk *w, struct gw_str *raw);
/* A whole number of at most 9 digits; any other value is skipped. */
bool gw_walk_number(struct gw_walk *w, uint32_t *n);
/* Takes a value of any kind: false at a fault. */
bool gw_walk_skip(struct gw_walk *w);
/* Whether the text was one good value, all of it taken. */
bool gw_walk_end(struct gw_walk *w);

/* The quote that ends the string whose inside begins at `p`, or NULL: none comes, or the string is
 * not well made. `*plain`: it holds no escape and nothing beyond the basic multilingual plane. */
const char *gw_json_string_end(const char *p, const char *end, bool *plain);

#endif
