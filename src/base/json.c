/*
 * The builder of trees: it watches the scanner (json_scan.c), which refuses all that can be refused
 * without a tree, and hangs what it is told where it belongs. What only the tree shows to be wrong
 * is noted on the way, and counts once the scanner has accepted the whole.
 */
#include "base/json.h"

#include <float.h>

#include "base/real.h"

static const char no_memory[] = "there is no memory to read it";

/* ------------------------------------------------------------------ the text */

static void set_error(struct gw_json_error *error, struct gw_str text, size_t at,
                      const char *what) {
    unsigned line = 1, column = 1;
    if (!error)
        return;
    for (size_t i = 0; i < at && i < text.n; i++) {
        column = text.p[i] == '\n' ? 1 : column + 1;
        line += text.p[i] == '\n';
    }
    *error = (struct gw_json_error){line, column, what, what == no_memory};
}

/* The end of the string whose opening quote is at `i`; text.n if it has none. */
static size_t string_end(struct gw_str text, size_t i) {
    for (i++; i < text.n; i++) {
        if (text.p[i] == '"')
            return i + 1;
        if (text.p[i] == '\\')
            i++;
    }
    return text.n;
}

/* The end of the comment at `i`, its line end not included; `i` if there is no comment, SIZE_MAX if
 * it has no end. */
static size_t comment_end(struct gw_str text, size_t i) {
    struct gw_str rest = gw_str_sub(text, i, text.n);
    if (gw_str_starts(rest, GW_STR("//"))) {
        ptrdiff_t n = gw_str_chr(rest, '\n');
        return n < 0 ? text.n : i + (size_t)n;
    }
    if (gw_str_starts(rest, GW_STR("/*"))) {
        ptrdiff_t n = gw_str_find(gw_str_sub(rest, 2, rest.n), GW_STR("*/"));
        return n < 0 ? SIZE_MAX : i + (size_t)n + 4;
    }
    return i;
}

/* The first comment from `i` on, which is not in a string; `*end` is its end, as comment_end says.
 * text.n if there is none. */
static size_t find_comment(struct gw_str text, size_t i, size_t *end) {
    while (i < text.n) {
        *end = text.p[i] == '/' ? comment_end(text, i) : i;
        if (*end > i)
            return i;
        i = text.p[i] == '"' ? string_end(text, i) : i + 1;
    }
    return text.n;
}

/* Where the name of the next member is. From `i` to there are at most a bracket or a comma, white
 * space and comments. */
static size_t find_name(struct gw_str text, size_t i) {
    while (i < text.n && text.p[i] != '"')
        i = text.p[i] == '/' ? comment_end(text, i) : i + 1;
    return i;
}

/* ------------------------------------------------------------------ strings */

/* A string is decoded by a scan of its own, whose pieces are put one after the other. */
struct decoding {
    struct gw_json_scan scan;
    char *out;
    size_t n;
};

static enum gw_json_tell want_pieces(struct gw_json_scan *s, enum gw_json_kind kind, uint64_t at) {
    (void)s, (void)kind, (void)at;
    return GW_JSON_PIECES;
}

static void keep_piece(struct gw_json_scan *s, struct gw_str piece) {
    struct decoding *d = (struct decoding *)s;
    memcpy(d->out + d->n, piece.p, piece.n);
    d->n += piece.n;
}

static void end_string(struct gw_json_scan *s, uint64_t end) {
    (void)s, (void)end;
}

/* `quoted` is a valid string with its quotes. {NULL, 0} without memory. */
static struct gw_str decode(struct gw_arena *arena, struct gw_str quoted) {
    static const struct gw_json_watch watch = {
        .begin = want_pieces, .piece = keep_piece, .end = end_string};
    struct decoding d;
    struct gw_str raw = gw_str_sub(quoted, 1, quoted.n - 2);
    if (gw_str_chr(raw, '\\') < 0)
        return raw;
    d.out = gw_arena_get(arena, raw.n); /* an escape is longer than what it stands for */
    d.n = 0;
    if (!d.out)
        return gw_str(NULL, 0);
    gw_json_scan_init(&d.scan, &watch);
    (void)gw_json_scan_feed(&d.scan, quoted);
    return gw_str(d.out, d.n);
}

/* ------------------------------------------------------------------ names */

typedef bool before(const struct gw_json *a, const struct gw_json *b);

/* An order of names: which one does not matter, so the shorter comes first. */
static int compare_names(const struct gw_json *a, const struct gw_json *b) {
    if (a->name.n != b->name.n)
        return a->name.n < b->name.n ? -1 : 1;
    return memcmp(a->name.p, b->name.p, a->name.n);
}

static bool by_name(const struct gw_json *a, const struct gw_json *b) {
    return compare_names(a, b) <= 0;
}

static bool by_place(const struct gw_json *a, const struct gw_json *b) {
    return a->at <= b->at;
}

/* Moves the first `n` items of `*from`, or all, to the end `*to` of another list: returns its new end. */
static struct gw_json **move(struct gw_json **from, size_t n, struct gw_json **to) {
    for (*to = *from; *to && n > 0; n--)
        to = &(*to)->next;
    *from = *to;
    *to = NULL;
    return to;
}

/* The list is of sorted runs of `width` items: merges each with its neighbour, and counts the pairs. */
static size_t merge_pairs(struct gw_json **list, size_t width, before *is_before) {
    struct gw_json *rest = *list, *a, *b, **to = list;
    size_t pairs = 0;
    for (*to = NULL; rest; pairs++) {
        (void)move(&rest, width, &a);
        (void)move(&rest, width, &b);
        while (a && b)
            to = move(is_before(a, b) ? &a : &b, 1, to);
        *to = a ? a : b;
        while (*to)
            to = &(*to)->next;
    }
    return pairs;
}

/* By merging, since hashing could be attacked and comparing all pairs would take quadratic time. */
static void sort(struct gw_json **list, before *is_before) {
    for (size_t width = 1; merge_pairs(list, width, is_before) > 1; width *= 2)
        ;
}

/* The first member whose name came before; NULL if there is none. */
static const struct gw_json *find_duplicate(struct gw_json *object) {
    const struct gw_json *found = NULL;
    sort(&object->child, by_name);
    for (const struct gw_json *a = object->child; a && a->next; a = a->next)
        if (compare_names(a, a->next) == 0 && (!found || a->next->at < found->at))
            found = a->next;
    sort(&object->child, by_place);
    return found;
}

/* ------------------------------------------------------------------ building */

struct builder {
    struct gw_json_scan scan;
    struct gw_str text;
    struct gw_arena *arena;
    struct gw_json *root, **tail; /* tail: where the next item goes */
    struct gw_json *open;         /* what has not ended; until then its `next` is what it is in */
    struct gw_str name;           /* of the member that comes, with its quotes; p NULL: none does */
    size_t at;                    /* where the last value began or, if it has ended, its end */
    bool full;
    const char *fault;   /* what is wrong with the tree, */
    uint32_t seen, told; /* at which item that was seen, and at which it is to be told */
};

/* Of several faults the one at the first item, in the order of the text, is told. */
static void note(struct builder *b, const char *fault, const struct gw_json *seen,
                 const struct gw_json *told) {
    if (b->fault && b->seen < seen->at)
        return;
    b->fault = fault;
    b->seen = seen->at;
    b->told = told->at;
}

/* The scanner tells no more than a name's beginning. */
static void on_name(struct gw_json_scan *s, struct gw_str beginning) {
    struct builder *b = (struct builder *)s;
    (void)beginning;
    if (b->full)
        return;
    size_t at = find_name(b->text, b->at);
    b->name = gw_str_sub(b->text, at, string_end(b->text, at) - at);
}

/* NULL without memory. */
static struct gw_json *make_item(struct builder *b, enum gw_json_kind kind) {
    struct gw_json *item = gw_arena_get(b->arena, sizeof *item);
    if (!item)
        return NULL;
    item->kind = (uint32_t)kind;
    item->at = (uint32_t)b->at;
    if (b->name.p) {
        item->at = (uint32_t)(b->name.p - b->text.p);
        item->name = decode(b->arena, b->name);
        if (!item->name.p)
            return NULL;
    }
    return item;
}

/* Without memory the scan goes on: what is wrong with the text is told rather. */
static enum gw_json_tell on_begin(struct gw_json_scan *s, enum gw_json_kind kind, uint64_t at) {
    struct builder *b = (struct builder *)s;
    b->at = (size_t)at;
    struct gw_json *item = b->full ? NULL : make_item(b, kind);
    b->name = gw_str(NULL, 0);
    if (!item) {
        b->full = true;
        return GW_JSON_SKIP;
    }
    item->next = b->open;
    b->open = *b->tail = item;
    b->tail = &item->child;
    return GW_JSON_TELL;
}

static void end_item(struct builder *b, struct gw_json *item, struct gw_str raw) {
    if (item->kind == GW_JSON_STRING) {
        item->text = decode(b->arena, raw);
        b->full |= !item->text.p;
    } else if (item->kind == GW_JSON_NUMERAL) {
        item->number = gw_real(raw);
        if (item->number > DBL_MAX || item->number < -DBL_MAX)
            note(b, "number too large", item, item);
    } else if (item->kind == GW_JSON_OBJECT) {
        const struct gw_json *duplicate = find_duplicate(item);
        if (duplicate)
            note(b, "duplicate member name", item, duplicate);
    }
}

static void on_end(struct gw_json_scan *s, uint64_t end) {
    struct builder *b = (struct builder *)s;
    struct gw_json *item = b->open;
    b->open = item->next;
    item->next = NULL;
    b->tail = &item->next;
    end_item(b, item, gw_str_sub(b->text, b->at, (size_t)end - b->at));
    b->at = (size_t)end;
}

/* ------------------------------------------------------------------ parsing */

/* In the place of comments the scanner gets white space of the same length. */
static int feed_blanks(struct gw_json_scan *s, size_t n) {
    struct gw_str blanks = GW_STR("                                ");
    int got = 0;
    for (; n > 0 && got == 0; n -= blanks.n) {
        blanks.n = n < blanks.n ? n : blanks.n;
        got = gw_json_scan_feed(s, blanks);
    }
    return got;
}

/* Each comment has an end. */
static int feed(struct gw_json_scan *s, struct gw_str text, bool comments) {
    int got = 0;
    for (size_t i = 0, end = 0; i < text.n && got == 0; i = end) {
        size_t at = comments ? find_comment(text, i, &end) : text.n;
        if (at == text.n)
            end = text.n;
        got = gw_json_scan_feed(s, gw_str_sub(text, i, at - i));
        if (got == 0)
            got = feed_blanks(s, end - at);
    }
    return got == 0 ? gw_json_scan_end(s) : got;
}

/* Where a comment without an end begins; text.n if there is none. */
static size_t find_endless(struct gw_str text) {
    size_t at, end = 0;
    do
        at = find_comment(text, end, &end);
    while (at < text.n && end != SIZE_MAX);
    return at;
}

/* NULL, or what is wrong, and `*at` where. */
static const char *build(struct builder *b, unsigned flags, size_t *at) {
    static const struct gw_json_watch watch = {.begin = on_begin, .name = on_name, .end = on_end};
    bool comments = (flags & GW_JSON_COMMENTS) != 0 && gw_str_chr(b->text, '/') >= 0;
    *at = comments ? find_endless(b->text) : b->text.n;
    if (*at < b->text.n)
        return "comment without an end";
    gw_json_scan_init(&b->scan, &watch);
    bool good = feed(&b->scan, b->text, comments) == 0;
    *at = !good ? (size_t)b->scan.at : b->full ? 0 : b->told;
    return !good ? b->scan.what : b->full ? no_memory : b->fault;
}

struct gw_json *gw_json_parse(struct gw_str text, unsigned flags, struct gw_arena *arena,
                              struct gw_json_error *error) {
    struct builder b = {.text = text, .arena = arena};
    size_t at = 0;
    b.tail = &b.root;
    const char *fault = text.n > UINT32_MAX ? no_memory : build(&b, flags, &at);
    if (!fault)
        return b.root;
    set_error(error, text, at, fault);
    return NULL;
}

unsigned gw_json_line(struct gw_str text, const struct gw_json *item) {
    struct gw_json_error error;
    set_error(&error, text, item->at, NULL);
    return error.line;
}

const struct gw_json *gw_json_member(const struct gw_json *object, struct gw_str name) {
    const struct gw_json *m = gw_json_is(object, GW_JSON_OBJECT) ? object->child : NULL;
    while (m && !gw_str_eq(m->name, name))
        m = m->next;
    return m;
}
