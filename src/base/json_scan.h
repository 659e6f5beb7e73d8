/*
 * A JSON scanner that needs no memory: it takes bytes as they come, in any cut, validates them by
 * the rules of json.h, and tells a watcher what it passes.
 *
 * Not checked are the range of numbers and duplicate member names: those are the watcher's to see.
 * What a watcher is told does not depend on the cut, but for how strings and numbers are divided
 * into pieces.
 */
#ifndef GW_BASE_JSON_SCAN_H
#define GW_BASE_JSON_SCAN_H

#include "base/str.h"

enum { GW_JSON_DEPTH = 128 };
enum { GW_JSON_NUMBER = 1000 }; /* characters of a number */
enum { GW_JSON_NAME = 32 };     /* bytes of a name that a watcher is told */

enum gw_json_kind {
    GW_JSON_NONE = 0, /* stands for a value that is not there */
    GW_JSON_NULL,
    GW_JSON_FALSE,
    GW_JSON_TRUE,
    GW_JSON_NUMERAL,
    GW_JSON_STRING,
    GW_JSON_ARRAY,
    GW_JSON_OBJECT,
};

/* How much of a value a watcher wants to be told. */
enum gw_json_tell {
    GW_JSON_SKIP = 0, /* nothing more, however large it is */
    GW_JSON_TELL,     /* the members or elements that are in it, and its end */
    GW_JSON_PIECES,   /* of a string or a number its pieces too */
};

struct gw_json_scan;

/* Who watches keeps what it knows behind the scan, in a struct that begins with it. Offsets count
 * from the document's first byte. */
struct gw_json_watch {
    /* A value begins at `at`: the document; or in the value that was told last and is still open, an
     * element, or a member's value whose name came just before. */
    enum gw_json_tell (*begin)(struct gw_json_scan *s, enum gw_json_kind kind, uint64_t at);
    /* A member's name, decoded; of a longer one its first GW_JSON_NAME bytes. */
    void (*name)(struct gw_json_scan *s, struct gw_str name);
    /* A piece of a string, decoded, or of a number, as it stands. */
    void (*piece)(struct gw_json_scan *s, struct gw_str piece);
    /* The value that began last, of those still open and told, ends before `end`; if it is a string
     * it has s->chars characters. */
    void (*end)(struct gw_json_scan *s, uint64_t end);
};

struct gw_json_scan {
    uint64_t at;      /* how many bytes were taken: on failure, where the fault is */
    const char *what; /* on failure: which fault, a sentence fragment */
    uint64_t chars;   /* of the string that has ended */
    uint64_t before;  /* the brace or comma before the member of the document that is at hand */
    bool enough;      /* a watcher's: feeding ends behind this byte, and not at a fault */

    /* What follows is json_scan.c's own. */
    const struct gw_json_watch *watch; /* NULL: nobody watches */
    uint8_t state, depth;
    uint8_t told;                     /* how many of the levels, from the outermost, are told */
    uint8_t tell;                     /* enum gw_json_tell, of the scalar or name at hand */
    bool is_name;                     /* the string at hand is one */
    bool object;                      /* the innermost level is one */
    uint8_t left, low, high;          /* of a character: bytes to come, range of the next one */
    uint32_t number;                  /* progress inside literals, numbers and escapes */
    uint32_t code, surrogate;         /* of an escape, and the one before it if that awaits it */
    uint8_t stack[GW_JSON_DEPTH / 8]; /* a bit per level: 1 object, 0 array */
    uint8_t name_n;
    char name[GW_JSON_NAME]; /* one that came in several pieces */
};

void gw_json_scan_init(struct gw_json_scan *s, const struct gw_json_watch *watch);
/* 0, or -1 as soon as no continuation could make the document valid. What a watcher did not want any
 * more (enough) is not taken: see `at`. */
int gw_json_scan_feed(struct gw_json_scan *s, struct gw_str bytes);
/* 0 if what was fed is one whole document, else -1. */
int gw_json_scan_end(struct gw_json_scan *s);

#endif
