#include "unit.h"

#include "base/json.h"

static cJSON *parse(struct gw_str text, unsigned flags, struct gw_json_error *error) {
    /* In memory of its own, so that reading past the end is seen. */
    char *copy = malloc(text.n + 1);
    *error = (struct gw_json_error){0, 0, ""};
    if (!copy)
        return NULL;
    if (text.n > 0)
        memcpy(copy + 1, text.p, text.n);
    cJSON *root = gw_json_parse(gw_str(copy + 1, text.n), flags, error);
    free(copy);
    return root;
}

static bool good(struct gw_str text, unsigned flags) {
    struct gw_json_error error;
    cJSON *root = parse(text, flags, &error);
    if (!root)
        printf("%u:%u: %s\n", error.line, error.column, error.what);
    cJSON_Delete(root);
    return root != NULL;
}

static bool bad(struct gw_str text, unsigned flags, unsigned line, unsigned column,
                const char *what) {
    struct gw_json_error error;
    cJSON *root = parse(text, flags, &error);
    cJSON_Delete(root);
    bool same = error.line == line && error.column == column &&
                gw_str_starts(gw_str(error.what, strlen(error.what)), gw_str(what, strlen(what)));
    if (!same)
        printf("%u:%u: %s\n", error.line, error.column, error.what);
    return !root && same;
}

static void test_good(void) {
    struct gw_json_error error;
    cJSON *root =
        parse(GW_STR("{\"a\": [1, -2.5e1, \"\\u00e9\\uD83D\\uDE80\"], \"b\": null}"), 0, &error);
    if (CHECK(root != NULL)) {
        const cJSON *a = cJSON_GetObjectItemCaseSensitive(root, "a");
        CHECK(cJSON_GetArraySize(a) == 3);
        CHECK(cJSON_GetArrayItem(a, 1)->valuedouble == -25);
        CHECK(strcmp(cJSON_GetArrayItem(a, 2)->valuestring, "\xC3\xA9\xF0\x9F\x9A\x80") == 0);
    }
    cJSON_Delete(root);
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
    CHECK(gw_json_parse(GW_STR("nope"), 0, NULL) == NULL);
}

static void test_duplicates(void) {
    CHECK(bad(GW_STR("{\"a\": 1,\n \"b\": 2,\n \"a\": 3}"), 0, 3, 2, "duplicate member"));
    CHECK(bad(GW_STR("{\"a\": 1, \"\\u0061\": 3}"), 0, 1, 10, "duplicate member"));
    CHECK(bad(GW_STR("[{}, [{\"x\": {\"a\": [1], \"b\": {}, \"a\": 2}}]]"), 0, 1, 33,
              "duplicate member"));
    CHECK(bad(GW_STR("{\"\": 1, \"\": 2}"), 0, 1, 9, "duplicate member"));
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
    struct gw_json_error error;
    cJSON *root = gw_json_parse(text, GW_JSON_COMMENTS, &error);
    if (!CHECK(root != NULL))
        return;
    const cJSON *a = cJSON_GetObjectItemCaseSensitive(root, "a");
    const cJSON *b = cJSON_GetObjectItemCaseSensitive(root, "b");
    const cJSON *c = cJSON_GetObjectItemCaseSensitive(root, "c");
    CHECK_EQ_U64(gw_json_line(text, root, root), 2);
    CHECK_EQ_U64(gw_json_line(text, root, a), 3);
    CHECK_EQ_U64(gw_json_line(text, root, cJSON_GetArrayItem(a, 0)), 3);
    CHECK_EQ_U64(gw_json_line(text, root, cJSON_GetArrayItem(a, 1)), 4);
    CHECK_EQ_U64(gw_json_line(text, root, cJSON_GetArrayItem(a, 2)), 5);
    CHECK_EQ_U64(gw_json_line(text, root, b), 6);
    CHECK_EQ_U64(gw_json_line(text, root, c), 8);
    CHECK_EQ_U64(gw_json_line(text, root, c->child), 8);
    cJSON other = {0};
    CHECK_EQ_U64(gw_json_line(text, root, &other), 0);
    CHECK_EQ_U64(gw_json_line(text, NULL, &other), 0);
    cJSON_Delete(root);
}

static void test_deep(void) {
    char text[2 * GW_JSON_DEPTH + 3] = {0};
    memset(text, '[', GW_JSON_DEPTH);
    memset(text + GW_JSON_DEPTH, ']', GW_JSON_DEPTH);
    CHECK(good(gw_str(text, 2 * GW_JSON_DEPTH), 0));
    memset(text, '[', sizeof text);
    CHECK(bad(gw_str(text, sizeof text), 0, 1, GW_JSON_DEPTH + 1, "nested deeper"));
}

int main(void) {
    RUN(test_good);
    RUN(test_refused);
    RUN(test_duplicates);
    RUN(test_many_members);
    RUN(test_comments);
    RUN(test_line);
    RUN(test_deep);
    return unit_end();
}
