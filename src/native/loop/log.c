#include "native/loop/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "native/loop/loop.h"

struct log {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more, over;
    char *fill, *writing; /* LOG_MAX bytes each; swapped */
    size_t n;
    uint64_t lost;
    bool urgent, stop, ended;
};

static struct timespec after_ms(long ms) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

/* Waits until there is something worth writing; false when there is nothing and never will be. */
static bool wait_for_lines(struct log *log) {
    while (log->n == 0 && !log->stop)
        pthread_cond_wait(&log->more, &log->lock);
    struct timespec until = after_ms(LOG_WAIT_MS);
    while (log->n < LOG_WRITE_AT && !log->urgent && !log->stop) {
        if (pthread_cond_timedwait(&log->more, &log->lock, &until) == ETIMEDOUT)
            break;
    }
    return log->n > 0;
}

static void write_all(const char *p, size_t n) {
    while (n > 0) {
        ssize_t k = write(STDERR_FILENO, p, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0 && errno == EAGAIN) {
            usleep(10000);
            continue;
        }
        if (k <= 0)
            return; /* nobody reads it any more */
        p += k;
        n -= (size_t)k;
    }
}

static void *writer(void *arg) {
    struct log *log = arg;
    pthread_mutex_lock(&log->lock);
    while (wait_for_lines(log)) {
        char *lines = log->fill;
        size_t n = log->n;
        uint64_t lost = log->lost;
        log->fill = log->writing;
        log->writing = lines;
        log->n = 0;
        log->lost = 0;
        log->urgent = false;
        pthread_mutex_unlock(&log->lock);
        write_all(lines, n);
        if (lost > 0)
            log_note(log, "warn", "%llu log lines were lost", (unsigned long long)lost);
        pthread_mutex_lock(&log->lock);
    }
    log->ended = true;
    pthread_cond_signal(&log->over);
    pthread_mutex_unlock(&log->lock);
    return NULL;
}

struct log *log_new(void) {
    pthread_condattr_t attr;
    struct log *log = calloc(1, sizeof *log);
    if (log == NULL)
        return NULL;
    log->fill = malloc(LOG_MAX);
    log->writing = malloc(LOG_MAX);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->more, &attr);
    pthread_cond_init(&log->over, &attr);
    pthread_condattr_destroy(&attr);
    if (log->fill == NULL || log->writing == NULL ||
        pthread_create(&log->thread, NULL, writer, log) != 0) {
        free(log->fill);
        free(log->writing);
        free(log);
        return NULL;
    }
    return log;
}

void log_del(struct log *log) {
    struct timespec until = after_ms(1000);
    pthread_mutex_lock(&log->lock);
    log->stop = true;
    pthread_cond_signal(&log->more);
    while (!log->ended) {
        if (pthread_cond_timedwait(&log->over, &log->lock, &until) == ETIMEDOUT)
            break;
    }
    bool ended = log->ended;
    pthread_mutex_unlock(&log->lock);
    if (!ended)
        return; /* the thread hangs in its write: the process ends without it */
    pthread_join(log->thread, NULL);
    pthread_mutex_destroy(&log->lock);
    pthread_cond_destroy(&log->more);
    pthread_cond_destroy(&log->over);
    free(log->fill);
    free(log->writing);
    free(log);
}

static void add(struct log *log, struct gw_str line, bool urgent) {
    pthread_mutex_lock(&log->lock);
    if (log->n + line.n + 1 > LOG_MAX) {
        log->lost++;
    } else {
        bool was_empty = log->n == 0, was_few = log->n < LOG_WRITE_AT;
        memcpy(log->fill + log->n, line.p, line.n);
        log->n += line.n;
        log->fill[log->n++] = '\n';
        log->urgent |= urgent;
        if (was_empty || urgent || (was_few && log->n >= LOG_WRITE_AT)) {
            pthread_cond_signal(&log->more);
        }
    }
    pthread_mutex_unlock(&log->lock);
}

void log_line(struct log *log, struct gw_str line) {
    add(log, line, false);
}

void log_record(struct loop *loop, struct gw_str line) {
    add(loop->log, line, false);
}

/* The text as the inside of a JSON string; `out` has room for twice as much. */
static void escape(const char *text, char *out) {
    size_t n = 0;
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            out[n++] = '\\';
        out[n++] = (unsigned char)*text < ' ' ? ' ' : *text;
    }
    out[n] = '\0';
}

void log_note(struct log *log, const char *level, const char *format, ...) {
    char message[LOG_MESSAGE], escaped[2 * LOG_MESSAGE], line[2 * LOG_MESSAGE + 64];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (n < 0)
        return;
    escape(message, escaped);
    n = snprintf(line, sizeof line, "{\"level\":\"%s\",\"message\":\"%s\"}", level, escaped);
    if (n > 0 && (size_t)n < sizeof line)
        add(log, gw_str(line, (size_t)n), true);
}
