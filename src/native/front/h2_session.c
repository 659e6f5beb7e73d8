/*
 * The nghttp2 session of a client's connection: what it is told at the start, and what it tells.
 */
#include "native/front/h2_stream.h"
#include "native/loop/log.h"
#include "native/loop/loop.h"

static struct h2_stream *stream_of(nghttp2_session *session, int32_t id) {
    return nghttp2_session_get_stream_user_data(session, id);
}

/* Too much nuisance: the connection ends with a word about it. */
void h2_session_calm_down(struct h2_client *h, const char *why) {
    if (!h->ended)
        log_note(h->loop->log, "warn", "an HTTP/2 connection was ended: %s", why);
    h->ended = true;
    (void)nghttp2_session_terminate_session(h->session, NGHTTP2_ENHANCE_YOUR_CALM);
}

static bool spend_frame(struct h2_client *h, const nghttp2_frame_hd *hd, const char *why) {
    double frames = 1 + (double)hd->length / H2_FRAME_BYTES;
    if (h2_calm_spend(&h->calm, 0, frames, h2_client_now_ms(h)))
        return true;
    h2_session_calm_down(h, why);
    return false;
}

static bool spend_reset(struct h2_client *h, const char *why) {
    if (h2_calm_spend(&h->calm, 1, 0, h2_client_now_ms(h)))
        return true;
    h2_session_calm_down(h, why);
    return false;
}

/* ------------------------------------------------------------------ what comes in */

/* It breaks a rule that nghttp2 does not look after. */
static bool end(struct h2_client *h, uint32_t code) {
    h->ended = true;
    (void)nghttp2_session_terminate_session(h->session, code);
    return false;
}

static bool spend_late(struct h2_client *h, const nghttp2_frame_hd *hd) {
    return hd->type == NGHTTP2_HEADERS
               ? spend_reset(h, "too many heads for streams that are over")
               : spend_frame(h, hd, "too many empty frames, or for streams that are over");
}

/* DATA or HEADERS for a stream that is over. */
static bool take_late(struct h2_client *h, const nghttp2_frame_hd *hd) {
    struct h2_gone_stream *gone = h2_gone_find(&h->gone, hd->stream_id);
    bool fin = (hd->flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (gone == NULL)
        return hd->type == NGHTTP2_HEADERS && h2_gone_never_was(&h->gone, hd->stream_id)
                   ? end(h, NGHTTP2_PROTOCOL_ERROR)
                   : spend_late(h, hd);
    if (gone->why == H2_GONE_WHOLE)
        return end(h, NGHTTP2_STREAM_CLOSED);
    if (gone->why == H2_GONE_THEIRS) {
        gone->why = H2_GONE_OURS;
        (void)nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, gone->id,
                                        NGHTTP2_STREAM_CLOSED);
        return spend_late(h, hd);
    }
    size_t n = hd->type == NGHTTP2_DATA ? hd->length : 0;
    return h2_gone_late(gone, n, fin) || spend_late(h, hd);
}

static bool take_frame(struct h2_client *h, const nghttp2_frame_hd *hd) {
    bool known = stream_of(h->session, hd->stream_id) != NULL;
    switch (hd->type) {
    case NGHTTP2_HEADERS:
        return known || hd->stream_id > nghttp2_session_get_last_proc_stream_id(h->session) ||
               take_late(h, hd);
    case NGHTTP2_DATA:
        return hd->length > 0 || spend_late(h, hd);
    case NGHTTP2_RST_STREAM:
        return spend_reset(h, "too many requests were cancelled");
    case NGHTTP2_PRIORITY:
        if (hd->stream_id == 0)
            return end(h, NGHTTP2_PROTOCOL_ERROR);
        break;
    case NGHTTP2_WINDOW_UPDATE:
        if (h2_calm_window(&h->calm))
            return true;
        break;
    default:
        break;
    }
    return spend_frame(h, hd, "too many frames that carry nothing");
}

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *user) {
    struct h2_client *h = user;
    (void)session;
    return take_frame(h, hd) && !h->ended ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
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
        h2_session_calm_down(h, "a head did not end");
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
    case NGHTTP2_RST_STREAM:
        if (s != NULL)
            s->left = true;
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
        /* for the others we have our own reasons, or the client has not heard of a limit */
        if (code != NGHTTP2_NO_ERROR && code != NGHTTP2_INTERNAL_ERROR &&
            code != NGHTTP2_REFUSED_STREAM)
            (void)spend_reset(h, "too many streams with mistakes in them");
    } else if ((type == NGHTTP2_DATA || type == NGHTTP2_HEADERS) &&
               (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        struct h2_stream *s = stream_of(session, frame->hd.stream_id);
        if (s != NULL)
            h2_answer_over(s);
    }
    return 0;
}

/* A head that nghttp2 refuses before it is a stream: one beyond our limit. */
static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error,
                            void *user) {
    struct h2_client *h = user;
    (void)error;
    if (frame->hd.type == NGHTTP2_HEADERS && stream_of(session, frame->hd.stream_id) == NULL)
        h2_gone_add(&h->gone, frame->hd.stream_id, H2_GONE_OURS, H2_STREAM_WINDOW);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user) {
    struct h2_client *h = user;
    struct h2_stream *s = stream_of(session, id);
    enum h2_gone_why why = H2_GONE_OURS;
    (void)code;
    if (s != NULL)
        why = s->left ? H2_GONE_THEIRS : s->in_done ? H2_GONE_WHOLE : H2_GONE_OURS;
    h2_gone_add(&h->gone, id, why, H2_STREAM_WINDOW);
    if (s != NULL)
        h2_stream_closed(s);
    return 0;
}

/* ------------------------------------------------------------------ bytes */

/* What nghttp2 would pass over in silence. All that came before has been given to it. */
static void look_at(struct h2_client *h, const nghttp2_frame_hd *hd) {
    if (hd->type == NGHTTP2_DATA) {
        if (hd->stream_id <= nghttp2_session_get_last_proc_stream_id(h->session) &&
            stream_of(h->session, hd->stream_id) == NULL)
            (void)take_late(h, hd);
    } else if (hd->type > NGHTTP2_CONTINUATION) {
        (void)spend_frame(h, hd, "too many frames that carry nothing");
    }
}

/* Whether streams may begin or end with the frame: what follows is looked at when it has been taken in. */
static bool turns_streams(const nghttp2_frame_hd *hd) {
    return hd->type == NGHTTP2_HEADERS || hd->type == NGHTTP2_RST_STREAM ||
           (hd->type == NGHTTP2_DATA && (hd->flags & NGHTTP2_FLAG_END_STREAM) != 0);
}

static ssize_t feed(struct h2_client *h, struct gw_str in) {
    return nghttp2_session_mem_recv(h->session, (const uint8_t *)in.p, in.n);
}

ssize_t h2_session_feed(struct h2_client *h, struct gw_str in) {
    ssize_t result = 0;
    size_t fed = 0, at = 0, before, used;
    nghttp2_frame_hd hd;
    bool turned = false;
    for (; at < in.n && h2_scan_next(&h->scan, in.p + at, in.n - at, &before, &used, &hd);
         at += used) {
        if (turned && hd.type == NGHTTP2_DATA) {
            result = feed(h, gw_str_sub(in, fed, at + before - fed));
            fed = at + before;
            turned = false;
        }
        if (result >= 0 && !h->ended)
            look_at(h, &hd);
        if (result < 0 || h->ended)
            return result;
        turned |= turns_streams(&hd);
    }
    return fed < in.n ? feed(h, gw_str_sub(in, fed, in.n)) : 0;
}

/* ------------------------------------------------------------------ the beginning */

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
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(cb, on_invalid_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
    nghttp2_session_callbacks_set_send_data_callback(cb, h2_answer_send);
    return cb;
}

static int start(struct h2_client *h) {
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

int h2_session_new(struct h2_client *h) {
    if (start(h) == 0 && submit_settings(h) == 0)
        return 0;
    nghttp2_session_del(h->session);
    return -1;
}
