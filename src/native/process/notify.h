/*
 * What the service manager is told: systemd's notification protocol, datagrams to NOTIFY_SOCKET.
 *
 *     when                                | datagram
 *     ------------------------------------+-----------------------------------------------
 *     the first loop is about to accept   | READY=1
 *     SIGHUP has come                     | RELOADING=1, MONOTONIC_USEC=...
 *     the reload is over, good or refused | READY=1
 *     another process has taken over      | MAINPID=...
 *     draining because of a signal        | STOPPING=1
 *     every loop has turned lately        | WATCHDOG=1
 *
 * Without NOTIFY_SOCKET nothing is sent. Sending never waits: a datagram that cannot be sent is lost.
 */
#ifndef NATIVE_PROCESS_NOTIFY_H
#define NATIVE_PROCESS_NOTIFY_H

#include <stdint.h>
#include <sys/types.h>

void notify_ready(void);
void notify_reloading(void);
void notify_main_pid(pid_t pid);
void notify_stopping(void);
void notify_alive(void);

/* How often notify_alive is wanted at least, in milliseconds; 0: never. */
double notify_alive_ms(void);

#endif
