#include "native/loop/timer.h"

static void arm(struct timer *t);

static void fired(uv_timer_t *uv) {
    struct timer *t = uv->data;
    t->armed = INFINITY;
    if (t->at == INFINITY)
        return;
    if ((double)uv_now(uv->loop) < t->at) {
        arm(t);
        return;
    }
    t->at = INFINITY;
    t->due(t);
}

static void arm(struct timer *t) {
    double wait_ms = ceil(t->at - (double)uv_now(t->uv.loop));
    if (wait_ms < 0)
        wait_ms = 0;
    if (wait_ms > 86400e3)
        wait_ms = 86400e3; /* fires early and arms again */
    t->armed = (double)uv_now(t->uv.loop) + wait_ms;
    uv_timer_start(&t->uv, fired, (uint64_t)wait_ms, 0);
}

void timer_init(struct timer *t, uv_loop_t *loop, timer_due due) {
    uv_timer_init(loop, &t->uv);
    t->uv.data = t;
    t->at = t->armed = INFINITY;
    t->due = due;
}

void timer_set(struct timer *t, double at_mono_ms) {
    t->at = at_mono_ms;
    if (at_mono_ms < t->armed)
        arm(t);
}

void timer_off(struct timer *t) {
    t->at = INFINITY;
}

void timer_del(struct timer *t, uv_close_cb closed) {
    t->at = INFINITY;
    uv_close((uv_handle_t *)&t->uv, closed);
}
