#include "native/loop/crowd.h"

#include <netinet/in.h>
#include <string.h>

/* splitmix64's last steps. */
static uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* What makes an address the same one; an IPv4 address in IPv6 dress is itself. */
static uint64_t key_of(const struct sockaddr_storage *address) {
    uint64_t key = 0;
    if (address->ss_family == AF_INET)
        return ((const struct sockaddr_in *)address)->sin_addr.s_addr;
    const struct in6_addr *six = &((const struct sockaddr_in6 *)address)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(six)) {
        memcpy(&key, six->s6_addr + 12, 4);
    } else {
        memcpy(&key, six->s6_addr, 8);
    }
    return key;
}

uint32_t *crowd_of(struct crowd *crowd, const struct sockaddr_storage *address) {
    return &crowd->count[mix(key_of(address) ^ crowd->seed) % CROWD_PLACES];
}
