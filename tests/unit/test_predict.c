#include "core/cluster/predict.h"

#include "unit.h"

enum { LIMIT = 3000 };

static void note(struct predict *p, double ms, int times) {
    for (int i = 0; i < times; i++)
        predict_note(p, ms, LIMIT);
}

static void test_slow_and_quick_again(void) {
    struct predict p = {.n = 0};
    note(&p, 9000, 4);
    CHECK(!p.slow && predict_mean(&p) == 0); /* too few to say */
    note(&p, 9000, 1);
    CHECK(p.slow && predict_mean(&p) == 9000);
    note(&p, 2700, 10); /* below the limit, not below four fifths of it */
    CHECK(p.slow && predict_mean(&p) == 2700);
    note(&p, 1000, 2);
    CHECK(!p.slow && predict_mean(&p) < 2400);
    note(&p, 2900, 20);
    CHECK(!p.slow);
    note(&p, 3100, 10);
    CHECK(p.slow);
}

static void test_one_in_ten_still_asks(void) {
    struct predict p = {.n = 0};
    int avoided = 0;
    CHECK(!predict_avoids(&p));
    note(&p, 5000, 5);
    for (int i = 0; i < 100; i++)
        avoided += predict_avoids(&p);
    CHECK_EQ_U64(avoided, 90);
}

static void test_off(void) {
    struct predict p = {.n = 0};
    for (int i = 0; i < 20; i++)
        predict_note(&p, 60000, 0);
    CHECK(!p.slow);
}

int main(void) {
    RUN(test_slow_and_quick_again);
    RUN(test_one_in_ten_still_asks);
    RUN(test_off);
    return unit_end();
}
