/*
 * Listening sockets, and what becomes of new connections.
 *
 * Each loop has its own socket on each address (SO_REUSEPORT); the kernel spreads connections.
 * When there are too many connections, or no descriptors, a new one is answered 503 and closed: one
 * descriptor is held in reserve for that, so that a full table does not make the loop spin.
 */
#ifndef NATIVE_LISTEN_H
#define NATIVE_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

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

/* 0 if nobody else listens there, or an errno: sockets that share a port would not notice. */
int listen_probe(struct listen_address *a);
/* Binds and listens; not yet accepting. Port 0 becomes the port that the system chose. 0, or an
 * errno. */
int listen_open(struct loop *loop, struct listen_address *a);
void listen_start(struct loop *loop);
/* Closes the sockets; `take_in`: what has connected already is served. Else it is left to whoever has
 * the sockets too. */
void listen_stop(struct loop *loop, bool take_in);

#endif
