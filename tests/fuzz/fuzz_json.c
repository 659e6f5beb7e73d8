/*
 * Parsing: what is accepted is the tree that a walk over the text (json_walk.h) shows, with each item at
 * its place and no name twice in an object; what is refused has a place inside the text. Comments change
 * nothing but that they are allowed. With less memory there is the same tree or none; with as much as
 * gw_json_most says it is never memory that is missing. Explaining a request never faults.
 */
#include "base/json.h"
#include "base/json_walk.h"
#include "base/utf8.h"
#include "core/policy/score.h"
#include "cuts.h"
#include "heap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ------------------------------------------------------------------ trees */

/* Recursion is bounded by GW_JSON_DEPTH. */
static bool same(const struct gw_json *a, const struct gw_json *b) {
    for (; a && b; a = a->next, b = b->next) {
        if (a->kind != b->kind || a->at != b->at || !gw_str_eq(a->name, b->name) ||
            (a->name.p == NULL) != (b->name.p == NULL) || !same(a->child, b->child))
            return false;
        if (a->kind == GW_JSON_STRING ? !gw_str_eq(a->text, b->text) : a->number != b->number)
            return false;
    }
    return a == b;
}

/* The line goes on from `line`. */
static unsigned check_items(struct gw_str text, const struct gw_json *item, unsigned line) {
    for (; item; item = item->next) {
        unsigned at = gw_json_line(text, item);
        must(at >= line);
        for (const struct gw_json *b = item->next; item->name.p && b; b = b->next)
            must(b->name.p && !gw_str_eq(item->name, b->name) && b->at > item->at);
        line = check_items(text, item->child, at);
    }
    return line;
}

/* ------------------------------------------------------------------ by another way */

static uint32_t hex4(const char *p) {
    uint32_t code = 0;
    for (int i = 0; i < 4; i++) {
        char c = gw_lower(p[i]);
        code = code << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return code;
}

/* `raw`, valid, stands for `text`. */
static void check_string(struct gw_str raw, struct gw_str text) {
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    while (raw.n > 0) {
        char out[4] = {raw.p[0]};
        size_t taken = 1, n = 1;
        if (raw.p[0] == '\\' && raw.p[1] != 'u') {
            const char *at = strchr(from, raw.p[1]);
            out[0] = at ? to[at - from] : raw.p[1];
            taken = 2;
        } else if (raw.p[0] == '\\') {
            uint32_t code = hex4(raw.p + 2);
            bool pair = code >= 0xD800 && code < 0xDC00;
            if (pair)
                code = 0x10000 + ((code - 0xD800) << 10) + hex4(raw.p + 8) - 0xDC00;
            taken = pair ? 12 : 6;
            n = gw_utf8_put(code, out);
        }
        must(gw_str_eq(gw_str_sub(text, 0, n), gw_str(out, n)));
        text = gw_str_sub(text, n, text.n);
        raw = gw_str_sub(raw, taken, raw.n);
    }
    must(text.n == 0);
}

static enum gw_json_kind kind_of(char c) {
    return c == 'n'   ? GW_JSON_NULL
           : c == 't' ? GW_JSON_TRUE
           : c == 'f' ? GW_JSON_FALSE
           : c == '"' ? GW_JSON_STRING
           : c == '[' ? GW_JSON_ARRAY
           : c == '{' ? GW_JSON_OBJECT
                      : GW_JSON_NUMERAL;
}

static void check_number(const char *from, const char *to, double number) {
    char copy[GW_JSON_NUMBER + 1] = {0};
    must(to - from <= GW_JSON_NUMBER);
    memcpy(copy, from, (size_t)(to - from));
    double right = strtod(copy, NULL), off = number - right, most = right < 0 ? -right : right;
    must(off == 0 || (off < 0 ? -off : off) <= most * 1e-13 || most < 1e-290 || most > 1e307);
}

/* The value that the walk is before. Recursion is bounded by GW_WALK_DEPTH. */
static void check_walk(struct gw_walk *w, struct gw_str text, const struct gw_json *item) {
    struct gw_str raw;
    char c = gw_walk_kind(w);
    const char *from = w->p;
    must(item && item->kind == (uint32_t)kind_of(c));
    must(item->name.p || text.p + item->at == from);
    const struct gw_json *child = item->child;
    if (gw_json_is(item, GW_JSON_STRING)) {
        must(gw_walk_string(w, &raw));
        check_string(raw, item->text);
    } else if (gw_json_is(item, GW_JSON_OBJECT)) {
        for (gw_walk_enter(w, '{'); gw_walk_member(w, &raw); child = child->next) {
            must(child && child->name.p && text.p + child->at == raw.p - 1);
            check_string(raw, child->name);
            check_walk(w, text, child);
        }
    } else if (gw_json_is(item, GW_JSON_ARRAY)) {
        for (gw_walk_enter(w, '['); gw_walk_item(w); child = child->next) {
            must(child && !child->name.p);
            check_walk(w, text, child);
        }
    } else {
        must(gw_walk_skip(w));
        if (gw_json_is(item, GW_JSON_NUMERAL))
            check_number(from, w->p, item->number);
    }
    must(!child);
}

/* ------------------------------------------------------------------ the checks */

static void check_explain(struct gw_str text) {
    struct gw_arena a;
    struct gw_buf out;
    gw_arena_init(&a, &heap, 8192, 65536);
    gw_buf_init(&out, &a, 4096);
    const struct tiers *tiers = tiers_default(GW_STR("balanced"));
    int got = score_explain(tiers, GW_DOLLAR, text, &heap, &out);
    const struct gw_json *root = gw_json_parse(gw_buf_str(&out), 0, &a, NULL);
    must(out.n > 0 && !out.full && (got == 0) == (root != NULL));
    gw_arena_del(&a);
}

static void check_refusal(const struct gw_json_error *e, size_t size) {
    must(e->what && e->line >= 1 && e->column >= 1 && e->line <= size + 1 && e->column <= size + 1);
}

/* `root` is what there is with enough memory. */
static void check_less(struct gw_str text, size_t cap, const struct gw_json *root) {
    struct gw_arena a;
    struct gw_json_error error = {.full = false};
    gw_arena_init(&a, &heap, 256, cap);
    const struct gw_json *less = gw_json_parse(text, GW_JSON_COMMENTS, &a, &error);
    must(less ? root && same(root, less) : error.full || !root);
    gw_arena_del(&a);
}

static unsigned depth_of(const struct gw_json *item) {
    unsigned most = 0;
    for (; item; item = item->next) {
        unsigned depth = 1 + depth_of(item->child);
        most = depth > most ? depth : most;
    }
    return most;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gw_json_error error = {.full = false}, strict_error = {.full = false};
    struct gw_str text = gw_str(data, size);
    struct gw_arena a, b;
    if (size > 2000) /* comparing each item's name takes quadratic time */
        return 0;
    gw_arena_init(&a, &heap, 4096, gw_json_most(size));
    gw_arena_init(&b, &heap, 256, gw_json_most(size));
    const struct gw_json *strict = gw_json_parse(text, 0, &a, &strict_error);
    const struct gw_json *root = gw_json_parse(text, GW_JSON_COMMENTS, &b, &error);
    must(root ? (!strict || same(strict, root)) : !strict);
    must(!error.full && !strict_error.full);
    if (root)
        check_items(text, root, 1);
    else
        check_refusal(&error, size);
    if (strict && depth_of(strict) <= GW_WALK_DEPTH) {
        struct gw_walk walk;
        gw_walk_init(&walk, text);
        check_walk(&walk, text, strict);
        must(gw_walk_end(&walk));
    }
    for (size_t cap = size % 8; cap < gw_json_most(size); cap += 64 + gw_json_most(size) / 4)
        check_less(text, cap, root);
    gw_arena_del(&a);
    gw_arena_del(&b);
    check_explain(text);
    return 0;
}
