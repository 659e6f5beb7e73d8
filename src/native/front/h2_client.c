#include "native/front/h2_client.h"

#include <stdlib.h>

#include "native/front/client_parts.h"
#include "native/front/h2_stream.h"
#include "native/loop/loop.h"
#include "native/net/conn.h"

static void turn(struct h2_client *h);
static double deadline(const struct h2_client *h);

/* ------------------------------------------------------------------ small things */

double h2_client_now_ms(const struct h2_client *h) {
    return (double)uv_now(&h->loop->uv);
}

void h2_client_wait(struct h2_client *h, double at_ms) {
    if (!h->ended && at_ms < h->conn->timer.at)
        timer_set(&h->conn->timer, at_ms);
}

void h2_client_due(struct h2_client *h, struct h2_stream *s) {
    if (s->due)
        return;
    s->due = true;
    s->next_due = NULL;
    if (h->due == NULL) {
        h->due = s;
    } else {
        h->due_last->next_due = s;
    }
    h->due_last = s;
}

/* ------------------------------------------------------------------ turns */

/* What is due is done; that may make more due. */
static void settle(struct h2_client *h) {
    while (h->due != NULL) {
        struct h2_stream *s = h->due;
        h->due = s->next_due;
        s->due = false;
        h2_stream_turn(s);
    }
}

static void send_all(struct h2_client *h) {
    h->gathered = 0;
    if (h2_send(h->session, h->conn) != 0)
        h->ended = true;
    if (!h->any_out && !h->any_full)
        return;
    if (h->any_out)
        conn_flush(h->loop); /* the batch may point into what is freed now */
    h->any_out = h->any_full = false;
    for (struct h2_stream *s = h->streams; s != NULL; s = s->next) {
        h2_answer_sent(s);
        h->any_full |= s->was_full;
    }
}

static bool is_over(struct h2_client *h) {
    return h->ended || (nghttp2_session_want_read(h->session) == 0 &&
                        nghttp2_session_want_write(h->session) == 0);
}

/* Does all that there is to do. The connection may be at its end afterwards. */
static void turn(struct h2_client *h) {
    struct client *client = h->client;
    h->busy = true;
    do {
        settle(h);
        if (h->draining && h->streams_n == 0 && !conn_waiting(h->conn))
            (void)nghttp2_session_terminate_session(h->session, NGHTTP2_NO_ERROR);
        send_all(h);
    } while (h->due != NULL);
    h->busy = false;
    if (!is_over(h))
        return;
    h2_client_del(h);
    client_after_h2(client);
}

void h2_client_pump(struct h2_client *h) {
    if (h->busy || h->ended)
        return;
    h->busy = true;
    send_all(h);
    h->busy = false;
    if (h->due != NULL || is_over(h))
        loop_later(h->loop, &h->later);
}

static void run_later(struct later *later) {
    turn(later->owner);
}

static void take(struct h2_client *h, struct gw_str in) {
    h->busy = true;
    ssize_t result = h2_session_feed(h, in);
    if (result == NGHTTP2_ERR_FLOODED ||
        nghttp2_session_get_outbound_queue_size(h->session) > H2_UNSENT_MAX) {
        h2_session_calm_down(h, "it does not read what it asks for");
    } else if (result < 0 && !h->ended) {
        h->ended = true;
        (void)nghttp2_session_terminate_session(h->session, NGHTTP2_PROTOCOL_ERROR);
    }
    turn(h);
}

/* ------------------------------------------------------------------ events */

static void receive(struct h2_client *h) {
    struct client *client = h->client;
    ssize_t n = conn_read(h->conn, h->loop->scratch->data, LOOP_SCRATCH);
    if (n > 0) {
        take(h, gw_str(h->loop->scratch->data, (size_t)n));
    } else if (n != CONN_AGAIN) {
        client_shut(client, false);
    }
}

static void ready(struct conn *conn, unsigned events) {
    struct client *c = conn->owner;
    if ((events & CONN_LEFT) != 0) {
        client_shut(c, false);
        return;
    }
    if ((events & CONN_DRAINED) != 0)
        turn(c->h2);
    if ((events & CONN_READABLE) != 0 && c->h2 != NULL)
        receive(c->h2);
}

static double deadline(const struct h2_client *h) {
    const struct limits *l = &h->loop->limits;
    double at = h->heading_ms + l->client_head_ms;
    if (client_stalled(h->loop, h->conn) < at)
        at = client_stalled(h->loop, h->conn);
    if (h->streams_n == 0 && h->idle_ms + l->client_idle_ms < at)
        at = h->idle_ms + l->client_idle_ms;
    for (const struct h2_stream *s = h->streams; s != NULL; s = s->next) {
        double stream_at = h2_stream_deadline(s);
        if (stream_at < at)
            at = stream_at;
    }
    return at;
}

static void expired(struct h2_client *h, double now_ms) {
    const struct limits *l = &h->loop->limits;
    if (now_ms >= client_stalled(h->loop, h->conn)) {
        client_shut(h->client, true);
        return;
    }
    h->busy = true;
    bool idle = h->streams_n == 0 && now_ms >= h->idle_ms + l->client_idle_ms;
    if (idle || now_ms >= h->heading_ms + l->client_head_ms) {
        (void)nghttp2_session_terminate_session(h->session, NGHTTP2_NO_ERROR);
        h->ended = true;
    }
    struct h2_stream *next;
    for (struct h2_stream *s = h->streams; s != NULL; s = next) {
        next = s->next;
        h2_stream_late(s, now_ms);
    }
    turn(h);
}

static void due(struct timer *timer) {
    struct conn *conn = (struct conn *)((char *)timer - offsetof(struct conn, timer));
    struct loop *loop = conn->loop;
    struct client *c = conn->owner;
    double now_ms = h2_client_now_ms(c->h2);
    if (now_ms >= deadline(c->h2))
        expired(c->h2, now_ms);
    if (c->h2 != NULL)
        timer_set(timer, deadline(c->h2));
    conn_flush(loop);
}

/* ------------------------------------------------------------------ life */

/* leave() follows when the client has answered. */
static void announce_end(struct h2_client *h) {
    h->draining = true;
    (void)nghttp2_submit_shutdown_notice(h->session);
    (void)nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, NULL);
}

bool h2_client_start(struct client *client, struct gw_str first) {
    struct h2_client *h = calloc(1, sizeof *h);
    if (h == NULL)
        return false;
    h->client = client;
    h->loop = client->loop;
    h->conn = client->conn;
    h->later = (struct later){.run = run_later, .owner = h};
    h->idle_ms = h->heading_ms = h2_client_now_ms(h);
    h2_calm_init(&h->calm, h->idle_ms);
    h2_scan_init(&h->scan);
    if (h2_session_new(h) != 0) {
        free(h);
        return false;
    }
    client->h2 = h;
    client->state = CLIENT_H2;
    h->conn->ready = ready;
    h->conn->timer.due = due;
    timer_set(&h->conn->timer, deadline(h));
    if (h->loop->draining)
        announce_end(h);
    take(h, first);
    return true;
}

void h2_client_del(struct h2_client *h) {
    h->busy = h->ended = true; /* streams that others wake in the meantime send nothing */
    h->client->h2 = NULL;
    while (h->streams != NULL)
        h2_stream_del(h->streams);
    loop_later_off(h->loop, &h->later);
    nghttp2_session_del(h->session);
    free(h);
}

void h2_client_drain(struct h2_client *h) {
    if (h->draining)
        return;
    announce_end(h);
    turn(h);
}
