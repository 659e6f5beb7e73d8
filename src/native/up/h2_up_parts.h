/*
 * What the parts of an upstream session share: h2_up.c (session, turns, life) and h2_up_stream.c
 * (streams: requests out, answers in).
 */
#ifndef NATIVE_UP_H2_UP_PARTS_H
#define NATIVE_UP_H2_UP_PARTS_H

#include "native/loop/loop.h"
#include "native/net/h2.h"
#include "native/net/h2_calm.h"
#include "native/up/h2_up.h"
#include "native/up/origin.h"
#include "native/up/upstream_parts.h"

struct h2_up {
    struct h2_up *next; /* of the origin */
    struct origin *origin;
    struct loop *loop;
    struct conn *conn;
    nghttp2_session *session;
    struct attempt *attempts;
    uint32_t attempts_n;
    struct later later;
    struct h2_calm calm;
    size_t heading;  /* bytes of the head that is coming in */
    double heard_ms; /* when a byte last came, or the session stopped or began to be idle */
    bool pinged;     /* and was asked for another */
    bool used;       /* had a stream before */
    bool quiet;      /* was idle before its present streams, and no byte has come since */
    bool busy;       /* nghttp2 or a turn is at work */
    bool opened;     /* a window, in this turn */
    bool settled;    /* the server's SETTINGS have come: until then it has one stream */
    bool ended;      /* nothing more is read; the next turn is its last */
};

/* ---- h2_up.c */

/* There is something to send. */
void h2_up_pump(struct h2_up *h);
/* Too much nuisance: the session ends. What a callback of nghttp2 is to return. */
int h2_up_calm_down(struct h2_up *h, const char *why);

/* ---- h2_up_stream.c: callbacks of nghttp2 */

void h2_up_stream_callbacks(nghttp2_session_callbacks *cb);
/* The request of the attempt as a new stream. 0 or -1. */
int h2_up_submit(struct attempt *a);

#endif
