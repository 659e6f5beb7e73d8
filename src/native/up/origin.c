#include "native/up/origin.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

#include "native/loop/loop.h"
#include "native/net/upstream_tls.h"
#include "native/up/h2_up.h"

enum { ORIGIN_BUCKETS = 256 };

struct origins {
    struct origin *bucket[ORIGIN_BUCKETS];
    uint32_t n;
};

/* ------------------------------------------------------------------ the table */

static uint64_t hash_of(struct gw_str s) {
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (uint8_t)s.p[i]) * 0x100000001b3u;
    return h ^ h >> 32;
}

static void origin_free(struct origin *o) {
    if (o->session != NULL)
        SSL_SESSION_free(o->session);
    upstream_tls_release(o->upstream_tls);
    free(o);
}

static bool unused(const struct origin *o) {
    return o->users == 0 && !o->resolving;
}

/* Drops the origins that nobody uses. */
static void sweep(struct origins *all) {
    for (size_t i = 0; i < ORIGIN_BUCKETS; i++) {
        struct origin **p = &all->bucket[i];
        while (*p != NULL) {
            struct origin *o = *p;
            if (unused(o)) {
                *p = o->next;
                origin_free(o);
                all->n--;
            } else {
                p = &o->next;
            }
        }
    }
}

static struct origin *origin_new(struct loop *loop, const struct gw_target *t, uint64_t hash) {
    struct origin *o = calloc(1, sizeof *o + t->origin.n + t->host.n + 1);
    if (o == NULL)
        return NULL;
    char *text = (char *)(o + 1);
    memcpy(text, t->origin.p, t->origin.n);
    o->key = gw_str(text, t->origin.n);
    o->host = text + t->origin.n;
    memcpy(o->host, t->host.p, t->host.n);
    o->loop = loop;
    o->hash = hash;
    o->port = t->port;
    o->tls = t->tls != 0;
    o->upstream_tls = upstream_tls_hold(loop->upstream_tls);
    o->resolve.data = o;
    return o;
}

/* One that began with other settings of TLS is left to those who use it. */
static bool is_for(const struct origin *o, uint64_t hash, struct gw_str key) {
    return o->hash == hash && gw_str_eq(o->key, key) && o->upstream_tls == o->loop->upstream_tls;
}

struct origin *origin_get(struct loop *loop, const struct gw_target *target) {
    if (loop->origins == NULL)
        loop->origins = calloc(1, sizeof *loop->origins);
    struct origins *all = loop->origins;
    if (all == NULL)
        return NULL;
    uint64_t hash = hash_of(target->origin);
    struct origin **bucket = &all->bucket[hash % ORIGIN_BUCKETS];
    struct origin *o = *bucket;
    while (o != NULL && !is_for(o, hash, target->origin))
        o = o->next;
    if (o == NULL) {
        if (all->n >= ORIGINS_MAX)
            sweep(all);
        o = origin_new(loop, target, hash);
        if (o == NULL)
            return NULL;
        o->next = *bucket;
        *bucket = o;
        all->n++;
    }
    o->users++;
    return o;
}

void origin_release(struct origin *origin) {
    origin->users--;
}

/* ------------------------------------------------------------------ idle connections */

static void idle_remove(struct origin *o, struct conn *conn) {
    if (conn->next != NULL)
        conn->next->prev = conn->prev;
    if (conn->prev != NULL) {
        conn->prev->next = conn->next;
    } else {
        o->idle = conn->next;
    }
    conn->next = conn->prev = NULL;
    o->idle_n--;
    o->users--;
    timer_off(&conn->timer);
}

static void idle_close(struct conn *conn) {
    idle_remove(conn->owner, conn);
    conn_close(conn);
}

/* Whether nothing has come that ends it. With TLS there may be something that is not data: a session
 * ticket. */
static bool is_quiet(struct conn *conn) {
    char sink[256];
    return conn_read(conn, sink, sizeof sink) == CONN_AGAIN;
}

/* Anything that comes on an idle connection ends it: the server's goodbye, or bytes that nobody asked for. */
static void idle_ready(struct conn *conn, unsigned events) {
    (void)events;
    if (!is_quiet(conn))
        idle_close(conn);
}

static void idle_expired(struct timer *timer) {
    struct conn *conn = (struct conn *)((char *)timer - offsetof(struct conn, timer));
    idle_close(conn);
}

struct conn *origin_take(struct origin *origin) {
    struct conn *conn;
    /* what has come in this very turn would be taken for the next request's answer */
    while ((conn = origin->idle) != NULL && !is_quiet(conn))
        idle_close(conn);
    if (conn != NULL)
        idle_remove(origin, conn);
    return conn;
}

void origin_close_idle(struct origin *origin) {
    while (origin->idle != NULL)
        idle_close(origin->idle);
}

void origin_give(struct origin *origin, struct conn *conn) {
    struct loop *loop = origin->loop;
    bool old = origin->upstream_tls != loop->upstream_tls;
    if (old || loop->draining || origin->idle_n >= loop->limits.upstream_idle_max) {
        conn_close(conn);
        return;
    }
    conn->ready = idle_ready;
    conn->owner = origin;
    conn->timer.due = idle_expired;
    conn->prev = NULL;
    conn->next = origin->idle;
    if (origin->idle != NULL)
        origin->idle->prev = conn;
    origin->idle = conn;
    origin->idle_n++;
    origin->users++;
    timer_set(&conn->timer, (double)uv_now(&loop->uv) + loop->limits.upstream_idle_ms);
    conn_watch(conn, CONN_READ);
}

void origins_close_idle(struct loop *loop) {
    if (loop->origins == NULL)
        return;
    for (size_t i = 0; i < ORIGIN_BUCKETS; i++) {
        for (struct origin *o = loop->origins->bucket[i]; o != NULL; o = o->next) {
            origin_close_idle(o);
            h2_up_close_idle(o);
        }
    }
}

/* ------------------------------------------------------------------ turns */

void origin_queue(struct origin *o, struct origin_waiter *w) {
    w->next = NULL;
    if (o->turn == NULL) {
        o->turn = w;
    } else {
        o->turn_last->next = w;
    }
    o->turn_last = w;
}

void origin_queue_off(struct origin *o, struct origin_waiter *w) {
    struct origin_waiter **p = &o->turn, *before = NULL;
    while (*p != NULL && *p != w) {
        before = *p;
        p = &before->next;
    }
    if (*p == NULL)
        return;
    *p = w->next;
    if (o->turn_last == w)
        o->turn_last = before;
}

void origin_turn(struct origin *o) {
    struct origin_waiter *w;
    while ((w = o->turn) != NULL) {
        o->turn = w->next;
        w->done(w, 0);
    }
    o->turn_last = NULL;
}

/* ------------------------------------------------------------------ addresses */

static void set_port(struct sockaddr_storage *address, uint32_t port) {
    if (address->ss_family == AF_INET) {
        ((struct sockaddr_in *)address)->sin_port = htons((uint16_t)port);
    } else {
        ((struct sockaddr_in6 *)address)->sin6_port = htons((uint16_t)port);
    }
}

/* An address instead of a name needs no resolver. */
static bool literal(struct origin *o) {
    struct sockaddr_storage *s = &o->address[0];
    *s = (struct sockaddr_storage){0};
    if (inet_pton(AF_INET, o->host, &((struct sockaddr_in *)s)->sin_addr) == 1) {
        s->ss_family = AF_INET;
    } else if (inet_pton(AF_INET6, o->host, &((struct sockaddr_in6 *)s)->sin6_addr) == 1) {
        s->ss_family = AF_INET6;
    } else {
        return false;
    }
    set_port(s, o->port);
    o->address_n = 1;
    o->address_until = INFINITY;
    return true;
}

static void take_addresses(struct origin *o, const struct addrinfo *info) {
    o->address_n = 0;
    for (; info != NULL && o->address_n < ORIGIN_ADDRESSES; info = info->ai_next) {
        if (info->ai_family != AF_INET && info->ai_family != AF_INET6)
            continue;
        struct sockaddr_storage *s = &o->address[o->address_n++];
        *s = (struct sockaddr_storage){0};
        memcpy(s, info->ai_addr, info->ai_addrlen);
        set_port(s, o->port);
    }
    o->address_until = (double)uv_now(&o->loop->uv) + ORIGIN_ADDRESS_MS;
}

static void resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *info) {
    struct origin *o = request->data;
    o->resolving = false;
    if (status == 0)
        take_addresses(o, info);
    uv_freeaddrinfo(info);
    if (status == 0 && o->address_n == 0)
        status = UV_EAI_NODATA;
    struct origin_waiter *w;
    while ((w = o->waiters) != NULL) {
        o->waiters = w->next;
        w->done(w, status);
        conn_flush(o->loop);
    }
}

int origin_resolve(struct origin *o, struct origin_waiter *w) {
    if (o->address_n > 0 && (double)uv_now(&o->loop->uv) < o->address_until)
        return 0;
    if (literal(o))
        return 0;
    if (!o->resolving) {
        struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
        if (uv_getaddrinfo(&o->loop->uv, &o->resolve, resolved, o->host, NULL, &hints) != 0) {
            return CONN_ERROR;
        }
        o->resolving = true;
    }
    w->next = o->waiters;
    o->waiters = w;
    return CONN_AGAIN;
}

void origin_resolve_off(struct origin *origin, struct origin_waiter *w) {
    struct origin_waiter **p = &origin->waiters;
    while (*p != NULL && *p != w)
        p = &(*p)->next;
    if (*p != NULL)
        *p = w->next;
}

bool origins_stop(struct loop *loop) {
    bool stopped = true;
    if (loop->origins == NULL)
        return true;
    origins_close_idle(loop);
    for (size_t i = 0; i < ORIGIN_BUCKETS; i++) {
        for (struct origin *o = loop->origins->bucket[i]; o != NULL; o = o->next) {
            if (o->resolving && uv_cancel((uv_req_t *)&o->resolve) != 0)
                stopped = false;
        }
    }
    return stopped;
}

void origins_del(struct loop *loop) {
    upstream_tls_release(loop->upstream_tls);
    struct origins *all = loop->origins;
    if (all == NULL)
        return;
    for (size_t i = 0; i < ORIGIN_BUCKETS; i++) {
        while (all->bucket[i] != NULL) {
            struct origin *o = all->bucket[i];
            all->bucket[i] = o->next;
            origin_free(o);
        }
    }
    free(all);
    loop->origins = NULL;
}

void origins_take_tls(struct loop *loop, struct upstream_tls *tls) {
    upstream_tls_release(loop->upstream_tls);
    loop->upstream_tls = upstream_tls_hold(tls);
    origins_close_idle(loop);
}
