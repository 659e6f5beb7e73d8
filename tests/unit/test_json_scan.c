#include "unit.h"

#include "base/json_scan.h"

/* Writes down what it is told: "n=[1@0(s@5'abc'3-10)-11]", kinds by their first letters with the
 * offsets of begin and end, pieces joined. A value whose member's name begins with "skip" it does not
 * want, of one that begins with "tell" no pieces. */
struct log {
    struct gw_json_scan scan;
    char text[2048];
    size_t n;
    enum gw_json_tell next;
    bool in_pieces;
};

static void put(struct log *l, const char *format, int a, const char *b) {
    l->n += (size_t)snprintf(l->text + l->n, sizeof l->text - l->n, format, a, b);
    if (l->n >= sizeof l->text)
        l->n = sizeof l->text - 1;
}

static enum gw_json_tell on_begin(struct gw_json_scan *s, enum gw_json_kind kind, uint64_t at) {
    struct log *l = (struct log *)s;
    enum gw_json_tell tell = l->next;
    put(l, "%d%s", (int)at, (const char *[]){"?", "n", "f", "t", "#", "s", "[", "{"}[kind]);
    l->next = GW_JSON_PIECES;
    return tell;
}

static void on_name(struct gw_json_scan *s, struct gw_str name) {
    struct log *l = (struct log *)s;
    put(l, " %.*s", (int)name.n, name.n ? name.p : "");
    put(l, "%c", '=', "");
    l->next = gw_str_starts(name, GW_STR("skip"))   ? GW_JSON_SKIP
              : gw_str_starts(name, GW_STR("tell")) ? GW_JSON_TELL
                                                    : GW_JSON_PIECES;
}

static void on_piece(struct gw_json_scan *s, struct gw_str piece) {
    struct log *l = (struct log *)s;
    put(l, l->in_pieces ? "%.*s" : "'%.*s", (int)piece.n, piece.p);
    l->in_pieces = true;
}

static void on_end(struct gw_json_scan *s, uint64_t end) {
    struct log *l = (struct log *)s;
    put(l, l->in_pieces ? "'-%d%s" : "-%d%s", (int)end, " ");
    l->in_pieces = false;
}

static const struct gw_json_watch watch = {on_begin, on_name, on_piece, on_end};

/* Scans `text` cut into pieces of `step` bytes, each from memory of its own so that reading past
 * a piece is seen. */
static int scan(struct gw_json_scan *s, const struct gw_json_watch *by, struct gw_str text,
                size_t step) {
    gw_json_scan_init(s, by);
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

static int scan_logged(struct log *l, struct gw_str text, size_t step) {
    *l = (struct log){.next = GW_JSON_PIECES};
    return scan(&l->scan, &watch, text, step);
}

/* The same result in whichever cut, watched or not; `l` is left as it is after the whole text. */
static int scan_all(struct log *l, struct gw_str text) {
    static struct log cut;
    int whole = scan_logged(l, text, text.n + 1);
    for (size_t step = 1; step < 12; step++) {
        struct gw_json_scan t;
        CHECK(scan_logged(&cut, text, step) == whole);
        CHECK(cut.scan.at == l->scan.at && cut.scan.what == l->scan.what);
        CHECK(gw_str_eq(gw_str(cut.text, cut.n), gw_str(l->text, l->n)));
        CHECK(scan(&t, NULL, text, step) == whole && t.at == l->scan.at && t.what == l->scan.what);
    }
    return whole;
}

static bool good(struct gw_str text) {
    static struct log l;
    return scan_all(&l, text) == 0;
}

/* Refused at byte `at`, for the reason that begins with `what`. */
static bool bad(struct gw_str text, uint64_t at, const char *what) {
    static struct log l;
    const struct gw_json_scan *s = &l.scan;
    if (scan_all(&l, text) != -1)
        return false;
    if (s->at == at && gw_str_starts(gw_str(s->what, strlen(s->what)), gw_str(what, strlen(what))))
        return gw_json_scan_feed(&l.scan, GW_STR(" ")) == -1 && gw_json_scan_end(&l.scan) == -1;
    printf("at %d: %s\n", (int)s->at, s->what);
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
    CHECK(good(GW_STR("{\"a\":1,\"a\":2}"))); /* of members it keeps no count */
    CHECK(good(GW_STR(
        "\"\\n\\\"\\t \\\\\\/ na\xC3\xAFve\\b\xC3\xAF\\f long enough to be a word or two\"")));
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

/* A long string with `odd` behind its first `k` letters, and a good many behind that. */
static struct gw_str long_string(size_t k, const char *odd) {
    static char text[512], letters[151];
    memset(letters, 'a', sizeof letters - 1);
    int n = snprintf(text, sizeof text, "[\"%.*s%s%s\"]", (int)k, letters, odd, letters);
    return gw_str(text, (size_t)n);
}

/* Wherever it stands in the runs that are passed at once, what is special is seen. */
static void test_long_strings(void) {
    for (size_t k = 0; k < 150; k++) {
        CHECK(good(long_string(k, "~\x7F !#[]")));
        CHECK(good(long_string(k, "\\n")) && good(long_string(k, "\xC3\xA9")));
        CHECK(good(long_string(k, "\",\"")));
        CHECK(bad(long_string(k, "\"x"), k + 3, "a comma or ]"));
        CHECK(bad(long_string(k, "\x1F"), k + 2, "control character"));
        CHECK(bad(long_string(k, "\\x"), k + 3, "unknown escape"));
        CHECK(bad(long_string(k, "\x80"), k + 2, "invalid UTF-8"));
        CHECK(bad(long_string(k, "\xFF"), k + 2, "invalid UTF-8"));
    }
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

/* All of `text` is good, and this is what is told of it. */
static bool told(struct gw_str text, const char *what) {
    static struct log l;
    if (scan_all(&l, text) == 0 && gw_str_eq(gw_str(l.text, l.n), gw_str(what, strlen(what))))
        return true;
    printf("told: %.*s\n", (int)l.n, l.text);
    return false;
}

static void test_told(void) {
    CHECK(told(GW_STR("null"), "0n-4 "));
    CHECK(told(GW_STR(" 17 "), "1#'17'-3 "));
    CHECK(told(GW_STR("-1.5e9"), "0#'-1.5e9'-6 "));
    CHECK(told(GW_STR("[]"), "0[-2 "));
    CHECK(told(GW_STR("[true,[\"x\"],false]"), "0[1t-5 6[7s'x'-10 -11 12f-17 -18 "));
    CHECK(told(GW_STR("{\"a\" : \"\", \"b\":{\"c\":0}}"), "0{ a=7s-9  b=15{ c=20#'0'-21 -22 -23 "));
    CHECK(told(GW_STR("{\"\\u0061b\":\"\\u00e9\\n\\ud83d\\ude80x\"}"),
               "0{ ab=11s'\xC3\xA9\n\xF0\x9F\x9A\x80x'-34 -35 "));
    CHECK(told(GW_STR("{\"\":1}"), "0{ =4#'1'-5 -6 "));
}

/* What is not wanted is passed over, and what follows is told again. */
static void test_skipped(void) {
    CHECK(told(GW_STR("{\"skip\":{\"a\":[{}]},\"b\":[{\"skip\":[[]],\"c\":1}]}"),
               "0{ skip=8{ b=23[24{ skip=32[ c=41#'1'-42 -43 -44 -45 "));
    CHECK(told(GW_STR("{\"skip1\":\"a\",\"skip2\":12,\"skip3\":null}"),
               "0{ skip1=9s skip2=21# skip3=32n-37 "));
    CHECK(told(GW_STR("{\"tell\":\"a\\n\\u00e9\",\"tell\":[1,{}],\"tell\":12}"),
               "0{ tell=8s-19  tell=27[28#'1'-29 30{-32 -33  tell=41#-43 -44 "));
}

static void test_names_are_cut(void) {
    static const char name[] = "0123456789012345678901234567890123456789";
    char text[64], what[128];
    for (int n = GW_JSON_NAME - 1; n < GW_JSON_NAME + 2; n++) {
        int length = snprintf(text, sizeof text, "{\"%.*s\":1}", n, name);
        snprintf(what, sizeof what, "0{ %.*s=%d#'1'-%d -%d ", n > GW_JSON_NAME ? GW_JSON_NAME : n,
                 name, n + 4, n + 5, n + 6);
        CHECK(told(gw_str(text, (size_t)length), what));
    }
}

/* The characters of the string that ended. */
static bool counts(struct gw_str text, uint64_t chars) {
    struct log l;
    for (size_t step = 1; step <= text.n; step++)
        for (int tell = GW_JSON_TELL; tell <= GW_JSON_PIECES; tell++) {
            l = (struct log){.next = (enum gw_json_tell)tell};
            if (scan(&l.scan, &watch, text, step) != 0 || l.scan.chars != chars)
                return false;
        }
    return true;
}

static void test_characters(void) {
    CHECK(counts(GW_STR("\"\""), 0));
    CHECK(counts(GW_STR("\"plain text, longer than a word\""), 30));
    CHECK(counts(GW_STR("\"na\xC3\xAFve \xE6\xBC\xA2\xE5\xAD\x97 \xF0\x9F\x9A\x80!\""), 11));
    CHECK(counts(GW_STR("\"\\n\\\"\\u00e9\\ud83d\\ude80\\\\x\""), 6));
    CHECK(counts(GW_STR("\"\xD0\xBC\xD0\xB8\xD1\x80 \xD0\xB8  \\t\xD0\xBC\\n\""), 10));
}

int main(void) {
    RUN(test_good);
    RUN(test_structure);
    RUN(test_numbers);
    RUN(test_strings);
    RUN(test_long_strings);
    RUN(test_depth);
    RUN(test_told);
    RUN(test_skipped);
    RUN(test_names_are_cut);
    RUN(test_characters);
    return unit_end();
}
