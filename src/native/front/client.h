/*
 * A client's connection, and the server side of HTTP/1.
 *
 *     state   | waits for                  | deadline          | goes to
 *     --------+----------------------------+-------------------+-----------------------------------
 *     SHAKE   | the TLS handshake, if any  | client_head_ms    | IDLE, H2; plain HTTP (400): FLUSH;
 *             |                            |                   | failed: LINGER; deadline: CLOSED
 *     IDLE    | the first byte of a head   | client_idle_ms    | HEAD, CALL; deadline, end: CLOSED
 *     HEAD    | the rest of it             | client_head_ms    | CALL; bad, deadline (408): FLUSH
 *     CALL    | the drive's end            | the core's; of a  | IDLE; FLUSH if the connection is
 *             | meanwhile request bytes    | relay without it  | not to live on, the answer is cut or
 *             | go in, answer bytes out    | client_body_ms    | no more can come; it leaves: CLOSED
 *     FLUSH   | the queue to be empty      | client_write_ms   | LINGER; CLOSED by a reset
 *     LINGER  | the client's end; what it  | linger_ms, and    | CLOSED
 *             | still sends is dropped     | LINGER_MAX bytes  |
 *     H2      | see h2_client.h            | see h2_client.h   | FLUSH; CLOSED
 *     CLOSED  | nothing                    |                   |
 *
 * In every state: a queue that makes no progress for client_write_ms closes the connection.
 *
 * An idle connection holds no buffer. Heads are parsed where they were received. What is not whole, and
 * what a client sends ahead of its turn, is kept in one block; when that is full, the client is not read
 * until its turn comes. The next request is looked at when the last answer is over and has left the queue.
 *
 * A connection that begins with the preface of HTTP/2, or has agreed on it by ALPN, goes on with HTTP/2.
 * One whose first line is not HTTP at all is closed without an answer.
 *
 * A client that ends its side while its call runs, behind a whole request, may wait for the answer or may
 * have left: see client_fin.c. If it does so in the middle of a request it has left, and the call is told
 * at once.
 */
#ifndef NATIVE_FRONT_CLIENT_H
#define NATIVE_FRONT_CLIENT_H

#include "http/h1.h"
#include "native/drive/front.h"
#include "native/net/conn.h"

enum { LINGER_MAX = 6 << 20 }; /* a body of 5 MB, however it is framed */

/* When a successor is there: how long after its last request a kept connection may wait for another. */
enum { CLIENT_GRACE_MS = 5000 };

struct client {
    struct front front;
    struct client *next, *prev; /* of the loop; free list */
    struct loop *loop;
    struct conn *conn;
    struct h2_client *h2; /* in CLIENT_H2 */
    struct block *kept;   /* bytes [from, to) that wait for their turn */
    size_t seen;          /* of these, how many the codec has looked at */
    uint8_t state;
    uint8_t fin;                            /* enum client_fin */
    uint8_t minor, in_framing, out_framing; /* of the request and its answer */
    bool fresh;                             /* no request has come yet */
    bool taking;                            /* `take` is at work: it will see what comes next */
    bool keep_alive;                        /* after this answer */
    bool expect;                            /* the client waits for 100 Continue */
    bool in_done;                           /* the request body has been received */
    bool headed;                            /* the answer's head has been written */
    bool broken;                            /* the answer cannot become whole */
    bool reset;                             /* FLUSH ends in a reset */
    bool to_head;
    uint32_t peer;     /* enum gw_peer */
    char *certificate; /* the name in it; NULL: none was asked for */
    uint64_t in_left, out_left;
    struct gw_h1_chunks chunks;
    double since_ms; /* when the present wait began */
    struct pace in;  /* of the request body */
    uint32_t *crowd; /* connections of this address */
    uint64_t lingered;
    uint64_t fin_acked;             /* bytes of ours that it had acknowledged at its FIN */
    double look_at, ask_at, ask_ms; /* see client_fin.c */
};

/* What a call is told of its client: the name in its certificate, or an empty text. */
struct gw_str client_certificate(const struct client *client);
/* Serves the connected socket `fd`, and counts it in `crowd`. */
void client_new(struct loop *loop, int fd, uint32_t peer, uint32_t *crowd);
/* By when the queue must make progress: then its connection is reset. */
double client_stalled(const struct loop *loop, const struct conn *conn);
/* Closes the clients that wait for a request, unless one has just come; the others close after their
 * answers. `leave`: a client may wait until CLIENT_GRACE_MS after its last request. */
void client_drain(struct loop *loop, bool leave);
/* Resets all. */
void client_stop_all(struct loop *loop);
void client_del_free(struct loop *loop);

#endif
