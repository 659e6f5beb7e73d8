#include "unit.h"

#include "format/frame.h"

/* The length of the first event, found byte by byte as it comes. */
static size_t length(const char *text, enum framing framing) {
    size_t n = strlen(text), whole = frame_length(gw_str(text, n), 0, framing);
    for (size_t have = 1; have <= n; have++) {
        size_t found = frame_length(gw_str(text, have), have - 1, framing);
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
    CHECK_EQ_U64(length("data: x\n\ndata: y\n\n", FRAMING_SSE), 9);
    CHECK_EQ_U64(length("data: x\r\n\r\ndata: y", FRAMING_SSE), 11);
    CHECK_EQ_U64(length("data: x\r\rdata: y", FRAMING_SSE), 9);
    CHECK_EQ_U64(length("event: a\ndata: x\n\n", FRAMING_SSE), 18);
    CHECK_EQ_U64(length("data: x\n\r\nmore", FRAMING_SSE), 10);
    CHECK_EQ_U64(length("data: x\n", FRAMING_SSE), 0);
    CHECK_EQ_U64(length("data: x\r\n", FRAMING_SSE), 0);
    CHECK_EQ_U64(length(": comment\n\n", FRAMING_SSE), 11);
    CHECK_EQ_U64(length("\ndata: x\n\n", FRAMING_SSE), 1);
    CHECK_EQ_U64(length("\r\ndata: x\n\n", FRAMING_SSE), 2);
    CHECK_EQ_U64(length("{\"a\":1}\n{}\n", FRAMING_LINES), 8);
    CHECK_EQ_U64(length("{\"a\":1}", FRAMING_LINES), 0);
    CHECK_EQ_U64(length("\n", FRAMING_LINES), 1);
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
            CHECK_EQ_U64(length(text, FRAMING_SSE), ends[i].n > 0 ? before + ends[i].n : 0);
        }
}

int main(void) {
    RUN(test_length);
    RUN(test_places);
    return unit_end();
}
