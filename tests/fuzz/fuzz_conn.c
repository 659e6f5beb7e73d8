/*
 * A whole connection: what a client sends, in pieces, and what the node answers, through the daemon's
 * own client, drive and upstream code in one loop, over real sockets. HTTP/2 by its preface. Holds:
 * nothing is freed twice or lost, and when the client has gone every call comes to its end.
 *
 *     byte 0        size of the pieces; its top bit: the node closes behind its answer
 *     bytes 1, 2    how many of the others are the client's; the rest is the node's answer
 *
 * The world is made once; the gateway anew for each input, so that no node stays in disgrace.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "native/drive/drive.h"
#include "native/front/client.h"
#include "native/loop/log.h"
#include "native/loop/loop.h"
#include "native/net/upstream_tls.h"
#include "native/process/drain.h"
#include "native/process/hub.h"
#include "native/up/origin.h"

#define MUST(cond) ((cond) ? (void)0 : abort())

enum { NODES = 8, LINKS = 16, TURNS = 48, END_TURNS = 400, ENV_MAX = 1024 };

static struct hub hub;
static struct loop loop;
static char env[ENV_MAX];
static size_t env_n;

/* ------------------------------------------------------------------ the node */

static struct {
    int listener;
    int link[LINKS]; /* connections; -1: none */
    struct gw_str answer;
    bool closes;
} node;

static void node_start(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    node.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    MUST(node.listener >= 0 && bind(node.listener, (struct sockaddr *)&at, n) == 0);
    MUST(listen(node.listener, LINKS) == 0);
    MUST(getsockname(node.listener, (struct sockaddr *)&at, &n) == 0);
    for (int i = 0; i < LINKS; i++)
        node.link[i] = -1;
    for (int i = 1; i <= NODES; i++) {
        env_n += (size_t)snprintf(env + env_n, ENV_MAX - env_n,
                                  "COLAB_ENDPOINT_%d=http://127.0.0.1:%u", i, ntohs(at.sin_port)) +
                 1;
    }
    env_n += (size_t)snprintf(env + env_n, ENV_MAX - env_n, "GATEWAY_AUTH=off") + 1;
}

static void node_hang_up(int i) {
    close(node.link[i]);
    node.link[i] = -1;
}

/* Answers whatever comes, whole or not: the first bytes of a request are enough. */
static void node_serve(int i) {
    char sink[65536];
    ssize_t n = recv(node.link[i], sink, sizeof sink, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        (void)send(node.link[i], node.answer.p, node.answer.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n <= 0 || node.closes)
        node_hang_up(i);
}

static void node_turn(void) {
    for (int i = 0; i < LINKS; i++) {
        if (node.link[i] >= 0)
            node_serve(i);
        if (node.link[i] < 0)
            node.link[i] = accept4(node.listener, NULL, NULL, SOCK_NONBLOCK);
    }
}

/* ------------------------------------------------------------------ the world */

static void nothing(uv_async_t *async) {
    (void)async;
}

static void nothing_due(struct timer *timer) {
    (void)timer;
}

static const struct loop_ops ops = {.flush = conn_flush, .news = state_news};

static void world_start(void) {
    node_start();
    hub.cells = hub_cells();
    MUST(hub.cells != NULL);
    hub.log = log_new();
    hub.loops[hub.peers.n++] = &loop;
    hub.peers.connections_max = 64;
    MUST(hub.log != NULL && loop_init(&loop, &ops, &hub.peers) == 0);
    loop.hub = &hub;
    loop.log = hub.log;
    timer_init(&loop.tasks, &loop.uv, nothing_due);
    drain_init(&loop);
    MUST(uv_async_init(&loop.uv, &loop.told, nothing) == 0);
}

static void gateway_make(void) {
    static const char file[] = "{\"log_requests\": false, \"heavy\": {\"queue_ms\": 0}}";
    const struct gw_cells shared = {hub.cells, 1};
    const struct gw_source source = {GW_RACK, {env, env_n}, {file, sizeof file - 1}};
    char why[TLS_WHY];
    size_t why_n;
    memset(hub.cells, 0, gw_cells_n() * sizeof *hub.cells);
    loop.gw = gw_new(&loop.mem, &shared, &source, 1, why, sizeof why, &why_n);
    MUST(loop.gw != NULL);
    loop_limits(&loop);
    if (loop.upstream_tls != NULL)
        return; /* reading the system's authorities takes longer than all the rest */
    struct upstream_tls *tls = upstream_tls_new(gw_report(loop.gw, GW_SHOW_TLS), NULL, why);
    MUST(tls != NULL);
    origins_take_tls(&loop, tls);
    upstream_tls_release(tls);
}

static void turn(void) {
    (void)uv_run(&loop.uv, UV_RUN_NOWAIT);
    node_turn();
}

/* ------------------------------------------------------------------ one input */

/* The client: sends its bytes in pieces, reads what comes, and leaves. */
static void converse(int fd, struct gw_str bytes, size_t piece) {
    char sink[65536];
    for (int i = 0; i < TURNS; i++) {
        size_t n = bytes.n < piece ? bytes.n : piece;
        ssize_t sent = n > 0 ? send(fd, bytes.p, n, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
        if (sent > 0)
            bytes = gw_str(bytes.p + sent, bytes.n - (size_t)sent);
        turn();
        (void)recv(fd, sink, sizeof sink, MSG_DONTWAIT);
    }
    close(fd);
}

/* Everything ends by itself once the client has gone. */
static void settle(void) {
    for (int i = 0; i < END_TURNS && (loop.clients_n > 0 || loop.drives_n > 0); i++)
        turn();
    MUST(loop.clients_n == 0 && loop.drives_n == 0);
    origins_close_idle(&loop);
    for (int i = 0; i < LINKS; i++) {
        if (node.link[i] >= 0)
            node_hang_up(i);
    }
    for (int i = 0; i < 3; i++)
        turn();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static uint32_t crowd;
    int pair[2];
    if (n < 4)
        return 0;
    if (node.listener == 0)
        world_start();
    size_t client_n = ((size_t)data[1] << 8 | data[2]) % (n - 2);
    node.answer = gw_str((const char *)data + 3 + client_n, n - 3 - client_n);
    node.closes = (data[0] & 0x80) != 0;
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
    gateway_make();
    client_new(&loop, pair[0], GW_PEER_LOOPBACK, &crowd);
    converse(pair[1], gw_str((const char *)data + 3, client_n), 1 + (size_t)(data[0] & 0x7f) * 8);
    settle();
    gw_del(loop.gw);
    loop.gw = NULL;
    return 0;
}
