/*
 * HTTP/2 to upstreams: sessions that the attempts at an origin share; each attempt has a stream.
 *
 *     begins    | "h2" by ALPN on the connection of the attempt that leads (origin.h)
 *     limits    | the server's MAX_CONCURRENT_STREAMS, H2_UP_STREAMS; H2_UP_SESSIONS an origin
 *     SETTINGS  | no push, windows of H2_STREAM_WINDOW and H2_CONN_WINDOW, heads of GW_HEAD_MAX
 *     ends      | upstream_idle_ms without a stream; the last stream after the server's GOAWAY; the
 *               | connection's end; no byte for H2_UP_QUIET_MS, nor an answer to a PING in as long
 *
 *     the stream's end           | before the head | after it
 *     ---------------------------+-----------------+---------
 *     END_STREAM                 | JUNK            | CLEAN
 *     REFUSED_STREAM, GOAWAY,    | UNTAKEN         | CUT
 *     SETTINGS: 0, not yet sent  |                 |
 *     other RST_STREAM           | RESET           | CUT
 *     the connection's           | RESET, or STALE | CUT      STALE: kept alive, idle, and no byte since
 *     breaks a rule              | JUNK            | CUT
 *
 * Turns. While a read is taken in, callbacks of nghttp2 tell drives at once what came. What drives then
 * want to send is noted, and goes out in the session's turn: after the read, or in the next turn of the
 * loop. A session ends only in its turn, or by an event of its own.
 *
 * Back-pressure. A stream's window is given back as the front takes bytes, the connection's at once. So a
 * slow client holds at most H2_STREAM_WINDOW and does not stop the others. Request bytes are taken from
 * the drive only while the socket takes them.
 */
#ifndef NATIVE_UP_H2_UP_H
#define NATIVE_UP_H2_UP_H

#include "native/net/h2_fields.h"

struct attempt;
struct conn;
struct h2_up;
struct origin;

enum {
    H2_UP_STREAMS = 100,
    H2_UP_SESSIONS = 8,
    H2_UP_QUIET_MS = 10000,
    H2_UP_LINES = GW_HEADERS_MAX + 28, /* of a request's head: a client's and our own */
};

/* An attempt's part of a session. */
struct h2_up_stream {
    struct h2_up *session; /* NULL: the attempt is not one of HTTP/2 */
    struct attempt *next, *prev;
    int32_t id;
    uint32_t owed; /* body bytes that have not been given back to the stream's window */
    bool out;      /* its HEADERS have been sent */
    bool over;     /* END_STREAM has come, or nghttp2 has done with it */
    bool moved;    /* some of its request has been sent, and the drive does not know */
    struct h2_fields head;
};

/* A session on `conn`, whose owner it is from now on. False if there is no memory: nothing has
 * happened then. */
bool h2_up_start(struct origin *origin, struct conn *conn);
/* Gives the attempt a stream: 0, CONN_AGAIN if no session has room, or CONN_ERROR. */
int h2_up_join(struct attempt *a);
/* The attempt is over: resets the stream if it is not. */
void h2_up_leave(struct attempt *a);
void h2_up_more(struct attempt *a);
void h2_up_resume(struct attempt *a);
/* How many sessions take new streams; `*starting`: one of them has not said yet how many it takes. */
uint32_t h2_up_n(const struct origin *origin, bool *starting);
/* Whether the origin's sessions take no streams at all: another session would be told the same. */
bool h2_up_none_taken(const struct origin *origin);
void h2_up_close_idle(struct origin *origin);

#endif
