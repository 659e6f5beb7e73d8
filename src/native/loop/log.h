/*
 * The log: lines to standard error, written by a thread of their own.
 *
 * A loop hands a line over and goes on; the thread gathers for at most LOG_WAIT_MS and writes.
 * When the reader of standard error is so slow that LOG_MAX bytes wait, further lines are lost, and
 * a line says how many. Request lines are the core's (RECORD); the daemon's own messages are JSON
 * lines too, of the form {"level":...,"message":...}.
 */
#ifndef NATIVE_LOOP_LOG_H
#define NATIVE_LOOP_LOG_H

#include "base/str.h"

enum { LOG_WAIT_MS = 500, LOG_WRITE_AT = 32768, LOG_MAX = 1 << 20, LOG_MESSAGE = 1280 };

struct log;
struct loop;

/* NULL if there is no memory or no thread. */
struct log *log_new(void);
/* Writes what there is, for at most a second, and ends. */
void log_del(struct log *log);

/* One line, without its end. */
void log_line(struct log *log, struct gw_str line);
/* What the core has to say: a finished request. */
void log_record(struct loop *loop, struct gw_str line);
/* A message of the daemon's; `level` is "info", "warn" or "error". What JSON cannot hold in
 * a string is escaped; what is longer than LOG_MESSAGE is cut. */
void log_note(struct log *log, const char *level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
