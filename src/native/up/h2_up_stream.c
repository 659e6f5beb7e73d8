/*
 * Streams of upstream sessions: an attempt's request out, its answer in.
 */
#include "native/up/h2_up_parts.h"

static struct attempt *attempt_of(nghttp2_session *session, int32_t id) {
    return nghttp2_session_get_stream_user_data(session, id);
}

/* ------------------------------------------------------------------ the request */

/* Copies body bytes that there are into p[0..max). */
static size_t copy_body(struct attempt *a, uint8_t *p, size_t max) {
    struct iovec iov[BATCH_IOV];
    size_t n = 0;
    while (n < max) {
        int pieces = send_iov(&a->send, &a->owner->body, iov, BATCH_IOV);
        if (pieces == 0)
            break;
        size_t before = n;
        for (int i = 0; i < pieces && n < max; i++) {
            size_t k = iov[i].iov_len < max - n ? iov[i].iov_len : max - n;
            memcpy(p + n, iov[i].iov_base, k);
            n += k;
        }
        send_took(&a->send, n - before);
    }
    return n;
}

/* nghttp2_data_source_read_callback */
static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *p, size_t max,
                         uint32_t *flags, nghttp2_data_source *source, void *user) {
    struct attempt *a = attempt_of(session, id);
    struct h2_up *h = user;
    (void)source;
    if (a == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    size_t n = copy_body(a, p, max);
    a->h2.moved |= n > 0;
    h2_calm_sent(&h->calm, n, n < max);
    if (send_done(&a->send)) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        send_del(&a->send, &h->loop->blocks);
    } else if (n == 0) {
        return NGHTTP2_ERR_DEFERRED;
    }
    return (ssize_t)n;
}

/* What frames say in another way. */
static bool is_framing(struct gw_str name) {
    return gw_str_eq(name, GW_STR("host")) || gw_str_eq(name, GW_STR("connection")) ||
           gw_str_eq(name, GW_STR("transfer-encoding"));
}

/* False if there are too many. */
static bool put_lines(struct gw_str lines, nghttp2_nv *nv, size_t *n) {
    while (lines.n > 0) {
        struct gw_str value = gw_str_cut(&lines, '\n');
        struct gw_str name = gw_str_cut(&value, ':');
        if (value.p == NULL || is_framing(name))
            continue;
        if (*n == H2_UP_LINES)
            return false;
        nv[(*n)++] = h2_nv(name, gw_str_trim(gw_str_sub(value, 0, value.n - 1)));
    }
    return true;
}

/* The head was written before it was known which protocol it would be: its lines are taken apart
 * again. They have passed the codec's rules, and may be more than a client's, for the gateway's own
 * are among them. */
int h2_up_submit(struct attempt *a) {
    nghttp2_nv nv[H2_UP_LINES];
    struct gw_str lines = a->send.head;
    struct gw_str path = gw_str_cut(&lines, '\n');
    struct gw_str host = gw_str_cut(&lines, '\n');
    size_t n = 0;
    nv[n++] = h2_nv(GW_STR(":method"), gw_str_cut(&path, ' '));
    nv[n++] = h2_nv(GW_STR(":scheme"), GW_STR("https"));
    (void)gw_str_cut(&host, ' ');
    nv[n++] = h2_nv(GW_STR(":authority"), gw_str_cut(&host, '\r'));
    nv[n++] = h2_nv(GW_STR(":path"), gw_str_cut(&path, ' '));
    if (!put_lines(lines, nv, &n))
        return -1;
    const nghttp2_data_provider body = {.source.ptr = NULL, .read_callback = read_body};
    bool has_body = a->send.slices_n > 0;
    a->h2.id =
        nghttp2_submit_request(a->h2.session->session, NULL, nv, n, has_body ? &body : NULL, a);
    if (a->h2.id < 0)
        return -1;
    send_bare(&a->send);
    return 0;
}

/* ------------------------------------------------------------------ the answer */

/* It breaks a rule. */
static void refuse(struct attempt *a) {
    if (a->state == UPSTREAM_BODY) {
        upstream_finish(a, GW_CUT);
    } else {
        upstream_fail(a, GW_FAIL_JUNK);
    }
}

/* END_STREAM has come. */
static void take_end(struct attempt *a) {
    bool whole = a->state == UPSTREAM_BODY && (a->framing != GW_H1_LENGTH || a->left == 0);
    a->h2.over = true;
    if (whole) {
        upstream_finish(a, GW_CLEAN);
    } else {
        refuse(a);
    }
}

static void take_fields(struct attempt *a, struct h2_fields *head, bool fin) {
    struct gw_header fields[H2_FIELDS_MAX];
    struct gw_h1_res res;
    uint32_t n = h2_fields_list(head, fields);
    if (head->over || gw_h2_res_read(fields, n, a->to_head, &res) != 0) {
        refuse(a);
    } else if (res.status < 200) {
        if (fin || !upstream_hinted(a, &res, fields))
            refuse(a);
    } else {
        if (fin && res.framing == GW_H1_CLOSE) {
            res.framing = GW_H1_NONE;
            res.body_len = 0;
        }
        upstream_headed(a, &res, fields);
        if (!a->dead && a->framing == GW_H1_NONE)
            upstream_finish(a, GW_CLEAN);
    }
}

static void take_head(struct attempt *a, bool fin) {
    struct blocks *blocks = &a->loop->blocks;
    struct h2_fields head = a->h2.head; /* the attempt may be gone before it is read */
    h2_fields_init(&a->h2.head);
    a->h2.over |= fin;
    take_fields(a, &head, fin);
    h2_fields_del(&head, blocks);
}

/* A stream that has not gone out. */
static struct attempt *unsent(const struct h2_up *h) {
    struct attempt *a = h->attempts;
    while (a != NULL && a->h2.out)
        a = a->h2.next;
    return a;
}

/* There may be more room now, or none: nghttp2 would keep back what has not gone out until there is. */
static void take_settings(struct h2_up *h) {
    struct attempt *a;
    h->settled = true;
    while (h2_up_none_taken(h->origin) && (a = unsent(h)) != NULL) {
        upstream_hold(a);
        upstream_fail(a, GW_FAIL_UNTAKEN);
        upstream_unhold(a);
    }
    origin_turn(h->origin);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
    struct attempt *a = attempt_of(session, frame->hd.stream_id);
    bool fin = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_SETTINGS)
        take_settings(user);
    if (a == NULL || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
        return 0;
    upstream_hold(a);
    if (frame->hd.type == NGHTTP2_HEADERS && a->state == UPSTREAM_HEAD)
        take_head(a, fin);
    if (fin && !a->dead)
        take_end(a);
    upstream_unhold(a);
    return 0;
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                         size_t n, void *user) {
    struct attempt *a = attempt_of(session, id);
    (void)flags;
    (void)user;
    (void)nghttp2_session_consume_connection(session, n);
    if (a == NULL)
        return 0;
    upstream_hold(a);
    if (a->state != UPSTREAM_BODY || (a->framing == GW_H1_LENGTH && n > a->left)) {
        refuse(a);
    } else {
        if (a->framing == GW_H1_LENGTH)
            a->left -= n;
        a->h2.owed += (uint32_t)n;
        upstream_deliver(a, (const char *)data, n);
        if (!a->dead && !a->owner->ops->full(a->owner))
            h2_up_resume(a);
    }
    upstream_unhold(a);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user) {
    struct attempt *a = attempt_of(session, id);
    (void)user;
    if (a == NULL)
        return 0;
    a->h2.over = true;
    upstream_hold(a);
    if (a->state == UPSTREAM_BODY) {
        upstream_finish(a, GW_CUT);
    } else if (code == NGHTTP2_REFUSED_STREAM) {
        upstream_fail(a, GW_FAIL_UNTAKEN);
    } else {
        upstream_fail(a, code == NGHTTP2_PROTOCOL_ERROR ? GW_FAIL_JUNK : GW_FAIL_RESET);
    }
    upstream_unhold(a);
    return 0;
}

/* ------------------------------------------------------------------ heads as they come */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
    struct h2_up *h = user;
    (void)session;
    (void)frame;
    h->heading = 0;
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_n, const uint8_t *value, size_t value_n, uint8_t flags,
                     void *user) {
    struct h2_up *h = user;
    struct attempt *a = attempt_of(session, frame->hd.stream_id);
    (void)flags;
    h->heading += name_n + value_n;
    if (h->heading > H2_HEAD_FLOOD)
        return h2_up_calm_down(h, "a head did not end");
    if (a == NULL || a->state != UPSTREAM_HEAD)
        return 0; /* trailers are dropped */
    if (!h2_fields_add(&a->h2.head, &h->loop->blocks, gw_str((const char *)name, name_n),
                       gw_str((const char *)value, value_n)))
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return 0;
}

/* Frames without use have a budget. */
static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *user) {
    struct h2_up *h = user;
    (void)session;
    if (h->ended)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (hd->type == NGHTTP2_PUSH_PROMISE)
        return h2_up_calm_down(h, "it pushes, which it was told not to do");
    if (hd->type == NGHTTP2_DATA && hd->length > 0) {
        h2_calm_earn(&h->calm, H2_WORTH);
    } else if (hd->type != NGHTTP2_HEADERS &&
               !(hd->type == NGHTTP2_WINDOW_UPDATE && h2_calm_window(&h->calm)) &&
               !h2_calm_spend(&h->calm, 0, 1, (double)uv_now(&h->loop->uv))) {
        return h2_up_calm_down(h, "too many frames that carry nothing");
    }
    return 0;
}

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
    struct h2_up *h = user;
    struct attempt *a = attempt_of(session, frame->hd.stream_id);
    h->opened |= frame->hd.type == NGHTTP2_WINDOW_UPDATE;
    if (frame->hd.type == NGHTTP2_HEADERS && a != NULL)
        a->h2.out = true;
    return 0;
}

void h2_up_stream_callbacks(nghttp2_session_callbacks *cb) {
    nghttp2_session_callbacks_set_on_begin_frame_callback(cb, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
}
