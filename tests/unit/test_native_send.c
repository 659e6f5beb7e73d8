/* The daemon's request writer and body store: the same bytes whatever the socket takes at a time. */
#include "unit.h"

/* unit tests link nothing of src/native, whose other files need libuv */
// NOLINTBEGIN(bugprone-suspicious-include)
#include "native/loop/block.c"
#include "native/net/body.c"
#include "native/up/send.c"
// NOLINTEND(bugprone-suspicious-include)

static struct blocks blocks;
static char out[400000];
static size_t out_n;

static const struct gw_slice whole = {.kind = GW_REQUEST, .off = 0, .len = GW_REST};

static struct gw_action action(const struct gw_slice *slices, uint32_t n, uint64_t body_len) {
    struct gw_action a = {.kind = GW_SEND, .attempt = 1};
    a.send.target.authority = GW_STR("h");
    a.send.method = GW_STR("POST");
    a.send.path = GW_STR("/p");
    a.send.slices = slices;
    a.send.slices_n = n;
    a.send.body_len = body_len;
    return a;
}

/* A socket that takes at most `step` bytes: writes until there is nothing to write. */
static void drain(struct send *s, const struct body *body, size_t step) {
    struct iovec iov[8];
    int n;
    while ((n = send_iov(s, body, iov, 8)) > 0) {
        size_t left = step;
        for (int i = 0; i < n && left > 0; i++) {
            size_t k = iov[i].iov_len < left ? iov[i].iov_len : left;
            memcpy(out + out_n, iov[i].iov_base, k);
            out_n += k;
            left -= k;
        }
        send_took(s, step - left);
    }
}

static void arrive(struct body *b, const char *p, size_t n, bool fin) {
    CHECK(body_put(b, &blocks, gw_str(p, n), n));
    b->told = b->arrived;
    b->fin = b->fin_told = fin;
}

static void begin(struct send *s, const struct gw_action *a) {
    out_n = 0;
    CHECK(send_init(s, &blocks, a) == 0);
}

static void test_no_body(void) {
    struct send s;
    struct body b;
    struct gw_action a = action(NULL, 0, 0);
    body_init(&b);
    a.send.method = GW_STR("GET");
    begin(&s, &a);
    CHECK(!send_done(&s));
    drain(&s, &b, 1);
    CHECK(send_done(&s));
    CHECK_STR(gw_str(out, out_n), "GET /p HTTP/1.1\r\nhost: h\r\n\r\n");
    CHECK_EQ_U64(s.took, out_n);
    CHECK_EQ_U64(send_needs(&s), UINT64_MAX);
    send_del(&s, &blocks);
    CHECK(send_done(&s));
}

static void test_slices(void) {
    static const struct gw_slice slices[] = {{.kind = GW_REQUEST, .off = 0, .len = 3},
                                             {.kind = GW_LITERAL, .p = "<new>", .len = 5},
                                             {.kind = GW_LITERAL, .p = "", .len = 0},
                                             {.kind = GW_REQUEST, .off = 5, .len = GW_REST}};
    for (size_t step = 1; step < 120; step++) {
        struct send s;
        struct body b;
        struct gw_action a = action(slices, 4, 11);
        body_init(&b);
        begin(&s, &a);
        arrive(&b, "abcd", 4, false);
        CHECK_EQ_U64(send_needs(&s), 0);
        drain(&s, &b, step);
        CHECK(!send_done(&s));
        CHECK_EQ_U64(send_needs(&s), 5);
        arrive(&b, "efgh", 4, true);
        drain(&s, &b, step);
        CHECK(send_done(&s));
        CHECK_STR(gw_str(out, out_n), "POST /p HTTP/1.1\r\nhost: h\r\ncontent-length: 11\r\n\r\n"
                                      "abc<new>fgh");
        send_del(&s, &blocks);
        body_del(&b, &blocks);
    }
}

static void test_chunked(void) {
    for (size_t step = 1; step < 120; step++) {
        struct send s;
        struct body b;
        struct gw_action a = action(&whole, 1, GW_UNKNOWN);
        body_init(&b);
        begin(&s, &a);
        drain(&s, &b, step); /* the head goes alone */
        arrive(&b, "hello", 5, false);
        drain(&s, &b, step);
        arrive(&b, "0123456789abcdefgh", 18, false);
        drain(&s, &b, step);
        CHECK(!send_done(&s));
        arrive(&b, "", 0, true);
        drain(&s, &b, step);
        CHECK(send_done(&s));
        CHECK_STR(gw_str(out, out_n),
                  "POST /p HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n"
                  "\r\n5\r\nhello\r\n12\r\n0123456789abcdefgh\r\n0\r\n\r\n");
        send_del(&s, &blocks);
        body_del(&b, &blocks);
    }
}

static void test_chunked_at_once(void) {
    struct send s;
    struct body b;
    struct gw_action a = action(&whole, 1, GW_UNKNOWN);
    body_init(&b);
    begin(&s, &a);
    arrive(&b, "xyz", 3, true);
    drain(&s, &b, 7);
    CHECK(send_done(&s));
    CHECK_STR(gw_str(out, out_n), "POST /p HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n"
                                  "\r\n3\r\nxyz\r\n0\r\n\r\n");
    send_del(&s, &blocks);
    body_del(&b, &blocks);
}

/* What the core has not been told of stays here, though it has arrived. */
static void test_untold(void) {
    struct send s;
    struct body b;
    struct gw_action a = action(&whole, 1, 6);
    body_init(&b);
    begin(&s, &a);
    arrive(&b, "abcdef", 6, true);
    b.told = 2;
    b.fin_told = false;
    drain(&s, &b, 1000);
    CHECK(gw_str_ends(gw_str(out, out_n), GW_STR("\r\n\r\nab")));
    b.told = 6;
    b.fin_told = true;
    drain(&s, &b, 1000);
    CHECK(gw_str_ends(gw_str(out, out_n), GW_STR("\r\n\r\nabcdef")));
    CHECK(send_done(&s));
    send_del(&s, &blocks);
    body_del(&b, &blocks);
}

static void test_large(void) {
    static char data[200000];
    struct send s;
    struct body b;
    struct gw_action a = action(&whole, 1, sizeof data);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 31 + i / 251);
    body_init(&b);
    begin(&s, &a);
    for (size_t at = 0; at < sizeof data; at += 40000) {
        arrive(&b, data + at, 40000, at + 40000 == sizeof data);
        drain(&s, &b, 7001);
        CHECK_EQ_U64(send_needs(&s), at + 40000 < sizeof data ? at + 40000 : UINT64_MAX);
        body_free(&b, &blocks, send_needs(&s));
    }
    CHECK(send_done(&s));
    CHECK(memcmp(out + out_n - sizeof data, data, sizeof data) == 0);
    CHECK(b.first == NULL);
    send_del(&s, &blocks);
}

static void test_adopted(void) {
    struct body b;
    struct block *block = block_get(&blocks, BLOCK_LARGE);
    body_init(&b);
    arrive(&b, "ab", 2, false);
    memcpy(block->data, "head;cdef", 9);
    block->from = 5;
    block->to = 9;
    body_adopt(&b, block);
    CHECK_EQ_U64(b.arrived, 6);
    CHECK_STR(body_at(&b, 0, 99), "ab");
    CHECK_STR(body_at(&b, 2, 99), "cdef");
    CHECK_STR(body_at(&b, 4, 1), "e");
    CHECK_STR(body_at(&b, 6, 99), "");
    body_free(&b, &blocks, 3);
    CHECK_STR(body_at(&b, 1, 99), "");
    CHECK_STR(body_at(&b, 5, 99), "f");
    body_del(&b, &blocks);
}

static void test_many_slices(void) {
    struct gw_slice slices[20];
    struct send s;
    struct body b;
    struct gw_action a = action(slices, 20, 20);
    for (size_t i = 0; i < 20; i++)
        slices[i] =
            (struct gw_slice){.kind = GW_LITERAL, .p = &"abcdefghijklmnopqrst"[i], .len = 1};
    body_init(&b);
    begin(&s, &a);
    drain(&s, &b, 3);
    CHECK(send_done(&s));
    CHECK(gw_str_ends(gw_str(out, out_n), GW_STR("\r\n\r\nabcdefghijklmnopqrst")));
    send_del(&s, &blocks);
}

/* A head that may not stand on the wire is not written. */
static void test_bad_head(void) {
    struct send s;
    struct gw_action a = action(NULL, 0, 0);
    a.send.head = GW_STR("content-length: 3\r\n");
    CHECK(send_init(&s, &blocks, &a) == -1);
}

static void test_trim(void) {
    struct block *a = block_get(&blocks, 1), *b = block_get(&blocks, 1);
    block_put(&blocks, a);
    block_put(&blocks, b);
    block_trim(&blocks); /* both were used since the last time */
    CHECK(blocks.small.n >= 2);
    block_trim(&blocks);
    CHECK_EQ_U64(blocks.small.n, 0);
    CHECK_EQ_U64(blocks.large.n, 0);
}

int main(void) {
    RUN(test_no_body);
    RUN(test_slices);
    RUN(test_chunked);
    RUN(test_chunked_at_once);
    RUN(test_untold);
    RUN(test_large);
    RUN(test_adopted);
    RUN(test_many_slices);
    RUN(test_bad_head);
    RUN(test_trim);
    block_del_all(&blocks);
    return unit_end();
}
