#include "unit.h"

#include "base/json.h"

static struct unit_mem mem;

/* A text in memory of its own, so that reading past its end is seen, and its tree. */
struct doc {
    struct gw_arena arena;
    struct gw_json_error error;
    const struct gw_json *root;
    char *copy;
};

static void parse_within(struct doc *d, struct gw_str text, unsigned flags, size_t cap) {
    *d = (struct doc){.error.what = "", .copy = malloc(text.n + 1)};
    gw_arena_init(&d->arena, &mem.mem, 256, cap);
    if (!d->copy)
        return;
    if (text.n > 0)
        memcpy(d->copy + 1, text.p, text.n);
    d->root = gw_json_parse(gw_str(d->copy + 1, text.n), flags, &d->arena, &d->error);
}

static void parse(struct doc *d, struct gw_str text, unsigned flags) {
    parse_within(d, text, flags, gw_json_most(text.n));
}

static void end(struct doc *d) {
    gw_arena_del(&d->arena);
    free(d->copy);
    CHECK(mem.blocks == 0);
}

static bool good(struct gw_str text, unsigned flags) {
    struct doc d;
    parse(&d, text, flags);
    bool is = d.root != NULL;
    if (!is)
        printf("%u:%u: %s\n", d.error.line, d.error.column, d.error.what);
    end(&d);
    return is;
}

static bool bad(struct gw_str text, unsigned flags, unsigned line, unsigned column,
                const char *what) {
    struct doc d;
    parse(&d, text, flags);
    struct gw_json_error *e = &d.error;
    bool same = e->line == line && e->column == column && !e->full &&
                gw_str_starts(gw_str(e->what, strlen(e->what)), gw_str(what, strlen(what)));
    if (!same)
        printf("%u:%u: %s\n", e->line, e->column, e->what);
    same = same && !d.root;
    end(&d);
    return same;
}

static void test_good(void) {
    struct doc d;
    parse(&d,
          GW_STR("{\"a\": [1, -2.5e1, \"\\u00e9\\uD83D\\uDE80\"], \"b\": null, \"\\n\": true,"
                 "\"c\": \"plain\", \"\":{}}"),
          0);
    if (CHECK(d.root != NULL)) {
        const struct gw_json *a = gw_json_member(d.root, GW_STR("a"));
        CHECK(gw_json_is(d.root, GW_JSON_OBJECT) && gw_json_is(a, GW_JSON_ARRAY));
        CHECK(d.root->name.p == NULL && a->child->name.p == NULL);
        CHECK(a->child->number == 1 && a->child->next->number == -25);
        CHECK(gw_json_is(a->child->next, GW_JSON_NUMERAL));
        CHECK_STR(a->child->next->next->text, "\xC3\xA9\xF0\x9F\x9A\x80");
        CHECK(a->child->next->next->next == NULL);
        CHECK(gw_json_is(gw_json_member(d.root, GW_STR("b")), GW_JSON_NULL));
        CHECK(gw_json_is(gw_json_member(d.root, GW_STR("\n")), GW_JSON_TRUE));
        const struct gw_json *c = gw_json_member(d.root, GW_STR("c"));
        CHECK(gw_json_is(c, GW_JSON_STRING) && c->child == NULL);
        CHECK(c->text.p > d.copy && gw_str_starts(gw_str(c->text.p, 6), GW_STR("plain\"")));
        CHECK(gw_json_is(c->next, GW_JSON_OBJECT) && c->next->next == NULL);
        CHECK(c->next->name.p != NULL && c->next->name.n == 0);
        CHECK(gw_json_member(d.root, GW_STR("A")) == NULL && gw_json_member(a, GW_STR("")) == NULL);
        CHECK(gw_json_member(NULL, GW_STR("a")) == NULL && !gw_json_is(NULL, GW_JSON_NULL));
    }
    end(&d);
    CHECK(good(GW_STR(" 1 "), 0));
    CHECK(good(GW_STR("\"\""), 0));
    CHECK(good(GW_STR("{\"\":1,\"a\":{\"a\":{\"a\":[]}}}"), 0));
}

static void test_refused(void) {
    CHECK(bad(GW_STR(""), 0, 1, 1, "the text ends"));
    CHECK(bad(gw_str(NULL, 0), 0, 1, 1, "the text ends"));
    CHECK(bad(GW_STR("{\n  \"a\": tru,\n}"), 0, 2, 11, "a value is expected"));
    CHECK(bad(GW_STR("[1,\n2,\n"), 0, 3, 1, "the text ends"));
    CHECK(bad(GW_STR("{}\nx"), 0, 2, 1, "something follows"));
    CHECK(bad(GW_STR("[\"\\u0000\"]"), 0, 1, 8, "\\u0000"));
    CHECK(bad(GW_STR("// no\n1"), 0, 1, 1, "a value is expected"));
    CHECK(bad(GW_STR("\"\xFF\""), 0, 1, 2, "invalid UTF-8"));
    CHECK(bad(GW_STR("{\"a\": [1,\n -1e999]}"), 0, 2, 2, "number too large"));
    CHECK(bad(GW_STR("{\"a\": {\"b\" : 1e999}, \"a\": 1}"), 0, 1, 22, "duplicate member"));
    CHECK(bad(GW_STR("{\"a\": {\"b\" : 1e999}, \"b\": [{\"a\":1,\"a\":1}]}"), 0, 1, 8,
              "number too large"));
    CHECK(bad(GW_STR("[1e999,"), 0, 1, 8, "the text ends"));
    struct gw_arena a;
    gw_arena_init(&a, &mem.mem, 256, 256);
    CHECK(gw_json_parse(GW_STR("nope"), 0, &a, NULL) == NULL);
    gw_arena_del(&a);
}

static void test_duplicates(void) {
    CHECK(bad(GW_STR("{\"a\": 1,\n \"b\": 2,\n \"a\": 3}"), 0, 3, 2, "duplicate member"));
    CHECK(bad(GW_STR("{\"a\": 1, \"\\u0061\": 3}"), 0, 1, 10, "duplicate member"));
    CHECK(bad(GW_STR("[{}, [{\"x\": {\"a\": [1], \"b\": {}, \"a\": 2}}]]"), 0, 1, 33,
              "duplicate member"));
    CHECK(bad(GW_STR("{\"\": 1, \"\": 2}"), 0, 1, 9, "duplicate member"));
    CHECK(bad(GW_STR("{\"b\":1, \"a\":1, \"b\":1, \"a\":1}"), 0, 1, 16, "duplicate member"));
    CHECK(good(GW_STR("[{\"a\": 1}, {\"a\": 1, \"A\": 2}]"), 0));
}

enum { MANY = 1000, WIDTH = 12 };

/* An object of many members with different names, each on a line of its own, in no order; but the
 * one on line `twin` (from 1; 0: none) has the name of the one on line `of`. */
static struct gw_str many_members(unsigned twin, unsigned of) {
    static char text[MANY * WIDTH + 2];
    for (unsigned line = 1; line <= MANY; line++) {
        /* 617 and 1000 have no common factor. */
        unsigned name = (line == twin ? of : line) * 617 % MANY;
        snprintf(text + (line - 1) * WIDTH, WIDTH + 2, "%c\"n%05u\":1\n%s", line > 1 ? ',' : '{',
                 name, line == MANY ? "}" : "");
    }
    return gw_str(text, MANY * WIDTH + 1);
}

static void test_many_members(void) {
    CHECK(good(many_members(0, 0), 0));
    for (unsigned twin = 2; twin <= MANY; twin += 37) {
        CHECK(bad(many_members(twin, twin - 1), 0, twin, 2, "duplicate member"));
        CHECK(bad(many_members(twin, 1), 0, twin, 2, "duplicate member"));
        CHECK(bad(many_members(1, twin), 0, twin, 2, "duplicate member"));
    }
    CHECK(bad(many_members(500, MANY), 0, MANY, 2, "duplicate member"));
}

static void test_comments(void) {
    CHECK(
        good(GW_STR("// a\n{ /* b \" */ \"x\": /**/ \"// no /* no\" } // end"), GW_JSON_COMMENTS));
    CHECK(good(GW_STR("/*/ one comment */ 1"), GW_JSON_COMMENTS));
    CHECK(good(GW_STR("{\"a\\\"//\": \"\\\\\"}//\xFF"), GW_JSON_COMMENTS));
    CHECK(bad(GW_STR("1 /* no end *"), GW_JSON_COMMENTS, 1, 3, "comment without"));
    CHECK(bad(GW_STR("/*/"), GW_JSON_COMMENTS, 1, 1, "comment without"));
    CHECK(bad(GW_STR("[1 / 2]"), GW_JSON_COMMENTS, 1, 4, "a comma or ]"));
    CHECK(bad(GW_STR("/* a\nb */ x // c\n"), GW_JSON_COMMENTS, 2, 6, "a value is expected"));
    CHECK(bad(GW_STR("1/* */2"), GW_JSON_COMMENTS, 1, 7, "something follows"));
    CHECK(bad(GW_STR("// only"), GW_JSON_COMMENTS, 1, 8, "the text ends"));
    CHECK(bad(GW_STR("// x\n{\"a\":1, // \"a\"\n /* \"b\":\n*/ \"a\":2}"), GW_JSON_COMMENTS, 4, 4,
              "duplicate member"));
    CHECK(bad(GW_STR("\"no end // x"), GW_JSON_COMMENTS, 1, 13, "the text ends"));
}

static void test_line(void) {
    struct gw_str text =
        GW_STR("// first\n{\n \"a\": [ 1,\n  {},\n  [] ],\n \"b\" /* : */\n: \"x:\",\n"
               "\"c\": {\"d\": -1.5e3\n}}\n");
    struct doc d;
    parse(&d, text, GW_JSON_COMMENTS);
    if (CHECK(d.root != NULL)) {
        const struct gw_json *a = gw_json_member(d.root, GW_STR("a"));
        const struct gw_json *b = gw_json_member(d.root, GW_STR("b"));
        const struct gw_json *c = gw_json_member(d.root, GW_STR("c"));
        CHECK_EQ_U64(gw_json_line(text, d.root), 2);
        CHECK_EQ_U64(gw_json_line(text, a), 3);
        CHECK_EQ_U64(gw_json_line(text, a->child), 3);
        CHECK_EQ_U64(gw_json_line(text, a->child->next), 4);
        CHECK_EQ_U64(gw_json_line(text, a->child->next->next), 5);
        CHECK_EQ_U64(gw_json_line(text, b), 6);
        CHECK_EQ_U64(gw_json_line(text, c), 8);
        CHECK_EQ_U64(gw_json_line(text, c->child), 8);
        CHECK(text.p[b->at] == '"' && text.p[b->at + 1] == 'b');
        CHECK_STR(b->text, "x:");
    }
    end(&d);
}

static void test_deep(void) {
    char text[2 * GW_JSON_DEPTH + 3] = {0};
    memset(text, '[', GW_JSON_DEPTH);
    memset(text + GW_JSON_DEPTH, ']', GW_JSON_DEPTH);
    CHECK(good(gw_str(text, 2 * GW_JSON_DEPTH), 0));
    memset(text, '[', sizeof text);
    CHECK(bad(gw_str(text, sizeof text), 0, 1, GW_JSON_DEPTH + 1, "nested deeper"));
}

/* ------------------------------------------------------------------ memory */

enum { LARGE = 16384 };

/* `unit` over and over, without the comma behind the last one. */
static struct gw_str many(struct gw_str first, struct gw_str unit, struct gw_str last) {
    static char text[LARGE];
    struct gw_buf b = {.p = text, .cap = LARGE, .max = LARGE};
    gw_buf_put(&b, first);
    while (b.n + unit.n + last.n <= LARGE)
        gw_buf_put(&b, unit);
    b.n -= gw_str_ends(unit, GW_STR(","));
    gw_buf_put(&b, last);
    return gw_buf_str(&b);
}

/* gw_json_most is enough. Where it is needed half of it is not, which is no fault of the text. */
static void check_room(struct gw_str text, bool most) {
    struct doc d;
    CHECK(good(text, 0));
    parse_within(&d, text, 0, gw_json_most(text.n) / 2);
    CHECK(!most || (!d.root && d.error.full && d.error.line == 1 && d.error.column == 1));
    CHECK(d.root ? !d.error.full : d.error.full);
    end(&d);
}

static void test_room(void) {
    CHECK(sizeof(struct gw_json) <= 56);
    check_room(many(GW_STR("["), GW_STR("0,"), GW_STR("]")), true);
    check_room(many(GW_STR("["), GW_STR("[[[[[[]]]]]],"), GW_STR("]")), true);
    check_room(many(GW_STR("["), GW_STR("\"\\n\","), GW_STR("]")), false);
    check_room(many(GW_STR("["), GW_STR("{\"\\n\":\"\\n\"},"), GW_STR("]")), false);
    check_room(many(GW_STR("[\""), GW_STR("\\n"), GW_STR("\"]")), false);
    CHECK(good(GW_STR("0"), 0));
}

/* Wherever the room ends, and whichever allocation fails: no tree, and nothing leaks. What is wrong with the
 * text is told rather. */
static void test_no_memory(void) {
    struct gw_str text =
        GW_STR("{\"a\": [1, {\"\\t\": \"\\u00e9\"}, \"b\"], \"c\": {\"d\": [[], [{}], 7]}}");
    struct doc d;
    for (size_t cap = 0, done = 0; done < 2; cap += 8) {
        parse_within(&d, text, 0, cap);
        CHECK(d.root ? *d.error.what == '\0' : d.error.full);
        done += d.root != NULL;
        end(&d);
        parse_within(&d, gw_str_sub(text, 0, text.n - 1), 0, cap);
        CHECK(!d.root && !d.error.full && d.error.column == text.n);
        end(&d);
    }
    for (size_t i = 1; i < 6; i++) {
        mem.gets = 0;
        mem.fail_at = i;
        parse(&d, text, 0);
        CHECK(d.root || d.error.full);
        CHECK(i > 1 || !d.root);
        mem.fail_at = 0;
        end(&d);
    }
}

int main(void) {
    unit_mem_init(&mem, 0);
    RUN(test_good);
    RUN(test_refused);
    RUN(test_duplicates);
    RUN(test_many_members);
    RUN(test_comments);
    RUN(test_line);
    RUN(test_deep);
    RUN(test_room);
    RUN(test_no_memory);
    return unit_end();
}
