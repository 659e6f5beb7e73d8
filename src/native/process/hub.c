#include "native/process/hub.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "native/drive/drive.h"
#include "native/front/client.h"
#include "native/loop/log.h"
#include "native/loop/loop.h"
#include "native/net/tls.h"
#include "native/net/upstream_tls.h"
#include "native/process/drain.h"
#include "native/process/notify.h"
#include "native/process/source.h"
#include "native/up/upstream.h"

enum { CACHE_LINE = 64, WHY_MAX = 1024, SIGNALS = 4 };

/* ------------------------------------------------------------------ orders */

void hub_tell(struct loop *loop, uint32_t orders) {
    atomic_fetch_or(&loop->orders, orders);
    uv_async_send(&loop->told);
}

void hub_order(struct hub *hub, uint32_t orders) {
    for (uint32_t i = 0; i < hub->peers.n; i++)
        hub_tell(hub->loops[i], orders);
}

static void told(uv_async_t *async) {
    struct loop *loop = async->data;
    uint32_t orders = atomic_exchange(&loop->orders, 0);
    if ((orders & HUB_BEAT) != 0)
        atomic_fetch_sub(&loop->hub->still, 1);
    if ((orders & HUB_RELOAD) != 0)
        reload_take(loop);
    if ((orders & HUB_RELOADED) != 0)
        reload_done(loop->hub);
    if ((orders & HUB_STATE) != 0)
        state_take(loop);
    if ((orders & HUB_LEAVE) != 0)
        drain_begin(loop, true);
    if ((orders & HUB_DRAIN) != 0)
        drain_begin(loop, false);
}

/* ------------------------------------------------------------------ signals */

static void stop(struct hub *hub) {
    if (hub->stopping) {
        log_note(hub->log, "warn", "told twice to stop: calls are cut off");
        log_del(hub->log);
        _exit(EXIT_RUNTIME);
    }
    hub->stopping = true;
    handover_cancel(hub);
    notify_stopping();
    log_note(hub->log, "info", "stopping: running calls may take another %.0f s",
             hub->loops[0]->limits.drain_ms / 1e3);
    hub_order(hub, HUB_DRAIN);
}

static void signalled(uv_signal_t *signal, int number) {
    struct hub *hub = signal->data;
    if (number == SIGHUP) {
        reload_begin(hub);
    } else if (number == SIGUSR2) {
        handover_begin(hub);
    } else {
        stop(hub);
    }
}

/* ------------------------------------------------------------------ the watchdog */

/* Asks every loop for a sign of life four times in each period, and passes it on when all have given
 * the last one. A draining loop may have ended: then the sign is given for it. */
static void look_alive(struct timer *timer) {
    struct hub *hub = ((struct loop *)timer->uv.loop->data)->hub;
    if (hub->loops[0]->draining) {
        notify_alive();
    } else if (atomic_load(&hub->still) == 0) {
        notify_alive();
        atomic_store(&hub->still, hub->peers.n);
        hub_order(hub, HUB_BEAT);
    }
    timer_set(timer, (double)uv_now(&hub->loops[0]->uv) + notify_alive_ms() / 4);
}

static void watch_alive(struct hub *hub) {
    if (notify_alive_ms() > 0)
        look_alive(&hub->alive);
}

/* ------------------------------------------------------------------ one loop */

static void tasks_due(struct timer *timer) {
    drive_tasks(timer->uv.loop->data);
}

/* What loops ask of those above them. */
static const struct loop_ops ops = {.flush = conn_flush, .news = state_news};

static struct loop *loop_new(struct hub *hub) {
    struct loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL || loop_init(loop, &ops, &hub->peers) != 0) {
        free(loop);
        return NULL;
    }
    loop->hub = hub;
    loop->log = hub->log;
    timer_init(&loop->tasks, &loop->uv, tasks_due);
    drain_init(loop);
    uv_async_init(&loop->uv, &loop->told, told);
    loop->told.data = loop;
    hub->loops[hub->peers.n++] = loop;
    return loop;
}

static int give_gateway(struct loop *loop, const struct source *source) {
    char why[WHY_MAX];
    size_t n = 0;
    uint64_t seed;
    struct gw_cells cells = {loop->hub->cells, loop->peers->n};
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

static int give_upstream_tls(struct hub *hub, const struct source *source) {
    char why[TLS_WHY];
    struct gw_str settings = gw_report(hub->loops[0]->gw, GW_SHOW_TLS);
    struct upstream_tls *tls = upstream_tls_new(settings, source->file, why);
    if (tls == NULL) {
        source_complain(source, why, strlen(why));
        return EXIT_USAGE;
    }
    for (uint32_t i = 0; i < hub->peers.n; i++)
        origins_take_tls(hub->loops[i], tls);
    upstream_tls_release(tls);
    return EXIT_GOOD;
}

/* The context that clients' connections begin with is one, which every loop holds. */
static int give_tls(struct hub *hub, const struct source *source) {
    char why[TLS_WHY];
    int code = give_upstream_tls(hub, source);
    if (hub->tls->cert == NULL || code != EXIT_GOOD)
        return code;
    SSL_CTX *ctx = tls_server_new(hub->tls, why);
    if (ctx == NULL) {
        (void)fprintf(stderr, "heady-gateway: %s\n", why);
        return EXIT_USAGE;
    }
    for (uint32_t i = 0; i < hub->peers.n; i++)
        tls_server_take(hub->loops[i], ctx);
    SSL_CTX_free(ctx);
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
    listen_stop(loop, false);
    client_stop_all(loop);
    if (loop->gw != NULL)
        drive_stop_all(loop);
    if (!origins_stop(loop))
        return;
    tls_server_take(loop, NULL);
    loop_del(loop);
    conn_del_free(loop);
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

/* What must not end the process before it listens to signals, and when it no longer does. */
static void ignore_signals(void) {
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGHUP, &ignore, NULL);
    (void)sigaction(SIGUSR2, &ignore, NULL);
}

static int no_memory(void) {
    (void)fprintf(stderr, "heady-gateway: not enough memory to start\n");
    return EXIT_RUNTIME;
}

/* Addresses: of the command line and of a socket unit, else of the configuration, else the usual
 * one. */
static int addresses(struct hub *hub, const struct source *source) {
    struct gw *gw = hub->loops[0]->gw;
    struct addresses wanted, *listen = &hub->options->listen;
    char why[ADDRESSES_WHY];
    if (!addresses_read(&wanted, gw, why)) {
        source_complain(source, why, strlen(why));
        return EXIT_USAGE;
    }
    reload_init(hub, source, &wanted);
    if (!inherit_addresses(hub->inherit, listen)) {
        (void)fprintf(stderr, "heady-gateway: more than %d addresses; ask for fewer\n",
                      ADDRESSES_MAX);
        return EXIT_USAGE;
    }
    if (listen->n == 0)
        *listen = wanted;
    if (listen->n == 0)
        (void)listen_parse(&listen->at[listen->n++], "127.0.0.1:4700", 14);
    if (addresses_safe(listen, gw, hub->tls->client_ca != NULL, why))
        return EXIT_GOOD;
    (void)fprintf(stderr, "heady-gateway: %s\n", why);
    return EXIT_USAGE;
}

static int open_one(struct hub *hub, struct listen_address *a) {
    char text[LISTEN_TEXT];
    int n = inherit_place(hub->inherit, hub, a), err = n < 0 ? -n : 0;
    if (n == 0 && hub->peers.n > 1)
        err = listen_probe(a);
    for (uint32_t i = 0; i < hub->peers.n && n == 0 && err == 0; i++)
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

static int watch_signals(struct hub *hub, uv_signal_t signals[SIGNALS]) {
    static const int numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP, SIGUSR2};
    for (int i = 0; i < SIGNALS; i++) {
        signals[i].data = hub;
        if (uv_signal_init(&hub->loops[0]->uv, &signals[i]) != 0 ||
            uv_signal_start(&signals[i], signalled, numbers[i]) != 0) {
            return no_memory();
        }
    }
    return EXIT_GOOD;
}

void hub_limits(struct hub *hub) {
    uint64_t max = hub->loops[0]->limits.connections_max;
    if (hub->peers.n > 1)
        max /= hub->peers.n;
    hub->peers.connections_max = max > 0 ? max : 1;
}

/* Everything that can fail is done before the first thread starts. */
static int prepare(struct hub *hub, const struct source *source) {
    struct options *o = hub->options;
    int code = EXIT_GOOD;
    for (uint32_t i = 0; i < o->threads; i++) {
        if (loop_new(hub) == NULL)
            return no_memory();
    }
    timer_init(&hub->alive, &hub->loops[0]->uv, look_alive);
    for (uint32_t i = 0; i < hub->peers.n && code == EXIT_GOOD; i++) {
        code = give_gateway(hub->loops[i], source);
    }
    if (code == EXIT_GOOD)
        code = state_init(hub, true);
    if (code == EXIT_GOOD)
        code = give_tls(hub, source);
    if (code == EXIT_GOOD)
        code = addresses(hub, source);
    for (uint32_t i = 0; i < o->listen.n && code == EXIT_GOOD; i++) {
        code = open_one(hub, &o->listen.at[i]);
    }
    hub_limits(hub);
    return code;
}

/* Starts the other loops' threads. A loop without a thread would let its connections wait for ever,
 * so it is all or nothing. */
static bool start_threads(struct hub *hub, uv_thread_t *threads, uint32_t *started) {
    while (*started < hub->peers.n) {
        int err = uv_thread_create(&threads[*started], run_loop, hub->loops[*started]);
        if (err != 0) {
            log_note(hub->log, "error",
                     "a thread could not be started: %s; ask for fewer --threads",
                     uv_strerror(err));
            return false;
        }
        (*started)++;
    }
    return true;
}

static int serve(struct hub *hub) {
    uv_signal_t signals[SIGNALS];
    uv_thread_t threads[HUB_LOOPS_MAX];
    uint32_t started = 1;
    int code = watch_signals(hub, signals);
    if (code != EXIT_GOOD)
        return code;
    if (start_threads(hub, threads, &started)) {
        watch_alive(hub);
        inherit_ready(hub->inherit);
        notify_ready();
    } else {
        code = EXIT_RUNTIME;
        hub_order(hub, HUB_DRAIN);
    }
    run_loop(hub->loops[0]);
    for (uint32_t i = 1; i < started; i++)
        (void)uv_thread_join(&threads[i]);
    /* the handles lie on this stack: let go of them here */
    for (int i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&signals[i], NULL);
    (void)uv_run(&hub->loops[0]->uv, UV_RUN_NOWAIT);
    ignore_signals();
    return code;
}

/* Asks until every target has answered, or has not within its time. */
static int ask_all(struct hub *hub, const struct source *source) {
    struct loop *loop = loop_new(hub);
    int code = loop == NULL ? no_memory() : give_gateway(loop, source);
    if (code == EXIT_GOOD)
        code = state_init(hub, false);
    if (code == EXIT_GOOD)
        code = give_upstream_tls(hub, source);
    if (code != EXIT_GOOD)
        return code;
    drive_probes(loop);
    while (loop->drives_n > 0)
        (void)uv_run(&loop->uv, UV_RUN_ONCE);
    struct gw_str table = gw_report(loop->gw, GW_SHOW_PROBES);
    bool printed = fwrite(table.p, 1, table.n, stdout) == table.n && fflush(stdout) == 0;
    return printed && gw_probes_failed(loop->gw) == 0 ? EXIT_GOOD : EXIT_RUNTIME;
}

uint64_t *hub_cells(void) {
    size_t bytes = gw_cells_n() * sizeof(uint64_t);
    uint64_t *cells = aligned_alloc(CACHE_LINE, (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
    if (cells != NULL)
        memset(cells, 0, bytes);
    return cells;
}

int hub_probe(struct options *options, const struct source *source) {
    struct hub hub = {.options = options,
                      .tls = &options->tls,
                      .cells = hub_cells(),
                      .state.lock = PTHREAD_MUTEX_INITIALIZER,
                      .log = log_new()};
    int code = hub.log == NULL || hub.cells == NULL ? no_memory() : ask_all(&hub, source);
    state_end(&hub);
    for (uint32_t i = 0; i < hub.peers.n; i++)
        loop_free(hub.loops[i]);
    bool ended = state_del(&hub);
    if (hub.log != NULL)
        log_del(hub.log);
    if (!ended)
        _exit(code);
    free(hub.cells);
    return code;
}

int hub_run(struct options *options, const struct source *source) {
    struct inherit inherit;
    struct hub hub = {.options = options,
                      .inherit = &inherit,
                      .tls = &options->tls,
                      .state.lock = PTHREAD_MUTEX_INITIALIZER};
    char why[INHERIT_WHY];
    int code = EXIT_RUNTIME;
    if (!inherit_read(&inherit, why)) {
        (void)fprintf(stderr, "heady-gateway: %s\n", why);
        inherit_del(&inherit);
        return EXIT_RUNTIME;
    }
    raise_descriptors();
    ignore_signals();
    hub.cells = hub_cells();
    hub.log = log_new();
    if (hub.cells == NULL || hub.log == NULL) {
        code = no_memory();
    } else {
        code = prepare(&hub, source);
        if (code == EXIT_GOOD)
            code = serve(&hub);
    }
    inherit_del(&inherit);
    state_end(&hub);
    for (uint32_t i = 0; i < hub.peers.n; i++)
        loop_free(hub.loops[i]);
    reload_del(&hub);
    bool ended = state_del(&hub);
    if (hub.log != NULL)
        log_del(hub.log);
    if (!ended)
        _exit(
            code); /* the store's thread is still at its disk: nothing is to be taken from under it */
    free(hub.cells);
    return code;
}
