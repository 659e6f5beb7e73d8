#include "native/process/inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "native/process/hub.h"

/* ------------------------------------------------------------------ reading */

static bool number(const char *name, uint64_t *value) {
    const char *text = getenv(name);
    return text != NULL && gw_str_u64(gw_str(text, strlen(text)), value);
}

static void forget_variables(void) {
    static const char *const names[] = {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES",
                                        "HEADY_READY_FD"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)unsetenv(names[i]);
}

/* A listening TCP socket, made as we would have made it. */
static bool take_socket(struct inherited *s, int fd) {
    int listening = 0;
    socklen_t n = sizeof listening;
    s->fd = fd;
    s->address.n = sizeof s->address.address;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n) != 0 || listening == 0 ||
        getsockname(fd, (struct sockaddr *)&s->address.address, &s->address.n) != 0) {
        return false;
    }
    int family = s->address.address.ss_family, flags = fcntl(fd, F_GETFL);
    return (family == AF_INET || family == AF_INET6) && flags >= 0 &&
           fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

static bool take_sockets(struct inherit *in, uint32_t n, bool ours, char why[INHERIT_WHY]) {
    const char *text = getenv("LISTEN_FDNAMES");
    struct gw_str names = gw_str(text, text != NULL ? strlen(text) : 0);
    in->socket = calloc(n > 0 ? n : 1, sizeof *in->socket);
    if (in->socket == NULL) {
        (void)snprintf(why, INHERIT_WHY, "no memory for the inherited sockets");
        return false;
    }
    for (; in->n < n; in->n++) {
        struct inherited *s = &in->socket[in->n];
        struct gw_str name = gw_str_cut(&names, ':');
        s->given = !ours || gw_str_eq(name, GW_STR("given"));
        if (take_socket(s, INHERIT_FIRST + (int)in->n))
            continue;
        (void)snprintf(why, INHERIT_WHY,
                       "descriptor %d of LISTEN_FDS is no listening TCP socket; the socket unit "
                       "needs ListenStream=ADDR:PORT and Accept=no",
                       INHERIT_FIRST + (int)in->n);
        return false;
    }
    return true;
}

bool inherit_read(struct inherit *in, char why[INHERIT_WHY]) {
    uint64_t pid, n, ready;
    bool good = true;
    *in = (struct inherit){.ready = -1};
    if (number("LISTEN_PID", &pid) && pid == (uint64_t)getpid() && number("LISTEN_FDS", &n)) {
        if (number("HEADY_READY_FD", &ready) && ready == INHERIT_FIRST + n) {
            in->ready = (int)ready;
            (void)fcntl(in->ready, F_SETFD, FD_CLOEXEC);
        }
        if (n <= INHERIT_MAX) {
            good = take_sockets(in, (uint32_t)n, in->ready >= 0, why);
        } else {
            (void)snprintf(why, INHERIT_WHY, "LISTEN_FDS is more than %d", INHERIT_MAX);
            good = false;
        }
    }
    forget_variables();
    return good;
}

/* ------------------------------------------------------------------ giving to the loops */

bool inherit_addresses(const struct inherit *in, struct addresses *a) {
    for (uint32_t i = 0; i < in->n; i++) {
        const struct inherited *s = &in->socket[i];
        bool known = !s->given;
        for (uint32_t k = 0; k < a->n && !known; k++)
            known = listen_equal(&a->at[k], &s->address);
        if (known)
            continue;
        if (a->n == ADDRESSES_MAX)
            return false;
        a->at[a->n++] = s->address;
    }
    return true;
}

static bool is_for(const struct inherited *s, const struct listen_address *a) {
    return s->fd >= 0 && (listen_equal(&s->address, a) || listen_equal_any_port(&s->address, a));
}

/* One more socket for the loop: `fd` itself, or another descriptor of it. */
static int give(struct hub *hub, uint32_t i, int fd, const struct inherited *s) {
    int err = fd < 0 ? errno : listen_adopt(hub->loops[i], fd, &s->address, s->given);
    if (err != 0 && fd >= 0)
        close(fd);
    return err;
}

int inherit_place(struct inherit *in, struct hub *hub, struct listen_address *a) {
    struct inherited *of[INHERIT_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < in->n; i++) {
        if (!is_for(&in->socket[i], a))
            continue;
        *a = in->socket[i].address;
        of[n++] = &in->socket[i];
    }
    if (n == 0)
        return 0;
    uint32_t most = n > hub->peers.n ? n : hub->peers.n, loop = 0;
    int err = 0;
    for (uint32_t i = 0; i < most && err == 0; i++) {
        const struct inherited *s = of[i % n];
        int fd = i < n ? s->fd : fcntl(s->fd, F_DUPFD_CLOEXEC, INHERIT_FIRST);
        err = give(hub, loop, fd, s);
        loop = loop + 1 < hub->peers.n ? loop + 1 : 0;
    }
    for (uint32_t i = 0; i < n; i++)
        of[i]->fd = -1;
    return err != 0 ? -err : (int)n;
}

/* ------------------------------------------------------------------ the end */

void inherit_ready(struct inherit *in) {
    static const char byte = INHERIT_READY;
    int ready = in->ready;
    in->ready = -1;
    inherit_del(in);
    if (ready < 0)
        return;
    while (write(ready, &byte, 1) < 0 && errno == EINTR) {
    }
    close(ready);
}

void inherit_del(struct inherit *in) {
    for (uint32_t i = 0; i < in->n; i++) {
        if (in->socket[i].fd >= 0)
            close(in->socket[i].fd);
    }
    free(in->socket);
    in->socket = NULL;
    in->n = 0;
}
