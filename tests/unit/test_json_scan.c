#include "unit.h"

#include "base/json.h"

/* Scans `text` cut into pieces of `step` bytes, each from memory of its own so that reading past
 * a piece is seen. */
static int scan(struct gw_json_scan *s, struct gw_str key, struct gw_str text, size_t step) {
    gw_json_scan_init(s, key);
    for (size_t i = 0; i < text.n; i += step) {
        struct gw_str part = gw_str_sub(text, i, step);
        char *copy = malloc(part.n);
        if (!copy)
            return -2;
        memcpy(copy, part.p, part.n);
        int got = gw_json_scan_feed(s, gw_str(copy, part.n));
        free(copy);
        if (got != 0)
            return got;
    }
    return gw_json_scan_end(s);
}

/* The same result in whichever cut; `s` is left as it is after the whole text. */
static int scan_all(struct gw_json_scan *s, struct gw_str key, struct gw_str text) {
    int whole = scan(s, key, text, text.n + 1);
    for (size_t step = 1; step < 12; step++) {
        struct gw_json_scan t;
        CHECK(scan(&t, key, text, step) == whole);
        CHECK(t.found == s->found && t.cut == s->cut && t.at == s->at && t.what == s->what);
        CHECK(gw_str_eq(gw_str(t.value, t.value_n), gw_str(s->value, s->value_n)));
    }
    return whole;
}

static bool good(struct gw_str text) {
    struct gw_json_scan s;
    return scan_all(&s, GW_STR("type"), text) == 0;
}

/* Refused at byte `at`, for the reason that begins with `what`. */
static bool bad(struct gw_str text, uint64_t at, const char *what) {
    struct gw_json_scan s;
    if (scan_all(&s, GW_STR("type"), text) != -1)
        return false;
    if (s.at == at && gw_str_starts(gw_str(s.what, strlen(s.what)), gw_str(what, strlen(what))))
        return gw_json_scan_feed(&s, GW_STR(" ")) == -1 && gw_json_scan_end(&s) == -1;
    printf("at %d: %s\n", (int)s.at, s.what);
    return false;
}

static void test_good(void) {
    CHECK(good(GW_STR("{}")));
    CHECK(good(GW_STR(" \t\r\n[ ] \n")));
    CHECK(good(GW_STR("[[],{},\"\",0,-0,true,false,null]")));
    CHECK(good(GW_STR("{\"a\":{\"b\":[1,2,{\"c\":null}]},\"d\":\"x\"}")));
    CHECK(good(GW_STR("\"a string alone that is longer than eight bytes\"")));
    CHECK(good(GW_STR("17")));
    CHECK(good(GW_STR("null")));
    CHECK(good(GW_STR("[0.5,1e9,1E+9,1e-9,-12.5e00,1234567890]")));
    CHECK(good(GW_STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE80\"")));
    CHECK(good(GW_STR("\"na\xC3\xAFve \xE6\xBC\xA2\xE5\xAD\x97 \xF0\x9F\x9A\x80 \x7F\"")));
    CHECK(good(GW_STR("{\"a\":1,\"a\":2}"))); /* of other members it keeps no count */
}

static void test_structure(void) {
    CHECK(bad(GW_STR(""), 0, "the text ends"));
    CHECK(bad(GW_STR("  "), 2, "the text ends"));
    CHECK(bad(GW_STR("{\"a\":1"), 6, "the text ends"));
    CHECK(bad(GW_STR("\"abc"), 4, "the text ends"));
    CHECK(bad(GW_STR("tru"), 3, "the text ends"));
    CHECK(bad(GW_STR("-"), 1, "the text ends"));
    CHECK(bad(GW_STR("1."), 2, "the text ends"));
    CHECK(bad(GW_STR("{} {}"), 3, "something follows"));
    CHECK(bad(GW_STR("1 2"), 2, "something follows"));
    CHECK(bad(GW_STR("[]]"), 2, "something follows"));
    CHECK(bad(GW_STR("[1,]"), 3, "a value is expected"));
    CHECK(bad(GW_STR("[,1]"), 1, "a value is expected"));
    CHECK(bad(GW_STR("[1 2]"), 3, "a comma or ]"));
    CHECK(bad(GW_STR("[1}"), 2, "a comma or ]"));
    CHECK(bad(GW_STR("{\"a\":1]"), 6, "a comma or }"));
    CHECK(bad(GW_STR("{\"a\":1,}"), 7, "a member name is"));
    CHECK(bad(GW_STR("{a:1}"), 1, "a member name or }"));
    CHECK(bad(GW_STR("{\"a\" 1}"), 5, "a colon"));
    CHECK(bad(GW_STR("{\"a\":}"), 5, "a value is expected"));
    CHECK(bad(GW_STR("trux"), 3, "a value is expected"));
    CHECK(bad(GW_STR("True"), 0, "a value is expected"));
    CHECK(bad(GW_STR("truee"), 4, "something follows"));
    CHECK(bad(GW_STR("NaN"), 0, "a value is expected"));
    CHECK(bad(GW_STR("// x\n1"), 0, "a value is expected"));
    CHECK(bad(GW_STR("\xEF\xBB\xBF{}"), 0, "a value is expected"));
    CHECK(bad(GW_STR("\v1"), 0, "a value is expected"));
    CHECK(bad(GW_STR("1\0"), 1, "something follows"));
}

static void test_numbers(void) {
    CHECK(bad(GW_STR("01"), 1, "malformed number"));
    CHECK(bad(GW_STR("-01"), 2, "malformed number"));
    CHECK(bad(GW_STR("+1"), 0, "a value is expected"));
    CHECK(bad(GW_STR(".5"), 0, "a value is expected"));
    CHECK(bad(GW_STR("[1.]"), 3, "malformed number"));
    CHECK(bad(GW_STR("[1e]"), 3, "malformed number"));
    CHECK(bad(GW_STR("[1e+]"), 4, "malformed number"));
    CHECK(bad(GW_STR("[-]"), 2, "malformed number"));
    CHECK(bad(GW_STR("[1.5.5]"), 4, "a comma or ]"));
    CHECK(bad(GW_STR("0x10"), 1, "something follows"));
    char digits[GW_JSON_NUMBER + 1];
    memset(digits, '7', sizeof digits);
    CHECK(good(gw_str(digits, GW_JSON_NUMBER)));
    CHECK(bad(gw_str(digits, sizeof digits), GW_JSON_NUMBER, "number of more than 1000"));
}

static void test_strings(void) {
    CHECK(bad(GW_STR("\"a\nb\""), 2, "control character"));
    CHECK(bad(GW_STR("\"0123456789\x1F\""), 11, "control character"));
    CHECK(bad(GW_STR("\"a\0b\""), 2, "control character"));
    CHECK(bad(GW_STR("\"\\x\""), 2, "unknown escape"));
    CHECK(bad(GW_STR("\"\\u12g4\""), 5, "unknown escape"));
    CHECK(bad(GW_STR("\"\\u0000\""), 6, "\\u0000"));
    CHECK(bad(GW_STR("{\"a\\u0000\":1}"), 8, "\\u0000"));
    CHECK(bad(GW_STR("\"\\uDC00\""), 4, "half of"));
    CHECK(bad(GW_STR("\"\\uD83Dx\""), 7, "half of"));
    CHECK(bad(GW_STR("\"\\uD83D\\n\""), 8, "half of"));
    CHECK(bad(GW_STR("\"\\uD83D\\u0041\""), 9, "half of"));
    CHECK(bad(GW_STR("\"\\uD83D\\uD83D\""), 10, "half of"));
    CHECK(bad(GW_STR("\"\x80\""), 1, "invalid UTF-8"));
    CHECK(bad(GW_STR("\"\xC0\x80\""), 1, "invalid UTF-8"));
    CHECK(bad(GW_STR("\"\xE0\x9F\x80\""), 2, "invalid UTF-8"));
    CHECK(bad(GW_STR("\"\xED\xA0\x80\""), 2, "invalid UTF-8"));
    CHECK(bad(GW_STR("\"\xF0\x8F\x80\x80\""), 2, "invalid UTF-8"));
    CHECK(bad(GW_STR("\"\xF4\x90\x80\x80\""), 2, "invalid UTF-8"));
    CHECK(bad(GW_STR("\"\xE2\x82\""), 3, "invalid UTF-8"));
    CHECK(bad(GW_STR("\"\xF5\x80\x80\x80\""), 1, "invalid UTF-8"));
}

static void test_depth(void) {
    char text[2 * (GW_JSON_DEPTH + 1)];
    for (size_t depth = GW_JSON_DEPTH; depth < GW_JSON_DEPTH + 2; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        CHECK(good(gw_str(text, 2 * depth)) == (depth == GW_JSON_DEPTH));
    }
    CHECK(bad(gw_str(text, sizeof text), GW_JSON_DEPTH, "nested deeper"));
}

/* The member's value in `text`; checks that all of `text` is good. */
static bool member(struct gw_str text, struct gw_str value, bool cut) {
    struct gw_json_scan s;
    return scan_all(&s, GW_STR("type"), text) == 0 && s.found && s.cut == cut &&
           gw_str_eq(gw_str(s.value, s.value_n), value);
}

static bool no_member(struct gw_str text) {
    struct gw_json_scan s;
    return scan_all(&s, GW_STR("type"), text) == 0 && !s.found && s.value_n == 0;
}

static void test_member(void) {
    CHECK(member(GW_STR("{\"type\":\"batch\"}"), GW_STR("batch"), false));
    CHECK(member(GW_STR(" {\"x\":[{\"type\":\"no\"}], \"type\" : \"yes\", \"y\":\"z\"}"),
                 GW_STR("yes"), false));
    CHECK(member(GW_STR("{\"\\u0074yp\\u0065\":\"\\u00e9\\n\\ud83d\\ude80\"}"),
                 GW_STR("\xC3\xA9\n\xF0\x9F\x9A\x80"), false));
    CHECK(member(GW_STR("{\"type\":\"\"}"), GW_STR(""), false));
    CHECK(no_member(GW_STR("{\"typ\":\"a\",\"types\":\"b\",\"Type\":\"c\",\"\":\"d\"}")));
    CHECK(no_member(GW_STR("{\"type\":5,\"x\":\"y\"}")));
    CHECK(no_member(GW_STR("{\"type\":{\"type\":\"x\"}}")));
    CHECK(no_member(GW_STR("{\"type\":[\"x\"]}")));
    CHECK(no_member(GW_STR("[\"type\",\"x\"]")));
    CHECK(no_member(GW_STR("[{\"type\":\"x\"}]")));
    CHECK(no_member(GW_STR("{\"a\":\"type\",\"b\":\"c\"}")));
    CHECK(bad(GW_STR("{\"type\":\"a\",\"type\":\"b\"}"), 17, "duplicate member"));
    CHECK(bad(GW_STR("{\"type\":1,\"\\u0074ype\":2}"), 20, "duplicate member"));
}

/* A value of `n` letters in a text of its own. */
static bool long_member(size_t n, bool cut) {
    char text[GW_JSON_KEEP + 20], value[GW_JSON_KEEP];
    size_t kept = n < GW_JSON_KEEP ? n : GW_JSON_KEEP;
    memset(value, 'v', sizeof value);
    int length =
        snprintf(text, sizeof text, "{\"type\":\"%.*s%s\"}", (int)kept, value, n > kept ? "v" : "");
    return member(gw_str(text, (size_t)length), gw_str(value, kept), cut);
}

static void test_long_member(void) {
    CHECK(long_member(GW_JSON_KEEP - 1, false));
    CHECK(long_member(GW_JSON_KEEP, false));
    CHECK(long_member(GW_JSON_KEEP + 1, true));
}

static void test_empty_key(void) {
    struct gw_json_scan s;
    CHECK(scan_all(&s, gw_str(NULL, 0), GW_STR("{\"a\":\"x\",\"\":\"y\"}")) == 0);
    CHECK(s.found && s.value_n == 1 && s.value[0] == 'y');
}

int main(void) {
    RUN(test_good);
    RUN(test_structure);
    RUN(test_numbers);
    RUN(test_strings);
    RUN(test_depth);
    RUN(test_member);
    RUN(test_long_member);
    RUN(test_empty_key);
    return unit_end();
}
