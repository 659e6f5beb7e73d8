/* Bedrock's events, one by one, and its streams through the whole core: in every cut of their bytes the client
 * gets the same, and a frame that is not what it was is a cut, whichever byte of it is another one. */
#include "streams.h"

#include "format/event.h"
#include "format/usage.h"
#include "frames.h"

enum { ROOM = 8192, FRAMES = 8 };

/* Appends a frame: an event, whose type nobody needs, or an exception. */
static void put_frame(struct gw_buf *b, bool event, const char *payload) {
    static const struct gw_str events =
        GW_STR_INIT("\15:message-type\7\0\5event\13:event-type\7\0\5chunk");
    static const struct gw_str exceptions =
        GW_STR_INIT("\15:message-type\7\0\11exception\17:exception-type\7\0\1x");
    frames_put(b, event ? events : exceptions, gw_str(payload, strlen(payload)));
}

/* ------------------------------------------------------------------ events */

static struct event_source source;
static struct event e;

static void read_one(bool event, const char *payload) {
    static char bytes[ROOM];
    struct gw_buf b = {.p = bytes, .cap = sizeof bytes, .max = sizeof bytes};
    put_frame(&b, event, payload);
    CHECK_EQ_U64(frame_length(gw_buf_str(&b), 0, FRAMING_AWS), b.n);
    event_read(gw_buf_str(&b), FRAMING_AWS, &source, &e);
}

static void piece(uint32_t i, uint32_t channel, const char *raw) {
    CHECK(i < e.pieces_n && e.piece[i].channel == channel);
    CHECK(gw_str_eq(e.piece[i].raw, gw_str(raw, strlen(raw))));
}

static void test_text(void) {
    source = (struct event_source){.dialect = NULL};
    read_one(true, "{\"p\":\"ab\",\"role\":\"assistant\"}");
    CHECK(e.is == EVENT_PREAMBLE && source.dialect == &dialect_bedrock && e.choices == 1);
    CHECK_STR(e.role, "assistant");
    read_one(true, "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"Hi\"},\"p\":\"abc\"}");
    CHECK(e.is == EVENT_CONTENT && e.pieces_n == 1 && !e.opaque && e.within == 1);
    piece(0, event_channel(0, 0, PART_TEXT), "Hi");
    read_one(true, "{\"delta\":{\"text\":\"\"},\"contentBlockIndex\":0}");
    CHECK(e.is == EVENT_PREAMBLE && e.pieces_n == 0);
    read_one(true, "{\"contentBlockIndex\":0}");
    CHECK(e.is == EVENT_PREAMBLE && e.mark == 2);
    read_one(true, "{\"stopReason\":\"max_tokens\",\"additionalModelResponseFields\":{\"a\":1}}");
    CHECK(e.is == EVENT_FINISH && e.finish && !e.end && e.finished == 1 && !e.opaque);
    CHECK(event_why(&dialect_bedrock, &e) == WHY_LENGTH);
}

static void test_usage(void) {
    struct usage u = {.present = 0};
    read_one(true, "{\"metrics\":{\"latencyMs\":9},\"usage\":{\"inputTokens\":5,\"outputTokens\":7,"
                   "\"totalTokens\":112,\"cacheReadInputTokens\":90,\"cacheWriteInputTokens\":10,"
                   "\"cacheDetails\":[{\"ttl\":\"5m\",\"inputTokens\":10}]}}");
    CHECK(e.is == EVENT_PREAMBLE && e.end);
    event_usage(&dialect_bedrock, &e, &u);
    CHECK_EQ_U64(u.n[USAGE_INPUT], 105);
    CHECK_EQ_U64(u.n[USAGE_OUTPUT], 7);
    CHECK_EQ_U64(u.n[USAGE_CACHED], 90);
    CHECK_EQ_U64(u.n[USAGE_WRITTEN], 10);
}

/* Blocks have one row of numbers, tools their own. */
static void test_blocks(void) {
    source = (struct event_source){.dialect = NULL};
    read_one(true, "{\"contentBlockIndex\":0,\"delta\":{\"reasoningContent\":{\"text\":\"Hm\"}}}");
    piece(0, event_channel(0, 0, PART_REASONING), "Hm");
    read_one(true,
             "{\"contentBlockIndex\":0,\"delta\":{\"reasoningContent\":{\"signature\":\"S\"}}}");
    piece(0, event_channel(0, 0, PART_SIGNATURE), "S");
    read_one(
        true,
        "{\"contentBlockIndex\":1,\"delta\":{\"reasoningContent\":{\"redactedContent\":\"R\"}}}");
    piece(0, event_channel(0, 1, PART_REDACTED), "R");
    read_one(true, "{\"start\":{\"toolUse\":{\"toolUseId\":\"t1\",\"name\":\"f\",\"type\":\"x\"}},"
                   "\"contentBlockIndex\":2}");
    CHECK(e.is == EVENT_CONTENT && e.mark == 5 && e.pieces_n == 2 && !e.opaque);
    piece(0, event_channel(0, 0, PART_ID), "t1");
    piece(1, event_channel(0, 0, PART_TOOL_NAME), "f");
    read_one(
        true,
        "{\"contentBlockIndex\":4,\"start\":{\"toolUse\":{\"toolUseId\":\"t2\",\"name\":\"g\"}}}");
    piece(0, event_channel(0, 1, PART_ID), "t2");
    read_one(true, "{\"contentBlockIndex\":4,\"delta\":{\"toolUse\":{\"input\":\"{\\\"a\\\"\"}}}");
    piece(0, event_channel(0, 1, PART_TOOL_ARGUMENTS), "{\\\"a\\\"");
    read_one(true, "{\"contentBlockIndex\":2,\"delta\":{\"toolUse\":{\"input\":\"{}\"}}}");
    piece(0, event_channel(0, 0, PART_TOOL_ARGUMENTS), "{}");
    read_one(true, "{\"contentBlockIndex\":64,\"delta\":{\"text\":\"far\"}}");
    CHECK(e.is == EVENT_CONTENT && e.opaque);
}

static void test_unread(void) {
    source = (struct event_source){.dialect = NULL};
    read_one(true, "{\"bytes\":\"e30=\",\"p\":\"a\"}");
    CHECK(e.is == EVENT_CONTENT && e.opaque && e.choices == 0 && e.pieces_n == 0);
    read_one(true, "{\"contentBlockIndex\":0,\"delta\":{\"citation\":{\"title\":\"t\"}}}");
    CHECK(e.is == EVENT_CONTENT && e.opaque && e.choices == 1);
    read_one(true, "{\"contentBlockIndex\":0,\"delta\":{\"text\":{\"not\":\"a text\"}}}");
    CHECK(e.is == EVENT_CONTENT && e.opaque && e.pieces_n == 0);
    read_one(true, "{\"somethingNew\":1}");
    CHECK(e.is == EVENT_CONTENT && e.opaque);
}

static void test_bad_payloads(void) {
    static const char *const bad[] = {"", "{", "{\"delta\":{\"text\":\"a}",
                                      "{\"delta\":{\"text\":1}}}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        source = (struct event_source){.dialect = &dialect_bedrock};
        read_one(true, bad[i]);
        CHECK(e.is == EVENT_MALFORMED);
    }
    read_one(true, "[1]");
    CHECK(e.is == EVENT_STRANGE);
    read_one(false, "{\"message\":\"no\"}");
    CHECK(e.is == EVENT_ERROR && e.pieces_n == 0);
    read_one(false, "not JSON");
    CHECK(e.is == EVENT_ERROR);
}

/* An error that is none of the model's, and what AWS's clients would not take either. */
static void test_no_event(void) {
    static const struct gw_str heads[] = {
        GW_STR_INIT("\15:message-type\7\0\5error\13:error-code\7\0\11SlowDown."),
        GW_STR_INIT("\13:event-type\7\0\5chunk"), GW_STR_INIT("\15:message-type\6\0\5event"),
        GW_STR_INIT("")};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        char bytes[ROOM];
        struct gw_buf b = {.p = bytes, .cap = sizeof bytes, .max = sizeof bytes};
        frames_put(&b, heads[i], GW_STR("{\"delta\":{\"text\":\"a\"}}"));
        CHECK_EQ_U64(frame_length(gw_buf_str(&b), 0, FRAMING_AWS), b.n);
        event_read(gw_buf_str(&b), FRAMING_AWS, &source, &e);
        CHECK(e.is == EVENT_ERROR);
    }
}

static void test_our_exception(void) {
    char bytes[ROOM];
    struct gw_buf b = {.p = bytes, .cap = sizeof bytes, .max = sizeof bytes};
    struct aws_frame f;
    aws_put_exception(&b, GW_STR("{\"message\":\"it broke\"}"));
    CHECK_EQ_U64(frame_length(gw_buf_str(&b), 0, FRAMING_AWS), b.n);
    CHECK(aws_read(gw_buf_str(&b), &f));
    CHECK_STR(f.message_type, "exception");
    CHECK_STR(f.exception_type, "modelStreamErrorException");
    CHECK_STR(f.content_type, "application/json");
    CHECK_STR(f.payload, "{\"message\":\"it broke\"}");
    for (size_t cap = 0; cap < b.n; cap++) {
        struct gw_buf small = {.p = bytes, .cap = cap, .max = cap};
        aws_put_exception(&small, GW_STR("{\"message\":\"it broke\"}"));
        CHECK(small.full);
    }
}

/* ------------------------------------------------------------------ streams */

static char text[ROOM];
static size_t ends[FRAMES + 1]; /* of the frames in it */

static void make(const char *const *payloads) {
    struct gw_buf b = {.p = text, .cap = sizeof text, .max = sizeof text};
    for (uint32_t i = 0; i < FRAMES; i++) {
        ends[i] = b.n;
        put_frame(&b, true, payloads[i]);
    }
    ends[FRAMES] = b.n;
}

static const char *const converse[FRAMES] = {
    "{\"role\":\"assistant\",\"p\":\"ab\"}",
    "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"The caf\xc3\xa9 \"}}",
    "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"is \\\"open\\\"\\n\"},\"p\":\"abcdef\"}",
    "{\"contentBlockIndex\":0}",
    "{\"contentBlockIndex\":1,\"start\":{\"toolUse\":{\"toolUseId\":\"t\",\"name\":\"look\"}}}",
    "{\"contentBlockIndex\":1,\"delta\":{\"toolUse\":{\"input\":\"{\\\"a\\\":1}\"}}}",
    "{\"stopReason\":\"tool_use\"}",
    "{\"usage\":{\"inputTokens\":1,\"outputTokens\":2}}"};
static const char *const chunks[FRAMES] = {
    "{\"bytes\":\"e30=\"}", "{\"bytes\":\"e31=\"}", "{\"bytes\":\"e32=\"}", "{\"bytes\":\"e33=\"}",
    "{\"bytes\":\"e34=\"}", "{\"bytes\":\"e35=\"}", "{\"bytes\":\"e36=\"}", "{\"bytes\":\"e37=\"}"};

static void open_gateway(void) {
    static const char env[] = "GATEWAY_AUTH=off\0AWS_ACCESS_KEY_ID=AKIAONE\0"
                              "AWS_SECRET_ACCESS_KEY=one\0";
    begin_with(gw_str(env, sizeof env - 1), "{\"breaker\":{\"failure_threshold\":63}}");
}

static void open_stream(void) {
    ask("/api/ai/bedrock/model/m/converse-stream");
    answer_as(GW_STR("application/vnd.amazon.eventstream"));
}

static void play(size_t first, size_t step) {
    struct gw_str all = gw_str(text, ends[FRAMES]);
    open_stream();
    chunk(gw_str_sub(all, 0, first));
    for (size_t at = first; at < all.n; at += step)
        chunk(gw_str_sub(all, at, step));
    over(GW_CLEAN);
    CHECK(ended && code == 0 && status == 200 && sends == 1);
    CHECK(gw_str_eq(gw_str(out, out_n), all));
    gw_close(call, now);
}

static void test_any_cut(void) {
    open_gateway();
    for (int kind = 0; kind < 2; kind++) {
        make(kind == 0 ? converse : chunks);
        for (size_t step = 1; step < 20; step++)
            play(0, step);
        for (size_t first = 1; first < ends[FRAMES]; first++)
            play(first, ends[FRAMES]);
    }
    end();
}

/* What is whole goes out, and then an exception of ours: `n` frames of the stream. */
static void check_broken(size_t n) {
    struct gw_str rest = gw_str_sub(gw_str(out, out_n), ends[n], out_n);
    struct aws_frame f;
    CHECK(ended && code == 0 && sends == 1 && memcmp(out, text, ends[n]) == 0);
    CHECK_EQ_U64(frame_length(rest, 0, FRAMING_AWS), rest.n);
    CHECK(rest.n > 0 && aws_read(rest, &f) && gw_str_eq(f.message_type, GW_STR("exception")));
    gw_close(call, now);
}

/* Torn at every byte, or one byte of it another one, behind content and before the end is told. */
static void test_bad_frame(void) {
    for (int kind = 0; kind < 2; kind++) {
        open_gateway();
        make(kind == 0 ? converse : chunks);
        for (size_t at = ends[2]; at < ends[3]; at++) {
            open_stream();
            chunk(gw_str(text, at));
            over(GW_CUT);
            check_broken(2);
            for (size_t step = 1; step <= ends[FRAMES]; step += ends[FRAMES] - 1) {
                text[at] ^= 0x10;
                open_stream();
                for (size_t from = 0; from < ends[FRAMES]; from += step)
                    chunk(gw_str_sub(gw_str(text, ends[FRAMES]), from, step));
                over(GW_CLEAN);
                text[at] ^= 0x10;
                check_broken(2);
            }
        }
        end();
    }
}

/* The connection ended well, but within a frame. */
static void test_torn_end(void) {
    open_gateway();
    make(converse);
    open_stream();
    chunk(gw_str(text, ends[3] - 1));
    over(GW_CLEAN);
    check_broken(2);
    end();
}

/* Longer than what is looked at: it goes out as it comes, and all behind it. */
static void test_long_frame(void) {
    static char big[FRAME_MAX + 4096], payload[FRAME_MAX + 1024];
    struct gw_buf b = {.p = big, .cap = sizeof big, .max = sizeof big};
    memset(payload, 'x', sizeof payload - 1);
    put_frame(&b, true, converse[1]);
    put_frame(&b, true, payload);
    CHECK(!b.full);
    open_gateway();
    for (size_t step = 1000; step <= b.n; step += b.n - 1000) {
        open_stream();
        for (size_t at = 0; at < b.n; at += step)
            chunk(gw_str_sub(gw_buf_str(&b), at, step));
        over(GW_CLEAN);
        CHECK(ended && code == 0 && gw_str_eq(gw_str(out, out_n), gw_buf_str(&b)));
        gw_close(call, now);
    }
    end();
}

int main(void) {
    RUN(test_text);
    RUN(test_usage);
    RUN(test_blocks);
    RUN(test_unread);
    RUN(test_bad_payloads);
    RUN(test_no_event);
    RUN(test_our_exception);
    RUN(test_any_cut);
    RUN(test_bad_frame);
    RUN(test_torn_end);
    RUN(test_long_frame);
    return unit_end();
}
