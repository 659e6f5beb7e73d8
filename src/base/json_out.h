/*
 * JSON text, written value by value into a buffer:
 *
 *     gw_out_init(&o, &buf);
 *     gw_out_open(&o, '{');
 *     gw_out_name(&o, "model");
 *     gw_out_raw(&o, raw);
 *     gw_out_close(&o, '}');
 *
 * Commas are put where they belong. What does not fit into the buffer marks it as full (str.h), so that a caller
 * checks once, at the end. Most strings come from another document as they stand there, "raw": the inside of a
 * JSON string, without its quotes. They are copied, and neither decoded nor encoded.
 */
#ifndef GW_BASE_JSON_OUT_H
#define GW_BASE_JSON_OUT_H

#include "base/str.h"

struct gw_out {
    struct gw_buf *b;
    bool more; /* a value stands before the next one at this level */
};

static inline void gw_out_init(struct gw_out *o, struct gw_buf *b) {
    *o = (struct gw_out){.b = b};
}

/* Begins and ends an object or an array: { } [ ] */
void gw_out_open(struct gw_out *o, char bracket);
void gw_out_close(struct gw_out *o, char bracket);
/* A member's name; its value follows. It needs no escapes. */
void gw_out_name(struct gw_out *o, const char *name);
/* Likewise, from its raw inside. */
void gw_out_raw_name(struct gw_out *o, struct gw_str raw);
/* A string, from its raw inside; and one of plain text, which is encoded. */
void gw_out_raw(struct gw_out *o, struct gw_str raw);
void gw_out_text(struct gw_out *o, struct gw_str text);
/* Two raw halves of a string. */
void gw_out_joined(struct gw_out *o, struct gw_str raw, struct gw_str more);
/* A value as it stands. */
void gw_out_value(struct gw_out *o, struct gw_str json);
void gw_out_u64(struct gw_out *o, uint64_t n);
/* A string of plain text, or of JSON text, in three pieces. */
void gw_out_quoted(struct gw_out *o, struct gw_str before, struct gw_str text, struct gw_str after);

/* Members with their values. */
void gw_out_put_raw(struct gw_out *o, const char *name, struct gw_str raw);
void gw_out_put_word(struct gw_out *o, const char *name, const char *word); /* needs no escapes */
void gw_out_put_value(struct gw_out *o, const char *name, struct gw_str json);
void gw_out_put_u64(struct gw_out *o, const char *name, uint64_t n);
/* The same, but nothing if there is none (n == 0). */
void gw_out_may_raw(struct gw_out *o, const char *name, struct gw_str raw);
void gw_out_may_value(struct gw_out *o, const char *name, struct gw_str json);

/* Appends what a raw string stands for, in UTF-8. The string is well made; of a lone surrogate U+FFFD is put. */
void gw_json_decode(struct gw_buf *b, struct gw_str raw);

#endif
