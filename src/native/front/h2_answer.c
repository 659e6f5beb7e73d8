/*
 * The answer of a stream: from the drive into frames.
 */
#include <stdio.h>

#include "native/drive/reply.h"
#include "native/front/client.h"
#include "native/front/h2_stream.h"
#include "native/loop/loop.h"
#include "native/net/conn.h"

static struct h2_stream *of_front(struct front *front) {
    return (struct h2_stream *)((char *)front - offsetof(struct h2_stream, front));
}

/* ------------------------------------------------------------------ out to the session */

/* Bytes that are on their way in and have not been sent. */
static size_t borrowed(const struct h2_stream *s) {
    size_t n = 0;
    for (uint32_t i = 0; i < s->pieces_n; i++)
        n += s->pieces[i].bytes.n;
    return n - s->piece_at;
}

/* nghttp2_data_source_read_callback: says how many bytes h2_answer_send may take. */
static ssize_t read_data(nghttp2_session *session, int32_t id, uint8_t *buf, size_t max,
                         uint32_t *flags, nghttp2_data_source *source, void *user) {
    struct h2_stream *s = source->ptr;
    uint64_t n = h2_answer_queued(s) + borrowed(s);
    (void)session;
    (void)id;
    (void)buf;
    (void)user;
    if (n == 0 && s->cut)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* RST_STREAM(INTERNAL_ERROR) */
    if (n == 0 && !s->eof)
        return NGHTTP2_ERR_DEFERRED;
    if (n <= max && s->eof && !s->cut)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    return (ssize_t)(n < max ? n : max);
}

static size_t send_queued(struct h2_stream *s, size_t n) {
    struct gw_str bytes = body_at(&s->out, s->out_at, n);
    conn_put(s->h->conn, bytes);
    s->out_at += bytes.n;
    s->h->held -= bytes.n;
    s->h->any_out = true;
    return bytes.n;
}

static size_t send_borrowed(struct h2_stream *s, size_t n) {
    const struct front_piece *piece = s->pieces;
    size_t left = piece->bytes.n - s->piece_at;
    struct gw_str bytes = gw_str(piece->bytes.p + s->piece_at, left < n ? left : n);
    if (piece->copy) {
        h2_put(s->h->conn, bytes);
    } else {
        conn_put(s->h->conn, bytes);
    }
    s->piece_at += bytes.n;
    if (bytes.n == left) {
        s->pieces++;
        s->pieces_n--;
        s->piece_at = 0;
    }
    return bytes.n;
}

int h2_answer_send(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t n,
                   nghttp2_data_source *source, void *user) {
    struct h2_stream *s = source->ptr;
    struct h2_client *h = user;
    (void)session;
    (void)frame;
    if (conn_full(h->conn))
        return NGHTTP2_ERR_WOULDBLOCK;
    if (h2_answer_queued(s) + borrowed(s) < n)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* memory ran out: they are lost */
    conn_put_copy(h->conn, gw_str(head, H2_FRAME_HEAD));
    for (size_t left = n; left > 0;) {
        left -= h2_answer_queued(s) > 0 ? send_queued(s, left) : send_borrowed(s, left);
    }
    pace_moved(&s->out_pace, h2_client_now_ms(h), n);
    if (n > 0)
        h2_calm_sent(&h->calm, n, h2_answer_queued(s) + borrowed(s) == 0);
    h->gathered += n;
    if (h->gathered >= H2_GATHER) {
        conn_flush(h->loop);
        h->gathered = 0;
    }
    return 0;
}

static bool has_room(const struct h2_stream *s) {
    uint64_t queued = h2_answer_queued(s);
    return queued <= H2_QUEUE_LOW && (queued == 0 || s->h->held < H2_HELD_MAX) &&
           !conn_full(s->h->conn);
}

void h2_answer_sent(struct h2_stream *s) {
    if (h2_answer_queued(s) > 0) {
        body_free(&s->out, &s->h->loop->blocks, s->out_at);
    } else if (s->out.first != NULL) {
        body_del(&s->out, &s->h->loop->blocks);
        s->out_at = 0;
    }
    if (!s->was_full || !has_room(s))
        return;
    s->was_full = false;
    if (s->front.drive != NULL)
        drive_drained(s->front.drive);
}

/* ------------------------------------------------------------------ in from the drive */

/* There is something new for read_data. */
static void resume(struct h2_stream *s) {
    (void)nghttp2_session_resume_data(s->h->session, s->id);
    h2_client_pump(s->h);
}

static struct gw_str date_of(struct loop *loop) {
    struct gw_str value = loop_date(loop);
    (void)gw_str_cut(&value, ':');
    return gw_str_trim(gw_str_sub(value, 0, value.n - 2));
}

static int submit(struct h2_stream *s, uint32_t status, struct gw_str head, uint64_t body_len) {
    struct gw_header lines[H2_ANSWER_LINES];
    nghttp2_nv nv[H2_ANSWER_LINES + 3];
    char digits[12], length[24];
    size_t n = 0;
    int lines_n = gw_h2_block_read(head, lines, H2_ANSWER_LINES);
    if (lines_n < 0)
        return -1;
    int k = snprintf(digits, sizeof digits, "%u", status);
    nv[n++] = h2_nv(GW_STR(":status"), gw_str(digits, (size_t)k));
    bool dated = false;
    for (int i = 0; i < lines_n; i++) {
        nv[n++] = h2_nv(lines[i].name, lines[i].value);
        dated |= gw_str_eq(lines[i].name, GW_STR("date"));
    }
    if (!dated)
        nv[n++] = h2_nv(GW_STR("date"), date_of(s->h->loop));
    bool told = body_len != GW_UNKNOWN && status != 204 && (body_len > 0 || !s->no_body);
    if (told) {
        k = snprintf(length, sizeof length, "%llu", (unsigned long long)body_len);
        nv[n++] = h2_nv(GW_STR("content-length"), gw_str(length, (size_t)k));
    }
    const nghttp2_data_provider body = {.source.ptr = s, .read_callback = read_data};
    return nghttp2_submit_response(s->h->session, s->id, nv, n, s->no_body ? NULL : &body);
}

static void on_head(struct front *front, uint32_t status, struct gw_str head, uint64_t body_len) {
    struct h2_stream *s = of_front(front);
    if (s->closed)
        return;
    s->no_body = s->to_head || status == 204 || status == 304;
    s->out_left = body_len;
    s->broken = submit(s, status, head, body_len) != 0;
    s->headed = !s->broken;
    h2_client_pump(s->h);
}

static void on_hint(struct front *front, uint32_t status, struct gw_str head) {
    struct h2_stream *s = of_front(front);
    struct gw_header lines[H2_ANSWER_LINES];
    nghttp2_nv nv[H2_ANSWER_LINES + 1];
    char digits[12];
    int lines_n = gw_h2_block_read(head, lines, H2_ANSWER_LINES);
    if (s->closed || lines_n < 0)
        return;
    int k = snprintf(digits, sizeof digits, "%u", status);
    nv[0] = h2_nv(GW_STR(":status"), gw_str(digits, (size_t)k));
    for (int i = 0; i < lines_n; i++)
        nv[i + 1] = h2_nv(lines[i].name, lines[i].value);
    (void)nghttp2_submit_headers(s->h->session, NGHTTP2_FLAG_NONE, s->id, NULL, nv,
                                 (size_t)lines_n + 1, NULL);
    h2_client_pump(s->h);
}

/* Copies what could not be sent. */
static void keep_rest(struct h2_stream *s) {
    struct h2_client *h = s->h;
    bool began = h2_answer_queued(s) == 0;
    for (; s->pieces_n > 0; s->pieces++, s->pieces_n--, s->piece_at = 0) {
        struct gw_str rest = s->pieces->bytes;
        rest = gw_str_sub(rest, s->piece_at, rest.n);
        if (!body_put(&s->out, &h->loop->blocks, rest, rest.n)) {
            s->broken = true; /* on_end will cut it */
            s->pieces_n = 0;
            return;
        }
        h->held += rest.n;
    }
    if (!began || h2_answer_queued(s) == 0)
        return;
    pace_begin(&s->out_pace, h2_client_now_ms(h));
    h2_client_wait(h, s->out_pace.since_ms + h->loop->limits.client_write_ms);
}

static void on_data(struct front *front, const struct front_piece *pieces, uint32_t n) {
    struct h2_stream *s = of_front(front);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += pieces[i].bytes.n;
    if (sum == 0 || s->closed || s->broken || s->no_body)
        return;
    if (s->out_left != GW_UNKNOWN) {
        s->broken = sum > s->out_left; /* more than was promised */
        if (s->broken)
            return;
        s->out_left -= sum;
    }
    s->pieces = pieces;
    s->pieces_n = n;
    s->piece_at = 0;
    resume(s);
    keep_rest(s);
}

static void on_end(struct front *front, uint32_t code) {
    struct h2_stream *s = of_front(front);
    struct h2_client *h = s->h;
    if (s->closed)
        return;
    uint32_t unconsumed = s->unconsumed;
    s->unconsumed = 0;
    bool short_of = s->out_left != GW_UNKNOWN && s->out_left > 0 && !s->no_body;
    s->eof = true;
    s->cut = code != 0 || s->broken || !s->headed || short_of;
    h2_stream_drop(s, unconsumed);
    if (s->cut && (!s->headed || s->no_body)) {
        h2_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
        h2_client_pump(h);
    } else {
        resume(s);
    }
}

/* Of a request that is not whole the rest is not wanted; one that waits for our word sends none. */
void h2_answer_over(struct h2_stream *s) {
    double linger_ms = s->h->loop->limits.linger_ms;
    if (s->in_done)
        return;
    if (s->expect || s->dropped > LINGER_MAX || linger_ms == 0) {
        h2_stream_reset(s, NGHTTP2_NO_ERROR);
        return;
    }
    s->over_ms = h2_client_now_ms(s->h);
    h2_client_wait(s->h, s->over_ms + linger_ms);
}

void h2_answer_refuse(struct h2_stream *s, uint32_t status, const char *message, const char *code) {
    if (s->front.drive != NULL)
        drive_gone(s->front.drive);
    on_end(&s->front, s->headed ? 1 : reply_error(s->h->loop, &s->front, status, message, code));
}

static bool on_full(struct front *front) {
    struct h2_stream *s = of_front(front);
    uint64_t queued = h2_answer_queued(s);
    bool full = queued >= H2_QUEUE_HIGH || (queued > 0 && s->h->held >= H2_HELD_MAX) ||
                conn_full(s->h->conn);
    if (full)
        s->was_full = s->h->any_full = true;
    return full;
}

static void on_wanted(struct front *front) {
    struct h2_stream *s = of_front(front);
    if (s->in_done || s->closed || !drive_wants(s->front.drive))
        return;
    if (s->expect && !s->headed) {
        nghttp2_nv nv = h2_nv(GW_STR(":status"), GW_STR("100"));
        (void)nghttp2_submit_headers(s->h->session, NGHTTP2_FLAG_NONE, s->id, NULL, &nv, 1, NULL);
    }
    s->expect = false;
    pace_wait(&s->in, h2_client_now_ms(s->h));
    h2_stream_wants(s);
    h2_client_pump(s->h);
}

const struct front_ops h2_stream_ops = {.head = on_head,
                                        .hint = on_hint,
                                        .data = on_data,
                                        .end = on_end,
                                        .wanted = on_wanted,
                                        .full = on_full};
