#include "native/drive/drive.h"

#include <stdlib.h>

#include "native/drive/asks.h"
#include "native/drive/drive_parts.h"
#include "native/drive/reply.h"
#include "native/loop/loop.h"
#include "native/up/upstream.h"

enum { FULL_AGAIN_MS = 1000 }; /* how often a client that does not read is looked at again */

static void settle(struct drive *d);
static void due(struct timer *timer);
static const struct attempt_ops ops;

/* ------------------------------------------------------------------ life */

static struct drive *drive_new(struct loop *loop, struct front *front) {
    struct drive *d = loop->drives_free;
    if (d != NULL) {
        loop->drives_free = d->next;
    } else {
        d = malloc(sizeof *d);
        if (d == NULL)
            return NULL;
        timer_init(&d->timer, &loop->uv, due);
    }
    memset(d, 0, offsetof(struct drive, timer)); /* the timer lives on */
    d->up.loop = loop;
    d->up.ops = &ops;
    d->front = front;
    d->next = loop->drives;
    if (d->next != NULL)
        d->next->prev = d;
    loop->drives = d;
    loop->drives_n++;
    return d;
}

static void drive_free(struct drive *d) {
    struct loop *loop = d->up.loop;
    while (d->up.attempts != NULL)
        upstream_drop(d->up.attempts);
    asks_leave(d);
    body_del(&d->up.body, &loop->blocks);
    timer_off(&d->timer);
    if (d->next != NULL)
        d->next->prev = d->prev;
    if (d->prev != NULL) {
        d->prev->next = d->next;
    } else {
        loop->drives = d->next;
    }
    loop->drives_n--;
    d->next = loop->drives_free;
    loop->drives_free = d;
}

void drive_del_free(struct loop *loop) {
    asks_del_forsaken(loop);
    while (loop->drives_free != NULL) {
        struct drive *d = loop->drives_free;
        loop->drives_free = d->next;
        free(d);
    }
}

struct attempt *drive_find(const struct drive *d, uint32_t number) {
    struct attempt *a = d->up.attempts;
    while (a != NULL && a->number != number)
        a = a->next;
    return a;
}

/* Tells the front that it is over and is gone: nothing touches the drive afterwards. */
static void leave(struct drive *d, uint32_t code) {
    struct front *front = d->front;
    drive_free(d);
    if (front == NULL)
        return;
    front->drive = NULL;
    front->ops->end(front, code);
}

/* ------------------------------------------------------------------ the request body */

/* The lowest offset that somebody may still have to send. */
static uint64_t needed(const struct drive *d) {
    uint64_t low = UINT64_MAX;
    for (const struct attempt *a = d->up.attempts; a != NULL; a = a->next) {
        uint64_t needs = send_needs(&a->send);
        if (needs < low)
            low = needs;
    }
    return low;
}

/* A call that waits for its target still needs all of the body, whatever the core will not hold for a
 * second attempt. */
static bool waits(const struct drive *d) {
    return d->call != NULL && d->up.attempts == NULL;
}

void drive_release(struct drive *d) {
    uint64_t low = waits(d) ? 0 : needed(d);
    if (d->forget < low)
        low = d->forget;
    if (d->up.body.told < low)
        low = d->up.body.told;
    if (low > 0)
        body_free(&d->up.body, &d->up.loop->blocks, low);
}

void drive_tighten(struct drive *d) {
    if (needed(d) != UINT64_MAX)
        return;
    d->tight = true;
    body_tighten(&d->up.body, &d->up.loop->blocks);
}

bool drive_wants(const struct drive *d) {
    const struct body *b = &d->up.body;
    if (b->fin)
        return false;
    if (d->upto != GW_REST)
        return b->arrived < d->upto;
    uint64_t low = waits(d) ? 0 : needed(d);
    if (low == UINT64_MAX)
        low = d->forget < b->told ? d->forget : b->told;
    return b->arrived < low + DRIVE_AHEAD;
}

bool drive_paces(const struct drive *d) {
    return d->call == NULL && drive_wants(d);
}

/* Feeds the next piece of what has arrived and may be told; false if there is none. */
static bool tell_body(struct drive *d) {
    struct body *b = &d->up.body;
    uint64_t end = b->arrived < d->upto ? b->arrived : d->upto;
    if (d->upto == 0 || b->fin_told || (end == b->told && !(b->fin && end == b->arrived))) {
        return false;
    }
    struct gw_event e = {.kind = GW_REQ_BODY, .req_body = {.off = b->told, .len = end - b->told}};
    if (b->told < d->show && e.req_body.len > 0) {
        e.req_body.bytes = body_at(b, b->told, e.req_body.len);
        e.req_body.len = e.req_body.bytes.n;
    }
    b->told += e.req_body.len;
    e.req_body.fin = b->fin_told = b->fin && b->told == b->arrived;
    d->broken |= gw_feed(d->call, &e, loop_time(d->up.loop)) < 0;
    return true;
}

static void push_all(struct drive *d) {
    struct attempt *next;
    for (struct attempt *a = d->up.attempts; a != NULL; a = next) {
        next = a->next;
        upstream_more(a);
    }
}

static void pump(struct drive *d) {
    struct gw_action a;
    while (!d->broken) {
        (void)gw_poll(d->call, &a);
        if (!drive_act(d, &a))
            return;
    }
}

/* ------------------------------------------------------------------ settling */

/* An event or an action failed: 503 if that can still be said, else the answer is cut. */
static void give_up(struct drive *d) {
    d->over = true;
    d->code = 1;
    if (d->headed || d->front == NULL)
        return;
    d->code = reply_error(d->up.loop, d->front, 503, OUT_OF_MEMORY, "overloaded");
}

/* END: what was relayed without a report goes on by itself, everything else is over. */
static void finish(struct drive *d) {
    gw_close(d->call, loop_time(d->up.loop));
    d->call = NULL;
    if (d->front != NULL && !d->headed)
        d->code = 1;
    struct attempt *relay = d->relay != 0 ? drive_find(d, d->relay) : NULL;
    if (d->code != 0 || relay == NULL || d->front == NULL) {
        leave(d, d->code);
        return;
    }
    struct attempt *next;
    for (struct attempt *a = d->up.attempts; a != NULL; a = next) {
        next = a->next;
        if (a != relay)
            upstream_drop(a);
    }
    /* no replay any more: what is still coming of the request goes straight through */
    d->upto = d->forget = GW_REST;
    drive_release(d);
    timer_set(&d->timer, d->relay_at);
    push_all(d);
}

/* After an event: polls, tells what has arrived, sends what may be sent. */
static void run(struct drive *d) {
    pump(d);
    while (!d->over && !d->broken && tell_body(d))
        pump(d);
    if (d->broken)
        give_up(d);
    if (d->over) {
        finish(d);
    } else {
        push_all(d);
    }
}

/* The same, and then for the calls that this one has woken. */
static void settle(struct drive *d) {
    struct loop *loop = d->up.loop;
    struct gw *gw = loop->gw;
    struct gw_call *woken;
    run(d);
    while ((woken = gw_ready(gw)) != NULL)
        run(gw_user(woken));
    if (gw_has_news(gw))
        loop->ops->news(loop);
}

static void feed(struct drive *d, const struct gw_event *e) {
    if (d->call == NULL)
        return;
    d->broken |= gw_feed(d->call, e, loop_time(d->up.loop)) < 0;
    settle(d);
}

/* ------------------------------------------------------------------ beginnings */

struct drive *drive_open(struct loop *loop, struct front *front) {
    front->drive = drive_new(loop, front);
    return front->drive;
}

void drive_start(struct drive *d, const struct gw_req_head *head, bool fin) {
    struct loop *loop = d->up.loop;
    d->call = gw_open(loop->gw, loop_time(loop));
    if (d->call == NULL) {
        leave(d, reply_error(loop, d->front, 503, OUT_OF_MEMORY, "overloaded"));
        return;
    }
    gw_set_user(d->call, d);
    d->up.body.fin = fin;
    d->up.body.fin_told = head->body_len == 0;
    feed(d, &(struct gw_event){.kind = GW_REQ_HEAD, .req_head = *head});
}

/* A call that no client asked for. */
static bool start_task(struct loop *loop, struct gw_call *call) {
    struct drive *d = drive_new(loop, NULL);
    if (d == NULL) {
        gw_close(call, loop_time(loop));
        return false;
    }
    d->call = call;
    gw_set_user(call, d);
    d->up.body.fin = d->up.body.fin_told = true;
    settle(d);
    return true;
}

void drive_probes(struct loop *loop) {
    struct gw_call *call;
    uint32_t at = 0;
    while ((call = gw_probe(loop->gw, &at, loop_time(loop))) != NULL && start_task(loop, call))
        ;
}

void drive_tasks(struct loop *loop) {
    enum { AT_ONCE = 64 };
    double next_ms = 1000;
    for (int i = 0; i < AT_ONCE; i++) {
        struct gw_call *call = gw_task(loop->gw, loop_time(loop), &next_ms);
        if (call == NULL || !start_task(loop, call))
            break;
    }
    timer_set(&loop->tasks, loop_mono_ms() + next_ms);
}

/* ------------------------------------------------------------------ from the front */

void drive_body_came(struct drive *d) {
    if (d->call != NULL) {
        if (tell_body(d))
            settle(d);
        return;
    }
    /* relaying: nobody is to be told, but the target is to get it */
    d->up.body.told = d->up.body.arrived;
    d->up.body.fin_told = d->up.body.fin;
    push_all(d);
}

void drive_drained(struct drive *d) {
    for (struct attempt *a = d->up.attempts; a != NULL; a = a->next)
        upstream_resume(a);
}

void drive_gone(struct drive *d) {
    d->front->drive = NULL;
    d->front = NULL;
    if (d->call == NULL) {
        leave(d, 1);
    } else {
        feed(d, &(struct gw_event){.kind = GW_GONE});
    }
}

/* ------------------------------------------------------------------ from attempts */

static struct drive *of_owner(const struct attempt_owner *up) {
    return (struct drive *)((const char *)up - offsetof(struct drive, up));
}

static void on_head(struct attempt_owner *up, uint32_t attempt, const struct gw_res_head *head) {
    struct drive *d = of_owner(up);
    feed(d, &(struct gw_event){.kind = GW_RES_HEAD, .attempt = attempt, .res_head = *head});
}

static void on_body(struct attempt_owner *up, uint32_t attempt, struct gw_str bytes) {
    struct drive *d = of_owner(up);
    d->chunk = bytes;
    feed(d, &(struct gw_event){.kind = GW_RES_BODY, .attempt = attempt, .res_body = bytes});
}

static void on_end(struct attempt_owner *up, uint32_t attempt, uint32_t how, bool relayed) {
    struct drive *d = of_owner(up);
    if (relayed && d->call == NULL) {
        leave(d, how);
        return;
    }
    if (relayed)
        d->relay = 0;
    feed(d, &(struct gw_event){.kind = GW_RES_END, .attempt = attempt, .res_end = {how}});
}

static void on_fail(struct attempt_owner *up, uint32_t attempt, uint32_t fail, uint32_t sent) {
    struct drive *d = of_owner(up);
    feed(d, &(struct gw_event){.kind = GW_RES_FAIL, .attempt = attempt, .res_fail = {fail, sent}});
}

static void on_relayed(struct attempt_owner *up, struct gw_str bytes) {
    struct drive *d = of_owner(up);
    struct front_piece piece = {.bytes = bytes};
    if (d->front != NULL)
        d->front->ops->data(d->front, &piece, 1);
}

static void on_sent(struct attempt_owner *up) {
    struct drive *d = of_owner(up);
    if (d->up.body.first == NULL && d->up.body.fin)
        return;
    drive_release(d);
    if (d->front != NULL)
        d->front->ops->wanted(d->front);
}

static void on_expect(const struct attempt_owner *up) {
    const struct drive *d = of_owner(up);
    if (d->call != NULL)
        gw_expect(d->call);
}

static bool on_full(const struct attempt_owner *up) {
    const struct drive *d = of_owner(up);
    return d->front != NULL && d->front->ops->full(d->front);
}

static void on_forget(struct attempt_owner *up, struct attempt *a) {
    struct attempt **p = &up->attempts;
    while (*p != a)
        p = &(*p)->next;
    *p = a->next;
}

static void name_near(const struct attempt_owner *up, const void *near[CONN_NEAR - 2]) {
    const struct drive *d = of_owner(up);
    near[0] = d;
    near[1] = &d->chunk;
    near[2] = d->front;
    near[3] = d->front != NULL ? d->front->near : NULL;
}

static const struct attempt_ops ops = {
    .head = on_head,
    .body = on_body,
    .end = on_end,
    .fail = on_fail,
    .relayed = on_relayed,
    .sent = on_sent,
    .forget = on_forget,
    .expect = on_expect,
    .full = on_full,
    .name_near = name_near,
};

void drive_answered(struct drive *d, const struct gw_answer *answer) {
    feed(d, &(struct gw_event){.kind = GW_ANSWER, .answer = *answer});
}

/* ------------------------------------------------------------------ time */

/* A relay that takes too long ends as one that was cut. */
static void relay_late(struct drive *d) {
    uint32_t number = d->relay;
    struct attempt *a = drive_find(d, number);
    if (a != NULL)
        upstream_drop(a);
    on_end(&d->up, number, GW_CUT, true);
}

static void due(struct timer *timer) {
    struct drive *d = (struct drive *)((char *)timer - offsetof(struct drive, timer));
    struct loop *loop = d->up.loop;
    if (d->relay != 0 && loop_mono_ms() >= d->relay_at) {
        relay_late(d);
    } else if (on_full(&d->up)) {
        /* It is the client that does not take its answer, not the node that is silent: the client
         * has a deadline of its own (client_write_ms). */
        timer_set(&d->timer, loop_mono_ms() + FULL_AGAIN_MS);
    } else {
        asks_tick(d, loop_mono_ms());
        uint32_t body = drive_wants(d) ? GW_AWAITED : GW_HELD_BACK;
        feed(d, &(struct gw_event){.kind = GW_TICK, .tick = {body}});
    }
    conn_flush(loop);
}

static void stop(struct drive *d) {
    if (d->call != NULL)
        gw_close(d->call, loop_time(d->up.loop));
    d->call = NULL;
    leave(d, 1);
}

void drive_stop_tasks(struct loop *loop) {
    struct drive *next;
    for (struct drive *d = loop->drives; d != NULL; d = next) {
        next = d->next;
        if (d->front == NULL)
            stop(d);
    }
}

void drive_stop_all(struct loop *loop) {
    while (loop->drives != NULL)
        stop(loop->drives);
}
