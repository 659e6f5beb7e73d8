#include "native/hub.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "native/client.h"
#include "native/drive.h"
#include "native/log.h"
#include "native/loop.h"
#include "native/source.h"
#include "native/tls.h"
#include "native/upstream.h"

enum { CACHE_LINE = 64, WHY_MAX = 1024 };

/* ------------------------------------------------------------------ draining */

/* Looks after each turn whether anything is left. */
static void look_whether_over(uv_check_t *check) {
    struct loop *loop = check->data;
    if (loop->clients_n == 0 && loop->drives_n == 0)
        uv_stop(&loop->uv);
}

static void drain_late(struct timer *timer) {
    struct loop *loop = timer->uv.loop->data;
    client_stop_all(loop);
    drive_stop_all(loop);
}

static void drain(struct loop *loop) {
    if (loop->draining)
        return;
    loop->draining = true;
    uv_check_start(&loop->over, look_whether_over);
    timer_off(&loop->tasks);
    listen_stop(loop);
    client_drain(loop);
    drive_stop_tasks(loop);
    origins_close_idle(loop);
    timer_set(&loop->drain, (double)uv_now(&loop->uv) + loop->limits.drain_ms);
}

static void told_to_stop(uv_async_t *async) {
    drain(async->data);
}

static void signalled(uv_signal_t *signal, int number) {
    struct loop *loop = signal->data;
    struct hub *hub = loop->hub;
    (void)number;
    if (loop->draining) {
        log_note(hub->log, "warn", "told twice to stop: calls are cut off");
        log_del(hub->log);
        _exit(EXIT_RUNTIME);
    }
    log_note(hub->log, "info", "stopping: running calls may take another %.0f s",
             loop->limits.drain_ms / 1e3);
    for (uint32_t i = 0; i < hub->loops_n; i++)
        uv_async_send(&hub->loops[i]->stop);
}

/* ------------------------------------------------------------------ one loop */

static void tasks_due(struct timer *timer) {
    drive_tasks(timer->uv.loop->data);
}

static struct loop *loop_new(struct hub *hub) {
    struct loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL || loop_init(loop) != 0) {
        free(loop);
        return NULL;
    }
    loop->hub = hub;
    loop->log = hub->log;
    timer_init(&loop->tasks, &loop->uv, tasks_due);
    timer_init(&loop->drain, &loop->uv, drain_late);
    uv_check_init(&loop->uv, &loop->over);
    uv_async_init(&loop->uv, &loop->stop, told_to_stop);
    loop->over.data = loop->stop.data = loop;
    hub->loops[hub->loops_n++] = loop;
    return loop;
}

static int give_gateway(struct loop *loop, const struct source *source) {
    char why[WHY_MAX];
    size_t n = 0;
    uint64_t seed;
    struct gw_cells cells = {loop->hub->cells, loop->hub->loops_n};
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        return EXIT_RUNTIME;
    loop->gw = gw_new(&loop->mem, &cells, &source->gw, seed, why, sizeof why, &n);
    if (loop->gw == NULL) {
        source_complain(source, why, n);
        return EXIT_USAGE;
    }
    loop_limits(loop);
    return EXIT_GOOD;
}

static void run_loop(void *arg) {
    struct loop *loop = arg;
    listen_start(loop);
    drive_tasks(loop);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

/* Frees a loop, unless a resolver in another thread still writes into its memory. */
static void loop_free(struct loop *loop) {
    listen_stop(loop);
    client_stop_all(loop);
    if (loop->gw != NULL)
        drive_stop_all(loop);
    if (!origins_stop(loop))
        return;
    loop_del(loop);
    client_del_free(loop);
    drive_del_free(loop);
    upstream_del_free(loop);
    origins_del(loop);
    if (loop->gw != NULL)
        gw_del(loop->gw);
    free(loop);
}

/* ------------------------------------------------------------------ the process */

/* As many descriptors as we may have. */
static void raise_descriptors(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int no_memory(void) {
    (void)fprintf(stderr, "heady-gateway: not enough memory to start\n");
    return EXIT_RUNTIME;
}

/* Addresses: of the command line, else of the configuration, else the usual one. */
static int addresses(struct options *o, struct loop *loop, const struct source *source) {
    struct gw_str rest = gw_report(loop->gw, GW_SHOW_LISTEN);
    if (o->listen_n > 0)
        return EXIT_GOOD;
    while (rest.n > 0 && o->listen_n < OPTIONS_LISTEN_MAX) {
        struct gw_str line = gw_str_cut(&rest, '\n');
        if (line.n == 0)
            continue;
        if (!listen_parse(&o->listen[o->listen_n++], line.p, line.n)) {
            char why[WHY_MAX];
            int n =
                snprintf(why, sizeof why,
                         "listen: \"%.*s\" is not ADDR:PORT; write 127.0.0.1:4700 or [::1]:4700",
                         (int)line.n, line.p);
            source_complain(source, why, (size_t)n);
            return EXIT_USAGE;
        }
    }
    if (o->listen_n == 0) {
        (void)listen_parse(&o->listen[o->listen_n++], "127.0.0.1:4700", 14);
    }
    return EXIT_GOOD;
}

/* Without keys a gateway is for its own machine only. */
static int check_access(const struct options *o, struct loop *loop) {
    char text[LISTEN_TEXT];
    struct gw_str keyed = gw_show(loop->gw, GW_SHOW_KEYED, loop_time(loop));
    if (gw_str_eq(keyed, GW_STR("1")))
        return EXIT_GOOD;
    for (uint32_t i = 0; i < o->listen_n; i++) {
        if (listen_is_loopback(&o->listen[i]))
            continue;
        listen_text(&o->listen[i], text);
        (void)fprintf(stderr,
                      "heady-gateway: listening on %s without keys would open the gateway to "
                      "everybody; set GATEWAY_KEYS (see keys new), or listen on 127.0.0.1\n",
                      text);
        return EXIT_USAGE;
    }
    return EXIT_GOOD;
}

static int open_one(struct hub *hub, struct listen_address *a) {
    char text[LISTEN_TEXT];
    int err = hub->loops_n > 1 && listen_probe(a) != 0 ? listen_probe(a) : 0;
    for (uint32_t i = 0; i < hub->loops_n && err == 0; i++)
        err = listen_open(hub->loops[i], a);
    listen_text(a, text);
    if (err == 0) {
        log_note(hub->log, "info", "listening on %s", text);
        return EXIT_GOOD;
    }
    (void)fprintf(stderr, "heady-gateway: cannot listen on %s: %s%s\n", text, strerror(err),
                  err == EADDRINUSE ? "; stop what listens there or choose another --listen" : "");
    return EXIT_RUNTIME;
}

static int watch_signals(struct loop *loop, uv_signal_t *signals) {
    static const int numbers[] = {SIGTERM, SIGINT};
    for (int i = 0; i < 2; i++) {
        signals[i].data = loop;
        if (uv_signal_init(&loop->uv, &signals[i]) != 0 ||
            uv_signal_start(&signals[i], signalled, numbers[i]) != 0) {
            return no_memory();
        }
    }
    return EXIT_GOOD;
}

/* Everything that can fail is done before the first thread starts. */
static int prepare(struct hub *hub, struct options *o, const struct source *source) {
    int code = EXIT_GOOD;
    struct loop *first = loop_new(hub);
    for (uint32_t i = 1; i < o->threads && first != NULL; i++) {
        if (loop_new(hub) == NULL)
            return no_memory();
    }
    if (first == NULL)
        return no_memory();
    for (uint32_t i = 0; i < hub->loops_n && code == EXIT_GOOD; i++) {
        code = give_gateway(hub->loops[i], source);
    }
    if (code == EXIT_GOOD)
        code = addresses(o, first, source);
    if (code == EXIT_GOOD)
        code = check_access(o, first);
    for (uint32_t i = 0; i < o->listen_n && code == EXIT_GOOD; i++) {
        code = open_one(hub, &o->listen[i]);
    }
    uint64_t max = first->limits.connections_max / o->threads;
    hub->connections_max = max > 0 ? max : 1;
    return code;
}

static int serve(struct hub *hub) {
    uv_signal_t signals[2];
    uv_thread_t threads[HUB_LOOPS_MAX];
    int code = watch_signals(hub->loops[0], signals);
    if (code != EXIT_GOOD)
        return code;
    uint32_t started = 1;
    while (started < hub->loops_n &&
           uv_thread_create(&threads[started], run_loop, hub->loops[started]) == 0) {
        started++;
    }
    if (started < hub->loops_n) {
        log_note(hub->log, "error", "only %u of %u threads could be started", started,
                 hub->loops_n);
    }
    run_loop(hub->loops[0]);
    for (uint32_t i = 1; i < started; i++)
        (void)uv_thread_join(&threads[i]);
    /* the handles lie on this stack: let go of them here */
    for (int i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&signals[i], NULL);
    (void)uv_run(&hub->loops[0]->uv, UV_RUN_NOWAIT);
    return EXIT_GOOD;
}

int hub_run(struct options *options, const struct source *source) {
    struct hub hub = {0};
    int code = EXIT_RUNTIME;
    raise_descriptors();
    hub.cells = aligned_alloc(CACHE_LINE, GW_CELLS * sizeof *hub.cells);
    hub.tls_client = tls_client_new();
    hub.log = log_new();
    if (hub.cells == NULL || hub.tls_client == NULL || hub.log == NULL) {
        code = no_memory();
    } else {
        memset(hub.cells, 0, GW_CELLS * sizeof *hub.cells);
        code = prepare(&hub, options, source);
        if (code == EXIT_GOOD)
            code = serve(&hub);
    }
    for (uint32_t i = 0; i < hub.loops_n; i++)
        loop_free(hub.loops[i]);
    if (hub.log != NULL)
        log_del(hub.log);
    SSL_CTX_free(hub.tls_client);
    free(hub.cells);
    return code;
}
