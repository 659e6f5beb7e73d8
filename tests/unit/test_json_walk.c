#include "unit.h"

#include "base/json_walk.h"

/* The text from memory of its own, so that reading past it is seen. */
static bool good(const char *text) {
    struct gw_walk w;
    struct gw_str s = gw_str(text, strlen(text));
    char *copy = malloc(s.n + 1);
    if (copy == NULL)
        return false;
    memcpy(copy + 1, s.p, s.n);
    gw_walk_init(&w, gw_str(copy + 1, s.n));
    gw_walk_skip(&w);
    bool ok = gw_walk_end(&w);
    free(copy);
    return ok;
}

static void test_good(void) {
    CHECK(good("{}"));
    CHECK(good(" [ ] "));
    CHECK(good("\"a\\u00e9\\n\\\"\""));
    CHECK(good("-0.5e+10"));
    CHECK(good("0"));
    CHECK(good("[1,{\"a\":[null,true,false,{}]},\"x\"]\n"));
    CHECK(good("\"\xff\"")); /* UTF-8 is passed as it is */
}

static void test_bad(void) {
    static const char *const bad[] = {
        "",        " ",           "{",      "[1,]",    "{,}",          "{\"a\"}", "{\"a\":}",
        "[1 2]",   "01",          "-",      "1.",      "1e",           "tru",     "\"\n\"",
        "\"\\x\"", "\"\\u12g4\"", "\"open", "{} {}",   "{\"a\":1,}",   "]",       "[}",
        "{a:1}",   "nullx",       "\"\\",   "\"\\u00", "{\"a\" \"b\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!CHECK(!good(bad[i])))
            printf("  %s\n", bad[i]);
}

static void test_depth(void) {
    char text[2 * GW_WALK_DEPTH + 3] = "";
    for (int i = 0; i < GW_WALK_DEPTH; i++) {
        text[i] = '[';
        text[2 * GW_WALK_DEPTH - 1 - i] = ']';
    }
    CHECK(good(text));
    memmove(text + 1, text, 2 * GW_WALK_DEPTH);
    text[0] = '[';
    text[2 * GW_WALK_DEPTH + 1] = ']';
    CHECK(!good(text));
}

static void test_members(void) {
    struct gw_walk w;
    struct gw_str name, value = {NULL, 0};
    uint32_t number = 0;
    gw_walk_init(&w,
                 GW_STR("{\"skip\":[{\"s\":\"no\"}],\"s\":\"yes\",\"n\":12,\"m\":-1,\"o\":7e1}"));
    CHECK(gw_walk_enter(&w, '{'));
    while (gw_walk_member(&w, &name)) {
        if (gw_str_eq(name, GW_STR("s")))
            CHECK(gw_walk_string(&w, &value));
        else if (gw_str_eq(name, GW_STR("n")))
            CHECK(gw_walk_number(&w, &number));
        else if (gw_str_eq(name, GW_STR("skip")))
            CHECK(gw_walk_skip(&w));
        else
            CHECK(!gw_walk_number(&w, &number));
    }
    CHECK(gw_walk_end(&w));
    CHECK_STR(value, "yes");
    CHECK_EQ_U64(number, 12);
}

/* What is of another kind than asked for is skipped, and the walk goes on. */
static void test_other_kinds(void) {
    struct gw_walk w;
    struct gw_str name, value;
    int n = 0;
    gw_walk_init(&w, GW_STR("{\"a\":[1,2],\"b\":{\"c\":1},\"d\":null}"));
    CHECK(gw_walk_enter(&w, '{'));
    while (gw_walk_member(&w, &name) && n++ < 9)
        CHECK(!gw_walk_string(&w, &value));
    CHECK(n == 3 && gw_walk_end(&w));
    gw_walk_init(&w, GW_STR("[1]"));
    CHECK(!gw_walk_enter(&w, '{') && gw_walk_end(&w));
}

static void test_string_end(void) {
    bool plain;
    struct gw_str s = GW_STR("plain\"rest");
    CHECK(gw_json_string_end(s.p, s.p + s.n, &plain) == s.p + 5 && plain);
    s = GW_STR("a\\\"b\"");
    CHECK(gw_json_string_end(s.p, s.p + s.n, &plain) == s.p + 4 && !plain);
    s = GW_STR("\xf0\x9f\x98\x80\"");
    CHECK(gw_json_string_end(s.p, s.p + s.n, &plain) == s.p + 4 && !plain);
    s = GW_STR("never");
    CHECK(gw_json_string_end(s.p, s.p + s.n, &plain) == NULL);
}

/* It is read by eights: whatever stands anywhere in a long string must be seen where it stands. */
static void test_string_end_everywhere(void) {
    for (size_t n = 0; n < 40; n++) {
        for (size_t at = 0; at <= n; at++) {
            bool plain;
            char text[48];
            memset(text, 'x', sizeof text);
            text[n] = '"';
            CHECK(gw_json_string_end(text, text + n, &plain) == NULL);
            CHECK(gw_json_string_end(text, text + sizeof text, &plain) == text + n && plain);
            text[at] = '\\';
            text[at + 1] = '"'; /* in the place of the quote that ends it, if at the end */
            const char *behind = at >= n ? NULL : at + 1 == n ? NULL : text + n;
            CHECK(gw_json_string_end(text, text + sizeof text, &plain) == behind && !plain);
            text[at] = text[at + 1] = 'x';
            text[n] = '"';
            text[at] = (char)0x1f;
            CHECK(at == n || gw_json_string_end(text, text + sizeof text, &plain) == NULL);
            text[at] = (char)0xef;
            text[n] = '"';
            CHECK(gw_json_string_end(text, text + sizeof text, &plain) == text + n && plain);
            text[at] = (char)0xf0;
            text[n] = '"';
            CHECK(gw_json_string_end(text, text + sizeof text, &plain) == text + n &&
                  plain == (at == n));
        }
    }
}

int main(void) {
    RUN(test_good);
    RUN(test_bad);
    RUN(test_string_end_everywhere);
    RUN(test_depth);
    RUN(test_members);
    RUN(test_other_kinds);
    RUN(test_string_end);
    return unit_end();
}
