/*
 * The drive: a call's whole life. It feeds the core, polls it, carries out what it says, and is the
 * only one that talks to struct gw_call. The twin of worker-shim/drive.js.
 *
 *     state    | call  | what happens
 *     ---------+-------+------------------------------------------------------------------------
 *     running  | open  | events are fed; after each, actions are polled until WAIT or END
 *     relaying | shut  | END came behind a RELAY: the attempt goes to the front without the core
 *     over     | shut  | the front has been told; the memory is free
 *
 * A client that leaves takes the front away at once; the call goes on to its END without it. A call
 * of the core's own (gw_task) has no front from the start.
 *
 * Only event handlers and timers call into a drive. What a drive calls (front, attempts) does not call
 * back before it returns.
 */
#ifndef NATIVE_DRIVE_DRIVE_H
#define NATIVE_DRIVE_DRIVE_H

#include "core/gw.h"
#include "native/drive/front.h"
#include "native/loop/timer.h"
#include "native/up/upstream.h"

struct loop;

/* While the core lets everything in: so many bytes of a request body may have arrived without having been
 * sent to a target. With what one more read may bring that makes GW_AHEAD of gw.h. */
enum { DRIVE_AHEAD = 131072 };

struct drive {
    struct attempt_owner up;   /* its attempts, and the request that they send */
    struct drive *next, *prev; /* of the loop; free list */
    struct gw_call *call;
    struct front *front;
    uint64_t upto, show;   /* READ: below upto may be told, below show is to be shown */
    uint64_t forget;       /* FORGET: below may be freed */
    struct gw_str chunk;   /* the response bytes that are being fed */
    struct question *asks; /* of the core, that wait for their answers */
    uint32_t relay;        /* the relayed attempt's number, 0: none */
    bool over;             /* END has come */
    bool broken;           /* an event or an action failed: the call can only be closed */
    bool headed;           /* the front has the head */
    bool tight;            /* the body, which is still held, has been tightened */
    uint32_t code;         /* of END */
    double relay_at;
    struct timer timer;
};

/* A drive for a client's call; NULL if there is no memory. Put the bytes of the request body that have come
 * already into drive_body, then call drive_start. */
struct drive *drive_open(struct loop *loop, struct front *front);
/* Begins the call; `fin`: the body is complete. Its answer may have gone to the front when this
 * returns. */
void drive_start(struct drive *d, const struct gw_req_head *head, bool fin);
/* Asks the core for tasks (gw_task), drives those that are due, and sets the timer to ask again. */
void drive_tasks(struct loop *loop);
/* Asks every target how it is (gw_probe). They are over when loop->drives_n is 0. */
void drive_probes(struct loop *loop);

/* ---- from the front */

/* The client's bytes that have arrived are in drive_body. */
void drive_body_came(struct drive *d);
/* Whether more bytes are to be read from the client. */
bool drive_wants(const struct drive *d);
/* Whether they are, and the call is over, so that the core judges the client's pace no longer: the front
 * must. */
bool drive_paces(const struct drive *d);
/* The front has room again. */
void drive_drained(struct drive *d);
/* The front is no more. */
void drive_gone(struct drive *d);

static inline struct body *drive_body(struct drive *d) {
    return &d->up.body;
}

/* Ends the calls that no client waits for. */
void drive_stop_tasks(struct loop *loop);
/* Cuts every call off; for the end of draining. */
void drive_stop_all(struct loop *loop);
void drive_del_free(struct loop *loop);

#endif
