/*
 * A loop: one thread's world. Each has its own event loop, gateway (struct gw), connection pools,
 * free lists and listening sockets; loops share nothing but what hub.h says.
 *
 * Scratch memory. What sockets give is received into `scratch` and handed on from there, so that
 * an idle connection holds no buffer. Its bytes are valid until the callback that received them
 * returns; whoever needs them longer copies them. Only a connection's own callback receives.
 *
 * Later. Work that must not be done where it was found (an error while another object is in the
 * middle of something) is put off with loop_later: it is done in the next turn of the loop, which
 * then does not sleep.
 */
#ifndef NATIVE_LOOP_LOOP_H
#define NATIVE_LOOP_LOOP_H

#include <openssl/types.h>
#include <uv.h>

#include "base/rng.h"
#include "core/gw.h"
#include "native/loop/batch.h"
#include "native/loop/block.h"
#include "native/loop/crowd.h"
#include "native/loop/later.h"
#include "native/loop/timer.h"

struct hub;
struct loop;
struct origins;
struct client;
struct drive;
struct attempt;
struct log;
struct listener;
struct upstream_tls;
struct store_box;

enum { LOOP_SCRATCH = BLOCK_LARGE };

/* gw_show(GW_SHOW_LIMITS), see loop_limits. */
struct limits {
    double client_head_ms, client_body_ms, client_idle_ms, client_write_ms;
    double linger_ms, drain_ms, upstream_idle_ms;
    uint64_t client_rate_min;         /* bytes a second; 0: any */
    uint64_t connections_per_address; /* 0: not set */
    uint64_t upstream_idle_max, upstream_http2, connections_max, streams_max;
};

/* What a loop needs of those above it. */
struct loop_ops {
    void (*flush)(struct loop *); /* an event has been handled: writes what was gathered */
    void (*news)(struct loop *);  /* the gateway has frames for others (gw_has_news) */
};

/* What all loops of a process look at. */
struct loop_peers {
    uint32_t n;
    _Atomic uint64_t connections_max; /* of each loop */
};

struct loop {
    uv_loop_t uv;
    const struct loop_ops *ops;
    const struct loop_peers *peers;
    struct hub *hub; /* the process: for it alone */
    struct gw *gw;
    struct log *log;
    struct limits limits;
    SSL_CTX *tls_server; /* NULL: clients speak without TLS */
    struct upstream_tls *upstream_tls;
    struct gw_mem mem;
    struct blocks blocks;
    struct batch batch;
    struct conn *conns_free;
    struct origins *origins;

    struct client *clients, *clients_free;
    uint64_t clients_n;
    struct drive *drives, *drives_free;
    uint64_t drives_n;
    struct attempt *attempts_free;
    struct question *forsaken; /* whose calls are over */
    struct listener *listeners;
    struct crowd crowd;
    struct gw_rng rng; /* for ids */

    struct timer tasks; /* gw_task is due */
    struct timer drain; /* draining has taken long enough */
    uv_check_t over;    /* while draining: looks whether all is over */
    bool draining;
    bool leaving;            /* draining because another process has taken over */
    uv_async_t told;         /* orders have come */
    _Atomic uint32_t orders; /* enum hub_order, or-ed */
    uint64_t state_seen;     /* of hub->state's sequence */
    struct store_box *store; /* where questions are asked (store.h); NULL: nowhere */

    uv_idle_t later_idle;
    struct later *later_first, *later_last;

    double wall_offset, wall_until; /* wall clock = monotonic + offset; looked at each second */
    double date_until;
    char date[40];
    struct gw_header headers[GW_ANSWER_HEADERS_MAX]; /* of a head that is being read, either way */
    struct block *scratch; /* a large one; whoever wants to keep its bytes may swap it */
};

/* Readies the parts that need no gateway. 0 or a negative libuv error. */
int loop_init(struct loop *loop, const struct loop_ops *ops, const struct loop_peers *peers);
/* Reads the limits of loop->gw. */
void loop_limits(struct loop *loop);
/* Closes what is left and frees it: after uv_run has returned for good, when those above have let go
 * of theirs. */
void loop_del(struct loop *loop);

struct gw_time loop_time(struct loop *loop);
static inline double loop_mono_ms(void) {
    return (double)uv_hrtime() / 1e6;
}
/* "date: ...\r\n", made once a second. */
struct gw_str loop_date(struct loop *loop);

enum { LOOP_ID = 33 };
/* A fresh id for a request that the core never sees. */
void loop_id(struct loop *loop, char id[LOOP_ID]);

void loop_later(struct loop *loop, struct later *later);
void loop_later_off(struct loop *loop, struct later *later);

#endif
