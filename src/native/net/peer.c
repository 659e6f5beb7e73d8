#include "native/net/peer.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

enum { CLOSED = 7 }; /* TCP_CLOSE of netinet/tcp.h */

bool peer_look(int fd, struct peer *peer) {
    struct tcp_info info;
    socklen_t n = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0 ||
        n < offsetof(struct tcp_info, tcpi_min_rtt) || info.tcpi_state == CLOSED)
        return false;
    peer->acked = info.tcpi_bytes_acked;
    peer->unacked = info.tcpi_unacked > 0 || info.tcpi_notsent_bytes > 0;
    return true;
}
