#include "native/process/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "native/front/listen.h"
#include "native/loop/log.h"
#include "native/loop/loop.h"
#include "native/process/hub.h"
#include "native/process/inherit.h"
#include "native/process/notify.h"

enum { NAME_MAX_N = sizeof "given:" - 1, WHY = 160, PID_DIGITS = 20 };
#define PID_NAME "LISTEN_PID="

struct handover {
    struct hub *hub;
    pid_t pid;
    int fd; /* the pipe on which the new process says that it serves */
    uv_poll_t poll;
    uv_timer_t timer;
};

/* All that the new process needs, made before the fork: afterwards only system calls are safe. */
struct image {
    char **argv, **env;
    char pid[sizeof PID_NAME + PID_DIGITS];
    char count[32], ready[32];
    char names[sizeof "LISTEN_FDNAMES=" + INHERIT_MAX * NAME_MAX_N];
    int fds[INHERIT_MAX + 1]; /* the sockets, then the pipe */
    uint32_t n;
    sigset_t mask;
};

/* ------------------------------------------------------------------ the new process */

static void put_pid(char *out, uint64_t pid) {
    char digits[PID_DIGITS];
    size_t n = 0;
    do {
        digits[n++] = (char)('0' + pid % 10);
        pid /= 10;
    } while (pid > 0);
    while (n > 0)
        *out++ = digits[--n];
    *out = '\0';
}

/* In the child, where no other thread runs. */
static _Noreturn void become(struct image *image) {
    struct sigaction usual = {.sa_handler = SIG_DFL};
    int total = (int)image->n + 1;
    for (int number = 1; number < NSIG; number++)
        (void)sigaction(number, &usual, NULL);
    for (int i = 0; i < total; i++)
        image->fds[i] = fcntl(image->fds[i], F_DUPFD_CLOEXEC, INHERIT_FIRST + total);
    for (int i = 0; i < total; i++)
        (void)dup2(image->fds[i], INHERIT_FIRST + i);
    put_pid(image->pid + sizeof PID_NAME - 1, (uint64_t)getpid());
    (void)sigprocmask(SIG_SETMASK, &image->mask, NULL);
    (void)execvpe(image->argv[0], image->argv, image->env);
    char why = (char)errno;
    (void)!write(INHERIT_FIRST + total - 1, &why, 1);
    _exit(127);
}

/* Our environment, from which inherit_read has removed its variables, and those for the new process;
 * WATCHDOG_PID is ours and not its. */
static bool make_env(struct image *image) {
    size_t n = 0, k = 0;
    while (environ[n] != NULL)
        n++;
    image->env = calloc(n + 5, sizeof *image->env);
    if (image->env == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (strncmp(environ[i], "WATCHDOG_PID=", 13) != 0)
            image->env[k++] = environ[i];
    }
    (void)snprintf(image->count, sizeof image->count, "LISTEN_FDS=%u", image->n);
    (void)snprintf(image->ready, sizeof image->ready, "HEADY_READY_FD=%u",
                   INHERIT_FIRST + image->n);
    memcpy(image->pid, PID_NAME, sizeof PID_NAME);
    image->env[k++] = image->count;
    image->env[k++] = image->names;
    image->env[k++] = image->ready;
    image->env[k++] = image->pid;
    return true;
}

static bool add_sockets(struct image *image, struct hub *hub) {
    char *name = image->names;
    name += sprintf(name, "LISTEN_FDNAMES=");
    for (uint32_t i = 0; i < hub->peers.n; i++) {
        const struct listener *l = NULL;
        bool given;
        int fd;
        while ((fd = listen_next(hub->loops[i], &l, &given)) >= 0) {
            if (image->n == INHERIT_MAX)
                return false;
            name += sprintf(name, "%s%s", image->n > 0 ? ":" : "", given ? "given" : "own");
            image->fds[image->n++] = fd;
        }
    }
    return true;
}

static pid_t fork_quietly(struct image *image) {
    sigset_t all;
    (void)sigfillset(&all);
    /* a signal in the child must not reach the handlers, which write into a pipe of ours */
    (void)pthread_sigmask(SIG_SETMASK, &all, &image->mask);
    pid_t pid = fork();
    if (pid == 0)
        become(image);
    (void)pthread_sigmask(SIG_SETMASK, &image->mask, NULL);
    return pid;
}

/* Starts the program; the result is its process and `*ready` the pipe to hear from it, or -1. */
static pid_t start(struct hub *hub, int *ready) {
    int ends[2];
    pid_t pid = -1;
    struct image *image = calloc(1, sizeof *image);
    if (image == NULL)
        return -1;
    image->argv = hub->options->argv;
    if (add_sockets(image, hub) && make_env(image) && pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) {
        image->fds[image->n] = ends[1];
        pid = fork_quietly(image);
        close(ends[1]);
        *ready = ends[0];
        if (pid < 0)
            close(ends[0]);
    }
    free(image->env);
    free(image);
    return pid;
}

/* ------------------------------------------------------------------ waiting for it */

static void freed(uv_handle_t *timer) {
    free(timer->data);
}

static void poll_closed(uv_handle_t *poll) {
    struct handover *h = poll->data;
    close(h->fd);
    uv_close((uv_handle_t *)&h->timer, freed);
}

static void finish(struct handover *h) {
    h->hub->handover = NULL;
    uv_poll_stop(&h->poll);
    uv_timer_stop(&h->timer);
    uv_close((uv_handle_t *)&h->poll, poll_closed);
}

/* Ends the new process, if it has not ended itself, and says how it ended. */
static void end_child(pid_t pid, char how[WHY]) {
    int status = 0;
    (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status)) {
        (void)snprintf(how, WHY, "it ended with exit code %d; it has said why on standard error",
                       WEXITSTATUS(status));
    } else {
        (void)snprintf(how, WHY, "it was ended by signal %d", WTERMSIG(status));
    }
}

static void fail(struct handover *h, const char *why) {
    char how[WHY];
    end_child(h->pid, how);
    log_note(h->hub->log, "error", "the hand-over failed, this process goes on serving: %s",
             why != NULL ? why : how);
    finish(h);
}

static void succeed(struct handover *h) {
    struct hub *hub = h->hub;
    log_note(hub->log, "info",
             "process %ld has taken over; running calls here may take another %.0f s", (long)h->pid,
             hub->loops[0]->limits.drain_ms / 1e3);
    notify_main_pid(h->pid);
    hub_order(hub, HUB_LEAVE);
    finish(h);
}

static void heard(uv_poll_t *poll, int status, int events) {
    struct handover *h = poll->data;
    char byte, why[WHY];
    ssize_t n = read(h->fd, &byte, 1);
    (void)status;
    (void)events;
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n == 1 && byte == INHERIT_READY) {
        succeed(h);
    } else if (n == 1) {
        (void)snprintf(why, sizeof why, "%.60s: %s", h->hub->options->argv[0], strerror(byte));
        fail(h, why);
    } else {
        fail(h, NULL);
    }
}

static void silent(uv_timer_t *timer) {
    char why[WHY];
    (void)snprintf(why, sizeof why, "the new process did not serve within %d s and was ended",
                   HANDOVER_WAIT_MS / 1000);
    fail(timer->data, why);
}

/* ------------------------------------------------------------------ from the hub */

void handover_begin(struct hub *hub) {
    uv_loop_t *uv = &hub->loops[0]->uv;
    if (hub->loops[0]->draining || hub->handover != NULL)
        return;
    struct handover *h = calloc(1, sizeof *h);
    if (h != NULL) {
        h->hub = hub;
        h->pid = start(hub, &h->fd);
    }
    if (h == NULL || h->pid < 0) {
        log_note(hub->log, "error", "the hand-over failed, this process goes on serving: %s",
                 strerror(errno));
        free(h);
        return;
    }
    log_note(hub->log, "info", "handing over to process %ld, %.200s", (long)h->pid,
             hub->options->argv[0]);
    hub->handover = h;
    uv_poll_init(uv, &h->poll, h->fd);
    uv_timer_init(uv, &h->timer);
    h->poll.data = h->timer.data = h;
    uv_poll_start(&h->poll, UV_READABLE, heard);
    uv_timer_start(&h->timer, silent, HANDOVER_WAIT_MS, 0);
}

void handover_cancel(struct hub *hub) {
    if (hub->handover != NULL)
        fail(hub->handover, "this process was told to stop; tell the new one too");
}
