/*
 * Origins: where upstream connections lead ("https://host:port"), one table per loop.
 *
 * An origin keeps its idle connections (the last one used is taken first, so that the others can age
 * out), its addresses for ORIGIN_ADDRESS_MS, and the TLS session to resume. Idle connections stay watched:
 * one that gives a byte or an end is closed at once. When there are ORIGINS_MAX, origins without users are
 * dropped.
 *
 * Where HTTP/2 may be spoken, one attempt leads: it connects, and the others wait for their turn until
 * ALPN has said whether they can share its connection. The answer is remembered: where HTTP/1 was chosen
 * last, nobody waits. All waiters are woken when the leader's handshake is over, and when a session has
 * room or ends; those that get no place wait again.
 */
#ifndef NATIVE_UP_ORIGIN_H
#define NATIVE_UP_ORIGIN_H

#include <sys/socket.h>
#include <uv.h>

#include "core/gw.h"
#include "native/net/conn.h"

enum { ORIGINS_MAX = 1024, ORIGIN_ADDRESSES = 8, ORIGIN_ADDRESS_MS = 30000 };

struct attempt;
struct h2_up;
struct origin;
struct upstream_tls;
struct ssl_session_st;

enum origin_speaks { ORIGIN_UNKNOWN = 0, ORIGIN_H1, ORIGIN_H2 };

/* Somebody who waits for addresses. */
struct origin_waiter {
    struct origin_waiter *next;
    void (*done)(struct origin_waiter *, int err); /* 0 or a libuv error */
};

struct origin {
    struct origin *next;
    struct loop *loop;
    uint64_t hash;
    struct gw_str key;
    char *host; /* ends with a NUL */
    uint32_t port;
    bool tls;
    struct upstream_tls *upstream_tls; /* that it began with */
    uint32_t users;                    /* attempts and idle connections */
    struct conn *idle;
    uint32_t idle_n;
    struct ssl_session_st *session;
    struct h2_up *h2;       /* sessions */
    uint8_t speaks;         /* what ALPN chose last */
    struct attempt *leader; /* NULL: nobody */
    struct origin_waiter *turn, *turn_last;
    struct sockaddr_storage address[ORIGIN_ADDRESSES];
    uint32_t address_n;
    double address_until;
    uv_getaddrinfo_t resolve;
    bool resolving;
    struct origin_waiter *waiters;
};

/* The origin of a target, with one user more; NULL if there is no memory. */
struct origin *origin_get(struct loop *loop, const struct gw_target *target);
void origin_release(struct origin *origin);

/* An idle connection on which nothing has come, or NULL. */
struct conn *origin_take(struct origin *origin);
/* Closes the idle connections. One has proved stale, the others have been idle for longer, and a repeated
 * request must not meet the next stale one. */
void origin_close_idle(struct origin *origin);
/* Keeps a connection for others, or closes it if there are enough. */
void origin_give(struct origin *origin, struct conn *conn);

/* 0: the addresses are there. CONN_AGAIN: `w` will be called. CONN_ERROR: they cannot be had. */
int origin_resolve(struct origin *origin, struct origin_waiter *w);
void origin_resolve_off(struct origin *origin, struct origin_waiter *w);

/* Waits for a turn: `w` will be called, in the next turn of the loop or later. */
void origin_queue(struct origin *origin, struct origin_waiter *w);
void origin_queue_off(struct origin *origin, struct origin_waiter *w);
/* Wakes all who wait for their turn. */
void origin_turn(struct origin *origin);

/* New connections are made by `tls`; idle ones are closed. */
void origins_take_tls(struct loop *loop, struct upstream_tls *tls);
void origins_close_idle(struct loop *loop);
/* Before the loop ends: closes what is idle and cancels resolvers. False if one is at work in another
 * thread and cannot be cancelled. */
bool origins_stop(struct loop *loop);
/* After the loop has ended. */
void origins_del(struct loop *loop);

#endif
