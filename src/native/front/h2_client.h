/*
 * A client's connection that speaks HTTP/2: a session, and a front (drive/front.h) for each of its streams.
 * The loop still counts and ends the struct client (client.h, state CLIENT_H2); this takes over its
 * socket's events, and gives them back for the end.
 *
 *     begins by   | "h2" by ALPN, or the preface as the first bytes of a plain connection
 *     SETTINGS    | streams_max streams, windows of H2_STREAM_WINDOW and H2_CONN_WINDOW, heads of
 *                 | GW_HEAD_MAX, no push, no CONNECT
 *
 *     waits for                        | deadline           | then
 *     ---------------------------------+--------------------+-------------------------------------
 *     the client's SETTINGS, the rest  | client_head_ms     | GOAWAY
 *     of a head                        |                    |
 *     a stream, when there is none     | client_idle_ms     | GOAWAY
 *     the rest of a refused request    | linger_ms          | RST_STREAM(NO_ERROR)
 *     request bytes that are wanted    | the core's; of a   | 408 in that stream
 *                                      | relay without it   |
 *                                      | client_body_ms     |
 *     a stream's window to open        | client_write_ms    | RST_STREAM
 *     the socket to take the queue     | client_write_ms    | reset
 *
 * Turns. nghttp2 calls back while it reads and while it writes, and must not be entered again from there;
 * nor must a drive. So callbacks only note what they find (a stream is `due`). When the bytes have been
 * taken in, streams begin, hear of their bodies, and end; then what is to be sent is gathered. So a request
 * that is cancelled in the read in which it came has begun nothing.
 *
 * Back-pressure. Request bytes are given back to the client's windows when the drive wants more.
 * Answer bytes go straight from where they were received into DATA frames; what windows or the
 * socket do not take is copied and waits in the stream (H2_QUEUE_HIGH: the drive stops its source).
 * A connection holds H2_HELD_MAX of them and one received chunk for each stream.
 *
 * Nuisance. Frames that move nothing have a budget (net/h2_calm.h), a head has at most H2_HEAD_FLOOD bytes,
 * and at most H2_UNSENT_MAX frames may wait for a client that does not read. Beyond that:
 * GOAWAY(ENHANCE_YOUR_CALM), and the end.
 *
 * Draining: GOAWAY that announces it, a PING, and when that is answered the GOAWAY that says which
 * streams are the last ones; the connection ends with the last of them. One that is idle ends at
 * once, unless a request has just come.
 */
#ifndef NATIVE_FRONT_H2_CLIENT_H
#define NATIVE_FRONT_H2_CLIENT_H

#include "base/str.h"

enum {
    H2_QUEUE_HIGH = 65536, /* answer bytes that wait in a stream: full, and no longer full */
    H2_QUEUE_LOW = 16384,
    H2_HELD_MAX = 1 << 20, /* in all streams of a connection */
    H2_UNSENT_MAX = 2000,  /* frames but DATA that wait for the socket */
};

struct client;
struct h2_client;

/* Goes on as HTTP/2; `first` are the bytes that have come, the preface included. False if there is no
 * memory: nothing has happened then. The connection may be at its end when this returns. */
bool h2_client_start(struct client *client, struct gw_str first);
/* Tells the streams that the client is gone, and frees all. Only client.c calls it. */
void h2_client_del(struct h2_client *h);
void h2_client_drain(struct h2_client *h);

#endif
