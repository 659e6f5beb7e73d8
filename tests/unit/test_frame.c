#include "unit.h"

#include "format/frame.h"

/* The length of the first event, found byte by byte as it comes. */
static size_t length(const char *text, bool lines) {
    size_t n = strlen(text), whole = frame_length(gw_str(text, n), 0, lines);
    for (size_t have = 1; have <= n; have++) {
        size_t found = frame_length(gw_str(text, have), have - 1, lines);
        if (found > 0) {
            CHECK(found <= have);
            CHECK_EQ_U64(found, whole);
            return found;
        }
    }
    CHECK(whole == 0);
    return 0;
}

static void test_length(void) {
    CHECK_EQ_U64(length("data: x\n\ndata: y\n\n", false), 9);
    CHECK_EQ_U64(length("data: x\r\n\r\ndata: y", false), 11);
    CHECK_EQ_U64(length("data: x\r\rdata: y", false), 9);
    CHECK_EQ_U64(length("event: a\ndata: x\n\n", false), 18);
    CHECK_EQ_U64(length("data: x\n\r\nmore", false), 10);
    CHECK_EQ_U64(length("data: x\n", false), 0);
    CHECK_EQ_U64(length("data: x\r\n", false), 0);
    CHECK_EQ_U64(length(": comment\n\n", false), 11);
    CHECK_EQ_U64(length("\ndata: x\n\n", false), 1);
    CHECK_EQ_U64(length("\r\ndata: x\n\n", false), 2);
    CHECK_EQ_U64(length("{\"a\":1}\n{}\n", true), 8);
    CHECK_EQ_U64(length("{\"a\":1}", true), 0);
    CHECK_EQ_U64(length("\n", true), 1);
}

/* Ends and no ends at every place of a word. */
static void test_places(void) {
    static const struct {
        const char *end;
        size_t n;
    } ends[] = {{"\n\n", 2},   {"\r\r", 2},   {"\r\n\r\n", 4},
                {"\n\r\n", 3}, {"\t\n\n", 3}, {"\r\n", 0}};
    for (size_t before = 1; before < 20; before++)
        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
            char text[64];
            (void)snprintf(text, sizeof text, "%.*s%s:", (int)before,
                           "data: 0123456789\xc3\xbc 012345", ends[i].end);
            CHECK_EQ_U64(length(text, false), ends[i].n > 0 ? before + ends[i].n : 0);
        }
}

int main(void) {
    RUN(test_length);
    RUN(test_places);
    return unit_end();
}
