/*
 * Deadlines that cost a comparison to move.
 *
 * A timer has one deadline, `at`, in monotonic milliseconds. Moving it later touches nothing: the
 * event loop's timer fires at the old time, sees that the deadline has moved, and arms itself
 * again. Only moving it before the armed time costs a timer operation. So a connection that serves
 * ten thousand requests a second re-arms a timer every few seconds.
 */
#ifndef NATIVE_LOOP_TIMER_H
#define NATIVE_LOOP_TIMER_H

#include <math.h>
#include <uv.h>

struct timer;
typedef void (*timer_due)(struct timer *);

struct timer {
    double at;    /* INFINITY: off */
    double armed; /* when the event loop's timer fires; INFINITY: it does not run */
    timer_due due;
    uv_timer_t uv;
};

/* Off. Initialised once for the life of the object that holds it; see timer_del. */
void timer_init(struct timer *t, uv_loop_t *loop, timer_due due);
void timer_set(struct timer *t, double at_mono_ms);
void timer_off(struct timer *t);
/* Lets go of the event loop. `closed` (may be NULL) is called when the memory may be freed. */
void timer_del(struct timer *t, uv_close_cb closed);

#endif
