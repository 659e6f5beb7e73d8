#include "native/process/drain.h"

#include "native/drive/drive.h"
#include "native/front/client.h"
#include "native/front/listen.h"
#include "native/loop/loop.h"
#include "native/up/origin.h"

/* Looks after each turn whether anything is left. */
static void look_whether_over(uv_check_t *check) {
    struct loop *loop = check->data;
    if (loop->clients_n == 0 && loop->drives_n == 0)
        uv_stop(&loop->uv);
}

static void late(struct timer *timer) {
    struct loop *loop = timer->uv.loop->data;
    client_stop_all(loop);
    drive_stop_all(loop);
}

void drain_init(struct loop *loop) {
    timer_init(&loop->drain, &loop->uv, late);
    uv_check_init(&loop->uv, &loop->over);
    loop->over.data = loop;
}

void drain_begin(struct loop *loop, bool leave) {
    double now = (double)uv_now(&loop->uv);
    if (!loop->draining) {
        loop->draining = true;
        uv_check_start(&loop->over, look_whether_over);
        timer_off(&loop->tasks);
        listen_stop(loop, !leave);
        drive_stop_tasks(loop);
        origins_close_idle(loop);
        timer_set(&loop->drain, now + loop->limits.drain_ms);
    }
    loop->leaving = leave;
    client_drain(loop, leave);
}
