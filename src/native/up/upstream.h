/*
 * Attempts: one request to one target and what became of it. The twin of worker-shim/upstream.js.
 *
 *     state    | waits for                       | goes to
 *     ---------+---------------------------------+-------------------------------------------------
 *     TURN     | another's handshake, or room in | HEAD, in a stream; RESOLVE; failed: UNTAKEN
 *              | an HTTP/2 session (origin.h)    |
 *     RESOLVE  | the origin's addresses          | CONNECT; failed: DNS
 *     CONNECT  | connect() to one address        | SHAKE or HEAD; the next address; failed: REFUSED
 *     SHAKE    | the TLS handshake               | HEAD; failed: TLS
 *     HEAD     | the response head; the request  | BODY; failed: RESET, STALE (on a connection that
 *              | is being sent                   | was kept alive, before any byte), JUNK
 *     BODY     | the end of the body             | over: CLEAN or CUT
 *     FAILED   | the next turn, to say so        | failed: LOCAL; UNTAKEN, where no stream is taken
 *
 * TURN to SHAKE together have the time that SEND gives (failed: CONNECT_TIME). All other deadlines are the
 * core's: it drops attempts that take too long. An attempt on an idle connection of the origin begins in
 * HEAD, and so does one on a stream of a session; how such a stream can end is in h2_up.h.
 *
 * An attempt reports to its owner by attempt_ops, but never from inside upstream_send. While the owner is
 * full, the attempt does not read.
 */
#ifndef NATIVE_UP_UPSTREAM_H
#define NATIVE_UP_UPSTREAM_H

#include "core/gw.h"
#include "native/loop/later.h"
#include "native/net/body.h"
#include "native/up/h2_up.h"
#include "native/up/origin.h"
#include "native/up/send.h"

struct attempt;
struct attempt_owner;
struct loop;

/* What an attempt tells its owner. After `end` and `fail` it is gone. */
struct attempt_ops {
    void (*head)(struct attempt_owner *, uint32_t attempt, const struct gw_res_head *head);
    void (*body)(struct attempt_owner *, uint32_t attempt, struct gw_str bytes);
    void (*end)(struct attempt_owner *, uint32_t attempt, uint32_t how, bool relayed);
    void (*fail)(struct attempt_owner *, uint32_t attempt, uint32_t fail, uint32_t sent);
    /* Bytes of the body of an attempt that is relayed. */
    void (*relayed)(struct attempt_owner *, struct gw_str bytes);
    /* Some of the request has been sent. */
    void (*sent)(struct attempt_owner *);
    /* The attempt is over, one way or another: it leaves the owner's list. */
    void (*forget)(struct attempt_owner *, struct attempt *);
    /* It is about to receive: a hint (gw_expect). */
    void (*expect)(const struct attempt_owner *);
    /* Whether nobody takes more of the answer for now. */
    bool (*full)(const struct attempt_owner *);
    /* What the owner will look at when bytes come: see conn.h. */
    void (*name_near)(const struct attempt_owner *, const void *near[CONN_NEAR - 2]);
};

/* Whoever began attempts: a drive. It holds the request that they send. */
struct attempt_owner {
    const struct attempt_ops *ops;
    struct loop *loop;
    struct attempt *attempts;
    struct body body;
    uint64_t declared; /* by the last answer to a HEAD: the length of what a GET would get */
};

enum { UPSTREAM_INTERIM_MAX = 8 }; /* 1xx answers before one is junk */

struct attempt {
    struct attempt *next; /* the owner's list; free list */
    struct attempt_owner *owner;
    struct loop *loop;
    uint32_t number;
    uint8_t state;
    bool held; /* one of its callbacks is running: it is freed when that is done */
    bool dead;
    bool reused;  /* the connection served others before */
    bool touched; /* a byte of an answer came */
    bool keep;    /* the connection may serve others afterwards */
    bool to_head; /* the request's method is HEAD */
    bool relay;   /* body bytes go to the front */
    bool untaken; /* the target's sessions take no streams */
    bool deaf;    /* the target takes no more of the request; its answer may still come */
    uint8_t interim;
    uint8_t framing;  /* enum gw_h1_framing */
    uint32_t address; /* index of the one that is tried */
    uint64_t left;    /* of a body with a length */
    uint64_t show;    /* so many body bytes are told besides, while it is relayed */
    struct gw_h1_chunks chunks;
    struct origin *origin;
    struct conn *conn; /* NULL: there is none yet, or it is a session's */
    struct h2_up_stream h2;
    struct block *part; /* a head that is not whole yet */
    uint32_t part_seen; /* bytes of it that the codec has looked at */
    struct send send;
    double connect_by;  /* when RESOLVE to SHAKE, and a TURN, must be over */
    struct timer timer; /* for RESOLVE to SHAKE */
    struct later later;
    struct origin_waiter waiter;
};

/* Starts the attempt of a SEND action; NULL if there is no memory for it. Nothing is written before
 * upstream_more. */
struct attempt *upstream_send(struct attempt_owner *owner, const struct gw_action *action);
/* The request body has grown or ended, or its bytes may be wanted at last. */
void upstream_more(struct attempt *a);
/* From now on body bytes go to the front; the first `show` of them are told as well. */
void upstream_relay(struct attempt *a, uint64_t show);
/* The front has room again. */
void upstream_resume(struct attempt *a);
/* Cancels it; nothing more is reported. */
void upstream_drop(struct attempt *a);
/* After the loop has ended. */
void upstream_del_free(struct loop *loop);

#endif
