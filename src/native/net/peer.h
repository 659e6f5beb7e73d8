/*
 * What the kernel knows of the other side of a TCP connection. A file of its own, because only linux/tcp.h
 * has these figures, and it cannot be included beside netinet/tcp.h.
 */
#ifndef NATIVE_NET_PEER_H
#define NATIVE_NET_PEER_H

#include <stdbool.h>
#include <stdint.h>

struct peer {
    uint64_t acked; /* bytes of ours that it has acknowledged */
    bool unacked;   /* there are some that it has not */
};

/* False if it has reset the connection, or if this is no TCP connection. */
bool peer_look(int fd, struct peer *peer);

#endif
