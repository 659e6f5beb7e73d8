/*
 * Parsing by cJSON, guarded: the scanner (json_scan.c) refuses beforehand what cJSON would let
 * through, and duplicate names are looked for in the tree, where they are decoded.
 *
 * An item's place in the text is found by counting: the values of a text come in the same order as
 * the items of its tree when each item is taken before its children.
 */
#include "base/json.h"

#include <float.h>

/* Objects with more members than this are sorted to find duplicates. */
enum { JSON_FEW = 16 };

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
    *error = (struct gw_json_error){line, column, what};
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

static size_t skip_space(struct gw_str text, size_t i) {
    while (i < text.n) {
        char c = text.p[i];
        size_t end = c == '/' ? comment_end(text, i) : i;
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
            i++;
        else if (end > i && end != SIZE_MAX)
            i = end;
        else
            break;
    }
    return i;
}

/* Writes spaces over comments, so that every place stays where it was. False if one has no end;
 * `*at` is then its beginning. */
static bool blank_comments(struct gw_str text, char *copy, size_t *at) {
    for (size_t i = 0; i < text.n;) {
        size_t end = text.p[i] == '"' ? string_end(text, i) : i + 1;
        if (text.p[i] != '/') {
            i = end;
            continue;
        }
        end = comment_end(text, i);
        if (end == SIZE_MAX) {
            *at = i;
            return false;
        }
        for (size_t j = i; j < end; j++)
            if (copy[j] != '\n')
                copy[j] = ' ';
        i = end > i ? end : i + 1;
    }
    return true;
}

/* Where the next value from `*i` on begins (a member: its name); `*i` moves on past its name and
 * its first token. The text is valid and has one more value. */
static size_t next_value(struct gw_str text, size_t *i) {
    size_t begin = SIZE_MAX;
    for (;;) {
        size_t at = skip_space(text, *i);
        if (at >= text.n)
            return text.n;
        char c = text.p[at];
        *i = at + 1;
        if (c == ',' || c == ':' || c == ']' || c == '}')
            continue;
        if (begin == SIZE_MAX)
            begin = at;
        if (c == '{' || c == '[')
            return begin;
        if (c == '"') {
            *i = string_end(text, at);
            at = skip_space(text, *i);
            if (at < text.n && text.p[at] == ':')
                continue; /* it was a name */
            return begin;
        }
        while (*i < text.n && gw_str_chr(GW_STR(" \t\r\n,]}/"), text.p[*i]) < 0)
            (*i)++;
        return begin;
    }
}

/* ------------------------------------------------------------------ the tree */

struct walk {
    const cJSON *at[GW_JSON_DEPTH + 1];
    size_t depth;
};

/* The item after the one at hand, children first; NULL after the last. */
static const cJSON *walk_next(struct walk *w) {
    const cJSON *child = w->at[w->depth]->child;
    if (child) {
        w->at[++w->depth] = child;
        return child;
    }
    while (!w->at[w->depth]->next) {
        if (w->depth == 0)
            return NULL;
        w->depth--;
    }
    return w->at[w->depth] = w->at[w->depth]->next;
}

/* Where `item` begins in the text; SIZE_MAX if it is not in the tree. */
static size_t place_of(struct gw_str text, const cJSON *root, const cJSON *item) {
    struct walk w = {.at = {root}};
    size_t i = 0;
    for (const cJSON *at = root; at; at = walk_next(&w)) {
        size_t begin = next_value(text, &i);
        if (at == item)
            return begin;
    }
    return SIZE_MAX;
}

/* An order of names: which one does not matter, so the shorter comes first. */
static int compare_names(const cJSON *a, const cJSON *b) {
    size_t a_n = strlen(a->string), b_n = strlen(b->string);
    if (a_n != b_n)
        return a_n < b_n ? -1 : 1;
    return memcmp(a->string, b->string, a_n);
}

static const cJSON *duplicate_of_few(const cJSON *object) {
    for (const cJSON *a = object->child; a; a = a->next)
        for (const cJSON *b = object->child; b != a; b = b->next)
            if (compare_names(a, b) == 0)
                return a;
    return NULL;
}

/* Merges the sorted runs [low, middle) and [middle, high) of `from` into `to`, equals in order. */
static void merge(const cJSON **from, const cJSON **to, size_t low, size_t middle, size_t high) {
    size_t a = low, b = middle;
    for (size_t i = low; i < high; i++) {
        bool first = b == high || (a < middle && compare_names(from[a], from[b]) <= 0);
        to[i] = first ? from[a++] : from[b++];
    }
}

static size_t min_size(size_t a, size_t b) {
    return a < b ? a : b;
}

/* By merging, since hashing could be attacked and pairs would take quadratic time. */
static bool duplicate_of_many(const cJSON *object, size_t n, const cJSON **duplicate) {
    const cJSON **both = n < SIZE_MAX / 32 ? cJSON_malloc(2 * n * sizeof(const cJSON *)) : NULL;
    if (!both)
        return false;
    const cJSON **from = both, **to = both + n;
    size_t i = 0;
    for (const cJSON *a = object->child; a; a = a->next)
        from[i++] = a;
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t low = 0; low < n; low += 2 * width)
            merge(from, to, low, min_size(low + width, n), min_size(low + 2 * width, n));
        const cJSON **swap = from;
        from = to;
        to = swap;
    }
    for (i = 1; i < n && !*duplicate; i++)
        if (compare_names(from[i - 1], from[i]) == 0)
            *duplicate = from[i];
    cJSON_free(both);
    return true;
}

/* False without memory; else `*duplicate` is a member whose name came before, or NULL. */
static bool find_duplicate(const cJSON *object, const cJSON **duplicate) {
    size_t n = 0;
    *duplicate = NULL;
    for (const cJSON *member = object->child; member; member = member->next)
        n++;
    if (n > JSON_FEW)
        return duplicate_of_many(object, n, duplicate);
    *duplicate = duplicate_of_few(object);
    return true;
}

/* What only the tree shows to be wrong, with the item at which it is (NULL: the whole); NULL if
 * nothing is. */
static const char *find_fault(const cJSON *root, const cJSON **item) {
    struct walk w = {.at = {root}};
    for (const cJSON *at = root; at; at = walk_next(&w)) {
        *item = NULL;
        if (cJSON_IsObject(at) && !find_duplicate(at, item))
            return no_memory;
        if (*item)
            return "duplicate member name";
        *item = at;
        if (cJSON_IsNumber(at) && (at->valuedouble > DBL_MAX || at->valuedouble < -DBL_MAX))
            return "number too large";
    }
    return NULL;
}

/* ------------------------------------------------------------------ parsing */

/* `plain` is `text` without comments, of the same length. */
static cJSON *parse_plain(struct gw_str plain, struct gw_str text, struct gw_json_error *error) {
    struct gw_json_scan scan;
    gw_json_scan_init(&scan, NULL);
    if (gw_json_scan_feed(&scan, plain) != 0 || gw_json_scan_end(&scan) != 0) {
        set_error(error, text, (size_t)scan.at, scan.what);
        return NULL;
    }
    cJSON *root = cJSON_ParseWithLengthOpts(plain.p, plain.n, NULL, 0);
    const cJSON *item = NULL;
    const char *fault = root ? find_fault(root, &item) : no_memory;
    if (!fault)
        return root;
    set_error(error, text, item ? place_of(text, root, item) : 0, fault);
    cJSON_Delete(root);
    return NULL;
}

cJSON *gw_json_parse(struct gw_str text, unsigned flags, struct gw_json_error *error) {
    if (!(flags & GW_JSON_COMMENTS) || gw_str_chr(text, '/') < 0)
        return parse_plain(text, text, error);
    char *copy = cJSON_malloc(text.n);
    if (!copy) {
        set_error(error, text, 0, no_memory);
        return NULL;
    }
    memcpy(copy, text.p, text.n);
    cJSON *root = NULL;
    size_t at = 0;
    if (blank_comments(text, copy, &at))
        root = parse_plain(gw_str(copy, text.n), text, error);
    else
        set_error(error, text, at, "comment without an end");
    cJSON_free(copy);
    return root;
}

unsigned gw_json_line(struct gw_str text, const cJSON *root, const cJSON *item) {
    size_t at = root ? place_of(text, root, item) : SIZE_MAX;
    struct gw_json_error error = {0, 0, NULL};
    if (at != SIZE_MAX)
        set_error(&error, text, at, NULL);
    return error.line;
}
