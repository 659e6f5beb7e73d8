#include "native/h2_client.h"

#include <stdlib.h>

#include "native/client_parts.h"
#include "native/conn.h"
#include "native/h2_stream.h"
#include "native/log.h"
#include "native/loop.h"

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

static struct h2_stream *stream_of(nghttp2_session *session, int32_t id) {
    return nghttp2_session_get_stream_user_data(session, id);
}

/* Too much nuisance: the connection ends with a word about it. */
static void calm_down(struct h2_client *h, const char *why) {
    if (!h->ended)
        log_note(h->loop->log, "warn", "an HTTP/2 connection was ended: %s", why);
    h->ended = true;
    (void)nghttp2_session_terminate_session(h->session, NGHTTP2_ENHANCE_YOUR_CALM);
}

static bool spend(struct h2_client *h, double n, const char *why) {
    if (h2_calm_spend(&h->calm, n, h2_client_now_ms(h)))
        return true;
    calm_down(h, why);
    return false;
}

/* ------------------------------------------------------------------ what comes in */

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *user) {
    struct h2_client *h = user;
    bool ok = true;
    bool known = stream_of(session, hd->stream_id) != NULL;
    /* all bytes have been counted as they came: these are of use */
    if (hd->type == NGHTTP2_HEADERS || hd->type == NGHTTP2_DATA)
        h2_calm_gain(&h->calm, (double)hd->length / H2_CALM_BYTES);
    switch (hd->type) {
    case NGHTTP2_HEADERS:
        if (!known && hd->stream_id <= nghttp2_session_get_last_proc_stream_id(session))
            ok = spend(h, H2_COST_RESET, "too many heads for streams that are over");
        break;
    case NGHTTP2_DATA:
        if (hd->length > 0 && known) {
            h2_calm_gain(&h->calm, H2_WORTH);
        } else {
            ok = spend(h, 1, "too many empty frames, or for streams that are over");
        }
        break;
    case NGHTTP2_RST_STREAM:
        ok = spend(h, H2_COST_RESET, "too many requests were cancelled");
        break;
    default:
        ok = spend(h, 1, "too many frames that carry nothing");
    }
    return ok && !h->ended ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
    struct h2_client *h = user;
    h->heading = 0;
    h->heading_ms = h2_client_now_ms(h);
    h2_client_wait(h, h->heading_ms + h->loop->limits.client_head_ms);
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct h2_stream *s = h2_stream_new(h, frame->hd.stream_id);
    if (s == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    /* all streams take turns, frame by frame, whatever the client says of their priorities */
    const nghttp2_extpri equal = {.urgency = NGHTTP2_EXTPRI_DEFAULT_URGENCY, .inc = 1};
    (void)nghttp2_session_set_stream_user_data(session, s->id, s);
    (void)nghttp2_session_change_extpri_stream_priority(session, s->id, &equal, 1);
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_n, const uint8_t *value, size_t value_n, uint8_t flags,
                     void *user) {
    struct h2_client *h = user;
    struct h2_stream *s = stream_of(session, frame->hd.stream_id);
    (void)flags;
    h->heading += name_n + value_n + 32;
    if (h->heading > H2_HEAD_FLOOD) {
        calm_down(h, "a head did not end");
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    if (s == NULL || s->headers_done)
        return 0; /* trailers are dropped */
    if (!h2_fields_add(&s->head, &h->loop->blocks, gw_str(name, name_n), gw_str(value, value_n)))
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return 0;
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                         size_t n, void *user) {
    struct h2_stream *s = stream_of(session, id);
    (void)flags;
    (void)user;
    if (s != NULL && n > 0)
        h2_stream_data(s, gw_str(data, n));
    return 0;
}

/* The client has seen that we are about to leave: what it sends from now on is not served. */
static void leave(struct h2_client *h) {
    int32_t last = nghttp2_session_get_last_proc_stream_id(h->session);
    (void)nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
    struct h2_client *h = user;
    struct h2_stream *s = stream_of(session, frame->hd.stream_id);
    bool fin = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        h->heading_ms = INFINITY;
        if (s == NULL)
            break;
        s->headers_done = true;
        h2_client_due(h, s);
        if (fin)
            h2_stream_fin(s);
        break;
    case NGHTTP2_DATA:
        if (s != NULL && fin)
            h2_stream_fin(s);
        break;
    case NGHTTP2_SETTINGS:
        h->heading_ms = INFINITY;
        break;
    case NGHTTP2_PING:
        if (h->draining && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
            leave(h);
        break;
    default:
        break;
    }
    return 0;
}

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
    struct h2_client *h = user;
    uint8_t type = frame->hd.type;
    if (type == NGHTTP2_RST_STREAM) {
        uint32_t code = frame->rst_stream.error_code;
        bool ours = code == NGHTTP2_NO_ERROR || code == NGHTTP2_INTERNAL_ERROR;
        if (!ours)
            (void)spend(h, code == NGHTTP2_REFUSED_STREAM ? 1 : H2_COST_RESET,
                        "too many streams with mistakes in them");
    } else if ((type == NGHTTP2_DATA || type == NGHTTP2_HEADERS) &&
               (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        struct h2_stream *s = stream_of(session, frame->hd.stream_id);
        if (s != NULL)
            h2_answer_over(s);
    }
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user) {
    struct h2_stream *s = stream_of(session, id);
    (void)code;
    (void)user;
    if (s != NULL)
        h2_stream_closed(s);
    return 0;
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
    /* nghttp2 does not tell of frames whose type it does not know: hence by bytes, and afterwards */
    (void)h2_calm_spend(&h->calm, (double)in.n / H2_CALM_BYTES, h2_client_now_ms(h));
    if (nghttp2_session_mem_recv(h->session, (const uint8_t *)in.p, in.n) < 0 && !h->ended) {
        h->ended = true;
        (void)nghttp2_session_terminate_session(h->session, NGHTTP2_PROTOCOL_ERROR);
    }
    if (h->calm.left < 0)
        calm_down(h, "too many bytes that carry nothing");
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
    if (h->conn->queued > 0 && h->conn->moved_ms + l->client_write_ms < at)
        at = h->conn->moved_ms + l->client_write_ms;
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
    if (h->conn->queued > 0 && now_ms >= h->conn->moved_ms + l->client_write_ms) {
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

static nghttp2_session_callbacks *callbacks_new(void) {
    nghttp2_session_callbacks *cb;
    if (nghttp2_session_callbacks_new(&cb) != 0)
        return NULL;
    nghttp2_session_callbacks_set_on_begin_frame_callback(cb, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
    nghttp2_session_callbacks_set_send_data_callback(cb, h2_answer_send);
    return cb;
}

static int session_new(struct h2_client *h) {
    nghttp2_session_callbacks *callbacks = callbacks_new();
    nghttp2_option *option = NULL;
    int result = -1;
    if (callbacks != NULL && nghttp2_option_new(&option) == 0) {
        nghttp2_option_set_no_auto_window_update(option, 1);
        nghttp2_option_set_no_closed_streams(option, 1);
        result = nghttp2_session_server_new2(&h->session, callbacks, h, option);
    }
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return result;
}

static int submit_settings(struct h2_client *h) {
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, (uint32_t)h->loop->limits.streams_max},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_STREAM_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, GW_HEAD_MAX},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    size_t n = sizeof settings / sizeof *settings;
    return nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings, n) != 0
               ? -1
               : nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0,
                                                       H2_CONN_WINDOW);
}

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
    if (session_new(h) != 0 || submit_settings(h) != 0) {
        nghttp2_session_del(h->session);
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
