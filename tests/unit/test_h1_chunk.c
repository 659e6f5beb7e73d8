#include "http/h1.h"
#include "unit.h"

/* What a body comes to: the payload, how it ended and how many bytes it took. */
struct body {
    char payload[256];
    size_t n, used;
    int end;
    struct gw_str why;
};

/* Decodes `s`, given in pieces of `step` bytes. */
static struct body decode(struct gw_str s, size_t step) {
    struct gw_h1_chunks c;
    gw_h1_chunks_init(&c);
    struct body b = {.end = GW_H1_MORE};
    for (size_t from = 0; from < s.n && b.end == GW_H1_MORE; from += step) {
        struct gw_str piece = gw_str_sub(s, from, step), data;
        size_t used;
        while ((b.end = gw_h1_chunks_next(&c, piece.p, piece.n, &used, &data)) == GW_H1_DATA) {
            CHECK(data.n > 0 && data.p >= piece.p && data.p + data.n == piece.p + used);
            memcpy(b.payload + b.n, data.p, data.n);
            b.n += data.n;
            b.used += used;
            piece = gw_str_sub(piece, used, piece.n);
        }
        CHECK(data.n == 0);
        b.used += used;
    }
    b.why = c.why;
    return b;
}

/* Whole and in pieces of every size, always with the same result. */
static struct body decode_all(struct gw_str s) {
    struct body whole = decode(s, s.n);
    for (size_t step = 1; step < s.n; step++) {
        struct body b = decode(s, step);
        CHECK(b.end == whole.end && b.used == whole.used);
        CHECK(gw_str_eq(gw_str(b.payload, b.n), gw_str(whole.payload, whole.n)));
        CHECK(gw_str_eq(b.why, whole.why));
    }
    return whole;
}

static bool is_body(struct gw_str s, size_t used, const char *payload) {
    struct body b = decode_all(s);
    return b.end == GW_H1_END && b.used == used &&
           gw_str_eq(gw_str(b.payload, b.n), gw_str(payload, strlen(payload)));
}

static bool is_bad(struct gw_str s, const char *why) {
    struct body b = decode_all(s);
    return b.end == GW_H1_BAD && gw_str_eq(b.why, gw_str(why, strlen(why)));
}

static void put_at(char *to, struct gw_str s) {
    memcpy(to, s.p, s.n);
}

#define GOOD(payload, text) CHECK(is_body(GW_STR(text), sizeof(text) - 1, payload))
#define BAD(why, text) CHECK(is_bad(GW_STR(text), why))

static void bodies(void) {
    GOOD("", "0\r\n\r\n");
    GOOD("", "0000000000000000\r\n\r\n");
    GOOD("hello world", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
    GOOD("0123456789abcdef", "000010\r\n0123456789abcdef\r\n0\r\n\r\n");
    GOOD("0123456789", "A\r\n0123456789\r\n0\r\n\r\n");
    GOOD("0\r\n\r\n", "5\r\n0\r\n\r\n\r\n0\r\n\r\n");
    GOOD("a", "1;x\r\na\r\n0;x;y=z\r\n\r\n");
    GOOD("a", "1;a=b;c=\"d\t;\";e\r\na\r\n0\r\n\r\n");
    CHECK(is_body(GW_STR("1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n"), 11, "a"));
}

static void unfinished(void) {
    struct gw_str s = GW_STR("3;x\r\nabc\r\n0\r\nA: b\r\n\r\n");
    for (size_t n = 1; n < s.n; n++)
        CHECK(decode_all(gw_str(s.p, n)).end == GW_H1_MORE);
    CHECK(decode_all(s).end == GW_H1_END);
}

static void results_stay(void) {
    struct gw_h1_chunks c;
    struct gw_str data;
    size_t used;
    gw_h1_chunks_init(&c);
    CHECK(gw_h1_chunks_next(&c, NULL, 0, &used, &data) == GW_H1_MORE && used == 0);
    CHECK(gw_h1_chunks_next(&c, "0\r\n\r\n", 5, &used, &data) == GW_H1_END && used == 5);
    CHECK(gw_h1_chunks_next(&c, "x", 1, &used, &data) == GW_H1_END && used == 0);
    gw_h1_chunks_init(&c);
    CHECK(gw_h1_chunks_next(&c, "x0\r\n\r\n", 6, &used, &data) == GW_H1_BAD);
    CHECK(gw_h1_chunks_next(&c, "0\r\n\r\n", 5, &used, &data) == GW_H1_BAD);
}

static void sizes(void) {
    BAD("bad chunk size", "\r\n");
    BAD("bad chunk size", ";a\r\n");
    BAD("bad chunk size", "+1\r\na\r\n");
    BAD("bad chunk size", "-1\r\na\r\n");
    BAD("bad chunk size", "0x1\r\na\r\n");
    BAD("bad chunk size", "1_0\r\na\r\n");
    BAD("bad chunk size", " 1\r\na\r\n");
    BAD("bad chunk size", "1g\r\na\r\n");
    BAD("bad chunk size", "1,1\r\na\r\n");
    BAD("bad chunk size", "\"1\"\r\na\r\n");
    BAD("bad chunk size", "1\0\r\na\r\n");
    BAD("bad chunk size", "1\na\r\n");
    BAD("bad chunk size", "\xb2\r\na\r\n");
    BAD("CR without LF", "1\rXa\r\n");
    BAD("CR without LF", "1\r\r\na\r\n");
    BAD("chunk size too large", "00000000000000001\r\na\r\n");
    BAD("chunk size too large", "4000000000000000\r\n");
    BAD("chunk size too large", "ffffffffffffffff\r\n");
    BAD("chunk size too large", "10000000000000005\r\n");
    CHECK(decode_all(GW_STR("3fffffffffffffff\r\nabc")).end == GW_H1_MORE);
}

static void after_payload(void) {
    BAD("chunk longer than its size", "1\r\nab\r\n0\r\n\r\n");
    BAD("chunk longer than its size", "1\r\na0\r\n\r\n");
    BAD("chunk longer than its size", "1\r\na\n0\r\n\r\n");
    BAD("CR without LF", "1\r\na\r0\r\n\r\n");
    BAD("CR without LF", "0\r\n\rX");
    BAD("bad trailer", "0\r\n\n");
}

static void extensions(void) {
    BAD("bad chunk extension", "1;a\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;a\0\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;a\x7f\r\na\r\n0\r\n\r\n");
    BAD("CR without LF", "1;a\rb\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;a=\"\r\r\n\"\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;;\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;=b\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;a=\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;a=b=c\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;a=b\"c\"\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;a=\"b\"c\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;a=\"b\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;a=\"b\\\r\n\"\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;a=\"b\\\n\"\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;a=\"b\\\0\"\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;a=\"b\\\"\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;a=\\\"\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;\"a\"\r\na\r\n0\r\n\r\n");
    char line[GW_H1_EXT_MAX + 16];
    memset(line, 'x', sizeof(line));
    put_at(line, GW_STR("0;"));
    put_at(line + 2 + GW_H1_EXT_MAX, GW_STR("\r\n\r\n"));
    CHECK(decode(gw_str(line, GW_H1_EXT_MAX + 6), 1).end == GW_H1_END);
    line[2 + GW_H1_EXT_MAX] = 'x';
    CHECK(is_bad(gw_str(line, sizeof(line)), "chunk extension too long"));
}

/* RFC 9112 7.1.1 lets white space stand around ';' and '=', and nowhere else. */
static void extensions_with_white_space(void) {
    GOOD("a", "1 ;x\r\na\r\n0\t;\ty\r\n\r\n");
    GOOD("a", "1 \t ; \tx = y\t;z\t=\t\"; \t\" ; u\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1 \r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1\t\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1 1;a\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1 a\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1 =a\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;\t\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;a \r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;a b\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;a= \r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;a=b \r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;a=b c\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;a=b =c\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;a=\"b\" \r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;a=\"b\" \"c\"\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1;a\v=b\r\na\r\n0\r\n\r\n");
    BAD("bad chunk extension", "1 \n;a\r\na\r\n0\r\n\r\n");
}

static void extensions_with_quoted_pairs(void) {
    GOOD("a", "1;a=\"\\\"\"\r\na\r\n0\r\n\r\n");
    GOOD("a", "1;a=\"\\\\\";b=\"x\\;\\\ty\\\xff\"\r\na\r\n0\r\n\r\n");
    GOOD("a", "1;a=\"\"\r\na\r\n0\r\n\r\n");
    /* The pair hides no end: what looks like one is a part of the value. */
    GOOD("a", "1;a=\"\\\";b=\\\"\"\r\na\r\n0\r\n\r\n");
}

static void extensions_limit(void) {
    char line[GW_H1_EXT_MAX + 16];
    static const char fill[] = {' ', '\t', '"', '\\'};
    for (size_t i = 0; i < sizeof fill; i++) {
        memset(line, fill[i], sizeof line);
        put_at(line, fill[i] == ' ' || fill[i] == '\t' ? GW_STR("0") : GW_STR("0;a=\""));
        struct body b = decode(gw_str(line, sizeof line), 7);
        CHECK(b.end == GW_H1_BAD && b.used <= GW_H1_EXT_MAX + 3);
    }
}

static void trailers(void) {
    GOOD("a", "1\r\na\r\n0\r\nX-Sum: a b\t\xff\r\nY:\r\n\r\n");
    GOOD("", "0\r\nContent-Lengt: 5\r\nTransfer-Encodings: x\r\n\r\n");
    BAD("a trailer that speaks of framing", "0\r\nX: y\r\ncontent-Length: 5\r\n\r\n");
    BAD("a trailer that speaks of framing", "0\r\nTransfer-Encoding: x\r\n\r\n");
    BAD("bad trailer", "0\r\n: a\r\n\r\n");
    BAD("bad trailer", "0\r\nX : a\r\n\r\n");
    BAD("bad trailer", "0\r\n X: a\r\n\r\n");
    BAD("bad trailer", "0\r\nX: a\r\n b\r\n\r\n");
    BAD("bad trailer", "0\r\nX\r\n\r\n");
    BAD("bad trailer", "0\r\nX: a\n\r\n");
    BAD("bad trailer", "0\r\nX: a\0\r\n\r\n");
    BAD("bad trailer", "0\r\nGET / HTTP/1.1\r\n\r\n");
    BAD("CR without LF", "0\r\nX: a\rb\r\n\r\n");
}

static void trailers_limit(void) {
    static char text[GW_H1_TRAILER_MAX + 64];
    memset(text, 'x', sizeof(text));
    put_at(text, GW_STR("0\r\nX:"));
    put_at(text + 3 + GW_H1_TRAILER_MAX, GW_STR("\r\n\r\n"));
    struct gw_str s = gw_str(text, 3 + GW_H1_TRAILER_MAX + 4);
    CHECK(decode(s, 1).end == GW_H1_END && decode(s, s.n).end == GW_H1_END);
    text[3 + GW_H1_TRAILER_MAX] = 'x';
    struct body b = decode(gw_str(text, sizeof(text)), 7);
    CHECK(b.end == GW_H1_BAD);
    CHECK_STR(b.why, "trailers too long");
    /* Many short ones are limited all the same. */
    size_t n = 3;
    for (; n + 6 <= sizeof(text); n += 6)
        put_at(text + n, GW_STR("X: y\r\n"));
    CHECK(decode(gw_str(text, n), n).end == GW_H1_MORE);
}

/* How often `chunk` goes through before it is refused, at most `max`. */
static uint32_t chunks_until_bad(struct gw_str chunk, uint32_t max) {
    struct gw_h1_chunks c;
    gw_h1_chunks_init(&c);
    for (uint32_t i = 0; i < max; i++) {
        struct gw_str rest = chunk, data;
        size_t used;
        int got;
        while ((got = gw_h1_chunks_next(&c, rest.p, rest.n, &used, &data)) == GW_H1_DATA)
            rest = gw_str_sub(rest, used, rest.n);
        if (got == GW_H1_BAD)
            return i;
    }
    return max;
}

static void overhead(void) {
    /* One byte a chunk is silly but allowed for ever; 6 of framing for 1 of payload. */
    CHECK_EQ_U64(chunks_until_bad(GW_STR("1\r\na\r\n"), 200000), 200000);
    /* 13 + 5 of framing: 10 more than its payload allows, out of 64 KiB. */
    uint32_t n = chunks_until_bad(GW_STR("1;aaaaaaaaaaaa\r\na\r\n"), 200000);
    CHECK(n > 6000 && n < 7000);
}

int main(void) {
    RUN(bodies);
    RUN(unfinished);
    RUN(results_stay);
    RUN(sizes);
    RUN(after_payload);
    RUN(extensions);
    RUN(extensions_with_white_space);
    RUN(extensions_with_quoted_pairs);
    RUN(extensions_limit);
    RUN(trailers);
    RUN(trailers_limit);
    RUN(overhead);
    return unit_end();
}
