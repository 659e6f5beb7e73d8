#include "native/front/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "native/front/client.h"
#include "native/loop/loop.h"
#include "native/net/conn.h"

enum { ACCEPT_AT_ONCE = 64, BACKLOG = 4096, PER_ADDRESS = 512 };

struct listener {
    struct listener *next;
    struct loop *loop;
    uv_poll_t poll;
    int fd;
    int reserve;   /* an open descriptor that can be given up */
    bool loopback; /* the address is one */
    bool given;    /* the socket came from a socket unit */
};

/* ------------------------------------------------------------------ addresses */

bool listen_parse(struct listen_address *a, const char *text, size_t n) {
    char host[LISTEN_TEXT];
    struct gw_str s = gw_str(text, n);
    size_t colon = n;
    while (colon > 0 && s.p[colon - 1] != ':')
        colon--;
    uint64_t port;
    if (colon < 2 || colon - 1 >= sizeof host || n - colon > 5 ||
        !gw_str_u64(gw_str_sub(s, colon, n), &port) || port > 65535) {
        return false;
    }
    struct gw_str name = gw_str_sub(s, 0, colon - 1);
    bool six = name.p[0] == '[' && name.p[name.n - 1] == ']';
    if (six)
        name = gw_str_sub(name, 1, name.n - 2);
    memcpy(host, name.p, name.n);
    host[name.n] = '\0';
    *a = (struct listen_address){0};
    if (six) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a->address;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons((uint16_t)port);
        a->n = sizeof *in6;
        return inet_pton(AF_INET6, host, &in6->sin6_addr) == 1;
    }
    struct sockaddr_in *in = (struct sockaddr_in *)&a->address;
    in->sin_family = AF_INET;
    in->sin_port = htons((uint16_t)port);
    a->n = sizeof *in;
    return inet_pton(AF_INET, host, &in->sin_addr) == 1;
}

void listen_text(const struct listen_address *a, char text[LISTEN_TEXT]) {
    char host[INET6_ADDRSTRLEN] = "";
    if (a->address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a->address;
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        (void)snprintf(text, LISTEN_TEXT, "[%s]:%u", host, ntohs(in6->sin6_port));
    } else {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&a->address;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        (void)snprintf(text, LISTEN_TEXT, "%s:%u", host, ntohs(in->sin_port));
    }
}

static bool is_loopback(const struct sockaddr_storage *s) {
    static const uint8_t loopback[16] = {[15] = 1};
    static const uint8_t mapped_127[13] = {[10] = 0xff, [11] = 0xff, [12] = 127};
    if (s->ss_family == AF_INET) {
        return ntohl(((const struct sockaddr_in *)s)->sin_addr.s_addr) >> 24 == 127;
    }
    const uint8_t *six = ((const struct sockaddr_in6 *)s)->sin6_addr.s6_addr;
    return memcmp(six, loopback, sizeof loopback) == 0 ||
           memcmp(six, mapped_127, sizeof mapped_127) == 0;
}

bool listen_is_loopback(const struct listen_address *a) {
    return is_loopback(&a->address);
}

bool listen_equal(const struct listen_address *a, const struct listen_address *b) {
    char x[LISTEN_TEXT], y[LISTEN_TEXT];
    listen_text(a, x);
    listen_text(b, y);
    return strcmp(x, y) == 0;
}

bool listen_equal_any_port(const struct listen_address *a, const struct listen_address *b) {
    struct listen_address any = *a;
    if (any.address.ss_family == AF_INET6) {
        ((struct sockaddr_in6 *)&any.address)->sin6_port = 0;
    } else {
        ((struct sockaddr_in *)&any.address)->sin_port = 0;
    }
    return listen_equal(&any, b);
}

/* ------------------------------------------------------------------ accepting */

#define BUSY                                                                                       \
    "{\"error\":{\"message\":\"too many connections; try again in a second\","                     \
    "\"type\":\"server_error\",\"param\":null,\"code\":\"overloaded\"}}\n"

/* Answers that there is no room: without a call, for there is no memory or descriptor for one. */
static void shed(struct loop *loop, int fd) {
    char id[LOOP_ID], sink[4096], busy[512];
    loop_id(loop, id);
    int n = snprintf(busy, sizeof busy,
                     "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n"
                     "retry-after: 1\r\ncontent-type: application/json\r\n"
                     "cache-control: no-store\r\nx-request-id: %s\r\n"
                     "content-length: %zu\r\n\r\n" BUSY,
                     id, sizeof BUSY - 1);
    /* what has come is read, else closing would reset the answer away */
    (void)recv(fd, sink, sizeof sink, MSG_DONTWAIT);
    if (loop->tls_server == NULL) /* else it could not be read */
        (void)send(fd, busy, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)shutdown(fd, SHUT_WR);
    close(fd);
}

/* No descriptor is left: gives the reserve up for a moment, to turn one connection away. False if
 * there was none. */
static bool shed_with_reserve(struct listener *l) {
    if (l->reserve >= 0)
        close(l->reserve);
    int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0)
        shed(l->loop, fd);
    l->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd >= 0;
}

/* How many connections one address may have at this loop: its share of what is set. */
static uint64_t crowd_max(const struct loop *loop, bool loopback) {
    uint64_t max = loop->limits.connections_per_address;
    if (max == 0)
        max = loopback ? UINT32_MAX : PER_ADDRESS;
    return (max + loop->peers->n - 1) / loop->peers->n;
}

static void serve(struct listener *l, int fd, const struct sockaddr_storage *peer) {
    struct loop *loop = l->loop;
    uint32_t flags = 0;
    bool loopback = is_loopback(peer);
    uint32_t *crowd = crowd_of(&loop->crowd, peer);
    if (loop->clients_n >= loop->peers->connections_max || *crowd >= crowd_max(loop, loopback)) {
        shed(loop, fd);
        return;
    }
    if (loopback) {
        struct sockaddr_storage own = {0};
        socklen_t n = sizeof own;
        bool both =
            l->loopback || (getsockname(fd, (struct sockaddr *)&own, &n) == 0 && is_loopback(&own));
        if (both)
            flags |= GW_PEER_LOOPBACK;
    }
    client_new(loop, fd, flags, crowd);
}

static void accept_some(uv_poll_t *poll, int status, int events) {
    struct listener *l = poll->data;
    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t n = sizeof peer;
        int fd = accept4(l->fd, (struct sockaddr *)&peer, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            serve(l, fd, &peer);
        } else if (errno == EMFILE || errno == ENFILE) {
            if (!shed_with_reserve(l))
                return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

/* ------------------------------------------------------------------ life */

/* A bound socket, or -1 and errno. */
static int bind_one(struct listen_address *a, bool share) {
    int fd = socket(a->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (share)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (a->address.ss_family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (bind(fd, (struct sockaddr *)&a->address, a->n) == 0 &&
        getsockname(fd, (struct sockaddr *)&a->address, &a->n) == 0) {
        return fd;
    }
    int err = errno;
    close(fd);
    errno = err;
    return -1;
}

int listen_probe(struct listen_address *a) {
    struct listen_address copy = *a;
    int fd = bind_one(&copy, false);
    if (fd < 0)
        return errno;
    int err = listen(fd, 1) == 0 ? 0 : errno;
    close(fd);
    return err;
}

int listen_adopt(struct loop *loop, int fd, const struct listen_address *a, bool given) {
    struct listener *l = calloc(1, sizeof *l);
    if (l == NULL)
        return ENOMEM;
    conn_tune(fd); /* connections inherit it */
    l->fd = fd;
    l->loop = loop;
    l->given = given;
    l->loopback = listen_is_loopback(a);
    l->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    l->next = loop->listeners;
    loop->listeners = l;
    return 0;
}

int listen_open(struct loop *loop, struct listen_address *a) {
    int fd = bind_one(a, loop->peers->n > 1);
    if (fd < 0)
        return errno;
    int err = listen(fd, BACKLOG) != 0 ? errno : listen_adopt(loop, fd, a, false);
    if (err != 0)
        close(fd);
    return err;
}

int listen_next(const struct loop *loop, const struct listener **l, bool *given) {
    *l = *l == NULL ? loop->listeners : (*l)->next;
    if (*l == NULL)
        return -1;
    *given = (*l)->given;
    return (*l)->fd;
}

void listen_start(struct loop *loop) {
    for (struct listener *l = loop->listeners; l != NULL; l = l->next) {
        l->poll.data = l;
        uv_poll_init(&loop->uv, &l->poll, l->fd);
        uv_poll_start(&l->poll, UV_READABLE, accept_some);
    }
}

static void closed(uv_handle_t *handle) {
    free(handle->data);
}

void listen_stop(struct loop *loop, bool take_in) {
    while (loop->listeners != NULL) {
        struct listener *l = loop->listeners;
        loop->listeners = l->next;
        if (l->poll.data != NULL) {
            if (take_in)
                accept_some(&l->poll, 0, 0);
            uv_poll_stop(&l->poll);
        }
        if (l->reserve >= 0)
            close(l->reserve);
        close(l->fd);
        if (l->poll.data != NULL) {
            uv_close((uv_handle_t *)&l->poll, closed);
        } else {
            free(l);
        }
    }
}
