/*
 * Listening sockets, and what becomes of new connections.
 *
 * Each loop has its own socket on each address (SO_REUSEPORT), and the kernel spreads connections. When
 * there are too many, or no descriptors are left, a new connection is answered 503 and closed. One
 * descriptor is held in reserve for that, so that a full table does not make the loop spin.
 */
#ifndef NATIVE_FRONT_LISTEN_H
#define NATIVE_FRONT_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct listener;
struct loop;

struct listen_address {
    struct sockaddr_storage address;
    socklen_t n;
};

enum { LISTEN_TEXT = 64 };

/* Reads "127.0.0.1:4700" or "[::1]:4700" (port 0: any). */
bool listen_parse(struct listen_address *a, const char *text, size_t n);
void listen_text(const struct listen_address *a, char text[LISTEN_TEXT]);
bool listen_is_loopback(const struct listen_address *a);
bool listen_equal(const struct listen_address *a, const struct listen_address *b);
/* Whether `b` is port 0 of the host of `a`. */
bool listen_equal_any_port(const struct listen_address *a, const struct listen_address *b);

/* 0 if nobody else listens there, or an errno. With SO_REUSEPORT two daemons could share a port and not
 * notice. */
int listen_probe(struct listen_address *a);
/* Binds and listens; not yet accepting. Port 0 becomes the port that the system chose. 0, or an
 * errno. */
int listen_open(struct loop *loop, struct listen_address *a);
/* The same with a listening socket that is there already; `given`: by a socket unit. The loop owns
 * `fd` if the result is 0. */
int listen_adopt(struct loop *loop, int fd, const struct listen_address *a, bool given);
/* The loop's sockets, one after the other, from `*l` NULL on; -1: there are no more. */
int listen_next(const struct loop *loop, const struct listener **l, bool *given);
void listen_start(struct loop *loop);
/* Closes the sockets. `take_in`: connections that wait in their queues are accepted; else they are left to
 * the process that has the sockets too. */
void listen_stop(struct loop *loop, bool take_in);

#endif
