#include "unit.h"

#include "format/shape.h"

/* ------------------------------------------------------------------ what events say */

static const struct dialect *dialect;

/* The event as text: "KIND channel=raw ... finish end mark=N id=X". */
static const char *said(const char *text) {
    static char out[1024];
    static const char *const kinds[] = {"ping", "preamble", "content",   "finish",
                                        "end",  "error",    "malformed", "strange"};
    struct event e;
    size_t n = strlen(text);
    enum framing framing = text[0] == '{' ? FRAMING_LINES : FRAMING_SSE;
    event_read(gw_str(text, n), framing, &dialect, &e);
    int at = snprintf(out, sizeof out, "%s", kinds[e.is]);
    for (uint32_t i = 0; i < e.pieces_n; i++) {
        uint32_t channel = e.piece[i].channel;
        CHECK(e.piece[i].raw.p >= text && e.piece[i].raw.p + e.piece[i].raw.n <= text + n);
        at +=
            snprintf(out + at, sizeof out - (size_t)at, " %u.%u.%u=%.*s", channel >> 16,
                     channel >> 8 & 0xff, channel & 0xff, (int)e.piece[i].raw.n, e.piece[i].raw.p);
    }
    at += snprintf(out + at, sizeof out - (size_t)at, "%s%s%s", e.finish ? " finish" : "",
                   e.end ? " end" : "", e.opaque ? " opaque" : "");
    if (e.mark > 0)
        at += snprintf(out + at, sizeof out - (size_t)at, " mark=%u", e.mark);
    if (e.id.n > 0)
        (void)snprintf(out + at, sizeof out - (size_t)at, " id=%.*s", (int)e.id.n, e.id.p);
    return out;
}

#define SAYS(text, what)                                                                           \
    do {                                                                                           \
        const char *got = said(text);                                                              \
        if (!CHECK(strcmp(got, what) == 0))                                                        \
            printf("  %s\n  %s\n", got, what);                                                     \
    } while (0)

static void test_openai(void) {
    dialect = NULL;
    SAYS(": hello\n\n", "ping");
    CHECK(dialect == NULL);
    SAYS("data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
         "\"content\":\"\"},\"finish_reason\":null}]}\n\n",
         "preamble id=c1");
    CHECK(dialect == &dialect_openai);
    SAYS("data: {\"choices\":[{\"delta\":{\"content\":\"a\\n\"}}]}\n\n", "content 0.0.1=a\\n");
    SAYS("data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\",\"content\":null},"
         "\"index\":2}]}\r\n\r\n",
         "content 2.0.2=hm");
    SAYS("data:{\"choices\":[{\"text\":\"old\",\"index\":0,\"finish_reason\":\"stop\"}]}\n\n",
         "content 0.0.1=old finish");
    SAYS("data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"c\","
         "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}}]}\n\n",
         "content 0.1.5=c 0.1.6=f 0.1.7={");
    SAYS("data: {\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\n", "preamble");
    SAYS("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\n", "finish finish");
    SAYS("data: {\"choices\":[{\"delta\":{\"audio\":{\"data\":\"x\"}}}]}\n\n", "content opaque");
    SAYS("data: {\"error\":{\"message\":\"no\"}}\n\n", "error");
    SAYS("data: {\"error\":null,\"choices\":[]}\n\n", "preamble");
    SAYS("data: [DONE]\n\n", "end end");
    SAYS("data: {\"choices\":[{\"delta\":{\"content\":\"br\n\n", "malformed");
    SAYS("data: oops\n\n", "malformed");
    SAYS("data: {\"type\":\"other\"}\n\n", "strange");
    SAYS("data: {\ndata: }\n\n", "strange");
}

static void test_anthropic(void) {
    dialect = NULL;
    SAYS("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\"}}\n\n",
         "preamble");
    CHECK(dialect == &dialect_anthropic);
    SAYS("event: ping\ndata: {\"type\": \"ping\"}\n\n", "ping");
    SAYS("data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\","
         "\"text\":\"\"}}\n\n",
         "preamble 0.0.4=text mark=1");
    SAYS("data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","
         "\"text\":\"Hi\"}}\n\n",
         "content 0.0.1=Hi");
    SAYS("data: {\"type\":\"content_block_stop\",\"index\":0}\n\n", "preamble mark=2");
    SAYS("data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":"
         "\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}}\n\n",
         "content 1.0.4=tool_use 1.0.6=f mark=3");
    SAYS("data: {\"delta\":{\"partial_json\":\"{\",\"type\":\"input_json_delta\"},\"index\":1,"
         "\"type\":\"content_block_delta\"}\n\n",
         "content 1.0.7={");
    SAYS("data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
         "\"signature_delta\",\"signature\":\"s\"}}\n\n",
         "content 0.0.5=s");
    SAYS("data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\","
         "\"stop_sequence\":null},\"usage\":{\"output_tokens\":2}}\n\n",
         "finish finish");
    SAYS("data: {\"type\":\"message_stop\"}\n\n", "end end");
    SAYS("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n",
         "error");
    SAYS("data: {\"type\":\"new_thing\"}\n\n", "strange");
}

static void test_ollama(void) {
    dialect = NULL;
    SAYS("{\"model\":\"m\",\"created_at\":\"t\",\"message\":{\"role\":\"assistant\",\"content\":"
         "\"Hi\"},\"done\":false}\n",
         "content 0.0.1=Hi");
    CHECK(dialect == &dialect_ollama);
    SAYS("{\"response\":\"x\",\"done\":false}\n", "content 0.0.1=x");
    SAYS("{\"message\":{\"content\":\"\",\"thinking\":\"hm\"},\"done\":false}\n",
         "content 0.0.2=hm");
    SAYS("{\"message\":{\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"f\"}}]},"
         "\"done\":false}\n",
         "content 0.0.7=[{\"function\":{\"name\":\"f\"}}]");
    SAYS("{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\"}\n",
         "finish finish end");
    SAYS("{\"error\":\"out of memory\"}\n", "error");
    SAYS("{\"message\":{\"con\n", "malformed");
}

static void test_strange(void) {
    dialect = NULL;
    SAYS("data: {\"candidates\":[{\"content\":{}}]}\n\n", "strange");
    SAYS("data: 17\n\n", "strange");
    SAYS("{\"done\":1}\n", "strange");
    SAYS("data: {\"type\":\"response.output_text.delta\",\"delta\":\"x\"}\n\n", "strange");
    CHECK(dialect == NULL);
}

static void test_table(void) {
    bool talks;
    CHECK(dialects_of_path(GW_STR("/v1/messages"), &talks) == &dialect_anthropic && talks);
    CHECK(dialects_of_path(GW_STR("/v1/chat/completions"), &talks) == &dialect_openai && talks);
    CHECK(dialects_of_path(GW_STR("/v1/completions"), &talks) == &dialect_openai && !talks);
    CHECK(dialects_of_path(GW_STR("/api/chat"), &talks) == &dialect_ollama && talks);
    CHECK(dialects_of_path(GW_STR("/api/generate"), &talks) == &dialect_ollama && !talks);
    CHECK(dialects_of_path(GW_STR("/sse"), &talks) == NULL && !talks);
    CHECK(dialects_default(FRAMING_SSE) == &dialect_openai);
    CHECK(dialects_default(FRAMING_LINES) == &dialect_ollama);
}

static void test_many_pieces(void) {
    struct event e = {.is = EVENT_CONTENT};
    for (uint32_t i = 0; i <= EVENT_PIECES; i++)
        event_add(&e, i, GW_STR("x"));
    CHECK(e.pieces_n == EVENT_PIECES && e.opaque);
}

/* ------------------------------------------------------------------ the usual event */

static void test_shape(void) {
    static const struct gw_str first =
        GW_STR_INIT("data: {\"choices\":[{\"delta\":{\"content\":\"one\"}}]}\n\n");
    static const struct gw_str next =
        GW_STR_INIT("data: {\"choices\":[{\"delta\":{\"content\":\"t\\\"wo\"}}]}\n\ndata: {\"ch");
    struct shape shape = {.before = 0};
    struct event e;
    struct event_piece piece;
    dialect = NULL;
    event_read(first, FRAMING_SSE, &dialect, &e);
    CHECK(shape_match(&shape, first, &piece) == 0);
    shape_learn(&shape, first, &e);
    CHECK_EQ_U64(shape_match(&shape, next, &piece), next.n - 10);
    CHECK_STR(piece.raw, "t\\\"wo");
    CHECK(piece.channel == PART_TEXT && !piece.whole);
    for (size_t n = 0; n < next.n - 10; n++)
        CHECK(shape_match(&shape, gw_str_sub(next, 0, n), &piece) == 0);
    CHECK(shape_match(&shape,
                      GW_STR("data: {\"choices\":[{\"delta\":{\"content\":\"a\nb\"}}]}\n\n"),
                      &piece) == 0);
    CHECK(shape_match(&shape,
                      GW_STR("data: {\"choices\":[{\"delta\":{\"content\":\"a\"},"
                             "\"finish_reason\":\"stop\"}]}\n\n"),
                      &piece) == 0);
}

/* Only what is nothing but content has the shape. */
static void test_no_shape(void) {
    static const char *const not[] = {
        "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"x\",\"reasoning\":\"y\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"x\",\"audio\":{}}}]}\n\n"};
    struct shape shape = {.before = 0};
    struct event e;
    for (size_t i = 0; i < sizeof not/ sizeof *not; i++) {
        struct gw_str event = gw_str(not[i], strlen(not[i]));
        dialect = &dialect_openai;
        event_read(event, FRAMING_SSE, &dialect, &e);
        shape_learn(&shape, event, &e);
        CHECK(shape.before == 0);
    }
}

int main(void) {
    RUN(test_openai);
    RUN(test_anthropic);
    RUN(test_ollama);
    RUN(test_strange);
    RUN(test_table);
    RUN(test_many_pieces);
    RUN(test_shape);
    RUN(test_no_shape);
    return unit_end();
}
