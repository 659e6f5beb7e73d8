#include "unit.h"

#include "base/json_walk.h"
#include "format/custom_input.h"

static struct unit_mem mem;
static struct gw_arena arena;

/* A piece as it would stand in an event: the inside of one JSON string, so no half of an escape. */
static bool is_whole(struct gw_str piece) {
    struct gw_buf text;
    struct gw_walk w;
    gw_buf_init(&text, &arena, piece.n + 2);
    gw_buf_putc(&text, '"');
    gw_buf_put(&text, piece);
    gw_buf_putc(&text, '"');
    gw_walk_init(&w, gw_buf_str(&text));
    return gw_walk_skip(&w) && gw_walk_end(&w);
}

/* What comes of arguments that are cut into pieces of this size. */
static struct gw_str input_of(struct gw_str json, size_t size) {
    struct custom_input in = {.state = 0};
    struct gw_buf all;
    gw_buf_init(&all, &arena, 4096);
    for (size_t at = 0; at < json.n; at += size) {
        struct gw_buf piece;
        gw_buf_init(&piece, &arena, 4096);
        custom_input_feed(&in, gw_str_sub(json, at, size), &piece);
        CHECK(is_whole(gw_buf_str(&piece)));
        gw_buf_put(&all, gw_buf_str(&piece));
    }
    CHECK(in.found || all.n == 0);
    return gw_buf_str(&all);
}

/* Whatever the cut, the same comes of it. */
#define CHECK_INPUT(json, text)                                                                    \
    for (size_t size = 1; size <= sizeof(json); size++)                                            \
    CHECK_STR(input_of(GW_STR(json), size), text)

static void test_texts(void) {
    CHECK_INPUT("{\"input\":\"a b\"}", "a b");
    CHECK_INPUT(" { \"input\" : \"\" } ", "");
    CHECK_INPUT("{\"input\":\"\\\"q\\\" \\\\ \\/ \\n\\u00e9\"}", "\\\"q\\\" \\\\ \\/ \\n\\u00e9");
    CHECK_INPUT("{\"input\":\"\\ud83d\\ude42!\"}", "\\ud83d\\ude42!");
    CHECK_INPUT("{\"input\":\"\xc3\xa9\"}", "\xc3\xa9");
    CHECK_INPUT("{\"input\":\"a\"} behind it \"input\":\"b\"", "a");
}

static void test_what_stands_before_it(void) {
    CHECK_INPUT("{\"x\":{\"input\":\"no\"},\"y\":[\"}\",{\"input\":1}],\"input\":\"yes\"}", "yes");
    CHECK_INPUT("{\"a\":1,\"b\":null,\"c\":\"\\\"}\",\"input\":\"yes\"}", "yes");
    CHECK_INPUT("{\"inpu\":\"no\",\"inputs\":\"no\",\"a\\\"input\":\"no\",\"input\":\"yes\"}",
                "yes");
}

static void test_what_is_no_text(void) {
    CHECK_INPUT("*** Begin Patch \"input\":\"no\"", "");
    CHECK_INPUT("{\"input\":{\"input\":\"no\"}}", "");
    CHECK_INPUT("{\"input\":7}", "");
    CHECK_INPUT("{}", "");
    CHECK_INPUT("[\"input\",\"no\"]", "");
}

/* Models write JSON that is none. */
static void test_what_is_mended(void) {
    CHECK_INPUT("{\"input\":\"a\nb\tc\"}", "a\\nb\\tc");
    CHECK_INPUT("{\"input\":\"\\q \\u12 \\ \"}", "\\\\q \\\\u12 \\\\ ");
    CHECK_INPUT("{\"input\":\"\\ud83d\\n\"}", "\\ufffd\\n");
    CHECK_INPUT("{\"input\":\"\\ud83dx\"}", "\\ufffdx");
    CHECK_INPUT("{\"input\":\"\\ud83d\"}", "\\ufffd");
    CHECK_INPUT("{\"input\":\"\\ude42\\u0041\"}", "\\ufffd\\u0041");
    CHECK_INPUT("{\"input\":\"\\ud83d\\ud83d\\ude42\"}", "\\ufffd\\ud83d\\ude42");
    CHECK_INPUT("{\"input\":\"\\ud83d\\u0041\"}", "\\ufffd\\u0041");
    CHECK_INPUT("{\"input\":\"\\ud83d\\u00x\"}", "\\ufffd\\\\u00x");
    CHECK_INPUT("{\"input\":\"cut short \\u00", "cut short ");
}

int main(void) {
    unit_mem_init(&mem, 0);
    gw_arena_init(&arena, &mem.mem, 65536, 1 << 24);
    RUN(test_texts);
    RUN(test_what_stands_before_it);
    RUN(test_what_is_no_text);
    RUN(test_what_is_mended);
    gw_arena_del(&arena);
    return unit_end();
}
