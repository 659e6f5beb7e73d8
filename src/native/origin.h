/*
 * Origins: where upstream connections lead ("https://host:port"), one table per loop.
 *
 * An origin keeps its idle connections (the last one used is taken first, so that the others can
 * age out), its addresses for ORIGIN_ADDRESS_MS, and the TLS session to resume. Idle connections
 * stay watched: one that gives a byte or an end is closed at once. Origins that nobody uses are
 * dropped when there are ORIGINS_MAX.
 */
#ifndef NATIVE_ORIGIN_H
#define NATIVE_ORIGIN_H

#include <sys/socket.h>
#include <uv.h>

#include "core/gw.h"
#include "native/conn.h"

enum { ORIGINS_MAX = 1024, ORIGIN_ADDRESSES = 8, ORIGIN_ADDRESS_MS = 30000 };

struct origin;
struct ssl_session_st;

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
    uint32_t users; /* attempts and idle connections */
    struct conn *idle;
    uint32_t idle_n;
    struct ssl_session_st *session;
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

/* An idle connection, or NULL. */
struct conn *origin_take(struct origin *origin);
/* Keeps a connection for others, or closes it if there are enough. */
void origin_give(struct origin *origin, struct conn *conn);

/* 0: the addresses are there. CONN_AGAIN: `w` will be called. CONN_ERROR: they cannot be had. */
int origin_resolve(struct origin *origin, struct origin_waiter *w);
void origin_resolve_off(struct origin *origin, struct origin_waiter *w);

void origins_close_idle(struct loop *loop);
/* Before the loop ends: closes what is idle and calls resolvers off. false if one is at work in
 * another thread and cannot be called off. */
bool origins_stop(struct loop *loop);
/* After the loop has ended. */
void origins_del(struct loop *loop);

#endif
