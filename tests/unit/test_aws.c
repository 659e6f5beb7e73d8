#include "unit.h"

#include "format/aws.h"
#include "format/frame.h"
#include "frames.h"

enum { ROOM = 512 };

/* A frame with its CRCs, whatever its lengths say. */
static size_t seal(char *frame, size_t n, uint32_t length, uint32_t headers) {
    frames_set(frame, length);
    frames_set(frame + 4, headers);
    frames_seal(frame, n);
    return n;
}

static size_t make(char *frame, struct gw_str headers, struct gw_str payload) {
    struct gw_buf b = {.p = frame, .cap = ROOM, .max = ROOM};
    frames_put(&b, headers, payload);
    return b.n;
}

static const struct gw_str usual_headers = GW_STR_INIT("\13:event-type\7\0\21contentBlockDelta"
                                                       "\15:content-type\7\0\20application/json"
                                                       "\15:message-type\7\0\5event");
static const struct gw_str usual_payload = GW_STR_INIT("{\"delta\":{\"text\":\"Hi\"}}");

static size_t usual(char *frame) {
    return make(frame, usual_headers, usual_payload);
}

/* What is said of the frame as it comes byte by byte, and so of all of it at once. */
static size_t length(const char *frame, size_t n) {
    size_t whole = frame_length(gw_str(frame, n), 0, FRAMING_AWS);
    for (size_t have = 1; have <= n; have++) {
        char *copy = malloc(have); /* a read beyond it shows */
        memcpy(copy, frame, have);
        size_t found = frame_length(gw_str(copy, have), have - 1, FRAMING_AWS);
        CHECK_EQ_U64(frame_length(gw_str(copy, have), 0, FRAMING_AWS), found);
        free(copy);
        if (found > 0) {
            CHECK_EQ_U64(found, whole);
            return found;
        }
    }
    CHECK(whole == 0);
    return 0;
}

static void test_crc(void) {
    CHECK_EQ_U64(aws_crc(0, GW_STR("123456789")), 0xcbf43926);
    CHECK_EQ_U64(aws_crc(aws_crc(0, GW_STR("1234")), GW_STR("56789")), 0xcbf43926);
    CHECK_EQ_U64(aws_crc(0, GW_STR("")), 0);
}

static void test_usual(void) {
    char frame[ROOM];
    struct aws_frame f;
    size_t n = usual(frame);
    CHECK_EQ_U64(length(frame, n), n);
    for (size_t have = 0; have < n; have++)
        CHECK(length(frame, have) == 0);
    CHECK(aws_read(gw_str(frame, n), &f));
    CHECK_STR(f.event_type, "contentBlockDelta");
    CHECK_STR(f.content_type, "application/json");
    CHECK_STR(f.message_type, "event");
    CHECK(f.exception_type.n == 0);
    CHECK(gw_str_eq(f.payload, usual_payload));
    usual(frame + n); /* and what comes behind it changes nothing */
    CHECK_EQ_U64(frame_length(gw_str(frame, 2 * n), 0, FRAMING_AWS), n);
}

/* Whatever byte is another one, it is noticed, though it may take until the frame should end. */
static void test_flips(void) {
    char frame[ROOM];
    size_t n = usual(frame);
    for (size_t at = 0; at < n; at++)
        for (unsigned flip = 1; flip < 256; flip++) {
            frame[at] = (char)((unsigned char)frame[at] ^ flip);
            size_t prelude = frame_length(gw_str(frame, AWS_PRELUDE), 0, FRAMING_AWS);
            CHECK(prelude == (at < AWS_PRELUDE ? FRAME_BAD : 0));
            CHECK(frame_length(gw_str(frame, n), 0, FRAMING_AWS) == FRAME_BAD);
            frame[at] = (char)((unsigned char)frame[at] ^ flip);
        }
    CHECK_EQ_U64(length(frame, n), n);
}

static void test_lengths(void) {
    char frame[ROOM] = "";
    CHECK_EQ_U64(length(frame, make(frame, GW_STR(""), GW_STR(""))), AWS_FRAME_MIN);
    CHECK(length(frame, seal(frame, 20, 15, 0)) == FRAME_BAD);
    CHECK(length(frame, seal(frame, 20, 0, 0)) == FRAME_BAD);
    CHECK(length(frame, seal(frame, 20, 20, 5)) == FRAME_BAD);
    CHECK(length(frame, seal(frame, 20, 20, UINT32_MAX)) == FRAME_BAD);
    CHECK(length(frame, seal(frame, 20, AWS_FRAME_MAX, 0)) == 0);
    CHECK(length(frame, seal(frame, 20, AWS_FRAME_MAX + 1, 0)) == FRAME_BAD);
    CHECK(length(frame, seal(frame, 20, UINT32_MAX, 0)) == FRAME_BAD);
}

static bool fits(struct gw_str headers) {
    char frame[ROOM];
    size_t n = make(frame, headers, GW_STR("{}"));
    size_t found = length(frame, n);
    CHECK(found == n || found == FRAME_BAD);
    return found == n;
}

static void test_headers(void) {
    static const struct gw_str all = GW_STR_INIT(
        "\1a\0\1b\1\1c\2.\1d\3..\1e\4....\1f\5........\1g\6\0\1.\1h\7\0\1.\1i\10........"
        "\1j\11................");
    CHECK(fits(all));
    CHECK(!fits(GW_STR("\1a\12")));      /* no such type */
    CHECK(!fits(GW_STR("\0\0")));        /* no name */
    CHECK(!fits(GW_STR("\2a")));         /* the name does not fit */
    CHECK(!fits(GW_STR("\1a")));         /* no type */
    CHECK(!fits(GW_STR("\1a\7\0")));     /* half a length */
    CHECK(!fits(GW_STR("\1a\7\0\3no"))); /* the payload is no part of a value */
    CHECK(!fits(GW_STR("\1a\11.......")));
}

static void test_exception(void) {
    char frame[ROOM];
    struct aws_frame f;
    size_t n = make(frame,
                    GW_STR("\17:exception-type\7\0\23throttlingException"
                           "\15:message-type\7\0\11exception\13:event-type\6\0\1x"),
                    GW_STR(""));
    CHECK_EQ_U64(length(frame, n), n);
    CHECK(aws_read(gw_str(frame, n), &f));
    CHECK_STR(f.message_type, "exception");
    CHECK_STR(f.exception_type, "throttlingException");
    CHECK(f.event_type.n == 0 && f.payload.n == 0); /* bytes are no string */
}

/* What is written is read again; behind other bytes, too, and nothing is closed that did not fit. */
static void test_written(void) {
    char bytes[ROOM];
    struct aws_frame f;
    struct gw_buf b = {.p = bytes, .cap = ROOM, .max = ROOM};
    gw_buf_put(&b, GW_STR("before"));
    size_t at = aws_open_event(&b, GW_STR("messageStop")), payload = b.n;
    gw_buf_put(&b, GW_STR("{}"));
    aws_close(&b, at, payload);
    CHECK_EQ_U64(at, 6);
    CHECK_EQ_U64(length(bytes + at, b.n - at), b.n - at);
    CHECK(aws_read(gw_str(bytes + at, b.n - at), &f));
    CHECK_STR(f.message_type, "event");
    CHECK_STR(f.event_type, "messageStop");
    CHECK_STR(f.content_type, "application/json");
    CHECK_STR(f.payload, "{}");
    struct gw_buf small = {.p = bytes, .cap = 40, .max = 40};
    at = aws_open_event(&small, GW_STR("messageStop"));
    aws_close(&small, at, small.n);
    CHECK(small.full && small.n <= 40);
}

static void test_end(void) {
    struct frame_tail tail;
    CHECK(frame_end(FRAMING_AWS).n == 0);
    frame_tail_init(&tail, FRAMING_AWS);
    CHECK(frame_between(&tail));
    frame_tail_add(&tail, GW_STR("\n\n"));
    CHECK(!frame_between(&tail));
}

int main(void) {
    RUN(test_crc);
    RUN(test_usual);
    RUN(test_flips);
    RUN(test_lengths);
    RUN(test_headers);
    RUN(test_exception);
    RUN(test_written);
    RUN(test_end);
    return unit_end();
}
