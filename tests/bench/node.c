/*
 * The node behind every proxy of the native benchmark: as cheap as a node can be, so that what a
 * proxy costs is not lost in it. Prints its port (127.0.0.1) and serves until it is killed.
 *
 *     path            answer
 *     ----------------+------------------------------------------------------------------------
 *     /events/N       N events of EVENT_BYTES but for the last, each stream's GAP_US apart. Streams that run at the
 *                     same time take turns at even distances, so that each event comes alone.
 *     /idle           one event, then nothing more
 *     anything else   ANSWER_BYTES of JSON
 *
 * Request bodies need a Content-Length. One thread; what a proxy does not read at once ends the
 * connection, since no answer here is larger than a socket takes.
 */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FDS_MAX = 65536, HEAD_MAX = 4096, READ_MAX = 1 << 18, EVENTS_AT_ONCE = 256 };
enum { ANSWER_BYTES = 500, EVENT_BYTES = 154, GAP_US = 5000 };

#define LAST_EVENT "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
#define EVENT_STREAM "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"

struct connection {
    uint32_t generation; /* of this descriptor: who held it before is gone */
    uint32_t head_n;
    uint32_t events; /* that are still to come */
    uint64_t body_left;
    char *head; /* HEAD_MAX bytes, kept for whoever has the descriptor next */
};

/* Streams in the order of their turns. */
struct turn {
    int fd;
    uint32_t generation;
};

static struct connection connections[FDS_MAX];
static struct turn turns[FDS_MAX];
static uint32_t turns_from, turns_n;
static uint64_t next_us;
static int poller;
static char answer[ANSWER_BYTES + 256], event[EVENT_BYTES + 16];
static size_t answer_n, event_n;

static uint64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void make_answers(void) {
    char body[ANSWER_BYTES + 1], data[EVENT_BYTES + 1];
    int n = snprintf(body, sizeof body, "{\"text\":\"%0*d\"}", ANSWER_BYTES - 11, 0);
    (void)snprintf(answer, sizeof answer,
                   "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                   "content-length: %d\r\n\r\n%s",
                   n, body);
    n = snprintf(data, sizeof data, "data: {\"choices\":[{\"delta\":{\"content\":\"%0*d\"}}]}\n\n",
                 EVENT_BYTES - 47, 0);
    (void)snprintf(event, sizeof event, "%x\r\n%s\r\n", (unsigned)n, data);
    answer_n = strlen(answer);
    event_n = strlen(event);
}

static void hang_up(int fd) {
    connections[fd].generation++;
    close(fd);
}

static bool give(int fd, const char *p, size_t n) {
    if (send(fd, p, n, MSG_NOSIGNAL) == (ssize_t)n)
        return true;
    hang_up(fd);
    return false;
}

/* ------------------------------------------------------------------ events */

static void take_turns(int fd, uint32_t generation) {
    if (turns_n == 0)
        next_us = now_us();
    turns[(turns_from + turns_n++) % FDS_MAX] = (struct turn){fd, generation};
}

static void send_event(void) {
    struct turn turn = turns[turns_from];
    struct connection *c = &connections[turn.fd];
    turns_from = (turns_from + 1) % FDS_MAX;
    turns_n--;
    if (c->generation != turn.generation)
        return;
    if (--c->events == 0)
        (void)give(turn.fd, LAST_EVENT, sizeof LAST_EVENT - 1);
    else if (give(turn.fd, event, event_n))
        take_turns(turn.fd, turn.generation);
}

/* Sends what is due; returns the time until the next event, -1 if there is none. */
static int64_t run_turns(void) {
    uint64_t now = now_us();
    if (turns_n == 0)
        return -1;
    if (now >= next_us) {
        for (uint32_t n = turns_n; n > 0; n--)
            send_event();
        next_us = now + GAP_US;
    }
    return (int64_t)(next_us - now);
}

/* ------------------------------------------------------------------ requests */

static void respond(int fd) {
    struct connection *c = &connections[fd];
    const char *path = strchr(c->head, ' ');
    c->head_n = 0;
    if (path != NULL && strncmp(path, " /events/", 9) == 0) {
        c->events = (uint32_t)strtoul(path + 9, NULL, 10);
        static const char head[] = EVENT_STREAM "transfer-encoding: chunked\r\n\r\n";
        if (give(fd, head, sizeof head - 1) && c->events > 0)
            take_turns(fd, c->generation);
    } else if (path != NULL && strncmp(path, " /idle", 6) == 0) {
        static const char head[] = EVENT_STREAM "transfer-encoding: chunked\r\n\r\n";
        if (give(fd, head, sizeof head - 1))
            (void)give(fd, event, event_n);
    } else {
        (void)give(fd, answer, answer_n);
    }
}

/* Adds to the head; returns how many bytes of p[0..n) belong to it. */
static size_t take_head(int fd, const char *p, size_t n) {
    struct connection *c = &connections[fd];
    size_t before = c->head_n, room = HEAD_MAX - 1 - before;
    size_t k = n < room ? n : room;
    memcpy(c->head + before, p, k);
    c->head_n += (uint32_t)k;
    c->head[c->head_n] = '\0';
    const char *end = strstr(c->head, "\r\n\r\n");
    if (end == NULL) {
        if (c->head_n == HEAD_MAX - 1)
            hang_up(fd);
        return n;
    }
    const char *length = strcasestr(c->head, "\r\ncontent-length:");
    c->body_left = length != NULL ? strtoull(length + 17, NULL, 10) : 0;
    if (c->body_left == 0)
        respond(fd);
    return (size_t)(end + 4 - c->head) - before;
}

static void take(int fd, const char *p, size_t n) {
    struct connection *c = &connections[fd];
    uint32_t generation = c->generation;
    while (n > 0 && c->generation == generation) {
        size_t k = n;
        if (c->body_left == 0) {
            k = take_head(fd, p, n);
        } else {
            if (k > c->body_left)
                k = (size_t)c->body_left;
            c->body_left -= k;
            if (c->body_left == 0)
                respond(fd);
        }
        p += k;
        n -= k;
    }
}

static void receive(int fd) {
    static char data[READ_MAX];
    ssize_t n = recv(fd, data, sizeof data, 0);
    if (n > 0) {
        take(fd, data, (size_t)n);
    } else {
        hang_up(fd);
    }
}

/* ------------------------------------------------------------------ connections */

static void watch(int fd) {
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e) != 0)
        fail("epoll_ctl");
}

static void welcome(int listener) {
    int on = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0)
        return;
    struct connection *c = &connections[fd % FDS_MAX];
    if (c->head == NULL)
        c->head = malloc(HEAD_MAX);
    if (fd >= FDS_MAX || c->head == NULL) {
        close(fd);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->head_n = 0;
    c->events = 0;
    c->body_left = 0;
    watch(fd);
}

static int start_listening(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, n) != 0 || listen(fd, 4096) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &n) != 0)
        fail("listen");
    printf("%d\n", ntohs(at.sin_port));
    (void)fflush(stdout);
    return fd;
}

int main(void) {
    struct epoll_event events[EVENTS_AT_ONCE];
    make_answers();
    poller = epoll_create1(0);
    int listener = start_listening();
    watch(listener);
    for (;;) {
        int64_t us = run_turns();
        struct timespec wait = {.tv_sec = 0, .tv_nsec = us < 0 ? 0 : us * 1000};
        int n = epoll_pwait2(poller, events, EVENTS_AT_ONCE, us < 0 ? NULL : &wait, NULL);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener) {
                welcome(listener);
            } else {
                receive(events[i].data.fd);
            }
        }
    }
}
