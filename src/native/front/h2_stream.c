#include "native/front/h2_stream.h"

#include <stdlib.h>

#include "native/drive/reply.h"
#include "native/front/client.h"
#include "native/loop/loop.h"
#include "native/net/conn.h"

/* ------------------------------------------------------------------ life */

struct h2_stream *h2_stream_new(struct h2_client *h, int32_t id) {
    struct h2_stream *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->front.ops = &h2_stream_ops;
    s->front.near = &s->headed;
    s->h = h;
    s->id = id;
    s->over_ms = INFINITY;
    h2_fields_init(&s->head);
    s->next = h->streams;
    if (s->next != NULL)
        s->next->prev = s;
    h->streams = s;
    h->streams_n++;
    return s;
}

void h2_stream_del(struct h2_stream *s) {
    struct h2_client *h = s->h;
    if (s->front.drive != NULL)
        drive_gone(s->front.drive);
    if (s->next != NULL)
        s->next->prev = s->prev;
    if (s->prev != NULL) {
        s->prev->next = s->next;
    } else {
        h->streams = s->next;
    }
    h->held -= h2_answer_queued(s);
    body_del(&s->out, &h->loop->blocks);
    h2_fields_del(&s->head, &h->loop->blocks);
    free(s);
    if (--h->streams_n > 0)
        return;
    h->idle_ms = h2_client_now_ms(h);
    h2_client_wait(h, h->idle_ms + h->loop->limits.client_idle_ms);
}

void h2_stream_reset(struct h2_stream *s, uint32_t code) {
    (void)nghttp2_submit_rst_stream(s->h->session, NGHTTP2_FLAG_NONE, s->id, code);
}

void h2_stream_closed(struct h2_stream *s) {
    s->closed = true;
    (void)nghttp2_session_consume_connection(s->h->session, s->unconsumed);
    s->unconsumed = 0;
    h2_client_due(s->h, s);
}

/* ------------------------------------------------------------------ the request body */

/* The drive, which is opened when there is something to give it. */
static struct drive *drive_of(struct h2_stream *s) {
    if (s->front.drive == NULL && !s->started)
        (void)drive_open(s->h->loop, &s->front);
    return s->front.drive;
}

static bool put(struct h2_stream *s, struct gw_str bytes) {
    struct body *body = drive_body(s->front.drive);
    uint64_t left = s->head.body_len == GW_UNKNOWN ? bytes.n : s->head.body_len - body->arrived;
    return body_put(body, &s->h->loop->blocks, bytes, left);
}

void h2_stream_drop(struct h2_stream *s, uint32_t n) {
    nghttp2_session *session = s->h->session;
    (void)nghttp2_session_consume_connection(session, n);
    s->dropped += n;
    if (s->in_done || !s->eof || s->cut)
        return;
    if (s->dropped <= LINGER_MAX) {
        (void)nghttp2_session_consume_stream(session, s->id, n);
    } else if (s->over_ms < INFINITY) {
        h2_stream_reset(s, NGHTTP2_NO_ERROR);
    }
}

void h2_stream_data(struct h2_stream *s, struct gw_str bytes) {
    size_t n = bytes.n;
    s->arrived += n;
    if (drive_of(s) == NULL) {
        h2_stream_drop(s, (uint32_t)n); /* the answer is over, or there is no memory */
        return;
    }
    s->unconsumed += (uint32_t)n;
    if (s->arrived == s->head.body_len) {
        s->last = bytes.p[--bytes.n];
        s->last_held = true;
    }
    if (!put(s, bytes))
        h2_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
    pace_moved(&s->in, h2_client_now_ms(s->h), n);
    h2_client_due(s->h, s);
}

void h2_stream_fin(struct h2_stream *s) {
    s->in_done = true;
    h2_client_due(s->h, s);
    if (s->front.drive == NULL)
        return;
    if (s->last_held && !put(s, gw_str(&s->last, 1)))
        h2_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
    drive_body(s->front.drive)->fin = true;
}

static double body_deadline(const struct h2_stream *s) {
    const struct limits *l = &s->h->loop->limits;
    return pace_deadline(&s->in, l->client_body_ms, (double)l->client_rate_min);
}

/* While the call runs it is the core that says how fast a body must come. */
static bool waits_for_body(const struct h2_stream *s) {
    return !s->in_done && s->started && s->front.drive != NULL && drive_paces(s->front.drive);
}

void h2_stream_wants(struct h2_stream *s) {
    struct h2_client *h = s->h;
    if (s->front.drive == NULL || !drive_wants(s->front.drive))
        return;
    (void)nghttp2_session_consume(h->session, s->id, s->unconsumed);
    s->unconsumed = 0;
    if (waits_for_body(s))
        h2_client_wait(h, body_deadline(s));
}

/* ------------------------------------------------------------------ the beginning */

static const char *code_of(uint32_t status) {
    switch (status) {
    case 414:
        return "uri_too_long";
    case 417:
        return "expectation_failed";
    case 501:
        return "not_implemented";
    default:
        return status == 431 ? "headers_too_large" : "bad_request";
    }
}

static void begin(struct h2_stream *s, const struct gw_h2_req *req,
                  const struct gw_header *headers) {
    uint64_t body_len = req->body_len;
    if (s->in_done)
        body_len = s->arrived; /* all of it is here */
    const struct gw_req_head head = {
        .method = req->method,
        .target = req->target,
        .authority = req->authority,
        .certificate = client_certificate(s->h->client),
        .headers = headers,
        .headers_n = req->headers_n,
        .peer = s->h->client->peer,
        .body_len = body_len,
    };
    s->expect = req->expect_continue && !s->in_done && s->arrived == 0;
    pace_begin(&s->in, h2_client_now_ms(s->h));
    drive_start(s->front.drive, &head, s->in_done);
}

static void start(struct h2_stream *s) {
    struct gw_header fields[H2_FIELDS_MAX];
    struct gw_h2_req req;
    uint32_t n = h2_fields_list(&s->head, fields);
    struct drive *d = drive_of(s);
    s->started = true;
    s->to_head = s->head.to_head;
    if (s->head.over) {
        h2_answer_refuse(s, 431, "the request's head is too large; send fewer or shorter headers",
                         code_of(431));
    } else if (gw_h2_req_read(fields, n, &req) != 0) {
        h2_answer_refuse(s, req.status, req.why.p, code_of(req.status));
    } else if (d == NULL) {
        h2_answer_refuse(s, 503, OUT_OF_MEMORY, "overloaded");
    } else {
        begin(s, &req, fields);
    }
    h2_fields_del(&s->head, &s->h->loop->blocks);
}

void h2_stream_turn(struct h2_stream *s) {
    if (s->closed) {
        h2_stream_del(s);
    } else if (!s->started && s->headers_done) {
        start(s);
        h2_stream_wants(s);
    } else if (s->front.drive != NULL) {
        drive_body_came(s->front.drive);
        h2_stream_wants(s);
    }
}

/* ------------------------------------------------------------------ time */

double h2_stream_deadline(const struct h2_stream *s) {
    const struct limits *l = &s->h->loop->limits;
    double at = waits_for_body(s) ? body_deadline(s) : s->over_ms + l->linger_ms;
    if (h2_answer_queued(s) == 0)
        return at;
    double out_at = pace_deadline(&s->out_pace, l->client_write_ms, (double)l->client_rate_min);
    return out_at < at ? out_at : at;
}

void h2_stream_late(struct h2_stream *s, double now_ms) {
    if (now_ms < h2_stream_deadline(s))
        return;
    if (s->over_ms < INFINITY) {
        s->over_ms = INFINITY; /* until the reset has gone out */
        h2_stream_reset(s, NGHTTP2_NO_ERROR);
    } else if (waits_for_body(s) && now_ms >= body_deadline(s)) {
        h2_answer_refuse(s, 408, "the request's body did not arrive in time; send it again",
                         "request_timeout");
    } else {
        pace_begin(&s->out_pace, now_ms); /* until the reset has gone out */
        h2_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
    }
}
