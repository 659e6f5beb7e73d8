/*
 * A connection: a socket, plain or TLS, watched by the event loop.
 *
 * Reading and writing are done directly on the descriptor. Writing to a client goes through the
 * loop's batch: pieces are gathered while one event is handled and leave in one writev when it has
 * been handled (conn_flush), or earlier when another connection has something to gather or the batch
 * is full. What the kernel does not take is copied into the connection's queue and sent when there
 * is room. An upstream connection is written with conn_send, which takes what the kernel takes; its
 * owner keeps the rest.
 *
 *     watch      | asked of the event loop | why
 *     -----------+-------------------------+--------------------------------------------------
 *     CONN_READ  | readable, hang-up       | data, the end and errors all are readable
 *     CONN_WAIT  | hang-up                 | the peer may leave while nobody reads
 *     CONN_STILL | nothing                 | a producer that is held back
 *     and        | writable                | while the queue, or the owner, waits for room
 *
 * The watch stays as it is from one request to the next: a change costs two system calls.
 *
 * How the kernel reports what can be read:
 *
 *     state | goes on to | when
 *     ------+------------+---------------------------------------------------------------------------
 *     level | edge       | CONN_CALM events in a row were each read to the last byte by a short read
 *     edge  | level      | a read filled its buffer, nobody read, the peer hung up, the watch changed
 *
 * With edges the kernel does not look at the socket again before each wait: that would be 5 % of what an
 * event of a stream costs. What is there to read at the change to levels is reported at once, so nothing
 * is missed.
 *
 * `ready` is the one callback. Errors found while writing are reported by it in the next turn, never from
 * inside the call that wrote. A closed connection's memory stays valid until `closed`.
 */
#ifndef NATIVE_NET_CONN_H
#define NATIVE_NET_CONN_H

#include <sys/types.h>
#include <sys/uio.h>

#include "base/pace.h"
#include "base/prefetch.h"
#include "base/str.h"
#include "native/loop/batch.h"
#include "native/loop/later.h"
#include "native/loop/timer.h"

struct loop;
struct block;
struct conn;
struct ssl_st;

enum { CONN_HIGH = 65536, CONN_LOW = 16384 }; /* queued bytes: full, and no longer full */
enum { CONN_UNSENT = 131072, CONN_WINDOW = 1 << 20 };
enum { CONN_CALM = 4 }; /* events before a connection is watched by edges */

enum conn_watch { CONN_STILL = 0, CONN_READ, CONN_WAIT };

enum conn_event {
    CONN_READABLE = 1, /* conn_read gives bytes, the end or an error */
    CONN_WRITABLE = 2, /* asked for with conn_want_write */
    CONN_LEFT = 4,     /* the peer hung up, or writing failed */
    CONN_DRAINED = 8,  /* the queue was full and is low, or it is empty */
};

typedef void (*conn_ready)(struct conn *, unsigned events);
typedef void (*conn_closed)(struct conn *);

enum { CONN_AGAIN = -1, CONN_ERROR = -2 };

/* Addresses that the owner will look at, CONN_NEAR_BYTES each, when it is told that the connection is
 * ready: of ten thousand streams the one that goes on is in no cache. Only hints: base/prefetch.h. */
enum { CONN_NEAR = 6, CONN_NEAR_BYTES = 2 * GW_LINE };

struct conn {
    uv_poll_t poll;
    struct loop *loop;
    struct ssl_st *tls;
    int fd;          /* -1: closed */
    int armed;       /* the event loop's events */
    uint8_t watch;   /* enum conn_watch */
    bool want_write; /* the owner waits for room */
    bool tls_write;  /* TLS must write before it can go on reading */
    bool broken;     /* writing failed: nothing more is written */
    bool was_full;
    bool edge;    /* watched by edges */
    bool drained; /* the last read took all there was */
    uint8_t calm; /* events in a row that were read to the end */
    conn_ready ready;
    void *owner;
    size_t queued;
    struct block *first, *last;  /* the queue */
    conn_closed closed;          /* may be NULL */
    struct conn *next, *prev;    /* the owner's lists */
    const void *near[CONN_NEAR]; /* near[0] is NULL: nothing is known */
    struct timer timer;          /* the owner's, who also sets timer.due */
    struct later later;
    struct pace pace; /* of the queue, while there is one */
    double stall_ms;  /* when the queue begins, timer is set to this long from then, if earlier */
};

/* Sets up a new socket: small writes are sent at once, and the kernel holds at most about CONN_UNSENT
 * bytes that are not sent yet and CONN_WINDOW bytes that nobody has read. Otherwise it would take tens of
 * megabytes from a fast peer on behalf of a slow one. */
void conn_tune(int fd);
/* Acknowledges at once what has come. A peer that holds back small segments until the last ones are
 * acknowledged would otherwise stand still for 40 ms whenever a window of ours is used up. */
void conn_ack(struct conn *conn);
/* A connection on the non-blocking socket `fd`, which it owns from now on; CONN_STILL. NULL if
 * there is no memory (and `fd` is closed). */
struct conn *conn_new(struct loop *loop, int fd, conn_ready ready, void *owner);
/* What has been gathered or queued is lost, but what the kernel has is still sent. */
void conn_close(struct conn *conn);
/* The same, but the peer sees a reset. */
void conn_reset(struct conn *conn);
/* No more will be written: the peer sees the end. The queue must be empty. */
void conn_shut(struct conn *conn);

/* Has CONN_LEFT reported in the next turn. */
void conn_fail(struct conn *conn);

void conn_watch(struct conn *conn, uint8_t watch);
void conn_want_write(struct conn *conn, bool on);

/* Whether bytes have come that have not been read. */
bool conn_waiting(const struct conn *conn);
/* Bytes read (at most n), 0 at the end, CONN_AGAIN or CONN_ERROR. */
ssize_t conn_read(struct conn *conn, void *p, size_t n);
/* Bytes taken, which may be 0, or CONN_ERROR. */
ssize_t conn_send(struct conn *conn, const struct iovec *iov, int n);

/* Gathers bytes, which must stay as they are until conn_flush. */
void conn_put(struct conn *conn, struct gw_str s);
/* Gathers a copy, of at most BATCH_STAGE bytes. */
void conn_put_copy(struct conn *conn, struct gw_str s);
/* Room for `n` <= BATCH_STAGE bytes; conn_put_room then gathers the first `used` of them. */
char *conn_room(struct conn *conn, size_t n);
void conn_put_room(struct conn *conn, size_t used);
/* Writes what has been gathered, for whichever connection. Called when an event has been handled. */
void conn_flush(struct loop *loop);
/* After the loop has ended. */
void conn_del_free(struct loop *loop);

static inline bool conn_full(const struct conn *conn) {
    return conn->queued >= CONN_HIGH;
}

#endif
