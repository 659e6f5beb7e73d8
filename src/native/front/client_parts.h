/*
 * What the parts of a client's connection share: client.c (life, deadlines, events),
 * client_request.c (heads, bodies, what waits for its turn) and client_answer.c (the front, and how
 * a connection ends). The states are in client.h.
 */
#ifndef NATIVE_FRONT_CLIENT_PARTS_H
#define NATIVE_FRONT_CLIENT_PARTS_H

#include "native/drive/drive.h"
#include "native/drive/reply.h"
#include "native/front/client.h"
#include "native/front/h2_client.h"
#include "native/loop/loop.h"

enum client_state {
    CLIENT_SHAKE = 1,
    CLIENT_IDLE,
    CLIENT_HEAD,
    CLIENT_CALL,
    CLIENT_FLUSH,
    CLIENT_LINGER,
    CLIENT_H2,
    CLIENT_CLOSED,
};

/* Whether the client has ended its side. */
enum client_fin {
    FIN_NONE = 0,
    FIN_SEEN, /* behind bytes that wait to be read */
    FIN_READ, /* and nothing more will come */
};

/* client.c */

double client_now_ms(const struct client *c);
/* The end of the connection; a call that runs is told. The memory stays for this turn. */
void client_shut(struct client *c, bool reset);
/* Reads, or stops reading, as the state wants it. */
void client_watch(struct client *c);
/* A wait begins, or begins anew. */
void client_wait(struct client *c);

/* HTTP/2 has come to its end: what is queued goes out, then the connection is closed. */
void client_after_h2(struct client *c);

/* client_tls.c */

/* Begins the handshake of a new connection. False if there is no memory for it. */
bool client_shake_begin(struct client *c);
/* Goes on with it; the connection may have become anything when this returns. */
void client_shake(struct client *c);

/* client_fin.c: the client has ended its side */

/* It has: what has come before is still to be answered. The connection may be closed when this
 * returns. */
void client_fin(struct client *c, uint8_t how);
/* A call begins, or that was one. */
void client_fin_call(struct client *c);
/* Nothing comes behind what has been read: what is not whole now will never be. */
void client_end_requests(struct client *c);
/* It is look_at: closes the connection if the client has left. */
void client_fin_look(struct client *c, double now);

/* client_request.c */

/* Serves the requests in `in`, of which the codec has looked at `seen` bytes; keeps the rest. `in`
 * lies in the loop's scratch block or is what is kept. */
void client_take(struct client *c, struct gw_str in, size_t seen);
/* Receive bytes of heads, or of the body of the running call. The result is conn_read's. */
ssize_t client_receive_ahead(struct client *c);
ssize_t client_receive_body(struct client *c);
void client_drop_kept(struct client *c);
struct gw_str client_kept(const struct client *c);
bool client_kept_full(const struct client *c);

/* client_answer.c */

extern const struct front_ops client_ops;

/* No request follows: what is queued goes out, then the connection is closed. */
void client_flush_out(struct client *c);
/* Nothing is known of the request that is to be answered. */
void client_fresh_answer(struct client *c);
/* Answers with an error of our own and closes: the call, if there is one, is given up. */
void client_refuse(struct client *c, uint32_t status, const char *message, const char *code);
/* The last answer has left: waits for the client to close, or resets. */
void client_linger(struct client *c);

#endif
