/*
 * The load of the native benchmark, cheaper than what it measures. Prints one line of JSON.
 *
 *     load requests PORT PATH HEADERS BODY_BYTES CONNECTIONS TOTAL
 *         TOTAL requests over keep-alive connections, each connection one at a time:
 *         {"answers":…,"p50_us":…,"p99_us":…}
 *     load streams PORT PATH HEADERS BODY_BYTES CONNECTIONS
 *         one request on each connection, read to the end of its event stream: {"events":…}
 *     load idle PORT PATH HEADERS BODY_BYTES CONNECTIONS
 *         opens event streams, waits for the first event of each, says {"open":…} and keeps them
 *         until its input ends
 *
 * HEADERS are lines "name: value", each with CR LF. Anything but a whole answer 200 is a failure.
 */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 32768, READ_MAX = 65536, EVENTS_AT_ONCE = 256, TAIL = 7 };
enum { OPENING_MAX = 64 }; /* idle streams that are not there yet */
static const uint64_t SILENCE_NS = 30000000000;

enum kind { REQUESTS, STREAMS, IDLE };

struct connection {
    int fd;
    bool headed;       /* the answer's head has come */
    bool chunked;      /* else `left` bytes follow */
    char tail[TAIL];   /* the last bytes of a chunked answer */
    size_t sent, left; /* bytes of the request; of the answer */
    uint64_t began_ns;
};

static struct connection connections[CONNECTIONS_MAX];
static enum kind kind;
static int poller;
static uint16_t port;
static char *request;
static size_t request_n;
static uint32_t connections_n, opened, first_events, running;
static uint32_t total, started, answers, events_seen;
static uint32_t *took_ns;

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void fail(const char *what) {
    (void)fprintf(stderr, "load: %s\n", what);
    exit(1);
}

/* What failed was a system call. */
static void fail_call(const char *what) {
    (void)fprintf(stderr, "load: %s: %m\n", what);
    exit(1);
}

/* ------------------------------------------------------------------ asking */

static void push(struct connection *c) {
    while (c->sent < request_n) {
        ssize_t n =
            send(c->fd, request + c->sent, request_n - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            fail_call("send");
        c->sent += (size_t)n;
    }
}

static void ask(struct connection *c) {
    started++;
    c->sent = c->left = 0;
    c->headed = c->chunked = false;
    c->began_ns = now_ns();
    push(c);
}

static void open_one(void) {
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct connection *c = &connections[opened++];
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0)
        fail_call("connect");
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &e) != 0)
        fail_call("epoll_ctl");
    running++;
    ask(c);
}

/* ------------------------------------------------------------------ what comes */

static void answered(struct connection *c) {
    if (kind == REQUESTS)
        took_ns[answers] = (uint32_t)(now_ns() - c->began_ns);
    answers++;
    if (kind == REQUESTS && started < total) {
        ask(c);
        return;
    }
    running--;
    close(c->fd);
    c->fd = -1;
}

/* Reads the head at p[0..n), which must be whole; returns what is behind it. */
static const char *take_head(struct connection *c, char *p, size_t n) {
    p[n] = '\0';
    const char *end = strstr(p, "\r\n\r\n");
    if (end == NULL || strncmp(p, "HTTP/1.1 200 ", 13) != 0) {
        (void)fprintf(stderr, "%.400s\n", p);
        fail("not a whole head of an answer 200");
    }
    const char *length = strcasestr(p, "\r\ncontent-length:");
    c->headed = true;
    c->chunked = length == NULL || length > end;
    c->left = c->chunked ? 0 : strtoul(length + 17, NULL, 10);
    memset(c->tail, 0, TAIL);
    return end + 4;
}

static void count_events(const char *p, size_t n) {
    for (const char *end = p + n; (p = memchr(p, 'd', (size_t)(end - p))) != NULL; p++) {
        if (end - p >= 6 && memcmp(p, "data: ", 6) == 0)
            events_seen++;
    }
}

/* Whether a chunked answer ends with p[0..n). */
static bool chunks_end(struct connection *c, const char *p, size_t n) {
    count_events(p, n);
    if (n < TAIL) {
        memmove(c->tail, c->tail + n, TAIL - n);
        memcpy(c->tail + TAIL - n, p, n);
    } else {
        memcpy(c->tail, p + n - TAIL, TAIL);
    }
    return memcmp(c->tail, "\r\n0\r\n\r\n", TAIL) == 0;
}

static void take(struct connection *c, char *p, size_t n) {
    const char *body = c->headed ? p : take_head(c, p, n);
    n -= (size_t)(body - p);
    uint32_t before = events_seen;
    if (!c->chunked && n > c->left)
        fail("more than an answer");
    if (!c->chunked)
        c->left -= n;
    if (c->chunked ? chunks_end(c, body, n) : c->left == 0)
        answered(c);
    if (kind == IDLE && events_seen > before)
        first_events++;
}

static void receive(struct connection *c) {
    static char data[READ_MAX + 1];
    while (c->fd >= 0) {
        ssize_t n = recv(c->fd, data, READ_MAX, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            fail_call("recv");
        if (n == 0)
            fail("the connection ended before the answer did");
        take(c, data, (size_t)n);
        if (n < READ_MAX)
            return;
    }
}

/* Streams are polled without sleep: to wake a process on another processor costs a virtual machine as
 * much as an event, in the account of the proxy that sent it, and not always. */
static int wait_for(struct epoll_event *events) {
    uint64_t until = now_ns() + SILENCE_NS;
    for (;;) {
        int n = epoll_wait(poller, events, EVENTS_AT_ONCE, kind == STREAMS ? 0 : 1000);
        if (n > 0)
            return n;
        if (now_ns() > until)
            fail("nothing came for 30 s");
        (void)sched_yield();
    }
}

static void turn(void) {
    struct epoll_event events[EVENTS_AT_ONCE];
    int n = wait_for(events);
    for (int i = 0; i < n; i++) {
        struct connection *c = events[i].data.ptr;
        if (c->fd >= 0 && c->sent < request_n && (events[i].events & EPOLLOUT) != 0)
            push(c);
        if (c->fd >= 0 && (events[i].events & ~(unsigned)EPOLLOUT) != 0)
            receive(c);
    }
}

/* ------------------------------------------------------------------ the kinds */

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double percentile_us(uint32_t percent) {
    uint32_t at = answers * percent / 100;
    return (double)took_ns[at] / 1e3;
}

static void run_requests(void) {
    took_ns = calloc(total, sizeof *took_ns);
    if (took_ns == NULL)
        fail("memory");
    while (opened < connections_n && started < total)
        open_one();
    while (running > 0)
        turn();
    qsort(took_ns, answers, sizeof *took_ns, by_size);
    printf("{\"answers\":%u,\"p50_us\":%.2f,\"p99_us\":%.2f}\n", answers, percentile_us(50),
           percentile_us(99));
}

static void run_streams(void) {
    while (opened < connections_n)
        open_one();
    while (running > 0)
        turn();
    printf("{\"events\":%u}\n", events_seen);
}

static void run_idle(void) {
    char c;
    while (first_events < connections_n) {
        while (opened < connections_n && opened < first_events + OPENING_MAX)
            open_one();
        turn();
    }
    printf("{\"open\":%u}\n", running);
    (void)fflush(stdout);
    while (read(STDIN_FILENO, &c, 1) > 0) {
    }
}

/* ------------------------------------------------------------------ the command line */

static void make_request(const char *path, const char *headers, int body_n) {
    static const char format[] = "POST %s HTTP/1.1\r\nhost: api.bench.test\r\n"
                                 "content-type: application/json\r\naccept: */*\r\n"
                                 "user-agent: bench/1\r\n%scontent-length: %d\r\n\r\n"
                                 "{\"model\":\"demo\",\"prompt\":\"%0*d\"}";
    int prompt_n = body_n - (int)strlen("{\"model\":\"demo\",\"prompt\":\"\"}");
    if (prompt_n < 1)
        fail("BODY_BYTES is too small");
    if (asprintf(&request, format, path, headers, body_n, prompt_n, 0) < 0)
        fail("memory");
    request_n = strlen(request);
}

static unsigned number(const char *text) {
    return (unsigned)strtoul(text, NULL, 10);
}

int main(int argc, char **argv) {
    static const char *const kinds[] = {"requests", "streams", "idle"};
    static void (*const runs[])(void) = {run_requests, run_streams, run_idle};
    if (argc < 7)
        fail("usage: requests|streams|idle PORT PATH HEADERS BODY_BYTES CONNECTIONS [TOTAL]");
    while (kind < IDLE && strcmp(argv[1], kinds[kind]) != 0)
        kind++;
    port = (uint16_t)number(argv[2]);
    make_request(argv[3], argv[4], (int)number(argv[5]));
    connections_n = number(argv[6]);
    total = argc > 7 ? number(argv[7]) : connections_n;
    if (connections_n == 0 || connections_n > CONNECTIONS_MAX || total < 100 * (kind == REQUESTS))
        fail("CONNECTIONS or TOTAL is out of range");
    poller = epoll_create1(0);
    runs[kind]();
    return 0;
}
