/*
 * HTTP/2 on a connection: what is the same whichever side we are.
 */
#ifndef NATIVE_NET_H2_H
#define NATIVE_NET_H2_H

#include <nghttp2/nghttp2.h>

#include "base/str.h"
#include "http/h1.h"

struct conn;

enum {
    H2_STREAM_WINDOW = 65536, /* body bytes that a peer may send ahead in one stream, */
    H2_CONN_WINDOW = 1 << 20, /* and in all streams of a connection */
    /* header lines that we write at most: those of an answer, and some of our own */
    H2_ANSWER_LINES = GW_ANSWER_HEADERS_MAX + 16,
    H2_FRAME_HEAD = 9, /* bytes */
    H2_GATHER = 65536, /* bytes that are gathered before the socket is tried */
};

/* A header to be written; its bytes are copied when it is submitted. */
static inline nghttp2_nv h2_nv(struct gw_str name, struct gw_str value) {
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name.p, (uint8_t *)(uintptr_t)value.p, name.n,
                        value.n, NGHTTP2_NV_FLAG_NONE};
}

/* Gathers a copy of `s`, however long it is. */
void h2_put(struct conn *conn, struct gw_str s);
/* Gathers what the session has to send until nothing is left or the connection is full. 0, or -1:
 * the session is broken. */
int h2_send(nghttp2_session *session, struct conn *conn);

#endif
