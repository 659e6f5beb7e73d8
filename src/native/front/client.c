#include "native/front/client.h"

#include <stdlib.h>
#include <string.h>

#include "native/front/client_parts.h"

static void client_ready(struct conn *conn, unsigned events);
static void client_due(struct timer *timer);
static double deadline(const struct client *c);
static void client_freed(struct conn *conn);

enum { LOOK_AGAIN_MS = 100 };

double client_now_ms(const struct client *c) {
    return (double)uv_now(&c->loop->uv);
}

/* ------------------------------------------------------------------ life */

void client_new(struct loop *loop, int fd, uint32_t peer, uint32_t *crowd) {
    struct client *c = loop->clients_free;
    if (c != NULL) {
        loop->clients_free = c->next;
    } else {
        c = malloc(sizeof *c);
    }
    struct conn *conn = c != NULL ? conn_new(loop, fd, client_ready, c) : NULL;
    if (conn == NULL) {
        free(c);
        return;
    }
    *c = (struct client){.front.ops = &client_ops,
                         .front.near = &conn->loop,
                         .loop = loop,
                         .conn = conn,
                         .state = CLIENT_IDLE,
                         .peer = peer,
                         .crowd = crowd,
                         .fresh = true};
    conn->closed = client_freed;
    conn->stall_ms = loop->limits.client_write_ms;
    conn->timer.due = client_due;
    c->next = loop->clients;
    if (c->next != NULL)
        c->next->prev = c;
    loop->clients = c;
    loop->clients_n++;
    (*crowd)++;
    if (loop->tls_server != NULL && !client_shake_begin(c)) {
        client_shut(c, true);
        return;
    }
    client_wait(c);
    conn_watch(conn, CONN_READ);
}

struct gw_str client_certificate(const struct client *c) {
    return c->certificate != NULL ? gw_str(c->certificate, strlen(c->certificate))
                                  : (struct gw_str){NULL, 0};
}

static void client_freed(struct conn *conn) {
    struct client *c = conn->owner;
    free(c->certificate);
    c->next = c->loop->clients_free;
    c->loop->clients_free = c;
}

void client_del_free(struct loop *loop) {
    while (loop->clients_free != NULL) {
        struct client *c = loop->clients_free;
        loop->clients_free = c->next;
        free(c);
    }
}

/* The end of the connection; a call that runs is told. The memory stays until client_freed. */
void client_shut(struct client *c, bool reset) {
    struct loop *loop = c->loop;
    if (c->state == CLIENT_CLOSED)
        return;
    c->state = CLIENT_CLOSED;
    if (reset) {
        conn_reset(c->conn);
    } else {
        conn_close(c->conn);
    }
    client_drop_kept(c);
    if (c->next != NULL)
        c->next->prev = c->prev;
    if (c->prev != NULL) {
        c->prev->next = c->next;
    } else {
        loop->clients = c->next;
    }
    loop->clients_n--;
    (*c->crowd)--;
    if (c->h2 != NULL)
        h2_client_del(c->h2);
    if (c->front.drive != NULL)
        drive_gone(c->front.drive);
}

void client_after_h2(struct client *c) {
    c->conn->ready = client_ready;
    c->conn->timer.due = client_due;
    c->reset = false;
    client_flush_out(c);
}

void client_drain(struct loop *loop, bool leave) {
    struct client *next;
    for (struct client *c = loop->clients; c != NULL; c = next) {
        next = c->next;
        if (c->state == CLIENT_H2) {
            h2_client_drain(c->h2);
        } else if (c->state != CLIENT_IDLE || c->kept != NULL || c->conn->queued > 0) {
            continue;
        } else if (leave) {
            timer_set(&c->conn->timer, deadline(c));
        } else if (!conn_waiting(c->conn)) {
            client_shut(c, false);
        }
    }
}

void client_stop_all(struct loop *loop) {
    while (loop->clients != NULL)
        client_shut(loop->clients, true);
}

/* ------------------------------------------------------------------ watching and waiting */

void client_watch(struct client *c) {
    uint8_t how = CONN_READ;
    switch (c->state) {
    case CLIENT_CALL:
        if (c->in_done ? client_kept_full(c) : !drive_wants(c->front.drive))
            how = CONN_WAIT;
        break;
    case CLIENT_LINGER:
        break;
    case CLIENT_FLUSH:
        how = CONN_STILL;
        break;
    case CLIENT_CLOSED:
        return;
    default:
        if (client_kept_full(c))
            how = CONN_WAIT;
    }
    /* a hang-up that is known would be told for ever */
    bool told = c->fin == FIN_READ || (c->fin == FIN_SEEN && how == CONN_WAIT);
    conn_watch(c->conn, told ? CONN_STILL : how);
}

double client_stalled(const struct loop *loop, const struct conn *conn) {
    const struct limits *l = &loop->limits;
    if (conn->queued == 0)
        return INFINITY;
    return pace_deadline(&conn->pace, l->client_write_ms, (double)l->client_rate_min);
}

/* When the client must have done what it is waited for. */
static double deadline(const struct client *c) {
    const struct limits *l = &c->loop->limits;
    double at = INFINITY;
    switch (c->state) {
    case CLIENT_IDLE:
        at = c->since_ms + l->client_idle_ms;
        if (c->loop->leaving && c->since_ms + CLIENT_GRACE_MS < at)
            at = c->since_ms + CLIENT_GRACE_MS;
        break;
    case CLIENT_SHAKE:
    case CLIENT_HEAD:
        at = c->since_ms + l->client_head_ms;
        break;
    case CLIENT_CALL:
        if (!c->in_done && drive_paces(c->front.drive))
            at = pace_deadline(&c->in, l->client_body_ms, (double)l->client_rate_min);
        if (c->fin != FIN_NONE && c->look_at < at)
            at = c->look_at;
        break;
    case CLIENT_LINGER:
        return c->since_ms + l->linger_ms;
    default:
        break;
    }
    double stalled = client_stalled(c->loop, c->conn);
    return stalled < at ? stalled : at;
}

/* A wait begins, or begins anew. */
void client_wait(struct client *c) {
    c->since_ms = client_now_ms(c);
    pace_wait(&c->in, c->since_ms);
    timer_set(&c->conn->timer, deadline(c));
}

/* ------------------------------------------------------------------ events */

/* What comes after the last answer is read so that the client can read that answer: closing with
 * bytes unread would reset the connection. */
static ssize_t receive_drop(struct client *c) {
    ssize_t n = conn_read(c->conn, c->loop->scratch->data, LOOP_SCRATCH);
    if (n <= 0)
        return n;
    c->lingered += (uint64_t)n;
    return c->lingered > LINGER_MAX ? CONN_ERROR : n;
}

/* The client has ended its side, as a read or a hang-up says. */
static void ended(struct client *c, uint8_t how) {
    bool idle = c->state == CLIENT_IDLE && c->kept == NULL && c->conn->queued == 0;
    bool over = c->state == CLIENT_FLUSH || c->state == CLIENT_LINGER;
    if (idle || over) {
        client_shut(c, false);
        return;
    }
    client_fin(c, how);
    if (how == FIN_READ)
        client_end_requests(c);
}

static void receive(struct client *c) {
    ssize_t n = CONN_AGAIN;
    switch (c->state) {
    case CLIENT_IDLE:
    case CLIENT_HEAD:
        n = client_receive_ahead(c);
        break;
    case CLIENT_CALL:
        n = c->in_done ? client_receive_ahead(c) : client_receive_body(c);
        break;
    case CLIENT_LINGER:
        n = receive_drop(c);
        break;
    default:
        break;
    }
    if (n == 0)
        ended(c, FIN_READ);
    if (n == CONN_ERROR)
        client_shut(c, false);
}

static void drained(struct client *c) {
    if (c->state == CLIENT_CALL)
        drive_drained(c->front.drive);
    if (c->conn->queued > 0)
        return;
    if (c->state == CLIENT_FLUSH) {
        client_linger(c);
    } else if (c->state != CLIENT_CALL && c->kept != NULL) {
        client_take(c, client_kept(c), c->seen);
    }
}

static void client_ready(struct conn *conn, unsigned events) {
    struct client *c = conn->owner;
    if ((events & CONN_LEFT) != 0 && conn->broken)
        client_shut(c, false);
    else if ((events & CONN_LEFT) != 0)
        ended(c, FIN_SEEN);
    if ((events & CONN_DRAINED) != 0 && c->state != CLIENT_CLOSED)
        drained(c);
    if (c->state == CLIENT_SHAKE) {
        client_shake(c);
    } else if ((events & CONN_READABLE) != 0) {
        receive(c);
    }
    client_watch(c);
}

static void expired(struct client *c, double now) {
    if (now >= client_stalled(c->loop, c->conn)) {
        client_shut(c, true);
    } else if (c->state == CLIENT_HEAD) {
        client_fresh_answer(c);
        client_refuse(c, 408, "the request's head did not arrive in time; send it again",
                      "request_timeout");
    } else if (c->state == CLIENT_CALL && c->fin != FIN_NONE && now >= c->look_at) {
        client_fin_look(c, now);
        if (c->state != CLIENT_CLOSED)
            timer_set(&c->conn->timer, deadline(c));
    } else if (c->state == CLIENT_CALL) {
        client_refuse(c, 408, "the request's body did not arrive in time; send it again",
                      "request_timeout");
    } else if (c->state == CLIENT_IDLE && conn_waiting(c->conn)) {
        timer_set(&c->conn->timer, now + LOOK_AGAIN_MS); /* a request has just come */
    } else {
        client_shut(c, false);
    }
}

static void client_due(struct timer *timer) {
    struct conn *conn = (struct conn *)((char *)timer - offsetof(struct conn, timer));
    struct client *c = conn->owner;
    double now = client_now_ms(c), at = deadline(c);
    if (now < at) {
        timer_set(timer, at);
        return;
    }
    struct loop *loop = c->loop;
    expired(c, now);
    conn_flush(loop);
}
