#include "native/upstream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "native/drive.h"
#include "native/hub.h"
#include "native/loop.h"
#include "native/tls.h"

enum state { RESOLVE = 1, CONNECT, SHAKE, HEAD, BODY, FAILED };

static void connect_next(struct attempt *a);
static void attempt_ready(struct conn *conn, unsigned events);

/* ------------------------------------------------------------------ life */

static struct attempt *of_timer(struct timer *t) {
    return (struct attempt *)((char *)t - offsetof(struct attempt, timer));
}

static void connect_late(struct timer *t);
static void report_local(struct later *later);
static void addresses_came(struct origin_waiter *w, int err);

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
    drive_forget(a->drive, a);
    a->dead = true;
    timer_off(&a->timer);
    loop_later_off(loop, &a->later);
    if (a->origin != NULL) {
        origin_resolve_off(a->origin, &a->waiter);
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

static void hold(struct attempt *a) {
    a->held = true;
}

static void unhold(struct attempt *a) {
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

static uint32_t sent_of(const struct attempt *a) {
    if (a->send.took == 0)
        return GW_SENT_NONE;
    return send_done(&a->send) ? GW_SENT_ALL : GW_SENT_PART;
}

static void fail(struct attempt *a, uint32_t why) {
    struct drive *drive = a->drive;
    uint32_t number = a->number, sent = sent_of(a);
    if (a->conn != NULL)
        conn_close(a->conn);
    a->conn = NULL;
    detach(a);
    drive_res_fail(drive, number, why, sent);
}

static void finish(struct attempt *a, uint32_t how) {
    struct drive *drive = a->drive;
    uint32_t number = a->number;
    bool relayed = a->relay;
    if (how == GW_CLEAN && a->keep) {
        origin_give(a->origin, a->conn);
    } else {
        conn_close(a->conn);
    }
    a->conn = NULL;
    detach(a);
    drive_res_end(drive, number, how, relayed);
}

/* The connection ended or broke. */
static void closed(struct attempt *a, bool clean) {
    if (a->state == BODY) {
        finish(a, a->framing == GW_H1_CLOSE && clean ? GW_CLEAN : GW_CUT);
    } else {
        fail(a, a->reused && !a->touched ? GW_FAIL_STALE : GW_FAIL_RESET);
    }
}

/* ------------------------------------------------------------------ sending */

/* Writes what there is until the socket is full. */
static void push(struct attempt *a) {
    struct iovec iov[BATCH_IOV];
    uint64_t took = a->send.took;
    bool full = false;
    while (!full && !a->deaf) {
        int n = send_iov(&a->send, drive_body(a->drive), iov, BATCH_IOV);
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
        drive_sent(a->drive);
}

/* The connection is there: the request may go out. */
static void begin(struct attempt *a) {
    a->state = HEAD;
    timer_off(&a->timer);
    conn_watch(a->conn, CONN_READ);
    conn_want_write(a->conn, false);
}

void upstream_more(struct attempt *a) {
    if (a->state == HEAD || a->state == BODY)
        push(a);
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
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
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
    a->state = CONNECT;
    for (; a->address < a->origin->address_n; a->address++) {
        int err = connect_one(a);
        if (err == 0)
            return;
        if (local_trouble(err))
            why = GW_FAIL_LOCAL;
    }
    fail(a, why);
}

static void shake(struct attempt *a) {
    int result = tls_shake(a->conn);
    if (result == 0)
        begin(a);
    if (result == CONN_ERROR)
        fail(a, GW_FAIL_TLS);
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
    } else if (tls_start(a->conn, a->loop->hub->tls_client, a->origin->host, &a->origin->session) !=
               0) {
        fail(a, GW_FAIL_TLS);
    } else {
        a->state = SHAKE;
        conn_want_write(a->conn, false);
        conn_watch(a->conn, CONN_READ);
        shake(a);
    }
}

static void addresses_came(struct origin_waiter *w, int err) {
    struct attempt *a = (struct attempt *)((char *)w - offsetof(struct attempt, waiter));
    hold(a);
    if (err == 0) {
        connect_next(a);
    } else {
        fail(a, GW_FAIL_DNS);
    }
    unhold(a);
}

static void connect_late(struct timer *t) {
    struct attempt *a = of_timer(t);
    struct loop *loop = a->loop;
    hold(a);
    fail(a, GW_FAIL_CONNECT_TIME);
    unhold(a);
    conn_flush(loop);
}

static void report_local(struct later *later) {
    struct attempt *a = later->owner;
    hold(a);
    if (a->state == FAILED) {
        fail(a, GW_FAIL_LOCAL);
    } else {
        connect_next(a);
    }
    unhold(a);
}

/* ------------------------------------------------------------------ receiving */

static void deliver(struct attempt *a, const char *p, size_t n) {
    if (n == 0)
        return;
    if (a->relay) {
        drive_relayed(a->drive, gw_str(p, n));
    } else {
        drive_res_body(a->drive, a->number, gw_str(p, n));
    }
}

/* Moves the payload in p[0..n) together, so that one event brings it in one piece. Returns what the
 * codec said last. */
static int unchunk(struct attempt *a, const char *p, size_t n, struct gw_str *payload,
                   size_t *used) {
    char *to = NULL;
    *payload = gw_str(p, 0);
    *used = 0;
    for (;;) {
        size_t k;
        struct gw_str data;
        int result = gw_h1_chunks_next(&a->chunks, p + *used, n - *used, &k, &data);
        *used += k;
        if (result != GW_H1_DATA)
            return result;
        if (payload->n == 0) {
            payload->p = data.p; /* the first piece stays where it is */
            to = (char *)(uintptr_t)data.p;
        } else {
            memmove(to, data.p, data.n);
        }
        to += data.n;
        payload->n += data.n;
    }
}

static void take_chunks(struct attempt *a, const char *p, size_t n) {
    struct gw_str payload;
    size_t used;
    int result = unchunk(a, p, n, &payload, &used);
    if (result == GW_H1_END && used < n)
        a->keep = false;
    deliver(a, payload.p, payload.n);
    if (a->dead || result == GW_H1_MORE)
        return;
    finish(a, result == GW_H1_END ? GW_CLEAN : GW_CUT);
}

static void take_length(struct attempt *a, const char *p, size_t n) {
    if (n > a->left) {
        n = (size_t)a->left;
        a->keep = false; /* what follows belongs to nothing that was asked */
    }
    a->left -= n;
    deliver(a, p, n);
    if (!a->dead && a->left == 0)
        finish(a, GW_CLEAN);
}

static void take_body(struct attempt *a, const char *p, size_t n) {
    switch (a->framing) {
    case GW_H1_LENGTH:
        take_length(a, p, n);
        break;
    case GW_H1_CHUNKED:
        take_chunks(a, p, n);
        break;
    case GW_H1_CLOSE:
        deliver(a, p, n);
        break;
    default:
        if (n > 0)
            a->keep = false;
        finish(a, GW_CLEAN);
    }
}

/* Keeps a head that is not whole: p[0..n) lies in the scratch memory or in a->part itself. */
static bool keep_part(struct attempt *a, const char *p, size_t n) {
    struct blocks *blocks = &a->loop->blocks;
    struct block *old = a->part;
    a->part_seen = (uint32_t)n;
    if (old == NULL || n == old->cap) {
        a->part = block_get(blocks, n < BLOCK_SMALL ? n : BLOCK_LARGE);
        if (a->part == NULL) {
            a->part = old;
            return false;
        }
        memcpy(a->part->data, p, n);
        if (old != NULL)
            block_put(blocks, old);
    } else {
        memmove(old->data, p, n);
    }
    a->part->to = (uint32_t)n;
    return true;
}

/* What an answer to HEAD says a GET would get: the core is told of the body that comes, which is
 * none, but the client is to hear it. */
static uint64_t declared(const struct attempt *a, const struct gw_h1_res *res) {
    const struct gw_header *headers = a->loop->headers;
    uint64_t n;
    if (!a->to_head)
        return 0;
    for (uint32_t i = 0; i < res->headers_n; i++) {
        if (gw_str_ieq(headers[i].name, GW_STR("content-length"))) {
            return gw_str_u64(headers[i].value, &n) ? n : 0;
        }
    }
    return 0;
}

/* The head is whole: `rest` is what came behind it. */
static void headed(struct attempt *a, const struct gw_h1_res *res, struct gw_str rest) {
    a->state = BODY;
    a->framing = (uint8_t)res->framing;
    a->left = res->framing == GW_H1_LENGTH ? res->body_len : 0;
    if (res->framing == GW_H1_CHUNKED)
        gw_h1_chunks_init(&a->chunks);
    /* a target that answers before it has the request may never read the rest of it */
    a->keep = res->keep_alive && send_done(&a->send);
    struct gw_res_head head = {res->status, a->loop->headers, res->headers_n, res->body_len};
    a->drive->declared = declared(a, res);
    drive_res_head(a->drive, a->number, &head);
    if (a->dead)
        return;
    if (rest.n > 0 || a->framing == GW_H1_NONE || (a->framing == GW_H1_LENGTH && a->left == 0)) {
        take_body(a, rest.p, rest.n);
    }
}

static void take_head(struct attempt *a, const char *p, size_t n, size_t seen) {
    struct gw_h1_res res;
    for (;;) {
        int used = gw_h1_res_read(p, n, seen, a->to_head, a->loop->headers, &res);
        if (used == GW_H1_MORE) {
            if (n > 0 && !keep_part(a, p, n))
                fail(a, GW_FAIL_LOCAL);
            return;
        }
        if (used < 0 || (res.status < 200 && ++a->interim > UPSTREAM_INTERIM_MAX)) {
            fail(a, GW_FAIL_JUNK);
            return;
        }
        p += used;
        n -= (size_t)used;
        seen = 0;
        if (res.status >= 200)
            break;
        if (a->part != NULL && n == 0)
            a->part->to = a->part_seen = 0;
    }
    struct block *part = a->part;
    a->part = NULL;
    headed(a, &res, gw_str(p, n));
    if (part == NULL)
        return;
    conn_flush(a->loop); /* the batch may point into it */
    block_put(&a->loop->blocks, part);
}

static void receive(struct attempt *a) {
    struct block *part = a->part;
    char *p = part != NULL ? part->data + part->to : a->loop->scratch;
    size_t room = part != NULL ? part->cap - part->to : LOOP_SCRATCH;
    if (a->state == BODY && drive_full(a->drive)) {
        conn_watch(a->conn, CONN_STILL);
        return;
    }
    ssize_t n = conn_read(a->conn, p, room);
    if (n == CONN_AGAIN)
        return;
    if (n <= 0) {
        closed(a, n == 0);
        return;
    }
    a->touched = true;
    if (a->state == BODY) {
        take_body(a, p, (size_t)n);
    } else if (part == NULL) {
        take_head(a, p, (size_t)n, 0);
    } else {
        take_head(a, part->data, part->to + (size_t)n, a->part_seen);
    }
}

static void attempt_ready(struct conn *conn, unsigned events) {
    struct attempt *a = conn->owner;
    hold(a);
    if (a->state == CONNECT) {
        connected(a);
    } else if (a->state == SHAKE) {
        shake(a);
    } else if ((events & CONN_LEFT) != 0) {
        closed(a, false);
    } else {
        if ((events & CONN_WRITABLE) != 0)
            push(a);
        if ((events & CONN_READABLE) != 0)
            receive(a);
    }
    unhold(a);
}

void upstream_relay(struct attempt *a) {
    a->relay = true;
}

void upstream_resume(struct attempt *a) {
    if (a->state == BODY)
        conn_watch(a->conn, CONN_READ);
}

/* ------------------------------------------------------------------ starting */

/* On a connection that others have used, at once; else on a new one. */
static void start(struct attempt *a, uint32_t connect_ms) {
    a->conn = origin_take(a->origin);
    if (a->conn != NULL) {
        a->conn->ready = attempt_ready;
        a->conn->owner = a;
        a->reused = true;
        begin(
            a); /* the drive pushes when it has told the core of the body that came with the head */
        return;
    }
    a->state = RESOLVE;
    timer_set(&a->timer, (double)uv_now(&a->loop->uv) + connect_ms);
    int result = origin_resolve(a->origin, &a->waiter);
    if (result == CONN_AGAIN)
        return;
    if (result == CONN_ERROR) {
        a->state = FAILED;
    } else {
        a->state = CONNECT;
        if (connect_one(a) == 0)
            return;
    }
    loop_later(a->loop, &a->later); /* the drive must not hear of it from here */
}

struct attempt *upstream_send(struct drive *drive, const struct gw_action *action) {
    struct loop *loop = drive->loop;
    struct attempt *a = attempt_alloc(loop);
    if (a == NULL)
        return NULL;
    a->drive = drive;
    a->number = action->attempt;
    a->to_head = gw_str_eq(action->send.method, GW_STR("HEAD"));
    if (send_init(&a->send, &loop->blocks, action) < 0 ||
        (a->origin = origin_get(loop, &action->send.target)) == NULL) {
        a->state = FAILED;
        loop_later(loop, &a->later);
        return a;
    }
    start(a, action->send.connect_ms);
    return a;
}
