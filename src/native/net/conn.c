#include "native/net/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "native/loop/loop.h"
#include "native/net/tls.h"

static void polled(uv_poll_t *poll, int status, int events);

/* The hang-up is asked for as well: by edges an end that came with data would not be told again. */
enum { READING = UV_READABLE | UV_DISCONNECT };

/* ------------------------------------------------------------------ watching */

/* Asks the kernel itself, for libuv has no word for it; its own next change sets levels again. */
static void set_edge(struct conn *conn, bool edge) {
    struct epoll_event how = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = conn->fd};
    if (edge)
        how.events |= EPOLLET;
    int failed = epoll_ctl(uv_backend_fd(&conn->loop->uv), EPOLL_CTL_MOD, conn->fd, &how);
    conn->edge = edge && failed == 0;
    conn->calm = 0;
}

/* An event has been handled. */
static void choose_edge(struct conn *conn, int events) {
    bool calm = conn->drained && conn->armed == READING && conn->tls == NULL &&
                (events & UV_DISCONNECT) == 0;
    if (!calm) {
        conn->calm = 0;
        if (conn->edge)
            set_edge(conn, false);
    } else if (!conn->edge && ++conn->calm == CONN_CALM) {
        set_edge(conn, true);
    }
}

static void rearm(struct conn *conn) {
    int events = 0;
    if (conn->watch == CONN_READ)
        events |= READING;
    if (conn->watch == CONN_WAIT)
        events |= UV_DISCONNECT;
    if (conn->want_write || conn->tls_write || conn->queued > 0)
        events |= UV_WRITABLE;
    if (events == conn->armed)
        return;
    conn->armed = events;
    conn->edge = false;
    conn->calm = 0;
    if (events != 0) {
        uv_poll_start(&conn->poll, events, polled);
    } else {
        uv_poll_stop(&conn->poll);
    }
}

void conn_watch(struct conn *conn, uint8_t watch) {
    if (conn->watch == watch || conn->fd < 0)
        return;
    conn->watch = watch;
    rearm(conn);
    /* what TLS has decrypted already, no event will announce */
    if (watch == CONN_READ && conn->tls != NULL && tls_pending(conn)) {
        loop_later(conn->loop, &conn->later);
    }
}

void conn_want_write(struct conn *conn, bool on) {
    if (conn->want_write == on || conn->fd < 0)
        return;
    conn->want_write = on;
    rearm(conn);
}

/* ------------------------------------------------------------------ life */

void conn_tune(int fd) {
    int on = 1, unsent = CONN_UNSENT, window = CONN_WINDOW;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, &window, sizeof window);
}

void conn_ack(struct conn *conn) {
    int on = 1;
    if (conn->fd >= 0)
        (void)setsockopt(conn->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

static void run_later(struct later *later) {
    struct conn *conn = later->owner;
    if (conn->fd < 0)
        return;
    if (conn->broken) {
        conn->ready(conn, CONN_LEFT);
    } else if (conn->watch == CONN_READ) {
        conn->ready(conn, CONN_READABLE);
        if (conn->fd >= 0 && conn->watch == CONN_READ && conn->tls != NULL && tls_pending(conn)) {
            loop_later(conn->loop, &conn->later);
        }
    }
}

static struct conn *conn_alloc(struct loop *loop) {
    struct conn *conn = loop->conns_free;
    if (conn != NULL) {
        loop->conns_free = conn->next;
        return conn;
    }
    conn = calloc(1, sizeof *conn);
    if (conn == NULL)
        return NULL;
    conn->loop = loop;
    timer_init(&conn->timer, &loop->uv, NULL);
    return conn;
}

static void conn_free(struct conn *conn) {
    conn->next = conn->loop->conns_free;
    conn->loop->conns_free = conn;
}

struct conn *conn_new(struct loop *loop, int fd, conn_ready ready, void *owner) {
    struct conn *conn = conn_alloc(loop);
    if (conn == NULL || uv_poll_init(&loop->uv, &conn->poll, fd) != 0) {
        if (conn != NULL)
            conn_free(conn);
        close(fd);
        return NULL;
    }
    conn->poll.data = conn;
    conn->later = (struct later){.run = run_later, .owner = conn};
    conn->fd = fd;
    conn->tls = NULL;
    conn->armed = 0;
    conn->watch = CONN_STILL;
    conn->want_write = conn->tls_write = conn->broken = conn->was_full = false;
    conn->edge = conn->drained = false;
    conn->calm = 0;
    conn->ready = ready;
    conn->closed = NULL;
    conn->owner = owner;
    conn->next = conn->prev = NULL;
    memset(conn->near, 0, sizeof conn->near);
    conn->first = conn->last = NULL;
    conn->queued = 0;
    conn->stall_ms = INFINITY;
    return conn;
}

static void poll_closed(uv_handle_t *handle) {
    struct conn *conn = handle->data;
    if (conn->closed != NULL)
        conn->closed(conn);
    conn_free(conn);
}

static void batch_clear(struct batch *b) {
    b->conn = NULL;
    b->n = 0;
    b->staged = 0;
}

void conn_close(struct conn *conn) {
    struct loop *loop = conn->loop;
    if (conn->fd < 0)
        return;
    if (loop->batch.conn == conn)
        batch_clear(&loop->batch);
    loop_later_off(loop, &conn->later);
    timer_off(&conn->timer);
    block_put_all(&loop->blocks, conn->first);
    conn->first = conn->last = NULL;
    conn->queued = 0;
    if (conn->tls != NULL)
        tls_del(conn);
    uv_close((uv_handle_t *)&conn->poll, poll_closed);
    close(conn->fd);
    conn->fd = -1;
}

void conn_reset(struct conn *conn) {
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (conn->fd >= 0)
        (void)setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    conn_close(conn);
}

void conn_shut(struct conn *conn) {
    if (conn->tls != NULL)
        tls_shut(conn);
    (void)shutdown(conn->fd, SHUT_WR);
}

/* ------------------------------------------------------------------ reading and writing */

bool conn_waiting(const struct conn *conn) {
    char byte;
    if (conn->tls != NULL && tls_pending(conn))
        return true;
    return recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

ssize_t conn_read(struct conn *conn, void *p, size_t n) {
    if (conn->tls != NULL) {
        ssize_t got = tls_read(conn, p, n);
        rearm(conn);
        return got;
    }
    ssize_t got;
    do {
        got = recv(conn->fd, p, n, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        got = errno == EAGAIN || errno == EWOULDBLOCK ? CONN_AGAIN : CONN_ERROR;
    conn->drained = got < (ssize_t)n;
    if (conn->edge && !conn->drained)
        set_edge(conn, false);
    return got;
}

ssize_t conn_send(struct conn *conn, const struct iovec *iov, int n) {
    if (conn->broken)
        return CONN_ERROR;
    if (conn->tls != NULL)
        return tls_send(conn, iov, n);
    ssize_t sent;
    do {
        /* a single piece takes the shorter way through the kernel */
        sent = n == 1 ? send(conn->fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL)
                      : writev(conn->fd, iov, n);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return sent;
    return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : CONN_ERROR;
}

void conn_fail(struct conn *conn) {
    conn->broken = true;
    block_put_all(&conn->loop->blocks, conn->first);
    conn->first = conn->last = NULL;
    conn->queued = 0;
    loop_later(conn->loop, &conn->later);
}

/* Copies `s` to the end of the queue. */
static bool enqueue(struct conn *conn, struct gw_str s) {
    while (s.n > 0) {
        struct block *block = conn->last;
        if (block == NULL || block->to == block->cap) {
            block = block_get(&conn->loop->blocks, s.n);
            if (block == NULL)
                return false;
            if (conn->last == NULL) {
                conn->first = block;
            } else {
                conn->last->next = block;
            }
            conn->last = block;
        }
        size_t n = block->cap - block->to;
        if (n > s.n)
            n = s.n;
        memcpy(block->data + block->to, s.p, n);
        block->to += (uint32_t)n;
        conn->queued += n;
        s = gw_str(s.p + n, s.n - n);
    }
    return true;
}

/* Takes `n` bytes off the front of the queue. */
static void dequeue(struct conn *conn, size_t n) {
    conn->queued -= n;
    for (struct block *block; n > 0 && (block = conn->first) != NULL;) {
        size_t k = block->to - block->from;
        if (k > n) {
            block->from += (uint32_t)n;
            return;
        }
        n -= k;
        conn->first = block->next;
        if (conn->first == NULL)
            conn->last = NULL;
        block_put(&conn->loop->blocks, block);
    }
}

static void send_queue(struct conn *conn) {
    struct iovec iov[BATCH_IOV];
    int n = 0;
    for (struct block *b = conn->first; b != NULL && n < BATCH_IOV; b = b->next) {
        iov[n++] = (struct iovec){b->data + b->from, b->to - b->from};
    }
    ssize_t sent = conn_send(conn, iov, n);
    if (sent < 0) {
        conn_fail(conn);
    } else if (sent > 0) {
        dequeue(conn, (size_t)sent);
        pace_moved(&conn->pace, (double)uv_now(&conn->loop->uv), (uint64_t)sent);
    }
    rearm(conn);
}

/* Keeps what the kernel did not take: all but the first `sent` bytes. */
static void keep_rest(struct conn *conn, const struct batch *b, size_t sent) {
    bool began = conn->queued == 0;
    for (int i = 0; i < b->n; i++) {
        struct gw_str s = gw_str(b->iov[i].iov_base, b->iov[i].iov_len);
        size_t k = sent < s.n ? sent : s.n;
        sent -= k;
        if (!enqueue(conn, gw_str(s.p + k, s.n - k))) {
            conn_fail(conn);
            return;
        }
    }
    if (!began || conn->queued == 0)
        return;
    pace_begin(&conn->pace, (double)uv_now(&conn->loop->uv));
    double stalled_ms = conn->pace.since_ms + conn->stall_ms;
    if (stalled_ms < conn->timer.at)
        timer_set(&conn->timer, stalled_ms);
}

void conn_flush(struct loop *loop) {
    struct batch *b = &loop->batch;
    struct conn *conn = b->conn;
    if (conn == NULL)
        return;
    if (!conn->broken && b->n > 0) {
        ssize_t sent = conn->queued > 0 ? 0 : conn_send(conn, b->iov, b->n);
        if (sent < 0) {
            conn_fail(conn);
        } else {
            keep_rest(conn, b, (size_t)sent);
            if (conn_full(conn))
                conn->was_full = true;
        }
        rearm(conn);
    }
    batch_clear(b);
}

/* ------------------------------------------------------------------ gathering */

/* The batch, ready to take one more piece and `stage` bytes of its own memory. */
static struct batch *batch_for(struct conn *conn, size_t stage) {
    struct batch *b = &conn->loop->batch;
    if (b->conn != conn || b->n == BATCH_IOV || b->staged + stage > BATCH_STAGE) {
        conn_flush(conn->loop);
        b->conn = conn;
    }
    return b;
}

static void gather(struct batch *b, char *p, size_t n) {
    struct iovec *last = b->n > 0 ? &b->iov[b->n - 1] : NULL;
    if (last != NULL && (char *)last->iov_base + last->iov_len == p) {
        last->iov_len += n;
    } else {
        b->iov[b->n++] = (struct iovec){p, n};
    }
}

void conn_put(struct conn *conn, struct gw_str s) {
    if (s.n == 0 || conn->fd < 0)
        return;
    if (s.n <= BATCH_COPY) {
        conn_put_copy(conn, s);
    } else {
        gather(batch_for(conn, 0), (char *)(uintptr_t)s.p, s.n);
    }
}

char *conn_room(struct conn *conn, size_t n) {
    struct batch *b = batch_for(conn, n);
    return b->stage + b->staged;
}

void conn_put_room(struct conn *conn, size_t used) {
    struct batch *b = &conn->loop->batch;
    gather(b, b->stage + b->staged, used);
    b->staged += used;
}

void conn_put_copy(struct conn *conn, struct gw_str s) {
    if (s.n == 0 || conn->fd < 0)
        return;
    memcpy(conn_room(conn, s.n), s.p, s.n);
    conn_put_room(conn, s.n);
}

/* ------------------------------------------------------------------ events */

static unsigned events_of(struct conn *conn, int status, int events) {
    unsigned e = 0;
    if (status < 0) {
        /* an error: the event loop has stopped watching, and reading will say what it was */
        conn->armed = 0;
        conn->edge = false;
        events = UV_READABLE | UV_WRITABLE | UV_DISCONNECT;
    }
    if (conn->watch == CONN_READ && (events & (UV_READABLE | UV_DISCONNECT)) != 0) {
        e |= CONN_READABLE;
    }
    if (conn->watch == CONN_WAIT && (events & UV_DISCONNECT) != 0)
        e |= CONN_LEFT;
    if ((events & UV_WRITABLE) == 0)
        return e;
    if (conn->want_write)
        e |= CONN_WRITABLE;
    if (conn->tls_write) {
        conn->tls_write = false;
        e |= CONN_READABLE;
    }
    if (conn->queued > 0) {
        send_queue(conn);
        if (conn->queued == 0 || (conn->was_full && conn->queued <= CONN_LOW)) {
            conn->was_full = false;
            e |= CONN_DRAINED;
        }
    }
    return e;
}

static void polled(uv_poll_t *poll, int status, int events) {
    struct conn *conn = poll->data;
    struct loop *loop = conn->loop;
    for (int i = 0; i < CONN_NEAR && conn->near[0] != NULL; i++)
        gw_prefetch(conn->near[i], CONN_NEAR_BYTES);
    conn->drained = false;
    unsigned e = events_of(conn, status, events);
    if (e != 0)
        conn->ready(conn, e);
    conn_flush(loop);
    if (conn->fd < 0)
        return;
    rearm(conn);
    choose_edge(conn, events);
    if (conn->tls != NULL && conn->watch == CONN_READ && tls_pending(conn)) {
        loop_later(loop, &conn->later);
    }
}

void conn_del_free(struct loop *loop) {
    while (loop->conns_free != NULL) {
        struct conn *conn = loop->conns_free;
        loop->conns_free = conn->next;
        free(conn);
    }
}
