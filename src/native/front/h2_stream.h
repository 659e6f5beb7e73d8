/*
 * A stream of a client's HTTP/2 connection: one request and its answer.
 *
 *     request  | head comes in -> due: the drive starts -> body goes to the drive -> in_done
 *     answer   | -> headed -> bytes, straight or through `out` -> eof, or cut
 *     closed   | nghttp2 has done with it, whoever ended it; what is left is taken off in its turn
 *
 * If the answer is over before the request is whole, the client may go on sending for linger_ms and
 * LINGER_MAX bytes, which are dropped: many clients read the answer only when they have sent everything.
 * Then the stream is reset; what still comes was on its way (net/h2_gone.h).
 *
 * The last byte of a body whose length was declared waits for END_STREAM: a target never has a whole
 * request of which the client then sends more.
 *
 * h2_client.c is the connection: turns, deadlines, life; h2_session.c what nghttp2 is told and
 * tells; h2_stream.c a stream's request and life; h2_answer.c its front. This is what they share.
 */
#ifndef NATIVE_FRONT_H2_STREAM_H
#define NATIVE_FRONT_H2_STREAM_H

#include "base/pace.h"
#include "native/drive/drive.h"
#include "native/front/h2_client.h"
#include "native/loop/later.h"
#include "native/net/body.h"
#include "native/net/h2.h"
#include "native/net/h2_calm.h"
#include "native/net/h2_fields.h"
#include "native/net/h2_gone.h"
#include "native/net/h2_scan.h"

struct h2_stream {
    struct front front;
    struct h2_client *h;
    struct h2_stream *next, *prev; /* of the connection */
    struct h2_stream *next_due;
    int32_t id;
    bool due, closed;
    bool left; /* the client has reset it */

    struct h2_fields head; /* until it starts */
    uint64_t arrived;      /* body bytes */
    uint64_t dropped;      /* of them, those that nobody took */
    uint32_t unconsumed;   /* of them, not yet given back to the windows */
    char last;             /* the last byte of the declared body, */
    bool last_held;        /* which waits for END_STREAM */
    bool headers_done, started, in_done, expect, to_head;

    bool headed, no_body, broken;
    bool eof; /* nothing follows what waits, */
    bool cut; /* and it does not look whole */
    bool was_full;
    uint64_t out_left; /* of a declared length; GW_UNKNOWN */
    struct body out;   /* answer bytes that wait: from out_at on */
    uint64_t out_at;
    const struct front_piece
        *pieces; /* answer bytes that are on their way in: until on_data returns */
    uint32_t pieces_n;
    size_t piece_at; /* bytes of pieces[0] that are gone */

    struct pace in, out_pace; /* of the request body; of what waits in `out` */
    double over_ms;           /* when the whole answer had been sent; INFINITY */
};

struct h2_client {
    struct client *client;
    struct loop *loop;
    struct conn *conn;
    nghttp2_session *session;
    struct h2_stream *streams;
    struct h2_stream *due, *due_last;
    uint32_t streams_n;
    struct later later;
    struct h2_calm calm;
    struct h2_scan scan;
    size_t held;       /* bytes that wait in the streams' `out` */
    size_t gathered;   /* since the socket was last tried */
    size_t heading;    /* bytes of the head that is coming in */
    double heading_ms; /* since when it is; INFINITY: none is */
    double idle_ms;    /* since when there is no stream */
    bool busy;         /* nghttp2, or a turn, is at work */
    bool any_full;     /* a stream may be was_full */
    bool any_out;      /* bytes of an `out` may lie in the batch */
    bool draining;
    bool ended; /* nothing more is read; what there is to say is sent, and then all is over */
    struct h2_gone gone;
};

/* ---- h2_session.c */

/* Begins h->session and queues our SETTINGS. 0 or -1. */
int h2_session_new(struct h2_client *h);
/* Takes bytes in. The result is nghttp2's. */
ssize_t h2_session_feed(struct h2_client *h, struct gw_str in);
/* Too much nuisance: the connection ends with a word about it, in the log too. */
void h2_session_calm_down(struct h2_client *h, const char *why);

/* ---- h2_client.c, for the streams */

/* Has the stream looked at in the next turn. */
void h2_client_due(struct h2_client *h, struct h2_stream *s);
/* Sends what there is, unless a turn is at work, which will. */
void h2_client_pump(struct h2_client *h);
/* There is a new deadline. */
void h2_client_wait(struct h2_client *h, double at_ms);
double h2_client_now_ms(const struct h2_client *h);

/* ---- h2_stream.c */

/* NULL if there is no memory. */
struct h2_stream *h2_stream_new(struct h2_client *h, int32_t id);
/* Tells the drive, if there is one, that the client is gone. */
void h2_stream_del(struct h2_stream *s);
void h2_stream_data(struct h2_stream *s, struct gw_str bytes);
/* Body bytes that came and that nobody takes any more. */
void h2_stream_drop(struct h2_stream *s, uint32_t n);
/* END_STREAM has come. */
void h2_stream_fin(struct h2_stream *s);
/* Its turn: starts the call, or tells it of its body. */
void h2_stream_turn(struct h2_stream *s);
/* nghttp2 has done with it. */
void h2_stream_closed(struct h2_stream *s);
/* Gives what has been taken back to the windows, if the drive wants more. */
void h2_stream_wants(struct h2_stream *s);
double h2_stream_deadline(const struct h2_stream *s);
void h2_stream_late(struct h2_stream *s, double now_ms);
void h2_stream_reset(struct h2_stream *s, uint32_t code);

/* ---- h2_answer.c */

extern const struct front_ops h2_stream_ops;
/* Answers with an error of our own: the call, if there is one, is given up. */
void h2_answer_refuse(struct h2_stream *s, uint32_t status, const char *message, const char *code);
static inline uint64_t h2_answer_queued(const struct h2_stream *s) {
    return s->out.arrived - s->out_at;
}
/* Frees what has been sent, which must have left the batch; resumes the source if there is room. */
void h2_answer_sent(struct h2_stream *s);
/* nghttp2_send_data_callback */
int h2_answer_send(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t n,
                   nghttp2_data_source *source, void *user);
/* END_STREAM has been sent. */
void h2_answer_over(struct h2_stream *s);

#endif
