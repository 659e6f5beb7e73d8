#include "core/cluster/breaker.h"

#include "base/rng.h"
#include "unit.h"

static uint64_t cells[BREAKER_CELLS];
static const struct breaker_conf conf = {.threshold = 3, .recovery_ms = 60000};
enum { FAULT = 7 };

static void reset(void) {
    memset(cells, 0, sizeof cells);
}

static struct breaker_view look(double now) {
    struct breaker_view v;
    breaker_look(cells, now, &v);
    return v;
}

static struct breaker_grant ask(double now) {
    struct breaker_grant g;
    CHECK(breaker_ask(cells, now, &g));
    return g;
}

static bool asks(double now) {
    struct breaker_grant g;
    return breaker_ask(cells, now, &g);
}

static bool fail(struct breaker_grant g, double now) {
    return breaker_failed(cells, &conf, &g, FAULT, 0, now);
}

static void open_it(double now) {
    for (int i = 0; i < 3; i++)
        fail(ask(now), now);
    CHECK(look(now).state == BREAKER_OPEN);
}

static void test_opens_after_three_in_a_row(void) {
    reset();
    struct breaker_grant g = ask(1000);
    CHECK(!fail(ask(1000), 1000) && !fail(ask(1001), 1001));
    breaker_succeeded(cells, &g, true, 1002); /* a success ends the run */
    CHECK(!fail(ask(1003), 1003) && !fail(ask(1004), 1004));
    CHECK(look(1004).failures == 2 && look(1004).trouble == FAULT);
    g = ask(1005);
    breaker_succeeded(cells, &g, false, 1005); /* one that has only begun does not */
    CHECK(look(1005).failures == 2);
    CHECK(fail(ask(1006), 1006));
    CHECK(look(1006).state == BREAKER_OPEN && look(1006).until == 6006);
    CHECK(look(1006).since == 1006 && !asks(6005));
}

static void test_half_open_has_one_permit(void) {
    reset();
    open_it(1000);
    CHECK(look(6000).state == BREAKER_HALF_OPEN);
    struct breaker_grant trial = ask(6000);
    CHECK(trial.trial && look(6001).state == BREAKER_TRIAL);
    CHECK(!asks(6001) && !asks(15999));
    /* A lease: whoever lost it does not keep it. */
    struct breaker_grant second = ask(16000);
    CHECK(second.trial);
    breaker_let_go(cells, &trial, 16001); /* not its own any more */
    CHECK(!asks(16002));
    breaker_let_go(cells, &second, 16003);
    CHECK(look(16003).state == BREAKER_HALF_OPEN && !second.trial);
    trial = ask(16004);
    CHECK(breaker_succeeded(cells, &trial, true, 16005));
    CHECK(look(16005).state == BREAKER_CLOSED && look(16005).opens == 0);
    CHECK(!fail(trial, 16006) && look(16006).failures == 1); /* it may yet fail */
}

static void test_old_generations_are_not_heard(void) {
    reset();
    struct breaker_grant old = ask(1000), older = ask(1000);
    open_it(1000);
    CHECK(!breaker_succeeded(cells, &old, true, 1001));
    CHECK(look(1001).state == BREAKER_OPEN);
    struct breaker_grant trial = ask(6000);
    CHECK(!fail(older, 6001) && look(6001).state == BREAKER_TRIAL);
    breaker_succeeded(cells, &trial, true, 6002);
    CHECK(!fail(old, 6003) && look(6003).failures == 0);
}

static void test_opens_for_longer(void) {
    static const double ms[] = {5000,  10000, 20000, 25000, 25000, 25000, 25000,
                                25000, 25000, 25000, 25000, 25000, 60000, 60000};
    double now = 1000;
    reset();
    open_it(now);
    for (size_t i = 0; i < sizeof ms / sizeof *ms; i++) {
        CHECK(look(now).until == now + ms[i]);
        now += ms[i];
        struct breaker_grant trial = ask(now);
        CHECK(fail(trial, now));
    }
    now = look(now).until;
    struct breaker_grant trial = ask(now);
    breaker_succeeded(cells, &trial, true, now);
    open_it(now);
    CHECK(look(now).until == now + 5000); /* success clears */
}

static void test_jitter_shortens_by_a_fifth_at_most(void) {
    reset();
    for (int i = 0; i < 3; i++) {
        struct breaker_grant g = ask(1000);
        breaker_failed(cells, &conf, &g, FAULT, UINT32_MAX, 1000);
    }
    CHECK(look(1000).until >= 5000 && look(1000).until < 5002);
}

static void test_half_of_twenty_in_ten_seconds(void) {
    reset();
    for (int i = 0; i < 18; i++) {
        struct breaker_grant g = ask(1000 + 100 * i);
        if (i % 2 == 0)
            CHECK(!fail(g, 1000 + 100 * i));
        else
            breaker_succeeded(cells, &g, true, 1000 + 100 * i);
    }
    CHECK(!fail(ask(2900), 2900));
    CHECK(fail(ask(2950), 2950)); /* the 20th */
    reset();
    for (int i = 0; i < 11 && look(1000).state == BREAKER_CLOSED; i++) {
        struct breaker_grant g = ask(1000);
        fail(g, 1000);
        breaker_succeeded(cells, &g, true, 1000);
    }
    CHECK(look(1000).state == BREAKER_OPEN);
    reset();
    for (int i = 0; i < 200; i++) { /* two failures of three, but not 20 in 10 s */
        struct breaker_grant g = ask(1000 + 1000 * i);
        if (i % 3 == 0)
            breaker_succeeded(cells, &g, true, 1000 + 1000 * i);
        else
            CHECK(!fail(g, 1000 + 1000 * i));
    }
}

static void test_panic(void) {
    struct breaker_grant g, late;
    reset();
    open_it(1000);
    breaker_force(cells, &g);
    late = g;
    CHECK(!fail(g, 1001) && look(1001).until == 6000); /* nothing new */
    CHECK(breaker_succeeded(cells, &g, true, 1002));
    CHECK(look(1002).state == BREAKER_CLOSED);
    CHECK(!fail(late, 1003) && look(1003).failures == 0);
}

static void test_tell(void) {
    reset();
    struct breaker_grant old = ask(1000);
    CHECK(!breaker_tell(cells, &conf, false, 0, 0, 0, 1000)); /* is no news */
    CHECK(breaker_tell(cells, &conf, true, 5000, 2, FAULT, 1000));
    CHECK(look(1000).until == 5000 && look(1000).opens == 2 && look(1000).trouble == FAULT);
    CHECK(!breaker_tell(cells, &conf, true, 4000, 2, FAULT, 1000)); /* sooner: no */
    CHECK(breaker_tell(cells, &conf, true, 1e12, 2, FAULT, 1000));
    CHECK(look(1000).until == 61000); /* nobody closes us out for ever */
    CHECK(!fail(old, 1001));
    CHECK(breaker_tell(cells, &conf, false, 0, 0, 0, 1002));
    CHECK(look(1002).state == BREAKER_CLOSED);
    breaker_tell(cells, &conf, true, 5000, 2, FAULT, 1003);
    breaker_forget(cells);
    CHECK(look(1004).state == BREAKER_CLOSED && look(1004).trouble == 0);
}

int main(void) {
    RUN(test_opens_after_three_in_a_row);
    RUN(test_half_open_has_one_permit);
    RUN(test_old_generations_are_not_heard);
    RUN(test_opens_for_longer);
    RUN(test_jitter_shortens_by_a_fifth_at_most);
    RUN(test_half_of_twenty_in_ten_seconds);
    RUN(test_panic);
    RUN(test_tell);
    return unit_end();
}
