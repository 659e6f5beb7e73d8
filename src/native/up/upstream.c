#include "native/up/upstream.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "native/loop/loop.h"
#include "native/net/tls.h"
#include "native/net/upstream_tls.h"
#include "native/up/upstream_parts.h"

static void connect_next(struct attempt *a);
static void start(struct attempt *a);
static void attempt_ready(struct conn *conn, unsigned events);

/* ------------------------------------------------------------------ life */

static struct attempt *of_timer(struct timer *t) {
    return (struct attempt *)((char *)t - offsetof(struct attempt, timer));
}

static void connect_late(struct timer *t);
static void report_local(struct later *later);
static void addresses_came(struct origin_waiter *w, int err);
static void lead_over(struct attempt *a);

static struct attempt *attempt_alloc(struct loop *loop) {
    struct attempt *a = loop->attempts_free;
    if (a != NULL) {
        loop->attempts_free = a->next;
    } else {
        a = malloc(sizeof *a);
        if (a == NULL)
            return NULL;
        timer_init(&a->timer, &loop->uv, connect_late);
    }
    memset(a, 0, offsetof(struct attempt, send)); /* the timer lives on */
    a->loop = loop;
    a->later = (struct later){.run = report_local, .owner = a};
    a->waiter.done = addresses_came;
    return a;
}

static void attempt_free(struct attempt *a) {
    a->next = a->loop->attempts_free;
    a->loop->attempts_free = a;
}

/* Takes the attempt out of everything but its connection. The memory stays while it is held. */
static void detach(struct attempt *a) {
    struct loop *loop = a->loop;
    a->owner->ops->forget(a->owner, a);
    a->dead = true;
    timer_off(&a->timer);
    loop_later_off(loop, &a->later);
    if (a->h2.session != NULL)
        h2_up_leave(a);
    if (a->origin != NULL) {
        origin_resolve_off(a->origin, &a->waiter);
        origin_queue_off(a->origin, &a->waiter);
        lead_over(a);
        origin_release(a->origin);
    }
    send_del(&a->send, &loop->blocks);
    if (a->part != NULL) {
        conn_flush(loop); /* the batch may point into it */
        block_put(&loop->blocks, a->part);
        a->part = NULL;
    }
    if (!a->held)
        attempt_free(a);
}

void upstream_hold(struct attempt *a) {
    a->held = true;
}

void upstream_unhold(struct attempt *a) {
    a->held = false;
    if (a->dead)
        attempt_free(a);
}

void upstream_drop(struct attempt *a) {
    if (a->conn != NULL)
        conn_close(a->conn);
    a->conn = NULL;
    detach(a);
}

void upstream_del_free(struct loop *loop) {
    while (loop->attempts_free != NULL) {
        struct attempt *a = loop->attempts_free;
        loop->attempts_free = a->next;
        free(a);
    }
}

/* ------------------------------------------------------------------ how it ends */

/* Of a stream that the target has not begun with only the body counts: what was freed of it. */
static uint32_t sent_of(const struct attempt *a, uint32_t why) {
    bool headed = a->h2.session != NULL && a->h2.out && why != GW_FAIL_UNTAKEN;
    if (a->send.took == 0 && !headed)
        return GW_SENT_NONE;
    return send_done(&a->send) ? GW_SENT_ALL : GW_SENT_PART;
}

void upstream_fail(struct attempt *a, uint32_t why) {
    struct attempt_owner *owner = a->owner;
    uint32_t number = a->number, sent = sent_of(a, why);
    if (a->conn != NULL)
        conn_close(a->conn);
    a->conn = NULL;
    detach(a);
    owner->ops->fail(owner, number, why, sent);
}

void upstream_finish(struct attempt *a, uint32_t how) {
    struct attempt_owner *owner = a->owner;
    uint32_t number = a->number;
    bool relayed = a->relay;
    if (how == GW_CLEAN && a->keep) {
        origin_give(a->origin, a->conn);
    } else if (a->conn != NULL) {
        conn_close(a->conn);
    }
    a->conn = NULL;
    detach(a);
    owner->ops->end(owner, number, how, relayed);
}

/* The connection ended or broke. */
void upstream_closed(struct attempt *a, bool clean) {
    if (a->state == UPSTREAM_BODY) {
        upstream_finish(a, a->framing == GW_H1_CLOSE && clean ? GW_CLEAN : GW_CUT);
    } else {
        bool stale = a->reused && !a->touched;
        if (stale)
            origin_close_idle(a->origin);
        upstream_fail(a, stale ? GW_FAIL_STALE : GW_FAIL_RESET);
    }
}

/* ------------------------------------------------------------------ sending */

/* Writes what there is until the socket is full. */
static void push(struct attempt *a) {
    struct iovec iov[BATCH_IOV];
    uint64_t took = a->send.took;
    bool full = false;
    while (!full && !a->deaf && !send_done(&a->send)) {
        int n = send_iov(&a->send, &a->owner->body, iov, BATCH_IOV);
        if (n == 0)
            break;
        size_t want = 0;
        for (int i = 0; i < n; i++)
            want += iov[i].iov_len;
        ssize_t sent = conn_send(a->conn, iov, n);
        if (sent < 0) {
            /* its answer may have come before it closed: reading will tell (TLS cannot) */
            a->deaf = true;
            if (a->conn->tls != NULL)
                conn_fail(a->conn);
            break;
        }
        send_took(&a->send, (size_t)sent);
        full = (size_t)sent < want;
    }
    conn_want_write(a->conn, full);
    if (send_done(&a->send))
        send_del(&a->send, &a->loop->blocks);
    if (a->send.took != took)
        a->owner->ops->sent(a->owner);
}

/* The connection is there: the request may go out. */
static void begin(struct attempt *a) {
    a->state = UPSTREAM_HEAD;
    timer_off(&a->timer);
    conn_watch(a->conn, CONN_READ);
    conn_want_write(a->conn, false);
}

void upstream_more(struct attempt *a) {
    bool open = a->state == UPSTREAM_HEAD || a->state == UPSTREAM_BODY;
    if (!open || send_done(&a->send))
        return;
    if (a->h2.session != NULL) {
        h2_up_more(a);
    } else {
        push(a);
    }
}

/* ------------------------------------------------------------------ connecting */

static bool local_trouble(int err) {
    return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM ||
           err == EADDRNOTAVAIL;
}

/* Starts a connection to the address a->address: 0, or an errno. */
static int connect_one(struct attempt *a) {
    const struct sockaddr_storage *to = &a->origin->address[a->address];
    socklen_t n =
        to->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    int fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    conn_tune(fd);
    if (connect(fd, (const struct sockaddr *)to, n) != 0 && errno != EINPROGRESS) {
        int err = errno;
        close(fd);
        return err;
    }
    a->conn = conn_new(a->loop, fd, attempt_ready, a);
    if (a->conn == NULL)
        return ENOMEM;
    conn_want_write(a->conn, true);
    return 0;
}

/* Tries addresses from a->address on until one can be waited for. */
static void connect_next(struct attempt *a) {
    uint32_t why = GW_FAIL_REFUSED;
    a->state = UPSTREAM_CONNECT;
    for (; a->address < a->origin->address_n; a->address++) {
        int err = connect_one(a);
        if (err == 0)
            return;
        if (local_trouble(err))
            why = GW_FAIL_LOCAL;
    }
    upstream_fail(a, why);
}

/* Whether HTTP/2 may be spoken to the attempt's origin. */
static bool offers_h2(const struct attempt *a) {
    return a->origin->tls && a->loop->limits.upstream_http2 != 0;
}

/* It leads no more: the others may look for themselves. */
static void lead_over(struct attempt *a) {
    if (a->origin->leader != a)
        return;
    a->origin->leader = NULL;
    origin_turn(a->origin);
}

/* In a stream of a session that the origin has: 0, CONN_AGAIN or CONN_ERROR as h2_up_join. */
static int begin_stream(struct attempt *a) {
    int result = h2_up_join(a);
    if (result != 0)
        return result;
    a->state = UPSTREAM_HEAD;
    timer_off(&a->timer);
    return 0;
}

/* The handshake chose HTTP/2: the connection becomes a session, and the attempt its first stream. */
static void begin_session(struct attempt *a) {
    a->origin->speaks = ORIGIN_H2;
    if (!h2_up_start(a->origin, a->conn)) {
        upstream_fail(a, GW_FAIL_LOCAL);
        return;
    }
    a->conn = NULL;
    if (begin_stream(a) != 0) {
        upstream_fail(a, GW_FAIL_LOCAL);
        return;
    }
    lead_over(a);
}

static void shaken(struct attempt *a) {
    if (tls_is_h2(a->conn)) {
        begin_session(a);
        return;
    }
    a->origin->speaks = ORIGIN_H1;
    lead_over(a);
    begin(a);
    push(a);
}

static void shake(struct attempt *a) {
    int result = tls_shake(a->conn);
    if (result == 0)
        shaken(a);
    if (result == CONN_ERROR)
        upstream_fail(a, GW_FAIL_TLS);
}

static bool start_tls(struct attempt *a) {
    const char *name;
    SSL_CTX *ctx = upstream_tls_for(a->origin->upstream_tls, a->origin->host, &name);
    return tls_start(a->conn, ctx, name, offers_h2(a), &a->origin->session) == 0;
}

static void connected(struct attempt *a) {
    int err = 0;
    socklen_t n = sizeof err;
    (void)getsockopt(a->conn->fd, SOL_SOCKET, SO_ERROR, &err, &n);
    if (err != 0) {
        conn_close(a->conn);
        a->conn = NULL;
        a->address++;
        connect_next(a);
    } else if (!a->origin->tls) {
        begin(a);
        push(a);
    } else if (!start_tls(a)) {
        upstream_fail(a, GW_FAIL_TLS);
    } else {
        a->state = UPSTREAM_SHAKE;
        conn_want_write(a->conn, false);
        conn_watch(a->conn, CONN_READ);
        shake(a);
    }
}

static void addresses_came(struct origin_waiter *w, int err) {
    struct attempt *a = (struct attempt *)((char *)w - offsetof(struct attempt, waiter));
    if (a->state == UPSTREAM_TURN) {
        loop_later(a->loop, &a->later);
        return;
    }
    upstream_hold(a);
    if (err == 0) {
        connect_next(a);
    } else {
        upstream_fail(a, GW_FAIL_DNS);
    }
    upstream_unhold(a);
}

static void connect_late(struct timer *t) {
    struct attempt *a = of_timer(t);
    struct loop *loop = a->loop;
    upstream_hold(a);
    bool starting;
    bool full = a->state == UPSTREAM_TURN && h2_up_n(a->origin, &starting) > 0;
    upstream_fail(a, full ? GW_FAIL_UNTAKEN : GW_FAIL_CONNECT_TIME);
    upstream_unhold(a);
    conn_flush(loop);
}

static void report_local(struct later *later) {
    struct attempt *a = later->owner;
    upstream_hold(a);
    if (a->state == UPSTREAM_TURN) {
        start(a);
        upstream_more(a); /* the drive has said all that it has to say */
    } else if (a->state == UPSTREAM_FAILED) {
        upstream_fail(a, a->untaken ? GW_FAIL_UNTAKEN : GW_FAIL_LOCAL);
    } else {
        connect_next(a);
    }
    upstream_unhold(a);
}

/* ------------------------------------------------------------------ events */

static void attempt_ready(struct conn *conn, unsigned events) {
    struct attempt *a = conn->owner;
    upstream_hold(a);
    if (a->state == UPSTREAM_CONNECT) {
        connected(a);
    } else if (a->state == UPSTREAM_SHAKE) {
        shake(a);
    } else if ((events & CONN_LEFT) != 0) {
        upstream_closed(a, false);
    } else {
        if ((events & CONN_WRITABLE) != 0)
            push(a);
        if ((events & CONN_READABLE) != 0)
            upstream_receive(a);
    }
    upstream_unhold(a);
}

void upstream_relay(struct attempt *a, uint64_t show) {
    a->relay = true;
    a->show = show;
}

void upstream_resume(struct attempt *a) {
    if (a->state != UPSTREAM_BODY)
        return;
    if (a->h2.session != NULL) {
        h2_up_resume(a);
    } else {
        conn_watch(a->conn, CONN_READ);
    }
}

/* ------------------------------------------------------------------ starting */

/* On a connection that others have used. */
static bool start_reused(struct attempt *a) {
    a->conn = origin_take(a->origin);
    if (a->conn == NULL)
        return false;
    a->conn->ready = attempt_ready;
    a->conn->owner = a;
    a->reused = true;
    /* the drive pushes when it has told the core of the body that came with the head */
    begin(a);
    return true;
}

/* Makes it the one that connects; false if it is to wait for another, or for room. */
static bool lead(struct attempt *a) {
    struct origin *origin = a->origin;
    if (!offers_h2(a) || origin->speaks == ORIGIN_H1)
        return true;
    bool starting;
    if (h2_up_n(origin, &starting) >= H2_UP_SESSIONS || starting || origin->leader != NULL)
        return false;
    origin->leader = a;
    return true;
}

static void start_new(struct attempt *a) {
    a->state = UPSTREAM_RESOLVE;
    int result = origin_resolve(a->origin, &a->waiter);
    if (result == CONN_AGAIN)
        return;
    if (result == CONN_ERROR) {
        a->state = UPSTREAM_FAILED;
    } else {
        a->state = UPSTREAM_CONNECT;
        if (connect_one(a) == 0)
            return;
    }
    loop_later(a->loop, &a->later); /* the drive must not hear of it from here */
}

static void start(struct attempt *a) {
    int result = offers_h2(a) ? begin_stream(a) : CONN_AGAIN;
    a->untaken = result == CONN_AGAIN && h2_up_none_taken(a->origin);
    if (result == CONN_ERROR || a->untaken) {
        a->state = UPSTREAM_FAILED;
        loop_later(a->loop, &a->later);
    } else if (result == CONN_AGAIN && !start_reused(a)) {
        timer_set(&a->timer, a->connect_by);
        if (lead(a)) {
            start_new(a);
        } else {
            a->state = UPSTREAM_TURN;
            origin_queue(a->origin, &a->waiter);
        }
    }
}

struct attempt *upstream_send(struct attempt_owner *owner, const struct gw_action *action) {
    struct loop *loop = owner->loop;
    struct attempt *a = attempt_alloc(loop);
    if (a == NULL)
        return NULL;
    a->owner = owner;
    a->number = action->attempt;
    a->to_head = gw_str_eq(action->send.method, GW_STR("HEAD"));
    if (send_init(&a->send, &loop->blocks, action) < 0 ||
        (a->origin = origin_get(loop, &action->send.target)) == NULL) {
        a->state = UPSTREAM_FAILED;
        loop_later(loop, &a->later);
        return a;
    }
    a->connect_by = (double)uv_now(&loop->uv) + action->send.connect_ms;
    start(a);
    return a;
}
