#include "core/cluster/capacity.h"

#include "pools.h"
#include "unit.h"

enum { SLOT = 2 };

static void take(struct pool *p, double now) {
    struct breaker_grant grant;
    CHECK(pool_take(p, SLOT, 0, false, now, &grant));
    capacity_took(p, SLOT, now);
}

static void give(struct pool *p, double from, double now) {
    capacity_ended(p, SLOT, true, from, now);
    pool_give(p, SLOT);
}

/* One after the other: each stream of `n` that were sent at once begins when the one before has ended. */
static double serve_in_line(struct pool *p, int n, double now) {
    double sent = now;
    for (int i = 0; i < n; i++)
        take(p, sent);
    for (int i = 0; i < n; i++) {
        double from = capacity_content(p, SLOT, sent, 0, now + 50);
        CHECK(from == (i == 0 ? sent : now));
        now += 2000;
        give(p, from, now);
    }
    return now;
}

static void test_one_after_the_other(void) {
    struct pool p;
    pools_make(&p);
    double now = serve_in_line(&p, 3, 1000);
    CHECK(capacity_known(&p, SLOT) == 0 &&
          capacity_max(&p, SLOT, 0, now) == 0); /* two have waited */
    CHECK(capacity_max(&p, SLOT, 7, now) == 7);
    now = serve_in_line(&p, 2, now);
    CHECK(capacity_known(&p, SLOT) == 1 && capacity_max(&p, SLOT, 7, now) == 1);
    double ms = 1 / capacity_rate(&p, SLOT, 0);
    CHECK(ms > 1900 && ms < 2100);
}

static void test_a_look_finds_more(void) {
    struct pool p;
    pools_make(&p);
    double now = serve_in_line(&p, 5, 1000);
    take(&p, now);
    CHECK(capacity_max(&p, SLOT, 0, now) == 1);
    now += 60000;
    (void)capacity_content(&p, SLOT, now, 0, now + 50);
    CHECK(capacity_max(&p, SLOT, 0, now) == 2);
    take(&p, now); /* one more, and that is all for a while */
    CHECK(capacity_max(&p, SLOT, 0, now + 50) == 1);
    (void)capacity_content(&p, SLOT, now, 0, now + 50); /* it is served beside the other */
    CHECK(capacity_known(&p, SLOT) == 2);
    capacity_forget(&p, SLOT);
    CHECK(capacity_max(&p, SLOT, 0, now) == 0);
}

/* Long prompts, of which several are read at a time: that one begins behind the end of another is no sign
 * of a line. */
static void test_slow_reading_is_no_line(void) {
    struct pool p;
    pools_make(&p);
    p.backend[SLOT].read_long_ms = 1;
    for (int i = 0; i < 8; i++) {
        double now = 1000 + i * 20000;
        take(&p, now), take(&p, now);
        double from = capacity_content(&p, SLOT, now, 4000, now + 4000);
        give(&p, from, now + 5000);
        from = capacity_content(&p, SLOT, now + 1500, 4000, now + 5400);
        CHECK(from == now + 1500);
        give(&p, from, now + 7000);
    }
    CHECK(capacity_known(&p, SLOT) == 0);
}

/* Those that are not streamed count as served from the beginning: nothing shows otherwise. */
static void test_whole_answers_are_served(void) {
    struct pool p;
    pools_make(&p);
    for (int i = 0; i < 8; i++) {
        double now = 1000 + i * 20000;
        capacity_sent(&p, SLOT), capacity_sent(&p, SLOT);
        capacity_ended(&p, SLOT, false, now, now + 3000);
        double from = capacity_content(&p, SLOT, now, 0, now + 3050);
        capacity_ended(&p, SLOT, false, now, now + 4000);
        capacity_ended(&p, SLOT, true, from, now + 4000);
    }
    CHECK(capacity_known(&p, SLOT) == 2);
}

int main(void) {
    RUN(test_one_after_the_other);
    RUN(test_a_look_finds_more);
    RUN(test_slow_reading_is_no_line);
    RUN(test_whole_answers_are_served);
    return unit_end();
}
