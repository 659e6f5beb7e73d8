#include "native/net/h2_calm.h"
#include "native/net/h2_gone.h"

#include "unit.h"

/* Sends `mb` MiB in frames of 16 KiB; after each the peer says `updates` times that it has taken some.
 * How many of these nothing explained. */
static unsigned unexplained(unsigned mb, unsigned updates) {
    struct h2_calm c;
    unsigned n = 0;
    h2_calm_init(&c, 0);
    for (unsigned i = 0; i < mb * 64; i++) {
        h2_calm_sent(&c, 16384, false);
        for (unsigned j = 0; j < updates; j++)
            n += !h2_calm_window(&c);
    }
    return n;
}

static void test_windows_given_back(void) {
    CHECK_EQ_U64(unexplained(64, 2), 0);
    CHECK_EQ_U64(unexplained(64, 4), 0);  /* HAProxy */
    CHECK_EQ_U64(unexplained(64, 24), 0); /* by segments, in the stream and in the connection */
    CHECK(unexplained(1, 64) > 1000);
}

static void test_windows_late(void) {
    struct h2_calm c;
    h2_calm_init(&c, 0);
    for (int i = 0; i < 1024; i++)
        h2_calm_sent(&c, 16384, false);
    unsigned n = 0;
    while (h2_calm_window(&c))
        n++;
    CHECK_EQ_U64(n, H2_WINDOWS_MAX);
}

static void test_small_frames(void) {
    struct h2_calm c;
    unsigned events = 0, dribbled = 0;
    h2_calm_init(&c, 0);
    for (int i = 0; i < 1000; i++) {
        h2_calm_sent(&c, 100, true);
        events += h2_calm_window(&c);
        events += h2_calm_window(&c);
    }
    CHECK_EQ_U64(events, 2000);
    h2_calm_init(&c, 0);
    for (int i = 0; i < 1000; i++) {
        h2_calm_sent(&c, 1, false);
        dribbled += h2_calm_window(&c);
    }
    CHECK_EQ_U64(dribbled, 1);
}

static void test_late_frames(void) {
    struct h2_gone g = {.n = 0};
    h2_gone_add(&g, 5, H2_GONE_OURS, 100);
    struct h2_gone_stream *s = h2_gone_find(&g, 5);
    CHECK(s != NULL && h2_gone_find(&g, 3) == NULL && h2_gone_find(&g, 0) == NULL);
    CHECK(h2_gone_late(s, 60, false));
    CHECK(!h2_gone_late(s, 60, false)); /* beyond its window */
    CHECK(!h2_gone_late(s, 0, false));
    CHECK(h2_gone_late(s, 0, true));
    CHECK_EQ_U64(s->why, H2_GONE_WHOLE);
}

static void test_forgotten(void) {
    struct h2_gone g = {.n = 0};
    for (int32_t id = 1; id < 2 * H2_GONE_MAX; id += 2)
        h2_gone_add(&g, id, H2_GONE_WHOLE, 0);
    CHECK(h2_gone_find(&g, 1) != NULL && h2_gone_never_was(&g, 2));
    h2_gone_add(&g, 999, H2_GONE_WHOLE, 0);
    CHECK(h2_gone_find(&g, 1) == NULL && !h2_gone_never_was(&g, 1) && h2_gone_never_was(&g, 2));
}

int main(void) {
    RUN(test_windows_given_back);
    RUN(test_windows_late);
    RUN(test_small_frames);
    RUN(test_late_frames);
    RUN(test_forgotten);
    return unit_end();
}
